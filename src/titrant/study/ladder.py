"""Scales: named sizes of the same study, ordered by the ladder in which they are declared."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.architecture import Architecture
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, Declaration
from titrant.study.units import Tokens


class Scale(Declaration):
    """One rung: an architecture, a batch, a learning rate and a token budget, shared out by phase in parts."""

    architecture: Architecture
    """The model's shape."""
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
