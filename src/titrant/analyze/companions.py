"""What small models show beside accuracy: how they weigh the right answer, long before they pick it.

Three measures of every item that is a choice or has a right answer, over the items on which all runs have them:

- `gold bits`: bits per byte of the right answer as a text, sum(nats) / ln 2 / sum(bytes); lower is better
- `probability`: the right choice's share of the choices' likelihoods, normalised as they are compared; a mean
- `margin`: log-likelihood of the right choice minus that of the best other one, in nats; a mean

They are shown with their own intervals, and are no findings: three more questions of every task would make the family
of tests four times as large and each verdict dearer. Signal and noise stand beside each, so that the measure that tells
arms apart best at a scale is seen before the next study is declared.

**Source:** Heineman et al., arXiv 2508.13144 (2025), and Magnusson et al., "DataDecide", arXiv 2504.11393 (2025): at
small scale likelihoods of right answers predict decisions that accuracies cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Literal

import numpy as np

from titrant.analyze.components import Floats, variance_components
from titrant.analyze.paired import Panel
from titrant.analyze.reference import half_width
from titrant.analyze.signal import Signal, signal_of
from titrant.jobs import PlannedContrast

Measure = Literal["gold bits", "probability", "margin"]
FEWEST_ITEMS = 2
_COLUMNS: dict[Measure, tuple[str, str | None, str, Literal["lower", "higher"]]] = {
    "gold bits": ("gold_nats", "gold_bytes", "bits per byte", "lower"),
    "probability": ("right_probability", None, "probability", "higher"),
    "margin": ("margin_nats", None, "nats", "higher"),
}
"""By measure: column of values, column of weights (None: 1), unit, which direction is good."""


@dataclass(frozen=True)
class CompanionContrast:
    """How two arms differ in a measure: arm minus control, paired by seed and item. Not tested."""

    contrast: str
    arm: str
    control: str
    difference: float
    interval: tuple[float, float]
    """At level 1 - alpha, of this one difference."""


@dataclass(frozen=True)
class Companion:
    """One measure of one outcome at one scale: an entry of `companions` in `findings.json`."""

    scale: str
    outcome: str
    measure: Measure
    unit: str
    better_is: Literal["lower", "higher"]
    items: int
    """Items that have it in every run."""
    arms: Mapping[str, float]
    """Mean over seeds, by arm."""
    signal: Signal
    contrasts: tuple[CompanionContrast, ...]


def companions_of(
    panels: Mapping[str, Panel], contrasts: Sequence[PlannedContrast], *, scale: str, alpha: float
) -> list[Companion]:
    """All measures that the panels' items have, in the order of the panels."""
    found = []
    for outcome, panel in panels.items():
        for measure in _COLUMNS:
            beside = panel_of(panel, measure)
            if beside is not None:
                chosen = [c for c in contrasts if not c.outcomes or outcome in c.outcomes]
                found.append(_companion(beside, outcome, measure, chosen, scale, alpha))
    return found


def panel_of(panel: Panel, measure: Measure) -> Panel | None:
    """The measure in the place of the score; None where fewer than two items have it in every run."""
    value_name, weight_name, _, _ = _COLUMNS[measure]
    if value_name not in panel.beside or (weight_name is not None and weight_name not in panel.beside):
        return None
    value_ASI = panel.beside[value_name]
    weight_ASI = np.ones_like(value_ASI) if weight_name is None else panel.beside[weight_name]
    usable_ASI = np.isfinite(value_ASI) & np.isfinite(weight_ASI) & (weight_ASI > 0)
    keep = np.asarray(usable_ASI.all(axis=(0, 1)))
    if keep.sum() < FEWEST_ITEMS:
        return None
    value_ASK: Floats = value_ASI[:, :, keep] / (log(2) if measure == "gold bits" else 1.0)
    none_ASK = np.full(value_ASK.shape, -1)
    return replace(
        panel,
        outcome=f"gold/{panel.outcome}",
        items=tuple(item for item, kept in zip(panel.items, keep, strict=True) if kept),
        value=value_ASK,
        predicted=none_ASK,
        answer=none_ASK[0, 0],
        weight=weight_ASI[0, 0, keep],
        beside={},
    )


def _companion(
    panel: Panel, outcome: str, measure: Measure, contrasts: Sequence[PlannedContrast], scale: str, alpha: float
) -> Companion:
    _, _, unit, better_is = _COLUMNS[measure]
    return Companion(
        scale=scale,
        outcome=outcome,
        measure=measure,
        unit=unit,
        better_is=better_is,
        items=len(panel.items),
        arms=dict(zip(panel.arms, panel.scores().mean(axis=1).tolist(), strict=True)),
        signal=signal_of(panel, 0.0),
        contrasts=tuple(_contrast(panel, contrast, alpha) for contrast in contrasts),
    )


def _contrast(panel: Panel, contrast: PlannedContrast, alpha: float) -> CompanionContrast:
    made = variance_components(panel.difference(contrast.arm, contrast.control), panel.weight)
    difference, width = float(made.difference), float(half_width(made, alpha))
    return CompanionContrast(
        contrast=f"{contrast.arm} vs {contrast.control}",
        arm=contrast.arm,
        control=contrast.control,
        difference=difference,
        interval=(difference - width, difference + width),
    )
