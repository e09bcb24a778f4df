"""The signals stage: one file of signals for each file of documents, row by row, in the memory of one row group.

Row groups are looked at by the engine that the environment chooses (see `engine`), which changes no byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import Signals, SignalSummary
from titrant.corpus.engine.make import make_parts
from titrant.corpus.engine.parts import Tick
from titrant.corpus.signals.find import find_signals, schema
from titrant.corpus.stored import RowGroup, document_files, row_groups
from titrant.errors import StoreError
from titrant.jobs import Progress, SignalsJob

COLUMNS = ["id", "text", "language", "licence", "origin"]
"""What of a document the signals are found in."""
COMMONEST = 20
"""How many words of a signal the summary lists."""


def find_all_signals(
    job: SignalsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Signals:
    """Write `signals-00000.parquet`, ... for `documents-00000.parquet`, ...: the same rows in the same order.

    Finished row groups are kept in `scratch`, so that an attempt goes on where the last one stopped.
    Raises StoreError if a file of documents cannot be read.
    """
    folder = inputs["documents"]
    spread = {name: _Spread() for name in schema(job.families).names}
    groups = row_groups(folder)
    parts = make_parts(_FindSignals(job), groups, scratch=scratch, progress=progress)
    for path in document_files(folder):
        target = out / path.name.replace("documents-", "signals-", 1)
        with pq.ParquetWriter(target, schema(job.families), compression="zstd") as writer:
            for group in groups:
                if group.path == path:
                    for batch in parts.table(group).to_batches():
                        writer.write_batch(batch)
        for values in _stored(target):
            for name in values.schema.names:
                spread[name].add(values.column(name))
    total = sum(group.rows for group in groups)
    progress(total, total, "documents")
    return Signals(signals={name: each.summary() for name, each in spread.items()})


@dataclass(frozen=True)
class _FindSignals:
    """The signals of one row group."""

    job: SignalsJob

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        batches = group.read(COLUMNS).combine_chunks().to_batches()
        found = [find_signals(batch, self.job.families, self.job.models) for batch in batches]
        return pa.Table.from_batches(found, schema(self.job.families))


@contextmanager
def _read(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def read_signal(folder: Path, name: str) -> list[Any]:
    """One stored signal of every document of a source, in order; None where it does not apply.

    Raises StoreError if the signals are damaged or were found without this one.
    """
    values: list[Any] = []
    for path in sorted(folder.glob("signals-*.parquet")):
        for batch in _stored(path, [name]):
            if name not in batch.schema.names:
                raise StoreError(f"{path} holds no signal '{name}'; delete its folder and run again")
            values += batch.column(name).to_pylist()
    return values


def _stored(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    with _read(path) as file:
        yield from file.iter_batches(65_536, columns=columns, use_threads=False)


@dataclass
class _Spread:
    """What the summary says of one signal, counted batch by batch."""

    documents: int = 0
    total: float = 0.0
    least: float | None = None
    most: float | None = None
    words: Counter[str] = field(default_factory=Counter)

    def add(self, values: pa.Array) -> None:
        values = values.drop_null()
        if not len(values):
            return
        self.documents += len(values)
        if pa.types.is_string(values.type):
            counts = pc.value_counts(values).to_pylist()
            self.words.update({entry["values"]: entry["counts"] for entry in counts})
            return
        numbers = values.to_numpy(zero_copy_only=False)
        self.total += float(np.sum(numbers))
        least, most = float(numbers.min()), float(numbers.max())
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def summary(self) -> SignalSummary:
        is_number = self.least is not None
        commonest = sorted(self.words.items(), key=lambda entry: (-entry[1], entry[0]))[:COMMONEST]
        return SignalSummary(
            documents=self.documents,
            least=self.least,
            mean=self.total / self.documents if is_number else None,
            most=self.most,
            words=dict(commonest),
        )
