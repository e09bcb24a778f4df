"""An outside model that was trained leaves as it came: plain transformers loads it and computes the same."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from outside_families import VOCABULARY, batch, write_model, write_tokenizer
from titrant.artifacts import FORMAT, Record, TokenizerFile
from titrant.errors import EngineError, StoreError, StudyError
from titrant.model import outside_export
from titrant.model.outside import OutsideModel
from titrant.model.outside_export import export_outside


@pytest.fixture
def tokenizer(tmp_path):
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    write_tokenizer(folder / "tokenizer.json")
    summary = TokenizerFile(vocabulary=VOCABULARY, end_of_text_id=0, content="0" * 64, bytes_per_token={})
    record = Record(
        format=FORMAT, kind="tokenizer", version=1, fingerprint="", declaration={}, inputs={}, files={},
        summary=summary.model_dump(),
    )  # fmt: skip
    (folder / "record.json").write_text(record.model_dump_json())
    return folder


def trained(tmp_path, family, **changes):
    """A finished train job's folder: the model after a step away from its weights."""
    model = OutsideModel.of_folder(write_model(tmp_path / "source", family, **changes))
    model.load_state_dict(dict(model.initial_weights(3)))
    folder = tmp_path / "train"
    folder.mkdir()
    save_file(model.state_dict(), folder / "model.safetensors")
    model.write_config(folder)
    return model, folder


@pytest.mark.parametrize("family", ["llama", "gemma2", "gemma3", "cohere2", "phi3", "gpt_neox"])
def test_plain_transformers_reads_what_was_trained(family, tmp_path, tokenizer):
    model, folder = trained(tmp_path, family)
    assert export_outside(folder, tokenizer, tmp_path / "out", sequence_length=64) < 1e-4
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert loaded.dtype == torch.float32
    tokens = batch()
    with torch.no_grad():
        torch.testing.assert_close(loaded(tokens).logits, model.logits(tokens), rtol=1e-4, atol=1e-4)
    assert (loaded.config.eos_token_id, loaded.generation_config.eos_token_id) == (0, 0)
    text = "def f(x):\n    return x + 10  # ünd\n"
    opened = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert opened.decode(opened(text)["input_ids"]) == text
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_studys_end_of_text_comes_before_those_of_the_model(tmp_path, tokenizer):
    _, folder = trained(tmp_path, "llama", eos_token_id=[7, 9])
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    export_outside(folder, tokenizer, tmp_path / "out", sequence_length=64)
    for name in ("config.json", "generation_config.json"):
        assert json.loads((tmp_path / "out" / name).read_text())["eos_token_id"] == [0, 7, 9]
    assert (tmp_path / "out/chat_template.jinja").read_text() == "{{ messages }}"


@pytest.mark.parametrize(("given", "named"), [([7, 0], [0, 7]), ([0, 7], [0, 7]), ([0], 0), (7, [0, 7])])
def test_the_studys_end_of_text_is_first_wherever_the_model_names_it(given, named, tmp_path, tokenizer):
    _, folder = trained(tmp_path, "llama", eos_token_id=given)
    export_outside(folder, tokenizer, tmp_path / "out", sequence_length=64)
    for name in ("config.json", "generation_config.json"):
        assert json.loads((tmp_path / "out" / name).read_text())["eos_token_id"] == named


def test_the_models_tokenizer_settings_come_along_unless_they_would_make_another_tokenizer(tmp_path, tokenizer):
    _, folder = trained(tmp_path, "llama")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    export_outside(folder, tokenizer, tmp_path / "kept", sequence_length=64)
    assert AutoTokenizer.from_pretrained(tmp_path / "kept").model_max_length == 77
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"tokenizer_class": "GemmaTokenizer"}))
    export_outside(folder, tokenizer, tmp_path / "own", sequence_length=64)
    assert AutoTokenizer.from_pretrained(tmp_path / "own").model_max_length == 64


def test_an_export_that_reads_back_otherwise_is_refused_and_leaves_nothing(tmp_path, tokenizer, monkeypatch):
    _, folder = trained(tmp_path, "granite")
    honest = outside_export._name_end_of_text

    def other(out, end_of_text_id):
        honest(out, end_of_text_id)
        config = json.loads((out / "config.json").read_text())
        (out / "config.json").write_text(json.dumps(config | {"logits_scaling": 5.0}))

    monkeypatch.setattr(outside_export, "_name_end_of_text", other)
    with pytest.raises(EngineError, match=r"another model than was trained: a logit differs by [\d.e-]+, and at most"):
        export_outside(folder, tokenizer, tmp_path / "out", sequence_length=64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "tokenizer", "train"]


def test_weights_of_another_model_and_a_folder_that_exists_are_refused(tmp_path, tokenizer):
    _, folder = trained(tmp_path, "llama")
    with pytest.raises(StudyError, match="exists already"):
        export_outside(folder, tokenizer, tmp_path / "source", sequence_length=64)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(33)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(StoreError, match=r"holds weights of another model \(size mismatch for model.norm.weight"):
        export_outside(folder, tokenizer, tmp_path / "out", sequence_length=64)
