"""Synthesis: problems, who solves them, and what a solution must pass before it is called verified.

    problems (generated, read or mined) ─▶ solutions (a teacher's, or the generator's own) ─▶ verdicts ─▶ items

A source takes its documents from a synthesis with the origin `{synthetic: NAME, items: ...}`. All such sources are
made of the same problems: a problem is on one side of the hold-out line in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.cleaning import NearDuplicates
from titrant.study.declaration import (
    IDENTITY_IF_REMOTE,
    IDENTITY_UNLESS_DEFAULT,
    NOT_IDENTITY,
    Declaration,
    Name,
    listing,
    suggestion,
)
from titrant.study.endpoints import VARIABLE_PATTERN, Endpoint
from titrant.study.limits import Limits
from titrant.study.tasks import Sampling

Area = Literal[
    "arithmetic",
    "strings",
    "lists",
    "recursion",
    "graphs",
    "parsing",
    "dynamic-programming",
    "simulation",
    "data-structures",
]
AREAS: tuple[Area, ...] = (
    "arithmetic",
    "strings",
    "lists",
    "recursion",
    "graphs",
    "parsing",
    "dynamic-programming",
    "simulation",
    "data-structures",
)
"""What generated problems are about."""

GENERATOR = "1"
"""Version of the generator: raised whenever a seed and a number give another problem than they did."""

Level = Literal["parses", "runs", "tests", "reference"]
LEVELS: tuple[Level, ...] = ("parses", "runs", "tests", "reference")
"""What a solution can pass, each including those before it."""

PublicSet = Literal["humaneval", "mbpp"]
HYGIENE: tuple[PublicSet, ...] = ("humaneval", "mbpp")
"""Public sets of problems that are kept out of every synthesis."""


class Generated(Declaration):
    """Problems from the generator, which needs no model: each has a reference solution and any number of inputs."""

    generated: int = Field(ge=1, le=10_000_000, strict=True)
    """How many."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Another seed gives other problems of the same families."""
    areas: tuple[Area, ...] = AREAS
    """What they are about."""
    difficulty: tuple[Annotated[int, Field(ge=1, le=5)], Annotated[int, Field(ge=1, le=5)]] = (1, 5)
    """The least and the greatest, from 1 (one step) to 5 (an algorithm of several parts)."""

    @field_validator("areas", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if not self.areas or len(set(self.areas)) < len(self.areas):
            raise PydanticCustomError(
                "areas", "`areas` names no area, or one twice; there are {known}", {"key": "areas", **_known(AREAS)}
            )
        if self.difficulty[0] > self.difficulty[1]:
            raise PydanticCustomError(
                "difficulty",
                "`difficulty` goes from the least to the greatest; exchange the two",
                {"key": "difficulty"},
            )
        return self


class ProblemColumns(Declaration):
    """Which columns of a record hold what; those but the statement may be missing in a record."""

    statement: str = "statement"
    """The text of the problem."""
    entry_point: str = "entry_point"
    """Name of the function that is asked for; where there is none, the one that the tests call."""
    tests: str = "tests"
    """Tests that a right solution passes: statements such as `assert f(1) == 2`, as one text or as a list."""
    solution: str = "solution"
    """A right solution, which others are held against on generated inputs."""
    setup: str = "setup"
    """Text before every solution and its tests, such as imports."""


class ProblemFiles(Declaration):
    """Problems from files of JSON lines or Parquet, one a record."""

    files: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """Paths of files, relative to the study's folder."""
    columns: ProblemColumns = ProblemColumns()
    """Which columns hold what. The columns of HumanEval (`prompt`, `canonical_solution`, `test`) and MBPP (`text`,
    `code`, `test_list`, `test_setup_code`) are known without."""
    most: int | None = Field(default=None, ge=1)
    """The first so many; null: all."""
    licence: str = "unknown"
    """The licence of the problems."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over the files' names and bytes. Filled in when the study is pinned; if given, it must match."""

    @field_validator("files", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given


class ProblemDataset(Declaration):
    """Problems from a Hugging Face dataset at one revision."""

    dataset: str = Field(json_schema_extra=IDENTITY_IF_REMOTE)
    """Its name on the hub, or a folder of the same layout, relative to the study's folder."""
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    """A commit, 40 hexadecimal digits."""
    config: str | None = None
    """The configuration's name."""
    split: str = "train"
    """The split."""
    columns: ProblemColumns = ProblemColumns()
    """As for files."""
    most: int | None = Field(default=None, ge=1)
    """The first so many; null: all."""
    licence: str = "unknown"
    """The licence of the problems."""


class MinedProblems(Declaration):
    """Problems mined from code: functions with a docstring, whose own text is the solution that others are held
    against. Only training documents of the source are looked at."""

    mined: Name
    """A code source of the study with origins of its own."""
    most: int = Field(default=1000, ge=1)
    """At most so many, spread over its documents by their hashes."""


PROBLEM_KINDS = ("generated", "files", "dataset", "mined")
"""The keys that say where problems come from: the first of them that stands in an origin decides."""


def _problems_tag(given: Any) -> str | None:
    has = given.__contains__ if isinstance(given, Mapping) else lambda key: hasattr(given, key)
    return next((key for key in PROBLEM_KINDS if has(key)), None)


AnyProblems = Annotated[
    Annotated[Generated, Tag("generated")]
    | Annotated[ProblemFiles, Tag("files")]
    | Annotated[ProblemDataset, Tag("dataset")]
    | Annotated[MinedProblems, Tag("mined")],
    Discriminator(
        _problems_tag,
        custom_error_type="problems",
        custom_error_message="problems are given by one of 'generated' (how many), 'files', 'dataset' and 'mined' (a "
        "source), as in {generated: 10000}",
    ),
]
"""Where problems come from."""


class Teacher(Declaration):
    """A model that solves problems: behind an endpoint that speaks OpenAI's protocol, or a local Hugging Face
    model."""

    model: str = Field(min_length=1)
    """The model's name at the endpoint; of a local one, the name that the report gives it."""
    endpoint: Endpoint | None = Field(default=None, json_schema_extra=NOT_IDENTITY)
    """Where it answers, such as `http://localhost:8000/v1`."""
    hugging_face: str | None = Field(default=None, json_schema_extra=NOT_IDENTITY)
    """Folder of a local model, as `save_pretrained` writes it, tokenizer included."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over that folder's files. Filled in when the study is pinned; if given, it must match."""
    key_variable: str | None = Field(default=None, pattern=VARIABLE_PATTERN, json_schema_extra=NOT_IDENTITY)
    """Name of the environment variable that holds the key: keys stand in no study; null: none is needed."""
    instructions: str | None = Field(default=None, min_length=1)
    """What it is told before the problem; null: Titrant's own words, which the reference prints."""
    sampling: Sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=1024)
    """How solutions are drawn; `samples` of them for each problem, of which the first that is accepted is taken."""
    requests_per_minute: float | None = Field(default=None, gt=0, json_schema_extra=NOT_IDENTITY)
    """No more than this; null: as fast as the endpoint lets us."""
    requests_at_once: int = Field(default=4, ge=1, le=256, json_schema_extra=NOT_IDENTITY)
    """How many may be under way."""
    timeout_seconds: float = Field(default=120.0, gt=0, json_schema_extra=NOT_IDENTITY)
    """How long one answer may take before it is asked for again."""
    price_input: float | None = Field(default=None, ge=0, json_schema_extra=NOT_IDENTITY)
    """Price of a million tokens read, in the currency of `most_cost`."""
    price_output: float | None = Field(default=None, ge=0, json_schema_extra=NOT_IDENTITY)
    """Price of a million tokens written."""
    most_cost: float | None = Field(default=None, gt=0, json_schema_extra=NOT_IDENTITY)
    """No request is sent that could take the whole above this; null: no limit."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if (self.endpoint is None) == (self.hugging_face is None):
            raise PydanticCustomError(
                "teacher",
                "teacher '{model}' needs one of `endpoint` (a URL) and `hugging_face` (a folder)",
                {"model": self.model},
            )
        if self.most_cost is not None and (self.price_input is None or self.price_output is None):
            raise PydanticCustomError("most_cost", "`most_cost` needs `price_input` and `price_output`", {})
        return self


class Contracts(Declaration):
    """Stated contracts are searched for counterexamples by symbolic execution (CrossHair). It takes seconds a problem,
    so that a share of them is looked at, chosen by hash."""

    share: float = Field(gt=0, le=1)
    """Share of the accepted solutions whose contracts are looked at."""
    seconds: float = Field(default=3.0, gt=0, le=600)
    """CPU seconds for each; longer ones count as not decided."""


class Verification(Declaration):
    """What a solution must pass to be accepted. Everything is executed in the sandbox."""

    level: Level = "reference"
    """The least level: `parses`; `runs` (and defines what is asked for); `tests` (passes those that the problem
    gives); `reference` (also agrees with the problem's reference on generated inputs, which are none of those that it
    was shown). A problem without reference is held against its tests."""
    inputs: int = Field(default=48, ge=8, le=1000)
    """Inputs that Hypothesis generates for each problem."""
    mutants: int = Field(default=6, ge=0, le=64)
    """Changed copies of each accepted solution. Tests that fewer than `killed` of them fail are not accepted as tests,
    nor is a solution that nothing but such tests speaks for; 0: tests are not looked at."""
    killed: float = Field(default=0.5, gt=0, le=1)
    """The least share of its mutants that a problem's tests must fail."""
    contracts: Contracts | None = None
    """Symbolic execution of stated contracts; null: they are held on the generated inputs alone."""
    limits: Limits = Limits(cpu_seconds=2.0)
    """What the execution of one solution on all inputs may use."""


class Synthesis(Declaration):
    """Problems, their solutions and what is known of them: what sources of kind `synthetic` are made of."""

    problems: tuple[AnyProblems, ...] = Field(alias="from", min_length=1)
    """Where problems come from, in order."""
    teacher: Teacher | None = None
    """Who solves them; null: problems bring their own solutions, as generated ones do."""
    verify: Verification = Verification()
    """What a solution must pass."""
    near_duplicates: NearDuplicates = NearDuplicates()
    """Problems whose statement and solution are nearly those of an earlier one are left out."""
    decontaminate: tuple[PublicSet, ...] = HYGIENE
    """Public sets whose problems are looked for and left out, beside all that the study's evaluation asks."""
    reserve_fraction: float = Field(default=0, ge=0, lt=1, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """The share of its training problems kept for phases whose data are `disjoint`."""

    @field_validator("problems", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, (Mapping, Declaration)) else given


Items = Literal["verified", "unverified", "corrupted", "statement", "text"]
Format = Literal["statement-and-solution", "solution", "with-tests", "notebook"]


class SyntheticItems(Declaration):
    """Documents made of a synthesis. It stands alone in its source's `from`."""

    synthetic: Name
    """The name of a synthesis of the study."""
    items: Items = "verified"
    """`verified`: the first accepted solution. `unverified`: the teacher's first, whether right or wrong. `corrupted`:
    a mutant of the accepted solution that fails its tests. `statement`: the problem alone. `text`: how it is solved,
    told in words, its worked examples checked."""
    format: Format = "statement-and-solution"
    """What of an item is written, and how; `statement` and `text` have one form alone."""
    language: str = "python"
    """Another language: the solution in it, checked on the same inputs."""
    share: float = Field(default=1.0, gt=0, le=1, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Of `corrupted`: the share of items that are, chosen by hash; the others stand as they were verified."""

    @field_validator("language")
    @classmethod
    def _is_known(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise PydanticCustomError(
                "language",
                "no solutions are written in '{language}'{hint}; there are {known}",
                {"language": language, "hint": suggestion(language, LANGUAGES), **_known(LANGUAGES)},
            )
        return language

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.language != "python" and self.items != "verified":
            raise PydanticCustomError(
                "language", "`language: {language}` goes with `items: verified`", {"language": self.language}
            )
        if self.format != "statement-and-solution" and self.items in ("statement", "text"):
            raise PydanticCustomError(
                "format", "`items: {items}` has one form; leave `format` out", {"items": self.items}
            )
        if self.language != "python" and self.format == "with-tests":
            raise PydanticCustomError(
                "format",
                "tests are in Python, and `language: {language}` is not; leave one of the two out",
                {"language": self.language},
            )
        if self.share < 1 and self.items != "corrupted":
            raise PydanticCustomError("share", "`share` goes with `items: corrupted`", {})
        return self


LANGUAGES = ("python", "javascript")
"""What solutions are written in."""


def _known(names: tuple[str, ...]) -> dict[str, Any]:
    return {"known": listing(names)}
