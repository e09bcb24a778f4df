"""Cost is told before it starts, and no request takes it above its limit: also after a kill."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripted_endpoint import Answer, ScriptedEndpoint, completion, scripted_endpoint
from titrant.chat.budget import Budget, Estimate, estimate
from titrant.chat.client import ChatClient, Patience
from titrant.chat.conversation import Conversation, Message
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies
from titrant.errors import StoreError, StudyError
from titrant.study.tasks import Sampling

GREEDY = Sampling(max_tokens=20)
MODEL = Endpoint("http://localhost/v1", "m", price_input=1e6, price_output=1e6)


def client_of(endpoint: ScriptedEndpoint, folder: Path, budget: Budget, at_once: int = 1) -> ChatClient:
    async def no_wait(seconds: float) -> None:
        await asyncio.sleep(0)

    model = Endpoint(endpoint.url, "small", price_input=1e6, price_output=1e6, at_once=at_once)
    return ChatClient(model, kept=KeptReplies(folder / "kept"), budget=budget, patience=Patience(sleep=no_wait))


def questions(count: int) -> list[Conversation]:
    """Each may cost 8 bytes + 64 for the template + 20 written = 92, and costs 12."""
    return [Conversation(str(i), (Message("user", f"item {i:03d}"),)) for i in range(count)]


MOST_OF_ONE, COST_OF_ONE = 92.0, 12.0


@pytest.mark.parametrize("at_once", [1, 4])
def test_the_limit_is_never_passed_and_what_was_answered_is_kept(tmp_path: Path, at_once: int):
    with scripted_endpoint(lambda number, body: Answer()) as endpoint:
        budget = Budget(200.0, tmp_path / "spent.jsonl")
        with pytest.raises(StudyError, match=r"`most_cost` 200 is reached: (\d+) is spent, and the next .* cost 92"):
            client_of(endpoint, tmp_path, budget, at_once).ask(questions(50), GREEDY)
        # a further one is sent as long as it could not take the sum above 200
        assert endpoint.num_requests == 10
        assert budget.spent == 10 * COST_OF_ONE
        assert len(list(tmp_path.rglob("kept/*/*.json"))) == 10


def test_a_higher_limit_goes_on_and_counts_what_was_spent_before(tmp_path: Path):
    with scripted_endpoint(lambda number, body: Answer()) as endpoint:
        for limit in (200.0, 260.0):
            budget = Budget(limit, tmp_path / "spent.jsonl")
            with pytest.raises(StudyError, match="is reached"):
                client_of(endpoint, tmp_path, budget).ask(questions(50), GREEDY)
        assert endpoint.num_requests == budget.spent / COST_OF_ONE == 15
        replies = client_of(endpoint, tmp_path, Budget(1e9, tmp_path / "spent.jsonl")).ask(questions(50), GREEDY)
        assert sum(reply.cost for reply in replies) == 50 * COST_OF_ONE
        assert endpoint.num_requests == 50


def test_a_killed_process_has_spent_what_it_may_have_spent(tmp_path: Path):
    """Begun and not settled counts in full; a torn line was never sent."""
    journal = tmp_path / "spent.jsonl"
    journal.write_text(
        '{"number": 1, "request": "a", "cost": 90}\n{"number": 2, "request": "b", "cost": 90}\n'
        '{"number": 3, "request": "a", "cost": 12, "settles": 1}\n{"number": 4, "requ'
    )
    assert Budget(500.0, journal).spent == 102
    with scripted_endpoint(lambda number, body: Answer()) as endpoint:
        client_of(endpoint, tmp_path, Budget(500.0, journal)).ask(questions(2), GREEDY)
    assert Budget(500.0, journal).spent == 102 + 2 * COST_OF_ONE
    numbers = [json.loads(line)["number"] for line in journal.read_text().splitlines()]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]


def test_a_damaged_journal_is_not_taken_for_nothing_spent(tmp_path: Path):
    for damage in ("nonsense\n", "[]\n", '{"cost": 3}\n', '{"number": 1, "cost": "a"}\n'):
        (tmp_path / "spent.jsonl").write_text(damage)
        with pytest.raises(StoreError, match="damaged"):
            Budget(1.0, tmp_path / "spent.jsonl")


def test_attempts_that_may_be_billed_count_and_others_do_not(tmp_path: Path):
    answers = [Answer(b"", status=500), Answer(b"", status=429), Answer(completion()[:30], says_bytes=900), Answer()]
    with scripted_endpoint(lambda number, body: answers[number]) as endpoint:
        budget = Budget(1e6)
        replies = client_of(endpoint, tmp_path, budget).ask(questions(1), GREEDY)
    assert replies[0].cost == COST_OF_ONE
    assert budget.spent == MOST_OF_ONE + COST_OF_ONE


def test_a_limit_that_cannot_be_enough_is_told_before_anything_is_asked(tmp_path: Path):
    long = [Conversation("1", (Message("user", "word " * 1000),))]
    with scripted_endpoint(lambda number, body: Answer()) as endpoint:
        with pytest.raises(
            StudyError, match="`most_cost` 100 cannot be enough: 1 requests, about 1334 and at most 5084"
        ):
            client_of(endpoint, tmp_path, Budget(100.0)).ask(long, GREEDY)
        assert endpoint.num_requests == 0


def test_what_is_kept_costs_nothing_more(tmp_path: Path):
    with scripted_endpoint(lambda number, body: Answer()) as endpoint:
        client = client_of(endpoint, tmp_path, Budget())
        client.ask(questions(3), GREEDY)
        left = client.estimate(questions(5), GREEDY)
    assert (left.requests, left.kept, left.most) == (2, 3, 2 * MOST_OF_ONE)
    assert str(left) == "2 requests, 3 answered before, about 172 and at most 184"


def test_estimates_add_up():
    one = estimate(MODEL, [(1, 8)], 20)
    assert one + one == estimate(MODEL, [(1, 8)] * 2, 20)
    assert str(Estimate(3, 0, 0, 0, 0)) == "3 requests"


@settings(max_examples=40, deadline=None)
@given(
    limit=st.floats(1, 500),
    attempts=st.lists(st.tuples(st.floats(0.1, 90), st.floats(0, 1)), min_size=1, max_size=30),
    at_once=st.integers(1, 6),
)
def test_whatever_is_under_way_the_sum_stays_within_the_limit(limit: float, attempts: Any, at_once: int):
    """Attempts that take turns in any order, each costing some share of the most it may cost."""
    budget, under_way, highest = Budget(limit), 0.0, 0.0
    queue = list(attempts)

    async def worker() -> None:
        nonlocal under_way, highest
        while queue:
            most, share = queue.pop()
            async with budget.reserve("request", most) as bill:
                under_way += most
                highest = max(highest, budget.spent + under_way)
                for _ in range(int(10 * share)):
                    await asyncio.sleep(0)
                under_way -= most
                bill.cost = most * share

    async def all_workers() -> list[BaseException | None]:
        return await asyncio.gather(*(worker() for _ in range(at_once)), return_exceptions=True)

    failures = [error for error in asyncio.run(all_workers()) if error is not None]
    assert all(isinstance(error, StudyError) for error in failures)
    assert highest <= limit * (1 + 1e-9)
    if not failures:
        assert budget.spent == pytest.approx(sum(most * share for most, share in attempts))
