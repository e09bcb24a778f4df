"""What a finding is called: Holm's correction over a family, equivalence within a margin, and the one word.

A family is every finding of one scale on an outcome that is used. Two questions are asked of it, each corrected by
Holm over the whole family: is there a difference (better, worse), and is it surely smaller than the margin
(equivalent)? A difference that is resolved stays better or worse even where it is smaller than the margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from titrant.analyze.components import Floats

Verdict = Literal["better", "worse", "equivalent", "not resolved"]
VERDICTS: tuple[Verdict, ...] = ("better", "worse", "equivalent", "not resolved")


def holm(p_values: Floats | Sequence[float]) -> Floats:
    """Adjusted p-values [..., N] of families of N: reject where they are below alpha.

    >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]

    **Source:** Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    p = np.asarray(p_values, dtype=np.float64)
    count = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    stepped = np.take_along_axis(p, order, axis=-1) * np.arange(count, 0, -1)
    climbing = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, climbing, axis=-1)
    return adjusted


def verdict_of(
    difference: float,
    p_adjusted: float | None,
    p_equivalent: float | None,
    *,
    alpha: float,
    better_is: Literal["lower", "higher"],
) -> Verdict:
    """The word for one finding. Without p-values (one seed, an outcome that is not used) it is `not resolved`."""
    if p_adjusted is not None and p_adjusted < alpha and difference != 0:
        return "better" if (difference < 0) == (better_is == "lower") else "worse"
    if p_equivalent is not None and p_equivalent < alpha:
        return "equivalent"
    return "not resolved"
