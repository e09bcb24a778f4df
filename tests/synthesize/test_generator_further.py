"""Further inputs of generated problems."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest

from titrant.synthesize.generator.domains import Booleans, Dicts, Domain, Integers, Lists, Several, Texts, Tuples
from titrant.synthesize.generator.further import edges_of, further_inputs
from titrant.synthesize.generator.problem import Settings, problem_at
from titrant.synthesize.verify.candidates import whole_solution
from titrant.synthesize.verify.domains import allows
from titrant.synthesize.verify.values import same_value

PROBLEMS = [problem_at(77, number, Settings()) for number in range(0, 5200, 89)]


@pytest.mark.parametrize(
    ("domain", "among", "never"),
    [
        (Texts("abc", 0, 3), ["", "a", "b", "c", "aa", "aba", "aaa"], ["aaaa"]),
        (Texts("ab", 2, 4), ["aa", "ab", "ba"], ["", "a"]),
        (Integers(-3, 40), [-3, 40, 0, 1, -1], [-4, 41]),
        (Lists(Integers(0, 5)), [[], [0], [5], [0, 0]], []),
        (Lists(Integers(0, 5), unique=True), [[], [0], [5]], [[0, 0]]),
        (Lists(Integers(0, 5), 1, ascending=True), [[0], [0, 5], [0, 0]], [[], [5, 0]]),
        (Tuples((Integers(1, 2), Booleans())), [(1, False), (2, True)], []),
        (Dicts(Texts("ab", 1, 2), Integers(0, 9)), [{}, {"a": 0}], []),
        (Several((Integers(0, 5),)), [[], [0], [5]], []),
    ],
)
def test_edges_are_what_a_domain_holds_at_its_ends(domain: Domain, among: list[Any], never: list[Any]) -> None:
    found = edges_of(domain)
    assert all(each in found for each in among)
    assert not any(each in found for each in never)
    assert len(found) <= 24


def test_further_inputs_are_of_the_problem_and_its_solution_is_right_on_them() -> None:
    new = 0
    for problem in PROBLEMS:
        found = further_inputs(problem, 120)
        assert found == further_inputs(problem, 120)
        known = set(map(repr, ast.literal_eval(problem.inputs)))
        new += sum(repr(given) not in known for given, _ in found)
        scope: dict[str, Any] = {}
        exec(whole_solution(problem), scope)
        for given, result in found:
            assert allows(problem, given) is not False, (problem, given)
            assert same_value(scope[problem.entry_point](*given), ast.literal_eval(result)), (problem, given)
    assert new > 60 * len(PROBLEMS)


def test_a_problem_of_another_task_has_none() -> None:
    assert further_inputs(PROBLEMS[0], 10)
    assert not further_inputs(replace(PROBLEMS[0], about="Another task."), 10)
    assert not further_inputs(replace(PROBLEMS[0], family="unknown"), 10)
    assert not further_inputs(replace(PROBLEMS[0], source="problems.jsonl, line 3"), 10)
