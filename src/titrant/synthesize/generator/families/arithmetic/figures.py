"""Bits, polynomials, fractions and rectangles, all in whole numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from titrant.synthesize.generator.domains import Tuples
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import ANY, SIDE, SMALL, WHOLE
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_number, a_total, an_index
from titrant.synthesize.generator.pieces import multiple, telling_test

SPOT = Tuples((SIDE, SIDE, SMALL, SMALL))


@family("arithmetic", 2, 3)
def places_of_bits(draw: Draw) -> Drawn:
    """The binary places of a number that hold a one (or a zero), weighted or measured."""
    one, ask = draw.chance(0.6), draw.choice(("list", "weights", "gap", "run", "count"))
    test, offset, factor = telling_test(draw, 0, 9), draw.integer(0, 9), draw.integer(2, 9)
    n, i, places = a_number(draw), an_index(draw), draw.name("places", "found", "bits")
    bit = "1" if one else "0"
    end = {
        "list": f"[{factor} * {i} + {offset} for {i} in {places}]",
        "weights": f"sum({factor} ** {i} for {i} in {places}) % {offset + 100}",
        "gap": f"max(({i} - j for j, {i} in zip({places}, {places}[1:])), default={offset})",
        "run": f"{factor} * ({places}[-1] - {places}[0]) + {offset} if {places} else -1",
        "count": f"sum(1 for {i} in {places} if {test.of(i)})",
    }[ask]
    asked = {
        "list": f"the ascending list of {factor} times the place plus {offset}, for each such place",
        "weights": f"the sum of {factor} to the power of the place over these places, modulo {offset + 100}",
        "gap": f"the greatest difference between neighbours among these places, or {offset} if there are not two",
        "run": f"{factor} times the difference between the highest and the lowest such place, plus {offset}, or -1 if "
        "there is none",
        "count": f"how many of these places are {test.words}",
    }[ask]
    parts = {"n": n, "i": i, "places": places, "bit": bit, "end": end}

    def oracle(number: int) -> list[int] | int:
        halves, place, found = number, 0, []
        while halves or place == 0:
            if (halves & 1) == one:
                found.append(place)
            halves, place = halves - (halves + 1) // 2, place + 1
        if ask == "list":
            return [place * factor + offset for place in found]
        gaps = [b - a for a, b in pairwise(found)]
        power = 0
        for place in found:
            weight = 1
            for _ in range(place):
                weight *= factor
            power += weight
        run = factor * sum(gaps) + offset if found else -1
        numbers = {"weights": power % (100 + offset), "gap": max([*gaps]) if gaps else offset, "run": run}
        return numbers.get(ask, len([place for place in found if test.call(place)]))

    return Drawn(
        call=draw.choice(("bit_places", "binary_places", "look_at_bits", "binary_question")),
        parameters=(Parameter(n, WHOLE),),
        returns="list[int]" if ask == "list" else "int",
        say=draw.say(
            "Write `$n` (0 or greater) in binary notation, without leading zeros (0 is written as a single 0), and "
            "number the places from right to left, beginning with 0. Consider the places with the digit $bit, and "
            "return $asked.",
            "In the binary notation of the non-negative number `$n`, the last digit has place 0, the one before it "
            "place 1, and so on; 0 has one digit. For the places where the digit is $bit, return $asked.",
            "Look at the binary digits of `$n`, a number that is not negative. Their places count from 0 at the right "
            "end up to the first digit. Taking only the places that hold a $bit, find $asked.",
            n=n,
            bit=bit,
            asked=asked,
        ),
        body=written(
            draw,
            """
            $places = [$i for $i, digit in enumerate(reversed(bin($n)[2:])) if digit == "$bit"]
            return $end
            """,
            """
            $places = [$i for $i in range(max(1, $n.bit_length())) if $n >> $i & 1 == $bit]
            return $end
            """,
            """
            $places = []
            $i = 0
            while $n > 0 or $i == 0:
                if $n % 2 == $bit:
                    $places.append($i)
                $n //= 2
                $i += 1
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea=(
            "Collect the places in question first, from the lowest digit up; what is asked for follows from that list."
        ),
        contracts=("result >= -1",) if ask != "list" else (f"len(result) <= max(1, {n}.bit_length())",),
        difficulty=2 if ask in ("list", "count") else 3,
    )


@family("arithmetic", 2)
def polynomial_at(draw: Draw) -> Drawn:
    """The value of a polynomial, its difference between two places, or its values over a range."""
    factors = [draw.integer(1, 4), *(draw.integer(-5, 6) for _ in range(draw.integer(1, 3)))]
    ask = draw.choice(("value", "slope", "least"))
    x, total, c = draw.name("x", "t", "at"), a_total(draw), draw.name("c", "factor", "coefficient")
    y = draw.name("y", "end", "to")
    modulus = draw.choice((0, 0, 0, 7, 13, 100)) if ask == "value" else 0
    degree = len(factors) - 1
    terms = [
        f"{factor} times the " + {0: "one", 1: "number itself", 2: "square", 3: "cube"}[degree - at]
        for at, factor in enumerate(factors)
        if factor
    ]
    terms = [term.replace("1 times the ", "the ") if term.startswith("1 times") else term for term in terms]
    terms = [term.replace(" times the one", "") if term.endswith("one") else term for term in terms]
    terms = ["1" if term == "the one" else term for term in terms]
    rule = ", ".join(terms[:-1]) + (" and " if len(terms) > 1 else "") + terms[-1]

    def value(at: int) -> int:
        return sum(factor * at ** (degree - place) for place, factor in enumerate(factors))

    def oracle(at: int, end: int = 0) -> int:
        if ask == "value":
            return value(at) % modulus if modulus else value(at)
        return value(at + end) - value(at) if ask == "slope" else min(value(k) for k in range(at, at + end + 1))

    powers = []
    for place, factor in enumerate(factors):
        left = degree - place
        power = {0: "", 1: "X", 2: "X * X", 3: "X ** 3"}[left]
        size = "" if abs(factor) == 1 and power else str(abs(factor))
        sign = " - " if factor < 0 else " + "
        powers += [sign + " * ".join(filter(None, (size, power)))] if factor else []
    plain = "".join(powers).removeprefix(" + ")
    horner = str(factors[0])
    for factor in factors[1:]:
        horner = f"({horner}) * X" if " " in horner else f"{horner} * X"
        horner += f" + {factor}" if factor > 0 else f" - {-factor}" if factor else ""
    parts = {"x": x, "y": y, "total": total, "c": c, "factors": factors, "rest": f" % {modulus}" if modulus else ""}
    parts |= {"plain": plain.replace("X", x), "horner": horner.replace("X", x), "at_k": horner.replace("X", "k")}
    parts["at_k_plain"] = plain.replace("X", "k")
    styles = {
        "value": (
            """
            $total = 0
            for $c in $factors:
                $total = $total * $x + $c
            return $total$rest
            """,
            "return ($plain)$rest" if modulus else "return $plain",
            "return ($horner)$rest" if modulus else "return $horner",
        ),
        "slope": (
            """
            def value(k):
                return $at_k

            return value($x + $y) - value($x)
            """,
            """
            before, after = 0, 0
            for $c in $factors:
                before = before * $x + $c
                after = after * ($x + $y) + $c
            return after - before
            """,
        ),
        "least": (
            "return min($at_k_plain for k in range($x, $x + $y + 1))",
            """
            $total = None
            for k in range($x, $x + $y + 1):
                here = $at_k
                if $total is None or here < $total:
                    $total = here
            return $total
            """,
        ),
    }[ask]
    asked = {
        "value": f"the value of `{x}`" + (f" modulo {modulus}, a number from 0 to {modulus - 1}" if modulus else ""),
        "slope": f"the value of `{x} + {y}` minus the value of `{x}`".replace(
            f"`{x} + {y}`", f"the sum of `{x}` and `{y}`"
        ),
        "least": f"the least value of all whole numbers from `{x}` up to the sum of `{x}` and `{y}`, both included",
    }[ask]
    return Drawn(
        call=draw.choice(("polynomial_question", "evaluate_rule", "rule_value", "apply_formula")),
        parameters=(Parameter(x, ANY), *(() if ask == "value" else (Parameter(y, SIDE),))),
        returns="int",
        say=draw.say(
            "The value of a number is the sum of the following: $rule. Return $asked.",
            "Give every whole number a value by adding up $rule. Return $asked.",
            "Return $asked, where a number has as its value the sum of $rule.",
            rule=rule,
            asked=asked,
        ),
        body=written(draw, *styles, **parts),
        oracle=oracle,
        idea=(
            "Put the number into the rule and work it out with whole numbers alone; what is asked for "
            "follows from the value."
        )
        if ask != "least"
        else ("The range is short, so the value is computed at each of its numbers and the least one is kept."),
        contracts=(f"0 <= result < {modulus}",) if modulus else (),
        difficulty=2,
    )


@family("arithmetic", 2, 3)
def overlap_of_rectangles(draw: Draw) -> Drawn:
    """Two rectangles on a grid: what they share, what they cover, what holds both."""
    ask, grow = draw.choice(("shared", "covered", "frame", "only", "edge")), draw.choice((0, 0, 1, 2))
    scale, plus = draw.integer(1, 6), draw.choice((0, 0, 3, 10))
    a, b = draw.name("first", "one", "a"), draw.name("second", "other", "b")
    wide, high = draw.name("wide", "width", "across"), draw.name("high", "height", "down")
    more = f" + {grow}" if grow else ""
    end = {
        "shared": "shared",
        "covered": "aw * ah + bw * bh - shared",
        "frame": "(max(ax + aw, bx + bw) - min(ax, bx)) * (max(ay + ah, by + bh) - min(ay, by))",
        "only": "aw * ah - shared",
        "edge": f"2 * ({wide} + {high}) if {wide} > 0 and {high} > 0 else 0",
    }[ask]
    asked = {
        "shared": "the area that both have in common (0 if there is none)",
        "covered": "the area that is covered by at least one of them",
        "frame": "the area of the smallest rectangle that holds both of them",
        "only": "the area of the first that the second does not cover",
        "edge": "the perimeter of the part that both have in common, or 0 if that part has no area",
    }[ask]
    asked = asked if scale == 1 else f"{scale} times {asked}"
    asked += f", increased by {plus}" if plus else ""
    result = end if scale == 1 else f"{scale} * ({end})"
    result += f" + {plus}" if plus and " if " not in end else ""
    result = f"({end}) + {plus}" if plus and scale == 1 and " if " in end else result
    result = f"{scale} * ({end}) + {plus}" if plus and scale > 1 else result
    parts = {"a": a, "b": b, "wide": wide, "high": high, "more": more, "result": result}

    def oracle(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> int:
        (ax, ay, aw, ah), (bx, by, bw, bh) = one, other
        bw, bh = bw + grow, bh + grow
        columns = [x for x in range(62) if ax <= x < ax + aw], [x for x in range(66) if bx <= x < bx + bw]
        rows = [y for y in range(62) if ay <= y < ay + ah], [y for y in range(66) if by <= y < by + bh]
        across, down = (len([x for x in both[0] if x in both[1]]) for both in (columns, rows))
        areas = [len(columns[k]) * len(rows[k]) for k in range(2)]
        frame = (max(columns[0] + columns[1]) - min(columns[0] + columns[1]) + 1) * (
            max(rows[0] + rows[1]) - min(rows[0] + rows[1]) + 1
        )
        found = {"shared": across * down, "covered": sum(areas) - across * down, "frame": frame}
        found |= {"only": areas[0] - across * down, "edge": 2 * (across + down) if across * down else 0}
        return found[ask] * scale + plus

    enlarged = (
        f" Before anything else, the second one is made wider and higher by {grow}, its lower left corner staying."
        if grow
        else ""
    )
    need = ask in ("shared", "covered", "only")
    both = """
        ax, ay, aw, ah = $a
        bx, by, bw, bh = $b
        $grown$wide = min(ax + aw, bx + bw) - max(ax, bx)
        $high = min(ay + ah, by + bh) - max(ay, by)
        $shared$return_
        """
    parts["grown"] = f"bw, bh = bw + {grow}, bh + {grow}\n" if grow else ""
    parts["return_"] = f"return {result}"
    plain = (
        both
        if ask != "frame"
        else """
        ax, ay, aw, ah = $a
        bx, by, bw, bh = $b
        $grown$return_
        """
    )
    helper = """
        def overlap(start, size, other_start, other_size):
            return max(0, min(start + size, other_start + other_size) - max(start, other_start))

        ax, ay, aw, ah = $a
        bx, by, bw, bh = $b
        $grown$wide, $high = overlap(ax, aw, bx, bw), overlap(ay, ah, by, bh)
        $simple$return_
        """
    styles = [plain] if ask == "frame" else [plain, helper]
    return Drawn(
        call=draw.choice(("rectangle_question", "two_rectangles", "compare_areas", "rectangles_together")),
        parameters=(Parameter(a, SPOT), Parameter(b, SPOT)),
        returns="int",
        say=draw.say(
            "Two rectangles `$a` (the first) and `$b` (the second) are given as tuples (x, y, width, height) with the "
            "lower left corner at (x, y); their sides are parallel to the axes and at least 1 long.$enlarged Return "
            "$asked.",
            "Each of `$a` and `$b`, the first and the second rectangle, is a tuple of the x and y of its lower left "
            "corner, its width and its height (both positive), with sides parallel to the axes.$enlarged Return "
            "$asked.",
            "Compare the rectangles `$a`, the first one, and `$b`, the second one. Both are written (x, y, width, "
            "height): the corner with the least coordinates and two positive sizes.$enlarged Find $asked.",
            a=a,
            b=b,
            enlarged=enlarged,
            asked=asked,
        ),
        body=written(
            draw,
            *styles,
            shared=f"shared = max(0, {wide}) * max(0, {high})\n" if need else "",
            simple=f"shared = {wide} * {high}\n" if need else "",
            **parts,
        ),
        oracle=oracle,
        idea=(
            "Treat the two axes apart from each other: along each of them only the starts and the ends of "
            "the two rectangles count."
        ),
        contracts=("result >= 0",),
        difficulty=2 if ask == "shared" else 3,
    )


@family("arithmetic", 2, 3)
def fraction_arithmetic(draw: Draw) -> Drawn:
    """A combination of two fractions, as a reduced pair or by its whole part and rest."""
    p, q, minus = draw.integer(1, 6), draw.integer(1, 6), draw.chance()
    rule, ask = draw.choice(("sum", "sum", "product", "mediant")), draw.choice(("pair", "mixed", "top"))
    a, b, c, d = (draw.name(*names) for names in (("a", "top"), ("b", "bottom"), ("c", "upper"), ("d", "lower")))
    over, under, common = (
        draw.name("over", "numerator"),
        draw.name("under", "denominator"),
        draw.name("common", "shared", "g"),
    )
    sign = "-" if minus else "+"
    left = (f"{a} * {d}" if p == 1 else f"{p} * {a} * {d}", f"{c} * {b}" if q == 1 else f"{q} * {c} * {b}")
    made = {
        "sum": (f"{left[0]} {sign} {left[1]}", f"{b} * {d}"),
        "product": (f"{p} * {a} * {c}", f"{q} * {b} * {d}"),
        "mediant": (f"{p} * {a} + {q} * {c}", f"{p} * {b} + {q} * {d}"),
    }[rule]
    said = {
        "sum": f"{multiple(p, 'the first')} {'minus' if minus else 'plus'} {multiple(q, 'the second')}",
        "product": f"their product, multiplied by {p} and divided by {q}",
        "mediant": f"the fraction of {multiple(p, 'the first numerator')} plus {multiple(q, 'the second')} over the "
        "same "
        "combination of the denominators",
    }[rule]
    asked = {
        "pair": "as a tuple (numerator, denominator) in lowest terms with a positive denominator",
        "mixed": "as a tuple of its floor (the greatest whole number that is not above it) and the numerator and the "
        "denominator, in lowest terms, of what remains",
        "top": "by the numerator that it has in lowest terms with a positive denominator",
    }[ask]
    end = {
        "pair": f"({over} // {common}, {under} // {common})",
        "mixed": f"({over} // {under}, {over} % {under} // {common}, {under} // {common})",
        "top": f"{over} // {common}",
    }[ask]
    parts = {"over": over, "under": under, "common": common, "up": made[0], "down": made[1], "end": end}

    def oracle(one: int, two: int, three: int, four: int) -> tuple[int, ...] | int:
        first, second = Fraction(one, two), Fraction(three, four)
        if rule == "mediant":
            value = Fraction(one * p + three * q, two * p + four * q)
        else:
            value = first * second * Fraction(p, q) if rule == "product" else p * first + (-q if minus else q) * second
        if ask == "top":
            return value.numerator
        rest = value % 1
        whole = value.__floor__()
        return (value.numerator, value.denominator) if ask == "pair" else (whole, rest.numerator, rest.denominator)

    body = written(
        draw,
        """
        $over = $up
        $under = $down
        $common = math.gcd($over, $under)
        return $end
        """,
        """
        def measure(x, y):
            while y:
                x, y = y, x % y
            return x

        $over, $under = $up, $down
        $common = measure(abs($over), $under)
        return $end
        """,
        **parts,
    )
    words = {"a": a, "b": b, "c": c, "d": d, "said": said, "asked": asked}
    return Drawn(
        call=draw.choice(("combine_fractions", "fraction_value", "fractions_together", "exact_fraction")),
        parameters=(Parameter(a, ANY), Parameter(b, SMALL), Parameter(c, ANY), Parameter(d, SMALL)),
        returns={"pair": "tuple[int, int]", "mixed": "tuple[int, int, int]"}.get(ask, "int"),
        say=draw.say(
            "Two fractions are given: the first is `$a` over `$b`, the second `$c` over `$d`, with positive "
            "denominators. Compute, exactly, $said. Return it $asked.",
            "Take the fractions `$a` over `$b` (the first) and `$c` over `$d` (the second); `$b` and `$d` are "
            "positive. Return the exact value of $said, $asked.",
            "With whole numbers only, work out $said, where the first fraction has the numerator `$a` and the "
            "positive denominator `$b`, and the second has `$c` and the positive `$d`. Return the result $asked.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "Work out numerator and denominator as whole numbers first, and divide by their greatest common "
            "divisor at the end."
        ),
        contracts=("result[1] >= 1",) if ask == "pair" else ("result[2] >= 1",) if ask == "mixed" else (),
        difficulty=2 if ask == "top" else 3,
    )
