"""Documents as the documents stage stored them, read a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.errors import StoreError
from titrant.jobs import Progress


@dataclass(frozen=True)
class StoredGroup:
    """Neighbouring documents: `first_row` counts through all files of the folder."""

    first_row: int
    table: pa.Table


def read_groups(folder: Path, columns: Sequence[str], progress: Progress) -> Iterator[StoredGroup]:
    """The documents of a source in order; in memory is one row group. Raises StoreError if a file is damaged."""
    files = sorted(folder.glob("documents-*.parquet"))
    row = 0
    for done, path in enumerate(files):
        progress(done, len(files), "files")
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=list(columns), use_threads=False)
                    yield StoredGroup(row, table)
                    row += len(table)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    progress(len(files), len(files), "files")
