"""What a design can resolve: power and the smallest detectable difference for given variance components.

Closed form where seeds dominate (noncentral t on S - 1 degrees of freedom); where items matter too, the same
integral over the seeds' chi-squared that the test itself uses, with the test's own floors: no estimate of A below
the residual's share of it, no total below the least variance. Items' own degrees of freedom are taken as many.

Steps: lay out the estimates of A that the seeds may show, find for each the difference from which on p < alpha, and
sum the probability of larger ones, weighted with the chi-squared of the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import nct, t

from titrant.analyze.components import Floats
from titrant.analyze.reference import chi_squared_grid

_NO_WEIGHT = 1e-9
"""Estimates of A with less weight than this are left out."""


@dataclass(frozen=True)
class Design:
    """True variances of a mean over S seeds and I items, and the level at which it is tested.

    Variances are those of the mean, as in `components`, not of one run. Needs two seeds or more.
    """

    seed_variance: float
    """A = seed / S + residual / (S I)."""
    item_variance: float
    """B = item / I."""
    num_seeds: int
    alpha: float
    """For a family of N give alpha / N: the difference is then found whatever the other findings are."""
    residual: float = 0.0
    """residual / (S I): the part of A that is known well, so that no estimate of A lies below it."""
    least_variance: float = 0.0
    """Variance below which the estimated total is not believed (accuracies: one item more or less)."""

    def __post_init__(self) -> None:
        if self.num_seeds < 2:
            raise ValueError("with one seed no difference can be resolved: power needs num_seeds of 2 or more")

    @property
    def error(self) -> float:
        """Standard deviation of the difference that is seen."""
        return sqrt(self.seed_variance + self.item_variance)

    @cached_property
    def critical(self) -> tuple[Floats, Floats]:
        """[N], [N]: differences from which on p < alpha, by the estimate of A, and how likely each estimate is."""
        df = self.num_seeds - 1
        x_M, weight_M = chi_squared_grid(df)
        likely = weight_M > _NO_WEIGHT
        scatter_N = self.seed_variance * x_M[likely] / df
        items_N = np.maximum(self.item_variance, self.least_variance - np.maximum(scatter_N, self.residual))
        # as in `reference`: the variance of the error, given what the seeds show and a draw of its own chi-squared
        variance_NM = np.maximum(scatter_N[:, None] * (df / x_M), self.residual) + items_N[:, None]
        return _critical(np.sqrt(variance_NM), weight_M, self.alpha), weight_M[likely] / weight_M[likely].sum()


def power_seeds_only(difference: float, seed_deviation: float, num_seeds: int, alpha: float) -> float:
    """Power of the two-sided t test on S - 1 degrees of freedom; `seed_deviation` is the standard deviation of the
    paired difference from seed to seed.

    >>> round(power_seeds_only(1.0, 0.5, 5, 0.05), 3)
    0.909

    **Source:** noncentral t; Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" 2, chapter 31.
    """
    df, shift = num_seeds - 1, difference * sqrt(num_seeds) / seed_deviation
    critical = t.ppf(1 - alpha / 2, df)
    # the wrong side's share underflows to nan far out, where it is nothing
    return float(nct.sf(critical, df, abs(shift)) + np.nan_to_num(nct.cdf(-critical, df, abs(shift))))


def planned_power(difference: float, design: Design) -> float:
    """Probability that a true difference gets p < alpha in this design."""
    if design.error == 0:
        return 1.0 if difference else 0.0
    critical, likely = design.critical
    reached = ndtr((difference - critical) / design.error) + ndtr((-difference - critical) / design.error)
    return min(1.0, float(reached @ likely))


def minimum_detectable(design: Design, power: float = 0.8) -> float:
    """The smallest true difference that gets p < alpha with the given probability."""
    if design.error == 0:
        return 0.0
    low, high = 0.0, design.error
    while planned_power(high, design) < power:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if planned_power(middle, design) >= power else (middle, high)
    return high


def _critical(deviation_NM: Floats, weight_M: Floats, alpha: float) -> Floats:
    """[N]: where the upper tail of a mixture of M normals is alpha / 2, by bisection in logarithms."""
    low = np.log(deviation_NM.min(axis=1)) - 3.0

    def is_wide(log_difference_N: Floats) -> Floats:
        return np.asarray(ndtr(-np.exp(log_difference_N)[:, None] / deviation_NM) @ weight_M > alpha / 2)

    high = low + 4.0
    while np.any(wide := is_wide(high)):
        low, high = np.where(wide, high, low), np.where(wide, high + 2.0, high)
    for _ in range(26):
        middle = (low + high) / 2
        wide = is_wide(middle)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(np.exp((low + high) / 2))
