"""What a phase has really trained on, counted from the batches themselves in a few numbers that survive resuming.

For each source: how many sequences, and the sum (modulo 2^64) of a hash of their indices. The sums do not depend on
the order, so they add up over interruptions and over workers, and they agree with those of the indices that the
ledger and the proof of the data relation are made from only if the same sequences were drawn equally often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from titrant.errors import EngineError

Integers = NDArray[np.int64]


class Tally:
    """Counts and sums by source; `counts` is its whole state, as plain integers."""

    def __init__(self, sources: Sequence[str], counts: Mapping[str, int] | None = None) -> None:
        self._sources = tuple(sources)
        self.counts = {f"{source}/{part}": 0 for source in self._sources for part in ("sequences", "sum")}
        self.counts.update(counts or {})

    def add(self, sources_B: Integers, indices_B: Integers) -> None:
        """Count one batch: for each row its source (an index into `sources`) and its sequence's index."""
        for number, source in enumerate(self._sources):
            indices = indices_B[sources_B == number]
            self.counts[f"{source}/sequences"] += len(indices)
            self.counts[f"{source}/sum"] = (self.counts[f"{source}/sum"] + _sum_of_hashes(indices)) % 2**64

    def check(self, drawn: Mapping[str, Integers]) -> None:
        """Raise EngineError unless exactly these sequences (by `source/partition`) were counted."""
        for key, indices in drawn.items():
            source = key.rpartition("/")[0]
            counted = (self.counts[f"{source}/sequences"], self.counts[f"{source}/sum"])
            if counted != (len(indices), _sum_of_hashes(indices)):
                raise EngineError(
                    f"the batches trained on are not those of the ledger: of '{key}' {counted[0]} sequences were "
                    f"used where the ledger has {len(indices)}, or they are other ones. This is a bug; please report it"
                )


def _sum_of_hashes(indices: Integers) -> int:
    """**Source:** the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = indices.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int((mixed ^ (mixed >> np.uint64(31))).sum(dtype=np.uint64))
