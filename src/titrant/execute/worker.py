"""What happens to one job, in whichever process: lock, stage, hashes, record, and the move into the store."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from titrant.artifacts import FORMAT, RECORD, Artifact, Record
from titrant.errors import EngineError, JobError, StoreError, StudyError
from titrant.execute.files import (
    describe_files,
    disk_trouble,
    empty_folder,
    sync_files,
    sync_folder,
    write_json,
)
from titrant.execute.lock import held
from titrant.execute.machine import host_facts, package_versions, source_commit
from titrant.execute.place import Place, place_of, placed, probed_factor, told_of_probe
from titrant.execute.store import LOG, MADE, RESERVED, Standing, Store, open_store
from titrant.execute.tracked import TOLD, tell_of
from titrant.execute.work import STAGES, stage_of
from titrant.plan.plan import Job, Plan

LOCK_PATIENCE_SECONDS = 10.0
"""How long a job waits for its work folder: the kernel may still be ending a killed worker."""

_EVERY_SECONDS = 0.1
_ON_DISK_EVERY_SECONDS = 2.0

Tell = Callable[[dict[str, object]], None]
"""Takes a worker's events: `progress` (done, total, unit, note)."""


@dataclass(frozen=True)
class Assignment:
    """All that a worker needs to do one job."""

    root: Path
    job: Job
    inputs: Mapping[str, Path]
    """Folders of finished artifacts by role."""
    fingerprints: Mapping[str, str]
    """Fingerprints of the same by role."""
    contents: Mapping[str, str]
    """What their records tell of their content, by role."""
    stages: Mapping[str, str]
    gpu: str | None = None
    """The only GPU that it may see; None: the environment decides."""
    cores: int = 1
    """How many cores it may use: stages that can share out their work are told (`TITRANT_CORES`)."""
    place: Place = ()
    """Where in the study the job is declared, for problems that know no better place."""
    factor: float | None = None
    """The multiple of the study's learning rate at which it trains, if it does so for the probe alone."""
    tracked: str = ""
    """What experiment trackers are told of it."""


def assign(
    plan: Plan, job: Job, store: Store, stages: Mapping[str, str] = STAGES, gpu: str | None = None, cores: int = 1
) -> Assignment:
    """The assignment of a job whose inputs are finished. Raises StoreError if one is not."""
    needed = {role: plan.jobs[id_] for role, id_ in job.inputs.items()}
    return Assignment(
        root=store.root,
        job=job,
        inputs={role: store.require(given) for role, given in needed.items()},
        contents={role: store.content_of(given.id) or "" for role, given in needed.items()},
        fingerprints={role: given.fingerprint for role, given in needed.items()},
        stages=stages,
        gpu=gpu,
        cores=cores,
        place=place_of(plan, job),
        factor=probed_factor(plan, job),
        tracked=tell_of(plan, job, store.root),
    )


class StopSwitch:
    """Turned by SIGTERM; read by `progress`, which then raises KeyboardInterrupt inside the stage.

    Stopping only where the stage reports keeps its state whole: it can save a checkpoint and let the interrupt pass.
    """

    def __init__(self) -> None:
        self.turned = False

    def listen(self, *, interrupt_too: bool = False) -> None:
        """Turn on SIGTERM, and on SIGINT only if asked: else that is the parent's, who decides for all workers."""
        turn = lambda *_: setattr(self, "turned", True)  # noqa: E731
        signal.signal(signal.SIGTERM, turn)
        signal.signal(signal.SIGINT, turn if interrupt_too else signal.SIG_IGN)


def do_job(assignment: Assignment, tell: Tell, stop: StopSwitch) -> Path:
    """Do a job and store its artifact; at once if another process did it meanwhile. The artifact's folder.

    Raises StudyError, StoreError and EngineError as the stage raised them, StoreError for a full disk, JobError for
    any other failure, KeyboardInterrupt if asked to stop. What a failed job made is never taken for finished.
    """
    store, job = open_store(assignment.root, create=False), assignment.job
    work = store.work_of(job)
    try:
        work.mkdir(parents=True, exist_ok=True)
        with held(work / "lock", f"the work folder of {job.id}", patience_seconds=LOCK_PATIENCE_SECONDS):
            standing = store.look(job, hashes=False)
            if standing.state != "finished":
                _attempt(assignment, store, work, tell, stop, replaced=standing)
            shutil.rmtree(work, ignore_errors=True)
        return store.folder_of(job)
    except StudyError as error:
        raise placed(error, assignment.place) from error
    except EngineError as error:
        if assignment.factor is None:
            raise
        raise told_of_probe(error, assignment.factor) from error
    except StoreError:
        raise
    except Exception as error:
        trouble = disk_trouble(error, store.root)
        if trouble is not None:
            raise trouble from error
        sentence = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise JobError(f"{type(error).__name__}: {sentence}", job=job.id, log=work / LOG) from error


def _attempt(
    assignment: Assignment, store: Store, work: Path, tell: Tell, stop: StopSwitch, replaced: Standing
) -> None:
    """Do the job in its work folder and move what it made into the store, in the place of what is not to be used."""
    job = assignment.job
    with _output_to(work / LOG):
        out, scratch = empty_folder(work / "out"), _scratch_of(work, assignment.contents)
        reporter = _Reporter(work / "progress.json", tell, stop)
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {job.id}: attempt {reporter.attempts}", flush=True)
        os.environ[TOLD] = assignment.tracked
        stage = stage_of(job.kind, assignment.stages)
        inputs: dict[str, object] = dict(assignment.inputs)
        try:
            summary = stage(job.declaration, inputs, out, scratch=scratch, progress=reporter)
            made = _finish(assignment, summary, out, reporter)
            if replaced.state == "damaged" and replaced.folder.is_dir():
                store.set_aside(replaced.folder, replaced.reason)
            store.install(made, job)
        except BaseException:
            traceback.print_exc()
            reporter.write()
            raise


def _scratch_of(work: Path, contents: Mapping[str, str]) -> Path:
    """The folder in which earlier attempts left what helps the next; emptied if their inputs were other than these."""
    scratch, known = work / "scratch", work / "inputs.json"
    try:
        same = json.loads(known.read_bytes()) == contents
    except (OSError, ValueError):
        same = False
    if not same:
        if scratch.is_dir() and any(scratch.iterdir()):
            print("what earlier attempts left was thrown away: an input was remade with other content", flush=True)
        known.unlink(missing_ok=True)  # first, so that a crash here never leaves old state beside new inputs
        empty_folder(scratch)
        write_json(known, dict(contents))
    return scratch


def _finish(assignment: Assignment, summary: Artifact, out: Path, reporter: _Reporter) -> Path:
    """Hash and flush the files of `out`, write `made.json` and the log beside them, and the record last."""
    job = assignment.job
    if (type(summary).kind, type(summary).version) != (job.kind, job.version):
        raise TypeError(
            f"the stage returned a '{type(summary).kind}' of version {type(summary).version} for a job that makes a "
            f"'{job.kind}' of version {job.version}"
        )
    if taken := [name for name in RESERVED if (out / name).exists()]:
        raise FileExistsError(f"the stage wrote '{taken[0]}', a name that the store keeps for itself")
    record = Record(
        format=FORMAT,
        kind=job.kind,
        version=job.version,
        fingerprint=job.fingerprint,
        declaration=dict(job.identity),
        inputs=dict(assignment.fingerprints),
        input_content=dict(assignment.contents),
        files=describe_files(out),
        summary=summary.model_dump(mode="json"),
    )
    write_json(out / MADE, _made(job, reporter), durable=False)
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(out.parent / LOG, out / LOG)
    sync_files(out)
    write_json(out / RECORD, record.model_dump(mode="json"))
    sync_folder(out.parent)
    return out


def _made(job: Job, reporter: _Reporter) -> dict[str, object]:
    """How it was made: never identity, and nothing that a result rests on."""
    return {
        "seconds": round(reporter.seconds(), 3),
        "cpu_seconds": round(sum(os.times()[:4]), 3),
        "attempts": reporter.attempts,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "tokens": job.tokens,
        "flops": job.flops,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": host_facts(),
        "packages": package_versions(),
        "commit": source_commit(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


class _Reporter:
    """The `progress` of a stage: tells the parent ten times a second at most and the disk every two seconds.

    A note that comes with nothing done, where something was, is a remark: it is always told.
    """

    def __init__(self, path: Path, tell: Tell, stop: StopSwitch) -> None:
        self._path, self._tell, self._stop = path, tell, stop
        self._start = time.monotonic()
        before = _earlier(path)
        self._seconds_before = float(before.get("seconds", 0.0))
        self.attempts = int(before.get("attempts", 0)) + 1
        self._now: tuple[int, int, str, str] = (0, 0, "", "")
        self._told = self._written = 0.0
        self.write()

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        now = time.monotonic()
        remark = bool(note) and not done and self._now[0] > 0
        if not remark:
            self._now = (done, total, unit, note)
        if now - self._told >= _EVERY_SECONDS or done >= total > 0 or remark:
            self._told = now
            self._tell({"event": "progress", "done": done, "total": total, "unit": unit, "note": note})
        if now - self._written >= _ON_DISK_EVERY_SECONDS:
            self.write()
        if self._stop.turned:
            raise KeyboardInterrupt

    def seconds(self) -> float:
        """Seconds of all attempts so far, as far as the disk knew of earlier ones."""
        return self._seconds_before + time.monotonic() - self._start

    def write(self) -> None:
        self._written = time.monotonic()
        done, total, unit, note = self._now
        content = {"done": done, "total": total, "unit": unit, "note": note}
        with contextlib.suppress(OSError):
            write_json(
                self._path,
                {**content, "seconds": self.seconds(), "attempts": self.attempts, "time": time.time()},
                durable=False,
            )


def _earlier(path: Path) -> dict[str, float]:
    try:
        content = json.loads(path.read_bytes())
        return {key: float(content[key]) for key in ("seconds", "attempts")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send file descriptors 1 and 2, and so also what libraries print, to the end of a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    old = sys.stdout, sys.stderr
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        sys.stdout, sys.stderr = old
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, target):
            os.close(descriptor)
