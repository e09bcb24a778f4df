"""Models that look at documents: how likely a language model finds them, and what a classifier says of them.

Their scores are signals like any other: found once in every document of a source, stored, and looked at by rules.
"""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import IDENTITY_IF_REMOTE, Declaration


class FilterModel(Declaration):
    """A model in Hugging Face's form, with its tokenizer."""

    model: str = Field(min_length=1, json_schema_extra=IDENTITY_IF_REMOTE)
    """A local folder as `save_pretrained` writes it, relative to the study's folder, or a name on the hub."""
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    """The commit (40 hexadecimal digits) of a model on the hub; a branch can change under a study and is refused."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over a local folder's files. Filled in when the study is pinned; if given, it must match."""
    max_tokens: int = Field(default=512, ge=2, le=131_072)
    """Tokens at the beginning of a document that the model reads."""

    @model_validator(mode="after")
    def _is_pinned_one_way(self) -> FilterModel:
        if self.revision is not None and self.content is not None:
            raise PydanticCustomError(
                "model",
                "model '{model}' has both `revision` and `content`; a revision is of a model on the hub, a content of "
                "a local folder: give the one that fits",
                {"model": self.model},
            )
        return self


class Perplexity(FilterModel):
    """A causal language model, for the signals `perplexity` and `model_bits_per_byte`.

    **Source:** Wenzek et al. 2020 (CCNet), section 3.3: documents by the perplexity of a model of a clean corpus.
    """


class Classifier(FilterModel):
    """A sequence classifier, for the signal `classifier_score`.

    **Source:** Penedo et al. 2024 (FineWeb), section 4: a classifier of educational value as a filter.
    """

    label: str | None = None
    """The label whose probability is the score; null: the one output of a model that has one (a regression)."""


class ModelFilters(Declaration):
    """The models that look at a source's documents, at most one of each kind."""

    perplexity: Perplexity | None = None
    """Finds `perplexity` and `model_bits_per_byte`."""
    classifier: Classifier | None = None
    """Finds `classifier_score`."""
