"""Nested values as inputs, and flat ways to read them for the oracles of their families."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Made

Tree = tuple[int, Any, Any] | None


def _nested(random: Random, left: int = 3) -> list[Any]:
    deeper = left > 0
    found = []
    for _ in range(random.randint(0, 4)):
        found.append(_nested(random, left - 1) if deeper and random.random() < 0.35 else random.randint(-20, 20))
    return found


def _tree(random: Random, left: int = 4) -> Tree:
    if left == 0 or random.random() < 0.3 - 0.05 * left:
        return None
    return (random.randint(-9, 12), _tree(random, left - 1), _tree(random, left - 1))


def _settings(random: Random, left: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(random.randint(0, 3)):
        key = random.choice(("a", "b", "mode", "size", "x", "limit"))
        found[key] = _settings(random, left - 1) if left and random.random() < 0.4 else random.randint(-9, 20)
    return found


def _formula(random: Random, left: int = 3) -> Any:
    if left == 0 or random.random() < 0.25:
        return random.randint(-6, 9)
    return (random.choice("+-*"), _formula(random, left - 1), _formula(random, left - 1))


def _family_tree(random: Random, left: int = 3) -> tuple[int, list[Any]]:
    count = random.randint(0, 3) if left else 0
    return (random.randint(-9, 15), [_family_tree(random, left - 1) for _ in range(count)])


NESTED = Made("lists of numbers and lists, four deep, up to 20", "list", _nested)
TREE = Made("binary trees as tuples, four deep, -9 to 12", "tuple | None", _tree)
SETTINGS = Made("nested dictionaries of numbers, four deep", "dict", _settings)
FORMULA = Made("formulas of + - * as tuples, three deep", "tuple | int", _formula)
FAMILY_TREE = Made("pairs of a number and a list of such pairs, four deep", "tuple", _family_tree)

TREE_WORDS = (
    "A binary tree is either None or a tuple (value, left, right) whose last two members are trees.",
    "Trees are written as tuples (value, left, right); a missing subtree is None.",
    "Each node is a tuple (value, left subtree, right subtree), and None stands for an empty tree.",
)


def numbers_with_depth(nested: list[Any]) -> list[tuple[int, int]]:
    """The numbers of a nested list, each with the number of lists around it, read off its text."""
    depth, found = 0, []
    for piece in re.findall(r"\[|\]|-?\d+", str(nested)):
        if piece in "[]":
            depth += 1 if piece == "[" else -1
        else:
            found.append((int(piece), depth))
    return found


def places(tree: Tree) -> dict[str, int]:
    """The values of a binary tree by their way from the root, a text of L and R.

    Sorted by `way` they stand in preorder, by `way + "M"` in order, by `way + "Z"` in postorder.
    """
    found: dict[str, int] = {}
    waiting: list[tuple[str, Tree]] = [("", tree)]
    for way, node in waiting:
        if node is not None:
            found[way] = node[0]
            waiting += [(way + "L", node[1]), (way + "R", node[2])]
    return found


def leaves(found: dict[str, int]) -> list[str]:
    """The ways to nodes without children."""
    return [way for way in found if way + "L" not in found and way + "R" not in found]


def planted(found: dict[str, int], way: str = "") -> Tree:
    """The tree whose places these are: the other way round of `places`."""
    grown: dict[str, Tree] = {}
    for each in sorted(found, key=len, reverse=True):
        grown[each] = (found[each], grown.get(each + "L"), grown.get(each + "R"))
    return grown.get(way)


def entries(settings: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key of nested dictionaries with those above it, and what stands there, level by level."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((key,), value) for key, value in settings.items()]
    for way, value in waiting:
        yield way, value
        if isinstance(value, dict):
            waiting += [((*way, key), inner) for key, inner in value.items()]
