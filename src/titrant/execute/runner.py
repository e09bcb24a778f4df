"""The local runner: does every job that is missing, several at once, each in its own process, longest chains first.

A failed job stops nothing that does not need it. What is asked of a second run is only what the first one did not
finish: artifacts that exist are never made again, and interrupted jobs go on from their scratch folders.

An artifact that is made again may come out in other bytes than before (another machine, another version of a library).
So what was made of it is held back until then and looked at once more: it stands if its inputs have the content of
which it was made, and is made again if not.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from titrant.artifacts import read_record
from titrant.errors import EngineError, JobError, StoreError, StudyError, TitrantError
from titrant.execute.files import explaining_disk_trouble
from titrant.execute.lock import held, is_held
from titrant.execute.machine import default_workers, visible_gpus
from titrant.execute.nursery import Nursery, failure_of
from titrant.execute.store import LOG, Standing, Store
from titrant.execute.watch import Display, Doing, Overall, Scene
from titrant.execute.work import STAGES, modules_of
from titrant.execute.worker import assign
from titrant.plan.plan import Job, Plan
from titrant.settings import LAUNCHER, RANKS, asked_ranks, seconds

GRACE = "TITRANT_GRACE_SECONDS"
"""Environment variable: how long workers that were asked to stop may take to save their state, 25 seconds by default.
Slurm kills 30 seconds after its SIGTERM, if nobody has told it to wait for longer."""

GRACE_SECONDS = 25.0

NOMINAL_COST = 1e9
"""Cost of a job that trains nothing, in FLOPs: it orders jobs and weighs the estimate of the time left."""

NOMINAL_SECONDS = 1.0
"""What a job counts for whose time could not be predicted, where that of others was."""

ON_GPU = ("train", "evaluate", "generate")
"""Kinds of jobs that take a GPU each where there is one."""

ON_CORES = ("signals", "signatures", "overlap", "transform", "code", "problems", "verification")
"""Kinds of jobs that share out their work over cores that no other job can use."""

STORED_BYTES_A_CORE = 20_000_000
"""Stored documents for which one of these jobs is given a core: less is done before another process has started."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop and did; what was finished is kept. `signal` says by what."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__("run again to go on")


def survey(plan: Plan, store: Store, *, hashes: bool) -> dict[str, Standing]:
    """What the store holds for each job of a plan, by id. Raises StoreError on a contradiction."""
    return {id_: store.look(job, hashes=hashes) for id_, job in plan.jobs.items()}


def run_plan(
    plan: Plan,
    store: Store,
    display: Display,
    *,
    workers: int | None = None,
    stages: Mapping[str, str] = STAGES,
    seconds: Mapping[str, float] | None = None,
    predicted: float | None = None,
) -> int:
    """Do all jobs that are missing and return how many that were. `seconds` are what each is predicted to take, by id:
    they order the work and say how much is left. `predicted` is what they come to, one beside the other.

    Raises what the first failed stage raised (StudyError before all others) when all that could be done is done,
    StoreError if another run holds the store, Interrupted after Ctrl-C or SIGTERM.
    """
    standings = survey(plan, store, hashes=True)
    store.verified.save(store.root)
    if all(standing.state == "finished" for standing in standings.values()):
        return 0
    with explaining_disk_trouble(store.root), held(store.root / "lock", f"the store {store.root}"):
        _repair(plan, store, display)
        missing = [job for id_, job in plan.jobs.items() if survey_one(store, job) != "finished"]
        run = _Run(plan, store, display, missing, workers or default_workers(), stages, seconds or {}, predicted)
        run.go()
        store.verified.save(store.root)
        return run.scene.overall.jobs


def survey_one(store: Store, job: Job) -> str:
    """The state of one job, files compared by size only."""
    return store.look(job, hashes=False).state


def _repair(plan: Plan, store: Store, display: Display) -> None:
    """Set damaged and stale artifacts aside and clear the work folders of finished jobs."""
    for job in plan.jobs.values():
        standing = store.look(job, hashes=True)
        if standing.state == "damaged":
            _set_aside(store, job, standing, display)
        work = store.work_of(job)
        if standing.state == "finished" and work.is_dir() and not is_held(work / "lock"):
            shutil.rmtree(work, ignore_errors=True)


def _set_aside(store: Store, job: Job, standing: Standing, display: Display) -> None:
    place = store.set_aside(standing.folder, standing.reason).relative_to(store.root)
    display.say(f"{job.id} was {standing.word}: {standing.reason}; set aside in {place} and made again")


def _made_of(plan: Plan, missing: Sequence[Job]) -> dict[str, Job]:
    """Jobs that read what is missing, or read what reads it, and are not missing themselves, in the plan's order."""
    missing_ids = {job.id for job in missing}
    found: dict[str, Job] = {}
    for id_, job in plan.jobs.items():
        if id_ not in missing_ids and any(given in missing_ids or given in found for given in job.inputs.values()):
            found[id_] = job
    return found


@dataclass
class _Worker:
    """One running job: its process, its socket, and what it said last."""

    job: Job
    events: socket.socket
    gpu: str | None
    cores: int = 1
    pid: int | None = None
    outcome: dict[str, object] | None = None
    exit_code: int | None = None
    buffer: bytes = b""


@dataclass
class _Run:
    """The state of one run of the plan."""

    plan: Plan
    store: Store
    display: Display
    missing: Sequence[Job]
    workers: int
    stages: Mapping[str, str]
    seconds: Mapping[str, float]
    """Predicted, by id; empty: FLOPs stand in for them."""
    predicted: float | None
    """Seconds that the whole run is predicted to take."""
    waiting: dict[str, Job] = field(init=False)
    """Not started: the missing jobs, and those in doubt."""
    doubtful: dict[str, Job] = field(init=False)
    """Their artifacts are there, and wait for their inputs to be made again before they are known to stand."""
    running: dict[str, _Worker] = field(default_factory=dict)
    failures: dict[str, TitrantError] = field(default_factory=dict)
    signals: list[int] = field(default_factory=list)
    halted: bool = False

    def __post_init__(self) -> None:
        self.doubtful = _made_of(self.plan, self.missing)
        self.waiting = {job.id: job for job in self.missing} | self.doubtful
        costs = {job.id: self._cost(job) for job in self.missing}
        self.urgency = critical_paths(self.plan, costs)
        self.scene = Scene(
            Overall(len(self.missing), sum(job.tokens for job in self.missing), sum(costs.values()), time.monotonic()),
            costs,
        )
        self.scene.overall.predicted = self.predicted
        gpus = visible_gpus()
        self.free_gpus = list(gpus[: self.workers])
        self.has_gpus = bool(gpus)
        self.slots = len(self.free_gpus) if gpus else self.workers
        # what another launcher starts runs elsewhere, one job at a time
        self.ranks = self.slots if os.environ.get(LAUNCHER) else asked_ranks()
        if gpus and self.ranks > self.slots:
            raise EngineError(
                f"{RANKS}={self.ranks} and only {self.slots} GPUs can be used here; ask for {self.slots} at most, or "
                f"start them on more machines with {LAUNCHER}"
            )
        self.selector = selectors.DefaultSelector()

    def _cost(self, job: Job) -> float:
        """Seconds, or where none were predicted of any job FLOPs, or as many as stand for a job that trains nothing."""
        return self.seconds.get(job.id, NOMINAL_SECONDS) if self.seconds else job.flops or NOMINAL_COST

    def go(self) -> None:
        """Until nothing runs and nothing more can be started; then raise what went wrong."""
        self.nursery = Nursery(modules_of({job.kind for job in self.missing}, self.stages))
        try:
            with _signals_into(self.signals):
                self._loop()
        finally:
            self.display.close()
            self.nursery.close()
            self.store.verified.save(self.store.root)
        self._raise_failures()

    def _loop(self) -> None:
        while True:
            if self.signals:
                self._stop()
            if not self.halted:
                self._start_ready()
            if not self.running:
                return
            for key, _ in self.selector.select(timeout=0.2):
                self._hear(key.data)
            self.display.tick(self.scene)

    def _settle_doubts(self) -> None:
        """Look again at what was made of artifacts that have been made again by now, in the plan's order."""
        for id_, job in list(self.doubtful.items()):
            if self._needs(job):
                continue
            del self.doubtful[id_]
            standing = self.store.look(job, hashes=False)
            if standing.state == "finished":
                del self.waiting[id_]
                continue
            _set_aside(self.store, job, standing, self.display)
            self.scene.add(job, self._cost(job))
            self.urgency = critical_paths(self.plan, self.scene.costs)

    def _start_ready(self) -> None:
        self._settle_doubts()
        ready = [job for job in self.waiting.values() if not self._needs(job)]
        for job in sorted(ready, key=lambda job: (-self.urgency[job.id], job.id)):
            if (slot := self._free_slot(job)) is None:
                continue
            try:
                cores = self._cores_for(job, waiting=sum(other.id in self.waiting for other in ready) - 1)
                assignment = assign(self.plan, job, self.store, self.stages, slot or None, cores)
                worker = _Worker(job, self.nursery.start(assignment), slot or None, cores)
            except TitrantError as error:
                self._fail(job, error)
                self.halted = True
                return
            if worker.gpu is not None:
                self.free_gpus = [gpu for gpu in self.free_gpus if gpu not in worker.gpu.split(",")]
            del self.waiting[job.id]
            self.running[job.id] = worker
            self.scene.doing[job.id] = Doing(job, time.monotonic())
            self.selector.register(worker.events, selectors.EVENT_READ, worker)
            self.display.started(self.scene, job)

    def _needs(self, job: Job) -> bool:
        """Whether the job waits for another that is not done (or never will be)."""
        open_ = self.waiting.keys() | self.running.keys() | self.failures.keys()
        return any(id_ in open_ for id_ in (*job.inputs.values(), *job.after))

    def _free_slot(self, job: Job) -> str | None:
        """GPUs with commas between them, or '' for cores; None if there are not enough now."""
        needed = min(self.ranks, self.slots) if job.kind == "train" else 1
        if self.has_gpus and job.kind in ON_GPU:
            return ",".join(self.free_gpus[:needed]) if len(self.free_gpus) >= needed else None
        return "" if self._free_cores() >= needed else None

    def _free_cores(self) -> int:
        return self.workers - sum(worker.cores for worker in self.running.values() if worker.gpu is None)

    def _cores_for(self, job: Job, waiting: int) -> int:
        """One, as many as train together, or for a job that has use for more, its share of those that are free."""
        if job.kind == "train" and not self.has_gpus:
            return min(self.ranks, self.slots)
        if job.kind not in ON_CORES or os.environ.get("TITRANT_ENGINE"):  # the user has decided
            return 1
        if "documents" not in job.inputs:  # each item takes long
            return max(1, self._free_cores() // (waiting + 1))
        folder = self.store.require(self.plan.jobs[job.inputs["documents"]])
        stored = sum(path.stat().st_size for path in folder.glob("documents-*.parquet"))
        return max(1, min(self._free_cores() // (waiting + 1), stored // STORED_BYTES_A_CORE))

    def _hear(self, worker: _Worker) -> None:
        try:
            part = worker.events.recv(1 << 16)
        except OSError:
            part = b""
        *lines, worker.buffer = (worker.buffer + part).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                self._take(worker, json.loads(line))
        if not part or worker.exit_code is not None:
            self._end(worker)

    def _take(self, worker: _Worker, event: dict[str, object]) -> None:
        match event.get("event"):
            case "started":
                worker.pid = int(str(event["pid"]))
                if self.signals:  # it was not born yet when all were asked to stop
                    self._signal(worker, signal.SIGTERM)
            case "progress":
                self.scene.doing[worker.job.id].update(event, time.monotonic())
            case "exit":
                worker.exit_code = int(str(event["code"]))
            case "finished" | "failed" | "stopped":
                worker.outcome = event

    def _end(self, worker: _Worker) -> None:
        """The worker's process is gone: book what it did."""
        self.selector.unregister(worker.events)
        worker.events.close()
        job = worker.job
        del self.running[job.id]
        if worker.gpu is not None:
            self.free_gpus += worker.gpu.split(",")
        doing = self.scene.doing.pop(job.id)
        outcome = worker.outcome or {}
        if outcome.get("event") == "finished":
            folder = Path(str(outcome["folder"]))
            self.store.verified.mark(self.store.root, folder, list(read_record(folder).files))
            overall = self.scene.overall
            overall.jobs_done += 1
            overall.tokens_done += job.tokens
            overall.cost_done += self.scene.costs[job.id]
            self.display.finished(self.scene, job, time.monotonic() - doing.started)
        elif outcome.get("event") == "failed":
            self._fail(job, failure_of(outcome) or self._job_error(job, str(outcome["message"])))
        elif not self.signals:
            self._fail(job, self._job_error(job, _how_it_died(worker.exit_code)))

    def _job_error(self, job: Job, message: str) -> JobError:
        return JobError(message, job=job.id, log=self.store.work_of(job) / LOG)

    def _fail(self, job: Job, error: TitrantError) -> None:
        self.waiting.pop(job.id, None)
        self.failures[job.id] = error
        # a damaged or full store would fail every other job too; anything else fails only what needs it
        self.halted = self.halted or isinstance(error, StoreError)
        if isinstance(error, JobError):
            self.display.say(f"FAILED {job.id}: {error.message}")
        else:
            self.display.say(f"FAILED {job.id}")

    def _stop(self) -> None:
        """Ask all workers to save their state and stop; on a second signal, or after a while, do not ask."""
        self.halted = True
        self.display.say("stopping: running jobs save their state (once more to stop at once)")
        self._signal_all(signal.SIGTERM)
        end = time.monotonic() + seconds(GRACE, GRACE_SECONDS)
        while self._born() and len(self.signals) < 2 and time.monotonic() < end:
            for key, _ in self.selector.select(timeout=0.1):
                self._hear(key.data)
            self.display.tick(self.scene)
        if born := self._born():
            self.display.say(f"killed before they had saved their state: {', '.join(born)}")
        self._signal_all(signal.SIGKILL)
        raise Interrupted(self.signals[0])

    def _born(self) -> list[str]:
        """Jobs whose worker is alive; the others have nothing to save."""
        return sorted(id_ for id_, worker in self.running.items() if worker.pid is not None)

    def _signal_all(self, number: int) -> None:
        for worker in self.running.values():
            self._signal(worker, number)

    def _signal(self, worker: _Worker, number: int) -> None:
        if worker.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, number)

    def _raise_failures(self) -> None:
        if not self.failures:
            return
        ours = [error for error in self.failures.values() if isinstance(error, StudyError)]
        if ours:
            # the jobs of all seeds stumble over the same mistake: it is told once
            raise StudyError(dict.fromkeys(problem for error in ours for problem in error.problems))
        for error in self.failures.values():
            if not isinstance(error, JobError):
                raise error
        first, *others = self.failures.values()
        if not isinstance(first, JobError):
            raise first
        also = [f"{len(others)} more failed"] if others else []
        unstarted = len(self.waiting.keys() - self.doubtful.keys())
        also += [f"{unstarted} that need what failed were not started"] if unstarted else []
        message = first.message + (f"; {', '.join(also)}" if also else "")
        raise JobError(message, job=first.job, log=first.log)


def critical_paths(plan: Plan, costs: Mapping[str, float]) -> dict[str, float]:
    """Cost of the longest chain of missing jobs that begins with each job."""
    longest: dict[str, float] = {}
    behind: dict[str, float] = {}
    for id_, job in reversed(list(plan.jobs.items())):
        longest[id_] = costs.get(id_, 0.0) + behind.get(id_, 0.0)
        for needed in (*job.inputs.values(), *job.after):
            behind[needed] = max(behind.get(needed, 0.0), longest[id_])
    return longest


def _how_it_died(exit_code: int | None) -> str:
    if exit_code == -signal.SIGKILL:
        return "its process was killed; most often the machine ran out of memory: run with fewer --workers"
    if exit_code is not None and exit_code < 0:
        return f"its process died of {signal.Signals(-exit_code).name}"
    return "its process ended without a word"


@contextlib.contextmanager
def _signals_into(signals: list[int]) -> Iterator[None]:
    """Collect Ctrl-C and SIGTERM in a list; handlers can be set in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    remember: Callable[..., None] = lambda number, _: signals.append(number)  # noqa: E731
    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
