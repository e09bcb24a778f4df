"""Contrasts and sweeps: which arms are compared with which, and one-line families of arms."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from titrant.study.declaration import Declaration, Name
from titrant.study.mixture import Mixture
from titrant.study.phase import Arm, Stretch

Difference = Literal["mixture", "schedule", "optimizer_state", "initialisation", "data", "tokens"]
"""What two arms can differ in; `schedule` is the learning-rate curve, `data` the relation fresh, replay, disjoint."""


class Contrast(Declaration):
    """A declared comparison of two arms. What they differ in beyond `mixture` must be declared and is flagged.

    Two contrasts that compare the same arms on the same outcome are an error: one difference would count twice in the
    correction for multiplicity. On different outcomes they may.
    """

    arm: Name
    """The arm that is judged."""
    control: Name
    """The arm that it is compared with."""
    differs_in: tuple[Difference, ...] = ("mixture",)
    """All that the two arms may differ in; anything more is an error before training."""
    outcomes: tuple[str, ...] = ()
    """Names of outcomes, with `*` for any characters; empty: all of them."""


class Sweep(Declaration):
    """Arms over the share of one mixture in another: `NAME-0`, `NAME-25`, ... , one for each percentage.

    Each is compared with the first, unless a contrast (or an earlier sweep) compares the same chains of phases already:
    then that one holds, with its own outcomes, and the sweep adds none.
    """

    of: Name
    """The mixture whose share is swept."""
    into: Name
    """The mixture that gives way."""
    percent: tuple[Annotated[float, Field(ge=0, le=100)], ...] = Field(min_length=2)
    """Percentages of `of`; the first one is the control of the others."""
    phases: tuple[Name | Stretch, ...] = Field(min_length=1)
    """The phases of each arm: a bare name trains on the swept mixture, `{phase: ..., mixture: ...}` on its own."""

    def expand(self, name: str, mixtures: dict[str, Mixture]) -> tuple[dict[str, Mixture], dict[str, Arm]]:
        """The mixtures and arms that this sweep stands for, both named `NAME-PERCENT`."""
        blends = {
            f"{name}-{share:g}": mixtures[self.into].blended(mixtures[self.of], Fraction(repr(share)) / 100)
            for share in self.percent
        }
        arms = {
            label: Arm(
                chain=tuple(p if isinstance(p, Stretch) else Stretch(phase=p, mixture=label) for p in self.phases)
            )
            for label in blends
        }
        return blends, arms
