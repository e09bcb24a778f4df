"""The reference model: a decoder whose blocks run attention and SwiGLU side by side after one LayerNorm.

    hidden = embedding[tokens]
    for each block:   normed = LayerNorm(hidden)
                      hidden = hidden + W_out [attention(normed), silu(gate) * up]
    logits = logit_scale * LayerNorm(hidden) @ readout.T

With `separator` attention stays within documents. Positions go on over their borders: RoPE makes scores depend on
differences of positions alone, so a document is what it would be at the beginning of a sequence, up to rounding.

No biases. LayerNorm has a weight and no bias. The residual stream and LayerNorm are float32. RoPE turns interleaved
pairs of channels. One matrix makes query, key, value, gate and up; one brings attention and feed-forward back.

Masters are float32, and so are their gradients. Matrix products run in `precision`: with bfloat16, copies of the
matrices are made in every forward pass, or once for many of them inside `holding_copies`.

**Source:** the block of the reference study is Cohere's (`CohereForCausalLM`), which is the oracle of the tests.

Shapes: B batch, T positions, N = B x T, D width, H heads, K width of a head, F width of the feed-forward,
V vocabulary, P = 3D + 2F the outputs of the input matrix, E = D + F the inputs of the output matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, cast, final

import numpy as np
import torch
from blake3 import blake3
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from titrant.model.attention import Documents, causal_attention, find_documents, has_fused_documents
from titrant.model.attention_door import Attend
from titrant.model.language_model import LanguageModel
from titrant.model.loss import mean_cross_entropy
from titrant.study.architecture import Architecture

Precision = Literal["float32", "bfloat16"]

_FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_FUSED = {"input": ("query", "key", "value", "gate", "up"), "output": ("attended", "down")}
"""Matrices that a block's matrix holds side by side, by the name of the latter."""


@final
class Transformer(LanguageModel):
    """The model of an architecture with a vocabulary. Weights are zeros until `initialise` or `load_state_dict`; made
    under `torch.device("meta")` it has none until `to_empty`.

    >>> model = Transformer(Architecture(layers=1, width=8, heads=2, ffn_width=16), vocabulary=32)
    >>> model.initialise(seed=1)
    >>> model.logits(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 32])
    """

    gathers_in_precision = True

    def __init__(self, architecture: Architecture, vocabulary: int, precision: Precision = "float32") -> None:
        super().__init__()
        self.architecture, self.vocabulary, self.precision = architecture, vocabulary, precision
        width = architecture.width
        self.embedding = Matrix(vocabulary, width, precision)
        self.blocks = nn.ModuleList(Block(architecture, precision) for _ in range(architecture.layers))
        self.norm = LayerNorm(width, architecture.norm_epsilon)
        self.head: Matrix | None = None if architecture.tied_embeddings else Matrix(vocabulary, width, precision)
        self._turns: dict[tuple[int, torch.device], Tensor] = {}

    @property
    def readout(self) -> Matrix:
        """The matrix that turns hidden states into logits: the head, or the embedding if they are tied."""
        return self.embedding if self.head is None else self.head

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Hidden states after the last LayerNorm, times `logit_scale`, in the model's precision; [B, T, D].

        `logit_scale` is applied here, so that logits are these states times the `readout`.
        """
        hidden_BTD = functional.embedding(tokens_BT, self.embedding.weight).float()
        turns = self._turns_of(tokens_BT.shape[1], tokens_BT.device)
        documents = self._documents_of(tokens_BT)
        for block in self.blocks:
            hidden_BTD = block(hidden_BTD, turns, documents)
        return self._last(hidden_BTD)

    def hidden_with(self, attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor:
        """See `LanguageModel.hidden_with`. Queries come divided by sqrt(K): the scale is 1."""
        hidden_BTD = functional.embedding(tokens_BT, self.embedding.weight).float()
        length = max(64, 1 << int(positions_BT.max()).bit_length())  # one table for many batches, bits of none
        turns = self._turns_of(length, tokens_BT.device)[positions_BT]
        for layer, block in enumerate(self.units()):
            hidden_BTD = block.attending(partial(attend, layer), hidden_BTD, turns)
        return self._last(hidden_BTD)

    @property
    def attends_plainly(self) -> bool:
        """See `LanguageModel.attends_plainly`: always, but within documents."""
        return self.separator is None

    def _last(self, hidden_BTD: Tensor) -> Tensor:
        hidden_BTD = cast(Tensor, self.norm(hidden_BTD))
        if self.architecture.logit_scale != 1:
            hidden_BTD = hidden_BTD * self.architecture.logit_scale
        return hidden_BTD.to(_FORMATS[self.precision])

    def loss(self, tokens_BT: Tensor, targets_BT: Tensor, *, rows: float | None = None) -> Tensor:
        """Mean cross entropy of the targets in nats a token; see `mean_cross_entropy` for `rows`."""
        hidden_ND = torch.flatten(self(tokens_BT), 0, 1)
        return mean_cross_entropy(
            hidden_ND, self.readout.weight, targets_BT.flatten(), copy_VD=self.readout.copy(), rows=rows
        )

    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Logits of the next token, [B, T, V], in the model's precision. Holds them all: for small inputs."""
        return functional.linear(self(tokens_BT), self.readout.in_precision())

    @contextmanager
    def holding_copies(self) -> Iterator[None]:
        """Make the copies in the model's precision once for all forward passes inside. Weights must not change there:
        fused optimizers change them without a trace, so no version counter could tell that a copy is stale.

        Sharded weights are left alone: whoever shards them gathers them in the model's precision.
        """
        matrices = [module for module in self.modules() if isinstance(module, Matrix) and not module.is_sharded]
        try:
            for matrix in matrices:
                matrix.held = matrix.copy()
            yield
        finally:
            for matrix in matrices:
                matrix.held = None

    def compile_blocks(self) -> None:
        """Run the blocks as compiled code from now on: one program for all of them, and one for each shape of batch,
        so that no result depends on which shapes came before. Its last bits are not those of eager code."""
        compiled = torch.compile(block_output, dynamic=False, fullgraph=True)
        for block in self.units():
            block.compute = compiled

    def recompute_blocks(self) -> None:
        """Keep of each block only what enters it, and compute the rest again in the backward pass: same bits."""
        for block in self.units():
            block.recomputes = True

    def units(self) -> list[Block]:
        """The blocks in their order."""
        return [cast(Block, block) for block in self.blocks]

    def initial_weights(self, seed: int) -> Iterator[tuple[str, Tensor]]:
        """New weights by parameter name, float32 on the CPU, one parameter at a time. Each unfused matrix has its own
        generator, keyed by the seed and its name: the same seed gives the same weights in every arm, on every machine,
        whatever else the model holds, and on the meta device too."""
        for name, parameter in self.named_parameters():
            owner = name.removesuffix(".weight")
            if parameter.ndim == 1:
                yield name, torch.ones(parameter.shape, device="cpu")
                continue
            rows, columns = parameter.shape
            if owner in ("embedding", "head"):
                yield name, self._drawn(seed, owner, (rows, columns))
                continue
            axis, sizes = self.fused_parts(name)
            block, _, kind = owner.rpartition(".")
            shapes = [(size, columns) if axis == 0 else (rows, size) for size in sizes]
            parts = zip(_FUSED[kind], shapes, strict=True)
            yield name, torch.cat([self._drawn(seed, f"{block}.{part}", shape) for part, shape in parts], dim=axis)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw new weights: those of `initial_weights`."""
        named = dict(self.named_parameters())
        for name, weights in self.initial_weights(seed):
            named[name].copy_(weights)

    def decayed(self) -> frozenset[str]:
        """Names of the blocks' matrices."""
        return frozenset(name for name, p in self.named_parameters() if name.startswith("blocks.") and p.ndim == 2)

    def fused_parts(self, name: str) -> tuple[int, tuple[int, ...]]:
        """(0, sizes of query, key, value, gate, up) or (1, sizes of the ways back of attention and feed-forward)."""
        width, ffn = self.architecture.width, self.architecture.ffn_width
        return (0, (width, width, width, ffn, ffn)) if name.endswith(".input.weight") else (1, (width, ffn))

    def _drawn(self, seed: int, name: str, shape: tuple[int, int]) -> Tensor:
        return _normal(seed, name, shape) * self._standard_deviation(name, shape)

    def _standard_deviation(self, name: str, shape: tuple[int, int]) -> float:
        """**Source:** Radford et al. 2019, section 2.3 (scaled-normal); Glorot and Bengio 2010, eq. 12."""
        if name in ("embedding", "head"):
            return 0.02
        if self.architecture.initializer == "glorot-normal":
            return float((2 / sum(shape)) ** 0.5)
        leads_out = name.endswith((".attended", ".down"))
        return 0.02 / (2 * self.architecture.layers) ** 0.5 if leads_out else 0.02

    def _documents_of(self, tokens_BT: Tensor) -> Documents | None:
        if self.separator is None:
            return None
        fused = has_fused_documents(tokens_BT.device, _FORMATS[self.precision])
        return find_documents(tokens_BT, self.separator, fused=fused)

    def _turns_of(self, length: int, device: torch.device) -> Tensor:
        """What `length` positions turn queries and keys by, [T, 2, 1, K / 2, 2], made once per length and device. The
        queries' half holds attention's division by sqrt(K) as well."""
        key = (length, device)
        if key not in self._turns:
            head_width = self.architecture.width // self.architecture.heads
            turns_TK = rotations(length, head_width, self.architecture.rope_theta)
            self._turns[key] = torch.stack((turns_TK * head_width**-0.5, turns_TK), dim=1)[:, :, None].to(device)
        return self._turns[key]


class Block(nn.Module):
    """One block: hidden + W_out [attention(normed), silu(gate) * up]."""

    def __init__(self, architecture: Architecture, precision: Precision) -> None:
        super().__init__()
        width, ffn = architecture.width, architecture.ffn_width
        self.heads = architecture.heads
        self.norm = LayerNorm(width, architecture.norm_epsilon)
        self.input = Matrix(3 * width + 2 * ffn, width, precision)
        self.output = Matrix(width, width + ffn, precision)
        self.compute: Callable[..., Tensor] = block_output
        self.recomputes = False

    def forward(self, hidden_BTD: Tensor, turns: Tensor, documents: Documents | None = None) -> Tensor:
        """[B, T, D] to [B, T, D]; `turns` are those of the T positions; attention stays within `documents`, if given.

        Weights are fetched here, outside compiled code, so that hooks which gather them have run.
        """
        matrices = (self.norm.weight, self.input.in_precision(), self.output.in_precision())
        given = (hidden_BTD, turns, documents, *matrices)
        if self.recomputes and torch.is_grad_enabled():
            recomputed: Tensor = checkpoint(
                self.compute, *given, self.heads, self.norm.epsilon, use_reentrant=False, preserve_rng_state=False
            )
            return recomputed
        return self.compute(*given, self.heads, self.norm.epsilon)

    def attending(self, attend: Callable[..., Tensor], hidden_BTD: Tensor, turns: Tensor) -> Tensor:
        """As `forward`, with attend(query_BHTK, key_BHTK, value_BHTK, scale) for attention; `turns` are those of every
        token, [B, T, 2, 1, K / 2, 2]."""

        def unscaled(query_BHTK: Tensor, key_BHTK: Tensor, value_BHTK: Tensor) -> Tensor:
            return attend(query_BHTK, key_BHTK, value_BHTK, 1.0)

        matrices = (self.norm.weight, self.input.in_precision(), self.output.in_precision())
        return _attending_output(unscaled, hidden_BTD, turns, *matrices, self.heads, self.norm.epsilon)


def block_output(
    hidden_BTD: Tensor,
    turns: Tensor,
    documents: Documents | None,
    norm_D: Tensor,
    input_PD: Tensor,
    output_DE: Tensor,
    heads: int,
    epsilon: float,
) -> Tensor:
    """What a block makes of its hidden states [B, T, D], as a function of tensors; E = D + F."""

    def attend(query_BHTK: Tensor, key_BHTK: Tensor, value_BHTK: Tensor) -> Tensor:
        return causal_attention(query_BHTK, key_BHTK, value_BHTK, documents)

    return _attending_output(attend, hidden_BTD, turns, norm_D, input_PD, output_DE, heads, epsilon)


def _attending_output(
    attend: Callable[[Tensor, Tensor, Tensor], Tensor],
    hidden_BTD: Tensor,
    turns: Tensor,
    norm_D: Tensor,
    input_PD: Tensor,
    output_DE: Tensor,
    heads: int,
    epsilon: float,
) -> Tensor:
    width, ffn = output_DE.shape[0], output_DE.shape[1] - output_DE.shape[0]
    projected_BTP = functional.linear(layer_norm(hidden_BTD, norm_D, epsilon).to(input_PD.dtype), input_PD)
    pairs, value, gate_BTF, up_BTF = torch.split(projected_BTP, [2 * width, width, ffn, ffn], dim=-1)
    turned = rotate(torch.unflatten(pairs, -1, (2, heads, -1)), turns)
    query_BHTK, key_BHTK = (x.squeeze(2).transpose(1, 2) for x in torch.split(turned, 1, dim=2))
    value_BHTK = torch.unflatten(value, -1, (heads, -1)).transpose(1, 2)
    attended_BTD = attend(query_BHTK, key_BHTK, value_BHTK).transpose(1, 2).flatten(2)
    both_BTE = torch.cat((attended_BTD, functional.silu(gate_BTF) * up_BTF), dim=-1)
    return hidden_BTD + functional.linear(both_BTE, output_DE)


def rotations(length: int, head_width: int, theta: float) -> Tensor:
    """Cosine and sine of position theta^(-2j / K) for each position and pair j, float32 [T, K / 2, 2].

    **Source:** Su et al. 2021 (2104.09864), eq. 34; angles in float32 as Hugging Face computes them.
    """
    frequencies = 1.0 / (theta ** (torch.arange(0, head_width, 2, dtype=torch.float32, device="cpu") / head_width))
    angles = torch.outer(torch.arange(length, dtype=torch.float32, device="cpu"), frequencies)
    return torch.stack((angles.cos(), angles.sin()), dim=-1)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair of channels (2j, 2j + 1) by its position's cosine and sine, in float32; the same number format
    comes back. `turns` is broadcast against the axes of x, the last of which has two channels for each turn."""
    pairs = torch.unflatten(x.float(), -1, (-1, 2))
    if torch.compiler.is_compiling():  # compilers know no complex numbers; the bits are the same
        (a, b), (cosine, sine) = pairs.unbind(-1), turns.unbind(-1)
        turned = torch.stack((a * cosine - b * sine, a * sine + b * cosine), dim=-1)
    else:
        turned = torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(turns))
    return turned.flatten(-2).to(x.dtype)


class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + epsilon) * weight over the last axis, in float32. **Source:** Ba et al. 2016."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """The kernel computes in float32 whatever the format of x is."""
        return layer_norm(x, self.weight, self.epsilon)


def layer_norm(x: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
    """See `LayerNorm`; a weight that arrives rounded is used in float32."""
    return functional.layer_norm(x, weight_D.shape, weight_D.float(), None, epsilon)


class Matrix(nn.Module):
    """A float32 master [rows, columns] and its copy in the precision of the matrix products."""

    def __init__(self, rows: int, columns: int, precision: Precision) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, columns))
        self._format = _FORMATS[precision]
        self.held: Tensor | None = None

    @property
    def is_sharded(self) -> bool:
        """Whether this process holds a part of the matrix only."""
        return hasattr(self.weight, "device_mesh")

    def in_precision(self) -> Tensor:
        """The matrix in the model's precision; its gradient goes to the master. Weights that were sharded and are
        gathered for a pass have that precision already, and are given as they are."""
        if self.weight.dtype is self._format:
            return self.weight
        shared: Tensor = _Copy.apply(self.weight, self.copy())  # type: ignore[no-untyped-call]
        return shared

    def copy(self) -> Tensor:
        """The matrix in the model's precision, without a gradient: the held copy, or else a new one (the weight itself
        if it has the precision)."""
        return self.weight.detach().to(self._format) if self.held is None else self.held


class _Copy(torch.autograd.Function):
    """Hand out a copy of the master; hand the copy's gradient back to the master in float32."""

    @staticmethod
    def forward(ctx: Any, master: Tensor, copy: Tensor) -> Tensor:
        return copy.view_as(copy)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].float(), None


def _normal(seed: int, name: str, shape: tuple[int, int]) -> Tensor:
    """Standard normal numbers that depend on the seed and the name alone (numpy's Philox is the same everywhere)."""
    key = int.from_bytes(blake3(f"{seed}/{name}".encode()).digest(length=16), "little")
    generator = np.random.Generator(np.random.Philox(key=key))
    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))
