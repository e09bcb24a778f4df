"""How a phase's data relate to earlier phases, and the proof of it on the sequences that were drawn.

Every phase draws a stretch of a partition's endless order: `fresh` goes on where the run's earlier draws ended,
`replay` starts again from the first position and stays within what was drawn, `disjoint` does what `fresh` does in the
reserved partition. So the draws of a run up to any point are the positions [0, cursor) of each partition, and a proof
needs no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from blake3 import blake3

from titrant.artifacts import LedgerRow
from titrant.errors import StoreError
from titrant.tokens.order import Indices, SourceOrder

Relation = Literal["fresh", "replay", "disjoint"]


def partition_of(data: Relation) -> Literal["train", "reserved"]:
    """The partition that a phase draws from: `reserved` for `disjoint`, else `train`."""
    return "reserved" if data == "disjoint" else "train"


def first_position(data: Relation, cursor: int) -> int:
    """Where a phase starts in the endless order when earlier phases have drawn positions [0, cursor)."""
    return 0 if data == "replay" else cursor


def cursors_after(cursors: Mapping[str, int], rows: Iterable[LedgerRow]) -> dict[str, int]:
    """By `source/partition` (sorted), the first position that nothing has drawn once these rows are drawn too."""
    after = dict(cursors)
    for row in rows:
        key = f"{row.source}/{row.partition}"
        after[key] = max(after.get(key, 0), row.start + row.sequences)
    return dict(sorted(after.items()))


def drawn_digest(indices: Indices) -> str:
    """BLAKE3 of the distinct sequence indices in ascending order (little-endian int64): equal sets, equal digests."""
    return blake3(np.unique(indices).astype("<i8").tobytes()).hexdigest()


def drawn_digests(drawn: Mapping[str, Indices], orders: Mapping[str, SourceOrder]) -> dict[str, str]:
    """By `source/partition`, the shard's content hash and the digest of what was drawn, joined by a colon."""
    return {key: f"{orders[key].content}:{drawn_digest(drawn[key])}" for key in sorted(drawn)}


def earlier_draws(orders: Mapping[str, SourceOrder], cursors: Mapping[str, int]) -> dict[str, Indices]:
    """By `source/partition`, the sequences that a run with these cursors has drawn so far, each once."""
    return {key: order.draw(0, min(cursors.get(key, 0), order.num_sequences)) for key, order in orders.items()}


def prove_data_relation(data: Relation, now: Mapping[str, Indices], before: Mapping[str, Indices]) -> None:
    """Check on identities of sequences that a phase's draws are what it declares; keys are `source/partition`.

    `fresh` and `disjoint`: no sequence drawn now was drawn before, and `disjoint` draws from reserved partitions only
    (which `fresh` and `replay` never touch). `replay`: every sequence drawn now was drawn before.
    Raises StoreError that names the source and counts the sequences that break it.
    """
    for key, indices in now.items():
        if not key.endswith(f"/{partition_of(data)}"):
            raise StoreError(f"a {data} phase drew from '{key}'; it may draw from {partition_of(data)} partitions only")
        drawn, earlier = np.unique(indices), np.unique(before.get(key, np.empty(0, dtype=np.int64)))
        shared = len(np.intersect1d(drawn, earlier, assume_unique=True))
        if data != "replay" and shared:
            raise StoreError(
                f"a {data} phase drew {shared} of {len(drawn)} sequences of '{key}' that an earlier phase had drawn; "
                "this checkpoint must not be used: delete it and run again"
            )
        if data == "replay" and shared < len(drawn):
            raise StoreError(
                f"a replay phase drew {len(drawn)} sequences of '{key}', of which only {shared} are among the "
                f"{len(earlier)} that earlier phases had drawn; delete the checkpoint and run again"
            )


def check_previous_draws(
    rows: Iterable[LedgerRow],
    drawn: Mapping[str, str],
    orders: Mapping[str, SourceOrder],
    *,
    cursors: Mapping[str, int],
    drawn_sequences: Mapping[str, int],
) -> None:
    """Check that a previous checkpoint's draws are those of these orders: the same shards, seed and length.

    `rows`, `drawn`, `cursors` and `drawn_sequences` are its `ledger` and the fields of those names. Partitions that
    `orders` lacks are passed over. Raises StoreError if one differs, or if a cursor is not where the draws end: before
    the end of what the last phase drew, or beyond what the run has drawn in all. Its cursors would mean nothing here.
    """
    for row in rows:
        key = f"{row.source}/{row.partition}"
        if key not in orders:
            continue
        expected = f"{orders[key].content}:{drawn_digest(orders[key].draw(row.start, row.sequences))}"
        if drawn.get(key) != expected:
            raise StoreError(
                f"the previous phase's draws from '{key}' are not those of this shard and seed "
                f"({str(drawn.get(key))[:12]} against {expected[:12]}); delete its checkpoint and run again"
            )
        if cursors.get(key, 0) < row.start + row.sequences:
            raise StoreError(
                f"the previous checkpoint says that '{key}' is drawn up to position {cursors.get(key, 0)}, and that "
                f"its phase drew {row.start} to {row.start + row.sequences}; delete it and run again"
            )
    for key in orders:
        cursor = cursors.get(key, 0)
        if cursor > drawn_sequences.get(key, cursor):
            raise StoreError(
                f"the previous checkpoint says that '{key}' is drawn up to position {cursor}, and that the run has "
                f"drawn {drawn_sequences[key]} sequences in all; delete it and run again"
            )
