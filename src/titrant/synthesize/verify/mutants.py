"""Mutants: copies of a program with one small change each, chosen by hash."""

from __future__ import annotations

import ast
import itertools
import warnings
from collections import defaultdict
from dataclasses import dataclass

from blake3 import blake3

from titrant.synthesize.verify.edits import Edit, edits_of

VERSION = 2
"""Raised when other mutants are made of the same program."""


@dataclass(frozen=True)
class Mutant:
    """A changed copy of a program."""

    text: str
    words: str
    """What is changed, in words."""
    kind: str
    """The kind of the change: `compared`, `constant`, ..."""


def mutants_of(text: str, most: int, *, tree: ast.Module | None = None) -> tuple[Mutant, ...]:
    """At most so many mutants of a program that parses, each another text that parses.

    Kinds of changes take turns, so that a few mutants differ in kind. Which are taken depends on the text alone.

    >>> found = mutants_of("def f(values):\\n    return sum(v for v in values if v > 3)\\n", 8)
    >>> sorted(mutant.words for mutant in found)[0]
    '`3` becomes `2` (line 2)'
    """
    if most == 0:
        return ()
    tree = ast.parse(text) if tree is None else tree
    whole, seen, found = text.encode(), {text}, list[Mutant]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for edit in _ordered(edits_of(text, tree), blake3(whole).digest(16)):
            new = (whole[: edit.start] + edit.new + whole[edit.end :]).decode()
            if new not in seen and _parses(new):
                found.append(Mutant(new, edit.words, edit.kind))
                if len(found) == most:
                    break
            seen.add(new)
    return tuple(found)


def _ordered(edits: list[Edit], key: bytes) -> list[Edit]:
    """One of each kind, then another of each, ..., each time in an order by hash."""
    ranked = sorted(
        (blake3(key + f"{edit.start} {edit.end} ".encode() + edit.new).digest(8), place)
        for place, edit in enumerate(edits)
    )
    kinds: dict[str, list[Edit]] = defaultdict(list)
    for _, place in ranked:
        kinds[edits[place].kind].append(edits[place])
    turns = itertools.zip_longest(*kinds.values())
    return [edit for turn in turns for edit in turn if edit is not None]


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
