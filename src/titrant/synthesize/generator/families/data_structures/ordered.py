"""What is kept in an order: queues with two ends, heaps, sorted lists, trees."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

ENDS = Lists(Tuples((Choices(("front", "back", "take")), Integers(0, 20))), 0, 10)


@family("data-structures", 3)
def two_ended_commands(draw: Draw) -> Drawn:
    """A queue with two ends; numbers are taken from where the draw says."""
    v: dict[str, Any] = {
        "commands": draw.name("commands", "orders", "calls"),
        "name": draw.name("name", "where", "command"),
        "value": draw.name("value", "number", "x"),
        "line": draw.name("line", "queue", "row"),
    }
    rule, words, source = draw.choice(
        (
            ("front", "the number at the front", "taken.append($line.popleft())"),
            ("back", "the number at the back", "taken.append($line.pop())"),
            (
                "larger",
                "the larger one of the numbers at both ends (the front one if they are equal)",
                "taken.append($line.popleft() if $line[0] >= $line[-1] else $line.pop())",
            ),
            (
                "parity",
                "the number at the front if its own number is even, and the one at the back if it is odd",
                "taken.append($line.popleft() if $value % 2 == 0 else $line.pop())",
            ),
        )
    )
    both = draw.chance(0.4)
    v |= {"take": fill(source, **v), "result": fill("(taken, list($line))" if both else "taken", **v)}
    body = draw.source(
        """
        $line, taken = deque(), []
        for $name, $value in $commands:
            if $name == "front":
                $line.appendleft($value)
            elif $name == "back":
                $line.append($value)
            elif $line:
                $take
        return $result
        """,
        """
        $line = deque()
        add = {"front": $line.appendleft, "back": $line.append}
        taken = []
        for $name, $value in $commands:
            if $name in add:
                add[$name]($value)
            elif $line:
                $take
        return $result
        """,
        **v,
    )

    def oracle(commands: list[tuple[str, int]]) -> Any:
        now: list[int] = []
        out: list[int] = []
        for name, value in commands:
            if name != "take":
                now = [value] * (name == "front") + now + [value] * (name == "back")
            elif now:
                first = {
                    "front": True,
                    "back": False,
                    "larger": now[0] == max(now[0], now[-1]),
                    "parity": not value & 1,
                }[rule]
                out, now = (out + now[:1], now[1:]) if first else (out + now[-1:], now[:-1])
        return (out, now) if both else out

    return Drawn(
        call=draw.choice(("run_deque", "two_ends", "serve_line", "deque_log")),
        parameters=(Parameter(v["commands"], ENDS),),
        returns="tuple[list[int], list[int]]" if both else "list[int]",
        say=draw.say(
            'In `$commands`, ("front", n) and ("back", n) put n at that end of a row of numbers, and ("take", n) takes '
            "$words out of it, or nothing if the row is empty. $end",
            "A row of numbers, empty at first, is changed by the pairs of `$commands`, each a word and a number: the "
            'words "front" and "back" add the number at that end, the word "take" removes $words, unless there is '
            "none. $end",
            'Carry out `$commands` on an empty queue with two ends. A pair whose word is "front" or "back" adds its '
            'number there. A pair whose word is "take" removes $words; an empty queue stays empty. $end',
            **v,
            words=words,
            end="Return the numbers taken, in order, and the row that is left, as a tuple of two lists."
            if both
            else "Return the numbers taken, in the order in which they are.",
        ),
        body=body,
        oracle=oracle,
        idea="A queue with two ends gives both ways to add and both ways to take; note what is taken.",
        prelude="from collections import deque",
        contracts=() if both else (fill("len(result) <= len($commands)", **v),),
        difficulty=3,
    )
