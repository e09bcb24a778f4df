"""A source's documents together with their fates, read in order and a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.errors import StoreError

BATCH_ROWS = 1024


def content_hash(text: str) -> str:
    """The identity of a document: the first 32 hexadecimal digits of the BLAKE3 of its UTF-8.

    >>> content_hash("")
    'af1349b9f5f9a1a6a0404dea36dcc949'
    """
    return blake3(text.encode("utf-8")).hexdigest(length=16)


@dataclass(frozen=True)
class DocumentBatch:
    """Neighbouring documents of a source: `first_row` is the place of the first one in the whole source."""

    first_row: int
    table: pa.Table
    """The columns asked for, and `fate`."""


def read_documents_with_fates(documents: Path, split: Path, columns: Sequence[str]) -> Iterator[DocumentBatch]:
    """All documents of a source in the order of its files, each with its fate.

    `content_hash` is always read. Raises StoreError if a file is damaged or the split is of other documents.
    """
    try:
        fates = pq.read_table(split / "split.parquet", columns=["content_hash", "fate"])
        row = 0
        for path in sorted(documents.glob("documents-*.parquet")):
            with pq.ParquetFile(path) as file:
                wanted = list(dict.fromkeys(["content_hash", *columns]))
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted, use_threads=False):
                    theirs = fates.slice(row, len(batch)).combine_chunks()
                    table = pa.Table.from_batches([batch])
                    if not theirs["content_hash"].equals(table["content_hash"]):
                        raise StoreError(
                            f"{split} does not split the documents in {documents}: they differ at row {row}"
                        )
                    yield DocumentBatch(row, table.append_column("fate", theirs["fate"]))
                    row += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{documents} or {split} cannot be read ({error}); delete the folder and run again") from None
    if row != len(fates):
        raise StoreError(f"{split} tells the fate of {len(fates)} documents, {documents} holds {row}")
