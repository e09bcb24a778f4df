"""The attention door: a model computes all but attention, and its caller says what each position sees.

    hidden = model.hidden_with(attend, tokens, positions)

The tokens are then no longer a sequence. They may be those of many texts, in any order, a shared beginning once, as
long as `attend` lets each see what lies before it in its own text. Only a model in which nothing else mixes positions
can be read so; `agrees` compares both ways on a few tokens, laid out in a way that any other mixing would betray.

Shapes: B batch, T tokens, D width, H heads, G heads of keys and values (H is a multiple of G), K width of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Attend = Callable[[int, Tensor, Tensor, Tensor, float], Tensor]
"""attend(layer, query_BHTK, key_BGTK, value_BGTK, scale) -> out_BHTK: softmax(scale * query @ key.T) @ value over what
each token may see. Queries and keys are turned by their positions already; head h of the queries belongs to head
h // (H / G) of keys and values. Layers are called once each, in their order, from 0."""

HiddenWith = Callable[[Attend, Tensor, Tensor], Tensor]

TOLERANCE = 1e-4
"""Largest difference of a hidden state, as a share of the largest: float32 gives 1e-6."""


def attend_within_texts(text_T: Tensor, positions_T: Tensor) -> Attend:
    """The plainest attention: a token sees those of its own text (`text_T`, numbers) whose position is not after its
    own. Holds all scores: for small inputs. Batches of one row."""
    sees_TT = (text_T[:, None] == text_T[None, :]) & (positions_T[None, :] <= positions_T[:, None])

    def attend(layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        scores = (query.float() @ key.float().transpose(2, 3) * scale).masked_fill(~sees_TT, -math.inf)
        return (scores.softmax(-1) @ value.float()).to(query.dtype)

    return attend


def agrees(hidden_with: HiddenWith, library_TD: Callable[[Tensor], Tensor], texts: list[Tensor], layers: int) -> bool:
    """Whether `hidden_with` gives the hidden states of `library_TD`, which reads one text [T] by itself as [T, D].

    The texts are read at once, their tokens shuffled: whatever mixes neighbours other than by attention differs.
    """
    expected_TD = torch.cat([library_TD(text_T) for text_T in texts])
    if not bool(torch.isfinite(expected_TD).all()) or float(expected_TD.std(dim=0).max()) == 0:
        return False  # without weights nothing is proven
    device, sizes = texts[0].device, [len(text_T) for text_T in texts]
    order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(0)).to(device)
    tokens_T = torch.cat(texts)[order]
    positions_T = torch.cat([torch.arange(size, device=device) for size in sizes])[order]
    text_T = torch.repeat_interleave(torch.tensor(sizes, device=device))[order]
    called: list[int] = []
    plain = attend_within_texts(text_T, positions_T)

    def attend(layer: int, *given: Tensor | float) -> Tensor:
        called.append(layer)
        return plain(layer, *given)  # type: ignore[arg-type]

    found_TD = hidden_with(attend, tokens_T[None], positions_T[None])[0].float()
    apart = (found_TD - expected_TD[order]).abs().max() / expected_TD.abs().max()
    return called == list(range(layers)) and float(apart) <= TOLERANCE
