"""Things that go up and down, or back and forth, along one line."""

from __future__ import annotations

from itertools import accumulate

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family

FLOORS = Lists(Integers(0, 12), 0, 8)
FLOOR = Integers(0, 12)
PUSHES = Lists(Integers(-6, 6), 0, 9)


@family("simulation", 1, 2)
def lift_that_travels(draw: Draw) -> Drawn:
    """A lift serves floors in order; its way, time or turns are asked for."""
    floors, start = draw.name("floors", "calls", "stops", "requests"), draw.name("start", "first", "ground")
    up, down, stop = draw.integer(2, 4), draw.integer(1, 3), draw.integer(1, 9)
    at, floor = draw.name("at", "here", "current"), draw.name("floor", "wanted", "target")
    kind = draw.choice(("way", "time", "rests"))
    cost = {
        "way": f"abs({floor} - {at})",
        "time": f"({up} * ({floor} - {at}) if {floor} > {at} else {down} * ({at} - {floor})) + {stop}",
        "rests": f"int({floor} == {at})",
    }[kind]
    words = {
        "way": "Return the number of floors that it passes in all, up and down together.",
        "time": f"Going up takes {up} seconds a floor, going down {down}, and each call {stop} more for its doors, "
        "even if the lift is already there. Return the seconds in all.",
        "rests": "Return the number of calls for which it does not have to move.",
    }[kind]
    total = draw.name("total", "result", "spent")
    body = draw.source(
        """
        $total, $at = 0, $start
        for $floor in $floors:
            $total += $cost
            $at = $floor
        return $total
        """,
        """
        way = [$start] + $floors
        $total = 0
        for i in range(1, len(way)):
            $at, $floor = way[i - 1], way[i]
            $total += $cost
        return $total
        """,
        """
        way = [$start, *$floors]
        return sum(
            $plain
            for $at, $floor in zip(way, $floors)
        )
        """,
        total=total,
        at=at,
        start=start,
        floor=floor,
        floors=floors,
        cost=cost,
        plain=cost if kind != "time" else f"{cost}",
    )

    def oracle(calls: list[int], ground: int) -> int:
        if not calls:
            return 0
        here, there = ground, calls[0]
        ups, downs = len(range(here, there)), len(range(there, here))
        now = {"way": ups + downs, "time": up * ups + down * downs + stop, "rests": 1 - bool(ups + downs)}[kind]
        return now + oracle(calls[1:], there)

    return Drawn(
        call=draw.choice(("lift_log", "ride", "serve_calls", "elevator")),
        parameters=(Parameter(floors, FLOORS), Parameter(start, FLOOR)),
        returns="int",
        say=draw.say(
            "A lift stands at floor `$start` and goes to the floors in `$floors`, in that order. $words",
            "Calls come from the floors in `$floors`; a lift that waits at floor `$start` answers them one after the "
            "other. $words",
            "Starting from floor `$start`, an elevator visits every floor of the list `$floors` in the order given. "
            "$words",
            floors=floors,
            start=start,
            words=words,
        ),
        body=body,
        oracle=oracle,
        idea="Look at each pair of a floor and the one before it, the first one being the start, and add up.",
        contracts=("result >= 0",),
        difficulty=2 if kind == "time" else 1,
    )


@family("simulation", 2, 3)
def pushed_along_a_track(draw: Draw) -> Drawn:
    """Pushes move something on a track whose ends hold it or take it away."""
    low, high = -draw.integer(2, 6), draw.integer(3, 8)
    pushes, at, push = (
        draw.name("pushes", "forces", "shifts"),
        draw.name("at", "spot", "x"),
        draw.name("push", "p", "d"),
    )
    kind, words = draw.choice(
        (
            ("clamp", f"never goes below {low} or above {high}: a push that would take it further takes it to the end"),
            ("lost", f"is lost when a push takes it below {low} or above {high}, and no later push counts"),
            ("half", f"is pushed back by half of what goes beyond {low} or {high}, rounded down"),
        )
    )
    if kind == "clamp":
        body = draw.source(
            "$at = 0\nfor $push in $pushes:\n    $at = max($low, min($high, $at + $push))\nreturn $at",
            """
            $at = 0
            for $push in $pushes:
                $at += $push
                if $at < $low:
                    $at = $low
                elif $at > $high:
                    $at = $high
            return $at
            """,
            at=at,
            push=push,
            pushes=pushes,
            low=low,
            high=high,
        )
    elif kind == "lost":
        body = draw.source(
            """
            $at = 0
            for $push in $pushes:
                $at += $push
                if not $low <= $at <= $high:
                    return None
            return $at
            """,
            """
            $at = 0
            for $push in $pushes:
                if $at + $push < $low or $at + $push > $high:
                    break
                $at += $push
            else:
                return $at
            return None
            """,
            at=at,
            push=push,
            pushes=pushes,
            low=low,
            high=high,
        )
    else:
        body = draw.source(
            """
            $at = 0
            for $push in $pushes:
                $at += $push
                if $at > $high:
                    $at -= ($at - $high) // 2
                if $at < $low:
                    $at += ($low - $at) // 2
            return $at
            """,
            at=at,
            push=push,
            pushes=pushes,
            low=low,
            high=high,
        )

    def oracle(given: list[int]) -> int | None:
        if kind == "lost":
            sums = [sum(given[:count]) for count in range(len(given) + 1)]
            return sums[-1] if all(each in range(low, high + 1) for each in sums) else None

        def mended(there: int) -> int:
            beyond = max(there - high, low - there, 0)
            back = beyond if kind == "clamp" else int(beyond / 2)
            return there - back if there > high else there + back

        *_, last = accumulate(given, lambda here, push: mended(here + push), initial=0)
        return last

    end = "Return where it is at the end" + (", or `None` if it was lost." if kind == "lost" else ".")
    return Drawn(
        call=draw.choice(("pushed_to", "slide", "track", "final_spot")),
        parameters=(Parameter(pushes, PUSHES),),
        returns="int | None" if kind == "lost" else "int",
        say=draw.say(
            "A cart at 0 is moved by each number of `$pushes` in turn, to the right if it is positive. It $words. $end",
            "Apply the shifts in `$pushes` one by one to a position that is 0 at first. The thing that moves $words. "
            "$end",
            "On a track, a box starts at place 0, and the numbers in `$pushes` say how far each push moves it, "
            "negative ones to the left. It $words. $end",
            pushes=pushes,
            words=words,
            end=end,
        ),
        body=body,
        oracle=oracle,
        idea=draw.say("Add the pushes up one at a time, and look at the bounds at each."),
        contracts=(f"{low} <= result <= {high}",) if kind == "clamp" else (),
        difficulty=3 if kind == "half" else 2,
    )
