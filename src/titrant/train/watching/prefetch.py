"""Makes the next batches in a thread of its own, so that a step does not wait for data, and tells when it has to.

Batches come in order, each once, made by the same calls as without a thread: only when they are made is another matter.
Reading a memory-mapped shard, copying, and the wait for a slow disk all let go of the interpreter, so that a step goes
on beside them.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from titrant.errors import EngineError
from titrant.study.units import show_seconds

NOTE_SECONDS: Final = "TITRANT_STALL_NOTE_SECONDS"
"""Environment variable: seconds of waiting for data after which it is noted, 10 by default."""
STALL_SECONDS: Final = "TITRANT_STALL_SECONDS"
"""Environment variable: seconds of waiting for one batch after which the run ends, 600 by default."""

AHEAD = 2
_LOOK_EVERY_SECONDS = 0.2
_CLOSE_SECONDS = 5.0

Batch = TypeVar("Batch")


class Prefetcher(Generic[Batch]):
    """`make(step)` for `first` <= step < `last`, at most two batches ahead of `take`.

    Nothing but the thread may call `make` while it is open. The thread starts with the first `take`, so that a process
    may fork before, and has ended when `close` returns (or the `with` block is left), unless it is stuck in `make`,
    where nothing can end it: it does not keep the process from exiting.

    `sources` and `files` are what `make` reads, for the words. `note` is called in the thread of `take`.
    """

    def __init__(
        self,
        make: Callable[[int], Batch],
        first: int,
        last: int,
        *,
        sources: Sequence[str] = (),
        files: Sequence[Path] = (),
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._make, self._next, self._first, self._last = make, first, first, last
        self._sources, self._files, self._note = tuple(sources), tuple(files), note
        self._ready: deque[Batch | _Failure] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.waited_seconds = 0.0
        """Seconds that `take` has waited in all, those for the first batch included."""

    def take(self, while_waiting: Callable[[], None] | None = None) -> Batch:
        """The next batch, in order. What `make` raised is raised here.

        `while_waiting` is called about five times a second in the meantime and may raise, which leaves the batch where
        it is. Raises EngineError after TITRANT_STALL_SECONDS, and IndexError after the last batch.
        """
        if self._next >= self._last or self._closed:
            raise IndexError(f"batch {self._next} of {self._first} to {self._last - 1}")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
            self._thread.start()
        begin = time.monotonic()
        try:
            found = self._wait(begin, while_waiting)
        finally:
            self.waited_seconds += time.monotonic() - begin
        if isinstance(found, _Failure):
            self.close()
            raise found.error
        self._next += 1
        return found

    def close(self) -> None:
        """End the thread. Whoever opened it calls this, in all cases; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        for step in range(self._first, self._last):
            made: Batch | _Failure
            try:
                made = self._make(step)
            except BaseException as error:
                made = _Failure(error)
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._ready) < AHEAD)
                if self._closed:
                    return
                self._ready.append(made)
                self._changed.notify_all()
            if isinstance(made, _Failure):
                return

    def _wait(self, begin: float, while_waiting: Callable[[], None] | None) -> Batch | _Failure:
        noted, until_note, until_stall = False, _seconds(NOTE_SECONDS, 10.0), _seconds(STALL_SECONDS, 600.0)
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: bool(self._ready), _LOOK_EVERY_SECONDS):
                    found = self._ready.popleft()
                    self._changed.notify_all()
                    return found
            waited = time.monotonic() - begin
            if while_waiting is not None:
                while_waiting()
            if waited >= until_stall:
                raise EngineError(self._stalled(waited))
            if waited >= until_note and not noted and self._note is not None:
                noted = True
                with contextlib.suppress(KeyboardInterrupt):  # `while_waiting` hears it too
                    self._note(f"waiting for data of {self._named()} for {show_seconds(waited)}")

    def _named(self) -> str:
        names = ", ".join(f"'{source}'" for source in self._sources)
        return f"source{'s' * (len(self._sources) > 1)} {names}" if names else "the sources"

    def _stalled(self, waited: float) -> str:
        files = f" ({', '.join(str(file) for file in self._files)})" if self._files else ""
        return (
            f"no data came for {show_seconds(waited)} at step {self._next + 1} of {self._last}: reading "
            f"{self._named()}{files} hangs; look at the disk or network that holds them and run again, or set "
            f"{STALL_SECONDS} higher where it is that slow"
        )


class _Failure:
    """What `make` raised, on its way to `take`."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _seconds(variable: str, default: float) -> float:
    given = os.environ.get(variable)
    try:
        seconds = default if given is None else float(given)
    except ValueError:
        seconds = -1.0
    if not seconds > 0:
        raise EngineError(f"{variable} is '{given}'; set it to a positive number of seconds, or leave it out")
    return seconds
