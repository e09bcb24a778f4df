"""How numbers are written, and tests on their digits."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.pieces import Piece


def digits_of_number(number: int, base: int) -> list[int]:
    """Its digits, the highest first, by the greatest power of the base."""
    power = 1
    while power * base <= number:
        power *= base
    found = []
    while power:
        found.append(sum(1 for times in range(1, base) if times * power <= number))
        number -= found[-1] * power
        power //= base
    return found


def digit_test(draw: Draw) -> Piece:
    """Whether a decimal digit is something: `the digits that are WORDS`."""
    k = draw.integer(2, 8)
    return draw.choice(
        (
            Piece("even", "$x % 2 == 0", lambda d: d in (0, 2, 4, 6, 8)),
            Piece("odd", "$x % 2 == 1", lambda d: d in (1, 3, 5, 7, 9)),
            Piece(f"greater than {k}", f"$x > {k}", lambda d: d in range(k + 1, 10)),
            Piece(f"less than {k}", f"$x < {k}", lambda d: d in range(k)),
            Piece("prime", "$x in (2, 3, 5, 7)", lambda d: d > 1 and all(d % f for f in range(2, d))),
            Piece(f"different from {k}", f"$x != {k}", lambda d: str(d) != str(k)),
            Piece("divisible by 3", "$x % 3 == 0", lambda d: d in (0, 3, 6, 9)),
        )
    )
