"""Signal and noise of every outcome, which of them are in a mean and why, and habits of answering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from titrant.artifacts import Benchmarks
from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.material import Material
from titrant.report.outcome_entries import ArmSignal, OutcomeEntry, Signal
from titrant.report.outcomes import family_head, family_of, label_of
from titrant.report.tables import NOT_GIVEN, outcome_cell
from titrant.study.suites import suite

NOTE = (
    "The spread is the largest minus the smallest mean of an arm; over the noise it is the signal-to-noise ratio of "
    "the outcome at this scale, and says nothing of one contrast."
)
ONE_SEED = "With one seed the noise is that of items alone: what training adds is not known."
HABITS = (
    "An arm leans to an answer (a label such as yes, or a letter) that it gives on a tenth of the items more than it "
    "is right on. Empty and looping outputs are shares of what it generated. A finding is flagged where one of its "
    "arms leans and the other does not, and where a tenth of an arm's outputs are empty or looping."
)


def note_of(material: Material, rule: str) -> str:
    """The rule for means, and how to read the table."""
    signals = [e.signal for described in material.outcomes.values() for e in described.values() if e.signal]
    alone = any(signal.noise_over == "items" for signal in signals)
    return " ".join([rule, NOTE, *([ONE_SEED] if alone else [])]).strip()


def cut_note(material: Material) -> str | None:
    """Which tasks have questions that were cut; None where none are."""
    cut = {
        outcome: entry.shortened
        for described in material.outcomes.values()
        for outcome, entry in described.items()
        if entry.shortened
    }
    if not cut:
        return None
    named = ", ".join(f"{label_of(outcome)} {numbers.count(number)}" for outcome, number in cut.items())
    return f"Questions that are longer than the window lost their beginning: {named}."


def data_notes(material: Material) -> list[str]:
    """Where the data of tasks, problems and prompts came from, a sentence for each place."""
    if "benchmarks" not in material.records:
        return []
    of_origin: dict[str, list[str]] = {}
    for outcome, origin in Benchmarks.model_validate(material.records["benchmarks"].summary).data.items():
        of_origin.setdefault(origin, []).append(label_of(outcome))
    return [f"Data of {', '.join(sorted(names))}: {origin}." for origin, names in sorted(of_origin.items())]


def gap_notes(study: Mapping[str, Any]) -> list[str]:
    """A sentence for each task that a suite of the study names and that was not asked."""
    evaluation = study["evaluation"]
    asked = {task["name"] for kind in ("tasks", "code") for task in evaluation.get(kind) or ()}
    gaps = {
        task: (name, reason)
        for name in evaluation.get("suites") or ()
        for task, reason in suite(name).gaps.items()
        if task not in asked
    }
    return [f"{task} of the suite '{name}' was not asked: {reason}" for task, (name, reason) in gaps.items()]


def signal_table(material: Material, scale: str, outcomes: Iterable[str]) -> Table:
    """Every outcome with a score of its own: its height and spread over its noise, and whether it is in a mean."""
    described = material.outcomes.get(scale, {})
    columns = (
        Column("outcome"),
        Column("metric", note="as lm-evaluation-harness calls it"),
        Column("mean", note="the mean that it belongs to"),
        Column("in the mean?"),
        Column("height / noise", numeric=True, note="mean over all arms minus chance; the rule asks for it"),
        Column("spread / noise", numeric=True, note="signal-to-noise ratio; it decides nothing"),
        Column("spread", numeric=True, note="largest minus smallest mean of an arm"),
        Column("noise", numeric=True, note="standard deviation of one run's score"),
    )
    rows = [
        _signal_row(outcome, described[outcome], signal, described)
        for outcome in outcomes
        if outcome in described and (signal := described[outcome].signal) is not None
    ]
    return Table(columns, tuple(rows), caption=f"Signal and noise at {scale} scale")


def _signal_row(
    outcome: str, entry: OutcomeEntry, signal: Signal, described: Mapping[str, OutcomeEntry]
) -> tuple[Cell, ...]:
    words = membership(outcome, entry, described)
    return (
        outcome_cell(outcome, entry.unit),
        cell(entry.metric or NOT_GIVEN),
        cell(family_head(family_of(outcome))),
        cell(words, style=None if words == "yes" else "quiet"),
        ratio_cell(signal.height_to_noise, decimals=2),
        ratio_cell(signal.spread_to_noise),
        cell(NOT_GIVEN) if signal.spread is None else cell(numbers.size(signal.spread, entry.unit), sort=signal.spread),
        cell(numbers.size(signal.noise, entry.unit), sort=signal.noise),
    )


def membership(outcome: str, entry: OutcomeEntry, described: Mapping[str, OutcomeEntry]) -> str:
    """`yes`, or why an outcome is in no mean."""
    if entry.mean is not None and entry.mean in described and outcome in described[entry.mean].members:
        return "yes"
    if entry.status != "used":
        return f"no: {entry.reason or entry.status}"
    return "no mean: it would be the only one"


def ratio_cell(value: float | None, style: str | None = None, decimals: int = 1) -> Cell:
    """A ratio of signal to noise."""
    if value is None:
        return cell(NOT_GIVEN, style="quiet")
    return cell(numbers.plain(value, decimals), sort=value, style=style)


def habits_table(material: Material, scale: str, outcomes: Iterable[str]) -> Table:
    """Arms that lean to an answer, and arms with empty or looping outputs; all others are left out."""
    described = material.outcomes.get(scale, {})
    columns = (
        Column("task"),
        Column("arm"),
        Column("leans to", note="labels count from 1, as they stand in the task"),
        Column("too often by", numeric=True, note="share of items, beyond those on which that answer is right"),
        Column("empty", numeric=True, note="share of generated outputs"),
        Column("looping", numeric=True, note="share of generated outputs"),
    )
    rows = [
        _habit_row(outcome, described[outcome], arm, signal)
        for outcome in outcomes
        if outcome in described
        for arm, signal in described[outcome].arms.items()
        if signal.leans or signal.empty_fraction or signal.looping_fraction
    ]
    return Table(columns, tuple(rows), caption=f"Habits of answering at {scale} scale")


def _habit_row(outcome: str, entry: OutcomeEntry, arm: str, signal: ArmSignal) -> tuple[Cell, ...]:
    leaning = signal.leans and signal.favoured is not None
    return (
        outcome_cell(outcome, entry.unit),
        cell(arm),
        cell(f"answer {(signal.favoured or 0) + 1}" if leaning else NOT_GIVEN),
        _share(signal.lean if leaning else None),
        _share(signal.empty_fraction),
        _share(signal.looping_fraction),
    )


def _share(value: float | None) -> Cell:
    return cell(NOT_GIVEN, style="quiet") if value is None else cell(numbers.percent(value), sort=value)
