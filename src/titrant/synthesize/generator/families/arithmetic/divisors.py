"""Divisors, multiples, common factors and primes."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import MIDDLE, POSITIVE, SMALL, SOME
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_list, a_number, a_result
from titrant.synthesize.generator.pieces import Piece, telling_test


def divides(d: int, n: int) -> bool:
    """By subtraction."""
    while n > 0:
        n -= d
    return n == 0


@lru_cache(maxsize=512)
def primes_to(bound: int) -> tuple[int, ...]:
    """What no product of two numbers is."""
    products = {d * e for d in range(2, bound + 1) for e in range(2, bound // d + 1)}
    return tuple(q for q in range(2, bound + 1) if q not in products)


@family("arithmetic", 1, 3)
def divisors_that_fit(draw: Draw) -> Drawn:
    """The divisors of a number that pass a test: listed, counted, added up."""
    test, all_of, proper = telling_test(draw, 1, 60), draw.chance(0.3), draw.chance(0.4)
    ask = draw.choice(("list", "count", "sum", "greatest"))
    n, d, found = a_number(draw), draw.name("d", "divisor", "factor"), a_result(draw)
    parts = {"n": n, "d": d, "found": found}
    conditions = [] if all_of else [test.of(d)]
    conditions += [f"{d} < {n}"] if proper else []
    grouped = [f"({each})" if " or " in each else each for each in conditions]
    parts["simple"] = " and ".join([f"{n} % {d} == 0", *([] if all_of else grouped[:1])])
    parts["stop"] = n if proper else f"{n} + 1"
    parts["fits"] = " and ".join(grouped) or "True"
    parts["end"] = {
        "list": f"sorted({found})",
        "count": f"len({found})",
        "sum": f"sum({found})",
        "greatest": f"max({found}, default=0)",
    }[ask]
    parts["plain"] = {"list": found, "greatest": f"{found}[-1] if {found} else 0"}.get(ask, parts["end"])

    def oracle(number: int) -> list[int] | int:
        chosen = [k for k in range(1, number + (not proper)) if divides(k, number) and (all_of or test.call(k))]
        if ask == "list":
            return chosen
        return {"count": len(chosen), "sum": sum(chosen), "greatest": max([0, *chosen])}[ask]

    asked = {
        "list": "the ascending list of",
        "count": "the number of",
        "sum": "the sum of",
        "greatest": "the greatest (0 if there is none) of",
    }[ask]
    words = {"n": n, "asked": asked, "test": "" if all_of else f" that are {test.words}"}
    words["proper"] = f"`{n}` itself is not one of them" if proper else f"1 and `{n}` are divisors too"
    return Drawn(
        call=draw.choice(("fitting_divisors", "divisors_of", "look_at_divisors", "pick_divisors")),
        parameters=(Parameter(n, POSITIVE),),
        returns="list[int]" if ask == "list" else "int",
        say=draw.say(
            "Return $asked the positive divisors of `$n`$test. Here $proper.",
            "For the positive number `$n` return $asked all numbers from 1 on$test that divide it without a remainder; "
            "$proper.",
            "Find the positive whole numbers$test by which `$n` (at least 1) can be divided exactly. Mind that "
            "$proper. Return $asked these numbers.",
            **words,
        ),
        body=written(
            draw,
            """
            $found = [$d for $d in range(1, $stop) if $simple]
            return $plain
            """,
            """
            $found = []
            for $d in range(1, $stop):
                if $simple:
                    $found.append($d)
            return $plain
            """,
            """
            candidates = set()
            small = 1
            while small * small <= $n:
                if $n % small == 0:
                    candidates.update((small, $n // small))
                small += 1
            $found = [$d for $d in candidates if $fits]
            return $end
            """
            if conditions
            else """
            $found = set()
            small = 1
            while small * small <= $n:
                if $n % small == 0:
                    $found.update((small, $n // small))
                small += 1
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea=(
            "A divisor leaves no remainder; the divisors in question are found first, and what is asked for "
            "follows from them."
        ),
        contracts=(f"all({n} % d == 0 for d in result)",) if ask == "list" else ("result >= 0",),
        difficulty=1 if all_of and not proper else 2,
    )


def _prime_test(draw: Draw) -> Piece:
    k = draw.integer(3, 12)
    rest = draw.choice([r for r in range(1, k) if gcd(r, k) == 1])
    s, m = draw.integer(5, 9), draw.choice((2, 4, 6))
    return draw.choice(
        (
            Piece(f"congruent to {rest} modulo {k}", f"$x % {k} == {rest}", lambda p: p in range(rest, 400, k)),
            Piece(f"not congruent to {rest} modulo {k}", f"$x % {k} != {rest}", lambda p: p not in range(rest, 400, k)),
            Piece(
                f"of digit sum above {s}",
                f"sum(map(int, str($x))) > {s}",
                lambda p: sum(p // t % 10 for t in (1, 10, 100)) > s,
            ),
            Piece(
                "of an even digit sum",
                "sum(map(int, str($x))) % 2 == 0",
                lambda p: not sum(p // t % 10 for t in (1, 10, 100)) & 1,
            ),
            Piece(f"one above a multiple of {m}", f"($x - 1) % {m} == 0", lambda p: p in range(1, 400, m)),
            Piece("not palindromes", "str($x) != str($x)[::-1]", lambda p: p // 10 ** (len(str(p)) - 1) != p % 10),
        )
    )


@family("arithmetic", 2, 3)
def factorised(draw: Draw) -> Drawn:
    """The prime factors of a number, and what can be said about them."""
    ask = draw.choice(
        ("list", "different", "powers", "gap", "exponent", "sum", "sum", "sum", "chosen", "chosen", "square_free")
    )
    n, factors, p = a_number(draw), draw.name("factors", "primes", "parts"), draw.name("p", "prime", "trial")
    q, test, k = draw.name("q", "factor", "each"), _prime_test(draw), draw.integer(2, 3)
    end = {
        "list": factors,
        "different": f"len(set({factors}))",
        "chosen": f"[{q} for {q} in {factors} if {test.of(q)}]",
        "powers": f"dict(Counter({factors}))",
        "gap": f"max({factors}) - min({factors}) if {factors} else 0",
        "exponent": f"max(Counter({factors}).values(), default=0)",
        "sum": f"sum({q} for {q} in {factors} if {test.of(q)})",
        "square_free": f"all({factors}.count({q}) < {k} for {q} in {factors})",
    }[ask]
    said = {
        "list": "the ascending list of its prime factors, each as often as it divides",
        "different": "how many different prime factors it has",
        "chosen": f"the ascending list of its prime factors that are {test.words}, each as often as it divides",
        "powers": "a dictionary from each of its prime factors to its exponent",
        "gap": "the difference between its greatest and its smallest prime factor, or 0 if it has none",
        "exponent": "the greatest exponent in its prime factorisation, or 0 if it has no prime factors",
        "sum": f"the sum of those of its prime factors that are {test.words}, where each counts as often as it divides",
        "square_free": f"whether no power of a prime with an exponent of {k} or more divides it",
    }[ask]
    parts = {"n": n, "factors": factors, "p": p, "end": end}

    def oracle(number: int) -> list[int] | dict[int, int] | int | bool:
        primes = [q for q in primes_to(number) if divides(q, number)]
        powers = {q: max(e for e in range(1, 9) if number % q**e == 0) for q in primes}
        whole = [q for q in primes for _ in range(powers[q])]
        if ask in ("list", "powers", "chosen"):
            return powers if ask == "powers" else [q for q in whole if ask == "list" or test.call(q)]
        if ask == "square_free":
            return not any(e >= k for e in powers.values())
        top = primes[-1] - primes[0] if primes else 0
        counts = {"different": len(primes), "gap": top, "exponent": max(powers.values(), default=0)}
        return counts.get(ask, sum(filter(test.call, whole)))

    body = written(
        draw,
        """
        $factors = []
        $p = 2
        while $p * $p <= $n:
            while $n % $p == 0:
                $factors.append($p)
                $n //= $p
            $p += 1
        if $n > 1:
            $factors.append($n)
        return $end
        """,
        """
        $factors = []
        $p = 2
        while $n > 1:
            if $n % $p == 0:
                $factors.append($p)
                $n //= $p
            else:
                $p += 1
        return $end
        """,
        """
        def factors_of(number, $p=2):
            if number == 1:
                return []
            while number % $p != 0:
                $p += 1
            return [$p, *factors_of(number // $p, $p)]

        $factors = factors_of($n)
        return $end
        """,
        **parts,
    )
    return Drawn(
        call=draw.choice(("prime_factors", "factorise", "take_apart", "prime_parts")),
        parameters=(Parameter(n, POSITIVE),),
        returns={"list": "list[int]", "chosen": "list[int]", "powers": "dict[int, int]", "square_free": "bool"}.get(
            ask, "int"
        ),
        say=draw.say(
            "Write `$n`, a number that is at least 1, as a product of primes and return $said. The number 1 has no "
            "prime factors.",
            "Return, for the positive number `$n`, $said. For 1, whose factorisation is empty, the same rule holds.",
            "Split the number `$n` into prime factors (none if it is 1) and find out $said.",
            n=n,
            said=said,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Divide by the smallest number from 2 on that divides what is left, as long as it does. Such a divisor is "
        "always a prime, because all smaller ones have been divided out.",
        contracts=(f"all({n} % q == 0 for q in result)",) if ask == "list" else (),
        difficulty=2 if ask == "list" else 3,
    )


@family("arithmetic", 2, 3)
def primes_between(draw: Draw) -> Drawn:
    """Primes of a range that pass a test, by trial or by a sieve."""
    test, all_of, counted = _prime_test(draw), draw.chance(0.2), draw.chance(0.4)
    low, high = draw.name("low", "start", "first"), draw.name("high", "stop", "last")
    p, found, sieve = draw.name("p", "number", "candidate"), a_result(draw), draw.name("sieve", "is_prime", "marks")
    condition = "" if all_of else f" and {test.of(p)}" if " or " not in test.of(p) else f" and ({test.of(p)})"
    parts = {"low": low, "high": high, "p": p, "found": found, "sieve": sieve, "condition": condition}
    parts["end"] = f"len({found})" if counted else found

    def oracle(start: int, stop: int) -> list[int] | int:
        composite = {a * b for a in range(2, 18) for b in range(a, 151)}
        chosen = [q for q in range(max(2, start), stop + 1) if q not in composite and (all_of or test.call(q))]
        return len(chosen) if counted else chosen

    body = written(
        draw,
        """
        $sieve = [False, False] + [True] * ($high - 1)
        for $p in range(2, $high + 1):
            if $sieve[$p]:
                for multiple in range($p * $p, $high + 1, $p):
                    $sieve[multiple] = False
        $found = [$p for $p in range($low, $high + 1) if $sieve[$p]$condition]
        return $end
        """,
        """
        def is_prime_number(n):
            return n > 1 and all(n % d != 0 for d in range(2, math.isqrt(n) + 1))

        $found = [$p for $p in range($low, $high + 1) if is_prime_number($p)$condition]
        return $end
        """,
        """
        $found = []
        primes = []
        for $p in range(2, $high + 1):
            if any($p % q == 0 for q in primes):
                continue
            primes.append($p)
            if $p >= $low$condition:
                $found.append($p)
        return $end
        """,
        **parts,
    )
    words = {"low": low, "high": high, "asked": "how many they are" if counted else "them in ascending order"}
    words["test"] = "" if all_of else f" that are {test.words}"
    return Drawn(
        call=draw.choice(("primes_between", "select_primes", "primes_in_range", "prime_search")),
        parameters=(Parameter(low, SMALL), Parameter(high, MIDDLE)),
        returns="int" if counted else "list[int]",
        say=draw.say(
            "Find the prime numbers from `$low` to `$high`, both included$test. Return $asked. If `$low` is greater "
            "than `$high`, there are none.",
            "Consider the primes p with `$low` <= p <= `$high`$test, and return $asked. The number 1 is not a prime, "
            "and a range that runs backwards is empty.",
            "Collect all prime numbers$test in the range that starts at `$low` and ends at `$high` (inclusive at both "
            "ends, empty if it ends before it starts). Return $asked.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=("First tell which numbers are primes; those in the range are then held to the rest of the question."),
        contracts=("result >= 0",) if counted else (f"all({low} <= q <= {high} for q in result)",),
        difficulty=2 if all_of else 3,
    )


@family("arithmetic", 2, 3)
def common_measure(draw: Draw) -> Drawn:
    """The greatest common divisor or least common multiple of several numbers, and what follows from it."""
    greatest = draw.chance()
    ask = draw.choice(("value", "quotients", "count", "rest"))
    limit, times = draw.integer(7, 99), draw.integer(2, 9)
    values, x, common = a_list(draw), draw.name("value", "x", "number"), draw.name("common", "measure", "shared")
    rest = draw.name("rest", "b", "other")
    quotient = f"{x} // {common}" if greatest else f"{common} // {x}"
    end = {
        "value": f"{times} * {common}",
        "quotients": f"[{quotient} for {x} in {values}]",
        "count": f"sum(1 for {x} in {values} if {x} > {times} * {common})"
        if greatest
        else f"sum(1 for {x} in {values} if {times} * {x} > {common})",
        "rest": f"(sum({values}) + {limit}) // {common}" if greatest else f"{common} % {limit}",
    }[ask]
    name = "greatest common divisor" if greatest else "least common multiple"
    said = {
        "value": f"return {times} times their {name}",
        "quotients": "return the list of the quotients of each number by their greatest common divisor"
        if greatest
        else "return the list of the quotients of their least common multiple by each number",
        "count": f"return how many of them are greater than {times} times their greatest common divisor"
        if greatest
        else f"return how many of them are greater than their least common multiple when taken {times} times",
        "rest": f"return the quotient of their sum plus {limit} by their greatest common divisor, rounded down"
        if greatest
        else f"return the remainder of their least common multiple modulo {limit}",
    }[ask]
    parts = {"values": values, "x": x, "common": common, "rest": rest, "end": end}

    def oracle(given: list[int]) -> list[int] | int:
        if greatest:
            shared = [k for k in range(1, min(given) + 1) if all(divides(k, each) for each in given)][-1]
        else:
            shared = max(given)
            for each in given:
                step = shared
                while shared % each:
                    shared += step
        whole = [(each // shared if greatest else shared // each) for each in given]
        numbers = {
            "value": sum([shared] * times),
            "count": len([q for q in whole if (q > times if greatest else q < times)]),
            "rest": (sum(given) + limit) // shared if greatest else shared % limit,
        }
        return whole if ask == "quotients" else numbers[ask]

    body = written(
        draw,
        """
        $common = $values[0]
        for $x in $values[1:]:
            $rest = $x
            while $rest:
                $common, $rest = $rest, $common % $rest
        return $end
        """
        if greatest
        else """
        $common = 1
        for $x in $values:
            a, $rest = $common, $x
            while $rest:
                a, $rest = $rest, a % $rest
            $common = $common * $x // a
        return $end
        """,
        """
        $common = math.gcd(*$values)
        return $end
        """
        if greatest
        else """
        $common = 1
        for $x in $values:
            $common = $common * $x // math.gcd($common, $x)
        return $end
        """,
        """
        $common = functools.reduce(math.$function, $values)
        return $end
        """,
        function="gcd" if greatest else "lcm",
        **parts,
    )
    return Drawn(
        call=draw.choice(("common_measure", "shared_factor" if greatest else "shared_multiple", "measure_all")),
        parameters=(Parameter(values, SOME),),
        returns="list[int]" if ask == "quotients" else "int",
        say=draw.say(
            "Given a list `$values` of one or more positive numbers, $said.",
            "Look at all the numbers in `$values` together; they are positive, and there is at least one. Then $said.",
            "For the members of the non-empty list `$values`, all of them whole numbers above 0, do this: $said.",
            values=values,
            said=said,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=(
            "What many numbers have in common follows from joining two at a time: the result so far and the "
            "next number."
        ),
        contracts=(f"result % {times} == 0",) if ask == "value" else (),
        difficulty=2 if ask == "value" else 3,
    )
