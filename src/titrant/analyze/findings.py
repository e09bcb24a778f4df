"""The stage that turns the scores of all runs into `findings.json`.

Every (arm, seed) of a scale must hold every outcome on the same items, or the stage says which cell is missing. The
file holds `findings`, `details` (how each came about), `scores` by run, and `outcomes` by scale. Keys are sorted,
figures are rounded to ten significant digits so that no library's order of summation shows, null stands for what
cannot be had; bytes depend on the job and its inputs alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from titrant.analyze.comparability import RunFacts, flags_of, read_facts
from titrant.analyze.components import variance_components
from titrant.analyze.flagged import Flagged, Part, beside, read_flagged, without
from titrant.analyze.judge import Detail, Finding, judge
from titrant.analyze.measure import GROUPS, Measured, measure, measure_mean
from titrant.analyze.paired import ItemTable, Panel, lay_side_by_side, read_items, unit_of
from titrant.analyze.verdict import VERDICTS
from titrant.analyze.viability import Viability, judge_contrasts, judge_task
from titrant.artifacts import Checkpoint, FindingsFile, Scores
from titrant.errors import StoreError, StudyError
from titrant.jobs import FindingsJob, Progress, Run


@dataclass(frozen=True)
class Rung:
    """All that was measured at one scale, read and laid side by side."""

    scale: str
    runs: dict[tuple[str, int], Run]
    panels: dict[str, Panel]
    facts: dict[str, RunFacts]
    """By run id."""
    chance: dict[str, float]
    majority: dict[str, float]
    flagged: Flagged
    """Items that the data of any of its runs hold."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds in ascending order, the same for every arm."""
        return tuple(sorted({seed for _, seed in self.runs}))


def find_findings(
    job: FindingsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> FindingsFile:
    """Write `findings.json`. Raises StoreError for a missing run, outcome or item, each by name."""
    rungs = _in_order([_read_rung(job, scale, inputs) for scale in dict.fromkeys(r.scale for r in job.runs)])
    findings: list[tuple[Finding, Detail]] = []
    scores: dict[str, Any] = {}
    outcomes: dict[str, Any] = {}
    done, total = 0, len(rungs) * len(job.outcomes)
    for rung in rungs:
        viability = _viability(rung, job)
        measured: list[Measured] = []
        for outcome in job.outcomes:
            measured.append(_measure(rung, outcome, viability, job))
            done += 1
            progress(done, total, "outcomes", f"{rung.scale} {outcome}")
        means = {name: measure_mean(name, members, _documents(job)) for name, members in _members(measured).items()}
        judged = judge(
            [*measured, *means.values()],
            scale=rung.scale,
            seeds=rung.seeds,
            alpha=job.statistics.alpha,
            comparability=_comparability(rung, job),
        )
        clean = _without_flagged(rung, measured, job)
        findings += beside(judged, clean, _counts(rung, measured)) if clean else judged
        outcomes[rung.scale] = _describe_outcomes(rung, viability, measured, means)
        scores |= _describe_scores(rung, _members(measured), _documents(job))
    content = {
        "findings": [asdict(finding) for finding, _ in findings],
        "details": [asdict(detail) for _, detail in findings],
        "scores": scores,
        "outcomes": outcomes,
    }
    text = json.dumps(_plain(content), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    (out / "findings.json").write_text(text + "\n", encoding="utf-8")
    counts = Counter(finding.verdict for finding, _ in findings)
    return FindingsFile(findings=len(findings), verdicts={verdict: counts[verdict] for verdict in VERDICTS})


def _without_flagged(rung: Rung, measured: list[Measured], job: FindingsJob) -> list[tuple[Finding, Detail]]:
    """All findings of a scale as they are without the items that its data hold; none if there are no such items.

    An outcome with too few items left has no finding. A mean is over the outcomes that it is over with all items, or
    it has none: one that has too few items left, or is out of the means without the others, takes the mean with it.
    """
    panels = {
        outcome: without(rung.panels[outcome], rung.flagged) for outcome in job.outcomes if _flagged(rung, outcome)
    }
    left = {outcome: panel for outcome, panel in panels.items() if panel is not None}
    if not panels:
        return []
    chance = rung.chance | {outcome: rung.flagged.chance(panel) for outcome, panel in left.items()}
    clean = replace(rung, panels={**rung.panels, **left}, chance=chance)
    viability = _viability(clean, job)
    again = {
        m.outcome: _measure(clean, m.outcome, viability, job) if m.outcome in left else m
        for m in measured
        if m.outcome in left or m.outcome not in panels
    }
    means = [
        measure_mean(name, [again[member.outcome] for member in members], _documents(job))
        for name, members in _members(measured).items()
        if all(member.outcome in again and again[member.outcome].used for member in members)
    ]
    return judge(
        [*again.values(), *means],
        scale=rung.scale,
        seeds=rung.seeds,
        alpha=job.statistics.alpha,
        comparability=_comparability(rung, job),
    )


def _flagged(rung: Rung, outcome: str) -> int:
    return len(rung.flagged.items.get(outcome, ()))


def _counts(rung: Rung, measured: list[Measured]) -> dict[str, tuple[int, int]]:
    """Items that are flagged and that are not, by outcome and mean that has flagged ones."""
    counts = {
        name: (_flagged(rung, name), len(panel.items) - _flagged(rung, name)) for name, panel in rung.panels.items()
    }
    for mean, members in _members(measured).items():
        flagged, left = zip(*(counts[member.outcome] for member in members), strict=True)
        counts[mean] = (sum(flagged), sum(left))
    return {outcome: count for outcome, count in counts.items() if count[0]}


def _read_rung(job: FindingsJob, scale: str, inputs: Mapping[str, Path]) -> Rung:
    runs: dict[tuple[str, int], Run] = {}
    for run in job.runs:
        if run.scale == scale:
            runs[run.arm, run.seed] = run
    arms = {arm for arm, _ in runs}
    for contrast in job.contrasts:
        if absent := sorted({contrast.arm, contrast.control} - arms):
            raise StudyError(
                f"the contrast '{contrast.arm}' against '{contrast.control}' names arm '{absent[0]}', which has no "
                f"run at scale '{scale}'; its arms are {', '.join(sorted(arms))}"
            )
    tables: dict[str, dict[str, ItemTable]] = {}
    facts, scores = {}, {}
    drawn: set[Part] = set()
    for run in runs.values():
        evaluate, train = (_folder(inputs, f"{kind}/{run.id}") for kind in ("evaluate", "train"))
        tables[run.id] = read_items(evaluate, run.id, job.outcomes)
        trained = (*_earlier(inputs, run.id), train)
        drawn |= {(row.source, row.partition) for folder in trained for row in Checkpoint.read(folder).ledger}
        facts[run.id] = read_facts(trained, evaluate)
        scores[run.id] = Scores.read(evaluate)
    return Rung(
        scale=scale,
        runs=runs,
        panels={outcome: lay_side_by_side(outcome, runs, tables) for outcome in job.outcomes},
        facts=facts,
        chance=_agreed("chance", {run: s.chance for run, s in scores.items()}, job.outcomes),
        majority=_agreed("majority", {run: s.majority for run, s in scores.items()}, job.outcomes),
        flagged=read_flagged(inputs, drawn),
    )


def _earlier(inputs: Mapping[str, Path], run: str) -> list[Path]:
    """Checkpoints of the phases before the last one, in order: roles `earlier/RUN/0`, `earlier/RUN/1`, ..."""
    named = {role.removeprefix(f"earlier/{run}/") for role in inputs if role.startswith(f"earlier/{run}/")}
    return [_folder(inputs, f"earlier/{run}/{index}") for index in range(len(named))]


def _folder(inputs: Mapping[str, Path], role: str) -> Path:
    if role not in inputs:
        raise StoreError(f"the findings need '{role}', which they were not given: finish that job first")
    return inputs[role]


def _agreed(what: str, by_run: Mapping[str, Mapping[str, float]], outcomes: tuple[str, ...]) -> dict[str, float]:
    """One figure an outcome of choices, which all runs must give alike."""
    agreed: dict[str, float] = {}
    for outcome in outcomes:
        if unit_of(outcome) == "bits per byte":
            continue
        for run, given in sorted(by_run.items()):
            if outcome not in given:
                raise StoreError(f"run '{run}' does not say the {what} accuracy of outcome '{outcome}'")
            if abs(agreed.setdefault(outcome, given[outcome]) - given[outcome]) > 1e-9:
                raise StoreError(
                    f"outcome '{outcome}': run '{run}' has {what} {given[outcome]:.6g}, another run "
                    f"{agreed[outcome]:.6g}; they were not scored on the same items"
                )
    return agreed


def _in_order(rungs: list[Rung]) -> list[Rung]:
    """Smallest model first, whatever the order of the runs."""
    return sorted(rungs, key=lambda rung: (max(f.parameters for f in rung.facts.values()), rung.scale))


def _viability(rung: Rung, job: FindingsJob) -> dict[str, Viability]:
    tasks = [outcome for outcome in job.outcomes if unit_of(outcome) == "accuracy"]
    by_arms = job.statistics.alpha / max(1, len(tasks) * len({arm for arm, _ in rung.runs}))
    by_contrasts = job.statistics.alpha / max(1, len(tasks) * len(job.contrasts))
    pairs = [(contrast.arm, contrast.control) for contrast in job.contrasts]
    judged: dict[str, Viability] = {}
    for task in tasks:
        panel, chance = rung.panels[task], rung.chance[task]
        whole = judge_task(panel, chance, by_arms)
        judged[task] = replace(whole, contrasts=judge_contrasts(panel, whole.arms, pairs, chance, by_contrasts))
    return judged


def _measure(rung: Rung, outcome: str, viability: Mapping[str, Viability], job: FindingsJob) -> Measured:
    return measure(
        rung.panels[outcome],
        job.contrasts,
        job.statistics,
        scale=rung.scale,
        margin=job.margins[outcome],
        chance=rung.chance.get(outcome, 0.0),
        viability=viability.get(outcome),
    )


def _members(measured: list[Measured]) -> dict[str, list[Measured]]:
    """What each mean is over, by its name and in the order of `GROUPS`: two or more used outcomes of a kind."""
    members = {
        name: [m for m in measured if m.used and m.outcome.partition("/")[0] == kind] for kind, name in GROUPS.items()
    }
    return {name: used for name, used in members.items() if len(used) > 1}


def _documents(job: FindingsJob) -> dict[str, str]:
    """For each outcome that is scored on the documents of others, the first of them."""
    return {outcome: alike[0] for alike in job.same_documents for outcome in alike}


def _comparability(rung: Rung, job: FindingsJob) -> dict[tuple[str, str], tuple[str, ...]]:
    def facts(arm: str) -> list[RunFacts]:
        return [rung.facts[rung.runs[arm, seed].id] for seed in rung.seeds]

    return {(c.arm, c.control): flags_of(facts(c.arm), facts(c.control)) for c in job.contrasts}


def _describe_outcomes(
    rung: Rung, viability: Mapping[str, Viability], measured: list[Measured], means: Mapping[str, Measured]
) -> dict[str, Any]:
    described: dict[str, Any] = {}
    counts, members = _counts(rung, measured), _members(measured)
    for m in [*measured, *means.values()]:
        judged = viability.get(m.outcome)
        described[m.outcome] = {
            "unit": m.unit,
            "better_is": "lower" if m.unit == "bits per byte" else "higher",
            "margin": m.margin,
            "chance": rung.chance.get(m.outcome),
            "majority": rung.majority.get(m.outcome),
            "status": m.status,
            "reason": judged.reason if judged else "",
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
