"""Random draws that are the same on every machine and in every version of Python.

`random.Random` keeps only its `random()` stable between versions; an item of a probe must never change, so draws are
made from a hash of a name and a counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from blake3 import blake3

T = TypeVar("T")


class Draw:
    """An endless stream of draws, named by a string: equal names give equal streams."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._drawn = 0

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, uniform to within bound / 2^64."""
        self._drawn += 1
        return int.from_bytes(blake3(f"{self._name}|{self._drawn}".encode()).digest(8), "big") % bound

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options in random order (Fisher and Yates' shuffle, stopped early)."""
        left = list(options)
        for place in range(count):
            other = self.between(place, len(left) - 1)
            left[place], left[other] = left[other], left[place]
        return left[:count]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All options in random order."""
        return self.sample(options, len(options))
