"""Resampling seeds and items together: a check on the closed-form standard error that assumes no formula.

Items are drawn with replacement once per resample and serve all seeds and all contrasts; seeds are drawn with
replacement independently. The plain resampling variance is biased in a known way: it shrinks the seeds' part by
(S - 1) / S (a half at two seeds) and counts the residual once more. Hence the covariance of the seeds' ratios over
resampled *items* gives the items' part, the seeds' scatter comes from resampled *seeds* with the factor undone, and
the percentiles themselves are never used as an interval.

**Source:** Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), for the bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import blake3
import numpy as np
from numpy.typing import NDArray

from titrant.analyze.components import Floats

MOST_DRAWS = 1_000_000
"""Items drawn at once: 4,000 resamples of 18,000 items would take gigabytes. The draws are the same in any portions."""


@dataclass(frozen=True)
class Resampled:
    """Resampled differences of C contrasts with S seeds."""

    standard_error: Floats
    """[C]: of the mean over seeds and items, the seeds' shrinkage undone."""
    item_standard_error: Floats
    """[C]: of the mean over items for the given seeds."""
    skewness: Floats
    """[C]: of the mean over resampled items; far from 0 where few items decide."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator of its own for each name, so that no result depends on the order of work."""
    digest = blake3.blake3("\0".join(names).encode()).digest(length=8)
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])


def item_counts(num_items: int, resamples: int, draws: np.random.Generator) -> NDArray[np.float64]:
    """[resamples, I]: how often each item is drawn in each resample."""
    drawn = draws.integers(0, num_items, size=(resamples, num_items))
    drawn += np.arange(resamples)[:, None] * num_items
    return np.bincount(drawn.ravel(), minlength=resamples * num_items).reshape(resamples, num_items).astype(float)


def resample(difference_CSI: Floats, weight_I: Floats, resamples: int, draws: np.random.Generator) -> Resampled:
    """Resample seeds and items of C contrasts on one outcome."""
    contrasts, num_seeds, num_items = difference_CSI.shape
    columns_XI = difference_CSI.reshape(-1, num_items)
    portion = max(1, MOST_DRAWS // num_items)
    ratios = []
    for start in range(0, resamples, portion):
        counts_PI = item_counts(num_items, min(portion, resamples - start), draws)
        ratios.append((counts_PI @ columns_XI.T) / (counts_PI @ weight_I)[:, None])
    ratio_BCS = np.concatenate(ratios).reshape(resamples, contrasts, num_seeds)
    mean_BC = ratio_BCS.mean(axis=2)
    item_variance = mean_BC.var(axis=0, ddof=1)
    centred = mean_BC - mean_BC.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    skewness = (centred**3).mean(axis=0) / np.maximum(spread**3, np.finfo(float).tiny)
    variance = item_variance
    if num_seeds > 1:
        own = ratio_BCS.var(axis=0, ddof=1).mean(axis=1)
        residual = np.maximum(own - item_variance, 0.0) / (num_seeds - 1)
        by_seed = difference_CSI.sum(axis=2) / weight_I.sum()
        seeds_BS = draws.multinomial(num_seeds, [1 / num_seeds] * num_seeds, size=resamples) / num_seeds
        scatter = (seeds_BS @ by_seed.T).var(axis=0, ddof=1) * num_seeds / (num_seeds - 1)
        variance = np.maximum(scatter, residual) + np.maximum(item_variance - residual, 0.0)
    return Resampled(np.sqrt(variance), np.sqrt(item_variance), skewness)
