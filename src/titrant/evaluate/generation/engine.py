"""Text from a model, many prompts at once: no answer depends on which others are drawn beside it.

    for each prompt, in their order, as soon as there is room:
        read it once for all its samples; choose each sample's first token
    while answers are unfinished:
        one more token of each: model, cache (see `cache`), choice (see `sampling`), end (see `stopping`)
        finished answers leave, the next prompts enter

Float32 rounding must not choose tokens either. A prompt is read by itself, padded to a multiple of 16 tokens, and a
step is padded to a multiple of 16 rows: from there on the matrix products of the CPU libraries that we know (MKL,
oneDNN) give a row the same bits however many others stand beside it, in one thread. Attention has one shape a block,
and all else works row by row; the tests compare bits. On a GPU or with several threads this is not proven: there the
last bit of a logit may depend on the batch, and an answer only where two tokens are as close as that.

A model whose attention is not plain (see `LanguageModel.attends_plainly`) goes through its library (`library`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.cache import Cache, Prefill, Reader
from titrant.evaluate.generation.prompts import FittedPrompt, Generated, Prompt, encode_prompts, fit_prompt
from titrant.evaluate.generation.sampling import Draws, choose_tokens
from titrant.evaluate.generation.stopping import Answer
from titrant.model.attention_door import Attend
from titrant.study.tasks import Sampling

ROWS = 64
"""Answers that are drawn at once, unless one prompt alone has more samples."""
SHARING = 32
"""Most samples that share one reading of their prompt."""
CACHE_BYTES = 4 * 2**30
"""Keys and values are not allowed to need more, unless one prompt alone does."""
_TILE = 16


class ReadsByDoor(Protocol):
    """What the engine asks of a model whose attention is plain."""

    @property
    def window(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def whole(self) -> bool:
        """Whether products give a row other bits beside other numbers of rows: then every step has as many."""

    def hidden_with(self, attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor: ...

    def logits_of(self, hidden_ND: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Group:
    """Samples of one prompt that are drawn together."""

    index: int
    """Which prompt."""
    prompt: Prompt
    fitted: FittedPrompt
    samples: range

    @property
    def most_tokens(self) -> int:
        """Places in the cache that it may come to need."""
        return len(self.fitted.tokens) + len(self.samples) * self.fitted.room


@dataclass(frozen=True)
class _Row:
    group: Group
    sample: int
    answer: Answer
    draws: Draws
    reader: Reader

    @property
    def place(self) -> int:
        """Position of the last token drawn, which the model reads next."""
        return len(self.group.fitted.tokens) + len(self.answer.tokens) - 1


def make_groups(prompts: Sequence[Prompt], encoder: Encoder, sampling: Sampling, window: int) -> list[Group]:
    """What is drawn together: at most 32 samples of a prompt, as equal in number as they can be."""
    at_once = samples_at_once(sampling)
    groups = []
    for index, (prompt, tokens) in enumerate(zip(prompts, encode_prompts(prompts, encoder), strict=True)):
        fitted = fit_prompt(prompt, tokens, sampling.max_tokens, window)
        for start in range(0, sampling.samples, at_once):
            groups.append(Group(index, prompt, fitted, range(start, min(start + at_once, sampling.samples))))
    return groups


def samples_at_once(sampling: Sampling) -> int:
    """Samples of one prompt that are drawn together."""
    return -(-sampling.samples // -(-sampling.samples // SHARING))


def draw_by_door(
    model: ReadsByDoor, encoder: Encoder, groups: Sequence[Group], sampling: Sampling, rows: int
) -> Iterator[tuple[Group, int, Generated]]:
    """(group, sample, answer) as answers are finished."""
    cache = Cache(samples_at_once(sampling))
    tile, rows = (ROWS, min(rows, ROWS)) if model.whole else (_TILE, rows)
    waiting = list(reversed(groups))
    live: list[_Row] = []
    while waiting or live:
        while waiting and _has_room(waiting[-1], live, rows, cache.token_bytes):
            live += _begin(model, encoder, cache, waiting.pop(), sampling)
        for row in live:
            if row.answer.finished:
                cache.drop(row.reader)
                yield row.group, row.sample, row.answer.generated()
        live = [row for row in live if not row.answer.finished]
        if live:
            _advance(model, cache, live, sampling, tile)


def _has_room(group: Group, live: list[_Row], rows: int, token_bytes: int) -> bool:
    if not live:
        return True
    promised = sum(held.most_tokens for held in {id(row.group): row.group for row in live}.values())
    return len(live) + len(group.samples) <= rows and (promised + group.most_tokens) * token_bytes <= CACHE_BYTES


def _begin(model: ReadsByDoor, encoder: Encoder, cache: Cache, group: Group, sampling: Sampling) -> list[_Row]:
    tokens = group.fitted.tokens
    prefill = Prefill()
    length = -(-len(tokens) // _TILE) * _TILE
    padded = torch.zeros(1, length, dtype=torch.int64)
    padded[0, : len(tokens)] = torch.tensor(tokens)
    positions = torch.arange(length)[None]
    hidden_BTD = model.hidden_with(prefill.attend, padded.to(model.device), positions.to(model.device))
    readers = cache.add_prompt(prefill.keys_values, len(tokens), len(group.samples))
    rows = [
        _Row(
            group,
            sample,
            Answer(group.prompt, group.fitted, encoder),
            Draws(sampling.seed, group.prompt.id, sample),
            reader,
        )
        for sample, reader in zip(group.samples, readers, strict=True)
    ]
    # as many rows as any other product has, though one is asked for
    last = len(tokens) - 1
    hidden_ND = hidden_BTD[0, max(length - _TILE, 0) :]
    logits_1V = model.logits_of(hidden_ND)[last - max(length - _TILE, 0)][None]
    _choose(logits_1V.expand(len(rows), -1), rows, sampling)
    return rows


def _advance(model: ReadsByDoor, cache: Cache, live: list[_Row], sampling: Sampling, tile: int) -> None:
    step = cache.step([row.reader for row in live])
    padding = [0] * (-len(live) % tile)
    tokens = torch.tensor([[row.answer.tokens[-1] for row in live] + padding], device=model.device)
    positions = torch.tensor([[row.place for row in live] + padding], device=model.device)
    hidden_BTD = model.hidden_with(step.attend, tokens, positions)
    _choose(model.logits_of(hidden_BTD[0])[: len(live)], live, sampling)


def _choose(logits_RV: Tensor, rows: Sequence[_Row], sampling: Sampling) -> None:
    numbers = [row.draws.number(len(row.answer.tokens)) for row in rows] if sampling.temperature else []
    for row, token in zip(rows, choose_tokens(logits_RV, sampling, numbers), strict=True):
        row.answer.add(token)
