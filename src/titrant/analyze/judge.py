"""From measured outcomes to findings: intervals, p-values, the family's correction, verdicts and flags.

Rules that the figures follow:
- `interval` is the interval of this one difference at level 1 - alpha, not corrected for the family. The verdict
  goes by the corrected p-value. `interval_adjusted` (in the details) is at level 1 - alpha / family: all such
  intervals of a scale hold their differences together with probability 1 - alpha.
- `relative` is the difference divided by the control's mean; null unless the control is above chance (above zero for
  bits per byte) at level alpha.
- `minimum_detectable` is the difference found with 80 % power at alpha / family, given the noise seen here.
- With one seed nothing can be resolved: intervals cover items only, there is no p-value.
- A finding on a task that its own two arms show nothing on has no p-value, is outside of the family and is flagged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from titrant.analyze.components import Components, satterthwaite_df
from titrant.analyze.measure import Measured
from titrant.analyze.power import Design, minimum_detectable
from titrant.analyze.reference import equivalence_p, half_width, two_sided_p
from titrant.analyze.verdict import Verdict, holm, verdict_of
from titrant.jobs import PlannedContrast, Run

ONE_SEED = "one seed: training noise unknown"
SMALL = "smaller than the margin"
UNEQUAL = "few or very unequal items"
CONTROL_AT_CHANCE = "control at chance"
CONTROL_AT_ZERO = "control at zero"

_AGREEMENT = (0.8, 1.25)
"""Bootstrap over closed form, items only: outside of this the items are too few or too unequal for either."""


PValues = dict[tuple[str, int], float]
"""By outcome and row of its contrasts."""


@dataclass(frozen=True)
class Clean:
    """A finding once more, over the items that no document of its scale's training data holds."""

    items: int
    flagged_items: int
    """Items that are left out."""
    arm_mean: float
    control_mean: float
    difference: float
    interval: tuple[float, float]
    p_adjusted: float | None
    """Corrected as the finding's own, over the same family made anew on these items."""
    verdict: Verdict


@dataclass(frozen=True)
class Finding:
    """What one contrast shows on one outcome at one scale; the fields of a finding in `findings.json`."""

    contrast: str
    arm: str
    control: str
    scale: str
    outcome: str
    unit: str
    arm_mean: float
    control_mean: float
    difference: float
    interval: tuple[float, float]
    relative: float | None
    p_raw: float | None
    p_adjusted: float | None
    verdict: Verdict
    flags: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    better_is: Literal["lower", "higher"]
    margin: float
    minimum_detectable: float | None
    clean: Clean | None = None
    """Null where no item is flagged, and where too few are left."""


@dataclass(frozen=True)
class Detail:
    """How a finding came about: the fields of an entry of `details`, in the order of the findings."""

    contrast: str
    scale: str
    outcome: str
    by_seed: tuple[float, ...]
    """The difference by seed, in the order of the finding's seeds."""
    standard_error: float
    seed_standard_error: float | None
    """sqrt(A) of `components`; null with one seed."""
    item_standard_error: float
    """sqrt(B)."""
    degrees_of_freedom: float
    """Welch-Satterthwaite, as a figure to read; intervals come from the Behrens-Fisher distribution."""
    bootstrap_standard_error: float | None
    """Seeds and items resampled; null for means over outcomes."""
    interval_adjusted: tuple[float, float]
    p_equivalent: float | None
    p_equivalent_adjusted: float | None
    family: int
    """Number of findings that the correction is over."""


def judge(
    measured: Sequence[Measured],
    *,
    scale: str,
    seeds: tuple[int, ...],
    alpha: float,
    comparability: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[tuple[Finding, Detail]]:
    """All findings of a scale, outcome by outcome in the order given. `comparability`: flags by (arm, control)."""
    family = sum(len(m.tested) for m in measured)
    raw: PValues = {}
    equal: PValues = {}
    for m in (m for m in measured if len(seeds) > 1 and m.tested):
        different, equivalent = two_sided_p(m.components), equivalence_p(m.components, m.margin)
        raw |= {(m.outcome, row): float(different[row]) for row in m.tested}
        equal |= {(m.outcome, row): float(equivalent[row]) for row in m.tested}
    adjusted, equal_adjusted = _corrected(raw), _corrected(equal)
    made: list[tuple[Finding, Detail]] = []
    for m in measured:
        width = half_width(m.components, alpha)
        wide = half_width(m.components, alpha / max(family, 1))
        clear = (two_sided_p(m.control) < alpha) & (m.control.difference > 0)
        for row, contrast in enumerate(m.contrasts):
            place = (m.outcome, row)
            p = (raw.get(place), adjusted.get(place), equal.get(place), equal_adjusted.get(place))
            made.append(
                _finding(
                    m,
                    row,
                    contrast,
                    p,
                    (float(width[row]), float(wide[row])),
                    scale=scale,
                    seeds=seeds,
                    alpha=alpha,
                    family=family,
                    control_clear=bool(clear[row]),
                    flags=comparability.get((contrast.arm, contrast.control), ()),
                )
            )
    return made


def _corrected(p_values: PValues) -> PValues:
    return dict(zip(p_values, holm(list(p_values.values())).tolist(), strict=True)) if p_values else {}


def _finding(
    m: Measured,
    row: int,
    contrast: PlannedContrast,
    p: tuple[float | None, float | None, float | None, float | None],
    widths: tuple[float, float],
    *,
    scale: str,
    seeds: tuple[int, ...],
    alpha: float,
    family: int,
    control_clear: bool,
    flags: tuple[str, ...],
) -> tuple[Finding, Detail]:
    c = m.components
    difference, control_mean = float(c.difference[row]), float(m.control_mean[row])
    better_is: Literal["lower", "higher"] = "lower" if m.unit == "bits per byte" else "higher"
    verdict = verdict_of(difference, p[1], p[3], alpha=alpha, better_is=better_is)
    seed_variance, item_variance = float(c.seed_variance[row]), float(c.item_variance[row])
    name = f"{contrast.arm} vs {contrast.control}"
    finding = Finding(
        contrast=name,
        arm=contrast.arm,
        control=contrast.control,
        scale=scale,
        outcome=m.outcome,
        unit=m.unit,
        arm_mean=float(m.arm_mean[row]),
        control_mean=control_mean,
        difference=difference,
        interval=(difference - widths[0], difference + widths[0]),
        relative=difference / control_mean if control_clear else None,
        p_raw=p[0],
        p_adjusted=p[1],
        verdict=verdict,
        flags=tuple(dict.fromkeys((*contrast.flags, *flags, *_own_flags(m, row, verdict, control_clear)))),
        seeds=seeds,
        runs=tuple(Run(arm=a, scale=scale, seed=s).id for a in (contrast.arm, contrast.control) for s in seeds),
        better_is=better_is,
        margin=m.margin,
        minimum_detectable=_detectable(c, row, alpha / max(family, 1)),
    )
    detail = Detail(
        contrast=name,
        scale=scale,
        outcome=m.outcome,
        by_seed=tuple(float(d) for d in c.by_seed[row]),
        standard_error=float(c.standard_error[row]),
        seed_standard_error=math.sqrt(seed_variance) if len(seeds) > 1 else None,
        item_standard_error=math.sqrt(item_variance),
        degrees_of_freedom=float(satterthwaite_df(c)[row]),
        bootstrap_standard_error=float(m.resampled.standard_error[row]) if m.resampled else None,
        interval_adjusted=(difference - widths[1], difference + widths[1]),
        p_equivalent=p[2],
        p_equivalent_adjusted=p[3],
        family=family,
    )
    return finding, detail


def _detectable(components: Components, row: int, alpha: float) -> float | None:
    """With 80 % power, if the noise is what was seen here; None with one seed."""
    if components.num_seeds < 2:
        return None
    design = Design(
        seed_variance=float(components.seed_variance[row]),
        item_variance=float(components.item_variance[row]),
        num_seeds=components.num_seeds,
        alpha=alpha,
        residual=float(components.residual[row]),
        least_variance=components.least_variance,
    )
    return minimum_detectable(design)


def _own_flags(m: Measured, row: int, verdict: Verdict, control_clear: bool) -> list[str]:
    flags = [ONE_SEED] if m.components.num_seeds == 1 else []
    if m.statuses[row] != "used":
        flags.append(m.statuses[row])
    elif m.unit in ("accuracy", "pass rate") and not control_clear:
        flags.append(CONTROL_AT_CHANCE if m.guessed else CONTROL_AT_ZERO)
    flags += m.flags[row] if m.flags else ()
    if verdict in ("better", "worse") and abs(float(m.components.difference[row])) < m.margin:
        flags.append(SMALL)
    if m.resampled and not _agree(m.components, float(m.resampled.item_standard_error[row]), row):
        flags.append(UNEQUAL)
    return flags


def _agree(components: Components, resampled: float, row: int) -> bool:
    expected = math.sqrt(components.items_on_these_seeds[row])
    if expected <= 0:
        return True
    return _AGREEMENT[0] < resampled / expected < _AGREEMENT[1]
