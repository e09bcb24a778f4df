"""A slot: serves one program after another, each in fresh processes, and says how each ended.

The first answer of an execution is written by the process of the tests itself, as ASCII; then comes the byte 0xFF and
the slot's own record: what it saw and measured. The slot never reads the program or the tests: their own processes
take them from the queue, so that nothing of one execution is in the memory that the next is forked from.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from . import batch, begin, confine, endings, program, tests, watch, whole

LOOK_SECONDS = 0.04
"""Between two looks at what an execution uses."""
LEAVE_SECONDS = 1.0
"""Given to a program to end by itself when its tests are over; what it does then changes no verdict."""
TESTS_SHARE = 10
"""The tests themselves may compute this many times as long as the program."""
WARM = (
    "abc",
    "bisect",
    "collections.abc",
    "copy",
    "enum",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "string",
    "time",
    "types",
    "typing",
)
"""Modules that programs often import: they are there already. More of them make every fork dearer."""

_DELIMITER = b"\xff"
_READY = b"ready"


@dataclass
class Execution:
    """One program and its tests, as the slot sees them."""

    program: int
    tests: int
    output: endings.Output
    reason: str | None = None
    """Why the slot ended it, if it did."""


def main() -> NoReturn:
    """Serve until the queue closes. The queue is standard input; answers go to standard output."""
    place = begin.Place(**json.loads(sys.argv[1]))
    os.closerange(3, 2**20)
    if place.scratch is None:
        confine.die_with_parent()
    else:  # no namespace ends with it: it has to clear up
        signal.signal(signal.SIGTERM, lambda *_: _leave(str(place.scratch)))
        confine.die_with_parent(signal.SIGTERM)
    confine.adopt_orphans()
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    confine.prepare()
    gc.collect()
    gc.freeze()
    while (asked := begin.read_frame(0)) is not None:
        os.environ["TMPDIR"] = os.environ["HOME"] = confine.FOLDER
        try:
            serve(place, asked)
        except Exception as error:
            _answer({"broken": f"{type(error).__name__}: {error}"})
            os._exit(1)
    os._exit(0)


def serve(place: begin.Place, limits: dict[str, Any]) -> None:
    """One execution, from its limits to its record; or many calls, which answer for themselves."""
    if limits["kind"] == "calls":
        batch.serve(place, limits)
        return
    folder = confine.FOLDER if place.scratch is None else tempfile.mkdtemp(dir=place.scratch)
    user = place.program_user if limits["kind"] == "program" else place.user
    if user is not None and place.scratch is not None:
        os.chown(folder, user, user)
    record = (whole.serve if limits["kind"] == "program" else _checked)(place, limits, folder)
    if place.scratch is not None:
        endings.remove(folder)
    _answer(record)
    if "broken" in record:
        os._exit(1)  # the queue may hold what was not taken


def _checked(place: begin.Place, limits: dict[str, Any], folder: str) -> dict[str, Any]:
    """A Python program and its tests, in a process each."""
    ours, theirs = (end.detach() for end in socket.socketpair())
    output, printing = os.pipe()
    gate, opener = os.pipe()
    started = confine.clone_apart() if place.tier == "bubblewrap" else os.fork()
    if started == 0:
        _program(place, limits, folder, channel=ours, printing=printing, gate=opener)
    for used in (ours, printing, opener):
        os.close(used)
    said = b"".join(iter(lambda: os.read(gate, 4096), b""))
    os.close(gate)
    if said != _READY:
        endings.end(started)
        return {"broken": said.decode("utf-8", "replace") or "the program's process ended before it began"}
    gate, opener = os.pipe()
    testing = os.fork()
    if testing == 0:
        _tests(place, limits, channel=theirs, gate=opener)
    os.close(theirs)
    os.close(opener)
    if not os.read(gate, 1):
        os._exit(1)  # it has left the tests in the queue
    os.close(gate)
    running = Execution(started, testing, endings.Output(output, limits["output_bytes"]))
    return _watched(running, limits, folder if place.scratch else None)


def _program(
    place: begin.Place, limits: dict[str, Any], folder: str, *, channel: int, printing: int, gate: int
) -> NoReturn:
    """In the program's process: take the program, lock in, run."""
    try:
        said = begin.read_frame(0)
        begin.keep_only(out=printing, channel=channel, gate=gate)
        gate = begin.GATE
        begin.settle(place, limits, folder, hide_processes=True)
        bounds = begin.bounds(place, limits, limits["cpu_seconds"])
        confine.lock_in(bounds, begin.freedom(place, place.user, processes=False), os.getpid())
        assert said is not None
        os.write(begin.GATE, _READY)
        os.close(begin.GATE)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(gate, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    sys.stdin, sys.stdout, sys.stderr = begin.stream(0, "r"), begin.stream(1, "w"), begin.stream(2, "w")
    program.main(begin.CHANNEL, said["setup"], said["source"])
    os._exit(0)


def _tests(place: begin.Place, limits: dict[str, Any], *, channel: int, gate: int) -> NoReturn:
    """In the process of the tests: take them, lock in, run, write the verdict."""
    try:
        said = begin.read_frame(0)
        os.write(gate, b"1")
        out = os.dup(1)
        begin.keep_only(out=None, channel=channel, gate=out)
        if place.tier != "bubblewrap":
            confine.restrict_files(place.readable, None)
        bounds = begin.bounds(place, limits, limits["cpu_seconds"] * TESTS_SHARE)
        confine.lock_in(bounds, begin.freedom(place, place.user, processes=False), None)
        assert said is not None
    except BaseException as error:
        os.write(begin.GATE, json.dumps({"broken": f"{type(error).__name__}: {error}"}).encode())
        os._exit(1)
    tests.main(begin.CHANNEL, said, begin.GATE)
    os._exit(0)


def _watched(running: Execution, limits: dict[str, Any], folder: str | None) -> dict[str, Any]:
    """Wait for the end of both processes, enforcing what the kernel does not."""
    spent = watch.OwnTime()
    waits = select.poll()
    ends = {os.pidfd_open(process): process for process in (running.program, running.tests)}
    for found in (*ends, running.output.file):
        waits.register(found, select.POLLIN)
    alive = set(ends.values())
    look_at, leave_at = time.monotonic() + LOOK_SECONDS, None
    while alive:
        for found, _ in waits.poll(LOOK_SECONDS * 1000):
            if found in ends:
                alive.discard(ends[found])
                waits.unregister(found)
            elif not running.output.take():
                waits.unregister(found)
        now = time.monotonic()
        if running.output.too_much:
            running.reason = running.reason or "output limit"
        if now >= look_at:
            _look(running, limits, folder, spent)
            look_at = time.monotonic() + LOOK_SECONDS
        if running.tests not in alive:
            leave_at = leave_at or now + LEAVE_SECONDS
        if running.reason is not None or (leave_at is not None and now >= leave_at):
            for process in alive:
                endings.kill(process)
    for found in ends:
        os.close(found)
    ended = {process: os.wait4(process, 0) for process in ends.values()}
    endings.clear()
    status, usage = ended[running.program][1:]
    if usage.ru_utime + usage.ru_stime > limits["cpu_seconds"]:
        running.reason = running.reason or "timed out"  # between two looks
    return {
        "reason": running.reason,
        "exit": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "printed": running.output.close(),
    }


def _look(running: Execution, limits: dict[str, Any], folder: str | None, spent: watch.OwnTime) -> None:
    """Note in `running.reason` which limit is passed."""
    own = [running.program]
    tests_own = [running.tests]
    spent.look(own + tests_own)
    seconds = limits["cpu_seconds"]
    computed = spent.computed_seconds(own)
    if running.reason is not None:
        return
    if computed > seconds or (computed + spent.sleeping_seconds > seconds and not spent.runnable):
        running.reason = "timed out"
    elif spent.computed_seconds(tests_own) > seconds * TESTS_SHARE:
        running.reason = "slow tests"
    elif watch.threads(own) > begin.MOST_THREADS:
        running.reason = "too many threads"
    elif folder is not None and watch.folder_bytes(folder) + watch.unlinked_bytes(own) > limits["disk_bytes"]:
        running.reason = "disk limit"


def _leave(scratch: str) -> NoReturn:
    endings.clear()
    endings.remove(scratch)
    os._exit(0)


def _answer(record: dict[str, Any]) -> None:
    body = json.dumps(record).encode()
    view = memoryview(_DELIMITER + struct.pack("!I", len(body)) + body)
    while view:
        view = view[os.write(1, view) :]
