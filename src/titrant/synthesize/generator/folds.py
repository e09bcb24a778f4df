"""Pieces that make one number of several, and keys by which numbers are grouped and ordered."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.pieces import Piece


def fold(draw: Draw) -> Piece:
    """One number of a list that is not empty: `WORDS of the numbers`. `$x` is the list."""
    options = (
        Piece("the sum", "sum($x)", lambda x: sum(each for each in sorted(x))),
        Piece("the largest", "max($x)", lambda x: sorted(x)[-1]),
        Piece("the smallest", "min($x)", lambda x: sorted(x)[0]),
        Piece("the spread (largest minus smallest)", "max($x) - min($x)", lambda x: sorted(x)[-1] - sorted(x)[0]),
        Piece("half the sum of smallest and largest (rounded down)", "(min($x) + max($x)) // 2", _middle),
        Piece("the mean (rounded down)", "sum($x) // len($x)", _mean),
    )
    return draw.choice(options)


def _middle(x: list[int]) -> int:
    ordered = sorted(x)
    both = ordered[0] + ordered[-1]
    return (both - (both & 1)) // 2


def _mean(x: list[int]) -> int:
    total, whole = sum(x), 0
    while (whole + 1) * len(x) <= total:
        whole += 1
    while whole * len(x) > total:
        whole -= 1
    return whole


def number_key(draw: Draw) -> Piece:
    """What several numbers may have in common: `by WORDS`."""
    k, m, width = draw.integer(2, 7), draw.integer(-9, 15), draw.integer(3, 12)
    options = (
        Piece(f"remainder modulo {k}", f"$x % {k}", lambda x: x - x // k * k),
        Piece("absolute value", "abs($x)", lambda x: max(x, -x)),
        Piece(f"distance from {m}", f"abs($x - {m})" if m >= 0 else f"abs($x + {-m})", lambda x: max(x, m) - min(x, m)),
        Piece(f"quotient by {width} (rounded down)", f"$x // {width}", lambda x: (x - x % width) // width),
        Piece("last decimal digit (of the absolute value)", "abs($x) % 10", lambda x: int(str(x)[-1])),
        Piece("sum of decimal digits (of the absolute value)", "sum(map(int, str(abs($x))))", _digits),
        Piece("square of the remainder modulo 5", "($x % 5) ** 2", lambda x: (x % 5) * (x % 5)),
    )
    return draw.choice(options)


def _digits(x: int) -> int:
    x, total = max(x, -x), 0
    while x:
        total, x = total + x % 10, x // 10
    return total
