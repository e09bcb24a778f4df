"""Export and import: what transformers reads is what was trained, and what differs is refused by name."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from titrant.artifacts import FORMAT, Record, TokenizerFile
from titrant.errors import EngineError, StoreError, StudyError
from titrant.model import hugging_face
from titrant.model.hugging_face import export_checkpoint, from_cohere, import_checkpoint, to_cohere
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture

TINY = Architecture(layers=2, width=32, heads=4, ffn_width=48, logit_scale=0.5)
VOCABULARY = 258


def _checkpoint(folder, architecture=TINY, vocabulary=VOCABULARY, factor=1.0):
    folder.mkdir()
    model = Transformer(architecture, vocabulary)
    model.initialise(seed=4)
    save_file({name: weights * factor for name, weights in model.state_dict().items()}, folder / "model.safetensors")
    return folder


def _tokenizer(folder, vocabulary=VOCABULARY):
    folder.mkdir()
    entries = sorted(pre_tokenizers.ByteLevel.alphabet()) + [f"<{i}>" for i in range(vocabulary - 257)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(entries)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    summary = TokenizerFile(vocabulary=vocabulary, end_of_text_id=vocabulary - 1, content="0" * 64, bytes_per_token={})
    record = Record(
        format=FORMAT,
        kind="tokenizer",
        version=1,
        fingerprint="",
        declaration={},
        inputs={},
        files={},
        summary=summary.model_dump(),
    )
    (folder / "record.json").write_text(record.model_dump_json())
    return folder


@pytest.fixture
def exported(tmp_path):
    checkpoint, tokenizer = _checkpoint(tmp_path / "train"), _tokenizer(tmp_path / "tokenizer")
    export_checkpoint(checkpoint, tokenizer, TINY, tmp_path / "out", sequence_length=96)
    return tmp_path / "out"


def test_an_export_is_a_whole_model_that_transformers_opens_by_itself(exported):
    model = AutoModelForCausalLM.from_pretrained(exported)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    assert type(model).__name__ == "CohereForCausalLM"
    assert model.config.max_position_embeddings == 96
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|endoftext|>", VOCABULARY - 1)
    assert model.config.eos_token_id == model.generation_config.eos_token_id == VOCABULARY - 1
    assert tokenizer.decode(tokenizer("Rosencrantz, ünd\n")["input_ids"]) == "Rosencrantz, ünd\n"
    assert not [path for path in exported.parent.iterdir() if path.name.startswith(".")]


def test_what_is_exported_and_imported_again_is_bit_for_bit_the_same(exported, tmp_path):
    state = import_checkpoint(exported, TINY, VOCABULARY)
    trained = load_file(tmp_path / "train/model.safetensors")
    assert state.keys() == trained.keys()
    assert all(torch.equal(state[name], trained[name]) for name in state)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(
    ("width", "heads", "layers", "vocabulary", "factor"),
    [(128, 4, 6, 300, 1.0), (512, 8, 2, 1024, 1.0), (128, 4, 6, 300, 4.0), (2048, 16, 1, 512, 1.0)],
)
def test_the_proof_holds_for_small_wide_and_trained_looking_models(
    tmp_path, tied, width, heads, layers, vocabulary, factor
):
    architecture = Architecture(layers=layers, width=width, heads=heads, ffn_width=width * 2, tied_embeddings=tied)
    checkpoint = _checkpoint(tmp_path / "train", architecture, vocabulary, factor)
    difference = export_checkpoint(
        checkpoint, _tokenizer(tmp_path / "tokenizer", vocabulary), architecture, tmp_path / "out"
    )
    assert difference <= (1e-5 if factor == 1 else 1e-4)  # weights four times as large: logits of 10 and more


def test_names_go_there_and_back():
    architecture = TINY.model_copy(update={"tied_embeddings": False})
    model = Transformer(architecture, 50)
    model.initialise(seed=1)
    state = model.state_dict()
    back = from_cohere(to_cohere(state, architecture), architecture)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)


def test_an_export_that_reads_back_otherwise_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    checkpoint, tokenizer = _checkpoint(tmp_path / "train"), _tokenizer(tmp_path / "tokenizer")
    honest = hugging_face.cohere_config
    monkeypatch.setattr(
        hugging_face, "cohere_config", lambda a, *rest: honest(a.model_copy(update={"rope_theta": 9_000.0}), *rest)
    )
    with pytest.raises(
        EngineError, match=r"another model than was trained: a logit differs by [\d.e-]+, and at most 1e-05"
    ):
        export_checkpoint(checkpoint, tokenizer, TINY, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokenizer", "train"]


def test_an_export_overwrites_nothing(exported, tmp_path):
    with pytest.raises(StudyError, match="exists already"):
        export_checkpoint(tmp_path / "train", tmp_path / "tokenizer", TINY, exported)


def test_a_tokenizer_of_another_study_is_refused(tmp_path):
    checkpoint, tokenizer = _checkpoint(tmp_path / "train"), _tokenizer(tmp_path / "tokenizer", 300)
    with pytest.raises(StoreError, match=r"has 300 entries and the model in .* 258"):
        export_checkpoint(checkpoint, tokenizer, TINY, tmp_path / "out")


def test_an_outside_checkpoint_that_differs_is_refused_with_every_difference(exported):
    declared = TINY.model_copy(update={"layers": 3, "ffn_width": 64, "rope_theta": 500.0, "tied_embeddings": False})
    with pytest.raises(StudyError) as caught:
        import_checkpoint(exported, declared, 300)
    text = str(caught.value)
    assert len(caught.value.problems) == 5
    assert "vocab_size 258 where the study needs 300 (the tokenizer's vocabulary)" in text
    assert "num_hidden_layers 2 where the study needs 3 (layers)" in text
    assert "'rope_theta': 10000.0" in text


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "llama"}'), "holds a 'llama' model"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 99), "weights in .* cannot be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), "weights in .* cannot be read"),
    ],
)
def test_a_folder_that_is_no_such_checkpoint_is_refused_in_words(exported, spoil, message):
    spoil(exported)
    with pytest.raises(StudyError, match=message):
        import_checkpoint(exported, TINY, VOCABULARY)


def test_weights_that_lack_a_tensor_or_hold_nan_are_refused(exported, tmp_path):
    whole = load_file(exported / "model.safetensors")
    copy = shutil.copytree(exported, tmp_path / "copy")
    save_file(
        {n: w for n, w in whole.items() if "layers.1.mlp.up" not in n}, copy / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(StudyError, match=r"lack 'model\.layers\.1\.mlp\.up_proj.weight'"):
        import_checkpoint(copy, TINY, VOCABULARY)
    whole["model.norm.weight"][3] = torch.nan
    save_file(whole, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(StudyError, match=r"infinite or undefined numbers, first in 'norm.weight'"):
        import_checkpoint(copy, TINY, VOCABULARY)


def test_biases_are_refused(exported):
    config = json.loads((exported / "config.json").read_text())
    (exported / "config.json").write_text(json.dumps({**config, "attention_bias": True}))
    with pytest.raises(StudyError, match="attention_bias True where the study needs False"):
        import_checkpoint(exported, TINY, VOCABULARY)
