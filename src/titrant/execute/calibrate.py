"""Measure how fast this machine does a study's work, in about ten seconds, by doing a very small study of its shape.

    1. a source of Python's own library, a tokenizer and token shards are made by the study's stages in a folder that
       goes again afterwards
    2. as many processes as would run at once each, at the same time: train one sequence (what a job costs beside its
       steps), train steps of the study's own scale until the time is up, and answer a small part of its evaluation
    3. what lasts too long in a model of this size is measured in one of fewer layers, and told

The engine's own stages do all of it, so that whatever they do is in the figures. All in processes of their own: the
caller never imports torch.

    python -P -m titrant.execute.calibrate   reads a request from stdin and writes what it measured to stdout, as JSON
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
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

from titrant.errors import EngineError
from titrant.execute.calibration import Calibration, ScaleSpeed, key_of
from titrant.execute.machine import Speed
from titrant.execute.nursery import ONE_THREAD
from titrant.study.architecture import Architecture, ExistingTokenizer
from titrant.study.ladder import Scale
from titrant.study.study import Study

TRAIN_SECONDS = 2.5
"""How long steps are timed, for each scale."""

LONGEST_SECONDS = 8.0
"""After so long a scale's training is stopped, however few steps it took."""

PATIENCE_SECONDS = 120.0
"""A calibration that takes longer than this is given up."""

MICRO_BATCH_TOKENS = 4096
"""What the engine reads at once on a CPU, and so the least that is timed."""

TEXT_BYTES = 2_000_000
LARGEST_VOCABULARY = 8192
"""A vocabulary that can be learnt from so little text in a moment; a larger one is put down to FLOPs."""
ITEMS_PER_RUNG = 10
BYTES_SCORED = 40_000
CHOICE_ITEMS = 16
CORE_SECONDS = 0.00142
"""What `_core_work` takes on one core of the processor on which the rates of data stages were measured (AMD EPYC of
the Zen 5 generation)."""


def calibrate(
    study: Study, vocabulary: int, workers: int, gpus: Sequence[str], crude: Speed | None
) -> dict[str, Calibration]:
    """Measure every scale of a pinned study; by key. `crude` decides whether a model must be made smaller.

    Raises EngineError, with the end of what the process said, if it fails or takes longer than two minutes.
    """
    request = _request_of(study, vocabulary, workers, gpus, crude)
    environment = {
        **os.environ,
        **ONE_THREAD,
        "TOKENIZERS_PARALLELISM": "false",
        "TITRANT_COMPILE": "0",
        "TITRANT_TRACKERS": "",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "titrant.execute.calibrate"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=environment,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"measuring this machine took longer than {PATIENCE_SECONDS:.0f} s and was given up"
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise EngineError(f"this machine could not be measured: {said}") from None
    measured = {}
    for number, (name, scale) in enumerate(study.scales.items()):
        found = _put_down_to_flops(answer["scales"][number], request["scored_flops"][number])
        measured[key_of(study, scale, vocabulary, workers)] = Calibration(
            scale=name,
            speed=ScaleSpeed(**found),
            core_speed=answer["core_speed"],
            job_seconds=answer["job_seconds"],
            workers=workers,
            measured_seconds=answer["seconds"],
            when=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        )
    return measured


def _request_of(
    study: Study, vocabulary: int, workers: int, gpus: Sequence[str], crude: Speed | None
) -> dict[str, Any]:
    """The very small study, and how to measure it."""
    existing = study.tokenizer if isinstance(study.tokenizer, ExistingTokenizer) else None
    small = vocabulary if existing else min(vocabulary, LARGEST_VOCABULARY)
    scales: dict[str, Any] = {}
    shrunk: list[str] = []
    ratios: list[float] = []
    for number, scale in enumerate(study.scales.values()):
        timed, words = shrink(scale, small, crude.flops_per_second if crude else None)
        if small < vocabulary:
            words = ", ".join(filter(None, [words, f"a vocabulary of {small}"]))
        shrunk.append(words)
        whole, part = (
            one.architecture.flops_per_token(entries, scale.sequence_length)
            for one, entries in ((scale, vocabulary), (timed, small))
        )
        ratios.append(whole / part)
        shape = timed.model_dump(mode="json", by_alias=True)
        batch, length = timed.global_batch_tokens, timed.sequence_length
        scales[f"s{number}-one"] = {**shape, "tokens": length, "global_batch_tokens": length}
        scales[f"s{number}"] = {**shape, "tokens": 1000 * batch}
    evaluation = study.evaluation.model_dump(mode="json")
    plant = next((source.plant for source in study.sources.values() if source.plant is not None), None)
    own: dict[str, Any] = {"kind": "text", "from": [{"files": ["text"]}], "max_document_characters": 3000}
    if plant is not None:
        own["plant"] = {"facts_per_rung": min(plant.facts_per_rung, ITEMS_PER_RUNG), "copies": [1]}
    return {
        "study": {
            "study": "calibration",
            "question": "How fast is this machine?",
            "sources": {"own": own},
            "mixtures": {"own": {"own": 1}},
            "phases": {"whole": {"parts": 1, "schedule": {"shape": "constant", "warmup_fraction": 0}}},
            "arms": {"own": [{"whole": "own"}]},
            "budget_parts": 1,
            "scales": scales,
            "seeds": [1],
            "tokenizer": existing.model_dump(mode="json")
            if existing
            else {"vocabulary": small, "mixture": "own", "training_bytes": TEXT_BYTES // 2},
            "optimizer": study.optimizer.model_dump(mode="json"),
            "hold_out_fraction": 0.2,
            "evaluation": {
                **evaluation,
                "bits_per_byte": {"bytes_per_source": BYTES_SCORED},
                "probes": [{**probe, "items_per_rung": ITEMS_PER_RUNG} for probe in evaluation["probes"]],
                "multiple_choice": [{**task, "content": None} for task in evaluation["multiple_choice"]],
                "decontaminate": None,
                "checks_per_phase": 0,
                "check_bytes_per_source": 1000,
            },
        },
        "shrunk": shrunk,
        "scored_flops": ratios,
        "workers": min(workers, len(gpus)) if gpus else workers,
        "gpus": list(gpus),
    }


def _put_down_to_flops(found: dict[str, Any], ratio: float) -> dict[str, Any]:
    """What scoring takes in the whole model, from what it took in a smaller one."""
    items = {name: seconds * ratio for name, seconds in found["seconds_per_item"].items()}
    return {**found, "seconds_per_byte": found["seconds_per_byte"] * ratio, "seconds_per_item": items}


def shrink(scale: Scale, vocabulary: int, crude_flops_per_second: float | None) -> tuple[Scale, str]:
    """The scale with as many of its layers as let a micro-batch be timed within seconds, and words for what went.

    Only models of our own can be cut; the time of the others is what it is. The speed of a GPU is not known before.
    """
    shape = scale.architecture
    if crude_flops_per_second is None or not isinstance(shape, Architecture):
        return scale, ""
    tokens = max(scale.sequence_length, min(MICRO_BATCH_TOKENS, scale.global_batch_tokens))
    layers = shape.layers
    while layers > 1:
        cut = shape.model_copy(update={"layers": layers})
        if cut.flops_per_token(vocabulary, scale.sequence_length) * tokens / crude_flops_per_second < LONGEST_SECONDS:
            break
        layers = layers // 2
    if layers == shape.layers:
        return scale, ""
    smaller = scale.model_copy(update={"architecture": shape.model_copy(update={"layers": layers})})
    return smaller, f"{layers} of {shape.layers} layers"


# ---- the process that measures --------------------------------------------------------------------------------------


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
            partial(_one_worker, plan, store, folder / f"{number}-{place}", f"s{number}", gpu)
            for place, gpu in enumerate(gpus[: request["workers"]])
        ]
        scales.append({**_mean(_in_children(workers, folder)), "shrunk_to": words})
    return {
        "scales": scales,
        "job_seconds": job_seconds,
        "core_speed": CORE_SECONDS / _core_work(),
        "seconds": time.perf_counter() - begun,
    }


def _one_worker(plan: Any, shared: Any, folder: Path, scale: str, gpu: str | None) -> dict[str, Any]:
    """What one of several equal processes measures of a scale."""
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
        now, done, _ = clock.seen[-1]
        begun = next((at for at, units, _ in clock.seen if units >= batch), None)
        return (begun is not None and now - begun > TRAIN_SECONDS) or (done > 0 and now > LONGEST_SECONDS)

    clock = _Clock(enough)
    _run_stage(stage_of("train"), many, assign(plan, many, store).inputs, folder / "many", clock)
    tokens_per_second = units_per_second(clock.seen, batch)
    train_cpu = clock.cpu_fraction()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    scored = next(job for job in plan.jobs.values() if job.kind == "evaluate" and job.inputs["train"] == one.id)
    asked = _Clock()
    _run_stage(stage_of("evaluate"), scored, assign(plan, scored, store).inputs, folder / "scores", asked)
    whole, evaluate_cpu = time.perf_counter() - asked.start, asked.cpu_fraction()
    spent = seconds_by_note(asked.seen)
    counts = {note: _done_of(asked.seen, note) for note in spent}
    flops_per_second = tokens_per_second * many.flops / many.tokens
    return {
        "flops_per_second": flops_per_second,
        "train_start_seconds": max(0.0, one_seconds - one.flops / flops_per_second),
        "train_memory_bytes": memory,
        "evaluate_start_seconds": max(0.0, whole - sum(spent.values())),
        "seconds_per_byte": spent.get("bits_per_byte/own", 0.0) / BYTES_SCORED,
        "seconds_per_item": {
            note: seconds / counts[note] for note, seconds in spent.items() if not note.startswith(("bits", "step"))
        },
        "train_cpu_fraction": train_cpu,
        "evaluate_cpu_fraction": evaluate_cpu,
    }


def _run_stage(stage: Any, job: Any, inputs: Mapping[str, Path], folder: Path, clock: _Clock) -> None:
    out, scratch = folder / "out", folder / "scratch"
    out.mkdir(parents=True)
    scratch.mkdir()
    try:
        stage(job.declaration, dict(inputs), out, scratch=scratch, progress=clock)
    except KeyboardInterrupt:
        return


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
    pids = []
    answers = [folder / f"answer-{time.monotonic_ns()}-{number}.json" for number in range(len(works))]
    for work, answer in zip(works, answers, strict=True):
        if (pid := os.fork()) == 0:
            status = 1
            try:
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
    answer_to = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="titrant-calibration-") as folder:
        answer = _measure(request, Path(folder))
    with os.fdopen(answer_to, "w") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
