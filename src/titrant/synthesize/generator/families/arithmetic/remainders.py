"""Remainders and common divisors."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import POSITIVE, SMALL
from titrant.synthesize.generator.families.arithmetic.divisors import divides
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_count, a_number
from titrant.synthesize.generator.pieces import telling_test


@family("arithmetic", 2, 3)
def smallest_with_rests(draw: Draw) -> Drawn:
    """The first number from a start on that leaves given remainders."""
    a, b = draw.choice(((3, 5), (4, 7), (5, 8), (6, 7), (7, 9), (5, 11), (4, 9), (3, 8), (6, 10), (4, 6)))
    r = draw.integer(0, a - 1)
    s = draw.integer(0, b - 1)
    if (a, b) in ((6, 10), (4, 6)):
        s += (r - s) % 2 if s + (r - s) % 2 < b else -1
    down = draw.chance(0.3)
    start, x = draw.name("start", "low", "n", "begin"), draw.name("x", "number", "candidate")
    parts = {"start": start, "x": x, "a": a, "b": b, "r": r, "s": s}
    parts |= {"step": "-=" if down else "+=", "sign": "-" if down else "+"}
    parts["offset"] = f"({start} - {r}) % {a}" if down else f"({r} - {start}) % {a}"

    def oracle(begin: int) -> int:
        fits = sorted(set(range(r - 40 * a, 1000, a)) & set(range(s - 40 * b, 1000, b)))
        return max(each for each in fits if each <= begin) if down else min(each for each in fits if each >= begin)

    return Drawn(
        call=draw.choice(("first_with_remainders", "next_in_step", "search_remainders", "meet_both")),
        parameters=(Parameter(start, POSITIVE),),
        returns="int",
        say=draw.say(
            "Return the $which that leaves the remainder $r when divided by $a, and $s when divided by $b.",
            "Find the $which that is congruent to $r modulo $a and also congruent to $s modulo $b.",
            "Two conditions have to hold: division by $a leaves $r, and division by $b leaves $s. Return the $which "
            "for which they do.",
            which=f"greatest whole number that is at most `{start}` (it may be negative)"
            if down
            else f"smallest whole number that is at least `{start}`",
            **parts,
        ),
        body=written(
            draw,
            """
            $x = $start
            while $x % $a != $r or $x % $b != $s:
                $x $step 1
            return $x
            """,
            """
            $x = $start $sign $offset
            while $x % $b != $s:
                $x $step $a
            return $x
            """,
            """
            for distance in range($a * $b):
                $x = $start $sign distance
                if $x % $a == $r and $x % $b == $s:
                    return $x
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say("The pattern of both remainders repeats, so after a limited number of trials a number must fit."),
        contracts=(f"result % {a} == {r} and result % {b} == {s}",),
        difficulty=3 if down else 2,
    )


@family("arithmetic", 2, 3)
def coprime_partners(draw: Draw) -> Drawn:
    """How many numbers up to a bound, or which, share no factor (or a given one) with a number."""
    listed, shared = draw.chance(), draw.choice((1, 1, 2, 3))
    test, all_of = telling_test(draw, 1, 30), draw.chance(0.5)
    n, k, found = a_number(draw), draw.name("k", "other", "candidate"), a_count(draw)
    passes = "" if all_of else f" and {test.of(k)}" if " or " not in test.of(k) else f" and ({test.of(k)})"
    parts = {"n": n, "k": k, "found": found, "shared": shared, "passes": passes}

    def oracle(number: int) -> list[int] | int:
        own = {d for d in range(1, number + 1) if divides(d, number)}
        chosen = [
            j
            for j in range(1, number + 1)
            if max(d for d in own if divides(d, j)) == shared and (all_of or test.call(j))
        ]
        return chosen if listed else len(chosen)

    styles = (
        (
            """
            return [$k for $k in range(1, $n + 1) if math.gcd($k, $n) == $shared$passes]
            """,
            """
            def common(a, b):
                return a if b == 0 else common(b, a % b)

            $found = []
            for $k in range(1, $n + 1):
                if common($n, $k) == $shared$passes:
                    $found.append($k)
            return $found
            """,
        )
        if listed
        else (
            """
            return sum(1 for $k in range(1, $n + 1) if math.gcd($k, $n) == $shared$passes)
            """,
            """
            $found = 0
            for $k in range(1, $n + 1):
                a, b = $n, $k
                while b:
                    a, b = b, a % b
                if a == $shared$passes:
                    $found += 1
            return $found
            """,
        )
    )
    body = written(draw, *styles, **parts)
    words = {"n": n, "asked": "the ascending list of" if listed else "the number of"}
    words["test"] = " that" if all_of else f" that are {test.words} and"
    words["share"] = (
        "have no common divisor above 1 with it"
        if shared == 1
        else f"have {shared} as their greatest common divisor with it"
    )
    return Drawn(
        call=draw.choice(
            ("coprime_partners", "sharing_nothing", "partners_of")
            if shared == 1
            else ("partners_by_divisor", "sharing_exactly")
        ),
        parameters=(Parameter(n, SMALL),),
        returns="list[int]" if listed else "int",
        say=draw.say(
            "Return $asked all numbers from 1 to `$n`$test $share.",
            "For a positive number `$n`, consider the whole numbers from 1 up to and including it$test $share. Return "
            "$asked these.",
            "Among the positive numbers that are not above `$n` find those$test $share (with `$n`, that is). Return "
            "$asked them.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=("The greatest common divisor of each candidate and the number decides whether the candidate counts."),
        contracts=(f"len(result) <= {n}" if listed else f"0 <= result <= {n}",),
        difficulty=2 if all_of else 3,
    )
