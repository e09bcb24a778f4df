"""How much of a task's scores is signal at this scale, and the rule by which tasks enter a mean.

Two ratios stand over one noise, the standard deviation of a single run's score over seeds and items:

- *spread*: the largest minus the smallest mean of an arm. Spread over noise is the published signal-to-noise ratio (its
  two relative figures have one divisor, which cancels): it says which task, and which way of scoring it, tells the arms
  of a study apart. It is shown and decides nothing, since it is the differences that contrasts test: a mean over tasks
  that were picked for their spread is a mean over those where luck was largest.
- *height*: the mean of all arms minus chance. Height over noise is what the rule asks for. Of arms that are equal, sum
  and difference are independent, so what the sum decides brings no luck into a difference; and a task whose noise is
  large against all that a model of this scale can do on it would bring the mean little else.

With one arm there is no spread. With one seed noise is that of items alone, and the entry says so.

**Source:** Heineman et al., "Signal and Noise: A Framework for Reducing Uncertainty in Language Model Evaluation",
arXiv 2508.13144 (2025), section 3, with seeds and items in the place of its last checkpoints; Bourgon, Gentleman and
Huber, PNAS 107 (2010), for a filter that does not know the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from titrant.analyze.components import variance_components
from titrant.analyze.paired import Panel, is_rate

LEAST_HEIGHT = 2.0
"""Height over noise that a task must have to enter a mean."""
RULE = (
    f"A task is in the mean of its category if all arms together stand at least {LEAST_HEIGHT:g} times its noise above "
    "chance, and if no arm is credited on it for giving one answer out of habit. Noise is the standard deviation of "
    "one run's score over seeds and items. How far the arms lie apart is not asked: that is what contrasts test."
)


@dataclass(frozen=True)
class Signal:
    """Signal and noise of one outcome at one scale, in its unit."""

    spread: float | None
    """Largest minus smallest mean of an arm; None with one arm."""
    noise: float
    """Standard deviation of the score of one run."""
    noise_over: Literal["seeds and items", "items"]
    """`items` with one seed: what training adds is not known."""
    spread_to_noise: float | None
    """The signal-to-noise ratio; None with one arm, or without noise."""
    height: float | None
    """Mean over all arms minus chance; None for bits per byte."""
    height_to_noise: float | None


def signal_of(panel: Panel, chance: float) -> Signal:
    """Signal and noise of one outcome over all its runs. `chance`: accuracy of guessing, 0 where nothing is guessed.

    >>> import numpy as np
    >>> right = np.array([[[1.0, 1, 0, 1]], [[1.0, 0, 0, 0]]])
    >>> none = np.full(4, -1)
    >>> found = signal_of(Panel("task/a", ("a", "b"), (0,), ("1", "2", "3", "4"), right, right, none, np.ones(4)), 0.25)
    >>> found.spread, found.height, round(found.noise, 2), found.noise_over
    (0.5, 0.25, 0.25, 'items')
    """
    by_arm = panel.scores().mean(axis=1)
    made = variance_components(panel.value, panel.weight, binary=is_rate(panel.outcome))
    seeds = len(panel.seeds)
    # A is the variance of a mean over seeds, B that of the items they share
    noise = sqrt(float((seeds * made.seed_variance + made.item_variance).mean()))
    spread = float(by_arm.max() - by_arm.min()) if len(panel.arms) > 1 else None
    height = float(by_arm.mean()) - chance if is_rate(panel.outcome) else None
    return Signal(
        spread=spread,
        noise=noise,
        noise_over="seeds and items" if seeds > 1 else "items",
        spread_to_noise=_over(spread, noise),
        height=height,
        height_to_noise=_over(height, noise),
    )


def _over(value: float | None, noise: float) -> float | None:
    return None if value is None or noise == 0 else value / noise
