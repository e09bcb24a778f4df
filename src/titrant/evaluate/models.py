"""Models as scorers: the reference model from a file of weights, and any causal model of Hugging Face from its folder.

Both become the two functions that `CausalScorer` needs, in float32, on a GPU if there is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from titrant.artifacts import read_record
from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.likelihood import CausalScorer
from titrant.model.device import pick_device
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture


class TrainedModel:
    """The model of a train job, whose weights are changed for each milestone."""

    def __init__(self, train: Path, vocabulary: int) -> None:
        """`train` is the folder of a Checkpoint; its record says the architecture and the window."""
        declaration = read_record(train).declaration
        architecture = Architecture.model_validate(declaration["architecture"])
        self._device = pick_device()
        self._model = Transformer(architecture, vocabulary, "float32").to(self._device).eval()
        self._window = int(str(declaration["sequence_length"]))

    def scorer(self, weights: Path) -> CausalScorer:
        """The scorer of one file of weights, good until the next call. Raises StoreError if they do not fit."""
        try:
            tensors = load_file(weights, device=str(self._device))
            self._model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        except (OSError, RuntimeError, SafetensorError) as error:
            raise StoreError(
                f"{weights} does not hold this model's weights: {error}; delete it and train again"
            ) from None
        return scorer_of(self._model, self._window)


def scorer_of(model: Transformer, window: int) -> CausalScorer:
    """The scorer of a reference model in memory."""

    def logits(hidden_ND: Tensor) -> Tensor:
        return hidden_ND @ model.readout.weight.T

    return CausalScorer(model, logits, window, model.vocabulary, next(model.parameters()).device)


def load_outside(folder: Path, window: int | None = None) -> tuple[CausalScorer, Encoder]:
    """The scorer and the encoder of a Hugging Face causal language model saved in a folder with its tokenizer.json.

    `window` shortens the context below what the model's config allows. Raises StudyError if a file is missing or the
    model names no end-of-text token, EngineError if transformers cannot load it. Nothing is downloaded.
    """
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise StudyError(
                f"'{folder}' holds no {name}: give a folder as `save_pretrained` writes it, tokenizer included"
            )
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        raise EngineError(f"transformers cannot load the model in '{folder}': {_first_line(error)}") from None
    model = model.to(pick_device()).eval()
    config = json.loads((folder / "config.json").read_bytes())
    largest = config.get("max_position_embeddings") or config.get("n_positions") or 2048
    encoder = Encoder(folder / "tokenizer.json", _end_of_text_id(config, folder))
    return _outside_scorer(model, min(window or largest, largest)), encoder


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _outside_scorer(model: Any, window: int) -> CausalScorer:
    def forward(tokens_BT: Tensor) -> Tensor:
        # the library's own head is kept, with whatever scaling or capping it does: "hidden" are already logits
        logits_BTV: Tensor = model(input_ids=tokens_BT, use_cache=False).logits
        return logits_BTV

    def logits(logits_NV: Tensor) -> Tensor:
        return logits_NV

    vocabulary = model.get_input_embeddings().weight.shape[0]
    # whole logits are held for a batch, so a batch is as small as the vocabulary is large
    batch_tokens = max(window, 2**26 // vocabulary)
    return CausalScorer(forward, logits, window, vocabulary, model.device, min(8192, batch_tokens))


def _end_of_text_id(config: dict[str, Any], folder: Path) -> int:
    ids = config.get("eos_token_id", config.get("bos_token_id"))
    first = ids[0] if isinstance(ids, list) and ids else ids
    if not isinstance(first, int):
        raise StudyError(
            f"'{folder / 'config.json'}' names no eos_token_id; add the token that separates its documents"
        )
    return first
