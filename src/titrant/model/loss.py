"""Cross entropy over the vocabulary in chunks of rows, so that the logits of a batch are never held at once.

    for each chunk of rows:   logits      = hidden @ weight.T
                              p           = softmax(logits)                   (float32)
                              nats        = top logit - log(max p) - logit of the target
                              d_logits    = p - onehot(target)
                              d_hidden    = d_logits @ weight
                              d_weight   += d_logits.T @ hidden               (summed in float32)

Loss and gradients come out of one walk over the rows: the logits are computed once and nothing of them is kept. The
gradient of the logits takes their place, in pieces of a chunk.

Shapes: N rows (positions of all sequences), D width, V vocabulary, C rows of one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

CHUNK_LOGITS = 2**25
"""Logits held at once: 2,048 rows at a vocabulary of 16,384."""

SLICE_ENTRIES = 2**13
"""Entries of the vocabulary that take part in one matrix product, unless it has no more than twice as many."""

PIECE_LOGITS = 2**19
"""Logits that softmax turns into their gradient at once: few enough for the float32 numbers to stay in a cache."""


def mean_cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    targets_N: Tensor,
    *,
    copy_VD: Tensor | None = None,
    rows: float | None = None,
    soft_cap: float | None = None,
) -> Tensor:
    """Negative log-likelihood of the targets in nats, summed and divided by `rows` (default: N); a float32 scalar.

    With `rows` the number of rows of a whole optimizer step, the losses of its micro-batches add up to its mean.
    `copy_VD` is the weight in the number format of `hidden_ND`, if they differ; the gradient goes to `weight_VD`.
    With a `soft_cap` c the logits are c tanh(logits / c). **Source:** Gemma 2 (2408.00118), section 2.
    Sums are in float32, or in float64 if the weight is.
    """
    copy_VD = weight_VD if copy_VD is None else copy_VD
    loss: Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden_ND, weight_VD, copy_VD, targets_N, len(targets_N) if rows is None else rows, soft_cap
    )
    return loss


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        copy_VD: Tensor,
        targets_N: Tensor,
        rows: float,
        soft_cap: float | None,
    ) -> Tensor:
        copy_VD = copy_VD.detach()
        exact = torch.promote_types(weight_VD.dtype, torch.float32)
        d_hidden_ND = torch.empty_like(hidden_ND)
        d_weight_VD = torch.zeros_like(weight_VD, dtype=exact)
        loss = torch.zeros((), dtype=exact, device=hidden_ND.device)
        for chunk in _pieces(len(hidden_ND), CHUNK_LOGITS, len(weight_VD)):
            walked = _walk(hidden_ND[chunk], copy_VD, targets_N[chunk, None], d_weight_VD, rows, soft_cap)
            loss += walked[0]
            d_hidden_ND[chunk] = walked[1]
        ctx.save_for_backward(d_hidden_ND, d_weight_VD.to(weight_VD.dtype))
        return loss / rows

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden_ND, d_weight_VD = ctx.saved_tensors
        if not d_weight_VD.is_cuda and float(gradients[0]) == 1:  # as `loss.backward()` says: no copy of the gradient
            return d_hidden_ND, d_weight_VD, None, None, None, None
        return d_hidden_ND * gradients[0], d_weight_VD * gradients[0], None, None, None, None


def _walk(
    hidden_CD: Tensor, copy_VD: Tensor, targets_C1: Tensor, d_weight_VD: Tensor, rows: float, soft_cap: float | None
) -> tuple[Tensor, Tensor]:
    """The sum of a chunk's nats and the gradient of its hidden states; that of the weight is added where it belongs.

    A large vocabulary is walked in slices: libraries copy the whole matrix of a product into an order of their own.
    """
    vocabulary, exact = len(copy_VD), d_weight_VD.dtype
    sliced = vocabulary > 2 * SLICE_ENTRIES
    slices = list(_pieces(vocabulary, SLICE_ENTRIES, 1)) if sliced else [slice(0, vocabulary)]
    if sliced:
        logits_CV = hidden_CD.new_empty(len(hidden_CD), vocabulary)
        for entries in slices:
            logits_CV[:, entries] = hidden_CD @ copy_VD[entries].T
    else:
        logits_CV = hidden_CD @ copy_VD.T
    nats = torch.zeros((), dtype=exact, device=hidden_CD.device)
    for piece in _pieces(len(hidden_CD), CHUNK_LOGITS if hidden_CD.is_cuda else PIECE_LOGITS, vocabulary):
        nats += _differentiate(logits_CV[piece], targets_C1[piece], exact, soft_cap)
    parts = []
    for entries in slices:
        d_logits = logits_CV[:, entries]  # overwritten piece by piece
        d_weight_VD[entries].add_(d_logits.T @ hidden_CD, alpha=1 / rows)
        parts.append(d_logits @ copy_VD[entries])
    d_hidden_CD = torch.stack(parts).sum(0, dtype=exact) if sliced else parts[0]
    return nats, d_hidden_CD.mul_(1 / rows)


def _differentiate(logits: Tensor, targets: Tensor, exact: torch.dtype, soft_cap: float | None) -> Tensor:
    """The sum of the rows' nats; the logits are overwritten with its gradient."""
    slope = None
    if soft_cap is not None:
        bent = torch.tanh(logits.to(exact) / soft_cap)
        slope = 1 - bent * bent
        logits.copy_(bent.mul_(soft_cap))
    p = torch.softmax(logits, dim=-1, dtype=exact)
    normalizer = logits.amax(1) - p.amax(1).log()
    nats = (normalizer - logits.gather(1, targets)[:, 0]).sum()
    p.scatter_add_(1, targets, torch.full_like(targets, -1, dtype=p.dtype))
    logits.copy_(p if slope is None else p.mul_(slope))
    return nats


@torch.no_grad()
def token_nats(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Negative log-likelihood of each target in nats, float32 [N]; no gradient.

    Both `hidden_ND` and `weight_VD` have the number format in which logits are computed; softmax is in float32.
    """
    nats_N = torch.empty(len(targets_N), dtype=torch.float32, device=hidden_ND.device)
    for chunk in _pieces(len(hidden_ND), CHUNK_LOGITS, len(weight_VD)):
        logits_CV = (hidden_ND[chunk] @ weight_VD.T).float()
        nats_N[chunk] = torch.nn.functional.cross_entropy(logits_CV, targets_N[chunk], reduction="none")
    return nats_N


def _pieces(rows: int, most: int, width: int) -> Iterator[slice]:
    """Slices of the rows, each `width` wide, with at most `most` numbers each, and at least one row."""
    size = max(1, most // width)
    return (slice(start, start + size) for start in range(0, rows, size))
