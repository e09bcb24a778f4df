"""Many calls, one after the other: a keeper locks itself in once, then forks a process for each item of the queue.

1. The slot forks the keeper: namespaces, files, limits, user and capabilities are settled there, once. It never runs
   what it serves, and nothing of one item is in the memory that the next is forked from: an item's process takes its
   own text from the queue.
2. An item's process keeps one file, through which it answers, puts on the filter of system calls, and runs. It has no
   folder and can write no file, so it leaves nothing behind; what it prints is thrown away.
3. The keeper passes on what the item's process has written, and how it ended. The slot looks at that process every few
   hundredths of a second, as at any other, and ends it if it computes or sleeps for too long.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import select
import signal
import struct
import sys
from typing import Any, NoReturn

from . import answering, begin, confine, endings, watch
from . import filter as system_calls

LOOK_SECONDS = 0.04
"""Between two looks at what an item uses."""
MOST_BYTES = 2**22
"""Of all answers of one item."""
HEAD = struct.Struct("!BI")
"""Before everything that the keeper says: the place of its kind in KINDS, and the bytes that follow."""
KINDS = ("answers", "ended", "end of batch", "broken")
ENDED = struct.Struct("!iBd")
"""How an item ended: the exit code, the place of the reason in REASONS, CPU seconds."""
REASONS = (None, "timed out", "too many threads", "answers too long")
"""Why an item was ended, if it was."""

_READY = b"!"
_OUT = 3
_PART = 2**16


def serve(place: begin.Place, limits: dict[str, Any]) -> None:
    """In the slot: serve calls until an empty frame comes. Answers go to the owner as they come."""
    told, tell = os.pipe()
    keeper = confine.clone_apart() if place.tier == "bubblewrap" else os.fork()
    if keeper == 0:
        _keep(place, limits, told)
    os.close(told)
    ended = os.pidfd_open(keeper)
    waits = select.poll()
    waits.register(ended, select.POLLIN)
    looks = _Looks(keeper, tell, limits)
    while not waits.poll(LOOK_SECONDS * 1000):
        looks.look()
    os.close(ended)
    os.close(tell)
    _, status = os.waitpid(keeper, 0)
    endings.clear()
    if status:
        os._exit(1)  # the queue may hold what was not taken


class _Looks:
    """What the slot sees of the item that runs."""

    def __init__(self, keeper: int, tell: int, limits: dict[str, Any]) -> None:
        self._keeper = keeper
        self._tell = tell
        self._seconds = limits["cpu_seconds"]
        self._item = 0
        self._spent = watch.OwnTime()

    def look(self) -> None:
        """End the item if it has passed a limit."""
        found = watch.children(self._keeper)
        if not found:
            return
        if found[0] != self._item:
            self._item, self._spent = found[0], watch.OwnTime()
        own = [self._item]
        self._spent.look(own)
        computed = self._spent.computed_seconds(own)
        slept = self._spent.sleeping_seconds
        if computed > self._seconds or (computed + slept > self._seconds and not self._spent.runnable):
            self._end("timed out")
        elif watch.threads(own) > begin.MOST_THREADS:
            self._end("too many threads")

    def _end(self, reason: str) -> None:
        """Tell the keeper why, then end the item; nothing if it has ended by itself."""
        with contextlib.suppress(OSError):
            process = os.pidfd_open(self._item)
            try:
                if watch.children(self._keeper) == [self._item]:
                    number = watch.inner_number(self._item)
                    os.write(self._tell, f"{number} {REASONS.index(reason)}\n".encode())
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)


def _keep(place: begin.Place, limits: dict[str, Any], told: int) -> NoReturn:
    """In the keeper: lock in, then serve."""
    try:
        os.set_blocking(told, False)
        bounds = begin.bounds(place, limits, limits["cpu_seconds"])
        nothing = os.open(os.devnull, os.O_RDWR)
        if place.tier == "bubblewrap":
            confine.hide_all_processes()
        else:
            os.chdir("/")
            confine.restrict_files(place.readable, None)
        os.setsid()
        sys.stdin, sys.stdout, sys.stderr = begin.stream(0, "r"), begin.stream(1, "w"), begin.stream(2, "w")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        confine.set_limits(dataclasses.replace(bounds, cpu_seconds=None))
        confine.become(bounds.user)
        confine.drop_capabilities()
        confine.die_with_parent()
        system_calls.install(system_calls.Freedom(keeper=True), None)
        keeper = _Keeper(bounds, told, nothing)
        answering.rehearse()
        gc.collect()
        gc.freeze()
        while size := struct.unpack("!I", begin.exactly(0, 4))[0]:
            _say("ended", ENDED.pack(*keeper.serve(size)))
        _say("end of batch")
        os._exit(0)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            _say("broken", f"{type(error).__name__}: {error}".encode())
        os._exit(1)


class _Keeper:
    """What all items need, made once; it is locked in."""

    def __init__(self, bounds: confine.Bounds, told: int, nothing: int) -> None:
        self._bounds = bounds
        self._told = told
        self._nothing = nothing
        self._filter = system_calls.ItemFilter()
        self._buffer = memoryview(bytearray(_PART))
        self._zeros = memoryview(bytes(_PART))

    def serve(self, size: int) -> tuple[int, int, float]:
        """One item in a process of its own: its exit code, the place of a reason, its CPU seconds."""
        answers, out = os.pipe()
        item = os.fork()
        if item == 0:
            self._become(size, out)
        os.close(out)
        if os.read(answers, 1) != _READY:
            raise RuntimeError("an item's process ended before it began")
        passed, reason = 0, 0
        while part := self._pass_on(answers):
            passed += part
            if passed > MOST_BYTES:
                reason = REASONS.index("answers too long")
                os.kill(item, signal.SIGKILL)
                break
        os.close(answers)
        _, status, usage = os.wait4(item, 0)
        if status == signal.SIGKILL and not reason:
            reason = self._reason(item)
        return os.waitstatus_to_exitcode(status), reason, usage.ru_utime + usage.ru_stime

    def _pass_on(self, answers: int) -> int:
        """Say a part of the answers; its size, 0 at the end. It does not stay: the next item's memory begins as a copy
        of this process's."""
        size = os.readv(answers, [self._buffer])
        if size:
            _say("answers", self._buffer[:size])
            self._buffer[:size] = self._zeros[:size]
        return size

    def _reason(self, item: int) -> int:
        """Why the slot has ended an item, if it was the slot."""
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self._told, 2**12).splitlines():
                number, reason = line.split()
                if int(number) == item:
                    return int(reason)
        return 0

    def _become(self, size: int, out: int) -> NoReturn:
        """In an item's process: take its text, keep one file, put on the filter, run."""
        try:
            asked = begin.exactly(0, size)
            for file in (0, 1, 2):
                os.dup2(self._nothing, file)
            if out != _OUT:
                os.dup2(out, _OUT)
            os.closerange(_OUT + 1, 2**20)
            confine.set_time(self._bounds)
            confine.die_with_parent()
            self._filter.put_on()
            os.write(_OUT, _READY)
        except BaseException:
            os._exit(1)
        answering.main(_OUT, asked)
        os._exit(0)


def _say(kind: str, said: bytes | memoryview = b"") -> None:
    head = HEAD.pack(KINDS.index(kind), len(said))
    written = os.writev(1, [head, said]) - len(head)
    while written < len(said):
        written += os.write(1, said[max(0, written) :])
