"""What is filled and used up: accounts, stocks, batteries, tanks."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import accumulate
from typing import Any

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import counted

CHANGES = Lists(Integers(-30, 30), 0, 10)
DEMANDS = Lists(Integers(0, 9), 0, 10)
START = Integers(0, 40)
SMALL = Integers(0, 12)
MANY = Integers(1, 400)


@family("simulation", 2, 3)
def account_with_rules(draw: Draw) -> Drawn:
    """Bookings on an account: which are refused, what a withdrawal costs."""
    v: dict[str, Any] = {
        "bookings": draw.name("bookings", "changes", "amounts", "entries"),
        "start": draw.name("start", "opening", "initial"),
        "each": draw.name("amount", "booking", "change"),
        "sum": draw.name("balance", "money", "account"),
        "limit": draw.choice((0, -10, -20)),
        "fee": draw.integer(1, 3),
    }
    refuses, pays, counts = draw.chance(0.7), draw.chance(), draw.chance()
    v["cost"] = fill("$each - $fee * ($each < 0)", **v) if pays else v["each"]
    v["result"] = "($sum, refused)" if refuses and counts else "$sum"
    v["result"] = fill(v["result"], **v)
    v["begin"] = "refused = 0\n" if refuses and counts else ""
    v["or"] = "refused += 1\ncontinue" if refuses and counts else "continue"
    v["else"] = "else:\n    refused += 1" if refuses and counts else ""
    plain = (
        "$sum = $start\nfor $each in $bookings:\n    $sum += $cost\nreturn $sum",
        "return $start + sum($cost for $each in $bookings)",
    )
    checked = (
        """
        $begin$sum = $start
        for $each in $bookings:
            after = $sum + $cost
            if after < $limit:
                $or
            $sum = after
        return $result
        """,
        """
        $begin$sum = $start
        for $each in $bookings:
            if $sum + $cost >= $limit:
                $sum += $cost
            $else
        return $result
        """,
    )
    body = draw.source(*(checked if refuses else plain), **v)
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def step(state: tuple[int, int], change: int) -> tuple[int, int]:
        there = state[0] + change - (v["fee"] if pays and change < 0 else 0)
        return (state[0], state[1] + 1) if refuses and v["limit"] > there else (there, state[1])

    def oracle(changes: list[int], opening: int) -> object:
        found = reduce(step, changes, (opening, 0))
        return found if refuses and counts else found[0]

    rules = f"Every negative amount costs {v['fee']} more. " if pays else ""
    rules += fill("A booking that would take the balance below $limit is not made. ", **v) if refuses else ""
    rules += "Return the balance at the end" + (
        " and the number of bookings not made, as a tuple." if refuses and counts else "."
    )
    return Drawn(
        call=draw.choice(("book_all", "final_balance", "run_account", "settle")),
        parameters=(Parameter(v["bookings"], CHANGES), Parameter(v["start"], START)),
        returns="tuple[int, int]" if refuses and counts else "int",
        say=draw.say(
            "An account holds `$start` and is booked on with the amounts in `$bookings`, in order; negative ones are "
            "withdrawals. $rules",
            "Begin with a balance of `$start`, and add the numbers of `$bookings` to it one after the other. $rules",
            "Work through the list `$bookings` of deposits (positive) and withdrawals (negative) for an account whose "
            "first balance is `$start`. $rules",
            rules=rules,
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Keep the balance and go through the bookings one by one; each is booked as the rules say.",
        difficulty=3 if refuses and pays else 2,
    )


@family("simulation", 2, 3)
def battery_that_charges(draw: Draw) -> Drawn:
    """A level between nothing and full: how often it hits an end, or what is lost there."""
    v: dict[str, Any] = {
        "changes": draw.name("changes", "flows", "hours", "readings"),
        "each": draw.name("change", "flow", "delta"),
        "level": draw.name("level", "charge", "stored"),
        "full": draw.integer(20, 60),
        "first": draw.integer(0, 20),
        "thing": draw.choice(("battery", "tank", "reservoir", "buffer")),
    }
    kind, words = draw.choice(
        (
            ("lost", "how much could not be stored in all because it was full"),
            ("lacking", "how much was asked for in all that was not there"),
            ("level", "how much it holds at the end"),
            ("empty", "after how many changes it is empty"),
        )
    )
    v["note"] = fill(
        {
            "lost": "total += max(0, $level + $each - $full)",
            "lacking": "total += max(0, -($level + $each))",
            "level": "",
            "empty": "",
        }[kind],
        **v,
    )
    v["after"] = fill("total += $level == 0", **v) if kind == "empty" else ""
    v["begin"] = "" if kind == "level" else "total = 0\n"
    v["result"] = v["level"] if kind == "level" else "total"
    body = draw.source(
        """
        $begin$level = $first
        for $each in $changes:
            $note
            $level = min($full, max(0, $level + $each))
            $after
        return $result
        """,
        """
        $begin$level = $first
        for $each in $changes:
            $note
            $level += $each
            if $level < 0:
                $level = 0
            elif $level > $full:
                $level = $full
            $after
        return $result
        """,
        **v,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(changes: list[int]) -> Any:
        levels = list(accumulate(changes, lambda at, by: sorted((0, at + by, v["full"]))[1], initial=v["first"]))
        ways = [(at + by, after) for at, by, after in zip(levels, changes, levels[1:], strict=False)]
        return {
            "lost": sum(there - after for there, after in ways if there > after),
            "lacking": sum(after - there for there, after in ways if after > there),
            "level": levels[-1],
            "empty": levels[1:].count(0),
        }[kind]

    return Drawn(
        call=draw.choice(("run_battery", "storage_log", "tank_run", "keep_level")),
        parameters=(Parameter(v["changes"], CHANGES),),
        returns="int",
        say=draw.say(
            "A $thing holds at most $full and has $first in it. The numbers in `$changes` are added to what it holds, "
            "one after the other, but it never holds less than 0 or more than $full. Return $words.",
            "Simulate a $thing of size $full with $first in it at first: each number in `$changes` fills it (positive) "
            "or empties it (negative), as far as that is possible. Return $words.",
            "For a $thing that begins with $first, `$changes` lists what flows in (positive) and out (negative). What "
            "it holds stays between 0 and $full. Find $words.",
            **v,
            words=words,
        ),
        body=body,
        oracle=oracle,
        idea="Add each change, cut the level off at both ends, and note what is asked for.",
        contracts=("result >= 0",),
        difficulty=2 if kind == "level" else 3,
    )


@family("simulation", 3, 4)
def stock_that_is_reordered(draw: Draw) -> Drawn:
    """Daily demand, and an order that comes some days after the stock was low."""
    v: dict[str, Any] = {
        "demands": draw.name("demands", "sales", "wanted"),
        "stock": draw.name("stock", "on_hand", "store"),
        "day": draw.name("day", "i", "today"),
        "first": draw.integer(5, 15),
        "low": draw.integer(2, 6),
        "size": draw.integer(6, 15),
        "delay": draw.integer(1, 3),
    }
    v |= {"days": counted(v["delay"], "day"), "mornings": counted(v["delay"], "morning")}
    kind, words = draw.choice(
        (
            ("missed", "the number of pieces in all that were asked for and not there"),
            ("stock", "the stock after the last day"),
            ("orders", "the number of orders"),
        )
    )
    v["result"] = {"missed": "missed", "stock": v["stock"], "orders": "len(arrivals)"}[kind]
    v["begin"] = "missed = 0\n" if kind == "missed" else ""
    v["miss"] = "missed += wanted - sold\n" if kind == "missed" else ""
    v["want"] = "wanted" if v["demands"] != "wanted" else "asked"
    v["miss"] = v["miss"].replace("wanted", v["want"])
    body = draw.source(
        """
        $begin$stock = $first
        arrivals = {}
        due = -1
        for $day, $want in enumerate($demands):
            $stock += arrivals.get($day, 0)
            sold = min($stock, $want)
            $miss$stock -= sold
            if $stock < $low and due <= $day:
                due = $day + $delay
                arrivals[due] = $size
        return $result
        """,
        """
        $begin$stock, arrivals = $first, []
        for $day in range(len($demands)):
            if arrivals and arrivals[-1] == $day:
                $stock += $size
            $want = $demands[$day]
            sold = $want if $want <= $stock else $stock
            $miss$stock -= sold
            if $stock < $low and not (arrivals and arrivals[-1] > $day):
                arrivals.append($day + $delay)
        return $result
        """,
        **v,
    )

    def oracle(demands: list[int]) -> Any:
        on_the_way: list[int] = []
        left, missed, orders = v["first"], 0, 0
        for wanted in demands:
            on_the_way = [days - 1 for days in on_the_way]
            left += v["size"] * on_the_way.count(0)
            on_the_way = [days for days in on_the_way if days]
            missed += len(range(left, wanted))
            left = len(range(wanted, left))
            if not on_the_way and left not in range(v["low"], 1000):
                on_the_way.append(v["delay"])
                orders += 1
        return {"missed": missed, "stock": left, "orders": orders}[kind]

    return Drawn(
        call=draw.choice(("run_stock", "shop_days", "warehouse", "inventory")),
        parameters=(Parameter(v["demands"], DEMANDS),),
        returns="int",
        say=draw.say(
            "A shop has $first pieces. Each day first what was ordered $days before comes in, then as many "
            "pieces as are there of that day's number in `$demands` are sold. If fewer than $low are left then and no "
            "order is on its way, $size pieces are ordered. Return $words.",
            "Simulate the days of `$demands`, whose numbers say how many pieces are asked for. The stock is $first at "
            "first; what is not there is not sold. When a day ends with a stock below $low and nothing is on its way, "
            "$size are ordered, which come in $days later before sales begin. Return $words.",
            "The list `$demands` holds how many pieces customers want on each day, and a store has $first. In the "
            "evening, if there are less than $low pieces and no order is open, it orders $size pieces, which are there "
            "$mornings later. Customers get what is left at most. Find $words.",
            **v,
            words=words,
        ),
        body=body,
        oracle=oracle,
        idea="Go day by day and keep the stock and the day on which an open order arrives.",
        contracts=("result >= 0",),
        difficulty=4 if kind == "missed" else 3,
    )


@family("simulation", 2, 3)
def growth_until_a_bound(draw: Draw) -> Drawn:
    """A number grows by a drawn rule each round; rounds are counted, or it is asked for."""
    v: dict[str, Any] = {
        "start": draw.name("start", "first", "seed"),
        "bound": draw.name("target", "goal", "bound"),
        "now": draw.name("now", "size", "amount", "total"),
        "rounds": draw.name("rounds", "days", "turns"),
        "k": draw.integer(2, 3),
        "m": draw.integer(1, 9),
    }
    rules: tuple[tuple[str, str, Callable[[int], Any] | None], ...] = (
        (
            f"is multiplied by {v['k']} and {v['m']} is added",
            "$now = $k * $now + $m",
            lambda x: x * v["k"] + v["m"],
        ),
        (
            f"grows by a {('half', 'third')[v['k'] - 2]} of itself, rounded down, and by {v['m']}",
            "$now += $now // $k + $m",
            lambda x: x + (x - x % v["k"]) // v["k"] + v["m"],
        ),
        (
            f"grows by {v['m']} if it is even and doubles if it is odd",
            "$now = $now + $m if $now % 2 == 0 else 2 * $now",
            lambda x: x + (x if x & 1 else v["m"]),
        ),
        (f"grows by the number of the round (1 in the first) plus {v['m']}", "$now += $rounds + 1 + $m", None),
    )
    words, source, rule = draw.choice(rules)
    wants_rounds = draw.chance()
    v["step"] = fill(source, **v)
    body = draw.source(
        """
        $now, $rounds = $start, 0
        while $now < $bound:
            $step
            $rounds += 1
        return $result
        """,
        """
        $now = $start
        $rounds = 0
        while True:
            if $now >= $bound:
                return $result
            $step
            $rounds += 1
        """,
        **v,
        result=v["rounds"] if wants_rounds else v["now"],
    )

    def oracle(first: int, goal: int) -> Any:
        sizes = [first]
        while not max(sizes) >= goal:
            count = len(sizes)
            later = first + count * (count + 1) // 2 + v["m"] * count
            sizes.append(later if rule is None else rule(sizes[-1]))
        return len(sizes) - 1 if wants_rounds else sizes[-1]

    return Drawn(
        call=draw.choice(("grow", "until_enough", "rounds_of_growth", "reach")),
        parameters=(Parameter(v["start"], SMALL), Parameter(v["bound"], MANY)),
        returns="int",
        say=draw.say(
            "A number is `$start` at first. As long as it is less than `$bound`, there is another round, in which it "
            "$words. Return $result.",
            "Repeat rounds while the number, which begins as `$start`, is below `$bound`: in each round it $words. "
            "There may be no round at all. Return $result.",
            "Start with `$start` and stop as soon as the number is at least `$bound`. Otherwise, in every round it "
            "$words. Find $result.",
            **v,
            words=words,
            result="how many rounds there are" if wants_rounds else "the number at the end",
        ),
        body=body,
        oracle=oracle,
        idea="Apply the rule again and again until the bound is reached.",
        contracts=("result >= 0",) if wants_rounds else (fill("result >= $bound", **v),),
        difficulty=2 if rule is None or "multiplied" in words else 3,
    )
