"""Artifacts of synthesis: problems, what a teacher wrote, and what was found out about it.

Values (inputs, results) are texts of Python literals, so that tuples, sets and keys of any type keep their type.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from titrant.artifacts.record import Artifact


class Problems(Artifact):
    """What is to be solved.

    `problems.parquet`, one row a problem, in the order of the synthesis: problem (string, unique), source (string:
    where it came from, such as `generator seed 0, number 17`), licence, family, area (strings, empty where it has
    none), difficulty (int64, 0 where unknown), statement (what a teacher is shown: wording, signature, examples),
    about (the task alone, without signature and examples), signature (`def f(a: int) -> int:`, or empty), entry_point
    (the function's name), prelude (what stands before the reference: imports, helpers), solution (the reference with
    its `def` line and without the prelude, or empty), idea (how it is solved, in prose, or empty), setup (trusted text
    before every solution and its tests), tests (list of strings: statements that a right solution passes; empty for
    generated ones, whose tests are chosen among the inputs), contracts (list of strings: expressions over the
    parameters and `result`), inputs (string: a literal list of argument tuples, or empty), expected (string: a literal
    list of the results, or empty), shown (int64: so many of the first inputs, or of the tests, are shown in the
    statement)."""

    kind: ClassVar[str] = "problems"
    version: ClassVar[int] = 1

    problems: int
    by_area: dict[str, int]
    families: int
    """Families that problems come from."""
    left_out: dict[str, int]
    """Records without a problem, by reason."""
    versions: dict[str, str]
    """Of what made them (`generator`, `hypothesis`)."""


class Solutions(Artifact):
    """What a teacher wrote.

    `solutions.parquet`, ordered by problem, form and sample: problem (string), form (`python`, another language, or
    `text`), sample (int64), prompt (string: all that it was told), reply (string: as it came), text (string: the
    program or explanation in it, empty where there is none), ended (string: `stop`, `length`, or why nothing came),
    seed (int64), tokens_read, tokens_written (int64), cost (float64, NaN where unknown).
    """

    kind: ClassVar[str] = "solutions"
    version: ClassVar[int] = 1

    teacher: str
    replies: int
    empty: int
    """Replies without a program."""
    tokens_read: int
    tokens_written: int
    cost: float | None


class LevelYield(BaseModel):
    """How many got how far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tried: int
    """Solutions that were held to the level."""
    passed: int


class Verified(Artifact):
    """What is known of every problem and of every solution.

    `items.parquet`, one row a problem in the order of Problems: problem, source, licence, family, area, difficulty,
    statement, about, signature, entry_point, idea, shown and examples (string: literal list of (arguments, result)
    pairs that the statement shows) as there; accepted (string: the text of the accepted solution, prelude included, or
    empty), first (string: the first solution, right or wrong, or empty), corrupted (string: a mutant of the accepted
    solution that fails its tests with a wrong result, or empty), mutation (string: what it changes, in words), tests
    (list of strings: assert statements that the accepted solution passes and mutants fail), text (string: an
    explanation whose worked examples are checked, or empty), translations (string: JSON object, solution by language,
    each checked), sample (int64: of the accepted solution, -1 if none), teacher (string; empty: the problem's own),
    prompt (string: BLAKE3 of what it was told), seed (int64), cost (float64: of all that was asked about the problem;
    NaN where unknown), level (string: the highest level that the accepted solution passes), inputs (int64: held
    against the reference), mutants, killed (int64), contracts (string: `none stated`, `not looked at`, `hold on the
    inputs`, `confirmed`, `refuted: ...`, `not decided`), tree and shape (strings: BLAKE3 of the normalised syntax tree
    with and without its constants), refused (string: why nothing is accepted, or empty).
    `candidates.parquet`, one row a solution: problem, form, sample, level (the highest that it passes, or empty),
    status (of its execution), detail (why it goes no further; empty if accepted).
    """

    kind: ClassVar[str] = "verification"
    version: ClassVar[int] = 1

    items: int
    accepted: int
    corrupted: int
    texts: int
    translations: dict[str, int]
    levels: dict[str, LevelYield]
    """Solutions by level, in the order of levels; `mutants`: accepted solutions whose tests were looked at;
    `contracts`: those looked at symbolically."""
    refused: dict[str, int]
    """Problems without an accepted solution, by reason."""
    families: int
    """Families of the accepted items."""
    shapes: int
    """Different shapes of syntax trees among accepted solutions."""
    words: int
    """Different words of all statements."""
    mutants: int
    killed: int
    cost: float | None
    tier: str
    """How programs were contained."""
    versions: dict[str, str]
