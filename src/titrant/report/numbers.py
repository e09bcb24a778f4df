"""How numbers are spelt in every table, figure and sentence: signs, digits, thousands, units.

Bits per byte stand with three decimals. Accuracies and other rates, fractions in the data, stand in percent with one
decimal (probabilities with two), and their differences in percentage points. The minus sign is U+2212; thousands are
parted by U+202F, a thin space at which no line breaks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

MINUS = "\u2212"
THIN = "\u202f"


@dataclass(frozen=True)
class Scale:
    """How an outcome's unit is shown: a factor on the stored value, decimals, and words for levels and differences."""

    factor: float
    decimals: int
    level: str
    """Unit of a score, for heads of tables."""
    difference: str
    """Unit of a difference, for sentences."""


_SCALES = {
    "bits per byte": Scale(1, 3, "bits per byte", "bits per byte"),
    "accuracy": Scale(100, 1, "accuracy, %", "points"),
    "pass rate": Scale(100, 1, "pass rate, %", "points"),
    "win rate": Scale(100, 1, "win rate, %", "points"),
    "probability": Scale(100, 2, "probability, %", "points"),
    "nats": Scale(1, 3, "nats", "nats"),
}


def scale_of(unit: str) -> Scale:
    """How values of a unit are shown; an unknown unit is shown as it is, with three decimals."""
    return _SCALES.get(unit, Scale(1, 3, unit, unit))


def plain(value: float, decimals: int) -> str:
    """A number with fixed decimals, thin spaces for thousands and a real minus; never a negative zero.

    >>> plain(-0.0004, 3), plain(-1234.5, 1) == "\u22121\u202f234.5"
    ('0.000', True)
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that a report can print")
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return f"{MINUS if negative else ''}{text}"


def signed(value: float, decimals: int) -> str:
    """As `plain`, with a plus sign before what is above zero.

    >>> signed(0.25, 2), signed(0.0, 2)
    ('+0.25', '0.00')
    """
    text = plain(value, decimals)
    return f"+{text}" if value > 0 and any(digit in "123456789" for digit in text) else text


def level(value: float, unit: str) -> str:
    """A score in its unit's own digits, without the unit."""
    shown = scale_of(unit)
    return plain(value * shown.factor, shown.decimals)


def difference(value: float, unit: str) -> str:
    """A signed difference in its unit's own digits, without the unit."""
    shown = scale_of(unit)
    return signed(value * shown.factor, shown.decimals)


def interval(low: float, high: float, unit: str) -> str:
    """`low to high`, signed."""
    return f"{difference(low, unit)} to {difference(high, unit)}"


def size(value: float, unit: str, decimals: int | None = None) -> str:
    """The size of a difference without its sign, for sentences that name the direction in words."""
    shown = scale_of(unit)
    return plain(abs(value) * shown.factor, shown.decimals if decimals is None else decimals)


def detectable(value: float, unit: str) -> str:
    """The smallest difference that would be resolved; of a rate, `> 100` where no difference would.

    >>> detectable(0.031, "accuracy"), detectable(1.7, "accuracy"), detectable(1.7, "bits per byte")
    ('3.1', '> 100', '1.700')
    """
    is_rate = scale_of(unit).factor == 100
    return "> 100" if is_rate and value > 1 else size(value, unit)


def sentence_decimals(values: tuple[float, ...], unit: str) -> int:
    """Decimals for a sentence: one fewer than a table's, unless that would turn a value or a width into nothing."""
    shown = scale_of(unit)
    fewer = max(shown.decimals - 1, 0)
    finest = min(abs(a - b) * shown.factor for a, b in pairwise(values))
    smallest = min(abs(value) * shown.factor for value in values)
    return fewer if min(finest, smallest) >= 10**-fewer else shown.decimals


def probability(value: float) -> str:
    """A p value with three decimals; below them, `< 0.001`.

    >>> probability(0.0004), probability(0.25)
    ('< 0.001', '0.250')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int) -> str:
    """A whole number with thin spaces for thousands.

    >>> count(1100000) == "1\u202f100\u202f000"
    True
    """
    return plain(value, 0)


def epochs(value: float) -> str:
    """How often something has been gone through, in two decimals."""
    return plain(value, 2)


def percent(share: float) -> str:
    """A share as a percentage with at most one decimal.

    >>> percent(0.5) == "50\u202f%", percent(0.125) == "12.5\u202f%"
    (True, True)
    """
    text = f"{share * 100:.1f}".removesuffix(".0")
    return f"{text}{THIN}%"


def seeds(number: int) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number} seed{'' if number == 1 else 's'}"
