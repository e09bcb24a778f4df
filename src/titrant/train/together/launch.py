"""The train stage: one process, or as many as are asked for, started by torchrun and watched from here.

What the processes say travels by files in the job's scratch folder, which all of them share wherever they run:

    assignment.json   what to train, for all of them
    events.jsonl      the first one's progress, a line each
    stop              lies there once they are asked to stop
    end-RANK.json     how each of them ended: a checkpoint, a stop or a fault
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from titrant.artifacts import Checkpoint, TokenizerFile
from titrant.errors import EngineError, Problem, StoreError, StudyError, TitrantError
from titrant.jobs import Progress, TrainJob
from titrant.lifeline import die_with
from titrant.settings import LAUNCHER, asked_ranks, command
from titrant.train.loop import train_phase
from titrant.train.memory import choose_layout

_EVERY_SECONDS = 0.1
_HEARTBEAT_SECONDS = 1.0


def train(job: TrainJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress) -> Checkpoint:
    """Train a phase as `train_phase` does, in as many processes as the environment asks for.

    In any number of processes the data come in the same order and the ledger is the same; a phase that was stopped goes
    on in more or fewer. Raises what they raise, and EngineError if one of them is killed.
    """
    count = asked_ranks()
    if count == 1 and not os.environ.get(LAUNCHER):
        return train_phase(job, inputs, out, scratch=scratch, progress=progress)
    for older in scratch.glob("ranks-*"):
        shutil.rmtree(older, ignore_errors=True)
    # one for this attempt alone: a process of an earlier one that was left behind finds nothing to write to
    folder = scratch / f"ranks-{os.getpid()}-{time.time_ns()}"
    folder.mkdir()
    vocabulary = TokenizerFile.read(inputs["tokenizer"]).vocabulary
    assignment = {
        "job": job.model_dump(mode="json"),
        "inputs": {role: str(path.resolve()) for role, path in inputs.items()},
        "out": str(out.resolve()),
        "scratch": str(scratch.resolve()),
        "layout": choose_layout(job, vocabulary, count),
    }
    (folder / "assignment.json").write_text(json.dumps(assignment))
    status = _watch(_start(folder, count), folder, progress, job.phase.steps * job.global_batch_tokens)
    checkpoint = _outcome(folder, count, status)
    shutil.rmtree(folder)
    return checkpoint


def _start(folder: Path, count: int) -> subprocess.Popen[bytes]:
    standard = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    launcher = command(LAUNCHER) or standard
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    environment.setdefault("OMP_NUM_THREADS", "1")  # torchrun would say at length that it does the same
    parent = os.getpid()
    try:
        return subprocess.Popen(
            [*launcher, "-m", "titrant.train.together.rank", str(folder.resolve())],
            stdin=subprocess.DEVNULL,
            env=environment,
            preexec_fn=lambda: die_with(parent),
        )
    except OSError as error:
        raise EngineError(
            f"{launcher[0]} cannot be started ({error.strerror}); mend {LAUNCHER}, or leave it out to use torchrun"
        ) from None


def _watch(process: subprocess.Popen[bytes], folder: Path, progress: Progress, total: int) -> int:
    """Hand on what the first process says until all have ended; ask them to stop when `progress` does."""
    events, read = folder / "events.jsonl", 0
    last: tuple[int, int, str, str] = (0, total, "tokens", "starting")
    told, stopping = 0.0, False
    while True:
        ended = process.poll() is not None
        content = events.read_bytes()[read:] if events.exists() else b""
        lines, _, _ = content.rpartition(b"\n")
        read += len(lines) + 1 if lines else 0
        said = [json.loads(line) for line in lines.split(b"\n") if line]
        if not said and time.monotonic() - told > _HEARTBEAT_SECONDS:
            said = [last]
        for each in said:
            last, told = tuple(each), time.monotonic()
            try:
                progress(*last)
            except KeyboardInterrupt:
                if not stopping:
                    (folder / "stop").touch()
                stopping = True
        if ended:
            return process.wait()
        time.sleep(_EVERY_SECONDS)


def _outcome(folder: Path, count: int, status: int) -> Checkpoint:
    """The checkpoint, or what went wrong as its own exception."""
    ends = {}
    for path in sorted(folder.glob("end-*.json"), key=lambda path: int(path.stem[4:])):
        ends[int(path.stem[4:])] = json.loads(path.read_bytes())
    count = max([count, *(int(end["world"]) for end in ends.values())])
    gone = [rank for rank in range(count) if rank not in ends]
    faults = [fault_of(end) for end in ends.values() if "fault" in end]
    # where one was killed, the others can only say that they could not reach it
    if told := [fault for fault in faults if isinstance(fault, (TitrantError, OSError))] or (
        faults if not gone else []
    ):
        raise told[0]
    if ends.get(0, {}).get("stopped"):
        raise KeyboardInterrupt
    if status == 0 and "checkpoint" in ends.get(0, {}):
        return Checkpoint.model_validate(ends[0]["checkpoint"])
    others = f" (the others: {str(faults[0]).splitlines()[0]})" if faults else ""
    raise EngineError(
        f"{len(gone)} of {count} processes that trained together (rank {', '.join(map(str, gone[:8]))}) ended without "
        f"a word, the launcher with status {status}{others}: killed, perhaps because memory ran out, or never started, "
        "or unable to reach the others. The job's log has what the launcher says; run again to go on from the last "
        "snapshot"
    )


def describe_fault(error: BaseException) -> dict[str, object]:
    """An exception as plain data, for the process that watches."""
    content: dict[str, object] = {"fault": type(error).__name__, "message": str(error)}
    if isinstance(error, StudyError):
        content["problems"] = [asdict(problem) for problem in error.problems]
    if isinstance(error, OSError):
        content["errno"] = error.errno
    return content


def fault_of(end: Mapping[str, object]) -> Exception:
    """The exception behind plain data, or one that says the same."""
    kind, message, problems = end["fault"], str(end["message"]), end.get("problems")
    if kind == "StudyError" and isinstance(problems, list):
        return StudyError([Problem(p["message"], p["where"], tuple(p["path"])) for p in problems])
    kinds: dict[object, type[TitrantError]] = {"StoreError": StoreError, "EngineError": EngineError}
    if kind in kinds:
        return kinds[kind](message)
    if isinstance(end.get("errno"), int):
        return OSError(end["errno"], message)
    return RuntimeError(f"{kind}: {message}")
