"""Keys and values of many texts at once, in blocks of equal size, and attention over them one token a text.

Every block holds 32 places of one text. A step is one batched matrix product over all blocks, each of the same shape,
and then each text adds up what its own blocks gave, in their order. So a text's bits do not depend on how many others
stand beside it, how long they are, or which blocks it was given; nothing is padded but a text's last block.

    for each block:   scores = queries @ keys.T + mask,  largest = max(scores),  weights = exp(scores - largest)
                      total  = sum(weights),             part    = weights @ values
    for each text:    sum of part * exp(largest - largest of all) / sum of total * exp(largest - largest of all)

The samples of one prompt share its blocks, which are read once for all of them. Blocks that fall free are filled with
the last ones, so that the blocks in use stay in one piece of memory.

**Source:** Dao et al. 2022 (2205.14135), section 3.1, for the sum over blocks.

Shapes: N texts, P blocks, S samples of a prompt, H heads, G heads of keys and values, Q = H / G, K width of a head, J
blocks of a text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from titrant.model.attention import causal_attention

BLOCK = 32
"""Places of a block."""


@dataclass(eq=False)
class Block:
    """Where one block lies now, and which samples read it."""

    index: int
    readers: list[Reader | None]


@dataclass(eq=False)
class Reader:
    """One sample's way through the cache: the blocks of its prompt, then its own."""

    sample: int
    """Its place among the readers of its prompt's blocks."""
    prompt: list[Block]
    """The same list for all samples of a prompt."""
    own: list[Block] = field(default_factory=list)
    written: int = 0
    """Tokens in its own blocks."""


@final
class Pool:
    """Blocks that are read by the same number of samples each."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.blocks: list[Block] = []
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._mask = torch.empty(0, BLOCK)
        self._readers_PS = torch.empty(0, samples, dtype=torch.int64)

    def take(self, readers: list[Reader | None], like: Sequence[tuple[Tensor, Tensor]]) -> Block:
        """A block in which nothing is visible yet; `like` has a layer's keys and values [G, ., K] for each layer."""
        if len(self.blocks) == len(self._mask):
            self._grow(like)
        block = Block(len(self.blocks), readers)
        self.blocks.append(block)
        self._mask[block.index] = -math.inf
        return block

    def give_back(self, block: Block) -> None:
        """Let a block go; the last one takes its place."""
        last = self.blocks.pop()
        if last is not block:
            for stored in (*self._keys, *self._values, self._mask):
                stored[block.index] = stored[last.index]
            last.index = block.index
            self.blocks[block.index] = last

    def fill(self, block: Block, start: int, keys_values: Sequence[tuple[Tensor, Tensor]], stop: int) -> None:
        """Copy places `start` to `stop` of a text's keys and values [G, T, K] into the beginning of a block."""
        for layer, (key, value) in enumerate(keys_values):
            self._keys[layer][block.index, :, : stop - start] = key[:, start:stop]
            self._values[layer][block.index, :, : stop - start] = value[:, start:stop]
        self._mask[block.index, : stop - start] = 0

    def show(self, blocks_N: Tensor, places_N: Tensor) -> None:
        """From now on these places are seen."""
        self._mask[blocks_N, places_N] = 0

    def lines(self, blocks_N: Tensor, places_N: Tensor) -> Tensor:
        """Where these places lie in each layer's memory, taken as a list of vectors [K]: [N, G]."""
        groups = self._keys[0].shape[1]
        return (blocks_N[:, None] * groups + torch.arange(groups, device=blocks_N.device)) * BLOCK + places_N[:, None]

    def write(self, layer: int, lines_NG: Tensor, key_NGK: Tensor, value_NGK: Tensor) -> None:
        """Store one token's keys and values of each text."""
        for stored, new_NGK in ((self._keys[layer], key_NGK), (self._values[layer], value_NGK)):
            stored.view(-1, new_NGK.shape[2]).index_copy_(0, lines_NG.flatten(), new_NGK.flatten(0, 1))

    def seat(self, seats: dict[Reader, int]) -> None:
        """Where each reader's query stands in the batch; readers that are through read somebody else's, in vain."""
        rows = [[0 if r is None else seats.get(r, 0) for r in block.readers] for block in self.blocks]
        shape = (len(rows), self.samples)
        self._readers_PS = torch.tensor(rows, dtype=torch.int64, device=self._mask.device).view(shape)

    def attend(self, layer: int, query_NGQK: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Largest scores, sums of weights and sums of values: [P x S, G, Q], the same, [P x S, G, Q, K]."""
        used, samples = len(self.blocks), self.samples
        _, groups, each, width = query_NGQK.shape
        keys, values = (stored[layer][:used].flatten(0, 1) for stored in (self._keys, self._values))
        query = query_NGQK[self._readers_PS].transpose(1, 2).reshape(used * groups, samples * each, width)
        scores = torch.bmm(query, keys.transpose(1, 2)).view(used, groups, samples * each, BLOCK)
        scores += self._mask[:used, None, None]
        largest = scores.amax(-1, keepdim=True)
        weights = (scores - largest).exp_()
        totals = weights.sum(-1)
        parts = torch.bmm(weights.flatten(0, 1), values)
        by_sample = (
            x.view(used, groups, samples, each, -1).transpose(1, 2).flatten(0, 1) for x in (largest, totals, parts)
        )
        largest, totals, parts = by_sample
        return largest[..., 0], totals[..., 0], parts

    def _grow(self, like: Sequence[tuple[Tensor, Tensor]]) -> None:
        capacity = max(16, 2 * len(self._mask))
        device = like[0][0].device
        for stored, given in ((self._keys, [k for k, _ in like]), (self._values, [v for _, v in like])):
            for layer, tensor in enumerate(given):
                # zeros: what is masked is multiplied by 0 all the same
                larger = tensor.new_zeros(capacity, tensor.shape[0], BLOCK, tensor.shape[2])
                if layer < len(stored):
                    larger[: len(stored[layer])] = stored[layer]
                    stored[layer] = larger
                else:
                    stored.append(larger)
        mask = torch.full((capacity, BLOCK), -math.inf, device=device)
        mask[: len(self._mask)] = self._mask
        self._mask = mask


@final
class Cache:
    """The keys and values of all texts that are being drawn. `samples`: readers of each prompt."""

    def __init__(self, samples: int) -> None:
        self._own = Pool(1)
        self._prompts = self._own if samples == 1 else Pool(samples)
        self._like: list[tuple[Tensor, Tensor]] = []
        self._seated: list[Reader] = []
        self._texts_NJ = torch.empty(0, 0, dtype=torch.int64)
        self._stale = True

    @property
    def token_bytes(self) -> int:
        """Bytes of one place in all layers; 0 before the first prompt."""
        return sum(x[:, 0].numel() * x.element_size() for pair in self._like for x in pair)

    def add_prompt(self, keys_values: Sequence[tuple[Tensor, Tensor]], length: int, samples: int) -> list[Reader]:
        """Store a prompt of `length` tokens, given the keys and values [G, T, K] of each layer, for so many samples."""
        if not self._like:
            self._like = [(key[:, :1], value[:, :1]) for key, value in keys_values]
        prompt: list[Block] = []
        readers = [Reader(sample, prompt) for sample in range(samples)]
        seats = [*readers, *[None] * (self._prompts.samples - samples)]
        for start in range(0, length, BLOCK):
            block = self._prompts.take(list(seats), self._like)
            self._prompts.fill(block, start, keys_values, min(start + BLOCK, length))
            prompt.append(block)
        self._stale = True
        return readers

    def drop(self, reader: Reader) -> None:
        """Forget a sample; with the last one of its prompt, the prompt."""
        for block in reader.own:
            self._own.give_back(block)
        reader.own = []
        for block in reader.prompt:
            block.readers[reader.sample] = None
        if not any(reader.prompt[0].readers):
            for block in reader.prompt:
                self._prompts.give_back(block)
        self._stale = True

    def step(self, readers: Sequence[Reader]) -> Step:
        """Make room for one more token of each of these, which are all that is left."""
        for reader in readers:
            if reader.written % BLOCK == 0:
                reader.own.append(self._own.take([reader], self._like))
                self._stale = True
        if self._stale or len(readers) != len(self._seated):
            self._seat(readers)
        device = self._like[0][0].device
        blocks_N = torch.tensor([reader.own[-1].index for reader in readers], device=device)
        places_N = torch.tensor([reader.written % BLOCK for reader in readers], device=device)
        self._own.show(blocks_N, places_N)
        for reader in readers:
            reader.written += 1
        pools = (self._own,) if self._prompts is self._own else (self._prompts, self._own)
        return Step(self._own, pools, self._own.lines(blocks_N, places_N), self._texts_NJ)

    def _seat(self, readers: Sequence[Reader]) -> None:
        seats = {reader: seat for seat, reader in enumerate(readers)}
        samples = self._prompts.samples
        first_own = 0 if self._prompts is self._own else len(self._prompts.blocks) * samples
        nothing = first_own + len(self._own.blocks)
        texts = [
            [block.index * samples + reader.sample for block in reader.prompt]
            + [first_own + block.index for block in reader.own]
            for reader in readers
        ]
        longest = max(map(len, texts))
        rows = [[*text, *[nothing] * (longest - len(text))] for text in texts]
        self._texts_NJ = torch.tensor(rows, device=self._like[0][0].device)
        for pool in {self._own, self._prompts}:
            pool.seat(seats)
        self._seated, self._stale = list(readers), False


@dataclass(frozen=True)
class Step:
    """One token of each text: the `Attend` of the attention door for a batch of one row, whose first N tokens are the
    texts' and whose others are padding."""

    own: Pool
    pools: tuple[Pool, ...]
    lines: Tensor
    """Where each text's token is written to, [N, G]; see `Pool.lines`."""
    texts: Tensor
    """What the pools find for each text, in its order, [N, J]; those of short texts end in a number too large."""

    def attend(self, layer: int, query_BHTK: Tensor, key_BGTK: Tensor, value_BGTK: Tensor, scale: float) -> Tensor:
        """softmax(scale * query @ keys.T) @ values of each text over all its tokens; of padding, zeros."""
        texts, heads, groups = len(self.lines), query_BHTK.shape[1], key_BGTK.shape[1]
        key_NGK, value_NGK = (x[0, :, :texts].transpose(0, 1) for x in (key_BGTK, value_BGTK))
        self.own.write(layer, self.lines, key_NGK, value_NGK)
        query_NHK = query_BHTK[0, :, :texts].transpose(0, 1) * scale
        query_NGQK = torch.unflatten(query_NHK, 1, (groups, heads // groups))
        found = [pool.attend(layer, query_NGQK) for pool in self.pools]
        largest, totals, parts = (_joined(x) for x in zip(*found, strict=True))
        # of one text more than there are blocks nothing is seen: texts of fewer blocks read that one
        largest = torch.cat((largest, torch.full_like(largest[:1], -math.inf)))[self.texts]
        factors = (largest - largest.amax(1, keepdim=True)).exp_()
        within = self.texts.clamp(max=len(parts) - 1)
        attended = torch.zeros_like(query_NGQK)
        total = query_NGQK.new_zeros(query_NGQK.shape[:-1])
        for j in range(within.shape[1]):
            total.addcmul_(factors[:, j], totals[within[:, j]])
            attended.addcmul_(factors[:, j, ..., None], parts[within[:, j]])
        attended /= total[..., None]
        out = query_BHTK.new_zeros(query_BHTK.shape)
        out[0, :, :texts] = attended.flatten(1, 2).transpose(0, 1)
        return out


class Prefill:
    """The `Attend` of one text read from its beginning; keeps what it saw: keys and values [G, T, K] of each layer."""

    def __init__(self) -> None:
        self.keys_values: list[tuple[Tensor, Tensor]] = []

    def attend(self, layer: int, query_BHTK: Tensor, key_BGTK: Tensor, value_BGTK: Tensor, scale: float) -> Tensor:
        """Causal attention, and layer after layer is remembered."""
        assert layer == len(self.keys_values)
        self.keys_values.append((key_BGTK[0], value_BGTK[0]))
        each = query_BHTK.shape[1] // key_BGTK.shape[1]
        if each > 1:
            key_BGTK, value_BGTK = (x.repeat_interleave(each, dim=1) for x in (key_BGTK, value_BGTK))
        return causal_attention(query_BHTK * scale, key_BGTK, value_BGTK)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))
