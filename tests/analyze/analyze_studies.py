"""Small studies of invented scores, written to disk as the stages would, for the tests of analyze."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from titrant.analyze import find_findings
from titrant.analyze.paired import BESIDE
from titrant.artifacts import (
    Artifact,
    Checkpoint,
    CodeScores,
    FindingsFile,
    Judgements,
    LedgerRow,
    Record,
    Scores,
)
from titrant.jobs import FindingsJob, PlannedContrast, Run
from titrant.study.evaluation import Statistics


@dataclass
class Task:
    """One outcome of one run: what items.parquet holds of it. `value` is nats for bits per byte."""

    value: np.ndarray
    weight: np.ndarray
    predicted: np.ndarray
    answer: np.ndarray
    chance: float | None = 0.5
    """None: nothing is guessed."""
    names: list[str] = field(default_factory=list)
    beside: dict[str, np.ndarray] = field(default_factory=dict)
    """Columns that stand beside the value (`gold_nats`, `empty`, ...); the others are empty."""

    def __post_init__(self) -> None:
        self.names = self.names or [f"item-{i:04d}" for i in range(len(self.value))]


def text(bits: Sequence[float] | np.ndarray, weight: np.ndarray) -> Task:
    """Documents with so many bits per byte and so many bytes."""
    none = np.full(len(weight), -1)
    return Task(np.asarray(bits) * weight * log(2), weight.astype(float), none, none)


def choices(predicted: np.ndarray, answer: np.ndarray, chance: float = 0.5) -> Task:
    """Multiple choice, from what was said and what is right."""
    return Task((predicted == answer).astype(float), np.ones(len(answer)), predicted, answer, chance)


def words(value: np.ndarray, **beside: np.ndarray) -> Task:
    """Answers in words, or programs: items worth 0 to 1 of which nothing is guessed."""
    none = np.full(len(value), -1)
    return Task(value.astype(float), np.ones(len(value)), none, none, None, beside=beside)


Cell = Callable[[str, int, str], Task]
"""(arm, seed, outcome) -> what that run scored."""


@dataclass
class Made:
    """A study on disk: its job and the folders by role."""

    job: FindingsJob
    inputs: dict[str, Path]
    root: Path

    def find(self, name: str = "out", job: FindingsJob | None = None) -> dict[str, object]:
        self.out(name, job)
        return json.loads((self.root / name / "findings.json").read_text())

    def out(self, name: str = "out", job: FindingsJob | None = None) -> FindingsFile:
        folder = self.root / name
        folder.mkdir()
        return find_findings(job or self.job, self.inputs, folder, scratch=self.root, progress=lambda *a, **k: None)


def write_record(folder: Path, summary: Artifact, inputs: dict[str, str]) -> None:
    record = Record(
        format=1,
        kind=summary.kind,
        version=summary.version,
        fingerprint="0" * 64,
        declaration={},
        inputs=inputs,
        files={},
        summary=summary.model_dump(mode="json"),
    )
    (folder / "record.json").write_text(record.model_dump_json())


def write_scores(folder: Path, tasks: dict[str, Task], *, scored_by: str = "likelihood/float32") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[object]] = {
        c: [] for c in ("outcome", "item", "rung", "value", "weight", "predicted", "answer", *BESIDE)
    }
    for outcome, task in tasks.items():
        count = len(task.value)
        columns["outcome"] += [outcome] * count
        columns["item"] += task.names
        columns["rung"] += [0] * count
        for name in BESIDE:
            blank = np.zeros(count, dtype=bool) if name in ("empty", "looping") else np.full(count, np.nan)
            columns[name] += task.beside.get(name, blank).tolist()
        for name in ("value", "weight", "predicted", "answer"):
            columns[name] += getattr(task, name).tolist()
    pq.write_table(pa.table(columns), folder / "items.parquet")
    bits = {o: log(2) if o.startswith("bits") else 1.0 for o in tasks}
    quizzes = {o: t for o, t in tasks.items() if not o.startswith("bits") and t.chance is not None}
    summary = Scores(
        scores={o: float(t.value.sum() / t.weight.sum() / bits[o]) for o, t in tasks.items()},
        items={o: len(t.value) for o, t in tasks.items()},
        chance={o: t.chance for o, t in quizzes.items() if t.chance is not None},
        majority={
            o: float(np.unique(t.answer, return_counts=True)[1].max() / len(t.answer)) for o, t in quizzes.items()
        },
        scored_by=scored_by,
    )
    write_record(folder, summary, {"tokenizer": "t" * 64})


def write_code(folder: Path, tasks: dict[str, Task], *, sandbox: str = "bubblewrap", empty: float = 0.0) -> None:
    """What became of the solutions to some sets of problems."""
    write_scores(folder, tasks)
    scores = {o: float(t.value.mean()) for o, t in tasks.items()}
    summary = CodeScores(
        scores=scores, pass_at_k={o: {"1": score} for o, score in scores.items()},
        items={o: len(t.value) for o, t in tasks.items()}, samples=dict.fromkeys(tasks, 10),
        verdicts={o: {"passed": round(10 * t.value.sum())} for o, t in tasks.items()}, empty=dict.fromkeys(tasks, empty),
        sandbox=sandbox,
    )  # fmt: skip
    write_record(folder, summary, {})


def write_judgements(folder: Path, choices_of: dict[str, list[tuple[str, str]]]) -> None:
    """What each judge chose of every item, with the arm first and with the control first."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"item": f"{number:04d}", "judge": judge, "order": order, "choice": choice}
        | {"arm_characters": 100 + number % 7, "control_characters": 100 + number % 5}
        for judge, pairs in choices_of.items()
        for number, pair in enumerate(pairs)
        for order, choice in zip(("arm first", "control first"), pair, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "judgements.parquet")
    count = len(next(iter(choices_of.values())))
    summary = Judgements(
        outcome="judge/dolly", items=count, judges=tuple(choices_of), cost=dict.fromkeys(choices_of, 0.5), unusable={}
    )
    write_record(folder, summary, {})


def write_checkpoint(
    folder: Path,
    *,
    tokens: int | None = None,
    total_tokens: int = 1000,
    parameters: int = 100,
    tokenizer: str = "t" * 64,
    epochs: dict[str, float] | None = None,
    previous: bool = False,
    code: Literal["eager", "compiled"] = "eager",
    skipped: tuple[int, ...] = (),
    portions: tuple[str, ...] = (),
) -> None:
    """The end of a phase of `tokens` (by default the whole run); `epochs` by source as its ledger gives them."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = tuple(
        LedgerRow(
            source=source, partition="train", start=0, sequences=10, available=10, tokens=640, unique_tokens=640,
            epochs=value, weight=0.5,
        )
        for source, value in (epochs or {}).items()
    )  # fmt: skip
    summary = Checkpoint(
        steps=10, tokens=total_tokens if tokens is None else tokens, total_tokens=total_tokens, final_loss=2.0,
        parameters=parameters, non_embedding_parameters=parameters, ledger=ledger, cursors={}, drawn={}, milestones=(),
        code=code, skipped=skipped, portions=portions,
    )  # fmt: skip
    write_record(folder, summary, {"tokenizer": tokenizer, **({"previous": "p" * 64} if previous else {})})


def make_study(
    root: Path,
    cell: Cell,
    *,
    arms: Sequence[str] = ("control", "arm"),
    seeds: Sequence[int] = (0, 1, 2),
    outcomes: Sequence[str],
    scales: Sequence[str] = ("nano",),
    contrasts: Sequence[PlannedContrast] | None = None,
    margin: float = 0.02,
    seed: int = 0,
) -> Made:
    """Write every run's artifacts; each arm is compared with the first."""
    runs = tuple(Run(arm=a, scale=k, seed=s) for a in arms for k in scales for s in seeds)
    inputs: dict[str, Path] = {}
    for run in runs:
        inputs[f"evaluate/{run.id}"] = root / "evaluate" / run.id
        inputs[f"train/{run.id}"] = root / "train" / run.id
        scored = [o for o in outcomes if o.partition("/")[0] not in ("code", "judge", "gold")]
        write_scores(inputs[f"evaluate/{run.id}"], {o: cell(run.arm, run.seed, o) for o in scored})
        if problems := [o for o in outcomes if o.startswith("code/")]:
            inputs[f"code/{run.id}"] = root / "code" / run.id
            write_code(inputs[f"code/{run.id}"], {o: cell(run.arm, run.seed, o) for o in problems})
        write_checkpoint(inputs[f"train/{run.id}"], parameters=100 + 10 * scales.index(run.scale))
    if contrasts is None:
        contrasts = [PlannedContrast(arm=a, control=arms[0], outcomes=tuple(outcomes)) for a in arms[1:]]
    job = FindingsJob(
        runs=runs,
        contrasts=tuple(contrasts),
        outcomes=tuple(outcomes),
        margins=dict.fromkeys(outcomes, margin),
        statistics=Statistics(resamples=400, seed=seed),
    )
    return Made(job, inputs, root)
