"""The one scoring path: nats of every token of a sequence under a causal model, for every measure and every model.

Bits per byte, multiple choice and probes all come through `Scorer.token_nats`, whether the model is a milestone, the
end of a run or one made elsewhere. The steps of `CausalScorer`:

1. the last token of a sequence is only predicted, so a model reads all tokens but that one;
2. sequences that read the same tokens, or the beginning of what another one reads, share one row (causal attention
   makes a prefix's hidden states independent of what follows);
3. rows are sorted by length and content, cut into batches of about `batch_tokens` tokens and padded on the right,
   where causal attention cannot see the padding;
4. the output matrix is applied only where a token is scored.

Batches are built from the sorted set of rows, so the order of the sequences cannot change a bit of any score, and
the batch size changes it by float32 rounding only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

# Shape suffixes: B rows, T tokens of a row, D width, N scored tokens, V vocabulary.

SCORED_BY = "likelihood/float32"
"""Name of this path and its number format, as scores carry it."""
BATCH_TOKENS = 8192
"""Tokens of one forward pass, padding counted."""
LOGITS_AT_ONCE = 2**20
"""Logits held at once: few enough to stay in a processor's cache, which makes softmax four times faster ..."""
ROWS_AT_ONCE = 256
"""... but never fewer rows than this, however large the vocabulary."""


class Scorer(Protocol):
    """Anything that can say how surprised it is by each token of a sequence."""

    @property
    def window(self) -> int:
        """Longest context in tokens: a sequence holds at most `window + 1`, the last one only predicted."""

    def token_nats(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """For each sequence, -ln p(token | all tokens before it) of its tokens from position `start` (1 or more) on.

        The result of a sequence of length n has n - start values; without `starts` they begin at position 1. A
        sequence's result does not depend on the others beyond float32 rounding, nor on their order.
        """


Forward = Callable[[Tensor], Tensor]
"""tokens_BT (int64) -> hidden_BTD (float32), causal: position t depends on tokens 0..t only."""
Logits = Callable[[Tensor], Tensor]
"""hidden_ND -> logits_NV (float32)."""


@dataclass(frozen=True)
class CausalScorer:
    """A Scorer from the two halves of a causal language model."""

    forward: Forward
    logits: Logits
    window: int
    vocabulary: int
    device: torch.device
    batch_tokens: int = BATCH_TOKENS

    def token_nats(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """See `Scorer.token_nats`. Raises ValueError if a sequence does not fit: callers cut or refuse before."""
        first = [1] * len(sequences) if starts is None else list(starts)
        for sequence, start in zip(sequences, first, strict=True):
            if not 1 <= start <= len(sequence) or len(sequence) > self.window + 1:
                raise ValueError(f"a sequence of {len(sequence)} tokens scored from {start}: window {self.window}")
        found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(sequences)
        rows, members = _shared_rows(sequences)
        with _exact_float32(), torch.inference_mode():
            for batch in _batches(rows, self.batch_tokens):
                asked = [(row, i) for row, r in enumerate(batch) for i in members[r]]
                scored = self._batch_nats([rows[r] for r in batch], asked, sequences, first)
                for (_, i), nats in zip(asked, scored, strict=True):
                    found[i] = nats
        return found

    def _batch_nats(
        self,
        rows: list[tuple[int, ...]],
        asked: list[tuple[int, int]],
        sequences: Sequence[Sequence[int]],
        first: list[int],
    ) -> list[NDArray[np.float32]]:
        length = max(map(len, rows))
        padded = np.zeros((len(rows), length), np.int64)
        for place, row in enumerate(rows):
            padded[place, : len(row)] = row
        hidden_BTD = self.forward(torch.from_numpy(padded).to(self.device))
        # position p of a sequence is predicted from what the model knows at p - 1
        places = [row * length + np.arange(first[i] - 1, len(sequences[i]) - 1) for row, i in asked]
        targets = [np.asarray(sequences[i][first[i] :], np.int64) for _, i in asked]
        nats = self._nats_at(hidden_BTD.flatten(0, 1), np.concatenate(places), np.concatenate(targets))
        return np.split(nats, np.cumsum([len(place) for place in places])[:-1])

    def _nats_at(self, hidden: Tensor, places: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.float32]:
        step = max(ROWS_AT_ONCE, LOGITS_AT_ONCE // self.vocabulary)
        places_N = torch.from_numpy(places).to(self.device)
        targets_N = torch.from_numpy(targets).to(self.device)
        parts = [
            cross_entropy(
                self.logits(hidden[places_N[at : at + step]]).float(), targets_N[at : at + step], reduction="none"
            ).cpu()
            for at in range(0, len(places), step)
        ]
        found: NDArray[np.float32] = torch.cat(parts).numpy() if parts else np.zeros(0, np.float32)
        return found


def _shared_rows(sequences: Sequence[Sequence[int]]) -> tuple[list[tuple[int, ...]], list[list[int]]]:
    """What must be read, sorted by length and content, and for each row the sequences that it serves."""
    readings = [tuple(sequence[:-1]) for sequence in sequences]
    ordered = sorted(set(readings))
    host: dict[tuple[int, ...], tuple[int, ...]] = {row: row for row in ordered}
    # among sorted tuples, those that begin with `row` follow it directly
    for row, following in reversed(list(pairwise(ordered))):
        if following[: len(row)] == row:
            host[row] = host[following]
    rows = sorted({host[row] for row in ordered if row}, key=lambda row: (len(row), row))
    number = {row: place for place, row in enumerate(rows)}
    members: list[list[int]] = [[] for _ in rows]
    for i, reading in enumerate(readings):
        if reading:
            members[number[host[reading]]].append(i)
    return rows, members


def _batches(rows: list[tuple[int, ...]], batch_tokens: int) -> Iterator[range]:
    """Ranges of rows, longest first, whose padded size is at most `batch_tokens` (or one row)."""
    lengths = [len(row) for row in rows]
    end = len(rows)
    while end:
        longest = lengths[end - 1]
        # rows shorter than 3/4 of the longest wait for a batch of their own: padding costs as much as text
        start = max(end - max(1, batch_tokens // longest), bisect_left(lengths, (3 * longest) // 4))
        yield range(min(start, end - 1), end)
        end = min(start, end - 1)


@contextmanager
def _exact_float32() -> Iterator[None]:
    """No TensorFloat-32, bfloat16 products or autocast, whatever training has set before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
