"""How long every job of a plan will take, from the best that is known, and what that is. Never imports torch.

    train, evaluate   this store's own finished jobs of the very shape, trained in as many processes
                      > a calibration of this machine > a matmul
    data              bytes of documents by rates that were measured once, scaled by the speed of a core here; sizes are
                      those of documents that are stored, else of files and cached wheels that the study names

What cannot be known yet (a source that nobody has fetched) has no prediction, and is said to have none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from titrant.execute.cost.accelerators import predicted_on
from titrant.execute.cost.asked import (
    BYTES_PER_TOKEN,
    DECODING,
    ON_GPU,
    TASK_TOKENS,
    bytes_scored,
    evaluation_flops,
    forward_flops,
    items_of,
    items_of_tasks,
    lines_of,
    scale_of,
    tokens_drawn,
)
from titrant.execute.cost.calibration import Calibration, key_of, known_calibration
from titrant.execute.cost.rates import data_seconds
from titrant.execute.cost.schedule import Piece, timetable, whole
from titrant.execute.machine import (
    Speed,
    default_workers,
    gpu_names,
    host_facts,
    is_same_machine,
    processes_of,
    read_made,
    read_plain_record,
    visible_gpus,
)
from titrant.execute.store import Store
from titrant.jobs import EvaluateJob, GenerateJob, TrainJob
from titrant.model.peaks import Accelerator, known_accelerator
from titrant.plan import Job, Plan
from titrant.settings import asked_ranks

NEWEST = 200
"""So many finished jobs of a kind are looked at for their speed."""

UNKNOWN_SECONDS = 1.0
"""What a job without a prediction counts for in the order of work."""

COMPILED_STEP_FLOPS = 2e11
"""Steps of at least so many FLOPs run compiled code on a CPU (`train/compiled.py`), which a job's start pays for."""

COMPILE_SECONDS = (30.0, 5.0)
"""Compiling for the first job of a shape, and finding what was compiled for the others."""

Shape = tuple[object, ...]


@dataclass(frozen=True)
class Prediction:
    """Seconds that one job takes beside others, and how that is known. None: it cannot be known yet."""

    seconds: float | None
    source: str
    cpu_seconds: float | None = None
    """The CPU time in it, where it was measured."""


@dataclass
class Known:
    """All that is known of the speed of this machine at a plan's work."""

    workers: int
    gpus: int
    crude: Speed | None
    """FLOP/s of one worker, where nothing better is known."""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    """By name of the scale."""
    own: Mapping[Shape, tuple[float, float]] = field(default_factory=dict)
    """(work, seconds) of this store's finished jobs by shape, which of a train job tells in how many processes it
    trained; the work of a train job is its tokens, of others 1."""
    ranks: int = 1
    """Processes in which a train job runs, each on a core or GPU of its own."""
    accelerator: Accelerator | None = None
    """The GPU that is here, if the table knows it."""

    @property
    def core_speed(self) -> float:
        """Of one core, against that on which the rates of data stages were measured; 1 if it was not measured."""
        return next((one.core_speed for one in self.calibrations.values()), 1.0)


def what_is_known(plan: Plan, store: Store, crude: Speed | None, workers: int | None = None) -> Known:
    """Everything that the store, its machine.json and the user's cache know of this machine and this plan's shapes."""
    workers, gpus = workers or default_workers(), len(visible_gpus())
    vocabulary = plan.study.tokenizer.vocabulary or 0
    found = {
        name: known_calibration(store, key_of(plan.study, scale, vocabulary, workers))
        for name, scale in plan.study.scales.items()
    }
    own = dict(_own_speeds(store)) if store.root.is_dir() else {}
    names = gpu_names()
    ranks = max(1, min(asked_ranks(), min(gpus, workers) or workers))
    return Known(
        workers,
        gpus,
        crude,
        {name: one for name, one in found.items() if one is not None},
        own,
        ranks,
        known_accelerator(names[0]) if names else None,
    )


def predict(plan: Plan, store: Store, known: Known, missing: Collection[str]) -> dict[str, Prediction]:
    """The prediction of each missing job, by id."""
    compiled: set[Shape] = set()
    found = {}
    for id_, job in plan.jobs.items():
        if id_ not in missing:
            continue
        if job.kind not in ON_GPU:
            seconds, source = data_seconds(job, plan, store, known.core_speed)
            found[id_] = Prediction(seconds, source, seconds)
            continue
        compiling = _compile_seconds(job, compiled) if not known.gpus else 0.0
        found[id_] = predict_job(job, plan, known, compiling)
    return found


def predict_job(job: Job, plan: Plan, known: Known, compiling: float = 0.0) -> Prediction:
    """The prediction of a train, evaluate or generate job."""
    work = float(job.tokens) if job.kind == "train" else 1.0
    shape = _shape_of_job(job, plan, known.ranks)
    if shape in known.own:
        done, seconds = known.own[shape]
        return Prediction(work * seconds / done, "own jobs")
    scale = scale_of(job, plan)
    calibration = known.calibrations.get(scale) if scale else None
    if calibration is not None:
        speed = calibration.speed
        if job.kind == "train":
            work = job.flops / speed.flops_per_second
            seconds = speed.train_start_seconds + work / known.ranks + compiling
            cpu = (seconds - work / known.ranks + work) * min(1.0, speed.train_cpu_fraction)
        else:
            seconds = _evaluation_seconds(job, plan, calibration)
            cpu = seconds * min(1.0, speed.evaluate_cpu_fraction)
        return Prediction(seconds + calibration.job_seconds, "calibration", cpu)
    if known.accelerator is not None:
        return Prediction(predicted_on(job, plan, known.accelerator), f"table of GPUs ({known.accelerator.name})")
    if known.crude is None:
        return Prediction(None, "nothing was measured here yet")
    flops = job.flops if job.kind == "train" else evaluation_flops(job, plan)
    ranks = known.ranks if job.kind == "train" else 1
    return Prediction(flops / known.crude.flops_per_second / ranks + compiling, known.crude.source)


def pieces_of(plan: Plan, predictions: Mapping[str, Prediction], ranks: int = 1) -> list[Piece]:
    """The jobs that have a prediction, for the schedule; one that has none takes no time."""
    return [
        Piece(
            id_,
            predictions[id_].seconds or 0.0,
            tuple(dict.fromkeys((*job.inputs.values(), *job.after))),
            job.kind in ON_GPU,
            ranks if job.kind == "train" else 1,
        )
        for id_, job in plan.jobs.items()
        if id_ in predictions
    ]


def wall_seconds(plan: Plan, predictions: Mapping[str, Prediction], workers: int, gpus: int, ranks: int = 1) -> float:
    """Seconds until all is done, by the runner's rules. Jobs without a prediction count for nothing."""
    return whole(timetable(pieces_of(plan, predictions, ranks), workers, gpus))


def _evaluation_seconds(job: Job, plan: Plan, calibration: Calibration) -> float:
    asked, speed = job.declaration, calibration.speed
    if isinstance(asked, GenerateJob):
        tokens = tokens_drawn(asked) * DECODING
        return speed.evaluate_start_seconds + tokens * BYTES_PER_TOKEN * speed.seconds_per_byte
    assert isinstance(asked, EvaluateJob)
    tasks = items_of_tasks(asked) * TASK_TOKENS * BYTES_PER_TOKEN
    seconds = tasks * speed.seconds_per_byte
    seconds += speed.evaluate_start_seconds + bytes_scored(job, plan) * speed.seconds_per_byte
    typical = sum(speed.seconds_per_item.values()) / max(len(speed.seconds_per_item), 1)
    for probe in asked.probes:
        seconds += items_of(probe, asked) * speed.seconds_per_item.get(f"probe/{probe.name}", typical)
    for task in asked.multiple_choice:
        seconds += lines_of(task) * speed.seconds_per_item.get(f"choice/{task.name}", typical)
    return seconds


def _compile_seconds(job: Job, before: set[Shape]) -> float:
    """What compiled code costs a train job at its start."""
    asked = job.declaration
    if not isinstance(asked, TrainJob) or job.flops / max(asked.phase.steps, 1) < COMPILED_STEP_FLOPS:
        return 0.0
    shape = (asked.architecture, asked.sequence_length)
    first = shape not in before
    before.add(shape)
    return COMPILE_SECONDS[0] if first else COMPILE_SECONDS[1]


def _shape_of_job(job: Job, plan: Plan, processes: int = 1) -> Shape:
    if job.kind == "train":
        return *_shape(job.kind, job.identity, job.flops / max(job.tokens, 1)), processes
    train = plan.jobs[job.inputs["train"]]
    milestones = getattr(train.declaration, "milestones", 0)
    return _shape(job.kind, {**job.identity, "milestones": milestones}, forward_flops(job, plan))


def _shape(kind: str, declared: Mapping[str, object], flops: float) -> Shape:
    """What two jobs must have in common for one to tell how long the other takes."""
    told = {key: value for key, value in declared.items() if key not in ("seed", "phase")}
    return kind, json.dumps(told, sort_keys=True, default=str), f"{flops:.6g}"


def _own_speeds(store: Store) -> Iterator[tuple[Shape, tuple[float, float]]]:
    """(work, seconds) by shape, of finished jobs of this machine."""
    here = host_facts()
    sums: dict[Shape, tuple[float, float]] = {}
    flops_of: dict[str, tuple[float, int]] = {}
    for kind in ON_GPU:
        folders = sorted(store.folders(kind), key=lambda folder: folder.stat().st_mtime, reverse=True)[:NEWEST]
        for folder in folders:
            made, record = read_made(folder), read_plain_record(folder)
            machine, declared = made.get("machine"), record.get("declaration")
            if (
                not isinstance(machine, Mapping)
                or not isinstance(declared, Mapping)
                or not is_same_machine(machine, here)
            ):
                continue
            tokens, flops, seconds = (float(str(made.get(key) or 0)) for key in ("tokens", "flops", "seconds"))
            if seconds <= 0 or made.get("attempts") != 1:
                continue  # what was interrupted did some of its work twice
            if kind == "train":
                if tokens <= 0:
                    continue
                flops_of[str(record.get("fingerprint"))] = flops / tokens, int(str(declared.get("milestones", 0)))
                processes = processes_of(record)
                if processes is None:
                    continue
                shape, work = (*_shape(kind, declared, flops / tokens), processes), tokens
            else:
                inputs = record.get("inputs")
                trained = flops_of.get(str(inputs.get("train")) if isinstance(inputs, Mapping) else "")
                if trained is None:
                    continue
                shape, work = _shape(kind, {**declared, "milestones": trained[1]}, trained[0] / 3), 1.0
            before = sums.get(shape, (0.0, 0.0))
            sums[shape] = before[0] + work, before[1] + seconds
    yield from sums.items()
