"""How much is computed at once: sequences of a micro-batch, and whether activations are computed twice; and what to say
when memory runs out.

None of it is part of the science. A micro-batch is a function of the job and the kind of device, so that every attempt
adds gradients up in the same order; computing activations twice changes no bit on a CPU, and follows the free memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch

from titrant.errors import EngineError, StudyError
from titrant.jobs import TrainJob
from titrant.settings import choice, switch, whole
from titrant.study.architecture import Architecture, OutsideArchitecture
from titrant.train.together.ranks import PARALLEL, Layout

MICRO_BATCH = "TITRANT_MICRO_BATCH_TOKENS"
"""Environment variable: tokens of a micro-batch, a multiple of the sequence length; by default as many as fit well."""

RECOMPUTE = "TITRANT_RECOMPUTE"
"""Environment variable: 1 computes activations again in the backward pass, 0 keeps them, whatever memory there is."""

MICRO_BATCH_TOKENS = {"cpu": 8_192, "cuda": 32_768}
"""Most tokens of a micro-batch by kind of device: more gained nothing where it was measured."""

_USED_FRACTION = 0.85
"""Of a GPU's memory, what we plan to use."""
_REPLICATED_FRACTION = 0.4
"""Of a process's share of the machine's memory, what a whole model with gradients and moments may take."""
_CPU_FRACTION = 0.3
"""Of a machine's free memory, what activations of one job may take before they are computed twice."""


@dataclass(frozen=True)
class Portion:
    """What is computed at once."""

    rows: int
    """Sequences of a micro-batch."""
    recompute: bool


def choose_portion(job: TrainJob, vocabulary: int, device: torch.device, world: int = 1) -> Portion:
    """What fits, and fits well. Raises StudyError if an environment variable asks for what cannot be."""
    length = job.sequence_length
    most = max(1, _asked_tokens(length) // length or MICRO_BATCH_TOKENS[device.type] // length)
    asked = switch(RECOMPUTE)
    if device.type == "cpu":
        needed = activation_bytes(job, most * length, recompute=False, device="cpu")
        return Portion(most, asked or (asked is None and needed > _CPU_FRACTION * _free_bytes()))
    memory = torch.cuda.get_device_properties(device).total_memory * _USED_FRACTION
    room = memory - state_bytes(job, vocabulary, world)
    for recompute in (False, True) if asked is None else (asked,):
        rows = most
        while rows > 1 and activation_bytes(job, rows * length, recompute=recompute) > room:
            rows //= 2
        if activation_bytes(job, rows * length, recompute=recompute) <= room or asked is not None:
            return Portion(rows, recompute)
    return Portion(1, True)


def choose_layout(job: TrainJob, vocabulary: int, world: int) -> Layout:
    """Whole models in every process where they fit well, else a part of each weight in each.

    Raises StudyError if the environment asks for something else.
    """
    asked = choice(PARALLEL, ("replicated", "sharded"))
    if asked is not None:
        return cast(Layout, asked)
    if torch.cuda.is_available():
        room = torch.cuda.get_device_properties(0).total_memory * _REPLICATED_FRACTION
    else:
        room = _all_bytes() * _REPLICATED_FRACTION / world  # not what is free just now: last bits depend on the layout
    return "replicated" if state_bytes(job, vocabulary) <= room else "sharded"


def state_bytes(job: TrainJob, vocabulary: int, world: int = 1) -> float:
    """Bytes of masters, gradients and moments (float32), shared by `world` processes, and of low-precision copies."""
    parameters = sum(job.architecture.count_parameters(vocabulary))
    copies = 2 if job.precision == "bfloat16" else 0
    return parameters * (16 / world + copies)


def activation_bytes(job: TrainJob, tokens: int, *, recompute: bool, device: str = "cuda") -> float:
    """About how many bytes the backward pass needs of a micro-batch: what each block keeps for it.

    Counted from the block's own tensors: residual and norm, the input product, turned queries and keys, attention and
    the gated product, in the format of the products; in float32 the residual stream; on a CPU the weights of attention
    too, half a square a head. With recomputation, one block's and the residual stream of all. At 10M parameters on
    a CPU it was 3 to 8 % too low.
    """
    layers, width, heads, ffn_width = _shape_of(job.architecture)
    number = 2 if job.precision == "bfloat16" else 4
    stream = 4 * width
    block = float(stream + number * (9 * width + 6 * ffn_width))
    if device == "cpu":
        block += number * heads * job.sequence_length / 2
    if recompute:
        return tokens * (layers * stream + block)
    return tokens * layers * block


def _shape_of(architecture: Architecture | OutsideArchitecture) -> tuple[int, int, int, int]:
    """(layers, width, heads, width of the feed-forward)."""
    found = [getattr(architecture, name) for name in ("layers", "width", "heads", "ffn_width")]
    assert all(isinstance(number, int) for number in found), "it was pinned before it was planned"
    layers, width, heads, ffn_width = found
    return layers, width, heads, ffn_width


@contextmanager
def explaining_shortage(
    job: TrainJob, portion: Portion, vocabulary: int, world: int, device: torch.device
) -> Iterator[None]:
    """Turn what torch says when memory runs out into what would fit."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_shortage(error):
            raise
        raise EngineError(_advice(job, portion, vocabulary, world, device.type)) from error


def _advice(job: TrainJob, portion: Portion, vocabulary: int, world: int, device: str) -> str:
    length, rows = job.sequence_length, portion.rows
    states = state_bytes(job, vocabulary, world)
    now = activation_bytes(job, rows * length, recompute=portion.recompute, device=device)
    said = (
        f"out of memory with micro-batches of {rows * length} tokens: about {_size(states)} of weights, gradients and "
        f"moments and {_size(now)} of activations a process"
    )
    ways = []
    if rows > 1:
        less = activation_bytes(job, rows // 2 * length, recompute=portion.recompute, device=device)
        ways.append(f"{MICRO_BATCH}={rows // 2 * length} needs {_size(less)} of activations")
    if not portion.recompute:
        again = activation_bytes(job, rows * length, recompute=True, device=device)
        ways.append(f"{RECOMPUTE}=1 needs {_size(again)} of activations and a third more work")
    shared = state_bytes(job, vocabulary, 2 * world)
    ways.append(f"TITRANT_RANKS={2 * world} needs {_size(shared)} of weights, gradients and moments a process")
    return f"{said}. What would fit: {'; '.join(ways)}. What was done is kept: run again with one of them"


def _asked_tokens(length: int) -> int:
    asked = whole(MICRO_BATCH, 0)
    if asked % length:
        raise StudyError(f"{MICRO_BATCH} is {asked}, and sequences have {length} tokens; give a multiple of {length}")
    return asked


def _is_shortage(error: BaseException) -> bool:
    words = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
        sign in words for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _free_bytes() -> float:
    return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _all_bytes() -> float:
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _size(number: float) -> str:
    return f"{number / 1e9:.3g} GB" if number >= 1e9 else f"{number / 1e6:.3g} MB"
