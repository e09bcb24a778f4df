"""What may last from one call of a program to the next."""

from __future__ import annotations

import pytest

from titrant.sandbox.inside.stateless import keeps_nothing
from titrant.synthesize.generator.problem import Settings, problem_at
from titrant.synthesize.verify.candidates import whole_solution


@pytest.mark.parametrize(
    "program",
    [
        "def f(x):\n    return x",
        "from math import gcd\nimport itertools\nMOST = 3\nSIGNS = ('a', -1, MOST + 2)\n'told'\ndef f(x, y=(), z=None):\n    a = []\n    a[0] = x\n    return a",
        "def f(x):\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    return g",
    ],
)  # fmt: skip
def test_functions_and_constants_keep_nothing(program: str) -> None:
    assert keeps_nothing(program)


@pytest.mark.parametrize(
    "program",
    [
        "KEPT = []", "KEPT = {}", "KEPT = ([],)", "KEPT = iter('ab')", "a, b = [], 1", "KEPT: list = []",
        "def f(x, kept=[]):\n    return kept", "def f(x, *, kept={}):\n    return kept",
        "import functools\n@functools.cache\ndef f(x):\n    return x", "class A:\n    pass", "def f(x):\n    global y",
        "def f(x):\n    f.kept = x", "def f(x):\n    del f.kept", "import random", "import math, sys",
        "def f(x):\n    import decimal", "from os import path", "from . import x", "f = lambda x: x", "if 1:\n    a = 2",
        "def make():\n    return lambda x: x\nf = make()", "def f(x):\n    return f.__dict__", "def f(x",
    ],
)  # fmt: skip
def test_what_may_keep_something_is_not_trusted(program: str) -> None:
    assert not keeps_nothing(program)


def test_nearly_all_generated_programs_keep_nothing() -> None:
    texts = [whole_solution(problem_at(3, number, Settings())) for number in range(0, 900, 15)]
    assert sum(map(keeps_nothing, texts)) >= 0.9 * len(texts)
