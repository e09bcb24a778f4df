"""Models as scorers: those of train jobs from a file of weights, and any causal model of Hugging Face from its folder.

All become what `CausalScorer` needs, in float32, on a GPU if there is one: a model made elsewhere goes the way of one
that was trained here from its weights. Only where what it computes behind its hidden states is not known are its whole
logits asked for, a sequence at a time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from titrant.artifacts import read_record
from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.likelihood import CausalScorer, Output
from titrant.evaluate.rows import prove_rows
from titrant.model.build import stored_model
from titrant.model.device import pick_device
from titrant.model.language_model import LanguageModel
from titrant.model.transformer import Transformer


class TrainedModel:
    """The model of a train job, whose weights are changed for each milestone."""

    def __init__(self, train: Path, vocabulary: int, window: int | None = None) -> None:
        """`train` is the folder of a Checkpoint; its record says the architecture and the window.

        `window` shortens the context below what it was trained with.
        """
        declaration = read_record(train).declaration
        self._device = pick_device()
        architecture = declaration["architecture"]
        assert isinstance(architecture, dict)
        self._model = stored_model(train, architecture, vocabulary).to(self._device).eval()
        trained = int(str(declaration["sequence_length"]))
        self._window = min(window or trained, trained)

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


def scorer_of(model: LanguageModel, window: int) -> CausalScorer:
    """The scorer of a model in memory, with its weights. Proves, on this machine and with these weights, that no score
    depends on what else is scored; see `titrant.evaluate.rows`."""
    return prove_rows(
        CausalScorer(
            model,
            _output_of(model),
            window,
            model.vocabulary,
            _device_of(model),
            model.hidden_with if model.attends_plainly else None,
        ),
        {(parameter.shape[1], parameter.shape[0]) for parameter in model.parameters() if parameter.ndim == 2},
    )


def _output_of(model: LanguageModel) -> Output:
    if isinstance(model, Transformer):
        return Output(model.readout.weight)
    from titrant.model.outside import OutsideModel

    assert isinstance(model, OutsideModel)
    return Output(model.output_weight, model.soft_cap)


def _device_of(model: LanguageModel) -> torch.device:
    return next(model.parameters()).device


def load_outside(
    folder: Path, window: int | None = None, studys: Encoder | None = None
) -> tuple[CausalScorer, Encoder]:
    """The scorer and the encoder of a Hugging Face causal language model saved in a folder with its tokenizer.json.

    `window` shortens the context below what the model's config allows. If the model's tokenizer is the one in
    `studys`, it is taken as it is there, end of text included; otherwise the model's own, with the end of text that its
    config names first. Either way an answer ends at any token that config.json or generation_config.json names as
    eos_token_id. Raises StudyError if a file is missing or wrong or no end of text is named, EngineError if
    transformers cannot load the model. Nothing is downloaded.
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
    encoder = _encoder_of(folder, config, studys)
    window = min(window or largest, largest)
    return _proven_scorer(model, window) or _whole_logits_scorer(model, window), encoder


def _encoder_of(folder: Path, config: dict[str, Any], studys: Encoder | None) -> Encoder:
    file = folder / "tokenizer.json"
    endings = _endings(folder)
    if studys is not None and Encoder(file, studys.end_of_text_id).encodes_as(studys):
        return studys.ending_at(endings)
    return Encoder(file, _end_of_text_id(config, folder)).ending_at(endings)


def _endings(folder: Path) -> set[int]:
    """All that the model's files name as the end of an answer: many chat models end a turn and a text differently."""
    found: set[int] = set()
    for name in ("config.json", "generation_config.json"):
        file = folder / name
        try:
            content: Any = json.loads(file.read_bytes()) if file.is_file() else {}
        except ValueError as error:
            raise StudyError(f"'{file}' is not JSON: {error}; give the file that came with the model") from None
        given = content.get("eos_token_id") if isinstance(content, dict) else content
        ids = given if isinstance(given, list) else [] if given is None else [given]
        if wrong := [id_ for id_ in ids if type(id_) is not int]:
            raise StudyError(
                f"'{file}' names {wrong[0]!r} as eos_token_id; it must be the number of a token, or a list of such"
            )
        found.update(ids)
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _proven_scorer(library_model: Any, window: int) -> CausalScorer | None:
    """The scorer that makes logits only where a token is scored; None where the model's logits are made otherwise."""
    from titrant.model.outside import OutsideModel

    attention = library_model.config._attn_implementation
    try:
        model = OutsideModel(library_model, {}).eval()
        model.prove_loss()
    except (EngineError, AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError):
        library_model.set_attn_implementation(attention)  # of whatever kind it is, it is scored by its own code
        return None
    return scorer_of(model, window)


@dataclass(frozen=True)
class WholeLogits:
    """A model of `transformers` whose "hidden states" are its logits: the library's own head is kept, with whatever
    scaling or capping it does."""

    model: Any

    def __call__(self, tokens_BT: Tensor) -> Tensor:
        """[B, T] to [B, T, V]."""
        logits_BTV: Tensor = self.model(input_ids=tokens_BT, use_cache=False).logits
        return logits_BTV


def _whole_logits_scorer(model: Any, window: int) -> CausalScorer:
    vocabulary = model.get_input_embeddings().weight.shape[0]
    return CausalScorer(WholeLogits(model), Output(None), window, vocabulary, model.device)


def _end_of_text_id(config: dict[str, Any], folder: Path) -> int:
    ids = config.get("eos_token_id", config.get("bos_token_id"))
    first = ids[0] if isinstance(ids, list) and ids else ids
    if not isinstance(first, int):
        raise StudyError(
            f"'{folder / 'config.json'}' names no eos_token_id; add the token that separates its documents"
        )
    return first
