"""What a design can resolve: power and the smallest detectable difference for given variance components.

Closed form where seeds dominate (noncentral t on S - 1 degrees of freedom); where items matter too, the same
integral over the seeds' chi-squared that the test itself uses. Items' own degrees of freedom are taken as many.
"""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
from scipy.special import ndtr
from scipy.stats import nct, t

from titrant.analyze.components import Components, Floats
from titrant.analyze.reference import chi_squared_grid, half_width

MANY = 1e9
_LOGIT = np.linspace(-28.0, 28.0, 113)


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


def planned_power(
    difference: float, *, seed_variance: float, item_variance: float, num_seeds: int, alpha: float
) -> float:
    """Probability that a true difference gets p < alpha in this design.

    `seed_variance` is A and `item_variance` is B of `components`: the variances of the mean, not of one run.
    Needs two seeds or more.
    """
    if num_seeds < 2:
        raise ValueError("with one seed no difference can be resolved: power needs num_seeds of 2 or more")
    error = sqrt(seed_variance + item_variance)
    if error == 0:
        return 1.0 if difference else 0.0
    x, weight = chi_squared_grid(num_seeds - 1)
    estimated = seed_variance * x / (num_seeds - 1)
    critical = _critical(estimated, item_variance, num_seeds, alpha)
    reached = ndtr((difference - critical) / error) + ndtr((-difference - critical) / error)
    return min(1.0, float(reached @ weight))


def minimum_detectable(
    *, seed_variance: float, item_variance: float, num_seeds: int, alpha: float, power: float = 0.8
) -> float | None:
    """The smallest true difference that gets p < alpha with the given probability; None with one seed.

    For a family of N give alpha / N: the difference is then found whatever the other findings are.
    """
    if num_seeds < 2:
        return None
    error = sqrt(seed_variance + item_variance)
    if error == 0:
        return 0.0

    def reaches(difference: float) -> bool:
        return (
            planned_power(
                difference,
                seed_variance=seed_variance,
                item_variance=item_variance,
                num_seeds=num_seeds,
                alpha=alpha,
            )
            >= power
        )

    low, high = 0.0, error
    while not reaches(high):
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _critical(seed_variance: Floats, item_variance: float, num_seeds: int, alpha: float) -> Floats:
    """Half widths for many estimates of A at one B, from a table over the share of A."""
    logit = np.log(np.maximum(seed_variance, 1e-300)) - np.log(max(item_variance, 1e-300))
    table = _critical_table(num_seeds, alpha)
    ratio = np.exp(np.interp(np.clip(logit, _LOGIT[0], _LOGIT[-1]), _LOGIT, table))
    return np.asarray(ratio * np.sqrt(seed_variance + item_variance))


@cache
def _critical_table(num_seeds: int, alpha: float) -> Floats:
    """log of half width / standard error over the logit of A's share of the variance."""
    share = 1 / (1 + np.exp(-_LOGIT))
    # S differences whose sample variance over S is exactly `share`
    unit = np.zeros(num_seeds)
    unit[:2] = sqrt(num_seeds * (num_seeds - 1) / 2), -sqrt(num_seeds * (num_seeds - 1) / 2)
    made = Components(
        by_seed=np.sqrt(share)[:, None] * unit,
        items_on_these_seeds=1 / (1 + np.exp(_LOGIT)),
        residual=np.zeros_like(share),
        item_df=np.full_like(share, MANY),
    )
    return np.asarray(np.log(half_width(made, alpha)))
