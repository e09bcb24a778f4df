"""Sources: named sets of documents of one kind, and how those are cleaned and changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.cleaning import Redaction, Rule, Transform
from titrant.study.declaration import Declaration, Name, listing, suggestion
from titrant.study.language_shares import LANGUAGE_SHARES, canonical_language
from titrant.study.languages import wrong_file_language
from titrant.study.model_filters import ModelFilters
from titrant.study.origins import HubDataset, Origin, OtherSource
from titrant.study.parsers import Notebooks
from titrant.study.rule_sets import RULE_SETS
from titrant.study.signals import SIGNALS
from titrant.study.synthesis import SyntheticItems

Kind = Literal["text", "code", "markup", "commits", "notebooks", "threads", "synthetic"]


class PlantedFacts(Declaration):
    """Invented facts written into the training documents, so that a probe can ask what was learnt.

    Each fact is a sentence about an invented name, in several wordings; the `planted-facts` probe asks for facts
    at each number of copies. Facts never enter held-out documents.
    """

    facts_per_rung: int = Field(gt=0)
    """How many facts are planted at each number of copies."""
    copies: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    """How often a fact is written; each number is one rung of the probe."""
    seed: int = 0
    """Which facts are invented."""


def _check_rule_set(name: str) -> str:
    if name not in RULE_SETS:
        raise PydanticCustomError(
            "rules",
            "unknown rule set '{name}'{hint}; there are {known}, or write a rule as {signal: ..., at_most: ...}",
            {"name": name, "hint": suggestion(name, RULE_SETS), "known": listing(RULE_SETS)},
        )
    return name


RuleSetName = Annotated[str, AfterValidator(_check_rule_set)]

Rules = Annotated[
    Annotated[RuleSetName, Tag("name")] | Annotated[Rule, Tag("rule")],
    Discriminator(lambda given: "name" if isinstance(given, str) else "rule"),
]
"""The name of a set of rules, or one rule written out."""


class Source(Declaration):
    """A named set of documents of one kind.

    >>> Source(kind="text", **{"from": [{"files": "books"}]}).origins[0].files
    ('books',)
    """

    kind: Kind
    """What its documents are; the report shows the share of code by this."""
    origins: tuple[Origin, ...] = Field(alias="from", min_length=1)
    """Where its documents come from, in order: of two equal documents the first is kept."""
    max_epochs: float = Field(default=1, gt=0)
    """How often its training tokens may be seen by one run."""
    max_document_characters: int | None = Field(default=None, ge=100)
    """Longer documents are cut at line ends into pieces of at most this many characters; null: never."""
    reserve_fraction: float = Field(default=0, ge=0, lt=1)
    """The share of its training documents kept for phases whose data are `disjoint`, chosen by content hash."""
    plant: PlantedFacts | None = None
    """Invented facts written into its training documents."""
    rules: tuple[Rules, ...] = ()
    """What a document must pass to be kept: names of rule sets, or rules such as `{signal: words, at_least: 50}`."""
    models: ModelFilters | None = None
    """Models that look at its documents, for rules on `perplexity`, `model_bits_per_byte` and `classifier_score`."""
    redact: tuple[Redaction, ...] = ()
    """What is replaced by a placeholder in the documents that are kept."""
    transform: tuple[Transform, ...] = ()
    """How the documents that are kept are changed, in this order."""
    paired_with: tuple[Name, ...] = ()
    """Sources made of the same documents: only those that have text in all of them are kept here too."""
    language_shares: str | dict[str, float] | None = None
    """Share of documents by language, or the name of a set of shares: only so many of each are kept; null: all."""
    on_error: Literal["stop", "skip"] = "stop"
    """What a file or record that cannot be read does: `stop` the run, or be left out, named and counted."""

    @field_validator("rules", "redact", "transform", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, (str, Mapping, Rule)) else given

    @field_validator("rules", "redact", "transform")
    @classmethod
    def _none_stands_twice(cls, given: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        for index, value in enumerate(given):
            if value in given[:index]:
                raise PydanticCustomError(
                    "twice",
                    "{what} '{value}' stands here twice; write it once",
                    {
                        "what": {"rules": "rule", "redact": "redaction"}.get(str(info.field_name), "transform"),
                        "value": value.title if isinstance(value, Rule) else value,
                        "key": index,
                    },
                )
        return given

    @field_validator("language_shares", mode="before")
    @classmethod
    def _check_shares(cls, given: Any) -> Any:
        if isinstance(given, str) and given not in LANGUAGE_SHARES:
            raise PydanticCustomError(
                "language_shares",
                "unknown language shares '{name}'{hint}; there are {known}, or give a share by language",
                {"name": given, "hint": suggestion(given, LANGUAGE_SHARES), "known": listing(LANGUAGE_SHARES)},
            )
        if not isinstance(given, Mapping):
            return given
        for language, share in given.items():
            number = isinstance(share, (int, float)) and not isinstance(share, bool)
            if not number or not math.isfinite(share) or share <= 0:
                raise PydanticCustomError(
                    "language_shares",
                    "the share of language '{language}' is {share}; a share is a finite number above 0 (leave a "
                    "language out to keep none of it)",
                    {"language": str(language), "share": repr(share), "key": str(language)},
                )
        if not given:
            raise PydanticCustomError("language_shares", "no language has a share; leave language_shares out", {})
        return given

    @model_validator(mode="after")
    def _other_sources_stand_alone(self) -> Self:
        others = [f"source: {origin.source}" for origin in self.origins if isinstance(origin, OtherSource)]
        others += [f"synthetic: {origin.synthetic}" for origin in self.origins if isinstance(origin, SyntheticItems)]
        if others and len(self.origins) > 1:
            raise PydanticCustomError(
                "from",
                "`{other}` stands beside other origins; give it a source of its own",
                {"other": others[0]},
            )
        return self

    @model_validator(mode="after")
    def _synthetic_items_are_synthetic(self) -> Self:
        origin = self.origins[0]
        if not isinstance(origin, SyntheticItems):
            return self
        kinds = ("synthetic", "text") if origin.items in ("statement", "text") else ("synthetic",)
        if self.kind not in kinds:
            raise PydanticCustomError(
                "kind",
                "a source of `items: {items}` of a synthesis is of kind {kinds}, not '{kind}'",
                {"items": origin.items, "kinds": " or ".join(f"'{kind}'" for kind in kinds), "kind": self.kind},
            )
        return self

    @model_validator(mode="after")
    def _models_are_declared(self) -> Self:
        declared = self.models or ModelFilters()
        for rule in self.rules_written_out:
            family = SIGNALS[rule.signal].family
            if family in ("perplexity", "classifier") and getattr(declared, family) is None:
                raise PydanticCustomError(
                    "models",
                    "a rule looks at '{signal}', and no model is declared that finds it; declare `{family}` in the "
                    "source's `models`, or leave the rule out",
                    {"signal": rule.signal, "family": family, "key": "rules"},
                )
        return self

    @model_validator(mode="after")
    def _languages_are_known(self) -> Self:
        declared, others = self._own_languages()
        words: dict[tuple[str | int, ...], str] = {
            ("rules", place, "one_of", index): word
            for place, rule in enumerate(self.rules)
            if isinstance(rule, Rule) and rule.signal == "file_language"
            for index, word in enumerate(rule.one_of or ())
        }
        if isinstance(self.language_shares, dict):
            words |= {("language_shares", language): language for language in self.language_shares}
        for key, word in words.items():
            if wrong := wrong_file_language(word, declared, others=others):
                raise PydanticCustomError("language", "{wrong}", {"wrong": wrong, "key": key})
        return self

    def _own_languages(self) -> tuple[frozenset[str], bool]:
        """The languages that its origins give all their documents, and whether one reads them from what it holds."""
        origins = [origin for origin in self.origins if not isinstance(origin, (OtherSource, SyntheticItems))]
        declared = (canonical_language(origin.language) for origin in origins if origin.language is not None)
        others = any(
            isinstance(origin.parse, Notebooks)
            or getattr(origin.parse, "language", None) is not None
            or (isinstance(origin, HubDataset) and origin.language_column is not None)
            for origin in origins
        )
        return frozenset(declared), others

    @property
    def rules_written_out(self) -> tuple[Rule, ...]:
        """Every rule, those of named sets among them, each once, in order."""
        every = (rule for given in self.rules for rule in (RULE_SETS[given] if isinstance(given, str) else (given,)))
        return tuple(dict.fromkeys(every))

    @property
    def shares_by_language(self) -> dict[str, float]:
        """Share of documents by language, any scale; empty: as they come."""
        given = self.language_shares
        return dict(LANGUAGE_SHARES[given] if isinstance(given, str) else given or {})


Sources = dict[Name, Source]
