"""Texts cut into pieces of a kind."""

from __future__ import annotations

from itertools import combinations

from titrant.synthesize.generator.domains import Texts
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.family import Drawn, Parameter, family

LETTERS = Texts("abc", 0, 7)
DIGITS = Texts("012345", 0, 6)


_TEXT_IN_PIECES_BODIES = (
    """
    $table = [$base]
    for j in range(1, len($text) + 1):
        count = $start
        for i in range(j):
            $piece = $text[i:j]
            if $rule:
                rest = $table[i]
                count = $join
        $table.append(count)
    return $table[-1]
    """,
    """
    @cache
    def solve(rest):
        if not rest:
            return $base
        found = []
        for end in range(1, len(rest) + 1):
            $piece = rest[:end]
            if $rule:
                found.append(solve(rest[end:]))
        return $fold(found)

    return solve($text)
    """,
    """
    $table = [$base] + [0] * len($text)
    for j in range(1, len($text) + 1):
        $table[j] = $fold($table[i] for i in range(j) if $rule_slice)
    return $table[len($text)]
    """,
)


_FEWEST_PIECES = (
    "Return the smallest number of pieces into which `$text` can be cut such that every piece $words. Pieces are not "
    "empty and, put together in order, give the whole text. $none",
    "Cut `$text` into as few stretches of letters as possible, each of which $words, and return how many these are. "
    "$none",
    "Call a cutting of `$text` good if each of its non-empty pieces $words. Return the least number of pieces that a "
    "good cutting has. $none",
)
_ALL_CUTTINGS = (
    "Return the number of ways to cut `$text` into pieces such that every piece $words. Pieces are not empty and, put "
    "together in order, give the whole text. $none",
    "Cut `$text` into one or more stretches of letters, each of which $words. Return in how many ways this can be "
    "done. $none",
    "Call a cutting of `$text` good if each of its non-empty pieces $words. Return the number of good cuttings. $none",
)


@family("dynamic-programming", 3)
def text_in_pieces(draw: Draw) -> Drawn:
    """In how many ways, or in how few pieces, a text can be cut into pieces of a kind."""
    k = draw.integer(2, 3)
    words, source, meaning = one_of(
        draw,
        ("reads the same backwards", "$p == $p[::-1]", lambda p: all(p[i] == p[-1 - i] for i in range(len(p)))),
        ("begins and ends with the same letter", "$p[0] == $p[-1]", lambda p: p.endswith(p[:1])),
        ("holds no letter twice", "len(set($p)) == len($p)", lambda p: all(p.count(c) < 2 for c in p)),
        (f"has at most {k} letters", f"len($p) <= {k}", lambda p: p[k:] == ""),
        ('holds at most one "a"', '$p.count("a") <= 1', lambda p: len(p.split("a")) < 3),
        (
            "has its letters in alphabetical order (equal ones allowed)",
            '$p == "".join(sorted($p))',
            lambda p: not any(p[i] > p[i + 1] for i in range(len(p) - 1)),
        ),
    )
    fewest = draw.chance()
    call = draw.name("cut_text", "pieces_of", "split_word", "cuttings")
    text, piece = draw.name("text", "word", "letters"), draw.name("piece", "part", "chunk")
    names = {
        "text": text,
        "piece": piece,
        "words": words,
        "rule": fill(source, p=piece),
        "rule_slice": fill(source, p=f"{text}[i:j]"),
        "table": draw.name("table", "best", "found"),
        "none": "An empty text needs 0 pieces." if fewest else "An empty text can be cut in one way, into no pieces.",
        "base": "0" if fewest else "1",
        "start": "len($text)" if fewest else "0",
        "join": "min(count, 1 + rest)" if fewest else "count + rest",
        "fold": "1 + min" if fewest else "sum",
    }
    names["start"] = fill(names["start"], text=text)

    def oracle(given: str) -> int:
        found = []
        for n in range(max(1, len(given))):
            for cuts in combinations(range(1, len(given)), n):
                pieces = [given[a:b] for a, b in zip((0, *cuts), (*cuts, len(given)), strict=True)] if given else []
                if all(map(meaning, pieces)):
                    found.append(len(pieces))
        return min(found) if fewest else len(found)

    body = draw.source(
        *_TEXT_IN_PIECES_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(text, LETTERS),),
        returns="int",
        say=draw.say(
            *(_FEWEST_PIECES if fewest else _ALL_CUTTINGS),
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "Cut off every allowed piece at one end; what is left is the same question about a shorter "
            "text, and is solved only once."
        ),
        difficulty=3,
    )


_DIGITS_AS_NUMBERS_TEMPLATES = (
    (
        """
        $table = [1] + [0] * len($digits)
        for end in range(1, len($digits) + 1):
            for size in (1, 2):
                piece = $digits[max(0, end - size) : end]
                if len(piece) == size and piece[0] != "0" and $low <= int(piece) <= $high:
                    $table[end] += $table[end - size]
        return $table[-1]
        """,
        """
        @cache
        def readings(rest):
            if not rest:
                return 1
            if rest[0] == "0":
                return 0
            count = 0
            if $low <= int(rest[0]) <= $high:
                count += readings(rest[1:])
            if len(rest) > 1 and $low <= int(rest[:2]) <= $high:
                count += readings(rest[2:])
            return count

        return readings($digits)
        """,
    ),
    (
        """
        $table = [0] + [-1] * len($digits)
        for end in range(1, len($digits) + 1):
            for start in range(max(0, end - 2), end):
                piece = $digits[start:end]
                if piece[0] != "0" and $low <= int(piece) <= $high and $table[start] >= 0:
                    $table[end] = max($table[end], $table[start] + int(piece))
        return $table[-1]
        """,
        """
        @cache
        def best(start):
            if start == len($digits):
                return 0
            found = -1
            for end in (start + 1, start + 2):
                piece = $digits[start:end]
                if end <= len($digits) and piece[0] != "0" and $low <= int(piece) <= $high:
                    rest = best(end)
                    if rest >= 0:
                        found = max(found, int(piece) + rest)
            return found

        return best(0)
        """,
    ),
)


@family("dynamic-programming", 3)
def digits_as_numbers(draw: Draw) -> Drawn:
    """In how many ways digits can be read as numbers of a range, or the best sum of such a reading."""
    low, high, best_sum = draw.integer(1, 9), draw.integer(15, 99), draw.chance(0.4)
    call = draw.name("read_digits", "decodings", "number_readings", "split_digits")
    digits = draw.name("digits", "code", "text")
    names = {
        "digits": digits,
        "low": low,
        "high": high,
        "what": "the greatest possible sum of the numbers, or -1 if no reading exists"
        if best_sum
        else "how many readings exist",
        "none": "The empty string has one reading, without numbers" + (" (sum 0)." if best_sum else "."),
        "table": draw.name("table", "ways", "found"),
    }

    def oracle(given: str) -> int:
        sums = []
        for n in range(max(1, len(given))):
            for cuts in combinations(range(1, len(given)), n):
                pieces = [given[a:b] for a, b in zip((0, *cuts), (*cuts, len(given)), strict=True)] if given else []
                if all(piece[0] != "0" and int(piece) in range(low, high + 1) for piece in pieces):
                    sums.append(sum(map(int, pieces)))
        return max(sums, default=-1) if best_sum else len(sums)

    body = draw.source(*_DIGITS_AS_NUMBERS_TEMPLATES[best_sum], **names)
    return Drawn(
        call=call,
        parameters=(Parameter(digits, DIGITS),),
        returns="int",
        say=draw.say(
            "Return $what if the string `$digits` is read as a row of whole numbers from $low to $high written one "
            "after the other, none of them with a leading zero. $none",
            "Cut `$digits` into numbers, none of which begins with 0 and all of which lie between $low and $high, "
            "both included. Over all such readings, return $what. $none",
            "Suppose that numbers from $low to $high have been written without gaps and without leading zeros, which "
            "gave the string `$digits`. Return $what. $none",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "A number of one digit or of two is cut off at one end, if it is allowed, and the rest is the "
            "same question about fewer digits."
        ),
        difficulty=3,
    )
