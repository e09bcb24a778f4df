"""What is let through, switched and signalled as time goes on."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family


def _times(random: Random) -> list[int]:
    return sorted(random.randint(0, 25) for _ in range(random.randint(0, 10)))


TIMES = Made("0 to 10 ascending times from 0 to 25", "list[int]", _times)


@family("simulation", 3)
def requests_let_through(draw: Draw) -> Drawn:
    """A limiter lets so many requests through in a stretch of time."""
    v: dict[str, Any] = {
        "times": draw.name("times", "requests", "stamps"),
        "time": draw.name("time", "now", "t"),
        "most": draw.integer(1, 3),
        "span": draw.integer(2, 8),
    }
    kind = draw.choice(("count", "refused"))
    rule = draw.choice(("sliding", "gap"))
    v["result"] = {
        "count": "len(passed)" if rule == "sliding" else "passed",
        "refused": "refused",
    }[kind]
    v["begin"] = "refused = []" if kind == "refused" else ("" if rule == "sliding" else "passed = 0")
    v["no"] = fill("refused.append($time)", **v) if kind == "refused" else ""
    v["else"] = fill("else:\n    $no", **v) if v["no"] else ""
    v["yes"] = "passed += 1" if kind == "count" else ""
    if rule == "sliding":
        body = draw.source(
            """
            passed = []
            $begin
            for $time in $times:
                if len([each for each in passed if $time - each < $span]) < $most:
                    passed.append($time)
                $else
            return $result
            """,
            """
            passed = []
            $begin
            for $time in $times:
                if len(passed) < $most or $time - passed[-$most] >= $span:
                    passed.append($time)
                $else
            return $result
            """,
            **v,
        )
    else:
        body = draw.source(
            """
            until = 0
            $begin
            for $time in $times:
                if $time >= until:
                    until = $time + $span
                    $yes
                $else
            return $result
            """,
            """
            last = None
            $begin
            for $time in $times:
                if last is None or $time - last >= $span:
                    last = $time
                    $yes
                $else
            return $result
            """,
            **v,
        )
    body = "\n".join(line for line in body.splitlines() if line.strip())
    most = v["most"] if rule == "sliding" else 1

    def oracle(times: list[int]) -> Any:
        through: Counter[int] = Counter()
        left = []
        for time in times:
            if sum(through[before] for before in range(time - v["span"] + 1, time + 1)) >= most:
                left.append(time)
            else:
                through[time] += 1
        return sum(through.values()) if kind == "count" else left

    v["rule"] = fill(
        f"fewer than {most} of those let through came less than $span units before it"
        if most > 1
        else "none of those let through came less than $span units before it",
        **v,
    )
    v["end"] = {
        "count": "Return how many are let through.",
        "refused": "Return the times of those that are not let through, in order.",
    }[kind]
    return Drawn(
        call=draw.choice(("limit_rate", "throttle", "gate", "let_through")),
        parameters=(Parameter(v["times"], TIMES),),
        returns="int" if kind == "count" else "list[int]",
        say=draw.say(
            "Requests come at the times in `$times`, which never fall. One is let through if $rule; others are dropped "
            "and count for nothing later. $end",
            "Look at the ascending times in `$times` one by one. A request passes if $rule, and is forgotten "
            "otherwise. "
            "$end",
            "A gate opens for a request if $rule. The requests stand in `$times`, earlier ones first, and several may "
            "come at the same time. $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Remember when requests were let through, and compare each new time with those that still count.",
        difficulty=3,
    )
