"""Rows of Arrow tables as texts: the columns that are asked for, batch by batch, and the conditions on a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from titrant.corpus.formats.texts import NOT_UTF8, Item, Text, decoded
from titrant.corpus.formats.where import failed_condition, top_columns
from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.declaration import listing
from titrant.study.origins import Where

RowText = Callable[[Mapping[str, Any], str], str | LeftOut]
"""A row's columns, and where it stands, to its text or the reason why it has none."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are read, and which rows."""

    text: str
    language: str | None = None
    licence: str | None = None
    where: tuple[Where, ...] = ()
    make: RowText | None = None
    """Makes a row's text from its columns, in place of the column of the text."""
    of: tuple[str, ...] | None = ()
    """The columns that `make` is given; None: all."""

    def names(self, there: Sequence[str], place: str) -> list[str]:
        """The columns of a table that are needed. Raises StudyError, which names those there are, if one is not."""
        made_of = there if self.of is None else self.of
        given = (None if self.make else self.text, self.language, self.licence)
        wanted = [name for name in (*given, *self.conditions(there), *made_of) if name is not None]
        for name in wanted:
            if name not in there:
                raise StudyError(f"{place} has no column '{name}'; it has {listing(there[:40])}")
            if there.count(name) > 1:
                raise StudyError(f"{place} has {there.count(name)} columns '{name}'; give them names of their own")
        return list(dict.fromkeys(wanted))

    def conditions(self, there: Sequence[str]) -> list[str]:
        """The columns that the conditions look at."""
        return top_columns(self.where, there)


def texts_of_rows(batch: pa.RecordBatch, columns: Columns, place: str, first_row: int) -> Iterator[Item]:
    """The rows of a batch in order, each one item; the part is the row's number.

    Raises StudyError for a column that is absent or holds no strings.
    """
    names = columns.names(batch.schema.names, place)
    texts = [None] * len(batch) if columns.make else _strings(batch.column(columns.text), columns.text, place)
    languages = _or_nones(batch, columns.language, place)
    licences = _or_nones(batch, columns.licence, place)
    asked = names if columns.make else columns.conditions(batch.schema.names)
    records = batch.select(asked).to_pylist() if asked else None
    for row, (text, language, licence) in enumerate(zip(texts, languages, licences, strict=True)):
        if records is not None:
            at = f"{place}:{first_row + row}"
            failed = failed_condition(columns.where, records[row], at)
            if failed is None and columns.make:
                text = columns.make(records[row], at)
                failed = text if isinstance(text, LeftOut) else None
            if failed is not None:
                yield failed
                continue
        if text is NOT_UTF8 or language is NOT_UTF8 or licence is NOT_UTF8:
            yield NOT_UTF8
        else:
            yield Text(str(first_row + row), text or "", language, licence)


def _or_nones(batch: pa.RecordBatch, name: str | None, place: str) -> list[Any]:
    if name is None:
        return [None] * len(batch)
    column = batch.column(name)
    if _is_list(column.type) and _is_string(column.type.value_type):
        # lists of licences, as large code corpora hold them
        return [_joined(row) for row in column.cast(pa.large_list(pa.large_binary())).to_pylist()]
    return _strings(column, name, place)


def _joined(row: list[bytes | None] | None) -> Any:
    parts = [decoded(part) for part in row or () if part is not None]
    strings = [part for part in parts if part is not None]
    return NOT_UTF8 if len(strings) < len(parts) else " OR ".join(sorted(strings)) or None


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _strings(column: pa.Array, name: str, place: str) -> list[Any]:
    """The column's values: str, None, or NOT_UTF8 where the bytes are none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return [None] * len(column)
    if not _is_string(column.type):
        raise StudyError(f"column '{name}' of {place} is {column.type}, not a string; name the column of the text")
    values: list[bytes | None] = column.cast(pa.large_binary()).to_pylist()
    found: list[Any] = [None if value is None else decoded(value) for value in values]
    if None in found:
        return [
            NOT_UTF8 if text is None and value is not None else text for text, value in zip(found, values, strict=True)
        ]
    return found
