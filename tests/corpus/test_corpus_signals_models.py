"""Perplexity and classifiers as signals, with tiny models of random weights."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from titrant.corpus.signals import find_signals
from titrant.errors import EngineError, StudyError
from titrant.study.model_filters import ModelFilters
from titrant.study.world import content_of_folder

TEXTS = ["Short.", "A longer text, of äöü and 字, " * 3, "", "x"]


def save_tokenizer(folder):
    letters = {letter: place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE({**letters, "<end>": len(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
    fast.save_pretrained(folder)


def config(**fields):
    return LlamaConfig(
        vocab_size=257, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=128, pad_token_id=256, **fields,
    )  # fmt: skip


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language-model")
    torch.manual_seed(0)
    LlamaForCausalLM(config()).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(1)
    labels = {0: "poor", 1: "fair", 2: "good"}
    LlamaForSequenceClassification(config(id2label=labels, label2id={v: k for k, v in labels.items()})).save_pretrained(
        folder
    )
    save_tokenizer(folder)
    return folder


def batch(texts):
    count = len(texts)
    columns = {"id": [f"0/{i}" for i in range(count)], "text": pa.array(texts, pa.large_string())}
    return pa.record_batch({**columns, **{name: ["x"] * count for name in ("language", "licence", "origin")}})


def pinned(declared):
    folder = Path(declared["model"])
    return {"content": content_of_folder(folder), **declared} if folder.is_absolute() else declared


def find(texts, family, **declared):
    filters = ModelFilters.model_validate({family: {"max_tokens": 64, **pinned(declared)}})
    return find_signals(batch(texts), (family,), filters).to_pylist()


def test_perplexity_is_that_of_the_model_itself(language_model):
    model = AutoModelForCausalLM.from_pretrained(language_model)
    for text, row in zip(TEXTS, find(TEXTS, "perplexity", model=str(language_model)), strict=True):
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        pieces = "".join(piece for piece, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text))
        ids = [letters.index(letter) for letter in pieces][:64]
        if len(ids) < 2:
            assert row == {"perplexity": None, "model_bits_per_byte": None}
            continue
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        nats = -sum(float(torch.log_softmax(logits[i], -1)[ids[i + 1]]) for i in range(len(ids) - 1))
        assert row["perplexity"] == pytest.approx(math.exp(nats / (len(ids) - 1)), rel=1e-5)
        assert row["model_bits_per_byte"] == pytest.approx(
            nats / math.log(2) / (len(ids) - 1), rel=0.05
        )  # a letter may be cut


def test_a_classifier_gives_the_probability_of_its_label(classifier):
    rows = {label: find(TEXTS, "classifier", model=str(classifier), label=label) for label in ("poor", "fair", "good")}
    for row in range(len(TEXTS)):
        scores = [rows[label][row]["classifier_score"] for label in rows]
        if not TEXTS[row]:
            assert scores == [None, None, None]
        else:
            assert sum(scores) == pytest.approx(1, rel=1e-4)


def test_a_score_depends_on_its_document_alone(language_model):
    together = find(TEXTS, "perplexity", model=str(language_model))
    assert together == [find([text], "perplexity", model=str(language_model))[0] for text in TEXTS]
    assert together[1] == find([TEXTS[1] + "more"], "perplexity", model=str(language_model))[0]


@pytest.mark.parametrize(
    ("declared", "error", "said"),
    [
        ({"model": "nobody/nothing"}, StudyError, "model 'nobody/nothing' is not pinned; .* as `revision`"),
        ({"label": "best"}, StudyError, "has no label 'best'; it has 'fair', 'good', 'poor'"),
        ({}, StudyError, "has 3 labels .* give the `label` whose probability"),
        ({"label": "good", "max_tokens": 200}, StudyError, "reads at most 128 tokens, and max_tokens is 200"),
    ],
)
def test_what_does_not_fit_is_one_sentence(classifier, declared, error, said):
    with pytest.raises(error, match=said):
        find(TEXTS, "classifier", **{"model": str(classifier), **declared})


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(EngineError, match="transformers cannot load the model"):
        find(TEXTS, "perplexity", model=str(tmp_path))


def test_a_family_without_its_model_is_an_error():
    with pytest.raises(StudyError, match=r"'classifier_score', and no model is declared .* as `classifier`"):
        find_signals(batch(TEXTS), ("classifier",))


def test_a_model_is_pinned_one_way():
    with pytest.raises(ValueError, match="both `revision` and `content`"):
        ModelFilters.model_validate({"perplexity": {"model": "a/b", "revision": "0" * 40, "content": "0" * 64}})


def test_a_model_that_changed_since_it_was_pinned_scores_nothing(classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "model")
    content = content_of_folder(folder)
    torch.manual_seed(2)
    LlamaForSequenceClassification.from_pretrained(folder, num_labels=1, ignore_mismatched_sizes=True).save_pretrained(
        folder
    )
    with pytest.raises(StudyError, match="is not the one that the study pinned; restore it, or plan anew"):
        find(TEXTS, "classifier", model=str(folder), content=content)


def test_a_folder_where_the_worker_runs_never_stands_for_a_model_of_the_hub(classifier, tmp_path, monkeypatch):
    shutil.copytree(classifier, tmp_path / "someone" / "judge")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineError, match="cannot load the model 'someone/judge'"):
        find(TEXTS, "classifier", model="someone/judge", revision="a" * 40, label="good")
