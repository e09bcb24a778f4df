"""The items stage: the texts of all items of tasks, problems and prompts, which sources are searched for.

Probes are not among them: they are generated anew with every study and stand in no source, but for planted facts, which
are put there on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Benchmarks, Items
from titrant.evaluate.choice import ChoiceItem, read_multiple_choice
from titrant.jobs import ItemsJob, Progress

SCHEMA = pa.schema(
    [
        ("outcome", pa.string()),
        ("item", pa.string()),
        ("part", pa.string()),
        ("text", pa.string()),
        ("choices", pa.int64()),
        ("right", pa.int64()),
    ]
)


def write_items(job: ItemsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress) -> Items:
    """Write `items.parquet`. `inputs` may hold `benchmarks`, whose requests join them. Raises StudyError with file and
    line if a file is wrong."""
    rows, counts = [], {}
    for done, task in enumerate(job.multiple_choice):
        outcome = f"choice/{task.name}"
        progress(done, len(job.multiple_choice), "files", outcome)
        items = read_multiple_choice(task)
        counts[outcome] = len(items)
        rows += [{"outcome": outcome, **row} for item in items for row in _parts(item)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    if "benchmarks" in inputs:
        counts |= Benchmarks.read(inputs["benchmarks"]).items
        table = pa.concat_tables([table, pq.read_table(inputs["benchmarks"] / "requests.parquet", schema=SCHEMA)])
    pq.write_table(table, out / "items.parquet", compression="zstd")
    return Items(items=counts)


def _parts(item: ChoiceItem) -> Iterator[dict[str, object]]:
    texts = {"whole": item.context + item.choices[item.answer], "question": item.context}
    for part, text in texts.items():
        yield {"item": item.id, "part": part, "text": text, "choices": len(item.choices), "right": 1}
