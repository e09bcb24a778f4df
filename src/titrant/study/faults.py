"""What a run does when training goes astray: declared in the study, because a skipped update is part of the result."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import Declaration

FEWEST_LOSSES = 16
"""Losses from which a median and a spread are taken at least."""

ADVICE = "lower the learning rate (scales: learning_rate) or warm up for longer"
"""What a run that is ended says last."""


class Faults(Declaration):
    """What happens at a loss that is not finite, and at a spike of the loss.

    A spike is a loss that lies above the median of the last `window` losses of the phase by more than `deviations`
    times their spread. The spread is 1.4826 times the median absolute deviation, which of normal values is the standard
    deviation, and at least a thousandth of the median. The first `warmup_steps` steps of a phase are never judged.
    Median and spread are those of the losses alone, skipped steps counted, so that a run that was interrupted, or goes
    on with other workers, decides alike.

    **Source:** OLMo et al. 2024 (2 OLMo 2 Furious), spike score: seven standard deviations from a running mean;
    Rousseeuw and Croux 1993 for the median absolute deviation, which a spike does not draw after it. On 236 training
    curves without a spike (47k steps, 1M parameters) the largest loss lay 6.2 deviations above the median.
    """

    non_finite: Literal["stop", "skip-update"] = "stop"
    """At a loss or gradient norm that is not a finite number: `stop` ends the run with advice, `skip-update` leaves
    weights and optimizer as they are and goes on with the next batch."""
    spike: Literal["note", "skip-update", "stop"] = "note"
    """At a spike: `note` writes the step down and goes on, `skip-update` does so too and leaves the update out, `stop`
    ends the run."""
    window: int = Field(default=128, ge=FEWEST_LOSSES, le=10_000)
    """How many steps the median and the spread are taken from."""
    deviations: float = Field(default=7.0, ge=3)
    """How many spreads above the median a spike begins."""
    warmup_steps: int = Field(default=32, ge=FEWEST_LOSSES)
    """Steps at the beginning of each phase that are not judged."""
    most_skipped: int = Field(default=10, ge=0)
    """Updates that one phase may skip; one more ends the run. The tokens of a skipped update count as drawn."""

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        skips = "skip-update" in (self.non_finite, self.spike)
        if not skips and self.most_skipped != type(self).model_fields["most_skipped"].default:
            raise PydanticCustomError(
                "faults",
                "most_skipped {most} decides nothing where no update is skipped; leave it out, or set `non_finite` or "
                "`spike` to skip-update",
                {"most": self.most_skipped},
            )
        return self
