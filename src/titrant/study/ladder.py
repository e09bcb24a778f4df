"""Scales: named sizes of the same study, ordered by the ladder in which they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.architecture import AnyArchitecture
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, NOT_IDENTITY, Declaration
from titrant.study.rungs import on_its_rung
from titrant.study.units import Tokens


class Scale(Declaration):
    """A size: an architecture, a batch, a learning rate and a token budget, shared out by phase in parts.

    A rung of the ladder fills in all of it that is not given.

    >>> Scale.model_validate({"rung": "nano", "learning_rate": 0.002}).tokens
    300000
    """

    rung: str | None = Field(default=None, json_schema_extra=NOT_IDENTITY)
    """Rung of the ladder (`nano`, `micro`, `mini`, `70m`, `160m`, `470m`, `1.4b`, `2.8b`) that fills in what is not
    given here, field by field in `architecture`. What it filled in counts, and not its name."""
    architecture: AnyArchitecture
    """The model's shape, or the folder of an outside model (`hugging_face: FOLDER`)."""
    tokens: Tokens
    """Budget of an arm that uses all `budget_parts` of the study."""
    sequence_length: int = Field(gt=1)
    """Tokens of one training sequence."""
    global_batch_tokens: Tokens
    """Tokens of one optimizer step, a multiple of the sequence length."""
    learning_rate: float = Field(gt=0)
    """Peak learning rate."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Number format of the matrix products; masters, norms, softmax and loss are float32 always."""
    attention: Literal["across-documents", "within-documents"] = Field(
        default="across-documents", json_schema_extra=IDENTITY_UNLESS_DEFAULT
    )
    """Whether attention crosses the border between two documents of one sequence. Documents are packed one after the
    other either way; `within-documents` hides from each token all that stands before its own document."""

    @model_validator(mode="before")
    @classmethod
    def _on_its_rung(cls, given: Any) -> Any:
        return on_its_rung(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _batch_holds_sequences(self) -> Scale:
        if self.global_batch_tokens % self.sequence_length:
            raise PydanticCustomError(
                "batch",
                "global_batch_tokens {batch} is not a multiple of sequence_length {length}; the nearest is {near}",
                {
                    "batch": self.global_batch_tokens,
                    "length": self.sequence_length,
                    "near": max(1, round(self.global_batch_tokens / self.sequence_length)) * self.sequence_length,
                },
            )
        return self


def written_out(scales: Any) -> Any:
    """Scales by name from a list of rungs: `[nano, 70m]` is `{nano: {rung: nano}, 70m: {rung: 70m}}`."""
    if not isinstance(scales, list) or not all(isinstance(name, str) for name in scales):
        return scales
    if repeated := sorted({name for name in scales if scales.count(name) > 1}):
        raise ValueError(f"rung '{repeated[0]}' is listed twice; delete one")
    return {name: {"rung": name} for name in scales}
