"""Examples of what became of a source: a few documents of every fate, the same ones every time.

Of each fate those with the smallest content hashes, which is a random sample that does not change with the order of
files. Examples end up on pages that are sent about, so secrets and e-mail addresses are replaced in them, whatever the
source itself declares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import KEPT, LEFT_OUT, Examples
from titrant.corpus.redaction import redact
from titrant.errors import StoreError
from titrant.jobs import ExamplesJob, Progress
from titrant.study.cleaning import Redaction

EXAMPLES = "examples.json"
REDACTED: tuple[Redaction, ...] = ("secrets", "emails")
_DESCRIBED = ("id", "language", "licence", "origin")


def choose_examples(
    job: ExamplesJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Examples:
    """Write `examples.json`: by fate, at most `job.count` documents in the order of their content hashes.

    Raises StoreError if documents or split are damaged.
    """
    emptied = _without_text(inputs["transformed"]) if "transformed" in inputs else frozenset()
    wanted = _smallest(inputs["split"] / "split.parquet", job.count, emptied)
    found = dict(_documents(inputs["documents"], {row for rows in wanted.values() for row in rows}, progress))
    if "transformed" in inputs:  # of what is kept, the text as it is trained on
        kept = {row for fate in KEPT for row in wanted.get(fate, ())}
        found |= dict(_documents(inputs["transformed"], kept, progress))
    chosen = {
        fate: [_described(found[row], job.characters) for row in rows] for fate, rows in sorted(wanted.items()) if rows
    }
    text = json.dumps(chosen, ensure_ascii=False, indent=1) + "\n"
    (out / EXAMPLES).write_text(text, encoding="utf-8")
    return Examples(documents=sum(map(len, chosen.values())))


def _without_text(folder: Path) -> frozenset[int]:
    """Rows that have no text once they are changed."""
    found: list[int] = []
    first = 0
    for path in sorted(folder.glob("documents-*.parquet")):
        try:
            for batch in pq.ParquetFile(path).iter_batches(1024, columns=["text"], use_threads=False):
                empty = pc.equal(pc.binary_length(batch["text"]), 0).to_numpy(zero_copy_only=False)
                found += (np.flatnonzero(empty) + first).tolist()
                first += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return frozenset(found)


def _smallest(path: Path, count: int, emptied: frozenset[int]) -> dict[str, list[int]]:
    """Row numbers of the documents with the smallest content hashes, by fate; of kept ones those that have text."""
    found: dict[str, list[tuple[str, int]]] = {}
    try:
        for batch in pq.ParquetFile(path).iter_batches(columns=["row", "content_hash", "fate"], use_threads=False):
            for row, digest, fate in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if fate in KEPT and row in emptied:
                    fate = LEFT_OUT
                found.setdefault(fate, []).append((digest, row))
            found = {fate: sorted(places)[:count] for fate, places in found.items()}
        return {fate: [row for _, row in places] for fate, places in found.items()}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def _documents(folder: Path, rows: set[int], progress: Progress) -> Iterator[tuple[int, dict[str, Any]]]:
    """The documents in these rows. Row groups that hold none of them are passed over."""
    first = 0
    files = sorted(folder.glob("documents-*.parquet"))
    for done, path in enumerate(files):
        progress(done, len(files), "files")
        try:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                here = sorted(row for row in rows if first <= row < first + size)
                if here:
                    table = file.read_row_group(group, columns=[*_DESCRIBED, "text"], use_threads=False)
                    for row in here:
                        yield row, table.slice(row - first, 1).to_pylist()[0]
                first += size
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def _described(document: Mapping[str, Any], characters: int) -> dict[str, Any]:
    text = document["text"]
    # what is cut off may hold the end of a secret, so that is looked for before the text is cut
    shown = redact(text[: characters + 10_000], REDACTED).text[:characters]
    return {name: document[name] for name in _DESCRIBED} | {"characters": len(text), "text": shown}
