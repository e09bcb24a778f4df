"""Muon: momentum made orthogonal, for matrices whose rows or columns are whole matrices of their own.

    momentum = decay * momentum + (1 - decay) * gradient
    update   = (1 - decay) * gradient + decay * momentum                       (Nesterov's form)
    weight   = weight - rate * (weight decay * weight + 0.2 sqrt(larger side) * orthogonal(update))

`orthogonal` is Newton and Schulz's iteration in bfloat16, on each independent matrix alone: query, key, value, gate and
up lie in one matrix here, and must not be turned as one. A sharded matrix is put together, turned by every process, and
each keeps its part. **Source:** Jordan et al. 2024 (Muon); Liu et al. 2025 (2502.16982), eq. 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic whose slope at zero is largest while it keeps singular values near 1 (Jordan et al. 2024)."""


class Muon(torch.optim.Optimizer):
    """Moves matrices; `parts` says for each how it is cut: (axis, sizes)."""

    def __init__(
        self,
        parts: Mapping[nn.Parameter, tuple[int, tuple[int, ...]]],
        *,
        momentum: float,
        weight_decay: float,
        iterations: int,
    ) -> None:
        settings = {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay, "iterations": iterations}
        super().__init__(list(parts), settings)
        self._parts = dict(parts)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight]["momentum"]
                momentum.lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(momentum, group["momentum"])
                axis, sizes = self._parts[weight]
                turned = _turned(update, axis, sizes, group["iterations"])
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(turned, alpha=-group["lr"])


def orthogonal(matrix: Tensor, iterations: int) -> Tensor:
    """A matrix of the same singular vectors whose singular values are all about 1 (0.7 to 1.2), in bfloat16."""
    a, b, c = _COEFFICIENTS
    wide = matrix.bfloat16() if matrix.shape[0] <= matrix.shape[1] else matrix.bfloat16().T
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(iterations):
        square = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(square, square, square, beta=b, alpha=c), wide, beta=a)
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


def _turned(update: Tensor, axis: int, sizes: tuple[int, ...], iterations: int) -> Tensor:
    """Each part made orthogonal and scaled; float32, laid out like the update."""
    whole = update.full_tensor() if isinstance(update, DTensor) else update
    parts = [
        orthogonal(part, iterations).float() * (0.2 * max(part.shape) ** 0.5)
        for part in torch.split(whole, list(sizes), dim=axis)
    ]
    turned = torch.cat(parts, dim=axis)
    if isinstance(update, DTensor):
        return distribute_tensor(turned, update.device_mesh, update.placements, src_data_rank=None)
    return turned
