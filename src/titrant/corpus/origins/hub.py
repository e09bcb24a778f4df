"""Documents of a Hugging Face dataset, streamed through the `datasets` library (optional extra `hub`).

A dataset on the hub is pinned by its commit. A local folder in the hub's layout has none: its `revision` is the
first 40 digits of the BLAKE3 over its files, so that a changed folder is an error and never another corpus.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from titrant.corpus.formats.parse import CONTENTS, read_contents
from titrant.corpus.formats.tables import Columns, RowText, texts_of_rows
from titrant.corpus.formats.texts import Item
from titrant.corpus.opened import LeftOut
from titrant.corpus.origins.commits import row_text
from titrant.corpus.origins.unchanged import Stamp, check_unchanged, stamp_of
from titrant.errors import EngineError, StudyError
from titrant.study.origins import Files, HubDataset
from titrant.study.parsers import CommitTexts, PlainFiles
from titrant.study.world import content_of, files_of

INSTALL = "pip install 'titrant[hub]'"
COMMIT_COLUMNS = ("old_file", "new_file", "old_contents", "new_contents")
"""What rows of commits have, beside the message."""
NOT_FETCHED = LeftOut("no text fetched")
BATCH_ROWS = 512
"""Rows that are read at once."""


def hub_rows(origin: HubDataset) -> Iterator[tuple[int, list[Item]]]:
    """(number of the first row, items) of neighbouring rows of one split, in the dataset's order; the part is the row.

    Raises StudyError for a column or split that does not exist or a folder that is not the pinned one,
    EngineError if `datasets` is missing or cannot reach the data.
    """
    folder = Path(origin.dataset) if Path(origin.dataset).is_dir() else None
    files = {} if folder is None else _checked_folder(origin, folder)
    try:
        yield from _rows(origin, _tables(origin, folder))
    except (EngineError, StudyError):
        _check_all(files)  # what changes while it is read may seem to be anything
        raise
    _check_all(files)


def hub_records(origin: HubDataset) -> Iterator[dict[str, Any]]:
    """The rows of one split as they stand, every column by its name, in the dataset's order.

    Raises StudyError and EngineError as `hub_rows` does.
    """
    folder = Path(origin.dataset) if Path(origin.dataset).is_dir() else None
    files = {} if folder is None else _checked_folder(origin, folder)
    left = origin.max_documents
    for table in _tables(origin, folder):
        rows = table.slice(0, left).to_pylist()
        yield from rows
        left = None if left is None else left - len(rows)
        if left == 0:
            break
    _check_all(files)


def _rows(origin: HubDataset, tables: Iterator[pa.Table]) -> Iterator[tuple[int, list[Item]]]:
    columns, place = _columns(origin), f"dataset '{origin.dataset}'"
    content = PlainFiles() if isinstance(origin.parse, CommitTexts) else origin.parse
    row = 0
    for table in tables:
        left = len(table) if origin.max_documents is None else origin.max_documents - row
        names = columns.names(table.schema.names, place)
        for batch in table.select(names).slice(0, left).combine_chunks().to_batches():
            yield row, list(read_contents(texts_of_rows(batch, columns, place, row), content, place))
            row += len(batch)
        if origin.max_documents is not None and row >= origin.max_documents:
            return


def _check_all(files: Mapping[Path, Stamp]) -> None:
    for path, stamp in files.items():
        check_unchanged(path, stamp)


def _columns(origin: HubDataset) -> Columns:
    where, parser = origin.where, origin.parse
    columns = Columns(origin.text, origin.language_column, origin.licence_column, where)
    if isinstance(parser, CommitTexts):
        return replace(columns, make=partial(_commit, parser, origin.text), of=(*COMMIT_COLUMNS, origin.text))
    if origin.fetch is not None:
        columns = replace(columns, make=_fetcher(origin.fetch), of=None)
    if not isinstance(parser, (PlainFiles, *CONTENTS)):
        raise StudyError(
            f"dataset '{origin.dataset}' has rows, and `parse: {{format: {parser.format}}}` reads files; leave `parse` "
            "out, or name the format of a row's text"
        )
    return columns


def _commit(parser: CommitTexts, message: str, row: Mapping[str, Any], place: str) -> str | LeftOut:
    return row_text(row, parser, message, place)


def _fetcher(name: str) -> RowText:
    """The user's function, with whatever it raises as one error."""
    module, _, function = name.partition(":")
    try:
        fetch = getattr(importlib.import_module(module), function)
    except Exception as error:
        raise EngineError(
            f"`fetch: {name}` cannot be imported ({type(error).__name__}: {error}); install its package, or put its "
            "folder on PYTHONPATH"
        ) from None

    def fetched(row: Mapping[str, Any], place: str) -> str | LeftOut:
        try:
            text = fetch(dict(row))
        except Exception as error:
            raise EngineError(
                f"`fetch: {name}` failed at {place} ({type(error).__name__}: {str(error)[:300]}); where a row has no "
                "text it should return None"
            ) from error
        if text is None:
            return NOT_FETCHED
        if not isinstance(text, str):
            raise EngineError(f"`fetch: {name}` returned a {type(text).__name__} at {place}; return a string, or None")
        return text

    return fetched


def label_of(origin: HubDataset) -> str:
    """What stands in the `origin` column of its documents; of a local folder not where it lies."""
    parts = [part for part in (origin.config, origin.data_dir, origin.split) if part]
    name = "dataset" if Path(origin.dataset).is_absolute() else origin.dataset
    return f"{name}@{origin.revision[:12]}:{'/'.join(parts)}"


def _tables(origin: HubDataset, folder: Path | None) -> Iterator[pa.Table]:
    try:
        import datasets
    except ImportError:
        raise EngineError(f"dataset '{origin.dataset}' needs the `datasets` library: {INSTALL}") from None
    try:
        rows = datasets.load_dataset(
            origin.dataset if folder is None else str(folder.resolve()),
            name=origin.config,
            data_dir=origin.data_dir,
            split=origin.split,
            revision=origin.revision if folder is None else None,
            streaming=True,
        )
        yield from rows.with_format("arrow").iter(batch_size=BATCH_ROWS)
    except Exception as error:
        # the library and its file systems raise dozens of types for a wrong name and for a lost connection alike
        raise EngineError(
            f"dataset '{origin.dataset}' ({label_of(origin)}) could not be read: {type(error).__name__}: "
            f"{str(error)[:300]}. Check dataset, config, data_dir and split, and the network"
        ) from None


def _checked_folder(origin: HubDataset, folder: Path) -> dict[Path, Stamp]:
    """The files of a local folder, which are the pinned ones, with their stamps."""
    files = files_of(Files(files=(str(folder / (origin.data_dir or "")),)))
    stamps = {path: stamp_of(path) for _, path in files}
    found = content_of(files)[:40]
    if found != origin.revision:
        raise StudyError(
            f"the local dataset folder '{origin.dataset}' has revision {found} (first 40 digits of the BLAKE3 over its "
            f"files), the study pins {origin.revision}; restore the data or update `revision`"
        )
    return stamps
