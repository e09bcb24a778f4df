"""A model opened for evaluation, from the end of a train job or from a folder of Hugging Face, whichever is given.

inputs                    window                         encoder                        an answer ends at
train and tokenizer       as it was trained              the artifact's                 the study's end of text
model                     all that its config allows     the folder's tokenizer.json    any eos_token_id of its files
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from titrant.artifacts import TokenizerFile
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation import generate
from titrant.evaluate.harness.asking import Write
from titrant.evaluate.likelihood import CausalScorer
from titrant.evaluate.models import TrainedModel, WholeLogits, load_outside


@dataclass(frozen=True)
class OpenModel:
    """A model, ready to be asked."""

    scorer: CausalScorer
    encoder: Encoder

    @property
    def model(self) -> Any:
        """A LanguageModel, or a model of `transformers` whose door is closed."""
        forward = self.scorer.forward
        return forward.model if isinstance(forward, WholeLogits) else forward

    @property
    def window(self) -> int:
        """Most tokens of context."""
        return self.scorer.window

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return self.scorer.device

    @property
    def attends_plainly(self) -> bool:
        """See `LanguageModel.attends_plainly`."""
        return self.scorer.hidden_with is not None

    @property
    def write(self) -> Write:
        """Draws texts: see `generate`."""
        return partial(generate, self, self.encoder)


def open_given(inputs: Mapping[str, Path], window: int | None = None) -> OpenModel:
    """The model that a stage's inputs hold, `train` with `tokenizer`, or `model`. `window` shortens its context.

    Raises StoreError and EngineError as `TrainedModel` and `load_outside` do.
    """
    if "model" in inputs:
        return OpenModel(*load_outside(inputs["model"], window))
    tokenizer = inputs["tokenizer"]
    trained = TrainedModel(inputs["train"], TokenizerFile.read(tokenizer).vocabulary, window)
    return OpenModel(trained.scorer(inputs["train"] / "model.safetensors"), Encoder.of_artifact(tokenizer))
