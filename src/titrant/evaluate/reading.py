"""What a model must read to score many sequences, each shared beginning once: a tree of tokens, read in chunks.

1. the last token of a sequence is only predicted, so a model reads all tokens but that one: the *reading*;
2. sorted readings are a walk over their tree, depth first: of each only what the one before it has not is new. New
   tokens are *nodes*, numbered as they come. A context with four choices is read once, and so are the shots that a
   thousand questions begin with;
3. the nodes are cut into chunks of equal size, wherever that falls. What a chunk must know of earlier ones are the
   nodes on the way to its first: their keys and values are *carried*;
4. the queries of a chunk are cut into *tiles*: neighbours of one reading. The keys of a tile lie in the order of their
   positions from 0, whoever has read them first, and their number depends on the position alone: a token's attention is
   the same sum in the same order whatever else is read.

Shapes: N nodes of a chunk, C carried nodes, S nodes that a chunk's tiles see (C + N), R tiles of a group, Q queries of
a tile, J keys of a tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

QUERIES = 64
"""Tiles end at positions that are multiples of it, and so do the keys that they are given: long sums are made in parts,
and how many keys are summed, zeros included, is the same for a position wherever a chunk or a shared beginning ends."""
GRAIN = 16
"""Queries of a tile and rows of a product are filled up to a multiple of it: no vector of a processor has a rest, and
no product has so few rows that it would take another way."""


@dataclass(frozen=True)
class Tiles:
    """Tiles with as many queries and keys as each other, filled up."""

    queries: Ints
    """[R, Q]: nodes of the chunk, counted from its first; filled up with node 0."""
    keys: Ints
    """[R, J]: places among carried and new nodes, in the order of positions; filled up with place 0."""
    first: Ints
    """[R]: position of each tile's first query: query q sees the keys 0 .. first + q."""
    rows: Ints
    """Which of the R x Q queries are real."""


@dataclass(frozen=True)
class Chunk:
    """What is read at once."""

    begin: int
    """Number of its first node."""
    tokens: Ints
    """[N]."""
    positions: Ints
    """[N]: places in their own texts, from 0."""
    carried: Ints
    """[C]: places of the carried nodes among those that the chunk before it saw."""
    groups: tuple[Tiles, ...]


@dataclass(frozen=True)
class Reading:
    """A tree of tokens, and where each sequence goes through it."""

    tokens: Ints
    """Of every node."""
    positions: Ints
    segments: tuple[tuple[int, Ints], ...]
    """(first new node, nodes of the whole way) of every reading that adds nodes, in their order."""
    ways: tuple[Ints, ...]
    """For each sequence, the nodes that it goes through."""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The nodes in chunks of `size`, the last one shorter."""
        seen = np.zeros(0, np.int64)
        place = 0
        for begin in range(0, len(self.tokens), size):
            end = min(begin + size, len(self.tokens))
            while place + 1 < len(self.segments) and self.segments[place + 1][0] <= begin:
                place += 1
            pieces = []
            for first, way in _from(self.segments, place):
                if first >= end:
                    break
                length = len(way)
                depth = length - (int(way[-1]) - first + 1)  # position of the segment's first new node
                start = depth + max(0, begin - first)
                stop = min(length, depth + end - first)
                while start < stop:
                    pieces.append((start, min(_filled(start + 1, QUERIES), stop), way))
                    start = pieces[-1][1]
            carried = np.unique(np.concatenate([way[:to][way[:to] < begin] for _, to, way in pieces]))
            groups = _groups(pieces, begin, carried)
            places = np.searchsorted(seen, carried)
            seen = np.concatenate((carried, np.arange(begin, end)))
            yield Chunk(begin, self.tokens[begin:end], self.positions[begin:end], places, groups)


def plan_reading(sequences: Sequence[Sequence[int]], *, share: bool = True) -> Reading:
    """The tree of all that must be read of the sequences: each but its last token.

    Without `share` every distinct reading is new from its first token on.
    """
    readings = [tuple(sequence[:-1]) for sequence in sequences]
    tokens: list[int] = []
    positions: list[Ints] = []
    segments = []
    ways: dict[tuple[int, ...], Ints] = {(): np.zeros(0, np.int64)}
    before: tuple[int, ...] = ()
    for reading in sorted(set(readings)):
        shared, first = _shared(before, reading) if share else 0, len(tokens)
        way = np.concatenate((ways[before][:shared], np.arange(first, first + len(reading) - shared)))
        if len(reading) > shared:
            tokens += reading[shared:]
            positions.append(np.arange(shared, len(reading)))
            segments.append((first, way))
        ways[reading], before = way, reading
    return Reading(
        np.asarray(tokens, np.int64),
        np.concatenate([np.zeros(0, np.int64), *positions]),
        tuple(segments),
        tuple(ways[reading] for reading in readings),
    )


def _shared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Length of the common beginning."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    return next(place for place in range(most) if one[place] != other[place])


def _from(segments: Sequence[tuple[int, Ints]], place: int) -> Iterator[tuple[int, Ints]]:
    return (segments[at] for at in range(place, len(segments)))


def _groups(pieces: list[tuple[int, int, Ints]], begin: int, carried: Ints) -> tuple[Tiles, ...]:
    by_size: dict[tuple[int, int], list[tuple[int, int, Ints]]] = {}
    for at, to, way in pieces:
        by_size.setdefault((_filled(to - at, GRAIN), _filled(to, QUERIES)), []).append((at, to, way))
    return tuple(_tiles(members, *size, begin, carried) for size, members in sorted(by_size.items()))


def _tiles(members: list[tuple[int, int, Ints]], queries: int, keys: int, begin: int, carried: Ints) -> Tiles:
    queries_RQ = np.zeros((len(members), queries), np.int64)
    keys_RJ = np.zeros((len(members), keys), np.int64)
    real_RQ = np.zeros((len(members), queries), bool)
    for row, (at, to, way) in enumerate(members):
        queries_RQ[row, : to - at] = way[at:to] - begin
        real_RQ[row, : to - at] = True
        early = int(np.searchsorted(way[:to], begin))  # nodes of a way ascend: the carried ones come first
        keys_RJ[row, :early] = np.searchsorted(carried, way[:early])
        keys_RJ[row, early:to] = way[early:to] - begin + len(carried)
    first_R = np.asarray([at for at, _, _ in members], np.int64)
    return Tiles(queries_RQ, keys_RJ, first_R, np.flatnonzero(real_RQ))


def _filled(size: int, grain: int) -> int:
    return -(-size // grain) * grain
