"""A whole program in any language: compiled if need be, then run, its exit code and output told.

A keeper process owns the program's folder (and, inside bubblewrap, its namespaces): it starts one step after another,
each in a process that locks itself in first, and tells the slot how each ended. The slot measures all that runs below
the keeper, because compilers and interpreters start processes and threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any, NoReturn

from . import begin, confine, endings, watch

LOOK_SECONDS = 0.02
"""Between two looks; shorter than for one process, because memory is watched and not bounded."""


def serve(place: begin.Place, asked: dict[str, Any], folder: str) -> dict[str, Any]:
    """Execute the steps of a program; the slot's record of it."""
    ours, theirs = (end.detach() for end in socket.socketpair())
    output, printing = os.pipe()
    keeper = confine.clone_apart() if place.tier == "bubblewrap" else os.fork()
    if keeper == 0:
        _keep(place, asked, folder, gate=theirs, printing=printing)
    for used in (theirs, printing):
        os.close(used)
    kept = endings.Output(output, asked["output_bytes"])
    with socket.socket(fileno=ours) as gate:
        record = _watched(keeper, gate, kept, asked, folder if place.scratch else None)
    endings.end(keeper)
    endings.clear()
    return {**record, "printed": kept.close()}


def _watched(
    keeper: int, gate: socket.socket, kept: endings.Output, asked: dict[str, Any], folder: str | None
) -> dict[str, Any]:
    """Follow the steps to their end, or to a limit."""
    record: dict[str, Any] = {"reason": None, "exit": 0, "cpu_seconds": 0.0, "step": ""}
    spent, step = watch.OwnTime(), dict[str, Any]()
    waits = select.poll()
    waits.register(gate, select.POLLIN)
    waits.register(kept.file, select.POLLIN)
    look_at = 0.0
    while record["reason"] is None:
        for found, _ in waits.poll(LOOK_SECONDS * 1000):
            if found == kept.file:
                if not kept.take():
                    waits.unregister(kept.file)
                continue
            said = _heard(gate)
            if said is None:
                return record
            if "broken" in said:
                return {**record, **said}
            if "begins" in said:
                step = asked["steps"][said["begins"]]
                kept.forget()
                spent = watch.OwnTime()
                gate.sendall(b"go\n")
            else:
                record |= {"exit": said["exit"], "cpu_seconds": said["cpu_seconds"], "step": step["name"]}
        if kept.too_much:
            record |= {"reason": "output limit", "step": step["name"]}
        elif step and time.monotonic() >= look_at:
            record |= _look(keeper, step, spent, folder, asked)
            look_at = time.monotonic() + LOOK_SECONDS
    return record


def _look(
    keeper: int, step: dict[str, Any], spent: watch.OwnTime, folder: str | None, asked: dict[str, Any]
) -> dict[str, Any]:
    """Which limit is passed, if one is."""
    below = watch.descendants(keeper)
    spent.look(below)
    computed = spent.computed_seconds()
    if computed > step["cpu_seconds"] or (
        computed + spent.sleeping_seconds > step["cpu_seconds"] and not spent.runnable
    ):
        return {"reason": "timed out", "cpu_seconds": computed, "step": step["name"]}
    if watch.resident_bytes(below) > step["memory_bytes"]:
        return {"reason": "out of memory", "cpu_seconds": computed, "step": step["name"]}
    if watch.threads(below) > asked["num_processes"]:
        return {"reason": "too many processes", "cpu_seconds": computed, "step": step["name"]}
    if folder is not None and watch.folder_bytes(folder) + watch.unlinked_bytes(below) > asked["disk_bytes"]:
        return {"reason": "disk limit", "cpu_seconds": computed, "step": step["name"]}
    return {}


def _heard(gate: socket.socket) -> dict[str, Any] | None:
    """One line of the keeper; None at its end. Lines are short and written at once."""
    line = b""
    while not line.endswith(b"\n"):
        part = gate.recv(1)
        if not part:
            return None
        line += part
    found: dict[str, Any] = json.loads(line)
    return found


def _keep(place: begin.Place, asked: dict[str, Any], folder: str, *, gate: int, printing: int) -> NoReturn:
    """In the keeper's process: take the program, write it down, run the steps."""
    try:
        said = begin.read_frame(0)
        assert said is not None
        begin.keep_only(out=printing, channel=gate, gate=gate)
        os.close(begin.GATE)
        gate = begin.CHANNEL
        confine.die_with_parent()
        confine.adopt_orphans()
        begin.settle(place, asked, folder, hide_processes=False)
        for name, text in said["files"].items():
            Path(folder, name).write_text(text, encoding="utf-8", newline="")
        for index, step in enumerate(asked["steps"]):
            if step["command"][0].startswith("./"):
                _make_executable(step["command"][0])
            _say(gate, {"begins": index})
            os.read(gate, 3)
            status, seconds = _stepped(place, asked, step, gate)
            code = os.waitstatus_to_exitcode(status)
            _say(gate, {"exit": code, "cpu_seconds": seconds})
            if code:
                break
    except BaseException as error:
        with contextlib.suppress(OSError):
            _say(gate, {"broken": f"{type(error).__name__}: {error}"[:1000]})
    os._exit(0)


def _make_executable(path: str) -> None:
    """For a linker that may not: where Landlock alone holds a program, none changes the rights of files."""
    made = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    os.fchmod(made, 0o755)
    os.close(made)


def _say(gate: int, what: dict[str, Any]) -> None:
    os.write(gate, json.dumps(what).encode() + b"\n")


def _stepped(place: begin.Place, asked: dict[str, Any], step: dict[str, Any], gate: int) -> tuple[int, float]:
    """Run one step; its wait status and its CPU seconds, its children's included."""
    process = os.fork()
    if process == 0:
        _become(place, asked, step, gate)
    _, status, usage = os.wait4(process, 0)
    return status, usage.ru_utime + usage.ru_stime


def _become(place: begin.Place, asked: dict[str, Any], step: dict[str, Any], gate: int) -> NoReturn:
    """In a step's process: lock in, then become its program."""
    try:
        stdin = os.open(step["stdin"], os.O_RDONLY)
        os.dup2(stdin, 0)
        os.close(stdin)
        bounds = confine.Bounds(
            memory_bytes=step["memory_bytes"] if step["bounded"] else None,
            data_bytes=None,
            cpu_seconds=int(step["cpu_seconds"]) + 3,
            file_bytes=asked["disk_bytes" if step["name"] == "compile" else "file_bytes"],
            num_processes=asked["num_processes"] + place.processes_beside,
            user=place.program_user,
        )
        os.set_inheritable(gate, False)
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and so by what it starts
            signal.signal(ignored, signal.SIG_DFL)
        confine.lock_in(bounds, begin.freedom(place, place.program_user, processes=True), os.getpid())
        os.execve(step["command"][0], step["command"], {**os.environ, **step["environment"]})
    except OSError as error:
        _say(gate, {"broken": f"{step['command'][0]}: {error}"})
    except BaseException as error:
        _say(gate, {"broken": f"{type(error).__name__}: {error}"[:1000]})
    os._exit(1)
