"""Tests that an item stores are passed by its own solution."""

from __future__ import annotations

from typing import Any

import pytest

from titrant.jobs import VerificationJob
from titrant.sandbox import open_sandbox
from titrant.study.limits import Limits
from titrant.study.synthesis import Verification
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.verify.candidates import Asked, Candidate
from titrant.synthesize.verify.part import verify_part
from titrant.synthesize.verify.values import Expected

LIMITS = Limits(cpu_seconds=1.0, memory_bytes=256 * 2**20)
EVEN = Problem(
    "even", "file", "MIT", "Is n even?", "even",
    tests=("assert even(2)", "assert even(3) == False", "assert even(10) == True"),
    solution="def even(n: int) -> bool:\n    return n % 2 == 0\n",
)  # fmt: skip
MEAN = Problem(
    "mean", "file", "MIT", "The mean of some numbers.", "mean",
    tests=("assert abs(mean([1.0, 2.0, 4.0]) - 7/3) < 1e-9", "assert mean([3.0, 3.5]) == 3.25"),
    solution="def mean(values: list[float]) -> float:\n    return sum(values) / max(len(values), 1)\n",
)  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "solution"),
    [
        (EVEN, "def even(n):\n    return 1 - n % 2\n"),
        (EVEN, "def even(n):\n    return 1.0 - n % 2\n"),
        (
            MEAN,
            "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value / len(values)\n"
            "    return total\n",
        ),
    ],
)
def test_an_accepted_solution_passes_the_tests_that_are_stored_with_it(problem: Problem, solution: str) -> None:
    asked = Asked(problem, (Candidate("python", 0, solution, cost=0.0),))
    with open_sandbox(LIMITS, processes=1) as sandbox:
        job = VerificationJob(verify=Verification(limits=LIMITS), forms=("python",))
        (found,) = verify_part(job, [asked], lambda limits, hash_seed=0: sandbox)
    assert found.accepted == 0, found.judged[0].detail
    assert found.judged[0].level == "reference"
    assert len(found.judged[0].tests) >= 3
    names: dict[str, Any] = {}
    exec(solution, names)  # ours
    for test in found.judged[0].tests:
        exec(test, names)


def test_an_answer_within_the_tolerance_passes_no_test_of_equality() -> None:
    expected = Expected([0.3, True, float("inf"), [float("nan")], "inf"], strict=False)
    assert expected.agrees(0, "= 0.30000000000000004")
    assert not expected.passes(0, "= 0.30000000000000004")
    assert expected.passes(0, "= 0.3")
    assert expected.passes(1, "= 1.0")
    assert not expected.passes(2, "= inf")
    assert not expected.passes(3, "= [nan]")
    assert expected.passes(4, "= 'inf'")
