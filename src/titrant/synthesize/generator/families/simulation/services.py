"""Who is served when: queues, turns, shares, knock-outs."""

from __future__ import annotations

from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Integers, Lists, Made
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

JOBS = Lists(Integers(1, 9), 0, 7)
STRENGTHS = Lists(Integers(0, 30), 1, 9)
COUNT = Integers(1, 9)
WORKERS = Integers(1, 4)


def _arrivals(random: Random) -> list[tuple[int, int]]:
    at, found = 0, []
    for _ in range(random.randint(0, 7)):
        at += random.randint(0, 5)
        found.append((at, random.randint(1, 6)))
    return found


VISITS = Made(
    "0 to 7 visits (time, length), times ascending by 0 to 5, lengths 1 to 6", "list[tuple[int, int]]", _arrivals
)


@family("simulation", 2, 3)
def one_counter_queue(draw: Draw) -> Drawn:
    """Customers come at times and are served one after the other."""
    v: dict[str, Any] = {
        "visits": draw.name("visits", "customers", "jobs", "arrivals"),
        "came": draw.name("came", "arrival", "time"),
        "needs": draw.name("needs", "length", "duration"),
        "free": draw.name("free", "clock", "end"),
        "pause": draw.integer(0, 2),
    }
    kind, words, step, begin, result = draw.choice(
        (
            (
                "wait",
                "the time that all of them wait in all before they are served",
                "total += begin - $came",
                "total = 0",
                "total",
            ),
            (
                "longest",
                "the longest time that one of them waits before it is served (0 if there is none)",
                "longest = max(longest, begin - $came)",
                "longest = 0",
                "longest",
            ),
            (
                "idle",
                "the time before the last one is served in which nobody is served and no pause is kept",
                "idle += begin - $free",
                "idle = 0",
                "idle",
            ),
            (
                "ends",
                "the list of the times at which their service ends",
                "ends.append(begin + $needs)",
                "ends = []",
                "ends",
            ),
        )
    )
    v |= {"step": fill(step, **v), "begin": begin, "result": result}
    v["next"] = fill("begin + $needs" + (" + $pause" if v["pause"] else ""), **v)
    body = draw.source(
        """
        $begin
        $free = 0
        for $came, $needs in $visits:
            begin = max($free, $came)
            $step
            $free = $next
        return $result
        """,
        """
        $free, $init = 0, $value
        for visit in $visits:
            $came, $needs = visit
            begin = $came if $came > $free else $free
            $step
            $free = $next
        return $result
        """,
        **v,
        init=result,
        value=begin.partition(" = ")[2],
    )

    def oracle(visits: list[tuple[int, int]]) -> Any:
        waiting, starts, clock, busy, idle = list(enumerate(visits)), [], 0, 0, 0
        while waiting:
            if busy:
                busy -= 1
            elif waiting[0][1][0] <= clock:
                starts.append(clock)
                busy = waiting.pop(0)[1][1] + v["pause"] - 1
            else:
                idle += 1
            clock += 1
        waits = [start - came for start, (came, _) in zip(starts, visits, strict=True)]
        ends = [start + needs for start, (_, needs) in zip(starts, visits, strict=True)]
        return {"wait": sum(waits), "longest": max(waits, default=0), "idle": idle, "ends": ends}[kind]

    rest = {0: "", 1: " After each one, the counter pauses for 1 unit of time."}
    v["rest"] = rest.get(v["pause"], f" After each one, the counter pauses for {v['pause']} units of time.")
    return Drawn(
        call=draw.choice(("serve", "queue_times", "counter_log", "run_desk")),
        parameters=(Parameter(v["visits"], VISITS),),
        returns="list[int]" if kind == "ends" else "int",
        say=draw.say(
            "Each tuple in `$visits` is the time at which a customer comes and how long it takes to serve it; they are "
            "in the order of their times. One counter opens at time 0 and serves them in this order.$rest Return "
            "$words.",
            "At a single desk, customers are served in the order of `$visits`, which holds pairs (time of coming, "
            "length "
            "of service) with times that never fall. The desk is free from time 0 on.$rest Return $words.",
            "One machine works off `$visits`, a list of jobs (ready at, takes) sorted by the first number. It begins a "
            "job when it is ready and the machine is free, as it is at time 0.$rest Find $words.",
            **v,
            words=words.replace("all of them wait in all", "all of them wait together") if draw.chance() else words,
        ),
        body=body,
        oracle=oracle,
        idea="Keep the time at which the counter is free; the next one starts at that time or when it comes.",
        contracts=("all(end > 0 for end in result)",) if kind == "ends" else ("result >= 0",),
        difficulty=3 if v["pause"] else 2,
    )


@family("simulation", 4)
def turns_in_slices(draw: Draw) -> Drawn:
    """Jobs get slices of time in turn until they are done."""
    v: dict[str, Any] = {
        "jobs": draw.name("jobs", "needs", "tasks", "bursts"),
        "slice": draw.name("slice_length", "quantum", "share"),
        "clock": draw.name("clock", "time", "now"),
        "queue": draw.name("queue", "waiting", "line"),
    }
    kind, words, returns = draw.choice(
        (
            ("ends", "the list of the times at which the jobs are finished, in the order of `$jobs`", "list[int]"),
            ("order", "the indexes of the jobs in the order in which they are finished", "list[int]"),
            ("switches", "how many slices are given in all", "int"),
        )
    )
    v |= {
        "words": fill(words, **v),
        "begin": {"ends": fill("ends = [0] * len($jobs)", **v), "order": "order = []", "switches": "slices = 0"}[kind],
        "each": "slices += 1" if kind == "switches" else "",
        "done": {"ends": fill("ends[i] = $clock", **v), "order": "order.append(i)", "switches": ""}[kind],
        "result": {"ends": "ends", "order": "order", "switches": "slices"}[kind],
        "tick": "" if kind == "order" else fill("$clock += used", **v),
        "start": fill("$clock = 0", **v) if kind == "ends" else "",
    }
    if kind != "ends":
        v["tick"] = ""
    v["else"] = "else:\n    " + fill(v["done"], **v) if v["done"] else ""
    body = draw.source(
        """
        $queue = deque(enumerate($jobs))
        $begin
        $start
        while $queue:
            i, left = $queue.popleft()
            $each
            used = min($slice, left)
            $tick
            if left > used:
                $queue.append((i, left - used))
            $else
        return $result
        """,
        """
        left = list($jobs)
        $queue = list(range(len(left)))
        $begin
        $start
        while $queue:
            i = $queue.pop(0)
            $each
            used = min($slice, left[i])
            $tick
            left[i] -= used
            if left[i] > 0:
                $queue.append(i)
            $else
        return $result
        """,
        **v,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(jobs: list[int], size: int) -> Any:
        rounds = [-(-job // size) for job in jobs]
        ends = [
            sum(min(other, size * (rounds[i] - (j > i))) for j, other in enumerate(jobs) if j != i) + job
            for i, job in enumerate(jobs)
        ]
        order = sorted(range(len(jobs)), key=lambda i: (rounds[i], i))
        return {"ends": ends, "order": order, "switches": sum(rounds)}[kind]

    return Drawn(
        call=draw.choice(("round_robin", "share_time", "run_jobs", "schedule")),
        parameters=(Parameter(v["jobs"], JOBS), Parameter(v["slice"], COUNT)),
        returns=returns,
        say=draw.say(
            "The numbers in `$jobs` say how long each job takes. From time 0 on they get one processor in turn, each "
            "for `$slice` units of time, or less if it is finished before; what is not finished goes to the end of the "
            "queue. Return $words.",
            "One worker takes the jobs of `$jobs` (their lengths) in a circle. It works on a job for at most `$slice` "
            "units, then on the next; jobs that are finished leave the circle at once. Return $words.",
            "Share time among `$jobs`, a list of lengths: the first in the queue runs for `$slice`, or until it is "
            "done "
            "if that is sooner, and queues up at the end if anything of it is left. Find $words.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Hold the jobs with what is left of them in a queue; take one from the front, run it, and put it back "
            "if need be."
        ),
        prelude="from collections import deque" if "deque" in body else "",
        contracts=(fill("len(result) == len($jobs)", **v),)
        if kind != "switches"
        else (fill("result >= len($jobs)", **v),),
        difficulty=4,
    )


@family("simulation", 3)
def circle_of_leavers(draw: Draw) -> Drawn:
    """Everybody stands in a circle; every so many places one leaves, by a drawn rule."""
    v: dict[str, Any] = {
        "count": draw.name("count", "people", "n", "size"),
        "step": draw.name("step", "k", "stride"),
        "circle": draw.name("circle", "ring", "left"),
        "out": draw.name("out", "gone", "leaver"),
        "add": draw.integer(1, 2),
        "keep": draw.integer(1, 3),
    }
    grows, kind = draw.chance(), draw.choice(("order", "last"))
    v["grow"] = fill("$step += $add", **v) if grows else ""
    v["begin"] = "order = []" if kind == "order" else ""
    v["note"] = fill("order.append($out)", **v) if kind == "order" else ""
    v["get"] = fill("$out = " if kind == "order" else "", **v)
    v["result"] = "order" if kind == "order" else fill("sorted($circle)", **v)
    v["least"] = 0 if kind == "order" else v["keep"]
    body = draw.source(
        """
        $circle = deque(range(1, $count + 1))
        $begin
        while len($circle) > $least:
            $circle.rotate(1 - $step)
            $get$circle.popleft()
            $note
            $grow
        return $result
        """,
        """
        $circle = list(range(1, $count + 1))
        $begin
        place = 0
        while len($circle) > $least:
            place = (place + $step - 1) % len($circle)
            $get$circle.pop(place)
            $note
            $grow
        return $result
        """,
        **v,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(count: int, step: int) -> Any:
        gone: list[int] = []
        at = 0
        while len(gone) < count - v["least"]:
            counted = 0
            while counted < step:
                at = at % count + 1
                counted += at not in gone
            gone.append(at)
            step += v["add"] if grows else 0
        return gone if kind == "order" else sorted(set(range(1, count + 1)) - set(gone))

    v["more"] = fill(" After each one that leaves, `$step` is $add larger.", **v) if grows else ""
    v["end"] = (
        "Return all numbers in the order in which they leave."
        if kind == "order"
        else f"This ends when no more than {v['keep']} {'is' if v['keep'] == 1 else 'are'} left. Return who is left, "
        "in ascending order."
    )
    return Drawn(
        call=draw.choice(("leave_circle", "count_out", "last_ones", "elimination")),
        parameters=(Parameter(v["count"], COUNT), Parameter(v["step"], COUNT)),
        returns="list[int]",
        say=draw.say(
            "The numbers from 1 to `$count` stand in a circle. Counting begins with 1, and the one on which the count "
            "reaches `$step` leaves; counting goes on with the one after it.$more $end",
            "In a ring of `$count` players with the numbers 1, 2 and so on, every `$step`th one still in it leaves, "
            "counted on from the one before, at first from player 1.$more $end",
            "Players 1 to `$count` sit in a circle. Starting at player 1, count up to `$step` around the circle, "
            "leaving out those that are gone: that player goes, and the next count starts behind it.$more $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Keep those who are left in order, move on by the step around the end, and take that one out.",
        prelude="from collections import deque" if "deque" in body else "",
        contracts=(fill("len(result) <= $count", **v),),
        difficulty=3,
    )


@family("simulation", 3, 4)
def knock_out_rounds(draw: Draw) -> Drawn:
    """Neighbours meet, the winner of each pair goes on."""
    v: dict[str, Any] = {
        "field": draw.name("strengths", "players", "scores"),
        "winners": draw.name("winners", "following", "through"),
        "loss": draw.integer(1, 4),
    }
    tires, kind = draw.chance(), draw.choice(("winner", "rounds", "alive"))
    v["change"] = "max(a, b) - " + str(v["loss"]) if tires else "max(a, b)"
    v["count"] = "rounds += 1" if kind == "rounds" else ""
    v["begin"] = "rounds = 0" if kind == "rounds" else ""
    v["stop"] = 2 if kind == "alive" else 1
    v["result"] = {"winner": "now[0]", "rounds": "rounds", "alive": "now"}[kind]
    body = draw.source(
        """
        now = list($field)
        $begin
        while len(now) > $stop:
            $winners = []
            for a, b in zip(now[::2], now[1::2]):
                $winners.append($change)
            if len(now) % 2 == 1:
                $winners.append(now[-1])
            now = $winners
            $count
        return $result
        """,
        """
        now = $field[:]
        $begin
        while len(now) > $stop:
            pairs = [now[i:i + 2] for i in range(0, len(now), 2)]
            now = [$other if len(pair) == 2 else pair[0] for pair in pairs]
            $count
        return $result
        """,
        **v,
        other=v["change"].replace("a, b", "pair"),
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(players: list[int]) -> Any:
        def best(low: int, size: int) -> int:
            """The strength of who comes out of a block."""
            if size == 1:
                return players[low]
            half = size // 2
            if low + half >= len(players):
                return best(low, half)
            return sorted((best(low, half), best(low + half, half)))[1] - (v["loss"] if tires else 0)

        rounds = next(count for count in range(9) if 2**count * v["stop"] >= len(players))
        if kind == "rounds":
            return rounds
        ends = [best(low, 2**rounds) for low in range(0, len(players), 2**rounds)]
        return ends if kind == "alive" else ends[0]

    v["tired"] = f", whose strength is {v['loss']} less from then on" if tires else ""
    v["end"] = {
        "winner": "Rounds are played until one is left; return its strength then.",
        "rounds": "Return the number of rounds until one is left.",
        "alive": "Rounds are played as long as more than two are left; return the strengths of those who are left.",
    }[kind]
    return Drawn(
        call=draw.choice(("knock_out", "tournament", "play_rounds", "bracket")),
        parameters=(Parameter(v["field"], STRENGTHS),),
        returns="list[int]" if kind == "alive" else "int",
        say=draw.say(
            "In each round of a knock-out, the first of `$field` meets the second, the third the fourth, and so on. "
            "The "
            "stronger of two goes on$tired; a last one without an opponent goes on as it is. The order stays. $end",
            "The numbers in `$field` are players in a row. A round pairs neighbours (1st and 2nd, 3rd and 4th and on), "
            "and the larger number of each pair stays$tired. Who is left over at the end of the row stays too. $end",
            "Play a cup with players of the strengths `$field`: neighbours play, in pairs from the left, and a player "
            "without partner passes unchanged. Of a pair the stronger one remains$tired, at its place in the row. $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Make the list of winners of one round from pairs of neighbours, and do so again until it is short enough."
        ),
        contracts=("len(result) <= 2",) if kind == "alive" else (),
        difficulty=4 if tires and kind == "alive" else 3,
    )
