"""What models say of documents: perplexity and bits per byte of a language model, the score of a classifier.

Each document is read alone, in float32, from its beginning up to the declared number of tokens: a score depends on
the document and the model, on no batch and on no other document. Scores are kept to six digits, because the last bits
may differ between machines. A model is loaded once in a process.

    perplexity           exp of the mean of -ln p(token | tokens before it), over all tokens but the first
    model_bits_per_byte  the sum of the same, in bits, by the UTF-8 bytes of the characters that those tokens touch
    classifier_score     the probability of the declared label, or the one output of a regression
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from titrant.corpus.signals.characters import Floats
from titrant.corpus.signals.texts import Texts
from titrant.errors import EngineError, StudyError
from titrant.study.declaration import listing
from titrant.study.model_filters import Classifier, FilterModel, Perplexity
from titrant.study.world import content_of_folder

DIGITS = 6
"""Significant digits of a score that are kept."""
MODEL_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What is fetched of a model on the hub."""
LARGEST_NATS = 700
"""Nats a token at which a perplexity ends, so that it is a number."""


def find_perplexity(texts: Texts, declared: Perplexity) -> dict[str, Floats]:
    """The signals of the family `perplexity`; null for a text of fewer than two tokens.

    Raises StudyError if there is no such model, EngineError if it cannot be loaded.
    """
    score = _language_model(declared)
    found = np.array([score(text) for text in texts.characters.texts], np.float64).reshape(-1, 2)
    return {"perplexity": found[:, 0], "model_bits_per_byte": found[:, 1]}


def find_classifier_score(texts: Texts, declared: Classifier) -> dict[str, Floats]:
    """The signal of the family `classifier`; null for a text without tokens.

    Raises StudyError if there is no such model or label, EngineError if it cannot be loaded.
    """
    score = _classifier(declared)
    return {"classifier_score": np.array([score(text) for text in texts.characters.texts], np.float64)}


@cache
def _language_model(declared: Perplexity) -> Callable[[str], tuple[float, float]]:
    import torch

    tokenizer, model = _load(declared, "AutoModelForCausalLM")

    def score(text: str) -> tuple[float, float]:
        encoded = tokenizer(text, truncation=True, max_length=declared.max_tokens, return_offsets_mapping=True)
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        if len(ids) < 2:
            return math.nan, math.nan
        with torch.inference_mode():
            logits_TV = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, :-1].float()
            targets_T = torch.tensor(ids[1:], device=model.device)
            nats = float(torch.nn.functional.cross_entropy(logits_TV, targets_T, reduction="sum"))
        read = text[offsets[0][1] : max(end for _, end in offsets)]
        size = len(read.encode())
        mean = nats / (len(ids) - 1)
        bits = _kept(nats / math.log(2) / size) if size else math.nan
        return _kept(math.exp(min(mean, LARGEST_NATS))), bits

    return score


@cache
def _classifier(declared: Classifier) -> Callable[[str], float]:
    import torch

    tokenizer, model = _load(declared, "AutoModelForSequenceClassification")
    place = _place_of_label(declared, {int(place): name for place, name in model.config.id2label.items()})

    def score(text: str) -> float:
        ids = tokenizer(text, truncation=True, max_length=declared.max_tokens)["input_ids"]
        if not ids:
            return math.nan
        with torch.inference_mode():
            logits_L = model(input_ids=torch.tensor([ids], device=model.device)).logits[0].float()
            scores_L = logits_L if declared.label is None else torch.softmax(logits_L, dim=-1)
        return _kept(float(scores_L[place]))

    return score


def _place_of_label(declared: Classifier, labels: dict[int, str]) -> int:
    if declared.label is None:
        if len(labels) != 1:
            raise StudyError(
                f"classifier '{declared.model}' has {len(labels)} labels ({listing(sorted(labels.values()))}); give "
                "the `label` whose probability is the score"
            )
        return 0
    if declared.label not in labels.values():
        raise StudyError(
            f"classifier '{declared.model}' has no label '{declared.label}'; it has {listing(sorted(labels.values()))}"
        )
    return next(place for place, name in labels.items() if name == declared.label)


def _load(declared: FilterModel, kind: str) -> tuple[Any, Any]:
    """The tokenizer and the model; weights as safetensors only, because others can run code."""
    if declared.content is None and declared.revision is None:
        raise StudyError(
            f"model '{declared.model}' is not pinned; pin the study if it is a folder, and give the commit to take as "
            "`revision` if it is a name on the hub"
        )
    _check_pinned(declared)
    import transformers

    try:
        folder = Path(declared.model) if declared.content is not None else _fetched(declared)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True, local_files_only=True)
        model = getattr(transformers, kind).from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except Exception as error:  # the library raises many kinds for a bad file
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EngineError(f"transformers cannot load the model '{declared.model}': {said}") from error
    _check_pinned(declared)  # nor was it written to while it was read
    if not tokenizer.is_fast:
        raise EngineError(f"the tokenizer of model '{declared.model}' has no tokenizer.json; save it as a fast one")
    positions = getattr(model.config, "max_position_embeddings", None) or declared.max_tokens
    if declared.max_tokens > positions:
        raise StudyError(
            f"model '{declared.model}' reads at most {positions} tokens, and max_tokens is {declared.max_tokens}; "
            "lower it"
        )
    return tokenizer, model.float().eval()


def _check_pinned(declared: FilterModel) -> None:
    if declared.content is not None and content_of_folder(Path(declared.model)) != declared.content:
        raise StudyError(
            f"the model in '{declared.model}' is not the one that the study pinned; restore it, or plan anew"
        )


def _fetched(declared: FilterModel) -> Path:
    """The folder of a model of the hub at its revision: never one that happens to lie where the worker runs."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(declared.model, revision=declared.revision, allow_patterns=list(MODEL_FILES)))


def _kept(score: float) -> float:
    return float(f"{score:.{DIGITS}g}")
