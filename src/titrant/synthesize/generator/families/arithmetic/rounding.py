"""Numbers brought onto a scale: rounded, wrapped, reflected, paid for in bands."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import ANY, POSITIVE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_number
from titrant.synthesize.generator.pieces import joined


@family("arithmetic", 1, 2)
def rounded_to_step(draw: Draw) -> Drawn:
    """The multiple of a step that is nearest, with a rule for the middle."""
    step, offset = draw.integer(2, 24), draw.choice((0, 0, 0, 1, 2, 5))
    rule = draw.choice(("up", "down", "even", "zero"))
    if rule != "up" and rule != "down":
        step += step % 2
    offset %= step
    n, low, rest = a_number(draw), draw.name("low", "below", "floor"), draw.name("rest", "over", "gap")
    base = n if not offset else f"({n} - {offset})"
    plus = f" + {offset}" if offset else ""
    parts = {"n": n, "low": low, "rest": rest, "step": step, "offset": offset, "base": base, "plus": plus}
    up = {
        "up": f"2 * {rest} >= {step}",
        "down": f"2 * {rest} > {step}",
        "even": f"2 * {rest} > {step} or (2 * {rest} == {step} and {low} // {step} % 2 == 1)",
        "zero": f"2 * {rest} > {step} or (2 * {rest} == {step} and {low} < 0)",
    }[rule]
    if offset and rule in ("even", "zero"):
        up = up.replace(f"{low} // {step}", f"({low} - {offset}) // {step}").replace(f"{low} < 0", f"{low} < {offset}")
    parts["up"] = up
    middle = {
        "up": "take the greater one",
        "down": "take the smaller one",
        "even": f"take the one that is {offset} above an even multiple of {step}",
        "zero": "take the one that is nearer to 0" if not offset else f"take the one that is nearer to {offset}",
    }[rule]
    if rule == "even" and not offset:
        middle = f"take the one that is an even multiple of {step}"
    grid = f"multiples of {step}" if not offset else f"numbers that leave the remainder {offset} modulo {step}"

    def oracle(number: int) -> int:
        points = [k * step + offset for k in range(-120 // step - 3, 120 // step + 4)]
        nearest = min(abs(point - number) for point in points)
        fits = [point for point in points if abs(point - number) == nearest]
        if rule in ("up", "down"):
            return max(fits) if rule == "up" else min(fits)
        if rule == "even" and len(fits) > 1:
            return next(point for point in fits if (point - offset) % (2 * step) == 0)
        return sorted(fits, key=lambda point: abs(point - offset))[0]

    return Drawn(
        call=draw.choice(("round_to_step", "snap", "nearest_on_scale", "to_nearest")),
        parameters=(Parameter(n, ANY),),
        returns="int",
        say=draw.say(
            "Return the number nearest to `$n` among the $grid. If two are equally near, $middle.",
            "Round `$n`, which may be negative, to the nearest of the $grid; in the middle between two of them, "
            "$middle.",
            "Of all $grid, negative ones included, find the one with the least distance from `$n` and return it. "
            "Should two have the same distance, $middle.",
            n=n,
            grid=grid,
            middle=middle,
        ),
        body=written(
            draw,
            """
            $rest = $base % $step
            $low = $n - $rest
            if $up:
                return $low + $step
            return $low
            """,
            """
            $low = $base // $step * $step$plus
            $rest = $n - $low
            return $low + $step if $up else $low
            """,
            *(
                ["return min($base // $step * $step$plus, $base // $step * $step + $far, key=lambda x: abs(x - $n))"]
                if rule == "down"
                else []
            ),
            far=step + offset,
            **parts,
        ),
        oracle=oracle,
        idea=(
            "Only the nearest point below and the one after it come into question; the distances of the "
            "number from them decide."
        ),
        contracts=(f"2 * abs(result - {n}) <= {step}",),
        difficulty=1 if rule in ("up", "down") and not offset else 2,
    )


@family("arithmetic", 2, 3)
def folded_back(draw: Draw) -> Drawn:
    """A position on a bounded track after moves: held, wrapped round or thrown back at the ends."""
    rule, low, size = draw.choice(("wrap", "bounce", "hold", "portal")), draw.integer(-5, 5), draw.integer(4, 15)
    high = low + size
    speed = draw.choice((1, 1, 2, 3))
    place, move = draw.name("place", "position", "x", "start"), draw.name("move", "steps", "shift")
    target, turn = draw.name("target", "reached", "raw"), draw.name("turn", "phase", "rest")
    scaled = move if speed == 1 else f"{speed} * {move}"
    parts = {"place": place, "move": move, "target": target, "turn": turn, "low": low, "high": high, "scaled": scaled}
    parts |= {"round": size + 1, "twice": 2 * size, "size": size, "minus": f"- {low}" if low >= 0 else f"+ {-low}"}
    parts["plus"] = f"+ {low}" if low >= 0 else f"- {-low}"
    said = {
        "wrap": f"one step above {high} comes {low}, and one step below {low} comes {high}",
        "bounce": f"at {low} and at {high} it turns round and goes on in the opposite direction",
        "hold": f"a step that would leave the track is not made, so that it waits at {low} or {high}",
        "portal": f"a step above {high} or below {low} brings it to {low + size // 2}, from where it goes on",
    }[rule]

    def oracle(begin: int, by: int) -> int:
        now = min(max(begin, low), high)
        way = 1 if by > 0 else -1
        for _ in range(abs(by) * speed):
            after = now + way
            if not low <= after <= high:
                if rule == "bounce":
                    way = -way
                    after = now + way
                else:
                    after = {"wrap": low if way > 0 else high, "hold": now, "portal": low + size // 2}[rule]
            now = after
        return now

    stepping = {
        "wrap": f"if {place} > {high}:\n    {place} = {low}\nelif {place} < {low}:\n    {place} = {high}",
        "bounce": f"if not {low} <= {place} <= {high}:\n    {turn} = -{turn}\n    {place} += 2 * {turn}",
        "hold": f"{place} = min(max({place}, {low}), {high})",
        "portal": f"if not {low} <= {place} <= {high}:\n    {place} = {low + size // 2}",
    }[rule]
    parts["stepping"] = stepping
    styles = [
        """
        $place = min(max($place, $low), $high)
        $turn = 1 if $move > 0 else -1
        for _ in range(abs($scaled)):
            $place += $turn
            $stepping
        return $place
        """
    ]
    if rule == "wrap":
        styles.append("return (min(max($place, $low), $high) + $scaled $minus) % $round $plus")
    if rule == "bounce":
        styles.append(
            """
            $target = min(max($place, $low), $high) $minus + $scaled
            $turn = $target % $twice
            if $turn > $size:
                $turn = $twice - $turn
            return $turn $plus
            """
        )
    if rule == "hold":
        styles.append(
            """
            $target = min(max($place, $low), $high) + $scaled
            if $target > $high:
                return $high
            return max($target, $low)
            """
        )
    words = {"place": place, "move": move, "low": low, "high": high, "said": said}
    words["times"] = "" if speed == 1 else f"{speed} times "
    return Drawn(
        call=draw.choice(("move_on_track", "bounded_walk", "track_position", "final_place")),
        parameters=(Parameter(place, ANY), Parameter(move, ANY)),
        returns="int",
        say=draw.say(
            "A piece stands on a track of the places $low to $high. It starts at `$place`, or at the nearest end if "
            "that lies outside, and makes $times`$move` steps of 1, upward if the number is positive and downward if "
            "it is negative. At the ends, $said. Return its last place.",
            "Return where a piece ends that makes $times`$move` single steps (to lower places if `$move` is negative) "
            "on the places from $low to $high. It begins at `$place`, moved to the nearest end of the track if "
            "necessary. Note that $said.",
            "Simulate single steps on a track with the places from $low to $high: first bring `$place` into this "
            "range by taking the nearest end if it is outside; then go $times`$move` steps up, or down for a negative "
            "number. Moreover, $said. Return the place that is reached.",
            **words,
        ),
        body=written(draw, *styles, **parts),
        oracle=oracle,
        idea={
            "wrap": (
                "After the one end comes the other, so the places form a circle, and distances on it are remainders."
            ),
            "bounce": "At an end the direction turns round, so the way repeats after twice the length of the track.",
            "hold": "Whatever would go beyond an end stops there: places are cut to the bounds.",
            "portal": "Simulate the steps one by one and put the piece into the middle whenever it leaves the track.",
        }[rule],
        contracts=(f"{low} <= result <= {high}",),
        difficulty=3 if rule in ("bounce", "portal") else 2,
    )


@family("arithmetic", 2, 3)
def taken_in_bands(draw: Draw) -> Drawn:
    """A fee with a rate for each band of an amount: on the part in the band, or on all of it."""
    marginal = draw.chance(0.65)
    first = draw.integer(2, 8) * 10
    limits = [first, first + draw.integer(3, 12) * 10]
    rates = sorted(draw.sample((0, 2, 3, 5, 8, 10, 12, 15), 3))
    if draw.chance(0.3):
        rates.reverse()
    unit, base = draw.choice((1, 1, 10)), draw.choice((0, 0, 5, 20))
    amount, due, bands = (
        draw.name("amount", "income", "units", "n"),
        draw.name("due", "fee", "cost"),
        draw.name("bands", "tiers"),
    )
    limit, rate, low = draw.name("limit", "top", "upper"), draw.name("rate", "price"), draw.name("low", "done", "lower")
    parts = {"amount": amount, "due": due, "bands": bands, "limit": limit, "rate": rate, "low": low, "unit": unit}
    parts |= {"a": limits[0], "b": limits[1], "p": rates[0], "q": rates[1], "r": rates[2], "base": base}
    parts["table"] = f"[({limits[0]}, {rates[0]}), ({limits[1]}, {rates[1]}), ({amount}, {rates[2]})]"
    parts["end"] = due if unit == 1 else f"{due} // {unit}"
    parts["plus"] = f" + {base}" if base else ""

    def oracle(given: int) -> int:
        def price(k: int) -> int:
            return rates[(k > limits[0]) + (k > limits[1])]

        whole = sum(price(k) if marginal else price(given) for k in range(1, given + 1)) + base
        return whole // unit

    styles = (
        (
            """
            $due = $base
            $low = 0
            for $limit, $rate in $table:
                if $amount > $low:
                    $due += (min($amount, $limit) - $low) * $rate
                    $low = $limit
            return $end
            """,
            """
            $due = $base + min($amount, $a) * $p
            if $amount > $a:
                $due += (min($amount, $b) - $a) * $q
            if $amount > $b:
                $due += ($amount - $b) * $r
            return $end
            """,
            """
            $due = min($amount, $a) * $p
            $due += max(0, min($amount, $b) - $a) * $q
            $due += max(0, $amount - $b) * $r$plus
            return $end
            """,
        )
        if marginal
        else (
            """
            if $amount <= $a:
                $rate = $p
            elif $amount <= $b:
                $rate = $q
            else:
                $rate = $r
            $due = $amount * $rate$plus
            return $end
            """,
            """
            $bands = [$a, $b]
            $rate = [$p, $q, $r][bisect.bisect_left($bands, $amount)]
            $due = $amount * $rate$plus
            return $end
            """,
        )
    )
    body = written(draw, *styles, **parts)
    bands_said = f"up to {limits[0]}, above that up to {limits[1]}, and beyond {limits[1]}"
    prices = joined([str(rate) for rate in rates])
    words = {"amount": amount, "bands": bands_said, "prices": prices, "a": limits[0], "b": limits[1]}
    words["base"] = f" {base} is added in any case." if base else ""
    words["round"] = "" if unit == 1 else f" Divide the result by {unit}, rounding down."
    words["how"] = (
        "each unit costs the price of the band in which it lies itself"
        if marginal
        else "all units cost the price of the band in which their number lies"
    )
    return Drawn(
        call=draw.choice(("banded_fee", "tiered_price", "fee_for", "total_price")),
        parameters=(Parameter(amount, POSITIVE),),
        returns="int",
        say=draw.say(
            "Prices of units depend on bands: $prices for units $bands. For `$amount` units (at least 1), $how. "
            "Return what they cost together.$base$round",
            "Return the cost of `$amount` units, a positive number. There are three bands ($bands) with the prices "
            "$prices for a unit, and $how.$base$round",
            "The units numbered from 1 to `$amount` are paid for. The first band goes up to $a, the second one up to "
            "$b, and the third has no end; their prices for a unit are $prices, and $how. Return the sum to be "
            "paid.$base$round",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="For each band count the units that fall into it and multiply by its price."
        if marginal
        else "Find out in which band the whole amount lies; its price holds for all units.",
        contracts=("result >= 0",),
        difficulty=3 if marginal else 2,
    )
