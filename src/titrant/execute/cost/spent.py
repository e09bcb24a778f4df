"""What was predicted before the work began, kept in the store; and beside it what the work took, from `made.json`.

STORE/studies/STUDY/predicted.json   seconds of each job as they were predicted, and for how many at once; the first
                                     prediction of a job stays until it is asked for with other numbers at once
STORE/studies/STUDY/cost.*           predicted against actual, made of that file and of what finished jobs tell
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from titrant.execute.cost.predict import Known, Prediction, wall_seconds
from titrant.execute.files import explaining_disk_trouble, write_atomically, write_json
from titrant.execute.machine import processes_of, read_made, read_plain_record
from titrant.execute.store import Store
from titrant.model.peaks import peak_bf16_flops
from titrant.plan import Plan

if TYPE_CHECKING:  # the report's room brings pyarrow: only where a report is made
    from titrant.report.cost import CostEntry, CostReport

PREDICTED = "predicted.json"
FORMAT = 1
WHOLE = "from beginning to end"
LEAST = {"workers": 1, "gpus": 0, "ranks": 1}
"""What a prediction is made for: cores, GPUs, and processes of a train job; where one is missing it is this much."""

Places = tuple[int, int, int]
"""Workers, GPUs, ranks."""


def keep_predictions(
    store: Store, study: str, predictions: Mapping[str, Prediction], known: Known, hourly_price: float | None
) -> None:
    """Write down what is predicted of unfinished jobs, durably; what was predicted of a job before, for as many at
    once, stays as it is."""
    path = store.study_folder(study) / PREDICTED
    before = _read(path)
    places = (known.workers, known.gpus, known.ranks)
    jobs = {
        id_: {**one, **dict(zip(LEAST, _places(one, before), strict=True))} for id_, one in _jobs_of(before).items()
    }
    for id_, one in predictions.items():
        if one.seconds is not None and not (id_ in jobs and _places(jobs[id_], before) == places):
            jobs[id_] = {"seconds": one.seconds, "cpu_seconds": one.cpu_seconds, "source": one.source}
            jobs[id_] |= dict(zip(LEAST, places, strict=True))
    core_peak = before.get("core_peak_flops")
    content = {
        "format": FORMAT,
        **dict(zip(LEAST, places, strict=True)),
        "core_peak_flops": core_peak if core_peak is not None else _core_peak(known),
        "hourly_price": hourly_price if hourly_price is not None else before.get("hourly_price"),
        "jobs": jobs,
    }
    if content == before:
        return
    with explaining_disk_trouble(store.root):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content)


def _places(prediction: Mapping[str, Any], kept: Mapping[str, Any]) -> Places:
    """How many at once a job was predicted for; older files tell it once, for all jobs."""
    told = {key: int(str(prediction.get(key, kept.get(key)) or least)) for key, least in LEAST.items()}
    return max(told["workers"], 1), told["gpus"], max(told["ranks"], 1)


def _core_peak(known: Known) -> float | None:
    """The best product of a core that the calibrations of the plan's scales saw; None without any."""
    peaks = [one.speed.peak_flops_per_second for one in known.calibrations.values()]
    return max((peak for peak in peaks if peak is not None), default=None)


def publish_cost(plan: Plan, study: str, store: Store) -> CostReport | None:
    """Write cost.json, cost.md and cost.html; None where nothing was ever predicted or nothing is done."""
    from titrant.report.cost import write_cost

    report = gather_cost(plan, study, store)
    if report is None:
        return None
    folder = store.study_folder(study)
    for name, content in write_cost(report).items():
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            with explaining_disk_trouble(store.root):
                write_atomically(folder / name, content)
    return report


def gather_cost(plan: Plan, study: str, store: Store) -> CostReport | None:
    """Predicted against actual of a plan's finished jobs: a pure function of what is stored."""
    from titrant.report.cost import CostReport

    kept = _read(store.study_folder(study) / PREDICTED)
    predicted = _jobs_of(kept)
    made = {
        id_: {**found, "processes": processes_of(read_plain_record(folder))}
        for id_, job in plan.jobs.items()
        if (folder := store.folder_of(job)).is_dir() and (found := read_made(folder)).get("seconds") is not None
    }
    if not predicted or not made:
        return None
    peak = kept.get("core_peak_flops")
    core_peak = float(peak) if isinstance(peak, (int, float)) else None
    kinds = dict.fromkeys(plan.jobs[id_].kind for id_ in made)
    entries = tuple(
        _entry(kind, {id_: found for id_, found in made.items() if plan.jobs[id_].kind == kind}, predicted, core_peak)
        for kind in kinds
    )
    by_places: dict[Places, list[str]] = {}
    for id_ in [id_ for id_ in made if id_ in predicted] or made:
        by_places.setdefault(_places(predicted.get(id_, {}), kept), []).append(id_)
    parts = [(places, *_seconds_of(ids, plan, made, predicted, places)) for places, ids in by_places.items()]
    whole = _whole(made, predicted, parts)
    price = kept.get("hourly_price")
    hourly = float(price) if isinstance(price, (int, float)) else None
    return CostReport(
        format=FORMAT,
        study=study,
        machines=tuple(dict.fromkeys(_machine(found) for found in made.values())),
        workers=_places({}, kept)[0],
        at_once=tuple(sorted({places[0] for places in by_places})),
        kinds=entries,
        whole=whole,
        hourly_price=hourly,
        predicted_price=hourly * _sum(max(places[1], 1) * before for places, before, _ in parts) / 3600
        if hourly and whole.predicted_seconds
        else None,
        price=hourly * _sum(max(places[1], 1) * seconds for places, _, seconds in parts) / 3600 if hourly else None,
    )


def _entry(
    kind: str,
    made: Mapping[str, Mapping[str, Any]],
    predicted: Mapping[str, Mapping[str, Any]],
    core_peak: float | None = None,
) -> CostEntry:
    from titrant.report.cost import CostEntry

    both = [id_ for id_ in made if id_ in predicted]
    counted = both or list(made)
    before = _sum(predicted[id_].get("seconds") for id_ in both) if both else None
    seconds = _sum(made[id_]["seconds"] for id_ in counted)
    cpu = [made[id_].get("cpu_seconds") for id_ in counted]
    cpu_before = [predicted[id_].get("cpu_seconds") for id_ in both]
    every = made.values()
    tokens, flops = sum(int(one.get("tokens") or 0) for one in every), _sum(one.get("flops") for one in every)
    time = _sum(one["seconds"] for one in every)
    trains = kind == "train" and time > 0
    peaks = [_peak_of(one, core_peak) for one in every]
    at_most = _sum(one["seconds"] * peak for one, peak in zip(every, peaks, strict=True) if peak)
    memory = [int(one["peak_memory_bytes"]) for one in every if one.get("peak_memory_bytes")]
    return CostEntry(
        kind=kind,
        jobs=len(made),
        predicted_jobs=len(both),
        predicted_seconds=before,
        seconds=seconds,
        ratio=seconds / before if before else None,
        predicted_cpu_seconds=_sum(cpu_before) if both and None not in cpu_before else None,
        cpu_seconds=_sum(cpu) if None not in cpu else None,
        tokens=tokens if trains else 0,
        flops=flops if trains else 0.0,
        tokens_per_second=tokens / time if trains else None,
        mfu=flops / at_most if trains and at_most and all(peaks) else None,
        peak_memory_bytes=max(memory, default=None),
        sources=tuple(dict.fromkeys(str(predicted[id_].get("source")) for id_ in both)),
    )


def _peak_of(made: Mapping[str, Any], core_peak: float | None) -> float | None:
    """FLOP/s of all GPUs or cores that a job worked on, one a process, at most; None where it is not known."""
    each = peak_bf16_flops(str(gpu)) if (gpu := _part(made).get("gpu")) else core_peak
    processes = made.get("processes", 1)
    return each * processes if each and processes else None


def _seconds_of(
    ids: Iterable[str],
    plan: Plan,
    made: Mapping[str, Mapping[str, Any]],
    predicted: Mapping[str, Mapping[str, Any]],
    places: Places,
) -> tuple[float, float]:
    """From the beginning to the end of jobs that were predicted for so many at once: by the runner's rules, and as it
    was."""
    ids = set(ids)
    given = {
        id_: Prediction(float(predicted[id_]["seconds"]), "") for id_ in plan.jobs if id_ in ids and id_ in predicted
    }
    return wall_seconds(plan, given, *places) if given else 0.0, covered_seconds(_interval(made[id_]) for id_ in ids)


def _whole(
    made: Mapping[str, Mapping[str, Any]],
    predicted: Mapping[str, Mapping[str, Any]],
    parts: Iterable[tuple[Places, float, float]],
) -> CostEntry:
    """The time from the beginning to the end of the predicted jobs: those that were predicted for other numbers at once
    ran one after the other."""
    both = [id_ for id_ in made if id_ in predicted]
    before = _sum(seconds for _, seconds, _ in parts) if both else None
    seconds = covered_seconds(_interval(made[id_]) for id_ in both or made)
    entry = _entry(WHOLE, made, predicted)
    return entry.model_copy(
        update={"predicted_seconds": before, "seconds": seconds, "ratio": seconds / before if before else None}
    )


def covered_seconds(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of what a set of intervals covers together: the time in which anything ran.

    >>> covered_seconds([(0, 2), (1, 3), (10, 11)])
    4.0
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _interval(made: Mapping[str, Any]) -> tuple[float, float]:
    """When a job ran, as far as one attempt of it tells."""
    seconds = float(made["seconds"])
    try:
        end = (
            float(made["finished_at"])
            if "finished_at" in made
            else datetime.fromisoformat(made["finished"]).timestamp()
        )
    except (KeyError, TypeError, ValueError):
        end = 0.0
    return end - seconds, end


def _machine(made: Mapping[str, Any]) -> str:
    facts = _part(made)
    return str(facts.get("gpu") or facts.get("processor") or "a machine that is not known")


def _part(made: Mapping[str, Any]) -> Mapping[str, Any]:
    machine = made.get("machine")
    return machine if isinstance(machine, Mapping) else {}


def _sum(values: Iterable[Any]) -> float:
    return float(sum(float(value) for value in values if value is not None))


def _jobs_of(kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    jobs = kept.get("jobs")
    return {id_: one for id_, one in jobs.items() if isinstance(one, dict)} if isinstance(jobs, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("format") == FORMAT else {}
