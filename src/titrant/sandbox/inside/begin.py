"""What every process of an execution does first: take its part from the queue, keep only its files, know its bounds."""

from __future__ import annotations

import json
import os
import signal
import struct
import tempfile
from dataclasses import dataclass
from typing import Any, TextIO, cast

from . import confine
from .filter import Freedom

MOST_THREADS = 64
"""Of a Python program and its tests; enforced by the kernel where they have a user of their own, else watched."""
CHANNEL, GATE = 3, 4
"""The files of a process, beside its output: the other process, and one more."""


@dataclass(frozen=True)
class Place:
    """Where a slot runs: what is the same for all of its executions."""

    tier: str
    user: int | None
    """Whom a Python program and its tests run as; None: as the slot does."""
    program_user: int | None
    """Whom a whole program runs as."""
    processes_beside: int
    """Processes and threads that count against the same limit, started by others."""
    scratch: str | None
    readable: tuple[str, ...]
    """Paths that Landlock shows to a program."""


def read_frame(queue: int) -> dict[str, Any] | None:
    """The next frame: its length in four bytes, then JSON. None at the end."""
    try:
        (size,) = struct.unpack("!I", exactly(queue, 4))
        found: dict[str, Any] = json.loads(exactly(queue, size))
    except EOFError:
        return None
    return found


def exactly(queue: int, size: int) -> bytes:
    """So many bytes. Raises EOFError if there are not."""
    parts: list[bytes] = []
    while size:
        part = os.read(queue, min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def stream(file: int, mode: str) -> TextIO:
    """A text stream on a file, whatever the locale."""
    return cast(TextIO, open(file, mode, closefd=False, encoding="utf-8", errors="backslashreplace"))


def keep_only(*, out: int | None, channel: int, gate: int) -> None:
    """Only the files that the process needs: nothing to read, one output, the channel at 3, one more at 4."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    high = [os.dup2(old, 200 + index) for index, old in enumerate((nothing if out is None else out, channel, gate))]
    os.dup2(nothing, 0)
    os.dup2(high[0], 1)
    os.dup2(high[0], 2)
    os.dup2(high[1], CHANNEL, inheritable=False)
    os.dup2(high[2], GATE, inheritable=False)
    os.closerange(GATE + 1, 2**20)


def settle(place: Place, limits: dict[str, Any], folder: str, *, hide_processes: bool) -> None:
    """Make the program's folder the place of this process, and hide the rest of the file system."""
    if place.tier == "bubblewrap":
        confine.mount_folder(limits["disk_bytes"], hide_processes=hide_processes)
    os.environ["TMPDIR"] = os.environ["HOME"] = folder
    tempfile.tempdir = None
    os.setsid()
    os.chdir(folder)
    if place.tier != "bubblewrap":
        confine.restrict_files(place.readable, folder)


def freedom(place: Place, user: int | None, *, processes: bool) -> Freedom:
    """What the sandbox can grant without a loss: signals in a namespace, rights of files where it has a user alone."""
    apart = place.tier == "bubblewrap"
    return Freedom(processes=processes, signals=processes and apart, metadata=apart or user is not None)


def bounds(place: Place, limits: dict[str, Any], seconds: float) -> confine.Bounds:
    """The bounds of a Python process that may compute for some seconds."""
    return confine.Bounds(
        memory_bytes=limits["memory_bytes"],
        data_bytes=None,
        cpu_seconds=int(seconds) + 3,
        file_bytes=limits["file_bytes"],
        num_processes=MOST_THREADS + place.processes_beside,
        user=place.user,
    )
