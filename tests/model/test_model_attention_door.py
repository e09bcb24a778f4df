"""The attention door: texts read together, shuffled, with an attention of one's own, are what each is alone."""

import pytest
import torch
from transformers import AutoModelForCausalLM, FalconConfig, GptOssConfig, Lfm2Config, MambaConfig

from outside_families import COMMON, FAMILIES
from titrant.model.attention_door import attend_within_texts
from titrant.model.outside import OutsideModel
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture

WINDOWED = {"mistral", "gemma3", "cohere2", "olmo3", "exaone4", "ministral"}
SOFT_CAPPED = {"gemma2"}


def opened(config):
    torch.manual_seed(0)
    return OutsideModel(AutoModelForCausalLM.from_config(config, dtype=torch.float32), {}).eval()


def family(name, **changes):
    return type(FAMILIES[name]).from_dict(FAMILIES[name].to_dict() | changes)


def reference(**changes):
    model = Transformer(Architecture(layers=2, width=32, heads=4, ffn_width=48, **changes), vocabulary=300)
    model.initialise(1)
    return model.eval()


def read_together(model, texts):
    """Hidden states of each text, all read in one row of shuffled tokens."""
    sizes = [len(text) for text in texts]
    order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(3))
    owner = torch.repeat_interleave(torch.tensor(sizes))[order]
    positions = torch.cat([torch.arange(size) for size in sizes])[order]
    with torch.no_grad():
        row = model.hidden_with(attend_within_texts(owner, positions), torch.cat(texts)[order][None], positions[None])
    back = torch.empty_like(row[0])
    back[order] = row[0]
    return back.split(sizes)


def some_texts():
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(300, (size,), generator=generator) for size in (1, 70, 16, 33)]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_door_is_open_for_plain_attention_and_closed_for_windows_and_soft_caps(name):
    assert opened(FAMILIES[name]).attends_plainly == (name not in WINDOWED | SOFT_CAPPED)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - WINDOWED - SOFT_CAPPED))
def test_texts_read_together_are_what_each_is_alone_in_every_family(name):
    model, texts = opened(FAMILIES[name]), some_texts()
    for text, found in zip(texts, read_together(model, texts), strict=True):
        torch.testing.assert_close(found, model(text[None])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"tied_embeddings": False, "logit_scale": 0.3}])
def test_texts_read_together_are_what_each_is_alone_in_our_model(changes):
    model, texts = reference(**changes), some_texts()
    assert model.attends_plainly
    for text, found in zip(texts, read_together(model, texts), strict=True):
        torch.testing.assert_close(found, model(text[None])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gemma3", "mistral"])
def test_a_window_as_long_as_the_longest_text_closes_no_door(name):
    assert opened(family(name, sliding_window=128)).attends_plainly
    assert not opened(family(name, sliding_window=127)).attends_plainly


@pytest.mark.parametrize(
    "config",
    [
        FalconConfig(**COMMON | {"alibi": True, "num_attention_heads": 4}, new_decoder_architecture=False),
        GptOssConfig(**COMMON, head_dim=8, num_local_experts=2, num_experts_per_tok=1),
        Lfm2Config(**COMMON, layer_types=["conv", "full_attention", "conv"]),
        MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2),
        family("llama", rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}),
    ],
    ids=lambda config: config.model_type,
)
@pytest.mark.filterwarnings("ignore")  # state-space models say which fast kernels are not installed
def test_the_door_is_closed_for_all_else_that_mixes_positions(config):
    assert not opened(config).attends_plainly


def test_within_documents_the_door_is_closed_as_is_one_without_weights():
    model = opened(FAMILIES["llama"])
    model.separator = 0
    assert not model.attends_plainly
    ours = reference()
    ours.separator = 0
    assert not ours.attends_plainly
    empty = opened(FAMILIES["llama"])
    with torch.no_grad():
        for parameter in empty.parameters():
            parameter.zero_()
    assert not empty.attends_plainly


def test_asking_leaves_the_model_as_it_was():
    model = opened(FAMILIES["llama"]).train()
    text = some_texts()[1][None]
    before = model(text)
    assert model.attends_plainly
    assert model.training
    assert torch.equal(model(text), before)
