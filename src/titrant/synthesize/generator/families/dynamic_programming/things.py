"""Things that fit into a bag; two parts of a list."""

from __future__ import annotations

from itertools import product

from titrant.synthesize.generator.domains import Integers, Lists, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of, tidied
from titrant.synthesize.generator.family import Drawn, Parameter, family

_PACKING_WORDINGS = (
    "Return the greatest total value of things whose total weight is $limit `$room`, or $fail. `$things` is a list of "
    "pairs (weight, value), and $rule.$counts",
    "Read each pair in `$things` as the weight and the value of a thing. Take things worth as much as possible with a "
    "total weight $limit `$room`, where $rule, and return what they are worth ($fail).$counts",
    "Choose from `$things`, a list of (weight, value) pairs, so that the total weight is $limit `$room` and the total "
    "value as great as it can be; $rule. Return that value, or $fail.$counts",
)


ROOM = Integers(0, 15)
THINGS = Lists(Tuples((Integers(1, 8), Integers(0, 20))), 0, 6)
POSITIVE = Lists(Integers(1, 12), 0, 6)


_PACKING_TEMPLATES = (
    (
        """
        @cache
        def best(i, left, count):
            if i == len($things) or count == 0:
                return 0
            weight, value = $things[i]
            found = best(i + 1, left, count)
            if weight <= left:
                found = max(found, $worth + best(i + 1, left - weight, count - 1))
            return found

        return best(0, $room, $most)
        """,
        """
        table = [[0] * ($most + 1) for _ in range($room + 1)]
        for weight, value in $things:
            for part in range($room, weight - 1, -1):
                for count in range($most, 0, -1):
                    table[part][count] = max(table[part][count], table[part - weight][count - 1] + $worth)
        return table[$room][$most]
        """,
    ),
    (
        """
        table = {0: 0}
        for weight, value in $things:
            after = dict(table)
            for part, total in table.items():
                if part + weight <= $room:
                    after[part + weight] = max(total + $worth, table.get(part + weight, -1))
            table = after
        return table.get($room, -1)
        """,
        """
        table = [0] + [-1] * $room
        for weight, value in $things:
            for part in range($room, weight - 1, -1):
                if table[part - weight] >= 0:
                    table[part] = max(table[part], table[part - weight] + $worth)
        return table[$room]
        """,
        """
        @cache
        def best(i, left):
            if i == len($things):
                return 0 if left == 0 else -1
            weight, value = $things[i]
            found = best(i + 1, left)
            rest = best(i + 1, left - weight) if weight <= left else -1
            return max(found, rest + $worth) if rest >= 0 else found

        return best(0, $room)
        """,
    ),
    (
        """
        table = [0] * ($room + 1)
        for part in range(1, $room + 1):
            for weight, value in $things:
                if weight <= part:
                    table[part] = max(table[part], table[part - weight] + $worth)
        return table[$room]
        """,
        """
        @cache
        def best(left):
            fitting = [(weight, value) for weight, value in $things if weight <= left]
            return max(($worth + best(left - weight) for weight, value in fitting), default=0)

        return best($room)
        """,
    ),
)


def _packing(draw: Draw, kind: int) -> Drawn:
    """The best value of things that fit, with a twist: at most so many, or exactly full, or repeated."""
    most, k = draw.integer(2, 4), draw.integer(2, 9)
    counts, worth, meaning = one_of(
        draw,
        ("", "value", lambda weight, value: value),
        (f" Every thing is worth {k} more than its value says.", f"value + {k}", lambda weight, value: value - -k),
        (f" A thing counts {k} times its value.", f"{k} * value", lambda weight, value: sum([value] * k)),
        (" A thing is worth its value plus its weight.", "value + weight", lambda weight, value: sum((weight, value))),
        (f" A value above {k} counts as {k} only.", f"min(value, {k})", lambda weight, value: sorted((value, k))[0]),
    )
    rule = (
        f"at most {most} things may be taken, each at most once",
        "each thing may be taken at most once, and the weights must sum to the limit exactly",
        "each thing may be taken any number of times",
    )[kind]
    call = draw.name("pack_bag", "best_load", "fill_crate", "load_value")
    things, room = draw.name("things", "items", "goods"), draw.name("room", "limit", "capacity")
    names = {
        "things": things,
        "room": room,
        "rule": rule,
        "worth": worth,
        "counts": counts,
        "most": most,
        "fail": "-1 if that is impossible" if kind == 1 else "0 if nothing can be taken",
        "limit": "at exactly the limit" if kind == 1 else "within the limit",
    }

    def oracle(given: list[tuple[int, int]], limit: int) -> int:
        loads = {(0, 0, 0)}
        for weight, value in given:
            times = range(limit // weight + 1) if kind == 2 else range(2)
            gain = meaning(weight, value)
            loads = {(w + k * weight, v + k * gain, n + k) for w, v, n in loads for k in times}
            loads = {load for load in loads if load[0] <= limit}
        fitting = [v for w, v, n in loads if (kind != 0 or n <= most) and (kind != 1 or w == limit)]
        return max(fitting, default=-1)

    body = draw.source(*_PACKING_TEMPLATES[kind], **names)
    return Drawn(
        call=call,
        parameters=(Parameter(things, THINGS), Parameter(room, ROOM)),
        returns="int",
        say=draw.say(
            *_PACKING_WORDINGS,
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "A thing that is taken leaves less room for the others; for the room that is left, the best "
            "value is found in the same way."
        ),
        difficulty=3 if kind == 2 else 4,
    )


@family("dynamic-programming", 4)
def few_things_in_a_bag(draw: Draw) -> Drawn:
    """The best value of at most so many things that fit."""
    return _packing(draw, 0)


@family("dynamic-programming", 4)
def bag_exactly_full(draw: Draw) -> Drawn:
    """The best value of things that fill a bag exactly."""
    return _packing(draw, 1)


@family("dynamic-programming", 3)
def bag_with_repeats(draw: Draw) -> Drawn:
    """The best value of things that fit, each taken any number of times."""
    return _packing(draw, 2)


_TWO_EVEN_PARTS_BODIES = (
    """
    $total
    $sums = {0}
    for value in $values:
        $sums |= {part + value for part in $sums}
    return $end
    """,
    """
    $total
    table = [True] + [False] * sum($values)
    for value in $values:
        for part in range(len(table) - 1, value - 1, -1):
            table[part] = table[part] or table[part - value]
    $sums = [part for part, possible in enumerate(table) if possible]
    return $end
    """,
    """
    $total
    bits = 1
    for value in $values:
        bits |= bits << value
    $sums = [part for part in range(bits.bit_length()) if bits >> part & 1]
    return $end
    """,
)


@family("dynamic-programming", 3)
def two_even_parts(draw: Draw) -> Drawn:
    """How even two parts of a list can be made, or which sums its sublists have."""
    k = draw.integer(2, 6)
    words, source, meaning = one_of(
        draw,
        (
            "the least possible absolute difference of the sums of the two parts",
            "min(abs(total - 2 * part) for part in $sums)",
            lambda given, sums: min(abs(sum(given) - a - a) for a in sums),
        ),
        ("the number of different sums that the first part can have", "len($sums)", lambda given, sums: len(sums)),
        (
            f"how many of the sums that the first part can have are divisible by {k}, each counted once",
            f"sum(part % {k} == 0 for part in $sums)",
            lambda given, sums: len([a for a in sums if a // k * k == a]),
        ),
        (
            f"the greatest sum that the first part can have if it may be at most {k} times the sum of the second",
            f"max([part for part in $sums if part <= {k} * (total - part)], default=0)",
            lambda given, sums: sorted([0, *(a for a in sums if a <= k * (sum(given) - a))])[-1],
        ),
        (
            "the greatest product of the sums of the two parts",
            "max(part * (total - part) for part in $sums)",
            lambda given, sums: max(a * (sum(given) - a) for a in sums),
        ),
    )
    call = draw.name("split_fairly", "two_heaps", "part_sums", "share_out")
    values, sums = draw.name("values", "numbers", "weights"), draw.name("sums", "reachable", "totals")
    names = {"values": values, "sums": sums, "words": words, "end": fill(source, sums=sums)}

    def oracle(given: list[int]) -> int:
        sums = {
            sum(x for x, taken in zip(given, way, strict=True) if taken) for way in product((0, 1), repeat=len(given))
        }
        result: int = meaning(given, sums)
        return result

    total = "total = sum($values)\n" if "total" in source else ""
    names["total"] = fill(total, **names).strip()
    body = draw.source(
        *_TWO_EVEN_PARTS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(values, POSITIVE),),
        returns="int",
        say=draw.say(
            "Divide the positive numbers in `$values` into two parts in any way, where a part may be empty and has "
            "then the sum 0. Over all such divisions, return $words.",
            "Return $words, if every number of `$values` (all are positive) is put into the first or the second of "
            "two parts. Either part may stay empty; its sum is then 0.",
            "Put each of the positive numbers in `$values` on one of two heaps, called parts, of which one may remain "
            "empty with sum 0. Considering every way to do this, return $words.",
            **names,
        ),
        body=tidied(body),
        oracle=oracle,
        idea=draw.say(
            "Collect all sums that the first part can have: every number either joins it or not. The rest follows "
            "from these sums.",
            "Which sums can be reached grows number by number, far more slowly than the number of divisions.",
        ),
        difficulty=3,
    )
