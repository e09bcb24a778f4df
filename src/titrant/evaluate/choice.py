"""Multiple choice by likelihood: each choice is scored as the continuation of its context, and the likeliest is taken.

Context and choice are encoded together, as training text would be, and never stripped. The nats of a choice are those
of the tokens after the longest beginning that the encoded context shares with the encoded continuations of *all*
choices of the item. Where nothing merges across the boundary that is exactly the context; where something does, all
choices are scored from the same place, so that none is given a part of the context for free.

**Source:** Brown et al. 2020, section 2.4 (likelihood of completions, and its normalisation by length).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from titrant.errors import Problem, StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.likelihood import Scorer
from titrant.study.evaluation import MultipleChoice
from titrant.study.world import content_of_file

Normalise = Literal["none", "bytes"]

TIE_NATS = 1e-6
"""Choices closer than this (in nats, or nats a byte) are a tie: float32 rounding must not decide."""
ITEMS_AT_ONCE = 360
"""Items handed to the scorer in one call; between calls progress is told."""
PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class ChoiceItem:
    """One question. A choice is appended to the context as it stands, so it begins with its own space, if any."""

    id: str
    """Unique within the outcome, the same for every run."""
    rung: int
    """Difficulty; 0 where there are none."""
    context: str
    choices: tuple[str, ...]
    answer: int
    """Index of the right choice."""
    where: str
    """How messages name it: `file.jsonl:14`, or the probe, its rung and its shots."""


@dataclass(frozen=True)
class ScoredChoice:
    """What a model chose."""

    item: ChoiceItem
    predicted: int
    """Index of the likeliest choice; of a tie, the first."""
    margin_nats: float
    """Log-likelihood of the answer minus that of the best other choice. Normalised by bytes, both are first taken per
    byte and the difference is given at the answer's length, so that its sign always agrees with the choice."""
    tied: bool
    """Whether another choice was as likely as the one taken."""
    gold_nats: float = math.nan
    """-ln p of the answer."""
    right_probability: float = math.nan
    """The answer's share of all choices' likelihoods, normalised as they are compared: softmax of the values that
    decided, from 0 to 1."""


def score_choices(
    scorer: Scorer,
    encoder: Encoder,
    items: Sequence[ChoiceItem],
    normalise: Normalise,
    on_items: Callable[[int], None] = lambda scored: None,
) -> list[ScoredChoice]:
    """Score every item, in order. Raises StudyError, naming the items, if some do not fit the scorer's window."""
    encoded = encode_items(encoder, items, scorer.window)
    scored = []
    for at in range(0, len(items), ITEMS_AT_ONCE):
        group = encoded[at : at + ITEMS_AT_ONCE]
        sequences = [sequence for item in group for sequence in item.sequences]
        starts = [item.start for item in group for _ in item.sequences]
        nats = [float(values.sum(dtype=np.float64)) for values in scorer.token_nats(sequences, starts)]
        ends = accumulate((len(item.sequences) for item in group), initial=0)
        for item, (begin, end) in zip(items[at : at + ITEMS_AT_ONCE], pairwise(ends), strict=True):
            scored.append(choose(item, [-value for value in nats[begin:end]], normalise))
        on_items(len(group))
    return scored


def choose(item: ChoiceItem, log_likelihoods: Sequence[float], normalise: Normalise) -> ScoredChoice:
    """The likeliest choice, given each choice's log-likelihood in nats. Raises ValueError if one is not a number."""
    if not all(map(math.isfinite, log_likelihoods)):
        raise ValueError(f"log-likelihoods {list(log_likelihoods)} of item {item.id} are not finite")
    lengths = [len(choice.encode()) if normalise == "bytes" else 1 for choice in item.choices]
    values = [value / length for value, length in zip(log_likelihoods, lengths, strict=True)]
    tied = [index for index, value in enumerate(values) if value >= max(values) - TIE_NATS]
    others = values[: item.answer] + values[item.answer + 1 :]
    return ScoredChoice(
        item=item,
        predicted=tied[0],
        margin_nats=(values[item.answer] - max(others)) * lengths[item.answer],
        tied=len(tied) > 1,
        gold_nats=-log_likelihoods[item.answer],
        right_probability=1 / math.fsum(math.exp(min(value - values[item.answer], 700.0)) for value in values),
    )


@dataclass(frozen=True)
class EncodedItem:
    """One sequence per choice, and the position from which all of them are scored."""

    sequences: tuple[tuple[int, ...], ...]
    start: int


def encode_items(encoder: Encoder, items: Sequence[ChoiceItem], window: int) -> list[EncodedItem]:
    """Encode contexts with their choices. Raises StudyError with every item that does not fit `window` tokens."""
    texts = [text for item in items for text in (item.context, *(item.context + c for c in item.choices))]
    ids = iter(encoder.encode(texts))
    encoded, problems = [], []
    for item in items:
        context = (encoder.end_of_text_id, *next(ids))
        sequences = tuple((encoder.end_of_text_id, *next(ids)) for _ in item.choices)
        start = max(1, min(_shared_length(context, sequence) for sequence in sequences))
        longest = max(map(len, sequences)) - 1
        if longest > window:
            problems.append(
                Problem(
                    f"an item needs {longest} tokens, the model reads {window}; shorten it "
                    "(of a probe: fewer shots, lower rungs) or raise sequence_length",
                    item.where,
                )
            )
        elif any(len(sequence) <= start for sequence in sequences):
            problems.append(
                Problem("a choice adds no token to its context; give every choice its own text", item.where)
            )
        encoded.append(EncodedItem(sequences, start))
    if problems:
        raise StudyError(_first_of_each_place(problems))
    return encoded


def _shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def _first_of_each_place(problems: list[Problem]) -> list[Problem]:
    """One problem a place (all items of a probe's rung share one), and not more than a page of them."""
    first = list({problem.where: problem for problem in reversed(problems)}.values())[::-1]
    more = len(first) - PROBLEMS_SHOWN
    return first[:PROBLEMS_SHOWN] + ([Problem(f"and {more} more items like these")] if more > 0 else [])


def read_multiple_choice(task: MultipleChoice) -> list[ChoiceItem]:
    """The items of a JSON-lines file, `context`, `choices` and `answer` a line. Raises StudyError with file:line."""
    path = Path(task.file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"the file of task '{task.name}' cannot be read: {error}") from None
    if task.content is not None and content_of_file(path) != task.content:
        raise StudyError(f"'{path}' has changed since the study was read; run again, or put the file back as it was")
    items, problems = [], []
    seen: dict[tuple[str, frozenset[str]], ChoiceItem] = {}
    # only \n ends a line: str.splitlines would cut at separators that JSON allows inside a string
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            try:
                items.append(_read_item(line, number, where))
                _refuse_again(items[-1], seen.setdefault(_question(items[-1]), items[-1]))
            except ValueError as error:
                problems.append(Problem(f"{error}", where))
    if not items and not problems:
        problems = [Problem(f"task '{task.name}' has no items", str(path))]
    if problems:
        raise StudyError(_first_of_each_place(problems))
    return items


def _question(item: ChoiceItem) -> tuple[str, frozenset[str]]:
    return item.context, frozenset(item.choices)


def _refuse_again(item: ChoiceItem, first: ChoiceItem) -> None:
    """Raises ValueError if an item asks what an earlier one has asked, in whatever order its choices stand."""
    if item is first:
        return
    right, earlier = item.choices[item.answer], first.choices[first.answer]
    if right == earlier:
        raise ValueError(f"{first.id} asks the same, with the same answer, and would count twice; delete one")
    raise ValueError(
        f"{first.id} asks the same, and its answer is {earlier!r:.60}, not {right!r:.60}; correct or delete one"
    )


def _read_item(line: bytes, number: int, where: str) -> ChoiceItem:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise ValueError(f"this line is not JSON in UTF-8: {error}") from None
    keys = {"context", "choices", "answer"}
    if not isinstance(given, dict) or not keys <= set(given):
        raise ValueError("a line is an object with 'context', 'choices' and 'answer'")
    context, choices, answer = given["context"], given["choices"], given["answer"]
    if not isinstance(context, str):
        raise ValueError(f"'context' is {context!r:.60}; it must be a string")
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(c, str) and c for c in choices):
        raise ValueError(f"'choices' is {choices!r:.60}; it must be a list of at least two strings that are not empty")
    if len(set(choices)) < len(choices):
        raise ValueError("two choices are equal; every choice must differ from the others")
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(choices):
        raise ValueError(f"'answer' is {answer!r:.60}; it must be an index from 0 to {len(choices) - 1}")
    return ChoiceItem(f"line {number}", 0, context, tuple(choices), answer, where)
