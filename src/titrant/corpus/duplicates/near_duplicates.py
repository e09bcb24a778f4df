"""Near-duplicates: which documents are so like a kept one that they are dropped.

    1. a signature is cut into bands; documents that agree in all rows of a band share a bucket of that band
    2. documents are gone through in order: those of earlier sources, all kept, in order of precedence, then this one's
    3. each is compared, whole signature with whole signature, with the kept documents that it shares a bucket with
    4. it is dropped if one is at least as similar as asked, and names the first of them; else it is kept

So every dropped document is near to a *kept* one, and the first of its kind stays. In a chain where the second is near
to the first and the third only to the second, the third stays: joining what hangs together would drop documents that
are like nothing that is left. The result depends on signatures and order alone.

Cost: about one comparison for each dropped document, and one for each pair of kept ones that share a bucket. Memory
beside the signatures, which may lie on disk: about 30 bytes a document, and 30 for each *different* bucket that it
shares. Copies share many bands' buckets with each other and nobody else, and those count once.

**Source:** Leskovec, Rajaraman and Ullman 2014, section 3.4 (bands and rows).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from titrant.corpus.words import mix
from titrant.study.cleaning import NearDuplicates

KEPT = -1
CHANCE = 0.99
"""A pair that is exactly as similar as asked shares a bucket at least so often."""

NONE = np.iinfo(np.int64).max

_BLOCK = 256
"""Documents that are settled together."""
_EXPANDED = 1 << 20
"""Pairs that are listed at once, about."""
_PAIRS = 4096
"""Pairs whose signatures are compared at once."""
_HASH_BYTES = 256_000_000
"""Hashes of bands that are held at once."""


class SignatureRows(Protocol):
    """Signatures, documents x permutations: an array, or a file that is read row by row."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> NDArray[np.uint32]: ...


@dataclass(frozen=True)
class NearDocuments:
    """For each document: whether it is kept, and if not, what it is near to."""

    source: NDArray[np.int16]
    """-1 for a kept document; else the index of the earlier source, or their number for the documents' own."""
    row: NDArray[np.int64]
    """The row, in the signatures given for that source, of the first kept document that it is near to; else -1."""
    similarity: NDArray[np.float64]
    """The estimated similarity to that document; NaN for a kept one."""


@dataclass(frozen=True)
class _Buckets:
    """Buckets with more than one document, whatever their band; each lists its documents in order, and no two are the
    same."""

    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    """Of bucket b: from starts[b] up to starts[b + 1]."""


def bands_and_rows(near: NearDuplicates) -> tuple[int, int]:
    """How many bands of how many rows: the most rows at which 1 - (1 - s^rows)^bands >= 0.99 at the similarity s.

    The more rows, the fewer unlike documents share a bucket.

    >>> bands_and_rows(NearDuplicates(similarity=0.8, permutations=256))
    (32, 8)
    """
    for rows in range(near.permutations, 1, -1):
        bands = near.permutations // rows
        if -math.expm1(bands * math.log1p(-(near.similarity**rows))) >= CHANCE:
            return bands, rows
    return near.permutations, 1


def find_near_duplicates(
    signatures: SignatureRows, near: NearDuplicates, *, earlier: Sequence[SignatureRows]
) -> NearDocuments:
    """Which documents of a source are near-duplicates of a kept document before them.

    `signatures`: documents x permutations, of the documents that are still in question, in order; `earlier`: the same
    for the *kept* documents of each source before this one, in order of precedence. Exact but for two chances: a pair
    at exactly the similarity asked for shares a bucket with probability 0.99 or more, and its similarity is an
    estimate (see `sign`).
    """
    sources = [*earlier, signatures]
    first = np.concatenate([[0], np.cumsum([len(source) for source in sources])])
    before = int(first[-2])
    needed = math.ceil(near.similarity * near.permutations - 1e-9)
    buckets = _share_buckets(sources, near, before)
    leader, equal = _Search(sources, first, buckets, needed).run()
    kept = leader == NONE
    source = np.searchsorted(first, np.where(kept, 0, leader), side="right") - 1
    return NearDocuments(
        source=np.where(kept, KEPT, source).astype(np.int16),
        row=np.where(kept, -1, leader - first[source]),
        similarity=np.where(kept, np.nan, equal / near.permutations),
    )


def _share_buckets(sources: Sequence[SignatureRows], near: NearDuplicates, before: int) -> _Buckets:
    """All buckets that a document of the last source shares with another one."""
    bands, rows = bands_and_rows(near)
    documents = sum(map(len, sources))
    at_once = max(1, _HASH_BYTES // max(1, 4 * documents))
    sizes, members, seen = [], [], np.zeros(0, dtype=np.uint64)
    for first in range(0, bands, at_once):
        hashes = np.empty((min(at_once, bands - first), documents), dtype=np.uint32)
        done = 0
        for source in sources:
            _hash_bands(source, rows, hashes[:, done : done + len(source)], first)
            done += len(source)
        for band in hashes:
            size, order = _shared(band, before)
            marks = _marks(order, size)
            new = ~np.isin(marks, seen)
            seen = np.concatenate([seen, marks[new]])
            sizes.append(size[new])
            members.append(order[np.repeat(new, size)])
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    return _Buckets(starts, np.concatenate(members))


def _shared(band: NDArray[np.uint32], before: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The sizes of a band's buckets that a document from `before` on shares, and their documents."""
    order = np.argsort(band, kind="stable")
    ordered = band[order]
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(band) else np.zeros(0, int)
    size = np.diff(np.concatenate([edges, [len(band)]]))
    last = order[edges + size - 1]  # the stable order puts the latest document of a bucket last
    wanted = (size > 1) & (last >= before)
    return size[wanted], order[np.repeat(wanted, size)].astype(np.int32)


def _marks(documents: NDArray[np.int32], size: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each bucket's set of documents; two sets have the same with a chance of 2^-64."""
    if not len(size):
        return np.zeros(0, dtype=np.uint64)
    mixed = documents.astype(np.uint64) + np.uint64(1)
    mix(mixed)
    return np.asarray(np.add.reduceat(mixed, np.cumsum(size) - size))


def _hash_bands(signatures: SignatureRows, rows: int, hashes: NDArray[np.uint32], first: int = 0) -> None:
    """Fill `hashes`, bands (from the first) x documents. A chance equality only makes two documents be compared in
    vain."""
    bands = len(hashes)
    for start in range(0, len(signatures), _PAIRS):
        chosen = signatures[start : start + _PAIRS][:, first * rows : (first + bands) * rows]
        part = chosen.reshape(-1, bands, rows).astype(np.uint64)
        found = np.zeros(part.shape[:2], dtype=np.uint64)
        for row in range(rows):
            found += part[:, :, row]
            mix(found)
        hashes[:, start : start + _PAIRS] = (found >> np.uint64(32)).astype(np.uint32).T


class _Search:
    """Goes through the documents in blocks; `filled` says how many kept documents each bucket lists at its front."""

    def __init__(
        self, sources: Sequence[SignatureRows], first: NDArray[np.int64], buckets: _Buckets, needed: int
    ) -> None:
        self._sources, self._first, self._before, self._needed = sources, first, int(first[-2]), needed
        self._starts = buckets.starts[:-1]
        bucket = np.repeat(np.arange(len(self._starts), dtype=np.int32), np.diff(buckets.starts))
        order = np.argsort(buckets.documents, kind="stable")
        self._documents, self._bucket = buckets.documents[order], bucket[order]
        self._kept = buckets.documents  # written over from the front of each bucket, no faster than it is read
        self._filled = np.zeros(len(self._starts), dtype=np.int64)
        self._leader = np.full(int(first[-1]) - self._before, NONE, dtype=np.int64)
        self._equal = np.zeros(len(self._leader), dtype=np.int64)

    def run(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each document of the last source, the first kept one that it is near to, and the equal places."""
        at = int(np.searchsorted(self._documents, self._before))
        self._filled += np.bincount(self._bucket[:at], minlength=len(self._filled))
        begins = at + np.flatnonzero(np.diff(self._documents[at:], prepend=-1))
        ends = [*begins[_BLOCK::_BLOCK].tolist(), len(self._documents)]
        for begin, end in zip(begins[::_BLOCK].tolist(), ends, strict=True) if len(begins) else ():
            documents, bucket = self._documents[begin:end], self._bucket[begin:end]
            self._compare_with_kept(documents, bucket)
            left = self._leader[documents - self._before] == NONE
            self._compare_within(documents[left], bucket[left])
            left = self._leader[documents - self._before] == NONE
            self._keep(documents[left], bucket[left])
        return self._leader, self._equal

    def _compare_with_kept(self, documents: NDArray[np.int32], bucket: NDArray[np.int32]) -> None:
        many = self._filled[bucket]
        total, done = np.cumsum(many), 0
        while done < len(many):
            upto = max(done + 1, int(np.searchsorted(total, total[done] + _EXPANDED)))
            places = _counted(many[done:upto]) + np.repeat(self._starts[bucket[done:upto]], many[done:upto])
            later, sooner, equal = self._near(np.repeat(documents[done:upto], many[done:upto]), self._kept[places])
            for document, other, same in zip(later.tolist(), sooner.tolist(), equal.tolist(), strict=True):
                if other < self._leader[document - self._before]:
                    self._leader[document - self._before], self._equal[document - self._before] = other, same
            done = upto

    def _compare_within(self, documents: NDArray[np.int32], bucket: NDArray[np.int32]) -> None:
        """Compare a block's documents with each other, in order: what one is near to counts only if it is kept."""
        order = np.argsort(bucket, kind="stable")
        documents, bucket = documents[order], bucket[order]
        begin = np.searchsorted(bucket, bucket)
        many = np.arange(len(bucket)) - begin
        later, sooner, equal = self._near(
            np.repeat(documents, many), documents[_counted(many) + np.repeat(begin, many)]
        )
        for document, other, same in zip(later.tolist(), sooner.tolist(), equal.tolist(), strict=True):
            if self._leader[other - self._before] == NONE == self._leader[document - self._before]:
                self._leader[document - self._before], self._equal[document - self._before] = other, same

    def _near(
        self, later: NDArray[np.int32], sooner: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The pairs that are as similar as asked, by the later and then the sooner document, and their equal places."""
        base = int(self._first[-1])
        pairs = np.unique(later.astype(np.int64) * base + sooner)
        one, other = np.divmod(pairs, base)
        equal = np.zeros(len(pairs), dtype=np.int64)
        for start in range(0, len(pairs), _PAIRS):
            part = slice(start, start + _PAIRS)
            equal[part] = (self._rows(one[part]) == self._rows(other[part])).sum(axis=1)
        near = equal >= self._needed
        return one[near], other[near], equal[near]

    def _rows(self, documents: NDArray[np.int64]) -> NDArray[np.uint32]:
        source = np.searchsorted(self._first, documents, side="right") - 1
        rows = np.empty((len(documents), self._sources[-1].shape[1]), dtype=np.uint32)
        for index in np.unique(source):
            chosen = source == index
            rows[chosen] = self._sources[index][documents[chosen] - self._first[index]]
        return rows

    def _keep(self, documents: NDArray[np.int32], bucket: NDArray[np.int32]) -> None:
        """List kept documents at the front of their buckets, in order."""
        order = np.argsort(bucket, kind="stable")
        documents, bucket = documents[order], bucket[order]
        place = np.arange(len(bucket)) - np.searchsorted(bucket, bucket)
        self._kept[self._starts[bucket] + self._filled[bucket] + place] = documents
        found, many = np.unique(bucket, return_counts=True)
        self._filled[found] += many


def _counted(many: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... up to each number, one after the other: [2, 3] gives [0, 1, 0, 1, 2]."""
    return np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
