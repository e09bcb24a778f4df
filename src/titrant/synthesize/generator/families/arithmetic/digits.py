"""Whole numbers by their digits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import BASE, WHOLE
from titrant.synthesize.generator.families.arithmetic.notation import digit_test, digits_of_number
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_number, a_total


@family("arithmetic", 1, 2)
def digit_sums(draw: Draw) -> Drawn:
    """The digits that pass a test, each changed, added up or multiplied."""
    test, k = digit_test(draw), draw.integer(2, 9)
    options: tuple[tuple[str, str, Callable[[int], int]], ...] = (
        ("the digit itself", "$x", lambda d: d),
        ("its square", "$x * $x", lambda d: d**2),
        ("its cube", "$x ** 3", lambda d: d * d * d),
        (f"{k} times the digit", f"{k} * $x", lambda d: sum([d] * k)),
        ("9 minus the digit", "9 - $x", lambda d: -(d - 9)),
    )
    said, source, call = draw.choice(options)
    n, digit, total = a_number(draw), draw.name("digit", "d", "figure"), a_total(draw)
    changed = source.replace("$x", digit)
    parts = {"n": n, "digit": digit, "total": total, "passes": test.of(digit), "changed": changed}
    parts["rest"] = draw.name("rest", "left", "remaining")

    def oracle(number: int) -> int:
        return sum(call(d) for d in digits_of_number(number, 10) if test.call(d))

    return Drawn(
        call=draw.choice(("digit_total", "sum_over_digits", "digit_score", "weigh_digits")),
        parameters=(Parameter(n, WHOLE),),
        returns="int",
        say=draw.say(
            "For each decimal digit of `$n` that is $test take $said. Add all of this up and return the sum, which is "
            "0 if there is no such digit. `$n` is not negative.",
            "Return a sum over the decimal digits of the number `$n` (at least 0): every digit that is $test adds "
            "$said to it, and the others add nothing.",
            "Write `$n`, which is 0 or more, in decimal notation, and pick out the digits that are $test. Each of "
            "these counts as $said; return what they amount to.",
            n=n,
            test=test.words,
            said=said,
        ),
        body=written(
            draw,
            """
            $total = 0
            $rest = $n
            while $rest > 0:
                $rest, $digit = divmod($rest, 10)
                if $passes:
                    $total += $changed
            return $total
            """
            if call(0) == 0 or not test.call(0)
            else """
            $total = 0
            for $rest in str($n):
                $digit = int($rest)
                if $passes:
                    $total += $changed
            return $total
            """,
            """
            return sum($changed for $digit in map(int, str($n)) if $passes)
            """,
            """
            $total = 0
            for $digit in [int(character) for character in str($n)]:
                if not ($passes):
                    continue
                $total += $changed
            return $total
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "The digits are taken one by one, and only those that are $test count.",
            "Look at every digit, keep what is $test, and add up as you go.",
            test=test.words,
        ),
        contracts=("result >= 0",),
        difficulty=1,
    )


@family("arithmetic", 2, 3)
def digit_reduction(draw: Draw) -> Drawn:
    """A digit rule applied again and again until the number is small."""
    power, base = draw.integer(1, 2), draw.choice((10, 10, 10, 9, 8, 7, 6, 5))
    counted = draw.chance()
    limit = draw.integer(base, 3 * base) if power == 1 else draw.integer(12 * base, 20 * base)
    n, rounds, total, digit = (
        a_number(draw),
        draw.name("rounds", "steps", "turns"),
        a_total(draw),
        draw.name("digit", "d"),
    )
    one = digit if power == 1 else f"{digit} ** {power}"
    parts = {"n": n, "rounds": rounds, "total": total, "digit": digit, "one": one, "base": base, "limit": limit}
    parts["end"] = rounds if counted else n

    def oracle(number: int) -> int:
        seen = [number]
        while seen[-1] >= limit:
            seen.append(sum(d**power for d in digits_of_number(seen[-1], base)))
        return len(seen) - 1 if counted else seen[-1]

    body = written(
        draw,
        """
        $rounds = 0
        while $n >= $limit:
            $total = 0
            while $n:
                $n, $digit = divmod($n, $base)
                $total += $one
            $n = $total
            $rounds += 1
        return $end
        """
        if counted
        else """
        while $n >= $limit:
            $total = 0
            while $n:
                $n, $digit = divmod($n, $base)
                $total += $one
            $n = $total
        return $n
        """,
        """
        if $n < $limit:
            return $small
        $total = 0
        rest = $n
        while rest:
            $digit = rest % $base
            $total += $one
            rest //= $base
        return $again
        """,
        small="0" if counted else n,
        again="$again",
        **parts,
    )
    call = draw.choice(("reduce_digits", "shrink", "digit_descent", "boil_down"))
    body = body.replace("$again", f"1 + {call}({total})" if counted else f"{call}({total})")
    words = {"n": n, "limit": limit, "sum": "sum of its digits" if power == 1 else "sum of the squares of its digits"}
    words["base"] = "" if base == 10 else f" in base {base}"
    words["asked"] = "how many times this is done" if counted else "the number that is left"
    return Drawn(
        call=call,
        parameters=(Parameter(n, WHOLE),),
        returns="int",
        say=draw.say(
            "As long as the number is at least $limit, replace it by the $sum$base. Start with `$n` (0 or greater) and "
            "return $asked.",
            "Starting from the non-negative number `$n`, repeat: exchange the number for the $sum$base. Stop as soon "
            "as it is less than $limit, perhaps at once, and return $asked.",
            "Take the $sum$base instead of the number `$n`, then the same of what comes out, and so on, while the "
            "number is not below $limit. Return $asked. `$n` is never negative.",
            **words,
        ),
        body=body,
        oracle=oracle,
        idea="Every step makes a large number much smaller, so the steps soon come to an end.",
        contracts=("result >= 0",) if counted else (f"0 <= result < {limit}",),
        difficulty=2 if base == 10 else 3,
    )


@family("arithmetic", 2)
def digits_rearranged(draw: Draw) -> Drawn:
    """The number that is made of the digits in another order, perhaps without some of them."""
    order = draw.choice(("backward", "up", "down", "rotated", "swapped"))
    test, all_of = digit_test(draw), draw.chance()
    n, digits, made = a_number(draw), draw.name("digits", "figures"), draw.name("made", "result", "answer")
    d = draw.name("d", "digit", "each")
    said = {
        "backward": "from the last to the first",
        "up": "in ascending order",
        "down": "in descending order",
        "rotated": "in their order, except that the first of them goes to the end",
        "swapped": "in their order, except that the first and the last of them change places",
    }[order]
    step = {
        "backward": f"{digits} = {digits}[::-1]",
        "up": f"{digits}.sort()",
        "down": f"{digits}.sort(reverse=True)",
        "rotated": f"{digits} = {digits}[1:] + {digits}[:1]",
        "swapped": f"if len({digits}) > 1:\n    {digits}[0], {digits}[-1] = {digits}[-1], {digits}[0]",
    }[order]
    parts = {"n": n, "digits": digits, "made": made, "d": d, "step": step}
    parts["where"] = "" if all_of else f" if {test.of(d)}"
    words = {
        "n": n,
        "said": said,
        "which": "all its decimal digits" if all_of else f"those of its decimal digits that are {test.words}",
    }

    def oracle(number: int) -> int:
        found = [digit for digit in digits_of_number(number, 10) if all_of or test.call(digit)]
        if order == "backward":
            found.reverse()
        elif order in ("up", "down"):
            found = [v for v in (range(10) if order == "up" else range(9, -1, -1)) for _ in range(found.count(v))]
        elif order == "rotated" and found:
            found.append(found.pop(0))
        elif len(found) > 1:
            found = [found[-1], *found[1:-1], found[0]]
        return sum(digit * 10**place for place, digit in enumerate(reversed(found)))

    return Drawn(
        call=draw.choice(("rearrange_digits", "rebuild_number", "shuffle_digits", "reorder_digits")),
        parameters=(Parameter(n, WHOLE),),
        returns="int",
        say=draw.say(
            "Return the number that is written with $which, $said. `$n` is at least 0; leading zeros vanish, and "
            "no digits at all make 0.".replace("$which, ", "$which, read off `$n`, "),
            "Take the number `$n` (not negative) and $which. Write these $said and return the number that this makes, "
            "where zeros in front have no effect and an empty row of digits counts as 0.",
            "From `$n`, which is 0 or more, build a new number out of $which, put $said. Zeros at the front do not "
            "count; return 0 if no digit is used.",
            **words,
        ),
        body=written(
            draw,
            """
            $digits = [$d for $d in map(int, str($n))$where]
            $step
            $made = 0
            for $d in $digits:
                $made = 10 * $made + $d
            return $made
            """,
            """
            $digits = []
            while $n > 0:
                $n, $d = divmod($n, 10)
                $insert
            $step
            return int("".join(map(str, $digits)) or "0")
            """,
            insert=f"{digits}.insert(0, {d})" if all_of else f"if {test.of(d)}:\n    {digits}.insert(0, {d})",
            **parts,
        ),
        oracle=oracle,
        idea=("Make a list of the digits, bring it into the order that is asked for, and make a number of them again."),
        contracts=("result >= 0",),
        difficulty=2,
    )


@family("arithmetic", 2)
def numeral_in_base(draw: Draw) -> Drawn:
    """Digits in a base that is given: as a list, from either end, or what can be said about them."""
    ask = draw.choice(("low", "high", "zeros", "different", "greatest", "mirror", "swing"))
    k, plus = draw.integer(0, 3), draw.integer(0, 9)
    n, base, digits, d = (
        a_number(draw),
        draw.name("base", "b", "radix"),
        draw.name("digits", "places"),
        draw.name("d", "digit"),
    )
    said = {
        "low": "the list of the digits, the lowest first",
        "high": "the list of the digits, the highest first",
        "zeros": f"how many of the digits are {k}",
        "different": "how many different digits occur",
        "greatest": "the greatest digit",
        "mirror": "whether the digits read the same from both ends",
        "swing": "the alternating sum of the digits: the lowest minus the next plus the one after it, and so on",
    }[ask]
    end = {
        "low": digits,
        "high": f"{digits}[::-1]",
        "zeros": f"{digits}.count({k})",
        "different": f"len(set({digits}))",
        "greatest": f"max({digits})",
        "mirror": f"{digits} == {digits}[::-1]",
        "swing": f"sum({digits}[::2]) - sum({digits}[1::2])",
    }[ask]
    factor = draw.choice((1, 1, 2, 3))
    worked = " + ".join([n if factor == 1 else f"{factor} * {n}", *([str(plus)] if plus else [])])
    parts = {"n": n, "base": base, "digits": digits, "d": d, "end": end, "worked": worked}
    what = (f"{factor} times " if factor > 1 else "") + f"`{n}`" + (f" plus {plus}" if plus else "")

    def oracle(number: int, radix: int) -> list[int] | int | bool:
        found = digits_of_number(factor * number + plus, radix)
        size = len(found)
        if ask in ("low", "high"):
            return found if ask == "high" else [found[size - 1 - at] for at in range(size)]
        if ask == "mirror":
            return all(found[at] == found[size - 1 - at] for at in range(size))
        if ask == "swing":
            return sum(digit if (size - at) % 2 else -digit for at, digit in enumerate(found))
        seen = sorted(found)
        counts = {"zeros": seen.count(k), "greatest": seen[-1]}
        return counts.get(ask, 1 + sum(a != b for a, b in pairwise(seen)))

    assign = "" if worked == n else f"{n} = {worked}\n"

    return Drawn(
        call=draw.choice(("in_base", "base_digits", "read_numeral", "convert_number")),
        parameters=(Parameter(n, WHOLE), Parameter(base, BASE)),
        returns={"low": "list[int]", "high": "list[int]", "mirror": "bool"}.get(ask, "int"),
        say=draw.say(
            "Write the number $what (where `$n` is 0 or more) in base `$base`, which is between 2 and 10, and return "
            "$said. The number 0 has the single digit 0.",
            "Return $said, if $what is written in base `$base`. `$n` is not negative, `$base` is from 2 to 10, and 0 "
            "is written with one digit.",
            "Convert $what, a number without a sign, to base `$base` (2 to 10), without zeros in front except for 0 "
            "itself. Find out $said.",
            n=n,
            base=base,
            what=what,
            said=said,
        ),
        body=assign
        + written(
            draw,
            """
            $digits = []
            while True:
                $n, $d = divmod($n, $base)
                $digits.append($d)
                if $n == 0:
                    break
            return $end
            """,
            """
            $digits = [$n % $base]
            while $n >= $base:
                $n //= $base
                $digits.append($n % $base)
            return $end
            """,
            """
            def digits_of(number):
                if number < $base:
                    return [number]
                return [number % $base] + digits_of(number // $base)

            $digits = digits_of($n)
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea="The remainder of division by the base is the lowest digit, and the quotient has the other ones; so the "
        "digits come out from the lowest to the highest.",
        contracts=(f"all(0 <= d < {base} for d in result)",) if ask in ("low", "high") else (),
        difficulty=2,
    )
