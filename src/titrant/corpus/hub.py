"""Documents of a Hugging Face dataset, streamed through the `datasets` library (optional extra `hub`).

A dataset on the hub is pinned by its commit. A local folder in the hub's layout has none: its `revision` is the
first 40 digits of the BLAKE3 over its files, so that a changed folder is an error and never another corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from titrant.corpus.texts import Item, Text
from titrant.errors import EngineError, StudyError
from titrant.study.declaration import listing
from titrant.study.origins import Files, HubDataset
from titrant.study.world import content_of, files_of

INSTALL = "pip install 'titrant[hub]'"


def hub_texts(origin: HubDataset) -> Iterator[Item]:
    """The rows of one split in the dataset's order; the part is the row's number.

    Raises StudyError for a column or split that does not exist or a folder that is not the pinned one,
    EngineError if `datasets` is missing or cannot reach the data.
    """
    rows = islice(_rows(origin), origin.max_documents)
    columns = (origin.text, origin.language_column, origin.licence_column)
    for number, row in enumerate(rows):
        text, language, licence = (None if name is None else _value(row, name, origin) for name in columns)
        yield Text(str(number), text or "", language, licence)


def label_of(origin: HubDataset) -> str:
    """What stands in the `origin` column of its documents."""
    parts = [part for part in (origin.config, origin.data_dir, origin.split) if part]
    return f"{origin.dataset}@{origin.revision[:12]}:{'/'.join(parts)}"


def _rows(origin: HubDataset) -> Iterator[Mapping[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise EngineError(f"dataset '{origin.dataset}' needs the `datasets` library: {INSTALL}") from None
    folder = Path(origin.dataset)
    is_local = folder.is_dir()
    if is_local:
        _check_folder(origin, folder)
    try:
        yield from datasets.load_dataset(
            str(folder.resolve()) if is_local else origin.dataset,
            name=origin.config,
            data_dir=origin.data_dir,
            split=origin.split,
            revision=None if is_local else origin.revision,
            streaming=True,
        )
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


def _value(row: Mapping[str, Any], name: str, origin: HubDataset) -> str | None:
    if name not in row:
        raise StudyError(f"dataset '{origin.dataset}' has no column '{name}'; it has {listing(row)}")
    value = row[name]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value) and name != origin.text:
        return " OR ".join(sorted(value)) or None  # lists of licences, as large code corpora hold them
    raise StudyError(f"column '{name}' of dataset '{origin.dataset}' is a {type(value).__name__}, not a string")
