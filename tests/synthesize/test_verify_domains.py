from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from titrant.sandbox import Answers, Program, PythonCalls, Sandbox, Verdict
from titrant.synthesize.generator.problem import Problem, Settings, problem_at
from titrant.synthesize.verify import contracts
from titrant.synthesize.verify.candidates import whole_solution
from titrant.synthesize.verify.domains import allows
from titrant.synthesize.verify.judging import Held
from titrant.synthesize.verify.values import Expected

PROBLEMS = [problem_at(3, number, Settings(inputs=12)) for number in range(0, 600, 5)]


def test_the_inputs_of_a_problem_are_allowed_and_values_of_other_types_are_not() -> None:
    known = 0
    for problem in PROBLEMS:
        found = {allows(problem, arguments) for arguments in ast.literal_eval(problem.inputs)}
        assert found in ({True}, {None}), problem.source
        known += found == {True}
        arguments = ast.literal_eval(problem.inputs)[0]
        assert allows(problem, [object() for _ in arguments]) is not True
        assert allows(problem, (*arguments, 1)) is None
    assert known > len(PROBLEMS) / 2


@pytest.mark.parametrize("change", [{"family": "nobody-knows"}, {"area": ""}, {"source": "somewhere"}, {"about": "x"}])
def test_of_problems_that_are_not_the_generators_nobody_can_say(change: dict[str, str]) -> None:
    problem = numeric()
    arguments = ast.literal_eval(problem.inputs)[0]
    assert allows(problem, arguments) is True
    assert allows(replace(problem, **cast(Any, change)), arguments) is None


def numeric() -> Problem:
    """A problem of one whole number."""
    return next(
        each
        for each in (problem_at(0, number, Settings(areas=("arithmetic",))) for number in range(400))
        if allows(each, (1,)) and allows(each, (10**9,)) is False
    )


class Found:
    """A sandbox in which CrossHair finds one counterexample, and every program answers -1."""

    def __init__(self, call: str) -> None:
        self.output = json.dumps([["POST_FAIL", f"false when calling contract({call}) (which returns False)"]])

    def run_many(self, checks: Iterable[Program]) -> Iterator[tuple[int, Verdict]]:
        for place, _ in enumerate(checks):
            yield place, Verdict("passed", "", output=self.output)

    def call_many(self, calls: Iterable[PythonCalls]) -> Iterator[tuple[int, Answers]]:
        for place, _ in enumerate(calls):
            yield place, Answers("passed", "", (("= -1",),), 0.0)


@pytest.mark.parametrize(
    ("change", "call", "said"),
    [
        ({}, "1", "refuted: `result >= 0`"),
        ({}, "1000000000", contracts.UNDECIDED),
        ({"family": "nobody-knows"}, "1", contracts.UNDECIDED),
    ],
)
def test_a_counterexample_counts_if_the_problem_allows_it(change: dict[str, str], call: str, said: str) -> None:
    pytest.importorskip("crosshair")
    problem = replace(numeric(), contracts=("result >= 0",), **cast(Any, change))
    held = Held(problem.entry_point, [(1,)], Expected([1]), 0)
    sandbox = cast(Sandbox, Found(call))
    (found,) = contracts.search([(problem, whole_solution(problem), held)], 1.0, sandbox, sandbox)
    assert found.startswith(said)
