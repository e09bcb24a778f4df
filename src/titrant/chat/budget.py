"""What asking costs: told before it starts, and a limit that no request may take it above.

A request is let through only if the money spent, the most that all requests under way can cost and the most that it
can cost itself stay within the limit together. A token is at least one byte of UTF-8, so bytes bound what is read;
`max_tokens` bounds what is written. What is begun is written to a journal before it is sent and settled afterwards, so
that a killed process counts as spent what it may have spent.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from titrant.errors import StoreError, StudyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from titrant.chat.conversation import Message
    from titrant.chat.endpoint import Endpoint

TEMPLATE_TOKENS = 64
"""Tokens that an endpoint may add around each message, generously."""
LIKELY_BYTES = 4
"""Bytes of English text in a token."""
MOST_BYTES = 16
"""Bytes in a token, more than any ordinary text has on average: with it a cost is never told too high."""


@dataclass(frozen=True)
class Estimate:
    """What requests will cost before any is sent, in the currency of the prices."""

    requests: int
    """To be sent."""
    kept: int
    """Answered before, which cost nothing now."""
    least: float
    """Short texts read, nothing written."""
    likely: float
    """At four bytes a token read, and replies of full length: they are mostly shorter."""
    most: float
    """At one byte a token."""

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.requests + other.requests,
            self.kept + other.kept,
            self.least + other.least,
            self.likely + other.likely,
            self.most + other.most,
        )

    def __str__(self) -> str:
        kept = f", {self.kept:,} answered before" if self.kept else ""
        cost = f", about {self.likely:.4g} and at most {self.most:.4g}" if self.most else ""
        return f"{self.requests:,} requests{kept}{cost}"


def estimate(endpoint: Endpoint, sizes: Iterable[tuple[int, int]], max_tokens: int, kept: int = 0) -> Estimate:
    """The cost of requests of which the number of messages and their bytes of UTF-8 are known.

    >>> from titrant.chat.endpoint import Endpoint
    >>> model = Endpoint("http://localhost:8000/v1", "m", price_input=1.0, price_output=4.0)
    >>> str(estimate(model, [(2, 4000)] * 1000, 100))
    '1,000 requests, about 1.528 and at most 4.528'
    """
    requests, least, likely, most = 0, 0.0, 0.0, 0.0
    for messages, size in sizes:
        requests += 1
        template = TEMPLATE_TOKENS * messages
        least += endpoint.cost(size // MOST_BYTES, 0)
        likely += endpoint.cost(size // LIKELY_BYTES + template, max_tokens)
        most += endpoint.cost(size + template, max_tokens)
    return Estimate(requests, kept, least, likely, most)


def size_of(messages: Iterable[Message]) -> tuple[int, int]:
    """How many messages, and their bytes of UTF-8."""
    sizes = [len(message.content.encode("utf-8", "replace")) for message in messages]
    return len(sizes), sum(sizes)


class Budget:
    """Money that may be spent, with what has been spent. One may serve several clients, one after another."""

    def __init__(self, most: float | None = None, journal: Path | None = None) -> None:
        """`most` None: no limit. `journal` outlives the process: earlier attempts of the same work count."""
        self.most = most
        self.spent = 0.0
        self._journal, self._serial = journal, 0
        self._held: dict[int, float] = {}
        self._changed: tuple[asyncio.AbstractEventLoop, asyncio.Condition] | None = None
        if journal is not None and most is not None:
            self._read(journal)

    def check(self, expected: Estimate) -> None:
        """Raises StudyError, before anything is paid, if the limit cannot be enough."""
        if self.most is not None and self.spent + expected.least > self.most:
            raise StudyError(
                f"`most_cost` {self.most:g} cannot be enough: {expected}"
                f"{f', and {self.spent:.4g} is spent' if self.spent else ''}; nothing was asked. Raise `most_cost`, or "
                "ask for fewer items"
            )

    @asynccontextmanager
    async def reserve(self, name: str, at_most: float) -> AsyncIterator[Bill]:
        """Hold back `at_most` for one attempt, and take what its Bill says in the end. Where the limit does not allow
        it, wait for those under way to cost less than they could have; raises StudyError if that is not enough."""
        loop = asyncio.get_running_loop()
        if self._changed is None or self._changed[0] is not loop:
            self._changed = loop, asyncio.Condition()  # of a loop that has ended nobody waits any more
        changed, bill = self._changed[1], Bill(at_most)
        async with changed:
            while self.most is not None and self.spent + sum(self._held.values()) + at_most > self.most:
                if not self._held:
                    raise StudyError(
                        f"`most_cost` {self.most:g} is reached: {self.spent:.4g} is spent, and the next request may "
                        f"cost {at_most:.4g}. What was answered is kept and is not paid again; raise `most_cost` and "
                        "run again"
                    )
                await changed.wait()
            self._held[id(bill)] = at_most
        number = self._note(name, at_most)
        try:
            yield bill
        finally:
            del self._held[id(bill)]
            self.spent += bill.cost
            self._note(name, bill.cost, settles=number)
            async with changed:
                changed.notify_all()

    def _note(self, name: str, cost: float, settles: int | None = None) -> int:
        if self._journal is None or self.most is None:
            return 0
        self._serial += 1
        line = {"number": self._serial, "request": name, "cost": cost} | ({"settles": settles} if settles else {})
        try:
            with self._journal.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(f"what is spent cannot be written to {self._journal}: {error}") from None
        return self._serial

    def _read(self, journal: Path) -> None:
        if not journal.exists():
            return
        content = journal.read_bytes()
        if content and not content.endswith(b"\n"):  # a torn last line: nothing was sent before it was whole
            content = content[: content.rfind(b"\n") + 1]
            journal.write_bytes(content)
        costs: dict[int, float] = {}
        try:
            for line in content.decode().split("\n")[:-1]:
                entry = json.loads(line)
                costs[int(entry.get("settles", entry["number"]))] = float(entry["cost"])
                self._serial = max(self._serial, int(entry["number"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StoreError(f"{journal} is damaged: it says what is spent; delete it to begin counting anew") from None
        self.spent = sum(costs.values())


@dataclass
class Bill:
    """What an attempt cost; whoever makes the attempt sets it. All that was held back, unless it is known better."""

    cost: float
