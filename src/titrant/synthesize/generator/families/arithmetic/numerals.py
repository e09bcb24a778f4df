"""Numbers chosen and checked by their digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import POSITIVE, WHOLE
from titrant.synthesize.generator.families.arithmetic.notation import digits_of_number
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_count, a_number, a_result, a_total, an_index
from titrant.synthesize.generator.pieces import joined


@lru_cache(maxsize=4096)
def _decimal(number: int) -> list[int]:
    """Nobody changes it."""
    return digits_of_number(number, 10)


@family("arithmetic", 2, 3)
def numbers_by_digits(draw: Draw) -> Drawn:
    """Which numbers up to a bound have digits that fit."""
    k, listed = draw.integer(2, 9), draw.chance()
    s = draw.integer(5, 12)
    options: tuple[tuple[str, str, Callable[[list[int]], bool]], ...] = (
        (f"contain the digit {k}", f"'{k}' in $t", lambda ds: k in ds),
        (f"do not contain the digit {k}", f"'{k}' not in $t", lambda ds: k not in ds),
        ("have no digit twice", "len(set($t)) == len($t)", lambda ds: all(ds.count(d) == 1 for d in ds)),
        (
            "have ascending digits (equal ones allowed)",
            "list($t) == sorted($t)",
            lambda ds: all(a <= b for a, b in pairwise(ds)),
        ),
        (f"have digits whose sum is {s}", f"sum(map(int, $t)) == {s}", lambda ds: sum(ds) == s),
        (
            f"have digits whose sum is divisible by {k}",
            f"sum(map(int, $t)) % {k} == 0",
            lambda ds: sum(ds) in range(0, 99, k),
        ),
        ("have a first digit that is greater than the last", "$t[0] > $t[-1]", lambda ds: ds[0] - ds[-1] > 0),
        (f"end with {k} or begin with {k}", f"$t[0] == '{k}' or $t[-1] == '{k}'", lambda ds: k in (ds[0], ds[-1])),
        ("read the same from both ends", "$t == $t[::-1]", lambda ds: ds == list(reversed(ds))),
    )
    said, source, call = draw.choice(options)
    high, number, t = (
        draw.name("limit", "n", "bound", "top"),
        draw.name("number", "candidate", "x"),
        draw.name("text", "digits", "s"),
    )
    count = a_count(draw) if not listed else a_result(draw)
    holds, direct = source.replace("$t", t), source.replace("$t", f"str({number})")
    parts = {
        "high": high,
        "number": number,
        "t": t,
        "count": count,
        "holds": holds.replace("'", '"'),
        "direct": direct.replace("'", '"'),
    }

    def oracle(bound: int) -> list[int] | int:
        found = [each for each in range(1, bound + 1) if call(_decimal(each))]
        return found if listed else len(found)

    return Drawn(
        call=draw.choice(("numbers_by_digits", "digit_pattern_numbers", "special_numbers", "numbers_of_form")),
        parameters=(Parameter(high, POSITIVE),),
        returns="list[int]" if listed else "int",
        say=draw.say(
            "Return $asked the numbers from 1 to `$high` (included) that, in decimal notation, $said.",
            "Look at the decimal digits of 1, 2, 3 and so on, up to and including `$high`. Return $asked the numbers "
            "that $said.",
            "Some of the positive numbers that are not greater than `$high` $said, when they are written in base ten. "
            "Return $asked these numbers.",
            high=high,
            said=said,
            asked="an ascending list of" if listed else "how many there are of",
        ),
        body=written(
            draw,
            """
            $count = []
            for $number in range(1, $high + 1):
                $t = str($number)
                if $holds:
                    $count.append($number)
            return $count
            """,
            """
            return [$number for $number in range(1, $high + 1) if $direct]
            """,
            **parts,
        )
        if listed
        else written(
            draw,
            """
            $count = 0
            for $number in range(1, $high + 1):
                $t = str($number)
                if $holds:
                    $count += 1
            return $count
            """,
            """
            return sum(1 for $number in range(1, $high + 1) if $direct)
            """,
            **parts,
        ),
        oracle=oracle,
        idea="The bound is small, so every number can be written out and its digits looked at.",
        contracts=((f"len(result) <= {high}",) if listed else (f"0 <= result <= {high}",)),
        difficulty=2,
    )


@family("arithmetic", 3)
def digit_places(draw: Draw) -> Drawn:
    """A check digit: digits weighted by their places, and what is missing to a multiple."""
    weights = draw.choice(((1, 3), (3, 1), (2, 1), (1, 2, 3), (7, 3, 1), (2, 3), (9, 1)))
    modulus = draw.choice((7, 9, 10, 11, 13))
    valid, folded = draw.chance(0.3), draw.chance(0.3)
    n, total, i, d = a_number(draw), a_total(draw), an_index(draw), draw.name("digit", "d")
    named = joined([str(weight) for weight in weights])
    listed = f"{list(weights)}"
    parts = {"n": n, "total": total, "i": i, "d": d, "weights": listed, "size": len(weights), "modulus": modulus}
    parts["product"] = f"{d} * weights[{i} % {len(weights)}]"
    parts["added"] = "sum(divmod(product, 10))" if folded else "product"
    parts["end"] = f"{total} % {modulus} == 0" if valid else f"-{total} % {modulus}"

    body = written(
        draw,
        """
        weights = $weights
        $total = 0
        for $i, $d in enumerate(map(int, reversed(str($n)))):
            product = $product
            $total += $added
        return $end
        """,
        """
        weights = $weights
        $total = $i = 0
        while $n:
            $n, $d = divmod($n, 10)
            product = $product
            $total += $added
            $i += 1
        return $end
        """,
        """
        $total = 0
        for character, weight in zip(reversed(str($n)), itertools.cycle($weights)):
            product = int(character) * weight
            $total += $added
        return $end
        """,
        **parts,
    )

    def oracle(number: int) -> bool | int:
        reached = 0
        for place, digit in enumerate(reversed(digits_of_number(number, 10))):
            product = sum([digit] * weights[place % len(weights)])
            reached += sum(digits_of_number(product, 10)) if folded else product
        missing = next(more for more in range(modulus) if (reached + more) % modulus == 0)
        return missing == 0 if valid else missing

    asked = (
        f"whether the total is divisible by {modulus}"
        if valid
        else f"the smallest number from 0 on that makes the total divisible by {modulus} when it is added"
    )
    fold = " If a product has two digits, their sum is taken in its place." if folded else ""
    return Drawn(
        call=draw.choice(("check_digit", "control_number", "weighted_check", "checksum")),
        parameters=(Parameter(n, WHOLE),),
        returns="bool" if valid else "int",
        say=draw.say(
            "Multiply the decimal digits of `$n`, from the last to the first, by the weights $named in turn, and add "
            "up the products.$fold Return $asked. `$n` is not negative.",
            "From right to left, the digits of the number `$n` (at least 0, in decimal notation) get the weights "
            "$named, again and again. The products of digit and weight are added to a total.$fold Return $asked.",
            "Compute a total for `$n`, which is 0 or greater: every decimal digit counts with a weight, and the "
            "weights $named repeat from the lowest digit upward.$fold Then return $asked.",
            n=n,
            named=named,
            fold=fold,
            asked=asked,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Each digit has a weight that depends on its place, counted from the right modulo the number of weights.",
        contracts=() if valid else (f"0 <= result < {modulus}",),
        difficulty=3,
    )
