"""Normalised syntax trees."""

from __future__ import annotations

import pytest

from titrant.synthesize.generator.shapes import shape_of, tree_of

PLAIN = """
from collections import deque

def walk(start, edges):
    seen = {start}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in edges[node]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return len(seen) - 1
"""
RENAMED = '''
from collections import deque

def reach(root: int, graph: dict[int, list[int]]) -> int:
    """Count what can be reached."""
    found = {root}  # the first one
    waiting: deque[int] = deque([root])

    while waiting:
        place = waiting.popleft()
        for target in graph[place]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return (len(found)
            - 1)
'''


def test_names_comments_annotations_docstrings_and_layout_do_not_count() -> None:
    assert tree_of(PLAIN) == tree_of(RENAMED)
    assert shape_of(PLAIN) == shape_of(RENAMED)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("- 1", "- 2"), ("queue.append", "queue.appendleft"), ("len(seen)", "sum(seen)")],
)
def test_constants_and_names_from_elsewhere_count_in_the_tree_alone(was: str, becomes: str) -> None:
    other = PLAIN.replace(was, becomes)
    assert tree_of(other) != tree_of(PLAIN)
    assert shape_of(other) == shape_of(PLAIN)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("not in", "in"), ("- 1", "+ 1"), ("while queue", "if queue"), ("seen.add(other)", "seen.add(node)")],
)
def test_what_the_program_does_counts_in_both(was: str, becomes: str) -> None:
    other = PLAIN.replace(was, becomes, 1)
    assert tree_of(other) != tree_of(PLAIN)
    assert shape_of(other) != shape_of(PLAIN)


def test_a_number_and_its_negative_are_both_constants() -> None:
    assert shape_of("x = -3") == shape_of("x = 3")
    assert tree_of("x = -3") != tree_of("x = 3")
    assert tree_of("x = 1") != tree_of("x = True")


def test_names_of_a_class_are_its_own() -> None:
    one = "class A:\n    def __init__(self):\n        self.items = []\n    def put(self, x):\n        self.items.append(x)"
    other = "class B:\n    def __init__(me):\n        me.held = []\n    def take_in(me, y):\n        me.held.append(y)"
    assert tree_of(one) == tree_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "def f(text):\n    index = 'a'\n    return text.index(index)",
            "def f(text):\n    count = 'a'\n    return text.count(count)",
        ),
        ("def f(lower):\n    return lower.lower()", "def f(upper):\n    return upper.upper()"),
        ("def f(a, key):\n    return sorted(a, key=key)", "def f(a, reverse):\n    return sorted(a, reverse=reverse)"),
        (
            "import math as m\n\ndef f(floor):\n    return m.floor(floor)",
            "import math as m\n\ndef f(ceil):\n    return m.ceil(ceil)",
        ),
        (
            "from math import floor as r\n\ndef f(floor):\n    return r(floor)",
            "from math import ceil as r\n\ndef f(ceil):\n    return r(ceil)",
        ),
        (
            "def f(low):\n    return g(low=low)\n\ndef g(**given):\n    return given['low']",
            "def f(top):\n    return g(top=top)\n\ndef g(**given):\n    return given['low']",
        ),
        (
            "class A:\n    def lower(self, text):\n        return text.lower()",
            "class A:\n    def upper(self, text):\n        return text.upper()",
        ),
        (
            "class A:\n    def __lt__(self, x):\n        return 1",
            "class A:\n    def __gt__(self, x):\n        return 1",
        ),
    ],
)
def test_a_variable_named_as_a_method_or_keyword_leaves_these_as_they_are(one: str, other: str) -> None:
    assert tree_of(one) != tree_of(other)
    assert shape_of(one) == shape_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a, key):\n    return sorted(a, key=key)", "def g(b, rank):\n    return sorted(b, key=rank)"),
        (
            "def f(low):\n    return g(low, top=3)\n\ndef g(low, top):\n    return low - top",
            "def f(a):\n    return g(a, b=3)\n\ndef g(a, b):\n    return a - b",
        ),
        (
            "class A:\n    size: int = 0\n    def put(self):\n        self.size += 1\n\na = A(size=2)\na.put()",
            "class B:\n    many: int = 0\n    def take_in(self):\n        self.many += 1\n\nb = B(many=2)\nb.take_in()",
        ),
    ],
)
def test_names_of_own_parameters_and_methods_do_not_count_where_they_are_used(one: str, other: str) -> None:
    assert tree_of(one) == tree_of(other)


def test_a_body_of_a_docstring_alone_has_a_tree() -> None:
    assert tree_of("def f():\n    'Nothing.'") == tree_of("def f():\n    pass")


@pytest.mark.parametrize("source", ["def f(:", "x = 1\0", "(" * 5000 + ")" * 5000, "-" * 100_000 + "1"])
def test_what_is_no_program_is_a_syntax_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        tree_of(source)
