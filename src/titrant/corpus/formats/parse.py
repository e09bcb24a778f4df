"""How one file becomes texts: one generator a format, each in constant memory where the format allows it.

What cannot be read as declared is an error that names file and line; only what is not UTF-8 (or not Python, or a
plain file with a NUL in it) is left out and counted, because trees of real files hold a few of those. Where one record
is wrong and the next can be read, the error is handed on beside the texts, for the source to say whether it stops or
skips.
"""

from __future__ import annotations

import ast
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.corpus.formats.contents import read_file, read_text
from titrant.corpus.formats.json_text import json_value, lines
from titrant.corpus.formats.page_text import wiki_text
from titrant.corpus.formats.tables import Columns, texts_of_rows
from titrant.corpus.formats.texts import BINARY, NOT_UTF8, Item, Text, decoded
from titrant.corpus.formats.threads import threads
from titrant.corpus.formats.where import failed_condition
from titrant.corpus.formats.wikipedia import articles
from titrant.corpus.opened import BLOCK_BYTES, MAX_DOCUMENT_BYTES, LeftOut, SourceFile, Unreadable, check_machine
from titrant.errors import StoreError, StudyError
from titrant.study.declaration import Declaration, listing
from titrant.study.origins import Where
from titrant.study.parsers import (
    HtmlPages,
    JsonLines,
    JsonRecords,
    Notebooks,
    ParquetRows,
    Parser,
    PlainFiles,
    PythonStrings,
    StackExchange,
    WikipediaDump,
    Wikitext,
)

MAX_MODULE_BYTES = 16_000_000
"""A Python module takes some hundred times its size in memory while it is looked through."""


def parse(file: SourceFile, parser: Parser, where: Sequence[Where] = ()) -> Iterator[Item]:
    """The texts of a file in its own order, as they stand there, of rows those that meet the conditions.

    Raises StudyError where the file is not what the parser declares, StoreError where it is damaged.
    """
    if type(parser) in _ROW_READERS:
        return read_contents(_ROW_READERS[type(parser)](file, parser, where), parser.read_as, file.origin)  # type: ignore[union-attr]
    return _READERS[type(parser)](file, parser)


def read_contents(items: Iterator[Item], content: Declaration, place: str) -> Iterator[Item]:
    """The same items, each text as what it is in turn: a notebook, a page, or as it stands (`read_as`)."""
    if isinstance(content, PlainFiles):
        return items
    reader = _CONTENTS[type(content)]
    return (reader(item, content, f"{place}:{item.part}") if isinstance(item, Text) else item for item in items)


def _plain(file: SourceFile, parser: PlainFiles) -> Iterator[Item]:
    text = decoded(file.read())
    yield NOT_UTF8 if text is None else BINARY if "\0" in text else Text("", text)


def _json_lines(file: SourceFile, parser: JsonLines, where: Sequence[Where]) -> Iterator[Item]:
    keys, number = (parser.text, parser.language, parser.licence), 0
    with file.open() as stream:
        for line in lines(stream):
            number += 1
            place = f"{file.origin}:{number}"
            if line is None:
                yield Unreadable(place, _too_long(place))
                continue
            text = decoded(line)
            del line  # a record may be long, and is in memory once more as its text
            if text is None:
                yield NOT_UTF8
            elif text and not text.isspace():
                try:
                    record = json_value(text.removeprefix("\ufeff") if number == 1 else text, place)
                    del text
                    yield _record(str(number), record, keys, where, place)
                except StudyError as error:
                    yield Unreadable(place, error)


def _too_long(place: str) -> StudyError:
    return StudyError(f"{place} has more than {MAX_DOCUMENT_BYTES:,} bytes in one line; repair or leave out the record")


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
    columns = Columns(parser.text, parser.language, parser.licence, tuple(where))
    with file.open() as stream:
        try:
            # jumping about in a compressed member would decompress it again and again
            on_disk = isinstance(stream, io.BufferedReader) and stream.seekable()
            whole = stream if on_disk else io.BytesIO(file.read())
            table = pq.ParquetFile(whole, buffer_size=BLOCK_BYTES)
            names = columns.names(table.schema_arrow.names, file.origin)
            row = 0
            for batch in table.iter_batches(_batch_rows(table), columns=names, use_threads=False):
                yield from texts_of_rows(batch, columns, file.origin, row)
                row += len(batch)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            check_machine(file.origin, error)
            raise StoreError(f"{file.origin} cannot be read as Parquet ({error}); write it again") from None


def _batch_rows(table: pq.ParquetFile) -> int:
    """So many rows that a batch is a few megabytes, going by the widest row group."""
    groups = [table.metadata.row_group(number) for number in range(table.num_row_groups)]
    row_bytes = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1.0)
    return int(min(max(4_000_000 / max(row_bytes, 1.0), 8), 4096))


def _wikipedia(file: SourceFile, parser: WikipediaDump) -> Iterator[Item]:
    with file.open() as stream:
        for page, text in articles(stream, file.origin, wiki_text):
            yield text if isinstance(text, LeftOut) else Text(page, text)


def _python_strings(file: SourceFile, parser: PythonStrings) -> Iterator[Item]:
    """Constants in the order of the file; parts of f-strings are no constants of their own."""
    source = decoded(file.read(MAX_MODULE_BYTES))
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
    Notebooks: read_file,
    HtmlPages: read_file,
    Wikitext: read_file,
    StackExchange: threads,
}
_CONTENTS: dict[type, Callable[[Text, Any, str], Item]] = {
    Notebooks: read_text,
    HtmlPages: read_text,
    Wikitext: read_text,
}
"""What the text of one record can be in turn: the text, its declaration, and where it stands."""
CONTENTS = tuple(_CONTENTS)
