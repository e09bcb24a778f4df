"""The one scoring path: nats of every token of a sequence under a causal model, for every measure and every model.

Bits per byte, multiple choice, harness tasks and probes all come through `Scorer`, whether the model is a milestone,
the end of a run or one made elsewhere. The steps of `CausalScorer`:

1. what must be read becomes a tree, in which a beginning that sequences share stands once (`reading`);
2. its tokens are read in chunks without padding, through the model's attention door (`packed`). A model whose door is
   closed reads every distinct sequence by itself;
3. the output matrix is applied only where a token is scored, in rows and columns few enough for a processor's cache.

**No score depends on the batch size, the order, or what else is scored, by one bit.** Whatever stands beside a token,
its numbers come from the same sums in the same order: matrix products whose rows do not depend on their neighbours or
on how many there are, and attention over keys in the order of positions. The first is a property of the machine's
matrix products, so it is proven with the model's own weights when its scorer is made (see `rows`), for chunks of any
size, or else of one fixed size; where neither holds, every distinct sequence is read by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear, pad

from titrant.evaluate.packed import read_in_chunks
from titrant.evaluate.products import FastProducts
from titrant.evaluate.reading import GRAIN, Ints, Reading, plan_reading
from titrant.model.attention_door import HiddenWith

# Shape suffixes: T tokens of a sequence, D width, N rows of hidden states, M scored tokens, V vocabulary.

SCORED_BY = "likelihood/float32"
"""Name of this path and its number format, as scores carry it."""
BATCH_TOKENS = 2048
"""Tokens of one forward pass."""
WHOLE_TOKENS = 512
"""Tokens of one forward pass where products depend on their number of rows."""
ROWS_AT_ONCE = 256
"""Rows of logits held at once ..."""
COLUMNS_AT_ONCE = 4096
"""... and columns: few enough to stay in a processor's cache, which makes softmax four times faster."""


class TokenScores(NamedTuple):
    """What a model thinks of the scored tokens of one sequence."""

    nats: NDArray[np.float32]
    """-ln p(token | all tokens before it)."""
    best: NDArray[np.bool_]
    """Whether no other token was likelier: whether greedy decoding would have taken it."""


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
        sequence's result depends on no other, nor on their order.
        """

    def token_scores(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[TokenScores]:
        """As `token_nats`, with whether each token was the likeliest."""


Forward = Callable[[Tensor], Tensor]
"""tokens_BT (int64) -> hidden_BTD (float32), causal: position t depends on tokens 0..t only."""


@dataclass(frozen=True)
class Output:
    """What makes logits of hidden states."""

    weight: Tensor | None
    """The output matrix [V, D]; None where the hidden states are logits already."""
    soft_cap: float | None = None

    @cached_property
    def _blocks(self) -> tuple[Tensor, ...]:
        return () if self.weight is None else torch.split(self.weight.detach(), COLUMNS_AT_ONCE)

    def logits(self, hidden_ND: Tensor, block: int) -> Tensor:
        """One block of `COLUMNS_AT_ONCE` columns of the logits of N rows, float32."""
        if self.weight is None:
            return torch.split(hidden_ND, COLUMNS_AT_ONCE, dim=1)[block].float()
        logits = linear(hidden_ND, self._blocks[block]).float()
        return logits if self.soft_cap is None else torch.tanh(logits / self.soft_cap) * self.soft_cap


@dataclass(frozen=True)
class CausalScorer:
    """A Scorer from the two halves of a causal language model."""

    forward: Forward
    output: Output
    window: int
    vocabulary: int
    device: torch.device
    hidden_with: HiddenWith | None = None
    """The attention door; None: every distinct sequence is read by itself."""
    batch_tokens: int = BATCH_TOKENS
    products: FastProducts = field(default_factory=FastProducts)
    whole: bool = False
    """Whether all forward passes are filled up to `batch_tokens`, and all products of logits to `ROWS_AT_ONCE`."""

    def token_nats(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """See `Scorer.token_nats`. Raises ValueError if a sequence does not fit: callers cut or refuse before."""
        return [scores.nats for scores in self.token_scores(sequences, starts)]

    def token_scores(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[TokenScores]:
        """See `Scorer.token_scores`. Raises ValueError if a sequence does not fit: callers cut or refuse before."""
        first = [1] * len(sequences) if starts is None else list(starts)
        for sequence, start in zip(sequences, first, strict=True):
            if not 1 <= start <= len(sequence) or len(sequence) > self.window + 1:
                raise ValueError(f"a sequence of {len(sequence)} tokens scored from {start}: window {self.window}")
        reading = plan_reading(sequences, share=self.hidden_with is not None)
        # position p of a sequence is predicted from what the model knows at p - 1
        nodes = [way[start - 1 :] for way, start in zip(reading.ways, first, strict=True)]
        targets = [np.asarray(sequence[start:], np.int64) for sequence, start in zip(sequences, first, strict=True)]
        ends = np.cumsum([len(asked) for asked in nodes])[:-1]
        nats, best = self._scores_at(reading, _joined(nodes), _joined(targets))
        parts = zip(np.split(nats, ends), np.split(best, ends), strict=True)
        return [TokenScores(*part) for part, _ in zip(parts, sequences, strict=False)]

    def _scores_at(
        self, reading: Reading, nodes_M: Ints, targets_M: Ints
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        nats_M, best_M = np.zeros(len(nodes_M), np.float32), np.zeros(len(nodes_M), bool)
        order = np.argsort(nodes_M, kind="stable")
        sorted_M = nodes_M[order]
        with exact_float32(), torch.inference_mode(), self.products:
            for begin, hidden_ND in self._read(reading):
                here = order[slice(*np.searchsorted(sorted_M, (begin, begin + len(hidden_ND))))]
                # a node may predict the first tokens of several sequences: its logits are made once
                rows, row_of = np.unique(nodes_M[here] - begin, return_inverse=True)
                for at in range(0, len(rows), ROWS_AT_ONCE):
                    part = (row_of >= at) & (row_of < at + ROWS_AT_ONCE)
                    picked = torch.from_numpy(rows[at : at + ROWS_AT_ONCE]).to(self.device)
                    found = self._rows_scores(hidden_ND[picked], row_of[part] - at, targets_M[here[part]])
                    nats_M[here[part]], best_M[here[part]] = found
        return nats_M, best_M

    def _read(self, reading: Reading) -> Iterator[tuple[int, Tensor]]:
        """(first node, hidden states of the nodes from there on [N, D])."""
        if self.hidden_with is None:
            for first, way in reading.segments:
                tokens_T = torch.from_numpy(reading.tokens[first : first + len(way)])
                yield first, self.forward(tokens_T[None].to(self.device))[0]
        else:
            chunks = read_in_chunks(self.hidden_with, reading, self.batch_tokens, self.device, whole=self.whole)
            for chunk, hidden_ND in chunks:
                yield chunk.begin, hidden_ND

    def _rows_scores(
        self, hidden_ND: Tensor, row_of_M: Ints, targets_M: Ints
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Nats of the targets, and whether they are the likeliest: softmax over blocks of the vocabulary."""
        count = len(hidden_ND)
        filled = ROWS_AT_ONCE if self.whole else -(-count // GRAIN) * GRAIN
        hidden_ND = pad(hidden_ND, (0, 0, 0, filled - count))
        rows = torch.from_numpy(row_of_M).to(self.device)
        targets = torch.from_numpy(targets_M).to(self.device)
        sums, tops = [], []
        own_M = torch.zeros(len(targets_M), device=self.device)
        for block, at in enumerate(range(0, self.vocabulary, COLUMNS_AT_ONCE)):
            logits_NV = self.output.logits(hidden_ND, block)
            sums.append(torch.logsumexp(logits_NV, dim=-1))
            tops.append(logits_NV.amax(dim=-1))
            inside = (targets >= at) & (targets < at + COLUMNS_AT_ONCE)
            own_M[inside] = logits_NV[rows[inside], targets[inside] - at]
        sum_N = _joined_sums(sums)
        best = own_M >= torch.stack(tops).amax(dim=0)[rows]
        return (sum_N[rows] - own_M).cpu().numpy(), best.cpu().numpy()


def _joined_sums(sums: Sequence[Tensor]) -> Tensor:
    """logsumexp over blocks, [N] each. Always over `ROWS_AT_ONCE` columns: of fewer, those that do not fill a vector
    would be rounded in another way than in the company of more."""
    if len(sums) == 1:
        return sums[0]
    count = len(sums[0])
    return torch.logsumexp(pad(torch.stack(list(sums)), (0, ROWS_AT_ONCE - count)), dim=0)[:count]


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *parts])


@contextmanager
def exact_float32() -> Iterator[None]:
    """No TensorFloat-32, bfloat16 products or autocast, whatever training has set before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
