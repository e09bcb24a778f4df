"""Signatures: from a document's n-grams of words, a short row of numbers by which near-duplicates are found.

Two documents' signatures agree at a place with a probability that is the Jaccard similarity of their sets of n-grams.
A document with fewer words than an n-gram has one member: all its words; one without words, all its characters. So
short documents are near to none but their equals.

**Source:** Broder 1997 (MinHash); Dahlgaard, Knudsen and Thorup 2017 (the sketch that `rensa` computes).
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3
from numpy.typing import NDArray
from rensa import RMinHash  # type: ignore[import-untyped]

from titrant.artifacts import Signatures
from titrant.corpus.engine.make import make_parts
from titrant.corpus.engine.parts import Parts, Tick
from titrant.corpus.stored import RowGroup, row_groups
from titrant.corpus.words import Words, find_words, grams, portions
from titrant.errors import EngineError, StoreError
from titrant.jobs import Progress, SignaturesJob
from titrant.study.cleaning import NearDuplicates

SIGNATURES = "signatures.parquet"
ALGORITHM = 2
"""The version of the sketch; signatures of two versions cannot be compared."""

_SEED = 20_261_105
_PIECE_CHARACTERS = 1 << 17
"""Texts taken together: so few that the arrays stay in a processor's cache."""
_GROUP_ROWS = 8192


def sign(texts: pa.Array, near: NearDuplicates) -> NDArray[np.uint32]:
    """The signatures of texts (strings without nulls): documents x permutations.

    A pure function of each text, the words of an n-gram and the number of permutations; the same on every machine.
    The share of equal places estimates the Jaccard similarity s without bias, off by sqrt(s (1 - s) / permutations).

    >>> a, b, c = sign(pa.array(["One two, three.", "one TWO three", "one two four"]), NearDuplicates())
    >>> float((a == b).mean()), float((a == c).mean())
    (1.0, 0.0)
    """
    if getattr(RMinHash, "ALGORITHM_VERSION", None) != ALGORITHM:
        raise EngineError(
            f"this rensa makes signatures of version {getattr(RMinHash, 'ALGORITHM_VERSION', None)}, which cannot be "
            f"compared with those of version {ALGORITHM}; install the one that Titrant's constraints name"
        )
    signatures = np.empty((len(texts), near.permutations), dtype=np.uint32)
    done = 0
    for piece in portions(texts.to_pylist(), _PIECE_CHARACTERS):
        signatures[done : done + len(piece)] = _sketches(*_members(piece, near.words), near.permutations)
        done += len(piece)
    return signatures


def sign_documents(
    job: SignaturesJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Signatures:
    """Write `signatures.parquet`: row (int64) and signature (little-endian uint32 one after the other).

    Row groups are signed by the engine that the environment chooses (see `engine`), and in memory one at a time in each
    of its processes. Raises StoreError for damaged documents.
    """
    groups = row_groups(inputs["documents"])
    parts = make_parts(_Sign(job.near), groups, scratch=scratch, progress=progress)
    kind, row = pa.binary(4 * job.near.permutations), 0
    schema = pa.schema([("row", pa.int64()), ("signature", kind)])
    with pq.ParquetWriter(out / SIGNATURES, schema, compression={"row": "zstd", "signature": "none"}) as writer:
        for signatures in _gathered(_signed(parts, groups, job.near), _GROUP_ROWS):
            column = _column(signatures)
            rows = pa.array(np.arange(row, row + len(signatures)), pa.int64())
            writer.write_table(pa.Table.from_arrays([rows, column], schema=schema))
            row += len(signatures)
    return Signatures(documents=row)


def read_signatures(folder: Path, near: NearDuplicates, *, rows: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
    """The signatures in a folder, documents x permutations; with `rows` (one a document), of those alone.

    Takes 4 * permutations bytes a document that is asked for. Raises StoreError if the file is damaged, of other
    permutations, or of another number of documents than `rows` has.
    """
    return np.concatenate([np.empty((0, near.permutations), np.uint32), *_chosen(folder, near, rows)])


def keep_signatures(folder: Path, near: NearDuplicates, rows: NDArray[np.bool_], path: Path) -> KeptSignatures:
    """Copy the signatures of some documents into a file from which each can be read. Raises as `read_signatures`."""
    with path.open("wb") as stream:
        for part in _chosen(folder, near, rows):
            stream.write(part.astype("<u4").tobytes())
    return KeptSignatures(path, near.permutations)


class KeptSignatures:
    """Signatures in a file, documents x permutations: in memory are those alone that are asked for."""

    def __init__(self, path: Path, permutations: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._width = 4 * permutations
        self.shape = (path.stat().st_size // self._width, permutations)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> NDArray[np.uint32]:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            found = np.empty((max(0, stop - start), self.shape[1]), dtype=np.uint32)
            self._fill(found, start)
            return found
        wanted, places = np.unique(rows, return_inverse=True)
        begins = np.flatnonzero(np.diff(wanted, prepend=-2) != 1)  # of runs of neighbours
        ends = np.append(begins, len(wanted))[1:]
        found = np.empty((len(wanted), self.shape[1]), dtype=np.uint32)
        for begin, end, row in zip(begins.tolist(), ends.tolist(), wanted[begins].tolist(), strict=True):
            self._fill(found[begin:end], row)
        return found[places]

    def _fill(self, found: NDArray[np.uint32], row: int) -> None:
        """Fill with as many rows, from this one on."""
        if len(found) and os.preadv(self._file.fileno(), [found.data], row * self._width) != found.nbytes:
            raise StoreError(f"{self._file.name} was cut off while the job ran; run again")
        if sys.byteorder == "big":
            found.byteswap(inplace=True)


def _chosen(folder: Path, near: NearDuplicates, rows: NDArray[np.bool_] | None) -> Iterator[NDArray[np.uint32]]:
    """The stored signatures of these rows, a row group at a time."""
    path, row = folder / SIGNATURES, 0
    try:
        with pq.ParquetFile(path) as file:
            width = file.schema_arrow.field("signature").type
            if width != pa.binary(4 * near.permutations):
                raise StoreError(f"{path} holds {width}, not signatures of {near.permutations} numbers; run again")
            for group in range(file.num_row_groups):
                column = file.read_row_group(group, columns=["signature"], use_threads=False)["signature"]
                found = np.concatenate([_numbers(chunk, near.permutations) for chunk in column.chunks])
                yield found if rows is None else found[rows[row : row + len(found)]]
                row += len(found)
    except (pa.ArrowException, OSError, KeyError, IndexError, ValueError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    if rows is not None and row != len(rows):
        raise StoreError(f"{path} holds signatures of {row} documents where {len(rows)} were expected; run again")


@dataclass(frozen=True)
class _Sign:
    """The signatures of one row group."""

    near: NearDuplicates

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        table = group.read(["text"])
        columns = [_column(sign(chunk, self.near)) for chunk in table["text"].chunks]
        return pa.table({"signature": pa.chunked_array(columns, pa.binary(4 * self.near.permutations))})


def _column(signatures: NDArray[np.uint32]) -> pa.Array:
    kind, content = pa.binary(4 * signatures.shape[1]), pa.py_buffer(signatures.astype("<u4").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(signatures), [None, content])


def _signed(parts: Parts, groups: Sequence[RowGroup], near: NearDuplicates) -> Iterator[NDArray[np.uint32]]:
    for group in groups:
        for chunk in parts.table(group)["signature"].chunks:
            yield _numbers(chunk, near.permutations)


def _numbers(column: pa.Array, permutations: int) -> NDArray[np.uint32]:
    """The signatures in a column without nulls: documents x permutations, not copied."""
    whole = np.frombuffer(column.buffers()[1], dtype="<u4").reshape(-1, permutations)
    return whole[column.offset : column.offset + len(column)]


def _gathered(parts: Iterator[NDArray[np.uint32]], size: int) -> Iterator[NDArray[np.uint32]]:
    """The same rows in parts of `size`, so that the bytes written do not depend on how documents were grouped."""
    waiting: list[NDArray[np.uint32]] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= size:
            whole = np.concatenate(waiting)
            upto = len(whole) // size * size
            yield from np.split(whole[:upto], upto // size)
            waiting = [whole[upto:]]
    if sum(map(len, waiting)):
        yield np.concatenate(waiting)


def _members(texts: Sequence[str], size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The members of each text's set, one text after the other, and where each text's begin."""
    words = find_words(texts)
    begin, counts = words.offsets[:-1], words.counts
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.maximum(counts - size + 1, 1), out=offsets[1:])
    members = np.zeros(int(offsets[-1]), dtype=np.uint64)
    long = counts >= size
    many = np.where(long, counts - size + 1, 0)
    place = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    members[np.repeat(offsets[:-1], many) + place] = grams(words.numbers, size)[np.repeat(begin, many) + place]
    for few in np.unique(counts[~long]):
        texts_of_few = np.flatnonzero(counts == few)
        members[offsets[texts_of_few]] = _whole(texts, words, texts_of_few, int(few))
    return members, offsets.astype(np.uint64)


def _whole(texts: Sequence[str], words: Words, chosen: NDArray[np.int64], few: int) -> NDArray[np.uint64]:
    """One number for each chosen text, of `few` words: of all its words, or of its characters if it has none."""
    if few:
        return grams(words.numbers, few)[words.offsets[chosen]]
    digests = [blake3("".join(texts[text].split()).encode("utf-8", "surrogatepass")).digest(8) for text in chosen]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _sketches(members: NDArray[np.uint64], offsets: NDArray[np.uint64], permutations: int) -> NDArray[np.uint32]:
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(members, offsets, permutations, _SEED)
    rows = b"".join(array("I", row).tobytes() for row in matrix.to_rows())
    return np.frombuffer(rows, dtype=np.uint32).reshape(-1, permutations)
