"""The distribution that a difference is held against: a t over few seeds and a t over many items, added.

With A estimated on S - 1 degrees of freedom and B on many, the error of the mean is referred to
sqrt(A) t[S-1] + sqrt(B) t[items]: the Behrens-Fisher distribution. Where seeds dominate it is Student's t on S - 1
degrees of freedom, where items dominate nearly the normal distribution, and between them it errs to the safe side.
The Welch-Satterthwaite t does not: with 2 seeds and A = B its nominal 95 % interval covers 93 % and its 99.9 %
interval, where families of tests live, misses five times too often (a test measures both).

Steps: integrate over x ~ chi-squared[S-1] on a fixed grid in log x. Given x the error is normal with variance
max(A (S-1) / x, residual / (S I)) + B, and B's own degrees of freedom enter as a t. About 400 nodes.

**Source:** Robinson, "Properties of Student's t and of the Behrens-Fisher solution", Annals of Statistics 4 (1976).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln, stdtr

from titrant.analyze.components import Components, Floats

_CHUNK = 4096


@cache
def chi_squared_grid(df: int) -> tuple[Floats, Floats]:
    """Nodes and weights (summing to 1) of chi-squared with `df` degrees of freedom, evenly spaced in its logarithm."""
    step = min(0.25, 0.4 * float(np.sqrt(2 / df)))
    log_x = np.arange(np.log(df) - 60.0 / df - 6, np.log(df + 14 * np.sqrt(2 * df) + 60), step)
    log_weight = log_x * df / 2 - np.exp(log_x) / 2 - gammaln(df / 2) - df / 2 * np.log(2)
    keep = log_weight > log_weight.max() - 60
    weight = np.exp(log_weight[keep])
    return np.exp(log_x[keep]), weight / weight.sum()


def upper_tail(components: Components, distance: Floats) -> Floats:
    """P(error > distance), elementwise; distances may be negative.

    With one seed: Student's t over items alone. With no variance at all: 0, 1, or one half at distance 0.
    """
    given = (distance, components.scatter, components.residual, components.item_variance, components.item_df)
    shape = np.broadcast_shapes(*(np.shape(array) for array in given))
    columns = [np.broadcast_to(array, shape).ravel() for array in given]
    tail = np.empty(columns[0].shape)
    for start in range(0, tail.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        rows = tuple(column[part, None] for column in columns)
        tail[part] = _tail(components.num_seeds, *rows)
    return tail.reshape(shape)


def _tail(
    num_seeds: int, distance: Floats, scatter: Floats, residual: Floats, items: Floats, item_df: Floats
) -> Floats:
    if num_seeds == 1:
        variance, weight = items, np.ones(1)
    else:
        x, weight = chi_squared_grid(num_seeds - 1)
        # A holds the residual's share, which is known well: no draw of A lies below it
        variance = np.maximum(scatter * ((num_seeds - 1) / x), residual) + items
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        df = np.minimum(item_df * (variance / items) ** 2, 1e12)
        df = np.where(np.isnan(df), 1e12, df)
        ratio = np.where(distance == 0, 0.0, distance / np.sqrt(variance))
    return np.asarray(stdtr(df, -ratio) @ weight)


def two_sided_p(components: Components, shift: float = 0.0) -> Floats:
    """[...]: probability of a difference at least as far from `shift` as the one seen, if `shift` were the truth."""
    return np.minimum(1.0, 2 * upper_tail(components, np.abs(components.difference - shift)))


def equivalence_p(components: Components, margin: float) -> Floats:
    """[...]: the larger p of the two one-sided tests that the difference is above -margin and below +margin.

    **Source:** Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987).
    """
    difference = components.difference
    return np.maximum(upper_tail(components, margin + difference), upper_tail(components, margin - difference))


def half_width(components: Components, alpha: float | Floats) -> Floats:
    """[...]: half the width of the two-sided 1 - alpha interval, by bisection on the tail (relative error 1e-9)."""
    low = np.zeros_like(components.standard_error)
    high = np.maximum(components.standard_error, np.finfo(float).tiny)
    while np.any(wide := upper_tail(components, high) > np.asarray(alpha) / 2):
        high = np.where(wide, 4 * high, high)
    for _ in range(48):
        middle = (low + high) / 2
        above = upper_tail(components, middle) > np.asarray(alpha) / 2
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(components.standard_error > 0, (low + high) / 2, 0.0)
