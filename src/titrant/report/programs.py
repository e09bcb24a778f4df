"""The section "Code that was run": pass@k, and how the solutions of every arm ended."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.outcome_entries import ProgramsEntry
from titrant.report.outcomes import label_of
from titrant.report.tables import NOT_GIVEN

NOTE = (
    "pass@k is the unbiased estimate of the chance that one of k solutions passes, a mean over problems and seeds; the "
    "first k is the outcome that is compared. Every program ran in a sandbox. A solution that is empty ran and failed; "
    "many of them mean that prompts, and not skill, are measured."
)


def programs_table(entries: Sequence[ProgramsEntry], scale: str) -> Table:
    """One row an arm and set of problems: means over seeds."""
    there = [entry for entry in entries if entry.scale == scale]
    ks = sorted({int(k) for entry in there for k in entry.pass_at_k})
    totals: dict[str, int] = {}
    for entry in there:
        for status, number in entry.verdicts.items():
            totals[status] = totals.get(status, 0) + number
    statuses = sorted((s for s, number in totals.items() if number), key=lambda s: (s != "passed", -totals[s], s))
    columns = (
        Column("problems"),
        Column("arm"),
        Column("solutions each", numeric=True),
        *(Column(f"pass@{k}, %", numeric=True) for k in ks),
        *(Column(status, numeric=True, note="share of all solutions") for status in statuses),
        Column("empty", numeric=True, note="share of all solutions"),
        Column("looping", numeric=True, note="share of all solutions"),
        Column("sandbox"),
    )
    groups: dict[tuple[str, str], list[ProgramsEntry]] = {}
    for entry in there:
        groups.setdefault((entry.outcome, entry.arm), []).append(entry)
    rows = tuple(_row(group, ks, statuses) for group in groups.values())
    return Table(columns, rows, caption=f"Code that was run at {scale} scale")


def _row(runs: Sequence[ProgramsEntry], ks: Sequence[int], statuses: Sequence[str]) -> tuple[Cell, ...]:
    first = runs[0]
    solutions = sum(sum(run.verdicts.values()) for run in runs)
    return (
        cell(f"{label_of(first.outcome)} ({numbers.count(first.problems)})", sort=first.outcome),
        cell(first.arm),
        cell(numbers.count(first.samples), sort=first.samples),
        *(_rate([run.pass_at_k.get(str(k)) for run in runs]) for k in ks),
        *(_share(sum(run.verdicts.get(status, 0) for run in runs) / max(1, solutions)) for status in statuses),
        _share(_mean([run.empty for run in runs])),
        _share(_mean([run.looping for run in runs])),
        cell(", ".join(sorted({run.sandbox for run in runs}))),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) and known else None


def _rate(values: Sequence[float | None]) -> Cell:
    mean = _mean(values)
    if mean is None:
        return cell(NOT_GIVEN, style="quiet")
    return cell(numbers.level(mean, "pass rate"), sort=mean)


def _share(value: float | None) -> Cell:
    return cell(NOT_GIVEN, style="quiet") if value is None else cell(numbers.percent(value), sort=value)
