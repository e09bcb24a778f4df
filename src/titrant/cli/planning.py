"""`titrant check` and `titrant plan`: what would be done, why, and what it would cost. Nothing is started."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from titrant.cli.forecast import Forecast, calibrated, forecast_of, time_line
from titrant.cli.offers import offer_as_data, print_offer
from titrant.cli.opened import make_console, open_plan, open_plan_and_store
from titrant.cli.reasons import with_study_keys
from titrant.errors import StoreError
from titrant.execute.cost.accelerators import Offer, accelerator_named, offer
from titrant.execute.cost.asked import prompts_in
from titrant.execute.cost.rates import SET_PROBLEMS, problems_known
from titrant.execute.explain import Explainer
from titrant.execute.runner import survey
from titrant.execute.store import Standing, Store, trouble_to_come
from titrant.jobs import JudgeJob, SolutionsJob
from titrant.plan import Job, Plan
from titrant.study.units import show_cost, show_count, show_seconds

MOST_LINES = 80
"""Plans of more jobs show seeds folded into one line."""


@dataclass(frozen=True)
class Asked:
    """What `titrant plan` was asked beside the plan itself."""

    calibrate: bool = False
    on: str | None = None
    """Name of a GPU that need not be here."""
    count: int = 1
    hourly_price: float | None = None


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


def show_plan(named: str, root: Path, json_file: Path | None, asked: Asked = Asked()) -> None:
    """Print the plan; with `json_file`, write all of it there too (only there if it is standard output)."""
    accelerator = accelerator_named(asked.on) if asked.on is not None else None
    opened, store = open_plan_and_store(named, root)
    if trouble := trouble_to_come(root):
        make_console(stderr=True).print(f"note: {trouble}", soft_wrap=True)
    plan = opened.plan
    standings = survey(plan, store, hashes=False)
    explainer = Explainer(plan, store, standings)
    reasons = {id_: with_study_keys(explainer.reason(job)) for id_, job in plan.jobs.items()}
    missing = {id_: job for id_, job in plan.jobs.items() if standings[id_].state != "finished"}
    if asked.calibrate:
        calibrated(plan, store)
    forecast = forecast_of(plan, store)
    offered = offer(plan, store, accelerator, asked.count, missing) if accelerator is not None else None
    if json_file is not None:
        content = plan_as_data(plan, store, standings, reasons, forecast)
        if offered is not None:
            content["offer"] = offer_as_data(offered, asked.hourly_price)
        _write(json_file, content)
        if str(json_file) == "-":
            return
    _print_plan(plan, standings, reasons, forecast, asked, offered)


def plan_as_data(
    plan: Plan, store: Store, standings: Mapping[str, Standing], reasons: Mapping[str, str], forecast: Forecast
) -> dict[str, object]:
    """The whole plan as plain data."""
    missing = {id_: job for id_, job in plan.jobs.items() if standings[id_].state != "finished"}
    return {
        "study": plan.study.canonical(),
        "store": str(store.root),
        "workers": forecast.known.workers,
        "known_by": forecast.sources(missing),
        "totals": {
            "jobs": len(plan.jobs),
            "jobs_missing": len(missing),
            "runs": len(plan.runs),
            "tokens_trained": plan.tokens_trained,
            "tokens_unshared": plan.tokens_unshared,
            "tokens_missing": sum(job.tokens for job in missing.values()),
            "flops": sum(job.flops for job in plan.jobs.values()),
            "flops_missing": sum(job.flops for job in missing.values()),
            "seconds_missing": forecast.wall_seconds(plan, missing),
            "jobs_without_prediction": len(forecast.unknown(missing)),
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
                "seconds": forecast.predictions[id_].seconds,
                "known_by": forecast.predictions[id_].source,
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


def _print_plan(
    plan: Plan,
    standings: Mapping[str, Standing],
    reasons: Mapping[str, str],
    forecast: Forecast,
    asked: Asked,
    offered: Offer | None,
) -> None:
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
            table.add_row(f"  {line.title}", line.reason, line.fingerprint, *_amounts(line, forecast))
    console.print(table)
    missing = {id_: job for id_, job in plan.jobs.items() if standings[id_].state != "finished"}
    _print_totals(plan, missing, forecast, asked.hourly_price if offered is None else None)
    if offered is not None:
        print_offer(console, offered, asked.hourly_price)
    console.print("\nThe study in full:\n", style="bold")
    # never wrapped: what is printed can be saved as a study
    sys.stdout.write(study_as_yaml(plan))


def _amounts(line: Line, forecast: Forecast) -> tuple[str, str, str]:
    tokens, flops = sum(job.tokens for job in line.jobs), sum(job.flops for job in line.jobs)
    amounts = show_count(tokens) if tokens else "", f"{flops:.2g}" if flops else ""
    if line.reason == "finished":
        return (*amounts, "")
    seconds = [forecast.predictions[job.id].seconds for job in line.jobs]
    known = [one for one in seconds if one is not None]
    return (*amounts, show_seconds(sum(known)) if len(known) == len(seconds) else "?")


def _print_totals(plan: Plan, missing: Mapping[str, Job], forecast: Forecast, hourly_price: float | None) -> None:
    console = make_console()
    flops = sum(job.flops for job in missing.values())
    console.print(
        f"\nto do: {len(missing)} of {len(plan.jobs)} jobs for {len(plan.runs)} runs, "
        f"{show_count(sum(job.tokens for job in missing.values()))} tokens, {flops:.3g} FLOPs"
    )
    console.print(time_line(plan, forecast, missing, hourly_price))
    for line in (*_judging_lines(plan, missing), *_teaching_lines(plan, missing)):
        console.print(line)
    trained, unshared = plan.tokens_trained, plan.tokens_unshared
    saving = f", {1 - trained / unshared:.0%} saved" if unshared > trained else ""
    console.print(
        f"trained in all: {show_count(trained)} tokens, against {show_count(unshared)} if nothing were shared{saving}"
    )


def _judging_lines(plan: Plan, missing: Mapping[str, Job]) -> Iterator[str]:
    """What judges behind endpoints will be asked for the pairs of runs that are not judged yet, and what that costs."""
    from titrant.chat.forecast import judging_forecast

    for judging in plan.study.evaluation.judging:
        pairs = sum(
            isinstance(job.declaration, JudgeJob) and job.declaration.name == judging.name for job in missing.values()
        )
        one = judging_forecast(judging.model_copy(update={"items": prompts_in(judging)}))
        if pairs and one is not None and one.requests:
            likely, most = pairs * one.likely, pairs * one.most
            cost = f", which cost about {show_cost(likely)} and {show_cost(most)} at most" if most else ""
            runs = f"{pairs} {'pair' if pairs == 1 else 'pairs'} of runs"
            limit = (
                judging.most_cost and f"; most_cost stops all of them at {show_cost(pairs * judging.most_cost)} in sum"
            )
            yield f"judge/{judging.name}: {pairs * one.requests:,} requests for {runs}{cost}{limit or ''}"


def _teaching_lines(plan: Plan, missing: Mapping[str, Job]) -> Iterator[str]:
    """What teachers behind endpoints will be asked, and what that costs."""
    from titrant.chat.forecast import teaching_forecast

    for job in missing.values():
        if not isinstance(job.declaration, SolutionsJob) or job.declaration.teacher.endpoint is None:
            continue
        teacher = job.declaration.teacher
        problems, known = problems_known(job, plan)
        found = teaching_forecast(teacher, problems, len(job.declaration.forms))
        cost = f", which cost about {show_cost(found.likely)} and {show_cost(found.most)} at most" if found.most else ""
        limit = f"; most_cost stops them at {show_cost(teacher.most_cost)}" if teacher.most_cost else ""
        how = {"exact": "", "at most": "at most "}.get(known, "")
        about = f"{how}{problems:,} {'problem' if problems == 1 else 'problems'}"
        if known == "assumed":
            about += (
                f" (assumed: {SET_PROBLEMS:,} in each set whose number is known only once it is read; `most` bounds it)"
            )
        yield f"synthesis/{job.name}: {found.requests:,} requests to {teacher.model} for {about}{cost}{limit}"


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
