"""Amounts put together from coins and steps; choices from a row of numbers."""

from __future__ import annotations

from itertools import combinations

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change

ROW = Lists(Integers(-9, 20), 0, 7)
COINS = Lists(Integers(1, 9), 1, 4, unique=True)
AMOUNT = Integers(0, 20)
STEPS = Integers(0, 10)


_CHOICE_WITH_GAPS_BODIES = (
    """
    $best = [0] * (len($values) + $next)
    for i, $x in enumerate($values):
        $best[i + $next] = max($best[i + $gap], $best[i] + $change)
    return $best[-1]
    """,
    """
    @cache
    def best_from(i):
        if i >= len($values):
            return 0
        return max(best_from(i + 1), $change_i + best_from(i + $next))

    return best_from(0)
    """,
    """
    $best = []
    for i, $x in enumerate($values):
        without = $best[i - 1] if i > 0 else 0
        before = $best[i - $next] if i >= $next else 0
        $best.append(max(without, before + $change))
    return $best[-1] if $best else 0
    """,
)


@family("dynamic-programming", 3)
def choice_with_gaps(draw: Draw) -> Drawn:
    """The greatest sum of changed numbers at positions that keep a distance."""
    gap, change = draw.integer(1, 3), number_change(draw)
    call = draw.name("best_choice", "spaced_sum", "pick_apart", "harvest")
    values, x, best = (
        draw.name("values", "numbers", "rewards"),
        draw.name("value", "reward", "number"),
        draw.name("best", "table"),
    )
    names = {
        "values": values,
        "x": x,
        "best": best,
        "gap": gap,
        "next": gap + 1,
        "change": change.of(x),
        "change_i": change.of(f"{values}[i]"),
        "words": change.words,
        "apart": "no two of them stand side by side"
        if gap == 1
        else f"between any two of them there are at least {gap} other positions",
        "none": "Choosing nothing is allowed and gives 0.",
    }

    def oracle(given: list[int]) -> int:
        found = [0]
        for k in range(1, len(given) + 1):
            for way in combinations(range(len(given)), k):
                if all(way[i + 1] - way[i] > gap for i in range(k - 1)):
                    found.append(sum(change.call(given[i]) for i in way))
        return sorted(found)[-1]

    body = draw.source(
        *_CHOICE_WITH_GAPS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(values, ROW),),
        returns="int",
        say=draw.say(
            "Choose positions of `$values` such that $apart, and return the greatest possible sum of what the chosen "
            "numbers become when each is replaced by $words. $none",
            "Take or leave each number in `$values`, but so that of those taken $apart. A number that is taken brings "
            "in $words. Return the greatest sum that can be brought in. $none",
            "Return the greatest total to be had from `$values` by taking numbers such that $apart, where taking a "
            "number adds $words. $none",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "Each number is either left out, or taken together with the best choice among the numbers far "
            "enough away on one side."
        ),
        contracts=("result >= 0",),
        difficulty=3,
    )


_FEWEST_COINS_BODIES = (
    """
    $table = [0] + [None] * $amount
    for part in range(1, $amount + 1):
        for coin in $coins:
            if coin <= part and $table[part - coin] is not None:
                cost = $table[part - coin] + $cost
                if $table[part] is None or cost $better $table[part]:
                    $table[part] = cost
    return -1 if $table[$amount] is None else $table[$amount]
    """,
    """
    @cache
    def cost_of(part):
        if part == 0:
            return 0
        costs = []
        for coin in $coins:
            before = cost_of(part - coin) if coin <= part else None
            if before is not None:
                costs.append(before + $cost)
        return $pick(costs, default=None)

    found = cost_of($amount)
    return -1 if found is None else found
    """,
    """
    $table = {0: 0}
    for part in range(1, $amount + 1):
        costs = [$table[part - coin] + $cost for coin in $coins if part - coin in $table]
        if costs:
            $table[part] = $pick(costs)
    return $table.get($amount, -1)
    """,
)


@family("dynamic-programming", 3)
def fewest_coins(draw: Draw) -> Drawn:
    """The fewest or most coins, or the least weight, that make an amount."""
    most, k = draw.chance(0.3), draw.integer(1, 9)
    words, source, meaning = one_of(
        draw,
        ("one", "1", lambda coin: 1),
        (f"{k}, or {k + 1} if its value is odd", f"{k} + coin % 2", lambda coin: k + 1 if coin & 1 else k),
        ("its value squared", "coin * coin", lambda coin: coin**2),
        (f"{k} minus its value, which may be negative", f"{k} - coin", lambda coin: -(coin - k)),
        (f"{k} plus its value", f"{k} + coin", lambda coin: coin - -k),
    )
    call = draw.name("coin_cost", "make_change", "pay_exactly", "coin_weight")
    coins, amount = draw.name("coins", "values", "stamps"), draw.name("amount", "total", "price")
    names = {
        "coins": coins,
        "amount": amount,
        "cost": source,
        "table": draw.name("table", "best", "cheapest"),
        "words": words,
        "pick": "max" if most else "min",
        "which": "greatest" if most else "least",
        "better": ">" if most else "<",
    }

    def oracle(given: list[int], goal: int) -> int:
        found = {0: {0}}
        for reached in range(goal):
            for coin in given:
                costs = {cost + meaning(coin) for cost in found.get(reached, ())}
                found.setdefault(reached + coin, set()).update(costs)
        return sorted(found[goal])[-1 if most else 0] if found.get(goal) else -1

    body = draw.source(
        *_FEWEST_COINS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(coins, COINS), Parameter(amount, AMOUNT)),
        returns="int",
        say=draw.say(
            "Pay `$amount` exactly with coins whose values are in `$coins`, each of which may be used any number of "
            "times. Every coin that is used counts $words. Return the $which total count, 0 for an amount of 0, and "
            "-1 if the amount cannot be paid.",
            "Return the $which weight of a heap of coins that are worth `$amount` together. There are as many coins "
            "as wanted of each value in `$coins`, and the weight of a coin is $words. No coins make 0 (with weight "
            "0); return -1 if no heap is worth the amount.",
            "Find the $which cost of making up `$amount` as a sum of numbers from `$coins`, which may be repeated. "
            "Using a number costs this much: $words. The empty sum costs 0. If the amount cannot be made, return -1.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "For every smaller amount the best way is known: the last coin of the best way for an amount is "
            "one of the coins, and what comes before is the best way for the rest."
        ),
        difficulty=3,
    )


_PAYING_WORDINGS = (
    "Return $what to make `$amount` out of the different values in `$coins`, each used $how. The order in which they "
    "are used does not matter, and 0 is made in one way, by using none.",
    "Look at the values in `$coins`, all different, each of which may be used $how. Return $what to choose how often "
    "each is used so that everything together is worth `$amount`.",
    "Count the collections of coins with a total of `$amount`, where the values of coins are those in `$coins` and a "
    "value may occur $how. Return $what; the empty collection is the only one worth 0.",
)


_PAYING_BOTH = (
    """
    @cache
    def ways_from(i, left):
        if i == len($coins):
            return 1 if left == 0 else 0
        coin = $coins[i]
        return sum(ways_from(i + 1, left - k * coin) for k in range($rest_most + 1))

    return ways_from(0, $amount)$mod
    """,
    """
    $ways = {0: 1}
    for coin in $coins:
        after = {}
        for part, count in $ways.items():
            for k in range($most + 1):
                if part + k * coin <= $amount:
                    after[part + k * coin] = after.get(part + k * coin, 0) + count
        $ways = after
    return $ways.get($amount, 0)$mod
    """,
)


def _paying(draw: Draw, limit: int) -> Drawn:
    """How many collections of coins are worth an amount, each value used as often as a rule allows."""
    modulus = draw.integer(2, 40) if draw.chance(0.7) else 0
    call = draw.name("count_payments", "ways_to_pay", "coin_collections", "payments")
    coins, amount = draw.name("coins", "values", "weights"), draw.name("amount", "total", "price")
    names = {
        "coins": coins,
        "amount": amount,
        "ways": draw.name("ways", "table", "counts"),
        "limit": limit,
        "how": "any number of times"
        if not limit
        else ("at most once", "at most twice", *(f"at most {k} times" for k in ("three", "four", "five")))[limit - 1],
        "most": f"{amount} // coin" if not limit else str(limit),
        "rest_most": "left // coin" if not limit else f"min(left // coin, {limit})",
        "mod": f" % {modulus}" if modulus else "",
        "what": f"how many ways there are, modulo {modulus}," if modulus else "how many ways there are",
    }

    def oracle(given: list[int], goal: int) -> int:
        choices = [range(0, (limit * coin if limit else goal) + 1, coin) for coin in given]
        totals = [0]
        for choice in choices:
            totals = [total + part for total in totals for part in choice if total + part <= goal]
        found = totals.count(goal)
        return found - found // modulus * modulus if modulus else found

    more = (
        """
            $ways = [1] + [0] * $amount
            for coin in $coins:
                for part in range(coin, $amount + 1):
                    $ways[part] += $ways[part - coin]
            return $ways[$amount]$mod
            """,
        """
            $ways = [1] + [0] * $amount
            for coin in $coins:
                for part in range($amount, coin - 1, -1):
                    $ways[part] += $ways[part - coin]
            return $ways[$amount]$mod
            """,
    )
    chosen = _PAYING_BOTH + more[limit : limit + 1]
    body = draw.source(*chosen, **names)
    return Drawn(
        call=call,
        parameters=(Parameter(coins, COINS), Parameter(amount, AMOUNT)),
        returns="int",
        say=draw.say(
            *_PAYING_WORDINGS,
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The values are treated one after the other: what one of them pays leaves a smaller amount for the others."
        ),
        contracts=("result >= 0",),
        difficulty=3,
    )


@family("dynamic-programming", 3)
def ways_to_pay_freely(draw: Draw) -> Drawn:
    """How many collections of coins are worth an amount."""
    return _paying(draw, 0)


@family("dynamic-programming", 3)
def ways_to_pay_sparingly(draw: Draw) -> Drawn:
    """How many collections are worth an amount, each value used at most so many times."""
    return _paying(draw, draw.integer(1, 5))


_SEQUENCES_OF_STEPS_BODIES = (
    """
    $ways = [1] + [0] * $n
    for part in range(1, $n + 1):
        if $bad:
            continue
        for step in $steps:
            if step <= part:
                $ways[part] += $ways[part - step]
    return $ways[$n]
    """,
    """
    @cache
    def ways_to(part):
        if part == 0:
            return 1
        if part < 0 or $bad:
            return 0
        return sum(ways_to(part - step) for step in $steps)

    return ways_to($n)
    """,
    """
    $ways = {0: 1}
    for part in range(1, $n + 1):
        $ways[part] = 0 if $bad else sum($ways.get(part - k, 0) for k in $steps)
    return $ways[$n]
    """,
)


@family("dynamic-programming", 2, 3)
def sequences_of_steps(draw: Draw) -> Drawn:
    """How many sequences of steps lead to a height, when some heights or repetitions are forbidden."""
    steps = sorted(draw.sample((1, 2, 3, 4, 5), draw.integer(2, 3)))
    k = draw.integer(3, 5)
    words, source, meaning = one_of(
        draw,
        (
            f"no step other than the last may end at a height divisible by {k}",
            f"$n != part and part % {k} == 0",
            lambda heights: not any(h // k * k == h for h in heights[1:-1]),
        ),
        (f"height {k} must not be stepped on", f"part == {k}", lambda heights: k not in heights),
        (
            f"heights that leave the remainder 1 when divided by {k} must not be stepped on",
            f"part % {k} == 1",
            lambda heights: not any((h - 1) // k * k == h - 1 for h in heights[1:]),
        ),
        (
            f"of the heights from {k} to {k + 1} none may be stepped on",
            f"{k} <= part <= {k + 1}",
            lambda heights: not {k, k + 1} & set(heights),
        ),
    )
    call = draw.name("climbs", "step_sequences", "ways_up", "stair_walks")
    n = draw.name("n", "top")
    names = {
        "n": n,
        "words": words,
        "bad": fill(source, n=n),
        "steps": f"({', '.join(map(str, steps))})",
        "named": " or ".join([", ".join(map(str, steps[:-1])), str(steps[-1])]),
        "ways": draw.name("ways", "counts"),
    }

    def oracle(given: int) -> int:
        done, paths = 0, [[0]]
        while paths:
            done += sum(path[-1] == given and meaning(path) for path in paths)
            paths = [[*path, path[-1] + step] for path in paths for step in steps if path[-1] + step <= given]
        return done

    body = draw.source(
        *_SEQUENCES_OF_STEPS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(n, STEPS),),
        returns="int",
        say=draw.say(
            "Return in how many ways one can climb from height 0 to height `$n` with steps of size $named, where "
            "$words. Ways with the same steps in another order are different; height 0 is reached in one way.",
            "Count the sequences of steps of size $named that lead from 0 exactly to `$n`, and return their number. "
            "The order matters, and $words. For 0 there is the empty sequence.",
            "Find out how many different sequences of the numbers $named have the sum `$n`, with one condition: "
            "thinking of them as steps up from 0, $words. Return 1 for a sum of 0.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The last step comes from one of a few lower heights, so the number for a height is a sum of "
            "numbers for lower ones; forbidden heights have none."
        ),
        contracts=("result >= 0",),
        difficulty=3,
    )
