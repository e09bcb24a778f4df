"""How one file becomes texts: one generator a format, each in constant memory where the format allows it.

Nothing in a text is changed except that a leading byte-order mark is dropped and CRLF becomes LF. What cannot be
read as declared is an error that names file and line; only what is not UTF-8 (or not Python) is left out and
counted, because trees of real files hold a few of those.
"""

from __future__ import annotations

import ast
import io
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.corpus.opened import BLOCK_BYTES, SourceFile
from titrant.corpus.wikipedia import articles
from titrant.errors import StoreError, StudyError
from titrant.study.declaration import listing
from titrant.study.parsers import (
    JsonLines,
    JsonRecords,
    ParquetRows,
    Parser,
    PlainFiles,
    PythonStrings,
    WikipediaDump,
)


@dataclass(frozen=True)
class Text:
    """One text of a file."""

    part: str
    """Which part of its file it is (a line, a key, a page); empty where the file is one document."""
    text: str
    language: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """One document that is left out, and why."""

    reason: str


NOT_UTF8 = LeftOut("not UTF-8")


def parse(file: SourceFile, parser: Parser) -> Iterator[Text | LeftOut]:
    """The texts of a file in its own order.

    Raises StudyError where the file is not what the parser declares, StoreError where it is damaged.
    """
    read: Callable[[SourceFile, Any], Iterator[Text | LeftOut]] = _READERS[type(parser)]
    for item in read(file, parser):
        yield _clean(item) if isinstance(item, Text) else item


def _clean(item: Text) -> Text | LeftOut:
    text = item.text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # an escaped lone surrogate, as JSON and Python allow it
        return NOT_UTF8
    return Text(item.part, text, item.language, item.licence)


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _plain(file: SourceFile, parser: PlainFiles) -> Iterator[Text | LeftOut]:
    text = _decoded(file.read())
    yield NOT_UTF8 if text is None else Text("", text)


def _json_lines(file: SourceFile, parser: JsonLines) -> Iterator[Text | LeftOut]:
    with file.open() as stream:
        for number, line in enumerate(_lines(stream), start=1):
            text = _decoded(line)
            if text is None:
                yield NOT_UTF8
            elif text.strip():
                where = f"{file.origin}:{number}"
                record = _json(text.removeprefix("\ufeff") if number == 1 else text, where)
                yield _record(str(number), record, parser.text, parser.language, parser.licence, where)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines split on `\\n` alone: other line ends (U+2028, a lone CR) may stand inside a JSON string."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where} is not JSON ({error}); repair or leave out the file") from None


def _record(part: str, record: Any, text: str, language: str | None, licence: str | None, where: str) -> Text | LeftOut:
    if not isinstance(record, Mapping):
        raise StudyError(f"{where} is a JSON {type(record).__name__}, not an object with a key '{text}'")
    values = [None if key is None else _value(record, key, where) for key in (text, language, licence)]
    return Text(part, values[0] or "", values[1], values[2])


def _value(record: Mapping[str, Any], key: str, where: str) -> str | None:
    if key not in record:
        raise StudyError(f"{where} has no key '{key}'; it has {listing(list(record)[:20])}")
    value = record[key]
    if value is None or isinstance(value, str):
        return value
    raise StudyError(f"'{key}' of {where} is a {type(value).__name__}, not a string; name the key that holds text")


def _json_records(file: SourceFile, parser: JsonRecords) -> Iterator[Text | LeftOut]:
    content = _decoded(file.read())
    if content is None:
        yield NOT_UTF8
        return
    records = _json(content.removeprefix("\ufeff"), file.origin)
    if not isinstance(records, (list, dict)):
        raise StudyError(f"{file.origin} is a JSON {type(records).__name__}, not an array or object of objects")
    pairs = records.items() if isinstance(records, dict) else enumerate(records)
    for key, record in pairs:
        yield _record(str(key), record, parser.text, None, None, f"{file.origin}:{key}")


def _parquet_rows(file: SourceFile, parser: ParquetRows) -> Iterator[Text | LeftOut]:
    with file.open() as stream:
        try:
            # jumping about in a compressed member would decompress it again and again
            on_disk = isinstance(stream, io.BufferedReader) and stream.seekable()
            table = pq.ParquetFile(stream if on_disk else io.BytesIO(stream.read()))
            yield from _rows(table, parser, file.origin)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{file.origin} cannot be read as Parquet ({error}); write it again") from None


def _rows(table: pq.ParquetFile, parser: ParquetRows, where: str) -> Iterator[Text | LeftOut]:
    wanted = [parser.text, parser.language, parser.licence]
    for column in wanted:
        if column is not None and column not in table.schema_arrow.names:
            raise StudyError(f"{where} has no column '{column}'; it has {listing(table.schema_arrow.names)}")
    row = 0
    names = [column for column in wanted if column is not None]
    for batch in table.iter_batches(batch_size=256, columns=list(dict.fromkeys(names)), use_threads=False):
        columns = [
            [None] * len(batch) if name is None else _strings(batch.column(name), name, where) for name in wanted
        ]
        for text, language, licence in zip(*columns, strict=True):
            is_text = text is not NOT_UTF8
            yield Text(str(row), text or "", language, licence) if is_text else NOT_UTF8
            row += 1


def _strings(column: pa.Array, name: str, where: str) -> list[Any]:
    """The column's values: str, None, or NOT_UTF8 where the bytes are none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise StudyError(f"column '{name}' of {where} is {column.type}, not a string; name the column of the text")
    found: list[Any] = []
    for value in column.cast(pa.large_binary()).to_pylist():
        text = None if value is None else _decoded(value)
        found.append(NOT_UTF8 if value is not None and text is None else text)
    return found


def _wikipedia(file: SourceFile, parser: WikipediaDump) -> Iterator[Text | LeftOut]:
    with file.open() as stream:
        for page, text in articles(stream, file.origin):
            yield Text(page, text)


def _python_strings(file: SourceFile, parser: PythonStrings) -> Iterator[Text | LeftOut]:
    """Constants in the order of the file; parts of f-strings are no constants of their own."""
    source = _decoded(file.read())
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


_READERS: dict[type, Callable[[SourceFile, Any], Iterator[Text | LeftOut]]] = {
    PlainFiles: _plain,
    JsonLines: _json_lines,
    JsonRecords: _json_records,
    ParquetRows: _parquet_rows,
    WikipediaDump: _wikipedia,
    PythonStrings: _python_strings,
}
