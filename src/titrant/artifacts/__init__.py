"""What one stage hands to the next: typed summaries, the tables beside them, and the record that makes both exist.

An artifact is a folder. Its files hold the data; `record.json`, written last, names the files with their hashes and
carries the typed summary defined here. Tables are Parquet with the columns listed in each class.

`version` is raised by hand when the meaning of what a kind makes changes; it is part of every fingerprint.
"""

from __future__ import annotations

from titrant.artifacts.data import (
    KEPT,
    LEFT_OUT,
    Documents,
    Examples,
    Items,
    LedgerRow,
    Overlap,
    PartSize,
    PlannedLedger,
    Shard,
    Signals,
    SignalSummary,
    Signatures,
    Split,
    TokenizerFile,
    TokenShards,
    Transformed,
)
from titrant.artifacts.record import FORMAT, RECORD, Artifact, FileEntry, Record, read_record
from titrant.artifacts.results import (
    Benchmarks,
    Checkpoint,
    CodeScores,
    FindingsFile,
    Generations,
    Judgements,
    Page,
    QuestionList,
    Scores,
)
from titrant.artifacts.synthetic import LevelYield, Problems, Solutions, Verified

ARTIFACTS: dict[str, type[Artifact]] = {
    artifact.kind: artifact
    for artifact in (
        Problems,
        Solutions,
        Verified,
        Documents,
        Signals,
        Signatures,
        Benchmarks,
        Items,
        Overlap,
        Split,
        Examples,
        Transformed,
        TokenizerFile,
        TokenShards,
        PlannedLedger,
        QuestionList,
        Checkpoint,
        Scores,
        Generations,
        CodeScores,
        Judgements,
        FindingsFile,
        Page,
    )
}

__all__ = [
    "ARTIFACTS",
    "FORMAT",
    "KEPT",
    "LEFT_OUT",
    "RECORD",
    "Artifact",
    "Benchmarks",
    "Checkpoint",
    "CodeScores",
    "Documents",
    "Examples",
    "FileEntry",
    "FindingsFile",
    "Generations",
    "Items",
    "Judgements",
    "LedgerRow",
    "LevelYield",
    "Overlap",
    "Page",
    "PartSize",
    "PlannedLedger",
    "Problems",
    "QuestionList",
    "Record",
    "Scores",
    "Shard",
    "SignalSummary",
    "Signals",
    "Signatures",
    "Solutions",
    "Split",
    "TokenShards",
    "TokenizerFile",
    "Transformed",
    "Verified",
    "read_record",
]
