"""The learning-rate probe: one decisive contrast, trained again at other learning rates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import Declaration, Name

LEAST_FACTOR, MOST_FACTOR = 0.01, 100.0


class LearningRateProbe(Declaration):
    """Two arms trained at several multiples of their scale's learning rate, so that no conclusion rests on one rate.

    All else is the same: seeds, initial weights, order of the data. The runs at factor 1 are the study's own.

    >>> LearningRateProbe(arm="code", control="text", factors=[2, 1, 0.25]).factors
    (0.25, 1.0, 2.0)
    """

    arm: Name
    """The arm that is judged."""
    control: Name
    """The arm that it is compared with, in a contrast of the study."""
    factors: tuple[Annotated[float, Field(gt=0)], ...] = (0.5, 1, 2)
    """Multiples of the scale's learning rate, from 0.01 to 100, three or more, 1 among them; they are sorted."""
    scale: Name | None = None
    """The scale at which the arms are trained again; null: the first of the study."""

    @field_validator("factors")
    @classmethod
    def _tells_something(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        shown = f"[{', '.join(f'{factor:g}' for factor in factors)}]"
        if len(set(factors)) < len(factors):
            raise ValueError(f"factors {shown} repeat a value: equal learning rates are one run, not two")
        if len(factors) < 3:
            raise ValueError(f"factors {shown} are fewer than three: give one below 1, 1, and one above it")
        if 1 not in factors:
            raise ValueError(f"factors {shown} lack 1, the study's own learning rate, which costs nothing; add it")
        if far := [factor for factor in factors if not LEAST_FACTOR <= factor <= MOST_FACTOR]:
            raise ValueError(
                f"factor {far[0]:g} is not from {LEAST_FACTOR:g} to {MOST_FACTOR:g}: nothing trains at a rate so far "
                "from the study's own; give factors such as 0.5, 1 and 2"
            )
        return tuple(sorted(factors))

    @model_validator(mode="after")
    def _two_arms(self) -> LearningRateProbe:
        if self.arm == self.control:
            raise PydanticCustomError(
                "arms", "arm '{arm}' is compared with itself; name two arms of a contrast", {"arm": self.arm}
            )
        return self

    def scale_at(self, scale: str, factor: float) -> str:
        """What a scale is called at a factor, in the ids of its runs: its own name at 1, else `nano-rate-x0.5`."""
        return scale if factor == 1 else f"{scale}-rate-x{factor:g}"
