"""Models made elsewhere: what the engine computes with them is what transformers computes, in every family."""

import json
import re
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Model, PhiConfig, PhiForCausalLM
from transformers.activations import ACT2FN
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from outside_families import FAMILIES, VOCABULARY, batch, write_model
from titrant.errors import EngineError, StudyError
from titrant.model import library_attention
from titrant.model.build import build_model, checkpoint_weights, prove_loss
from titrant.model.outside import OutsideModel
from titrant.study.architecture import Architecture, OutsideArchitecture
from titrant.study.outside import ACTIVATIONS, ROPES, TRAINABLE
from titrant.study.phase import FromCheckpoint
from titrant.study.starting_points import model_files, read_architecture
from titrant.study.world import content_of


def outside(folder):
    architecture = read_architecture(OutsideArchitecture(hugging_face=str(folder)), folder)
    return architecture.model_copy(update={"content": content_of(model_files(folder))})


def opened(folder, precision="float32"):
    architecture = outside(folder)
    model = build_model(architecture, VOCABULARY, precision)
    weights = checkpoint_weights(FromCheckpoint(checkpoint=str(folder)), architecture, VOCABULARY)
    model.load_state_dict(dict(weights))
    return model


def gradients(model):
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def backward(model, tokens):
    model.zero_grad()
    loss = model.loss(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    return float(loss.detach()), gradients(model)


def assert_close(found, expected, tolerance=2e-4):
    assert found.keys() == expected.keys()
    for name in found:
        largest = float(expected[name].abs().max())
        assert float((found[name] - expected[name]).abs().max()) <= tolerance * largest + 1e-7, name


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_transformers(family, tmp_path):
    folder, tokens = write_model(tmp_path / family, family), batch()
    loss, found = backward(opened(folder), tokens)
    theirs = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    logits = theirs(tokens[:, :-1], use_cache=False).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    assert_close(found, gradients(theirs))


@pytest.mark.parametrize("family", ["llama", "gemma2", "gemma3", "mistral", "gpt2"])
def test_a_document_inside_a_sequence_is_computed_as_if_it_stood_alone(family, tmp_path):
    model, tokens = opened(write_model(tmp_path / family, family)), batch(rows=2, length=60).clamp(min=2)
    tokens[0, [9, 10, 44]] = tokens[1, 30] = model.separator = 1
    _, found = backward(model, tokens)
    assert prove_loss(model) < 1e-5
    model.separator = None
    total = torch.zeros(())
    model.zero_grad()
    for row, borders in ((tokens[0], (0, 9, 10, 44, 60)), (tokens[1], (0, 30, 60))):
        for begin, end in pairwise(borders):
            total = total + model.loss(row[None, begin:end], row[None, begin + 1 : end + 1], rows=120)
    total.backward()
    assert_close(found, gradients(model))


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_activations_computed_twice_change_no_bit(family, tmp_path):
    model, tokens = opened(write_model(tmp_path / family, family)), batch()
    model.separator = int(tokens[0, 20])
    loss, kept = backward(model, tokens)
    model.recompute_blocks()
    again, found = backward(model, tokens)
    assert again == loss
    assert all(torch.equal(found[name], kept[name]) for name in kept)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler sets off warnings of its own libraries
def test_compiled_blocks_compute_the_same_with_one_program_for_all(tmp_path):
    model, tokens = opened(write_model(tmp_path / "llama", "llama")), batch()
    loss, kept = backward(model, tokens)
    torch._dynamo.utils.counters.clear()
    model.compile_blocks()
    again, found = backward(model, tokens)
    assert again == pytest.approx(loss, rel=1e-6)
    assert_close(found, kept)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_the_proof_holds_for_a_family_and_not_for_one_that_scales_its_logits_unknown_to_us(family, tmp_path):
    model = opened(write_model(tmp_path / family, family))
    assert prove_loss(model) < 1e-5
    model.scale *= 1.01
    with pytest.raises(EngineError, match=r"computes something that we do not know: our loss on 96 tokens is [\d.]+ "):
        prove_loss(model)


def test_a_scale_that_no_loss_of_small_logits_would_show_is_seen_in_the_logits(tmp_path):
    model = opened(write_model(tmp_path / "cohere", "cohere", initializer_range=1e-4))
    assert prove_loss(model) < 1e-5
    model.scale = 1.0
    with pytest.raises(EngineError, match=r"logits 2.3 apart, 0.001 allowed"):
        prove_loss(model)


def test_a_model_of_few_positions_is_proven_on_as_few_tokens(tmp_path):
    assert prove_loss(opened(write_model(tmp_path / "gpt2", "gpt2", n_positions=20))) < 1e-5


def test_all_that_is_said_to_be_trainable_is_tested_and_known_to_transformers():
    assert {config.model_type for config in FAMILIES.values()} == TRAINABLE
    assert set(ACT2FN) >= ACTIVATIONS
    assert set(ROPE_INIT_FUNCTIONS) | {"default"} >= ROPES


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_act": "zorp"}, "transformers cannot build the model that config.json describes: it knows no 'zorp'"),
        ({"rope_parameters": {"rope_type": "bogus"}}, "config.json describes: it knows no 'bogus'"),
        (
            {"model_type": "flurbo"},
            r"transformers [\d.]+ knows no model type 'flurbo' \(config.json\); name another model$",
        ),
    ],
)
def test_a_config_that_transformers_cannot_build_says_what_it_does_not_know(tmp_path, changes, said):
    file = write_model(tmp_path, "llama") / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(EngineError, match=said):
        OutsideModel.of_folder(tmp_path)
    file.unlink()
    with pytest.raises(StudyError, match=r"a folder without config.json holds no model"):
        OutsideModel.of_folder(tmp_path)


def test_weights_that_overflow_are_blamed_and_not_their_family(tmp_path):
    model = opened(write_model(tmp_path, "llama"))
    with torch.no_grad():
        model.get_parameter("model.norm.weight").mul_(1e38)
    with pytest.raises(
        StudyError, match=r"the weights of this LlamaForCausalLM give numbers that are not finite: .* is inf nats"
    ):
        prove_loss(model)


def test_an_output_matrix_with_a_bias_is_refused(tmp_path):
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    PhiForCausalLM(PhiConfig(vocab_size=50, **small)).save_pretrained(tmp_path)
    with pytest.raises(EngineError, match="PhiForCausalLM has no output matrix, or one with a bias"):
        OutsideModel.of_folder(tmp_path)


def test_plain_layers_go_through_our_attention_and_windows_do_not(tmp_path, monkeypatch):
    calls = []
    ours = library_attention.causal_attention
    monkeypatch.setattr(library_attention, "causal_attention", lambda *x: calls.append(x[0].shape) or ours(*x))
    expected = {
        "llama": 3,
        "mistral": 0,
        "gemma2": 0,
        "cohere2": FAMILIES["cohere2"].layer_types.count("full_attention"),
    }
    for family, count in expected.items():
        calls.clear()
        backward(opened(write_model(tmp_path / family, family)), batch())
        assert len(calls) == count, family
        calls.clear()
        backward(opened(tmp_path / family), batch(length=16))  # no longer than the window
        assert len(calls) == (0 if family == "gemma2" else 3), family


def test_weights_are_read_one_at_a_time_from_many_files_and_in_any_format(tmp_path):
    write_model(tmp_path / "one", "llama")
    write_model(tmp_path / "many", "llama", max_shard_size="20KB")
    write_model(tmp_path / "half", "llama", dtype=torch.bfloat16)
    assert len(list((tmp_path / "many").glob("*.safetensors"))) > 3
    one, many, half = (dict(opened(tmp_path / name).state_dict()) for name in ("one", "many", "half"))
    assert all(torch.equal(one[name], many[name]) for name in one)
    assert all(weights.dtype == torch.float32 for weights in half.values())
    assert all(torch.equal(one[name].bfloat16().float(), half[name]) for name in one)


def test_names_are_those_of_transformers_without_buffers_and_without_a_tied_output(tmp_path):
    for family in ("llama", "gemma3", "gpt2"):
        folder = write_model(tmp_path / family, family)
        model = opened(folder)
        names = set(load_file(folder / "model.safetensors"))
        assert set(model.state_dict()) == {name for name, _ in model.named_parameters()} == names


def test_a_checkpoint_saved_without_the_outer_name_is_read(tmp_path):
    folder = write_model(tmp_path / "whole", "gpt2")
    GPT2Model.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    config = json.loads((tmp_path / "bare/config.json").read_text())
    (tmp_path / "bare/config.json").write_text(json.dumps(config | {"architectures": ["GPT2LMHeadModel"]}))
    assert "wte.weight" in load_file(tmp_path / "bare/model.safetensors")
    bare, whole = opened(tmp_path / "bare").state_dict(), opened(folder).state_dict()
    assert all(torch.equal(bare[name], whole[name]) for name in whole)


def test_a_checkpoint_of_another_architecture_says_which_tensors_differ(tmp_path):
    write_model(tmp_path / "small", "llama")
    write_model(tmp_path / "wide", "llama", intermediate_size=64)
    expected = (
        "is of another architecture: 9 of 30 tensors differ: 'model.layers.0.mlp.down_proj.weight' is [32, 64] and not "
        "[32, 48]; 'model.layers.0.mlp.gate_proj.weight' is [64, 32] and not [48, 32]; "
        "'model.layers.0.mlp.up_proj.weight' is [64, 32] and not [48, 32]; and 6 more"
    )
    with pytest.raises(StudyError, match=re.escape(expected)):
        checkpoint_weights(FromCheckpoint(checkpoint=str(tmp_path / "wide")), outside(tmp_path / "small"), VOCABULARY)


def test_weights_that_are_not_finite_are_named(tmp_path):
    folder = write_model(tmp_path / "llama", "llama")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] = torch.inf
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(StudyError, match=r"holds infinite or undefined numbers, in 'model.norm.weight'"):
        opened(folder)


def test_a_folder_that_changed_or_went_away_is_refused(tmp_path):
    folder = write_model(tmp_path / "llama", "llama")
    architecture = outside(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope_theta": 5.0}))
    with pytest.raises(StudyError, match=r"configuration in '.*llama' changed since the run was planned"):
        build_model(architecture, VOCABULARY, "float32")
    with pytest.raises(StudyError, match="does not exist on this machine"):
        build_model(architecture.model_copy(update={"hugging_face": "/nowhere"}), VOCABULARY, "float32")
    with pytest.raises(StudyError, match=r"the tokenizer has 301 entries and the embedding .* 300 rows"):
        build_model(outside(folder), 301, "float32")


def test_new_weights_depend_on_seed_and_name_alone(tmp_path):
    write_model(tmp_path / "three", "llama")
    write_model(tmp_path / "two", "llama", num_hidden_layers=2)
    model = build_model(outside(tmp_path / "three"), VOCABULARY, "float32")
    three, other = dict(model.initial_weights(5)), dict(model.initial_weights(6))
    torch.manual_seed(9)
    again = dict(build_model(outside(tmp_path / "two"), VOCABULARY, "float32").initial_weights(5))
    assert three.keys() == dict(model.named_parameters()).keys()
    assert all(torch.equal(again[name], three[name]) for name in again)
    assert not torch.equal(three["lm_head.weight"], other["lm_head.weight"])
    first, second = (three[f"model.layers.{layer}.mlp.up_proj.weight"] for layer in (0, 1))
    assert not torch.equal(first, second)
    assert float(first.std()) == pytest.approx(0.1, rel=0.1)  # initializer_range
    assert bool((three["model.norm.weight"] == 1).all())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_all_of_its_weights(family, tmp_path):
    model = OutsideModel.of_folder(write_model(tmp_path / family, family))
    drawn = dict(model.initial_weights(1))
    model.load_state_dict(drawn)
    assert {name: weights.shape for name, weights in drawn.items()} == {
        name: parameter.shape for name, parameter in model.named_parameters()
    }
    assert prove_loss(model) < 1e-5


def test_a_model_made_on_the_meta_device_keeps_its_buffers(tmp_path):
    folder = write_model(tmp_path / "gemma3", "gemma3")
    with torch.device("meta"):
        model = build_model(outside(folder), VOCABULARY, "float32")
    assert all(parameter.is_meta for parameter in model.parameters())
    model.to_empty(device="cpu")
    model.load_state_dict(dict(checkpoint_weights(FromCheckpoint(checkpoint=str(folder)), outside(folder), VOCABULARY)))
    assert backward(model, batch())[0] == backward(opened(folder), batch())[0]


def test_bfloat16_has_float32_gradients_and_copies_once_for_many_passes(tmp_path):
    folder, tokens = write_model(tmp_path / "llama", "llama"), batch(length=64)
    exact, _ = backward(opened(folder), tokens)
    model = opened(folder, "bfloat16")
    loss, alone = backward(model, tokens)
    with model.holding_copies():
        held, together = backward(model, tokens)
    assert loss == held == pytest.approx(exact, rel=5e-3)
    assert loss != exact
    assert all(gradient.dtype == torch.float32 for gradient in alone.values())
    assert all(torch.equal(alone[name], together[name]) for name in alone)
    model.load_state_dict({name: weights * 2 for name, weights in model.state_dict().items()})
    assert backward(model, tokens)[0] != loss  # no copy outlives its weights


def test_dropout_is_off_and_padding_is_a_token_like_others(tmp_path):
    folder = write_model(tmp_path / "llama", "llama", attention_dropout=0.5, pad_token_id=0)
    model, tokens = opened(folder), batch()
    tokens[0, 5] = 0
    model.train()
    loss, found = backward(model, tokens)
    assert backward(model, tokens)[0] == loss
    assert bool(found["model.embed_tokens.weight"][0].abs().sum() > 0)


def test_matrices_that_lie_side_by_side_are_told_apart(tmp_path):
    phi, gpt2, llama = (opened(write_model(tmp_path / name, name)) for name in ("phi3", "gpt2", "llama"))
    assert phi.fused_parts("model.layers.0.self_attn.qkv_proj.weight") == (0, (32, 16, 16))
    assert phi.fused_parts("model.layers.1.mlp.gate_up_proj.weight") == (0, (48, 48))
    assert gpt2.fused_parts("transformer.h.0.attn.c_attn.weight") == (1, (32, 32, 32))
    assert llama.fused_parts("model.layers.0.self_attn.q_proj.weight") == (0, (32,))
    assert llama.decayed() == {
        name for name, weights in llama.named_parameters() if ".layers." in name and weights.ndim == 2
    }
    assert len(llama.units()) == 3
    neox = opened(write_model(tmp_path / "gpt_neox", "gpt_neox"))
    with pytest.raises(
        StudyError, match=r"Muon cannot train GPTNeoXForCausalLM: 'gpt_neox.layers.0.attention.query_key"
    ):
        neox.fused_parts("gpt_neox.layers.0.attention.query_key_value.weight")


def test_the_reference_block_comes_out_of_the_same_door(tmp_path):
    architecture = Architecture(layers=1, width=16, heads=2, ffn_width=24)
    model = build_model(architecture, 300, "float32")
    assert type(model).__name__ == "Transformer"
    assert prove_loss(model) == 0.0
