"""Cross entropy over the vocabulary in chunks of rows, so that the logits of a batch are never held at once.

    for each chunk of rows:   logits      = hidden @ weight.T
                              p           = softmax(logits)                   (float32)
                              nats        = top logit - log(max p) - logit of the target
                              d_logits    = p - onehot(target)
                              d_hidden    = d_logits @ weight
                              d_weight   += d_logits.T @ hidden               (summed in float32)

Loss and gradients come out of one walk over the rows: the logits are computed once and nothing of them is kept.

Shapes: N rows (positions of all sequences), D width, V vocabulary, C rows of one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

CHUNK_LOGITS = 2**25
"""Logits held at once: 2,048 rows at a vocabulary of 16,384."""


def mean_cross_entropy(
    hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor, *, copy_VD: Tensor | None = None, rows: int | None = None
) -> Tensor:
    """Negative log-likelihood of the targets in nats, summed and divided by `rows` (default: N); a float32 scalar.

    With `rows` the number of rows of a whole optimizer step, the losses of its micro-batches add up to its mean.
    `copy_VD` is the weight in the number format of `hidden_ND`, if they differ; the gradient goes to `weight_VD`.
    """
    copy_VD = weight_VD if copy_VD is None else copy_VD
    loss: Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden_ND, weight_VD, copy_VD, targets_N, rows or len(targets_N)
    )
    return loss


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor, rows: int
    ) -> Tensor:
        copy_VD = copy_VD.detach()
        d_hidden_ND = torch.empty_like(hidden_ND)
        d_weight_VD = torch.zeros_like(weight_VD)
        loss = torch.zeros((), dtype=weight_VD.dtype, device=hidden_ND.device)
        for chunk in _chunks(len(hidden_ND), len(weight_VD)):
            hidden_CD, targets_C1 = hidden_ND[chunk], targets_N[chunk, None]
            logits_CV = hidden_CD @ copy_VD.T
            p_CV = torch.softmax(logits_CV, dim=-1, dtype=weight_VD.dtype)
            normalizer_C = logits_CV.amax(1) - p_CV.amax(1).log()
            loss += (normalizer_C - logits_CV.gather(1, targets_C1)[:, 0]).sum()
            p_CV.scatter_add_(1, targets_C1, torch.full_like(targets_C1, -1, dtype=p_CV.dtype))
            d_logits_CV = p_CV.to(hidden_ND.dtype)
            d_hidden_ND[chunk] = (d_logits_CV @ copy_VD).mul_(1 / rows)
            d_weight_VD.add_(d_logits_CV.T @ hidden_CD, alpha=1 / rows)
        ctx.save_for_backward(d_hidden_ND, d_weight_VD)
        return loss / rows

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden_ND, d_weight_VD = ctx.saved_tensors
        return d_hidden_ND * gradients[0], d_weight_VD * gradients[0], None, None, None


@torch.no_grad()
def token_nats(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Negative log-likelihood of each target in nats, float32 [N]; no gradient.

    Both `hidden_ND` and `weight_VD` have the number format in which logits are computed; softmax is in float32.
    """
    nats_N = torch.empty(len(targets_N), dtype=torch.float32, device=hidden_ND.device)
    for chunk in _chunks(len(hidden_ND), len(weight_VD)):
        logits_CV = (hidden_ND[chunk] @ weight_VD.T).float()
        nats_N[chunk] = torch.nn.functional.cross_entropy(logits_CV, targets_N[chunk], reduction="none")
    return nats_N


def _chunks(rows: int, vocabulary: int) -> Iterator[slice]:
    size = max(1, CHUNK_LOGITS // vocabulary)
    return (slice(start, start + size) for start in range(0, rows, size))
