"""How fast a run trains: tokens a second over the last while, their share of the machine's peak, and the time left.

    utilisation = FLOPs a token x tokens a second / peak FLOP/s

**Source:** Chowdhery et al. 2022 (PaLM), appendix B: recomputed activations count as time and not as FLOPs. Time is the
monotonic clock's, so that a change of the wall clock changes nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch

from titrant.model.peaks import known_accelerator
from titrant.study.units import show_count

WINDOW_SECONDS = 30.0
_POINTS = 500
"""A window is kept in so many points at most: finer tells nothing."""


class Rate:
    """Speed from what was done in the last `window_seconds`; memory is constant.

    `flops_per_token` as `Architecture.flops_per_token` counts them (forward and backward); `peak_flops` of all devices
    that share the work, None where it is not known; `total_tokens` of the phase.
    """

    def __init__(
        self,
        *,
        flops_per_token: float,
        peak_flops: float | None,
        total_tokens: int,
        window_seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flops, self._peak, self._total = flops_per_token, peak_flops, total_tokens
        self._window, self._clock = window_seconds, clock
        self._points: deque[tuple[float, int]] = deque()

    def update(self, tokens: int) -> None:
        """So many tokens of the phase are done now. The first call only says where it begins: call it before the first
        step, after what came before (loading, compiling)."""
        now = self._clock()
        if len(self._points) > 1 and now - self._points[-2][0] < self._window / _POINTS:
            self._points.pop()
        self._points.append((now, tokens))
        while len(self._points) > 2 and now - self._points[1][0] >= self._window:
            self._points.popleft()

    @property
    def tokens_per_second(self) -> float | None:
        """None before there are two points."""
        if len(self._points) < 2:
            return None
        (start, first), (end, last) = self._points[0], self._points[-1]
        return (last - first) / (end - start) if end > start else None

    @property
    def mfu(self) -> float | None:
        """Model FLOPs utilisation, from 0 to about 1; None where speed or peak is not known."""
        speed = self.tokens_per_second
        return None if speed is None or not self._peak else self._flops * speed / self._peak

    @property
    def seconds_left(self) -> float | None:
        """Until the phase's last token at the present speed."""
        speed = self.tokens_per_second
        return (self._total - self._points[-1][1]) / speed if speed else None

    def note(self, loss: float | None) -> str:
        """For `progress`: `loss 2.345, 1.2k tok/s, 54 % of peak`, as far as it is known."""
        parts = [] if loss is None else [f"loss {loss:.3f}"]
        if (speed := self.tokens_per_second) is not None:
            parts.append(f"{_round(speed)} tok/s")
        if (share := self.mfu) is not None:
            parts.append(f"{share:.0%} of peak".replace("%", " %"))
        return ", ".join(parts)


def peak_of(device: torch.device, precision: Literal["float32", "bfloat16"]) -> float | None:
    """Peak FLOP/s of one device for matrix products of that format; None for a GPU that is not in the table.

    A GPU's is its data sheet's. A CPU's (with the threads that this process uses) is measured in 50 ms, once
    a process.
    """
    if device.type == "cpu":
        return measured_peak(precision)
    if device.type != "cuda":
        return None
    known = known_accelerator(torch.cuda.get_device_name(device))
    return None if known is None else known.bf16_flops if precision == "bfloat16" else known.fp32_flops


@cache
def measured_peak(precision: Literal["float32", "bfloat16"], seconds: float = 0.05, size: int = 512) -> float:
    """FLOP/s of the CPU's fastest square product in about `seconds`, four products at least."""
    left = torch.ones(size, size, dtype=getattr(torch, precision))
    best, done = float("inf"), 0
    with torch.inference_mode():
        torch.mm(left, left)  # kernels are chosen and compiled by the first one
        end = time.perf_counter() + seconds
        while done < 4 or time.perf_counter() < end:
            start = time.perf_counter()
            torch.mm(left, left)
            best, done = min(best, time.perf_counter() - start), done + 1
    return 2 * size**3 / best


def _round(speed: float) -> str:
    """Three digits: more would flicker.

    >>> _round(12_345.6), _round(999.7), _round(3.21)
    ('12.3k', '1k', '3.21')
    """
    return show_count(float(f"{speed:.3g}"))
