"""Causal attention: fused kernels on a GPU, blocks of queries on a CPU.

On a CPU the queries are cut into blocks. A block sees only the keys up to its own end, so the blocks above the
diagonal are never computed, and what is left are a few large batched matrix products:

    for each block of queries:    scores  = queries @ keys[:end].T, the future masked with -inf
                                  weights = softmax(scores)        (float32 inside, whatever the number format)
                                  output  = weights @ values[:end]

The backward pass walks over the same blocks in the same order, so gradients are bit-reproducible. Cost: half the
square plus half a block per row; the weights are kept for the backward pass (B x H x T x T / 2 numbers).

Shapes: B batch, H heads, T positions, K width of a head, Q positions of one block, S positions it sees.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op
from torch.nn import functional

QUERY_BLOCK = 128
"""Queries of one block. 128 and 256 are within noise of each other on the CPUs we measured."""


def causal_attention(query_BHTK: Tensor, key_BHTK: Tensor, value_BHTK: Tensor) -> Tensor:
    """softmax(query @ key.T) @ value, each position seeing itself and what lies before it; [B, H, T, K].

    The query comes divided by sqrt(K) already, which costs nothing where it is turned by its position. The result has
    the number format of the query. **Source:** Vaswani et al. 2017, eq. 1.
    """
    if query_BHTK.is_cuda:
        return functional.scaled_dot_product_attention(query_BHTK, key_BHTK, value_BHTK, is_causal=True, scale=1.0)
    parts = (x.flatten(0, 1).contiguous() for x in (query_BHTK, key_BHTK, value_BHTK))
    attended: Tensor = _BlockedAttention.apply(*parts)  # type: ignore[no-untyped-call]
    return attended.view(query_BHTK.shape)


class _BlockedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        attended: list[Tensor] = _attend(query, key, value)
        ctx.save_for_backward(query, key, value, *attended[1:])
        return attended[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, *weights = ctx.saved_tensors
        d_query, d_key, d_value = _attend_backward(gradients[0].contiguous(), query, key, value, weights)
        return d_query, d_key, d_value


@custom_op("titrant::attend", mutates_args=())
def _attend(query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    """The output, then each block's weights. An operator of its own, as is its backward: a compiler leaves both as they
    are, and what it would make of them is slower."""
    future = torch.full((QUERY_BLOCK, QUERY_BLOCK), -math.inf, dtype=query.dtype).triu(1)
    output = torch.empty_like(query)
    weights = []
    for start, end in _blocks(query.shape[1]):
        scores = torch.bmm(query[:, start:end], key[:, :end].transpose(1, 2))
        scores[:, :, start:] += future[: end - start, : end - start]
        weights.append(torch.softmax(scores, dim=-1))
        output[:, start:end] = torch.bmm(weights[-1], value[:, :end])
    return [output, *weights]


@_attend.register_fake
def _(query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    shapes = [(len(query), end - start, end) for start, end in _blocks(query.shape[1])]
    return [torch.empty_like(query), *(query.new_empty(shape) for shape in shapes)]


@custom_op("titrant::attend_backward", mutates_args=())
def _attend_backward(
    d_output: Tensor, query: Tensor, key: Tensor, value: Tensor, weights: list[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    d_query = torch.empty_like(query)
    # a key is seen by every later block: its gradients add up in float32
    d_key, d_value = (torch.zeros(key.shape, dtype=torch.float32) for _ in range(2))
    for (start, end), weight in zip(_blocks(query.shape[1]), weights, strict=True):
        d_block = d_output[:, start:end]
        d_value[:, :end] += torch.bmm(weight.transpose(1, 2), d_block)
        d_weight = torch.bmm(d_block, value[:, :end].transpose(1, 2))
        d_scores = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        d_query[:, start:end] = torch.bmm(d_scores, key[:, :end])
        d_key[:, :end] += torch.bmm(d_scores.transpose(1, 2), query[:, start:end])
    return d_query, d_key.to(key.dtype), d_value.to(value.dtype)


@_attend_backward.register_fake
def _(
    d_output: Tensor, query: Tensor, key: Tensor, value: Tensor, weights: list[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _blocks(length: int) -> list[tuple[int, int]]:
    return [(start, min(start + QUERY_BLOCK, length)) for start in range(0, length, QUERY_BLOCK)]
