"""Buying and selling day by day."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.conditions import imports
from titrant.synthesize.generator.family import Drawn, Parameter, family

PRICES = Lists(Integers(1, 20), 0, 7)


_TRADING_TEMPLATES = (
    (
        """
        free, holding = 0, None
        for price in $prices:
            sold = free if holding is None else max(free, holding + price$fee)
            holding = free - price$cost if holding is None else max(holding, free - price$cost)
            free = sold
        return free
        """,
        """
        @cache
        def best(day, holding):
            if day == len($prices):
                return 0
            wait = best(day + 1, holding)
            if holding:
                return max(wait, $prices[day] $fee + best(day + 1, False))
            return max(wait, best(day + 1, True) - $prices[day]$cost)

        return max(0, best(0, False))
        """,
    ),
    (
        """
        ready, resting, holding = 0, 0, None
        for price in $prices:
            sold = resting if holding is None else max(resting, holding + price$fee)
            holding = ready - price$cost if holding is None else max(holding, ready - price$cost)
            ready, resting = max(ready, resting), sold
        return max(ready, resting)
        """,
        """
        @cache
        def best(day, holding):
            if day >= len($prices):
                return 0
            wait = best(day + 1, holding)
            if holding:
                return max(wait, $prices[day]$fee + best(day + 2, False))
            return max(wait, best(day + 1, True) - $prices[day]$cost)

        return max(0, best(0, False))
        """,
    ),
    (
        """
        free, holding = [0] * ($k + 1), [None] * ($k + 1)
        for price in $prices:
            for count in range($k, 0, -1):
                if holding[count] is not None:
                    free[count] = max(free[count], holding[count] + price$fee)
                bought = free[count - 1] - price$cost
                if holding[count] is None or bought > holding[count]:
                    holding[count] = bought
        return max(free)
        """,
        """
        best = [0] * (len($prices) + 1)
        for _ in range($k):
            after = [0] * (len($prices) + 1)
            for sale in range(len($prices)):
                gains = [$prices[sale] - $prices[day]$both + best[day] for day in range(sale)]
                after[sale + 1] = max(gains + [after[sale]])
            best = after
        return best[-1]
        """,
    ),
)


def _trading(draw: Draw, kind: int) -> Drawn:
    """The greatest profit of buying and selling one thing in turn, with a fee, a rest or few trades."""
    k, fee, cost = draw.integer(1, 4), draw.integer(0, 7), draw.integer(0, 5)
    fee += (kind == 0) * (fee + cost == 0)
    rule = (
        "a sale can be followed by a purchase on the next day",
        "after a sale at least one day must pass before the next purchase (a sale on one day allows a purchase two "
        "days later)",
        f"at most {k} sales are made" if k > 1 else "only one sale is made at most",
    )[kind]
    fees = [f"every sale costs a fee of {fee}"] * (fee > 0)
    fees += [f"every purchase costs {cost} on top of the price"] * (cost > 0)
    rule = ", ".join(fees) + " and " * bool(fees) + rule
    call = draw.name("best_profit", "trade_days", "market_gain", "deal_profit")
    prices = draw.name("prices", "rates", "quotes")
    names = {"prices": prices, "k": k, "rule": rule, "fee": f" - {fee}" * (fee > 0), "cost": f" - {cost}" * (cost > 0)}
    names["both"] = f" - {fee + cost}" * (fee + cost > 0)

    def oracle(given: list[int]) -> int:
        def rest(day: int, left: int) -> int:
            found = [0]
            for a in range(day, len(given)):
                for b in range(a + 1, len(given)):
                    if left > 0:
                        gain = given[b] - given[a] - fee - cost
                        if gain > 0:
                            found.append(gain + rest(b + 1 + (kind == 1), left - 1))
            return max(found)

        return rest(0, k if kind == 2 else 9)

    body = draw.source(*_TRADING_TEMPLATES[kind], **names)
    return Drawn(
        call=call,
        parameters=(Parameter(prices, PRICES),),
        returns="int",
        say=draw.say(
            "Return the greatest total gain from trading one object whose price on each day is given by `$prices`. It "
            "is bought on one day and sold on a later one, as often as one likes but never owned twice at a time and "
            "with at most one deal a day, where $rule. Without any deal the gain is 0.",
            "Advise a merchant who may buy an object and sell it on a later day, again and again, but who never holds "
            "two and makes at most one deal (a purchase or a sale) a day. Day by day the price is an entry of "
            "`$prices`, and $rule. Return the greatest possible gain, at least 0.",
            "Given the price of an object for each day in `$prices`, return how much can be earned at most by buying "
            "and later selling it, possibly several times. Only one object is held at a time, there is at most one "
            "purchase or sale on a day, and $rule. Doing nothing earns 0.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "On each day one either waits or deals; what counts is the best balance that can be had up to a "
            "day, or from it on."
        ),
        contracts=("result >= 0",),
        difficulty=4,
    )


@family("dynamic-programming", 4)
def trades_with_a_fee(draw: Draw) -> Drawn:
    """The greatest gain from buying and selling when sales cost a fee."""
    return _trading(draw, 0)


@family("dynamic-programming", 4)
def trades_with_a_rest(draw: Draw) -> Drawn:
    """The greatest gain from buying and selling with a day of rest after a sale."""
    return _trading(draw, 1)


@family("dynamic-programming", 4)
def few_trades(draw: Draw) -> Drawn:
    """The greatest gain from at most so many sales."""
    return _trading(draw, 2)
