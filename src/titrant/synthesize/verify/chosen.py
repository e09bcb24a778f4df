"""From what a solution and its mutants answer to the tests of an item, and to its corrupted copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from titrant.sandbox import UNKNOWN
from titrant.synthesize.verify.mutants import Mutant
from titrant.synthesize.verify.values import Expected

MOST_TESTS, LEAST_TESTS = 6, 3
_LONG_CHARACTERS = 160
"""A test longer than this is chosen only where no shorter one fails another mutant."""
_CLUMSY = {"left out": 2, "negated": 1}
"""Kinds of changes that can be told from a slip of the hand, and are taken last."""


def clumsy(kind: str) -> int:
    """How easily a kind of change is told from a slip of the hand."""
    return _CLUMSY.get(kind, 0)


@dataclass(frozen=True)
class Killing:
    """What becomes of the mutants of one solution on its inputs."""

    fails: tuple[frozenset[int], ...]
    """For each mutant, the inputs whose result it misses. Those of which that is not known are not among them."""
    wrong: tuple[frozenset[int], ...]
    """Of those, the ones that it answers with a wrong value: no exception, and in time."""


def killing(expected: Expected, answers: Sequence[Sequence[str]]) -> Killing:
    """How mutants fare. `answers` are theirs, in the sandbox's words, one list a mutant."""
    fails = [
        frozenset(
            place for place, answer in enumerate(given) if answer != UNKNOWN and not expected.agrees(place, answer)
        )
        for given in answers
    ]
    wrong = [
        frozenset(place for place in missed if answers[mutant][place].startswith("= "))
        for mutant, missed in enumerate(fails)
    ]
    return Killing(tuple(fails), tuple(wrong))


def choose_tests(texts: Mapping[int, str], fails: Sequence[frozenset[int]]) -> tuple[int, ...]:
    """Which inputs become tests: those that fail the most mutants which no earlier one fails, short ones first, then
    short ones more, up to three in all. `texts` are the assert statements by input. In the order of the inputs."""
    chosen: list[int] = []
    left = {mutant for mutant, missed in enumerate(fails) if missed}
    while len(chosen) < MOST_TESTS:
        rated = [
            (-sum(place in fails[mutant] for mutant in left), len(text) > _LONG_CHARACTERS, len(text), place)
            for place, text in texts.items()
            if place not in chosen
        ]
        if not rated or ((best := min(rated))[0] == 0 and len(chosen) >= LEAST_TESTS):
            break
        chosen.append(best[3])
        left = {mutant for mutant in left if best[3] not in fails[mutant]}
    return tuple(sorted(chosen))


def choose_corrupted(mutants: Sequence[Mutant], killed: Killing, tests: Sequence[int]) -> int | None:
    """The mutant that is wrong in the least conspicuous way: no exception if that can be had, a slip of the hand, a
    wrong value on few inputs, and on one of the tests at least. None if no mutant has a wrong value on a test."""
    rated = [
        (len(missed) - len(wrong) > 0, clumsy(mutants[place].kind), len(missed), place)
        for place, (missed, wrong) in enumerate(zip(killed.fails, killed.wrong, strict=True))
        if not wrong.isdisjoint(tests)
    ]
    return min(rated)[3] if rated else None


def may_be_right(mutant: Mutant, inputs: Sequence[object]) -> bool:
    """Whether a mutant may be wrong for the order of a set among its inputs alone, which another process has otherwise:
    one that no longer sorts them.

    >>> may_be_right(Mutant("", "", "called"), [([{"a", "b"}], 1)]), may_be_right(Mutant("", "", "called"), [([1],)])
    (True, False)
    """
    return mutant.kind in ("called", "left out") and any(map(holds_set, inputs))


def holds_set(value: object) -> bool:
    """Whether a value is a set, or holds one."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_set, value))
    if isinstance(value, dict):
        return any(map(holds_set, value.values()))
    return isinstance(value, (set, frozenset))


def assertion(entry_point: str, arguments: tuple[object, ...], result: object, *, strict: bool = True) -> str:
    """A test as a statement. One that is not strict asks for an equal value, whatever its type.

    >>> assertion("f", ([1, 2],), True)
    'assert f([1, 2]) is True'
    >>> assertion("f", ([1, 2],), True, strict=False)
    'assert f([1, 2]) == True'
    """
    sign = "is" if strict and (result is None or result is True or result is False) else "=="
    return f"assert {entry_point}({', '.join(map(repr, arguments))}) {sign} {result!r}"
