"""What is trained: the model's shape and the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from titrant.errors import StudyError
from titrant.study.declaration import NOT_IDENTITY, Declaration, Name
from titrant.study.units import Bytes

END_OF_TEXT = "<|endoftext|>"
"""The token that ends each document where none is named."""


IN_THE_SCALE = dict.fromkeys(
    ("rung", "tokens", "sequence_length", "global_batch_tokens", "learning_rate", "precision", "attention"),
    "it belongs one level up, beside `architecture`",
)
"""Keys of a scale, where they are written into its architecture."""


class Architecture(Declaration):
    """The reference block: attention and SwiGLU in parallel after one LayerNorm, no biases, interleaved RoPE.

    >>> Architecture(layers=6, width=128, heads=4, ffn_width=344).count_parameters(vocabulary=4096)
    (1186688, 524288)
    """

    key_hints: ClassVar[Mapping[str, str]] = IN_THE_SCALE

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


class OutsideArchitecture(Declaration):
    """The model that a folder of Hugging Face describes: any causal language model of `transformers` whose loss is
    proven to be computed rightly before training begins.

    All but the folder is read from it when the study is pinned, without torch, and is 0 or null until then; what is
    given must match.
    """

    key_hints: ClassVar[Mapping[str, str]] = IN_THE_SCALE

    hugging_face: str = Field(json_schema_extra=NOT_IDENTITY)
    """A local folder with `config.json` and weights as safetensors, relative to the study's folder."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over what makes the model, and goes with it when it is exported: `config.json` and, where they are there,
    the configurations of its generation and its tokenizer. Never the weights: a phase's `checkpoint` names those."""
    family: str = ""
    """Its `model_type`, such as `llama`."""
    layers: int = Field(default=0, ge=0)
    """Number of blocks."""
    width: int = Field(default=0, ge=0)
    """Size of the residual stream."""
    heads: int = Field(default=0, ge=0)
    """Attention heads (of queries)."""
    head_width: int = Field(default=0, ge=0)
    """Size of one head's queries."""
    ffn_width: int = Field(default=0, ge=0)
    """Inner size of the feed-forward."""
    vocabulary: int = Field(default=0, ge=0)
    """Rows of the embedding; a tokenizer may have fewer entries, never more."""
    positions: int | None = Field(default=None, gt=0)
    """The longest sequence that it reads; null after pinning: its config sets no limit."""
    tied_embeddings: bool | None = None
    """Whether the output matrix is the embedding matrix."""
    non_embedding_parameters: int = Field(default=0, ge=0)
    """Parameters that are neither embedding nor output matrix."""
    matrix_parameters: int = Field(default=0, ge=0)
    """Weights of the matrices of the blocks, through which every token goes."""

    def count_parameters(self, vocabulary: int) -> tuple[int, int]:
        """(non-embedding, embedding) parameters; an untied output matrix counts as embedding. The embedding is the
        folder's, whatever the tokenizer's vocabulary is. Raises StudyError if the folder was not read yet."""
        embedding = self._read("vocabulary") * self._read("width") * (1 if self.tied_embeddings else 2)
        return self._read("non_embedding_parameters"), embedding

    def flops_per_token(self, vocabulary: int, sequence_length: int) -> float:
        """Training FLOPs per token: 6 x matrix weights (output matrix included) + 6 x layers x heads x head width x
        length. Sliding windows are counted as if they saw all. **Source:** as of `Architecture.flops_per_token`."""
        matrices = self._read("matrix_parameters") + self._read("vocabulary") * self._read("width")
        attended = self._read("layers") * self._read("heads") * self._read("head_width")
        return 6.0 * matrices + 6 * attended * sequence_length

    def _read(self, field: str) -> int:
        value: int = getattr(self, field)
        if not value:
            raise StudyError(
                f"the architecture of '{self.hugging_face}' is not pinned: pass the study through pin_study first, "
                "which reads the folder"
            )
        return value


def _architecture_tag(given: Any) -> str:
    has_folder = "hugging_face" in given if isinstance(given, Mapping) else hasattr(given, "hugging_face")
    return "outside" if has_folder else "reference"


AnyArchitecture = Annotated[
    Annotated[Architecture, Tag("reference")] | Annotated[OutsideArchitecture, Tag("outside")],
    Discriminator(_architecture_tag),
]
"""The reference block, or the model of a folder (the key `hugging_face` says which)."""


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
    """Path of a `tokenizer.json`, or of the folder of a Hugging Face model that holds one; relative to the study's
    folder."""
    end_of_text: str | None = None
    """The token that ends each document; it must be in the vocabulary. Null: `<|endoftext|>`, or of a folder the token
    whose id its configuration names as `eos_token_id`."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 of the file. Filled in when the study is pinned; if given, it must match."""
    vocabulary: int | None = Field(default=None, gt=0)
    """Its number of entries. Filled in when the study is pinned; if given, it must match."""

    @property
    def ending(self) -> str:
        """The token that ends each document, where nothing was read from a folder."""
        return self.end_of_text or END_OF_TEXT


def _tokenizer_tag(given: Any) -> str:
    has_file = "file" in given if isinstance(given, Mapping) else hasattr(given, "file")
    return "existing" if has_file else "trained"


Tokenizer = Annotated[
    Annotated[TrainedTokenizer, Tag("trained")] | Annotated[ExistingTokenizer, Tag("existing")],
    Discriminator(_tokenizer_tag),
]
