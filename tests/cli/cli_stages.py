"""Stages that make the right artifacts with next to nothing in them, so that the commands can be tried in seconds."""

from __future__ import annotations

import json
import os
from pathlib import Path

from titrant.artifacts import (
    Checkpoint,
    Documents,
    Examples,
    FindingsFile,
    Page,
    PartSize,
    PlannedLedger,
    QuestionList,
    Scores,
    Split,
    TokenizerFile,
    TokenShards,
)
from titrant.errors import Problem, StudyError

STAGES = {
    kind: f"cli_stages:make_{kind}"
    for kind in (
        "documents",
        "split",
        "examples",
        "tokenizer",
        "tokens",
        "ledger",
        "questions",
        "train",
        "evaluate",
        "findings",
        "report",
    )
}

FINDING = {
    "arm": "mixed",
    "control": "text",
    "scale": "nano",
    "outcome": "bits_per_byte/code",
    "difference": -0.25,
    "interval": [-0.3, -0.2],
    "verdict": "better",
    "flags": ["schedule differs"],
}


def _write(out, inputs, progress):  # type: ignore[no-untyped-def]
    progress(0, 1, "items")
    content = [(role, (Path(folder) / "data.bin").read_text()[:8]) for role, folder in sorted(inputs.items())]
    (out / "data.bin").write_text(json.dumps(content))
    progress(1, 1, "items")


def make_documents(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return Documents(documents=1, bytes=1, bytes_by_language={}, bytes_by_licence={}, left_out={})


def make_split(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return Split(parts={})


def make_examples(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return Examples(documents=0)


def make_tokenizer(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return TokenizerFile(vocabulary=300, end_of_text_id=0, content="0" * 64, bytes_per_token={})


def make_tokens(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return TokenShards(
        tokenizer="0" * 64, vocabulary=300, encoder="none", shards={}, held_out=PartSize(documents=1, bytes=1)
    )


def make_questions(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    (out / "questions.json").write_text("{}")
    return QuestionList(items={})


def make_ledger(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    if os.environ.get("TITRANT_TEST_SMALL_SOURCE"):
        raise StudyError([Problem("source 'code' is too small", path=("sources", "code")), Problem("and so on")])
    return PlannedLedger(rows=0)


def make_train(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    if os.environ.get("TITRANT_TEST_DIVERGE"):
        raise FloatingPointError("the loss is not a number")
    return Checkpoint(
        steps=1,
        tokens=1,
        total_tokens=1,
        final_loss=1.0,
        parameters=1,
        non_embedding_parameters=1,
        ledger=(),
        cursors={},
        drawn={},
        milestones=(),
    )


def make_evaluate(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return Scores(
        scores={"probe/copying": 0.75},
        items={"probe/copying": 60},
        chance={"probe/copying": 0.25},
        majority={},
        scored_by="none",
    )


def make_findings(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    return FindingsFile(findings=0, verdicts={})


def make_report(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    _write(out, inputs, progress)
    for name in ("report.html", "report.md", "forest.svg", "forest.png"):
        (out / name).write_text(f"{name} {len(inputs)}")
    (out / "report.json").write_text(json.dumps({"headline": "Code helps code.", "findings": [FINDING]}))
    return Page(headline="Code helps code.")
