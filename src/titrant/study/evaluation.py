"""What is measured on each run: bits per byte, probes and multiple choice, and what difference would matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.cleaning import Decontaminate
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, NOT_IDENTITY, Declaration, Name
from titrant.study.units import Bytes

ProbeName = Literal[
    "entity-tracking",
    "arithmetic",
    "bracket-closing",
    "variable-binding",
    "copying",
    "sorting",
    "structural-generalisation",
    "planted-facts",
]


class BitsPerByte(Declaration):
    """Bits per UTF-8 byte of held-out documents, one outcome a source. Lower is better."""

    sources: tuple[Name, ...] = ()
    """Which sources; empty: all of them."""
    bytes_per_source: Bytes = 200_000
    """Held-out bytes scored of each source, whole documents in the order of their content hashes."""
    margin: float = Field(default=0.02, gt=0)
    """Differences smaller than this (bits per byte) count as equivalent."""


class Probe(Declaration):
    """A generated task with signal at tiny scale; each item is multiple choice, scored by likelihood."""

    name: ProbeName
    """Which task; a bare name in the list means its defaults."""
    rungs: tuple[Annotated[int, Field(gt=0)], ...] = (1, 2, 3)
    """Levels of difficulty, 1 the easiest; unused by `planted-facts`, whose rungs are the copies in the source."""
    items_per_rung: int = Field(default=60, ge=10)
    """Items at each level; unused by `planted-facts`."""
    shots: int = Field(default=3, ge=0, le=20)
    """Solved examples before each item."""
    margin: float = Field(default=0.05, gt=0, lt=1)
    """Differences in accuracy smaller than this count as equivalent."""


class MultipleChoice(Declaration):
    """A task from a file: one JSON object a line with `context`, `choices` and `answer` (an index)."""

    name: Name
    """Its name; the outcome is called `choice/NAME`."""
    file: str = Field(json_schema_extra=NOT_IDENTITY)
    """Path relative to the study's folder."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 of the file. Filled in when the study is pinned; if given, it must match."""
    normalise: Literal["none", "bytes"] = "bytes"
    """Whether a choice's log-likelihood is divided by its bytes."""
    margin: float = Field(default=0.03, gt=0, lt=1)
    """Differences in accuracy smaller than this count as equivalent."""


class Evaluation(Declaration):
    """All that is measured. Outcomes are named `bits_per_byte/SOURCE`, `probe/NAME` and `choice/NAME`."""

    bits_per_byte: BitsPerByte = BitsPerByte()
    """Always measured."""
    probes: tuple[Probe, ...] = ()
    """Generated tasks, at the end of each arm; as names or as mappings."""
    multiple_choice: tuple[MultipleChoice, ...] = ()
    """Tasks from files, at the end of each arm."""
    decontaminate: Decontaminate | None = Field(default=Decontaminate(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Every source is searched for the items of `multiple_choice`; null: it is not. Probes are generated anew and stand
    in no source, but for planted facts, which are meant to."""
    checks_per_phase: int = Field(default=4, ge=0)
    """How often bits per byte is also measured inside a phase, evenly spaced, for the curves. The weights at these
    places are kept by training itself, so that another number trains again: choose it before the first run."""
    check_bytes_per_source: Bytes = 20_000
    """Held-out bytes of each source scored at such a check."""

    @field_validator("probes", mode="before")
    @classmethod
    def _a_name_is_a_probe(cls, given: Any) -> Any:
        if isinstance(given, (list, tuple)):
            return tuple({"name": item} if isinstance(item, str) else item for item in given)
        return given

    @field_validator("decontaminate")
    @classmethod
    def _has_something_to_look_for(cls, rule: Decontaminate | None, info: ValidationInfo) -> Decontaminate | None:
        if rule not in (None, Decontaminate()) and not info.data.get("multiple_choice", True):
            raise PydanticCustomError(
                "nothing_to_look_for",
                "`decontaminate` looks for the items of `multiple_choice`, and there are none (probes are generated "
                "anew and stand in no source); give `multiple_choice`, or leave it out",
            )
        return rule

    @property
    def searched_for(self) -> Decontaminate | None:
        """How sources are searched for items; None where there are none, or where it is switched off."""
        return self.decontaminate if self.multiple_choice else None


class Statistics(Declaration):
    """How findings are drawn from scores."""

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Family-wise error rate over all contrasts and outcomes of a scale (Holm 1979), of each of two kinds of claim: any
    false `better` or `worse`, and any false `equivalent`."""
    resamples: int = Field(default=4000, ge=200)
    """Bootstrap resamples over seeds and items."""
    seed: int = 0
    """Seed of the resampling."""


class Competitive(Declaration):
    """Total tokens are fixed: a source's gain is another's loss."""

    design: Literal["competitive"] = "competitive"


class Additive(Declaration):
    """The tokens of some sources are fixed; the others come on top of them.

    A phase of p parts whose mixture gives the fixed sources the share s gets p / s parts of tokens.
    """

    design: Literal["additive"] = "additive"
    fixed: tuple[Name, ...] = Field(min_length=1)
    """Sources whose tokens are the same in every arm."""

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("fixed"), str):
            return {**given, "fixed": (given["fixed"],)}
        return given


Design = Annotated[Competitive | Additive, Field(discriminator="design")]
