"""Numbers of a list that pass a test: added up, found, kept and parted."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NUMBERS, TARGET
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_list, a_result, a_total, an_index, an_item
from titrant.synthesize.generator.pieces import grouped, number_change, number_test


@family("lists", 1, 2)
def sum_of_changed(draw: Draw) -> Drawn:
    """The sum of what becomes of the numbers that pass a test."""
    test, change = number_test(draw), number_change(draw)
    values, x, total = a_list(draw), an_item(draw), a_total(draw)
    parts = {"values": values, "x": x, "total": total, "passes": test.of(x), "changed": change.of(x)}
    words = {"values": values, "test": test.words, "change": change.words}
    return Drawn(
        call=draw.choice(("sum_changed", "filtered_total", "total_of_kept", "selective_sum")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Return the sum over the numbers in `$values` that are $test, each one replaced by $change. "
            "If there is none, the sum is 0.",
            "Take the numbers in `$values` that are $test, replace each by $change, and return the sum of the results "
            "(0 if nothing is left).",
            "Add up $change for every number in `$values`, leaving out all numbers but those that are $test. An empty "
            "sum is 0.",
            **words,
        ),
        body=written(
            draw,
            """
            $total = 0
            for $x in $values:
                if $passes:
                    $total += $changed
            return $total
            """,
            """
            return sum($changed for $x in $values if $passes)
            """,
            **parts,
        ),
        oracle=lambda given: sum([change.call(each) for each in list(filter(test.call, given))]),
        idea=draw.say(
            "Go through the numbers once, skip those that are not $test, and keep a running total of the rest.",
            "Keep only what is $test; what is left is changed one by one and added up.",
            **words,
        ),
        difficulty=1,
    )


@family("lists", 1, 2)
def kept_and_changed(draw: Draw) -> Drawn:
    """What becomes of the numbers that pass a test, in the order of the list or from its end."""
    test, change, backward = number_test(draw), number_change(draw), draw.chance(0.4)
    values, x, kept = a_list(draw), an_item(draw), a_result(draw)
    parts = {"x": x, "kept": kept, "passes": test.of(x), "changed": change.of(x)}
    parts["walk"] = draw.choice((f"reversed({values})", f"{values}[::-1]")) if backward else values
    order = "from the last to the first" if backward else "in their order"
    words = {"values": values, "test": test.words, "change": change.words, "order": order}

    def oracle(given: list[int]) -> list[int]:
        found = list(map(change.call, filter(test.call, given)))
        return [found.pop() for _ in list(found)] if backward else found

    return Drawn(
        call=draw.choice(("keep_and_change", "transform_matching", "changed_matches", "pick_and_map")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Return a list in which, for every number of `$values` that is among those that are $test, taken "
            "$order, stands $change.",
            "Collect the numbers of `$values` that are $test, $order, and replace each of them by $change. Return the "
            "new list; it is empty if no number qualifies.",
            "From `$values` build a new list: go through the numbers $order, ignore all but those that are $test, and "
            "put $change in place of each one that is left.",
            **words,
        ),
        body=written(
            draw,
            """
            $kept = []
            for $x in $walk:
                if $passes:
                    $kept.append($changed)
            return $kept
            """,
            """
            return [$changed for $x in $walk if $passes]
            """,
            """
            $kept = []
            for $x in $walk:
                if not ($passes):
                    continue
                $kept.append($changed)
            return $kept
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "Visit the numbers $order; whatever is $test is changed at once and goes to the end of the new list.",
            "Filtering comes first, since the test looks at the original numbers, and the change second.",
            **words,
        ),
        contracts=(f"len(result) <= len({values})",),
        difficulty=2 if backward else 1,
    )


@family("lists", 1, 2)
def place_of_match(draw: Draw) -> Drawn:
    """The index of the first or the last number that passes a test."""
    test, last, absent = number_test(draw), draw.chance(), draw.chance()
    values, i, x = a_list(draw), an_index(draw), an_item(draw)
    none = f"len({values})" if absent else "-1"
    parts = {"values": values, "i": i, "x": x, "none": none, "passes": test.of(x), "here": test.of(f"{values}[{i}]")}
    words = {"values": values, "test": test.words, "which": "last" if last else "first"}
    words["none"] = f"the length of `{values}`" if absent else "-1"

    def oracle(given: list[int]) -> int:
        places = [place for place in range(len(given)) if test.call(given[place])]
        return (max(places) if last else min(places)) if places else len(given) if absent else -1

    forward = (
        """
        for $i, $x in enumerate($values):
            if $passes:
                return $i
        return $none
        """,
        """
        matches = (
            $i
            for $i, $x in enumerate($values)
            if $passes
        )
        return next(matches, $none)
        """,
        """
        $i = 0
        while $i < len($values):
            if $here:
                return $i
            $i += 1
        return $none
        """,
    )
    backward = (
        """
        for $i in range(len($values) - 1, -1, -1):
            if $here:
                return $i
        return $none
        """,
        """
        found = $none
        for $i, $x in enumerate($values):
            if $passes:
                found = $i
        return found
        """,
        """
        matches = [$i for $i, $x in enumerate($values) if $passes]
        return matches[-1] if matches else $none
        """,
    )
    return Drawn(
        call=draw.choice(("place_of_match", "locate", "find_place", "where_is")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Return the index of the $which number in `$values` that is one of those that are $test, or $none if there "
            "is no such number. Indexes start at 0.",
            "Find the $which position in `$values` (counted from 0) whose number belongs to the numbers that are "
            "$test. If no position does, return $none.",
            "Among the numbers of `$values` that are $test, locate the $which one and return its index, counted from "
            "0. Return $none when all numbers fail.",
            **words,
        ),
        body=written(draw, *(backward if last else forward), **parts),
        oracle=oracle,
        idea=draw.say(
            "The $which position that passes is the answer, and $none stands for a search in vain.",
            "Look at the positions one after the other; the $which one that is $test is the answer.",
            **words,
        ),
        contracts=(f"-1 <= result <= len({values})",),
        difficulty=1,
    )


@family("lists", 1, 2)
def parted(draw: Draw) -> Drawn:
    """Those that pass a test, and those that do not: as two lists, or one after the other."""
    test, pair, turned = number_test(draw), draw.chance(), draw.chance()
    values, x = a_list(draw), an_item(draw)
    yes, no = draw.name("passing", "good", "inside"), draw.name("others", "rest", "outside")
    parts = {"values": values, "x": x, "yes": yes, "no": no, "passes": test.of(x)}
    rest = f"{no}[::-1]" if turned else no
    parts["end"] = f"({yes}, {rest})" if pair else f"{yes} + {rest}"
    words = {"values": values, "test": test.words}
    words["turned"] = "reversed order" if turned else "their order"
    words["shape"] = "a tuple of two lists" if pair else "one list"

    def oracle(given: list[int]) -> tuple[list[int], list[int]] | list[int]:
        first = list(filter(test.call, given))
        second = [each for each in (given[::-1] if turned else given) if not test.call(each)]
        return (first, second) if pair else [*first, *second]

    return Drawn(
        call=draw.choice(("part_numbers", "split_by_test", "divide_up", "sort_out")),
        parameters=(Parameter(values, NUMBERS),),
        returns="tuple[list[int], list[int]]" if pair else "list[int]",
        say=draw.say(
            "Return $shape: first the numbers of `$values` that are $test, in their order, then all others, in "
            "$turned.",
            "Part `$values` into the numbers that are $test, which keep their order, and the other numbers, in "
            "$turned. Return $shape that gives the former before the latter.",
            "Separate the numbers in `$values` that are $test from the rest. The result is $shape; the separated ones "
            "come first and stand as they stood, the rest follows in $turned.",
            **words,
        ),
        body=written(
            draw,
            """
            $yes, $no = [], []
            for $x in $values:
                if $passes:
                    $yes.append($x)
                else:
                    $no.append($x)
            return $end
            """,
            """
            $yes = [$x for $x in $values if $passes]
            $no = [$x for $x in $values if not ($passes)]
            return $end
            """,
            """
            $yes, $no = [], []
            for $x in $values:
                ($yes if $passes else $no).append($x)
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "The numbers go into two lists, one for what is $test and one for what is not.",
            "Every number goes to one of two lists, and the test says to which.",
            **words,
        ),
        contracts=(
            f"len(result[0]) + len(result[1]) == len({values})" if pair else f"sorted(result) == sorted({values})",
        ),
        difficulty=2 if pair or turned else 1,
    )


@family("lists", 1, 2)
def run_at_an_end(draw: Draw) -> Drawn:
    """The numbers at the start or the end that all pass a test: taken, or taken away."""
    test, end, taken = number_test(draw), draw.chance(), draw.chance()
    values, i, x = a_list(draw), an_index(draw), an_item(draw)
    part = (
        (f"{values}[{i}:]" if end else f"{values}[:{i}]") if taken else f"{values}[:{i}]" if end else f"{values}[{i}:]"
    )
    before = f"{values}[{i} - 1]" if end else f"{values}[{i}]"
    parts = {"values": values, "i": i, "x": x, "here": grouped(test.of(before)), "passes": test.of(x), "part": part}
    words = {"values": values, "test": test.words, "side": "end" if end else "start"}
    words["what"] = "only these numbers" if taken else "the list without them"

    def oracle(given: list[int]) -> list[int]:
        size = len(given)
        runs = [given[size - k :] if end else given[:k] for k in range(size + 1)]
        longest = max(len(run) for run in runs if all(map(test.call, run)))
        cut = size - longest if end else longest
        return given[cut:] if taken == end else given[:cut]

    styles = [
        """
        $i = len($values)
        while $i > 0 and $here:
            $i -= 1
        return $part
        """
        if end
        else """
        $i = 0
        while $i < len($values) and $here:
            $i += 1
        return $part
        """
    ]
    if not end:
        styles.append(
            """
            for $i, $x in enumerate($values):
                if not ($passes):
                    return $part
            return $whole
            """
        )
    parts["whole"] = f"{values}[:]" if taken else "[]"
    return Drawn(
        call=draw.choice(("leading_part", "trim_run", "cut_run", "edge_run") if not end else ("tail_run", "trim_tail")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "At the $side of `$values` there may be a run of numbers that are all $test. Return $what.",
            "Consider the longest run of numbers at the $side of `$values` that are all $test; it may be empty. Return "
            "$what, as a new list.",
            "Starting from the $side of `$values`, mark numbers as long as they are $test and stop at the first that "
            "is not. Return $what; the order stays.",
            **words,
        ),
        body=written(draw, *styles, **parts),
        oracle=oracle,
        idea=draw.say(
            "Move a boundary inward from the $side while the number next to it is $test, then slice there.",
            "Only the length of the run at the $side matters: count it, and cut the list at that place.",
            **words,
        ),
        contracts=(f"len(result) <= len({values})",),
        difficulty=1 if taken and not end else 2,
    )


@family("lists", 2)
def spent_before(draw: Draw) -> Drawn:
    """How many numbers are looked at until the total of those that pass goes beyond a limit."""
    test, inclusive = number_test(draw), draw.chance()
    values, limit, x, total, i = (
        a_list(draw),
        draw.name("limit", "bound", "cap", "goal"),
        an_item(draw),
        a_total(draw),
        "",
    )
    i = an_index(draw)
    sign = ">=" if inclusive else ">"
    parts = {"values": values, "limit": limit, "x": x, "i": i, "total": total, "sign": sign, "passes": test.of(x)}
    words = {"values": values, "limit": limit, "test": test.words}
    words["reach"] = "at least" if inclusive else "greater than"

    def oracle(given: list[int], bound: int) -> int:
        for length in range(1, len(given) + 1):
            reached = sum(filter(test.call, given[:length]))
            if reached > bound or (inclusive and reached == bound):
                return length
        return -1

    return Drawn(
        call=draw.choice(("numbers_needed", "steps_to_limit", "how_far_to_go", "count_until_reached")),
        parameters=(Parameter(values, NUMBERS), Parameter(limit, TARGET)),
        returns="int",
        say=draw.say(
            "Go through `$values` from the start and add up the numbers that are $test. Return how many numbers had "
            "been looked at, of either kind, when the total first was $reach `$limit` after a number; return -1 if "
            "that never happens.",
            "Return the length of the shortest non-empty beginning of `$values` in which the numbers that are $test "
            "have a sum that is $reach `$limit`. If no beginning will do, return -1. A sum of no numbers is 0.",
            "Numbers of `$values` arrive one by one; only those that are $test are added to a total that starts at 0. "
            "After how many arrivals is the total $reach `$limit` for the first time? At least one number must have "
            "arrived; the answer is -1 if it never is.",
            **words,
        ),
        body=written(
            draw,
            """
            $total = 0
            for $i, $x in enumerate($values, start=1):
                if $passes:
                    $total += $x
                if $total $sign $limit:
                    return $i
            return -1
            """,
            """
            $total = $i = 0
            for $x in $values:
                $i += 1
                $total += $x if $passes else 0
                if $total $sign $limit:
                    break
            else:
                return -1
            return $i
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "Keep the total while walking, and compare it with `$limit` after every number, also after skipped ones.",
            "Each beginning differs from the one before by one number, so that a running total decides all of them.",
            **words,
        ),
        contracts=(f"result == -1 or 1 <= result <= len({values})",),
        difficulty=2,
    )
