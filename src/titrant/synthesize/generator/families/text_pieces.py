"""Pieces for programs on text: tests, changes and measures of characters and words, and the domains that they fit.

The words of a test on characters complete `characters that are ...`, those of a test on words `words that ...`.
"""

from __future__ import annotations

from titrant.synthesize.generator.domains import LETTERS, Integers, Lists, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.pieces import Piece, counted, number_test

PLAIN = Texts("abcdeilmnorstuwz", 0, 12)
FEW = Texts("abcd", 0, 10)
MIXED = Texts("abdeiouxzABEXZ01479 .-!", 0, 12)
WORD = Texts("abcdeilmnorst", 1, 6)
WORDS = Lists(WORD, 0, 6)
CLOSE_WORDS = Lists(Texts("abc", 1, 4), 0, 7)
SENTENCE = Texts("abcdeio  ", 0, 14)
SMALL = Integers(1, 6)
SHIFT = Integers(-30, 30)


def character_test(draw: Draw) -> Piece:
    """Whether a character of any kind is something: `the characters that are WORDS`."""
    chosen = "".join(sorted(draw.sample("abdeiouxzABEXZ01479", draw.integer(5, 8))))
    digit = draw.integer(1, 4)
    options = (
        Piece(f'among "{chosen}"', f'$x in "{chosen}"', lambda c: any(c == each for each in chosen)),
        Piece(f'not among "{chosen}"', f'$x not in "{chosen}"', lambda c: all(c != each for each in chosen)),
        Piece("vowels (in either case)", '$x.lower() in "aeiou"', lambda c: c in set("aAeEiIoOuU")),
        Piece("letters", "$x.isalpha()", lambda c: c.lower() != c.upper()),
        Piece("not letters", "not $x.isalpha()", lambda c: c.lower() == c.upper()),
        Piece("lower-case letters", "$x.islower()", lambda c: "a" <= c <= "z"),
        Piece("not lower-case letters", "not $x.islower()", lambda c: not "a" <= c <= "z"),
        Piece("upper-case letters or digits", "$x.isupper() or $x.isdigit()", lambda c: "A" <= c <= "Z" or c in DIGITS),
        Piece("letters or digits", "$x.isalnum()", lambda c: c.lower() != c.upper() or c in DIGITS),
        Piece("digits", "$x.isdigit()", lambda c: c in DIGITS),
        Piece(f"digits of at least {digit}", f'"{digit}" <= $x <= "9"', lambda c: c in DIGITS[digit:]),
    )
    return draw.choice(options) if draw.chance(0.7) else options[draw.integer(0, 1)]


DIGITS = tuple("0123456789")


def letter_test(draw: Draw) -> Piece:
    """Whether a lower-case letter is something: `the letters that are WORDS`."""
    chosen = "".join(sorted(draw.sample("abcdeilmnorstuwz", draw.integer(4, 8))))
    edge = draw.choice("defilmnors")
    options = (
        Piece(f'among "{chosen}"', f'$x in "{chosen}"', lambda c: any(c == each for each in chosen)),
        Piece(f'not among "{chosen}"', f'$x not in "{chosen}"', lambda c: all(c != each for each in chosen)),
        Piece("vowels", '$x in "aeiou"', lambda c: c in set("ueoia")),
        Piece("consonants", '$x not in "aeiou"', lambda c: c in set("bcdfghjklmnpqrstvwxyz")),
        Piece(f'before "{edge}" in the alphabet', f'$x < "{edge}"', lambda c: LETTERS.index(c) < LETTERS.index(edge)),
        Piece(f'after "{edge}" in the alphabet', f'$x > "{edge}"', lambda c: LETTERS.index(c) > LETTERS.index(edge)),
        Piece(f'"{edge}" or a letter before it', f'$x <= "{edge}"', lambda c: c in LETTERS.split(edge)[0] + edge),
        Piece("at odd places of the alphabet (a, c, e and so on)", "ord($x) % 2 == 1", lambda c: c in LETTERS[::2]),
        Piece("at even places of the alphabet (b, d, f and so on)", "ord($x) % 2 == 0", lambda c: c in LETTERS[1::2]),
    )
    return draw.choice(options) if draw.chance(0.7) else options[draw.integer(0, 1)]


def few_test(draw: Draw) -> Piece:
    """Whether one of the letters a to d is something: `the letters that are WORDS`."""
    chosen = "".join(sorted(draw.sample("abcd", draw.integer(1, 3))))
    other = "".join(sorted(draw.sample("abcd", 2)))
    options = (
        Piece(f'among "{chosen}"', f'$x in "{chosen}"', lambda c: any(c == each for each in chosen)),
        Piece(f'not among "{other}"', f'$x not in "{other}"', lambda c: all(c != each for each in other)),
        Piece('after "b" in the alphabet', '$x > "b"', lambda c: c in ("c", "d")),
        Piece(f'not "{other[0]}"', f'$x != "{other[0]}"', lambda c: c in set("abcd") - {other[0]}),
    )
    return draw.choice(options)


def letter_change(draw: Draw) -> Piece:
    """A text made from a lower-case letter: `replaced by WORDS`."""
    k, sign = draw.integer(1, 12), draw.choice("*#_?+")
    ahead, back, places = LETTERS[k:] + LETTERS[:k], LETTERS[-k:] + LETTERS[:-k], counted(k, "place")
    options = (
        Piece("its upper-case form", "$x.upper()", lambda c: chr(ord(c) - 32)),
        Piece("itself written twice", "$x * 2", lambda c: c + c),
        Piece(f'"{sign}"', f'"{sign}"', lambda c: sign),
        Piece(f'itself followed by "{sign}"', f'$x + "{sign}"', lambda c: "".join((c, sign))),
        Piece(
            f'the letter {places} later in the alphabet (after "z" comes "a")',
            f'chr((ord($x) - ord("a") + {k}) % 26 + ord("a"))',
            lambda c: ahead[LETTERS.index(c)],
        ),
        Piece(
            f'the letter {places} earlier in the alphabet (before "a" comes "z")',
            f'chr((ord($x) - ord("a") - {k}) % 26 + ord("a"))',
            lambda c: back[LETTERS.index(c)],
        ),
        Piece(
            'the letter as far from "z" as it is from "a"',
            'chr(ord("a") + ord("z") - ord($x))',
            lambda c: LETTERS[::-1][LETTERS.index(c)],
        ),
        Piece(
            'its place in the alphabet ("a" is 1)',
            'str(ord($x) - ord("a") + 1)',
            lambda c: str(" abcdefghijklmnopqrstuvwxyz".index(c)),
        ),
    )
    return draw.choice(options)


def character_change(draw: Draw) -> Piece:
    """A text made from a character of any kind: `replaced by WORDS`."""
    sign, other = draw.sample("*#_?+/=", 2)
    options = (
        Piece("its upper-case form", "$x.upper()", lambda c: chr(ord(c) - 32) if "a" <= c <= "z" else c),
        Piece("its lower-case form", "$x.lower()", lambda c: chr(ord(c) + 32) if "A" <= c <= "Z" else c),
        Piece("itself in the other case", "$x.swapcase()", lambda c: c.upper() if "a" <= c <= "z" else c.lower()),
        Piece("itself written twice", "$x * 2", lambda c: c + c),
        Piece(f'"{sign}"', f'"{sign}"', lambda c: sign),
        Piece(f'itself followed by "{sign}"', f'$x + "{sign}"', lambda c: "".join((c, sign))),
        Piece(f'itself between "{sign}" and "{other}"', f'"{sign}" + $x + "{other}"', lambda c: c.join((sign, other))),
    )
    return draw.choice(options)


def word_test(draw: Draw) -> Piece:
    """Whether a word of lower-case letters is something: `the words that WORDS`."""
    k, most, letter = draw.integer(2, 4), draw.integer(2, 4), draw.choice("abcdeilmnorst")
    chosen = "".join(sorted(draw.sample("abcdeilmnorst", draw.integer(4, 7))))
    options = (
        Piece(f"have more than {k} letters", f"len($x) > {k}", lambda w: w[k:] != ""),
        Piece(f"have at most {most} letters", f"len($x) <= {most}", lambda w: w[most:] == ""),
        Piece("begin with a vowel", '$x[0] in "aeiou"', lambda w: w.startswith(("a", "e", "i", "o", "u"))),
        Piece(f'begin with one of "{chosen}"', f'$x[0] in "{chosen}"', lambda w: w.startswith(tuple(chosen))),
        Piece(f'end with one of "{chosen}"', f'$x[-1] in "{chosen}"', lambda w: w.endswith(tuple(chosen))),
        Piece(f'contain no "{letter}"', f'"{letter}" not in $x', lambda w: w.count(letter) == 0),
        Piece("have an even number of letters", "len($x) % 2 == 0", lambda w: len(w[::2]) == len(w[1::2])),
        Piece("have an odd number of letters", "len($x) % 2 == 1", lambda w: len(w[::2]) != len(w[1::2])),
        Piece("use no letter twice", "len(set($x)) == len($x)", lambda w: all(w.count(c) == 1 for c in w)),
        Piece("begin with a later letter of the alphabet than they end with", "$x[0] > $x[-1]", lambda w: w[-1] < w[0]),
    )
    return draw.choice(options)


def word_change(draw: Draw) -> Piece:
    """A text made from a word of lower-case letters: `replaced by WORDS`."""
    k, sign = draw.integer(1, 3), draw.choice("*#_+")
    few = "one letter" if k == 1 else f"{k} letters"
    options = (
        Piece("its reversal", "$x[::-1]", lambda w: "".join(reversed(w))),
        Piece("its upper-case form", "$x.upper()", lambda w: "".join(chr(ord(c) - 32) for c in w)),
        Piece("itself with a capital first letter", "$x.capitalize()", lambda w: w[0].upper() + w[1:]),
        Piece(f'itself between two "{sign}"', f'"{sign}" + $x + "{sign}"', lambda w: w.join((sign, sign))),
        Piece(
            "its letters in alphabetical order",
            '"".join(sorted($x))',
            lambda w: "".join(c * w.count(c) for c in LETTERS),
        ),
        Piece(
            f"its first {few} (all of it if it is shorter)",
            f"$x[:{k}]",
            lambda w: "".join(c for _, c in zip(range(k), w, strict=False)),
        ),
        Piece("itself with its first letter moved to the end", "$x[1:] + $x[0]", lambda w: (w * 2)[1 : len(w) + 1]),
        Piece("itself written twice", "$x * 2", lambda w: w + w),
        Piece(
            "its last letter followed by its length", "$x[-1] + str(len($x))", lambda w: f"{w[-1:]}{sum(1 for _ in w)}"
        ),
    )
    return draw.choice(options)


def word_measure(draw: Draw) -> Piece:
    """A whole number that belongs to a word of lower-case letters: `the word's WORDS`."""
    one, two = sorted(draw.sample("abcdeilmnorst", 2))
    options = (
        Piece("length", "len($x)", lambda w: sum(1 for _ in w)),
        Piece("number of vowels", 'sum(c in "aeiou" for c in $x)', lambda w: sum(w.count(v) for v in "aeiou")),
        Piece("number of different letters", "len(set($x))", lambda w: sum(c in w for c in LETTERS)),
        Piece(
            f'number of letters that are "{one}" or "{two}"',
            f'$x.count("{one}") + $x.count("{two}")',
            lambda w: len([c for c in w if c in (one, two)]),
        ),
        Piece(
            'first letter\'s place in the alphabet ("a" is 1)',
            'ord($x[0]) - ord("a") + 1',
            lambda w: LETTERS.index(w[0]) + 1,
        ),
        Piece(
            'last letter\'s place in the alphabet ("a" is 1)',
            'ord($x[-1]) - ord("a") + 1',
            lambda w: LETTERS.index(w[-1]) + 1,
        ),
    )
    return draw.choice(options)


def text_end(draw: Draw) -> Piece:
    """What becomes of a text in the end: `return WORDS` (the text is `the result`)."""
    sign = draw.choice("*#.;:")
    options = (
        Piece("the result", "$x", lambda t: t),
        Piece("the result", "$x", lambda t: t),
        Piece("the result read backwards", "$x[::-1]", lambda t: "".join(reversed(t))),
        Piece(
            f'the result with "{sign}" between neighbouring characters',
            f'"{sign}".join($x)',
            lambda t: "".join(sign * (i > 0) + c for i, c in enumerate(t)),
        ),
        Piece(f'the result with "{sign}" added at its end', f'$x + "{sign}"', lambda t: f"{t}{sign}"),
        Piece(f'the result with "{sign}" put before it', f'"{sign}" + $x', lambda t: f"{sign}{t}"),
    )
    return draw.choice(options)


def numbers_end(draw: Draw) -> Piece:
    """What is returned of a list of whole numbers that may be empty: `return WORDS`; `type_of` gives its type."""
    k = draw.integer(3, 9)
    options = (
        Piece("the list of these numbers in their order", "$x", list),
        Piece("their sum", "sum($x)", lambda x: sum(sorted(x))),
        Piece("the greatest of them (0 if there is none)", "max($x, default=0)", lambda x: sorted(x)[-1] if x else 0),
        Piece("the smallest of them (0 if there is none)", "min($x, default=0)", lambda x: sorted(x)[0] if x else 0),
        Piece(
            "how many different ones there are",
            "len(set($x))",
            lambda x: len([n for n, v in enumerate(x) if v not in x[:n]]),
        ),
        Piece(f"their sum modulo {k}", f"sum($x) % {k}", lambda x: sum(v - v // k * k for v in x) % k),
        Piece("the different ones in ascending order", "sorted(set($x))", lambda x: sorted(dict.fromkeys(x))),
        Piece("the list of them from the last to the first", "$x[::-1]", lambda x: [x[-1 - n] for n in range(len(x))]),
    )
    return draw.choice(options)


def type_of(end: Piece) -> str:
    """The type of what `numbers_end` returns."""
    return "list[int]" if isinstance(end.call([]), list) else "int"


def fitting_test(draw: Draw, low: int, high: int) -> Piece:
    """A test on whole numbers that at least a sixth of those from `low` to `high` pass, and as many do not."""
    while True:
        test = number_test(draw)
        share = sum(bool(test.call(n)) for n in range(low, high + 1)) / (high - low + 1)
        if 1 / 6 <= share <= 5 / 6:
            return test
