"""Tests see what a program returns as if both were one process, in all that honest programs do."""

from __future__ import annotations

import math
import os
from collections import Counter, OrderedDict, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.sandbox import Program, PythonCheck, Sandbox, open_sandbox
from titrant.sandbox.inside import wire
from titrant.study.limits import Limits


def crossed(value: Any) -> Any:
    """There and back, through a pipe."""
    here, there = os.pipe()
    try:
        wire.send(there, wire.pack(value, lambda it: {"handle": id(it)}))
        return wire.unpack(wire.receive(here), lambda said: said)
    finally:
        os.close(here)
        os.close(there)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
hashable = st.recursive(scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
values = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(hashable, inner, max_size=3) | st.sets(hashable, max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_plain_data_cross_unchanged_in_value_and_type(value: Any) -> None:
    found = crossed(value)
    assert found == value
    assert repr(type(found)) == repr(type(value))
    assert len(repr(found)) == len(repr(value))  # 1, 1.0 and True stay apart inside


@pytest.mark.parametrize(
    "value",
    [
        2**10000,
        -(2**63),
        float("inf"),
        complex(1, -2),
        "\ud800",
        "\0",
        range(3, 9, 2),
        bytearray(b"\xff"),
        Decimal("1.10"),
        Fraction(1, 3),
        datetime(2024, 1, 2, 3, 4),
        date(2024, 1, 2),
        timedelta(3, 4, 5),
        Counter("abca"),
        OrderedDict(b=1, a=2),
        deque([1, 2]),
        int,
        ValueError,
        {(1, 2): [{3}]},
    ],
)
def test_rarer_values_cross_unchanged(value: Any) -> None:
    found = crossed(value)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_crosses() -> None:
    assert math.isnan(crossed(math.nan))


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=9), x, max_size=3)))  # fmt: skip
def test_no_message_makes_anything_but_plain_data(said: Any) -> None:
    """Whatever JSON the program's process sends: values, a question for a handle, or an error."""
    asked: list[Any] = []
    try:
        wire.unpack(said, lambda what: asked.append(what))
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    assert all(isinstance(what, dict) for what in asked)


HONEST = {
    "a class of the program, made and read by the tests": (
        "class Pair:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\ndef f(pairs):\n    return sum(p.a for p in pairs)",
        "p = Pair(5, 24)\nassert f([p, Pair(1, 2)]) == 6\np.a = 7\nassert p.a == 7 and f([p]) == 7 and isinstance(p, Pair)",
    ),
    "an argument changed in place": (
        "def f(x):\n    x.sort()\n    x[0].append(9)",
        "inner = [1]\nx = [[2], inner]\nf(x)\nassert x == [[1, 9], [2]]",
    ),
    "an argument changed in place that was passed by name": (
        "def f(a=None):\n    a.append(1)",
        "x = []\nf(a=x)\nassert x == [1]",
    ),
    "a list in a tuple changed in place": ("def f(t):\n    t[0].append(1)", "x = []\nf((x,))\nassert x == [1]"),
    "an argument that is returned": (
        "def f(a):\n    a.append(1)\n    return a",
        "x = []\nassert f(x) is x and x == [1]",
    ),
    "one list passed twice": (
        "def f(a, b):\n    a.append(1)\n    return a is b",
        "x = []\nassert f(x, x) and x == [1]\nassert not f([], [])",
    ),
    "a part of an argument that is returned": (
        "def f(a):\n    a['k'].append(a)\n    return [a['k'], set(a['s'])]",
        "x = {'k': [], 's': {3}}\nk, s = f(x)\nassert k is x['k'] and k[0] is x and s == x['s'] and s is not x['s']",
    ),
    "lists within an argument that change places": (
        "def f(a):\n    a.reverse()\n    a[0].append(9)",
        "one, two = [1], [2]\nx = [one, two]\nf(x)\nassert x[0] is two and x[1] is one and two == [2, 9]",
    ),
    "what an error is made of": (
        "def f(x):\n    return {}[x] if x else open('nowhere')",
        "try:\n    f('x')\nexcept KeyError as error:\n    assert error.args == ('x',) and str(error) == repr('x')\n"
        "try:\n    f('')\nexcept FileNotFoundError as error:\n    assert error.errno == 2 and error.filename == 'nowhere'",
    ),
    "halves of surrogate pairs": ("def f():\n    return '\\ud83d' + '\\ude00'", "assert len(f()) == 2"),
    "a dict, a set and a list changed in place": (
        "def f(d, s, l):\n    d['a'] = 1; s.add(2); del l[:]",
        "d, s, l = {}, set(), [1]\nf(d, s, l)\nassert (d, s, l) == ({'a': 1}, {2}, [])",
    ),
    "a function of the tests passed to the program": (
        "def f(g, x):\n    return [g(i) for i in x]",
        "assert f(lambda n: n * 2, (1, 2)) == [2, 4]\nassert f(str, [1]) == ['1']",
    ),
    "an iterator passed to the program": (
        "def f(x):\n    return sum(x)",
        "assert f(iter([1, 2])) == 3\nassert f(i for i in (1, 2)) == 3",
    ),
    "a generator of the program": (
        "def f(n):\n    yield from range(n)",
        "assert list(f(3)) == [0, 1, 2]\nassert sum(f(4)) == 6\nassert 2 in f(3)",
    ),
    "a function of the program that the program returns": (
        "def f(n):\n    return lambda x: x + n",
        "assert f(2)(3) == 5",
    ),
    "an error of the program": (
        "def f(x):\n    if x < 0:\n        raise ValueError('negative')\n    return x",
        "try:\n    f(-1)\nexcept ValueError as error:\n    assert str(error) == 'negative'\nelse:\n    assert False",
    ),
    "an error of a class of its own": (
        "class Own(KeyError):\n    pass\ndef f():\n    raise Own('x')",
        "try:\n    f()\nexcept LookupError:\n    pass",
    ),
    "a module that only the program imported": (
        "import math\ndef f():\n    return math.pi",
        "assert math.isclose(f(), 3.14159, rel_tol=1e-3)",
    ),
    "a constant of the program": ("LIMIT = 7\ndef f():\n    return LIMIT", "assert f() == LIMIT"),
    "a named tuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f():\n    return P(1, 2)",
        "assert f() == (1, 2) and f().y == 2",
    ),
    "a data class": (
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    n: int = 3\ndef f():\n    return D()",
        "assert f().n == 3",
    ),
    "keys of a dict": ("def f():\n    return {1: 2}.keys()", "assert set(f()) == {1}"),
    "a match, that is true": (
        "import re\ndef f(x):\n    return re.match('a', x)",
        "assert f('a')\nassert not f('b')\nassert f('a').group(0) == 'a'",
    ),
    "a recursion of a thousand": ("def f(n):\n    return 0 if n == 0 else f(n - 1)", "assert f(900) == 0"),
    "input, of which there is none": ("def f():\n    return input()", "try:\n    f()\nexcept EOFError:\n    pass"),
    "helpers that both have": ("def f(x):\n    return helper(x)", "assert f(2) == helper(2)"),
    "printing": ("def f():\n    print('héllo')\n    return 1", "assert f() == 1"),
    "a thread": (
        "import threading\ndef f():\n    out = []\n    t = threading.Thread(target=lambda: out.append(1))\n    t.start()\n    t.join()\n    return out",
        "assert f() == [1]",
    ),
    "random numbers, the same each time": (
        "import random\ndef f():\n    return random.random()",
        "random.seed(0)\nassert 0 <= f() < 1",
    ),
    "a set's order, the same each time": ("def f():\n    return list({'a', 'b', 'c', 'd', 'e'})", "assert f() == f()"),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_notices_no_boundary(sandbox: Sandbox, name: str) -> None:
    candidate, tests = HONEST[name]
    verdict = sandbox.run(PythonCheck(candidate, tests, ("f",), "def helper(x):\n    return x + 1\n"))
    assert verdict.passed, verdict
    one: dict[str, Any] = {}
    exec("import random\ndef helper(x):\n    return x + 1\n", one)
    if name != "input, of which there is none":
        exec(candidate, one)  # ours, and harmless: the same tests hold without a sandbox
        exec(tests, one)


@pytest.mark.parametrize(
    ("candidate", "tests"),
    [
        ("def f(x):\n    return x", "x = [3]\ny = f(x)\nassert y == [3] and y is not x"),
        ("def f(a):\n    a.sort()\n    return a[0]", "x = [3, 1]\nassert f(a=x) == 1\nassert x == [3, 1]"),
        ("def f(t):\n    t[0].sort()\n    return t[0][0]", "x = [3, 1]\nassert f((x, 0)) == 1\nassert x == [3, 1]"),
        ("def f(x):\n    return list(x)", "x = [[1]]\ny = f(x)\ny[0].append(2)\nassert x == [[1]]"),
    ],
)
def test_a_program_that_changes_or_shares_what_it_must_not_fails(sandbox: Sandbox, candidate: str, tests: str) -> None:
    verdict = sandbox.run(PythonCheck(candidate, tests, ("f",)))
    assert verdict.status == "failed"


@pytest.mark.parametrize(
    ("candidate", "tests", "status", "detail"),
    [
        ("def f(:", "f()", "error", "SyntaxError: "),
        ("def g(): pass", "g()", "error", "the program defines no 'f'"),
        ("def f(): return 1", "assert f() == 2, 'one is not two'", "failed", "AssertionError: one is not two (line 1 of the tests: assert f() == 2, 'one is not two')"),
        ("def f(): return 1", "x = f()\nassert x == 1\nx.missing", "error", "AttributeError"),
        ("def f(): return 1 / 0", "f()", "error", "ZeroDivisionError: division by zero (line 1 of the tests: f())"),
        ("raise ImportError('no such thing')", "f()", "error", "ImportError: no such thing"),
        ("import numpy\ndef f(): pass", "f()", "error", "ModuleNotFoundError: No module named 'numpy'"),
        ("def f(): return object()", "assert f() + 1", "error", "TypeError"),
        ("def f(): return object()", "assert f() == f()", "failed", "AssertionError"),
        ("def f(): assert False, 'mine'", "f()", "error", "AssertionError: mine"),
        ("def f(): return 1", "undefined(f())", "error", "NameError: name 'undefined' is not defined"),
        ("def f():\n    x = []\n    x.append(x)\n    return x", "f()", "error", "RecursionError"),
    ],
)  # fmt: skip
def test_a_failure_says_why(sandbox: Sandbox, candidate: str, tests: str, status: str, detail: str) -> None:
    verdict = sandbox.run(PythonCheck(candidate, tests, ("f",)))
    assert verdict.status == status
    assert verdict.detail.startswith(detail)


def test_order_and_chance_are_the_same_in_every_execution(sandbox: Sandbox) -> None:
    chance = "import random\ndef f():\n    return str((hash('a'), list({'a', 'b', 'c'}), random.random()))"
    check = PythonCheck(chance, "import random\nprint(f(), hash('b'), random.random())", ("f",))
    found = {verdict.printed for _, verdict in sandbox.run_many([check] * 4)}
    assert len(found) == 1
    assert found != {""}


def test_what_is_printed_is_kept_apart(sandbox: Sandbox) -> None:
    verdict = sandbox.run(PythonCheck("def f():\n    print('program')", "print('tests')\nf()", ("f",)))
    assert (verdict.output, verdict.printed) == ("program\n", "tests\n")


@pytest.mark.parametrize("tests", ["assert f('a') == 'b', 'got ' + f('a')", "print(f('b'))\nassert 'x' == f('a')"])
def test_what_a_verdict_says_can_be_written(sandbox: Sandbox, tests: str) -> None:
    """A wrong shift of letters leaves Unicode; the tests say what they got, as many do."""
    shift = "def f(s):\n    return ''.join(chr((ord(c) << 9) + 0xD800 - 49664) for c in s)"
    verdict = sandbox.run(PythonCheck(shift, tests, ("f",)))
    assert verdict.status == "failed"
    assert "\\ud800" in verdict.detail + verdict.printed.replace("\\uda00", "\\ud800")
    (verdict.detail + verdict.output + verdict.printed).encode()


@pytest.mark.parametrize("program", [Program("sh", "echo '\ud800'"), Program("sh", "true", stdin="\udfff")])
def test_a_text_that_no_file_can_hold_is_an_error_of_its_program(sandbox: Sandbox, program: Program) -> None:
    right = Program("sh", "true")
    found = dict(sandbox.run_many([program, right, program, program, right]))
    assert [found[index].status for index in range(5)] == ["error", "passed", "error", "error", "passed"]
    assert found[0].detail.startswith("its text is no Unicode: half a surrogate pair ('\\ud")


def test_tests_that_do_not_end_are_not_held_against_time_without_end() -> None:
    with open_sandbox(Limits(cpu_seconds=0.2), processes=1) as opened:
        verdict = opened.run(PythonCheck("def f():\n    return 1", "while True: pass", ("f",)))
    assert (verdict.status, verdict.detail) == ("error", "the tests themselves took too long")
