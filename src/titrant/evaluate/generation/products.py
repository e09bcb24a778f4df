"""Faster matrix products where the same weights are used thousands of times: laid out once as the CPU reads them.

Generation multiplies few rows by the whole model again and again. Inside `packed_products` each matrix is copied into
oneDNN's own layout the first time that it is multiplied by: 1.4 times the speed at 64 rows, 1.6 times at 16, measured
beside PyTorch's product. It costs a second copy of the weights for as long, so it is left out where there are too many.

A layout is used for a shape only after it has been tried on that shape: the same numbers but for rounding, and the same
bits for a row whatever stands beside it and however many there are. All other products stay PyTorch's.

Shapes: N rows, D inputs, P outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from titrant.model.attention_door import Attend

MOST_BYTES = 4 * 2**30
"""Weights that are copied, at most."""
LEAST_WEIGHTS = 2**12
"""A matrix with fewer is no faster."""
TOLERANCE = 1e-4
"""Largest difference from PyTorch's product, as a share of the largest number."""
_USUAL_ROWS = 64


@contextmanager
def packed_products(device: torch.device) -> Iterator[None]:
    """Inside, `linear` of float32 on a CPU uses packed copies of its matrices. Weights must not change there."""
    if device.type != "cpu" or not _has_packing():
        yield
        return
    with _Packed():
        yield


def seeing_nothing_packed(attend: Attend) -> Attend:
    """`attend`, whose many small operations are not looked at: that would cost a tenth of a step."""

    def unseen(layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        with torch._C.DisableTorchFunction():
            return attend(layer, query, key, value, scale)

    return unseen


def _has_packing() -> bool:
    operators = torch.ops.mkldnn
    return bool(torch.backends.mkldnn.is_available()) and all(  # type: ignore[no-untyped-call]
        hasattr(operators, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    )


class _Packed(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0
        # the matrix is kept with its copy: its memory must not become another matrix'
        self._packed: dict[tuple[int, torch.Size], tuple[Tensor, Tensor | None]] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is not linear or kwargs or len(args) not in (2, 3):
            return func(*args, **(kwargs or {}))
        rows_ND, matrix_PD = args[:2]
        packed = self._copy_of(matrix_PD) if rows_ND.dtype == torch.float32 else None
        if packed is None:
            return func(*args)
        bias = args[2] if len(args) == 3 else None
        return _multiply(rows_ND, packed, bias)

    def _copy_of(self, matrix_PD: Tensor) -> Tensor | None:
        key = (matrix_PD.data_ptr(), matrix_PD.shape)
        if key not in self._packed:
            self._packed[key] = (matrix_PD, self._pack(matrix_PD))
        return self._packed[key][1]

    def _pack(self, matrix_PD: Tensor) -> Tensor | None:
        fits = self._bytes + matrix_PD.nbytes <= MOST_BYTES and matrix_PD.numel() >= LEAST_WEIGHTS
        plain = matrix_PD.dtype == torch.float32 and matrix_PD.ndim == 2 and matrix_PD.is_contiguous()
        if not (fits and plain and _works_for(matrix_PD.shape)):
            return None
        self._bytes += matrix_PD.nbytes
        return _pack(matrix_PD)


def _pack(matrix_PD: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix_PD.detach(), _USUAL_ROWS)
    return packed


def _multiply(rows_ND: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows_ND.contiguous(), packed, bias, "none", [], "")
    return product


@cache
def _works_for(shape: torch.Size) -> bool:
    """Whether products of this shape are right, and their rows independent of their company."""
    outputs, inputs = shape
    generator = torch.Generator().manual_seed(0)
    rows_ND = torch.randn(144, inputs, generator=generator)
    matrix_PD = torch.randn(min(outputs, 4096), inputs, generator=generator)
    try:
        packed = _pack(matrix_PD)
        whole = _multiply(rows_ND, packed, None)
        parts = {count: _multiply(rows_ND[-count:], packed, None) for count in (16, 48, 64, 128)}
    except RuntimeError:  # of a PyTorch without it, or with another form of it
        return False
    expected = rows_ND @ matrix_PD.T
    right = float((whole - expected).abs().max()) <= TOLERANCE * float(expected.abs().max())
    return right and all(torch.equal(part, whole[-count:]) for count, part in parts.items())
