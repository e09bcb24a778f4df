"""How far a solution gets: from what it answered on a problem's inputs to the highest level that it passes.

    parses      it is Python
    runs        it loads, defines what is asked for, and comes to its end on all inputs within the limits
    tests       it is right on the inputs that the statement shows, or passes the problem's own tests
    reference   it is right on all other inputs too, of which there is one at least

A mutant that agrees with the reference on every input is taken for the same program in other words, so that it says
nothing about the tests; where tests are all there is, nobody can say so, and it counts against them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from titrant.sandbox import Answers, PythonCalls
from titrant.study.synthesis import LEVELS, Level, Verification
from titrant.synthesize.escaped import escaped
from titrant.synthesize.generator.shapes import tree_and_shape
from titrant.synthesize.parsing import parsed
from titrant.synthesize.verify.chosen import assertion, choose_corrupted, choose_tests, clumsy, killing, may_be_right
from titrant.synthesize.verify.mutants import Mutant, mutants_of
from titrant.synthesize.verify.purity import reach_of
from titrant.synthesize.verify.special import looks_answers_up, written_examples
from titrant.synthesize.verify.values import Expected, read_list

VERSION = 3
"""Raised when the same answers are judged otherwise."""
NO_SOLUTION = "no solution was written"
NO_PYTHON = "it is no Python"
NOT_RUN = "it does not run to its end"
WRONG_SHOWN = "it is wrong on the examples of the statement"
WRONG_TESTS = "it fails the tests"
SPECIAL = "it special-cases its examples"
WRONG_HIDDEN = "it is right on its examples, and wrong on other inputs"
FEW_KILLED = "its tests fail too few mutants"
FEW_INPUTS = "it was shown all inputs that there are"
NOTHING_SPEAKS = "nothing but itself speaks for it"
IMPURE = "it reaches for more than its arguments"
REFUTED = "a contract is refuted"
SAME = "the same program as"
"""Followed by the problem whose accepted solution it is."""


@dataclass(frozen=True)
class Judged:
    """What is known of one solution."""

    level: str = ""
    """The highest that it passes; empty: none."""
    status: str = "passed"
    """How its execution ended."""
    refused: str = ""
    """Why it is not accepted, in words that many solutions share; empty: it is."""
    detail: str = ""
    """The same in full."""
    inputs: int = 0
    """Held against the reference, those shown included."""
    tests: tuple[str, ...] = ()
    mutants: int = 0
    killed: int = 0
    corrupted: str = ""
    mutation: str = ""
    tree: str = ""
    shape: str = ""
    tier: str = ""

    def data(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """From JSON types."""
        return cls(**{**data, "tests": tuple(data["tests"])})

    def but(self, refused: str, detail: str = "", **more: Any) -> Judged:
        """The same, refused."""
        return replace(self, refused=refused, detail=escaped(detail or refused), **more)


@dataclass(frozen=True)
class Read:
    """A solution that parses, with its mutants."""

    text: str
    syntax: ast.Module
    judged: Judged
    mutants: tuple[Mutant, ...]


def read(text: str, mutants: int) -> Read | Judged:
    """Parse a solution and make its mutants; what is known of it if it does not parse."""
    if not text.strip():
        return Judged().but(NO_SOLUTION, status="error")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    syntax = parsed(text)
    if not isinstance(syntax, ast.Module):
        return Judged().but(NO_PYTHON, status="error")
    try:
        text.encode()
        tree, shape = tree_and_shape(syntax)
        judged = Judged(level="parses", tree=tree, shape=shape)
    except (SyntaxError, UnicodeEncodeError) as error:
        return Judged().but(NO_PYTHON, f"{NO_PYTHON}: {str(error)[:200]}", status="error")
    return Read(text, syntax, judged, mutants_of(text, mutants, tree=syntax))


def calls_of(found: Read, entry_point: str, inputs: str, setup: str, shown: int) -> PythonCalls:
    """What the sandbox runs: the solution and its mutants on all inputs, those first that may become tests."""
    variants = tuple(mutant.text for mutant in found.mutants)
    return PythonCalls(found.text, entry_point, inputs, setup, variants, first=shown)


@dataclass(frozen=True)
class Held:
    """What a solution is held against."""

    entry_point: str
    arguments: Sequence[tuple[Any, ...]]
    expected: Expected
    shown: int
    """So many of the first inputs were shown to who wrote it."""

    def examples(self) -> str:
        """What was shown, as a literal list of arguments and results."""
        return repr(list(zip(self.arguments, self.expected.values, strict=True))[: self.shown])

    def texts(self, answers: Sequence[str]) -> dict[int, str]:
        """The inputs that nobody was shown, as assert statements. Those alone that a solution with these answers
        passes: one may agree with a result and not be equal to it."""
        hidden = [n for n in range(self.shown, len(self.arguments)) if self.expected.passes(n, answers[n])]
        values, strict = self.expected.values, self.expected.strict
        return {n: assertion(self.entry_point, self.arguments[n], values[n], strict=strict) for n in hidden}


def judge(found: Read, answers: Answers, held: Held, verify: Verification) -> Judged:
    """What answers say about a solution."""
    if answers.status != "passed":
        return found.judged.but(NOT_RUN, answers.detail or answers.status, status=answers.status)
    own = answers.answers[0]
    runs = replace(found.judged, level="runs", inputs=len(held.arguments))
    missed = [place for place in range(len(held.arguments)) if not held.expected.agrees(place, own[place])]
    if missed:
        return _wrong(found, runs, missed, own, held)
    if reach := reach_of(found.syntax):
        return replace(runs, level="tests").but(IMPURE, f"{IMPURE}: {reach}")
    if len(held.arguments) == held.shown:
        return replace(runs, level="tests")
    return _tested(found, replace(runs, level="reference"), answers.answers, held, verify)


def _wrong(found: Read, runs: Judged, missed: list[int], own: Sequence[str], held: Held) -> Judged:
    place = missed[0]
    call = assertion(held.entry_point, held.arguments[place], held.expected.values[place])
    told = f"{len(missed)} of {len(held.arguments)} inputs, such as `{_cut(call)}`: it answers {_said(own[place])}"
    if place < held.shown:
        return runs.but(WRONG_SHOWN, f"it is wrong on {told}", status="failed")
    shown = [(held.arguments[n], held.expected.values[n]) for n in range(held.shown)]
    reason = SPECIAL if looks_answers_up(found.syntax, shown) else WRONG_HIDDEN
    level: Level = "tests" if held.shown else "runs"
    return replace(runs, level=level).but(reason, f"{reason}: {told}", status="failed")


def _tested(found: Read, right: Judged, answers: Sequence[Sequence[str]], held: Held, verify: Verification) -> Judged:
    """Tests among the inputs, and a corrupted copy that they fail. `answers` are the solution's and its mutants'."""
    own, *others = answers
    killed = killing(held.expected, others)
    texts = held.texts(own)
    chosen = choose_tests(texts, killed.fails)
    failed = sum(not missed.isdisjoint(chosen) for missed in killed.fails)
    told = sum(bool(missed) for missed in killed.fails)
    strong = not found.mutants or failed >= verify.killed * max(told, 1)
    judged = replace(
        right,
        tests=tuple(texts[place] for place in chosen) if strong else (),
        mutants=len(found.mutants),
        killed=failed,
    )
    corrupted = choose_corrupted(found.mutants, killed, chosen) if strong else None
    if corrupted is not None and not may_be_right(found.mutants[corrupted], held.arguments):
        mutant = found.mutants[corrupted]
        judged = replace(judged, corrupted=mutant.text, mutation=mutant.words)
    return judged


def judge_near(
    judged: Judged,
    entry_point: str,
    inputs: Sequence[tuple[Any, ...]],
    right: Sequence[str],
    said: Sequence[str],
    *,
    strict: bool,
) -> Judged:
    """What further inputs say about a solution that was right on all others. `right` are the reference's answers, and
    `said` the solution's; one that does not come to its end on them has none, and is wrong. Inputs to which the
    reference has no value are none that the problem allows."""
    wrong = "it agrees with the reference on the problem's inputs, and not on others near them"
    if right and not said:
        return replace(judged, level="tests").but(
            WRONG_HIDDEN, f"{wrong}: it does not come to its end", status="failed"
        )
    allowed = [place for place, answer in enumerate(right) if answer.startswith("= ")]
    values = read_list(f"[{', '.join(right[place][2:] for place in allowed)}]") or []
    expected = Expected(values, strict=strict)
    for number, place in enumerate(allowed[: len(values)]):
        if not expected.agrees(number, said[place]):
            call = assertion(entry_point, inputs[place], values[number])
            told = f"{wrong}, such as `{_cut(call)}`: it answers {_said(said[place])}"
            return replace(judged, level="tests").but(WRONG_HIDDEN, told, status="failed")
    return replace(judged, inputs=judged.inputs + len(values))


def judge_tests(found: Read, status: str, detail: str, tests: Sequence[str], entry_point: str) -> Judged:
    """What the problem's own tests say about a solution."""
    if status in ("failed", "passed"):
        runs = replace(found.judged, level="runs", status=status)
        if status == "failed":
            return runs.but(WRONG_TESTS, f"{WRONG_TESTS}: {_cut(detail)}")
        judged = replace(runs, level="tests", tests=tuple(tests))
        if reach := reach_of(found.syntax):
            return judged.but(IMPURE, f"{IMPURE}: {reach}")
        if looks_answers_up(found.syntax, written_examples(tests, entry_point)):
            return judged.but(SPECIAL)
        return judged
    return found.judged.but(NOT_RUN, detail or status, status=status)


def judge_mutants(found: Read, judged: Judged, verdicts: Sequence[str], verify: Verification) -> Judged:
    """What the problem's own tests are worth where nothing else speaks for a solution. `verdicts` are how the mutants'
    executions ended."""
    killed = sum(status != "passed" for status in verdicts)
    judged = replace(judged, mutants=len(verdicts), killed=killed)
    if verify.mutants and killed < max(verify.killed * len(verdicts), 1):
        return replace(judged, tests=()).but(FEW_KILLED, f"{FEW_KILLED}: {killed} of {len(verdicts)}")
    wrong = [mutant for mutant, status in zip(found.mutants, verdicts, strict=True) if status == "failed"]
    if wrong:
        chosen = min(wrong, key=lambda mutant: clumsy(mutant.kind))
        judged = replace(judged, corrupted=chosen.text, mutation=chosen.words)
    return judged


def unheld(found: Read, status: str, detail: str) -> Judged:
    """What is known of a solution that nothing but itself speaks for, once it was loaded."""
    if status != "passed":
        return found.judged.but(NOT_RUN, detail or status, status=status)
    return replace(found.judged, level="runs").but(NOTHING_SPEAKS)


def accepted(judged: Judged, least: Level, highest: Level | None) -> bool:
    """Whether a solution passes what is asked for, or the highest level that its problem can show, if that is lower.

    None: the problem shows nothing, so that a solution can run at most.
    """
    if judged.refused in (IMPURE, SPECIAL, FEW_KILLED, REFUTED, SAME) and least not in ("parses", "runs"):
        return False
    if highest is None and least not in ("parses", "runs"):
        return False
    needed = min(LEVELS.index(least), LEVELS.index(highest or "runs"))
    return judged.level != "" and LEVELS.index(judged.level) >= needed


def _cut(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."


def _said(answer: str) -> str:
    if answer.startswith("= "):
        return f"`{_cut(answer[2:])}`"
    return f"with {_cut(answer[2:])}" if answer.startswith("! ") else "with no plain value"
