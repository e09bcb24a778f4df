"""Shows a run in experiment trackers that can neither stop nor slow it.

Each tracker has a thread of its own, begun with the first point, and a queue of bounded length: what is new goes in at
once, and where the tracker is too slow the oldest points are dropped and counted. Whatever a tracker raises ends that
tracker alone, with one note. At the end all of them together get a few seconds to write what they have; one that hangs
is left behind in its thread, which keeps no process alive.

A step is told once: its number is written down before it is, so that a run that goes on after an interruption does not
repeat the steps that it trains again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from titrant.train.watching.sinks import SINKS, Tracked

TRACKERS: Final = "TITRANT_TRACKERS"
"""Environment variable: names of trackers, with commas between them (`tensorboard,wandb`)."""
TRACKED: Final = "TITRANT_TRACKED"
"""Environment variable, set by the worker: the job as JSON, an object with `name`, `folder` and `config`."""

PATIENCE: Final = "TITRANT_TRACKER_SECONDS"
"""Environment variable: seconds that all trackers together get at the end of a job, 5 by default."""

QUEUE_POINTS = 1000
CLOSE_SECONDS = 5.0

Note = Callable[[str], None]


class Trackers:
    """All trackers of one train job. Never raises, and no call waits but `close`, for TITRANT_TRACKER_SECONDS at most.

    `note` is called in the thread of `log` and `close` alone, with one sentence for each tracker that is given up.
    """

    def __init__(self, names: Sequence[str], tracked: Tracked, note: Note) -> None:
        self._note = note
        self._lines = [_Line(name, tracked) for name in dict.fromkeys(names)]

    def log(self, step: int, **values: float | None) -> None:
        """Tell all trackers of a step (from 1 within the phase). Values that are None are left out."""
        point = {name: value for name, value in values.items() if value is not None}
        for line in self._lines:
            line.put(step, point)
        self._tell()

    def close(self, patience_seconds: float | None = None) -> None:
        """Give all trackers so long to write what they have; a second call does nothing.

        A job that is being stopped, or fails, has a few seconds itself: it gives them five at most.
        """
        patience = _patience() if patience_seconds is None else patience_seconds
        if sys.exc_info()[0] is not None:
            patience = min(patience, CLOSE_SECONDS)
        for line in self._lines:
            line.ask_to_end()
        end = time.monotonic() + patience
        for line in self._lines:
            line.wait(max(0.0, end - time.monotonic()), patience)
        self._tell()
        self._lines = []

    def _tell(self) -> None:
        for line in self._lines:
            while line.words:
                with contextlib.suppress(KeyboardInterrupt, Exception):  # a wish to stop is heard when next it is asked
                    self._note(line.words.popleft())


def open_trackers(note: Note) -> Trackers:
    """The trackers that the environment names, none by default; nothing is imported before the first point.

    A name that is not known is noted and left out: training does not end for it. A job of which there is nothing to
    tell (TITRANT_TRACKED is there and empty: a trial, no run of a study) has none.
    """
    if os.environ.get(TRACKED) == "":
        return Trackers((), _tracked(), note)
    names = [name.strip() for name in os.environ.get(TRACKERS, "").split(",") if name.strip()]
    for name in names:
        if name not in SINKS:
            note(f"tracker {name} is not known; {TRACKERS} may name {', '.join(SINKS)}")
    return Trackers([name for name in names if name in SINKS], _tracked(), note)


def _patience() -> float:
    """What the environment says; what it says wrongly is passed over, because nothing here ends a run."""
    try:
        given = float(os.environ.get(PATIENCE, ""))
    except ValueError:
        return CLOSE_SECONDS
    return given if 0 <= given <= threading.TIMEOUT_MAX else CLOSE_SECONDS


def _tracked() -> Tracked:
    try:
        told = json.loads(os.environ[TRACKED])
        return Tracked(str(told["name"]), Path(told["folder"]), dict(told["config"]))
    except (KeyError, ValueError, TypeError):
        return Tracked("train", Path("titrant-trackers"))


class _Line:
    """One tracker: its queue, its thread, and the words that it has for the run."""

    def __init__(self, name: str, tracked: Tracked) -> None:
        self._name, self._tracked = name, tracked
        self._points: deque[tuple[int, dict[str, float]]] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self.words: deque[str] = deque()

    def put(self, step: int, values: Mapping[str, float]) -> None:
        if self._over.is_set():
            return
        with self._changed:
            if len(self._points) >= QUEUE_POINTS:
                self._points.popleft()
                self._dropped += 1
            self._points.append((step, dict(values)))
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"tracker {self._name}", daemon=True)
            self._thread.start()

    def ask_to_end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()

    def wait(self, seconds: float, patience: float) -> None:
        if self._thread is None:
            return
        if not self._over.wait(seconds):
            self._over.set()
            missing = len(self._points) + self._dropped
            self._give_up(
                f"it has not ended {patience:g} s after the job, and {missing} steps were not written ({PATIENCE} may "
                "give it longer)"
            )
        elif self._dropped:
            self.words.append(f"tracker {self._name} was too slow for this run: {self._dropped} steps were left out")

    def _work(self) -> None:
        try:
            steps = _Steps(self._tracked.folder / "steps" / f"{self._tracked.mark}.{self._name}")
            sink = SINKS[self._name](self._tracked, steps.last)
            while (point := self._next()) is not None:
                if steps.is_new(point[0]):
                    sink.log(*point)
            sink.close()
        except ModuleNotFoundError as error:
            self._go_on_without(f"{error.name} is not installed (pip install {self._name}, or 'titrant[trackers]')")
        except BaseException as error:
            said = (str(error).strip() or "no reason was given").splitlines()[0][:200]
            self._go_on_without(f"{type(error).__name__}: {said}")
        finally:
            self._over.set()

    def _next(self) -> tuple[int, dict[str, float]] | None:
        """The oldest point, as soon as there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._points or self._ending or self._over.is_set())
            return self._points.popleft() if self._points and not self._over.is_set() else None

    def _go_on_without(self, why: str) -> None:
        self._give_up(f"{why}; training goes on without it")

    def _give_up(self, why: str) -> None:
        if not any("was given up" in words for words in self.words):
            self.words.append(f"tracker {self._name} was given up: {why}")


class _Steps:
    """The last step that a tracker was told, kept in a file over interruptions."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.last = 0
        with contextlib.suppress(OSError, ValueError):
            self.last = int(path.read_text())

    def is_new(self, step: int) -> bool:
        """Whether a step was not told before; it is written down."""
        if step <= self.last:
            return False
        self.last = step
        self._path.write_text(str(step))
        return True
