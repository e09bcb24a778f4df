"""Subsequences and stretches of a row of numbers."""

from __future__ import annotations

from itertools import combinations

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change

ROW = Lists(Integers(-9, 20), 0, 7)


_LONGEST_CHAIN_BODIES = (
    """
    $best = []
    for i in range(len($values)):
        $best.append($own)
        for j in range(i):
            if $rule:
                $best[i] = $gain
    return $end
    """,
    """
    $best = []
    for i in range(len($values)):
        earlier = [$best[j] for j in range(i) if $rule]
        $best.append($fold)
    return $end
    """,
    """
    @cache
    def ending_at(i):
        earlier = [ending_at(j) for j in range(i) if $rule]
        return $fold

    $best = [ending_at(i) for i in range(len($values))]
    return $end
    """,
)


_LONGEST_CHAIN_WORDINGS = (
    "Delete numbers from `$values`, without changing the order of the others, so that each kept number except the "
    "first $words. Return $what. $none",
    "Return $what if some numbers of `$values` are kept in their order such that each of them, from the second on, "
    "$words. $none",
    "Look for subsequences of `$values` (numbers at rising positions, not necessarily side by side) in which every "
    "number but the first $words. Return $what, where the numbers of the subsequence are the kept ones. $none",
)


@family("dynamic-programming", 3)
def longest_chain(draw: Draw) -> Drawn:
    """The longest, heaviest or number of subsequences whose neighbours keep a rule."""
    k = draw.integer(2, 5)
    words, source, meaning = one_of(
        draw,
        ("is greater than the one before", "$a < $b", lambda a, b: b - a > 0),
        ("is at least as great as the one before", "$a <= $b", lambda a, b: not b < a),
        (
            f"differs from the one before by at most {k}",
            f"abs($a - $b) <= {k}",
            lambda a, b: max(a, b) - min(a, b) in range(k + 1),
        ),
        ("has another parity than the one before", "($a + $b) % 2 == 1", lambda a, b: bool((a ^ b) & 1)),
        (f"is greater than the one before by at least {k}", f"$b - $a >= {k}", lambda a, b: not b < a + k),
        (
            f"leaves the same remainder modulo {k} as the one before",
            f"($a - $b) % {k} == 0",
            lambda a, b: (a - b) // k * k == a - b,
        ),
    )
    kind = draw.integer(0, 2)
    call = draw.name("longest_chain", "best_run", "chain_value", "thread")
    values, best = draw.name("values", "numbers", "row"), draw.name("best", "ending", "table")
    names = {
        "values": values,
        "best": best,
        "words": words,
        "rule": fill(source, a=f"{values}[j]", b=f"{values}[i]"),
        "rule_next": fill(source, a="before", b=f"{values}[i]"),
        "what": (
            "the greatest possible number of kept numbers",
            "the greatest possible sum of the kept numbers",
            "in how many ways at least one number can be kept",
        )[kind],
        "none": (
            "An empty list gives 0.",
            "At least one number must be kept; an empty list gives 0.",
            "Ways that keep different positions are different; an empty list gives 0.",
        )[kind],
        "own": ("1", f"{values}[i]", "1")[kind],
        "gain": (
            f"max({best}[i], {best}[j] + 1)",
            f"max({best}[i], {best}[j] + {values}[i])",
            f"{best}[i] + {best}[j]",
        )[kind],
        "end": (f"max({best}, default=0)", f"max({best}, default=0)", f"sum({best})")[kind],
        "fold": ("1 + max(earlier, default=0)", f"{values}[i] + max([0] + earlier)", "1 + sum(earlier)")[kind],
    }

    def oracle(given: list[int]) -> int:
        places = range(len(given))
        ways = [[given[i] for i in way] for n in range(1, len(given) + 1) for way in combinations(places, n)]
        kept = [way for way in ways if all(meaning(way[i], way[i + 1]) for i in range(len(way) - 1))]
        return len(kept) if kind == 2 else max((sum(way) if kind else len(way) for way in kept), default=0)

    body = draw.source(
        *_LONGEST_CHAIN_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(values, ROW),),
        returns="int",
        say=draw.say(
            *_LONGEST_CHAIN_WORDINGS,
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "For each position consider what ends there: it begins anew or prolongs something that ends at an earlier "
            "position which agrees with the rule.",
            "Work out the answer for sequences that end at a given number from those that end before it, then put the "
            "ends together.",
        ),
        contracts=("result >= 0",) if kind != 1 else (),
        difficulty=3,
    )


_STRETCHING_TEMPLATES = (
    (
        """
        best, ending = None, 0
        for i in range(len($row)):
            if i >= $k:
                ending = max(ending, 0) + $row[i - $k]
            if i >= $k - 1:
                total = max(ending, 0) + sum($row[i - $k + 1 : i + 1])
                best = total if best is None else max(best, total)
        return best or 0
        """,
        """
        sums = [0, *accumulate($row)]
        best = None
        lowest = 0
        for end in range($k, len(sums)):
            lowest = min(lowest, sums[end - $k])
            if best is None or sums[end] - lowest > best:
                best = sums[end] - lowest
        return 0 if best is None else best
        """,
    ),
    (
        """
        if not $row:
            return 0
        whole = best = $row[0]
        short = None
        for value in $row[1:]:
            shorter = [whole] if short is None else [whole, short + value]
            short = max(shorter)
            if whole < 0:
                short = max(short, value)
            whole = max(whole, 0) + value
            best = max(best, whole, short)
        return best
        """,
        """
        n = len($row)
        if n == 0:
            return 0
        left, right = list($row), list($row)
        for i in range(1, n):
            left[i] = max(left[i], left[i - 1] + $row[i])
        for i in range(n - 2, -1, -1):
            right[i] = max(right[i], right[i + 1] + $row[i])
        without = [left[i - 1] + right[i + 1] for i in range(1, n - 1)]
        return max(left + without)
        """,
    ),
    (
        """
        if not $row:
            return 0
        plus, minus = $row[0], None
        best = plus
        for value in $row[1:]:
            after = plus - value
            plus = value if minus is None else max(value, minus + value)
            minus = after
            best = max(best, plus, minus)
        return best
        """,
        """
        @cache
        def ending(i, positive):
            if positive:
                longer = ending(i - 1, False) if i > 1 else 0
                return $row[i] + max(0, longer)
            return ending(i - 1, True) - $row[i]

        found = [ending(i, True) for i in range(len($row))]
        found += [ending(i, False) for i in range(1, len($row))]
        return max(found, default=0)
        """,
    ),
)


def _stretching(draw: Draw, kind: int) -> Drawn:
    """The greatest sum of neighbouring numbers under a rule."""
    k = draw.integer(2, 4)
    rule = (
        f"that has at least {k} numbers",
        "from which, if it has two or more numbers, one may be left out of the sum",
        "in which the sign of every second number is turned, beginning with the second of the stretch",
    )[kind]
    change, x = number_change(draw), draw.name("value", "number", "each")
    call = draw.name("best_stretch", "best_segment", "peak_sum", "richest_stretch")
    values = draw.name("values", "numbers", "changes")
    names = {
        "values": values,
        "k": k,
        "change": change.of(x),
        "words": change.words,
        "x": x,
        "row": draw.name("changed", "row", "worth"),
        "rule": rule,
        "none": f"Return 0 if there are fewer than {k} numbers."
        if kind == 0
        else "Return 0 for an empty list; a stretch has at least one number.",
    }

    def oracle(given: list[int]) -> int:
        found = []
        for i in range(len(given)):
            for j in range(i + 1, len(given) + 1):
                part = [change.call(each) for each in given[i:j]]
                if kind == 0:
                    found += [sum(part)] if len(part) >= k else []
                elif kind == 1:
                    found += [sum(part)] + [sum(part) - x for x in part if len(part) > 1]
                else:
                    found.append(sum(part[::2]) - sum(part[1::2]))
        return max(found, default=0)

    first = draw.source("$row = [$change for $x in $values]", **names)
    body = f"{first}\n{draw.source(*_STRETCHING_TEMPLATES[kind], **names)}"
    return Drawn(
        call=call,
        parameters=(Parameter(values, ROW),),
        returns="int",
        say=draw.say(
            "Replace every number in `$values` by $words. Of all stretches of the results, that is, runs of numbers "
            "standing side by side, consider each one $rule, and return the greatest sum that one can give. $none",
            "Return the greatest sum of a stretch of consecutive numbers $rule, where the numbers are those in "
            "`$values`, each one replaced by $words. $none",
            "Take from `$values` a run of neighbouring numbers, a stretch $rule. Every number counts as $words. "
            "Return the greatest sum that can be reached. $none",
            **names,
        ),
        body=body,
        prelude=imports(body, "from itertools import accumulate", "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "A stretch that ends at a number is worth most if its beginning is chosen best; the best of all "
            "ends is the answer."
        ),
        difficulty=4,
    )


@family("dynamic-programming", 4)
def best_long_stretch(draw: Draw) -> Drawn:
    """The greatest sum of at least so many neighbouring numbers."""
    return _stretching(draw, 0)


@family("dynamic-programming", 4)
def best_stretch_but_one(draw: Draw) -> Drawn:
    """The greatest sum of neighbouring numbers, one of which may be left out."""
    return _stretching(draw, 1)


@family("dynamic-programming", 4)
def best_alternating_stretch(draw: Draw) -> Drawn:
    """The greatest sum of neighbouring numbers with alternating signs."""
    return _stretching(draw, 2)
