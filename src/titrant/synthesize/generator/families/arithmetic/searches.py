"""Amounts paid in coins, and roots that are searched for."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import POSITIVE, WHOLE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_count, a_number
from titrant.synthesize.generator.pieces import joined


@family("arithmetic", 2)
def paid_in_coins(draw: Draw) -> Drawn:
    """Change by always taking the greatest coin: how many, which, what is left."""
    coins = sorted(
        draw.sample((2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 60), draw.integer(2, 4)), reverse=True
    )
    ask = draw.choice(("count", "table", "rest", "list", "both"))
    amount, coin = draw.name("amount", "sum_due", "price", "n"), draw.name("coin", "value", "piece")
    used, times = draw.name("used", "taken", "change"), draw.name("times", "number_of", "many")
    parts = {"amount": amount, "coin": coin, "used": used, "times": times, "coins": f"({', '.join(map(str, coins))})"}
    asked = {
        "count": "how many coins are taken",
        "table": "a dictionary from each coin that is taken to how often it is",
        "rest": "the amount that is left unpaid",
        "list": "the list of the coins in the order in which they are taken",
        "both": "a tuple of the number of coins taken and the amount that is left",
    }[ask]

    def oracle(given: int) -> object:
        found: list[int] = []
        while any(each <= given for each in coins):
            found.append(max(each for each in coins if each <= given))
            given -= found[-1]
        whole: dict[str, object] = {"count": len(found), "rest": given, "list": found, "both": (len(found), given)}
        return {each: found.count(each) for each in coins if each in found} if ask == "table" else whole[ask]

    begin = {"table": f"{used} = {{}}", "list": f"{used} = []", "rest": ""}.get(ask, f"{used} = 0")
    store = {
        "count": f"{used} += {times}",
        "both": f"{used} += {times}",
        "table": f"if {times}:\n    {used}[{coin}] = {times}",
        "list": f"{used}.extend([{coin}] * {times})",
    }.get(ask, "")
    once = {
        "count": f"{used} += 1",
        "both": f"{used} += 1",
        "table": f"{used}[{coin}] = {used}.get({coin}, 0) + 1",
        "list": f"{used}.append({coin})",
    }.get(ask, "")
    end = {"rest": amount, "both": f"{used}, {amount}"}.get(ask, used)
    if ask == "rest":
        body = written(
            draw,
            """
            for $coin in $coins:
                $amount %= $coin
            return $amount
            """,
            """
            for $coin in $coins:
                while $amount >= $coin:
                    $amount -= $coin
            return $amount
            """,
            """
            def pay(left, $coin):
                return left if left < $coin else pay(left - $coin, $coin)

            return reduce(pay, $coins, $amount)
            """,
            **parts,
        )
    else:
        body = written(
            draw,
            """
            $begin
            for $coin in $coins:
                $times, $amount = divmod($amount, $coin)
                $store
            return $end
            """,
            """
            $begin
            for $coin in $coins:
                while $amount >= $coin:
                    $amount -= $coin
                    $once
            return $end
            """,
            begin=begin,
            store=store,
            once=once,
            end=end,
            **parts,
        )
    returns = {"table": "dict[int, int]", "list": "list[int]", "both": "tuple[int, int]"}.get(ask, "int")
    return Drawn(
        call=draw.choice(("pay_greedily", "greedy_change", "hand_out", "take_coins")),
        parameters=(Parameter(amount, POSITIVE),),
        returns=returns,
        say=draw.say(
            "An amount of `$amount` (at least 1) is paid with coins of $coins, always with the greatest coin that is "
            "not more than what is still to be paid, until none fits. Return $asked.",
            "Pay `$amount`, a positive number, as follows: as long as one of the coins $coins is at most the amount "
            "that is left, take the greatest such coin. Return $asked.",
            "There are coins of $coins. Starting with the amount `$amount`, greedily subtract the greatest coin that "
            "does not exceed what remains, and stop when all coins are too great. Return $asked.",
            amount=amount,
            coins=joined([str(coin) for coin in coins]),
            asked=asked,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "Go through the coins from the greatest to the smallest; each is given as often as it fits into "
            "what is left, and the rest goes on to the next."
        ),
        contracts=("result >= 0",) if returns == "int" else (),
        difficulty=2,
    )


@family("arithmetic", 3)
def root_by_halving(draw: Draw) -> Drawn:
    """The greatest number whose polynomial value does not exceed a bound, by search."""
    power, factor, linear = draw.choice((2, 2, 3)), draw.choice((1, 1, 2, 3)), draw.choice((0, 0, 1, 2, 5, 10))
    plus, up = draw.choice((0, 0, 1, 4)), draw.chance(0.4)
    n, low, high = a_number(draw), draw.name("low", "lo", "left"), draw.name("high", "hi", "right")
    middle, x = draw.name("middle", "mid", "probe"), draw.name("x", "root", "candidate")
    count = a_count(draw)

    def formula(of: str) -> str:
        text = (f"{factor} * " if factor > 1 else "") + f"{of} ** {power}"
        text += (f" + {linear} * {of}" if linear > 1 else f" + {of}") if linear else ""
        return text + (f" + {plus}" if plus else "")

    parts = {"n": n, "low": low, "high": high, "middle": middle, "x": x, "count": count}
    parts |= {"at_middle": formula(middle), "at_x": formula(x), "at_next": formula(f"({x} + 1)")}
    said = formula("x").replace(" ** 2", "^2").replace(" ** 3", "^3").replace(" * ", "*")

    def oracle(bound: int) -> int:
        values = [factor * k**power + linear * k + plus for k in range(110)]
        return (
            next(k for k in range(110) if values[k] >= bound)
            if up
            else max([-1] + [k for k in range(110) if values[k] <= bound])
        )

    which = "smallest whole number x from 0 on" if up else "greatest whole number x, at least 0,"
    words = {"n": n, "said": said, "which": which, "compare": "at least" if up else "at most"}
    words["none"] = "" if up or not plus else " If there is no such x, return -1."
    styles = (
        (
            """
            $low, $high = 0, $n
            while $low < $high:
                $middle = ($low + $high) // 2
                if $at_middle >= $n:
                    $high = $middle
                else:
                    $low = $middle + 1
            return $low
            """,
            """
            $x = 0
            while $at_x < $n:
                $x += 1
            return $x
            """,
            """
            return next($x for $x in range($n + 1) if $at_x >= $n)
            """,
        )
        if up
        else (
            """
            $low, $high = -1, $n + 1
            while $high - $low > 1:
                $middle = ($low + $high) // 2
                if $at_middle <= $n:
                    $low = $middle
                else:
                    $high = $middle
            return $low
            """,
            """
            $x = -1
            while $at_next <= $n:
                $x += 1
            return $x
            """,
            """
            for $x in itertools.count():
                if $at_x > $n:
                    return $x - 1
            """,
        )
    )
    body = written(draw, *styles, **parts)
    return Drawn(
        call=draw.choice(("root_by_search", "inverse_value", "largest_fit" if not up else "first_fit", "solve_bound")),
        parameters=(Parameter(n, WHOLE),),
        returns="int",
        say=draw.say(
            "Return the $which for which $said is $compare `$n` (^ stands for powers). `$n` is not negative.$none",
            "Consider the value of $said for x = 0, 1, 2 and so on, where ^ means to the power of. Find the $which "
            "whose value is $compare `$n`, a number that is 0 or greater.$none",
            "For a number `$n` that is at least 0, find the $which such that $said, with ^ for powers, is $compare "
            "`$n`.$none",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "The values grow with x, so there is one place at which they pass the number, and it can be searched for."
        ),
        contracts=("result >= 0",) if up else ("result >= -1",),
        difficulty=3,
    )
