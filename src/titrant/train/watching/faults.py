"""Judges each step of a phase by its loss and its gradient norm: go on, leave the update out, or end the run.

    spike at step t  <=>  t > warmup_steps  and  loss_t > m + deviations * max(1.4826 * mad, 0.001 * |m|)
    m, mad: median of the last `window` finite losses before t, and their median absolute distance from it

The state is the losses and norms of the phase and nothing else. A phase that resumes gives the curve that it has so far
and gets the same judge back, with the same spikes and skipped steps. All ranks judge the global loss, and so alike.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from titrant.errors import EngineError
from titrant.study.faults import ADVICE, FEWEST_LOSSES, Faults

SIGMA_OF_MAD = 1.4826
"""Standard deviation of normal values by their median absolute deviation (Rousseeuw and Croux 1993)."""
LEAST_SPREAD = 1e-3
"""The least spread, as a share of the median: where losses are all but equal, rounding is no spike."""


@dataclass(frozen=True)
class Decision:
    """What becomes of one step."""

    kind: Literal["go", "skip", "stop"]
    """`go`: update. `skip`: leave weights and optimizer as they are, count the tokens as drawn, go on. `stop`: raise
    EngineError with the words."""
    words: str = ""
    """What to tell; empty where all is well."""


_ALL_IS_WELL = Decision("go")


@dataclass(frozen=True)
class _Spread:
    median: float
    size: float
    losses: int


class Watcher:
    """The judge of one phase. `spikes` and `skipped` are steps counted from 1, in order; a spike whose update was left
    out is in both.

    `losses` and `gradient_norms` are what the curve holds of the steps done so far (float64, as `judge` was given
    them); they are judged anew, about 5 microseconds each. Raises EngineError if they would have ended the run.
    """

    def __init__(
        self, faults: Faults, steps: int, losses: Sequence[float] = (), gradient_norms: Sequence[float] = ()
    ) -> None:
        self._faults, self._steps = faults, steps
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []
        self.spikes: list[int] = []
        self.skipped: list[int] = []
        for step, (loss, norm) in enumerate(zip(losses, gradient_norms, strict=True)):
            if (decision := self.judge(step, loss, norm)).kind == "stop":
                raise EngineError(decision.words)

    def judge(self, step: int, loss: float, gradient_norm: float, learning_rate: float | None = None) -> Decision:
        """The decision on a step (from 0, each once and in order), by the global mean loss and the norm that clipping
        found.

        Both must be the values that the curve keeps. The learning rate is only for the words.
        """
        finite = math.isfinite(loss) and math.isfinite(gradient_norm)
        spread = self._spread_below(loss) if finite and step >= self._faults.warmup_steps else None
        above = spread is not None and loss > spread.median + self._faults.deviations * spread.size
        if math.isfinite(loss):
            self._remember(loss)
        if finite and not above:
            return _ALL_IS_WELL
        place = f"at step {step + 1} of {self._steps}"
        rate = "" if learning_rate is None else f", learning rate {learning_rate:.3g}"
        if not finite:
            words = f"loss is not finite {place} (loss {loss}, gradient norm {gradient_norm}{rate})"
            return self._act(self._faults.non_finite, step, words)
        assert spread is not None
        self.spikes.append(step + 1)
        words = (
            f"loss spikes {place}: {loss:.4g} is {(loss - spread.median) / spread.size:.1f} deviations above "
            f"{spread.median:.4g}, the median of the {spread.losses} steps before (gradient norm {gradient_norm:.3g}"
            f"{rate})"
        )
        return self._act(self._faults.spike, step, words)

    def _act(self, policy: Literal["note", "skip-update", "stop"], step: int, words: str) -> Decision:
        if policy == "note":
            return Decision("go", words)
        if policy == "stop":
            return Decision("stop", f"{words}; {ADVICE}")
        self.skipped.append(step + 1)
        if len(self.skipped) > self._faults.most_skipped:
            return Decision(
                "stop",
                f"{words}; that is update {len(self.skipped)} to skip, and the study allows "
                f"{self._faults.most_skipped} (faults: most_skipped): {ADVICE}",
            )
        return Decision("skip", f"{words}; the update was left out")

    def _remember(self, loss: float) -> None:
        self._recent.append(loss)
        insort(self._sorted, loss)
        if len(self._recent) > self._faults.window:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]

    def _spread_below(self, loss: float) -> _Spread | None:
        """Median and spread of the window; None where there are too few, or the loss is no larger than the median."""
        if len(self._sorted) < FEWEST_LOSSES or loss <= (median := _middle(self._sorted)):
            return None
        deviation = _middle(sorted(abs(earlier - median) for earlier in self._sorted))
        size = max(SIGMA_OF_MAD * deviation, LEAST_SPREAD * abs(median))
        return _Spread(median, size, len(self._sorted)) if size > 0 else None


def _middle(ordered: Sequence[float]) -> float:
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2
