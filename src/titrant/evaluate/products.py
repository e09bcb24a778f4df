"""Matrix products in float32 by the faster of a processor's libraries, the model's code unchanged.

PyTorch hands float32 products to MKL, which on processors not of its maker leaves a part of their vectors unused (1.1
to 1.2 times slower on one, 1.8 on another). oneDNN, which every build of PyTorch for x86 holds as well, takes them all;
weights are laid out for it once. Both compute in float32 and sum in float32; that oneDNN does so here, and does not
round to a shorter format where a processor has units for one, is tried once before it is used.

**Source:** `torch.ops.mkldnn._linear_pointwise`, the operator that PyTorch's compiler puts in the place of linear
layers with constant weights.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

PACKED_BYTES = 2**31
"""Weights beyond this many bytes are laid out anew for every product: the same bits, some percent slower, no copy."""
EXACT = 1e-5
"""Largest error of a product of 512 terms, as a share of the largest: float32 gives 1e-6, 16 bits 1e-3 and more."""
_LEAST_ELEMENTS = 2**12
"""Products with smaller matrices stay: the call would cost more than it saves."""


@functools.cache
def has_exact_onednn() -> bool:
    """Whether this PyTorch multiplies by oneDNN on this processor, in float32."""
    rows, weight = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in ((64, 512), (96, 512)))
    exact = rows.double() @ weight.double().T
    try:
        with torch.inference_mode(), torch._C.DisableTorchFunction():
            packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)
            found = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    except (AttributeError, NotImplementedError, RuntimeError):
        return False
    return bool((found.double() - exact).abs().max() <= EXACT * exact.abs().max())


class FastProducts(TorchFunctionMode):
    """Inside, `linear` on a CPU in float32 is oneDNN's. Weights must not change between uses of one object.

    No gradients; on other devices, in other formats and where PyTorch has no oneDNN nothing changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._packed: dict[int, tuple[Tensor, Tensor]] = {}
        self._bytes = 0

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is linear and not kwargs and has_exact_onednn() and _fits(*args):
            given, weight, *bias = args
            # contiguous: the layout of what it is given decides how oneDNN reads it
            return torch.ops.mkldnn._linear_pointwise(
                given.contiguous(), self._laid_out(weight), bias[0] if bias else None, "none", [], ""
            )
        return function(*args, **(kwargs or {}))

    def _laid_out(self, weight: Tensor) -> Tensor:
        if id(weight) in self._packed:
            return self._packed[id(weight)][1]
        size = weight.numel() * weight.element_size()
        if self._bytes + size > PACKED_BYTES:
            return weight
        self._bytes += size
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
        self._packed[id(weight)] = (weight, packed)  # the weight is kept, so that no other takes its id
        return packed


def _fits(given: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    tensors = [given, weight] if bias is None else [given, weight, bias]
    return (
        weight.numel() >= _LEAST_ELEMENTS
        and weight.is_contiguous()
        and all(x.device.type == "cpu" and x.dtype == torch.float32 for x in tensors)
        and not (torch.is_grad_enabled() and any(x.requires_grad for x in tensors))
    )
