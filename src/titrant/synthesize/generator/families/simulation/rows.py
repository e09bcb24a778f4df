"""Rows and circles that change together: lamps, children with sweets."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

LAMPS = Integers(0, 25)
SWEETS = Lists(Integers(0, 20), 1, 7)
ROUNDS = Integers(0, 4)


@family("simulation", 2, 3)
def lamps_switched_in_passes(draw: Draw) -> Drawn:
    """Lamps in a row are switched in passes of growing step."""
    v: dict[str, Any] = {
        "count": draw.name("count", "lamps", "size"),
        "passes": draw.integer(2, 6),
        "first": draw.integer(1, 3),
        "lit": draw.name("lit", "on", "lights"),
    }
    kind, start = draw.choice(("count", "list")), draw.chance(0.3)
    v["last"] = v["first"] + v["passes"] - 1
    v["start"] = "True" if start else "False"
    body = draw.source(
        """
        $lit = [$start] * ($count + 1)
        for step in range($first, $last + 1):
            for lamp in range(step, $count + 1, step):
                $lit[lamp] = not $lit[lamp]
        return $result
        """,
        """
        $lit = set($full)
        for step in range($first, $last + 1):
            $lit ^= set(range(step, $count + 1, step))
        return $other
        """,
        **v,
        full=fill("range(1, $count + 1)", **v) if start else "",
        result=fill(
            "sum($lit[1:])" if kind == "count" else "[lamp for lamp in range(1, $count + 1) if $lit[lamp]]", **v
        ),
        other=fill("len($lit)" if kind == "count" else "sorted($lit)", **v),
    )

    def oracle(count: int) -> Any:
        steps = range(v["first"], v["last"] + 1)
        lit = [n for n in range(1, count + 1) if (sum(n % step == 0 for step in steps) + start) % 2]
        return len(lit) if kind == "count" else lit

    return Drawn(
        call=draw.choice(("switch_lamps", "lamps_on", "toggle", "lit_after")),
        parameters=(Parameter(v["count"], LAMPS),),
        returns="int" if kind == "count" else "list[int]",
        say=draw.say(
            "There are lamps with the numbers 1 to `$count`, all of them $state at first. For each k from $first to "
            "$last, every lamp whose number is a multiple of k is switched: on if it was off, off if it was on. $end",
            "In a row of `$count` lamps, numbered from 1 and $state to begin with, first every lamp number divisible "
            "by $first changes its state, then every one divisible by the next number, and so on up to $last. $end",
            "For k = $first up to k = $last, switch all lamps whose numbers k divides, out of `$count` lamps that are "
            "$state before and have the numbers 1, 2 and so on. $end",
            **v,
            state="on" if start else "off",
            end="Return how many are on at the end."
            if kind == "count"
            else "Return the numbers of those that are on at the end.",
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Go through the steps one by one and turn the state of every multiple; what was turned twice is as before."
        ),
        contracts=(fill("result <= $count", **v),) if kind == "count" else (fill("len(result) <= $count", **v),),
        difficulty=2 if kind == "count" else 3,
    )


@family("simulation", 3)
def sweets_passed_on(draw: Draw) -> Drawn:
    """Children in a circle or a row pass a part of what they have on, all at once."""
    v: dict[str, Any] = {
        "sweets": draw.name("sweets", "amounts", "piles"),
        "rounds": draw.name("rounds", "times", "turns"),
        "part": draw.integer(2, 4),
        "gift": draw.integer(0, 2),
    }
    ring, kind = draw.chance(), draw.choice(("list", "largest", "spread"))
    v["from"] = "given[i - 1]" if ring else "(given[i - 1] if i > 0 else 0)"
    v["plus"] = f" + {v['gift']}" if v["gift"] else ""
    v["result"] = fill(
        {"list": "$sweets", "largest": "max($sweets)", "spread": "max($sweets) - min($sweets)"}[kind], **v
    )
    body = draw.source(
        """
        for _ in range($rounds):
            given = [each // $part for each in $sweets]
            $sweets = [each - given[i] + $from$plus for i, each in enumerate($sweets)]
        return $result
        """,
        """
        $sweets = list($sweets)
        for _ in range($rounds):
            given = [each // $part for each in $sweets]
            for i in range(len($sweets)):
                $sweets[i] += $from - given[i]$plus
        return $result
        """,
        **v,
    )

    def oracle(sweets: list[int], rounds: int) -> Any:
        now = dict(enumerate(sweets))
        for _ in range(rounds):
            then = dict.fromkeys(now, v["gift"])
            for child, has in now.items():
                part = (has - has % v["part"]) // v["part"]
                then[child] += has - part
                if ring or child + 1 in now:
                    then[(child + 1) % len(now)] += part
            now = then
        ordered = sorted(now.values())
        return {"list": list(now.values()), "largest": ordered[-1], "spread": ordered[-1] - ordered[0]}[kind]

    v |= {
        "share": {2: "half", 3: "a third", 4: "a quarter"}[v["part"]],
        "next": "the next one (the last one to the first)" if ring else "the next one (the last one eats its part)",
        "more": f" and is given {v['gift']} more" if v["gift"] else "",
        "end": {
            "list": "Return the list of what they have at the end.",
            "largest": "Return the most that one of them has at the end.",
            "spread": "Return the difference between the most and the least that one of them has at the end.",
        }[kind],
    }
    return Drawn(
        call=draw.choice(("share_sweets", "pass_on", "after_sharing", "circle_of_gifts")),
        parameters=(Parameter(v["sweets"], SWEETS), Parameter(v["rounds"], ROUNDS)),
        returns="list[int]" if kind == "list" else "int",
        say=draw.say(
            "Children have `$sweets` sweets. In each of `$rounds` rounds every child gives $share of its sweets, "
            "rounded down, to $next, all at the same time$more. $end",
            "The numbers in `$sweets` are what some children hold. `$rounds` times, at one moment, each passes $share "
            "of it (rounded down to whole sweets) to $next$more. $end",
            "Let `$rounds` rounds of sharing go over the list `$sweets`: at once, each one hands $share of its number, "
            "rounded down, to $next$more. $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Work out all parts that are given before any number changes, then subtract and add them.",
        contracts=(fill("len(result) == len($sweets)", **v),) if kind == "list" else ("result >= 0",),
        difficulty=3,
    )
