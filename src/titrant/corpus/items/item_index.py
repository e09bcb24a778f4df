"""An index of the n-grams of evaluation items: which item, and which place in it, a run of words comes from.

An item is entered whole (what is asked with its right answer) and as the question alone; a problem of code also as its
statement in words, and by each test that is one line. An n-gram that many
items of one outcome share is the frame of the question ("which of the following is") and says nothing of an item: its
words do not count. A whole item, a statement or a test shorter than an n-gram is one run of all its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titrant.corpus.items.look_alikes import simplified
from titrant.corpus.words import Words, find_words, grams
from titrant.errors import StoreError

MIN_WORDS = 5
MIN_CHARACTERS = 25
"""A shorter item occurs by chance wherever its subject is talked of, and is not looked for."""
FRAME_ITEMS = 20
FRAME_SHARE = 0.01
"""An n-gram in more items of an outcome than both is part of its frame. A text that several questions are asked about
is shared by fewer."""
FRAME_OF_FEW = 0.5
"""So is one in more than this share of the items, if there are at least four."""
FINE_WORDS = 3
"""Words of the runs by which a text is compared once more with an item of which it has a whole n-gram."""
WHOLE = "whole"
"""The part of an item that is all of it."""
TEST = "test"
"""The part that is one line of its tests: nothing but the same line holds it."""
LOOKED_FOR_SHORT = (WHOLE, "statement", TEST)
"""The parts that are looked for where they are shorter than an n-gram. A question alone is not."""


@dataclass(frozen=True)
class Items:
    """The items that are looked for, in the order of their table: an entry for each part."""

    outcomes: list[str]
    names: list[str]
    parts: list[str]
    """`whole`, `question`, `statement` or `test`."""

    @property
    def owners(self) -> NDArray[np.int64]:
        """A number for each entry that the entries of one item share."""
        numbers: dict[tuple[str, str], int] = {}
        pairs = zip(self.outcomes, self.names, strict=True)
        return np.array([numbers.setdefault(pair, len(numbers)) for pair in pairs], dtype=np.int64)


@dataclass(frozen=True)
class Matches:
    """Runs of words that stand in a text and in an item: the texts' run at `place` is the item's at `item_place`."""

    text: NDArray[np.int64]
    place: NDArray[np.int64]
    """In words, from the beginning of the text."""
    item: NDArray[np.int64]
    item_place: NDArray[np.int64]


@dataclass(frozen=True)
class ItemIndex:
    """Built once, asked for every batch of texts. Takes about 60 bytes for each word of an item."""

    items: Items
    words: NDArray[np.int64]
    """Words of each entry that count: its runs cover them, and no frame does; 0 for one that is not looked for."""
    lengths: NDArray[np.int64]
    """All words of each entry."""
    size: int
    """Words of a run, for items that have so many."""
    _runs: NDArray[np.uint64]
    """Each run's number once, sorted."""
    _starts: NDArray[np.int64]
    """Run r stands at the occurrences from _starts[r] up to _starts[r + 1]."""
    _items: NDArray[np.int32]
    _places: NDArray[np.int32]
    _sieves: dict[int, NDArray[np.bool_]]
    """By words of a run (those of whole items that are shorter among them): whether any run has these last bits."""
    _covered: NDArray[np.bool_]
    """Of every word of every entry, one entry after the other, whether a run covers it."""
    _counted: NDArray[np.int64]
    """How many words before each count, and after the last."""
    _found: Words
    """The words of every entry."""

    def match(self, words: Words) -> Matches:
        """Every run of the texts that is an item's."""
        found = [self._find(words, size, sieve) for size, sieve in self._sieves.items()]
        at, run = (np.concatenate(parts) for parts in zip(*found, strict=True))
        many = self._starts[run + 1] - self._starts[run]
        within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        occurrence = np.repeat(self._starts[run], many) + within
        at = np.repeat(at, many)
        text = np.searchsorted(words.offsets, at, side="right") - 1
        return Matches(
            text=text,
            place=at - words.offsets[text],
            item=self._items[occurrence].astype(np.int64),
            item_place=self._places[occurrence].astype(np.int64),
        )

    def match_finely(self, numbers: NDArray[np.uint64], item: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places in some words, and in an entry, of the runs of FINE_WORDS that both have; those of the entry that its
        longer runs cover. A run that the entry holds twice is at its first place."""
        whole = slice(self._found.offsets[item], self._found.offsets[item + 1])
        covered = np.convolve(self._covered[whole], np.ones(FINE_WORDS, np.int64), mode="valid") == FINE_WORDS
        own, first = np.unique(grams(self._found.numbers[whole], FINE_WORDS)[covered], return_index=True)
        fine = grams(numbers, FINE_WORDS)
        if not len(own) or not len(fine):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        nearest = np.minimum(np.searchsorted(own, fine), len(own) - 1)
        place = np.flatnonzero(own[nearest] == fine)
        return place, np.flatnonzero(covered)[first][nearest[place]]

    def count_held(self, item: int, item_place: NDArray[np.int64], size: int) -> int:
        """Words of an entry that count, and that runs of `size` words at some of its places hold."""
        place = np.unique(item_place)
        first = np.arange(len(place)) == 0
        return int(self.newly_held(np.full(len(place), item), place, size, first).sum())

    def newly_held(
        self,
        item: NDArray[np.int64],
        place: NDArray[np.int64],
        size: NDArray[np.int64] | int,
        first: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Of each run the words that count and that no run before it holds. Runs are ordered by place; where the
        places of another text or entry begin is `first`."""
        end = self._found.offsets[item] + place + size
        before = np.where(first, 0, np.concatenate([[0], end[:-1]]))
        return np.asarray(self._counted[end] - self._counted[np.maximum(end - size, before)])

    def _find(self, words: Words, size: int, sieve: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where among all words a run of this size begins that is in the index, and which it is."""
        numbers = grams(words.numbers, size)
        at = np.flatnonzero(np.take(sieve, (numbers & np.uint64(len(sieve) - 1)).view(np.int64)))
        text = np.searchsorted(words.offsets, at, side="right") - 1
        at = at[at + size <= words.offsets[text + 1]]  # a run that ends in the next text is none
        run = np.searchsorted(self._runs, numbers[at])
        run[run == len(self._runs)] = 0
        right = self._runs[run] == numbers[at] if len(self._runs) else np.zeros(0, dtype=bool)
        return at[right], run[right]


def read_items(folder: Path) -> tuple[Items, list[str]]:
    """The items of `items.parquet` and their texts. Raises StoreError if it is damaged."""
    path = folder / "items.parquet"
    try:
        table = pq.read_table(path, columns=["outcome", "item", "part", "text"], use_threads=False)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    outcomes, names, parts, texts = (table[name].to_pylist() for name in ("outcome", "item", "part", "text"))
    return Items(outcomes, names, parts), texts


def index_items(items: Items, texts: Sequence[str], size: int) -> ItemIndex:
    """Index the runs of `size` words of the items, whose texts are given in the same order."""
    found = find_words([simplified(text) for text in texts])
    counts = found.counts
    told = np.array([sum(map(str.isalnum, text)) for text in texts], dtype=np.int64)
    by_itself = np.array([part in LOOKED_FOR_SHORT for part in items.parts], dtype=bool)
    short = (counts < size) & (counts >= MIN_WORDS) & (told >= MIN_CHARACTERS) & by_itself
    few = np.unique(counts[short])
    whole = [_runs_of(found, np.flatnonzero(short & (counts == each)), int(each)) for each in few]
    runs, item, place = (
        np.concatenate(parts)
        for parts in zip(_runs_of(found, np.flatnonzero(counts >= size), size), *whole, strict=True)
    )
    framed = _frame(runs, item, items)
    framing = _covered(found, item[framed], place[framed], np.minimum(size, counts[item[framed]]))
    keep = _first_in_item(runs, item) & ~framed
    order = np.flatnonzero(keep)[np.argsort(runs[keep], kind="stable")]
    runs, item, place = runs[order], item[order], place[order]
    covered = _covered(found, item, place, np.minimum(size, counts[item]))
    counted = np.concatenate([[0], np.cumsum(covered & ~framing)])
    distinct, starts = np.unique(runs, return_index=True)
    sizes = np.minimum(size, counts[item])[starts]
    return ItemIndex(
        items=items,
        words=np.diff(counted[found.offsets]),
        lengths=counts,
        size=size,
        _runs=distinct,
        _starts=np.append(starts, len(runs)),
        _items=item.astype(np.int32),
        _places=place.astype(np.int32),
        _sieves={int(each): _sieve(distinct[sizes == each]) for each in (size, *few)},
        _covered=covered,
        _counted=counted,
        _found=found,
    )


def _sieve(runs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Small enough for a processor's cache where runs are few; of other numbers at most one in 32 passes."""
    sieve = np.zeros(1 << min(27, max(12, 5 + int(np.ceil(np.log2(len(runs) + 1))))), dtype=bool)
    sieve[(runs & np.uint64(len(sieve) - 1)).astype(np.int64)] = True
    return sieve


def _runs_of(
    words: Words, chosen: NDArray[np.int64], size: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Every run of the chosen texts, with the text and the place that it has there."""
    many = words.counts[chosen] - size + 1
    place = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    return (
        grams(words.numbers, size)[np.repeat(words.offsets[chosen], many) + place],
        np.repeat(chosen, many),
        place,
    )


def _first_in_item(runs: NDArray[np.uint64], item: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which occurrences are the first of their run in their entry: one that repeats itself must not match a text that
    does so in as many ways as both are long."""
    order = np.lexsort((np.arange(len(runs)), item, runs))
    first = np.ones(len(runs), dtype=bool)
    first[order[1:]] = (np.diff(runs[order]) != 0) | (np.diff(item[order]) != 0)
    return first


def _frame(runs: NDArray[np.uint64], item: NDArray[np.int64], items: Items) -> NDArray[np.bool_]:
    """Which occurrences are of a run that too many items of their outcome share."""
    if not len(runs):
        return np.zeros(0, dtype=bool)
    owners = items.owners
    names, outcome = np.unique(np.array(items.outcomes, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(outcome[np.unique(owners, return_index=True)[1]], minlength=len(names))
    limit = np.maximum(FRAME_ITEMS, FRAME_SHARE * sizes)
    limit = np.where(sizes >= 4, np.minimum(limit, np.maximum(3, FRAME_OF_FEW * sizes)), limit)
    _, run = np.unique(runs, return_inverse=True)
    in_outcome = run * len(names) + outcome[item]
    once = np.unique(in_outcome * len(owners) + owners[item]) // len(owners)
    distinct, shared = np.unique(once, return_counts=True)
    return np.asarray(shared[np.searchsorted(distinct, in_outcome)] > limit[outcome[item]])


def _covered(
    found: Words, item: NDArray[np.int64], place: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of all words stand in a run."""
    edges = np.zeros(len(found.numbers) + 1, dtype=np.int64)
    begin = found.offsets[item] + place
    np.add.at(edges, begin, 1)
    np.add.at(edges, begin + size, -1)
    return np.asarray(np.cumsum(edges)[:-1] > 0)
