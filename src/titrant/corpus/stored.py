"""Documents as the documents stage stored them, a row group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.errors import StoreError


@dataclass(frozen=True)
class RowGroup:
    """Neighbouring documents of one file, about 8 MB of text: the unit in which a source is worked on."""

    path: Path
    index: int
    """Which row group of the file."""
    first_row: int
    """Its first document, counted through all files of the folder."""
    rows: int

    @property
    def name(self) -> str:
        """A name that no other row group of the folder has: `documents-00000-00003`."""
        return f"{self.path.stem}-{self.index:05d}"

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Its documents, all columns or these. Raises StoreError if the file is damaged."""
        try:
            with pq.ParquetFile(self.path) as file:
                wanted = None if columns is None else list(columns)
                return file.read_row_group(self.index, columns=wanted, use_threads=False)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _damaged(self.path, error) from None


def row_groups(folder: Path) -> list[RowGroup]:
    """All row groups of a folder of documents, in order. Raises StoreError if a file is damaged."""
    groups: list[RowGroup] = []
    row = 0
    for path in document_files(folder):
        try:
            metadata = pq.read_metadata(path)
            sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from None
        for index, rows in enumerate(sizes):
            groups.append(RowGroup(path, index, row, rows))
            row += rows
    return groups


def document_files(folder: Path) -> list[Path]:
    """The files of a folder of documents, in order."""
    return sorted(folder.glob("documents-*.parquet"))


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} cannot be read ({error}); delete its folder and run again")
