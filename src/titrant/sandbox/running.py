"""One slot as its owner sees it: a process that takes executions from a queue and answers, restarted when it dies."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from titrant.errors import EngineError
from titrant.sandbox.inside.endings import remove
from titrant.sandbox.inside.watch import descendants
from titrant.sandbox.tiers import Tier, environment, slot_command

_GRACE_SECONDS = 5.0
"""How long a process may take to stop, or to end, once the kernel was told so."""


class SlotEndedError(Exception):
    """The slot has died, or answers with rubbish."""


class Slot:
    """A running slot. `file` becomes readable when something has come."""

    def __init__(self, tier: Tier, index: int, folders: frozenset[str], hash_seed: int) -> None:
        self.folders = folders
        """What its programs see beside the system and Python."""
        self._tier = tier
        self._scratch = Path(tempfile.mkdtemp(prefix="titrant-sandbox-")) if tier == "landlock" else None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            with slot_command(tier, index, self._scratch, sorted(folders), hash_seed) as (command, files):
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=environment(hash_seed),
                    cwd="/",
                    pass_fds=files,
                    bufsize=0,
                    start_new_session=True,
                )
        except BaseException as error:
            self._errors.close()
            self._remove_scratch()
            if isinstance(error, OSError):
                raise EngineError(f"the sandbox ({tier}) does not start: {error}") from error
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.queue = self._process.stdin.fileno()
        self.file = self._process.stdout.fileno()
        os.set_blocking(self.file, False)
        self._come = bytearray()
        self.asked_at = 0.0

    def ask(self, *frames: dict[str, Any]) -> None:
        """Queue one execution. Raises SlotEndedError."""
        self._come.clear()
        self.asked_at = time.monotonic()
        try:
            for frame in frames:
                body = json.dumps(frame).encode()
                view = memoryview(struct.pack("!I", len(body)) + body)
                while view:
                    view = view[os.write(self.queue, view) :]
        except BrokenPipeError:
            raise SlotEndedError from None

    def take(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What the tests said (empty: nothing whole) and the slot's record, once both came. Raises SlotEndedError."""
        ended = False
        with suppress(BlockingIOError):
            while part := os.read(self.file, 2**20):
                self._come += part
            ended = True
        said, delimiter, record = bytes(self._come).partition(b"\xff")
        if not delimiter or len(record) < 4 or len(record) < 4 + struct.unpack("!I", record[:4])[0]:
            if ended:
                raise SlotEndedError
            return None
        found: dict[str, Any] = {}
        with suppress(ValueError):
            found = json.loads(said)
        return found, json.loads(record[4:])

    def _remove_scratch(self) -> None:
        if self._scratch is not None:
            remove(str(self._scratch))

    def complaint(self) -> str:
        """The last that the slot wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read()[-500:].decode("utf-8", "replace").strip()

    def kill(self) -> None:
        """End the slot and all that runs in it."""
        self._process.kill()

    def close(self) -> None:
        """End the slot and give back what it used."""
        if self._tier == "bubblewrap":
            with suppress(ProcessLookupError, ChildProcessError):
                self._process.send_signal(signal.SIGSTOP)
                self._await_stop()  # it starts nothing from here on
            _kill(descendants(self._process.pid))
        else:
            for _ in range(400):
                left = descendants(self._process.pid)  # while the slot, which adopts and reaps them, still lives
                if not left or self._process.poll() is not None:
                    break
                _kill(left)
                time.sleep(0.005)
            with suppress(ProcessLookupError, ChildProcessError):
                self._process.send_signal(signal.SIGSTOP)
                self._await_stop()
            _kill(descendants(self._process.pid))  # what it has started since
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            assert stream is not None
            stream.close()
        self._remove_scratch()

    def _await_stop(self) -> None:
        """Wait until a stop signal has taken hold: it is delivered a moment after it was sent."""
        until = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < until:
            if os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                return
            time.sleep(0.0005)


def _kill(processes: list[int]) -> None:
    """Kill processes and wait until they have ended, as far as they end within a bounded time."""
    for process in processes:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
    until = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        with suppress(OSError):
            file = os.pidfd_open(process)
            try:
                ended = select.poll()
                ended.register(file, select.POLLIN)
                ended.poll(max(0.0, until - time.monotonic()) * 1000)
            finally:
                os.close(file)
