"""Parts of report.json that tell of synthetic code: what was asked, what passed what, and a few items whole."""

from __future__ import annotations

from pydantic import Field

from titrant.report.entry import Entry


class LevelEntry(Entry):
    """How many solutions got past one level of verification."""

    level: str
    """`parses`, `runs`, `tests`, `reference`; `mutants`: accepted solutions whose tests were looked at; `contracts`:
    those looked at symbolically."""
    tried: int = Field(ge=0)
    passed: int = Field(ge=0)
    undecided: int = Field(default=0, ge=0)
    """`contracts`: those that the time or the search was not enough for; they neither passed nor failed."""


class AreaEntry(Entry):
    """The problems of one area."""

    area: str
    """Empty where problems have none."""
    problems: int
    accepted: int
    """Problems with an accepted solution."""
    families: int
    """Families of these."""
    by_difficulty: dict[str, int]
    """Problems with an accepted solution by difficulty, `1` to `5`; `0` where it is unknown."""


class WrittenEntry(Entry):
    """A source that is made of the synthesis."""

    source: str
    items: str
    """`verified`, `unverified`, `corrupted`, `statement` or `text`."""
    format: str
    language: str
    share: float
    """Of `corrupted`: the share of items that are."""
    documents: int
    """Problems that have text in this form, whatever their fate."""
    left_out: dict[str, int]
    """Problems that have not, by reason."""


class ItemEntry(Entry):
    """One problem with what is known of it; those with the smallest hashes are shown."""

    problem: str
    origin: str
    licence: str
    family: str
    area: str
    difficulty: int
    statement: str
    """Cut where it is very long, as the programs are."""
    accepted: str
    """Empty if nothing is."""
    corrupted: str
    mutation: str
    """What the mutant changes, in words."""
    tests: tuple[str, ...]
    first: str
    """The first solution, where none is accepted."""
    refused: str
    level: str
    inputs: int
    """Inputs on which it agreed with the reference."""
    mutants: int
    killed: int
    """Mutants that its tests fail."""
    contracts: str
    teacher: str
    """Empty: the problem brought its own solution."""
    sample: int
    """Which of the teacher's answers, from 0."""
    seed: int
    prompt: str
    """BLAKE3 of all that the teacher was told."""
    cost: float | None


class SynthesisEntry(Entry):
    """One synthesis: its problems, their solutions, and what was found out about them."""

    synthesis: str
    problems: int
    accepted: int
    corrupted: int
    """Items with a mutant that fails their tests with a wrong result."""
    texts: int
    """Items with a checked explanation."""
    translations: dict[str, int]
    """Items with a checked solution in another language."""
    levels: tuple[LevelEntry, ...]
    refused: dict[str, int]
    """Problems without an accepted solution, by reason."""
    areas: tuple[AreaEntry, ...]
    families: int
    """Of accepted items, as all that follows."""
    shapes: int
    """Different shapes of syntax trees."""
    words: int
    """Different words of all statements."""
    mutants: int
    killed: int
    contracts: dict[str, int]
    """Accepted items by what is known of their contracts."""
    licences: dict[str, int]
    """Problems by licence."""
    teachers: dict[str, int]
    """Accepted items by teacher; empty: the problem's own solution."""
    cost: float | None
    """Of all that teachers were asked; null where it is unknown or nobody was."""
    tier: str
    """How programs were contained."""
    versions: dict[str, str]
    sources: tuple[WrittenEntry, ...]
    examples: tuple[ItemEntry, ...]
