"""Phases: stretches of training, each with its learning-rate curve and its stated relation to what came before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import NOT_IDENTITY, Declaration, Name

DEFAULT_PARTS = {"init": 5.0, "continue": 5.0, "cooldown": 1.0}
"""Parts of the budget by the name of a phase: the 200 : 200 : 40 of the reference study."""


class _Curve(Declaration):
    start: Literal["warmup", "current"] = "warmup"
    """`warmup`: from zero up to the peak, anew. `current`: from the rate at which the previous phase ended."""
    warmup_fraction: float = Field(default=0.028, ge=0, lt=1)
    """Share of the curve that rises linearly from zero; unused when `start` is `current`."""
    peak_fraction: float = Field(default=1, gt=0)
    """The peak as a multiple of the scale's learning rate; unused when `start` is `current`."""
    horizon_parts: float | None = Field(default=None, gt=0)
    """The curve's length in parts of the budget; null: the phase's own length. A longer one is cut off by the
    end of the phase, or goes on in a next phase whose schedule is `continued`."""


class _Decay(_Curve):
    final_fraction: float = Field(default=0.1, ge=0, le=1)
    """The last rate as a multiple of the rate from which it falls."""


class Cosine(_Decay):
    """Half a cosine from the peak to the final rate. **Source:** Loshchilov and Hutter 2017, eq. 5."""

    shape: Literal["cosine"] = "cosine"


class Linear(_Decay):
    """A straight line from the peak to the final rate."""

    shape: Literal["linear"] = "linear"


class InverseSquareRoot(_Decay):
    """From the peak to the final rate as 1 - sqrt(progress). **Source:** Hägele et al. 2024 (2405.18392)."""

    shape: Literal["1-sqrt"] = "1-sqrt"


class Constant(_Curve):
    """The peak, held."""

    shape: Literal["constant"] = "constant"


class WarmupStableDecay(_Decay):
    """The peak, held, then a decay over the last part. **Source:** Hu et al. 2024 (MiniCPM, 2404.06395)."""

    shape: Literal["warmup-stable-decay"] = "warmup-stable-decay"
    decay_fraction: float = Field(default=0.2, gt=0, le=1)
    """Share of the curve in which the rate falls."""
    decay_shape: Literal["linear", "1-sqrt", "cosine"] = "1-sqrt"
    """How it falls."""


class Continued(Declaration):
    """The previous phase's curve goes on from where that phase left it; its `horizon_parts` says how long it is."""

    shape: Literal["continued"] = "continued"


Schedule = Annotated[
    Cosine | Linear | Constant | WarmupStableDecay | InverseSquareRoot | Continued,
    Field(discriminator="shape"),
]


class FromCheckpoint(Declaration):
    """Weights of an outside model: a folder of Hugging Face whose tensors are those of the scale's architecture."""

    checkpoint: str = Field(json_schema_extra=NOT_IDENTITY)
    """A local folder, relative to the study's folder."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over the folder's files. Filled in when the study is pinned; if given, it must match."""


class Phase(Declaration):
    """A stretch of training. Which mixture it trains on is said by the arm that uses it.

    >>> Phase(parts=5, schedule={"shape": "cosine"}).data
    'fresh'
    """

    parts: float = Field(gt=0)
    """Its share of a scale's tokens, in parts of the study's `budget_parts`."""
    schedule: Schedule
    """Its learning-rate curve, in full."""
    initialisation: Literal["scratch", "previous"] | FromCheckpoint = "previous"
    """Weights at its start: new ones, those of the previous phase, or an outside checkpoint. The first phase of
    an arm with `previous` starts from scratch."""
    optimizer_state: Literal["carried", "reset"] = "carried"
    """Adam's moments and step count at its start: those of the previous phase, or zero."""
    data: Literal["fresh", "replay", "disjoint"] = "fresh"
    """`fresh`: sequences that no earlier phase drew. `replay`: the same sequences again, from the first one.
    `disjoint`: drawn from the reserved part of each source, the same for every arm."""


def with_default_parts(phases: Any) -> Any:
    """Fill in the parts of phases called init, continue and cooldown (5 : 5 : 1) where they give none."""
    if not isinstance(phases, Mapping):
        return phases
    filled = {}
    for name, phase in phases.items():
        if isinstance(phase, Mapping) and "parts" not in phase and name in DEFAULT_PARTS:
            phase = {"parts": DEFAULT_PARTS[name], **phase}
        filled[name] = phase
    return filled


class Stretch(Declaration):
    """One link of an arm's chain: which phase, on which mixture."""

    phase: Name
    """A phase of the study."""
    mixture: Name
    """The mixture that it trains on here."""


class Arm(Declaration):
    """One condition of the study: a chain of phases, each on a mixture.

    >>> [(s.phase, s.mixture) for s in Arm.model_validate([{"init": "balanced"}, {"continue": "text"}]).chain]
    [('init', 'balanced'), ('continue', 'text')]
    """

    chain: tuple[Stretch, ...] = Field(min_length=1)
    """Phases in order. In YAML the list stands alone, one `phase: mixture` a link."""

    @model_validator(mode="before")
    @classmethod
    def _chain_may_stand_alone(cls, given: Any) -> Any:
        return {"chain": given} if isinstance(given, (list, tuple)) else given

    @field_validator("chain", mode="before")
    @classmethod
    def _short_form(cls, chain: Any) -> Any:
        if not isinstance(chain, (list, tuple)):
            return chain
        return tuple(_stretch(link) for link in chain)

    @model_serializer
    def _as_chain(self) -> list[dict[str, str]]:
        return [{link.phase: link.mixture} for link in self.chain]


def _stretch(link: Any) -> Any:
    if isinstance(link, (list, tuple)) and len(link) == 2:
        return {"phase": link[0], "mixture": link[1]}
    if isinstance(link, Stretch) or (isinstance(link, Mapping) and set(link) == {"phase", "mixture"}):
        return link
    if isinstance(link, Mapping) and len(link) == 1:
        ((phase, mixture),) = link.items()
        return {"phase": phase, "mixture": mixture}
    raise PydanticCustomError(
        "stretch",
        "{link} is not a link of an arm's chain: write one phase and its mixture, as in 'init: balanced'",
        {"link": repr(link)[:60]},
    )
