"""How many documents of a source stand in its tokens, after all that may have changed or emptied them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import LEFT_OUT, PartSize, TokenShards
from titrant.errors import StoreError


def encoded_parts(folder: Path) -> dict[str, PartSize]:
    """Whole documents and UTF-8 bytes by partition (`train`, `reserved`, `held_out`) of a tokens artifact.

    A document that was cut counts once. Raises StoreError if a table is damaged.
    """
    made = TokenShards.read(folder)
    sizes = {partition: shard.bytes for partition, shard in made.shards.items()} | {"held_out": made.held_out.bytes}
    return {
        partition: PartSize(documents=_documents(folder / f"{partition}.parquet"), bytes=size)
        for partition, size in sizes.items()
    }


def with_encoded(parts: Mapping[str, PartSize], encoded: Mapping[str, PartSize]) -> dict[str, PartSize]:
    """The parts of a split, those that are used as they stand in the tokens, and what became of the others' texts."""
    changed = dict(parts) | {fate: size for fate, size in encoded.items() if fate in parts}
    lost = sum(parts[fate].documents - changed[fate].documents for fate in encoded if fate in parts)
    return changed | ({LEFT_OUT: PartSize(documents=lost, bytes=0)} if lost else {})


def _documents(path: Path) -> int:
    if not path.is_file():
        return 0
    try:
        whole = pq.read_table(path, columns=["whole_hash"], use_threads=False)["whole_hash"]
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return int(pc.count_distinct(whole).as_py())
