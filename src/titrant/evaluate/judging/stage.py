"""The judge stage: every pair, in both orders, by every judge; each word that was said is kept.

What is paid for is kept in the user's cache of replies, what a local judge scored in `scratch`: an interrupted stage
goes on where it was, and ends with the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Judgements
from titrant.chat.budget import Budget
from titrant.chat.client import ChatClient
from titrant.chat.conversation import Conversation, Message, Reply
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies
from titrant.evaluate.harness.journal import Journal
from titrant.evaluate.judging.local import LocalJudge, LocalVerdict
from titrant.evaluate.judging.pairs import read_pairs
from titrant.evaluate.judging.protocol import ORDERS, SILENT_END, Order, Pair, choice_of, question, read_verdict
from titrant.jobs import JudgeJob, Progress
from titrant.study.judging import Judge
from titrant.study.tasks import Sampling

EQUAL = "equal answers"
SCHEMA = pa.schema(
    [
        ("item", pa.string()),
        ("judge", pa.string()),
        ("order", pa.string()),
        ("choice", pa.string()),
        ("reason", pa.string()),
        ("arm_probability", pa.float64()),
        ("arm_characters", pa.int64()),
        ("control_characters", pa.int64()),
    ]
)
"""`reason`: why there is no verdict, or a tie; `arm_probability`: of a local judge, null otherwise."""


@dataclass(frozen=True)
class Asked:
    """A pair in one order, as a judge is shown it."""

    pair: Pair
    order: Order

    @property
    def id(self) -> str:
        """Its name in transcripts and errors."""
        return f"{self.pair.item}, {self.order}"


@dataclass(frozen=True)
class Said:
    """What came of it."""

    asked: Asked
    choice: str
    reason: str = ""
    arm_probability: float | None = None
    cost: float = 0.0
    transcript: Mapping[str, object] | None = None
    """None where no judge was asked."""


def judge_pairs(
    job: JudgeJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Judgements:
    """Compare the answers in `inputs["arm"]` and `inputs["control"]` and write the tables of `Judgements` into `out`.

    Equal answers are a tie that no judge is asked about. Raises StudyError if a key is missing, a judge cannot be one,
    or the budget does not suffice; EngineError if an endpoint cannot or will not answer; StoreError if answers are
    missing.
    """
    pairs = read_pairs(inputs["arm"], inputs["control"], inputs["benchmarks"], job.name)
    said = compare(pairs, job.judges, scratch, progress, most_cost=job.most_cost)
    _write(said, out)
    return Judgements(
        outcome=job.outcome,
        items=len(pairs),
        judges=tuple(judge.model for judge in job.judges),
        cost={judge: sum(one.cost for one in found) for judge, found in said.items()},
        unusable={judge: _unusable(found) for judge, found in said.items()},
    )


def compare(
    pairs: Sequence[Pair],
    judges: Sequence[Judge],
    scratch: Path,
    progress: Progress,
    *,
    most_cost: float | None = None,
    kept: KeptReplies | None = None,
) -> dict[str, list[Said]]:
    """What each judge said of every pair in both orders, by judge, in the order of the pairs. See `judge_pairs`."""
    asked = [Asked(pair, order) for pair in pairs for order in ORDERS]
    open_ones = [one for one in asked if one.pair.arm != one.pair.control]
    budget = Budget(most_cost, scratch / "spent.jsonl")
    clients = {judge.model: client_of(judge, budget, kept) for judge in judges if judge.endpoint is not None}
    _tell_cost(clients, judges, open_ones, budget, progress)
    said: dict[str, list[Said]] = {}
    for number, judge in enumerate(judges):
        meter = _meter(progress, number * len(open_ones), len(judges) * len(open_ones), judge.model)
        if judge.model in clients:
            found = _by_endpoint(clients[judge.model], judge, open_ones, meter)
        else:
            found = _by_local(judge, open_ones, scratch / f"local-{number}.jsonl", meter)
        by_id = {one.asked.id: one for one in found}
        said[judge.model] = [by_id.get(one.id) or Said(one, "tie", EQUAL) for one in asked]
    return said


def client_of(judge: Judge, budget: Budget | None = None, kept: KeptReplies | None = None) -> ChatClient:
    """The client of a judge behind an endpoint. Raises StudyError if its URL is none or its key is missing."""
    assert judge.endpoint is not None
    endpoint = Endpoint(
        url=judge.endpoint,
        model=judge.model,
        key_variable=judge.key_variable,
        requests_per_minute=judge.requests_per_minute,
        at_once=judge.requests_at_once,
        timeout_seconds=judge.timeout_seconds,
        price_input=judge.price_input or 0.0,
        price_output=judge.price_output or 0.0,
    )
    return ChatClient(endpoint, budget=budget, kept=kept)


def _tell_cost(
    clients: Mapping[str, ChatClient],
    judges: Sequence[Judge],
    asked: Sequence[Asked],
    budget: Budget,
    progress: Progress,
) -> None:
    """Say what all judges together will cost, before the first request; refuse what cannot be enough."""
    expected = [
        clients[judge.model].estimate(_conversations(asked), _sampling(judge))
        for judge in judges
        if judge.model in clients
    ]
    if expected:
        total = expected[0]
        for further in expected[1:]:
            total += further
        progress(0, len(judges) * len(asked), "verdicts", str(total))
        budget.check(total)


def _sampling(judge: Judge) -> Sampling:
    return Sampling(temperature=judge.temperature, max_tokens=judge.max_tokens)


def _conversations(asked: Sequence[Asked]) -> list[Conversation]:
    return [Conversation(one.id, question(one.pair, one.order)) for one in asked]


def _by_endpoint(client: ChatClient, judge: Judge, asked: Sequence[Asked], more: Callable[[int], None]) -> list[Said]:
    conversations = _conversations(asked)
    replies = client.ask(conversations, _sampling(judge), on_reply=lambda index, reply: more(1))
    return [
        _from_reply(one, conversation.messages, reply)
        for one, conversation, reply in zip(asked, conversations, replies, strict=True)
    ]


def _from_reply(asked: Asked, messages: Sequence[Message], reply: Reply) -> Said:
    letter = read_verdict(reply.text) if reply.finish in ("stop", "other") else None
    transcript = {"messages": [asdict(message) for message in messages], "reply": asdict(reply)}
    if letter is not None:
        return Said(asked, choice_of(letter, asked.order), cost=reply.cost, transcript=transcript)
    reason = {"length": "cut by max_tokens", "filtered": "held back by the endpoint"}.get(
        reply.finish, "no verdict in it"
    )
    if reply.finish == "refused":
        reason = reply.detail
    return Said(asked, "unusable", reason, cost=reply.cost, transcript=transcript)


def _by_local(judge: Judge, asked: Sequence[Asked], path: Path, more: Callable[[int], None]) -> list[Said]:
    if not asked:
        return []
    assert judge.hugging_face is not None
    local = LocalJudge(Path(judge.hugging_face))
    with Journal(path) as journal:
        verdicts = local.judge([question(one.pair, one.order, end=SILENT_END) for one in asked], journal, more)
    return [_from_local(one, verdict) for one, verdict in zip(asked, verdicts, strict=True)]


def _from_local(asked: Asked, verdict: LocalVerdict) -> Said:
    first = verdict.first_probability
    arm = None if math.isnan(first) else first if asked.order == "arm first" else 1 - first
    transcript = {"asked": verdict.asked, "probability_of_A": None if arm is None else first}
    choice = "unusable" if verdict.letter is None else choice_of(verdict.letter, asked.order)
    return Said(asked, choice, verdict.reason, arm, transcript=transcript)


def _unusable(said: Sequence[Said]) -> float:
    return sum(one.choice == "unusable" for one in said) / len(said) if said else 0.0


def _meter(progress: Progress, before: int, total: int, note: str) -> Callable[[int], None]:
    done = before

    def more(judged: int) -> None:
        nonlocal done
        done += judged
        progress(done, total, "verdicts", note)

    return more


def _write(said: Mapping[str, Sequence[Said]], out: Path) -> None:
    rows, lines = [], []
    for judge, found in said.items():
        for one in found:
            pair = one.asked.pair
            name = {"item": pair.item, "judge": judge, "order": one.asked.order, "choice": one.choice}
            rows.append(
                name
                | {"reason": one.reason, "arm_probability": one.arm_probability}
                | {"arm_characters": len(pair.arm), "control_characters": len(pair.control)}
            )
            if one.transcript is not None:
                lines.append(json.dumps(name | {"reason": one.reason} | dict(one.transcript)) + "\n")
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out / "judgements.parquet", compression="zstd")
    (out / "transcripts.jsonl").write_text("".join(lines))
