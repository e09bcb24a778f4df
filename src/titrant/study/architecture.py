"""What is trained and how it is optimised: the model's shape, the tokenizer, the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import NOT_IDENTITY, Declaration, Name
from titrant.study.units import Bytes


class Architecture(Declaration):
    """The reference block: attention and SwiGLU in parallel after one LayerNorm, no biases, interleaved RoPE.

    >>> Architecture(layers=6, width=128, heads=4, ffn_width=344).count_parameters(vocabulary=4096)
    (1186688, 524288)
    """

    layers: int = Field(gt=0)
    """Number of blocks."""
    width: int = Field(gt=0)
    """Size of the residual stream."""
    heads: int = Field(gt=0)
    """Attention heads; the width divided by them is even (RoPE turns pairs)."""
    ffn_width: int = Field(gt=0)
    """Inner size of the SwiGLU feed-forward."""
    rope_theta: float = Field(default=10_000, gt=0)
    """Base of the rotary angles."""
    norm_epsilon: float = Field(default=1e-5, gt=0)
    """Added to the variance in LayerNorm."""
    tied_embeddings: bool = True
    """Whether the output matrix is the embedding matrix."""
    logit_scale: float = Field(default=1, gt=0)
    """Factor on the logits."""
    initializer: Literal["glorot-normal", "scaled-normal"] = "scaled-normal"
    """`scaled-normal`: std 0.02, output matrices divided by sqrt(2 x layers) (Radford et al. 2019).
    `glorot-normal`: std sqrt(2 / (fan in + fan out)), as the reference study says; embeddings std 0.02."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Architecture:
        if self.width % (2 * self.heads):
            raise PydanticCustomError(
                "heads",
                "width {width} cannot be shared by {heads} heads: the width must be a multiple of 2 x heads = {step}",
                {"width": self.width, "heads": self.heads, "step": 2 * self.heads},
            )
        return self

    def count_parameters(self, vocabulary: int) -> tuple[int, int]:
        """(non-embedding, embedding) parameters; an untied output matrix counts as embedding."""
        block = self.width * (4 * self.width + 3 * self.ffn_width) + self.width
        embedding = vocabulary * self.width * (1 if self.tied_embeddings else 2)
        return self.layers * block + self.width, embedding

    def flops_per_token(self, vocabulary: int, sequence_length: int) -> float:
        """Training FLOPs per token: 6 x matrix weights (output matrix included) + 6 x layers x width x length.

        **Source:** Kaplan et al. 2020, section 2.1, with causal attention counted once (half the square).
        """
        matrices = self.layers * self.width * (4 * self.width + 3 * self.ffn_width) + vocabulary * self.width
        return 6 * matrices + 6 * self.layers * self.width * sequence_length


class Optimizer(Declaration):
    """AdamW with decay on matrices only. **Source:** Loshchilov and Hutter 2019; the values are ours where the
    reference study gives none."""

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


class TrainedTokenizer(Declaration):
    """A byte-level BPE trained on the study's own training documents."""

    vocabulary: int = Field(ge=258, le=1_000_000)
    """Entries, the end-of-text token among them."""
    mixture: Name
    """The mixture, here in shares of *bytes*, on which it is trained."""
    training_bytes: Bytes = 8_000_000
    """How much text it is trained on."""


class ExistingTokenizer(Declaration):
    """A tokenizer.json that exists, read as it is."""

    file: str = Field(json_schema_extra=NOT_IDENTITY)
    """Path of a `tokenizer.json`, relative to the study's folder."""
    end_of_text: str = "<|endoftext|>"
    """The token that ends each document; it must be in the vocabulary."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 of the file. Filled in when the study is pinned; if given, it must match."""
    vocabulary: int | None = Field(default=None, gt=0)
    """Its number of entries. Filled in when the study is pinned; if given, it must match."""


def _tokenizer_tag(given: Any) -> str:
    has_file = "file" in given if isinstance(given, Mapping) else hasattr(given, "file")
    return "existing" if has_file else "trained"


Tokenizer = Annotated[
    Annotated[TrainedTokenizer, Tag("trained")] | Annotated[ExistingTokenizer, Tag("existing")],
    Discriminator(_tokenizer_tag),
]
