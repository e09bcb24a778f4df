"""Cleaning: which documents of a source are kept, and how those are changed before they are encoded.

A *signal* is a number (or a word) that a pure function finds in a document; all signals of a source are stored, so that
another threshold needs no new pass. A *rule* is a threshold on one signal; a *rule set* is a named tuple of rules.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import Declaration, listing, suggestion
from titrant.study.languages import wrong_prose_language
from titrant.study.signals import SIGNALS


class Rule(Declaration):
    """A document passes if the signal lies within the bounds, or if the signal does not apply to it.

    >>> Rule(signal="mean_line_length", at_most=100).title
    'mean_line_length <= 100'
    """

    signal: str
    """Which signal is looked at; the reference lists all."""
    at_least: float | None = None
    """The smallest value that passes."""
    at_most: float | None = None
    """The largest value that passes."""
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The words that pass, for a signal that is a word."""
    name: str | None = Field(default=None, min_length=1, max_length=80)
    """What the rule is called in counts; null: what it says."""

    @field_validator("at_least", "at_most", mode="before")
    @classmethod
    def _is_a_number(cls, given: Any) -> Any:
        if isinstance(given, bool):
            said = {"said": "true" if given else "false"}
            raise PydanticCustomError("number", "{said} is no number; a threshold is one, such as 0 or 1", said)
        return given

    @model_validator(mode="after")
    def _fits_its_signal(self) -> Self:
        if self.signal not in SIGNALS:
            raise PydanticCustomError(
                "signal",
                "unknown signal '{signal}'{hint}; known are {known}",
                {"signal": self.signal, "hint": suggestion(self.signal, SIGNALS), "known": listing(SIGNALS)},
            )
        is_word, bounded = SIGNALS[self.signal].unit == "word", (self.at_least, self.at_most) != (None, None)
        if bounded == (self.one_of is not None) or is_word == bounded:
            raise PydanticCustomError(
                "bounds",
                "signal '{signal}' is a {what}: give {wanted}",
                {
                    "signal": self.signal,
                    "what": "word" if is_word else "number",
                    "wanted": "`one_of` alone" if is_word else "`at_least`, `at_most` or both, and no `one_of`",
                },
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise PydanticCustomError(
                "bounds",
                "no value of '{signal}' is at least {low} and at most {high}; exchange the two",
                {"signal": self.signal, "low": f"{self.at_least:g}", "high": f"{self.at_most:g}"},
            )
        return self

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        signal = SIGNALS[self.signal]
        for key, threshold in (("at_least", self.at_least), ("at_most", self.at_most)):
            if threshold is not None and not signal.least <= threshold <= signal.most:
                high = "up" if math.isinf(signal.most) else f"to {signal.most:g}"
                raise PydanticCustomError(
                    "bounds",
                    "signal '{signal}' goes from {low} {high}, so that `{threshold}` says the same of every "
                    "document; give a threshold within",
                    {
                        "signal": self.signal,
                        "low": f"{signal.least:g}",
                        "high": high,
                        "threshold": f"{key}: {threshold:g}",
                        "key": key,
                    },
                )
        if self.signal == "prose_language":
            for index, word in enumerate(self.one_of or ()):
                if wrong := wrong_prose_language(word):
                    raise PydanticCustomError("language", "{wrong}", {"wrong": wrong, "key": ("one_of", index)})
        return self

    @property
    def title(self) -> str:
        """Its name, or what it says."""
        if self.name is not None:
            return self.name
        if self.one_of is not None:
            return f"{self.signal} in {', '.join(self.one_of)}"
        low = "" if self.at_least is None else f"{self.at_least:g} <= "
        high = "" if self.at_most is None else f" <= {self.at_most:g}"
        return f"{low}{self.signal}{high}"


class NearDuplicates(Declaration):
    """Near-duplicates are found by MinHash over n-grams of words, and the first document is kept.

    **Source:** Broder 1997 (MinHash); Lee et al. 2022 (near-duplicates in training data).
    """

    similarity: float = Field(default=0.8, ge=0.5, lt=1)
    """Jaccard similarity of two documents' sets of n-grams from which they count as the same."""
    words: int = Field(default=5, ge=1, le=50)
    """Words of an n-gram."""
    permutations: int = Field(default=256, ge=64, le=1024, multiple_of=64)
    """Hash functions of a signature; the estimate of the similarity is off by about 1 / (2 sqrt(permutations))."""


class Decontaminate(Declaration):
    """Documents that hold an item of the evaluation are found by runs of words that both have.

    Case, punctuation, white space, accents, look-alikes and markup make no difference. A document holds an item if at
    least `share` of the item's words stand in common runs within one stretch of it, and at least 13 (of a shorter item
    four fifths), so that none is found by chance.

    **Source:** Lambert et al. 2024 (Tulu 3), section 3.2 (runs of eight, half of the item); Brown et al. 2020,
    appendix C (13 words).
    """

    action: Literal["report", "drop"] = "report"
    """`report`: such documents are trained on, and findings stand with and without the items that they hold. `drop`:
    they are not trained on."""
    words: int = Field(default=8, ge=4, le=50)
    """Words of a run; shorter items are looked for as a whole."""
    share: float = Field(default=0.5, gt=0, le=1)
    """The least share of an item's words that must be held."""


Redaction = Literal["emails", "secrets"]
"""What is replaced by a placeholder in documents that are kept."""

Transform = Literal[
    "strip-comments",
    "comments-only",
    "strip-docstrings",
    "rename-identifiers",
    "shuffle-lines",
    "shuffle-tokens",
]
"""How documents are changed, for arms that ask which property of a text does the work."""
