"""Lists of numbers read with a memory: records, peaks, running totals, stacks."""

from __future__ import annotations

from collections.abc import Callable

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NEAR_NUMBERS, NUMBERS
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_best, a_list, a_result, a_total, an_index, an_item
from titrant.synthesize.generator.pieces import number_change, number_test
from titrant.synthesize.generator.preparation import prepared


@family("lists", 1, 2)
@prepared()
def records(draw: Draw) -> Drawn:
    """Numbers that are beyond all before them, or their places."""
    high, strict, places, backward = draw.chance(), draw.chance(), draw.chance(), draw.chance(0.4)
    values, x, i, best, kept = a_list(draw), an_item(draw), an_index(draw), a_best(draw), a_result(draw)
    sign = (">" if high else "<") + ("" if strict else "=")
    walk = f"reversed({values})" if backward else values
    order = f"range(len({values}) - 1, -1, -1)" if backward else f"range(len({values}))"
    parts = {"values": values, "x": x, "i": i, "best": best, "kept": kept, "sign": sign, "walk": walk, "order": order}
    compared = ("greater than" if strict else "at least as great as") if high else "less than" if strict else "at most"
    words = {"values": values, "compared": compared, "side": "after" if backward else "before"}
    words["shown"] = "the indexes" if places else "the list"
    words["direction"] = "from the last to the first" if backward else "from the first to the last"

    def oracle(given: list[int]) -> list[int]:
        found = []
        for at, value in enumerate(given):
            others = given[at + 1 :] if backward else given[:at]
            worse = [each for each in others if (each < value if high else each > value)]
            ties = [each for each in others if each == value]
            if len(worse) + (0 if strict else len(ties)) == len(others):
                found.append(at if places else value)
        return found[::-1] if backward else found

    return Drawn(
        call=draw.choice(("records", "find_records", "outstanding", "beyond_all_others")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "A record in `$values` is a number that is $compared every number $side it. Return $shown "
            "of all records, going through the list $direction. A number with none $side it is a record.",
            "Go through `$values` $direction and collect each number that is $compared all that were visited earlier; "
            "the number visited first always counts. Return $shown of these numbers in the order of the visit.",
            "Return, in the order $direction, $shown of all numbers in `$values` that are $compared each of the "
            "numbers that stand $side them.",
            **words,
        ),
        body=written(
            draw,
            """
            $kept = []
            $best = None
            for $i in $order:
                if $best is None or $values[$i] $sign $best:
                    $best = $values[$i]
                    $kept.append($i)
            return $kept
            """
            if places
            else """
            $kept = []
            for $x in $walk:
                if not $kept or $x $sign $kept[-1]:
                    $kept.append($x)
            return $kept
            """,
            """
            $kept = []
            $best = float("$infinite")
            for $i in $order:
                $x = $values[$i]
                if $x $sign $best:
                    $best = $x
                    $kept.append($shown)
            return $kept
            """,
            infinite="-inf" if high else "inf",
            shown=i if places else x,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "Only the best number so far has to be remembered: whatever is $compared it is $compared all of them.",
            "Walk $direction with the latest record in hand, and replace it whenever a number is $compared it.",
            **words,
        ),
        contracts=(f"len(result) <= len({values})", f"(len(result) > 0) == (len({values}) > 0)"),
        difficulty=2 if backward or places else 1,
    )


@family("lists", 2)
@prepared()
def peaks(draw: Draw) -> Drawn:
    """Numbers beyond both neighbours; the ends count or do not."""
    high, ends, shown = draw.chance(), draw.chance(), draw.choice(("places", "values", "count"))
    values, i, kept = a_list(draw), an_index(draw), a_result(draw)
    sign = ">" if high else "<"
    end = {"places": i, "values": f"{values}[{i}]", "count": "1"}[shown]
    parts = {"values": values, "i": i, "kept": kept, "sign": sign, "end": end}
    words = {
        "values": values,
        "peak": draw.choice(("peak", "summit")) if high else draw.choice(("valley", "dip")),
        "compared": "greater" if high else "less",
        "shown": {"places": "the list of the indexes of all", "values": "the list of all", "count": "the number of"}[
            shown
        ],
    }
    words["ends"] = (
        "The first and the last number have only one neighbour, or none, and are compared with what there is"
        if ends
        else "The first and the last number do not count, since they lack a neighbour"
    )

    def oracle(given: list[int]) -> list[int] | int:
        outside = -(10**9) if high else 10**9
        padded = [outside if ends else -outside, *given, outside if ends else -outside]
        found = []
        for at, (left, here, right) in enumerate(zip(padded, padded[1:], padded[2:], strict=False)):
            extreme = max(left, right) if high else min(left, right)
            if (here > extreme) if high else (here < extreme):
                found.append((at, here))
        return len(found) if shown == "count" else [pair[shown == "values"] for pair in found]

    loose = (
        """
        $kept = []
        for $i in range(len($values)):
            left_fits = $i == 0 or $values[$i] $sign $values[$i - 1]
            right_fits = $i == len($values) - 1 or $values[$i] $sign $values[$i + 1]
            if left_fits and right_fits:
                $kept.append($end)
        return $kept
        """,
        """
        def is_best(i):
            around = $values[max(i - 1, 0):i] + $values[i + 1:i + 2]
            return all($values[i] $sign other for other in around)

        return [$end for $i in range(len($values)) if is_best($i)]
        """,
    )
    inner = (
        """
        $kept = []
        for $i in range(1, len($values) - 1):
            if $values[$i - 1] $mirror $values[$i] $sign $values[$i + 1]:
                $kept.append($end)
        return $kept
        """,
        """
        return [
            $end
            for $i in range(1, len($values) - 1)
            if $values[$i] $sign $extreme($values[$i - 1], $values[$i + 1])
        ]
        """,
    )
    body = written(
        draw,
        *(loose if ends else inner),
        mirror="<" if high else ">",
        extreme="max" if high else "min",
        **parts,
    )
    if shown == "count":
        body = body.replace(f"{kept} = []", f"{kept} = 0").replace(f"{kept}.append(1)", f"{kept} += 1")
        body = body.replace("return [", "return sum(", 1) if "return [" in body else body
        body = body[:-1] + ")" if body.endswith("]") else body
    return Drawn(
        call=draw.choice(("find_peaks", "turning_numbers", "local_extremes", "stand_outs")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int" if shown == "count" else "list[int]",
        say=draw.say(
            "A $peak of `$values` is a number that is $compared than both of its neighbours. $ends. Return $shown "
            "$peaks, from left to right."
            if shown != "count"
            else "A $peak of `$values` is a number that is $compared than both of its neighbours. $ends. Return $shown "
            "$peaks.",
            "Return $shown $peaks in `$values`. A number is a $peak if the numbers beside it are both different from "
            "it and it is $compared than they are. $ends.",
            "Compare the numbers of `$values` with those directly beside them and call a number a $peak where it is "
            "$compared than these. $ends. The result is $shown $peaks.",
            peaks={"peak": "peaks", "summit": "summits", "valley": "valleys", "dip": "dips"}[words["peak"]],
            **words,
        ),
        body=body,
        oracle=oracle,
        idea=draw.say(
            "Look at three numbers at a time; the middle one is compared with the two others. $ends.",
            "The decision for each place needs only the numbers next to it, so one pass is enough.",
            **words,
        ),
        contracts=(
            f"result * 2 <= len({values}) + 1" if shown == "count" else f"len(result) * 2 <= len({values}) + 1",
        ),
        difficulty=2,
    )


@family("lists", 2)
def totals_with_resets(draw: Draw) -> Drawn:
    """Running totals that begin anew at the numbers that pass a test."""
    test, included, change = number_test(draw), draw.chance(), number_change(draw)
    plain = draw.chance()
    values, x, total, kept = a_list(draw), an_item(draw), a_total(draw), a_result(draw)
    kept = kept if kept != total else draw.name("totals", "sums")
    parts = {"values": values, "x": x, "total": total, "kept": kept, "passes": test.of(x)}
    parts["added"] = x if plain else change.of(x)
    parts["fresh"] = parts["added"] if included else "0"
    words = {"values": values, "test": test.words}
    words["added"] = "the number itself" if plain else change.words
    words["fresh"] = (
        f"the total is set to 0 first, and then {words['added']} is added"
        if included
        else "the total is set to 0 and nothing is added"
    )

    def oracle(given: list[int]) -> list[int]:
        found = []
        for end in range(len(given)):
            stops = [at for at in range(end + 1) if test.call(given[at])]
            begin = (stops[-1] + (0 if included else 1)) if stops else 0
            found.append(sum(each if plain else change.call(each) for each in given[begin : end + 1]))
        return found

    body = written(
        draw,
        """
        $kept = []
        $total = 0
        for $x in $values:
            if $passes:
                $total = $fresh
            else:
                $total += $added
            $kept.append($total)
        return $kept
        """,
        """
        def step($total, $x):
            return $fresh if $passes else $total + $added

        return list(accumulate($values, step, initial=0))[1:]
        """,
        """
        $kept = []
        for $x in $values:
            $total = $kept[-1] if $kept else 0
            $kept.append($fresh if $passes else $total + $added)
        return $kept
        """,
        **(parts | {"added": f"({parts['added']})" if " " in parts["added"] else parts["added"]}),
    )
    return Drawn(
        call=draw.choice(("totals_with_resets", "restarting_sums", "running_with_stops", "interrupted_totals")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Keep a total that starts at 0 while going through `$values`. At a number that is not among those that are "
            "$test, add $added. At one that is, $fresh. Return the list of the totals after each number.",
            "Return a list as long as `$values` with the state of a running total after every number. Normally $added "
            "is added to it; but at each of the numbers that are $test, $fresh. At first the total is 0.",
            "Compute running totals of `$values`, adding $added at each place. The numbers that are $test interrupt "
            "this: at each of them $fresh. Return all totals in order.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=draw.say(
            ("The new total depends on the total before and the current number alone, so one pass is enough."),
            ("Distinguish two cases for each number: it is $test, and the past is forgotten, or it adds to the total."),
            **words,
        ),
        contracts=(f"len(result) == len({values})",),
        difficulty=2,
    )


@family("lists", 3)
@prepared(0.6)
def next_beyond(draw: Draw) -> Drawn:
    """For each number the next one that is beyond it, or how far away it is, with a stack."""
    high, strict, distance, backward = draw.chance(), draw.chance(), draw.chance(), draw.chance(0.4)
    none = draw.choice((0, -1)) if distance else draw.choice((0, -1, 99))
    values, i, stack, kept = a_list(draw), an_index(draw), draw.name("stack", "waiting", "open_places"), a_result(draw)
    j = draw.name("j", "earlier", "popped")
    sign = (">" if high else "<") + ("" if strict else "=")
    parts = {"values": values, "i": i, "j": j, "stack": stack, "kept": kept, "sign": sign, "none": none}
    parts["order"] = f"range(len({values}) - 1, -1, -1)" if backward else f"range(len({values}))"
    parts["contrary"] = f"range(len({values}))" if backward else f"range(len({values}) - 1, -1, -1)"
    parts["end"] = (f"{j} - {i}" if backward else f"{i} - {j}") if distance else f"{values}[{i}]"
    parts["back_end"] = (
        (f"{i} - {stack}[-1]" if backward else f"{stack}[-1] - {i}") if distance else f"{values}[{stack}[-1]]"
    )
    words = {"values": values, "none": none, "side": "left" if backward else "right"}
    words["compared"] = ("greater than" if strict else "at least") if high else "less than" if strict else "at most"
    words["shown"] = "the distance to it in places" if distance else "that number itself"

    def oracle(given: list[int]) -> list[int]:
        found = []
        for at, value in enumerate(given):
            places = range(at - 1, -1, -1) if backward else range(at + 1, len(given))
            fits = [
                p for p in places if (value < given[p] if high else given[p] < value) or (given[p] == value) > strict
            ]
            found.append(none if not fits else abs(fits[0] - at) if distance else given[fits[0]])
        return found

    return Drawn(
        call=draw.choice(("next_beyond", "nearest_stronger", "look_ahead", "first_beyond")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "For each number in `$values` find the nearest number to its $side that is $compared it. Return a list "
            "with $shown for every place, and $none where there is no such number.",
            "Return a list as long as `$values`: at each place stands, for the closest number further to the $side "
            "that is $compared the number there, $shown. Put $none if no number to the $side qualifies.",
            "Stand at each place of `$values` in turn and look to the $side until a number comes that is $compared the "
            "one at the place itself. Collect $shown, or $none if no such number comes.",
            **words,
        ),
        body=written(
            draw,
            """
            $kept = [$none] * len($values)
            $stack = []
            for $i in $order:
                while $stack and $values[$i] $sign $values[$stack[-1]]:
                    $j = $stack.pop()
                    $kept[$j] = $end
                $stack.append($i)
            return $kept
            """,
            """
            $kept = [$none] * len($values)
            $stack = []
            for $i in $contrary:
                while $stack and not $values[$stack[-1]] $sign $values[$i]:
                    $stack.pop()
                if $stack:
                    $kept[$i] = $back_end
                $stack.append($i)
            return $kept
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "A stack holds the places that can still matter. Each place is pushed once and popped at most once, so "
            "that the whole takes linear time.",
            "Keep the undecided places on a stack. Their numbers are in order, so that only its top has to be "
            "compared.",
            **words,
        ),
        contracts=(f"len(result) == len({values})",),
        difficulty=3,
    )


@family("lists", 2, 3)
@prepared(0.6)
def cancelled(draw: Draw) -> Drawn:
    """What is left after neighbours that cancel each other are removed again and again."""
    gap = draw.integer(1, 4)
    rule = draw.choice(("equal", "opposite", "near", "sum", "parity"))
    values, x, stack = a_list(draw), an_item(draw), draw.name("stack", "left", "remaining", "kept")
    top = f"{stack}[-1]"
    tests: dict[str, tuple[str, str, Callable[[int, int], bool]]] = {
        "equal": ("equal", f"{top} == {x}", lambda a, b: a == b),
        "opposite": ("opposite (their sum is 0)", f"{top} + {x} == 0", lambda a, b: a == -b),
        "near": (f"exactly {gap} apart", f"abs({top} - {x}) == {gap}", lambda a, b: a - b in (gap, -gap)),
        "sum": (f"of sum {gap}", f"{top} + {x} == {gap}", lambda a, b: a == gap - b),
        "parity": (
            f"different and leave the same remainder modulo {gap + 2}",
            f"{top} != {x} and {top} % {gap + 2} == {x} % {gap + 2}",
            lambda a, b: a != b and not (a - b) % (gap + 2),
        ),
    }
    said, source, call = tests[rule]
    count = draw.chance(0.3)
    parts = {"values": values, "x": x, "stack": stack, "holds": source, "end": f"len({stack})" if count else stack}

    def oracle(given: list[int]) -> list[int] | int:
        left = list(given)
        while True:
            places = [at for at in range(len(left) - 1) if call(left[at], left[at + 1])]
            if not places:
                return len(left) if count else left
            del left[places[0] : places[0] + 2]

    return Drawn(
        call=draw.choice(("cancel_out", "remove_couples", "annihilate", "reduce_neighbours")),
        parameters=(Parameter(values, NEAR_NUMBERS),),
        returns="int" if count else "list[int]",
        say=draw.say(
            "As long as `$values` has neighbours that are $said, remove the leftmost such two numbers, so that those "
            "around them become neighbours. Return $asked.",
            "Two numbers that stand next to each other cancel if they are $said. Starting from `$values`, again and "
            "again take out the first two neighbours that cancel, until there are none. Return $asked.",
            "Repeat the following with a copy of `$values`: find the first place where two neighbours are $said, and "
            "delete both. When no such place is left, return $asked.",
            values=values,
            said=said,
            asked="how many numbers are left" if count else "the list of what is left",
        ),
        body=written(
            draw,
            """
            $stack = []
            for $x in $values:
                if $stack and $holds:
                    $stack.pop()
                else:
                    $stack.append($x)
            return $end
            """,
            """
            $stack = []
            for $x in $values:
                if not $stack or not ($holds):
                    $stack.append($x)
                    continue
                del $stack[-1]
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea="Put the numbers on a stack one by one. A number that cancels with the top removes it and is dropped "
        "itself; then the number below is on top and meets the next one.",
        contracts=(f"(len({values}) - {'result' if count else 'len(result)'}) % 2 == 0",),
        difficulty=2 if rule == "equal" else 3,
    )
