"""Lists cut into windows and blocks, turned, woven and joined."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NEAR_NUMBERS, NUMBERS, SIZE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.folds import fold
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_list, a_result, a_size, an_index, an_item
from titrant.synthesize.generator.pairs import pair_value
from titrant.synthesize.generator.pieces import number_test
from titrant.synthesize.generator.preparation import prepared


@family("lists", 2)
@prepared(0.7)
def folded_windows(draw: Draw) -> Drawn:
    """One number for each window of a length that is given, with a step."""
    made, step = fold(draw), draw.choice((1, 1, 2, 3))
    values, k, i, kept = a_list(draw), a_size(draw), an_index(draw), a_result(draw)
    window = draw.name("window", "piece", "part")
    parts = {"values": values, "k": k, "i": i, "kept": kept, "window": window, "made": made.of(window)}
    parts["stride"] = f", {step}" if step > 1 else ""
    words = {"values": values, "k": k, "made": made.words}
    words["starts"] = "at every index" if step == 1 else f"at the indexes 0, {step}, {2 * step} and so on"

    def oracle(given: list[int], size: int) -> list[int]:
        found = []
        for start in range(len(given)):
            if start % step == 0 and start + size <= len(given):
                found.append(made.call([given[start + more] for more in range(size)]))
        return found

    return Drawn(
        call=draw.choice(("fold_windows", "windows", "sliding_values", "moving_summary")),
        parameters=(Parameter(values, NUMBERS), Parameter(k, SIZE)),
        returns="list[int]",
        say=draw.say(
            "Return $made of each window of `$k` neighbouring numbers of `$values`, from left to right. Windows start "
            "$starts where a whole one fits.",
            "A window consists of `$k` numbers of `$values` that stand side by side (`$k` is at least 1). Windows "
            "begin $starts, as long as they do not reach beyond the end. For each of them take $made and return these "
            "as a list.",
            "Slide a frame that is `$k` numbers wide over `$values`, putting its left edge $starts, but never so that "
            "it sticks out at the end. Collect $made of what it shows.",
            **words,
        ),
        body=written(
            draw,
            """
            $kept = []
            for $i in range(0, len($values) - $k + 1$stride):
                $window = $values[$i:$i + $k]
                $kept.append($made)
            return $kept
            """,
            """
            def worth($window):
                return $made

            return [worth($values[$i:$i + $k]) for $i in range(0, len($values) - $k + 1$stride)]
            """,
            **parts,
        ),
        oracle=oracle,
        idea="A slice gives a window; the last one starts where exactly as many numbers are left as it needs.",
        contracts=(f"len(result) <= len({values})",),
        difficulty=2,
    )


@family("lists", 2)
@prepared(0.6)
def folded_blocks(draw: Draw) -> Drawn:
    """The list in blocks of a length that is given: each turned round, sorted or made one number."""
    made, way, short = (
        fold(draw),
        draw.choice(("fold", "fold", "turn", "sort", "halves")),
        draw.choice(("keep", "drop")),
    )
    values, k, i, kept = a_list(draw), a_size(draw), an_index(draw), a_result(draw)
    block = draw.name("block", "chunk", "part")
    parts = {"values": values, "k": k, "i": i, "kept": kept, "block": block}
    parts["add"] = {
        "fold": f"{kept}.append({made.of(block)})",
        "turn": f"{kept}.extend(reversed({block}))",
        "sort": f"{kept}.extend(sorted({block}))",
        "halves": f"{kept}.extend({block}[len({block}) // 2:] + {block}[:len({block}) // 2])",
    }[way]
    parts["stop"] = f"len({values})" if short == "keep" else f"len({values}) - {k} + 1"
    parts["enough"] = values if short == "keep" else f"len({values}) >= {k}"
    said = {
        "fold": f"replace each block by {made.words} of its numbers",
        "turn": "reverse the order within each block",
        "sort": "sort the numbers of each block in ascending order, within the block",
        "halves": "in each block put the second half before the first (which is the shorter one if the length is odd)",
    }[way]
    end = (
        "A shorter block at the end is treated alike"
        if short == "keep"
        else "Numbers at the end that make no whole block are left out"
    )
    words = {"values": values, "k": k, "said": said, "end": end}

    def oracle(given: list[int], size: int) -> list[int]:
        blocks: dict[int, list[int]] = {}
        for at, value in enumerate(given):
            blocks.setdefault(at // size, []).append(value)
        found: list[int] = []
        for block in blocks.values():
            if len(block) < size and short == "drop":
                continue
            order = {"turn": block[::-1], "sort": sorted(block)}.get(way, block)
            for _ in range(len(block) // 2 if way == "halves" else 0):
                order = [*order[1:], order[0]]
            found += [made.call(block)] if way == "fold" else order
        return found

    return Drawn(
        call=draw.choice(("by_blocks", "handle_blocks", "chunk_list", "blockwise")),
        parameters=(Parameter(values, NUMBERS), Parameter(k, SIZE)),
        returns="list[int]",
        say=draw.say(
            "Cut `$values` into blocks of `$k` numbers, from the start, and $said. Return all that results as one "
            "list. $end.",
            "Treat `$values` in blocks of length `$k` (at least 1), beginning at the front: $said. $end. Return one "
            "list.",
            "Go through `$values` taking `$k` numbers at a time as a block, and build a new list: $said. $end.",
            **words,
        ),
        body=written(
            draw,
            """
            $kept = []
            for $i in range(0, $stop, $k):
                $block = $values[$i:$i + $k]
                $add
            return $kept
            """,
            """
            $kept = []
            while $enough:
                $block, $values = $values[:$k], $values[$k:]
                $add
            return $kept
            """,
            **parts,
        ),
        oracle=oracle,
        idea="Each block begins where the one before it ends, and a slice cuts it out.",
        contracts=(f"len(result) <= len({values})",),
        difficulty=2,
    )


@family("lists", 2)
@prepared(0.6)
def woven(draw: Draw) -> Drawn:
    """Two lists woven: so many of one, then so many of the other; what is left follows or is dropped."""
    p, q, rest = draw.integer(1, 3), draw.integer(1, 3), draw.chance()
    turned = draw.chance(0.3)
    a, b = draw.name("first", "left", "odds"), draw.name("second", "right", "evens")
    i, j, kept = draw.name("i", "at_first"), draw.name("j", "at_second"), a_result(draw)
    parts = {"a": a, "b": b, "i": i, "j": j, "kept": kept, "p": p, "q": q}
    parts["joint"] = "or" if rest else "and"
    parts["other"] = f"{b}[::-1]" if turned else b
    parts["assign"] = f"{b} = {b}[::-1]"
    words = {"a": a, "b": b, "p": f"{p} number" + "s" * (p > 1), "q": f"{q} number" + "s" * (q > 1)}
    words["turned"] = ", taken from its end towards its start" if turned else ""
    words["stop"] = "both lists are used up" if rest else "one of the lists is used up before a turn of both"

    def oracle(one: list[int], other: list[int]) -> list[int]:
        second = list(reversed(other)) if turned else other
        firsts = [one[at : at + p] for at in range(0, len(one), p)]
        seconds = [second[at : at + q] for at in range(0, len(second), q)]
        pairs: Iterable[tuple[list[int], list[int]]] = zip(firsts, seconds, strict=False)
        if rest:
            pairs = zip_longest(firsts, seconds, fillvalue=[])
        return [value for pair in pairs for block in pair for value in block]

    return Drawn(
        call=draw.choice(("weave_lists", "take_turns", "interlace", "zip_blocks")),
        parameters=(Parameter(a, NEAR_NUMBERS), Parameter(b, NEAR_NUMBERS)),
        returns="list[int]",
        say=draw.say(
            "Build a list by turns: $p from `$a`, then $q from `$b`$turned, and so on. A list that runs short gives "
            "what it has. Stop when $stop, and return the new list.",
            "Weave `$a` and `$b` into one list: a turn takes $p of the former and then $q of the latter$turned, or as "
            "many as are left there. Turns are made until $stop. Return the result.",
            "Return the list that begins with $p of `$a` and $q of `$b`$turned and goes on in this way with the "
            "numbers that come next (fewer if there are not enough), until $stop.",
            **words,
        ),
        body=written(
            draw,
            """
            $assign
            $kept = []
            $i = $j = 0
            while $i < len($a) $joint $j < len($b):
                $kept += $a[$i:$i + $p] + $b[$j:$j + $q]
                $i += $p
                $j += $q
            return $kept
            """
            if turned
            else """
            $kept = []
            $i = $j = 0
            while $i < len($a) $joint $j < len($b):
                $kept += $a[$i:$i + $p] + $b[$j:$j + $q]
                $i += $p
                $j += $q
            return $kept
            """,
            """
            $kept = []
            $i, $j = $a, $other
            while $i $joint $j:
                $kept.extend($i[:$p])
                $kept.extend($j[:$q])
                $i, $j = $i[$p:], $j[$q:]
            return $kept
            """,
            **parts,
        ),
        oracle=oracle,
        idea=(
            "Both lists are used up together, each by its own count of numbers a turn; slices beyond the "
            "end are simply shorter."
        ),
        contracts=(),
        difficulty=2,
    )


@family("lists", 1, 2)
@prepared(0.3)
def combined_places(draw: Draw) -> Drawn:
    """Two lists made one place by place; what the shorter one lacks is filled in or dropped."""
    made, fill = pair_value(draw), draw.choice(("drop", "drop", "0", "1", "last"))
    a, b = draw.name("left", "first", "xs"), draw.name("right", "second", "ys")
    x, y, i, kept = draw.name("x", "p", "one"), draw.name("y", "q", "other"), an_index(draw), a_result(draw)
    parts = {"a": a, "b": b, "x": x, "y": y, "i": i, "kept": kept, "made": made.of(x, y), "fill": fill}
    said = {
        "drop": "places that only one of them has are left out",
        "last": "a list that is too short is continued with its last number, or with 0 if it is empty",
    }.get(fill, f"where one of them has no number, {fill} is used")
    words = {"a": a, "b": b, "made": made.words, "said": said}

    def oracle(one: list[int], other: list[int]) -> list[int]:
        def at(values: list[int], place: int) -> int:
            if place < len(values):
                return values[place]
            return int(fill) if fill != "last" else [0, *values][-1]

        size = (min if fill == "drop" else max)(len(one), len(other))
        return [made.call(at(one, place), at(other, place)) for place in range(size)]

    styles = {
        "drop": (
            "return [$made for $x, $y in zip($a, $b)]",
            """
            $kept = []
            for $i in range(min(len($a), len($b))):
                $x, $y = $a[$i], $b[$i]
                $kept.append($made)
            return $kept
            """,
        ),
        "last": (
            """
            $kept = []
            $x = $y = 0
            for $i in range(max(len($a), len($b))):
                $x = $a[$i] if $i < len($a) else $x
                $y = $b[$i] if $i < len($b) else $y
                $kept.append($made)
            return $kept
            """,
        ),
    }.get(
        fill,
        (
            "return [$made for $x, $y in zip_longest($a, $b, fillvalue=$fill)]",
            """
            $kept = []
            for $i in range(max(len($a), len($b))):
                $x = $a[$i] if $i < len($a) else $fill
                $y = $b[$i] if $i < len($b) else $fill
                $kept.append($made)
            return $kept
            """,
        ),
    )
    body = written(draw, *styles, **parts)
    return Drawn(
        call=draw.choice(("combine_lists", "place_by_place", "pairwise_values", "join_places")),
        parameters=(Parameter(a, NUMBERS), Parameter(b, NUMBERS)),
        returns="list[int]",
        say=draw.say(
            "Return a list with $made for the numbers at the same places of `$a` (the first) and `$b` (the second); "
            "$said.",
            "Put `$a` and `$b` beside each other and make one number of each pair, in which the first comes from "
            "`$a`: $made. Mind that $said. Return these numbers as a list.",
            "Combine the lists `$a` and `$b` place by place, calling the number from `$a` the first and that from "
            "`$b` the second. Each place of the result holds $made; $said.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Both lists are read in step; all that needs care is what happens after the end of the shorter one.",
        contracts=(f"len(result) <= max(len({a}), len({b}))",),
        difficulty=1 if fill == "drop" else 2,
    )


@family("lists", 2)
def turned_by_count(draw: Draw) -> Drawn:
    """A list rotated by as many places as there are numbers that pass a test."""
    test, right, times = number_test(draw), draw.chance(), draw.choice((1, 1, 2, 3))
    values, x, k = a_list(draw), an_item(draw), draw.name("k", "shift", "turns", "moves")
    parts = {"values": values, "x": x, "k": k, "passes": test.of(x), "times": "" if times == 1 else f"{times} * "}
    parts["sign"] = "" if right else "-"
    parts["cut"] = (
        f"{values}[len({values}) - {k}:] + {values}[:len({values}) - {k}]"
        if right
        else f"{values}[{k}:] + {values}[:{k}]"
    )
    parts["from_"] = f"{values}[(i - {k}) % len({values})]" if right else f"{values}[(i + {k}) % len({values})]"

    def oracle(given: list[int]) -> list[int]:
        left = list(given)
        for _ in range(times * len([each for each in given if test.call(each)])):
            left.insert(*((0, left.pop()) if right else (len(left), left.pop(0))))
        return left

    body = written(
        draw,
        """
        if not $values:
            return []
        $k = $amount % len($values)
        return $cut
        """,
        """
        $k = $amount
        return [$from_ for i in range(len($values))]
        """,
        """
        turned = deque($values)
        turned.rotate($signed)
        return list(turned)
        """,
        amount=f"{parts['times']}sum(1 for {x} in {values} if {test.of(x)})",
        signed=f"{parts['sign']}{parts['times']}sum(1 for {x} in {values} if {test.of(x)})",
        **parts,
    )
    words = {
        "values": values,
        "test": test.words,
        "way": "right" if right else "left",
        "times": "" if times == 1 else f"{times} times ",
    }
    return Drawn(
        call=draw.choice(("turn_by_count", "self_rotation", "rotate_by_matches", "shift_round")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Rotate a copy of `$values` to the $way by $amount as many places as it has numbers that are $test. What "
            "leaves the list at one end comes in at the other. Return the copy.",
            "Return the numbers of `$values` rotated to the $way by $amount as many places as there are numbers among "
            "them that are $test. Nothing happens to an empty list.",
            "Count the numbers in `$values` that are $test. Return the list that results if the numbers move to the "
            "$way, cyclically, by $amount as many places as this count says.",
            amount=words["times"].strip() or "exactly",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "Count first; the count says by how many places the list is turned, and what leaves at one end "
            "comes in at the other."
        ),
        contracts=(f"sorted(result) == sorted({values})",),
        difficulty=2,
    )
