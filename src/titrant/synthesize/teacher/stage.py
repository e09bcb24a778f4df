"""The solutions stage: a teacher is asked for every problem, in every form, as often as the study says.

What an endpoint answers is kept in the user's cache of replies, what a local model wrote in `scratch`: an interrupted
stage goes on where it was, pays nothing twice, and ends with the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Solutions
from titrant.chat.budget import Budget
from titrant.chat.client import ChatClient, Patience, seed_of
from titrant.chat.conversation import Conversation, Reply
from titrant.chat.endpoint import Endpoint
from titrant.chat.kept_replies import KeptReplies
from titrant.errors import StoreError
from titrant.jobs import Progress, SolutionsJob
from titrant.study.synthesis import Teacher
from titrant.synthesize.teacher.prompts import Answer, Asked, question, told
from titrant.synthesize.teacher.replies import text_in

SCHEMA = pa.schema(
    [
        ("problem", pa.string()),
        ("form", pa.string()),
        ("sample", pa.int64()),
        ("prompt", pa.string()),
        ("reply", pa.string()),
        ("text", pa.string()),
        ("ended", pa.string()),
        ("seed", pa.int64()),
        ("tokens_read", pa.int64()),
        ("tokens_written", pa.int64()),
        ("cost", pa.float64()),
    ]
)
"""Of `solutions.parquet`; tokens are null where the endpoint does not count them."""
_ENDED = {"stop": "stop", "other": "stop", "length": "length", "filtered": "held back by the endpoint"}


def solve_problems(
    job: SolutionsJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path,
    progress: Progress,
    kept: KeptReplies | None = None,
    patience: Patience | None = None,
) -> Solutions:
    """Have `job.teacher` solve the problems in `inputs["problems"]`, and write the table of `Solutions` into `out`.

    The cost is told before the first request. `kept` is where replies are kept, the user's cache by default. Raises
    StudyError if a key is missing or `most_cost` does not suffice; EngineError if the endpoint cannot or will not
    answer, or the local model cannot be loaded; StoreError if the problems cannot be read.
    """
    problems = _read_problems(inputs["problems"])
    asked = [
        Asked(row["problem"], row["statement"], row["entry_point"], form) for row in problems for form in job.forms
    ]
    if job.teacher.hugging_face is not None:
        answers = _by_local(job.teacher, asked, scratch / "local.jsonl", progress)
    else:
        client = client_of(job.teacher, Budget(job.teacher.most_cost, scratch / "spent.jsonl"), kept, patience)
        answers = _by_endpoint(client, job.teacher, asked, progress)
    setups = {row["problem"]: row["setup"] for row in problems}
    rows = [
        _row(one, sample, answer, job.teacher.instructions, setups[one.problem])
        for one, samples in zip(asked, answers, strict=True)
        for sample, answer in enumerate(samples)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out / "solutions.parquet", compression="zstd")
    return _summary(job.teacher, rows)


def client_of(
    teacher: Teacher, budget: Budget | None = None, kept: KeptReplies | None = None, patience: Patience | None = None
) -> ChatClient:
    """The client of a teacher behind an endpoint. Raises StudyError if its URL is none or its key is missing."""
    assert teacher.endpoint is not None
    endpoint = Endpoint(
        url=teacher.endpoint,
        model=teacher.model,
        key_variable=teacher.key_variable,
        requests_per_minute=teacher.requests_per_minute,
        at_once=teacher.requests_at_once,
        timeout_seconds=teacher.timeout_seconds,
        price_input=teacher.price_input or 0.0,
        price_output=teacher.price_output or 0.0,
    )
    return ChatClient(endpoint, budget=budget, kept=kept, patience=patience)


def _read_problems(folder: Path) -> list[dict[str, Any]]:
    columns = ["problem", "statement", "entry_point", "setup"]
    try:
        rows: list[dict[str, Any]] = pq.read_table(folder / "problems.parquet", columns=columns).to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(f"{folder} does not hold problems ({error}); delete it and run again") from None
    return rows


def _by_endpoint(
    client: ChatClient, teacher: Teacher, asked: Sequence[Asked], progress: Progress
) -> list[list[Answer]]:
    samples = range(teacher.sampling.samples)
    conversations = [
        Conversation(f"{one.id}, {sample}", question(one, teacher.instructions), sample)
        for one in asked
        for sample in samples
    ]
    expected = client.estimate(conversations, teacher.sampling)
    progress(0, len(conversations), "solutions", str(expected))
    meter = _meter(progress, len(conversations), teacher.model)
    replies = client.ask(conversations, teacher.sampling, on_reply=lambda index, reply: meter(1))
    answers = [
        _of_reply(reply, conversation.sample, teacher)
        for conversation, reply in zip(conversations, replies, strict=True)
    ]
    return [answers[at : at + len(samples)] for at in range(0, len(answers), len(samples))]


def _of_reply(reply: Reply, sample: int, teacher: Teacher) -> Answer:
    is_priced = teacher.price_input is not None and teacher.price_output is not None
    return Answer(
        reply.text,
        _ENDED.get(reply.finish) or reply.detail or "refused by the endpoint",
        reply.prompt_tokens,
        reply.completion_tokens,
        reply.cost if is_priced else math.nan,
        seed_of(teacher.sampling.seed, sample) if teacher.sampling.temperature > 0 else 0,
    )


def _by_local(teacher: Teacher, asked: Sequence[Asked], journal: Path, progress: Progress) -> list[list[Answer]]:
    from titrant.synthesize.teacher.local import ask_local  # torch

    assert teacher.hugging_face is not None
    meter = _meter(progress, len(asked) * teacher.sampling.samples, teacher.model)
    return ask_local(Path(teacher.hugging_face), asked, teacher.instructions, teacher.sampling, journal, meter)


def _meter(progress: Progress, total: int, note: str) -> Callable[[int], None]:
    done = 0

    def more(answered: int) -> None:
        nonlocal done
        done += answered
        progress(done, total, "solutions", note)

    return more


def _row(asked: Asked, sample: int, answer: Answer, instructions: str | None, setup: str) -> dict[str, Any]:
    return {
        "problem": asked.problem,
        "form": asked.form,
        "sample": sample,
        "prompt": told(question(asked, instructions)),
        "reply": answer.reply,
        "text": text_in(answer.reply, asked.form, asked.entry_point, setup),
        "ended": answer.ended,
        "seed": answer.seed,
        "tokens_read": answer.tokens_read,
        "tokens_written": answer.tokens_written,
        "cost": answer.cost,
    }


def _summary(teacher: Teacher, rows: Sequence[Mapping[str, Any]]) -> Solutions:
    cost = math.fsum(row["cost"] for row in rows)
    return Solutions(
        teacher=teacher.model,
        replies=len(rows),
        empty=sum(not row["text"] for row in rows),
        tokens_read=sum(row["tokens_read"] or 0 for row in rows),
        tokens_written=sum(row["tokens_written"] or 0 for row in rows),
        cost=None if math.isnan(cost) else cost,
    )
