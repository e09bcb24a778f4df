"""Grids of numbers and lists of lists."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import GRID, LISTS
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.folds import fold
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_result, an_index, an_item
from titrant.synthesize.generator.pieces import grouped, number_test


@family("lists", 2, 3)
def rows_and_columns(draw: Draw) -> Drawn:
    """One number for each row or column of a grid, of the cells that pass a test, and which line is best."""
    made, test, columns = fold(draw), number_test(draw), draw.chance(0.6)
    all_of, ask = draw.chance(0.4), draw.choice(("list", "best", "worst"))
    grid, line, x, worth = (
        draw.name("grid", "table", "matrix"),
        draw.name("line", "cells", "lane"),
        an_item(draw),
        a_result(draw),
    )
    inner = line if all_of else f"[{x} for {x} in {line} if {test.of(x)}]"
    chosen = draw.name("chosen", "picked", "used")
    parts = {"grid": grid, "line": line, "worth": worth, "inner": inner, "chosen": chosen, "made": made.of(chosen)}
    parts["walk"] = f"zip(*{grid})" if columns else grid
    parts["end"] = {"list": worth, "best": f"{worth}.index(max({worth}))", "worst": f"{worth}.index(min({worth}))"}[ask]
    name = "column" if columns else "row"
    asked = {
        "list": f"the list of these numbers for all {name}s",
        "best": f"the index (from 0) of the {name} where it is greatest, the first in a tie",
        "worst": f"the index (from 0) of the {name} where it is least, the first in a tie",
    }[ask]
    cells = "its numbers" if all_of else f"those of its numbers that are {test.words} (0 if it has none)"
    words = {"grid": grid, "name": name, "made": made.words, "cells": cells, "asked": asked}

    def oracle(given: list[list[int]]) -> list[int] | int:
        width = len(given[0])
        lines = [[row[at] for row in given] for at in range(width)] if columns else given
        found = []
        for each in lines:
            left = each if all_of else list(filter(test.call, each))
            found.append(made.call(left) if left else 0)
        if ask == "list":
            return found
        goal = sorted(found)[-1 if ask == "best" else 0]
        return next(at for at, each in enumerate(found) if each == goal)

    return Drawn(
        call=draw.choice(("grid_lines", "line_values", "rate_lines", "table_summary")),
        parameters=(Parameter(grid, GRID),),
        returns="list[int]" if ask == "list" else "int",
        say=draw.say(
            "For each $name of `$grid`, a list of rows of equal length, take $made of $cells. Return $asked.",
            "Every $name of the grid `$grid` (given as its rows, all of one length, at least one cell) is worth $made "
            "of $cells. Return $asked.",
            "Look at the grid `$grid`, a non-empty list of equally long, non-empty rows, $name by $name, and find "
            "$made of $cells. Return $asked.",
            **words,
        ),
        body=written(
            draw,
            """
            $worth = []
            for $line in $walk:
                $chosen = $inner
                $worth.append($value)
            return $end
            """,
            """
            def value_of($line):
                $chosen = $inner
                return $value

            $worth = [value_of($line) for $line in $walk]
            return $end
            """,
            value=parts["made"] if all_of else f"{parts['made']} if {chosen} else 0",
            **parts,
        ),
        oracle=oracle,
        idea=("Turning the grid makes its columns rows. " if columns else "")
        + "Each line gives one number, and these are returned or compared.",
        contracts=("result >= 0",) if ask != "list" else (),
        difficulty=2 if all_of else 3,
    )


@family("lists", 2, 3)
def flattened(draw: Draw) -> Drawn:
    """The inner lists that fit, joined, with every other one turned round."""
    made, test = fold(draw), number_test(draw)
    kind, turn = draw.choice(("size", "fold", "all")), draw.choice(("none", "every", "odd"))
    while kind == "fold" and " or " in test.source:
        test = number_test(draw)
    least = draw.integer(2, 4)
    lists, inner, i, kept = (
        draw.name("lists", "groups", "parts", "rows"),
        draw.name("inner", "group", "row"),
        an_index(draw),
        a_result(draw),
    )
    x = an_item(draw)
    fits = {
        "size": f"len({inner}) >= {least}",
        "fold": f"{inner} and {grouped(test.of(f'({made.of(inner)})'))}",
        "all": f"all({test.of(x)} for {x} in {inner})",
    }[kind]
    said = {
        "size": f"have at least {least} members",
        "fold": f"are not empty and for which {made.words} is one of the numbers that are {test.words}",
        "all": f"hold no other numbers than such as are {test.words} (empty ones do)",
    }[kind]
    order = {
        "none": "each in its order",
        "every": "each in reversed order",
        "odd": "in their order, but the second, the fourth and so on of the chosen lists reversed",
    }[turn]
    parts = {"lists": lists, "inner": inner, "i": i, "kept": kept, "fits": fits, "x": x}
    parts["piece"] = {"none": inner, "every": f"{inner}[::-1]", "odd": f"{inner}[::-1] if {i} % 2 else {inner}"}[turn]

    def oracle(given: list[list[int]]) -> list[int]:
        def right(each: list[int]) -> bool:
            if kind == "size":
                return len(each) > least - 1
            if kind == "all":
                return not [n for n in each if not test.call(n)]
            return bool(each) and bool(test.call(made.call(each)))

        found: list[int] = []
        back = turn == "every"
        for each in filter(right, given):
            copy = list(each)
            while copy:
                found.append(copy.pop(-1 if back else 0))
            back = back if turn != "odd" else not back
        return found

    return Drawn(
        call=draw.choice(("flatten_some", "join_chosen", "collect_inner", "unpack_fitting")),
        parameters=(Parameter(lists, LISTS),),
        returns="list[int]",
        say=draw.say(
            "Choose those of the lists in `$lists` that $said. Join the numbers of the chosen lists, $order, into one "
            "list and return it.",
            "Return one list with all the numbers of the lists in `$lists` that $said, $order. The other lists are "
            "ignored.",
            "Flatten `$lists`, a list of lists: skip all inner lists but those that $said, and append the numbers of "
            "these to the result, $order.",
            lists=lists,
            said=said,
            order=order,
        ),
        body=written(
            draw,
            """
            $kept = []
            $i = 0
            for $inner in $lists:
                if $fits:
                    $kept += $piece
                    $i += 1
            return $kept
            """
            if turn == "odd"
            else """
            $kept = []
            for $inner in $lists:
                if $fits:
                    $kept.extend($piece)
            return $kept
            """,
            """
            chosen = [$inner for $inner in $lists if $fits]
            $kept = []
            for $i, $inner in enumerate(chosen):
                $kept.extend($piece)
            return $kept
            """
            if turn == "odd"
            else """
            chosen = [$inner for $inner in $lists if $fits]
            return [$x for $inner in chosen for $x in $piece]
            """,
            **parts,
        ),
        oracle=oracle,
        idea="Decide for each inner list as a whole whether it counts, and put the numbers of those that do at the "
        "end of the result.",
        contracts=(f"len(result) <= sum(len(x) for x in {lists})",),
        difficulty=3 if turn == "odd" or kind == "fold" else 2,
    )
