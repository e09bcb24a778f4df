"""Causal attention, across documents or within each: fused kernels on a GPU, blocks of queries on a CPU.

On a CPU the queries are cut into blocks. A block sees only the keys up to its own end, so the blocks above the
diagonal are never computed, and what is left are a few large batched matrix products:

    for each block of queries:    scores  = queries @ keys[:end].T, the future masked with -inf
                                  weights = softmax(scores)        (float32 inside, whatever the number format)
                                  output  = weights @ values[:end]

The backward pass walks over the same blocks in the same order, so gradients are bit-reproducible. Cost: half the
square plus half a block per row; the weights are kept for the backward pass (B x H x T x T / 2 numbers).

Within documents each row of the batch walks alone: a block begins at the first key of the first document that any of
its queries belongs to, and a small mask hides what is left of other documents. The weights are computed again in the
backward pass, so memory grows with T and not with its square.

Shapes: B batch, H heads, T positions, K width of a head, Q positions of one block, S positions it sees.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op
from torch.nn import functional

QUERY_BLOCK = 128
"""Queries of one block. 128 and 256 are within noise of each other on the CPUs we measured."""


class Documents(NamedTuple):
    """Where the documents of a batch lie; a row's first document may be the rest of one."""

    starts: Tensor
    """For each position, that of the first token of its document in the same row; int64 [B, T]."""
    bounds: Tensor | None
    """Where documents begin in the rows laid end to end, and where the last ends; int32 [documents + 1], for fused
    kernels only."""


def find_documents(tokens_BT: Tensor, separator: int, *, fused: bool) -> Documents:
    """A document begins with each row and with each `separator`, the first token that the document sees.

    `fused` says whether attention will run in fused kernels (see `has_fused_documents`), which costs one
    synchronisation with the GPU.
    """
    length = tokens_BT.shape[1]
    begins_BT = tokens_BT == separator
    begins_BT[:, 0] = True
    positions_T = torch.arange(length, device=tokens_BT.device)
    starts_BT = torch.where(begins_BT, positions_T, 0).cummax(1).values
    if not fused:
        return Documents(starts_BT, None)
    bounds = functional.pad(begins_BT.flatten().nonzero()[:, 0], (0, 1), value=tokens_BT.numel()).int()
    torch._dynamo.maybe_mark_dynamic(bounds, 0)  # or compiled code would be made anew for each number of documents
    return Documents(starts_BT, bounds)


def has_fused_documents(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether PyTorch has a fused kernel for documents of unequal lengths there."""
    return device.type == "cuda" and dtype in (torch.bfloat16, torch.float16) and _varlen_attn is not None


def _find_varlen_attn() -> Any:
    """PyTorch's attention over documents laid end to end, if this release has it with a causal window."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn if {"scale", "window_size"} <= inspect.signature(varlen_attn).parameters.keys() else None


_varlen_attn = _find_varlen_attn()


def causal_attention(
    query_BHTK: Tensor, key_BHTK: Tensor, value_BHTK: Tensor, documents: Documents | None = None
) -> Tensor:
    """softmax(query @ key.T) @ value, each position seeing itself and what lies before it; [B, H, T, K].

    With `documents` it sees what lies before it in its own document. The query comes divided by sqrt(K) already, which
    costs nothing where it is turned by its position. The result has the number format of the query.
    **Source:** Vaswani et al. 2017, eq. 1.
    """
    if documents is not None and documents.bounds is not None:
        return _fused_within(query_BHTK, key_BHTK, value_BHTK, documents.bounds)
    if documents is None and query_BHTK.is_cuda:
        return functional.scaled_dot_product_attention(query_BHTK, key_BHTK, value_BHTK, is_causal=True, scale=1.0)
    parts = (x.flatten(0, 1).contiguous() for x in (query_BHTK, key_BHTK, value_BHTK))
    attended: Tensor
    if documents is None:
        attended = _BlockedAttention.apply(*parts)  # type: ignore[no-untyped-call]
    else:
        attended = _attend_within(*parts, documents.starts)
    return attended.view(query_BHTK.shape)


def _fused_within(query_BHTK: Tensor, key_BHTK: Tensor, value_BHTK: Tensor, bounds: Tensor) -> Tensor:
    batch, _, length, _ = query_BHTK.shape
    rows_end_to_end = [x.transpose(1, 2).flatten(0, 1) for x in (query_BHTK, key_BHTK, value_BHTK)]
    attended: Tensor = _varlen_attn(*rows_end_to_end, bounds, bounds, length, length, scale=1.0, window_size=(-1, 0))
    return attended.view(batch, length, *attended.shape[1:]).transpose(1, 2)


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
    d_key, d_value = (torch.zeros_like(key, dtype=_exact(key)) for _ in range(2))
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


@custom_op("titrant::attend_within", mutates_args=())
def _attend_within(query: Tensor, key: Tensor, value: Tensor, starts: Tensor) -> Tensor:
    """Attention within documents; `starts` as in `Documents`, the others [B x H, T, K]."""
    output = torch.empty_like(query)
    for block in _blocks_within(query, starts):
        output[block.queries] = torch.bmm(block.weights(query, key), value[block.keys])
    return output


@_attend_within.register_fake
def _(query: Tensor, key: Tensor, value: Tensor, starts: Tensor) -> Tensor:
    return torch.empty_like(query)


@custom_op("titrant::attend_within_backward", mutates_args=())
def _attend_within_backward(
    d_output: Tensor, query: Tensor, key: Tensor, value: Tensor, starts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    d_query = torch.empty_like(query)
    d_key, d_value = (torch.zeros_like(key, dtype=_exact(key)) for _ in range(2))
    for block in _blocks_within(query, starts):
        weight, d_block = block.weights(query, key), d_output[block.queries]
        d_value[block.keys] += torch.bmm(weight.transpose(1, 2), d_block)
        d_weight = torch.bmm(d_block, value[block.keys].transpose(1, 2))
        d_scores = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        d_query[block.queries] = torch.bmm(d_scores, key[block.keys])
        d_key[block.keys] += torch.bmm(d_scores.transpose(1, 2), query[block.queries])
    return d_query, d_key.to(key.dtype), d_value.to(value.dtype)


@_attend_within_backward.register_fake
def _(d_output: Tensor, query: Tensor, key: Tensor, value: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _keep_for_backward(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate_within(ctx: Any, d_output: Tensor) -> tuple[Tensor | None, ...]:
    return *_attend_within_backward(d_output.contiguous(), *ctx.saved_tensors), None


_attend_within.register_autograd(_differentiate_within, setup_context=_keep_for_backward)


class _BlockWithin(NamedTuple):
    """Queries of one row and the keys that any of them sees, as indices into [B x H, T, K]."""

    queries: tuple[slice, slice]
    keys: tuple[slice, slice]
    starts: Tensor

    def weights(self, query: Tensor, key: Tensor) -> Tensor:
        """Softmax of the scores, [H, Q, S]; zero outside a query's document and in its future."""
        scores = torch.bmm(query[self.queries], key[self.keys].transpose(1, 2))
        first, start, end = self.keys[1].start, self.queries[1].start, self.queries[1].stop
        positions = torch.arange(first, end, device=query.device)
        own = positions[start - first :]
        scores[:, :, start - first :].masked_fill_(own > own[:, None], -math.inf)
        if borders := int(self.starts[-1]) - first:  # keys before the last query's document: some do not see them
            scores[:, :, :borders].masked_fill_(positions[:borders] < self.starts[:, None], -math.inf)
        return torch.softmax(scores, dim=-1)


def _blocks_within(query: Tensor, starts: Tensor) -> Iterator[_BlockWithin]:
    heads, firsts = len(query) // len(starts), starts[:, ::QUERY_BLOCK].tolist()
    for row, firsts_of_row in enumerate(firsts):
        of_row = slice(row * heads, (row + 1) * heads)
        for (start, end), first in zip(_blocks(query.shape[1]), firsts_of_row, strict=True):
            yield _BlockWithin((of_row, slice(start, end)), (of_row, slice(first, end)), starts[row, start:end])


def _exact(x: Tensor) -> torch.dtype:
    """The format in which sums over many blocks are kept."""
    return torch.promote_types(x.dtype, torch.float32)


def _blocks(length: int) -> list[tuple[int, int]]:
    return [(start, min(start + QUERY_BLOCK, length)) for start in range(0, length, QUERY_BLOCK)]
