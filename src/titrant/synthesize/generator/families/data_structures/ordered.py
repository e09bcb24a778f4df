"""What is kept in an order: queues with two ends, windows, heaps, sorted lists."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

ENDS = Lists(Tuples((Choices(("front", "back", "take")), Integers(0, 20))), 0, 10)
VALUES = Lists(Integers(-30, 30), 0, 10)
TICKETS = Lists(Tuples((Choices(("ann", "bob", "cid", "dot", "next", "next")), Integers(0, 9))), 0, 10)


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
                "the number at the front if the number of the pair is even, and else the one at the back",
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


@family("data-structures", 3)
def best_of_each_window(draw: Draw) -> Drawn:
    """The best of every so many neighbours, or of all so far."""
    v: dict[str, Any] = {
        "values": draw.name("values", "numbers", "series", "readings"),
        "queue": draw.name("queue", "candidates", "window"),
        "width": draw.integer(2, 5),
        "step": draw.integer(1, 3),
        "best": draw.name("best", "found", "answers"),
    }
    largest, key = draw.chance(), draw.choice(("", "abs"))
    v["worse"] = fill(
        f"{key}($values[$queue[-1]]) {'<=' if largest else '>='} {key}(value)"
        if key
        else f"$values[$queue[-1]] {'<=' if largest else '>='} value",
        **v,
    )
    v["pick"] = ("max" if largest else "min") + "(reversed(part)" + (", key=abs)" if key else ")")
    v["take"] = "" if v["step"] == 1 else fill(" and (i - $width + 1) % $step == 0", **v)
    v["stride"] = "" if v["step"] == 1 else f", {v['step']}"
    v["start"] = "0, " if v["step"] > 1 else ""
    body = draw.source(
        """
        $queue = deque()
        $best = []
        for i, value in enumerate($values):
            while $queue and $worse:
                $queue.pop()
            $queue.append(i)
            if $queue[0] <= i - $width:
                $queue.popleft()
            if i >= $width - 1$take:
                $best.append($values[$queue[0]])
        return $best
        """,
        """
        $best = []
        for start in range($startlen($values) - $width + 1$stride):
            part = $values[start:start + $width]
            $best.append($pick)
        return $best
        """,
        **{name: value for name, value in v.items() if name != "start"},
        startlen=f"{v['start']}len",
    )

    def oracle(values: list[int]) -> list[int]:
        found = []
        for end in range(v["width"], len(values) + 1, v["step"]):
            part = [
                (max(x, -x) if key else x, place) for place, x in enumerate(values[:end]) if place >= end - v["width"]
            ]
            extreme = sorted(part)[-1][0] if largest else sorted(part)[0][0]
            found.append(values[max(place for size, place in part if size == extreme)])
        return found

    v |= {
        "what": f"{'largest' if largest else 'smallest'} {'absolute value' if key else 'number'}",
        "tie": " (the last one of them, if there are several)" if key else "",
        "which": "each" if v["step"] == 1 else f"the first one and every {v['step']}th one after it",
    }
    return Drawn(
        call=draw.choice(("window_best", "best_in_windows", "moving_extremes", "slide_window")),
        parameters=(Parameter(v["values"], VALUES),),
        returns="list[int]",
        say=draw.say(
            "Look at all pieces of $width neighbouring numbers in `$values`, from left to right, and take $which. "
            "Return the list that holds of each piece taken the number of the $what$tie. It is empty if there are "
            "fewer than $width numbers.",
            "A window of $width numbers slides over `$values`, starting at the first number and moving on by $step. "
            "For every place where it fits whole, note the number in it of the $what$tie. Return the notes in order.",
            "Return, for the pieces of `$values` that have $width numbers and begin at an index that is a "
            "multiple of $step (0 is one), which number of the piece has the $what$tie, as a list. Pieces that are "
            "cut off by the end do not count.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="The windows are gone through from left to right, and the best number of each is noted.",
        prelude="from collections import deque" if "deque" in body else "",
        contracts=(fill("len(result) <= len($values)", **v),),
        difficulty=3,
    )


@family("data-structures", 3, 4)
def urgent_ones_first(draw: Draw) -> Drawn:
    """A queue by urgency, with a tie rule, from which is taken now and then."""
    v: dict[str, Any] = {
        "events": draw.name("events", "tickets", "log"),
        "name": draw.name("name", "label", "who"),
        "rank": draw.name("rank", "urgency", "level"),
        "heap": draw.name("heap", "waiting", "queue"),
        "age": draw.integer(2, 5),
    }
    high, tie, ages = draw.chance(), draw.choice(("first", "last", "name")), draw.chance(0.4)
    sign = "-" if high else ""
    order = {"first": "place", "last": "-place", "name": v["name"]}[tie]
    aged = f" {'-' if high else '+'} place // {v['age']}" if ages else ""
    v["key"] = (
        f"({sign}({v['rank']}{aged}), {order}, {v['name']})" if aged else f"({sign}{v['rank']}, {order}, {v['name']})"
    )
    body = draw.source(
        """
        $heap, taken = [], []
        for place, ($name, $rank) in enumerate($events):
            if $name != "next":
                heappush($heap, $key)
            elif $heap:
                taken.append(heappop($heap)[-1])
        return taken
        """,
        """
        $heap = []
        taken = []
        for place, ($name, $rank) in enumerate($events):
            if $name == "next":
                if $heap:
                    first = min($heap)
                    $heap.remove(first)
                    taken.append(first[-1])
                continue
            $heap.append($key)
        return taken
        """,
        **v,
    )

    def oracle(events: list[tuple[str, int]]) -> list[str]:
        waiting: list[tuple[int, int, str]] = []
        out: list[str] = []
        for place, (name, rank) in enumerate(events):
            if name != "next":
                lost = place // v["age"] if ages else 0
                waiting.append((rank - lost if high else -(rank + lost), place, name))
            elif waiting:
                top = sorted(urgency for urgency, _, _ in waiting)[-1]
                same = [each for each in waiting if each[0] == top]
                chosen = (
                    sorted(same, key=lambda each: each[2])[0] if tie == "name" else same[0 if tie == "first" else -1]
                )
                waiting.remove(chosen)
                out.append(chosen[2])
        return out

    change = (
        f"{'lower' if high else 'raise'}s it by the index of its pair in the list divided by {v['age']}, rounded down"
    )
    v |= {
        "which": "highest" if high else "lowest",
        "tie": {
            "first": "the one that came first",
            "last": "the one that came last",
            "name": "the one whose name is alphabetically first",
        }[tie],
        "aging": f" Coming later counts: it {change}." if ages else "",
    }
    return Drawn(
        call=draw.choice(("serve_urgent", "triage", "take_in_order", "run_queue")),
        parameters=(Parameter(v["events"], TICKETS),),
        returns="list[str]",
        say=draw.say(
            'Each pair in `$events` is a name and a number. A name other than "next" waits from then on, with its '
            'number as its rank.$aging With "next" (its number means nothing) the waiting one of $which rank is '
            "served, of several $tie; nobody, if nobody waits. Return the names served, in order.",
            'Go through `$events`. A pair ("next", n) calls in the waiting one of $which rank (on a tie, $tie), or '
            "does nothing when there is none. Any other pair is a name that begins to wait and its rank.$aging Return "
            "the list of the names called.",
            "People queue up as the pairs (name, rank) in `$events` say, and are served one at a time when the name is "
            '"next": the $which rank is first, and among equal ranks $tie.$aging If nobody is there, "next" is without '
            "effect. Return who is served, in the order of serving.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Build tuples so that the one to be served is always the smallest.",
        prelude="from heapq import heappop, heappush" if "heappush" in body else "",
        contracts=(fill("len(result) <= len($events)", **v),),
        difficulty=4 if ages else 3,
    )


@family("data-structures", 3)
def middle_so_far(draw: Draw) -> Drawn:
    """The number in the middle of all so far, after each one."""
    v: dict[str, Any] = {
        "values": draw.name("values", "numbers", "stream"),
        "value": draw.name("value", "number", "x"),
        "held": draw.name("held", "ordered", "seen"),
        "num": draw.integer(1, 3),
        "every": draw.integer(1, 3),
    }
    v["den"] = v["num"] + draw.integer(1, 3)
    kind = draw.choice(("list", "sum", "changes"))
    v["end"] = {"list": "found", "sum": "sum(found)", "changes": "sum(a != b for a, b in zip(found, found[1:]))"}[kind]
    v["if"] = "" if v["every"] == 1 else fill("if len($held) % $every == 0:\n    ", **v)
    v["note"] = fill("found.append($held[(len($held) - 1) * $num // $den])", **v)
    v["note"] = v["if"] + v["note"] if v["if"] else v["note"]
    body = draw.source(
        """
        $held, found = [], []
        for $value in $values:
            insort($held, $value)
            $note
        return $end
        """,
        """
        $held = []
        found = []
        for $value in $values:
            place = bisect_left($held, $value)
            $held.insert(place, $value)
            $note
        return $end
        """,
        """
        found = []
        for count in range($every, len($values) + 1, $every):
            $held = sorted($values[:count])
            found.append($held[(count - 1) * $num // $den])
        return $end
        """,
        **v,
    )

    def oracle(values: list[int]) -> Any:
        found = []
        for count in range(1, len(values) + 1):
            if count % v["every"]:
                continue
            below = next(n for n in range(count) if v["den"] * (n + 1) > (count - 1) * v["num"])
            now = list(values[:count])
            for _ in range(below):
                now.remove(min(now))
            found.append(min(now))
        changes = len([1 for place in range(1, len(found)) if found[place] != found[place - 1]])
        return {"list": found, "sum": -sum(-each for each in found), "changes": changes}[kind]

    v |= {
        "when": "each number" if v["every"] == 1 else f"every {v['every']}th number",
        "out": {
            "list": "Return the list of these numbers.",
            "sum": "Return the sum of these numbers.",
            "changes": "Return how often such a number differs from the one before it.",
        }[kind],
    }
    return Drawn(
        call=draw.choice(("running_middle", "quantiles_so_far", "track_middle", "order_statistic")),
        parameters=(Parameter(v["values"], VALUES),),
        returns="list[int]" if kind == "list" else "int",
        say=draw.say(
            "Read `$values` from the start. After $when, sort the n numbers read so far in ascending order and take "
            "the one at index (n - 1) * $num // $den, counted from 0. $out",
            "After $when of `$values`, look at all numbers up to there, n of them, in ascending order: the one with "
            "the "
            "index (n - 1) * $num divided by $den, rounded down, is noted (indexes begin with 0). $out",
            "For a stream of numbers `$values`, note after $when which number stands at index (n - 1) * $num // $den "
            "(from 0) when the n numbers that have come are sorted from small to large. $out",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Among the numbers so far, put in order, the wanted one is found by its index.",
        prelude="from bisect import insort"
        if "insort" in body
        else "from bisect import bisect_left"
        if "bisect" in body
        else "",
        contracts=(fill("len(result) <= len($values)", **v),) if kind == "list" else (),
        difficulty=3,
    )
