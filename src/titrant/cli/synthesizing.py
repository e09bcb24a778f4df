"""`titrant synthesize`: problems, solutions and verdicts with no training around them, and the items as JSON lines.

Everything is kept in the store as a study's jobs are: a study that declares the same finds it done. Stopped, it goes
on.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

import click

from titrant.artifacts import Verified
from titrant.cli.line import Line
from titrant.cli.needs import check_needs
from titrant.cli.opened import Opened, located, make_console, open_plan
from titrant.cli.running import display
from titrant.errors import Problem, StoreError, StudyError
from titrant.execute.alone import Given, do_alone, job_alone
from titrant.execute.machine import default_workers
from titrant.execute.nursery import ONE_THREAD
from titrant.execute.runner import Interrupted, run_plan
from titrant.execute.store import open_store
from titrant.execute.watch import Doing
from titrant.execute.worker import StopSwitch
from titrant.jobs import JobDeclaration, ProblemsJob, VerificationJob
from titrant.plan import Job, Plan
from titrant.settings import check_settings
from titrant.study.declaration import listing, suggestion
from titrant.study.synthesis import AREAS, LANGUAGES, Generated, SyntheticItems, Verification
from titrant.study.units import show_cost

FORMS = ("text", *(language for language in LANGUAGES if language != "python"))
"""What an item can be written in beside Python."""
STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""What names it; where it goes into a file, that file is gone on with and not replaced."""
NOT_COMPARED = (
    "not yet compared with HumanEval, MBPP or an evaluation, nor with each other for near-duplicates: a study that "
    "takes documents from a synthesis does that (`titrant data STUDY`, `titrant run STUDY`)"
)
"""What items that are written have not been through."""
_FLAGS = {
    "generated": "--generated",
    "seed": "--seed",
    "areas": "--area",
    "difficulty": "--difficulty",
    "forms": "--form",
}


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    study: str | None
    synthesis: str | None
    generated: int | None
    seed: int | None
    areas: tuple[str, ...]
    difficulty: str | None
    forms: tuple[str, ...]
    refused_too: bool


def synthesize(wanted: Wanted, root: Path, out: Path | None, *, workers: int | None) -> None:
    """Make what is asked for and is not in the store, write its items to `out` (`-`: standard output), print the yield.

    Raises StudyError if the command line or the study is wrong, EngineError if no sandbox works, or a
    language is not installed.
    """
    check_settings()
    if out is not None:
        out = Path("-") if str(out) in STANDARD_OUTPUT else out
        _check_out(out)
    folder = _alone(wanted, root, workers) if wanted.study is None else _of_study(wanted, root, workers)
    if out is not None:
        _write(folder, out, refused_too=wanted.refused_too)
    _show(folder, out)


def _alone(wanted: Wanted, root: Path, workers: int | None) -> Path:
    """Generated problems, verified: the folder of the verdicts."""
    if wanted.synthesis is not None:
        raise StudyError("--synthesis names one of a study's: give STUDY before it, or leave it out")
    from titrant.sandbox.languages import language_named

    problems = _declared(wanted)
    store = open_store(root, create=True)
    if workers is not None or "TITRANT_CORES" not in os.environ:
        os.environ["TITRANT_CORES"] = str(workers or default_workers())
    for name, threads in ONE_THREAD.items():
        os.environ.setdefault(name, threads)
    stop = StopSwitch()
    ended = _listen(stop)

    def done(kind: str, declaration: JobDeclaration, inputs: Mapping[str, Given]) -> Given:
        job = job_alone(kind, f"generated-{problems.generated}", declaration, inputs)
        if "javascript" in forms and store.look(job, hashes=False).state != "finished":
            language_named("js")  # told before the first problem is made
        line = Line(Doing(job, time.monotonic()))
        try:
            return do_alone(store, job, inputs, line, stop)
        finally:
            line.end()

    verify, forms = Verification(), tuple(sorted({"python", *wanted.forms}))
    try:
        made = {"problems": done("problems", ProblemsJob(problems=(problems,), inputs=verify.inputs), {})}
        return done("verification", VerificationJob(verify=verify, forms=forms), made).folder
    except KeyboardInterrupt:
        click.echo("stopped: the same command goes on", err=True)
        sys.exit(128 + (ended[0] if ended else signal.SIGINT))


def _listen(stop: StopSwitch) -> list[int]:
    """Have Ctrl-C and SIGTERM turn the switch; SIGTERM is then in the list."""
    heard: list[int] = []

    def terminated(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        stop.turned = True

    stop.listen(interrupt_too=True)
    signal.signal(signal.SIGTERM, terminated)
    return heard


def _declared(wanted: Wanted) -> Generated:
    """The problems that the flags ask for. Raises StudyError with the flag that is wrong."""
    given: dict[str, Any] = {"generated": 1000 if wanted.generated is None else wanted.generated}
    given |= {"seed": wanted.seed} if wanted.seed is not None else {}
    given |= {"areas": wanted.areas} if wanted.areas else {}
    given |= {"difficulty": _difficulty(wanted.difficulty)} if wanted.difficulty is not None else {}
    problems = [
        Problem(f"--area '{area}': there is no such area{suggestion(area, AREAS)}; there are {listing(AREAS)}")
        for area in wanted.areas
        if area not in AREAS
    ]
    twice = [area for index, area in enumerate(wanted.areas) if area in wanted.areas[:index]]
    problems += [Problem(f"--area '{area}' stands here twice; give it once") for area in dict.fromkeys(twice)]
    again = dict.fromkeys(form for index, form in enumerate(wanted.forms) if form in wanted.forms[:index])
    problems += [Problem(f"--form '{form}' stands here twice; give it once") for form in again]
    if problems:
        raise StudyError(problems)
    return Generated.model_validate(given)


def _difficulty(given: str) -> tuple[int, int]:
    low, dash, high = given.partition("-")
    try:
        found = int(low), int(high if dash else low)
    except ValueError:
        found = (0, 0)
    if not 1 <= found[0] <= found[1] <= 5:
        raise StudyError(f"--difficulty '{given}': give a level from 1 to 5 or two of them, such as 3 or 2-4")
    return found


def _of_study(wanted: Wanted, root: Path, workers: int | None) -> Path:
    """A study's synthesis as it is declared, teacher included: the folder of the verdicts."""
    given = [flag for name, flag in _FLAGS.items() if getattr(wanted, name) not in (None, ())]
    if given:
        raise StudyError(
            f"{listing(given)} {'asks' if len(given) == 1 else 'ask'} the generator, and a study says itself what it "
            "is made of: leave one out"
        )
    opened = open_plan(str(wanted.study))
    store = open_store(root, create=True)
    job = _job_of(opened, wanted.synthesis)
    part = Plan(opened.plan.study, _needed(opened.plan, job), {}, {})
    check_needs(part.jobs.values(), store, part.study)
    try:
        with located(opened.loaded):
            run_plan(part, store, display(), workers=workers)
    except Interrupted as stopped:
        click.echo(f"stopped: {stopped}", err=True)
        sys.exit(128 + stopped.signal)
    return store.require(job)


def _job_of(opened: Opened, name: str | None) -> Job:
    """The job that verifies a synthesis. Raises StudyError if it is none or one of several."""
    known = list(opened.plan.study.synthesis)
    if not known:
        raise StudyError(f"the study '{opened.name}' declares no synthesis; leave STUDY out to ask the generator")
    if name is None and len(known) > 1:
        raise StudyError(f"the study '{opened.name}' has {len(known)} syntheses: add --synthesis with {listing(known)}")
    if name is not None and name not in known:
        raise StudyError(f"there is no synthesis '{name}'{suggestion(name, known)}; the study has {listing(known)}")
    report = next(job for job in opened.plan.jobs.values() if job.kind == "report")
    return opened.plan.jobs[report.inputs[f"verification/{name or known[0]}"]]


def _needed(plan: Plan, job: Job) -> dict[str, Job]:
    """A job and all that it needs, in the order of the plan."""
    wanted, left = set[str](), [job.id]
    while left:
        id_ = left.pop()
        if id_ not in wanted:
            wanted.add(id_)
            left += [*plan.jobs[id_].inputs.values(), *plan.jobs[id_].after]
    return {id_: each for id_, each in plan.jobs.items() if id_ in wanted}


def _check_out(out: Path) -> None:
    """Raises StudyError if items cannot be written there, before anything is made."""
    if str(out) == "-":
        return
    at = Path(os.path.realpath(out))
    if out.is_dir() or (not at.parent.is_dir() and not out.exists()):
        raise StudyError(f"--out '{out}': give a file in a folder that exists, or - for standard output")
    if out.exists() and not (_takes_a_stream(out) or at.is_file()):
        raise StudyError(f"--out '{out}' is neither a file nor a pipe; give a file, or - for standard output")
    if out.exists() and not os.access(out, os.W_OK):
        raise StudyError(f"--out '{out}': this file must not be written; give another, or change its permissions")
    if not _takes_a_stream(out):
        _check_folder(out, at.parent)


def _check_folder(out: Path, folder: Path) -> None:
    """Raises StudyError if no file can be made in the folder of `out`. A file is made there for a moment: permissions
    alone do not tell of a file system that takes none."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or error
        raise StudyError(
            f"--out '{out}': no file can be made in {folder} ({why}); give one in another folder"
        ) from None


def _takes_a_stream(out: Path) -> bool:
    """Whether what stands there is written into and never replaced: a pipe, a terminal, the null device."""
    try:
        mode = out.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _write(folder: Path, out: Path, *, refused_too: bool) -> None:
    """Raises StoreError, which names the file, where it cannot be written; what stood there stays as it was."""
    if str(out) == "-":
        _lines(folder, sys.stdout, refused_too=refused_too)
        return
    try:
        if _takes_a_stream(out):
            with out.open("w", encoding="utf-8") as file:
                _lines(folder, file, refused_too=refused_too)
        else:
            _replace(folder, Path(os.path.realpath(out)), refused_too=refused_too)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror or error}; the items are in the store: the same command writes "
            "them elsewhere without making them again"
        ) from None


def _replace(folder: Path, out: Path, *, refused_too: bool) -> None:
    """Write beside a file under a name that nothing has, and take its place once everything is written."""
    unfinished = out.with_name(f".titrant-{secrets.token_hex(8)}.unfinished")
    file = unfinished.open("x", encoding="utf-8")
    try:
        with file:
            _lines(folder, file, refused_too=refused_too)
        if out.exists():
            shutil.copymode(out, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _lines(folder: Path, file: IO[str], *, refused_too: bool) -> None:
    for row in _records(folder):
        if row["accepted"] or refused_too:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    """Every item with all that is known of it, and `document`: what the commonest form of a source trains on."""
    from titrant.corpus.synthetic.items import item_of, rows_of
    from titrant.corpus.synthetic.write import NotWrittenError, written

    asked = SyntheticItems(synthetic="any")
    for row in rows_of(folder):
        try:
            document = written(item_of(row), asked)
        except NotWrittenError:
            document = None
        cost = row["cost"] if row["cost"] is not None and math.isfinite(row["cost"]) else None
        translations = json.loads(row["translations"] or "{}")
        yield row | {"tests": row["tests"] or [], "translations": translations, "cost": cost, "document": document}


def _show(folder: Path, out: Path | None) -> None:
    from rich.table import Table

    from titrant.report.synthesis_facts import levels_of, undecided_in

    made = Verified.read(folder)
    console = make_console(stderr=out is not None and str(out) == "-")
    console.print(f"{made.items:,} problems, {made.accepted:,} with an accepted solution", style="bold")
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    undecided = undecided_in(folder)
    for heading in ("level", "tried", "passed", *(["not decided"] if undecided else [])):
        table.add_column(heading, justify="left" if heading == "level" else "right")
    for level in levels_of(made):
        if (found := made.levels[level]).tried:
            open_too = [f"{undecided:,}"] if undecided and level == "contracts" else []
            table.add_row(level, f"{found.tried:,}", f"{found.passed:,}", *open_too)
    console.print(table)
    for reason, count in sorted(made.refused.items(), key=lambda each: (-each[1], each[0])):
        console.print(f"refused: {count:,} {reason}", soft_wrap=True)
    killed = f", {made.killed:,} of {made.mutants:,} mutants fail their tests" if made.mutants else ""
    console.print(
        f"{made.families:,} families, {made.shapes:,} shapes of programs, {made.words:,} words{killed}", soft_wrap=True
    )
    others = {"corrupted": made.corrupted, "text": made.texts, **made.translations}
    console.print(", ".join(f"{name} {count:,}" for name, count in others.items()), soft_wrap=True)
    if made.cost:
        console.print(f"cost of the teacher: {show_cost(made.cost)}", soft_wrap=True)
    console.print(NOT_COMPARED, soft_wrap=True)
    console.print(f"contained by {made.tier}; every item and every solution: {folder}", soft_wrap=True)
    if out is not None and str(out) != "-":
        console.print(f"items: {out}", soft_wrap=True)
