"""How weights, gradients and optimizer state lie in several processes, and how they are put together again.

    replicated   every process holds everything; gradients are summed once a step (plain data parallel)
    sharded      every process holds a part of each weight, its gradient and its moments (FSDP2); a block's weights are
                 gathered in the number format of its matrix products when it is computed, and let go afterwards

Vectors (norms) are tiny and stay whole in both. Which process holds what changes no number; in how many parts gradients
are summed changes last bits, as it does for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from titrant.errors import StoreError
from titrant.model.language_model import LanguageModel
from titrant.train.together.ranks import Ranks


def shard(model: LanguageModel, ranks: Ranks, precision: str) -> None:
    """Cut the weights of a model on its device into one part a process: FSDP2, a block at a time.

    Call it before the weights are filled and the optimizer is made.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    whole = {parameter for parameter in model.parameters() if parameter.ndim < 2}
    low = torch.bfloat16 if precision == "bfloat16" and model.gathers_in_precision else None
    policy = MixedPrecisionPolicy(param_dtype=low, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for unit in model.units():
        fully_shard(unit, mesh=ranks.mesh, mp_policy=policy, ignored_params=whole)
    # embedding and head: gathered once a step, in float32, because the loss makes its own copies of them
    fully_shard(model, mesh=ranks.mesh, reshard_after_forward=False, ignored_params=whole)
    register_fsdp_forward_method(model, "loss")


def fill(parameters: dict[str, Tensor], tensors: Iterable[tuple[str, Tensor]], what: str) -> None:
    """Copy whole tensors into the parameters (or moments) of their names, each process taking its part.

    Raises StoreError with the names that differ if there are not exactly these, of the same shapes.
    """
    left, unknown, other = dict(parameters), [], []
    for name, tensor in tensors:
        parameter = left.pop(name, None)
        if parameter is None:
            unknown.append(name)
        elif parameter.shape != tensor.shape:
            other.append(f"'{name}' is {_shape(tensor)} and not {_shape(parameter)}")
        else:
            with torch.no_grad():
                parameter.copy_(_part_of(tensor, parameter))
    if left or unknown or other:
        raise StoreError(f"{what} holds another model: {describe_differences(list(left), unknown, other)}")


def describe_differences(missing: list[str], unknown: list[str], other: list[str], at_most: int = 3) -> str:
    """In words, which tensors differ, the first few of each kind."""
    parts = [
        f"{len(names)} {'tensors' if len(names) > 1 else 'tensor'} {words} ({_first(names, at_most)})"
        for names, words in ((other, "of another shape"), (missing, "missing"), (unknown, "unknown here"))
        if names
    ]
    return "; ".join(parts)


def whole_tensor(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, put together from all processes if it is sharded: then all must ask for it."""
    full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return full.detach().cpu()


def add_up_gradients(model: nn.Module, ranks: Ranks) -> None:
    """Sum over the processes what they have not summed themselves while computing it.

    Sharded gradients come as *means* over the processes; those of vectors are made means here, so that all are.
    """
    if ranks.alone:
        return
    gradients = []
    for parameter in model.parameters():
        if isinstance(parameter, DTensor):
            continue
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    ranks.add_up(gradients)
    if ranks.layout == "sharded":
        for gradient in gradients:
            gradient.div_(ranks.world)


def clip(model: nn.Module, ranks: Ranks, limit: float | None) -> float:
    """Scale gradients down to a global norm of `limit` at most; the norm before. Every process gets the same.

    **Source:** Pascanu et al. 2013, algorithm 1.
    """
    limit = math.inf if limit is None else limit
    if ranks.alone or ranks.layout == "replicated":
        return float(torch.nn.utils.clip_grad_norm_(model.parameters(), limit))
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    parts = [gradient.to_local() for gradient in gradients if isinstance(gradient, DTensor)]
    wholes = [gradient for gradient in gradients if not isinstance(gradient, DTensor)]
    device = gradients[0].device
    (squares,) = ranks.sum([_squares(parts)], device)
    norm = math.sqrt(squares + _squares(wholes))
    if math.isfinite(norm) and norm > limit:
        for gradient in (*parts, *wholes):
            gradient.mul_(limit / (norm + 1e-6))  # as clip_grad_norm_ does
    return norm


def _squares(tensors: list[Tensor]) -> float:
    return float(sum((tensor.double().square().sum() for tensor in tensors), torch.zeros(()).double()))


def _part_of(tensor: Tensor, parameter: Tensor) -> Tensor:
    if not isinstance(parameter, DTensor):
        return tensor.to(parameter.device)
    # every process has the whole tensor: each takes its part, and nothing is sent
    return distribute_tensor(
        tensor.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None
    )


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a scalar"


def _first(names: list[str], at_most: int) -> str:
    shown = ", ".join(name if name.startswith("'") else f"'{name}'" for name in names[:at_most])
    return shown + (", ..." if len(names) > at_most else "")
