"""The process that measures for a calibration: it does the very small study that it is asked to, and times it.

python -P -m titrant.execute.cost.measuring   reads a request from stdin and writes what it measured to stdout, as JSON
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
import sysconfig
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from titrant.execute.cost.calibrate import (
    BYTES_SCORED,
    CHOICE_ITEMS,
    ITEMS_PER_RUNG,
    LONGEST_SECONDS,
    TEXT_BYTES,
    TRAIN_SECONDS,
)
from titrant.lifeline import die_with
from titrant.study.study import Study

LEAST_ITEMS = 2
LEAST_BYTES = 3000
CORE_SECONDS = 0.00142
"""What `_core_work` takes on one core of the processor on which the rates of data stages were measured (AMD EPYC of
the Zen 5 generation)."""


@dataclass
class _Clock:
    """The `progress` of a stage: notes when how much was done, and asks it to stop when there is enough."""

    enough: Callable[[_Clock], bool] = lambda clock: False
    start: float = field(default_factory=time.perf_counter)
    cpu_start: float = field(default_factory=time.process_time)
    seen: list[tuple[float, int, str]] = field(default_factory=list)

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        self.seen.append((time.perf_counter() - self.start, done, note))
        if self.enough(self):
            raise KeyboardInterrupt

    def cpu_fraction(self) -> float:
        """CPU time over wall time so far."""
        return max(1e-3, (time.process_time() - self.cpu_start) / (time.perf_counter() - self.start))


def units_per_second(seen: Sequence[tuple[float, int, str]], first: int) -> float:
    """Units a second between the first moment at which `first` units were done and the last moment.

    Falls back on what there is: from the first moment with anything done, or from the beginning.

    >>> units_per_second([(1.0, 0, ""), (3.0, 10, ""), (4.0, 20, ""), (6.0, 40, "")], first=10)
    10.0
    """
    last_time, last, _ = seen[-1]
    for least in (first, 1):
        begun = next(((at, done) for at, done, _ in seen if done >= least), None)
        if begun is not None and last > begun[1]:
            return (last - begun[1]) / (last_time - begun[0])
    return max(last, 1) / last_time


def seconds_by_note(seen: Sequence[tuple[float, int, str]]) -> dict[str, float]:
    """Seconds up to each moment since the one before, summed by note; moments at which nothing more was done count
    for the next."""
    spent: dict[str, float] = {}
    before, done_before = seen[0][0], seen[0][1]
    for at, done, note in seen[1:]:
        if done > done_before:
            spent[note] = spent.get(note, 0.0) + at - before
            before, done_before = at, done
    return spent


def _measure(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    from titrant.execute.store import open_store
    from titrant.plan import make_plan
    from titrant.study.load import LoadedStudy
    from titrant.study.world import pin_study

    begun = time.perf_counter()
    content = request["study"]
    _write_text(folder / "text")
    content["evaluation"]["multiple_choice"] = [
        {**task, "file": _first_lines(Path(task["file"]), folder / f"choice-{number}.jsonl")}
        for number, task in enumerate(content["evaluation"]["multiple_choice"])
    ]
    plan = make_plan(pin_study(LoadedStudy(Study.model_validate(content), folder / "study.yaml")))
    for module in ("corpus", "tokens", "train", "evaluate"):
        __import__(f"titrant.{module}")
    store = open_store(folder / "store", create=True)
    _in_children([lambda: _make_data(plan, store)], folder)
    job_seconds = _job_seconds(plan, store)
    scales = []
    for number, words in enumerate(request["shrunk"]):
        gpus = request["gpus"] or [None] * request["workers"]
        workers = [
            partial(
                _one_worker, plan, store, folder / f"{number}-{place}", f"s{number}", gpu, request["efforts"][number]
            )
            for place, gpu in enumerate(gpus[: request["workers"]])
        ]
        scales.append({**_mean(_in_children(workers, folder)), "shrunk_to": words})
    return {
        "scales": scales,
        "job_seconds": job_seconds,
        "core_speed": CORE_SECONDS / _core_work(),
        "seconds": time.perf_counter() - begun,
    }


def _one_worker(plan: Any, shared: Any, folder: Path, scale: str, gpu: str | None, effort: float) -> dict[str, Any]:
    """What one of several equal processes measures of a scale; `effort` is the share of the questions that is asked."""
    from titrant.execute.store import open_store
    from titrant.execute.work import stage_of
    from titrant.execute.worker import StopSwitch, assign, do_job

    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    root = folder / "store"
    root.mkdir(parents=True)
    for path in shared.root.iterdir():
        if path.name != "work":
            (root / path.name).symlink_to(path)
    store = open_store(root, create=False)
    one = plan.jobs[plan.runs[f"own@{scale}-one#1"][1][0]]
    began = time.perf_counter()
    do_job(assign(plan, one, store), lambda event: None, StopSwitch())
    one_seconds = time.perf_counter() - began

    many = plan.jobs[plan.runs[f"own@{scale}#1"][1][0]]
    batch = many.declaration.global_batch_tokens

    def enough(clock: _Clock) -> bool:
        now = clock.seen[-1][0]
        first = next((at for at, units, _ in clock.seen if units > 0), now)  # what is compiled is compiled by then
        begun = next((at for at, units, _ in clock.seen if units >= batch), now)
        return now - begun > TRAIN_SECONDS or now - first > LONGEST_SECONDS

    clock = _Clock(enough)
    _run_stage(stage_of("train"), many.declaration, assign(plan, many, store).inputs, folder / "many", clock)
    tokens_per_second = units_per_second(clock.seen, batch)
    train_cpu = clock.cpu_fraction()
    peak = None
    if gpu is None:
        from titrant.train.watching.rate import measured_peak

        peak = measured_peak(many.declaration.precision)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    scored = next(job for job in plan.jobs.values() if job.kind == "evaluate" and job.inputs["train"] == one.id)
    probes = [
        probe.model_copy(update={"items_per_rung": max(LEAST_ITEMS, round(ITEMS_PER_RUNG * effort))})
        for probe in scored.declaration.probes
    ]
    fewer = {"bytes_per_source": max(LEAST_BYTES, int(BYTES_SCORED * effort)), "check_bytes_per_source": 0}
    questions = scored.declaration.model_copy(update={**fewer, "probes": tuple(probes)})
    asked = _Clock()
    inputs = assign(plan, scored, store).inputs
    scores = _run_stage(stage_of("evaluate"), questions, inputs, folder / "scores", asked)
    whole, evaluate_cpu = time.perf_counter() - asked.start, asked.cpu_fraction()
    spent = seconds_by_note(asked.seen)
    counts = {note: _done_of(asked.seen, note) for note in spent}
    flops_per_second = tokens_per_second * many.flops / many.tokens
    return {
        "flops_per_second": flops_per_second,
        "train_start_seconds": max(0.0, one_seconds - one.flops / flops_per_second),
        "train_memory_bytes": memory,
        "evaluate_start_seconds": max(0.0, whole - sum(spent.values())),
        "seconds_per_byte": spent.get("bits_per_byte/own", 0.0) / scores.bytes["bits_per_byte/own"],
        "seconds_per_item": {
            note: seconds / counts[note] for note, seconds in spent.items() if not note.startswith(("bits", "step"))
        },
        "train_cpu_fraction": train_cpu,
        "peak_flops_per_second": peak,
        "evaluate_cpu_fraction": evaluate_cpu,
    }


def _run_stage(stage: Any, asked: Any, inputs: Mapping[str, Path], folder: Path, clock: _Clock) -> Any:
    """What the stage returns; None if the clock stopped it."""
    out, scratch = folder / "out", folder / "scratch"
    out.mkdir(parents=True)
    scratch.mkdir()
    try:
        return stage(asked, dict(inputs), out, scratch=scratch, progress=clock)
    except KeyboardInterrupt:
        return None


def _done_of(seen: Sequence[tuple[float, int, str]], note: str) -> int:
    """Units that were done under a note."""
    done = before = 0
    for _, units, words in seen:
        done += units - before if words == note else 0
        before = units
    return max(done, 1)


def _make_data(plan: Any, store: Any) -> dict[str, Any]:
    from titrant.execute.worker import StopSwitch, assign, do_job

    for job in plan.jobs.values():
        if job.kind in ("documents", "split", "tokenizer", "tokens"):
            do_job(assign(plan, job, store), lambda event: None, StopSwitch())
    return {}


def _job_seconds(plan: Any, store: Any) -> float:
    """What a job takes whose stage takes nothing, as told by the split of a small source."""
    from titrant.execute.machine import read_made

    job = next(job for job in plan.jobs.values() if job.kind == "split")
    seconds = read_made(store.folder_of(job)).get("seconds", 0.0)
    return min(1.0, float(str(seconds)))


def _in_children(works: Sequence[Callable[[], dict[str, Any]]], folder: Path) -> list[dict[str, Any]]:
    """Each work in a fork of this process, all at once; what they returned, in order.

    Forks, because threads of libraries must not have begun here, and because importing takes seconds.
    """
    pids, parent = [], os.getpid()
    answers = [folder / f"answer-{time.monotonic_ns()}-{number}.json" for number in range(len(works))]
    for work, answer in zip(works, answers, strict=True):
        if (pid := os.fork()) == 0:
            status = 1
            try:
                die_with(parent)
                answer.write_text(json.dumps(work()))
                status = 0
            except BaseException as error:  # told by the parent; a child must never go on in the parent's code
                answer.write_text(json.dumps({"error": f"{type(error).__name__}: {error}"}))
            finally:
                os._exit(status)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    found = [json.loads(answer.read_text()) for answer in answers]
    if errors := [answer["error"] for answer in found if "error" in answer]:
        raise RuntimeError(errors[0])
    return found


def _mean(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the processes, entry by entry."""
    first = found[0]
    return {
        key: {name: _average([one[key][name] for one in found]) for name in value}
        if isinstance(value, dict)
        else int(max(one[key] for one in found))
        if key == "train_memory_bytes"
        else None
        if value is None
        else _average([one[key] for one in found])
        for key, value in first.items()
    }


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _write_text(folder: Path) -> None:
    """Two megabytes of the text that every Python has: its library, and its manual's topics."""
    folder.mkdir()
    library = Path(sysconfig.get_path("stdlib"))
    size = 0
    for path in [library / "pydoc_data" / "topics.py", *sorted(library.glob("*.py"))]:
        if size > TEXT_BYTES:
            return
        if path.is_file():
            size += path.stat().st_size
            shutil.copyfile(path, folder / f"{path.stem}.txt")


def _first_lines(file: Path, target: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        target.write_text("".join(line for _, line in zip(range(CHOICE_ITEMS), lines, strict=False)), encoding="utf-8")
    return str(target)


def _core_work() -> float:
    """Seconds of a fixed piece of work of one core that is like that of the data stages: the best of forty, so short
    that beside busy processes one at least is not interrupted."""
    text = " ".join(f"word{number * 7919 % 10007} = f({number});" for number in range(800))
    best = float("inf")
    for _ in range(40):
        begun = time.perf_counter()
        counts: dict[str, int] = {}
        for word in re.findall(r"\w+|\W", text):
            counts[word] = counts.get(word, 0) + 1
        zlib.compress(text.encode(), 6)
        best = min(best, time.perf_counter() - begun)
    return best


def main() -> None:
    """Read a request from stdin, measure, write the answer to stdout; what libraries print goes to stderr."""
    request = json.loads(sys.stdin.read())
    die_with(request["parent"])
    answer_to = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="titrant-calibration-") as folder:
        answer = _measure(request, Path(folder))
    with os.fdopen(answer_to, "w") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
