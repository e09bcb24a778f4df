"""The report's tables, row by row, for the page and for Markdown alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.differences import chain_changes
from titrant.report.document import Finding, LedgerEntry
from titrant.report.forest import verdict_mark
from titrant.report.markup import anchor, element, escape, link
from titrant.report.material import Material
from titrant.report.numbers import scale_of
from titrant.report.outcome_entries import OutcomeEntry
from titrant.report.outcomes import NO_SIGNAL, Comparison, family_of, is_judged, shown, title_of, without_signal
from titrant.report.strips import strip

NOT_GIVEN = "–"
"""What stands in a cell whose number is withheld on purpose; `dash_note` says why."""


UNITS = {"bits_per_byte": "bits per byte", "gold": "bits per byte", "code": "pass rate", "judge": "win rate"}
"""By family; `accuracy` for all others."""


def findings_table(group: Comparison, alpha: float) -> Table:
    """All findings of one comparison; means lead to the runs of their arm, differences to all runs behind them."""
    columns = (
        Column("outcome"),
        Column("difference", numeric=True, note="arm minus control"),
        Column(f"{numbers.percent(1 - alpha)} interval", numeric=True),
        Column("verdict"),
        Column("p adjusted", numeric=True, note="corrected for all contrasts and outcomes of the scale"),
        Column(group.arm, numeric=True, note="mean over seeds"),
        Column(group.control, numeric=True, note="mean over seeds"),
        Column("margin ±", numeric=True, note="smaller differences count as equivalent"),
        Column("detectable", numeric=True, note="smallest difference that this many seeds would be likely to resolve"),
        Column(
            "relative", numeric=True, note="difference over the control's mean, where that is far from zero and chance"
        ),
    )
    rows = tuple(_finding_row(finding, group) for finding in group.findings)
    return Table(columns, rows, caption=group.key)


def _verdict(finding: Finding, group: Comparison) -> Cell:
    """The verdict, and beside it the flags that are this finding's own."""
    reason = next((flag for flag in finding.flags if flag in NO_SIGNAL), "")
    flags = [flag for flag in _own_flags(finding, group) if flag != reason]
    chips = "".join(f" {element('span', escape(flag), class_='flag')}" for flag in flags)
    verdict = shown(finding)
    text = f"{verdict}: {reason}" if reason else verdict
    text = f"{text} ({'; '.join(flags)})" if flags else text
    return cell(text, markup=verdict_mark(verdict, reason) + chips, sort=verdict)


def _own_flags(finding: Finding, group: Comparison) -> list[str]:
    return [flag for flag in finding.flags if flag not in group.flags]


def _finding_row(finding: Finding, group: Comparison) -> tuple[Cell, ...]:
    unit = finding.unit
    low, high = finding.interval
    style = "quiet" if without_signal(finding) else "strong"
    first = {
        arm: next((run for run in finding.runs if run.startswith(f"{arm}@")), "") for arm in (group.arm, group.control)
    }
    return (
        outcome_cell(finding.outcome, unit),
        _linked(numbers.difference(finding.difference, unit), runs_anchor(group), finding.difference, style),
        cell(numbers.interval(low, high, unit), sort=low),
        _verdict(finding, group),
        _optional(finding.p_adjusted, numbers.probability),
        _linked(numbers.level(finding.arm_mean, unit), anchor("run", first[group.arm]), finding.arm_mean),
        _linked(numbers.level(finding.control_mean, unit), anchor("run", first[group.control]), finding.control_mean),
        cell(numbers.size(finding.margin, unit), sort=finding.margin),
        _optional(finding.minimum_detectable, lambda value: numbers.detectable(value, unit)),
        _optional(finding.relative, lambda value: numbers.signed(value * 100, 1) + f"{numbers.THIN}%"),
    )


def dash_note(group: Comparison) -> str | None:
    """What the dashes of a comparison's table mean; None where there are none."""
    untested = [finding for finding in group.findings if finding.p_adjusted is None]
    reasons = []
    if any(without_signal(finding) for finding in untested):
        reasons.append("not tested (no signal)")
    if any(not without_signal(finding) for finding in untested):
        reasons.append("not tested (one seed)")
    if any(finding.relative is None for finding in group.findings):
        reasons.append("no ratio because the base is within noise of zero or chance")
    if any(finding.minimum_detectable is None for finding in group.findings):
        reasons.append("noise not known")
    return f"{NOT_GIVEN} : {', or '.join(reasons)}." if reasons else None


def correction_table(material: Material, group: Comparison, alpha: float) -> Table:
    """Every finding of a comparison before and after the correction for all findings of its scale."""
    columns = (
        Column("outcome"),
        Column("difference by seed", numeric=True),
        Column("standard error", numeric=True),
        Column(f"{numbers.percent(1 - alpha)} interval", numeric=True, note="of this one difference"),
        Column("p before correction", numeric=True),
        Column("interval after correction", numeric=True, note="all such intervals of a scale hold together"),
        Column("p adjusted", numeric=True),
    )
    rows = []
    for finding in group.findings:
        unit, detail = finding.unit, material.details.get((finding.contrast, finding.scale, finding.outcome))
        rows.append(
            (
                outcome_cell(finding.outcome, unit),
                cell(", ".join(numbers.difference(value, unit) for value in detail.by_seed) if detail else NOT_GIVEN),
                _optional(detail.standard_error if detail else None, partial(numbers.size, unit=unit)),
                cell(numbers.interval(*finding.interval, unit), sort=finding.interval[0]),
                _optional(finding.p_raw, numbers.probability),
                cell(numbers.interval(*detail.interval_adjusted, unit), sort=detail.interval_adjusted[0])
                if detail and detail.interval_adjusted
                else cell(NOT_GIVEN, style="quiet"),
                _optional(finding.p_adjusted, numbers.probability),
            )
        )
    return Table(columns, tuple(rows), caption=f"{group.key}, before and after correction", sortable=False)


def _linked(text: str, target: str, sort: float, style: str | None = None) -> Cell:
    return cell(text, markup=link(target, escape(text), class_="plain"), sort=sort, style=style)


def runs_anchor(group: Comparison) -> str:
    """Anchor of the line that lists all runs behind a comparison."""
    return anchor("runs-of", group.key)


def runs_behind(group: Comparison) -> tuple[str, ...]:
    """Ids of all runs behind any finding of a comparison."""
    return tuple(dict.fromkeys(run for finding in group.findings for run in finding.runs))


def outcome_cell(outcome: str, unit: str) -> Cell:
    """The outcome with its unit: what all numbers of the row are in."""
    unit = scale_of(unit).level
    small = element("span", escape(unit), class_="unit")
    return cell(f"{outcome} ({unit})", markup=f"{escape(title_of(outcome))} {small}", sort=outcome)


def _optional(value: float | None, spell: Callable[[float], str]) -> Cell:
    if value is None:
        return cell(NOT_GIVEN, style="quiet")
    return cell(spell(value), sort=value)


def scores_table(material: Material, scale: str, outcomes: Iterable[str]) -> Table:
    """Scores at the end of training: rows are outcomes, columns arms; the mean over seeds and a dot for each seed."""
    arms = [arm for arm in material.arms if material.runs_of(arm, scale)]
    columns = (Column("outcome"), *(Column(arm, numeric=True) for arm in arms))
    units = {finding.outcome: finding.unit for finding in material.findings}
    scored = [outcome for outcome in outcomes if not is_judged(outcome)]
    rows = [_score_row(material, scale, outcome, units.get(outcome), arms) for outcome in scored]
    return Table(columns, tuple(rows), caption=f"Scores at {scale} scale", sortable=False)


def unit_of(outcome: str) -> str:
    """The unit that an outcome's name implies."""
    return UNITS.get(family_of(outcome), "accuracy")


def _score_row(material: Material, scale: str, outcome: str, unit: str | None, arms: list[str]) -> tuple[Cell, ...]:
    unit = unit or unit_of(outcome)
    by_arm = {arm: seed_scores(material, arm, scale, outcome) for arm in arms}
    every = [value for values in by_arm.values() for value in values]
    cells = []
    for arm in arms:
        values = by_arm[arm]
        if not values:
            cells.append(cell("not measured", style="quiet"))
            continue
        mean = mean_score(material, arm, scale, outcome)
        seeds = ", ".join(numbers.level(value, unit) for value in values)
        shown = numbers.level(mean, unit) if mean is not None else "by seed"
        dots = strip(values, mean, min(every), max(every), f"{arm}: {seeds}")
        figure = element(
            "span", escape(shown if mean is not None else seeds), class_="mean" if mean is not None else "quiet"
        )
        cells.append(cell(f"{shown} ({seeds})", markup=figure + dots))
    return (outcome_cell(outcome, unit), *cells)


def seed_scores(material: Material, arm: str, scale: str, outcome: str) -> list[float]:
    """An arm's scores at the end of its last phase, by seed."""
    runs = [run[-1].place.run.id for run in material.runs_of(arm, scale)]
    return [material.scores[run][outcome].score for run in runs if outcome in material.scores.get(run, {})]


def mean_score(material: Material, arm: str, scale: str, outcome: str) -> float | None:
    """An arm's mean over seeds as the findings give it; None where no contrast has the arm and the outcome."""
    for finding in material.findings:
        if (finding.scale, finding.outcome) == (scale, outcome):
            if finding.arm == arm:
                return finding.arm_mean
            if finding.control == arm:
                return finding.control_mean
    return None


def ledger_table(rows: Sequence[LedgerEntry], scale: str) -> Table:
    """Planned and realised tokens by arm, phase and source; seeds that agree in every number share a row."""
    grouped: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        if row.scale == scale:
            key = (row.arm, row.index, row.phase, row.mixture, row.source, row.partition, row.weight)
            figures = (row.planned_tokens, row.realised_tokens, row.unique_tokens, row.epochs)
            grouped.setdefault((*key, *figures), []).append(row.seed)
    columns = (
        Column("arm"),
        Column("phase"),
        Column("mixture"),
        Column("source"),
        Column("part"),
        Column("share asked", numeric=True),
        Column("tokens planned", numeric=True),
        Column("tokens realised", numeric=True),
        Column("unique tokens", numeric=True),
        Column("epochs so far", numeric=True, note="how often the part has been gone through by the end of the phase"),
        Column("seeds"),
    )
    written = tuple(_ledger_row(key, seeds) for key, seeds in grouped.items())
    return Table(columns, written, caption=f"Ledger at {scale} scale")


def _ledger_row(key: tuple[object, ...], seeds: list[int]) -> tuple[Cell, ...]:
    arm, index, phase, mixture, source, part, weight, planned, realised, unique, epochs = key
    agree = planned == realised
    return (
        cell(arm),
        cell(phase, sort=float(index)),  # type: ignore[arg-type]
        cell(mixture),
        cell(source),
        cell(part),
        cell(numbers.percent(weight), sort=weight),  # type: ignore[arg-type]
        cell(numbers.count(planned), sort=planned),  # type: ignore[arg-type]
        cell(numbers.count(realised), sort=realised, style=None if agree else "alarm"),  # type: ignore[arg-type]
        cell(numbers.count(unique), sort=unique),  # type: ignore[arg-type]
        cell(numbers.epochs(epochs), sort=epochs),  # type: ignore[arg-type]
        cell(", ".join(str(seed) for seed in seeds)),
    )


def differences_table(material: Material, group: Comparison) -> Table:
    """What the chains of a contrast's arms differ in, as resolved."""
    changes = chain_changes(material.study, group.arm, group.control)
    columns = (Column("where"), Column(group.arm), Column(group.control))
    rows = tuple((cell(c.where), cell(c.arm), cell(c.control)) for c in changes)
    return Table(columns, rows, caption=f"{group.arm} and {group.control} differ in", sortable=False)


def baselines_table(material: Material, scale: str, outcomes: Iterable[str]) -> Table:
    """Tasks of choices at one scale: guessing, the commonest answer, every arm, and whether the task can tell."""
    described = material.outcomes.get(scale, {})
    tasks = [outcome for outcome in outcomes if outcome in described and described[outcome].arms]
    arms = [arm for arm in material.arms if material.runs_of(arm, scale)]
    columns = (
        Column("task"),
        Column("chance", numeric=True, note="accuracy of guessing"),
        Column("commonest answer", numeric=True, note="accuracy of always giving the commonest answer"),
        *(Column(arm, numeric=True, note="accuracy over all seeds") for arm in arms),
        Column("can it tell?"),
    )
    tested = {f.outcome for f in material.findings if f.scale == scale and not without_signal(f)}
    rows = tuple(_baseline_row(outcome, described[outcome], arms, outcome in tested) for outcome in tasks)
    return Table(columns, rows, caption=f"Tasks and chance at {scale} scale")


def _baseline_row(outcome: str, entry: OutcomeEntry, arms: list[str], tested: bool) -> tuple[Cell, ...]:
    given = [entry.chance, entry.majority, *(entry.arms[arm].accuracy if arm in entry.arms else None for arm in arms)]
    return (
        outcome_cell(outcome, entry.unit),
        *(_optional(value, lambda share: numbers.level(share, entry.unit)) for value in given),
        cell(_can_tell(entry, tested), style=None if entry.status == "used" and not entry.left_out else "alarm"),
    )


def _can_tell(entry: OutcomeEntry, tested: bool) -> str:
    """What a task is used for; `tested`: whether any comparison is tested on it."""
    if entry.status != "used" and not tested:
        return f"no: {entry.reason or entry.status}"
    parts = [entry.reason] if entry.reason else []
    for status in NO_SIGNAL:
        if named := [contrast for contrast, why in entry.left_out.items() if why == status]:
            parts.append(f"not tested, {status}: {', '.join(named)}")
    if entry.status != "used":
        parts.append("not in the mean")
    first = "yes" if entry.status == "used" and not entry.left_out else "in part"
    return "; ".join([first, *parts])
