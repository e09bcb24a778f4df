"""The sandbox: untrusted programs in, verdicts out, several at a time."""

from __future__ import annotations

import collections
import os
import secrets
import select
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from titrant.errors import EngineError
from titrant.sandbox.calling import Item, Line
from titrant.sandbox.checks import Answers, Check, Program, PythonCalls, Verdict
from titrant.sandbox.languages import language_named, program_frames
from titrant.sandbox.running import Slot, SlotEndedError
from titrant.sandbox.tiers import Tier, allowed_tiers, obstacle
from titrant.sandbox.trial import WALLS, WALLS_OF_CALLS
from titrant.sandbox.verdicts import check_verdict, program_verdict, unwritable
from titrant.study.limits import Limits

_TRIES = 2
"""Executions of one check before it is given up as one that ends its slot."""
_DEPTH = 6
"""Items of calls that a slot has at once: one that runs, and next ones, so that it never waits for its owner."""
_PATIENCE_SECONDS = 600.0
"""Wall time, beside a hundred times the program's own, after which a slot that does not answer is begun again."""


@dataclass
class _Run:
    index: int
    check: Check
    tries: int = 0
    word: str = field(default_factory=lambda: secrets.token_hex(16))
    """What a whole program must print last."""


class Sandbox:
    """Slots that execute checks. Made by `open_sandbox`."""

    def __init__(self, tier: Tier, limits: Limits, processes: int, hash_seed: int = 0) -> None:
        self.tier: Tier = tier
        """`bubblewrap` or `landlock`: how programs are contained. It belongs to the results."""
        self.limits = limits
        self._hash_seed = hash_seed
        self._slots: list[Slot] = []
        self._folders: set[str] = set()
        try:
            for index in range(processes):
                self._slots.append(Slot(tier, index, frozenset(), hash_seed))
        except BaseException:
            self.close()
            raise

    def run(self, check: Check) -> Verdict:
        """Execute one check."""
        return next(self.run_many([check]))[1]

    def run_many(self, checks: Iterable[Check]) -> Iterator[tuple[int, Verdict]]:
        """Execute checks and give each one's index and verdict as it ends, in no fixed order.

        `checks` is taken from as slots become free. Raises EngineError if the sandbox itself fails.
        """
        waiting = (_Run(index, check) for index, check in enumerate(checks))
        again: collections.deque[_Run] = collections.deque()
        busy: dict[int, _Run] = {}
        try:
            while True:
                for place in range(len(self._slots)):
                    while place not in busy and (run := again.popleft() if again else next(waiting, None)) is not None:
                        if (refused := unwritable(run.check)) is not None:
                            yield run.index, refused
                            continue
                        busy[place] = run
                        self._ask(place, run)
                if not busy:
                    return
                for place in self._answering(busy):
                    try:
                        come = self._slots[place].take()
                    except SlotEndedError:
                        self._restart(place)
                        run = busy.pop(place)
                        if run.tries < _TRIES:
                            again.append(run)
                        else:
                            yield run.index, Verdict("killed", "its sandbox ended with it, twice")
                        continue
                    if come is not None:
                        run = busy.pop(place)
                        yield run.index, self._judged(run, *come)
        finally:
            for place in busy:
                self._restart(place)

    def call_many(self, calls: Iterable[PythonCalls]) -> Iterator[tuple[int, Answers]]:
        """Call functions and give each item's index and answers as it ends, in no fixed order.

        Each item has a process of its own. A slot takes many of them one after the other, so this is much cheaper than
        a check each. `calls` is taken from as slots become free. Nothing else may be asked of this sandbox before the
        iteration has ended. Raises EngineError if the sandbox itself fails.
        """
        waiting = (Item(index, each) for index, each in enumerate(calls))
        again: collections.deque[Item] = collections.deque()
        lines: dict[int, Line] = {}
        try:
            while True:
                self._fill(lines, waiting, again)
                if not any(line.items for line in lines.values()):
                    break
                for place in self._heard(lines):
                    try:
                        for item, answers in lines[place].take():
                            if answers is None:
                                again.append(item)
                            else:
                                yield item.index, answers
                    except SlotEndedError:
                        left = lines.pop(place).items
                        self._restart(place)
                        again.extend(left)
                        if left and left[0].tries >= _TRIES:
                            again.remove(left[0])
                            yield left[0].index, Answers("killed", "its sandbox ended with it, twice")
            for place in sorted(lines):
                lines[place].end()
                del lines[place]
        finally:
            for place in lines:
                self._restart(place)

    def _fill(self, lines: dict[int, Line], waiting: Iterator[Item], again: collections.deque[Item]) -> None:
        """Give every slot its share of what waits."""
        for depth in range(1, _DEPTH + 1):
            for place in range(len(self._slots)):
                if place in lines and len(lines[place].items) >= depth:
                    continue
                if (item := again.popleft() if again else next(waiting, None)) is None:
                    return
                if place not in lines:
                    lines[place] = Line(self._slots[place], self.limits)
                lines[place].add(item)

    def _heard(self, lines: dict[int, Line]) -> list[int]:
        """The slots of which something has come, or nothing for far too long; what waits is sent meanwhile."""
        patience = _PATIENCE_SECONDS + 100 * self.limits.cpu_seconds
        waits = select.poll()
        files = {line.file: place for place, line in lines.items()}
        queues = {line.queue: line for line in lines.values() if line.queue is not None}
        for file in files:
            waits.register(file, select.POLLIN)
        for queue in queues:
            waits.register(queue, select.POLLOUT)
        found = []
        for file, _ in waits.poll(1000):
            if file in files:
                found.append(files[file])
            else:
                queues[file].push()
        for place, line in lines.items():
            if line.items and time.monotonic() - line.heard_at > patience:
                self._slots[place].kill()  # it is readable now, and at its end
        return found

    def complaint(self) -> str:
        """The last words on a slot's standard error."""
        return " ".join(slot.complaint() for slot in self._slots).strip()

    def close(self) -> None:
        """End all slots and what runs in them."""
        while self._slots:
            self._slots.pop().close()

    def _ask(self, place: int, run: _Run) -> None:
        run.tries += 1
        if isinstance(run.check, Program):
            self._see(place, language_named(run.check.language).folders())
        frames = _frames(run.check, self.limits, run.word)
        try:
            self._slots[place].ask(*frames)
        except SlotEndedError:
            self._restart(place)  # it ended between two executions
            self._slots[place].ask(*frames)

    def _answering(self, busy: Iterable[int]) -> list[int]:
        """The slots of which something has come, or nothing for far too long."""
        patience = _PATIENCE_SECONDS + 100 * self.limits.cpu_seconds
        files = {self._slots[place].file: place for place in busy}
        waits = select.poll()
        for file in files:
            waits.register(file, select.POLLIN)
        found = [files[file] for file, _ in waits.poll(1000)]
        for place in files.values():
            if time.monotonic() - self._slots[place].asked_at > patience:
                self._slots[place].kill()  # it is readable now, and at its end
        return found

    def _judged(self, run: _Run, said: dict[str, Any], record: dict[str, Any]) -> Verdict:
        if isinstance(run.check, Program):
            return program_verdict(record, run.word, self.limits, self.tier)
        return check_verdict(said, record, self.limits, self.tier)

    def _see(self, place: int, folders: tuple[str, ...]) -> None:
        """Let a slot see folders that a language needs."""
        if not self._folders.issuperset(folders):
            self._folders.update(folders)
        if not self._slots[place].folders.issuperset(folders):
            self._restart(place)

    def _restart(self, place: int) -> None:
        self._slots[place].close()
        self._slots[place] = Slot(self.tier, place, frozenset(self._folders), self._hash_seed)


@contextmanager
def open_sandbox(
    limits: Limits | None = None, processes: int | None = None, *, hash_seed: int = 0
) -> Iterator[Sandbox]:
    """The best sandbox that works here, with `processes` executions at once (None: one a core). The order of sets of
    texts is the same in each program with the same `hash_seed`, from 0 to 4294967295, and another with another.

    >>> from titrant.sandbox import PythonCheck
    >>> with open_sandbox() as sandbox:
    ...     sandbox.run(PythonCheck("def twice(n): return 2 * n", "assert twice(4) == 8", ("twice",))).status
    'passed'

    Raises EngineError, which says what to install, where no sandbox works: nothing is ever executed without one.
    """
    tiers = allowed_tiers()
    limits = Limits() if limits is None else limits
    processes = len(os.sched_getaffinity(0)) if processes is None else processes
    sandbox = _first_that_works(tiers, limits, processes, hash_seed)
    try:
        yield sandbox
    finally:
        sandbox.close()


def _first_that_works(tiers: tuple[Tier, ...], limits: Limits, processes: int, hash_seed: int) -> Sandbox:
    reasons: list[str] = []
    for tier in tiers:
        trouble = obstacle(tier)
        if trouble is None:
            try:
                sandbox = Sandbox(tier, limits, processes, hash_seed)
            except EngineError as error:
                reasons.append(f"{tier}: {error}")
                continue
            trouble = _trouble(sandbox)
            if trouble is None:
                return sandbox
            sandbox.close()
        reasons.append(f"{tier}: {trouble}")
    raise EngineError(
        f"no sandbox works here, and generated programs are never executed without one ({'; '.join(reasons)}). Install "
        "bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`) and allow user namespaces, or use a kernel "
        "with Landlock (Linux 6.2 or newer)"
    )


def _trouble(sandbox: Sandbox) -> str | None:
    try:
        verdict = sandbox.run(WALLS)
        answers = dict(sandbox.call_many([WALLS_OF_CALLS]))[0]
    except (EngineError, SlotEndedError) as error:
        return f"{error} {sandbox.complaint()}".strip()
    if not verdict.passed:
        return f"{verdict.detail} {sandbox.complaint()}".strip()
    if not answers.passed:
        return f"{answers.detail} {sandbox.complaint()}".strip()
    return None if answers.answers == (("= []",),) else f"called in a batch, a program can {answers.answers[0][0]}"


def _frames(check: Check, limits: Limits, word: str) -> tuple[dict[str, Any], ...]:
    if isinstance(check, Program):
        return program_frames(check.language, check.source, check.stdin, word, limits)
    asked = {"kind": "python", **limits.model_dump()}
    program = {"setup": check.setup, "source": check.candidate}
    tests = {"setup": check.setup, "tests": check.tests, "entry_points": list(check.entry_points)}
    return asked, program, tests
