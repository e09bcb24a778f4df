"""The section "Beside accuracy": how models weigh right answers, and which measure tells the arms apart best."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.material import Material
from titrant.report.outcome_entries import CompanionEntry
from titrant.report.signal import ratio_cell
from titrant.report.tables import NOT_GIVEN, outcome_cell, unit_of

MEASURES = {
    "gold bits": "bits per byte of the right answer",
    "probability": "probability of the right choice",
    "margin": "margin of the right choice",
}
"""What the measures are called in tables."""


def note_of(alpha: float) -> str:
    """What is measured, and that it is not tested."""
    return (
        "A small model favours the right answer long before it picks it. Bits per byte of the right answer (lower is "
        "better), the right choice's share of all choices' likelihoods, and its log-likelihood minus that of the best "
        f"other choice stand here with their own {numbers.percent(1 - alpha)} intervals over seeds and items; they are "
        "not tested and carry no verdict. The first table says which way of scoring a task tells the arms apart best "
        "at this scale: spread of the arms over noise of one run, the largest of a row in bold."
    )


def ratios_table(material: Material, scale: str) -> Table:
    """Signal-to-noise ratios of every task by every measure, the largest of a row marked."""
    found = entries_at(material.companions, scale)
    columns = (
        Column("task"),
        Column("as scored", numeric=True, note="of the score itself: accuracy, pass rate"),
        *(Column(words, numeric=True) for words in MEASURES.values()),
    )
    rows = []
    for outcome in dict.fromkeys(entry.outcome for entry in found):
        scored = material.outcomes.get(scale, {}).get(outcome)
        ratios = [scored.signal.spread_to_noise if scored and scored.signal else None]
        by_measure = {entry.measure: entry.signal.spread_to_noise for entry in found if entry.outcome == outcome}
        ratios += [by_measure.get(measure) for measure in MEASURES]  # type: ignore[call-overload]
        best = max((ratio for ratio in ratios if ratio is not None), default=None)
        rows.append(
            (
                outcome_cell(outcome, unit_of(outcome)),
                *(ratio_cell(ratio, "strong" if ratio is not None and ratio == best else None) for ratio in ratios),
            )
        )
    return Table(columns, tuple(rows), caption=f"Spread over noise by measure at {scale} scale")


def levels_table(material: Material, scale: str) -> Table:
    """Every measure of every task by arm."""
    found = entries_at(material.companions, scale)
    arms = [arm for arm in material.arms if any(arm in entry.arms for entry in found)]
    columns = (
        Column("task"),
        Column("measure"),
        Column("items", numeric=True, note="that have it in every run"),
        *(Column(arm, numeric=True, note="mean over seeds") for arm in arms),
    )
    rows = tuple(
        (
            *_named(entry),
            cell(numbers.count(entry.items), sort=entry.items),
            *(_level(entry.arms.get(arm), entry.unit) for arm in arms),
        )
        for entry in found
    )
    return Table(columns, rows, caption=f"Measures beside accuracy at {scale} scale")


def differences_table(material: Material, scale: str, alpha: float) -> Table:
    """Every measure of every task by contrast: the difference and its interval."""
    columns = (
        Column("task"),
        Column("measure"),
        Column("contrast"),
        Column("difference", numeric=True, note="arm minus control; not tested"),
        Column(f"{numbers.percent(1 - alpha)} interval", numeric=True, note="of this one difference"),
        Column("good is"),
    )
    rows = tuple(
        (
            *_named(entry),
            cell(contrast.contrast),
            cell(numbers.difference(contrast.difference, entry.unit), sort=contrast.difference),
            cell(numbers.interval(*contrast.interval, entry.unit), sort=contrast.interval[0]),
            cell(entry.better_is),
        )
        for entry in entries_at(material.companions, scale)
        for contrast in entry.contrasts
    )
    return Table(columns, rows, caption=f"Differences beside accuracy at {scale} scale")


def entries_at(entries: Sequence[CompanionEntry], scale: str) -> list[CompanionEntry]:
    """Those of one scale."""
    return [entry for entry in entries if entry.scale == scale]


def _named(entry: CompanionEntry) -> tuple[Cell, Cell]:
    unit = numbers.scale_of(entry.unit).level
    words = MEASURES[entry.measure]
    return outcome_cell(entry.outcome, entry.unit), cell(words if unit in words else f"{words}, {unit}")


def _level(value: float | None, unit: str) -> Cell:
    return cell(NOT_GIVEN, style="quiet") if value is None else cell(numbers.level(value, unit), sort=value)
