"""What is measured on each run: bits per byte, probes and multiple choice, and what difference would matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.cleaning import Decontaminate
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, NOT_IDENTITY, Declaration, Name
from titrant.study.judging import Judging
from titrant.study.suites import SuiteName, suite
from titrant.study.tasks import CodeTask, Task, named
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
    """All that is measured. Outcomes are named `bits_per_byte/SOURCE`, `probe/NAME`, `choice/NAME`, `task/NAME`,
    `code/NAME` and `judge/NAME`."""

    bits_per_byte: BitsPerByte = BitsPerByte()
    """Always measured."""
    probes: tuple[Probe, ...] = ()
    """Generated tasks, at the end of each arm; as names or as mappings."""
    multiple_choice: tuple[MultipleChoice, ...] = ()
    """Tasks from files, at the end of each arm."""
    suites: tuple[SuiteName, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Named lists of tasks: `knowledge`, `reasoning`, `code`, `judge`, and `aryabumi`, the reference study's."""
    without: tuple[str, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Tasks of the suites that are left out, by name."""
    tasks: tuple[Task, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Tasks of lm-evaluation-harness, at the end of each arm; as names or as mappings. One that a suite has too stands
    in its place."""
    code: tuple[CodeTask, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Problems whose solutions are run, at the end of each arm; as names or as mappings."""
    judging: tuple[Judging, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Prompts whose answers judges compare, at the end of the two arms of each contrast."""
    decontaminate: Decontaminate | None = Field(default=Decontaminate(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Every source is searched for the items of tasks and `multiple_choice`, for problems and for prompts; null: it is
    not. Probes are generated anew and stand in no source, but for planted facts, which are meant to."""
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

    @field_validator("tasks", "code", mode="before")
    @classmethod
    def _a_name_is_a_task(cls, given: Any) -> Any:
        return named(given)

    @field_validator("tasks", "code", "judging")
    @classmethod
    def _each_once(cls, asked: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [one.name for one in asked]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("twice", "task '{name}' is listed twice; delete one", {"name": name})
        return asked

    @field_validator("suites", "without", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("judging", mode="before")
    @classmethod
    def _one_judging_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, Mapping) else given

    @field_validator("decontaminate")
    @classmethod
    def _has_something_to_look_for(cls, rule: Decontaminate | None, info: ValidationInfo) -> Decontaminate | None:
        has_items = any(info.data.get(name, True) for name in ("multiple_choice", "suites", "tasks", "code", "judging"))
        if rule not in (None, Decontaminate()) and not has_items:
            raise PydanticCustomError(
                "nothing_to_look_for",
                "`decontaminate` looks for the items of `multiple_choice`, tasks, problems and prompts, and there are "
                "none (probes are generated anew and stand in no source); give some, or leave it out",
            )
        return rule

    @property
    def all_tasks(self) -> tuple[Task, ...]:
        """Tasks of the harness, those of suites first; one that is declared too is asked as it is declared."""
        return _joined([suite(name).tasks for name in self.suites], self.tasks, self.without)

    @property
    def all_code(self) -> tuple[CodeTask, ...]:
        """Sets of problems, as `all_tasks`."""
        return _joined([suite(name).code for name in self.suites], self.code, self.without)

    @property
    def needs_benchmarks(self) -> bool:
        """Whether anything is asked whose data lie elsewhere."""
        return bool(self.all_tasks or self.all_code or self.judging)

    @property
    def searched_for(self) -> Decontaminate | None:
        """How sources are searched for items; None where there are none, or where it is switched off."""
        return self.decontaminate if self.multiple_choice or self.needs_benchmarks else None


AnyTask = TypeVar("AnyTask", Task, CodeTask)


def _joined(
    suites: Iterable[tuple[AnyTask, ...]], declared: tuple[AnyTask, ...], without: tuple[str, ...]
) -> tuple[AnyTask, ...]:
    """Each task once, in the order of first mention, as it is declared on its own if it is."""
    found = {task.name: task for tasks in suites for task in tasks if task.name not in without}
    return tuple((found | {task.name: task for task in declared}).values())


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
