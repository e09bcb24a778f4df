"""How weights are moved: AdamW, or Muon on the matrices of the blocks with AdamW on the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, Declaration

_NAMED = "`name` says which optimizer, such as `name: muon`"
_MUONS = "it is a field of Muon: add `name: muon`"


class Optimizer(Declaration):
    """AdamW with decay on matrices only. **Source:** Loshchilov and Hutter 2019; the values are ours where the
    reference study gives none."""

    key_hints: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("kind", "type", "optimizer"), _NAMED),
        **dict.fromkeys(("momentum", "iterations"), _MUONS),
    }

    name: Literal["adamw"] = Field(default="adamw", json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Which optimizer."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay of the mean of gradients, a step."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """Decay of the mean of squared gradients, a step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Added to the root of the mean of squares."""
    weight_decay: float = Field(default=0.1, ge=0)
    """On matrices; vectors (norms) and embeddings are not decayed."""
    clip_norm: float | None = Field(default=1.0, gt=0)
    """Gradients with a larger global norm are scaled down to it; null: never."""

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, given: Any) -> Any:
        name = given.get("name", "adamw") if isinstance(given, Mapping) else given
        if (name != "adamw" and isinstance(given, Mapping)) or isinstance(given, str):
            raise PydanticCustomError(
                "optimizer",
                "{name} is not how an optimizer is named; write `name: adamw` or `name: muon` under `optimizer`",
                {"name": repr(name)[:60], "key": "name"},
            )
        return given


class Muon(Declaration):
    """Muon on the matrices of the blocks; embeddings, head and norms go by AdamW with the other fields.

    An update is the momentum made orthogonal by Newton and Schulz's iteration, scaled by 0.2 sqrt(larger side), so that
    it is as large as AdamW's and goes by the same learning rate and decay. **Source:** Jordan et al. 2024 (Muon);
    Liu et al. 2025 (2502.16982), eq. 4 for the scale.
    """

    name: Literal["muon"]
    """Which optimizer."""
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Decay of the mean of gradients of the blocks' matrices, a step (Nesterov's form)."""
    iterations: int = Field(default=5, ge=1, lt=100)
    """Steps of Newton and Schulz's iteration."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's, for the rest."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """AdamW's, for the rest."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's, for the rest."""
    weight_decay: float = Field(default=0.1, ge=0)
    """On the matrices of the blocks; vectors (norms) and embeddings are not decayed."""
    clip_norm: float | None = Field(default=1.0, gt=0)
    """Gradients with a larger global norm are scaled down to it; null: never."""


def _optimizer_tag(given: Any) -> str:
    name = given.get("name") if isinstance(given, Mapping) else getattr(given, "name", None)
    return "muon" if name == "muon" else "adamw"


AnyOptimizer = Annotated[
    Annotated[Optimizer, Tag("adamw")] | Annotated[Muon, Tag("muon")],
    Discriminator(_optimizer_tag),
]
