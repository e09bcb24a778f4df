"""What a person sees while jobs run: live lines on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from titrant.plan.plan import Job
from titrant.study.units import show_count, show_seconds

PLAIN_EVERY_SECONDS = 10.0
_RATE_WINDOW_SECONDS = 30.0


@dataclass
class Doing:
    """One running job and how far it is."""

    job: Job
    started: float
    done: int = 0
    total: int = 0
    unit: str = ""
    note: str = ""
    _points: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=600), repr=False)

    def update(self, event: Mapping[str, object], now: float) -> None:
        """Take over a `progress` event."""
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

    def columns(self) -> tuple[str, str, str, str]:
        """(done of total, rate, note, time left) as text."""
        rate = self.rate()
        known = f"{show_count(self.done)}/{show_count(self.total)} {self.unit}"
        amount = known if self.total else f"{show_count(self.done)} {self.unit}" if self.done else ""
        speed = f"{show_count(rate)} {self.unit}/s" if rate else ""
        left = f"{show_seconds((self.total - self.done) / rate)} left" if rate and self.total else ""
        return amount, speed, self.note, left


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

    def line(self, doing: Mapping[str, Doing], costs: Mapping[str, float], now: float) -> str:
        """`3 of 12 jobs, 1.2M of 4M tokens, 5 min left`."""
        tokens = self.tokens_done + sum(int(d.job.tokens * d.fraction) for d in doing.values())
        cost = self.cost_done + sum(costs[id_] * d.fraction for id_, d in doing.items())
        parts = [f"{self.jobs_done} of {self.jobs} jobs"]
        if self.tokens:
            parts.append(f"{show_count(tokens)} of {show_count(self.tokens)} tokens")
        elapsed = now - self.started
        if cost > 0.01 * self.cost and elapsed > 3:
            parts.append(f"{show_seconds(elapsed * (self.cost - cost) / cost)} left")
        return ", ".join(parts)


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


class Display(Protocol):
    """What the runner calls. `say` prints a line that stays."""

    def say(self, line: str) -> None: ...
    def started(self, scene: Scene, job: Job) -> None: ...
    def finished(self, scene: Scene, job: Job, seconds: float) -> None: ...
    def tick(self, scene: Scene) -> None: ...
    def close(self) -> None: ...


class PlainDisplay:
    """A line at each job's start and end, and one every ten seconds: for logs and pipes, no control characters."""

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
        now = time.monotonic()
        if now - self._last < PLAIN_EVERY_SECONDS:
            return
        self._last = now
        running = "; ".join(_words(doing) for doing in scene.doing.values())
        self._write(f"{scene.overall.line(scene.doing, scene.costs, now)}{'; ' if running else ''}{running}")

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
        from rich.table import Table

        now = time.monotonic()
        if now - self._drawn < 0.25:
            return
        self._drawn = now
        table = Table.grid(padding=(0, 2))
        for doing in scene.doing.values():
            table.add_row(f"{doing.job.kind} {doing.job.name}", *doing.columns())
        table.add_row(scene.overall.line(scene.doing, scene.costs, now))
        self._live.update(table, refresh=True)

    def close(self) -> None:
        self._live.stop()


def _words(doing: Doing) -> str:
    return " ".join(text for text in (doing.job.id, *doing.columns()) if text)
