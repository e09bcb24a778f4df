"""AdamW over the model's parameters by name, and its state as plain tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch._dynamo  # the first optimizer imports it, which takes seconds: here it is paid once, before workers fork
from torch import Tensor, nn

from titrant.errors import StoreError
from titrant.study.architecture import Optimizer

_MOMENTS = ("exp_avg", "exp_avg_sq")


def make_optimizer(model: nn.Module, settings: Optimizer) -> torch.optim.AdamW:
    """AdamW that decays the matrices of the blocks, and neither norms nor embeddings (an untied head counts as one).

    Its learning rate is zero until `set_rate`. **Source:** Loshchilov and Hutter 2019, algorithm 2.
    """
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (decayed if name.startswith("blocks.") and parameter.ndim == 2 else others).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=settings.epsilon, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Make `rate` the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def rate_of(optimizer: torch.optim.Optimizer) -> float:
    """The learning rate that the last step was made with. All groups share one."""
    rates = {float(group["lr"]) for group in optimizer.param_groups}
    (rate,) = rates
    return rate


def clip_gradients(model: nn.Module, clip_norm: float | None) -> Tensor:
    """Scale gradients down to a global norm of `clip_norm` at most; returns the norm before, a float32 scalar.

    **Source:** Pascanu et al. 2013, algorithm 1.
    """
    limit = math.inf if clip_norm is None else clip_norm
    return torch.nn.utils.clip_grad_norm_(model.parameters(), limit)


def read_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """`exp_avg/NAME`, `exp_avg_sq/NAME` (float32, on the CPU) by parameter name, and `step` (int64 scalar)."""
    state, steps = {}, {0}
    for name, parameter in model.named_parameters():
        for moment in _MOMENTS:
            kept = optimizer.state.get(parameter, {}).get(moment)
            state[f"{moment}/{name}"] = torch.zeros_like(parameter.detach()).cpu() if kept is None else kept.cpu()
        if parameter in optimizer.state:
            steps.add(int(optimizer.state[parameter]["step"]))
    state["step"] = torch.tensor(max(steps), dtype=torch.int64)
    return state


def write_state(model: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]) -> None:
    """Go on from a state that `read_state` gave. Raises StoreError if it is another model's."""
    named = dict(model.named_parameters())
    expected = {f"{moment}/{name}": value.shape for name, value in named.items() for moment in _MOMENTS}
    expected["step"] = torch.Size([])
    if {name: value.shape for name, value in state.items()} != expected:
        differing = sorted(set(state) ^ set(expected)) or [n for n in expected if state[n].shape != expected[n]]
        raise StoreError(f"the optimizer's state is another model's: it differs first in '{differing[0]}'")
    for name, parameter in named.items():
        optimizer.state[parameter] = {
            # fused AdamW counts its steps in float32 beside the parameter
            "step": state["step"].to(parameter.device, torch.float32, copy=True),
            **{moment: state[f"{moment}/{name}"].to(parameter.device, copy=True) for moment in _MOMENTS},
        }
