"""What the parameters of problems about lists may be. There are few, because problems of equal ones share inputs."""

from __future__ import annotations

from random import Random

from titrant.synthesize.generator.domains import Integers, Lists, Made, Texts, Tuples

NUMBERS = Lists(Integers(-50, 50), 0, 10)
SOME_NUMBERS = Lists(Integers(-50, 50), 1, 10)
TWO_OR_MORE = Lists(Integers(-50, 50), 2, 10)
NEAR_NUMBERS = Lists(Integers(-9, 9), 0, 12)
"""In which equal ones are common."""
SOME_NEAR_NUMBERS = Lists(Integers(-9, 9), 1, 12)
ASCENDING = Lists(Integers(-20, 20), 0, 10, ascending=True)
SIZE = Integers(1, 5)
SHIFT = Integers(-15, 15)
TARGET = Integers(-20, 40)
NEAR_TARGET = Integers(-9, 9)
LISTS = Lists(Lists(Integers(-9, 9), 0, 5), 0, 6)
AMOUNTS = Lists(Tuples((Texts("abc", 1, 2), Integers(-20, 30))), 0, 10)


def _grid(random: Random) -> list[list[int]]:
    rows, columns = random.randint(1, 5), random.randint(1, 5)
    return [[random.randint(-9, 9) for _ in range(columns)] for _ in range(rows)]


def _spans(random: Random) -> list[tuple[int, int]]:
    starts = [random.randint(0, 30) for _ in range(random.randint(0, 7))]
    return [(start, start + random.randint(1, 8)) for start in starts]


GRID = Made("1 to 5 rows and columns of -9 to 9", "list[list[int]]", _grid)
SPANS = Made("0 to 7 spans of lengths 1 to 8 from 0 to 30", "list[tuple[int, int]]", _spans)
