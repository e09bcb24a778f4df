"""A first step before a program about a list: its numbers are changed, or only some of them are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn
from titrant.synthesize.generator.layout import laid_out
from titrant.synthesize.generator.pieces import number_change, number_test

Recipe = Callable[[Draw], Drawn]


def prepared(share: float = 0.8, changes: bool = True, tests: bool = True) -> Callable[[Recipe], Recipe]:
    """Let a family whose first parameter is a list of numbers begin with such a step in this share of its problems.

    `tests=False` for lists that must not become shorter, `changes=False` for those that must stay in order.
    """

    def mark(recipe: Recipe) -> Recipe:
        @wraps(recipe)
        def drawn(draw: Draw) -> Drawn:
            plain = recipe(draw)
            if not draw.chance(share):
                return plain
            return _changed(draw, plain) if changes and (not tests or draw.chance()) else _filtered(draw, plain)

        return drawn

    return mark


def _changed(draw: Draw, plain: Drawn) -> Drawn:
    change, x, values = number_change(draw), draw.name("x", "n", "v", "number", "each"), plain.parameters[0].name
    words = {"values": values, "change": change.words}
    first = draw.say(
        "Replace each number in `$values` by $change; from here on `$values` stands for the new list.",
        "Work with the list that `$values` becomes when every number is replaced by $change, and call it `$values` "
        "as well.",
        "Begin by exchanging every number of `$values` for $change. The rest is about the list that results.",
        **words,
    )
    idea = draw.say(
        "At first each number is replaced by $change.", "A list with $change for each comes first.", **words
    )
    return _with(plain, first, idea, f"{values} = [{change.of(x)} for {x} in {values}]", change.call, None)


def _filtered(draw: Draw, plain: Drawn) -> Drawn:
    test, x, values = number_test(draw), draw.name("x", "n", "v", "number", "each"), plain.parameters[0].name
    words = {"values": values, "test": test.words}
    first = draw.say(
        "Look only at the numbers in `$values` that are $test; from here on `$values` stands for the list of these.",
        "Begin by dropping all numbers from `$values` but those that are $test. The rest is about what is left.",
        "Take into account nothing but those numbers in `$values` that are $test, as if the others were not there.",
        **words,
    )
    idea = draw.say("First pick out the numbers that are $test.", "All but those that are $test go first.", **words)
    return _with(plain, first, idea, f"{values} = [{x} for {x} in {values} if {test.of(x)}]", None, test.call)


def _with(
    plain: Drawn,
    first: str,
    idea: str,
    line: str,
    change: Callable[[Any], Any] | None,
    test: Callable[[Any], Any] | None,
) -> Drawn:
    values = plain.parameters[0].name

    def oracle(given: list[int], *others: Any) -> Any:
        return plain.oracle(list(map(change, given)) if change else list(filter(test, given)), *others)

    return replace(
        plain,
        say=f"{first} {plain.say}",
        body=f"{laid_out(line)}\n{plain.body}",
        oracle=oracle,
        idea=f"{idea} {plain.idea}",
        contracts=tuple(each for each in plain.contracts if _still_holds(each, values, change is not None)),
    )


def _still_holds(contract: str, values: str, same_size: bool) -> bool:
    """Those that do not mention the list, or only its length, or that the result is not longer."""
    rest = contract.replace(f"len({values})", "")
    if re.search(rf"\b{values}\b", rest):
        return False
    return same_size or rest == contract or contract == f"len(result) <= len({values})"
