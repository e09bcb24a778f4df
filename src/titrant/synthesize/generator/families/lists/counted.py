"""Numbers of a list counted and summed up: triples, pieces, balances, tables."""

from __future__ import annotations

from itertools import combinations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NEAR_NUMBERS, NUMBERS, SOME_NUMBERS, TARGET
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.folds import fold, number_key
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_best, a_list, a_total, an_index, an_item
from titrant.synthesize.generator.pieces import number_change, number_test
from titrant.synthesize.generator.preparation import prepared


def _sign(a: int, b: int) -> int:
    return (b > a) - (b < a)


@family("lists", 3, 4)
@prepared()
def triples(draw: Draw) -> Drawn:
    """How many triples of places hold numbers in a given order, by counting around the middle one."""
    shape = draw.choice(("<<", ">>", "<>", "><"))
    weak = draw.chance(0.3)
    first, second = (sign + ("=" if weak else "") for sign in shape)
    values, j, x, count = (
        a_list(draw),
        draw.name("j", "middle", "m"),
        an_item(draw),
        draw.name("count", "total", "found"),
    )
    left, right = draw.name("left", "before", "lower"), draw.name("right", "after", "upper")
    parts = {"values": values, "j": j, "x": x, "count": count, "left": left, "right": right}
    parts |= {"first": first, "second": second}
    names = {"<": "less than", "<=": "at most", ">": "greater than", ">=": "at least"}

    def oracle(given: list[int]) -> int:
        signs = {"<": (1,), "<=": (0, 1), ">": (-1,), ">=": (-1, 0)}
        triples = combinations(given, 3)
        return sum(_sign(a, b) in signs[first] and _sign(b, c) in signs[second] for a, b, c in triples)

    return Drawn(
        call=draw.choice(("count_triples", "triples_in_order", "ordered_threes", "patterns_of_three")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Count the triples of places in `$values`, from left to right but not necessarily side by side, where the "
            "first number is $first the second and the second is $second the third.",
            "Return in how many ways three places of `$values` can be chosen such that, in the order of the list, the "
            "number at the first is $first that at the middle one, which is $second that at the last.",
            "Pick three different places of `$values` and read the numbers there from left to right as a, b and c. For "
            "how many picks is a $first b, and b $second c: return that count (0 for short lists).",
            values=values,
            first=names[first],
            second=names[second],
        ),
        body=written(
            draw,
            """
            $count = 0
            for $j in range(1, len($values) - 1):
                $x = $values[$j]
                $left = sum(1 for other in $values[:$j] if other $first $x)
                $right = sum(1 for other in $values[$j + 1:] if $x $second other)
                $count += $left * $right
            return $count
            """,
            """
            $count = 0
            for $j, $x in enumerate($values):
                $left = [other for other in $values[:$j] if other $first $x]
                $right = [other for other in $values[$j + 1:] if $x $second other]
                $count += len($left) * len($right)
            return $count
            """,
            """
            $count = 0
            $left = [0] * len($values)
            for $j, $x in enumerate($values):
                for i in range($j):
                    if $values[i] $first $x:
                        $left[$j] += 1
                    if $values[i] $second $x:
                        $count += $left[i]
            return $count
            """,
            **parts,
        ),
        oracle=oracle,
        idea="Every number can stand in the middle; how many numbers before it fit, and how many after it, says in "
        "how many triples it does.",
        contracts=("result >= 0",),
        difficulty=4 if weak else 3,
    )


@family("lists", 3)
@prepared()
def pieces_with_sum(draw: Draw) -> Drawn:
    """How many pieces without gaps have a sum that fits, by sums of beginnings."""
    k = draw.integer(2, 7)
    rest = draw.integer(0, k - 1)
    exact = draw.chance()
    values, target, x, total = a_list(draw), draw.name("target", "goal", "wanted"), an_item(draw), a_total(draw)
    seen, count = draw.name("seen", "before", "table"), draw.name("count", "found", "tally", "ways")
    key = total if exact else f"{total} % {k}"
    wanted = f"{total} - {target}" if exact else f"({total} - {rest}) % {k}" if rest else key
    parts = {"values": values, "x": x, "total": total, "seen": seen, "count": count, "key": key, "wanted": wanted}
    asked = f"is `{target}`" if exact else f"leaves the remainder {rest} modulo {k}" if rest else f"is divisible by {k}"

    def oracle(given: list[int], goal: int = 0) -> int:
        found = 0
        for size in range(1, len(given) + 1):
            for start in range(len(given) - size + 1):
                reached = sum(given[start : start + size])
                found += reached == goal if exact else reached % k == rest
        return found

    body = written(
        draw,
        """
        $seen = Counter([0])
        $total = $count = 0
        for $x in $values:
            $total += $x
            $count += $seen[$wanted]
            $seen[$key] += 1
        return $count
        """,
        """
        $seen = {0: 1}
        $total = 0
        $count = 0
        for $x in $values:
            $total += $x
            $count += $seen.get($wanted, 0)
            $seen[$key] = $seen.get($key, 0) + 1
        return $count
        """,
        **parts,
    )
    return Drawn(
        call=draw.choice(("pieces_with_sum", "count_pieces", "fitting_pieces", "sections_that_add_up")),
        parameters=(Parameter(values, NEAR_NUMBERS), *((Parameter(target, TARGET),) if exact else ())),
        returns="int",
        say=draw.say(
            "A piece of `$values` is a run of one or more numbers that stand next to each other. Count the pieces "
            "whose sum $asked. Pieces at different places count separately even if they hold the same numbers.",
            "Return the number of pairs of a start and an end in `$values`, the start not after the end, for which the "
            "sum of the numbers from start to end, both included, $asked.",
            "In how many ways can something be cut off at the front and at the back of `$values` (perhaps nothing) so "
            "that at least one number is left and the sum of what is left $asked. Return that count.",
            values=values,
            asked=asked,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="The sum of a piece is the difference of the sums of two beginnings of the list. For each beginning, look "
        "up how many shorter beginnings have a sum that makes the difference right.",
        contracts=(f"0 <= 2 * result <= len({values}) * (len({values}) + 1)",),
        difficulty=3,
    )


@family("lists", 3, 4)
@prepared(0.5, tests=False)
def best_piece(draw: Draw) -> Drawn:
    """The piece without gaps whose sum, after a change of each number, is greatest or least."""
    high, shown, plain = draw.chance(), draw.choice(("sum", "piece")), draw.chance()
    change = number_change(draw)
    values, x, total, best = a_list(draw), an_item(draw), a_total(draw), a_best(draw)
    start, at = draw.name("start", "begin", "since"), an_index(draw)
    parts = {"values": values, "x": x, "total": total, "best": best, "start": start, "at": at}
    parts["changed"] = x if plain else change.of(x)
    parts["changed_"] = x if plain else f"({change.of(x)})"
    parts["pick"] = "max" if high else "min"
    parts["sign"], parts["bad"] = (">", "<") if high else ("<", ">")
    words = {"values": values, "most": "greatest" if high else "least"}
    words["of"] = "sum" if plain else f"sum, where each number is first replaced by {change.words}"

    def oracle(given: list[int]) -> list[int] | int:
        ends = combinations(range(len(given) + 1), 2)
        worth = {(a, b): sum(each if plain else change.call(each) for each in given[a:b]) for a, b in ends}
        goal = max(worth.values()) if high else min(worth.values())
        a, b = min((b, a) for (a, b), reached in worth.items() if reached == goal)[::-1]
        return goal if shown == "sum" else [a, b - 1]

    summing = (
        """
        $total = 0
        $best = None
        for $x in $values:
            $total = $pick($total, 0) + $changed_
            if $best is None or $total $sign $best:
                $best = $total
        return $best
        """,
        """
        $best = $total = None
        for $x in $values:
            $x = $changed
            $total = $x if $total is None else $pick($x, $total + $x)
            $best = $total if $best is None else $pick($best, $total)
        return $best
        """,
    )
    placing = (
        """
        $best = None
        $total = $start = 0
        for $at, $x in enumerate($values):
            if $total $bad 0:
                $total, $start = 0, $at
            $total += $changed
            if $best is None or $total $sign $best[0]:
                $best = ($total, $start, $at)
        return [$best[1], $best[2]]
        """,
    )
    tie = " Among equally good pieces take the one that ends first, and among those the one that starts first."
    words["asked"] = "this sum" if shown == "sum" else "the indexes of its first and last number as a list of two"
    words["tie"] = "" if shown == "sum" else tie
    return Drawn(
        call=draw.choice(("best_piece", "extreme_section", "best_section", "strongest_piece")),
        parameters=(Parameter(values, SOME_NUMBERS),),
        returns="int" if shown == "sum" else "list[int]",
        say=draw.say(
            "Among all pieces of `$values` (one or more numbers that stand side by side) find the one with the $most "
            "$of. Return $asked.$tie `$values` is not empty.",
            "Choose a start and an end in the non-empty list `$values` such that the numbers between them, both "
            "included, have the $most possible $of. Return $asked.$tie",
            "Return $asked for that run of adjacent numbers in `$values`, which holds at least one number, that has "
            "the $most $of.$tie",
            **words,
        ),
        body=written(draw, *(summing if shown == "sum" else placing), **parts),
        oracle=oracle,
        idea=draw.say(
            "The best piece that ends at a place either continues the best one that ends just before, or starts anew "
            "there, whichever is better. The best of these is the answer.",
            "A running sum that has turned against the goal can only harm what follows, so it is dropped.",
        ),
        contracts=(
            (f"result {'>=' if high else '<='} {values}[0]",)
            if shown == "sum" and plain
            else (f"0 <= result[0] <= result[1] < len({values})",)
            if shown != "sum"
            else ()
        ),
        difficulty=3 if shown == "sum" else 4,
    )


@family("lists", 2, 3)
@prepared(tests=False)
def balance(draw: Draw) -> Drawn:
    """Where the two sides of a list are most nearly in balance."""
    own, ratio = draw.chance(), draw.choice((1, 1, 2, 3))
    last = draw.chance(0.3)
    values, i, left, right = a_list(draw), an_index(draw), draw.name("left", "before"), draw.name("right", "after")
    best, x = a_best(draw), an_item(draw)
    scaled = right if ratio == 1 else f"{ratio} * {right}"
    parts = {"values": values, "i": i, "left": left, "right": right, "best": best, "x": x}
    parts |= {"gap": f"abs({left} - {scaled})", "sign": "<=" if last else "<"}
    parts["end"] = "" if own else " + 1"

    def oracle(given: list[int]) -> int:
        gaps = [abs(sum(given[:at]) - ratio * sum(given[at + own :])) for at in range(len(given) + 1 - own)]
        places = [at for at, gap in enumerate(gaps) if gap == min(gaps)]
        return places[-1 if last else 0]

    again = "" if ratio == 1 else f" {ratio} times"
    sides = (
        "the sum of the numbers before the index and$again the sum of those after it (the number at the index is in "
        "neither sum)"
        if own
        else "the sum of the numbers before the index and$again the sum of all others"
    ).replace("$again", again)
    words = {"values": values, "sides": sides, "which": "last" if last else "first"}
    words["range"] = f"from 0 to `len({values}) - 1`" if own else f"from 0 to `len({values})`"
    with_own = (
        """
        $left, $right = 0, sum($values)
        $best = (0, None)
        for $i, $x in enumerate($values):
            $right -= $x
            gap = $gap
            if $best[1] is None or gap $sign $best[1]:
                $best = ($i, gap)
            $left += $x
        return $best[0]
        """,
        """
        gaps = []
        for $i in range(len($values)):
            $left = sum($values[:$i])
            $right = sum($values[$i + 1:])
            gaps.append($gap)
        return $found
        """,
    )
    without = (
        """
        $left, $right = 0, sum($values)
        gaps = [$gap]
        for $x in $values:
            $left += $x
            $right -= $x
            gaps.append($gap)
        return $found
        """,
        """
        gaps = []
        for $i in range(len($values) + 1):
            $left, $right = sum($values[:$i]), sum($values[$i:])
            gaps.append($gap)
        return $found
        """,
    )
    found = "len(gaps) - 1 - gaps[::-1].index(min(gaps))" if last else "gaps.index(min(gaps))"
    return Drawn(
        call=draw.choice(("balance_place", "fairest_cut", "tipping_place", "best_split")),
        parameters=(Parameter(values, SOME_NUMBERS),),
        returns="int",
        say=draw.say(
            "For every index $range compare two amounts: $sides. Return the $which index where they differ least. "
            "`$values` is not empty, and an empty sum is 0.",
            "Return the $which index ($range) of the non-empty list `$values` at which the absolute difference "
            "of these two is smallest: $sides.",
            "Weigh the two sides of every index $range of the list `$values`, which has at least one number: $sides. "
            "The answer is the $which index with the smallest absolute difference between the two.",
            **words,
        ),
        body=written(draw, *(with_own if own else without), found=found, **parts),
        oracle=oracle,
        idea=(
            "For each place compare the sum of what is before it with the sum of what is after it; the "
            "smallest difference decides."
        ),
        contracts=(f"0 <= result <= len({values})",),
        difficulty=2 if ratio == 1 and not own else 3,
    )


@family("lists", 2)
def grouped_by_key(draw: Draw) -> Drawn:
    """A dictionary from what numbers have in common to what is made of them."""
    key, end = number_key(draw), draw.choice(("count", "fold", "list", "places"))
    made = fold(draw)
    test, all_of = number_test(draw), draw.chance(0.6)
    values, x, table, i = a_list(draw), an_item(draw), draw.name("table", "groups", "by_key", "buckets"), an_index(draw)
    parts = {"values": values, "x": x, "table": table, "key": key.of(x), "i": i}
    parts["skip"] = "" if all_of else f" if {test.of(x)}"
    inner = {"count": "len(group)", "fold": made.of("group"), "list": "group", "places": "group"}[end]
    parts |= {"inner": inner, "added": i if end == "places" else x}
    walk = f"{i}, {x} in enumerate({values})" if end == "places" else f"{x} in {values}"
    parts["walk"] = walk
    parts["store"] = f"{table}.setdefault({key.of(x)}, []).append({parts['added']})"
    parts["stored"] = f"{table}[{key.of(x)}].append({parts['added']})"
    if not all_of:
        for name in ("store", "stored"):
            parts[name] = f"if {test.of(x)}:\n    {parts[name]}"
    done = table if inner == "group" else f"{{key: {inner} for key, group in {table}.items()}}"
    parts["done"] = done
    parts["plain"] = f"dict({table})" if inner == "group" else done
    asked = {
        "count": "how many of the numbers have it",
        "fold": f"{made.words} of the numbers that have it",
        "list": "the list of the numbers that have it, in their order",
        "places": "the ascending list of the indexes of the numbers that have it",
    }[end]

    def oracle(given: list[int]) -> dict[int, list[int] | int]:
        chosen = [(at, each) for at, each in enumerate(given) if all_of or test.call(each)]
        found: dict[int, list[int] | int] = {}
        for common in sorted({key.call(each) for _, each in chosen}):
            group = [(at, each) for at, each in chosen if key.call(each) == common]
            members = [each for _, each in group]
            whole: dict[str, list[int] | int] = {
                "count": len(group),
                "list": members,
                "places": [at for at, _ in group],
            }
            found[common] = made.call(members) if end == "fold" else whole[end]
        return found

    body = written(
        draw,
        """
        $table = {}
        for $walk:
            $store
        return $done
        """,
        """
        $table = defaultdict(list)
        for $walk:
            $stored
        return $plain
        """,
        **parts,
    )
    words = {"values": values, "key": key.words, "asked": asked}
    words["which"] = "numbers in" if all_of else f"numbers that are {test.words} in"
    return Drawn(
        call=draw.choice(("group_numbers", "table_of_groups", "collect_by_key", "classify_numbers")),
        parameters=(Parameter(values, NUMBERS),),
        returns="dict[int, list[int]]" if end in ("list", "places") else "dict[int, int]",
        say=draw.say(
            "Group the $which `$values` by their $key. Return a dictionary that gives, for each value of this that "
            "occurs, $asked.",
            "Return a dictionary whose keys are the different results of taking the $key of the $which `$values`. The "
            "value to a key is $asked.",
            "Sort the $which `$values` into groups, one for each $key, and return a dictionary that tells for every "
            "group $asked. An empty list gives an empty dictionary.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=draw.say(
            "A dictionary of lists takes each number to the list of its $key; afterwards each list gives one value.",
            "Walk once through the numbers and put each to those with the same $key.",
            **words,
        ),
        contracts=(f"len(result) <= len({values})",),
        difficulty=2,
    )
