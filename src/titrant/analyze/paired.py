"""Reading the items of every run and laying them side by side: same items, same weights, or an error with names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titrant.analyze.components import Floats
from titrant.artifacts import CodeScores, Scores
from titrant.errors import StoreError
from titrant.jobs import Run

Integers = NDArray[np.int64]
Unit = Literal["bits per byte", "accuracy", "pass rate", "win rate"]
UNITS: dict[str, Unit] = {
    "bits_per_byte": "bits per byte",
    "gold": "bits per byte",
    "code": "pass rate",
    "judge": "win rate",
}
"""By the first part of an outcome's name; `accuracy` for all others."""
BESIDE = ("margin_nats", "gold_nats", "gold_bytes", "right_probability", "empty", "looping")
"""Columns that stand beside an item's value."""
_COLUMNS = ("outcome", "item", "value", "weight", "predicted", "answer")
_FRACTIONAL = ("task", "code")
"""Kinds whose items may be worth any share from 0 to 1: an overlap of words, the share of samples that pass."""
_GUESSED = ("choice", "probe")
"""Kinds whose items always have choices."""


@dataclass(frozen=True)
class ItemTable:
    """One outcome of one run, ordered by item."""

    items: tuple[str, ...]
    value: Floats
    """[I]: 1 or 0 for a choice; bits of the document for bits per byte."""
    weight: Floats
    """[I]: 1, or the document's bytes."""
    predicted: Integers
    """[I]: number of the label given, -1 where the same labels do not come back in all items."""
    answer: Integers
    """[I]: number of the right label, -1 likewise."""
    beside: Mapping[str, Floats] = field(default_factory=dict)
    """[I] by column of `BESIDE` that the table has."""


@dataclass(frozen=True)
class Panel:
    """One outcome at one scale: every arm, every seed, the same items."""

    outcome: str
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    items: tuple[str, ...]
    value: Floats
    """[A, S, I]"""
    predicted: Integers
    """[A, S, I]"""
    answer: Integers
    """[I]"""
    weight: Floats
    """[I]"""
    beside: Mapping[str, Floats] = field(default_factory=dict)
    """[A, S, I] by column of `BESIDE` that all runs have."""

    def difference(self, arm: str, control: str) -> Floats:
        """[S, I]: arm minus control, paired by seed and item."""
        return np.asarray(self.value[self.arms.index(arm)] - self.value[self.arms.index(control)])

    def scores(self) -> Floats:
        """[A, S]: the score of every run."""
        return np.asarray(self.value.sum(axis=2) / self.weight.sum())


def unit_of(outcome: str) -> Unit:
    """The unit of an outcome's scores, by the first part of its name.

    >>> unit_of("bits_per_byte/books"), unit_of("probe/sorting"), unit_of("code/humaneval")
    ('bits per byte', 'accuracy', 'pass rate')
    """
    return UNITS.get(kind_of(outcome), "accuracy")


def kind_of(outcome: str) -> str:
    """`task` for `task/hellaswag`."""
    return outcome.partition("/")[0]


def is_rate(outcome: str) -> bool:
    """Whether an outcome's items are worth 0 to 1 each, so that a score is a share of them."""
    return unit_of(outcome) != "bits per byte"


def is_guessed(outcome: str) -> bool:
    """Whether all items of an outcome have choices, so that guessing has an accuracy. Tasks of the harness may."""
    return kind_of(outcome) in _GUESSED


def read_items(
    folder: Path, run: str, outcomes: Iterable[str], scores: Scores | CodeScores | None = None
) -> dict[str, ItemTable]:
    """The items of a run by outcome. Raises StoreError for a missing outcome, a repeated or unusable item, and where
    the table and the recorded score (by default that of the folder's Scores) disagree.

    `gold/NAME` is made of the items of `task/NAME`: the nats and bytes of their right answers.
    """
    scores = Scores.read(folder) if scores is None else scores
    table = _read_table(folder / "items.parquet", run)
    names = np.array(table["outcome"].to_pylist(), dtype=object)
    found: dict[str, ItemTable] = {}
    for outcome in outcomes:
        rows = np.flatnonzero(names == asked_of(outcome))
        if not rows.size:
            raise StoreError(
                f"run '{run}' has no items of outcome '{outcome}' ({folder}); a missing cell is never averaged over: "
                "evaluate the run again"
            )
        found[outcome] = _item_table(table.take(pa.array(rows)), outcome, f"run '{run}', outcome '{outcome}'")
        if isinstance(scores, CodeScores):
            found[outcome] = _with_shares(found[outcome], outcome, scores)
        if asked_of(outcome) == outcome:
            _check_against_summary(found[outcome], scores, outcome, run)
    return found


def _with_shares(table: ItemTable, outcome: str, scores: CodeScores) -> ItemTable:
    """With the shares of all samples that are empty and that loop: an item has many."""
    shares = {"empty": scores.empty.get(outcome), "looping": scores.looping.get(outcome)}
    known = {name: np.full(len(table.items), share) for name, share in shares.items() if share is not None}
    return replace(table, beside={**{k: v for k, v in table.beside.items() if k not in shares}, **known})


def asked_of(outcome: str) -> str:
    """The outcome whose items an outcome is made of: `task/NAME` for `gold/NAME`, else itself."""
    kind, _, name = outcome.partition("/")
    return f"task/{name}" if kind == "gold" else outcome


def _read_table(path: Path, run: str) -> pa.Table:
    try:
        there = set(pq.read_schema(path).names)
        return pq.read_table(path, columns=[*_COLUMNS, *(name for name in BESIDE if name in there)])
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the items of run '{run}' cannot be read from {path}: {error}") from None


def _item_table(rows: pa.Table, outcome: str, where: str) -> ItemTable:
    items = rows["item"].to_pylist()
    order = sorted(range(len(items)), key=items.__getitem__)
    repeated = sorted({items[a] for a, b in pairwise(order) if items[a] == items[b]})
    if repeated:
        raise StoreError(f"{where}: item {_some(repeated)} stands in items.parquet more than once")
    value, weight, predicted, answer = (np.asarray(rows[name].to_numpy())[order] for name in _COLUMNS[2:])
    beside = {
        name: np.asarray(rows[name].to_numpy())[order].astype(float) for name in BESIDE if name in rows.schema.names
    }
    if kind_of(outcome) == "gold":
        none = np.full(len(items), np.nan)
        value, weight = beside.get("gold_nats", none), beside.get("gold_bytes", none)
        predicted = answer = np.full(len(items), -1)
    bits = not is_rate(outcome)
    unusable = ~np.isfinite(value) | ~np.isfinite(weight) | (weight <= 0)
    if kind_of(outcome) in _FRACTIONAL:
        unusable |= (value < 0) | (value > 1)
    elif not bits:
        unusable |= (value != 0) & (value != 1)
    if unusable.any():
        bad = [items[order[i]] for i in np.flatnonzero(unusable)]
        share = "from 0 to 1" if kind_of(outcome) in _FRACTIONAL else "1 or 0"
        allowed = "finite nats and a positive number of bytes" if bits else f"{share} and a positive weight"
        raise StoreError(f"{where}: the value or weight of item {_some(bad)} is not {allowed}")
    if len(items) < 2:
        raise StoreError(f"{where} has {len(items)} item; at least 2 are needed to tell how far a score may be off")
    return ItemTable(
        items=tuple(items[i] for i in order),
        value=value.astype(float) / (log(2) if bits else 1.0),
        weight=weight.astype(float),
        predicted=predicted.astype(np.int64),
        answer=answer.astype(np.int64),
        beside=beside,
    )


def _check_against_summary(table: ItemTable, scores: Scores | CodeScores, outcome: str, run: str) -> None:
    if outcome not in scores.scores:
        raise StoreError(f"the summary of run '{run}' has no score of outcome '{outcome}', which its items have")
    seen, said = float(table.value.sum() / table.weight.sum()), scores.scores[outcome]
    if abs(seen - said) > 1e-6 * max(1.0, abs(said)) or scores.items.get(outcome) != len(table.items):
        raise StoreError(
            f"run '{run}', outcome '{outcome}': items.parquet gives {seen:.6g} over {len(table.items)} items, the "
            f"summary says {said:.6g} over {scores.items.get(outcome)}; delete the evaluation and run again"
        )


def lay_side_by_side(
    outcome: str, runs: Mapping[tuple[str, int], Run], tables: Mapping[str, Mapping[str, ItemTable]]
) -> Panel:
    """One outcome of all runs of a scale, by (arm, seed). Every arm must have every seed, every run the same items."""
    arms, seeds = sorted({arm for arm, _ in runs}), sorted({seed for _, seed in runs})
    ids = [[_run_of(runs, arm, seed) for seed in seeds] for arm in arms]
    first = ids[0][0]
    reference = tables[first][outcome]
    for run in (run for row in ids for run in row):
        _require_same_items(tables[run][outcome], reference, run, first, outcome)
    return Panel(
        outcome=outcome,
        arms=tuple(arms),
        seeds=tuple(seeds),
        items=reference.items,
        value=np.array([[tables[run][outcome].value for run in row] for row in ids]),
        predicted=np.array([[tables[run][outcome].predicted for run in row] for row in ids]),
        answer=reference.answer,
        weight=reference.weight,
        beside={
            name: np.array([[tables[run][outcome].beside[name] for run in row] for row in ids])
            for name in BESIDE
            if all(name in tables[run][outcome].beside for row in ids for run in row)
        },
    )


def _run_of(runs: Mapping[tuple[str, int], Run], arm: str, seed: int) -> str:
    if (arm, seed) not in runs:
        have = sorted(s for a, s in runs if a == arm)
        raise StoreError(f"arm '{arm}' has no run with seed {seed} (it has {have}): runs are paired by seed")
    return runs[arm, seed].id


def _require_same_items(table: ItemTable, other: ItemTable, run: str, first: str, outcome: str) -> None:
    if table.items != other.items:
        missing, extra = set(other.items) - set(table.items), set(table.items) - set(other.items)
        lacks = f" lacks {len(missing)} items ({_some(sorted(missing))})" if missing else ""
        adds = f" has {len(extra)} items more ({_some(sorted(extra))})" if extra else ""
        raise StoreError(
            f"outcome '{outcome}': run '{run}'{lacks}{' and' if lacks and adds else ''}{adds} compared with run "
            f"'{first}'; runs are compared item by item, so evaluate both again on the same items"
        )
    for name, mine, theirs in (("weight", table.weight, other.weight), ("answer", table.answer, other.answer)):
        unequal = np.flatnonzero(mine != theirs)
        if unequal.size:
            items = _some([table.items[i] for i in unequal])
            raise StoreError(f"outcome '{outcome}': runs '{run}' and '{first}' give item {items} another {name}")


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
