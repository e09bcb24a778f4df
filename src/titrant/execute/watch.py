"""What a person sees while jobs run: live lines on a terminal, plain lines everywhere else.

    train balanced-only.init@nano#1  82k of 149.5k tokens  loss 5.123, 11.5k tok/s, 54 % of peak  6 s left
    12 of 65 jobs, 1.2M of 4.037M tokens, 5 min left

What does not fit a narrow terminal is left out from the least needed on; how far a job is and how long it still takes
stay to the last.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from titrant.plan.plan import Job
from titrant.study.units import show_count, show_seconds

PLAIN_EVERY_SECONDS = 60.0
_RATE_WINDOW_SECONDS = 30.0

TRUSTED_SECONDS = 20.0
"""How much a prediction counts against what was seen: after so long as much as it."""


@dataclass
class Doing:
    """One running job and how far it is."""

    job: Job
    started: float
    done: int = 0
    total: int = 0
    unit: str = ""
    note: str = ""
    words: deque[str] = field(default_factory=lambda: deque(maxlen=20), repr=False)
    """What the job had to say in between (a spike, a stall), until a display takes it."""
    _points: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=600), repr=False)

    def update(self, event: Mapping[str, object], now: float) -> None:
        """Take over a `progress` event. One of a train job that falls back to nothing done is a remark."""
        if self.job.kind == "train" and self.done and not event["done"]:
            self.words.append(str(event["note"]))
            return
        self.done, self.total = int(str(event["done"])), int(str(event["total"]))
        self.unit, self.note = str(event["unit"]), str(event["note"])
        self._points.append((now, self.done))
        while len(self._points) > 2 and now - self._points[0][0] > _RATE_WINDOW_SECONDS:
            self._points.popleft()

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    def rate(self) -> float | None:
        """Units a second over the last half minute; None before there are two points."""
        if len(self._points) < 2:
            return None
        (start, first), (end, last) = self._points[0], self._points[-1]
        return (last - first) / (end - start) if end > start and last > first else None

    def left(self) -> str:
        """The time left as text; empty where it is not known."""
        rate = self.rate()
        return f"{show_seconds((self.total - self.done) / rate)} left" if rate and self.total else ""

    def line(self, width: int | None = None, title_width: int = 0) -> str:
        """Title, amount, note or speed, and time left, in `width` characters at most; None: as many as it takes."""
        rate, title = self.rate(), f"{self.job.kind} {self.job.name}"
        said = [part for part in self.note.split(", ") if part]
        if rate and not any(part.endswith("/s") for part in said):
            said.append(f"{show_count(float(f'{rate:.3g}'))} {self.unit}/s")
        amount = f"{show_count(self.done)} of {show_count(self.total)} {self.unit}" if self.total else ""
        amount = amount or (f"{show_count(self.done)} {self.unit}" if self.done else "")
        share = f"{self.fraction:.0%}".replace("%", " %") if self.total else amount
        brief = f"{show_count(self.done)}/{show_count(self.total)}" if self.total else amount
        name, aligned = self.job.name, title.ljust(title_width)
        forms = [(aligned, amount, ", ".join(said)), (aligned, brief, ", ".join(said))]
        forms += [(name, brief, ", ".join(said[:count])) for count in range(len(said), -1, -1)]
        for *parts, note in (*forms, (name, share, "")):
            line = "  ".join(text for text in (*parts, note, self.left()) if text).rstrip()
            if width is None or len(line) <= width:
                return line
        tail = "  ".join(text for text in (share, self.left()) if text)
        return f"{_shortened(self.job.name, width - len(tail) - 2)}  {tail}"[:width]  # type: ignore[operator]


def _shortened(name: str, length: int) -> str:
    """A name in so many characters: its ends say which arm, scale and seed it is."""
    if len(name) <= length or length < 3:
        return name[: max(0, length)]
    head = (length - 1) // 2
    return f"{name[:head]}…{name[head + 1 - length :]}"


@dataclass
class Overall:
    """All that the run was to do, and how far it is. Costs are in the runner's unit (FLOPs, roughly)."""

    jobs: int
    tokens: int
    cost: float
    started: float
    jobs_done: int = 0
    tokens_done: int = 0
    cost_done: float = 0.0
    predicted: float | None = None
    """Seconds that the whole was predicted to take; None: nothing but what was done so far tells."""

    def line(self, doing: Mapping[str, Doing], costs: Mapping[str, float], now: float) -> str:
        """`3 of 12 jobs, 1.2M of 4M tokens, 5 min left`."""
        tokens = self.tokens_done + sum(int(d.job.tokens * d.fraction) for d in doing.values())
        cost = self.cost_done + sum(costs[id_] * d.fraction for id_, d in doing.items())
        parts = [f"{self.jobs_done} of {self.jobs} jobs"]
        if self.tokens:
            parts.append(f"{show_count(tokens)} of {show_count(self.tokens)} tokens")
        elapsed = now - self.started
        left = self._left(cost / self.cost if self.cost else 0.0, elapsed)
        if left is not None:
            parts.append(f"{show_seconds(left)} left")
        return ", ".join(parts)

    def _left(self, done: float, elapsed: float) -> float | None:
        """Seconds left at a share done: what was predicted, by and by corrected by how long it took so far."""
        if self.predicted is not None:
            factor = (elapsed + TRUSTED_SECONDS) / (self.predicted * done + TRUSTED_SECONDS)
            return self.predicted * (1 - done) * factor
        return elapsed * (1 - done) / done if done > 0.01 and elapsed > 3 else None


@dataclass
class Scene:
    """The state that the runner keeps and the display shows."""

    overall: Overall
    costs: dict[str, float]
    doing: dict[str, Doing] = field(default_factory=dict)

    def add(self, job: Job, cost: float) -> None:
        """One more job is to be done than was thought."""
        self.costs[job.id] = cost
        self.overall.jobs += 1
        self.overall.tokens += job.tokens
        self.overall.cost += cost

    def lines(self, now: float, width: int | None = None) -> list[str]:
        """One line for each running job and one for all of the run, none longer than `width`."""
        names = [len(f"{doing.job.kind} {doing.job.name}") for doing in self.doing.values()]
        widest = max(names, default=0)
        # names are aligned where that leaves room for the rest
        aligned = widest if width is None or widest <= width // 2 else 0
        lines = [doing.line(width, aligned) for doing in self.doing.values()]
        overall = self.overall.line(self.doing, self.costs, now)
        return [*lines, overall if width is None else overall[:width]]

    def remarks(self) -> list[str]:
        """What jobs have said since the last call."""
        said = []
        for doing in self.doing.values():
            while doing.words:
                said.append(f"{doing.job.kind} {doing.job.name}: {doing.words.popleft()}")
        return said


class Display(Protocol):
    """What the runner calls. `say` prints a line that stays."""

    def say(self, line: str) -> None: ...
    def started(self, scene: Scene, job: Job) -> None: ...
    def finished(self, scene: Scene, job: Job, seconds: float) -> None: ...
    def tick(self, scene: Scene) -> None: ...
    def close(self) -> None: ...


class PlainDisplay:
    """A line at each job's start and end, and every minute one for each job that runs and one for all: for logs and
    pipes, no control characters."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        self._write(line)

    def started(self, scene: Scene, job: Job) -> None:
        self._write(f"start {job.id}")

    def finished(self, scene: Scene, job: Job, seconds: float) -> None:
        self._write(f"done  {job.id} in {show_seconds(seconds)} ({scene.overall.jobs_done} of {scene.overall.jobs})")

    def tick(self, scene: Scene) -> None:
        for remark in scene.remarks():
            self._write(remark)
        now = time.monotonic()
        if now - self._last < PLAIN_EVERY_SECONDS:
            return
        self._last = now
        *jobs, overall = scene.lines(now)
        for line in (overall, *(f"  {job}" for job in jobs)):
            self._write(line)

    def close(self) -> None:
        return


class TerminalDisplay:
    """One live line for each running job and one for all, redrawn four times a second at most."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self._drawn = 0.0

    def say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def started(self, scene: Scene, job: Job) -> None:
        self._drawn = 0.0

    def finished(self, scene: Scene, job: Job, seconds: float) -> None:
        self._console.print(f"✓ {job.id}  {show_seconds(seconds)}", markup=False)

    def tick(self, scene: Scene) -> None:
        from rich.text import Text

        for remark in scene.remarks():
            self.say(remark)
        now = time.monotonic()
        if now - self._drawn < 0.25:
            return
        self._drawn = now
        lines = scene.lines(now, max(20, self._console.width - 1))
        self._live.update(Text("\n".join(lines), no_wrap=True, overflow="crop"), refresh=True)

    def close(self) -> None:
        self._live.stop()
