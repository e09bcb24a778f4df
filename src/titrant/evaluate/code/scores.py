"""The tables and the typed summary of a CodeScores artifact, from what became of every program."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import CodeScores
from titrant.errors import StudyError
from titrant.evaluate.code.estimate import Interval, interval, pass_at_k
from titrant.evaluate.code.files import Programs
from titrant.evaluate.code.problems import Problem
from titrant.evaluate.generation.degenerate import is_empty, is_looping
from titrant.evaluate.tables import ITEMS
from titrant.study.tasks import CodeTask

PASS_AT_K = pa.schema(
    [
        ("outcome", pa.string()),
        ("item", pa.string()),
        ("k", pa.int64()),
        ("samples", pa.int64()),
        ("passed", pa.int64()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)
VERDICTS = pa.schema(
    [
        ("outcome", pa.string()),
        ("item", pa.string()),
        ("sample", pa.int64()),
        ("status", pa.string()),
        ("detail", pa.string()),
    ]
)
NOT_MEASURED: dict[str, Any] = {
    "predicted": -1,
    "answer": -1,
    "margin_nats": math.nan,
    "gold_nats": math.nan,
    "gold_bytes": math.nan,
    "right_probability": math.nan,
}
"""Columns of `items.parquet` that problems have nothing for."""


class Kept(NamedTuple):
    """What is kept of a verdict: that which is the same whenever the same program is run in the same sandbox."""

    status: str
    """`passed`, or how it went wrong, in the sandbox's words."""
    detail: str
    tier: str
    """What held the program: after an interruption it need not be what holds the next one."""


@dataclass(frozen=True)
class Tried:
    """One task, its programs, and what became of each."""

    task: CodeTask
    problems: Sequence[Problem]
    programs: Programs
    verdicts: Mapping[str, Sequence[Kept]]
    """By item, in the order of the samples."""

    @property
    def outcome(self) -> str:
        """`code/NAME`."""
        return f"code/{self.task.name}"

    @property
    def samples(self) -> int:
        """Programs of each problem."""
        return len(next(iter(self.programs.values())))

    @property
    def tiers(self) -> set[str]:
        """All that held one of the programs."""
        return {verdict.tier for found in self.verdicts.values() for verdict in found}

    def passed(self, problem: Problem) -> int:
        """How many of a problem's programs passed."""
        return sum(verdict.status == "passed" for verdict in self.verdicts[problem.item])

    def answers(self, problem: Problem) -> list[str]:
        """What was written for a problem: its programs without what stood before."""
        return [program.removeprefix(problem.before) for program in self.programs[problem.item]]


def write_code_scores(tried: Sequence[Tried], out: Path) -> CodeScores:
    """Write `items.parquet`, `pass_at_k.parquet` and `verdicts.parquet` into `out`; the summary comes back.

    Raises StudyError if a task asks for pass@k of more samples than there are.
    """
    for each in tried:
        if max(each.task.k) > each.samples:
            raise StudyError(
                f"pass@{max(each.task.k)} of '{each.outcome}' needs as many solutions of each problem, and there are "
                f"{each.samples}; give more, or a lower `k`"
            )
    estimates = {each.outcome: list(_estimates(each)) for each in tried}
    _write([row for rows in estimates.values() for row in rows], PASS_AT_K, out / "pass_at_k.parquet")
    _write([row for each in tried for row in _items(each)], ITEMS, out / "items.parquet")
    _write([row for each in tried for row in _verdicts(each)], VERDICTS, out / "verdicts.parquet")
    means = {
        each.outcome: {
            str(k): fmean(row["value"] for row in estimates[each.outcome] if row["k"] == k) for k in each.task.k
        }
        for each in tried
    }
    statuses = {
        each.outcome: Counter(verdict.status for found in each.verdicts.values() for verdict in found) for each in tried
    }
    return CodeScores(
        scores={each.outcome: means[each.outcome][str(each.task.k[0])] for each in tried},
        pass_at_k=means,
        items={each.outcome: len(each.problems) for each in tried},
        samples={each.outcome: each.samples for each in tried},
        verdicts={outcome: dict(sorted(counts.items())) for outcome, counts in statuses.items()},
        empty={each.outcome: fmean(map(is_empty, _all_answers(each))) for each in tried},
        looping={each.outcome: fmean(map(is_looping, _all_answers(each))) for each in tried},
        sandbox=" and ".join(sorted(set[str]().union(*(each.tiers for each in tried)))),
    )


def _all_answers(tried: Tried) -> Iterator[str]:
    return (answer for problem in tried.problems for answer in tried.answers(problem))


def _estimates(tried: Tried) -> Iterator[dict[str, Any]]:
    for problem in tried.problems:
        passed = tried.passed(problem)
        for k in tried.task.k:
            value = pass_at_k(tried.samples, passed, k)
            # greedy answers are not drawn: there is nothing that another draw would change
            greedy = tried.task.sampling.temperature == 0
            low, high = Interval(value, value) if greedy else interval(tried.samples, passed, k)
            counts = {"samples": tried.samples, "passed": passed, "value": value, "low": low, "high": high}
            yield {"outcome": tried.outcome, "item": problem.item, "k": k} | counts


def _items(tried: Tried) -> Iterator[dict[str, Any]]:
    """`empty` and `looping` say that more than half of a problem's answers are."""
    for problem in tried.problems:
        answers = tried.answers(problem)
        row = {
            "outcome": tried.outcome,
            "item": problem.item,
            "rung": 0,
            "value": pass_at_k(tried.samples, tried.passed(problem), tried.task.k[0]),
            "weight": 1.0,
            "empty": 2 * sum(map(is_empty, answers)) > len(answers),
            "looping": 2 * sum(map(is_looping, answers)) > len(answers),
        }
        yield {name: value for name, value in (NOT_MEASURED | row).items() if name in ITEMS.names}


def _verdicts(tried: Tried) -> Iterator[dict[str, Any]]:
    for problem in tried.problems:
        for sample, verdict in enumerate(tried.verdicts[problem.item]):
            place = {"outcome": tried.outcome, "item": problem.item, "sample": sample}
            yield place | {"status": verdict.status, "detail": verdict.detail}


def _write(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")
