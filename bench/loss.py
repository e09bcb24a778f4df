"""Memory and time of the loss over the vocabulary, beside PyTorch's own.

    python bench/loss.py                           # some minutes
    python bench/loss.py --vocabularies 4096 65536 --rounds 2

Memory: one process a row of the table, which makes hidden states of 8,192 positions and a matrix with its gradient,
runs one small loss, notes what is resident, takes one loss forward and backward, and reads the peak that the kernel
kept of it; pages that are freed go back at once there, so that what is resident is what is used. The states and the
matrix are there before and are not counted. Of what is counted, one float32 array of the matrix's size is the new
gradient on its way to be added; any trainer needs it, and it stands in a column of its own.
Time: CPU seconds of one loss forward and backward of fewer positions; the variants take turns in one process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import os
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from titrant.model.device import keep_memory
from titrant.model.loss import mean_cross_entropy

WIDTH, POSITIONS, TIMED_POSITIONS = 384, 8_192, 2_048

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Mean loss of hidden states [N, D], float32 matrix [V, D], its bfloat16 copy and targets [N]."""


def _ours(hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor) -> Tensor:
    return mean_cross_entropy(hidden_ND, weight_VD, targets_N, copy_VD=copy_VD)


def _ours_capped(hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor) -> Tensor:
    return mean_cross_entropy(hidden_ND, weight_VD, targets_N, copy_VD=copy_VD, soft_cap=30.0)


def _chunked_by_torch(hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor) -> Tensor:
    options = torch.nn.LinearCrossEntropyOptions()
    return functional.linear_cross_entropy(hidden_ND, weight_VD.bfloat16(), targets_N, options=options)


def _plain(hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor) -> Tensor:
    return functional.cross_entropy((hidden_ND @ weight_VD.bfloat16().T).float(), targets_N)


LOSSES: dict[str, Loss] = {"titrant": _ours, "titrant, soft cap": _ours_capped, "all logits at once": _plain}
if hasattr(torch.nn, "LinearCrossEntropyOptions"):  # PyTorch 2.13
    LOSSES["linear_cross_entropy"] = _chunked_by_torch


def main() -> None:
    """Measure and print both tables."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--vocabularies", nargs="+", type=int, default=[4_096, 16_384, 65_536, 262_144])
    given.add_argument("--losses", nargs="+", choices=LOSSES, default=list(LOSSES))
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument("--no-time", action="store_true", help="memory alone")
    asked = given.parse_args()
    torch.set_num_threads(1)
    print(f"{'vocabulary':>10}  {'loss':22}{'peak MB':>9}{'gradient MB':>13}{'the rest MB':>13}{'of the first':>13}")
    first: dict[str, float] = {}
    for vocabulary in asked.vocabularies:
        for name in asked.losses:
            if name == "all logits at once" and vocabulary > 65_536:
                continue  # tens of gigabytes
            peak, gradient = _peak_in_a_process(vocabulary, name) / 1e6, 4 * vocabulary * WIDTH / 1e6
            ratio = (peak - gradient) / first.setdefault(name, peak - gradient)
            print(f"{vocabulary:10,}  {name:22}{peak:9,.0f}{gradient:13,.0f}{peak - gradient:13,.0f}{ratio:13.2f}")
    if not asked.no_time:
        keep_memory()
        for vocabulary in asked.vocabularies:
            _time(vocabulary, asked.losses, asked.rounds)


def _peak_in_a_process(vocabulary: int, name: str) -> int:
    os.environ |= {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}  # glibc's, for the child
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure_peak, args=(vocabulary, name, theirs))
    process.start()
    theirs.close()
    peak: int = ours.recv()
    process.join()
    return peak


def _measure_peak(vocabulary: int, name: str, pipe: multiprocessing.connection.Connection) -> None:
    torch.set_num_threads(1)
    _run(LOSSES[name], *_given(256, 1_024))  # so that the library is loaded
    hidden_ND, weight_VD, copy_VD, targets_N = _given(POSITIONS, vocabulary)
    weight_VD.grad = torch.zeros_like(weight_VD).add_(0.0)  # written to, so that it is resident
    hidden_ND.grad = torch.zeros_like(hidden_ND).add_(0.0)
    Path("/proc/self/clear_refs").write_text("5")  # the kernel's peak begins anew
    before = _resident("VmRSS")
    _run(LOSSES[name], hidden_ND, weight_VD, copy_VD, targets_N)
    pipe.send(_resident("VmHWM") - before)


def _time(vocabulary: int, names: list[str], rounds: int) -> None:
    positions = max(256, min(TIMED_POSITIONS, 2**26 // vocabulary))
    given = _given(positions, vocabulary)
    taken: dict[str, list[float]] = {name: [] for name in names if name != "all logits at once" or vocabulary <= 65_536}
    for counted in range(-1, rounds):
        for name in taken:
            start = time.process_time()
            _run(LOSSES[name], *given)
            if counted >= 0:
                taken[name].append(time.process_time() - start)
    flops = 6 * positions * vocabulary * WIDTH
    print(f"\nvocabulary {vocabulary:,}, {positions:,} positions: CPU ms, GFLOP/s")
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(f"  {name:22}{1e3 * middle:9,.0f}{flops / middle / 1e9:8,.0f}")


def _given(positions: int, vocabulary: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight_VD = torch.randn(vocabulary, WIDTH, generator=generator).mul_(0.02).requires_grad_()
    hidden_ND = torch.randn(positions, WIDTH, generator=generator).bfloat16().requires_grad_()
    targets_N = torch.randint(vocabulary, (positions,), generator=generator)
    return hidden_ND, weight_VD, weight_VD.detach().bfloat16(), targets_N


def _run(loss: Loss, hidden_ND: Tensor, weight_VD: Tensor, copy_VD: Tensor, targets_N: Tensor) -> None:
    loss(hidden_ND, weight_VD, copy_VD, targets_N).backward()


def _resident(what: str) -> int:
    found = re.search(rf"^{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("this needs the /proc of Linux")
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
