"""The processes that train one phase together: which of them this one is, and what they say to each other.

`torchrun` (or any launcher that sets its variables) starts them; gloo connects them on CPUs, NCCL on GPUs;
groups of gloo carry what concerns hosts and files. Alone, nothing is said and nothing of torch.distributed is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
from torch import Tensor

from titrant.settings import seconds

COLLECTIVE_SECONDS = "TITRANT_COLLECTIVE_SECONDS"
"""Environment variable: how long a process waits for the others before it gives up, 300 by default. A process that is
killed ends the others at once on its own machine, and within this time on the other ones."""

PARALLEL = "TITRANT_PARALLEL"
"""Environment variable: whether each of several processes holds the whole model (`replicated`) or a part of each weight
(`sharded`); by default the first where it fits well."""

Layout = Literal["replicated", "sharded"]
"""Whether every process holds the whole model (plain data parallel) or a part of each weight (FSDP2)."""


@dataclass(frozen=True)
class Ranks:
    """One of `world` processes, `rank` from 0. The first one writes what is written once."""

    rank: int = 0
    world: int = 1
    layout: Layout = "replicated"
    mesh: Any = None
    """The device mesh; None if alone."""
    hosts: Any = None
    """The gloo group for what concerns the hosts and not gradients; None if alone."""
    disk: Any = None
    """The gloo group of snapshots, which are written in a thread: its words never mix with others; None if alone."""

    @property
    def first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.world == 1

    def sum(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Sums over all processes, in float64, the same bits in each of them. Waits for all."""
        if self.alone:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        found: list[float] = total.tolist()
        return found

    def sum_integers(self, counts: Sequence[int]) -> list[int]:
        """Sums modulo 2^64 over all processes. Waits for all."""
        if self.alone:
            return [count % 2**64 for count in counts]
        total = torch.tensor([_signed(count) for count in counts], dtype=torch.int64)
        torch.distributed.all_reduce(total, group=self.hosts)
        return [count % 2**64 for count in total.tolist()]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, in buckets of about 25 million numbers."""
        if self.alone or not tensors:
            return
        bucket: list[Tensor] = []
        for tensor in tensors:
            bucket.append(tensor)
            if sum(one.numel() for one in bucket) >= _BUCKET_NUMBERS:
                _add_up(bucket)
                bucket = []
        if bucket:
            _add_up(bucket)

    def wait_for_all(self) -> None:
        """Go on when all processes are here."""
        if not self.alone:
            torch.distributed.barrier(group=self.hosts)

    def wait_for_disk(self) -> None:
        """Go on when the first process has written: an hour is not too long for a large model on a slow disk."""
        if not self.alone:
            torch.distributed.barrier(group=self.disk)


ALONE = Ranks()
"""One process that trains by itself."""

_BUCKET_NUMBERS = 25_000_000
_DISK = timedelta(hours=1)
"""How long processes wait for one that writes."""


def join(device: torch.device, layout: Layout) -> Ranks:
    """Meet the other processes that the launcher started; what it says stands in RANK, WORLD_SIZE and LOCAL_RANK."""
    from torch.distributed.device_mesh import init_device_mesh

    timeout = timedelta(seconds=seconds(COLLECTIVE_SECONDS, 300, least=1))
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timeout)
    world = torch.distributed.get_world_size()
    mesh = init_device_mesh(device.type, (world,), mesh_dim_names=("ranks",))
    hosts = torch.distributed.new_group(backend="gloo", timeout=timeout)
    disk = torch.distributed.new_group(backend="gloo", timeout=max(timeout, _DISK))
    return Ranks(torch.distributed.get_rank(), world, layout, mesh, hosts, disk)


def leave() -> None:
    """Part from the others."""
    torch.distributed.destroy_process_group()


def _add_up(bucket: list[Tensor]) -> None:
    if len(bucket) == 1 and bucket[0].is_contiguous():
        torch.distributed.all_reduce(bucket[0])
        return
    flat = torch.cat([tensor.flatten() for tensor in bucket])
    torch.distributed.all_reduce(flat)
    for tensor, part in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _signed(count: int) -> int:
    """The integer below 2^63 with the same 64 bits."""
    count %= 2**64
    return count - 2**64 if count >= 2**63 else count
