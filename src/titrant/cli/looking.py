"""`titrant status` and `titrant explain`: what is there, what runs now, and why a job would run again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import yaml

from titrant.cli.opened import make_console, open_plan_and_store
from titrant.cli.reasons import with_study_keys
from titrant.cli.running import only_job
from titrant.execute.explain import Explainer
from titrant.execute.lock import holder_of, is_held
from titrant.execute.published import report_job
from titrant.execute.runner import survey
from titrant.execute.store import Store
from titrant.plan import Job
from titrant.study.units import show_count, show_seconds


def show_status(named: str, root: Path) -> None:
    """Print done, running and missing jobs by kind, then the running ones with their progress."""
    from rich.table import Table

    opened, store = open_plan_and_store(named, root)
    standings = survey(opened.plan, store, hashes=False)
    running = [job for id_, job in opened.plan.jobs.items() if standings[id_].state != "finished" and _runs(store, job)]
    states: dict[str, Counter[str]] = {}
    for id_, job in opened.plan.jobs.items():
        states.setdefault(job.kind, Counter())["running" if job in running else standings[id_].state] += 1
    console = make_console()
    lock = store.root / "lock"
    console.print(
        f"{opened.name} in {store.root}: " + (f"run by {holder_of(lock)}" if is_held(lock) else "not running")
    )
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    columns = ("finished", "running", "missing", "damaged")
    for heading in ("kind", *columns):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, counts in states.items():
        table.add_row(kind, *(str(counts[column]) if counts[column] else "·" for column in columns))
    console.print(table)
    for job in running:
        console.print(f"running  {job.id}  {_progress(store, job)}")
    for id_, standing in standings.items():
        if standing.state == "damaged":
            console.print(f"{standing.word}  {id_}: {standing.reason}; `titrant run` makes it again")
    report = report_job(opened.plan)
    page = store.study_folder(opened.name) / "report.html"
    if report is not None and standings[report.id].state == "finished" and page.exists():
        console.print(f"page     {page}", soft_wrap=True)


def explain_job(named: str, wanted: str, root: Path) -> None:
    """Print a job's identity and in what it differs from the nearest stored artifact."""
    opened, store = open_plan_and_store(named, root)
    job = only_job(opened, wanted)
    standings = survey(opened.plan, store, hashes=False)
    explainer = Explainer(opened.plan, store, standings)
    console = make_console()
    console.print(f"job          {job.id}", soft_wrap=True)
    console.print(f"kind         {job.kind}, version {job.version}")
    console.print(f"fingerprint  {job.fingerprint}")
    console.print(f"state        {with_study_keys(explainer.reason(job))}", soft_wrap=True)
    if standings[job.id].state == "finished":
        console.print(f"artifact     {standings[job.id].folder}", soft_wrap=True)
    if job.runs:
        console.print(f"needed by    {', '.join(job.runs)}", soft_wrap=True)
    console.print("declaration", style="bold")
    identity = json.loads(json.dumps(dict(job.identity)))
    console.print("  " + yaml.safe_dump(identity, sort_keys=False).rstrip().replace("\n", "\n  "), soft_wrap=True)
    console.print("inputs", style="bold")
    for role, id_ in job.inputs.items():
        console.print(
            f"  {role}  {opened.plan.jobs[id_].fingerprint[:12]}  {id_}  {standings[id_].state}", soft_wrap=True
        )
    if not job.inputs:
        console.print("  none")
    if standings[job.id].state != "finished":
        _print_changes(explainer, job)


def _print_changes(explainer: Explainer, job: Job) -> None:
    console = make_console()
    found = explainer.nearest(job)
    if found is None:
        console.print("The store holds no other artifact of this kind and name to compare with.")
        return
    console.print(f"against {found[0].name}, the newest stored artifact of this kind and name", style="bold")
    for change in explainer.changes(job):
        console.print(f"  {with_study_keys(change.what)}: {change.old} -> {change.new}", soft_wrap=True)


def _runs(store: Store, job: Job) -> bool:
    return is_held(store.work_of(job) / "lock")


def _progress(store: Store, job: Job) -> str:
    """What the worker last wrote of itself."""
    try:
        content = json.loads((store.work_of(job) / "progress.json").read_bytes())
        done, total, unit = content["done"], content["total"], content["unit"]
        amount = f"{show_count(done)} of {show_count(total)} {unit}" if total else "just started"
        return f"{amount} {content['note']} after {show_seconds(content['seconds'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return "just started"
