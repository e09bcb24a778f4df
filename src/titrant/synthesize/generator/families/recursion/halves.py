"""Rows worked out by halves, or number by number in two modes."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test

ROW = Lists(Integers(-20, 30), 1, 9)
ANY_ROW = Lists(Integers(-20, 30), 0, 9)


_FOLDED_HALVES_BODIES = (
    """
    if len($row) == 1:
        return $one
    middle = $middle
    left, right = $call($row[:middle]), $call($row[middle:])
    return $join
    """,
    """
    def value(start, end):
        if end - start == 1:
            return $one_start
        middle = $between
        left = value(start, middle)
        right = value(middle, end)
        return $join

    return value(0, len($row))
    """,
)


_FOLDED_HALVES_WORDINGS = (
    "Return the value of the row `$row`, which is never empty. The value of a single number is $change. A longer row "
    "is cut into two halves, of which the $longer one is longer by one if the length is odd, and its value is $words, "
    "where left and right mean the values of the halves.",
    "Work out a value for `$row` by halving. One number alone has the value got by replacing it by $change. For more "
    "numbers, split the row in the middle (with the middle number of an odd row in the $longer half), find the values "
    "of the left and the right half in the same way, and take $words. Return the value of the whole row.",
    "Split `$row` into halves again and again until only single numbers are left, always putting the extra number of "
    "an odd length into the $longer half. Each number becomes $change; then halves are joined in the opposite order, "
    "the value of a joined row being $words (of the values of its halves). Return the last value.",
)


@family("recursion", 3)
def folded_halves(draw: Draw) -> Drawn:
    """What a row comes to when its halves are worked out and put together by a rule that is not symmetric."""
    k = draw.integer(2, 9)
    words, source, meaning = one_of(
        draw,
        ("the left value minus the right one", "left - right", lambda a, b: -(b - a)),
        (f"the left value plus {k} times the right one", f"left + {k} * right", lambda a, b: sum([b] * k, a)),
        (
            f"{k} times the greater value minus the smaller one",
            f"{k} * max(left, right) - min(left, right)",
            lambda a, b: sorted((a, b))[1] * k - sorted((a, b))[0],
        ),
        (
            "the greater value if the left one is even, and the smaller one if it is odd",
            "max(left, right) if left % 2 == 0 else min(left, right)",
            lambda a, b: sorted((a, b))[0 if a & 1 else 1],
        ),
        (
            f"the absolute difference of both values plus {k}",
            f"abs(left - right) + {k}",
            lambda a, b: max(a, b) - min(a, b) + k,
        ),
        (
            f"the sum of both values, or {k} if that is negative",
            f"left + right if left + right >= 0 else {k}",
            lambda a, b: a + b if b >= -a else k,
        ),
    )
    up = draw.chance()
    change = number_change(draw)
    call = draw.name("fold_halves", "halving_value", "tournament", "combine_halves")
    row = draw.name("row", "values", "numbers")
    names = {
        "call": call,
        "row": row,
        "words": words,
        "join": source,
        "change": change.words,
        "one": change.of(f"{row}[0]"),
        "one_start": change.of(f"{row}[start]"),
        "middle": f"(len({row}) + 1) // 2" if up else f"len({row}) // 2",
        "between": "(start + end + 1) // 2" if up else "(start + end) // 2",
        "longer": "left" if up else "right",
    }

    def oracle(given: list[int]) -> int:
        spans = [(0, len(given))]
        for low, high in spans:
            if high - low > 1:
                size = high - low
                cut = low + (size - size // 2 if up else size // 2)
                spans += [(low, cut), (cut, high)]
        found: dict[tuple[int, int], int] = {}
        for low, high in reversed(spans):
            size = high - low
            cut = low + (size - size // 2 if up else size // 2)
            found[low, high] = change.call(given[low]) if size == 1 else meaning(found[low, cut], found[cut, high])
        return found[0, len(given)]

    return Drawn(
        call=call,
        parameters=(Parameter(row, ROW),),
        returns="int",
        say=draw.say(
            *_FOLDED_HALVES_WORDINGS,
            **names,
        ),
        body=draw.source(
            *_FOLDED_HALVES_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "A single number is the base of the recursion; otherwise both halves are worked out first and joined by "
            "the rule.",
            "Divide and conquer: cut in the middle, solve both sides, and combine the two values.",
        ),
        difficulty=3,
    )


_PAIRS_OUT_OF_ORDER_BODIES = (
    """
    def solve(part):
        if len(part) < 2:
            return part, 0
        middle = len(part) // 2
        left, left_count = solve(part[:middle])
        right, right_count = solve(part[middle:])
        $count
        return sorted(left + right), left_count + right_count + count

    return solve($row)[1]
    """,
    """
    def solve(part):
        if len(part) < 2:
            return part, 0
        left, left_count = solve(part[: len(part) // 2])
        right, right_count = solve(part[len(part) // 2 :])
        count, start = left_count + right_count, 0
        for value in $order:
            while start < len(right) and $while:
                start += 1
            count += $end
        return sorted(left + right), count

    return solve($row)[1]
    """,
    """
    def solve(start, end):
        if end - start < 2:
            return 0
        middle = (start + end) // 2
        count = solve(start, middle) + solve(middle, end)
        for a in $row[start:middle]:
            count += sum(1 for b in $row[middle:end] if $test)
        return count

    return solve(0, len($row))
    """,
)


@family("recursion", 4)
def pairs_out_of_order(draw: Draw) -> Drawn:
    """How many pairs of positions stand in a relation, counted while sorting by merging."""
    k = draw.integer(2, 15)
    words, source, meaning = one_of(
        draw,
        (
            f"the earlier number is greater than the later one by more than {k}",
            f"left[i] - right[j] > {k}",
            lambda a, b: a > b + k,
        ),
        (
            f"the later number is greater than the earlier one by at least {k}",
            f"right[-1 - j] - left[-1 - i] >= {k}",
            lambda a, b: not b < a + k,
        ),
        (f"the sum of both numbers is greater than {k}", f"left[i] + right[-1 - j] > {k}", lambda a, b: b > k - a),
    )
    style = 0 if source.startswith("left[i] - ") else 1 if source.startswith("right") else 2
    call = draw.name("count_pairs", "pairs_by_merging", "order_conflicts", "pair_tally")
    row = draw.name("row", "values", "numbers")
    names = {"row": row, "k": k, "words": words, "halves": draw.name("halves", "sides", "parts")}
    names["count"] = (
        f"count = sum(bisect_left(right, value - {k}) for value in left)",
        f"count = sum(len(right) - bisect_left(right, value + {k}) for value in left)",
        f"count = sum(len(right) - bisect_right(right, {k} - value) for value in left)",
    )[style]
    names["test"] = (f"a - b > {k}", f"b - a >= {k}", f"a + b > {k}")[style]
    names["end"] = ("start", "len(right) - start", "len(right) - start")[style]
    names["while"] = (f"right[start] < value - {k}", f"right[start] < value + {k}", f"right[start] + value <= {k}")[
        style
    ]
    names["order"] = "left" if style < 2 else "reversed(left)"

    def oracle(given: list[int]) -> int:
        return sum(1 for j in range(len(given)) for i in range(j) if meaning(given[i], given[j]))

    body = draw.source(
        *_PAIRS_OUT_OF_ORDER_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(row, ANY_ROW),),
        returns="int",
        say=draw.say(
            "Return the number of pairs of positions in `$row` for which $words. Each pair is an earlier and a later "
            "position.",
            "Count the pairs of numbers in `$row`, one standing before the other, for which $words, and return how "
            "many there are. Equal numbers at different positions make different pairs.",
            "Return in how many ways two different positions of `$row` can be chosen such that $words.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from bisect import bisect_left", "from bisect import bisect_right"),
        oracle=oracle,
        idea=draw.say(
            "Pairs lie in the left half, in the right half, or across; the first two kinds are counted by "
            "recursion, the last one with both halves at hand."
        ),
        contracts=("result >= 0", f"result <= len({row}) * len({row})"),
        difficulty=4,
    )


_ALTERNATING_WALK_BODIES = (
    """
    def plain(i):
        if i == len($row):
            return 0
        $x = $row[i]
        $plain_step

    def changed(i):
        if i == len($row):
            return 0
        $x = $row[i]
        $changed_step

    return plain(0)
    """,
    """
    def walk(rest, switched):
        if not rest:
            return 0
        $x = rest[0]
        $walk_step

    return walk($row, False)
    """,
    """
    $total, switched = 0, False
    for $x in $row:
        $loop_step
    return $total
    """,
)


_ALTERNATING_WALK_WORDINGS = (
    "Return a total over the numbers of `$row` from left to right. There are two modes: in the first, a number adds "
    "$one_words, in the second, $other_words. It begins in the first mode, and each number that is $is_kept switches "
    "to the other mode $when. The total of an empty row is 0.",
    "Walk along `$row` and add up, beginning in mode one. In mode one a number counts as $one_words, in mode two as "
    "$other_words. Whenever a number is $is_kept, the mode changes, $when. Return the sum (0 for no numbers).",
    "Add up the numbers of `$row`, each replaced by $one_words as long as the switch is off and by $other_words while "
    "it is on. The switch is off at first; a number that is $is_kept flips it $when. Return the sum, 0 if there are "
    "no numbers.",
)


@family("recursion", 2)
def alternating_walk(draw: Draw) -> Drawn:
    """A total over a row in which two modes change places whenever a number passes a test."""
    test, one, other = number_test(draw), number_change(draw), number_change(draw)
    call = draw.name("switching_total", "two_modes", "alternate", "toggle_sum")
    row, x = draw.name("row", "values", "numbers"), draw.name("value", "number", "first")
    after = draw.chance()
    names = {
        "call": call,
        "row": row,
        "x": x,
        "test": test.of(x),
        "is_kept": alone(test),
        "one": one.of(x),
        "other": other.of(x),
        "one_words": one.words,
        "other_words": other.words,
        "total": draw.name("total", "result", "acc"),
        "when": "after it has been counted" if after else "before it is counted",
    }

    def oracle(given: list[int]) -> int:
        switches = [bool(test.call(each)) for each in given]
        total = 0
        for i, each in enumerate(given):
            so_far = sum(switches[: i if after else i + 1])
            total += one.call(each) if so_far % 2 == 0 else other.call(each)
        return total

    body = draw.source(
        *_ALTERNATING_WALK_BODIES,
        plain_step=fill(
            "if $test:\n    return $own + changed(i + 1)\nreturn $one + plain(i + 1)",
            **names,
            own=names["one"] if after else names["other"],
        ),
        changed_step=fill(
            "if $test:\n    return $own + plain(i + 1)\nreturn $other + changed(i + 1)",
            **names,
            own=names["other"] if after else names["one"],
        ),
        walk_step=fill(
            "own = $other if switched else $one\nif $test:\n    switched = not switched\nreturn own + walk(rest[1:], "
            "switched)"
            if after
            else (
                "if $test:\n    switched = not switched\nreturn ($other if switched else $one) + walk(rest[1:], "
                "switched)"
            ),
            **names,
        ),
        loop_step=fill(
            "$total += $other if switched else $one\nif $test:\n    switched = not switched"
            if after
            else "if $test:\n    switched = not switched\n$total += $other if switched else $one",
            **names,
        ),
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(row, ANY_ROW),),
        returns="int",
        say=draw.say(
            *_ALTERNATING_WALK_WORDINGS,
            **names,
        ),
        body=body,
        oracle=oracle,
        idea=draw.say("The mode is handed on from number to number; each adds what its mode asks for."),
        difficulty=2,
    )
