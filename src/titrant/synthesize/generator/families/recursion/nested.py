"""Nested lists."""

from __future__ import annotations

import ast
import re
from typing import Any

from titrant.synthesize.generator.domains import Integers
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, one_of
from titrant.synthesize.generator.families.recursion.nestings import (
    NESTED,
    numbers_with_depth,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test

SMALL = Integers(0, 4)


_WEIGHTED_NESTED_TOTAL_BODIES = (
    """
    def $visit(part, $depth):
        $total = 0
        for $x in part:
            if isinstance($x, list):
                $total += $visit($x, $depth + 1)
            elif $test:
                $total += $weight
        return $total

    return $visit($items, 1)
    """,
    """
    $total = 0
    waiting = [($items, 1)]
    while waiting:
        part, $depth = waiting.pop()
        for $x in part:
            if isinstance($x, list):
                waiting.append(($x, $depth + 1))
            elif $test:
                $total += $weight
    return $total
    """,
    """
    def $visit($x, $depth):
        if isinstance($x, list):
            return sum($visit(inner, $depth + 1) for inner in $x)
        return $weight if $test else 0

    return $visit($items, 0)
    """,
)


@family("recursion", 2)
def weighted_nested_total(draw: Draw) -> Drawn:
    """A total over a nested list in which depth counts."""
    test, top = number_test(draw), draw.integer(2, 9)
    words, weight, meaning = one_of(
        draw,
        ("times its depth", "$x * $depth", lambda x, d: sum([x] * d)),
        ("plus its depth", "$x + $depth", lambda x, d: x - -d),
        ("minus its depth", "$x - $depth", lambda x, d: -(d - x)),
        (
            f"times ({top} minus its depth)",
            f"$x * ({top} - $depth)",
            lambda x, d: top * x - d * x,
        ),
        (f"plus {top} times its depth", f"$x + {top} * $depth", lambda x, d: x + sum([top] * d)),
    )
    call = draw.name("weigh_nested", "nested_total", "depth_total", "total_by_depth")
    items, x = draw.name("items", "nested", "data", "tree"), draw.name("item", "entry", "value", "member")
    names = {
        "items": items,
        "x": x,
        "depth": draw.name("depth", "level"),
        "total": draw.name("total", "result", "acc"),
        "visit": draw.name("visit", "walk", "total_of", "add_up"),
        "test": test.of(x),
        "words": words,
        "kept": test.words,
        "is_kept": alone(test),
    }
    names["weight"] = fill(weight, **names)
    return Drawn(
        call=call,
        parameters=(Parameter(items, NESTED),),
        returns="int",
        say=draw.say(
            "Return the sum over all numbers in the nested list `$items` that are $kept, each counted as the number "
            "$words. Numbers directly in `$items` have depth 1, and each list around them adds 1. The sum of nothing "
            "is 0.",
            "Add up the numbers anywhere in `$items`, a list of numbers and lists of the same kind. A number counts "
            "only if it is $is_kept, and then as itself $words, where the depth is the number of lists that it stands "
            "in (1 for the outermost). Return 0 if no number counts.",
            "Walk through a list `$items` whose members are whole numbers or such lists again, and return the total "
            "of the numbers that are $kept: each enters as its value $words. Members of `$items` itself are at depth "
            "1, members of its lists at depth 2, and so on; without any number to add the total is 0.",
            **names,
        ),
        body=draw.source(
            *_WEIGHTED_NESTED_TOTAL_BODIES,
            **names,
        ),
        oracle=lambda given: sum(meaning(x, d) for x, d in numbers_with_depth(given) if test.call(x)),
        idea=draw.say(
            "Lists are visited with the depth at which they stand; numbers at that depth are weighed and "
            "added, lists are visited in turn."
        ),
        difficulty=2,
    )


_FLATTENED_TO_DEPTH_BODIES = (
    """
    $result = []
    for $item in $order:
        if isinstance($item, list) and $depth > 0:
            $result.extend($call($item, $depth - 1))
        elif isinstance($item, list) or $test:
            $result.append($item)
    return $result
    """,
    """
    if $depth == 0:
        return [$item for $item in $order if isinstance($item, list) or $test]
    $result = []
    for $item in $order:
        if isinstance($item, list):
            $result += $call($item, $depth - 1)
        elif $test:
            $result.append($item)
    return $result
    """,
    """
    def opened($item, left):
        if not isinstance($item, list):
            return [$item] if $test else []
        if left < 0:
            return [$item]
        return [each for inner in $inside for each in opened(inner, left - 1)]

    return opened($items, $depth)
    """,
)


@family("recursion", 2)
def flattened_to_depth(draw: Draw) -> Drawn:
    """A nested list made flatter, to a given depth; in order or with every opened list turned round."""
    call = draw.name("flatten_levels", "unnest", "flatten_by", "loosen")
    items, depth = draw.name("items", "nested", "values"), draw.name("levels", "depth", "times")
    test = number_test(draw)
    item, backwards = draw.name("item", "entry", "x"), draw.chance(0.4)
    names = {
        "call": call,
        "items": items,
        "depth": depth,
        "item": item,
        "result": draw.name("result", "flat", "found"),
        "order": draw.choice((f"reversed({items})", f"{items}[::-1]")) if backwards else items,
        "inside": f"{item}[::-1]" if backwards else item,
        "taken": "taken from its end to its beginning" if backwards else "taken from its beginning to its end",
        (
            "note"
        ): "Lists that lie deeper stay exactly as they are. Of the numbers in the result itself only those that are "
        f"{test.words} are kept.",
        "test": test.of(item),
    }

    def turned(given: Any, left: int) -> Any:
        if not isinstance(given, list) or left < 0:
            return given
        inside = [turned(each, left - 1) for each in given]
        return inside[::-1] if backwards else inside

    def oracle(given: list[Any], levels: int) -> list[Any]:
        now: list[Any] = turned(given, levels)
        for _ in range(levels):
            now = [each for one in now for each in (one if isinstance(one, list) else [one])]
        return [each for each in now if isinstance(each, list) or test.call(each)]

    return Drawn(
        call=call,
        parameters=(Parameter(items, NESTED), Parameter(depth, SMALL)),
        returns="list",
        say=draw.say(
            "Return a flatter copy of the nested list `$items`, $taken: every inner list is replaced by its members, "
            "$taken as well, down to `$depth` levels. $note With `$depth` equal to 0 no inner list is opened.",
            "Open the lists inside `$items` up to `$depth` levels deep, so that the members of such a list stand in "
            "its place, and return the outcome. Each list that is opened, and `$items` itself, is $taken. $note If "
            "`$depth` is 0, none is opened.",
            "Build a new list of the members of `$items` in which inner lists are dissolved into their members as "
            "long as they lie at most `$depth` levels inside; `$items` and every dissolved list are $taken. $note A "
            "`$depth` of 0 dissolves nothing.",
            **names,
        ),
        body=draw.source(
            *_FLATTENED_TO_DEPTH_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say("Each inner list that is opened uses up one of the levels that are left, down to zero."),
        difficulty=2,
    )


_NESTED_CHANGED_BY_DEPTH_BODIES = (
    """
    def rebuilt(part, $depth):
        $result = []
        for $x in part:
            if isinstance($x, list):
                $result.append(rebuilt($x, $depth + 1))
            elif $test:
                $result.append($change)
            $last
        return $result

    return rebuilt($items, 1)
    """,
    """
    def rebuilt(part, changing):
        $result = []
        for $x in part:
            if isinstance($x, list):
                $result.append(rebuilt($x, not changing))
            elif changing:
                $result.append($change)
            $last
        return $result

    return rebuilt($items, $start)
    """,
)


@family("recursion", 2, 3)
def nested_changed_by_depth(draw: Draw) -> Drawn:
    """A nested list of the same form, whose numbers change at some depths; what fails a test may be dropped."""
    odd, drop = draw.chance(), draw.chance()
    change, test = number_change(draw), number_test(draw)
    call = draw.name("change_nested", "reshape", "map_levels", "update_layers")
    items, x = draw.name("items", "nested", "values", "layers"), draw.name("item", "entry", "member", "x")
    names = {
        "call": call,
        "items": items,
        "x": x,
        "depth": draw.name("depth", "level"),
        "result": draw.name("result", "copy", "made"),
        "change": change.of(x),
        "words": change.words,
        "which": "odd" if odd else "even",
        "rest": 1 if odd else 0,
        "first": "odd depth" if odd else "even depth",
    }
    names["test"] = f"{names['depth']} % 2 == {names['rest']}"
    names["drop"] = (
        f"Numbers at the other depths are kept only if they are {test.words}, and left out otherwise."
        if drop
        else "All other numbers stay as they are."
    )
    names["last"] = f"elif {test.of(x)}:\n    {names['result']}.append({x})"
    if not drop:
        names["last"] = f"else:\n    {names['result']}.append({x})"

    def oracle(given: list[Any]) -> Any:
        text, depth = "", 0
        for piece in re.findall(r"\[|\]|-?\d+", str(given)):
            if piece in "[]":
                depth += 1 if piece == "[" else -1
                text += piece + "," * (piece == "]" and depth > 0)
            elif (depth % 2 == 1) == odd:
                text += f"{change.call(int(piece))},"
            elif not drop or test.call(int(piece)):
                text += piece + ","
        return ast.literal_eval(text)

    return Drawn(
        call=call,
        parameters=(Parameter(items, NESTED),),
        returns="list",
        say=draw.say(
            "Return a copy of the nested list `$items` in which every number at an $first is replaced by $words. "
            "Numbers directly in `$items` are at depth 1, those in its inner lists at depth 2, and so on. $drop",
            "Build a list nested like `$items`. Where the number of lists around a number (1 for the members of "
            "`$items` itself) is $which, put $words in its place. $drop",
            "Rewrite the nested list `$items` without changing it: give back a new one with the same inner lists, "
            "where each number at an $first becomes $words. The members of `$items` have depth 1, and every inner "
            "list adds one. $drop",
            **names,
        ),
        body=draw.source(
            *_NESTED_CHANGED_BY_DEPTH_BODIES,
            start=odd,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Build every inner list anew by the same rule one level deeper; whether numbers change alternates from "
            "level to level.",
            "A helper copies one list: numbers are treated by the parity of the depth, lists are handed to the helper "
            "again with a depth greater by one.",
        ),
        difficulty=3 if drop else 2,
    )


_LISTS_AT_DEPTH_BODIES = (
    """
    $found = []

    def collect(part, $depth):
        if $depth == len($found):
            $found.append(0)
        for $x in part:
            if isinstance($x, list):
                collect($x, $depth + 1)
            elif $test:
                $found[$depth] $step

    collect($items, 0)
    return $found
    """,
    """
    $found = []
    current = [$items]
    while current:
        inner = []
        total = 0
        for part in current:
            for $x in part:
                if isinstance($x, list):
                    inner.append($x)
                elif $test:
                    total $step
        $found.append(total)
        current = inner
    return $found
    """,
)


@family("recursion", 3)
def lists_at_depth(draw: Draw) -> Drawn:
    """What the numbers at each depth of a nested list come to."""
    call = draw.name("by_depth", "layer_totals", "depth_profile", "levels_of")
    items, x = draw.name("items", "nested", "values"), draw.name("item", "entry", "member")
    test = number_test(draw)
    words, step, meaning = one_of(
        draw,
        ("the sum of the numbers", "+= $x", sum),
        ("how many numbers there are", "+= 1", len),
        ("the sum of the absolute values of the numbers", "+= abs($x)", lambda found: sum(map(abs, found))),
        ("the sum of the squares of the numbers", "+= $x * $x", lambda found: sum(x**2 for x in found)),
    )
    names = {
        "items": items,
        "x": x,
        "found": draw.name("totals", "result", "levels"),
        "depth": draw.name("depth", "level"),
        "step": fill(step, x=x),
        "what": words,
        "kept": test.words,
        "is_kept": alone(test),
        "test": test.of(x),
    }

    def oracle(given: list[Any]) -> list[Any]:
        pairs, deepest, depth = numbers_with_depth(given), 0, 0
        for sign in re.sub(r"[^][]", "", str(given)):
            depth += 1 if sign == "[" else -1
            deepest = max(deepest, depth)
        return [meaning([x for x, d in pairs if d == level and test.call(x)]) for level in range(1, deepest + 1)]

    return Drawn(
        call=call,
        parameters=(Parameter(items, NESTED),),
        returns="list[int]",
        say=draw.say(
            "Return a list that gives, for every depth of the nested list `$items` from 1 on, $what at that depth "
            "that are $kept. Members of `$items` have depth 1, members of its inner lists depth 2, and so on; the "
            "last entry is for the deepest list, even where that list is empty, and a depth without such numbers has "
            "0.",
            "For each level of nesting in `$items` find $what on that level that are $kept, and return the answers as "
            "a list, outermost level first. Every level on which there is a list has an entry (0 if no number there "
            "qualifies), so that an empty `$items` gives [0].",
            "Describe the nested list `$items` level by level: entry 0 of the result stands for the members of "
            "`$items` itself, entry 1 for the members of the lists in it, and so on down to the deepest list, which "
            "may be empty. An entry is $what on that level that are $kept, hence 0 if there are none.",
            **names,
        ),
        body=draw.source(
            *_LISTS_AT_DEPTH_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "The numbers of one depth make up one entry, and an inner list has its numbers one level deeper."
        ),
        contracts=("len(result) >= 1",),
        difficulty=3,
    )
