"""Stages that write documents of a few bytes, and down how many cores they may use."""

from __future__ import annotations

import os
from pathlib import Path

from titrant.artifacts import Artifact, Split, TokenizerFile


def make_split(job, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    (out / "documents-00000.parquet").write_bytes(b"x" * 35)
    return Split(parts={})


def make_tokenizer(job, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    vocabulary = job.tokenizer.vocabulary
    (Path(os.environ["TITRANT_TEST_NOTES"]) / str(vocabulary)).write_text(os.environ["TITRANT_CORES"])
    return TokenizerFile(vocabulary=vocabulary, end_of_text_id=0, content="0" * 64, bytes_per_token={})
