"""Pieces about two numbers: what holds between them, and what is made of them.

Words call them `the first` and `the second`; the source names them `$a` and `$b`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from titrant.synthesize.generator.draw import Draw, fill


@dataclass(frozen=True)
class PairPiece:
    """A part of a program about two numbers."""

    words: str
    """In a sentence, such as `their sum is even` or `their sum`."""
    source: str
    """As an expression of `$a` and `$b`."""
    call: Callable[[Any, Any], Any]
    """What it means."""

    def of(self, first: str, second: str) -> str:
        """Its source with names for its variables."""
        return fill(self.source, a=first, b=second)


def pair_test(draw: Draw) -> PairPiece:
    """Whether something holds between two numbers: `pairs where WORDS`."""
    k, m, gap = draw.integer(2, 7), draw.integer(-20, 30), draw.integer(2, 15)
    rest = draw.integer(1, k - 1)
    options = (
        PairPiece("the second is greater than the first", "$a < $b", lambda a, b: b - a > 0),
        PairPiece("the second is smaller than the first", "$b < $a", lambda a, b: b - a < 0),
        PairPiece(f"the second exceeds the first by at least {gap}", f"$b - $a >= {gap}", lambda a, b: a + gap <= b),
        PairPiece(f"they differ by more than {gap}", f"abs($a - $b) > {gap}", lambda a, b: max(a, b) > min(a, b) + gap),
        PairPiece(f"they differ by at most {gap}", f"abs($a - $b) <= {gap}", lambda a, b: max(a, b) <= min(a, b) + gap),
        PairPiece("their sum is even", "($a + $b) % 2 == 0", lambda a, b: a & 1 == b & 1),
        PairPiece("exactly one of them is odd", "$a % 2 != $b % 2", lambda a, b: bool((a + b) & 1)),
        PairPiece(f"their sum is divisible by {k}", f"($a + $b) % {k} == 0", lambda a, b: not (-a - b) % k),
        PairPiece(f"their sum is greater than {m}", f"$a + $b > {m}", lambda a, b: a > m - b),
        PairPiece(f"their sum is at most {m}", f"$a + $b <= {m}", lambda a, b: not a > m - b),
        PairPiece("their product is negative", "$a * $b < 0", lambda a, b: min(a, b) < 0 < max(a, b)),
        PairPiece("one of them is twice the other", "$a == 2 * $b or $b == 2 * $a", lambda a, b: a in (b + b, b / 2)),
        PairPiece(
            f"their difference is congruent to {rest} modulo {k}, the second taken from the first",
            f"($a - $b) % {k} == {rest}",
            lambda a, b: (a - b - rest) // k * k == a - b - rest,
        ),
        PairPiece("the first has the greater absolute value", "abs($a) > abs($b)", lambda a, b: (a - b) * (a + b) > 0),
    )
    return draw.choice(options)


def pair_value(draw: Draw) -> PairPiece:
    """A number made of two: `replaced by WORDS`."""
    k, m = draw.integer(2, 5), draw.integer(3, 12)
    options = (
        PairPiece("their sum", "$a + $b", lambda a, b: sum((a, b))),
        PairPiece("the first minus the second", "$a - $b", lambda a, b: -(b - a)),
        PairPiece("the second minus the first", "$b - $a", lambda a, b: -(a - b)),
        PairPiece("their product", "$a * $b", lambda a, b: ((a + b) ** 2 - (a - b) ** 2) // 4),
        PairPiece("the larger of the two", "max($a, $b)", lambda a, b: sorted((a, b))[1]),
        PairPiece("the smaller of the two", "min($a, $b)", lambda a, b: sorted((a, b))[0]),
        PairPiece("their absolute difference", "abs($a - $b)", lambda a, b: max(a, b) - min(a, b)),
        PairPiece(f"the first plus {k} times the second", f"$a + {k} * $b", lambda a, b: a + sum([b] * k)),
        PairPiece(f"{k} times the first minus the second", f"{k} * $a - $b", lambda a, b: sum([a] * k) - b),
        PairPiece(f"the remainder of their sum modulo {m}", f"($a + $b) % {m}", lambda a, b: (a % m + b % m) % m),
        PairPiece("the sum of their squares", "$a * $a + $b * $b", lambda a, b: (a + b) ** 2 - 2 * a * b),
        PairPiece(f"their sum, but at most {m + 8}", f"min($a + $b, {m + 8})", lambda a, b: sorted((b + a, m + 8))[0]),
    )
    return draw.choice(options)
