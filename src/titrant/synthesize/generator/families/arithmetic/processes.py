"""Numbers that follow from each other: Euclid's steps, growth, patterns."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import POSITIVE, TINY
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_count
from titrant.synthesize.generator.pieces import number_change, telling_test


@family("arithmetic", 3)
def steps_of_euclid(draw: Draw) -> Drawn:
    """The quotients that Euclid's algorithm meets: listed, counted, added up."""
    ask, nearest = draw.choice(("list", "count", "sum", "greatest")), draw.chance(0.3)
    test, change, q = telling_test(draw, 1, 9), number_change(draw), draw.name("q", "each", "part")
    a, b, found = draw.name("a", "p", "upper"), draw.name("b", "q", "lower"), draw.name("quotients", "parts", "steps")
    end = {
        "list": f"[{change.of(q)} for {q} in {found}]",
        "count": f"sum(1 for {q} in {found} if {test.of(q)})",
        "sum": f"sum({q} for {q} in {found} if {test.of(q)})",
        "greatest": f"max({change.of(q)} for {q} in {found})",
    }[ask]
    asked = {
        "list": f"the list of all quotients in their order, each replaced by {change.words}",
        "count": f"how many of the quotients are {test.words}",
        "sum": f"the sum of those quotients that are {test.words}",
        "greatest": f"the greatest number that comes out when each quotient is replaced by {change.words}",
    }[ask]
    up = nearest
    parts = {"a": a, "b": b, "found": found, "end": end}
    parts["step"] = (
        f"{found}.append(-(-{a} // {b}))\n{a}, {b} = {b}, -{a} % {b}"
        if up
        else f"{found}.append({a} // {b})\n{a}, {b} = {b}, {a} % {b}"
    )
    parts["pair"] = (
        f"quotient = -(-{a} // {b})\nrest = quotient * {b} - {a}" if up else f"quotient, rest = divmod({a}, {b})"
    )
    parts["deep"] = "[-(-x // y), *chain(y, -x % y)]" if up else "[x // y, *chain(y, x % y)]"

    def oracle(upper: int, lower: int) -> list[int] | int:
        found: list[int] = []
        value = Fraction(upper, lower)
        while True:
            whole = -int(-value // 1) if up else int(value // 1)
            found.append(whole)
            rest = whole - value if up else value - whole
            if rest == 0:
                break
            value = 1 / rest
        chosen, changed = list(filter(test.call, found)), [int(change.call(each)) for each in found]
        if ask == "list":
            return changed
        numbers: dict[str, int] = {"count": len(chosen), "sum": sum(chosen), "greatest": max(changed)}
        return numbers[ask]

    kind = (
        "the quotient rounded up, and what this is too much, multiplied out: the quotient times the second number, "
        "minus the first"
        if up
        else "the quotient rounded down and the remainder"
    )
    rest = "rest" if not up else "excess"
    words = {"a": a, "b": b, "asked": asked, "kind": kind, "rest": rest}
    return Drawn(
        call=draw.choice(("euclid_quotients", "continued_division", "division_chain", "quotients_of_pair")),
        parameters=(Parameter(a, POSITIVE), Parameter(b, POSITIVE)),
        returns="list[int]" if ask == "list" else "int",
        say=draw.say(
            "Divide the first of two positive numbers by the second: note $kind. Then go on with the second number and "
            "that $rest, until the $rest is 0. Starting with `$a` and `$b`, return $asked.",
            "Return $asked in the following process for the positive numbers `$a` and `$b`. From a pair, a division "
            "gives $kind; the second number and this $rest form the next pair. It ends when the $rest is 0.",
            "The numbers `$a` and `$b`, both at least 1, make a pair. A division of the first by the second yields "
            "$kind. As long as the $rest is not 0, the pair becomes the second number with the $rest, and is divided "
            "again. Return $asked.",
            **words,
        ),
        body=written(
            draw,
            """
            $found = []
            while $b:
                $step
            return $end
            """,
            """
            $found = []
            rest = 1
            while rest > 0:
                $pair
                $found.append(quotient)
                $a, $b = $b, rest
            return $end
            """,
            """
            def chain(x, y):
                if y == 0:
                    return []
                return $deep

            $found = chain($a, $b)
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea="This is Euclid's algorithm with its quotients written down; they are those of the continued fraction of "
        "the two numbers.",
        contracts=("len(result) >= 1",) if ask == "list" else ("result >= 0",) if ask == "count" else (),
        difficulty=3,
    )


@family("arithmetic", 2)
def growth_until(draw: Draw) -> Drawn:
    """An amount that grows by a rate with rounding and pays a fixed sum: its course."""
    rate, fee, ask = draw.choice((5, 8, 10, 12, 15, 20, 25)), draw.integer(0, 6), draw.choice(("amount", "years"))
    up = draw.chance()
    amount, years = draw.name("amount", "balance", "stock", "capital"), draw.name("years", "periods", "rounds")
    goal, count = draw.name("goal", "target", "wanted"), a_count(draw)
    gain = f"-(-{amount} * {rate} // 100)" if up else f"{amount} * {rate} // 100"
    paid = f" - {fee}" if fee else ""
    limit = 40
    parts = {"amount": amount, "years": years, "goal": goal, "count": count, "gain": gain, "paid": paid, "limit": limit}
    words = {
        "amount": amount,
        "years": years,
        "goal": goal,
        "rate": rate,
        "way": "up" if up else "down",
        "limit": limit,
    }
    words["fee"] = f", and then {fee} is taken away, but never more than is there" if fee else ""
    parts["last"] = f"\n{amount} = max(0, {amount})" if fee else ""

    def grown(value: int) -> int:
        more = value * rate
        while more % 100:
            more += 1 if up else -1
        return max(0, value + more // 100 - fee)

    def amount_after(value: int, turns: int) -> int:
        return value if turns == 0 else grown(amount_after(value, turns - 1))

    def years_until(value: int, wanted: int) -> int:
        return next((turn for turn in range(limit + 1) if amount_after(value, turn) >= wanted), -1)

    if ask == "amount":
        body = written(
            draw,
            """
            for _ in range($years):
                $amount += $gain$paid$last
            return $amount
            """,
            """
            def after(turns, $amount):
                if turns == 0:
                    return $amount
                $amount += $gain$paid$last
                return after(turns - 1, $amount)

            return after($years, $amount)
            """,
            **parts,
        )
    else:
        body = written(
            draw,
            """
            for $count in range($limit + 1):
                if $amount >= $goal:
                    return $count
                $amount += $gain$paid$last
            return -1
            """,
            """
            $count = 0
            while $amount < $goal and $count <= $limit:
                $amount += $gain$paid$last
                $count += 1
            return $count if $count <= $limit else -1
            """,
            **parts,
        )
    if ask == "amount":
        say = draw.say(
            "An amount starts at `$amount`. In each of `$years` periods it grows by $rate percent, the gain being "
            "rounded $way to a whole number$fee. Return the amount at the end.",
            "Return what `$amount` has become after `$years` periods. In a period, $rate percent of the current "
            "amount, rounded $way to a whole number, are added to it$fee.",
            "Simulate `$years` periods for the number `$amount`: every time $rate percent of it (rounded $way to whole "
            "units) come on top$fee. The result is the number that is reached.",
            **words,
        )
    else:
        say = draw.say(
            "An amount starts at `$amount` and grows by $rate percent each period, the gain being rounded $way to a "
            "whole number$fee. Return after how many periods it is first at least `$goal` (0 if it is from the "
            "start), or -1 if $limit periods are not enough.",
            "Count the periods that `$amount` needs to become `$goal` or more, when each period adds $rate percent of "
            "the current amount, rounded $way to a whole number$fee. Return this count, which is 0 if no period is "
            "needed, or -1 if it would be more than $limit.",
            "Return the least number of periods, at most $limit, after which an amount that begins with `$amount` has "
            "reached `$goal`. One period adds $rate percent, rounded $way to a whole number$fee. Return -1 if there "
            "is no such number.",
            **words,
        )
    return Drawn(
        call=draw.choice(
            ("grow", "compound", "let_grow", "growth")
            if ask == "amount"
            else ("periods_needed", "time_to_goal", "wait_for")
        ),
        parameters=(
            Parameter(amount, POSITIVE),
            Parameter(years if ask == "amount" else goal, TINY if ask == "amount" else POSITIVE),
        ),
        returns="int",
        say=say,
        body=body,
        oracle=amount_after if ask == "amount" else years_until,
        idea="Whole numbers have to be rounded in every period, so no formula replaces the loop over the periods.",
        contracts=("result >= 0" if ask == "amount" else f"-1 <= result <= {limit}",),
        difficulty=2,
    )


@family("arithmetic", 2)
def figurate(draw: Draw) -> Drawn:
    """Numbers of a quadratic pattern: which are below a bound, or how far a number is from the nearest."""
    a, b, c = draw.choice(
        ((1, 1, 0), (1, 0, 0), (1, 0, 1), (2, 1, 0), (2, -1, 0), (1, 1, 1), (3, -1, 0), (1, 3, 2), (2, 0, -1))
    )
    half = (a + b) % 2 == 0 and c == 0 and draw.chance(0.7)
    ask = draw.choice(("list", "below", "above", "distance", "is"))
    n, k, found = (
        draw.name("n", "limit", "bound", "number"),
        draw.name("k", "i", "side"),
        draw.name("found", "pattern", "members"),
    )
    member = draw.name("member", "figure", "reached")
    terms = [f"{k} * {k}" if a == 1 else f"{a} * {k} * {k}"]
    terms += [f"{'-' if b < 0 else '+'} {k if abs(b) == 1 else f'{abs(b)} * {k}'}"] if b else []
    terms += [f"{'-' if c < 0 else '+'} {abs(c)}"] if c else []
    source = " ".join(terms)
    source = f"({source}) // 2" if half else source
    formula = source.replace("//", "/").replace(k, "k")
    parts = {"n": n, "k": k, "found": found, "member": member, "formula": source}
    parts["end"] = {
        "list": found,
        "below": f"{found}[-1] if {found} else 0",
        "above": member,
        "distance": f"min(abs({n} - each) for each in [*{found}, {member}])",
        "is": f"{n} in {found}",
    }[ask]
    asked = {
        "list": f"the ascending list of the pattern numbers that are at most `{n}`",
        "below": f"the greatest pattern number that is at most `{n}`, or 0 if all are greater",
        "above": f"the smallest pattern number that is greater than `{n}`",
        "distance": f"the distance from `{n}` to the nearest pattern number",
        "is": f"whether `{n}` is a pattern number",
    }[ask]

    def oracle(bound: int) -> list[int] | int | bool:
        gaps = (a * (2 * turn - 1) + b for turn in range(1, bound + 5))
        members = [(each + c) // 2 if half else each + c for each in accumulate(gaps)]
        if ask == "is":
            return any(each == bound for each in members)
        if ask in ("above", "distance"):
            return (
                min(each for each in members if each > bound)
                if ask == "above"
                else min(abs(each - bound) for each in members)
            )
        low = [each for each in members if not each > bound]
        return low if ask == "list" else max([0, *low])

    return Drawn(
        call=draw.choice(("pattern_numbers", "figurate", "pattern_search", "look_up_pattern")),
        parameters=(Parameter(n, POSITIVE),),
        returns={"list": "list[int]", "is": "bool"}.get(ask, "int"),
        say=draw.say(
            "The pattern numbers are the values of $rule for k = 1, 2, 3 and so on. Return $asked.",
            "Call a number a pattern number if it equals $rule for some whole number k that is at least 1. Return "
            "$asked.",
            "Insert the positive whole numbers one after the other for k in $rule; this gives the pattern numbers. "
            "Find out $asked.",
            rule=formula.replace(" * ", "*"),
            asked=asked,
        ),
        body=written(
            draw,
            """
            $found = []
            $k = 1
            $member = $formula
            while $member <= $n:
                $found.append($member)
                $k += 1
                $member = $formula
            return $end
            """
            if ask != "above"
            else """
            $k = 1
            while $formula <= $n:
                $k += 1
            return $formula
            """,
            """
            $found = [$formula for $k in range(1, $n + 1) if $formula <= $n]
            return $end
            """
            if ask in ("list", "below", "is")
            else """
            $k = 1
            $member = $formula
            gap = abs($n - $member)
            while $member <= $n:
                $k += 1
                $member = $formula
                gap = min(gap, abs($n - $member))
            return $which
            """,
            which="gap" if ask == "distance" else member,
            **parts,
        ),
        oracle=oracle,
        idea="The pattern grows, so its members up to the bound are soon made, and they lead to the answer.",
        contracts=(f"all(x <= {n} for x in result)",)
        if ask == "list"
        else (f"result > {n}",)
        if ask == "above"
        else (),
        difficulty=2,
    )
