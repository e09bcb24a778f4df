"""Scales: named sizes of the same study, ordered by the ladder in which they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.architecture import AnyArchitecture, Architecture
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, NOT_IDENTITY, Declaration, listing
from titrant.study.rungs import RUNGS, on_its_rung
from titrant.study.units import Tokens


class Scale(Declaration):
    """A size: an architecture, a batch, a learning rate and a token budget, shared out by phase in parts.

    A rung of the ladder fills in all of it that is not given.

    >>> Scale.model_validate({"rung": "nano", "learning_rate": 0.002}).tokens
    300000
    """

    key_hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        Architecture.model_fields, "it belongs one level down, under `architecture`"
    )

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
    """Scales by name from a list of rungs: `[nano, 70m]` is `{nano: {rung: nano}, 70m: {rung: 70m}}`. What is neither
    such a list nor a mapping is refused, and so is half a scale that is called as a rung and does not name it."""
    if isinstance(scales, Mapping):
        for name, scale in scales.items():
            _refuse_half_a_rung(name, scale)
        return scales
    listed = scales if isinstance(scales, list) else [scales]
    if wrong := [name for name in listed if not isinstance(name, str)]:
        raise PydanticCustomError(
            "scales",
            "{wrong} is not a rung; give a mapping of scales by name, or a list of rungs, such as [nano, 70m]; {known}",
            {"wrong": repr(wrong[0])[:60], "known": _the_ladder()},
        )
    if not isinstance(scales, list):
        raise PydanticCustomError(
            "scales",
            "{given} is neither a mapping of scales by name nor a list of rungs, such as [{such}]; {known}",
            {"given": repr(scales)[:60], "such": scales if scales in RUNGS else "nano", "known": _the_ladder()},
        )
    if repeated := sorted({name for name in scales if scales.count(name) > 1}):
        raise ValueError(f"rung '{repeated[0]}' is listed twice; delete one")
    return {name: {"rung": name} for name in scales}


def _the_ladder() -> str:
    return "the ladder has " + ", ".join(f"'{rung}'" for rung in RUNGS)


def _refuse_half_a_rung(name: object, scale: object) -> None:
    """Raise if a scale without a rung is called as one and lacks what that would fill in."""
    if name not in RUNGS or not (scale is None or isinstance(scale, Mapping)):
        return
    given = scale or {}
    lacking = [key for key, field in Scale.model_fields.items() if field.is_required() and key not in given]
    if lacking and "rung" not in given and given.keys() <= Scale.model_fields.keys():
        raise PydanticCustomError(
            "rung",
            "it is called as a rung of the ladder, but lacks {lacking}: add `rung: {name}` to take from that rung what "
            "is not given, or give {each} here",
            {
                "lacking": listing(lacking),
                "name": name,
                "each": "it" if len(lacking) == 1 else "them all",
                "key": name,
            },
        )
