"""Held-out texts that are trained on all the same, which are not scored.

Documents are held out by what they say before anything changes them. Two that differ in comments alone become equal
once comments are taken out, and two cut documents may share a piece, such as a licence: one of the two may be trained
on. So texts are compared as they are encoded, byte for byte, with all that any arm of the study may draw, and every
run is scored on the same rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import TokenShards
from titrant.errors import StoreError

_TRAINED = "trained/"


def texts_trained_on(inputs: Mapping[str, Path], sources: Iterable[str]) -> dict[str, str]:
    """By text hash, the first source that trains on a text held out of one of these sources.

    `inputs` holds `tokens/SOURCE` of each of these, and `trained/SOURCE` of each source that any run draws from. Reads
    the training texts' hashes in batches. Raises StoreError if a table is damaged, and ValueError, which is a bug of
    the caller, if texts are to be scored and nothing is said of what is trained on: other texts would be scored.
    """
    sources = tuple(sources)
    if sources and not any(role.startswith(_TRAINED) for role in inputs):
        raise ValueError(f"held-out texts of {', '.join(sources)} are scored, and no input trained/SOURCE is given")
    held_out = pa.chunked_array([_held_out_hashes(inputs[f"tokens/{source}"]) for source in sources], pa.string())
    found: dict[str, str] = {}
    for role, folder in sorted(inputs.items()):
        if not role.startswith(_TRAINED):
            continue
        for partition in sorted(TokenShards.read(folder).shards):
            for hashes in _hashes(folder / f"{partition}.parquet"):
                both = hashes.filter(pc.is_in(hashes, value_set=held_out.combine_chunks()))
                found |= {hash_: role.removeprefix(_TRAINED) for hash_ in both.to_pylist() if hash_ not in found}
    return found


def count_trained_on(folder: Path, trained_on: Mapping[str, str]) -> dict[str, int]:
    """How many of a source's held-out texts are among those trained on, by the source that trains on them."""
    hashes = _held_out_hashes(folder).to_pylist()
    return dict(sorted(Counter(trained_on[hash_] for hash_ in hashes if hash_ in trained_on).items()))


def _held_out_hashes(folder: Path) -> pa.Array:
    return pa.chunked_array(list(_hashes(folder / "held_out.parquet")), pa.string()).combine_chunks()


def _hashes(path: Path) -> Iterable[pa.Array]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["text_hash"], use_threads=False):
                yield batch["text_hash"]
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
