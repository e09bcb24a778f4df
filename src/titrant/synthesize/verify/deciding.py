"""Which solution of a problem is accepted, and why none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from titrant.study.synthesis import LEVELS, Level
from titrant.synthesize.parsing import parsed
from titrant.synthesize.verify import judging
from titrant.synthesize.verify.candidates import Asked, Candidate
from titrant.synthesize.verify.foreign import written_arguments
from titrant.synthesize.verify.judging import Judged
from titrant.synthesize.verify.special import holds_tests, written_examples
from titrant.synthesize.verify.verifier import highest_level

_RANK: dict[str, int] = {level: place + 1 for place, level in enumerate(LEVELS)}


@dataclass(frozen=True)
class Decided:
    """One problem: what is known of its solutions, and which of them is accepted."""

    judged: tuple[Judged, ...]
    """By solution in Python, in the order of samples."""
    accepted: int | None
    """Which of them."""
    refused: str
    """Why none is; empty if one is."""
    examples: str = ""
    """What the statement shows, as a literal list of pairs; empty where it shows tests."""
    contracts: str = "none stated"
    text: str = ""
    """An explanation whose worked examples hold."""
    translations: tuple[tuple[str, str], ...] = ()
    """Language and checked solution."""

    def data(self) -> dict[str, Any]:
        """As JSON types."""
        return {**asdict(self), "judged": [each.data() for each in self.judged]}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """From JSON types."""
        translations = tuple((language, text) for language, text in data["translations"])
        return cls(**{**data, "judged": tuple(map(Judged.of, data["judged"])), "translations": translations})

    def without(self, place: int, judged: Judged, one: Asked, least: Level) -> Decided:
        """The same where one solution turned out to be worse than it looked."""
        changed = [*self.judged[:place], judged, *self.judged[place + 1 :]]
        return replace(decide(one, changed, least), contracts=self.contracts)


def decide(one: Asked, judged: Sequence[Judged], least: Level) -> Decided:
    """Take the first solution that passes what is asked for."""
    solutions = one.of("python")
    marked = [_marked(one, each, found, least) for each, found in zip(solutions, judged, strict=True)]
    taken = next((place for place, found in enumerate(marked) if not found.refused), None)
    if taken is not None:
        return Decided(tuple(marked), taken, "")
    best = max(marked, key=lambda found: _RANK.get(found.level, 0), default=None)
    return Decided(tuple(marked), None, judging.NO_SOLUTION if best is None else best.refused)


def _marked(one: Asked, candidate: Candidate, found: Judged, least: Level) -> Judged:
    """Without a reason against it if it is accepted, with one if it is not."""
    if least not in ("parses", "runs") and (reason := _doubt(one, candidate, found)):
        return found.but(reason)
    highest = highest_level(one, candidate, found)
    if judging.accepted(found, least, highest):
        return replace(found, refused="", detail="")
    if found.refused:
        return found
    return found.but(judging.NOTHING_SPEAKS if highest is None else judging.FEW_INPUTS)


def _doubt(one: Asked, candidate: Candidate, found: Judged) -> str:
    """Why passing its tests says too little of another's solution where nothing else speaks for it; empty if it does
    not."""
    problem = one.problem
    if candidate.own or found.refused or found.level != "tests" or found.inputs or not problem.tests:
        return ""
    if problem.shown >= len(problem.tests):
        return judging.FEW_INPUTS
    tree, name = parsed(candidate.text), problem.entry_point
    examples, calls = written_examples(problem.tests, name), written_arguments(problem.tests, name)
    return judging.SPECIAL if tree is not None and holds_tests(tree, examples, calls) else ""


class Programs:
    """Accepted programs by normalised tree: each is taken once."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def refuse_known(self, one: Asked, decided: Decided) -> Decided:
        """The same, or refused where an earlier problem has the program already."""
        if decided.accepted is None:
            return decided
        found = decided.judged[decided.accepted]
        earlier = self._problems.setdefault(found.tree, one.problem.problem)
        if earlier == one.problem.problem:
            return decided
        reason = f"{judging.SAME} {earlier}"
        changed = list(decided.judged)
        changed[decided.accepted] = found.but(reason)
        return replace(decided, judged=tuple(changed), accepted=None, refused=reason)
