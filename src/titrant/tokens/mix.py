"""How a phase's sequences are shared out among its sources, and in which order the sources take turns.

Apportionment: each source gets the floor of its exact quota, and what is left goes to the largest remainders.
Interleaving: with c_i of N sequences for source i, unit j (from 0) of source i may not come before slot
floor(j*N/c_i) + 1 nor after slot ceil((j+1)*N/c_i). Whatever fills every slot within these windows keeps each source
strictly within one of t*c_i/N at every prefix t; that this can always be done is Tijdeman's theorem, and taking the
earliest deadline among the units released does it. All arithmetic is on integers.

Cost: about half a microsecond a sequence, once; counts are kept every BLOCK sequences, so any place can be found again.

**Source:** Hamilton's method; Tijdeman 1980, "The chairman assignment problem"; Jackson 1955 (earliest due date).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from titrant.errors import StudyError

BLOCK = 8192
"""Sequences between two places at which the counts are kept."""
LARGEST = 2**31
"""Most sequences of one phase (products of two counts must fit in 63 bits)."""


def apportion(shares: Mapping[str, Fraction], count: int) -> dict[str, int]:
    """Share out `count` sequences by largest remainder; equal remainders go by the sources' names.

    The shares are exact and sum to 1; they are normalised if they do not. The result is sorted by name, sums to
    `count`, and lies within one of each exact quota. It does not depend on the order of the keys.

    >>> apportion({"text": Fraction(9, 10), "code": Fraction(8, 100), "markup": Fraction(2, 100)}, 2048)
    {'code': 164, 'markup': 41, 'text': 1843}
    """
    total = sum(shares.values(), Fraction(0))
    if total <= 0 or any(share < 0 for share in shares.values()):
        raise ValueError(f"shares must be 0 or more and not all 0, got {dict(shares)}")
    quotas = {name: count * shares[name] / total for name in sorted(shares)}
    counts = {name: math.floor(quota) for name, quota in quotas.items()}
    left = count - sum(counts.values())
    by_remainder = sorted(quotas, key=lambda name: (counts[name] - quotas[name], name))
    for name in by_remainder[:left]:
        counts[name] += 1
    return counts


class Interleaving:
    """The order in which sources take turns, with random access.

    `names` are the sources with a positive count, sorted; a turn is an index into them. Deterministic; depends on
    the counts and the names only.

    >>> turns, before = Interleaving({"text": 3, "code": 1}).turns(0, 4)
    >>> turns.tolist(), before.tolist()
    ([1, 1, 0, 1], [0, 0])
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        drawn = {name: counts[name] for name in sorted(counts) if counts[name]}
        self.names = tuple(drawn)
        self.total = sum(drawn.values())
        if not drawn:
            raise ValueError("nothing to interleave: every count is 0")
        if self.total >= LARGEST:
            raise StudyError(
                f"a phase of {self.total} sequences is too long; at most {LARGEST - 1} are allowed: cut it"
            )
        # counts with a common factor g repeat the same turns g times; a short period is doubled up to a block
        period = np.array(list(drawn.values()), dtype=np.int64) // math.gcd(*drawn.values())
        length = int(period.sum())
        self._counts = period * -(-BLOCK // length)
        self._period = int(self._counts.sum())
        self._before: list[NDArray[np.int64]] = [np.zeros(len(drawn), dtype=np.int64)]
        self._last: tuple[int, NDArray[np.int64]] | None = None

    def turns(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Turns at positions [start, stop), and how often each source came before `start` (one count a name)."""
        rounds, place = divmod(start, self._period)
        block = place // BLOCK
        turns = [self._block(block)[place - block * BLOCK :]]
        skipped = self._block(block)[: place - block * BLOCK]
        before = rounds * self._counts + self._before[block] + np.bincount(skipped, minlength=len(self.names))
        while sum(map(len, turns)) < stop - start:
            block = (block + 1) % -(-self._period // BLOCK)
            turns.append(self._block(block))
        return np.concatenate(turns)[: stop - start], before

    def _block(self, block: int) -> NDArray[np.int64]:
        """Turns of one block of the period; earlier blocks are gone through once to know its counts."""
        if self._last is not None and self._last[0] == block:
            return self._last[1]
        turns = np.empty(0, dtype=np.int64)
        for current in range(min(block, len(self._before) - 1), block + 1):
            first, last = current * BLOCK, min((current + 1) * BLOCK, self._period)
            turns = _earliest_deadlines(self._counts, self._before[current], first, last)
            if current + 1 == len(self._before):
                self._before.append(self._before[current] + np.bincount(turns, minlength=len(self.names)))
        self._last = block, turns
        return turns


def _earliest_deadlines(
    counts: NDArray[np.int64], before: NDArray[np.int64], first: int, last: int
) -> NDArray[np.int64]:
    """Turns in slots (first, last] of a period in which source i has counts[i] turns, before[i] of them taken."""
    period, num_sources = int(counts.sum()), len(counts)
    released = -(-last * counts // period)
    rank = np.repeat(np.arange(num_sources), released - before)
    skipped = np.cumsum(released - before) - (released - before)
    unit = np.arange(len(rank)) - skipped[rank] + before[rank]
    release = unit * period // counts[rank] + 1
    deadline = -(-(unit + 1) * period // counts[rank])
    # one integer holds deadline and rank: the smallest is the earliest, then the first by name
    codes = (deadline - first) * num_sources + rank
    by_release = np.argsort(release, kind="stable")
    releases, waiting = release[by_release].tolist(), codes[by_release].tolist()
    ready: list[int] = []
    taken, place, end = [], 0, len(waiting)
    for slot in range(first + 1, last + 1):
        while place < end and releases[place] <= slot:
            heapq.heappush(ready, waiting[place])
            place += 1
        taken.append(heapq.heappop(ready))
    return np.array(taken, dtype=np.int64) % num_sources
