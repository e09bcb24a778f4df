"""Numbers that follow from each other: sequences, chains, growth, Euclid's steps."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import ANY, POSITIVE, SMALL, TINY
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_number, a_total
from titrant.synthesize.generator.pieces import number_change, number_test


@family("arithmetic", 1, 2)
def sum_over_range(draw: Draw) -> Drawn:
    """What the numbers of a range add up to, some changed, some left out, some with the other sign."""
    test, change, rule = number_test(draw), number_change(draw), draw.choice(("only", "minus", "else", "stop"))
    low, high = draw.name("low", "start", "first", "a"), draw.name("high", "stop", "last", "b")
    k, total = draw.name("k", "number", "i", "each"), a_total(draw)
    parts = {"low": low, "high": high, "k": k, "total": total, "passes": test.of(k), "changed": change.of(k)}
    said = {
        "only": "numbers that are $test count as $change, and the others are left out",
        "minus": "numbers that are $test are subtracted from the total, and the others are added to it",
        "else": "numbers that are $test count as $change, and the others as they are",
        "stop": "each number counts as $change, but before the first number that is $test the adding ends for good",
    }[rule]
    words = {"low": low, "high": high, "said": said.replace("$test", test.words).replace("$change", change.words)}

    def oracle(start: int, stop: int) -> int:
        def worth(n: int) -> int:
            if rule == "minus":
                return -n if test.call(n) else n
            if rule == "stop":
                return 0 if any(map(test.call, range(start, n + 1))) else int(change.call(n))
            return int(change.call(n)) if test.call(n) else (n if rule == "else" else 0)

        return sum(map(worth, range(start, stop + 1)))

    inner = {
        "only": f"if {parts['passes']}:\n    {total} += {parts['changed']}",
        "minus": f"if {parts['passes']}:\n    {total} -= {k}\nelse:\n    {total} += {k}",
        "else": f"{total} += {parts['changed']} if {parts['passes']} else {k}",
        "stop": f"if {parts['passes']}:\n    break\n{total} += {parts['changed']}",
    }[rule]
    quick = {
        "only": f"{parts['changed']} for {k} in range({low}, {high} + 1) if {parts['passes']}",
        "minus": f"-{k} if {parts['passes']} else {k} for {k} in range({low}, {high} + 1)",
        "else": f"{parts['changed']} if {parts['passes']} else {k} for {k} in range({low}, {high} + 1)",
    }.get(rule)
    styles = [
        """
        $total = 0
        for $k in range($low, $high + 1):
            $inner
        return $total
        """
    ]
    if quick:
        styles += ["return sum($quick)"]
    return Drawn(
        call=draw.choice(("sum_over_range", "range_total", "add_through", "total_between")),
        parameters=(Parameter(low, ANY), Parameter(high, ANY)),
        returns="int",
        say=draw.say(
            "Go through the whole numbers from `$low` up to `$high`, both included, with a total that starts at 0: "
            "$said. Return the total, which stays 0 if `$low` is greater than `$high`.",
            "Return the total of the whole numbers n with `$low` <= n <= `$high`, counted in ascending order as "
            "follows: $said. An empty range gives 0.",
            "Add up a range of whole numbers, beginning with `$low` and ending with `$high` (nothing, and so 0, if the "
            "end lies before the beginning). In this, $said.",
            **words,
        ),
        body=written(draw, *styles, inner=inner, quick=quick, **parts),
        oracle=oracle,
        idea="Decide for each number of the range how it counts, and add that to the total.",
        contracts=((f"result == 0 if {low} > {high} else True",)),
        difficulty=1 if rule == "only" else 2,
    )


@family("arithmetic", 2, 3)
def term_of_recurrence(draw: Draw) -> Drawn:
    """A term of a sequence whose terms are made of the two or three before, perhaps modulo a number."""
    depth = draw.choice((2, 2, 3))
    factors = [draw.choice((1, 1, 2, 3, -1)) for _ in range(depth)]
    starts = [draw.integer(0, 4) for _ in range(depth - 1)] + [draw.integer(1, 5)]
    plus, modulus = draw.choice((0, 0, 1, 2)), draw.choice((0, 10, 97, 100, 1000))
    n, terms = a_number(draw), draw.name("terms", "row", "sequence")
    names = [draw.name("a", "p", "older"), draw.name("b", "q", "old"), draw.name("c", "r", "newest")][:depth]

    def combined(of: list[str]) -> str:
        text = ""
        for factor, each in zip(factors, of, strict=True):
            sign = " - " if factor < 0 else " + "
            text += (sign if text else "-" if factor < 0 else "") + (
                each if abs(factor) == 1 else f"{abs(factor)} * {each}"
            )
        text += f" + {plus}" if plus else ""
        return f"({text}) % {modulus}" if modulus else text

    said = []
    for factor, name in zip(
        factors,
        ("the one just before it", "the one two before it", "the one three before it")[depth - 1 :: -1],
        strict=True,
    ):
        said.append(("minus " if factor == -1 else "" if factor == 1 else f"{factor} times ") + name)
    rule = "the sum of " + (", ".join(said[:-1]) + " and " + said[-1]) + (f" and {plus}" if plus else "")
    rule += f", reduced modulo {modulus} to a number from 0 to {modulus - 1}" if modulus else ""
    parts = {"n": n, "terms": terms, "next": combined(names), "first": names[0], "depth": depth, "starts": starts}
    parts["names"], parts["values"] = ", ".join(names), ", ".join(map(str, starts))
    parts["moved"] = ", ".join([*names[1:], combined(names)])
    parts["listed"] = combined([f"{terms}[-{depth - at}]" for at in range(depth)])
    words = {"n": n, "starts": f"{', '.join(map(str, starts[:-1]))} and {starts[-1]}", "rule": rule}
    call = draw.choice(("term_of_sequence", "nth_term", "sequence_at", "recurrent"))
    parts["deep"] = combined([f"term(k - {depth - at})" for at in range(depth)])

    def oracle(index: int) -> int:
        known = dict(enumerate(starts))
        for at in range(depth, index + 1):
            value = plus + sum(factor * known[at - depth + place] for place, factor in enumerate(factors))
            known[at] = value - value // modulus * modulus if modulus else value
        return known[index]

    body = written(
        draw,
        """
        $names = $values
        for _ in range($n):
            $names = $moved
        return $first
        """,
        """
        $terms = $starts
        while len($terms) <= $n:
            $terms.append($listed)
        return $terms[$n]
        """,
        """
        @cache
        def term(k):
            if k < $depth:
                return $starts[k]
            return $deep

        return term($n)
        """,
        **parts,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(n, TINY),),
        returns="int",
        say=draw.say(
            "A sequence begins with $starts. Every later term is $rule. Return the term with index `$n`, where the "
            "first term has index 0.",
            "Return term number `$n` (counted from 0) of the sequence that starts with $starts and in which each "
            "further term is $rule.",
            "Let the first terms of a sequence be $starts, and each of the following ones $rule. Find its term at "
            "index `$n`; index 0 is the very first.",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Each term follows from the few terms before it, and the first ones are given.",
        contracts=(f"0 <= result < {modulus}",) if modulus else (),
        difficulty=2 if depth == 2 else 3,
    )


@family("arithmetic", 2, 3)
def chain_of_rules(draw: Draw) -> Drawn:
    """A number changed by one of two rules again and again: how long, how high."""
    p, low = draw.choice((2, 3)), draw.choice((1, 4, 10))
    up = draw.choice(("3 * {x} + 1", "{x} + 7", "{x} + 5", "2 * {x} - 1", "{x} * 2 + 3"))
    most = draw.choice((20, 30, 50))
    ask = draw.choice(("steps", "highest", "last"))
    n, steps, top = a_number(draw), draw.name("steps", "count", "turns"), draw.name("highest", "top", "peak")
    ups = {
        "3 * {x} + 1": "three times itself plus 1",
        "{x} + 7": "itself plus 7",
        "{x} + 5": "itself plus 5",
        "2 * {x} - 1": "twice itself minus 1",
        "{x} * 2 + 3": "twice itself plus 3",
    }
    parts = {"n": n, "steps": steps, "top": top, "p": p, "low": low, "most": most, "up": up.replace("{x}", n)}
    parts["end"] = {"steps": steps, "highest": top, "last": n}[ask]
    asked = {
        "steps": "the number of steps that were made",
        "highest": "the greatest number that occurred, `$n` included",
        "last": "the number at the end",
    }[ask].replace("$n", n)
    words = {"n": n, "p": p, "low": low, "most": most, "up": ups[up], "asked": asked}

    def oracle(number: int) -> int:
        walk = [number]
        grow = {
            "3 * {x} + 1": (3, 1),
            "{x} + 7": (1, 7),
            "{x} + 5": (1, 5),
            "2 * {x} - 1": (2, -1),
            "{x} * 2 + 3": (2, 3),
        }
        factor, plus = grow[up]
        while walk[-1] > low and len(walk) <= most:
            now = walk[-1]
            walk.append(len(range(0, now, p)) if now in range(0, now + 1, p) else sum([now] * factor, plus))
        return {"steps": len(walk) - 1, "highest": max(walk), "last": walk[-1]}[ask]

    keep = ask == "highest"
    parts["keep"] = f"\n{top} = max({top}, {n})" if keep else ""
    parts["begin"] = f"\n{top} = {n}" if keep else ""
    return Drawn(
        call=draw.choice(("follow_rules", "run_chain", "walk_of_numbers", "up_and_down")),
        parameters=(Parameter(n, POSITIVE),),
        returns="int",
        say=draw.say(
            "Start with the positive number `$n`. As long as the number is greater than $low, and for at most $most "
            "steps, do this: if it is divisible by $p divide it by $p, otherwise replace it by $up. Return $asked.",
            "In one step a number that is divisible by $p is divided by $p, and any other number is replaced by $up. "
            "Make such steps from `$n` (at least 1) on, but stop at a number that is at most $low and after $most "
            "steps. Return $asked.",
            "Return $asked, for the following walk. It begins at `$n`, which is positive. From a multiple of $p it "
            "goes on to the quotient by $p, from all others to $up; it is over once the number is not above $low, or "
            "when $most steps have been made.",
            **words,
        ),
        body=written(
            draw,
            """
            $steps = 0$begin
            while $n > $low and $steps < $most:
                if $n % $p == 0:
                    $n //= $p
                else:
                    $n = $up
                $steps += 1$keep
            return $end
            """,
            """
            $steps = 0$begin
            for _ in range($most):
                if $n <= $low:
                    break
                $n = $n // $p if $n % $p == 0 else $up
                $steps += 1$keep
            return $end
            """
            if ask == "steps"
            else """
            $top = $n
            for _ in range($most):
                if $n <= $low:
                    break
                $n = $n // $p if $n % $p == 0 else $up
                $top = max($top, $n)
            return $top
            """
            if keep
            else """
            for _ in range($most):
                if $n <= $low:
                    break
                $n = $n // $p if $n % $p == 0 else $up
            return $n
            """,
            **parts,
        ),
        oracle=oracle,
        idea="Simulate the walk step by step; the limit on the steps makes sure that it ends even if it runs in a "
        "circle.",
        contracts=(f"0 <= result <= {most}",) if ask == "steps" else ("result >= 1",),
        difficulty=2 if ask == "steps" else 3,
    )


@family("arithmetic", 3, 4)
def circle_of_remainders(draw: Draw) -> Drawn:
    """A map on the numbers below a modulus: when it comes back, and to what."""
    modulus, factor = draw.name("modulus", "m", "size"), draw.integer(2, 7)
    plus, square = draw.integer(1, 9), draw.chance()
    ask = draw.choice(("before", "length", "members"))
    x, seen = draw.name("x", "value", "current", "n"), draw.name("seen", "step_of", "visited")
    step = draw.name("step", "turn", "age")
    source = f"({x} * {x} + {plus}) % {modulus}" if square else f"({factor} * {x} + {plus}) % {modulus}"
    rule = "its square" if square else f"{factor} times the number"
    parts = {"x": x, "seen": seen, "step": step, "next": source, "modulus": modulus}
    asked = {
        "before": "how many numbers of the chain come before the first one that occurs again later",
        "length": "how many numbers there are from one occurrence of a repeated number up to, but without, its next",
        "members": "the ascending list of the numbers that occur again and again",
    }[ask]
    parts["end"] = {
        "before": f"{seen}[{x}]",
        "length": f"{step} - {seen}[{x}]",
        "members": f"sorted(each for each in {seen} if {seen}[each] >= {seen}[{x}])",
    }[ask]
    parts["listed"] = {
        "before": f"{seen}.index({x})",
        "length": f"len({seen}) - {seen}.index({x})",
        "members": f"sorted({seen}[{seen}.index({x}):])",
    }[ask]

    def oracle(start: int, m: int) -> list[int] | int:
        walk = [start % m]
        for _ in range(3 * m):
            now = walk[-1]
            walk.append(((now**2 if square else sum([now] * factor)) + plus) % m)
        again = sorted(set(walk[2 * m :]))
        before = sum(1 for each in set(walk) if each not in again)
        return {"before": before, "length": len(again)}.get(ask, again)

    words = {"x": x, "rule": rule, "plus": plus, "modulus": modulus, "asked": asked}
    return Drawn(
        call=draw.choice(("remainder_circle", "chain_until_repeat", "orbit", "eventual_cycle")),
        parameters=(Parameter(x, POSITIVE), Parameter(modulus, SMALL)),
        returns="list[int]" if ask == "members" else "int",
        say=draw.say(
            "A chain of numbers starts with `$x` modulo `$modulus`. The next number is always the remainder modulo "
            "`$modulus` of $rule plus $plus, so that sooner or later numbers repeat; `$modulus` is positive. Return "
            "$asked.",
            "Start with the remainder of `$x` modulo `$modulus` and go on and on by this rule: take $rule, add $plus "
            "and reduce modulo `$modulus`. The chain must run into a circle, since `$modulus` is at least 1. Return "
            "$asked.",
            "Consider the endless sequence whose first member is `$x` reduced modulo `$modulus` and in which each "
            "member gives the next: $rule plus $plus, reduced modulo `$modulus`. Return $asked.",
            **words,
        ),
        body=written(
            draw,
            """
            $seen = {}
            $x %= $modulus
            $step = 0
            while $x not in $seen:
                $seen[$x] = $step
                $x = $next
                $step += 1
            return $end
            """
            if ask == "length"
            else """
            $seen = {}
            $x %= $modulus
            while $x not in $seen:
                $seen[$x] = len($seen)
                $x = $next
            return $end
            """,
            """
            $x %= $modulus
            $seen = []
            while $x not in $seen:
                $seen.append($x)
                $x = $next
            return $listed
            """,
            **parts,
        ),
        oracle=oracle,
        idea="There are only so many remainders, so one must come back. Remember at which step each was met first; the "
        "first that is met again tells where the circle begins and how long it is.",
        contracts=(f"len(result) <= {modulus}" if ask == "members" else f"0 <= result <= {modulus}",),
        difficulty=4 if ask == "members" else 3,
    )
