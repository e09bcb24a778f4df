"""The optimizers of a model's parameters by name, and their state as plain tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it, which takes seconds: here it is paid once, before workers fork
from torch import Tensor
from torch.distributed.tensor import DTensor

from titrant.model.language_model import LanguageModel
from titrant.study import optimizer as declared
from titrant.train.muon import Muon
from titrant.train.together.sharding import fill

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimizers:
    """AdamW over all parameters, or Muon over the matrices of the blocks and AdamW over the rest.

    Its learning rate is zero until `set_rate`. Weight decay shrinks the matrices of the blocks, and neither norms nor
    embeddings (an untied head counts as one). **Source:** Loshchilov and Hutter 2019, algorithm 2.
    """

    def __init__(self, model: LanguageModel, settings: declared.Optimizer | declared.Muon) -> None:
        named, decayed = dict(model.named_parameters()), model.decayed()
        matrices = {name: parameter for name, parameter in named.items() if name in decayed}
        others = [parameter for name, parameter in named.items() if name not in decayed]
        groups: list[dict[str, Any]] = [{"params": others, "weight_decay": 0.0}]
        self._each: list[torch.optim.Optimizer] = []
        if isinstance(settings, declared.Muon):
            parts = {weight: model.fused_parts(name) for name, weight in matrices.items()}
            decay, momentum = settings.weight_decay, settings.momentum
            self._each = [Muon(parts, momentum=momentum, weight_decay=decay, iterations=settings.iterations)]
        else:
            groups.insert(0, {"params": list(matrices.values()), "weight_decay": settings.weight_decay})
        # fused kernels take whole tensors or parts of them, and not both at once
        groups = [
            {**group, "params": alike}
            for group in groups
            for sharded in (False, True)
            if (alike := [p for p in group["params"] if isinstance(p, DTensor) is sharded])
        ]
        betas = (settings.beta1, settings.beta2)
        self._each.append(torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=settings.epsilon, fused=True))
        self._named = named
        self._moments = {
            name: ("momentum",) if name in decayed and isinstance(settings, declared.Muon) else _MOMENTS
            for name in named
        }
        self.steps = 0
        """Steps that the moments have behind them."""
        of_first = {id(parameter) for group in self._each[0].param_groups for parameter in group["params"]}
        self._states = {
            name: self._each[0 if id(parameter) in of_first else -1].state[parameter]
            for name, parameter in named.items()
        }
        for name, parameter in named.items():
            for moment in self._moments[name]:
                self._states[name][moment] = torch.zeros_like(parameter.detach())
        self.count_from(0)

    def step(self, rate: float) -> None:
        """Move all parameters by their gradients at a learning rate, and forget the gradients."""
        for group in self._groups():
            group["lr"] = rate
        for one in self._each:
            one.step()
        self.forget_gradients()
        self.steps += 1

    def forget_gradients(self) -> None:
        """Drop all gradients."""
        for one in self._each:
            one.zero_grad()

    def rate(self) -> float:
        """The learning rate that the last step was made with. All groups share one."""
        (rate,) = {float(group["lr"]) for group in self._groups()}
        return rate

    def moments(self) -> dict[str, Tensor]:
        """`exp_avg/NAME` and `exp_avg_sq/NAME` (or `momentum/NAME`), float32: the tensors themselves, no copies."""
        return {
            f"{moment}/{name}": self._states[name][moment] for name in self._named for moment in self._moments[name]
        }

    def load(self, tensors: Iterable[tuple[str, Tensor]], steps: int, what: str) -> None:
        """Go on from whole moments by name and the steps that they have behind them.

        Raises StoreError if they are another model's or another optimizer's.
        """
        fill(self.moments(), tensors, what)
        self.count_from(steps)

    def count_from(self, steps: int) -> None:
        """Go on counting from so many steps."""
        self.steps = steps
        for name, parameter in self._named.items():
            if self._moments[name] == _MOMENTS:
                # fused AdamW counts its steps in float32 beside the parameter
                count = torch.tensor(float(steps), dtype=torch.float32, device=parameter.device)
                self._states[name]["step"] = count

    def _groups(self) -> list[dict[str, Any]]:
        return [group for one in self._each for group in one.param_groups]


def whole_state(tensors: Mapping[str, Tensor], steps: int) -> dict[str, Tensor]:
    """What `optimizer.safetensors` holds: whole moments and `step`, an int64 scalar."""
    return {**tensors, "step": torch.tensor(steps, dtype=torch.int64)}
