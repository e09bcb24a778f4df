"""Pieces from which families compose programs: tests on a number, changes of a number, ways to end a list.

A piece has its words, its source and its meaning; the source names its variable `$x`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from titrant.synthesize.generator.draw import Draw, fill


@dataclass(frozen=True)
class Piece:
    """A part of a program."""

    words: str
    """In a sentence, such as `even` or `its square`."""
    source: str
    """As an expression of `$x`."""
    call: Callable[[Any], Any]
    """What it means."""

    def of(self, name: str) -> str:
        """Its source with a name, or an expression in brackets, for its variable."""
        return fill(self.source, x=name)


def number_test(draw: Draw) -> Piece:
    """Whether a whole number is something: `the numbers that are WORDS`."""
    k, m, low = draw.integer(3, 9), draw.integer(2, 9), draw.integer(-9, 9)
    high, rest = low + draw.integer(5, 20), draw.integer(1, k - 1)
    options = (
        Piece("even", "$x % 2 == 0", lambda x: x == x // 2 * 2),
        Piece("odd", "$x % 2 == 1", lambda x: bool(x & 1)),
        Piece(f"divisible by {k}", f"$x % {k} == 0", lambda x: x // k * k == x),
        Piece(f"not divisible by {k}", f"$x % {k} != 0", lambda x: x // k * k != x),
        Piece(f"greater than {low}", f"$x > {low}", lambda x: not x <= low),
        Piece(f"at most {high}", f"$x <= {high}", lambda x: not x > high),
        Piece(f"between {low} and {high} inclusive", f"{low} <= $x <= {high}", lambda x: x in range(low, high + 1)),
        Piece(f"outside the range from {low} to {high}", f"$x < {low} or $x > {high}", lambda x: not low <= x <= high),
        Piece("positive", "$x > 0", lambda x: abs(x) == x != 0),
        Piece("negative", "$x < 0", lambda x: abs(x) != x),
        Piece(f"congruent to {rest} modulo {k}", f"$x % {k} == {rest}", lambda x: (x - rest) // k * k == x - rest),
        Piece(
            f"multiples of {k} or multiples of {m + k}",
            f"$x % {k} == 0 or $x % {m + k} == 0",
            lambda x: not (x % k and x % (m + k)),
        ),
        Piece(f"of absolute value above {m}", f"abs($x) > {m}", lambda x: x > m or -x > m),
    )
    return draw.choice(options)


def number_change(draw: Draw) -> Piece:
    """A whole number made from a whole number: `replaced by WORDS`."""
    k, m = draw.integer(2, 9), draw.integer(2, 12)
    options = (
        Piece("its square", "$x * $x", lambda x: x**2),
        Piece("its double", "2 * $x", lambda x: x + x),
        Piece(f"{k} times itself", f"{k} * $x", lambda x: sum([x] * k)),
        Piece(f"itself plus {m}", f"$x + {m}", lambda x: x - -m),
        Piece(f"itself minus {m}", f"$x - {m}", lambda x: -(m - x)),
        Piece(f"{m} minus itself", f"{m} - $x", lambda x: -(x - m)),
        Piece(f"its remainder modulo {k + 1}", f"$x % {k + 1}", lambda x: x - x // (k + 1) * (k + 1)),
        Piece("its absolute value", "abs($x)", lambda x: max(x, -x)),
        Piece("its negative", "-$x", lambda x: 0 - x),
        Piece(f"its quotient by {k}, rounded down", f"$x // {k}", lambda x: (x - x % k) // k),
        Piece("its cube", "$x ** 3", lambda x: x * x * x),
        Piece(f"the smaller of itself and {m}", f"min($x, {m})", lambda x: sorted((x, m))[0]),
        Piece(f"the larger of itself and {m}", f"max($x, {m})", lambda x: sorted((x, m))[1]),
        Piece(f"its distance from {m}", f"abs($x - {m})", lambda x: max(x, m) - min(x, m)),
    )
    return draw.choice(options)


def joined(words: Sequence[str]) -> str:
    """A list in a sentence: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, thing: str) -> str:
    """So many of a thing, for things whose plural ends in s.

    >>> counted(1, "letter"), counted(2, "letter")
    ('1 letter', '2 letters')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def multiple(factor: int, what: str) -> str:
    """So many times something.

    >>> multiple(1, "the first"), multiple(2, "the first")
    ('the first', '2 times the first')
    """
    return what if factor == 1 else f"{factor} times {what}"


def grouped(source: str) -> str:
    """An expression that can stand beside `and`: in brackets if it holds an `or`."""
    return f"({source})" if " or " in source else source


def telling_test(draw: Draw, low: int, high: int) -> Piece:
    """A test that some whole numbers from `low` to `high` pass and others fail."""
    while True:
        test = number_test(draw)
        if len({bool(test.call(number)) for number in range(low, high + 1)}) == 2:
            return test
