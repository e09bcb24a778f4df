"""A tiny source on disk, with its split and its records, as the stages before this room leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.artifacts import Artifact, PartSize, Record, Split

COLUMNS = ["id", "text", "language", "licence", "origin", "content_hash", "whole_hash", "text_hash"]
"""Of held-out documents."""


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that says nothing."""


def finish(folder: Path, artifact: Artifact) -> Path:
    """Write the record that makes a folder an artifact."""
    record = Record(
        format=1,
        kind=artifact.kind,
        version=artifact.version,
        fingerprint="f" * 64,
        declaration={},
        inputs={},
        files={},
        summary=artifact.model_dump(mode="json"),
    )
    (folder / "record.json").write_text(record.model_dump_json(), encoding="utf-8")
    return folder


def write_source(folder: Path, texts: Sequence[str], fates: Sequence[str], rows_a_file: int = 50) -> tuple[Path, Path]:
    """Folders of the documents and of their split."""
    documents, split = folder / "documents", folder / "split"
    documents.mkdir(parents=True)
    split.mkdir()
    hashes = [blake3(text.encode()).hexdigest()[:32] for text in texts]
    table = pa.table(
        {
            "id": [f"d{row}" for row in range(len(texts))],
            "text": pa.array(texts, pa.large_string()),
            "language": ["en"] * len(texts),
            "licence": ["cc0"] * len(texts),
            "origin": ["made up"] * len(texts),
            "content_hash": hashes,
            "planted": [False] * len(texts),
        }
    )
    for number, start in enumerate(range(0, len(texts), rows_a_file)):
        pq.write_table(table.slice(start, rows_a_file), documents / f"documents-{number:05d}.parquet")
    rows = pa.table({"row": range(len(texts)), "content_hash": hashes, "fate": list(fates)})
    pq.write_table(rows, split / "split.parquet")
    parts = {
        fate: PartSize(
            documents=list(fates).count(fate),
            bytes=sum(len(text.encode()) for text, theirs in zip(texts, fates, strict=True) if theirs == fate),
        )
        for fate in sorted(set(fates))
    }
    return documents, finish(split, Split(parts=parts))


def some_texts(count: int, flavour: str = "prose") -> list[str]:
    """Distinct texts with repeated words, numbers, signs and letters of several alphabets."""
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "lazy",
        "dog",
        "while",
        "rain",
        "falls",
        "on",
        "the",
        "plain",
        "in",
        "Spain",
        "and",
        "in",
        "Wales",
    ]
    if flavour == "code":
        return [
            f"def rule_{n}(value):\n    for step in range({n}):\n        value += step * {n % 7}\n    return value\n"
            for n in range(count)
        ]
    return [
        f"Tale {n}: {' '.join(words[(n * 7 + k * k) % len(words)] for k in range(30))} – 漢字 é {n * n}.\n"
        for n in range(count)
    ]
