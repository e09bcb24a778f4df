"""Documents of a Hugging Face dataset, streamed through the `datasets` library (optional extra `hub`).

A dataset on the hub is pinned by its commit. A local folder in the hub's layout has none: its `revision` is the
first 40 digits of the BLAKE3 over its files, so that a changed folder is an error and never another corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from titrant.corpus.tables import Columns, texts_of_rows
from titrant.corpus.texts import Item
from titrant.errors import EngineError, StudyError
from titrant.study.origins import Files, HubDataset
from titrant.study.world import content_of, files_of

INSTALL = "pip install 'titrant[hub]'"
BATCH_ROWS = 512
"""Rows that are read at once."""


def hub_rows(origin: HubDataset) -> Iterator[tuple[int, list[Item]]]:
    """(number of the first row, items) of neighbouring rows of one split, in the dataset's order; the part is the row.

    Raises StudyError for a column or split that does not exist or a folder that is not the pinned one,
    EngineError if `datasets` is missing or cannot reach the data.
    """
    columns = Columns(origin.text, origin.language_column, origin.licence_column, origin.where)
    place = f"dataset '{origin.dataset}'"
    row = 0
    for table in _tables(origin):
        left = len(table) if origin.max_documents is None else origin.max_documents - row
        names = columns.names(table.schema.names, place)
        for batch in table.select(names).slice(0, left).combine_chunks().to_batches():
            yield row, list(texts_of_rows(batch, columns, place, row))
            row += len(batch)
        if origin.max_documents is not None and row >= origin.max_documents:
            return


def label_of(origin: HubDataset) -> str:
    """What stands in the `origin` column of its documents."""
    parts = [part for part in (origin.config, origin.data_dir, origin.split) if part]
    return f"{origin.dataset}@{origin.revision[:12]}:{'/'.join(parts)}"


def _tables(origin: HubDataset) -> Iterator[pa.Table]:
    try:
        import datasets
    except ImportError:
        raise EngineError(f"dataset '{origin.dataset}' needs the `datasets` library: {INSTALL}") from None
    folder = Path(origin.dataset)
    is_local = folder.is_dir()
    if is_local:
        _check_folder(origin, folder)
    try:
        rows = datasets.load_dataset(
            str(folder.resolve()) if is_local else origin.dataset,
            name=origin.config,
            data_dir=origin.data_dir,
            split=origin.split,
            revision=None if is_local else origin.revision,
            streaming=True,
        )
        yield from rows.with_format("arrow").iter(batch_size=BATCH_ROWS)
    except Exception as error:
        # the library and its file systems raise dozens of types for a wrong name and for a lost connection alike
        raise EngineError(
            f"dataset '{origin.dataset}' ({label_of(origin)}) could not be read: {type(error).__name__}: "
            f"{str(error)[:300]}. Check dataset, config, data_dir and split, and the network"
        ) from None


def _check_folder(origin: HubDataset, folder: Path) -> None:
    found = content_of(files_of(Files(files=(str(folder / (origin.data_dir or "")),))))[:40]
    if found != origin.revision:
        raise StudyError(
            f"the local dataset folder '{origin.dataset}' has revision {found} (first 40 digits of the BLAKE3 over its "
            f"files), the study pins {origin.revision}; restore the data or update `revision`"
        )
