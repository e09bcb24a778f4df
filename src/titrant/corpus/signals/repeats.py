"""What repeats within a document: identities of spans and of n-grams of words, and groups of equal ones.

The identity of a span is 64 bits of a polynomial over its characters, found from sums over all characters of the
batch (one pass, however many spans), mixed with its length and its document. An n-gram's identity is a polynomial
over those of its words. Two different spans of one document share an identity with a chance of about 5e-20.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from titrant.corpus.signals.characters import Characters, Hashes, Ints, Mask, Spans

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
GRAM = np.uint64(0xD6E8FEB86659FD93)
_DOCUMENT = np.uint64(0xA0761D6478BD642F)


class Identities:
    """Identities of spans of one batch."""

    def __init__(self, characters: Characters) -> None:
        weighed = characters.codes.astype(np.uint64) * _powers(_BASE, len(characters.codes))
        self._sums = np.zeros(len(weighed) + 1, np.uint64)
        np.cumsum(weighed, out=self._sums[1:])
        self._undo = _powers(_INVERSE, len(characters.codes) + 1)

    def of(self, spans: Spans) -> Hashes:
        """One for each span, equal for equal characters in any document."""
        polynomial = (self._sums[spans.ends] - self._sums[spans.starts]) * self._undo[spans.starts]
        return _mixed(polynomial + spans.lengths.astype(np.uint64))


_POWERS: dict[int, Hashes] = {}


def _powers(base: int, count: int) -> Hashes:
    """base ** 0, 1, ... modulo 2 ** 64; kept and grown."""
    known = _POWERS.get(base)
    if known is None or len(known) < count:
        size = 1 << max(16, (count - 1).bit_length())
        known = np.full(size, base, np.uint64)
        known[0] = 1
        np.cumprod(known, out=known)
        known.setflags(write=False)
        _POWERS[base] = known
    return known[:count]


def _mixed(values: Hashes) -> Hashes:
    """A one-to-one map of 64 bits that spreads every bit over all.

    **Source:** Steele, Lea and Flood 2014, the finaliser of SplitMix64.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _ordered(keys: Hashes) -> tuple[Ints, Hashes]:
    """The order that brings equal keys together, equal ones in their own order, and the keys in it.

    Key and place are packed into one number, because numbers are sorted several times faster than places. The bits
    that the key loses are looked at afterwards; if they matter, which is rare, the places are sorted after all.
    """
    bits = np.uint64(max(len(keys) - 1, 1).bit_length())
    packed = np.sort(((keys >> bits) << bits) | np.arange(len(keys), dtype=np.uint64))
    order = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    ordered = keys[order]
    packed >>= bits
    if ((packed[1:] == packed[:-1]) & (ordered[1:] != ordered[:-1])).any():
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
    return order, ordered


@dataclass(frozen=True)
class Groups:
    """Items grouped by equal identity within a document."""

    order: Ints
    """The items, group by group; inside a group in their own order."""
    bounds: Ints
    """Where each group begins in `order`."""

    @classmethod
    def within_documents(cls, identities: Hashes, document: Ints) -> Groups:
        """Groups of items of the same document."""
        keys = _mixed(identities + document.astype(np.uint64) * _DOCUMENT)
        order, ordered = _ordered(keys)
        begins = np.ones(len(keys), dtype=bool)
        begins[1:] = ordered[1:] != ordered[:-1]
        return cls(order, np.flatnonzero(begins))

    @cached_property
    def sizes(self) -> Ints:
        """Items of each group."""
        return np.diff(np.append(self.bounds, len(self.order)))

    @cached_property
    def first(self) -> Ints:
        """The earliest item of each group."""
        return self.order[self.bounds]

    @cached_property
    def group_of(self) -> Ints:
        """The group of each item."""
        groups = np.empty(len(self.order), np.int64)
        groups[self.order] = np.repeat(np.arange(len(self.bounds)), self.sizes)
        return groups

    @cached_property
    def is_repeated(self) -> Mask:
        """Which items have an equal one, before or after."""
        found = np.empty(len(self.order), dtype=bool)
        found[self.order] = np.repeat(self.sizes > 1, self.sizes)
        return found

    def repeated_only(self) -> Groups:
        """The groups of at least two items, the items counted anew without the others."""
        number = np.cumsum(self.is_repeated) - 1
        kept = self.is_repeated[self.order]
        sizes = self.sizes[self.sizes > 1]
        return Groups(number[self.order[kept]], np.cumsum(sizes) - sizes)

    @cached_property
    def repeats_earlier(self) -> Mask:
        """Which items are equal to an earlier one."""
        found = np.ones(len(self.order), dtype=bool)
        found[self.first] = False
        return found
