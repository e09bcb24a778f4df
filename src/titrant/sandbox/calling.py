"""Calls by the thousand: what their owner keeps of each item, and of each slot that serves them."""

from __future__ import annotations

import collections
import json
import os
import re
import select
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field

from titrant.errors import EngineError
from titrant.sandbox.checks import Answers, PythonCalls, Status
from titrant.sandbox.inside import answering, batch
from titrant.sandbox.running import Slot, SlotEndedError
from titrant.sandbox.verdicts import ended_by_itself, writable
from titrant.study.limits import Limits

_NAMED = re.compile(r"[~-]|[!?] \w{1,500}")
_RUBBISH = "its process answers with rubbish"


@dataclass
class Item:
    """Calls that were asked for, and what is known of them by now."""

    index: int
    calls: PythonCalls
    tries: int = 0
    done: list[tuple[str, ...]] = field(default_factory=list)
    """The answers of the candidate and of variants, from earlier processes."""
    cpu_seconds: float = 0.0

    def frame(self) -> bytes:
        """What its process is told: all that is not answered yet."""
        asked = {
            "entry_point": self.calls.entry_point,
            "inputs": self.calls.inputs,
            "setup": self.calls.setup,
            "candidate": self.calls.candidate,
            "answered": bool(self.done),
            "variants": self.calls.variants[len(self.done) - 1 if self.done else 0 :],
            "steps": self.calls.steps,
            "first": self.calls.first,
        }
        body = json.dumps(asked).encode()
        return struct.pack("!I", len(body)) + body

    def ended(self, said: bytes, end: tuple[int, int, float], limits: Limits) -> Answers | None:
        """Its answers, once a process of it has ended; None: variants are left, for which it needs one more.

        A variant that ends its process is called once more if others were called in it before: what they have used
        counts for the process. What one answers that ends a process of its own is not known.
        """
        code, reason, seconds = end
        self.cpu_seconds += seconds
        count, blocks = _blocks(said)
        if count is None:
            return self._refused("error", _RUBBISH)
        if not self.done:
            if not blocks:
                return self._refused(*ended_by_itself(batch.REASONS[reason], code, seconds, limits))
            if len(blocks[0]) == 1 and blocks[0][0].startswith("- "):
                detail = blocks[0][0][2:]
                return self._refused("out of memory" if detail.startswith("MemoryError") else "error", detail)
        if any(len(block) != count or not all(map(_is_answer, block)) for block in blocks):
            return self._refused("error", _RUBBISH)
        self.done += blocks
        wanted = 1 + len(self.calls.variants)
        if len(self.done) < wanted and not blocks:
            self.done.append((answering.UNKNOWN,) * count)
        if len(self.done) < wanted:
            return None
        return Answers("passed", "", tuple(self.done[:wanted]), self.cpu_seconds)

    def _refused(self, status: Status, detail: str) -> Answers:
        return Answers(status, writable(detail), (), self.cpu_seconds)


def _blocks(said: bytes) -> tuple[int | None, list[tuple[str, ...]]]:
    """How many inputs there are, which is written before anything that is not trusted runs, and all whole blocks. None:
    no text."""
    try:
        first, *lines = said.decode().split("\n")
        count = int(first or 0)
    except ValueError:
        return None, []
    blocks: list[tuple[str, ...]] = []
    begin = 0
    with suppress(ValueError):
        while True:
            end = lines.index(answering.END, begin)
            blocks.append(tuple(lines[begin:end]))
            begin = end + 1
    return count, blocks


def _is_answer(text: str) -> bool:
    return (text.startswith("= ") and len(text) <= answering.MOST_CHARACTERS + 2) or _NAMED.fullmatch(text) is not None


class Line:
    """A slot that serves calls, from `begin` to `end`: what waits for it and what has come of it."""

    def __init__(self, slot: Slot, limits: Limits) -> None:
        self._slot = slot
        self._limits = limits
        self.items: collections.deque[Item] = collections.deque()
        """In the order in which they were asked."""
        self._waiting = bytearray()
        self._come = bytearray()
        self._said = bytearray()
        self._over = False
        self.heard_at = time.monotonic()
        slot.ask({"kind": "calls", **limits.model_dump()})
        os.set_blocking(slot.queue, False)

    @property
    def file(self) -> int:
        """Readable when something has come."""
        return self._slot.file

    @property
    def queue(self) -> int | None:
        """The file that must be writable before `push`, if anything waits to be sent."""
        return self._slot.queue if self._waiting else None

    def add(self, item: Item) -> None:
        """Ask for one item more."""
        if not self.items:
            self.heard_at = time.monotonic()
        self.items.append(item)
        self._waiting += item.frame()
        self.push()

    def push(self) -> None:
        """Send what waits, as far as there is room. A slot that has ended is seen when it is read."""
        with suppress(BlockingIOError, BrokenPipeError):
            while self._waiting:
                del self._waiting[: os.write(self._slot.queue, self._waiting)]

    def take(self) -> list[tuple[Item, Answers | None]]:
        """Items whose process has ended, with their answers if they need no further one. Raises SlotEndedError, and
        EngineError if the sandbox itself failed."""
        self._read()
        found = []
        at = 0
        while len(self._come) - at >= batch.HEAD.size:
            kind, size = batch.HEAD.unpack_from(self._come, at)
            if len(self._come) - at < batch.HEAD.size + size:
                break
            at += batch.HEAD.size
            said = bytes(self._come[at : at + size])
            at += size
            self.heard_at = time.monotonic()
            if kind == batch.KINDS.index("answers"):
                self._said += said
            elif kind == batch.KINDS.index("ended"):
                item = self.items.popleft()
                found.append((item, item.ended(bytes(self._said), batch.ENDED.unpack(said), self._limits)))
                self._said.clear()
            elif kind == batch.KINDS.index("broken"):
                raise EngineError(f"the sandbox failed: {said.decode('utf-8', 'replace')}")
            else:
                self._over = True
        del self._come[:at]
        return found

    def _read(self) -> None:
        ended = False
        with suppress(BlockingIOError):
            while part := os.read(self._slot.file, 2**18):
                self._come += part
            ended = True
        if ended:
            raise SlotEndedError

    def end(self) -> None:
        """Let the slot serve other things again; only if it has no items. Raises SlotEndedError."""
        self._waiting += struct.pack("!I", 0)
        os.set_blocking(self._slot.queue, True)
        self.push()
        while not self._over:
            select.select([self._slot.file], [], [], 60)
            self.take()
