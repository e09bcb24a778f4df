"""Quantities as people write them (`400B` tokens, `150MB`) and as they are read back.

Suffixes are decimal: k = 10^3, M = 10^6, B or G = 10^9, T = 10^12. A quantity is a whole number of tokens or bytes.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

_FACTORS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_QUANTITY = re.compile(r"^\s*(\d[\d_]*(?:\.\d+)?(?:[eE]\d{1,2})?)\s*([kKMBGT]?)\s*$")
_BYTES = re.compile(r"^\s*(\d[\d_]*(?:\.\d+)?)\s*([kKMGT]?)B?\s*$")


def parse_tokens(given: Any) -> int:
    """Tokens from an int, or from a string such as `1.1M`, `400B`, `2e6`.

    >>> parse_tokens("1.1M"), parse_tokens("400B"), parse_tokens(4096)
    (1100000, 400000000000, 4096)
    """
    return _whole(given, _QUANTITY, "tokens", "4096, '1.1M' or '400B'")


def parse_bytes(given: Any) -> int:
    """Bytes from an int, or from a string such as `200kB` or `1.5MB` (decimal).

    >>> parse_bytes("200kB"), parse_bytes(17)
    (200000, 17)
    """
    return _whole(given, _BYTES, "bytes", "65536, '200kB' or '1.5MB'")


def _whole(given: Any, pattern: re.Pattern[str], unit: str, examples: str) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if isinstance(given, str) and (match := pattern.match(given)):
        amount = Fraction(match[1].replace("_", "")) * _FACTORS[match[2]]
        if amount.denominator == 1:
            return int(amount)
    raise PydanticCustomError(
        "quantity",
        "{given} is not a whole number of {unit}; write for example {examples}",
        {"given": repr(given)[:60], "unit": unit, "examples": examples},
    )


def show_count(count: float) -> str:
    """A count in at most four significant digits with its suffix.

    >>> show_count(1_100_000), show_count(400_000_000_000), show_count(950)
    ('1.1M', '400B', '950')
    """
    for suffix, factor in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(count) >= factor:
            return f"{count / factor:.4g}{suffix}"
    return f"{count:.4g}"


def cost_decimals(cost: float) -> int:
    """How many decimals an amount of money is shown with: two, and below one as many as two significant digits take.

    >>> cost_decimals(1234.5), cost_decimals(0.25), cost_decimals(0.00021), cost_decimals(0)
    (2, 2, 5, 2)
    """
    return 2 if cost == 0 else max(2, 1 - math.floor(math.log10(abs(cost))))


def show_cost(cost: float) -> str:
    """An amount of money; what is above nothing is never shown as nothing.

    >>> show_cost(1234.5), show_cost(0.25), show_cost(0.00021), show_cost(0)
    ('1,234.50', '0.25', '0.00021', '0.00')
    """
    return f"{cost:,.{cost_decimals(cost)}f}"


def show_seconds(seconds: float) -> str:
    """A duration a person can read.

    >>> show_seconds(42.3), show_seconds(600), show_seconds(9000), show_seconds(400_000), show_seconds(10**9)
    ('42 s', '10 min', '2.5 h', '4.6 days', '31.71 years')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    if seconds < 63_072_000:
        return f"{seconds / 86_400:.1f} days"
    return f"{show_count(seconds / 31_536_000)} years"


Tokens = Annotated[int, BeforeValidator(parse_tokens), Field(gt=0)]
"""A positive whole number of tokens."""

Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]
"""A positive whole number of bytes."""
