"""Our attention inside models of `transformers`, for the layers that it fits; torch's or the library's for all others.

A layer is given to ours if it is plain causal softmax attention: no mask beyond the causal one and the borders of
documents, no soft cap, no sinks, values as wide as keys. Layers with a window shorter than the sequence come with a
mask of their own, and on a GPU sequences of several documents do: they go through torch's kernel. A model that
soft-caps its scores keeps the library's eager code.

Through the attention door (`hidden_through`) neither is called, but what the caller gives.

Where ours stays within documents, the library passes on in the place of a mask [B, 1, T, T] what ours needs to know:
the start of each position's document, [B, T].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from titrant.model.attention import Documents, causal_attention
from titrant.model.attention_door import Attend

OURS, DOOR, LIBRARY = "titrant", "titrant-door", "eager"
"""Names of the three under which `transformers` knows them."""

_starts: ContextVar[Tensor | None] = ContextVar("starts of documents", default=None)


@dataclass
class Door:
    """An attention in the place of the layers' own, and what was learnt of them while it was."""

    attend: Attend
    window: float = float("inf")
    """The shortest window of any layer that has one, in tokens."""
    is_plain: bool = True
    """Whether every layer asked for plain causal attention."""


_door: ContextVar[Door] = ContextVar("the attention in the place of the layers' own")


@contextmanager
def hidden_through(door: Door) -> Iterator[None]:
    """Models set to `DOOR` attend by the door's attention inside."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


def choose_attention(config: Any) -> str:
    """Which of ours and the library's a model of this configuration uses."""
    return LIBRARY if getattr(config, "attn_logit_softcapping", None) else OURS


@contextmanager
def within_documents(starts_BT: Tensor) -> Iterator[None]:
    """Models that are called inside see these documents."""
    token = _starts.set(starts_BT)
    try:
        yield
    finally:
        _starts.reset(token)


def make_mask(*, kv_length: int, local_size: int | None = None, **others: Any) -> Tensor | None:
    """The mask of the layers of one kind, as the library asks for it; None where they are causal and nothing else."""
    starts_BT = _starts.get()
    windowed = local_size is not None and local_size < kv_length
    if starts_BT is not None and not (windowed or others.get("use_vmap") or starts_BT.is_cuda):
        return starts_BT
    mask: Tensor | None = sdpa_mask(kv_length=kv_length, local_size=local_size if windowed else None, **others)
    return mask


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attention as the library's layers ask for it: query [B, H, T, K], key and value with fewer heads if they are
    grouped; the result is [B, T, H, K]."""
    starts_BT = attention_mask if attention_mask is not None and attention_mask.ndim == 2 else None
    plain = (attention_mask is None or starts_BT is not None) and _is_plain(module, query, key, value, dropout, others)
    if not plain:
        mask = attention_mask if starts_BT is None else _dense(starts_BT)
        attended: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, mask, dropout=dropout, scaling=scaling, **others
        )
        return attended
    scale = query.shape[3] ** -0.5 if scaling is None else scaling
    groups = query.shape[1] // key.shape[1]
    key, value = (repeat_kv(x.to(value.dtype), groups) for x in (key, value))
    documents = None if starts_BT is None else Documents(starts_BT, None)
    result = causal_attention((query * scale).to(value.dtype), key, value, documents)
    return result.transpose(1, 2).contiguous(), None


def _is_plain(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, dropout: float, others: dict[str, Any]
) -> bool:
    """Whether a layer asks for causal softmax attention and nothing else, masks apart."""
    return (
        dropout == 0
        and query.shape[2] == key.shape[2]
        and key.shape[3] == value.shape[3] == query.shape[3]
        and others.get("is_causal") in (None, True)
        and getattr(module, "is_causal", True)
        and all(others.get(name) is None for name in ("softcap", "s_aux", "position_bias", "cache"))
    )


def attend_through_door(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """As `attend`, by the attention of the door that is open. Raises LookupError outside `hidden_through`."""
    door = _door.get()
    door.window = min(door.window, others.pop("sliding_window", None) or door.window)
    door.is_plain &= attention_mask is None and _is_plain(module, query, key, value, dropout, others)
    scale = query.shape[3] ** -0.5 if scaling is None else scaling
    layer = cast(int, module.layer_idx)
    return door.attend(layer, query, key, value, scale).transpose(1, 2).contiguous(), None


def no_mask(*, local_size: int | None = None, **others: Any) -> None:
    """As `make_mask`: what a token sees is the door's to say. The windows of layers are noted."""
    door = _door.get()
    door.window = min(door.window, local_size or door.window)


def _dense(starts_BT: Tensor) -> Tensor:
    """True where a query may see a key, [B, 1, T, T]."""
    places_T = torch.arange(starts_BT.shape[1], device=starts_BT.device)
    return ((places_T[None, :] <= places_T[:, None]) & (places_T >= starts_BT[:, :, None]))[:, None]


for _name, _attention, _mask in ((OURS, attend, make_mask), (DOOR, attend_through_door, no_mask)):
    AttentionInterface.register(_name, _attention)
    AttentionMaskInterface.register(_name, _mask)
