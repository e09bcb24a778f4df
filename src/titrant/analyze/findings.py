"""The stage that turns the scores of all runs into `findings.json`.

Every (arm, seed) of a scale must hold every outcome on the same items, or the stage says which cell is missing. The
file holds `findings`, `details` (how each came about), `scores` by run, `outcomes` by scale, the `rule` by which tasks
enter means, `companions` (measures beside accuracy), what was `judged` and how the `win_rate` is defined, what became
of `programs`, and, if the study has one, `learning_rate_probe`. Keys are sorted, figures are rounded to ten significant
digits so that no library's order of summation shows, null stands for what cannot be had; bytes depend on the job and
its inputs alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from titrant.analyze.companions import Companion, companions_of
from titrant.analyze.components import variance_components
from titrant.analyze.flagged import beside, without
from titrant.analyze.judge import Detail, Finding, judge
from titrant.analyze.judged import DEFINITION
from titrant.analyze.measure import Measured, mean_name, measure_mean
from titrant.analyze.opinions import Opinion, judged_at
from titrant.analyze.paired import Panel, asked_of, kind_of
from titrant.analyze.rate_probe import ProbeFound, find_probe, with_turns
from titrant.analyze.rung import (
    Rung,
    comparability_of,
    documents_of,
    measured_at,
    members_of,
    read_rung,
    viability_of,
)
from titrant.analyze.signal import RULE, signal_of
from titrant.analyze.verdict import VERDICTS
from titrant.analyze.viability import Viability
from titrant.artifacts import FindingsFile
from titrant.jobs import FindingsJob, Progress


def find_findings(
    job: FindingsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> FindingsFile:
    """Write `findings.json`. Raises StoreError for a missing run, outcome or item, each by name."""
    rungs = _in_order([_rung_of(job, scale, inputs) for scale in dict.fromkeys(r.scale for r in job.runs)])
    findings: list[tuple[Finding, Detail]] = []
    scores: dict[str, Any] = {}
    outcomes: dict[str, Any] = {}
    probed: ProbeFound | None = None
    beside_scores: list[Companion] = []
    opinions: list[Opinion] = []
    done, total = 0, len(rungs) * len(job.outcomes)
    for rung in rungs:
        viability = viability_of(rung, job)
        measured: list[Measured] = []
        by_judges = judged_at(rung, job, inputs)
        opinions += by_judges.opinions
        for outcome in job.outcomes:
            measured.append(by_judges.measured.get(outcome) or measured_at(rung, outcome, viability, job))
            done += 1
            progress(done, total, "outcomes", f"{rung.scale} {outcome}")
        means = {name: measure_mean(name, members, documents_of(job)) for name, members in members_of(measured).items()}
        judged = judge(
            [*measured, *means.values()],
            scale=rung.scale,
            seeds=rung.seeds,
            alpha=job.statistics.alpha,
            comparability=comparability_of(rung, job),
        )
        if job.learning_rate_probe is not None and rung.scale == job.learning_rate_probe.scale:
            probed = find_probe(job, job.learning_rate_probe, inputs, measured, judged)
            judged = with_turns(judged, probed)
        counts = _counts(rung, measured, by_judges.items)
        clean = _without_flagged(rung, measured, job, inputs) if counts else []
        findings += beside(judged, clean, counts) if counts else judged
        outcomes[rung.scale] = _describe_outcomes(rung, viability, measured, means, counts)
        scores |= _describe_scores(rung, members_of(measured), documents_of(job))
        beside_scores += companions_of(_asked(rung, job), job.contrasts, scale=rung.scale, alpha=job.statistics.alpha)
    content: dict[str, Any] = {
        "findings": [asdict(finding) for finding, _ in findings],
        "details": [asdict(detail) for _, detail in findings],
        "scores": scores,
        "outcomes": outcomes,
        "rule": RULE,
        "companions": [asdict(companion) for companion in beside_scores],
        "win_rate": DEFINITION if opinions else "",
        "judged": [asdict(opinion) for opinion in opinions],
        "programs": [asdict(one) for rung in rungs for run in rung.programs.values() for one in run],
    }
    if probed is not None:
        content["learning_rate_probe"] = asdict(probed)
    text = json.dumps(_plain(content), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    (out / "findings.json").write_text(text + "\n", encoding="utf-8")
    verdicts = Counter(finding.verdict for finding, _ in findings)
    return FindingsFile(findings=len(findings), verdicts={verdict: verdicts[verdict] for verdict in VERDICTS})


def _asked(rung: Rung, job: FindingsJob) -> dict[str, Panel]:
    """Outcomes whose items may have measures beside the score."""
    return {
        outcome: rung.panels[outcome] for outcome in job.outcomes if kind_of(outcome) in ("choice", "probe", "task")
    }


def _without_flagged(
    rung: Rung, measured: list[Measured], job: FindingsJob, inputs: Mapping[str, Path]
) -> list[tuple[Finding, Detail]]:
    """All findings of a scale as they are without the items that its data hold.

    An outcome with too few items left has no finding. A mean is over the outcomes that it is over with all items, or
    it has none: one that has too few items left, or is out of the means without the others, takes the mean with it.
    """
    panels = {
        outcome: without(panel, rung.flagged) for outcome, panel in rung.panels.items() if _flagged(rung, outcome)
    }
    left = {outcome: panel for outcome, panel in panels.items() if panel is not None}
    # a score that guessing says nothing of has no chance without these items either
    chance = rung.chance | {o: rung.flagged.chance(panel) for o, panel in left.items() if o in rung.chance}
    clean = replace(rung, panels={**rung.panels, **left}, chance=chance)
    viability = viability_of(clean, job)
    by_judges = judged_at(rung, job, inputs, rung.flagged.items).measured
    again = {
        m.outcome: measured_at(clean, m.outcome, viability, job) if m.outcome in left else by_judges.get(m.outcome, m)
        for m in measured
        if m.outcome in left or m.outcome not in panels
    }
    means = [
        measure_mean(name, [again[member.outcome] for member in members], documents_of(job))
        for name, members in members_of(measured).items()
        if all(member.outcome in again and again[member.outcome].used for member in members)
    ]
    return judge(
        [*again.values(), *means],
        scale=rung.scale,
        seeds=rung.seeds,
        alpha=job.statistics.alpha,
        comparability=comparability_of(rung, job),
    )


def _flagged(rung: Rung, outcome: str) -> int:
    return len(rung.flagged.items.get(asked_of(outcome), ()))


def _counts(rung: Rung, measured: list[Measured], judged: Mapping[str, frozenset[str]]) -> dict[str, tuple[int, int]]:
    """Items that are flagged and that are not, by outcome and mean that has flagged ones. `judged`: prompts of each."""
    asked = {name: len(panel.items) for name, panel in rung.panels.items()}
    asked |= {name: len(prompts) for name, prompts in judged.items()}
    counts = {name: (_flagged(rung, name), number - _flagged(rung, name)) for name, number in asked.items()}
    for mean, members in members_of(measured).items():
        flagged, left = zip(*(counts[member.outcome] for member in members), strict=True)
        counts[mean] = (sum(flagged), sum(left))
    return {outcome: count for outcome, count in counts.items() if count[0]}


def _rung_of(job: FindingsJob, scale: str, inputs: Mapping[str, Path]) -> Rung:
    return read_rung(job, scale, {(run.arm, run.seed): run for run in job.runs if run.scale == scale}, inputs)


def _in_order(rungs: list[Rung]) -> list[Rung]:
    """Smallest model first, whatever the order of the runs."""
    return sorted(rungs, key=lambda rung: (max(f.parameters for f in rung.facts.values()), rung.scale))


def _describe_outcomes(
    rung: Rung,
    viability: Mapping[str, Viability],
    measured: list[Measured],
    means: Mapping[str, Measured],
    counts: Mapping[str, tuple[int, int]],
) -> dict[str, Any]:
    described: dict[str, Any] = {}
    members = members_of(measured)
    for m in [*measured, *means.values()]:
        judged = viability.get(m.outcome)
        signal = (
            judged.signal if judged else signal_of(rung.panels[m.outcome], 0.0) if m.outcome in rung.panels else None
        )
        described[m.outcome] = {
            "unit": m.unit,
            "better_is": "lower" if m.unit == "bits per byte" else "higher",
            "margin": m.margin,
            "chance": rung.chance.get(m.outcome),
            "majority": rung.majority.get(m.outcome),
            "status": m.status,
            "reason": judged.reason if judged else "",
            "mean": mean_name(m.outcome),
            "metric": rung.metrics.get(m.outcome),
            "shortened": rung.shortened.get(m.outcome, 0),
            "signal": asdict(signal) if signal else None,
            "flagged_items": counts.get(m.outcome, (0, 0))[0],
            "arms": {arm: asdict(signal) for arm, signal in judged.arms.items()} if judged else {},
            "left_out": {
                f"{c.arm} vs {c.control}": s for c, s in zip(m.contrasts, m.statuses, strict=True) if s != "used"
            },
            "members": [member.outcome for member in members.get(m.outcome, ())],
        }
    return described


def _describe_scores(rung: Rung, means: Mapping[str, list[Measured]], documents: Mapping[str, str]) -> dict[str, Any]:
    """By run and outcome: score, number of items, standard error over items. `means`: members by name."""
    described: dict[str, Any] = {run.id: {} for run in rung.runs.values()}
    for outcome, panel in rung.panels.items():
        made = variance_components(panel.value[:, :, None, :], panel.weight)
        for (a, arm), (s, seed) in ((a, s) for a in enumerate(panel.arms) for s in enumerate(panel.seeds)):
            described[rung.runs[arm, seed].id][outcome] = {
                "score": float(made.difference[a, s]),
                "items": len(panel.items),
                "standard_error": math.sqrt(made.items_on_these_seeds[a, s]),
            }
    for by_outcome in described.values():
        for mean, members in means.items():
            parts = [by_outcome[member.outcome] for member in members]
            # as in `mean_of`: standard errors add over the same documents, variances over different ones
            errors: dict[str, float] = {}
            for member, part in zip(members, parts, strict=True):
                name = documents.get(member.outcome, member.outcome)
                errors[name] = errors.get(name, 0.0) + part["standard_error"]
            by_outcome[mean] = {
                "score": float(np.mean([part["score"] for part in parts])),
                "items": sum(part["items"] for part in parts),
                "standard_error": math.hypot(*errors.values()) / len(parts),
            }
    return described


def _plain(content: Any) -> Any:
    """Plain data with figures of ten significant digits and null for what is not finite."""
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    if isinstance(content, bool) or not isinstance(content, (float, np.floating)):
        return content
    number = float(content)
    if not math.isfinite(number):
        return None
    # what rounding leaves of a difference of equal sums is zero on every machine
    return 0.0 if abs(number) < 1e-15 else float(f"{number:.10g}")
