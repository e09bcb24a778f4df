"""A learning-rate curve in steps and absolute rates, and its value at any step: what a schedule comes to.

A curve is a function of the step alone, so the plan can print it, training follows it, and the report proves that
the realised rates are the planned ones.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from titrant.study.declaration import Declaration


class Curve(Declaration):
    """The resolved curve of one phase. Steps count from the start of the phase; `offset_steps` of the curve lie
    before it (a curve that another phase began)."""

    shape: Literal["cosine", "linear", "1-sqrt", "constant", "warmup-stable-decay"]
    start_rate: float = Field(ge=0)
    """Rate at the curve's start: 0 where it is warmed up, else the rate from which it falls."""
    peak_rate: float = Field(gt=0)
    """Rate after the warmup."""
    final_rate: float = Field(ge=0)
    """Rate at the curve's end (the peak rate for a constant)."""
    warmup_steps: int = Field(ge=0)
    """Steps of linear rise from `start_rate` to `peak_rate`."""
    decay_steps: int = Field(ge=0)
    """Steps of the fall at the curve's end."""
    decay_shape: Literal["linear", "1-sqrt", "cosine"]
    """How it falls."""
    horizon_steps: int = Field(gt=0)
    """Length of the whole curve."""
    offset_steps: int = Field(default=0, ge=0)
    """Steps of the curve that lie before this phase."""

    def rate_at(self, step: int) -> float:
        """Learning rate of optimizer step `step` (from 0) of the phase.

        >>> curve = Curve(shape="linear", start_rate=0, peak_rate=1, final_rate=0, warmup_steps=2, decay_steps=8,
        ...               decay_shape="linear", horizon_steps=10)
        >>> [round(curve.rate_at(step), 3) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 0.875, 0.375, 0.0]
        """
        # the rate of a step is the curve's value at the end of that step: the first step is never at zero
        position = self.offset_steps + step + 1
        if position <= self.warmup_steps:
            return self.start_rate + (self.peak_rate - self.start_rate) * position / self.warmup_steps
        fallen = position - (self.horizon_steps - self.decay_steps)
        if self.decay_steps == 0 or fallen <= 0:
            return self.peak_rate
        progress = min(1.0, fallen / self.decay_steps)
        height = {
            "linear": 1 - progress,
            "1-sqrt": 1 - math.sqrt(progress),
            "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
        }[self.decay_shape]
        return self.final_rate + (self.peak_rate - self.final_rate) * height
