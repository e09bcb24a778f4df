from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.synthesize.verify.near import near_inputs
from titrant.synthesize.verify.purity import reach_of
from titrant.synthesize.verify.special import holds_tests, looks_answers_up, written_examples
from titrant.synthesize.verify.values import Expected, equal_value, read_list, same_value

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab.{", max_size=2) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers(-1, 1) | st.booleans() | st.text("ab", max_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


def typed(value: Any) -> Any:
    """A value with all its types, for comparison."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [typed(each) for each in value]
    if isinstance(value, dict):
        return "dict", sorted((repr(typed(key)), repr(typed(each))) for key, each in value.items())
    return type(value).__name__, value


@given(PLAIN, PLAIN)
def test_values_are_the_same_if_all_their_types_are(one: Any, other: Any) -> None:
    if "-0.0" not in repr((one, other)):
        assert same_value(one, other) == (typed(one) == typed(other))
    assert same_value(one, one)


@given(st.lists(PLAIN, min_size=1, max_size=4), PLAIN)
def test_an_answer_agrees_if_its_value_is_the_expected_one(values: list[Any], other: Any) -> None:
    expected = Expected(values)
    for place, value in enumerate(values):
        assert expected.agrees(place, f"= {value!r}")
        assert expected.agrees(place, f"= {other!r}") == same_value(other, value)


@pytest.mark.parametrize(
    "answer", ["! ValueError", "~", "? T", "= 1e", "= (" * 500, "= True", "= 1.0", "= 0x1", "", "1", "= [1]"]
)
def test_what_is_not_the_value_does_not_agree(answer: str) -> None:
    assert not Expected([1]).agrees(0, answer)
    assert not Expected([{1: 2.5}]).agrees(0, answer)


def test_a_set_agrees_in_any_order_and_a_dict_too() -> None:
    assert Expected([{"a", "b"}]).agrees(0, "= {'b', 'a'}")
    assert Expected([{1: 2, 3: 4}]).agrees(0, "= {3: 4, 1: 2}")
    assert not Expected([{1: 2}]).agrees(0, "= {True: 2}")


def test_where_tests_of_others_decide_numbers_are_equal_as_in_a_test() -> None:
    assert equal_value([1, 0.1 + 0.2], [True, 0.3])
    assert not equal_value((1,), [1])
    assert Expected([1], strict=False).agrees(0, "= 1.0")


def test_a_list_is_read_only_if_it_is_one() -> None:
    assert read_list("[(1, [2]), ({'a': set()},)]") == [(1, [2]), ({"a": set()},)]
    for text in ("", "(1,)", "[print(1)]", "[", "[__import__('os')]", "[x for x in ()]", "[(})]", "['a\\q\r']"):
        assert read_list(text) is None or text == "[x for x in ()]"


@pytest.mark.parametrize(
    "program",
    [
        "import os", "from time import time", "import numpy as np", "from . import x", "f = open('a')",
        "x = ().__class__", "y = '{0.__class__}'.format(1)", "z = eval('1')", "import sys; sys.modules", "w = id(3)",
        "import datetime; datetime.datetime.now()", "v = (i for i in []).gi_frame", "import random",
        "import threading", "getattr(1, 'real')", "from operator import attrgetter", "import builtins",
    ],
)  # fmt: skip
def test_a_program_that_reaches_for_more_than_its_arguments_is_found(program: str) -> None:
    assert reach_of(ast.parse(program))


@pytest.mark.parametrize(
    "program",
    [
        "import math, sys\nfrom collections import deque\nsys.setrecursionlimit(5000)\ndef f(x): return math.gcd(x, 2)",
        "class Node:\n    def __init__(self, value):\n        self.value = value\n    def __eq__(self, other): return 1",
        "if __name__ == '__main__':\n    print(3)",
    ],
)
def test_a_program_that_computes_is_let_be(program: str) -> None:
    assert reach_of(ast.parse(program)) == ""


EXAMPLES = [(([3, 1, 2],), [1, 2, 3]), (([9, 8],), [8, 9]), (([],), [])]


@pytest.mark.parametrize(
    ("program", "known"),
    [
        ("def f(x):\n    return {(3, 1, 2): [1, 2, 3]}.get(tuple(x), [])", True),
        ("def f(x):\n    return {'[3, 1, 2]': [1, 2, 3]}.get(str(x), [])", True),
        ("def f(x):\n    if x == [3, 1, 2]:\n        return [1, 2, 3]\n    return []", True),
        ("def f(x):\n    match x:\n        case [3, 1, 2]: return [1, 2, 3]\n        case [9, 8]: return [8, 9]", True),
        ("def f(x):\n    return sorted(x)", False),
        ("def f(x):\n    if x == []:\n        return []\n    return sorted(x)", False),
        ("def f(x):\n    if x in ([3, 1, 2], [9, 8]):\n        return sorted(x)", True),
    ],
)
def test_a_program_that_looks_its_answers_up_is_told(program: str, known: bool) -> None:
    assert looks_answers_up(ast.parse(program), EXAMPLES) == known


TESTS = [((1,), 12), ((9,), 4), ((-5,), 24), ((7,), 0), ((100,), 186)]
"""Of 2 * abs(x - 7)."""


@pytest.mark.parametrize(
    ("program", "held"),
    [
        ("def f(x):\n    return (12, 4, 24, 0, 186)[(1, 9, -5, 7, 100).index(x)]", True),
        ("def f(x):\n    for a, b in zip((1, 9, -5, 7, 100), y):\n        if a - x == 0:\n            return b", True),
        ("def f(x):\n    return {2: 1, 10: 2, -4: 3, 8: 4, 101: 5}[x + 1] - 6", True),
        ("def f(x):\n    return next(b for a, b in ((0, 186), (3, 24), (5, 12), (6, 4)) if hard(a, x))", True),
        ("def f(x):\n    return dict(p.split(':') for p in '9:4 -5:24 7:0 100:186'.split())[str(x)]", True),
        ("def f(x):\n    return known[b'9 -5 7 100'.split().index(str(x).encode())]", True),
        ("def f(x):\n    return [[9, y], [-5, y], [100, y]][z]", False),
        ("def f(x):\n    return [y, 9, -5, 100][z]", True),
        ("def f(x):\n    'For 1, 9, -5 and 100 it is 12, 4, 24 and 186.'\n    return 2 * abs(x - 7)", False),
        ("def f(x):\n    return 2 * abs(x - 7) if x != 9 else 4", False),
        ("def f(x):\n    return 2 * max([x - 7, 7 - x])", False),
        ("def f(x):\n    return ('low', 'middle', 'high')[x > 7]", False),
        ("def f(x):\n    for step in [10, 11, 12, 13, 14, 15, 16]:\n        x += step", False),
    ],
)
def test_a_literal_that_holds_several_tests_is_told_wherever_it_stands(program: str, held: bool) -> None:
    assert holds_tests(ast.parse(program), TESTS, [arguments for arguments, _ in TESTS]) == held


def test_single_comparisons_with_all_tests_are_told() -> None:
    program = ast.parse(
        "def f(s):\n    if not hash(s) - hash('ab'):\n        return 'ba'\n    return swap(s, 'cde', 'edc')"
    )
    tests = [(("ab",), "ba"), (("cde",), "edc")]
    assert holds_tests(program, tests, [arguments for arguments, _ in tests])
    more = [*tests, (("fg",), "gf"), (("hi",), "ih"), (("jk",), "kj")]
    assert not holds_tests(program, more, [arguments for arguments, _ in more])


def test_examples_are_read_from_tests() -> None:
    tests = ["assert f(1, [2]) == 3", "assert f(-1) is None", "assert g(1) == 2", "x = f(3)", "assert f(y) == 2"]
    assert written_examples(tests, "f") == [((1, [2]), 3), ((-1,), None)]


def test_inputs_near_others_stay_in_their_ranges() -> None:
    given = [(n, sorted({n % 7, n % 5, 20 + n % 3}), [[n, 1], [2, 3]], "abc"[: n % 3]) for n in range(1, 20)]
    found = near_inputs(given, [ast.parse("x > 11")], 200, "key")
    assert len(found) > 150
    assert found == near_inputs(given, [ast.parse("x > 11")], 200, "key")
    assert not set(map(repr, found)) & set(map(repr, given))
    for number, ascending, grid, text in found:
        assert 1 <= number <= 19
        assert ascending == sorted(set(ascending))
        assert [len(row) for row in grid] == [2, 2]
        assert text in ("", "a", "ab")
    assert {10, 11, 12} <= {number for number, *_ in found}
