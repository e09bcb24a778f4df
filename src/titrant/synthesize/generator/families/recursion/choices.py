"""Everything that can be chosen, arranged or cut up under a rule."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise, permutations, product
from textwrap import dedent

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, clause, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_test

FEW = Lists(Integers(-9, 20), 0, 6)
DISTINCT = Lists(Integers(0, 12), 0, 4, unique=True)
COUNT = Integers(0, 4)
WHOLE = Integers(0, 9)
LENGTH = Integers(0, 5)


_CHOICES_WITH_TOTAL_WORDINGS = (
    "Return $what to choose $many `$size` positions of the list `$values` such that the sum of the numbers there is "
    "$is_kept. Choosing nothing has the sum 0. $form",
    "From `$values` choose $many `$size` numbers, each position at most once, so that their sum (0 for no number) is "
    "$is_kept. Return $what to do so. $form",
    "Consider all selections of $many `$size` members of `$values`, the empty one with sum 0 among them where its "
    "size is allowed. Of those whose sum is $is_kept return $what. $form",
)


_CHOICES_WITH_TOTAL_COUNTED = (
    """
    def count(start, left, $total):
        found = 1 if $full else 0
        if left > 0:
            for i in range(start, len($values)):
                found += count(i + 1, left - 1, $total + $values[i])
        return found

    return count(0, $size, 0)
    """,
    """
    def count(start, left, $total):
        if start == len($values):
            return 1 if $full else 0
        found = count(start + 1, left, $total)
        if left > 0:
            found += count(start + 1, left - 1, $total + $values[start])
        return found

    return count(0, $size, 0)
    """,
)
_CHOICES_WITH_TOTAL_LISTED = (
    """
    found = []

    def choose(start, left, chosen):
        if start == len($values):
            $total = sum(chosen)
            if $full:
                found.append(chosen)
            return
        if left > 0:
            choose(start + 1, left - 1, chosen + [$values[start]])
        choose(start + 1, left, chosen)

    choose(0, $size, [])
    return found
    """,
    """
    def choose(rest, left):
        if not rest:
            return [[]]$only
        found = choose(rest[1:], left)
        if left > 0:
            found = [[rest[0]] + way for way in choose(rest[1:], left - 1)] + found
        return found

    return [chosen for chosen in choose($values, $size) if $sum_test]
    """,
)


@family("recursion", 3)
def choices_with_total(draw: Draw) -> Drawn:
    """The ways to choose members, at most so many, whose sum passes a test: counted or listed."""
    test, counted, exactly = number_test(draw), draw.chance(0.4), draw.chance()
    call = draw.name("choices", "selections", "chosen_groups", "pick_members")
    values, size = draw.name("values", "numbers", "weights"), draw.name("size", "picks", "k")
    total = draw.name("total", "weight", "amount")
    names = {
        "call": call,
        "values": values,
        "size": size,
        "total": total,
        "test": test.of(total),
        "sum_test": test.of("sum(chosen)"),
        "is_kept": alone(test),
        "many": "exactly" if exactly else "at most",
        "what": "how many ways there are" if counted else "the list of all ways",
        "form": "Two ways differ if the positions differ, even if the numbers are the same."
        if counted
        else (
            "A way is the list of the chosen numbers in the order of `$values`; of two ways, the one whose first "
            "differing position is chosen by it and not by the other comes first."
        ),
        "full": f"left == 0 and {clause(test, total)}" if exactly else test.of(total),
        "only": " if left == 0 else []" if exactly else "",
    }
    names["form"] = fill(str(names["form"]), values=values)

    def oracle(given: list[int], most: int) -> int | list[list[int]]:
        places = range(len(given))
        sizes = [most] if exactly else range(most + 1)
        kept = [way for k in sizes for way in combinations(places, k) if test.call(sum(given[i] for i in way))]
        kept.sort(key=lambda way: [i not in way for i in places])
        return len(kept) if counted else [[given[i] for i in way] for way in kept]

    return Drawn(
        call=call,
        parameters=(Parameter(values, FEW), Parameter(size, COUNT)),
        returns="int" if counted else "list[list[int]]",
        say=draw.say(
            *_CHOICES_WITH_TOTAL_WORDINGS,
            **names,
        ),
        body=draw.source(*(_CHOICES_WITH_TOTAL_COUNTED if counted else _CHOICES_WITH_TOTAL_LISTED), **names),
        oracle=oracle,
        idea=draw.say(
            "Decide position by position whether it is taken, with the number of picks that are left; when nothing is "
            "left to decide, the sum is looked at.",
            "Every selection either holds the next number or does not: both cases are followed by recursion.",
        ),
        difficulty=3,
    )


_ARRANGEMENTS_BY_NEIGHBOURS_BODIES = (
    """
    found = []

    def place($chosen, left):
        if not left:
            found.append($chosen)
        for value in left:
            if not $chosen or $rule:
                place($chosen + [value], [other for other in left if other != value])

    place([], $order)
    return $end
    """,
    """
    def endings(before, left):
        if not left:
            return [[]]
        ways = []
        for i, value in enumerate(left):
            if before is None or $rule_ab:
                rest = left[:i] + left[i + 1 :]
                ways.extend([value] + way for way in endings(value, rest))
        return ways

    found = endings(None, $order)
    return $end
    """,
)


@family("recursion", 3)
def arrangements_by_neighbours(draw: Draw) -> Drawn:
    """All orders of distinct numbers in which neighbours keep a rule."""
    k = draw.integer(2, 6)
    words, source, meaning = one_of(
        draw,
        (f"differ by at least {k}", f"abs($a - $b) >= {k}", lambda a, b: max(a, b) - min(a, b) not in range(k)),
        (f"differ by at most {k + 2}", f"abs($a - $b) <= {k + 2}", lambda a, b: max(a, b) - min(a, b) in range(k + 3)),
        ("are not both even", "$a % 2 == 1 or $b % 2 == 1", lambda a, b: a & 1 or b & 1),
        ("are not both odd", "$a % 2 == 0 or $b % 2 == 0", lambda a, b: not (a & 1 and b & 1)),
        (f"have a sum not divisible by {k}", f"($a + $b) % {k} != 0", lambda a, b: (a + b) // k * k != a + b),
        (f"have a sum of at most {3 * k}", f"$a + $b <= {3 * k}", lambda a, b: a + b not in range(3 * k + 1, 99)),
    )
    counted, falling = draw.chance(0.35), draw.chance(0.3)
    call = draw.name("arrangements", "orders", "line_ups", "seatings")
    values, chosen = draw.name("values", "numbers", "guests"), draw.name("chosen", "placed", "row")
    names = {
        "call": call,
        "values": values,
        "chosen": chosen,
        "rule": fill(source, a=f"{chosen}[-1]", b="value"),
        "rule_ab": fill(source, a="before", b="value"),
        "order": f"sorted({values}, reverse=True)" if falling else f"sorted({values})",
        "words": words,
        "what": "the number of orders" if counted else "all orders",
        "sort": "Order them as lists, the greatest first." if falling else "Order them as lists, the smallest first.",
        "end": "len(found)" if counted else "found",
    }
    if counted:
        names["sort"] = "If there is no number at all, one order (the empty one) exists."

    def oracle(given: list[int]) -> int | list[list[int]]:
        kept = [list(way) for way in permutations(given) if all(meaning(a, b) for a, b in pairwise(way))]
        return len(kept) if counted else sorted(kept, reverse=falling)

    return Drawn(
        call=call,
        parameters=(Parameter(values, DISTINCT),),
        returns="int" if counted else "list[list[int]]",
        say=draw.say(
            "Return $what of the distinct numbers in `$values` in which any two neighbours $words. $sort",
            "The numbers in `$values` are all different. Write them in a row in every possible way such that two "
            "numbers standing side by side always $words, and return $what that satisfy this. $sort",
            "Find $what in which all numbers of `$values` (each is there once) can stand in a row if adjacent ones "
            "must $words. $sort",
            **names,
        )
        .replace("The numbers in", "Take the numbers in")
        .replace("are all different. Write", "(all different) and write"),
        body=draw.source(
            *_ARRANGEMENTS_BY_NEIGHBOURS_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Put one number after the other; only those that agree with the last one placed are tried, and a row "
            "without numbers left over is complete.",
            "Backtracking: extend the row by every number that is left and fits, in sorted order, so that the rows "
            "come out in order.",
        ),
        difficulty=3,
    )


_PARTITIONS_OF_A_NUMBER_BODIES = (
    """
    def ways($left, most):
        if $left == 0:
            return $one
        found = $none
        for part in range(min($left, most), 0, -1):
            $line
        return found

    return ways($n, $n)
    """,
    """
    def ways($left, most):
        if $left == 0:
            return $one
        return $every

    return ways($n, $n)
    """,
)


_PARTITIONS_OF_A_NUMBER_WORDINGS = (
    "Return $what to write `$n` as a sum of positive whole numbers such that $words; the order of the parts does not "
    "matter, so they are written in falling order. $sort",
    "Split `$n` into positive whole parts, from the greatest to the smallest (equal ones may follow one another "
    "unless forbidden), where $words. Return $what to do it. $sort",
    "Find $what in which `$n` is the sum of a never-rising sequence of positive whole numbers in which $words. $sort",
)


@family("recursion", 3, 4)
def partitions_of_a_number(draw: Draw) -> Drawn:
    """The ways to write a number as a sum of falling parts under a rule."""
    k = draw.integer(2, 4)
    options: tuple[tuple[str, int, str, Callable[[list[int]], bool]], ...] = (
        ("all parts are different", 1, "True", lambda parts: len(set(parts)) == len(parts)),
        ("all parts are odd", 0, "part % 2 == 1", lambda parts: all(part & 1 for part in parts)),
        (f"no part is greater than {k}", 0, f"part <= {k}", lambda parts: not parts or max(parts) <= k),
        (f"no part is divisible by {k}", 0, f"part % {k} != 0", lambda parts: all(part % k for part in parts)),
        (f"each part is at least {k}", 0, f"part >= {k}", lambda parts: not set(parts) & set(range(k))),
        (
            "neighbouring parts differ by at least 2",
            2,
            "True",
            lambda parts: all(a > b + 1 for a, b in pairwise(parts)),
        ),
    )
    words, least_drop, fits, meaning = draw.choice(options)
    counted = draw.chance()
    call = draw.name("partitions", "ways_to_split", "sums_of", "split_up")
    n, left = draw.name("n", "total", "number"), draw.name("left", "rest")
    names = {
        "call": call,
        "n": n,
        "left": left,
        "fits": f"if {fits}:\n    " if fits != "True" else "",
        "next": "part" if least_drop == 0 else f"part - {least_drop}",
        "words": words,
        "what": "how many ways there are" if counted else "all ways",
        "sort": "The number 0 is written in one way, without parts."
        if counted
        else (
            "A way is the list of its parts; lists with a greater first part come first, those with the same first "
            "part are ordered by the next one, and so on. The number 0 has one way, the empty list."
        ),
    }
    line = f"{names['fits']}found += ways({left} - part, {names['next']})"
    if not counted:
        line = f"{names['fits']}found.extend([part] + way for way in ways({left} - part, {names['next']}))"
    condition = f" if {fits}" if fits != "True" else ""
    names["line"] = line
    many = f"""[
        [part] + way
        for part in range(min({left}, most), 0, -1){condition}
        for way in ways({left} - part, {names["next"]})
    ]"""
    several = f"sum(ways({left} - part, {names['next']}) for part in range(min({left}, most), 0, -1){condition})"
    names["every"] = several if counted else dedent(many)
    names["one"], names["none"] = ("1", "0") if counted else ("[[]]", "[]")

    def oracle(given: int) -> int | list[list[int]]:
        every: list[list[int]] = [[]]
        for part in range(given, 0, -1):
            every = [way + [part] * k for way in every for k in range((given - sum(way)) // part + 1)]
        kept = sorted((way for way in every if sum(way) == given and meaning(way)), reverse=True)
        return len(kept) if counted else kept

    return Drawn(
        call=call,
        parameters=(Parameter(n, WHOLE),),
        returns="int" if counted else "list[list[int]]",
        say=draw.say(
            *_PARTITIONS_OF_A_NUMBER_WORDINGS,
            **names,
        ),
        body=draw.source(
            *_PARTITIONS_OF_A_NUMBER_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Choose the greatest part first; what is left is split in the same way with parts that may not exceed the "
            "bound that follows from it.",
            "The recursion carries the amount that is left and the greatest part still allowed, and tries the parts "
            "from great to small.",
        ),
        difficulty=4 if least_drop else 3,
    )


_WORDS_WITHOUT_BODIES = (
    """
    found = []

    def extend($word):
        if len($word) == $length:
            found.append($word)
            return
        for letter in "$letters":
            longer = $word + letter
            if $rule_longer:
                extend(longer)

    extend("")
    return $end
    """,
    """
    def extend($word):
        if $word and not ($rule):
            return []
        if len($word) == $length:
            return [$word]
        return [whole for letter in "$letters" for whole in extend($word + letter)]

    found = extend("")
    return $end
    """,
    """
    found = [""]
    for _ in range($length):
        longer_words = [shorter + letter for shorter in found for letter in "$letters"]
        found = [$word for $word in longer_words if $rule]
    return $end
    """,
)


@family("recursion", 3)
def words_without(draw: Draw) -> Drawn:
    """All words of a length over an alphabet that keep a rule."""
    letters = draw.choice(("ab", "abc", "xy", "01", "xyz"))
    one, other = letters[0], letters[1]
    run = draw.integer(2, 3)
    words, source, meaning = one_of(
        draw,
        (f'"{one}{other}" does not occur', f'not $word.endswith("{one}{other}")', lambda w: w.find(one + other) < 0),
        (f'"{other * run}" does not occur', f'not $word.endswith("{other * run}")', lambda w: other * run not in w),
        (
            f'"{one}" stands at most {run} times',
            f'$word.count("{one}") <= {run}',
            lambda w: len(w.split(one)) <= run + 1,
        ),
        (
            "no letter stands three times in a row",
            "len(set($word[-3:])) > 1 or len($word) < 3",
            lambda w: not any(c * 3 in w for c in letters),
        ),
        (
            f'no beginning holds more "{other}" than "{one}"',
            f'$word.count("{other}") <= $word.count("{one}")',
            lambda w: all(w[:k].count(one) >= w[:k].count(other) for k in range(len(w) + 1)),
        ),
        (
            f'every "{other}" has a "{one}" directly before it',
            f'not $word.endswith("{other}") or $word.endswith("{one}{other}")',
            lambda w: w.replace(one + other, "").count(other) == 0,
        ),
    )
    counted = draw.chance(0.35)
    call = draw.name("allowed_words", "words_of_length", "all_codes", "spell_all")
    length, word = draw.name("length", "size", "n"), draw.name("word", "text", "code")
    names = {
        "call": call,
        "length": length,
        "word": word,
        "rule": fill(source, word=word),
        "rule_longer": fill(source, word="longer"),
        "words": words,
        "letters": letters,
        "named": ", ".join(f'"{letter}"' for letter in letters[:-1]) + f' and "{letters[-1]}"',
        "what": "the number of words" if counted else "all words, in alphabetical order,",
        "end": "len(found)" if counted else "found",
    }

    def oracle(given: int) -> int | list[str]:
        kept = [w for w in map("".join, product(letters, repeat=given)) if meaning(w)]
        return len(kept) if counted else sorted(kept)

    return Drawn(
        call=call,
        parameters=(Parameter(length, LENGTH),),
        returns="int" if counted else "list[str]",
        say=draw.say(
            "Return $what of exactly `$length` letters, each one of $named, in which $words. The empty word is the "
            "only one of length 0.",
            "Build words from the letters $named only. Return $what that have `$length` letters and in which $words. "
            "For `$length` 0 there is just the empty word.",
            "Find $what over the alphabet $named whose length is `$length` and for which holds: $words. A `$length` "
            "of 0 allows the empty word alone.",
            **names,
        ),
        body=draw.source(
            *_WORDS_WITHOUT_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Grow words letter by letter and give up a beginning as soon as it breaks the rule, since every beginning "
            "of an allowed word is allowed itself.",
            "Each allowed word is an allowed shorter one and a letter more; only the end of the longer word has to be "
            "checked.",
        ),
        difficulty=3,
    )
