"""Lists merged, matched and searched, and freed of their extremes."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import ASCENDING, NEAR_NUMBERS, NUMBERS, SIZE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_list, a_result, a_size, an_index, an_item
from titrant.synthesize.generator.preparation import prepared


@family("lists", 2)
@prepared(changes=False)
def merged_lists(draw: Draw) -> Drawn:
    """Two ascending lists made one, with a rule for numbers that stand in both."""
    rule = draw.choice(("all", "once", "both", "one", "first"))
    a, b = draw.name("left", "first", "xs"), draw.name("right", "second", "ys")
    i, j, kept = draw.name("i", "p", "at_left"), draw.name("j", "q", "at_right"), a_result(draw)
    steps = {
        "once": ("append_new", "append_new", "append_new"),
        "both": ("skip", "skip", "append_new"),
        "one": ("append_new", "append_new", "skip"),
        "first": ("append_new", "skip", "skip"),
    }
    said = {
        "all": "all numbers of both, as often as they occur",
        "once": "each number that occurs in at least one of them, once",
        "both": "each number that occurs in both of them, once",
        "one": "each number that occurs in exactly one of them, once",
        "first": f"each number that occurs in `{a}` but not in `{b}`, once",
    }[rule]
    parts = {"a": a, "b": b, "i": i, "j": j, "kept": kept}

    def oracle(one: list[int], other: list[int]) -> list[int]:
        if rule == "all":
            return sorted(one + other)
        sets = {"once": set(one) | set(other), "both": set(one) & set(other), "one": set(one) ^ set(other)}
        return sorted(sets.get(rule, set(one) - set(other)))

    if rule == "all":
        body = written(
            draw,
            """
            $kept = []
            $i = $j = 0
            while $i < len($a) and $j < len($b):
                if $a[$i] <= $b[$j]:
                    $kept.append($a[$i])
                    $i += 1
                else:
                    $kept.append($b[$j])
                    $j += 1
            return $kept + $a[$i:] + $b[$j:]
            """,
            """
            $kept = []
            $i = $j = 0
            while len($kept) < len($a) + len($b):
                if $j == len($b) or ($i < len($a) and $a[$i] <= $b[$j]):
                    $kept.append($a[$i])
                    $i += 1
                else:
                    $kept.append($b[$j])
                    $j += 1
            return $kept
            """,
            """
            return list(heapq.merge($a, $b))
            """,
            **parts,
        )
    else:
        only_a, only_b, shared = (step == "append_new" for step in steps[rule])
        wanted = {
            (True, True, True): "",
            (False, False, True): "in_a and in_b",
            (True, True, False): "in_a != in_b",
            (True, False, False): "in_a and not in_b",
        }[only_a, only_b, shared]
        parts["store"] = f"if {wanted}:\n    {kept}.append(least)" if wanted else f"{kept}.append(least)"
        flags = f"in_a = {i} < len({a}) and {a}[{i}] == least\n        in_b = {j} < len({b}) and {b}[{j}] == least"
        parts["flags"] = (flags.replace("        ", "") + "\n") if wanted else ""
        body = written(
            draw,
            """
            $kept = []
            $i = $j = 0
            while $i < len($a) or $j < len($b):
                least = min($a[$i:$i + 1] + $b[$j:$j + 1])
                $flags$store
                while $i < len($a) and $a[$i] == least:
                    $i += 1
                while $j < len($b) and $b[$j] == least:
                    $j += 1
            return $kept
            """,
            """
            $kept = []
            for least, group in itertools.groupby(heapq.merge($a, $b)):
                $quick
            return $kept
            """
            if rule == "once"
            else """
            $kept = []
            $i = $j = 0
            while $i < len($a) or $j < len($b):
                least = min($a[$i:$i + 1] + $b[$j:$j + 1])
                $flags$store
                $i = bisect.bisect_right($a, least, $i)
                $j = bisect.bisect_right($b, least, $j)
            return $kept
            """,
            quick=f"{kept}.append(least)",
            **parts,
        )
    return Drawn(
        call=draw.choice(("merge_lists", "combine_sorted", "weave", "unite_sorted")),
        parameters=(Parameter(a, ASCENDING), Parameter(b, ASCENDING)),
        returns="list[int]",
        say=draw.say(
            "Given two lists `$a` and `$b` in ascending order, which may hold equal numbers, return the ascending list "
            "of $said.",
            "Both `$a` and `$b` are sorted in ascending order, possibly with repeats. Return, in ascending order as "
            "well, $said.",
            "Walk through the ascending lists `$a` and `$b` side by side and build the ascending list of $said. Either "
            "list may be empty or hold a number several times.",
            a=a,
            b=b,
            said=said,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "Both lists are sorted, so the next number to be decided on is always the smaller of the two at "
            "their fronts."
        ),
        contracts=("result == sorted(result)",),
        difficulty=2,
    )


@family("lists", 2, 3)
@prepared(0.5)
def within_reach(draw: Draw) -> Drawn:
    """For every question, how many numbers lie near it; by searching a sorted list."""
    reach, strict, far = draw.integer(1, 9), draw.chance(), draw.chance(0.3)
    values, asked, x = a_list(draw), draw.name("queries", "questions", "centers", "points"), an_item(draw)
    ordered, low, high = (
        draw.name("ordered", "in_order", "ranked"),
        draw.name("low", "start", "lo"),
        draw.name("high", "stop", "hi"),
    )
    parts = {"values": values, "asked": asked, "x": x, "ordered": ordered, "low": low, "high": high, "reach": reach}
    parts["left"], parts["right"] = ("bisect_right", "bisect_left") if strict else ("bisect_left", "bisect_right")
    parts["end"] = f"len({ordered}) - ({high} - {low})" if far else f"{high} - {low}"
    near = f"is {'less than' if strict else 'at most'} {reach}"
    distant = f"is {'at least' if strict else 'greater than'} {reach}"
    words = {"values": values, "asked": asked, "near": distant if far else near}

    def oracle(given: list[int], centers: list[int]) -> list[int]:
        inside = range(-reach + strict, reach + 1 - strict)
        return [len([n for n in given if (n - center not in inside) == far]) for center in centers]

    body = written(
        draw,
        """
        $ordered = sorted($values)
        result = []
        for $x in $asked:
            $low = $left($ordered, $x - $reach)
            $high = $right($ordered, $x + $reach)
            result.append($end)
        return result
        """,
        """
        $ordered = sorted($values)

        def around($x):
            $low = $left($ordered, $x - $reach)
            $high = $right($ordered, $x + $reach)
            return $end

        return [around($x) for $x in $asked]
        """,
        **parts,
    )
    return Drawn(
        call=draw.choice(("within_reach", "count_near", "neighbours_of_queries", "crowd_sizes")),
        parameters=(Parameter(values, NUMBERS), Parameter(asked, NUMBERS)),
        returns="list[int]",
        say=draw.say(
            "For every number in `$asked` count the numbers in `$values` whose distance from it $near. Return the "
            "counts in the order of `$asked`; equal numbers in `$values` count separately.",
            "Return a list with one count for each member of `$asked`: how many places of `$values` hold a number "
            "whose distance from that member $near. The distance of two numbers is their absolute difference.",
            "Answer each number in `$asked` with the quantity of numbers in `$values` for which the absolute "
            "difference of the two $near. Prefer a method that sorts `$values` once.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Once the numbers are sorted, those near a question stand side by side, and two binary searches find "
        "where they begin and end.",
        contracts=(f"len(result) == len({asked})", f"all(0 <= x <= len({values}) for x in result)"),
        difficulty=3 if far else 2,
    )


@family("lists", 2)
@prepared()
def extremes_removed(draw: Draw) -> Drawn:
    """The list without its smallest and greatest numbers, in the old order, or what they add up to."""
    low, high = draw.choice(((1, 1), (0, 2), (2, 0), (1, 2), (2, 1)))
    listed, given_size = draw.chance(), draw.chance(0.6)
    values, k, ordered, x = a_list(draw), a_size(draw), draw.name("ordered", "ranked"), an_item(draw)
    i, gone = an_index(draw), draw.name("gone", "dropped", "removed")
    less = (f"{low} * {k}" if low > 1 else k) if given_size else str(low)
    more = (f"{high} * {k}" if high > 1 else k) if given_size else str(high)
    parts = {"values": values, "k": k, "ordered": ordered, "x": x, "i": i, "gone": gone}
    stop = f"len({values}) - {more}" if high else f"len({values})"
    parts["start"], parts["stop"] = less if low else "0", stop
    times = f"`{k}`" if given_size else ""
    said = []
    for amount, name in ((low, "smallest"), (high, "greatest")):
        if amount:
            number = times if given_size and amount == 1 else f"{amount} times {times}" if given_size else str(amount)
            said.append(f"the {number} {name} numbers" if given_size or amount > 1 else f"the {name} number")
    words = {"values": values, "said": " and ".join(said)}
    words["asked"] = "a list of the rest in the old order" if listed else "the sum of the rest"
    words["none"] = "an empty list" if listed else "0"

    def oracle(given: list[int], size: int = 1) -> list[int] | int:
        if (low + high) * size >= len(given):
            return [] if listed else 0
        left = list(given)
        for _ in range(low * size):
            left.remove(min(left))
        left.reverse()
        for _ in range(high * size):
            left.remove(max(left))
        left.reverse()
        return left if listed else sum(left)

    body = written(
        draw,
        """
        $ordered = sorted(range(len($values)), key=lambda $i: $values[$i])
        chosen = sorted($ordered[$start:max(0, $stop)])
        return [$values[$i] for $i in chosen]
        """
        if listed
        else """
        $ordered = sorted($values)
        return sum($ordered[$start:max(0, $stop)])
        """,
        """
        places = list(range(len($values)))
        places.sort(key=$values.__getitem__)
        chosen = set(places[$start:max(0, $stop)])
        return [$x for $i, $x in enumerate($values) if $i in chosen]
        """
        if listed
        else """
        $ordered = sorted($values)
        total = 0
        for $i in range($start, $stop):
            total += $ordered[$i]
        return total
        """,
        **parts,
    )
    parameters = (Parameter(values, NUMBERS), *((Parameter(k, SIZE),) if given_size else ()))
    return Drawn(
        call=draw.choice(("trim_extremes", "drop_outliers", "middle_numbers", "cut_both_tails")),
        parameters=parameters,
        returns="list[int]" if listed else "int",
        say=draw.say(
            "Leave out $said of `$values` and return $asked. Of equal numbers, $rule. If nothing is left, return "
            "$none.",
            "Return $asked after $said have been taken out of `$values`; if there are not more numbers than that, "
            "return $none. Among equal numbers, $rule.",
            "Strike $said from `$values`. Where equal numbers compete, $rule. What is asked for is $asked, or $none if "
            "too few numbers are there.",
            rule="the earlier ones count as smaller",
            **words,
        ),
        body=body,
        oracle=oracle,
        idea=("Sorting shows which numbers are the smallest and the largest; the answer is made from the others."),
        contracts=((f"len(result) <= len({values})",) if listed else ()),
        difficulty=2,
    )


@family("lists", 2)
@prepared()
def common_with_counts(draw: Draw) -> Drawn:
    """Numbers of one list matched one to one with numbers of another: those with, or without, a partner."""
    matched, shift = draw.chance(), draw.choice((0, 0, 1, 2, -1))
    negative = draw.chance(0.3)
    a, b = draw.name("first", "wanted", "left", "asked"), draw.name("second", "offers", "right", "stock")
    x, left, kept = an_item(draw), draw.name("pool", "available", "supply"), a_result(draw)
    partner = f"-{x}" if negative else x
    partner += "" if not shift else f" + {shift}" if shift > 0 else f" - {-shift}"
    parts = {"a": a, "b": b, "x": x, "left": left, "kept": kept, "partner": partner}
    said = "the same number" if not negative else "its negative"
    said += "" if not shift else f" plus {shift}" if shift > 0 else f" minus {-shift}"
    words = {"a": a, "b": b, "said": said, "which": "found a partner" if matched else "found none"}
    styles = (
        (
            """
            $left = Counter($b)
            $kept = []
            for $x in $a:
                if $left[$partner] > 0:
                    $left[$partner] -= 1
                    $kept.append($x)
            return $kept
            """,
            """
            $left = list($b)
            $kept = []
            for $x in $a:
                if $partner in $left:
                    $left.remove($partner)
                    $kept.append($x)
            return $kept
            """,
        )
        if matched
        else (
            """
            $left = Counter($b)
            $kept = []
            for $x in $a:
                if $left[$partner] > 0:
                    $left[$partner] -= 1
                else:
                    $kept.append($x)
            return $kept
            """,
            """
            $left = list($b)
            $kept = []
            for $x in $a:
                try:
                    $left.remove($partner)
                except ValueError:
                    $kept.append($x)
            return $kept
            """,
        )
    )

    def oracle(one: list[int], other: list[int]) -> list[int]:
        def needs(n: int) -> int:
            return (0 - n if negative else n) + shift

        return [n for at, n in enumerate(one) if (other.count(needs(n)) > one[:at].count(n)) == matched]

    body = written(draw, *styles, **parts)
    return Drawn(
        call=draw.choice(("match_lists", "find_partners", "serve_requests", "pair_off")),
        parameters=(Parameter(a, NEAR_NUMBERS), Parameter(b, NEAR_NUMBERS)),
        returns="list[int]",
        say=draw.say(
            "Go through `$a` in order. Each number looks in `$b` for a partner, which is $said; a partner serves only "
            "one number and is gone afterwards. Return the list of the numbers of `$a` that $which.",
            "The numbers of `$a`, one after the other, each take $said out of a copy of `$b`, one occurrence at a "
            "time, where it is still there. Call that a partner. Return, in order, the numbers of `$a` that $which.",
            "Match `$a` with `$b`: a number from `$a` is matched with $said from the other, and every "
            "occurrence can be used once. Earlier numbers choose first. Return those of `$a` that $which.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "Keep a supply of what is still available, and take from it while going through the numbers in their order."
        ),
        contracts=(f"len(result) <= len({a})",),
        difficulty=2,
    )
