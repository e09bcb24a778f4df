"""Numbers of a list held against each other: neighbours, pairs, runs and peaks."""

from __future__ import annotations

from itertools import combinations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NEAR_NUMBERS, NEAR_TARGET, NUMBERS, TWO_OR_MORE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_best, a_count, a_list, an_index, an_item
from titrant.synthesize.generator.pairs import pair_test
from titrant.synthesize.generator.pieces import number_test
from titrant.synthesize.generator.preparation import prepared


@family("lists", 1, 2)
def neighbours_that_fit(draw: Draw) -> Drawn:
    """How many neighbours stand in a relation, or at which places."""
    test, places = pair_test(draw), draw.chance()
    values, i, count = a_list(draw), an_index(draw), a_count(draw)
    a, b = draw.name("a", "left", "first", "before"), draw.name("b", "right", "second", "after")
    parts = {"values": values, "i": i, "a": a, "b": b, "count": count, "holds": test.of(a, b)}
    parts["here"] = test.of(f"{values}[{i}]", f"{values}[{i} + 1]")
    words = {"values": values, "test": test.words}

    def oracle(given: list[int]) -> list[int] | int:
        found, left = [], list(given)
        while len(left) > 1:
            second, first = left.pop(), left[-1]
            if test.call(first, second):
                found.append(len(left) - 1)
        return sorted(found) if places else len(found)

    counting = (
        """
        $count = 0
        for $a, $b in zip($values, $values[1:]):
            if $holds:
                $count += 1
        return $count
        """,
        """
        return sum(1 for $a, $b in zip($values, $values[1:]) if $holds)
        """,
        """
        $count = 0
        for $i in range(len($values) - 1):
            $a, $b = $values[$i], $values[$i + 1]
            $count += 1 if $holds else 0
        return $count
        """,
    )
    placing = (
        """
        return [
            $i
            for $i, ($a, $b) in enumerate(zip($values, $values[1:]))
            if $holds
        ]
        """,
        """
        $count = []
        for $i in range(len($values) - 1):
            $a, $b = $values[$i], $values[$i + 1]
            if $holds:
                $count.append($i)
        return $count
        """,
    )
    asked = "the indexes (from 0, ascending) of the first numbers of those pairs" if places else "how many such pairs"
    words["asked"] = asked if places else f"{asked} there are"
    return Drawn(
        call=draw.choice(("neighbours_that_fit", "adjacent_matches", "check_neighbours", "fitting_steps")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]" if places else "int",
        say=draw.say(
            "Look at the pairs of numbers that stand next to each other in `$values`, and of them at those where "
            "$test. Return $asked.",
            "A pair consists of a number in `$values` and the number right after it. For the pairs where $test, return "
            "$asked.",
            "Compare each number in `$values` but the last with its successor, and note the pairs where $test. Return "
            "$asked; with fewer than two numbers there are no pairs.",
            **words,
        ),
        body=written(draw, *(placing if places else counting), **parts),
        oracle=oracle,
        idea=draw.say("Each number but the last makes a pair with the one after it, and all pairs are tested."),
        contracts=(f"len(result) <= len({values})" if places else "result >= 0",),
        difficulty=2 if places else 1,
    )


@family("lists", 2, 3)
def pairs_that_fit(draw: Draw) -> Drawn:
    """How many pairs of places, near or far apart, stand in a relation."""
    test, apart = pair_test(draw), draw.choice((1, 1, 1, 2, 3))
    values, i, j, count = a_list(draw), draw.name("i", "left"), draw.name("j", "right"), a_count(draw)
    a, b = draw.name("a", "x", "first"), draw.name("b", "y", "second")
    parts = {"values": values, "i": i, "j": j, "a": a, "b": b, "count": count, "apart": apart, "holds": test.of(a, b)}
    words = {"values": values, "test": test.words}
    words["gap"] = f", at least {apart} places apart," if apart > 1 else ""
    styles = [
        """
        $count = 0
        for $i, $a in enumerate($values):
            for $b in $values[$i + $apart:]:
                if $holds:
                    $count += 1
        return $count
        """,
        """
        $count = 0
        for $j in range($apart, len($values)):
            $b = $values[$j]
            $count += sum(1 for $a in $values[:$j - $apart + 1] if $holds)
        return $count
        """,
    ]
    if apart == 1:
        styles.append(
            """
            return sum(1 for $a, $b in itertools.combinations($values, 2) if $holds)
            """
        )
    body = written(draw, *styles, **parts)

    def oracle(given: list[int]) -> int:
        def among(end: int) -> int:
            if end < 0:
                return 0
            return among(end - 1) + sum(
                1 for start in range(end) if end - start >= apart and test.call(given[start], given[end])
            )

        return among(len(given) - 1)

    return Drawn(
        call=draw.choice(("pairs_that_fit", "count_pairs", "matching_pairs", "number_of_pairs")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Count the pairs of numbers at two different places of `$values`$gap such that $test. In a pair, the first "
            "is the number that stands earlier in the list.",
            "For every choice of two places in `$values`$gap call the number at the earlier place the first and the "
            "other one the second. Return the number of choices for which $test.",
            "Return how many ways there are to pick two places in `$values`$gap so that $test, where the first and the "
            "second are named in the order of the list. Equal numbers at different places count separately.",
            **words,
        ),
        prelude=imports_of(body),
        body=body,
        oracle=oracle,
        idea=draw.say("Each pair of places is tested once, the earlier place standing for the first number."),
        contracts=(f"0 <= 2 * result <= len({values}) * (len({values}) - 1)",),
        difficulty=2,
    )


@family("lists", 3)
@prepared(0.5, tests=False)
def pairs_with_target(draw: Draw) -> Drawn:
    """How many pairs have a given sum or difference, with a table of what was seen."""
    difference, change = draw.chance(), draw.choice((1, 1, 1, 2))
    values, target, x = a_list(draw), draw.name("target", "goal", "wanted", "aim"), an_item(draw)
    seen, count = draw.name("seen", "earlier", "so_far", "table"), a_count(draw)
    if difference:
        wanted = f"{x} - {target}" if change == 1 else f"{x} - {change} * {target}"
        asked = f"the later number minus the earlier number is `{target}`"
    else:
        wanted = f"{target} - {x}" if change == 1 else f"{change} * {target} - {x}"
        asked = f"the sum of the two numbers is `{target}`"
    asked = asked if change == 1 else asked.replace(f"is `{target}`", f"is {change} times `{target}`")
    parts = {"values": values, "x": x, "seen": seen, "count": count, "wanted": wanted}

    def oracle(given: list[int], goal: int) -> int:
        pairs = combinations(given, 2)
        return sum((b - a if difference else a + b) == goal * change for a, b in pairs)

    body = written(
        draw,
        """
        $seen = Counter()
        $count = 0
        for $x in $values:
            $count += $seen[$wanted]
            $seen[$x] += 1
        return $count
        """,
        """
        $seen = {}
        $count = 0
        for $x in $values:
            $count += $seen.get($wanted, 0)
            $seen[$x] = $seen.get($x, 0) + 1
        return $count
        """,
        """
        $seen = defaultdict(int)
        $count = 0
        for $x in $values:
            if $wanted in $seen:
                $count += $seen[$wanted]
            $seen[$x] += 1
        return $count
        """,
        **parts,
    )
    return Drawn(
        call=draw.choice(("pairs_with_target", "count_target_pairs", "pairs_reaching", "complements")),
        parameters=(Parameter(values, NEAR_NUMBERS), Parameter(target, NEAR_TARGET)),
        returns="int",
        say=draw.say(
            "Return the number of pairs of different places in `$values` for which $asked. Places that hold equal "
            "numbers are counted one by one.",
            "Count in how many ways two places of `$values` can be chosen such that $asked. The order in which they "
            "are chosen does not matter.",
            "Consider every two places of `$values`, an earlier and a later one, and count for how many of these pairs "
            "$asked. Return this count, without looking at every pair if you can.",
            values=values,
            asked=asked,
        ),
        prelude=imports_of(body),
        body=body,
        oracle=oracle,
        idea="Remember how often each number has occurred so far. The number that would complete a pair with the "
        "current one is known, so its count can be looked up at once.",
        contracts=("result >= 0",),
        difficulty=3,
    )


@family("lists", 2, 3)
def longest_stretch(draw: Draw) -> Drawn:
    """The longest stretch in which all neighbours stand in a relation: its length, or itself."""
    test, whole, last = pair_test(draw), draw.chance(), draw.chance()
    values, i, best = a_list(draw), an_index(draw), a_best(draw)
    start, size = draw.name("start", "begin", "since"), draw.name("size", "length", "span")
    parts = {"values": values, "i": i, "best": best, "start": start, "size": size}
    parts["sign"] = ">=" if last else ">"
    parts["holds"] = test.of(f"{values}[{i} - 1]", f"{values}[{i}]")
    helper = ""
    if len(parts["holds"]) > 70:
        helper = f"def linked(a, b):\n    return {test.of('a', 'b')}\n\n"
        parts["holds"] = f"linked({values}[{i} - 1], {values}[{i}])"
    parts["fails"] = f"not ({parts['holds']})" if not helper else f"not {parts['holds']}"

    def oracle(given: list[int]) -> list[int] | int:
        found: list[list[int]] = [[]]
        for begin in range(len(given)):
            for end in range(begin + 1, len(given) + 1):
                piece = given[begin:end]
                if all(test.call(piece[at], piece[at + 1]) for at in range(len(piece) - 1)):
                    found.append(piece)
        longest = [piece for piece in found if len(piece) == max(map(len, found))]
        return longest[-1 if last else 0] if whole else len(longest[0])

    styles = (
        (
            """
            $best = []
            $start = 0
            for $i in range(len($values)):
                if $i > 0 and $fails:
                    $start = $i
                if $i - $start + 1 $sign len($best):
                    $best = $values[$start:$i + 1]
            return $best
            """,
            """
            $size = []
            $best = []
            for $i in range(len($values)):
                if $i > 0 and $fails:
                    $size = []
                $size.append($values[$i])
                if len($size) $sign len($best):
                    $best = $size[:]
            return $best
            """,
        )
        if whole
        else (
            """
            $best = $size = 0
            for $i in range(len($values)):
                if $i > 0 and $fails:
                    $size = 0
                $size += 1
                $best = max($best, $size)
            return $best
            """,
            """
            if not $values:
                return 0
            $best = $size = 1
            for $i in range(1, len($values)):
                $size = $size + 1 if $holds else 1
                if $size > $best:
                    $best = $size
            return $best
            """,
        )
    )
    tie = f" If several are equally long, take the {'last' if last else 'first'} of them."
    words = {
        "values": values,
        "test": test.words,
        "asked": "it" if whole else "its length",
        "tie": tie if whole else "",
    }
    return Drawn(
        call=draw.choice(("longest_stretch", "longest_chain", "best_streak", "greatest_run")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]" if whole else "int",
        say=draw.say(
            "A stretch is a piece of `$values` without gaps. Find the longest stretch such that for every number in it "
            "and the one right after it (the second), $test. Return $asked.$tie A single number is a stretch too; the "
            "empty list has only the empty one.",
            "Find the longest piece of consecutive numbers in `$values` in which, for any two neighbours, $test. "
            "Pieces of one number always qualify. Return $asked.$tie An empty list has an empty piece.",
            "Cut `$values` between two neighbours wherever it is not true that $test, and consider the longest of the "
            "pieces. Return $asked (of an empty list, the only piece is empty).$tie",
            **words,
        ),
        body=helper + written(draw, *styles, **parts),
        oracle=oracle,
        idea=draw.say(
            "A stretch goes on as long as the new number fits to the one before; otherwise a new one starts there. "
            "Keep the longest.",
            "Walk through the list once with the current stretch, and compare it with the best after each step.",
            **words,
        ),
        contracts=(f"len(result) <= len({values})" if whole else f"0 <= result <= len({values})",),
        difficulty=3 if whole else 2,
    )


@family("lists", 2, 3)
@prepared(tests=False)
def nearest_two(draw: Draw) -> Drawn:
    """The two numbers that are closest to each other, or whose sum is closest to a number."""
    shown, low = draw.choice(("pair", "gap", "both")), draw.chance()
    values, ordered, best = a_list(draw), draw.name("ordered", "ranked", "in_order"), a_best(draw)
    a, b, gap = (
        draw.name("a", "low", "smaller"),
        draw.name("b", "high", "larger"),
        draw.name("gap", "distance", "apart"),
    )
    asked = {
        "pair": "these two numbers as a list, the smaller one first",
        "gap": "the difference between them, larger minus smaller",
        "both": "a list of the smaller one, the larger one and their difference",
    }[shown]
    end = {"pair": f"[{a}, {b}]", "gap": f"{b} - {a}", "both": f"[{a}, {b}, {b} - {a}]"}[shown]
    parts = {"values": values, "ordered": ordered, "best": best, "a": a, "b": b, "gap": gap, "end": end}
    parts |= {"sign": "<" if low else "<=", "side": "" if low else "-"}

    def oracle(given: list[int]) -> list[int] | int:
        pairs = [(min(pair), max(pair)) for pair in combinations(given, 2)]
        least = min(high - low for low, high in pairs)
        close = [pair for pair in pairs if pair[1] - pair[0] == least]
        first, second = min(close) if low else max(close)
        return least if shown == "gap" else [first, second, least][: 3 if shown == "both" else 2]

    tie = (
        ""
        if shown == "gap"
        else f" If several pairs are equally close, take the one with the {'smallest' if low else 'largest'} numbers."
    )
    return Drawn(
        call=draw.choice(("nearest_two", "closest_pair", "least_gap", "tightest_pair")),
        parameters=(Parameter(values, TWO_OR_MORE),),
        returns="int" if shown == "gap" else "list[int]",
        say=draw.say(
            "Find the two numbers, at different places of `$values`, that are closest to each other, and return $asked."
            "$tie `$values` holds at least two numbers.",
            "Among all ways to take two numbers from `$values` (which has two or more), choose the one where they "
            "differ least.$tie Return $asked.",
            "Given `$values` with at least two members, perhaps equal ones: pick two members with the smallest "
            "possible difference and return $asked.$tie",
            values=values,
            asked=asked,
            tie=tie,
        ),
        body=written(
            draw,
            """
            $ordered = sorted($values)
            $a, $b = min(zip($ordered, $ordered[1:]), key=lambda pair: (pair[1] - pair[0], ${side}pair[0]))
            return $end
            """.replace("${side}", parts["side"]),
            """
            $ordered = sorted($values)
            $best = ($ordered[0], $ordered[1])
            for $a, $b in zip($ordered[1:], $ordered[2:]):
                if $b - $a $sign $best[1] - $best[0]:
                    $best = ($a, $b)
            $a, $b = $best
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea="After sorting, the closest two numbers stand next to each other, so only neighbours need to be compared.",
        contracts=("result >= 0" if shown == "gap" else "result[0] <= result[1]",),
        difficulty=2 if shown == "gap" else 3,
    )


@family("lists", 2)
def changes_of_kind(draw: Draw) -> Drawn:
    """Where a list goes over from numbers that pass a test to numbers that fail, or back."""
    test, way = number_test(draw), draw.choice(("both", "into", "out"))
    values, x, count, last = a_list(draw), an_item(draw), a_count(draw), draw.name("last", "before", "previous", "was")
    now = draw.name("now", "flag", "passes")
    asked = {
        "both": "exactly one of two neighbours is special",
        "into": "an ordinary number is followed directly by a special one",
        "out": "a special number is followed directly by an ordinary one",
    }[way]
    differ = {"both": f"{now} != {last}", "into": f"{now} and not {last}", "out": f"{last} and not {now}"}[way]
    parts = {"values": values, "x": x, "count": count, "last": last, "now": now, "differ": differ, "passes": test.of(x)}
    words = {"values": values, "test": test.words, "asked": asked}

    body = written(
        draw,
        """
        $count = 0
        $last = None
        for $x in $values:
            $now = $passes
            if $last is not None and ($differ):
                $count += 1
            $last = $now
        return $count
        """,
        """
        flags = [$passes for $x in $values]
        return sum(1 for $last, $now in zip(flags, flags[1:]) if $differ)
        """,
        """
        flags = [$passes for $x in $values]
        $count = 0
        for $last, $now in itertools.pairwise(flags):
            if $differ:
                $count += 1
        return $count
        """,
        **parts,
    )

    def oracle(given: list[int]) -> int:
        signs = "".join("+" if test.call(each) else "-" for each in given)
        into, out = signs.count("-+"), signs.count("+-")
        return into * (way != "out") + out * (way != "into")

    return Drawn(
        call=draw.choice(("changes_of_kind", "count_switches", "crossings", "number_of_turns")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Call the numbers that are $test special and all others ordinary. Count the places in `$values` where "
            "$asked.",
            "In `$values`, the special numbers are those that are $test; the others are ordinary. Return how often "
            "$asked. Lists with fewer than two numbers give 0.",
            "Let the numbers that are $test be special and the rest ordinary. Walk through `$values` and return the "
            "number of times that $asked.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Turn every number into true or false, and compare each of these answers with the one before.",
        contracts=("result >= 0",),
        difficulty=2,
    )
