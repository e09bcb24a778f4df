"""One model by itself: what each outcome says of it, with the interval over items, and what can be put in a mean.

Nothing is compared here, so the noise of training is not known: intervals say how far a score may be off because other
items might have been asked, and no more.

A mean over tasks is only over those that are done above chance (one-sided, 2.5 %): a task at chance says nothing, and
dilutes what says something.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import t as student

from titrant.analyze.judged import wilson_interval

ALPHA = 0.05
"""Intervals hold 95 %."""


@dataclass(frozen=True)
class Alone:
    """One outcome of one model."""

    outcome: str
    items: int
    score: float
    low: float
    high: float
    """Interval of 95 % over items: Wilson's for rates, Student's for all else."""
    chance: float | None
    majority: float | None
    gold_bits_per_byte: float | None
    """Bits per byte of the right answers."""
    right_probability: float | None
    """Mean share of the right choice in the likelihoods of all."""
    commonest: float | None
    """Share of items on which the commonest label (yes, or a letter) was given; None where items have choices of their
    own, whose places say nothing."""
    empty: float
    """Share of written answers that are empty."""
    looping: float
    """Share of written answers that repeat themselves to their end."""

    @property
    def above_chance(self) -> bool:
        """Whether the whole interval lies above chance; above nothing, where there are no choices."""
        return self.low > (self.chance or 0.0)


def of_one_model(
    items: Path, chance: Mapping[str, float] | None = None, majority: Mapping[str, float] | None = None
) -> dict[str, Alone]:
    """Every outcome in the `items.parquet` of Scores or CodeScores but bits per byte, in the file's order."""
    table = pq.read_table(items).to_pydict()
    rows: dict[str, list[int]] = {}
    for row, outcome in enumerate(table["outcome"]):
        if not outcome.startswith("bits_per_byte/"):
            rows.setdefault(outcome, []).append(row)
    columns = {name: np.array(values) for name, values in table.items() if name not in ("outcome", "item")}
    chances, majorities = chance or {}, majority or {}
    return {
        outcome: _of_one_outcome(
            outcome,
            {name: values[places] for name, values in columns.items()},
            chances.get(outcome),
            majorities.get(outcome),
        )
        for outcome, places in rows.items()
    }


def _of_one_outcome(
    outcome: str, columns: Mapping[str, np.ndarray], chance: float | None, majority: float | None
) -> Alone:
    value_I = columns["value"].astype(float)
    nats_I, bytes_I = columns["gold_nats"].astype(float), columns["gold_bytes"].astype(float)
    known_I = np.isfinite(nats_I) & np.isfinite(bytes_I)
    right_I = columns["right_probability"].astype(float)
    right_I = right_I[np.isfinite(right_I)]
    predicted = [int(label) for label in columns["predicted"] if label >= 0]
    low, high = _interval(value_I)
    return Alone(
        outcome=outcome,
        items=len(value_I),
        score=float(value_I.mean()),
        low=low,
        high=high,
        chance=chance,
        majority=majority,
        gold_bits_per_byte=float(nats_I[known_I].sum() / bytes_I[known_I].sum() / math.log(2))
        if known_I.any()
        else None,
        right_probability=float(right_I.mean()) if right_I.size else None,
        commonest=max(Counter(predicted).values()) / len(predicted) if predicted else None,
        empty=float(columns["empty"].mean()),
        looping=float(columns["looping"].mean()),
    )


def _interval(value_I: np.ndarray) -> tuple[float, float]:
    number, mean = len(value_I), float(value_I.mean())
    if np.isin(value_I, (0.0, 1.0)).all():
        return wilson_interval(mean, number, ALPHA)
    if number < 2:
        return 0.0, 1.0
    half = float(student.isf(ALPHA / 2, number - 1) * value_I.std(ddof=1) / math.sqrt(number))
    return max(0.0, mean - half), min(1.0, mean + half)


@dataclass(frozen=True)
class CategoryMean:
    """The plain mean over the tasks of a category that are done above chance."""

    score: float
    members: tuple[str, ...]
    at_chance: tuple[str, ...]


def mean_over(found: Mapping[str, Alone], members: tuple[str, ...]) -> CategoryMean | None:
    """None where no member is above chance, and where one was not asked: a mean over a hole is another mean."""
    if any(member not in found for member in members):
        return None
    above = tuple(member for member in members if found[member].above_chance)
    if not above:
        return None
    at_chance = tuple(member for member in members if member not in above)
    return CategoryMean(math.fsum(found[member].score for member in above) / len(above), above, at_chance)
