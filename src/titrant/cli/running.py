"""`titrant run`: what is missing is done, the findings are shown, and the page is laid where it is easy to find."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from titrant.cli.forecast import calibrate_if_worth_it, calibrated, forecast_of, time_line
from titrant.cli.needs import check_needs
from titrant.cli.opened import Opened, located, open_plan
from titrant.cli.results import print_findings
from titrant.errors import StudyError
from titrant.execute.cost.spent import keep_predictions, publish_cost
from titrant.execute.explain import find_job
from titrant.execute.published import publish, write_runs
from titrant.execute.runner import Interrupted, run_plan, survey
from titrant.execute.store import Store, open_store
from titrant.execute.watch import Display, PlainDisplay, TerminalDisplay
from titrant.plan import Job
from titrant.settings import check_settings

LEAST_TOLD_SECONDS = 60.0
"""Runs that are predicted to take less are not announced."""


def run_study(
    named: str, root: Path, workers: int | None, *, calibrate: bool = False, hourly_price: float | None = None
) -> None:
    """Do all missing jobs, then print findings and the page's path; exits 128 + signal if stopped."""
    check_settings()
    opened = open_plan(named)
    store = open_store(root, create=True)
    check_needs(opened.plan.jobs.values(), store, opened.plan.study)
    _list_runs(opened, store)
    try:
        with located(opened.loaded):
            seconds, whole = _predicted(opened, store, workers, calibrate, hourly_price)
            made = run_plan(opened.plan, store, display(), workers=workers, seconds=seconds, predicted=whole)
    except Interrupted as stopped:
        click.echo(f"stopped: {stopped}", err=True)
        sys.exit(128 + stopped.signal)
    if not made:
        click.echo("nothing to do: every job of this study is finished")
    _list_runs(opened, store)
    page = publish(opened.plan, opened.name, store)
    if page is not None:
        print_findings(page.parent)
        if made:
            _tell_cost(opened, store)
        click.echo(f"page: {page}")


def _tell_cost(opened: Opened, store: Store) -> None:
    """Write what was predicted and what it took beside the page, and say it in a sentence."""
    from titrant.report.cost import summary

    if (cost := publish_cost(opened.plan, opened.name, store)) is not None:
        click.echo(f"cost: {summary(cost)}")


def _predicted(
    opened: Opened, store: Store, workers: int | None, calibrate: bool, hourly_price: float | None
) -> tuple[dict[str, float], float | None]:
    """Seconds that each missing job is predicted to take, written down before any of them begins, and all together."""
    plan = opened.plan
    missing = {id_ for id_, standing in survey(plan, store, hashes=False).items() if standing.state != "finished"}
    if not missing or not os.access(store.root, os.W_OK):
        return {}, None
    if calibrate:
        calibrated(plan, store, workers)
    forecast = forecast_of(plan, store, workers)
    if not calibrate:
        forecast = calibrate_if_worth_it(plan, store, forecast, missing, workers)
    predictions = {id_: forecast.predictions[id_] for id_ in missing}
    keep_predictions(store, opened.name, predictions, forecast.known, hourly_price)
    if (whole := forecast.wall_seconds(plan, missing)) is not None and whole > LEAST_TOLD_SECONDS:
        jobs = {id_: plan.jobs[id_] for id_ in missing}
        click.echo(time_line(plan, forecast, jobs, hourly_price), err=True)
    return {id_: one.seconds for id_, one in predictions.items() if one.seconds is not None}, whole


def run_one_job(named: str, root: Path, wanted: str) -> None:
    """Do one job in this process; its inputs must be finished, and so must the checks that come before it."""
    check_settings()
    opened = open_plan(named)
    job = only_job(opened, wanted)
    store = open_store(root, create=True)
    needed = {id_: opened.plan.jobs[id_] for id_ in (*job.inputs.values(), *job.after)}
    for other in needed.values():
        store.require(other, hashes=True)
    if store.look(job, hashes=False).state == "finished":
        click.echo(f"nothing to do: {job.id} is finished")
        return
    check_needs([job], store, opened.plan.study)
    with located(opened.loaded):
        folder = _do_here(opened, store, job)
    click.echo(f"done  {folder}")


def only_job(opened: Opened, wanted: str) -> Job:
    """The one job that is meant. Raises StudyError if it is none or several."""
    from titrant.study.declaration import listing, suggestion

    found = find_job(opened.plan, wanted)
    if not found:
        near = suggestion(wanted, [*opened.plan.jobs, *(job.name for job in opened.plan.jobs.values())])
        raise StudyError(f"the plan of '{opened.name}' has no job '{wanted}'{near}; `titrant plan` lists them")
    if len(found) > 1:
        some = listing([job.id for job in found[:6]]) + (" and more" if len(found) > 6 else "")
        raise StudyError(f"'{wanted}' may be {len(found)} jobs; name one of {some}")
    return found[0]


def _do_here(opened: Opened, store: Store, job: Job) -> Path:
    from titrant.execute.nursery import ONE_THREAD
    from titrant.execute.worker import StopSwitch, assign, do_job

    # libraries read these when they are loaded, which is later: the same threads as under the local runner
    for name, threads in ONE_THREAD.items():
        os.environ.setdefault(name, threads)
    stop = StopSwitch()
    stop.listen(interrupt_too=True)
    last = [0.0]
    try:
        return do_job(assign(opened.plan, job, store), lambda event: _print_progress(job, event, last), stop)
    except KeyboardInterrupt:
        click.echo("stopped: run again to go on", err=True)
        sys.exit(130)


def _print_progress(job: Job, event: dict[str, object], last: list[float]) -> None:
    """A line on stderr every ten seconds; the job's own output goes to its log."""
    import time

    now = time.monotonic()
    if now - last[0] >= 10:
        last[0] = now
        os.write(_TERMINAL, f"{job.id} {event['done']}/{event['total']} {event['unit']} {event['note']}\n".encode())


_TERMINAL = os.dup(2)
"""Standard error as it was before a job's output was sent to its log."""


def _list_runs(opened: Opened, store: Store) -> None:
    """Keep runs.json up to date; a store that cannot be written keeps what it has."""
    if opened.plan.runs and os.access(store.root, os.W_OK):
        write_runs(opened.plan, opened.name, store)


def display() -> Display:
    """Bars in a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        return TerminalDisplay()
    return PlainDisplay(lambda line: click.echo(line, err=True))
