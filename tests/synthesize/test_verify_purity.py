"""Programs that are right only where they are watched, and programs that are not suspect."""

from __future__ import annotations

import ast

import pytest

from titrant.synthesize.generator.problem import Settings, problem_at
from titrant.synthesize.verify.candidates import whole_solution
from titrant.synthesize.verify.purity import reach_of

RIGHT = "\n\ndef right(x):\n    return x + 1\n\n\ndef f(x):\n    return right(x) if {} else None\n"
WATCHED = {
    "flags": ("import enum", "enum.sys.flags.hash_randomization == 0"),
    "flags by import": ("from enum import sys as s", "s.flags.hash_randomization == 0"),
    "flags by another name": ("import sys as s", "s.flags.hash_randomization == 0"),
    "flags handed on": ("import sys\ns = sys", "s.flags.hash_randomization == 0"),
    "flags in a format": ("import enum", "'{0.sys.flags}'.format(enum)[-2] == '0'"),
    "hash of a text": ("", "'abc'.__hash__() == 3"),
    "order of a set": ("", "list({'a', 'b', 'c'}) == ['b', 'a', 'c']"),
    "order of a named set": ("known = {'a', 'b', 'c'}", "''.join(known) == 'bac'"),
    "order of a set of letters": ("", "[*set('abc')] == ['b', 'a', 'c']"),
    "arguments of the process": ("import statistics", "'pytest' not in statistics.sys.argv[0]"),
    "counter": ("import itertools\ncalls = itertools.count()", "next(calls) < 1000"),
    "counter in a loop": ("from itertools import count\ncalls = count()", "[n for n, _ in zip(calls, 'a')][0] < 9"),
    "list": ("calls = []", "calls.append(1) or len(calls) < 1000"),
    "item": ("calls = [0]\ndef tick():\n    calls[0] += 1\n    return calls[0]", "tick() < 1000"),
    "default": ("def tick(calls=[]):\n    calls.append(1)\n    return len(calls)", "tick() < 1000"),
    "global": ("calls = 0\ndef tick():\n    global calls\n    calls += 1\n    return calls", "tick() < 1000"),
    "attribute": ("class A:\n    n = 0\ndef tick():\n    A.n += 1\n    return A.n", "tick() < 1000"),
    "attribute of a module": (
        "import math\nmath.n = 0\ndef tick():\n    math.n += 1\n    return math.n",
        "tick() < 1000",
    ),
    "cache": ("import functools\n@functools.cache\ndef g(x):\n    return x", "g(x) and g.cache_info().misses < 99"),
    "chance": ("import statistics", "statistics.random.random() > 0.0005"),
    "stack": ("import dataclasses", "len(dataclasses.inspect.stack()) > 3"),
    "files": ("import json", "'a' in json.codecs.open('/proc/self/cmdline').read()"),
    "clock": ("import calendar", "calendar.datetime.datetime.today.__call__().year < 2027"),
    "address": ("", "str(object())[-4] in '01234567'"),
    "address in a format": ("thing = object()", "f'{thing}'[-4] in '01234567'"),
    "address of a function": ("", "repr(right)[-4] in '01234567'"),
}


@pytest.mark.parametrize("case", WATCHED)
def test_a_program_that_can_tell_where_it_runs_or_how_often_is_found(case: str) -> None:
    head, condition = WATCHED[case]
    program = head + RIGHT.format("CONDITION").replace("CONDITION", condition)
    assert reach_of(ast.parse(program))
    plain = RIGHT.format("x > 3")
    assert reach_of(ast.parse(plain)) == ""


@pytest.mark.parametrize(
    "program",
    [
        "import functools\n@functools.cache\ndef f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)",
        "TABLE = []\nfor n in range(9):\n    TABLE.append(n * n)\ndef f(n):\n    return TABLE[n]",
        "def f(x, seen=None):\n    seen = seen or []\n    seen.append(x)\n    return seen",
        "def f(x, given=()):\n    found = list(given)\n    found.append(x)\n    return str(found)",
        "VOWELS = {'a', 'e'}\ndef f(text):\n    return ''.join(c for c in text if c in VOWELS) + f'{text!r} {len(text):.2f}'",
        "class A:\n    def __init__(self):\n        self.n = 0\n    def put(self):\n        self.n += 1\n    def __hash__(self): return 1",
        "def f(words):\n    return sorted(set(words))",
        "import datetime\ndef f(y):\n    return datetime.datetime(y, 1, 1).year",
        "def f(x):\n    missing = object()\n    return {}.get(x, missing) is missing",
        "import sys\nsys.setrecursionlimit(5000)\ndef f(warnings):\n    warnings.append(sys.maxsize)\n    return '{:.2f}'.format(1)",
        "def f(x):\n    calls = 0\n    def tick():\n        nonlocal calls\n        calls += 1\n    tick()\n    return calls",
    ],
)  # fmt: skip
def test_a_program_that_keeps_nothing_is_let_be(program: str) -> None:
    assert reach_of(ast.parse(program)) == ""


def test_the_generators_own_programs_keep_nothing() -> None:
    for number in range(60):
        assert reach_of(ast.parse(whole_solution(problem_at(5, number, Settings())))) == ""
