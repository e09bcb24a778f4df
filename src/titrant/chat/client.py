"""Many conversations answered by one endpoint: at its pace, within a budget, with patience, and nothing paid twice.

1. what is kept on disk is read; equal conversations are asked once
2. some are under way at a time; their starts keep to `requests_per_minute`
3. what fails for a reason that may pass is asked again, after a wait that doubles and is drawn from its upper half, or
   as long as the endpoint asks if that is longer; a wait for the endpoint's pace holds all requests
4. what is refused stands alone, but several refusals in a row, and those at the end, are followed by a plain question:
   if that is refused too, the endpoint is at fault (its account is empty, say) and not what was asked
5. what fails for ever stops everything: those under way are still taken in and kept, then the error is raised

The replies come in the order of the conversations, whatever order they arrived in.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from titrant.chat.attempt import Again, attempt, new_client
from titrant.chat.budget import Budget, Estimate, estimate, size_of
from titrant.chat.conversation import Conversation, Message, Reply
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies, Request, key_of, request_of
from titrant.errors import EngineError
from titrant.study.tasks import Sampling

if TYPE_CHECKING:
    import httpx2

REFUSED_IN_A_ROW = 8
"""Refusals with no reply between them after which the endpoint is suspected, and not a conversation."""
PLAIN = Conversation("a plain question", (Message("user", "Reply with the word: yes"),))
"""What any endpoint takes that takes anything. Its reply is paid within the budget and thrown away."""


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is borne with."""

    attempts: int = 6
    """For one conversation, where the endpoint fails."""
    attempts_at_its_pace: int = 30
    """For one conversation, where the endpoint says that it is asked too fast."""
    first_seconds: float = 1.0
    """The first wait; each further one is twice as long ..."""
    most_seconds: float = 60.0
    """... but no longer than this."""
    most_asked_seconds: float = 600.0
    """A wait that the endpoint asks for; if it asks for more, it is for the user to wait."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class ChatClient:
    """Asks one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        kept: KeptReplies | None = None,
        budget: Budget | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`kept`: where replies are kept, the user's cache by default. Raises StudyError if the URL is none or the key
        is missing."""
        self.endpoint, self.kept = endpoint, kept or KeptReplies()
        self.budget, self.patience = budget or Budget(), patience or Patience()
        _ = endpoint.completions_url, endpoint.key()

    def estimate(
        self, conversations: Sequence[Conversation], sampling: Sampling, stop: tuple[str, ...] = ()
    ) -> Estimate:
        """What asking will cost, without what is kept."""
        return self._expected(self._asked(conversations, sampling, stop), sampling)

    def ask(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        *,
        stop: tuple[str, ...] = (),
        on_reply: Callable[[int, Reply], None] = lambda index, reply: None,
    ) -> list[Reply]:
        """The reply to each conversation, in their order. `sampling.samples` is not looked at: give a conversation for
        each sample. `on_reply(index, reply)` is called as replies come, kept ones first.

        Raises StudyError if the budget does not allow a request, EngineError if the endpoint will not or cannot answer;
        all that was answered is kept, and asking again goes on from there.
        """
        asked = self._asked(conversations, sampling, stop)
        self.budget.check(self._expected(asked, sampling))
        for item in asked:
            if item.reply is not None:
                self._hand_out(item, on_reply)
        waiting = [item for item in asked if item.reply is None]
        if waiting:
            _run(_Round(self, waiting, sampling, on_reply, kept=len(asked) - len(waiting)).run)
        found: dict[int, Reply] = {i: item.reply for item in asked if item.reply for i in item.indices}
        return [found[i] for i in range(len(conversations))]

    def _asked(self, conversations: Sequence[Conversation], sampling: Sampling, stop: tuple[str, ...]) -> list[_Asked]:
        asked: dict[str, _Asked] = {}
        for index, conversation in enumerate(conversations):
            request = request_of(self.endpoint, conversation, sampling, stop)
            key = key_of(request)
            if key not in asked:
                asked[key] = _Asked(key, request, conversation, [], self.kept.read(key, request))
            asked[key].indices.append(index)
        return list(asked.values())

    def _expected(self, asked: Sequence[_Asked], sampling: Sampling) -> Estimate:
        sizes = [size_of(item.conversation.messages) for item in asked if item.reply is None]
        return estimate(self.endpoint, sizes, sampling.max_tokens, kept=len(asked) - len(sizes))

    @staticmethod
    def _hand_out(item: _Asked, on_reply: Callable[[int, Reply], None]) -> None:
        assert item.reply is not None
        for index in item.indices:
            on_reply(index, item.reply)


@dataclass
class _Asked:
    """One request, and the places of the conversations that it answers."""

    key: str
    request: Request
    conversation: Conversation
    indices: list[int]
    reply: Reply | None


def seed_of(seed: int, sample: int) -> int:
    """The seed that is sent for a sample: every one has its own, from 0 to 2**31 - 1."""
    digest = blake3(f"{seed}/{sample}".encode()).digest(length=4)
    return int.from_bytes(digest, "little") >> 1


class _Round:
    """One call of `ask`, in its event loop."""

    def __init__(
        self,
        client: ChatClient,
        waiting: list[_Asked],
        sampling: Sampling,
        on_reply: Callable[[int, Reply], None],
        kept: int,
    ) -> None:
        self._client, self._sampling, self._on_reply = client, sampling, on_reply
        self._endpoint, self._patience = client.endpoint, client.patience
        self._queue = list(reversed(waiting))
        self._gap = 60.0 / self._endpoint.requests_per_minute if self._endpoint.requests_per_minute else 0.0
        self._next_start = 0.0
        self._tokens_name = "max_tokens"
        self._answered, self._refusals = kept, list[tuple[_Asked, Reply]]()
        """How many have a reply; what was refused since the last reply or the last plain question was asked for."""
        self._forgotten = 0  # refusals that are no longer in the list
        self._failure: Exception | None = None
        self._failed = asyncio.Event()

    async def run(self) -> None:
        async with new_client(self._endpoint) as http:
            workers = min(self._endpoint.at_once, len(self._queue))
            await asyncio.gather(*(self._work(http) for _ in range(workers)))
            if self._failure is None and self._refusals:
                await self._suspect(http)
        if self._failure is not None:
            raise self._failure

    async def _work(self, http: httpx2.AsyncClient) -> None:
        while self._queue and self._failure is None:
            item = self._queue.pop()
            before = self._forgotten + len(self._refusals)
            try:
                reply = await self._until_answered(http, item)
                if reply is not None:
                    self._take(item, reply, before)
                if len(self._refusals) >= REFUSED_IN_A_ROW:
                    await self._suspect(http)
            except Exception as error:
                self._failure = self._failure or error
                self._failed.set()

    def _take(self, item: _Asked, reply: Reply, before: int) -> None:
        """`before`: how many had been refused when it was asked; a reply says nothing of what was refused later."""
        item.reply = reply
        if reply.finish == "refused":
            self._refusals.append((item, reply))
        else:
            self._answered += 1
            self._forget(before - self._forgotten)
            self._client.kept.write(item.key, item.request, reply)
        self._client._hand_out(item, self._on_reply)

    def _forget(self, first: int) -> None:
        if first > 0:
            del self._refusals[:first]
            self._forgotten += first

    async def _suspect(self, http: httpx2.AsyncClient) -> None:
        """Raises EngineError if it was not for what was asked that the last requests were refused."""
        (item, refused), count = self._refusals[0], len(self._refusals)
        self._forget(count)
        about = f"'{self._endpoint.model}': {refused.detail} (conversation '{item.conversation.id}')"
        if not self._answered:
            raise EngineError(
                f"{self._endpoint.url} takes no request of {about}. Check `model`, and `max_tokens` and `temperature` "
                "against what it allows"
            )
        messages = [asdict(message) for message in PLAIN.messages]
        plain = _Asked(f"{item.key} plain", item.request | {"messages": messages}, PLAIN, [], None)
        reply = await self._until_answered(http, plain)
        if reply is not None and reply.finish == "refused":
            raise EngineError(
                f"{self._endpoint.url} takes no more requests of {about}. {count} in a row were refused, and then even "
                "a plain question. What was answered is kept; mend the endpoint or its account and run again"
            )

    async def _until_answered(self, http: httpx2.AsyncClient, item: _Asked) -> Reply | None:
        """The reply; None if another request has failed for ever while this one waited."""
        faults = paces = 0
        while self._failure is None:
            await self._turn()
            if self._failed.is_set():
                break
            outcome = await self._once(http, item)
            if isinstance(outcome, Reply):
                return outcome
            faults, paces = faults + (not outcome.is_pace), paces + outcome.is_pace
            if faults >= self._patience.attempts or paces >= self._patience.attempts_at_its_pace:
                raise EngineError(
                    f"'{self._endpoint.model}' at {self._endpoint.url} gave no reply to conversation "
                    f"'{item.conversation.id}' in {faults + paces} attempts, the last time: {outcome.why}. What was "
                    "answered is kept; mend the endpoint and run again"
                )
            await self._wait(outcome, faults + paces)
        return None

    async def _once(self, http: httpx2.AsyncClient, item: _Asked) -> Reply | Again:
        messages, size = size_of(item.conversation.messages)
        bound = estimate(self._endpoint, [(messages, size)], self._sampling.max_tokens).most
        async with self._client.budget.reserve(item.key, bound) as bill:
            name = self._tokens_name
            outcome = await attempt(http, self._endpoint, self._body(item, name))
            if isinstance(outcome, Again):
                bill.cost = bound if outcome.may_be_billed else 0.0
                return outcome
            if outcome.finish == "refused":
                bill.cost = 0.0
                return self._other_name(outcome, name) or outcome
            if outcome.prompt_tokens is not None and outcome.completion_tokens is not None:
                bill.cost = self._endpoint.cost(outcome.prompt_tokens, outcome.completion_tokens)
            return replace(outcome, cost=bill.cost)

    def _other_name(self, refused: Reply, name: str) -> Again | None:
        """Newer models call `max_tokens` otherwise, and say so when they refuse it."""
        if name == "max_tokens" and "max_completion_tokens" in refused.detail:
            self._tokens_name = "max_completion_tokens"
            return Again(refused.detail, may_be_billed=False, at_once=True)
        return None

    @staticmethod
    def _body(item: _Asked, tokens_name: str) -> dict[str, Any]:
        request = item.request
        body = {name: request[name] for name in ("model", "messages", "temperature")} | {"stream": False}
        body[tokens_name] = request["max_tokens"]
        if request["temperature"] > 0:
            # greedy replies need neither, and some endpoints refuse what they do not know
            body |= {"top_p": request["top_p"], "seed": seed_of(request["seed"], request["sample"])}
        return body | ({"stop": request["stop"]} if request["stop"] else {})

    async def _wait(self, outcome: Again, failures: int) -> None:
        if outcome.at_once:
            return
        patience = self._patience
        doubled = min(patience.most_seconds, patience.first_seconds * 2.0 ** (failures - 1))
        asked = outcome.after_seconds
        if asked is not None and asked > patience.most_asked_seconds:
            raise EngineError(
                f"'{self._endpoint.model}' at {self._endpoint.url} asks to wait {asked:,.0f} s ({outcome.why}). What "
                "was answered is kept; run again then"
            )
        seconds = max(doubled * random.uniform(0.5, 1.0), asked or 0.0)
        if outcome.is_pace:
            self._next_start = max(self._next_start, asyncio.get_running_loop().time() + seconds)
        else:
            await self._rest(seconds)

    async def _turn(self) -> None:
        """Return when a request may start."""
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next_start)
        self._next_start = mine + self._gap
        if mine > now:
            await self._rest(mine - now)

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not on after something has failed for ever."""
        sleeping = asyncio.ensure_future(self._patience.sleep(seconds))
        failing = asyncio.ensure_future(self._failed.wait())
        try:
            await asyncio.wait({sleeping, failing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            failing.cancel()


def _run(main: Callable[[], Awaitable[None]]) -> None:
    """Run to the end, in a thread of its own where an event loop (a notebook's) is running already."""

    async def entered() -> None:
        await main()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(entered())
        return
    failures: list[BaseException] = []

    def in_thread() -> None:
        try:
            asyncio.run(entered())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=in_thread, name="chat")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
