"""The learning-rate probe: what one contrast shows at several learning rates, and whether it is the same everywhere.

At each rate the two arms are compared as in every contrast (paired by seed and item, tasks judged by their own two
arms). Rules:
- All outcomes at all rates are one family, corrected by Holm on its own: the study's findings keep their correction,
  and at the study's own rate a verdict of this family may differ from theirs.
- A verdict *holds* if it is the study's at every rate. It *turns* if, the study's own verdict counted, there is
  `better` at one rate and `worse` at another, or `equivalent` at one and at another a `better` or `worse` that is not
  smaller than the margin (one that is says nothing against equivalence). `not resolved` turns nothing: it may be noise.
  What turns is flagged in the study's own finding.
- `change` is the difference at a rate minus that at the study's rate, paired by seed and item, with its own interval,
  which is not corrected: verdicts may differ where differences do not.
- Runs at another rate are held against the study's own for all but the rate (`comparability`), each arm against itself:
  what differs is flagged at that rate, for the probe, and in the study's findings that turn.
- The best rate of an arm is the one whose mean over seeds is lowest, by the final training loss and by the plain mean
  of bits per byte. It is flagged where it is an end of the range, and where the two arms have different ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Literal

import numpy as np

from titrant.analyze.comparability import flags_of
from titrant.analyze.components import Components, mean_of, variance_components
from titrant.analyze.judge import Detail, Finding, judge
from titrant.analyze.measure import Measured, measure_mean
from titrant.analyze.paired import is_rate, kind_of
from titrant.analyze.reference import half_width
from titrant.analyze.rung import (
    Rung,
    comparability_of,
    documents_of,
    folder_of,
    measured_at,
    members_of,
    read_rung,
    viability_of,
)
from titrant.analyze.verdict import Verdict
from titrant.artifacts import Checkpoint, Scores
from titrant.jobs import FindingsJob, PlannedContrast, PlannedProbe, Run

DEPENDS = "depends on the learning rate"
"""The flag of a finding whose verdict turns."""

NOT_ALONE = "learning rates compared between runs that differ otherwise too"
"""The flag beside it where that is so: what turned the verdict may be another thing."""

UNLIKE = " x against the study's own runs: "
"""Stands in each flag that says what differs between a rate and the study's beside the rate."""

GENERATED = ("code", "judge")
"""Kinds of outcomes that are not asked for at other rates: texts are drawn from the study's own runs alone."""

Stands = Literal["holds", "turns", "not at every rate"]
Claim = tuple[Verdict, float]
"""A verdict, and the size of its difference in margins."""


@dataclass(frozen=True)
class AtRate:
    """One outcome at one rate."""

    factor: float
    arm_mean: float
    control_mean: float
    difference: float
    interval: tuple[float, float]
    p_raw: float | None
    p_adjusted: float | None
    """Corrected for all outcomes at all rates of the probe."""
    verdict: Verdict
    flags: tuple[str, ...]
    change: float | None
    """Difference here minus difference at the study's rate; null at that rate."""
    change_interval: tuple[float, float] | None
    """Of the change alone, at level 1 - alpha."""


@dataclass(frozen=True)
class ProbedOutcome:
    """One outcome at all rates."""

    outcome: str
    unit: str
    better_is: Literal["lower", "higher"]
    margin: float
    study_verdict: Verdict
    """Of the study's finding, corrected with all findings of the scale."""
    stands: Stands
    rates: tuple[AtRate, ...]


@dataclass(frozen=True)
class ProbedArm:
    """How well one arm trained at one rate: means over seeds."""

    final_loss: float
    """Nats a token, over the last tenth of the last phase."""
    bits_per_byte: float | None
    """Plain mean over the sources that are scored; null if none is."""
    runs: tuple[str, ...]


@dataclass(frozen=True)
class ProbedRate:
    """One rate, and how the two arms trained at it."""

    factor: float
    learning_rate: float
    scale: str
    arm: ProbedArm
    control: ProbedArm


@dataclass(frozen=True)
class Best:
    """The factors at which one arm is lowest."""

    final_loss: float
    bits_per_byte: float | None


@dataclass(frozen=True)
class ProbeFound:
    """All that the probe shows: the entry `learning_rate_probe` of `findings.json`."""

    contrast: str
    arm: str
    control: str
    scale: str
    family: int
    """Number of comparisons that the correction is over."""
    seeds: tuple[int, ...]
    rates: tuple[ProbedRate, ...]
    outcomes: tuple[ProbedOutcome, ...]
    best_arm: Best
    best_control: Best
    flags: tuple[str, ...]
    """Reasons to doubt the study's rate, and what differs between runs at several rates beside the rate."""


def find_probe(
    job: FindingsJob,
    probe: PlannedProbe,
    inputs: Mapping[str, Path],
    measured: Sequence[Measured],
    judged: Sequence[tuple[Finding, Detail]],
) -> ProbeFound:
    """What the probe shows. `measured` and `judged` are the study's own at the probe's scale: a mean is over the same
    outcomes here as there. Raises StoreError for a missing run, outcome or item, each by name."""
    own = {finding.outcome: finding for finding, _ in judged if _is_of(finding, probe)}
    asked = tuple(outcome for outcome in job.outcomes if outcome in own and kind_of(outcome) not in GENERATED)
    seeds = tuple(sorted({run.seed for run in job.runs if run.scale == probe.scale}))
    pairs = _pairs(job, probe, asked)
    by_rate = job.model_copy(update={"contrasts": pairs, "outcomes": asked})
    runs = {
        (f"{arm}@{rate.scale}", seed): Run(arm=arm, scale=rate.scale, seed=seed)
        for rate in probe.rates
        for arm in (probe.arm, probe.control)
        for seed in seeds
    }
    rung = read_rung(by_rate, probe.scale, runs, inputs)
    viability = viability_of(rung, by_rate)
    statuses = {one.outcome: one.status for one in measured}
    again = {
        outcome: replace(measured_at(rung, outcome, viability, by_rate), status=statuses[outcome]) for outcome in asked
    }
    means = {
        name: [member.outcome for member in members]
        for name, members in members_of(list(measured)).items()
        if name in own and all(member.outcome in again for member in members)
    }
    documents = documents_of(job)
    everything = [*again.values(), *(_mean(name, means[name], again, documents) for name in means)]
    unlike = _unlike(rung, probe)
    comparability = {
        pair: (*flags, *unlike[rate.scale])
        for rate, (pair, flags) in zip(probe.rates, comparability_of(rung, by_rate).items(), strict=True)
    }
    findings = judge(
        everything, scale=probe.scale, seeds=seeds, alpha=job.statistics.alpha, comparability=comparability
    )
    outcomes = []
    for place, one in enumerate(everything):
        at_rates = findings[place * len(pairs) : (place + 1) * len(pairs)]
        changes = _changes(rung, pairs, probe, means.get(one.outcome, [one.outcome]), documents)
        cells = _cells(probe, [finding for finding, _ in at_rates], changes, half_width(changes, job.statistics.alpha))
        outcomes.append(_outcome(own[one.outcome], cells))
    rates = _rates(job, probe, inputs, seeds)
    best = [_best([(rate.factor, getattr(rate, side)) for rate in rates]) for side in ("arm", "control")]
    return ProbeFound(
        contrast=f"{probe.arm} vs {probe.control}",
        arm=probe.arm,
        control=probe.control,
        scale=probe.scale,
        family=findings[0][1].family if findings else 0,
        seeds=seeds,
        rates=rates,
        outcomes=tuple(outcomes),
        best_arm=best[0],
        best_control=best[1],
        flags=(*_doubts(probe, *best), *(flag for flags in unlike.values() for flag in flags)),
    )


def with_turns(judged: Sequence[tuple[Finding, Detail]], probed: ProbeFound) -> list[tuple[Finding, Detail]]:
    """The study's findings, those whose verdict turns with the learning rate flagged."""
    turned = {one.outcome for one in probed.outcomes if one.stands == "turns"}
    more = (DEPENDS, NOT_ALONE) if any(UNLIKE in flag for flag in probed.flags) else (DEPENDS,)
    return [
        (
            replace(finding, flags=(*finding.flags, *more))
            if finding.outcome in turned and finding.contrast == probed.contrast
            else finding,
            detail,
        )
        for finding, detail in judged
    ]


def stands(study: Claim, at_rates: Sequence[Claim]) -> Stands:
    """Whether a verdict is the same at every rate.

    >>> stands(("better", 2.0), [("better", 2.0), ("not resolved", 0.3)])
    'not at every rate'
    >>> stands(("better", 2.0), [("better", 2.0), ("equivalent", 0.1)])
    'turns'
    """
    verdicts = {study[0], *(verdict for verdict, _ in at_rates)}
    if len(verdicts) == 1:
        return "holds"
    large = any(verdict in ("better", "worse") and size >= 1 for verdict, size in (study, *at_rates))
    return "turns" if {"better", "worse"} <= verdicts or ("equivalent" in verdicts and large) else "not at every rate"


def _is_of(finding: Finding, probe: PlannedProbe) -> bool:
    return (finding.arm, finding.control) == (probe.arm, probe.control)


def _pairs(job: FindingsJob, probe: PlannedProbe, asked: tuple[str, ...]) -> tuple[PlannedContrast, ...]:
    """The contrast once a rate, its arms named `arm@scale`."""
    declared = next(c for c in job.contrasts if (c.arm, c.control) == (probe.arm, probe.control))
    return tuple(
        declared.model_copy(
            update={
                "arm": f"{probe.arm}@{rate.scale}",
                "control": f"{probe.control}@{rate.scale}",
                "outcomes": asked,
            }
        )
        for rate in probe.rates
    )


def _unlike(rung: Rung, probe: PlannedProbe) -> dict[str, tuple[str, ...]]:
    """By scale, flags for what differs between the runs at its rate and the study's own beside the rate."""

    def against_own(arm: str, scale: str) -> tuple[str, ...]:
        there, own = (
            [rung.facts[rung.runs[f"{arm}@{name}", seed].id] for seed in rung.seeds] for name in (scale, probe.scale)
        )
        return flags_of(there, own)

    found: dict[str, tuple[str, ...]] = {probe.scale: ()}
    for rate in probe.rates:
        if rate.scale == probe.scale:
            continue
        by_arm = {arm: against_own(arm, rate.scale) for arm in (probe.arm, probe.control)}
        shared = set.intersection(*map(set, by_arm.values()))
        words = [f"{rate.factor:g}{UNLIKE}{flag}" for flag in sorted(shared)]
        for arm, flags in by_arm.items():
            words += [f"{arm} at {rate.factor:g}{UNLIKE}{flag}" for flag in flags if flag not in shared]
        found[rate.scale] = tuple(words)
    return found


def _mean(
    name: str, members: Sequence[str], measured: Mapping[str, Measured], documents: Mapping[str, str]
) -> Measured:
    return measure_mean(name, [measured[outcome] for outcome in members], documents)


def _changes(
    rung: Rung,
    pairs: Sequence[PlannedContrast],
    probe: PlannedProbe,
    outcomes: Sequence[str],
    documents: Mapping[str, str],
) -> Components:
    """[rates]: by how much the difference on an outcome, or the plain mean over several, is another than at the study's
    own rate; 0 at that rate."""
    own = next(place for place, rate in enumerate(probe.rates) if rate.scale == probe.scale)
    parts = []
    for outcome in outcomes:
        panel = rung.panels[outcome]
        difference_RSI = np.array([panel.difference(pair.arm, pair.control) for pair in pairs])
        change_RSI = difference_RSI - difference_RSI[own]
        parts.append(variance_components(change_RSI, panel.weight, binary=is_rate(outcome)))
    if len(parts) == 1:
        return parts[0]
    return mean_of(parts, [documents.get(outcome, outcome) for outcome in outcomes])


def _cells(
    probe: PlannedProbe, findings: Sequence[Finding], changes: Components, width_R: object
) -> tuple[AtRate, ...]:
    widths = np.asarray(width_R)
    cells = []
    for place, (rate, finding) in enumerate(zip(probe.rates, findings, strict=True)):
        change, width = float(changes.difference[place]), float(widths[place])
        is_own = rate.scale == probe.scale
        cells.append(
            AtRate(
                factor=rate.factor,
                arm_mean=finding.arm_mean,
                control_mean=finding.control_mean,
                difference=finding.difference,
                interval=finding.interval,
                p_raw=finding.p_raw,
                p_adjusted=finding.p_adjusted,
                verdict=finding.verdict,
                flags=finding.flags,
                change=None if is_own else change,
                change_interval=None if is_own else (change - width, change + width),
            )
        )
    return tuple(cells)


def _outcome(own: Finding, cells: tuple[AtRate, ...]) -> ProbedOutcome:
    return ProbedOutcome(
        outcome=own.outcome,
        unit=own.unit,
        better_is=own.better_is,
        margin=own.margin,
        study_verdict=own.verdict,
        stands=stands(
            (own.verdict, abs(own.difference) / own.margin),
            [(cell.verdict, abs(cell.difference) / own.margin) for cell in cells],
        ),
        rates=cells,
    )


def _rates(
    job: FindingsJob, probe: PlannedProbe, inputs: Mapping[str, Path], seeds: Sequence[int]
) -> tuple[ProbedRate, ...]:
    sources = [outcome for outcome in job.outcomes if outcome.startswith("bits_per_byte/")]

    def trained(arm: str, scale: str) -> ProbedArm:
        runs = tuple(Run(arm=arm, scale=scale, seed=seed).id for seed in seeds)
        losses = [Checkpoint.read(folder_of(inputs, f"train/{run}")).final_loss for run in runs]
        scores = [Scores.read(folder_of(inputs, f"evaluate/{run}")).scores for run in runs]
        bits = [score[source] for score in scores for source in sources]
        return ProbedArm(float(np.mean(losses)), float(np.mean(bits)) if bits else None, runs)

    return tuple(
        ProbedRate(
            factor=rate.factor,
            learning_rate=rate.learning_rate,
            scale=rate.scale,
            arm=trained(probe.arm, rate.scale),
            control=trained(probe.control, rate.scale),
        )
        for rate in probe.rates
    )


def _best(at_rates: Sequence[tuple[float, ProbedArm]]) -> Best:
    """Of equal rates the one nearest to the study's."""
    by_loss = min(at_rates, key=lambda one: (one[1].final_loss, abs(log(one[0]))))
    scored = [(factor, arm.bits_per_byte) for factor, arm in at_rates if arm.bits_per_byte is not None]
    by_bits = min(scored, key=lambda one: (one[1], abs(log(one[0]))))[0] if scored else None
    return Best(final_loss=by_loss[0], bits_per_byte=by_bits)


def _doubts(probe: PlannedProbe, arm: Best, control: Best) -> Iterable[str]:
    ends = {probe.rates[0].factor: "lowest", probe.rates[-1].factor: "highest"}
    for measure, mine, theirs in (
        ("final training loss", arm.final_loss, control.final_loss),
        ("bits per byte", arm.bits_per_byte, control.bits_per_byte),
    ):
        if mine is None or theirs is None:
            continue
        for name, factor in ((probe.arm, mine), (probe.control, theirs)):
            if factor in ends:
                yield f"{name} has its lowest {measure} at the {ends[factor]} rate probed ({factor:g} x)"
        if mine != theirs:
            yield f"lowest {measure} at different rates: {probe.arm} {mine:g} x, {probe.control} {theirs:g} x"
