"""Whether a model of `transformers` may be read through the attention door: proven on a few tokens, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from titrant.model.attention_door import Attend, agrees
from titrant.model.library_attention import DOOR, LIBRARY, Door, hidden_through

_PROOF_TOKENS = (48, 9)
_SEEN_TOGETHER = {"dynamic", "longrope"}
"""Kinds of rotation whose angles depend on the longest text of a batch."""


@torch.no_grad()
def proves_plain(library: Any, vocabulary: int, decode: Callable[..., Tensor]) -> bool:
    """Whether `library`, a model with weights whose hidden states are decode(tokens_BT[, position_ids=]), attends
    plainly: see `LanguageModel.attends_plainly`."""
    used, longest = library.config._attn_implementation, getattr(library.config, "max_position_embeddings", None)
    longest = longest or max(_PROOF_TOKENS)
    if _SEEN_TOGETHER & _kinds_of_angles(library.config):
        return False
    door = Door(_no_attention)

    def through_door(attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor:
        door.attend = attend
        library.set_attn_implementation(DOOR)
        with hidden_through(door):
            return decode(tokens_BT, position_ids=positions_BT)

    def alone(tokens_T: Tensor) -> Tensor:
        library.set_attn_implementation(LIBRARY)
        return decode(tokens_T[None])[0].float()

    drawn = torch.randint(vocabulary, (len(_PROOF_TOKENS), longest), generator=torch.Generator().manual_seed(0))
    texts = [row_T[:size].to(library.device) for row_T, size in zip(drawn, _PROOF_TOKENS, strict=True)]
    training = library.training
    library.eval()
    try:
        same = agrees(through_door, alone, texts, library.config.num_hidden_layers)
    except (AttributeError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False  # whatever stops it, the library's own way stays open
    finally:
        library.set_attn_implementation(used)
        library.train(training)
    return same and door.is_plain and door.window >= longest


def _no_attention(layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    raise NotImplementedError


def _kinds_of_angles(config: Any) -> set[str]:
    """The `rope_type` of a config, or those of its kinds of layers."""
    given = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    inner = [given, *(value for value in given.values() if isinstance(value, dict))]
    return {str(one.get("rope_type") or one.get("type")) for one in inner}
