"""One outcome at one scale, measured for all contrasts that name it, and the plain means over several outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from titrant.analyze.bootstrap import Resampled, generator, resample
from titrant.analyze.components import Components, Floats, mean_of, variance_components
from titrant.analyze.paired import Panel, Unit, is_rate, unit_of
from titrant.analyze.viability import Status, Viability
from titrant.jobs import PlannedContrast
from titrant.study.categories import CATEGORIES, category_of
from titrant.study.evaluation import Statistics

_OF_KINDS = {
    "bits_per_byte": "mean/bits_per_byte",
    "probe": "mean/probes",
    "choice": "mean/choices",
    "gold": "mean/gold",
    "code": "mean/code",
}
MEANS = (*list(_OF_KINDS.values())[:3], *(f"mean/{name}" for name in (*CATEGORIES, "tasks")), "mean/gold", "mean/code")
"""Plain means over used outcomes, in the order of the report: every outcome counts once, whatever its items."""


def mean_name(outcome: str) -> str | None:
    """The mean that an outcome is part of if it is used; None for what judges say.

    >>> mean_name("probe/copying"), mean_name("task/hellaswag"), mean_name("task/lambada_openai")
    ('mean/probes', 'mean/reasoning', 'mean/tasks')
    """
    kind, _, name = outcome.partition("/")
    return f"mean/{category_of(name)}" if kind == "task" else _OF_KINDS.get(kind)


@dataclass(frozen=True)
class Measured:
    """One outcome for C contrasts."""

    outcome: str
    unit: Unit
    margin: float
    status: Status
    """`used` if it is part of the mean over the outcomes of its kind."""
    contrasts: tuple[PlannedContrast, ...]
    statuses: tuple[Status, ...]
    """[C]: `used` where the contrast is tested on it."""
    components: Components
    """[C]: arm minus control."""
    control: Components
    """[C]: the control's score minus chance (minus zero for bits per byte)."""
    arm_mean: Floats
    """[C]"""
    control_mean: Floats
    """[C]"""
    resampled: Resampled | None
    """None for means over outcomes."""
    flags: tuple[tuple[str, ...], ...] = ()
    """[C]: habits of the two arms that are a reason for care; empty: none of any."""
    guessed: bool = True
    """Whether guessing has a chance above zero."""

    @property
    def used(self) -> bool:
        """Whether it is part of the mean over the outcomes of its kind."""
        return self.status == "used"

    @property
    def tested(self) -> tuple[int, ...]:
        """Rows of the contrasts that are tested on it."""
        return tuple(row for row, status in enumerate(self.statuses) if status == "used")


def measure(
    panel: Panel,
    contrasts: Sequence[PlannedContrast],
    statistics: Statistics,
    *,
    scale: str,
    margin: float,
    chance: float,
    viability: Viability | None = None,
) -> Measured:
    """Measure the contrasts that name this outcome. All share the same resampled items. Without `viability` (bits per
    byte) it is used throughout."""
    chosen = tuple(c for c in contrasts if not c.outcomes or panel.outcome in c.outcomes)
    unit = unit_of(panel.outcome)
    binary = is_rate(panel.outcome)
    difference_CSI = np.array([panel.difference(c.arm, c.control) for c in chosen])
    difference_CSI = difference_CSI.reshape(len(chosen), len(panel.seeds), len(panel.items))
    mean = dict(zip(panel.arms, panel.scores().mean(axis=1), strict=True))
    control_CSI = panel.value[[panel.arms.index(c.control) for c in chosen]] - chance * panel.weight
    draws = generator(statistics.seed, scale, panel.outcome)
    return Measured(
        outcome=panel.outcome,
        unit=unit,
        margin=margin,
        status=viability.status if viability else "used",
        contrasts=chosen,
        statuses=tuple(viability.contrasts[c.arm, c.control] if viability else "used" for c in chosen),
        components=variance_components(difference_CSI, panel.weight, binary=binary),
        control=variance_components(control_CSI, panel.weight, binary=binary),
        arm_mean=np.array([mean[c.arm] for c in chosen]),
        control_mean=np.array([mean[c.control] for c in chosen]),
        resampled=resample(difference_CSI, panel.weight, statistics.resamples, draws),
        flags=tuple(viability.flags(c.arm, c.control) if viability else () for c in chosen),
        guessed=chance > 0,
    )


def measure_mean(name: str, members: Sequence[Measured], documents: Mapping[str, str]) -> Measured:
    """The plain mean over outcomes, for the contrasts that name all of them; its margin is the mean of theirs. A
    contrast is tested on it if it is tested on any of them. `documents`: for an outcome that is scored on the documents
    of others, one name for them all."""
    same_items = [documents.get(member.outcome, member.outcome) for member in members]
    shared = tuple(c for c in members[0].contrasts if all(c in member.contrasts for member in members[1:]))
    rows = [[member.contrasts.index(c) for c in shared] for member in members]
    return Measured(
        outcome=name,
        unit=members[0].unit,
        margin=sum(member.margin for member in members) / len(members),
        status="used",
        contrasts=shared,
        statuses=tuple(_status_of_mean([m.statuses[m.contrasts.index(c)] for m in members]) for c in shared),
        components=mean_of([_rows(m.components, r) for m, r in zip(members, rows, strict=True)], same_items),
        control=mean_of([_rows(m.control, r) for m, r in zip(members, rows, strict=True)], same_items),
        arm_mean=np.mean([m.arm_mean[r] for m, r in zip(members, rows, strict=True)], axis=0),
        control_mean=np.mean([m.control_mean[r] for m, r in zip(members, rows, strict=True)], axis=0),
        resampled=None,
        guessed=any(member.guessed for member in members),
    )


def _status_of_mean(statuses: Sequence[Status]) -> Status:
    order: tuple[Status, ...] = ("used", "at chance", "at zero")
    return next((status for status in order if status in statuses), "collapsed")


def _rows(components: Components, rows: list[int]) -> Components:
    return Components(
        by_seed=components.by_seed[rows],
        items_on_these_seeds=components.items_on_these_seeds[rows],
        residual=components.residual[rows],
        item_df=components.item_df[rows],
        least_variance=components.least_variance,
    )
