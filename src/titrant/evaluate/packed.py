"""Hidden states of a tree of tokens, a chunk at a time, through the attention door of a model.

Every linear layer sees a chunk as one matrix: no padding, nothing read twice. Attention runs on tiles of queries:
batched products of equal shapes, keys gathered in the order of their positions. Keys and values of the nodes that later
chunks need are carried from chunk to chunk.

Shapes: N nodes of a chunk, S nodes that its tiles see, D width, H heads, G heads of keys and values, K width of a head,
R tiles, Q queries and J keys of a tile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from titrant.evaluate.reading import GRAIN, Chunk, Reading, Tiles
from titrant.model.attention_door import HiddenWith


def read_in_chunks(
    hidden_with: HiddenWith, reading: Reading, size: int, device: torch.device, *, whole: bool = False
) -> Iterator[tuple[Chunk, Tensor]]:
    """Every chunk with the hidden states of its nodes, [N, D].

    `whole` fills the last chunk up to `size`, for processors whose products round differently for other numbers of
    rows.
    """
    memory: dict[int, tuple[Tensor, Tensor]] = {}
    for chunk in reading.chunks(size):
        count = len(chunk.tokens)
        # rows that fill up are node 0 again: their results are dropped
        rows = size if whole else -(-count // GRAIN) * GRAIN
        given = (pad(torch.from_numpy(x), (0, rows - count))[None].to(device) for x in (chunk.tokens, chunk.positions))
        tokens_1N, positions_1N = given
        attention = _ChunkAttention(chunk, rows, memory, device)
        hidden_1ND = hidden_with(attention, tokens_1N, positions_1N)
        memory = attention.kept
        yield chunk, hidden_1ND[0, :count]


class _Group:
    """The tiles of one shape, as tensors."""

    def __init__(self, tiles: Tiles, device: torch.device) -> None:
        self.tiles, self.queries, self.keys = len(tiles.first), tiles.queries.shape[1], tiles.keys.shape[1]
        self.query_places = torch.from_numpy(tiles.queries).flatten().to(device)
        self.key_places = torch.from_numpy(tiles.keys).flatten().to(device)
        # keys that every query of every tile sees need no mask
        self.open = int(tiles.first.min()) + 1
        sees_RQ = tiles.first[:, None] + np.arange(self.queries)
        hidden_RQJ = np.arange(self.open, self.keys) > sees_RQ[:, :, None]
        self.mask = torch.where(torch.from_numpy(hidden_RQJ), -math.inf, 0.0)[:, None].to(device)

    def attended(self, query_HNK: Tensor, key_GSK: Tensor, value_GSK: Tensor, scale: float) -> Tensor:
        """[H, R x Q, K]."""
        heads, groups, width = len(query_HNK), len(key_GSK), query_HNK.shape[2]
        repeats = heads // groups
        shape = (groups, repeats, self.tiles, self.queries)
        picked = query_HNK.index_select(1, self.query_places).view(*shape, width).transpose(1, 2)
        query = picked.reshape(groups * self.tiles, repeats * self.queries, width)
        key, value = (x.index_select(1, self.key_places).view(-1, self.keys, width) for x in (key_GSK, value_GSK))
        scores = torch.bmm(query.mul(scale) if scale != 1 else query, key.transpose(1, 2))
        masked = scores.view(groups, self.tiles, repeats, self.queries, self.keys)[..., self.open :]
        masked += self.mask
        found = torch.bmm(torch.softmax(scores, dim=-1), value)
        return found.view(groups, self.tiles, repeats, self.queries, width).transpose(1, 2).reshape(heads, -1, width)


class _ChunkAttention:
    """The attention of one chunk in every layer; `kept` is what the next chunk may ask for."""

    def __init__(self, chunk: Chunk, rows: int, memory: dict[int, tuple[Tensor, Tensor]], device: torch.device) -> None:
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._memory, self._count, self._rows = memory, len(chunk.tokens), rows
        self._carried = torch.from_numpy(chunk.carried).to(device)
        self._groups = [_Group(tiles, device) for tiles in chunk.groups]
        real, nodes, before = [], [], 0
        for tiles in chunk.groups:
            real.append(tiles.rows + before)
            nodes.append(tiles.queries.flatten()[tiles.rows])
            before += tiles.queries.size
        back = np.zeros(rows, np.int64)
        back[np.concatenate(nodes)] = np.concatenate(real)
        self._back = torch.from_numpy(back).to(device)

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """See `titrant.model.attention_door.Attend`; one row, N nodes filled up."""
        new = (x[0, :, : self._count] for x in (key, value))
        if len(self._carried):
            old = (x.index_select(1, self._carried) for x in self._memory[layer])
            key_GSK, value_GSK = (torch.cat(pair, dim=1) for pair in zip(old, new, strict=True))
        else:
            key_GSK, value_GSK = (x.contiguous() for x in new)
        self.kept[layer] = (key_GSK, value_GSK)
        query_HNK = query[0].contiguous()
        parts = [group.attended(query_HNK, key_GSK, value_GSK, scale) for group in self._groups]
        return torch.cat(parts, dim=1).index_select(1, self._back)[None]
