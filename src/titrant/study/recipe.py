"""What an arm does along its budget, free of names: the form in which two arms are compared.

An arm becomes five step functions over parts of the budget (mixture, curve, optimizer resets, initialisation, data
relation) and its length. Pieces that only continue what stood before them are merged, so that one phase of ten parts
and two of five on one uninterrupted curve are the same recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from titrant.study.contrast import Difference
from titrant.study.phase import Arm, Continued, Phase
from titrant.study.study import Study


@dataclass(frozen=True)
class Recipe:
    """The five step functions and the length; each value is plain data that compares by equality."""

    mixture: tuple[Any, ...]
    schedule: tuple[Any, ...]
    optimizer_state: tuple[Any, ...]
    initialisation: tuple[Any, ...]
    data: tuple[Any, ...]
    tokens: Fraction

    def differences(self, other: Recipe) -> tuple[Difference, ...]:
        """Names of all that two recipes differ in, in the order in which they are declared."""
        kinds: tuple[Difference, ...] = (
            "mixture",
            "schedule",
            "optimizer_state",
            "initialisation",
            "data",
            "tokens",
        )
        return tuple(kind for kind in kinds if getattr(self, kind) != getattr(other, kind))


def recipe_of(study: Study, arm: Arm) -> Recipe:
    """The recipe of an arm of an expanded study whose names all resolve."""
    mixture: list[Any] = []
    schedule: list[Any] = []
    resets: list[Any] = []
    initialisation: list[Any] = []
    data: list[Any] = []
    at = Fraction(0)
    for position, link in enumerate(arm.chain):
        phase, shares = study.phases[link.phase], study.mixtures[link.mixture].shares
        end = at + Fraction(repr(phase.parts))
        if not mixture or mixture[-1][1] != shares:
            mixture.append((at, shares))
        if not isinstance(phase.schedule, Continued):
            schedule.append((at, _curve(phase)))
        if position and phase.optimizer_state == "reset":
            resets.append(at)
        if not isinstance(phase.initialisation, str):
            initialisation.append((at, phase.initialisation.checkpoint, phase.initialisation.content))
        if phase.data != "fresh":
            data.append((at, end, phase.data))
        at = end
    return Recipe(
        mixture=tuple(mixture),
        schedule=tuple(schedule),
        optimizer_state=tuple(resets),
        initialisation=tuple(initialisation),
        data=tuple(data),
        tokens=at,
    )


def _curve(phase: Phase) -> dict[str, Any]:
    declared = phase.schedule.model_dump()
    declared["horizon_parts"] = declared["horizon_parts"] or phase.parts
    if declared["start"] == "current":
        declared["warmup_fraction"], declared["peak_fraction"] = None, None
    return declared
