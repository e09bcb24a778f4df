"""How far a paired difference varies with the training seed and with the choice of items: variance components.

The paired differences d[s, i] of S seeds and I items follow a two-way crossed random-effects model with variances
`seed`, `item` and `residual`, so that

    Var(mean) = seed / S + item / I + residual / (S I) = A + B,   A = seed / S + residual / (S I),  B = item / I

A is what a t test over seeds on these items would use: the sample variance of the S differences, divided by S, on
S - 1 degrees of freedom. B is what all seeds share because they answer the same items; it rests on many items.
Weighted outcomes (bits per byte) are ratios sum(bits) / sum(bytes): items enter through their delete-one jackknife
influence on the ratio, which for equal weights is the usual analysis of variance.

**Source:** Searle, Casella and McCulloch, "Variance Components" (1992), section 4.7 (the two-way crossed model);
Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 11.5 (jackknife variance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """A paired difference with its variance components. Every array may carry leading batch dimensions [...]."""

    by_seed: Floats
    """[..., S]: the difference of the two arms by seed, in the outcome's unit."""
    items_on_these_seeds: Floats
    """[...]: variance of the mean over items for the given seeds: item / I + residual / (S I)."""
    residual: Floats
    """[...]: residual / (S I); 0 with one seed, where it cannot be told from the items' own variance."""
    item_df: Floats
    """[...]: effective degrees of freedom of the items' variance, from the inequality of their influences."""
    least_variance: float = 0.0
    """Variance below which the total is not believed (accuracies: one item more or less)."""

    @property
    def num_seeds(self) -> int:
        """S."""
        return int(self.by_seed.shape[-1])

    @property
    def difference(self) -> Floats:
        """[...]: mean over seeds."""
        return np.asarray(self.by_seed.mean(axis=-1))

    @property
    def scatter(self) -> Floats:
        """[...]: A as the seeds alone show it: sample variance of the differences, divided by S; 0 with one seed."""
        if self.num_seeds == 1:
            return np.zeros_like(self.residual)
        return np.asarray(self.by_seed.var(axis=-1, ddof=1) / self.num_seeds)

    @property
    def seed_variance(self) -> Floats:
        """[...]: A. Never below the residual's share, which it contains: few seeds may agree by accident."""
        return np.asarray(np.maximum(self.scatter, self.residual))

    @property
    def item_variance(self) -> Floats:
        """[...]: B. With one seed: all that can be seen, seeds not included."""
        shared = np.maximum(self.items_on_these_seeds - self.residual, 0.0)
        return np.asarray(np.maximum(shared, self.least_variance - self.seed_variance))

    @property
    def standard_error(self) -> Floats:
        """[...]: sqrt(A + B)."""
        return np.asarray(np.sqrt(self.seed_variance + self.item_variance))


def variance_components(difference_SI: Floats, weight_I: Floats, *, binary: bool = False) -> Components:
    """Components of sum_i difference[s, i] / sum_i weight[i], averaged over seeds.

    `difference_SI` [..., S, I] is a value of the arm minus that of its control for the same seed and item (bits, or 1
    and 0); `weight_I` [I] is positive (bytes, or 1). `binary` says that values are 0 or 1. Needs two items or more.
    """
    num_seeds, num_items = difference_SI.shape[-2:]
    if num_items < 2:
        raise ValueError("variance components need at least 2 items")
    total = weight_I.sum()
    by_seed = difference_SI.sum(axis=-1) / total
    # e[s, i] = I x (jackknife change of the seed's ratio when item i is left out)
    influence = difference_SI - by_seed[..., None] * weight_I
    influence = influence * (num_items / (total - weight_I))
    shared = influence.mean(axis=-2)
    jackknife = (num_items - 1) / num_items**3
    squares = (shared**2).sum(axis=-1)
    residual = np.zeros_like(squares)
    if num_seeds > 1:
        own = ((influence - shared[..., None, :]) ** 2).sum(axis=(-2, -1))
        residual = jackknife * own / ((num_seeds - 1) * num_seeds)
    return Components(
        by_seed=by_seed,
        items_on_these_seeds=jackknife * squares,
        residual=residual,
        item_df=_effective_df(shared, squares),
        least_variance=1.0 / num_items**2 if binary else 0.0,
    )


def _effective_df(influence_I: Floats, squares: Floats) -> Floats:
    """2 V^2 / Var(V) of the items' variance V: I for normal influences, fewer where few items carry the sum.

    **Source:** Satterthwaite 1946 with Var(s^2) = s^4 (kurtosis - 1) / I.
    """
    num_items = influence_I.shape[-1]
    fourth = (influence_I**4).sum(axis=-1)
    kurtosis = num_items * fourth / np.maximum(squares**2, np.finfo(float).tiny)
    return np.asarray(np.clip(2 * num_items / np.maximum(kurtosis - 1, 2.0), 1.0, num_items - 1))


def mean_of(parts: Sequence[Components], same_items: Sequence[str] = ()) -> Components:
    """Components of the plain mean of several outcomes with the same seeds.

    Seeds are shared: their part is seen in the mean's own scatter. `same_items` [len(parts)] names what each outcome's
    items are taken from: items of outcomes of different names are independent, and those of one name (a source and
    what is made of it, scored on the same held-out documents) are held to vary all together, so that standard errors
    add and not variances. That is the largest variance that their mean can have, and no document need be found again
    in what a transform made of it: where they vary together less, the interval is too wide and never too narrow.
    Without `same_items` all are independent.
    """
    count = len(parts)
    blocks: dict[str | int, list[Components]] = {}
    for index, part in enumerate(parts):
        blocks.setdefault(same_items[index] if same_items else index, []).append(part)
    sums = [_sum_on_same_items(block) if len(block) > 1 else block[0] for block in blocks.values()]
    items = np.stack([part.items_on_these_seeds for part in sums]) / count**2
    df = np.stack([part.item_df for part in sums])
    spread = (items**2 / df).sum(axis=0)
    total = items.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.where(spread > 0, total**2 / spread, df.min(axis=0))
    return Components(
        by_seed=np.mean([part.by_seed for part in parts], axis=0),
        items_on_these_seeds=total,
        residual=np.stack([part.residual for part in sums]).sum(axis=0) / count**2,
        item_df=np.asarray(pooled),
        least_variance=sum(part.least_variance for part in sums) / count**2,
    )


def _sum_on_same_items(parts: Sequence[Components]) -> Components:
    """Components of the sum of outcomes that vary all together: by Cauchy and Schwarz no sum varies more."""
    residual = np.sqrt([part.residual for part in parts]).sum(axis=0) ** 2
    shared = [np.maximum(part.items_on_these_seeds - part.residual, 0.0) for part in parts]
    return Components(
        by_seed=np.sum([part.by_seed for part in parts], axis=0),
        items_on_these_seeds=np.sqrt(shared).sum(axis=0) ** 2 + residual,
        residual=residual,
        item_df=np.min([part.item_df for part in parts], axis=0),
        least_variance=float(np.sqrt([part.least_variance for part in parts]).sum() ** 2),
    )


def satterthwaite_df(components: Components) -> Floats:
    """[...]: degrees of freedom of A + B by Welch and Satterthwaite, as a figure to read.

    Intervals do not use it: with two or three seeds the estimate of A is often small by accident, and these degrees
    of freedom are then large exactly where they should be small (see `reference`).
    """
    seeds, items = components.seed_variance, components.item_variance
    if components.num_seeds == 1:
        return components.item_df
    spread = seeds**2 / (components.num_seeds - 1) + items**2 / components.item_df
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, (seeds + items) ** 2 / spread, components.num_seeds - 1))
