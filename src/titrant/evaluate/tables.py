"""The tables and the typed summary of a Scores artifact, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from titrant.artifacts import Scores
from titrant.evaluate.baselines import chance_accuracy, majority_accuracy, shared_labels
from titrant.evaluate.bits_per_byte import DocumentNats, bits_per_byte, joined
from titrant.evaluate.choice import ScoredChoice
from titrant.evaluate.harness.outcomes import TaskOutcome
from titrant.evaluate.likelihood import SCORED_BY

ITEMS = pa.schema(
    [
        ("outcome", pa.string()),
        ("item", pa.string()),
        ("rung", pa.int64()),
        ("value", pa.float64()),
        ("weight", pa.float64()),
        ("predicted", pa.int64()),
        ("answer", pa.int64()),
        ("margin_nats", pa.float64()),
        ("gold_nats", pa.float64()),
        ("gold_bytes", pa.float64()),
        ("right_probability", pa.float64()),
        ("empty", pa.bool_()),
        ("looping", pa.bool_()),
    ]
)
_NOTHING = {
    "rung": 0,
    "weight": 1.0,
    "predicted": -1,
    "answer": -1,
    "margin_nats": math.nan,
    "gold_nats": math.nan,
    "gold_bytes": math.nan,
    "right_probability": math.nan,
    "empty": False,
    "looping": False,
}
"""What stands in a column where an item has none."""
CHECKS = pa.schema([("step", pa.int64()), ("outcome", pa.string()), ("value", pa.float64())])


@dataclass(frozen=True)
class Check:
    """Bits per byte of one source at one step of the phase."""

    step: int
    outcome: str
    value: float


@dataclass(frozen=True)
class Measured:
    """Everything that was measured of one checkpoint, by outcome, in the order of the study."""

    documents: dict[str, list[DocumentNats]]
    choices: dict[str, list[ScoredChoice]]
    checks: list[Check]
    tasks: tuple[TaskOutcome, ...] = ()


def write_scores(measured: Measured, out: Path) -> Scores:
    """Write `items.parquet` and `checks.parquet` into `out`; the summary comes back."""
    whole = {outcome: joined(pieces) for outcome, pieces in measured.documents.items()}
    rows = [row for outcome, documents in whole.items() for row in _document_rows(outcome, documents)]
    rows += [row for outcome, choices in measured.choices.items() for row in _choice_rows(outcome, choices)]
    rows += [row for task in measured.tasks for row in _task_rows(task)]
    _write(rows, ITEMS, out / "items.parquet")
    _write([vars(check) for check in measured.checks], CHECKS, out / "checks.parquet")
    items = {outcome: [scored.item for scored in choices] for outcome, choices in measured.choices.items()}
    return Scores(
        scores={outcome: bits_per_byte(documents) for outcome, documents in whole.items()}
        | {outcome: _accuracy(choices) for outcome, choices in measured.choices.items()}
        | {task.outcome: task.score for task in measured.tasks},
        items={outcome: len(found) for outcome, found in (whole | measured.choices).items()}
        | {task.outcome: len(task.items) for task in measured.tasks},
        chance={outcome: chance_accuracy(asked) for outcome, asked in items.items()}
        | {task.outcome: task.chance for task in measured.tasks if task.chance is not None},
        majority={outcome: majority_accuracy(asked) for outcome, asked in items.items()}
        | {task.outcome: task.majority for task in measured.tasks if task.majority is not None},
        bytes={outcome: sum(d.bytes for d in documents) for outcome, documents in whole.items()},
        ties={outcome: sum(c.tied for c in choices) for outcome, choices in measured.choices.items()}
        | {task.outcome: sum(i.tied for i in task.items) for task in measured.tasks if task.chance is not None},
        metrics={task.outcome: task.metric for task in measured.tasks},
        shortened={task.outcome: sum(item.shortened for item in task.items) for task in measured.tasks},
        scored_by=SCORED_BY,
    )


def _accuracy(choices: Sequence[ScoredChoice]) -> float:
    return sum(scored.predicted == scored.item.answer for scored in choices) / len(choices)


def _document_rows(outcome: str, documents: Sequence[DocumentNats]) -> list[dict[str, object]]:
    return [
        _NOTHING
        | {
            "outcome": outcome,
            "item": document.whole,
            "value": document.nats,
            "weight": float(document.bytes),
        }
        for document in documents
    ]


def _choice_rows(outcome: str, choices: Sequence[ScoredChoice]) -> list[dict[str, object]]:
    labels = shared_labels(scored.item.choices for scored in choices)
    return [
        _NOTHING
        | {
            "outcome": outcome,
            "item": scored.item.id,
            "rung": scored.item.rung,
            "value": float(scored.predicted == scored.item.answer),
            "predicted": labels.get(scored.item.choices[scored.predicted], -1),
            "answer": labels.get(scored.item.choices[scored.item.answer], -1),
            "margin_nats": scored.margin_nats,
            "gold_nats": scored.gold_nats,
            "gold_bytes": float(len(scored.item.choices[scored.item.answer].encode())),
            "right_probability": scored.right_probability,
        }
        for scored in choices
    ]


def _task_rows(task: TaskOutcome) -> list[dict[str, object]]:
    # of an item with several right choices another right one may be predicted, which would look like a mistake
    known = all(item.right == 1 for item in task.items)
    labels = shared_labels(item.choice_texts for item in task.items) if known else {}
    return [
        _NOTHING
        | {
            "outcome": task.outcome,
            "item": item.item,
            "value": item.value,
            "predicted": labels[item.choice_texts[item.predicted]] if labels else -1,
            "answer": labels[item.choice_texts[item.answer]] if labels else -1,
            "margin_nats": item.margin_nats,
            "gold_nats": item.gold_nats,
            "gold_bytes": item.gold_bytes,
            "right_probability": item.right_probability,
            "empty": item.empty,
            "looping": item.looping,
        }
        for item in task.items
    ]


def _write(rows: Sequence[dict[str, object]], schema: pa.Schema, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
