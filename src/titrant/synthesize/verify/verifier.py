"""Some problems at a time: their solutions are executed in the sandbox, and what is found out is kept in a journal.

1. problems without inputs that bring a reference get inputs, and the reference's answers to them
2. a solution whose problem has tests is run with them
3. a solution whose problem has inputs and results of somebody else is called on them, together with its mutants
4. if it is right on all of them, and somebody else's, it is held against the family's oracle on hundreds of others, and
   against the problem's own solution on inputs near these; and it must leave its arguments alone if it is told to
5. where tests alone speak for a solution its mutants are run with them
6. if sets may take part in it, and it is not the generator's own, it is run once more where they have another order

Equal work has an equal key, so that nothing is executed twice.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blake3 import blake3

from titrant.sandbox import Answers, PythonCalls, PythonCheck, Sandbox
from titrant.study.synthesis import Level, Verification
from titrant.synthesize.generator.further import further_inputs
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.parsing import nodes_of, parsed
from titrant.synthesize.verify import judging
from titrant.synthesize.verify.candidates import Asked, Candidate, parameters_of, whole_solution
from titrant.synthesize.verify.chosen import holds_set
from titrant.synthesize.verify.edits import may_be_set
from titrant.synthesize.verify.foreign import inputs_for, written_arguments
from titrant.synthesize.verify.judging import (
    Held,
    Judged,
    Read,
    calls_of,
    judge,
    judge_mutants,
    judge_near,
    judge_tests,
    read,
)
from titrant.synthesize.verify.near import near_inputs
from titrant.synthesize.verify.values import Expected, read_list

_NEAR = 4
"""So many inputs near those of the problem for each that it has, where another's solution looks right."""
_FURTHER = 400
"""So many other inputs of a generated problem's domains."""
_AT_ONCE = 200
"""So many of them in one execution, which has a limit of time."""
_LEFT_ALONE = re.compile(
    r"\b(unchanged|untouched|(without|not|n't|never|instead of) (chang|modif|mutat|alter)(e|ing|y|ying)\b)",
    re.IGNORECASE,
)
"""How statements say that arguments are left as they are."""
_CHANGES = "it changes its arguments, which the statement leaves alone"
_WATCHED = """


def _titrant_watched(*given):
    before = f"{given!r}"
    ENTRY_POINT(*given)
    return f"{given!r}" != before
"""
_LEAST_INPUTS = 8
"""Inputs that a reference must answer before others are held against it."""


_Place = tuple[int, int]
"""A problem's number among those at hand, and a sample's."""
_Solutions = Mapping[_Place, Candidate]


@dataclass(frozen=True)
class _Work:
    """One execution: what is asked, made when its turn comes, and what is kept of the answer."""

    key: str
    ask: Callable[[], PythonCalls | Judged]
    """What to run; or what is known without."""
    keep: Callable[[Answers], Any]


class Verifier:
    """Holds solutions against their problems."""

    def __init__(
        self,
        sandbox: Sandbox,
        elsewhere: Callable[[], Sandbox],
        verify: Verification,
        tick: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._sandbox, self._elsewhere, self._verify, self._tick = sandbox, elsewhere, verify, tick
        self._kept: dict[str, Any] = {}
        """What is known already, by key."""

    def held(self, asked: Sequence[Asked]) -> list[Held | None]:
        """What the solutions of each problem are held against, beside its own tests."""
        helds = [self._held(one) for one in asked]
        self._answer_references(asked, helds)
        return helds

    def judge_all(self, asked: Sequence[Asked], helds: Sequence[Held | None]) -> list[list[Judged]]:
        """What is known of every solution in Python, by problem."""
        solutions = {(n, each.sample): each for n, one in enumerate(asked) for each in one.of("python")}
        found: dict[_Place, Judged] = {}
        tested = [place for place in solutions if asked[place[0]].problem.tests]
        found |= self._by_tests(asked, solutions, tested)
        right = [place for place in solutions if place not in found or not found[place].refused]
        held = [place for place in right if self._is_held(asked[place[0]], solutions[place], helds[place[0]])]
        for place, judged in self._by_inputs(asked, solutions, held, helds).items():
            better = judged.level == "runs" and place in found  # it has passed the tests
            found[place] = replace(judged, level="tests") if better else judged
        for look in (self._by_further, self._by_near, self._by_what_is_changed):
            others = [place for place in held if not found[place].refused and not solutions[place].own]
            found |= look(asked, solutions, others, helds, found)
        alone = set(right).intersection(tested).difference(held)
        found |= self._by_mutants(asked, solutions, sorted(alone), found)
        found |= self._in_another_order(asked, solutions, helds, found)
        found |= self._unheld(asked, solutions, [place for place in solutions if place not in found])
        return [[found[n, each.sample] for each in one.of("python")] for n, one in enumerate(asked)]

    def _is_held(self, one: Asked, candidate: Candidate, held: Held | None) -> bool:
        return held is not None and (bool(one.problem.expected) or not candidate.own)

    def _held(self, one: Asked) -> Held | None:
        problem = one.problem
        arguments, expected = read_list(problem.inputs), read_list(problem.expected)
        if not arguments or not expected or len(arguments) != len(expected):
            return None
        if not all(isinstance(each, tuple) for each in arguments):
            return None
        if len(expected) >= _LEAST_INPUTS and len(set(map(repr, expected))) < 2:
            return None  # a program that always returns that would pass
        shown = problem.shown if not problem.tests else 0
        return Held(problem.entry_point, arguments, Expected(expected, strict=not problem.tests), shown)

    def _answer_references(self, asked: Sequence[Asked], helds: list[Held | None]) -> None:
        """Fill in what solutions of others are held against, where a problem brings a reference and no results."""
        work, places = [], []
        for n, one in enumerate(asked):
            problem = one.problem
            if helds[n] is not None or not problem.solution or all(each.own for each in one.of("python")):
                continue
            inputs = self._inputs(problem)
            if inputs:
                places.append((n, inputs))
                work.append(_plain_calls(whole_solution(problem), problem, inputs))
        for (n, inputs), answers in zip(places, self._run_calls(work), strict=True):
            right = [(given, answer) for given, answer in zip(inputs, answers, strict=False) if answer[:2] == "= "]
            values = read_list(f"[{', '.join(answer[2:] for _, answer in right)}]")
            if values is None or len(values) < _LEAST_INPUTS or len({repr(value) for value in values}) < 2:
                continue
            problem = asked[n].problem
            expected = Expected(values, strict=not problem.tests)
            helds[n] = Held(problem.entry_point, [given for given, _ in right], expected, 0)

    def _inputs(self, problem: Problem) -> list[tuple[Any, ...]]:
        given = read_list(problem.inputs)
        if given:
            return given
        tree = parsed(whole_solution(problem))
        if not isinstance(tree, ast.Module):
            return []
        seeds = written_arguments(problem.tests, problem.entry_point)
        return inputs_for(tree, problem.entry_point, seeds, self._verify.inputs, problem.problem)

    def _by_inputs(
        self, asked: Sequence[Asked], solutions: _Solutions, places: list[_Place], helds: Sequence[Held | None]
    ) -> dict[_Place, Judged]:
        work = [self._on_inputs(asked[place[0]], solutions[place], helds[place[0]]) for place in places]
        return dict(zip(places, self._run_calls(work), strict=True))

    def _on_inputs(self, one: Asked, candidate: Candidate, held: Held | None) -> _Work:
        assert held is not None
        problem, waiting = one.problem, list[Read]()
        inputs = problem.inputs if problem.expected else repr(held.arguments)
        expected = problem.expected or repr(held.expected.values)
        strict = not problem.tests
        told = (problem.entry_point, problem.setup, inputs, expected, held.shown, strict, candidate.text)

        def ask() -> PythonCalls | Judged:
            found = read(candidate.text, self._verify.mutants)
            if isinstance(found, Judged):
                return found
            waiting.append(found)
            return calls_of(found, problem.entry_point, inputs, problem.setup, held.shown)

        def keep(said: Answers) -> Any:
            return judge(waiting.pop(), said, held, self._verify)

        return _Work(_key_of("inputs", told), ask, keep)

    def _by_near(
        self,
        asked: Sequence[Asked],
        solutions: _Solutions,
        places: list[_Place],
        helds: Sequence[Held | None],
        before: Mapping[_Place, Judged],
    ) -> dict[_Place, Judged]:
        """A second look at others' solutions that look right: on inputs near those of the problem, held against the
        problem's own solution."""
        work: list[_Work] = []
        looked: list[tuple[_Place, list[tuple[Any, ...]]]] = []
        for place in places:
            problem, candidate, held = asked[place[0]].problem, solutions[place], helds[place[0]]
            own, other = parsed(whole_solution(problem)), parsed(candidate.text)
            if held is None or not isinstance(own, ast.Module) or not isinstance(other, ast.Module):
                continue
            nullable = [n for n, (_, kind) in enumerate(parameters_of(problem.signature)) if "None" in kind]
            count = _NEAR * len(held.arguments)
            inputs = near_inputs(held.arguments, (own, other), count, problem.problem, nullable=nullable)
            looked.append((place, inputs))
            work += [_plain_calls(text, problem, inputs) for text in (whole_solution(problem), candidate.text)]
        answers = self._run_calls(work)
        return {
            place: judge_near(before[place], problem_of.entry_point, inputs, right, said, strict=not problem_of.tests)
            for (place, inputs), right, said in zip(looked, answers[::2], answers[1::2], strict=True)
            for problem_of in (asked[place[0]].problem,)
        }

    def _by_further(
        self,
        asked: Sequence[Asked],
        solutions: _Solutions,
        places: list[_Place],
        _: Sequence[Held | None],
        before: Mapping[_Place, Judged],
    ) -> dict[_Place, Judged]:
        """Generated problems: edges of the domains, and hundreds of other inputs, with the oracle's results."""
        more = {n: further_inputs(asked[n].problem, _FURTHER) for n in sorted({n for n, _ in places})}
        looked = [(p, more[p[0]][at : at + _AT_ONCE]) for p in places for at in range(0, len(more[p[0]]), _AT_ONCE)]
        work = [_plain_calls(solutions[p].text, asked[p[0]].problem, [one for one, _ in part]) for p, part in looked]
        judged: dict[_Place, Judged] = {}
        for (place, part), said in zip(looked, self._run_calls(work), strict=True):
            last = judged.get(place, before[place])
            if not last.refused:
                inputs, right = [one for one, _ in part], [f"= {result}" for _, result in part]
                entry_point = asked[place[0]].problem.entry_point
                judged[place] = judge_near(last, entry_point, inputs, right, said, strict=True)
        return judged

    def _by_what_is_changed(
        self,
        asked: Sequence[Asked],
        solutions: _Solutions,
        places: list[_Place],
        helds: Sequence[Held | None],
        before: Mapping[_Place, Judged],
    ) -> dict[_Place, Judged]:
        """Whether arguments are left alone where the statement says that they are."""
        looked = [place for place in places if _LEFT_ALONE.search(asked[place[0]].problem.statement)]
        work = []
        for place in looked:
            held, problem = helds[place[0]], asked[place[0]].problem
            assert held is not None
            text = solutions[place].text + _WATCHED.replace("ENTRY_POINT", problem.entry_point)
            work.append(_plain_calls(text, replace(problem, entry_point="_titrant_watched"), list(held.arguments)))
        return {
            place: replace(before[place], level="tests").but(_CHANGES, status="failed")
            for place, said in zip(looked, self._run_calls(work), strict=True)
            if "= True" in said
        }

    def _in_another_order(
        self,
        asked: Sequence[Asked],
        solutions: _Solutions,
        helds: Sequence[Held | None],
        before: Mapping[_Place, Judged],
    ) -> dict[_Place, Judged]:
        """Those whose result hangs on the order of a set, which is another in another process."""
        right = [place for place, judged in before.items() if not judged.refused]
        looked = [p for p in right if _may_hang_on_order(asked[p[0]].problem, solutions[p], helds[p[0]])]
        if not looked:
            return {}
        other = Verifier(self._elsewhere(), self._elsewhere, self._verify, self._tick)
        called = {p: held for p in looked if (held := helds[p[0]]) is not None}
        work = [_plain_calls(solutions[p].text, asked[p[0]].problem, list(h.arguments)) for p, h in called.items()]
        said = dict(zip(called, other._run_calls(work), strict=True))
        tested = [p for p in looked if p not in called]
        checks = [_check(asked[p[0]].problem, solutions[p].text) for p in tested]
        passed = {p: status == "passed" for p, (status, _) in zip(tested, other._run_checks(checks), strict=True)}
        for place, held in called.items():
            answers = said[place]
            passed[place] = bool(answers) and all(held.expected.agrees(n, each) for n, each in enumerate(answers))
        return {
            place: replace(before[place], level="tests").but(judging.IMPURE, f"{judging.IMPURE}: the order of a set")
            for place in looked
            if not passed[place]
        }

    def _run_calls(self, work: Sequence[_Work]) -> list[Any]:
        """What is kept of each, in order; what is known already is not run."""
        waiting = {one.key: one for one in work if one.key not in self._kept}
        asked: list[_Work] = []

        def calls() -> Iterator[PythonCalls]:
            for one in waiting.values():
                made = one.ask()
                if isinstance(made, Judged):
                    self._kept[one.key] = made
                else:
                    asked.append(one)
                    yield made

        for place, said in self._sandbox.call_many(calls()):
            self._kept[asked[place].key] = asked[place].keep(said)
            self._tick(0)
        return [self._kept[one.key] for one in work]

    def _by_tests(self, asked: Sequence[Asked], solutions: _Solutions, places: list[_Place]) -> dict[_Place, Judged]:
        reads = {place: read(solutions[place].text, 0) for place in places}
        checks = {p: _check(asked[p[0]].problem, found.text) for p, found in reads.items() if isinstance(found, Read)}
        verdicts = dict(zip(checks, self._run_checks(list(checks.values())), strict=True))
        judged = {}
        for place, found in reads.items():
            problem = asked[place[0]].problem
            if isinstance(found, Judged):
                judged[place] = found
            else:
                judged[place] = judge_tests(found, *verdicts[place], problem.tests, problem.entry_point)
        return judged

    def _by_mutants(
        self, asked: Sequence[Asked], solutions: _Solutions, places: list[_Place], before: Mapping[_Place, Judged]
    ) -> dict[_Place, Judged]:
        reads = {place: read(solutions[place].text, self._verify.mutants) for place in places}
        checks = {
            (place, mutant.text): _check(asked[place[0]].problem, mutant.text)
            for place, found in reads.items()
            if isinstance(found, Read)
            for mutant in found.mutants
        }
        verdicts = dict(zip(checks, self._run_checks(list(checks.values())), strict=True))
        judged = {}
        for place, found in reads.items():
            assert isinstance(found, Read)
            statuses = [verdicts[place, mutant.text][0] for mutant in found.mutants]
            judged[place] = judge_mutants(found, before[place], statuses, self._verify)
        return judged

    def _run_checks(self, checks: Sequence[PythonCheck]) -> list[tuple[str, str]]:
        """Status and detail of each, in order."""
        keys = [_key_of("check", vars(check)) for check in checks]
        waiting = {key: check for key, check in zip(keys, checks, strict=True) if key not in self._kept}
        names = list(waiting)
        for place, verdict in self._sandbox.run_many(list(waiting.values())):
            self._kept[names[place]] = (verdict.status, _lasting(verdict.detail))
            self._tick(0)
        return [self._kept[key] for key in keys]

    def _unheld(self, asked: Sequence[Asked], solutions: _Solutions, places: list[_Place]) -> dict[_Place, Judged]:
        """Of solutions that nothing but themselves speaks for: whether they can be loaded."""
        reads = {place: read(solutions[place].text, 0) for place in places}
        checks = {}
        for place, found in reads.items():
            problem = asked[place[0]].problem
            if isinstance(found, Read):
                checks[place] = PythonCheck(found.text, "", (problem.entry_point,), problem.setup)
        verdicts = dict(zip(checks, self._run_checks(list(checks.values())), strict=True))
        return {
            place: found if isinstance(found, Judged) else judging.unheld(found, *verdicts[place])
            for place, found in reads.items()
        }


def _may_hang_on_order(problem: Problem, candidate: Candidate, held: Held | None) -> bool:
    """Whether sets may take part in what somebody else has written."""
    if problem.family and candidate.own:
        return False  # it agrees with the family's oracle, which ran in another process
    tree = parsed(candidate.text)
    given = any(map(holds_set, held.arguments)) if held is not None else "{" in "".join(problem.tests)
    return given or (tree is not None and any(map(may_be_set, nodes_of(tree))))


def _plain_calls(text: str, problem: Problem, inputs: list[tuple[Any, ...]]) -> _Work:
    """A program on some inputs; what is kept are its answers, none if it does not come to its end."""
    calls = PythonCalls(text, problem.entry_point, repr(inputs), problem.setup)
    return _Work(
        _key_of("calls", vars(calls)),
        lambda: calls,
        lambda said: list(said.answers[0]) if said.status == "passed" else [],
    )


def highest_level(one: Asked, candidate: Candidate, judged: Judged) -> Level | None:
    """The highest level that a problem can show of a solution."""
    if judged.inputs and not (candidate.own and not one.problem.expected):
        return "reference"
    return "tests" if one.problem.tests else None


def _check(problem: Problem, text: str) -> PythonCheck:
    return PythonCheck(text, "\n".join(problem.tests), (problem.entry_point,), problem.setup)


def _lasting(detail: str) -> str:
    """A reason without what differs from run to run: addresses of objects, and names of temporary files."""
    detail = re.sub(r"(/work|/tmp/titrant-sandbox-\w+/\w+)/", "/work/", detail)
    detail = re.sub(r"\btmp[a-z0-9_]{8}\b", "tmp…", detail)
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", detail)[:300]


def _key_of(*parts: object) -> str:
    return str(blake3(json.dumps(parts).encode()).hexdigest(length=16))
