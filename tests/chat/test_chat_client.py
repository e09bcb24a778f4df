"""The client against endpoints that behave, and one that misbehaves in every way."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from scripted_endpoint import Answer, Script, ScriptedEndpoint, completion, scripted_endpoint
from titrant.chat.budget import Budget
from titrant.chat.client import ChatClient, Patience
from titrant.chat.conversation import Conversation, Message, Reply
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies
from titrant.errors import EngineError, StudyError
from titrant.study.tasks import Sampling

GREEDY = Sampling(max_tokens=20)


def conversation(number: int, sample: int = 0) -> Conversation:
    return Conversation(f"item-{number}", (Message("user", f"question {number}"),), sample)


def echo(number: int, body: dict[str, Any]) -> Answer:
    return Answer(completion("to " + body["messages"][0]["content"]))


class Client:
    """A client of a scripted endpoint that notes its waits instead of waiting."""

    def __init__(self, endpoint: ScriptedEndpoint, folder: Path, **more: Any) -> None:
        self.waits: list[float] = []
        budget, attempts = more.pop("budget", None), more.pop("attempts", 6)
        given = {"model": "small", "timeout_seconds": 20.0, "price_input": 1e6, "price_output": 1e6} | more
        self.chat = ChatClient(
            Endpoint(endpoint.url, **given),
            kept=KeptReplies(folder),
            budget=budget,
            patience=Patience(attempts=attempts, sleep=self._sleep),
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def ask(self, *numbers: int, sampling: Sampling = GREEDY, **more: Any) -> list[Reply]:
        return self.chat.ask([conversation(number) for number in numbers], sampling, **more)


def asked_of(script: Script, tmp_path: Path, **more: Any) -> tuple[Reply, ScriptedEndpoint, list[float]]:
    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path, **more)
        return client.ask(1)[0], endpoint, client.waits


def first_then_fine(first: Answer, times: int = 1) -> Script:
    return lambda number, body: first if number < times else Answer()


def test_replies_come_in_the_order_of_the_conversations(tmp_path: Path):
    with scripted_endpoint(echo) as endpoint:
        seen: list[int] = []
        replies = Client(endpoint, tmp_path).ask(*range(30), on_reply=lambda index, reply: seen.append(index))
    assert [reply.text for reply in replies] == [f"to question {number}" for number in range(30)]
    assert sorted(seen) == list(range(30))
    assert replies[0] == Reply("to question 0", "stop", 10, 2, cost=12.0, model="small")
    assert endpoint.most_at_once <= 4
    assert set(endpoint.paths) == {"/v1/chat/completions"}
    assert endpoint.bodies[0].keys() == {"model", "messages", "temperature", "max_tokens", "stream"}


def test_nothing_is_asked_twice(tmp_path: Path):
    """Equal conversations of one call, of another call, and of another process with the same folder."""
    with scripted_endpoint(echo) as endpoint:
        first = Client(endpoint, tmp_path).ask(1, 2, 1, 1)
        again = Client(endpoint, tmp_path).ask(2, 1, 3)
    assert endpoint.num_requests == 3
    assert first[0] == first[2] == first[3] == again[1]
    assert [reply.text for reply in again] == ["to question 2", "to question 1", "to question 3"]


@pytest.mark.parametrize("change", ["temperature", "top_p", "max_tokens", "seed", "stop", "model", "sample", "message"])
def test_whatever_decides_a_reply_is_part_of_its_key(tmp_path: Path, change: str):
    drawn = Sampling(temperature=0.5, top_p=0.9, max_tokens=20)
    other = {"temperature": 0.6, "top_p": 0.8, "max_tokens": 21, "seed": 1}
    sampling = drawn.model_copy(update={change: other[change]}) if change in other else drawn
    with scripted_endpoint(echo) as endpoint:
        Client(endpoint, tmp_path).ask(1, sampling=drawn)
        client = Client(endpoint, tmp_path, model="large" if change == "model" else "small")
        asked = conversation(2 if change == "message" else 1, 1 if change == "sample" else 0)
        client.chat.ask([asked], sampling, stop=("\n",) if change == "stop" else ())
    assert endpoint.num_requests == 2


def test_each_sample_is_drawn_with_a_seed_of_its_own(tmp_path: Path):
    drawn = Sampling(samples=3, temperature=0.7, max_tokens=20)
    with scripted_endpoint(echo) as endpoint:
        Client(endpoint, tmp_path).chat.ask([conversation(1, sample) for sample in range(3)], drawn)
    assert len({body["seed"] for body in endpoint.bodies}) == 3
    assert all(0 <= body["seed"] < 2**31 and body["top_p"] == 1.0 for body in endpoint.bodies)


def test_a_damaged_kept_reply_is_asked_for_again(tmp_path: Path):
    with scripted_endpoint(echo) as endpoint:
        client = Client(endpoint, tmp_path)
        client.ask(1)
        kept = next(tmp_path.rglob("*.json"))
        for damage in (b"", b"[" * 100_000, b'{"request": 1}', kept.read_bytes().replace(b"question 1", b"question 7")):
            kept.write_bytes(damage)
            before = endpoint.num_requests
            assert client.ask(1)[0].text == "to question 1"
            assert endpoint.num_requests == before + 1


RUBBISH = {
    "no json": Answer(b"<html>busy</html>"),
    "empty": Answer(b""),
    "a list": Answer(b"[1, 2]"),
    "a number": Answer(b"7"),
    "no choices": Answer(completion(choices=[])),
    "no message": Answer(completion(choices=[{"index": 0}])),
    "a message that is text": Answer(completion(message="hello")),
    "content that is a number": Answer(completion(message={"content": 7})),
    "null content": Answer(completion(None)),
    "an error in a 200": Answer(b'{"error": {"message": "overloaded"}}'),
    "not UTF-8": Answer(b'{"choices": [{"message": {"content": "\xff\xfe'),
    "nested without end": Answer(b"[" * 200_000),
    "an endless number": Answer(b"1" * 10_000),
    "cut": Answer(completion()[:40], says_bytes=4000),
    "reset": Answer(resets=True),
    "no http": Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing": Answer(raw=b""),
    "endless": Answer(endless=True),
    "a gzip that is none": Answer(b"plain", headers={"Content-Encoding": "gzip"}),
    "server error": Answer(b"oops", status=500),
    "bad gateway": Answer(b"", status=502),
    "request timeout": Answer(b"", status=408),
    "too fast": Answer(b'{"error": {"message": "slow down"}}', status=429),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_asked_for_again_and_never_taken_for_a_reply(tmp_path: Path, kind: str):
    reply, endpoint, waits = asked_of(first_then_fine(RUBBISH[kind], 2), tmp_path)
    assert reply == Reply("fine", "stop", 10, 2, cost=12.0, model="small")
    assert endpoint.num_requests == 3
    assert len(waits) == 2


@pytest.mark.parametrize("kind", RUBBISH)
def test_nothing_but_rubbish_ends_in_an_error_that_says_what_it_was(tmp_path: Path, kind: str):
    with scripted_endpoint(lambda number, body: RUBBISH[kind]) as endpoint:
        client = Client(endpoint, tmp_path, attempts=3)
        with pytest.raises(EngineError, match=r"gave no reply to conversation 'item-1' in (3|30) attempts, the last"):
            client.ask(1)
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer(drips=True)], ids=["hangs", "drips"])
def test_a_server_that_never_ends_is_given_up(tmp_path: Path, answer: Answer):
    reply, endpoint, _ = asked_of(first_then_fine(answer), tmp_path, timeout_seconds=0.3)
    assert reply.text == "fine"
    assert endpoint.num_requests == 2


def test_nobody_answering_is_an_error_that_says_where(tmp_path: Path):
    with scripted_endpoint(echo) as endpoint:
        client = Client(endpoint, tmp_path)
    with pytest.raises(EngineError, match=f"nobody answers at {endpoint.url}"):
        client.ask(1)
    assert len(client.waits) == 5


def test_waits_double_up_to_a_limit(tmp_path: Path):
    _, _, waits = asked_of(first_then_fine(Answer(b"", status=503), 8), tmp_path, attempts=9)
    for number, wait in enumerate(waits):
        full = min(60.0, 2.0**number)
        assert full / 2 <= wait <= full


def test_the_endpoint_says_how_long_to_wait(tmp_path: Path):
    date = "Sat, 21 Nov 2026 22:00:00 GMT"
    for after in ("7", "Sat, 21 Nov 2026 22:00:07 GMT"):
        headers = {"Retry-After": after, "Date": date}
        script = first_then_fine(Answer(b"", status=429, headers=headers))
        _, _, waits = asked_of(script, tmp_path / after)
        assert waits == [pytest.approx(7, abs=0.5)]
    for nonsense in ("soon", "nan", "-3"):
        script = first_then_fine(Answer(b"", status=500, headers={"Retry-After": nonsense}))
        _, _, waits = asked_of(script, tmp_path / nonsense)
        assert all(0 <= wait <= 1 for wait in waits)


def test_waits_double_even_where_the_endpoint_asks_for_none(tmp_path: Path):
    """A paced endpoint that says `Retry-After: 0` is not given up in seconds."""
    for status in (429, 503):
        script = first_then_fine(Answer(b"slow down", status=status, headers={"Retry-After": "0"}), 12)
        reply, _, waits = asked_of(script, tmp_path / str(status))
        assert reply.text == "fine"
        assert all(wait >= min(60.0, 2.0**number) / 2 - 0.5 for number, wait in enumerate(waits))
        assert len(waits) == 12


def test_an_endpoint_that_asks_for_hours_is_left_to_the_user(tmp_path: Path):
    script = first_then_fine(Answer(b"quota", status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(EngineError, match=r"asks to wait 86,400 s \(status 429: quota\)"):
        asked_of(script, tmp_path)


def test_a_wait_for_the_pace_holds_all_requests(tmp_path: Path):
    """One 429 with a long wait: what starts next waits for as long, whichever conversation it is."""
    with scripted_endpoint(first_then_fine(Answer(b"", status=429, headers={"Retry-After": "100"}))) as endpoint:
        client = Client(endpoint, tmp_path, at_once=1)
        client.ask(1, 2)
    assert client.waits[0] == pytest.approx(100, abs=5)
    assert len(client.waits) == 2  # none but the first wait is noted as waited, so the second conversation waits too


def test_requests_keep_to_their_number_in_a_minute(tmp_path: Path):
    with scripted_endpoint(echo) as endpoint:
        client = Client(endpoint, tmp_path, requests_per_minute=0.1, at_once=2)
        client.ask(*range(5))
    assert [round(wait, -1) for wait in sorted(client.waits)] == [600, 1200, 1800, 2400]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b'{"error": "bad key"}', "Check `key_variable`"),
        (403, b"no", "Check `key_variable`"),
        (404, b"model 'small' not found", "Check `endpoint`"),
        (307, b"", "It points elsewhere"),
        (429, b'{"error": {"code": "insufficient_quota"}}', "no money left"),
    ],
)
def test_what_no_repetition_mends_stops_at_once(tmp_path: Path, status: int, body: bytes, message: str):
    answer = Answer(body, status=status, headers={"Location": "http://127.0.0.1:9/v1"})
    with scripted_endpoint(lambda number, asked: answer) as endpoint:
        with pytest.raises(EngineError, match=f"answers {status} to 'small'.*{message}"):
            Client(endpoint, tmp_path).ask(1)
        assert endpoint.num_requests == 1


def test_a_conversation_that_is_refused_stands_alone(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        too_long = body["messages"][0]["content"] == "question 2"
        return Answer(b"context is 5 tokens too long", status=400) if too_long else Answer()

    with scripted_endpoint(script) as endpoint:
        replies = Client(endpoint, tmp_path).ask(1, 2, 3)
        assert [reply.finish for reply in replies] == ["stop", "refused", "stop"]
        assert replies[1].detail == "status 400: context is 5 tokens too long"
        assert replies[1].cost == 0
        assert Client(endpoint, tmp_path).ask(2, 1) == [replies[1], replies[0]]


def test_an_endpoint_that_refuses_everything_is_at_fault(tmp_path: Path):
    with scripted_endpoint(lambda number, body: Answer(b"no such model", status=400)) as endpoint:
        with pytest.raises(EngineError, match="takes no request of 'small': status 400: no such model"):
            Client(endpoint, tmp_path).ask(*range(40))
        assert endpoint.num_requests < 20
        with pytest.raises(EngineError, match="takes no request"):
            Client(endpoint, tmp_path).ask(1)


OUT_OF_CREDIT = Answer(b'{"error": {"message": "Your credit balance is too low"}}', status=400)


@pytest.mark.parametrize("last", [8, 35, 39])
@pytest.mark.parametrize("at_once", [1, 4])
def test_an_endpoint_whose_credit_ends_half_way_is_at_fault(tmp_path: Path, last: int, at_once: int):
    """Wherever it ends: in the middle, or before the last of 40."""

    def script(number: int, body: dict[str, Any]) -> Answer:
        return echo(number, body) if number < last else OUT_OF_CREDIT

    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path, at_once=at_once)
        for _ in range(2):
            with pytest.raises(EngineError, match=r"takes no more requests of 'small': status 400: .*credit balance"):
                client.ask(*range(40))
            assert len(list(tmp_path.rglob("*.json"))) == last
        assert endpoint.num_requests <= last + 2 * (8 + 2 * at_once + 1)
    with scripted_endpoint(echo) as mended:
        again = Client(mended, tmp_path)
        object.__setattr__(again.chat.endpoint, "url", endpoint.url)
        assert again.chat.estimate([conversation(number) for number in range(40)], GREEDY).requests == 40 - last


def test_a_reply_that_was_asked_for_before_a_refusal_does_not_clear_the_endpoint(tmp_path: Path):
    """Replies come in any order: here the last refusal overtakes a reply that was asked for earlier."""
    refused = threading.Event()

    def script(number: int, body: dict[str, Any]) -> Answer:
        asked = body["messages"][0]["content"]
        if asked == "question 1":
            assert refused.wait(10)
            time.sleep(0.3)
            return echo(number, body)
        refused.set()
        return OUT_OF_CREDIT

    with scripted_endpoint(script) as endpoint:
        with pytest.raises(EngineError, match="takes no more requests"):
            Client(endpoint, tmp_path, at_once=2).ask(1, 2)
        assert endpoint.num_requests == 3
    assert len(list(tmp_path.rglob("*.json"))) == 1


def test_conversations_that_are_refused_in_a_row_stand_alone_where_plain_ones_are_taken(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        asked = body["messages"][0]["content"]
        is_long = asked.startswith("question ") and int(asked.split()[1]) >= 5
        return Answer(b"too long", status=400) if is_long else Answer()

    with scripted_endpoint(script) as endpoint:
        replies = Client(endpoint, tmp_path, at_once=1).ask(*range(30))
    assert [reply.finish for reply in replies] == ["stop"] * 5 + ["refused"] * 25
    assert len(list(tmp_path.rglob("*.json"))) == 5  # neither a refusal nor the reply to a plain question is kept
    plain = [body for body in endpoint.bodies if not body["messages"][0]["content"].startswith("question ")]
    assert len(plain) == 4  # after 8, 16, 24 and at the end
    assert plain[0].keys() == endpoint.bodies[0].keys()


def test_the_plain_question_is_paid_within_the_budget(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        return Answer(b"too long", status=400) if number else Answer()

    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path, at_once=1, budget=Budget(100.0))
        with pytest.raises(StudyError, match="`most_cost` 100 is reached"):
            client.ask(1, 2)
    assert endpoint.num_requests == 1


def test_the_newer_name_of_max_tokens_is_learnt_from_the_refusal(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        if "max_tokens" in body:
            return Answer(b"Unsupported parameter: use 'max_completion_tokens' instead", status=400)
        return Answer(completion(str(body["max_completion_tokens"])))

    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path)
        replies = client.ask(*range(12))
    assert [reply.text for reply in replies] == ["20"] * 12
    assert not client.waits


def test_failing_for_ever_keeps_what_was_answered(tmp_path: Path):
    def script(number: int, body: dict[str, Any]) -> Answer:
        return Answer(b"", status=500) if body["messages"][0]["content"] == "question 5" else echo(number, body)

    with scripted_endpoint(script) as endpoint:
        client = Client(endpoint, tmp_path, at_once=2)
        with pytest.raises(EngineError, match="item-5"):
            client.ask(*range(10))
        kept = len(list(tmp_path.rglob("*.json")))
        assert kept >= 5
    with scripted_endpoint(echo) as mended:
        again = Client(mended, tmp_path)
        object.__setattr__(again.chat.endpoint, "url", endpoint.url)
        assert again.chat.estimate([conversation(n) for n in range(10)], GREEDY).kept == kept


def test_odd_texts_arrive_whole(tmp_path: Path):
    texts = ["", " \n", "null \0 byte", "שלום עולם", "👩‍👩‍👧", "line\u2028end", "x" * 300_000]
    with scripted_endpoint(lambda number, body: Answer(completion(body["messages"][0]["content"]))) as endpoint:
        asked = [Conversation(str(i), (Message("user", text),)) for i, text in enumerate(texts)]
        for _ in range(2):
            replies = Client(endpoint, tmp_path).chat.ask(asked, GREEDY)
            assert [reply.text for reply in replies] == texts
    assert endpoint.num_requests == len(texts)


def test_half_a_character_is_sent_as_it_is_and_received_as_a_mark(tmp_path: Path):
    with scripted_endpoint(lambda number, body: Answer(completion(body["messages"][0]["content"]))) as endpoint:
        replies = Client(endpoint, tmp_path).chat.ask([Conversation("1", (Message("user", "a\ud800b"),))], GREEDY)
    assert replies[0].text == "a\ufffdb"


def test_compressed_replies_are_read(tmp_path: Path):
    packed = Answer(gzip.compress(completion("packed")), headers={"Content-Encoding": "gzip"})
    assert asked_of(lambda number, body: packed, tmp_path)[0].text == "packed"


def test_a_compressed_bomb_is_no_reply(tmp_path: Path):
    bomb = Answer(gzip.compress(b" " * 2**26), headers={"Content-Encoding": "gzip"})
    reply, endpoint, _ = asked_of(first_then_fine(bomb), tmp_path)
    assert (reply.text, endpoint.num_requests) == ("fine", 2)


@pytest.mark.parametrize(
    ("body", "finish", "text"),
    [
        (completion("so", "length"), "length", "so"),
        (completion("so", None), "other", "so"),
        (completion("so", "tool_calls"), "other", "so"),
        (completion(None, "content_filter"), "filtered", ""),
        (completion(message={"content": None, "refusal": "I will not."}), "filtered", ""),
    ],
)
def test_why_a_reply_ended_is_told(tmp_path: Path, body: bytes, finish: str, text: str):
    reply = asked_of(lambda number, asked: Answer(body), tmp_path)[0]
    assert (reply.finish, reply.text) == (finish, text)


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": -1, "completion_tokens": True}, {"prompt_tokens": "9"}]
)
def test_tokens_that_are_not_told_are_paid_as_the_most_they_can_be(tmp_path: Path, usage: object):
    reply = asked_of(lambda number, body: Answer(completion(usage=usage)), tmp_path)[0]
    assert reply.prompt_tokens is reply.completion_tokens is None
    assert reply.cost == len("question 1") + 64 + 20


@pytest.mark.parametrize(
    "url", ["http://", "http://a:b", "http://[::1", "ftp://a/v1", "localhost:8000", "http://a:0/v1"]
)
def test_a_url_that_is_none_is_refused(url: str):
    with pytest.raises(StudyError, match="is no URL; give one like"):
        ChatClient(Endpoint(url, "small"))


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(StudyError, match="keys stand in no study") as caught:
        ChatClient(Endpoint("http://me:secret@localhost/v1", "small"))
    assert "secret" not in str(caught.value)


def test_the_path_is_completed_once_and_queries_are_kept():
    ends = {"http://a/v1", "http://a/v1/", "http://a/v1/chat/completions"}
    assert {Endpoint(url, "m").completions_url for url in ends} == {"http://a/v1/chat/completions"}
    assert Endpoint("http://a/x?version=2", "m").completions_url == "http://a/x/chat/completions?version=2"


def test_no_proxy_is_asked_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert asked_of(echo, tmp_path)[0].text == "to question 1"


def test_asking_works_where_an_event_loop_is_running(tmp_path: Path):
    with scripted_endpoint(echo) as endpoint:

        async def notebook() -> list[Reply]:
            return Client(endpoint, tmp_path).ask(1)

        assert asyncio.run(notebook())[0].text == "to question 1"

        async def failing() -> list[Reply]:
            return Client(endpoint, tmp_path, budget=Budget(1.0)).ask(2)

        with pytest.raises(StudyError, match="most_cost"):
            asyncio.run(failing())
