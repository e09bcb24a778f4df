"""Two texts held against each other: common parts, edits, occurrences."""

from __future__ import annotations

from itertools import combinations, pairwise

from titrant.synthesize.generator.domains import Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import counted

SHORT = Texts("abc", 0, 5)
LONGER = Texts("abc", 0, 7)


_COMMON_LETTERS_BODIES = (
    """
    $table = [[0] * (len($b) + 1) for _ in range(len($a) + 1)]
    for i in range(1, len($a) + 1):
        for j in range(1, len($b) + 1):
            $table[i][j] = max($table[i - 1][j], $table[i][j - 1])
            if $a[i - 1] == $b[j - 1]:
                $table[i][j] = max($table[i][j], $table[i - 1][j - 1] + $worth)
    return $table[-1][-1]
    """,
    """
    @cache
    def best(i, j):
        if i == len($a) or j == len($b):
            return 0
        found = max(best(i + 1, j), best(i, j + 1))
        if $a[i] == $b[j]:
            found = max(found, $worth_here + best(i + 1, j + 1))
        return found

    return best(0, 0)
    """,
    """
    $table = [0] * (len($b) + 1)
    for i in range(1, len($a) + 1):
        row = [0]
        for j, letter in enumerate($b):
            found = max($table[j + 1], row[j])
            if letter == $a[i - 1]:
                found = max(found, $table[j] + $worth)
            row.append(found)
        $table = row
    return $table[-1]
    """,
)


@family("dynamic-programming", 4)
def common_letters(draw: Draw) -> Drawn:
    """The best common subsequence of two texts, letters counting differently."""
    letter, k = draw.choice("abc"), draw.integer(2, 9)
    words, source, meaning = one_of(
        draw,
        (
            f'every "{letter}" counts {k} and every other letter 1',
            f'({k} if $a[i - 1] == "{letter}" else 1)',
            lambda way: len(way) + (k - 1) * way.count(letter),
        ),
        (
            f'only "{letter}" counts, each one {k}',
            f'{k} * ($a[i - 1] == "{letter}")',
            lambda way: sum(k for c in way if c == letter),
        ),
        (f"every letter counts {k}", f"{k}", lambda way: sum(k for _ in way)),
        (
            f'"a" counts 1, "b" counts 2 and "c" counts {k}',
            f'{{"a": 1, "b": 2, "c": {k}}}[$a[i - 1]]',
            lambda way: way.count("a") + 2 * way.count("b") + k * way.count("c"),
        ),
    )
    call = draw.name("common_value", "shared_letters", "best_common", "overlap_score")
    a, b = draw.choice((("first", "second"), ("left", "right"), ("one", "other"), ("a", "b")))
    names = {
        "a": a,
        "b": b,
        "words": words,
        "worth": source.replace("$a", a),
        "table": draw.name("table", "best", "score"),
    }
    names["worth_here"] = names["worth"].replace("[i - 1]", "[i]")

    def oracle(left: str, right: str) -> int:
        def ways(text: str) -> set[str]:
            found = {""}
            for c in text:
                found |= {way + c for way in found}
            return found

        worth: list[int] = [meaning(way) for way in ways(left) & ways(right)]
        return max(worth)

    body = draw.source(
        *_COMMON_LETTERS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(a, SHORT), Parameter(b, SHORT)),
        returns="int",
        say=draw.say(
            "Delete letters from `$a` and from `$b` until the same text is left of both, and return the greatest "
            "value that it can have, where $words. The empty text has the value 0.",
            "Return the greatest value of a text that is a subsequence of both `$a` and `$b` (its letters occur in "
            "each in the same order, not necessarily side by side). In such a text $words, and the empty one is worth "
            "0.",
            "Match letters of `$a` with equal letters of `$b` without crossing, each letter at most once. Return the "
            "greatest total of the matched letters, where $words; no match gives 0.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "Either one of two letters is dropped or, if they are equal, both are paired; each case leads "
            "to shorter parts of the texts."
        ),
        contracts=("result >= 0",),
        difficulty=4,
    )


_PRICE_OF_EDITS_BODIES = (
    """
    table = [[0] * (len($b) + 1) for _ in range(len($a) + 1)]
    for i in range(len($a) + 1):
        for j in range(len($b) + 1):
            options = []
            if i > 0:
                options.append(table[i - 1][j] + $drop)
            if j > 0:
                options.append(table[i][j - 1] + $put_cost)
            if i > 0 and j > 0:
                options.append(table[i - 1][j - 1] + (0 if $a[i - 1] == $b[j - 1] else $change))
            table[i][j] = min(options, default=0)
    return table[-1][-1]
    """,
    """
    @cache
    def price(i, j):
        if i == len($a) and j == len($b):
            return 0
        options = []
        if i < len($a):
            options.append(price(i + 1, j) + $drop)
        if j < len($b):
            options.append(price(i, j + 1) + $put_here)
        if i < len($a) and j < len($b):
            options.append(price(i + 1, j + 1) + ($change if $a[i] != $b[j] else 0))
        return min(options)

    return price(0, 0)
    """,
    """
    row = [0]
    for j in range(1, len($b) + 1):
        row.append(row[-1] + $put_cost)
    for letter in $a:
        after = [row[0] + $drop]
        for j in range(1, len($b) + 1):
            same = row[j - 1] if letter == $b[j - 1] else row[j - 1] + $change
            after.append(min(same, row[j] + $drop, after[-1] + $put_cost))
        row = after
    return row[-1]
    """,
)


@family("dynamic-programming", 4)
def price_of_edits(draw: Draw) -> Drawn:
    """The least price of turning a text into another with priced edits."""
    put, drop, change = draw.integer(1, 4), draw.integer(1, 4), draw.integer(1, 6)
    dear, double = draw.chance(0.4), draw.integer(1, 9)
    call = draw.name("edit_price", "rewrite_cost", "distance_of_texts", "correction_cost")
    a, b = draw.choice((("old", "new"), ("source", "target"), ("first", "second"), ("word", "wanted")))
    names = {
        "a": a,
        "b": b,
        "put": put,
        "drop": drop,
        "change": change,
        (
            "rules"
        ): f"inserting a letter costs {put}, deleting one costs {drop}, and replacing one by another costs {change}",
    }
    extra = f', or {put + double} if it is an "a",' if dear else ","
    names["rules"] = (
        f"inserting a letter costs {put}{extra} deleting one costs {drop}, and replacing one by another costs {change}"
    )
    put_cost = f"({put + double} if {b}[j - 1] == 'a' else {put})".replace("'", '"') if dear else str(put)
    names |= {"put_cost": put_cost, "put_here": put_cost.replace("[j - 1]", "[j]")}

    def oracle(old: str, new: str) -> int:
        costs = {("", old): 0}
        for _ in range(len(old) + len(new)):
            after: dict[tuple[str, str], int] = {}
            for (made, left), cost in costs.items():
                options = [(made, left, 0)] if (made, left) == (new, "") else []
                if left:
                    options += [(made, left[1:], drop), (made + left[0], left[1:], 0)]
                for letter in new[len(made) : len(made) + 1]:
                    options.append((made + letter, left, put + double * (dear and letter == "a")))
                    options += [(made + letter, left[1:], change)] if left else []
                for one, other, price in options:
                    if new.startswith(one):
                        after[one, other] = min(cost + price, after.get((one, other), 10**6))
            costs = after
        return costs[new, ""]

    body = draw.source(
        *_PRICE_OF_EDITS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(a, SHORT), Parameter(b, SHORT)),
        returns="int",
        say=draw.say(
            "Return the least price of turning `$a` into `$b` letter by letter, where $rules. Letters that stay cost "
            "nothing.",
            "Turn the text `$a` into `$b` as cheaply as possible and return what it costs: $rules. A letter of `$a` "
            "that is kept is free.",
            "Return how much it costs at least to edit `$a` until it equals `$b`. Each letter is edited at most once: "
            "$rules, and keeping a letter is free.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "Insertion, deletion and replacement (or nothing, for equal letters) each lead to shorter parts "
            "of the two texts; the cheapest case counts."
        ),
        contracts=("result >= 0",),
        difficulty=4,
    )


_OCCURRENCES_INSIDE_WORDINGS = (
    'Return in how many ways the letters of "$pattern" can be picked from `$text` in this order, at rising positions. '
    "Ways that pick different positions are different.$limit",
    'Count how often "$pattern" is contained in `$text` as a subsequence, that is, the number of choices of positions '
    "from left to right at which its letters stand in order, and return that number.$limit",
    'Return the number of ways to delete letters from `$text` so that "$pattern" remains, where ways are different if '
    "the remaining letters come from different positions.$limit",
)


@family("dynamic-programming", 3)
def occurrences_inside(draw: Draw) -> Drawn:
    """In how many ways a fixed pattern can be found in a text as a subsequence, gaps bounded or not."""
    letters = "".join(draw.choice("abc") for _ in range(draw.integer(2, 4)))
    gap = draw.choice((0, 0, 1, 2))
    call = draw.name("count_inside", "occurrences", "hidden_pattern", "ways_to_pick")
    text = draw.name("text", "letters", "word")
    names = {
        "text": text,
        "pattern": letters,
        "n": len(letters),
        "limit": f" Between two letters that are picked one after the other "
        f"at most {counted(gap, 'letter')} may be skipped."
        if gap
        else "",
        "window": f"max(0, i - {gap + 1})" if gap else "0",
        "next_end": f"min(len({text}), start + {gap + 1})" if gap else f"len({text})",
        "name": draw.name("ways", "counts", "found"),
    }

    def oracle(given: str) -> int:
        ways = combinations(range(len(given)), len(letters))
        fitting = [way for way in ways if "".join(given[i] for i in way) == letters]
        return sum(not gap or all(b - a <= gap + 1 for a, b in pairwise(way)) for way in fitting)

    templates = [
        """
        $name = [int(letter == "$first") for letter in $text]
        for wanted in "$rest":
            after = []
            for i, letter in enumerate($text):
                after.append(sum($name[$window:i]) if letter == wanted else 0)
            $name = after
        return sum($name)
        """,
        """
        pattern = "$pattern"

        @cache
        def count(k, start):
            if k == len(pattern):
                return 1
            end = len($text) if k == 0 else $next_end
            return sum(count(k + 1, i + 1) for i in range(start, end) if $text[i] == pattern[k])

        return count(0, 0)
        """,
    ]
    if not gap:
        templates.append(
            """
            $name = [1] + [0] * $n
            for letter in $text:
                for k in range($n, 0, -1):
                    if letter == "$pattern"[k - 1]:
                        $name[k] += $name[k - 1]
            return $name[$n]
            """
        )
    body = draw.source(*templates, first=letters[0], rest=letters[1:], **names)
    return Drawn(
        call=call,
        parameters=(Parameter(text, LONGER),),
        returns="int",
        say=draw.say(
            *_OCCURRENCES_INSIDE_WORDINGS,
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The letters of the pattern are picked from left to right; the ways for more letters are sums "
            "of the ways for one letter less."
        ),
        contracts=("result >= 0",),
        difficulty=3,
    )
