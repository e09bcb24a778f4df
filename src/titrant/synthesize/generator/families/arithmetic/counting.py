"""Things that are counted: lattice points, representations, exponents, binomials, years."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.arithmetic.bounds import POSITIVE, ROW, SIDE, SMALL
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_count, a_number, a_total
from titrant.synthesize.generator.pairs import pair_test
from titrant.synthesize.generator.pieces import grouped, telling_test


@family("arithmetic", 2, 3)
def lattice_pairs(draw: Draw) -> Drawn:
    """How many pairs of whole numbers of a range stand in a relation."""
    test, order = pair_test(draw), draw.choice(("all", "rising", "strict"))
    while len({sum(test.call(a, b) for a in range(n) for b in range(a, n)) for n in (4, 10, 18)}) < 3:
        test = pair_test(draw)
    low = draw.choice((1, 1, 0))
    n, count = a_number(draw), a_count(draw)
    a, b = draw.name("a", "x", "first"), draw.name("b", "y", "second")
    start = {"all": str(low), "rising": a, "strict": f"{a} + 1"}[order]
    parts = {"n": n, "count": count, "a": a, "b": b, "low": low, "start": start, "holds": test.of(a, b)}
    said = {
        "all": "pairs of a first and a second whole number",
        "rising": "pairs of a first and a second whole number, the second at least as great as the first,",
        "strict": "pairs of a first and a greater second whole number",
    }[order]
    words = {"n": n, "said": said, "low": low, "test": test.words}

    def oracle(bound: int) -> int:
        found = 0
        for code in range((bound + 1) ** 2):
            one, two = divmod(code, bound + 1)
            fits = min(one, two) >= low and (order == "all" or one < two or (order == "rising" and one == two))
            found += fits and test.call(one, two)
        return found

    styles = [
        """
        $count = 0
        for $a in range($low, $n + 1):
            for $b in range($start, $n + 1):
                if $holds:
                    $count += 1
        return $count
        """,
        """
        return sum(1 for $a in range($low, $n + 1) for $b in range($start, $n + 1) if $holds)
        """,
    ]
    if order == "strict":
        styles.append("return sum(1 for $a, $b in combinations(range($low, $n + 1), 2) if $holds)")
    body = written(draw, *styles, **parts)
    return Drawn(
        call=draw.choice(("lattice_pairs", "count_number_pairs", "pairs_in_range", "grid_count")),
        parameters=(Parameter(n, SIDE),),
        returns="int",
        say=draw.say(
            "Count the $said from $low to `$n` (both included) such that $test.",
            "Return the number of $said between $low and `$n`, bounds included, for which it is true that $test.",
            "Look at all $said that lie in the range from $low to and including `$n`. In some of them $test; return "
            "how many these are (0 if the range is empty).",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="All pairs in the range are gone through, each of them once, and held against the condition.",
        contracts=("result >= 0",),
        difficulty=2,
    )


@family("arithmetic", 3)
def ways_as_sum(draw: Draw) -> Drawn:
    """In how many ways, or how, a number is a sum of two members of a pattern."""
    power, weight, listed = draw.choice((1, 2, 2, 3)), draw.choice((1, 2, 3, 5)), draw.chance(0.4)
    if power == 1:
        weight = draw.choice((2, 3, 5, 7))
    zero = draw.chance()
    n, x, y = a_number(draw), draw.name("x", "a", "p"), draw.name("y", "b", "q")
    rest, found = draw.name("rest", "left", "remainder"), draw.name("found", "ways", "pairs")
    one, two = (f"{x} ** {power}", f"{y} ** {power}") if power > 1 else (x, y)
    right = two if weight == 1 else f"{weight} * {two}"
    least = 0 if zero else 1
    parts = {"n": n, "x": x, "y": y, "rest": rest, "found": found, "one": one, "right": right, "least": least}
    parts["from_"] = x if weight == 1 else str(least)
    parts["store"] = f"{found}.append(({x}, {y}))" if listed else f"{found} += 1"
    parts["begin"] = "[]" if listed else "0"
    parts["extra"] = f" and {x} <= {y}" if weight == 1 else ""

    def oracle(number: int) -> list[tuple[int, int]] | int:
        second = {weight * q**power: q for q in range(least, number + 1)}
        fits = [(p, second.get(number - p**power, -1)) for p in range(least, number + 1)]
        fits = [pair for pair in fits if pair[1] >= (0 if weight > 1 else pair[0])]
        return fits if listed else len(fits)

    letter = {1: "", 2: " squared", 3: " cubed"}[power]
    equation = f"x{letter} plus " + (f"{weight} times " if weight > 1 else "") + f"y{letter}"
    words = {"n": n, "equation": equation, "kind": "non-negative whole numbers" if zero else "positive whole numbers"}
    words["order"] = " and x is not greater than y" if weight == 1 else ""
    words["asked"] = "the list of all such pairs (x, y), ascending by x" if listed else "the number of such pairs"
    return Drawn(
        call=draw.choice(("ways_as_sum", "representations", "write_as_sum", "sum_solutions")),
        parameters=(Parameter(n, POSITIVE),),
        returns="list[tuple[int, int]]" if listed else "int",
        say=draw.say(
            "Find the pairs of $kind x and y such that $equation equals `$n`$order. Return $asked.",
            "Consider the pairs of $kind x and y for which $equation is the number `$n`$order. What is asked for is "
            "$asked.",
            "A solution is a pair of $kind x and y for which $equation gives exactly `$n`$order. Return $asked.",
            **words,
        ),
        body=written(
            draw,
            """
            $found = $begin
            for $x in range($least, $n + 1):
                for $y in range($from_, $n + 1):
                    total = $one + $right
                    if total > $n:
                        break
                    if total == $n:
                        $store
            return $found
            """,
            """
            $found = $begin
            $x = $least
            while $one <= $n:
                $rest = $n - $one
                $y = $least
                while $right < $rest:
                    $y += 1
                if $right == $rest$extra:
                    $store
                $x += 1
            return $found
            """,
            **parts,
        ),
        oracle=oracle,
        idea=(
            "For each first number the second one goes up until the sum hits the number or passes it; then "
            "the search goes on with the next first number."
        ),
        contracts=(f"len(result) <= {n} + 1",) if listed else (f"0 <= result <= {n} + 1",),
        difficulty=3,
    )


@family("arithmetic", 3, 4)
def exponent_in_product(draw: Draw) -> Drawn:
    """How often a prime divides the product of some numbers of a range."""
    base, kind, test = draw.choice((2, 3, 5, 7)), draw.choice(("all", "test", "step")), telling_test(draw, 1, 30)
    stride, first = draw.integer(2, 6), draw.integer(1, 6)
    n, count = a_number(draw), a_count(draw)
    power, k = draw.name("power", "reached", "multiple"), draw.name("k", "factor", "i")
    scale = draw.choice((1, 1, 2, 3, 4))
    parts = {"n": n, "count": count, "power": power, "k": k, "base": str(base)}
    parts["first"] = str(first) if kind == "step" else "1"
    parts["stride"] = f", {stride}" if kind == "step" else ""
    parts["skip"] = f"if not ({test.of(k)}):\n    continue\n" if kind == "test" else ""
    parts["top"] = n if scale == 1 else f"{scale} * {n}"
    top = f"`{n}`" if scale == 1 else f"{scale} times `{n}`"
    product = {
        "all": f"the product of all whole numbers from 1 to {top}",
        "test": f"the product of those numbers from 1 to {top} that are {test.words} (1 if there are none)",
        "step": f"the product of {first}, {first + stride}, {first + 2 * stride} and so on, as far as "
        f"the numbers are at most {top} (1 if there are none)",
    }[kind]

    def oracle(number: int) -> int:
        whole = 1
        for each in range(1, scale * number + 1):
            stepped = each >= first and not (each - first) % stride
            whole *= each if kind == "all" or (stepped if kind == "step" else test.call(each)) else 1
        found = 0
        while whole % base ** (found + 1) == 0:
            found += 1
        return found

    body = written(
        draw,
        """
        $count = 0
        for $k in range($first, $top + 1$stride):
            $loop
        return $count
        """,
        """
        $count = 0
        $power = $base
        while $power <= $top:
            $bulk
            $power *= $base
        return $count
        """,
        loop=parts["skip"] + f"while {k} % {base} == 0:\n    {k} //= {base}\n    {count} += 1",
        bulk=f"{count} += {parts['top']} // {power}"
        if kind == "all"
        else f"for {k} in range({parts['first']}, {parts['top']} + 1{parts['stride']}):\n    if {k} % {power} == 0"
        + (f" and {grouped(test.of(k))}" if kind == "test" else "")
        + f":\n        {count} += 1",
        **parts,
    )
    return Drawn(
        call=draw.choice(("exponent_in_product", "prime_exponent", "how_often_divisible", "multiplicity")),
        parameters=(Parameter(n, SMALL),),
        returns="int",
        say=draw.say(
            "Return how often $product can be divided by $base without a remainder. `$n` is positive.",
            "Consider $product. Return the greatest exponent e such that $base to the power of e divides it; `$n` is "
            "at least 1.",
            "For a positive number `$n`, find out how many times the prime $base occurs in the factorisation of "
            "$product.",
            n=n,
            product=product,
            base=base,
        ),
        body=body,
        oracle=oracle,
        idea="The product need not be computed: what its factors contribute to the exponent is added up.",
        contracts=("result >= 0",),
        difficulty=3 if kind == "all" else 4,
    )


@family("arithmetic", 3)
def triangle_row(draw: Draw) -> Drawn:
    """A row of a triangle in which each number is made of the two above it."""
    edge, plus, modulus = draw.integer(1, 3), draw.choice((0, 0, 1, 2)), draw.choice((0, 0, 7, 10, 12))
    left, ask = draw.choice((1, 1, 2)), draw.choice(("row", "sum", "odd"))
    n, row, k = a_number(draw), draw.name("row", "line", "level"), draw.name("k", "i", "at")
    a, b = draw.name("a", "left"), draw.name("b", "right")
    first = a if left == 1 else f"{left} * {a}"
    made = f"{first} + {b}" + (f" + {plus}" if plus else "")
    made = f"({made}) % {modulus}" if modulus else made
    end = {"row": row, "sum": f"sum({row})", "odd": f"sum(1 for {k} in {row} if {k} % 2 == 1)"}[ask]
    parts = {"n": n, "row": row, "k": k, "a": a, "b": b, "edge": edge, "made": made, "end": end}
    above = (f"{left} times " if left > 1 else "") + "its upper left neighbour plus its upper right neighbour"
    above += f" plus {plus}" if plus else ""
    above += f", all reduced modulo {modulus}" if modulus else ""
    asked = {"row": "this row as a list", "sum": "the sum of this row", "odd": "how many numbers of this row are odd"}[
        ask
    ]

    def oracle(index: int) -> list[int] | int:
        def entry(line: int, place: int) -> int:
            if place in (0, line):
                return edge
            value = left * entry(line - 1, place - 1) + entry(line - 1, place) + plus
            return value - value // modulus * modulus if modulus else value

        whole = [entry(index, place) for place in range(index + 1)]
        return {"sum": sum(whole), "odd": sum(each & 1 for each in whole)}.get(ask, whole)

    return Drawn(
        call=draw.choice(("triangle_row", "row_of_triangle", "number_triangle", "build_row")),
        parameters=(Parameter(n, ROW),),
        returns="list[int]" if ask == "row" else "int",
        say=draw.say(
            "In a triangle of numbers, row 0 is just $edge. Every further row is one number longer, has $edge at both "
            "ends, and each number between is $above. For row `$n`, return $asked.",
            "A triangle starts with a row that holds only $edge. Each next row begins and ends with $edge; each of its "
            "other numbers is $above. Take the row with index `$n`, counted from 0, and return $asked.",
            "Build the number triangle whose borders are all $edge and whose inner numbers are each $above. The tip is "
            "row 0. Go down to row `$n` and return $asked.",
            n=n,
            edge=edge,
            above=above,
            asked=asked,
        ),
        body=written(
            draw,
            """
            $row = [$edge]
            for _ in range($n):
                $row = [$edge, *($made for $a, $b in zip($row, $row[1:])), $edge]
            return $end
            """,
            """
            $row = [$edge]
            while len($row) <= $n:
                inner = []
                for $k in range(1, len($row)):
                    $a, $b = $row[$k - 1], $row[$k]
                    inner.append($made)
                $row = [$edge] + inner + [$edge]
            return $end
            """,
            """
            $row = [$edge] * ($n + 1)
            for size in range(2, $n + 1):
                for $k in range(size - 1, 0, -1):
                    $a, $b = $row[$k - 1], $row[$k]
                    $row[$k] = $made
            return $end
            """,
            **parts,
        ),
        oracle=oracle,
        idea="A row is made from the one above by pairing its neighbours; only one row has to be kept at a time.",
        contracts=(f"len(result) == {n} + 1",) if ask == "row" else ("result >= 0",),
        difficulty=3,
    )


@family("arithmetic", 2)
def leap_years(draw: Draw) -> Drawn:
    """Leap years of an invented calendar: how many days, how many leap years, which is next."""
    a, b, c = draw.choice(((4, 20, 60), (3, 15, 45), (5, 25, 100), (4, 32, 96), (6, 18, 90), (2, 14, 70)))
    ask = draw.choice(("count", "days", "list", "next"))
    days, extra = draw.choice((300, 360, 365, 400)), draw.choice((1, 2, 5))
    first, last = draw.name("first", "start", "begin"), draw.name("last", "end", "until")
    year, total = draw.name("year", "y"), a_total(draw)
    parts = {"first": first, "last": last, "year": year, "total": total, "a": a, "b": b, "c": c}
    parts |= {"days": days, "extra": extra}
    rule = f"{year} % {c} == 0 or ({year} % {a} == 0 and {year} % {b} != 0)"
    parts["rule"] = rule
    said = f"a year is a leap year if its number is divisible by {a} and not by {b}, or if it is divisible by {c}"
    asked = {
        "count": f"the number of leap years from `{first}` to `{last}`, both included (0 if the years run backwards)",
        "days": f"how many days the years from `{first}` to `{last}`, both included, have together (0 if the years run "
        f"backwards), when a year has {days} days and a leap year {extra} more",
        "list": f"the ascending list of the leap years from `{first}` to `{last}`, both included",
        "next": f"the first leap year after the year `{first}`",
    }[ask]

    def oracle(begin: int, end: int = 0) -> list[int] | int:
        leaps = sorted((set(range(0, 1000, a)) - set(range(0, 1000, b))) | set(range(0, 1000, c)))
        if ask == "next":
            return min(each for each in leaps if each > begin)
        inside = [each for each in leaps if begin <= each <= end]
        return {"count": len(inside), "days": len(range(begin, end + 1)) * days + len(inside) * extra}.get(ask, inside)

    test = f"def is_leap({year}):\n    return {rule}"
    styles = {
        "count": (
            "return sum(1 for $year in range($first, $last + 1) if is_leap($year))",
            """
            def before($year):
                return ($year - 1) // $a - ($year - 1) // $b + ($year - 1) // $c

            return max(0, before($last + 1) - before($first))
            """,
        ),
        "days": (
            """
            $total = 0
            for $year in range($first, $last + 1):
                $total += $days
                if is_leap($year):
                    $total += $extra
            return $total
            """,
            "return sum($days + ($extra if is_leap($year) else 0) for $year in range($first, $last + 1))",
        ),
        "list": (
            "return [$year for $year in range($first, $last + 1) if is_leap($year)]",
            "return list(filter(is_leap, range($first, $last + 1)))",
        ),
        "next": (
            """
            $year = $first + 1
            while not is_leap($year):
                $year += 1
            return $year
            """,
            """
            for $year in itertools.count($first + 1):
                if is_leap($year):
                    return $year
            """,
        ),
    }[ask]
    body = written(draw, *styles, **parts)
    before = "\n\n\n".join(filter(None, (imports_of(body), test if "is_leap" in body else "")))
    return Drawn(
        call=draw.choice(("leap_years", "calendar_question", "years_of_calendar", "count_calendar")),
        parameters=(Parameter(first, POSITIVE), *(() if ask == "next" else (Parameter(last, POSITIVE),))),
        returns="list[int]" if ask == "list" else "int",
        say=draw.say(
            "In an invented calendar, $said. Return $asked.",
            "Return $asked, by the following rule: $said.",
            "Imagine a calendar where $said. Years are positive numbers. Find out $asked.",
            said=said,
            asked=asked,
        ),
        body=body,
        prelude=before,
        oracle=oracle,
        idea=("Say for a single year whether it is a leap year, and put the rule to all the years in question."),
        contracts=("result >= 0",) if ask in ("count", "days") else (f"result > {first}",) if ask == "next" else (),
        difficulty=2,
    )
