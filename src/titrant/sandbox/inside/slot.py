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
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn, TextIO, cast

from . import confine, program, tests, watch

LOOK_SECONDS = 0.04
"""Between two looks at what an execution uses."""
LEAVE_SECONDS = 0.05
"""Given to a program to end by itself when its tests are over; what it does then changes no verdict."""
TESTS_SHARE = 10
"""The tests themselves may compute this many times as long as the program."""
WARM = (
    "abc",
    "argparse",
    "array",
    "ast",
    "base64",
    "bisect",
    "calendar",
    "cmath",
    "collections",
    "collections.abc",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "inspect",
    "io",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "os",
    "queue",
    "random",
    "re",
    "statistics",
    "string",
    "struct",
    "sys",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "weakref",
)
"""Modules that programs often import: they are there already."""

_DELIMITER = b"\xff"
_READY = b"ready"
_CHANNEL, _GATE = 3, 4


@dataclass(frozen=True)
class Place:
    """Where a slot runs: what is the same for all of its executions."""

    tier: str
    user: int | None
    scratch: str | None
    readable: tuple[str, ...]
    """Paths that Landlock shows to a program."""


@dataclass
class Execution:
    """One program and its tests, as the slot sees them."""

    program: int
    output: int
    most_output: int
    tests: int | None = None
    printed: bytearray = field(default_factory=bytearray)
    reason: str | None = None
    """Why the slot ended it, if it did."""


def main() -> NoReturn:
    """Serve until the queue closes. The queue is standard input; answers go to standard output."""
    place = Place(**json.loads(sys.argv[1]))
    confine.die_with_parent()
    confine.adopt_orphans()
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    while (asked := read_frame(0)) is not None:
        os.environ["TMPDIR"] = os.environ["HOME"] = confine.FOLDER
        serve(place, asked)
    os._exit(0)


def read_frame(queue: int) -> dict[str, Any] | None:
    """The next frame: its length in four bytes, then JSON. None at the end."""
    try:
        (size,) = struct.unpack("!I", _exactly(queue, 4))
        found: dict[str, Any] = json.loads(_exactly(queue, size))
    except EOFError:
        return None
    return found


def _exactly(queue: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(queue, min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def serve(place: Place, limits: dict[str, Any]) -> None:
    """One execution, from its limits to its record."""
    folder = confine.FOLDER if place.scratch is None else tempfile.mkdtemp(dir=place.scratch)
    if place.user is not None and place.scratch is not None:
        os.chown(folder, place.user, place.user)
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
        _end(started)
        _answer({"broken": said.decode("utf-8", "replace") or "the program's process ended before it began"})
        os._exit(1)
    running = Execution(started, output, limits["output_bytes"])
    gate, opener = os.pipe()
    running.tests = os.fork()
    if running.tests == 0:
        _tests(place, limits, channel=theirs, gate=opener)
    os.close(theirs)
    os.close(opener)
    if not os.read(gate, 1):
        os._exit(1)  # it has left the tests in the queue
    os.close(gate)
    record = _watched(running, limits, folder if place.scratch else None)
    os.close(output)
    if place.scratch is not None:
        shutil.rmtree(folder, ignore_errors=True)
    _answer(record)


def _program(place: Place, limits: dict[str, Any], folder: str, *, channel: int, printing: int, gate: int) -> NoReturn:
    """In the program's process: take the program, lock in, run."""
    try:
        said = read_frame(0)
        _keep(out=printing, channel=channel, gate=gate)
        gate = _GATE
        if place.tier == "bubblewrap":
            confine.mount_folder(limits["disk_bytes"], hide_processes=True)
        else:
            os.environ["TMPDIR"] = os.environ["HOME"] = folder
            tempfile.tempdir = None
        os.setsid()
        os.chdir(folder)
        if place.tier != "bubblewrap":
            confine.restrict_files(place.readable, folder)
        confine.lock_in(_bounds(place, limits, limits["cpu_seconds"]), processes=False, own=os.getpid(), signals=False)
        assert said is not None
        os.write(_GATE, _READY)
        os.close(_GATE)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(gate, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    program.main(_CHANNEL, said["setup"], said["source"])
    os._exit(0)


def _tests(place: Place, limits: dict[str, Any], *, channel: int, gate: int) -> NoReturn:
    """In the process of the tests: take them, lock in, run, write the verdict."""
    try:
        said = read_frame(0)
        os.write(gate, b"1")
        out = os.dup(1)
        _keep(out=None, channel=channel, gate=out)
        if place.tier != "bubblewrap":
            confine.restrict_files(place.readable, None)
        bounds = _bounds(place, limits, limits["cpu_seconds"] * TESTS_SHARE)
        confine.lock_in(bounds, processes=False, own=None, signals=False)
        assert said is not None
    except BaseException as error:
        os.write(_GATE, json.dumps({"broken": f"{type(error).__name__}: {error}"}).encode())
        os._exit(1)
    tests.main(_CHANNEL, said, _GATE)
    os._exit(0)


def _stream(file: int, mode: str) -> TextIO:
    return cast(TextIO, open(file, mode, closefd=False, encoding="utf-8", errors="backslashreplace"))


def _keep(*, out: int | None, channel: int, gate: int) -> None:
    """Only the files that the process needs: nothing to read, one output, the channel at 3, one more at 4."""
    nothing = os.open(os.devnull, os.O_RDWR)
    high = [os.dup2(old, 200 + index) for index, old in enumerate((nothing if out is None else out, channel, gate))]
    os.dup2(nothing, 0)
    os.dup2(high[0], 1)
    os.dup2(high[0], 2)
    os.dup2(high[1], _CHANNEL, inheritable=False)
    os.dup2(high[2], _GATE, inheritable=False)
    os.closerange(_GATE + 1, 256)


def _bounds(place: Place, limits: dict[str, Any], seconds: float) -> confine.Bounds:
    return confine.Bounds(
        memory_bytes=limits["memory_bytes"],
        data_bytes=None,
        cpu_seconds=int(seconds) + 3,
        file_bytes=limits["file_bytes"],
        num_processes=64,
        user=place.user,
    )


def _watched(running: Execution, limits: dict[str, Any], folder: str | None) -> dict[str, Any]:
    """Wait for the end of both processes, enforcing what the kernel does not."""
    spent = watch.OwnTime()
    waits = select.poll()
    ends = {os.pidfd_open(process): process for process in (running.program, running.tests) if process is not None}
    for end in (*ends, running.output):
        waits.register(end, select.POLLIN)
    alive = set(ends.values())
    look_at, leave_at = time.monotonic() + LOOK_SECONDS, None
    while alive:
        for found, _ in waits.poll(LOOK_SECONDS * 1000):
            if found in ends:
                alive.discard(ends[found])
                waits.unregister(found)
            elif not _read_output(running):
                waits.unregister(found)
        now = time.monotonic()
        if now >= look_at:
            _look(running, limits, folder, spent)
            look_at = time.monotonic() + LOOK_SECONDS
        if running.tests not in alive:
            leave_at = leave_at or now + LEAVE_SECONDS
        if running.reason is not None or (leave_at is not None and now >= leave_at):
            for process in alive:
                _kill(process)
    for end in ends:
        os.close(end)
    ended = {process: os.wait4(process, 0) for process in ends.values()}
    _clear()
    while _read_output(running):
        pass
    status, usage = ended[running.program][1:]
    return {
        "reason": running.reason,
        "exit": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "printed": running.printed[: running.most_output].decode("utf-8", "replace"),
    }


def _read_output(running: Execution) -> bool:
    """Take what is there; False at the end. What is over the limit is thrown away."""
    os.set_blocking(running.output, False)
    try:
        part = os.read(running.output, 2**16)
    except BlockingIOError:
        return False
    room = running.most_output + 1 - len(running.printed)
    running.printed += part[: max(0, room)]
    if len(running.printed) > running.most_output:
        running.reason = running.reason or "output limit"
    return bool(part)


def _look(running: Execution, limits: dict[str, Any], folder: str | None, spent: watch.OwnTime) -> None:
    """Note in `running.reason` which limit is passed."""
    own = [running.program]
    tests_own = [] if running.tests is None else [running.tests]
    spent.look(own + tests_own)
    seconds = limits["cpu_seconds"]
    computed = spent.computed_seconds(own)
    if running.reason is not None:
        return
    if computed > seconds or (computed + spent.sleeping_seconds > seconds and not spent.runnable):
        running.reason = "timed out"
    elif spent.computed_seconds(tests_own) > seconds * TESTS_SHARE:
        running.reason = "slow tests"
    elif folder is not None and watch.folder_bytes(folder) > limits["disk_bytes"]:
        running.reason = "disk limit"


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _end(process: int) -> None:
    _kill(process)
    os.waitpid(process, 0)


def _clear() -> None:
    """End and reap whatever is left below this process."""
    while left := watch.descendants(os.getpid()):
        for process in left:
            _kill(process)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(record: dict[str, Any]) -> None:
    body = json.dumps(record).encode()
    view = memoryview(_DELIMITER + struct.pack("!I", len(body)) + body)
    while view:
        view = view[os.write(1, view) :]
