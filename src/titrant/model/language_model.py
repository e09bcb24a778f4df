"""What the training engine asks of a language model, whoever wrote it: a loss, its weights, and how they may be cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from torch import Tensor, nn

from titrant.model.attention_door import Attend


class LanguageModel(nn.Module, ABC):
    """A causal language model with float32 masters. Shapes: B batch, T positions, V vocabulary."""

    vocabulary: int
    """Entries of the embedding: every token lies below it."""
    gathers_in_precision: bool = False
    """Whether the blocks' matrices may arrive in the number format of their products, vectors staying float32: a model
    that makes its own low-precision copies can do without them."""
    separator: int | None = None
    """The token that stands between documents, if attention is to stay within them; None: it crosses them. It belongs
    to the document that follows: it is the first that this one sees, in training as in scoring."""

    @abstractmethod
    def loss(self, tokens_BT: Tensor, targets_BT: Tensor, *, rows: float | None = None) -> Tensor:
        """Sum of the targets' cross entropies in nats, divided by `rows` (by their number if None); float32 scalar."""

    @abstractmethod
    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Logits of the next token, [B, T, V]. Holds them all: for small inputs."""

    @abstractmethod
    def hidden_with(self, attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """Hidden states as `forward` gives them, with `attend` in the place of attention in every layer: [B, T, D].

        `positions_BT` are the tokens' places in their own texts, from 0. Only where `attends_plainly`.
        """

    @property
    @abstractmethod
    def attends_plainly(self) -> bool:
        """Whether the model is plain causal attention and nothing else that mixes positions, so that `hidden_with` is
        what it computes: no windows shorter than its longest text, no soft caps, sinks, biases of distance, states or
        convolutions, no angles that depend on the other texts, no `separator`. Asked once the weights are in place:
        of a model made elsewhere it is proven by reading a few tokens both ways, once."""

    @abstractmethod
    def holding_copies(self) -> AbstractContextManager[None]:
        """Inside, low-precision copies of the weights are made once for all passes; weights must not change there."""

    @abstractmethod
    def compile_blocks(self) -> None:
        """Run the blocks as compiled code from now on. Its last bits are not those of eager code."""

    @abstractmethod
    def recompute_blocks(self) -> None:
        """Keep no activations inside blocks from now on, and compute them again in the backward pass: same bits, a
        third more work, a fraction of the memory."""

    @abstractmethod
    def units(self) -> Sequence[nn.Module]:
        """The blocks in their order: each is gathered, computed and let go on its own where weights are sharded."""

    @abstractmethod
    def initial_weights(self, seed: int) -> Iterator[tuple[str, Tensor]]:
        """New weights by parameter name, float32 on the CPU, one parameter at a time. They depend on seed and name
        alone."""

    @abstractmethod
    def decayed(self) -> frozenset[str]:
        """Names of the parameters that weight decay shrinks, and Muon turns: the matrices of the blocks."""

    @abstractmethod
    def fused_parts(self, name: str) -> tuple[int, tuple[int, ...]]:
        """(axis, sizes) of the independent matrices that the block matrix `name` holds side by side."""
