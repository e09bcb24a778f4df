"""Others' solutions that are right on all inputs of a problem, and wrong on others that it allows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from titrant.jobs import VerificationJob
from titrant.sandbox import open_sandbox
from titrant.study.limits import Limits
from titrant.study.synthesis import Verification
from titrant.synthesize.generator.domains import Lists, Texts
from titrant.synthesize.generator.further import drawn_again
from titrant.synthesize.generator.problem import Problem, Settings, problem_at
from titrant.synthesize.verify.candidates import Asked, Candidate, parameters_of, whole_solution
from titrant.synthesize.verify.deciding import Decided
from titrant.synthesize.verify.part import Opening, verify_part

LIMITS = Limits(cpu_seconds=1.0, memory_bytes=256 * 2**20)


@pytest.fixture(scope="module")
def opened() -> Iterator[Opening]:
    with open_sandbox(LIMITS, processes=2) as sandbox:
        yield lambda limits, hash_seed=0: sandbox


def verified(opened: Opening, *plants: tuple[Problem, str], own: bool = False) -> list[Decided]:
    job = VerificationJob(verify=Verification(limits=LIMITS), forms=("python",))
    asked = [Asked(problem, (Candidate("python", 0, text, own=own),)) for problem, text in plants]
    return [found for one in asked for found in verify_part(job, [one], opened)]


def wrong_at_an_edge(problem: Problem) -> str | None:
    """The problem's solution, wrong where its first argument, a text or a list, holds one element: that is allowed, and
    not among the problem's inputs."""
    inputs, expected = ast.literal_eval(problem.inputs), ast.literal_eval(problem.expected)
    (name, _), *_ = parameters_of(problem.signature)
    drawn = drawn_again(problem)
    assert drawn is not None
    domain = drawn.parameters[0].domain
    if drawn.where is not None or not isinstance(domain, (Texts, Lists)) or domain.shortest > 1:
        return None
    if any(len(given[0]) == 1 for given in inputs) or type(expected[0]) is not int:
        return None
    return (
        f"{whole_solution(problem)}\n\nright = {problem.entry_point}\n\ndef {problem.entry_point}({name}, *more):\n"
        f"    return right({name}, *more) + (len({name}) == 1)\n"
    )


def test_a_solution_that_is_wrong_at_an_edge_alone_is_refused(opened: Opening) -> None:
    problems = [problem_at(77, number, Settings(inputs=24)) for number in range(200)]
    plants = [(problem, text) for problem in problems if (text := wrong_at_an_edge(problem))][:8]
    assert len(plants) == 8
    for (problem, _), found in zip(plants, verified(opened, *plants), strict=True):
        assert found.accepted is None, problem
    right = [(problem, whole_solution(problem)) for problem, _ in plants]
    assert all(found.accepted == 0 for found in verified(opened, *right))


def test_arguments_are_left_alone_where_the_statement_says_so(opened: Opening) -> None:
    given = [([a, b, c],) for a in range(4) for b in (3, 9) for c in (5, 1)]
    problem = Problem(
        problem="greatest",
        source="file",
        licence="MIT",
        statement="Return the greatest, leaving the list unchanged.",
        entry_point="top",
        inputs=repr(given),
        expected=repr([max(values) for (values,) in given]),
        shown=2,
    )
    changing, plain = "values.sort()\n    return values.pop()\n", "return sorted(values).pop()\n"
    one, other = verified(opened, *((problem, f"def top(values):\n    {body}") for body in (changing, plain)))
    assert one.accepted is None
    assert "changes its arguments" in one.judged[0].detail
    assert other.accepted == 0


def test_results_that_are_all_equal_speak_for_no_solution(opened: Opening) -> None:
    problem = Problem(
        problem="zero",
        source="file",
        licence="MIT",
        statement="Return n minus n.",
        entry_point="zero",
        solution="def zero(n: int) -> int:\n    return n - n\n",
        inputs=repr([(n,) for n in range(20)]),
        expected=repr([0] * 20),
    )
    for own in (True, False):
        (found,) = verified(opened, (problem, "def zero(n):\n    return 0\n"), own=own)
        assert found.accepted is None
