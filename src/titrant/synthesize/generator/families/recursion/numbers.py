"""Numbers that are made of smaller ones: sequences, ways down to zero, digits."""

from __future__ import annotations

from collections.abc import Callable

from titrant.synthesize.generator.domains import Integers
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family

INDEX = Integers(0, 14)
WHOLE = Integers(0, 200)
BIG = Integers(0, 99999)


_SEQUENCE_BY_RULE_WITH_PARITY = (
    """
    if $n < 2:
        return $second if $n == 1 else $first
    before, earlier = $call($n - 1), $call($n - 2)
    if $n % 2 == 0:
        return $rule
    return $other
    """,
    """
    earlier, before = $first, $second
    for place in range(2, $n + 1):
        if place % 2 == 0:
            earlier, before = before, $rule
        else:
            earlier, before = before, $other
    return $first if $n == 0 else before
    """,
    """
    @cache
    def value($n):
        if $n == 0:
            return $first
        if $n == 1:
            return $second
        before, earlier = value($n - 1), value($n - 2)
        return $rule if $n % 2 == 0 else $other

    return value($n)
    """,
)


_SEQUENCE_BY_RULE_WITHOUT = (
    """
    if $n == 0:
        return $first
    if $n == 1:
        return $second
    return $rule_call
    """,
    """
    terms = [$first, $second]
    for place in range(2, $n + 1):
        before, earlier = terms[place - 1], terms[place - 2]
        terms.append($rule)
    return terms[$n]
    """,
    """
    def walk(left, earlier, before):
        if left == 0:
            return earlier
        return walk(left - 1, before, $rule)

    return walk($n, $first, $second)
    """,
)


@family("recursion", 2, 3)
def sequence_by_rule(draw: Draw) -> Drawn:
    """A term of a sequence in which each term follows from the two before it, differently for even and odd places."""
    first, second = draw.integer(0, 5), draw.integer(1, 6)
    a, b, c = draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 9)
    modulus = draw.choice((0, 97, 100, 1000))
    parity = draw.chance(0.6)
    call = draw.name("term", "nth_term", "sequence_value", "element")
    n = draw.name("n", "index", "place")
    names = {
        "call": call,
        "n": n,
        "first": first,
        "second": second,
        "rule": f"{a} * $before + $earlier" if a > 1 else "$before + $earlier",
        "other": f"$before - {b} * $earlier + {c}" if b > 1 else f"$before - $earlier + {c}",
        "mod": f" % {modulus}" if modulus else "",
        "say_mod": f", reduced modulo {modulus}" if modulus else "",
    }
    even_words = (
        f"{a} times the term before it plus the one before that" if a > 1 else "the sum of the two terms before it"
    )
    odd_words = (
        f"the term before it minus {b} times the one before that, plus {c}"
        if b > 1
        else f"the term before it minus the one before that, plus {c}"
    )
    names["words"] = (
        f"every later term at an even place is {even_words}, and at an odd place it is {odd_words}"
        if parity
        else f"every later term is {even_words}, plus {c}"
    )
    names["rule"] = f"({names['rule']})" if modulus else str(names["rule"])
    names["other"] = f"({names['other']})" if modulus else str(names["other"])
    if not parity:
        plain = f"{a} * $before + $earlier + {c}" if a > 1 else f"$before + $earlier + {c}"
        names["rule"] = f"({plain})" if modulus else plain
    for key in ("rule", "other"):
        names[key + "_call"] = fill(str(names[key]), before=f"{call}({n} - 1)", earlier=f"{call}({n} - 2)") + str(
            names["mod"]
        )
        names[key] = fill(str(names[key]), before="before", earlier="earlier") + str(names["mod"])

    def oracle(place: int) -> int:
        terms = [first, second]
        while len(terms) <= place:
            x, y, even = terms[-1], terms[-2], len(terms) % 2 == 0
            value = sum([x] * a, y) + (0 if parity else c) if even or not parity else c + x - sum([y] * b)
            terms.append(value - value // modulus * modulus if modulus else value)
        return terms[place]

    body = draw.source(*(_SEQUENCE_BY_RULE_WITH_PARITY if parity else _SEQUENCE_BY_RULE_WITHOUT), **names)
    return Drawn(
        call=call,
        parameters=(Parameter(n, INDEX),),
        returns="int",
        say=draw.say(
            "Return the term at place `$n` of the sequence that begins with $first (at place 0) and $second (at place "
            "1), and in which $words$say_mod.",
            "Take the sequence that is given by its terms $first and $second at the places 0 and 1; $words$say_mod. "
            "Return its term at place `$n`.",
            "Compute the value at place `$n`, counted from 0, of this sequence: it starts with $first, $second, and "
            "$words$say_mod.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say("The first two terms are known; any other is found from the two before it."),
        difficulty=2,
    )


_DOWN: tuple[tuple[str, str, str, Callable[[list[int]], object]], ...] = (
    ("the number of steps", "0", "1", len),
    (
        "the list of the numbers met on the way, from the first to the last one above 0",
        "[]",
        "[$n]",
        lambda found: found,
    ),
    ("the sum of all numbers met, the first one included", "0", "$n", sum),
    ("how many odd numbers are met, the first one included", "0", "$n % 2", lambda found: sum(x & 1 for x in found)),
    (
        "the sum of the last digits of all numbers met, the first one included",
        "0",
        "$n % 10",
        lambda found: sum(int(str(x)[-1]) for x in found),
    ),
)


@family("recursion", 2)
def steps_down_to_zero(draw: Draw) -> Drawn:
    """How a number comes down to zero by division where possible and by subtraction otherwise."""
    k, minus = draw.integer(2, 5), draw.integer(1, 3)
    words, start, step, meaning = draw.choice(_DOWN)
    call = draw.name("count_down", "descend", "shrink", "way_to_zero")
    n = draw.name("n", "number", "value")
    names = {
        "call": call,
        "n": n,
        "k": k,
        "minus": minus,
        "words": words,
        "zero": start,
        "step": fill(step, n=n),
        "found": draw.name("found", "result", "total"),
    }

    def oracle(given: int) -> object:
        visited = []
        while given > 0:
            visited.append(given)
            given = given // k if given // k * k == given else max(given - minus, 0)
        return meaning(visited)

    return Drawn(
        call=call,
        parameters=(Parameter(n, WHOLE),),
        returns="list[int]" if start == "[]" else "int",
        say=draw.say(
            "Return $words when `$n` is brought down to 0 like this: a number divisible by $k is divided by $k, and "
            "any other is made smaller by $minus, though never less than 0. It ends as soon as 0 is reached.",
            "Bring `$n` down to 0. In each step divide the number by $k if that leaves no remainder, and otherwise "
            "subtract $minus from it (a result below 0 counts as 0). Return $words.",
            "Starting from `$n`, repeat until the number is 0: divide by $k where it is divisible by $k, else take "
            "away $minus, or all of it where it is less than that. Return $words.",
            **names,
        ),
        body=draw.source(
            """
            if $n == 0:
                return $zero
            if $n % $k == 0:
                return $step + $call($n // $k)
            return $step + $call(max($n - $minus, 0))
            """,
            """
            $found = $zero
            while $n > 0:
                $found += $step
                $n = $n // $k if $n % $k == 0 else max($n - $minus, 0)
            return $found
            """,
            """
            def descend_from(value, $found):
                if value == 0:
                    return $found
                smaller = value // $k if value % $k == 0 else max(value - $minus, 0)
                return descend_from(smaller, $found + $step_value)

            return descend_from($n, $zero)
            """,
            step_value=fill(step, n="value"),
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Nothing is left to do for 0; any other number is made smaller once, and the rest is the same question "
            "about the smaller number.",
            "Follow the rule step by step and collect what each number on the way contributes.",
        ),
        difficulty=2,
    )


_DIGITS_BOILED_DOWN_BODIES = (
    """
    def digit_total(value):
        if value == 0:
            return 0
        digit = value % $base
        return $worth + digit_total(value // $base)

    def shrink(value, left):
        if left == 0 or value < $base:
            return value
        return shrink(digit_total(value), left - 1)

    return shrink($n, $rounds)
    """,
    """
    for _ in range($rounds):
        if $n < $base:
            return $n
        $total = 0
        while $n > 0:
            $n, digit = divmod($n, $base)
            $total += $worth
        $n = $total
    return $n
    """,
    """
    def digits_of(value):
        return [value] if value < $base else digits_of(value // $base) + [value % $base]

    left = $rounds
    while $n >= $base and left > 0:
        $n = sum($worth for digit in digits_of($n))
        left -= 1
    return $n
    """,
)


@family("recursion", 2, 3)
def digits_boiled_down(draw: Draw) -> Drawn:
    """What repeated sums or products of digits end in, in a given base, or how often they are taken."""
    base = draw.integer(3, 16)
    where = "" if base == 10 else f" in base {base}"
    words, source, meaning = one_of(
        draw,
        (f"sum of its digits{where}", "digit", lambda d: d),
        (
            f"sum of its digits{where} (each one doubled if it is odd)",
            "digit * (1 + digit % 2)",
            lambda d: 2 * d if d & 1 else d,
        ),
        (
            f"sum of its digits{where} (each one counting one more if it is not 0)",
            "digit + (digit > 0)",
            lambda d: d + 1 if d else 0,
        ),
        (f"number of its digits{where} that are not 0", "(digit > 0)", lambda d: int(d != 0)),
    )
    rounds = draw.integer(2, 5)
    call = draw.name("boil_down", "reduce_digits", "digit_rounds", "condense")
    n = draw.name("n", "number", "value")
    names = {
        "call": call,
        "n": n,
        "base": base,
        "words": words,
        "worth": source,
        "rounds": rounds,
        "total": draw.name("total", "after", "outcome"),
        "in_base": where,
    }

    def digits(value: int) -> list[int]:
        return [value // base**place % base for place in range(20)]

    def oracle(given: int) -> int:
        for _ in range(rounds):
            if given in range(base):
                break
            given = sum(meaning(d) for d in digits(given))
        return given

    return Drawn(
        call=call,
        parameters=(Parameter(n, BIG),),
        returns="int",
        say=draw.say(
            "Replace `$n` by the $words, and do so again with the outcome, at most $rounds times in all and only as "
            "long as the number has more than one digit$in_base. Return the number that is left.",
            "Return what becomes of `$n` after at most $rounds rounds. In a round a number with two or more "
            "digits$in_base turns into the $words; a number with one digit stays as it is.",
            "Shrink `$n` up to $rounds times: each time a number of more than one digit$in_base is replaced by the "
            "$words written$in_base. Return the final number; one of a single digit is never replaced.",
            **names,
        ),
        body=draw.source(
            *_DIGITS_BOILED_DOWN_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Cut off digit after digit to form the total, and repeat with the total until it has one digit "
            "or the rounds are used up."
        ),
        difficulty=3,
    )
