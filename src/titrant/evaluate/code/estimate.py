"""pass@k of one problem from n samples of which c pass, and how sure it is.

**Source:** Chen et al. 2021 (arXiv 2107.03374), equation 1 (the unbiased estimator); Brown, Cai and DasGupta 2001,
"Interval Estimation for a Binomial Proportion", section 3 (Jeffreys interval, with its ends at c = 0 and c = n).
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import NamedTuple

LEVEL = 0.95


class Interval(NamedTuple):
    """The ends of an interval, both in [0, 1]."""

    low: float
    high: float


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """The chance, in [0, 1], that one of `k` samples passes: 1 - C(n - c, k) / C(n, k), without bias.

    Raises ValueError unless 0 <= passed <= samples and 1 <= k <= samples.

    >>> pass_at_k(samples=20, passed=1, k=10)
    0.5
    """
    _check(samples, passed, k)
    return float(1 - Fraction(comb(samples - passed, k), comb(samples, k)))


def interval(samples: int, passed: int, k: int, level: float = LEVEL) -> Interval:
    """An interval of the chance that one of `k` samples passes, from independent samples of one problem.

    The Jeffreys interval of one sample's chance p, carried over to 1 - (1 - p)^k, which rises with p. It is 0 below
    where nothing passed and 1 above where everything did. Where k is nearly n it is widened to hold the estimate.
    """
    from scipy.stats import beta

    _check(samples, passed, k)
    tail = (1 - level) / 2
    shape = passed + 0.5, samples - passed + 0.5
    low = 0.0 if passed == 0 else float(beta.ppf(tail, *shape))
    high = 1.0 if passed == samples else float(beta.ppf(1 - tail, *shape))
    estimate = pass_at_k(samples, passed, k)
    return Interval(min(1 - (1 - low) ** k, estimate), max(1 - (1 - high) ** k, estimate))


def _check(samples: int, passed: int, k: int) -> None:
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(f"{passed} of {samples} samples passed and k is {k}; 0 <= passed <= samples and 1 <= k <= n")
