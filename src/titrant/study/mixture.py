"""Mixtures: shares of tokens by source, kept as exact fractions so that nothing is rounded before it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import field_validator, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import Declaration, Name


class Mixture(Declaration):
    """Shares of tokens, normalised to 1. A source with weight 0 is not part of the mixture.

    >>> Mixture(weights={"text": 90, "code": 10}).shares
    {'text': Fraction(9, 10), 'code': Fraction(1, 10)}
    """

    weights: dict[Name, float]
    """Weight by source: finite, not negative, not all zero. Only their ratio counts."""

    @model_validator(mode="before")
    @classmethod
    def _weights_may_stand_alone(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "weights" not in given:
            return {"weights": given}
        return given

    @field_validator("weights", mode="before")
    @classmethod
    def _check_weights(cls, weights: Any) -> Any:
        if not isinstance(weights, Mapping):
            return weights
        for source, weight in weights.items():
            number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
            if not number or not math.isfinite(weight) or weight < 0:
                raise PydanticCustomError(
                    "weight",
                    "the weight of source '{source}' is {weight}; a weight is a finite number, 0 or more",
                    {"source": str(source), "weight": repr(weight), "key": str(source)},
                )
        if not any(weights.values()):
            raise PydanticCustomError("weights", "the weights sum to 0: give at least one source a weight above 0", {})
        return weights

    @model_serializer
    def _as_weights(self) -> dict[str, float]:
        return dict(self.weights)

    @property
    def shares(self) -> dict[str, Fraction]:
        """Share of tokens by source as exact fractions that sum to 1, sources of weight 0 left out."""
        exact = {source: Fraction(repr(weight)) for source, weight in self.weights.items() if weight}
        total = sum(exact.values())
        return {source: weight / total for source, weight in exact.items()}

    def blended(self, other: Mixture, share_of_other: Fraction) -> Mixture:
        """This mixture and another, `share_of_other` of the tokens from the other one.

        >>> Mixture(weights={"text": 1}).blended(Mixture(weights={"code": 4, "markup": 1}), Fraction(1, 4)).weights
        {'text': 0.75, 'code': 0.2, 'markup': 0.05}
        """
        shares: dict[str, Fraction] = {}
        for mixture, part in ((self, 1 - share_of_other), (other, share_of_other)):
            for source, share in mixture.shares.items():
                shares[source] = shares.get(source, Fraction(0)) + part * share
        return Mixture(weights={source: float(share) for source, share in shares.items() if share})
