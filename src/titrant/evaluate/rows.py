"""That a row of a matrix product does not depend on its neighbours: proven on this machine before it is relied on.

A product of many rows is computed in tiles, and a library may choose other tiles, and so another order of sums, for
other numbers of rows. The kernels that we know do not, from four rows on. What is relied on is tried, for every shape
of matrix that a model holds and for a few tokens read by the whole of it:

- any number of rows gives the same bits (then chunks may be of any size), or
- any place among a fixed number of rows does (then all chunks are filled up to one size), or
- neither: every distinct sequence is read by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch.nn.functional import linear

from titrant.evaluate.likelihood import COLUMNS_AT_ONCE, WHOLE_TOKENS, CausalScorer, exact_float32
from titrant.evaluate.products import FastProducts

_WIDTHS, _KEYS = (32, 64, 128), (64, 256, 320, 1024)
"""Heads' widths and numbers of keys for which attention's products are compared."""
_COUNTS = (16, 48, 208, 1040)
"""Numbers of rows that are compared with all of them, multiples of `reading.GRAIN`."""


Shapes = tuple[tuple[int, int], ...]


def prove_rows(scorer: CausalScorer, shapes: Iterable[tuple[int, int]]) -> CausalScorer:
    """`scorer` in the fastest way of reading that gives every sequence the same bits in any company.

    `shapes`: (inputs, outputs) of the model's matrices.
    """
    if scorer.hidden_with is None:
        return scorer
    fixed = replace(scorer, whole=True, batch_tokens=WHOLE_TOKENS)
    tried = tuple(sorted({(inputs, min(outputs, COLUMNS_AT_ONCE)) for inputs, outputs in shapes}))
    attention = _same_attention(scorer.device)
    if attention and _same_for_any_count(tried, scorer.batch_tokens, scorer.device) and _same_in_any_company(scorer):
        return scorer
    if attention and _same_in_any_place(tried, WHOLE_TOKENS, scorer.device) and _same_in_any_company(fixed):
        return fixed
    return replace(scorer, hidden_with=None)


@functools.cache
@torch.inference_mode()
def _same_attention(device: torch.device) -> bool:
    """Whether attention's products do not depend on the number of tiles, nor on the number and place of queries."""
    with exact_float32():
        for width, keys in product(_WIDTHS, _KEYS):
            query, key, value, weights = (
                _drawn(3 * size, other, device).view(3, size, other)
                for size, other in ((192, width), (keys, width), (keys, width), (192, keys))
            )
            for left, right in ((query, key.transpose(1, 2)), (weights, value)):
                whole = torch.bmm(left, right)
                for place in (slice(0, 16), slice(48, 112), slice(16, 160)):
                    if not torch.equal(torch.bmm(left[1:, place].contiguous(), right[1:]), whole[1:, place]):
                        return False
    return True


@functools.cache
@torch.inference_mode()
def _same_for_any_count(shapes: Shapes, most: int, device: torch.device) -> bool:
    with exact_float32(), FastProducts():
        for inputs, outputs in shapes:
            rows_NI, matrix_OI = _drawn(most, inputs, device), _drawn(outputs, inputs, device)
            whole_NO = linear(rows_NI, matrix_OI)
            for count in (count for count in _COUNTS if count < most):
                if not torch.equal(linear(rows_NI[-count:], matrix_OI), whole_NO[-count:]):
                    return False
    return True


@functools.cache
@torch.inference_mode()
def _same_in_any_place(shapes: Shapes, most: int, device: torch.device) -> bool:
    order = torch.randperm(most, generator=torch.Generator().manual_seed(1)).to(device)
    with exact_float32(), FastProducts():
        for inputs, outputs in shapes:
            rows_NI, matrix_OI = _drawn(most, inputs, device), _drawn(outputs, inputs, device)
            if not torch.equal(linear(rows_NI[order], matrix_OI), linear(rows_NI, matrix_OI)[order]):
                return False
    return True


def _same_in_any_company(scorer: CausalScorer) -> bool:
    """Whether a few short sequences with shared beginnings have the same scores alone and together."""
    random = np.random.default_rng(0)
    longest = min(scorer.window, 50)
    first = random.integers(0, scorer.vocabulary, longest + 1).tolist()
    sequences = [first, first[: longest // 2] + first[:7], random.integers(0, scorer.vocabulary, 21).tolist()[:longest]]
    together = scorer.token_nats(sequences[::-1])[::-1]
    return all(np.array_equal(scorer.token_nats([one])[0], nats) for one, nats in zip(sequences, together, strict=True))


def _drawn(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows)).to(device)
