"""One phase's batches, by random access: step in, tokens out, the same on any number of workers.

A phase of S steps with B rows a batch is a stream of S * B sequences. Which source has a turn is said by `mix`, which
of its sequences by `order` from the phase's first position on. Both are pure functions of the place in the stream, so
the only state is the step: a run that resumes at step s draws what an uninterrupted one would, and rank r of w gathers
its rows and no others.

Legend: B rows of a batch, T sequence length, k sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from titrant.artifacts import LedgerRow
from titrant.errors import Problem, StudyError
from titrant.jobs import TrainPhase
from titrant.tokens.ledger import realised_rows
from titrant.tokens.mix import BLOCK, Interleaving, apportion
from titrant.tokens.order import Indices, SourceOrder, num_sequences
from titrant.tokens.relation import (
    check_previous_draws,
    cursors_after,
    drawn_digests,
    earlier_draws,
    first_position,
    partition_of,
    prove_data_relation,
)
from titrant.tokens.shards import TokenShard


@dataclass(frozen=True)
class PhaseBatch:
    """Rows of one batch in the order of the stream."""

    tokens: NDArray[np.int64]
    """[B, T+1]: inputs are all columns but the last, targets all but the first."""
    sources: NDArray[np.int64]
    """[B]: index into `PhaseBatches.sources`."""
    indices: NDArray[np.int64]
    """[B]: the sequence's index in its source's shard."""


class PhaseBatches:
    """The batches of one phase. `shards` holds, by source, the partition that `partition_of(phase.data)` names;
    `cursors` is what the previous checkpoint of the run left (`source/partition`), empty at the start of a run, and
    `drawn_before` its sequences drawn so far, repeats counted (without it the cursors, right if nothing was replayed).

    Raises StudyError if the batch is not a whole number of sequences, if a source has no shard of that partition, or
    if its share rounds to nothing.
    """

    def __init__(
        self,
        shards: Mapping[str, TokenShard],
        phase: TrainPhase,
        cursors: Mapping[str, int],
        *,
        seed: int,
        sequence_length: int,
        global_batch_tokens: int,
        drawn_before: Mapping[str, int] | None = None,
    ) -> None:
        if global_batch_tokens % sequence_length or global_batch_tokens <= 0:
            raise StudyError(
                f"a batch of {global_batch_tokens} tokens is not a whole number of sequences of {sequence_length}; "
                f"make it a multiple of {sequence_length}"
            )
        self.phase, self.cursors, self.sequence_length = phase, dict(cursors), sequence_length
        self.drawn_before = dict(cursors if drawn_before is None else drawn_before)
        self.rows_per_batch = global_batch_tokens // sequence_length
        self.partition = partition_of(phase.data)
        shares = {name: Fraction(share) for name, share in phase.shares.items()}
        self._mix = Interleaving(_apportioned(shares, phase.steps * self.rows_per_batch))
        self.sources = self._mix.names
        """Names of the sources, sorted: what `PhaseBatch.sources` points into."""
        self._shards = {name: _checked(name, shards.get(name), phase) for name in self.sources}
        self._windows = [_windows(self._shards[name].tokens, sequence_length) for name in self.sources]
        self._orders = {
            f"{name}/{self.partition}": SourceOrder(shard.content, seed, _sequences(name, shard, sequence_length))
            for name, shard in self._shards.items()
        }
        self._starts = [first_position(phase.data, self.cursors.get(key, 0)) for key in self._orders]
        self._block: tuple[int, NDArray[np.int64], Indices] | None = None
        self._drawn: dict[str, Indices] | None = None

    def batch(self, step: int) -> PhaseBatch:
        """The whole batch of a step, from 0. Resumes exactly: it depends on nothing that was asked before."""
        return self.rows(step, 0, 1)

    def rows(self, step: int, rank: int, world: int) -> PhaseBatch:
        """Rank `rank`'s contiguous rows of a batch; the ranks' rows, in order, are the batch for any `world`."""
        if not 0 <= step < self.phase.steps or not 0 <= rank < world:
            raise IndexError(f"step {step} of {self.phase.steps}, rank {rank} of {world}")
        first, last = (step * self.rows_per_batch + self.rows_per_batch * part // world for part in (rank, rank + 1))
        turns, indices = self._stream(first, last)
        return PhaseBatch(tokens=self._gather(turns, indices), sources=turns, indices=indices)

    def drawn_indices(self) -> dict[str, Indices]:
        """By `source/partition`, the sequence indices of all batches of the phase in the order they are drawn."""
        if self._drawn is None:
            turns, indices = self._stream(0, self.phase.steps * self.rows_per_batch)
            self._drawn = {key: indices[turns == rank] for rank, key in enumerate(self._orders)}
        return self._drawn

    def ledger_rows(self) -> tuple[LedgerRow, ...]:
        """What the phase drew, counted from the batches' own indices and not from the plan."""
        return realised_rows(
            self.drawn_indices(),
            self._orders,
            starts=dict(zip(self._orders, self._starts, strict=True)),
            drawn_before=self.drawn_before,
            shares={name: Fraction(share) for name, share in self.phase.shares.items()},
            sequence_length=self.sequence_length,
        )

    def cursors_after(self) -> dict[str, int]:
        """By `source/partition`, the first position that no phase of the run has drawn once this one is over."""
        return cursors_after(self.cursors, self.ledger_rows())

    def drawn_after(self) -> dict[str, int]:
        """By `source/partition`, sequences that the run has drawn once this phase is over, repeats counted."""
        drawn = dict(self.drawn_before)
        for row in self.ledger_rows():
            key = f"{row.source}/{row.partition}"
            drawn[key] = drawn.get(key, 0) + row.sequences
        return drawn

    def check_previous(self, rows: Iterable[LedgerRow], drawn: Mapping[str, str]) -> None:
        """Check that the previous checkpoint (its `ledger` and `drawn`) drew from these shards with this seed.

        Raises StoreError if it did not, or if the cursors are not where its draws end: they would mean nothing here.
        """
        check_previous_draws(rows, drawn, self._orders, cursors=self.cursors, drawn_sequences=self.drawn_before)

    def prove_relation(self) -> dict[str, str]:
        """Prove from the indices drawn that the phase's data are what it says (fresh, replay, disjoint).

        Returns, by `source/partition`, content hash and digest of the distinct indices: `Checkpoint.drawn`.
        Raises StoreError if the relation does not hold.
        """
        drawn = self.drawn_indices()
        prove_data_relation(self.phase.data, drawn, earlier_draws(self._orders, self.cursors))
        return drawn_digests(drawn, self._orders)

    def _stream(self, first: int, last: int) -> tuple[NDArray[np.int64], Indices]:
        """Turns and sequence indices at places [first, last) of the stream."""
        parts = []
        for number in range(first // BLOCK, -(-last // BLOCK)):
            turns, indices = self._planned_block(number)
            inside = slice(max(0, first - number * BLOCK), last - number * BLOCK)
            parts.append((turns[inside], indices[inside]))
        if len(parts) == 1:
            return parts[0]
        nothing = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        turns, indices = (np.concatenate(part) for part in zip(nothing, *parts, strict=True))
        return turns, indices

    def _planned_block(self, number: int) -> tuple[NDArray[np.int64], Indices]:
        block = self._block
        if block is None or block[0] != number:
            end = min((number + 1) * BLOCK, self._mix.total)
            turns, before = self._mix.turns(number * BLOCK, end)
            indices = np.empty(len(turns), dtype=np.int64)
            for rank, order in enumerate(self._orders.values()):
                places = np.flatnonzero(turns == rank)
                indices[places] = order.draw(self._starts[rank] + int(before[rank]), len(places))
            block = self._block = number, turns, indices
        return block[1], block[2]

    def _gather(self, turns: NDArray[np.int64], indices: Indices) -> NDArray[np.int64]:
        tokens = np.empty((len(turns), self.sequence_length + 1), dtype=np.int64)
        for rank, windows in enumerate(self._windows):
            places = np.flatnonzero(turns == rank)
            if places.size:
                tokens[places] = windows[indices[places]]
        return tokens


def _apportioned(shares: Mapping[str, Fraction], sequences: int) -> dict[str, int]:
    counts = apportion(shares, sequences)
    vanished = [name for name, count in counts.items() if count == 0 and shares[name] > 0]
    if vanished:
        raise StudyError(
            Problem(
                f"source '{name}' has a share of {float(shares[name]):.3g}, which comes to none of "
                f"{sequences} sequences; raise its weight or train for longer"
            )
            for name in vanished
        )
    return counts


def _checked(name: str, shard: TokenShard | None, phase: TrainPhase) -> TokenShard:
    if shard is None or shard.partition != partition_of(phase.data):
        raise StudyError(
            f"source '{name}' has no {partition_of(phase.data)} documents, but a {phase.data} phase draws it"
        )
    return shard


def _sequences(name: str, shard: TokenShard, sequence_length: int) -> int:
    available = num_sequences(len(shard.tokens), sequence_length)
    if available == 0:
        raise StudyError(
            f"source '{name}' holds {len(shard.tokens)} {shard.partition} tokens, fewer than one sequence of "
            f"{sequence_length}; add documents or shorten the sequences"
        )
    return available


def _windows(tokens: NDArray[np.generic], sequence_length: int) -> NDArray[np.generic]:
    """[num_sequences, T+1] view of a shard in which neighbouring rows share one token."""
    step = tokens.strides[0] * sequence_length
    shape = (num_sequences(len(tokens), sequence_length), sequence_length + 1)
    return as_strided(tokens, shape, (step, tokens.strides[0]), writeable=False)
