"""`titrant check` and `titrant plan`: what would be done, why, and what it would cost. Nothing is started."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from titrant.cli.opened import make_console, open_plan, open_plan_and_store
from titrant.cli.reasons import with_study_keys
from titrant.errors import StoreError
from titrant.execute.explain import Explainer
from titrant.execute.machine import Speed, default_workers, training_speed, visible_gpus
from titrant.execute.runner import critical_paths, survey
from titrant.execute.store import Standing, Store
from titrant.plan import Job, Plan
from titrant.study.units import show_count, show_seconds

MOST_LINES = 80
"""Plans of more jobs show seeds folded into one line."""


@dataclass(frozen=True)
class Estimate:
    """How long jobs take on this machine. `speed` is None where it is not known yet."""

    speed: Speed | None
    workers: int
    training_workers: int

    def seconds(self, flops: float) -> float | None:
        """Seconds of one worker."""
        return flops / self.speed.flops_per_second if self.speed else None

    def total_seconds(self, plan: Plan, missing: Mapping[str, Job]) -> float | None:
        """Seconds until all missing jobs are done: all work shared out, or the longest chain if that is longer."""
        costs = {id_: job.flops for id_, job in missing.items()}
        longest = max(critical_paths(plan, costs).values(), default=0.0)
        return self.seconds(max(sum(costs.values()) / self.training_workers, longest))


@dataclass
class Line:
    """One line of the plan: a job, or the jobs of several seeds."""

    name: str
    reason: str
    fingerprint: str
    jobs: list[Job] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name, with the seeds of a folded line in braces."""
        if not self.seeds:
            return self.name
        return f"{self.name}#{self.seeds[0]}" if len(self.seeds) == 1 else f"{self.name}#{{{','.join(self.seeds)}}}"


def check_study(named: str) -> None:
    """Run the three rings of checks and say what was checked."""
    opened = open_plan(named)
    study, plan = opened.plan.study, opened.plan
    console = make_console()
    console.print(f"{opened.loaded.file}: study '{study.study}' is in order")
    console.print(f"  shape    every key is known, every value has its type ({len(opened.loaded.lines)} values)")
    console.print(
        f"  meaning  {len(study.sources)} sources, {len(study.mixtures)} mixtures, {len(study.arms)} arms, "
        f"{len(study.contrasts)} contrasts, {len(study.scales)} scales, {len(study.seeds)} seeds agree with each other"
    )
    console.print("  world    every file that the study points at exists and is pinned by its content")
    console.print(
        f"It comes to {len(plan.runs)} runs in {len(plan.jobs)} jobs. Nothing was started; whether the sources hold "
        "enough tokens is checked by the ledger, before anything trains."
    )


def show_plan(named: str, root: Path, json_file: Path | None) -> None:
    """Print the plan; with `json_file`, write all of it there too (only there if it is standard output)."""
    opened, store = open_plan_and_store(named, root)
    plan = opened.plan
    standings = survey(plan, store, hashes=False)
    explainer = Explainer(plan, store, standings)
    reasons = {id_: with_study_keys(explainer.reason(job)) for id_, job in plan.jobs.items()}
    estimate = make_estimate(store)
    if json_file is not None:
        _write(json_file, plan_as_data(plan, store, standings, reasons, estimate))
        if str(json_file) == "-":
            return
    _print_plan(plan, standings, reasons, estimate)


def make_estimate(store: Store) -> Estimate:
    """How fast this machine would train."""
    workers = default_workers()
    return Estimate(training_speed(store), workers, max(1, min(workers, len(visible_gpus()) or workers)))


def plan_as_data(
    plan: Plan, store: Store, standings: Mapping[str, Standing], reasons: Mapping[str, str], estimate: Estimate
) -> dict[str, object]:
    """The whole plan as plain data."""
    missing = {id_: job for id_, job in plan.jobs.items() if standings[id_].state != "finished"}
    speed = estimate.speed
    return {
        "study": plan.study.canonical(),
        "store": str(store.root),
        "workers": estimate.workers,
        "speed": {"flops_per_second": speed.flops_per_second, "source": speed.source} if speed else None,
        "totals": {
            "jobs": len(plan.jobs),
            "jobs_missing": len(missing),
            "runs": len(plan.runs),
            "tokens_trained": plan.tokens_trained,
            "tokens_unshared": plan.tokens_unshared,
            "tokens_missing": sum(job.tokens for job in missing.values()),
            "flops": sum(job.flops for job in plan.jobs.values()),
            "flops_missing": sum(job.flops for job in missing.values()),
            "seconds_missing": estimate.total_seconds(plan, missing),
        },
        "runs": {run: list(chain) for run, (_, chain) in plan.runs.items()},
        "jobs": [
            {
                "id": job.id,
                "kind": job.kind,
                "name": job.name,
                "fingerprint": job.fingerprint,
                "state": standings[id_].state,
                "reason": reasons[id_],
                "inputs": dict(job.inputs),
                "after": list(job.after),
                "tokens": job.tokens,
                "flops": job.flops,
                "seconds": estimate.seconds(job.flops),
                "runs": list(job.runs),
            }
            for id_, job in plan.jobs.items()
        ],
    }


def fold(jobs: list[Job], reasons: Mapping[str, str], *, seeds: bool) -> list[Line]:
    """Lines of one kind of jobs, in the plan's order; with `seeds`, those that differ in the seed alone are one."""
    lines: dict[tuple[str, str], Line] = {}
    for job in jobs:
        match = re.fullmatch(r"(.+)#(\d+)", job.name) if seeds else None
        name, seed = (match[1], match[2]) if match else (job.name, "")
        reason = _without_ids(reasons[job.id]) if seeds else reasons[job.id]
        key = (name, reason) if match else (job.id, "")
        line = lines.setdefault(key, Line(name, reason, job.fingerprint[:8]))
        line.jobs.append(job)
        if seed:
            line.seeds.append(seed)
    return list(lines.values())


def _without_ids(reason: str) -> str:
    return re.sub(r"#\d+-[0-9a-f]{12}", "", reason)


def _print_plan(plan: Plan, standings: Mapping[str, Standing], reasons: Mapping[str, str], estimate: Estimate) -> None:
    from rich.table import Table

    console = make_console()
    study = plan.study
    console.print(f"{study.study}: {study.question}")
    kinds = list(dict.fromkeys(job.kind for job in plan.jobs.values()))
    table = Table(box=None, show_header=True, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("job", "why", "fingerprint"):
        table.add_column(heading, overflow="fold")
    for heading in ("tokens", "FLOPs", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for kind in kinds:
        jobs = [job for job in plan.jobs.values() if job.kind == kind]
        table.add_row(f"{kind} ({len(jobs)})", style="bold")
        for line in fold(jobs, reasons, seeds=len(plan.jobs) > MOST_LINES):
            table.add_row(f"  {line.title}", line.reason, line.fingerprint, *_amounts(line, estimate))
    console.print(table)
    _print_totals(plan, {i: j for i, j in plan.jobs.items() if standings[i].state != "finished"}, estimate)
    console.print("\nThe study in full:\n", style="bold")
    # never wrapped: what is printed can be saved as a study
    sys.stdout.write(study_as_yaml(plan))


def _amounts(line: Line, estimate: Estimate) -> tuple[str, str, str]:
    tokens, flops = sum(job.tokens for job in line.jobs), sum(job.flops for job in line.jobs)
    if line.reason == "finished" or not flops:
        return (show_count(tokens) if tokens else "", f"{flops:.2g}" if flops else "", "")
    seconds = estimate.seconds(flops)
    return (show_count(tokens) if tokens else "", f"{flops:.2g}", show_seconds(seconds) if seconds is not None else "?")


def _print_totals(plan: Plan, missing: Mapping[str, Job], estimate: Estimate) -> None:
    console = make_console()
    flops = sum(job.flops for job in missing.values())
    console.print(
        f"\nto do: {len(missing)} of {len(plan.jobs)} jobs for {len(plan.runs)} runs, "
        f"{show_count(sum(job.tokens for job in missing.values()))} tokens, {flops:.3g} FLOPs"
    )
    seconds = estimate.total_seconds(plan, missing)
    if seconds is None or estimate.speed is None:
        console.print("time: not known; a first train job on this machine's GPU will tell")
    else:
        console.print(
            f"time: about {show_seconds(seconds)} with {estimate.training_workers} at once, at "
            f"{show_count(estimate.speed.flops_per_second)}FLOP/s each ({estimate.speed.source}); "
            "reading and encoding documents not counted"
        )
    trained, unshared = plan.tokens_trained, plan.tokens_unshared
    saving = f", {1 - trained / unshared:.0%} saved" if unshared > trained else ""
    console.print(
        f"trained in all: {show_count(trained)} tokens, against {show_count(unshared)} if nothing were shared{saving}"
    )


def study_as_yaml(plan: Plan) -> str:
    """The resolved study: pinned, sweeps written out, every default filled in."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(plan.study.canonical(), Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return str(text)


def _write(json_file: Path, content: dict[str, object]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if str(json_file) == "-":
        sys.stdout.write(text)
        return
    try:
        json_file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{json_file} cannot be written: {error.strerror}") from None
