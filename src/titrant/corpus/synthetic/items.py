"""Items of a synthesis as the verification stored them: read in order, or by the ids of their documents."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.errors import StoreError

ITEMS = "items.parquet"
_BATCH_ROWS = 2_000
_SPECIAL = re.compile("[%#:]")


@dataclass(frozen=True)
class Item:
    """One problem with what is known of it; the columns of `Verified` that documents are made of."""

    problem: str
    source: str
    licence: str
    statement: str
    about: str
    entry_point: str
    examples: str
    """Literal list of (arguments, result) pairs that the statement shows, or empty."""
    accepted: str
    first: str
    corrupted: str
    tests: tuple[str, ...]
    text: str
    translations: str
    """JSON object: solution by language."""
    teacher: str
    """Empty if the problem brought its own solution."""

    @property
    def id(self) -> str:
        """The id of its document."""
        return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", self.problem)

    @property
    def whole(self) -> str:
        """Statement and solution, the accepted one if there is one: what duplicates are, and on which side of the
        hold-out line a problem stands, is decided by this text."""
        return "\n\n".join(part.strip("\n") for part in (self.statement, self.accepted or self.first) if part) + "\n"

    def in_language(self, language: str) -> str:
        """The checked solution in another language, or empty."""
        found = json.loads(self.translations or "{}").get(language, "")
        return str(found)

    @property
    def shown(self) -> list[tuple[tuple[Any, ...], Any]]:
        """Arguments and results that the statement shows."""
        pairs = ast.literal_eval(self.examples) if self.examples else []
        return [(tuple(arguments), result) for arguments, result in pairs]


COLUMNS = tuple(field.name for field in fields(Item))


def all_items(folder: Path) -> Iterator[list[Item]]:
    """Every item in order, in lists of bounded length. Raises StoreError if the table is damaged."""
    path = folder / ITEMS
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(COLUMNS), use_threads=False):
                yield _items_of(path, pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _damaged(path, error) from None


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Every item in order with all its columns. Raises StoreError if the table is damaged."""
    path = folder / ITEMS
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def item_of(row: Mapping[str, Any]) -> Item:
    """The item of one of these rows."""
    given = {name: row[name] for name in COLUMNS}
    return Item(**(given | {"tests": tuple(given["tests"] or ())}))


def number_of_items(folder: Path) -> int:
    """How many there are. Raises StoreError if the table is damaged."""
    try:
        return int(pq.read_metadata(folder / ITEMS).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder / ITEMS, error) from None


@dataclass(frozen=True)
class StoredItems:
    """The items of a folder, looked up by the ids of their documents; a process reads their names once."""

    folder: Path

    def __reduce__(self) -> tuple[type[StoredItems], tuple[Path]]:
        return type(self), (self.folder,)

    def of(self, ids: Sequence[str]) -> list[Item]:
        """The items of some documents, in their order. Raises StoreError for one that is not there."""
        path = self.folder / ITEMS
        problems = pa.array([_read_back(id_) for id_ in ids], pa.string())
        places = pc.index_in(problems, value_set=self._names)
        if places.null_count:
            missing = problems.filter(pc.is_null(places))[0].as_py()
            raise StoreError(f"{path} has no problem '{missing}', of which there is a document; run again")
        rows = places.to_numpy()
        found: list[Item] = []
        for start, table in self._groups(path, set(rows.tolist())):
            here = rows[(rows >= start) & (rows < start + len(table))] - start
            found += _items_of(path, table.take(pa.array(here)))
        by_name = {item.problem: item for item in found}
        return [by_name[name] for name in problems.to_pylist()]

    @cached_property
    def _names(self) -> pa.Array:
        path = self.folder / ITEMS
        try:
            return pq.read_table(path, columns=["problem"], use_threads=False)["problem"].combine_chunks()
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _damaged(path, error) from None

    def _groups(self, path: Path, rows: set[int]) -> Iterator[tuple[int, pa.Table]]:
        """The row groups that hold any of these rows, with the number of their first row."""
        wanted = np.array(sorted(rows))
        try:
            with pq.ParquetFile(path) as file:
                start = 0
                for index in range(file.num_row_groups):
                    count = file.metadata.row_group(index).num_rows
                    if np.any((wanted >= start) & (wanted < start + count)):
                        yield start, file.read_row_group(index, columns=list(COLUMNS), use_threads=False)
                    start += count
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _damaged(path, error) from None


def _items_of(path: Path, table: pa.Table) -> list[Item]:
    if missing := [name for name in COLUMNS if name not in table.column_names]:
        raise StoreError(f"{path} lacks the column '{missing[0]}'; delete its folder and run again")
    columns = [table[name].to_pylist() for name in COLUMNS]
    tests = COLUMNS.index("tests")
    columns[tests] = [tuple(each or ()) for each in columns[tests]]
    return [Item(*row) for row in zip(*columns, strict=True)]


def _read_back(id_: str) -> str:
    return re.sub("%(2[35]|3A)", lambda found: chr(int(found[1], 16)), id_)


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} cannot be read ({error}); delete its folder and run again")
