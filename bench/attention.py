"""Attention within documents beside attention across them, on a CPU: one layer forward and backward.

    python bench/attention.py                      # half a minute

8,192 tokens of 6 heads of 64 channels in bfloat16, in sequences of three lengths. Documents end at random, one token
in 500. CPU time of one thread; the two take turns, and the medians and their ratio are printed.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor

from titrant.model.attention import Documents, causal_attention, find_documents
from titrant.model.device import keep_memory

TOKENS, HEADS, HEAD_WIDTH, DOCUMENT_TOKENS = 8_192, 6, 64, 500


def main() -> None:
    """Measure and print one line a length."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--lengths", nargs="+", type=int, default=[512, 2_048, 8_192])
    given.add_argument("--rounds", type=int, default=7)
    asked = given.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print(f"{'length':>8}{'across ms':>12}{'within ms':>12}{'within / across':>17}")
    for length in asked.lengths:
        across, within = _measure(length, asked.rounds)
        print(f"{length:8,}{1e3 * across:12.1f}{1e3 * within:12.1f}{within / across:17.2f}")


def _measure(length: int, rounds: int) -> tuple[float, float]:
    generator = torch.Generator().manual_seed(0)
    shape = (TOKENS // length, HEADS, length, HEAD_WIDTH)
    parts = [torch.randn(shape, generator=generator).bfloat16().requires_grad_() for _ in range(3)]
    tokens = torch.randint(DOCUMENT_TOKENS, (TOKENS // length, length), generator=generator)
    documents = find_documents(tokens, 0, fused=False)
    gradient = torch.randn(shape, generator=generator).bfloat16()
    taken: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        taken.append((_seconds(parts, None, gradient), _seconds(parts, documents, gradient)))
    across, within = zip(*taken[1:], strict=True)
    return statistics.median(across), statistics.median(within)


def _seconds(parts: list[Tensor], documents: Documents | None, gradient: Tensor) -> float:
    start = time.process_time()
    causal_attention(*parts, documents).backward(gradient)  # type: ignore[no-untyped-call]
    return time.process_time() - start


if __name__ == "__main__":
    main()
