"""How one file becomes texts: one generator a format, each in constant memory where the format allows it.

Nothing in a text is changed except that a leading byte-order mark is dropped and CRLF becomes LF. What cannot be
read as declared is an error that names file and line; only what is not UTF-8 (or not Python) is left out and
counted, because trees of real files hold a few of those. Where one record is wrong and the next can be read, the
error is handed on beside the texts, for the source to say whether it stops or skips.
"""

from __future__ import annotations

import ast
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.corpus.json_text import MAX_RECORD_BYTES, json_value, lines
from titrant.corpus.opened import LeftOut, SourceFile, Unreadable
from titrant.corpus.texts import NOT_UTF8, Item, Text, decoded
from titrant.corpus.where import failed_condition, top_columns
from titrant.corpus.wikipedia import articles
from titrant.errors import StoreError, StudyError
from titrant.study.declaration import listing
from titrant.study.origins import Where
from titrant.study.parsers import (
    JsonLines,
    JsonRecords,
    ParquetRows,
    Parser,
    PlainFiles,
    PythonStrings,
    WikipediaDump,
)


def parse(file: SourceFile, parser: Parser, where: Sequence[Where] = ()) -> Iterator[Item]:
    """The texts of a file in its own order, of rows those that meet the conditions.

    Raises StudyError where the file is not what the parser declares, StoreError where it is damaged.
    """
    if type(parser) in _ROW_READERS:
        found = _ROW_READERS[type(parser)](file, parser, where)
    else:
        found = _READERS[type(parser)](file, parser)
    for item in found:
        yield _clean(item) if isinstance(item, Text) else item


def _clean(item: Text) -> Text | LeftOut:
    text = item.text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # an escaped lone surrogate, as JSON and Python allow it
        return NOT_UTF8
    return Text(item.part, text, item.language, item.licence)


def _plain(file: SourceFile, parser: PlainFiles) -> Iterator[Item]:
    text = decoded(file.read())
    yield NOT_UTF8 if text is None else Text("", text)


def _json_lines(file: SourceFile, parser: JsonLines, where: Sequence[Where]) -> Iterator[Item]:
    with file.open() as stream:
        for number, line in enumerate(lines(stream), start=1):
            place = f"{file.origin}:{number}"
            if line is None:
                yield Unreadable(place, _too_long(place))
                continue
            text = decoded(line)
            if text is None:
                yield NOT_UTF8
            elif text.strip():
                try:
                    record = json_value(text.removeprefix("\ufeff") if number == 1 else text, place)
                    yield _record(str(number), record, (parser.text, parser.language, parser.licence), where, place)
                except StudyError as error:
                    yield Unreadable(place, error)


def _too_long(place: str) -> StudyError:
    return StudyError(f"{place} has more than {MAX_RECORD_BYTES:,} bytes in one line; repair or leave out the record")


def _record(
    part: str, record: Any, keys: tuple[str, str | None, str | None], where: Sequence[Where], place: str
) -> Text | LeftOut:
    if not isinstance(record, Mapping):
        raise StudyError(f"{place} is a JSON {type(record).__name__}, not an object with a key '{keys[0]}'")
    if (failed := failed_condition(where, record, place)) is not None:
        return failed
    text, language, licence = (None if key is None else _value(record, key, place) for key in keys)
    return Text(part, text or "", language, licence)


def _value(record: Mapping[str, Any], key: str, where: str) -> str | None:
    if key not in record:
        raise StudyError(f"{where} has no key '{key}'; it has {listing(list(record)[:20])}")
    value = record[key]
    if value is None or isinstance(value, str):
        return value
    raise StudyError(f"'{key}' of {where} is a {type(value).__name__}, not a string; name the key that holds text")


def _json_records(file: SourceFile, parser: JsonRecords, where: Sequence[Where]) -> Iterator[Item]:
    content = decoded(file.read())
    if content is None:
        yield NOT_UTF8
        return
    records = json_value(content.removeprefix("\ufeff"), file.origin)
    if not isinstance(records, (list, dict)):
        raise StudyError(f"{file.origin} is a JSON {type(records).__name__}, not an array or object of objects")
    pairs = records.items() if isinstance(records, dict) else enumerate(records)
    for key, record in pairs:
        place = f"{file.origin}:{key}"
        try:
            yield _record(str(key), record, (parser.text, None, None), where, place)
        except StudyError as error:
            yield Unreadable(place, error)


def _parquet_rows(file: SourceFile, parser: ParquetRows, where: Sequence[Where]) -> Iterator[Item]:
    with file.open() as stream:
        try:
            # jumping about in a compressed member would decompress it again and again
            on_disk = isinstance(stream, io.BufferedReader) and stream.seekable()
            table = pq.ParquetFile(stream if on_disk else io.BytesIO(stream.read()))
            yield from _rows(table, parser, where, file.origin)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{file.origin} cannot be read as Parquet ({error}); write it again") from None


def _rows(table: pq.ParquetFile, parser: ParquetRows, where: Sequence[Where], place: str) -> Iterator[Item]:
    wanted = [parser.text, parser.language, parser.licence]
    there, asked = table.schema_arrow.names, top_columns(where, table.schema_arrow.names)
    for column in (*wanted, *asked):
        if column is not None and column not in there:
            raise StudyError(f"{place} has no column '{column}'; it has {listing(there)}")
    row = 0
    names = [column for column in wanted if column is not None]
    for batch in table.iter_batches(batch_size=256, columns=list(dict.fromkeys([*names, *asked])), use_threads=False):
        columns = [
            [None] * len(batch) if name is None else _strings(batch.column(name), name, place) for name in wanted
        ]
        records = batch.select(asked).to_pylist() if asked else [{}] * len(batch)
        for record, text, language, licence in zip(records, *columns, strict=True):
            failed = failed_condition(where, record, f"{place}:{row}")
            is_text = text is not NOT_UTF8
            yield failed or (Text(str(row), text or "", language, licence) if is_text else NOT_UTF8)
            row += 1


def _strings(column: pa.Array, name: str, where: str) -> list[Any]:
    """The column's values: str, None, or NOT_UTF8 where the bytes are none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise StudyError(f"column '{name}' of {where} is {column.type}, not a string; name the column of the text")
    found: list[Any] = []
    for value in column.cast(pa.large_binary()).to_pylist():
        text = None if value is None else decoded(value)
        found.append(NOT_UTF8 if value is not None and text is None else text)
    return found


def _wikipedia(file: SourceFile, parser: WikipediaDump) -> Iterator[Item]:
    with file.open() as stream:
        for page, text in articles(stream, file.origin):
            yield Text(page, text)


def _python_strings(file: SourceFile, parser: PythonStrings) -> Iterator[Item]:
    """Constants in the order of the file; parts of f-strings are no constants of their own."""
    source = decoded(file.read())
    if source is None:
        yield NOT_UTF8
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes warn; they are the module's affair
            tree = ast.parse(source.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield LeftOut("not Python")
        return
    nodes = list(ast.walk(tree))
    pieces = {id(piece) for node in nodes if isinstance(node, ast.JoinedStr) for piece in ast.walk(node)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in pieces]
    for node in sorted(constants, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node.value, str) and len(node.value) >= parser.min_characters:
            yield Text(f"{node.lineno}.{node.col_offset}", node.value)


_ROW_READERS: dict[type, Callable[[SourceFile, Any, Sequence[Where]], Iterator[Item]]] = {
    JsonLines: _json_lines,
    JsonRecords: _json_records,
    ParquetRows: _parquet_rows,
}
"""Formats whose records have columns, on which `where` can set conditions."""
_READERS: dict[type, Callable[[SourceFile, Any], Iterator[Item]]] = {
    PlainFiles: _plain,
    WikipediaDump: _wikipedia,
    PythonStrings: _python_strings,
}
