"""Problems from where a study says that they lie: files, a dataset, or training documents.

A record without what a problem needs is left out and counted by its reason, an origin without any record as one. A file
that cannot be read, or of which the first record has no statement at all, is an error: it is not what the study takes
it for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.corpus.formats.json_text import json_value, lines
from titrant.corpus.opened import LeftOut, SourceFile, check_machine
from titrant.corpus.origins.hub import hub_records, label_of
from titrant.errors import StoreError, StudyError
from titrant.jobs import Progress
from titrant.study.declaration import listing
from titrant.study.origins import HubDataset
from titrant.study.synthesis import MinedProblems, ProblemColumns, ProblemDataset, ProblemFiles
from titrant.study.world import content_of, problem_files_of
from titrant.synthesize.escaped import escaped
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.sets.mined import mine_problems
from titrant.synthesize.sets.records import is_known, name_of, problem_of

SAME = LeftOut("the same as an earlier one")
NO_OBJECT = LeftOut("a record that is no object")

_AT_ONCE = 256


def read_problems(
    origin: ProblemFiles | ProblemDataset | MinedProblems, number: int, inputs: Mapping[str, Path], progress: Progress
) -> Iterator[Problem | LeftOut]:
    """The problems of one origin, the `number`th (from 0) of its synthesis, in order; or why a record is none.

    Ids begin with the origin's number, and are the same whatever else the synthesis holds. `inputs` holds the folders
    `documents/SOURCE` and `split/SOURCE` of a source that problems are mined from. Raises StudyError for files that
    have changed, are not what their names say or hold no statements; StoreError for damaged ones; EngineError where
    `datasets` is missing or cannot reach the data.
    """
    if isinstance(origin, MinedProblems):
        source = origin.mined
        yield from mine_problems(
            inputs[f"documents/{source}"], inputs[f"split/{source}"], origin.most, f"mined-{number}", progress
        )
        return
    if isinstance(origin, ProblemFiles):
        records, where = _records_of_files(origin), f"files {listing([Path(each).name for each in origin.files])}"
    else:
        records, where = _records_of_dataset(origin), f"dataset '{origin.dataset}'"
    yield from _problems(records, origin.columns, origin.licence, origin.most, number, escaped(where), progress)


def _problems(
    records: Iterator[tuple[str, Any]],
    columns: ProblemColumns,
    licence: str,
    most: int | None,
    number: int,
    where: str,
    progress: Progress,
) -> Iterator[Problem | LeftOut]:
    seen: set[bytes] = set()
    row = -1
    for row, (place, record) in enumerate(records):
        if most is not None and row >= most:
            return
        progress(row, most or row + 1, "records", where)
        if not isinstance(record, Mapping):
            yield NO_OBJECT
            continue
        if row == 0 and not is_known(record, columns):
            raise StudyError(
                f"{where} has no column '{columns.statement}' for the statement; it has "
                f"{listing(escaped(str(each)[:80]) for each in sorted(record)[:40])}. Name its columns under `columns`"
            )
        name = name_of(record)
        source = escaped(f"{place}, {name}" if name else place)
        found = problem_of(record, columns, f"set-{number}-{row:06d}", source, licence)
        if isinstance(found, Problem):
            digest = blake3(json.dumps([found.statement, found.entry_point]).encode()).digest(16)
            if digest in seen:
                found = SAME
            seen.add(digest)
        yield found
    if row < 0:
        yield LeftOut(f"no record at all in {where}")


def _records_of_files(origin: ProblemFiles) -> Iterator[tuple[str, Any]]:
    files = problem_files_of(origin)
    if origin.content is not None and content_of(files) != origin.content:
        raise StudyError(
            f"the files of problems {listing([name for name, _ in files])} have changed since the study was read; run "
            "again, or put them back as they were"
        )
    for name, path in files:
        file = SourceFile(name, name, partial(_opened, path))
        yield from _rows_of_parquet(file) if name.endswith(".parquet") else _rows_of_lines(file)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _rows_of_lines(file: SourceFile) -> Iterator[tuple[str, Any]]:
    with file.open() as stream:
        for number, line in enumerate(lines(stream), start=1):
            place = f"{file.name}:{number}"
            if line is None:
                raise StudyError(f"{place} is too long to be one record; split the file at its records")
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise StudyError(f"{place} is not UTF-8 ({error.reason}); write the file as UTF-8") from None
            yield place, json_value(text, place)


def _rows_of_parquet(file: SourceFile) -> Iterator[tuple[str, Any]]:
    row = 0
    try:
        with file.open() as stream, pq.ParquetFile(stream) as table:
            for batch in table.iter_batches(batch_size=_AT_ONCE, use_threads=False):
                for record in batch.to_pylist():
                    row += 1
                    yield f"{file.name}:{row}", record
    except (pa.ArrowException, OSError) as error:
        check_machine(file.name, error)
        raise StoreError(
            f"{file.name} cannot be read as Parquet ({error}); it is damaged, or no Parquet file"
        ) from None


def _records_of_dataset(origin: ProblemDataset) -> Iterator[tuple[str, Any]]:
    hub = HubDataset(
        dataset=origin.dataset,
        revision=origin.revision,
        config=origin.config,
        split=origin.split,
        max_documents=origin.most,
    )
    label = label_of(hub)
    for row, record in enumerate(hub_records(hub)):
        yield f"{label}:{row}", record
