"""The overlap stage: which documents hold items of the evaluation, found by runs of words that both have.

    1. documents and items are read without markup, accents and case, as words (see `simplified` and `find_words`)
    2. every run of n words of a document that is also an item's marks those words of the item as held
    3. a document holds an item if, within one stretch of the document not much longer than the item, so large a share
       of the item's words is held as the rule says, and too many of them to be there by chance
    4. else, where such runs hold a quarter of it, runs of three words are counted too, and must hold four fifths: such
       an item stands there with its choices shuffled or lettered, or its lines in another order

Words and not n-grams are counted, because one changed word spoils n n-grams and one word. Order does not matter within
a stretch.

**Source:** Lambert et al. 2024 (Tulu 3), section 3.2: runs of eight words that hold more than half of an item's words;
Singh et al. 2024, "Evaluation data contamination in LLMs", section 3 (the share of an item that stands in common
n-grams, against counting one n-gram); Brown et al. 2020, appendix C (no 13 words by chance).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titrant.artifacts import Overlap
from titrant.corpus.engine.make import make_parts
from titrant.corpus.engine.parts import Tick
from titrant.corpus.items.item_index import FINE_WORDS, TEST, ItemIndex, Items, Matches, index_items, read_items
from titrant.corpus.items.look_alikes import simplified
from titrant.corpus.stored import RowGroup, document_files, row_groups
from titrant.corpus.words import Words, find_words, portions
from titrant.errors import StoreError
from titrant.jobs import OverlapJob, Progress

OVERLAP = "overlap.parquet"
SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("content_hash", pa.string()),
        ("outcome", pa.string()),
        ("item", pa.string()),
        ("share", pa.float64()),
        ("matched", pa.string()),
    ]
)
NO_CHANCE_WORDS = 13
NO_CHANCE_SHARE = 0.8
"""So many words are held, or of a shorter item so large a share, whatever share is asked for."""
FINE_SHARE = 0.8
"""The share of an item's words that runs of three words must hold where runs of n words hold too few."""
FINE_FROM = 0.25
"""The share that runs of n words must hold for that."""
MATCHED_CHARACTERS = 200

_STRETCH = (3, 100)
"""A stretch has three times the item's words, and a hundred: room for a solution between question and choices."""
_STEPS = 16
"""Stretches begin at least this part of a stretch apart, and are so much longer."""
_NEIGHBOURHOODS = 16
_PIECE_CHARACTERS = 1 << 18


@dataclass(frozen=True)
class Held:
    """A text that holds an item."""

    text: int
    item: int
    share: float
    first: int
    """The longest run that both have: its first word in the text, and how many words it has."""
    length: int


def find_overlaps(
    job: OverlapJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Overlap:
    """Write `overlap.parquet`: a row for each document and each item that it holds, in the order of both.

    Reads `documents` a row group at a time in each process of the engine that the environment chooses (see `engine`),
    and `items` whole. Finished row groups are kept in `scratch`, so that an attempt goes on where the last one stopped.
    Where the documents are changed ones, what they held `before` stands there too: a transform can free an item of what
    stood between its words, and what it takes apart may still be learnt from. Raises StoreError for what is damaged.
    """
    folder = inputs["documents"]
    find = FindOverlaps(inputs["items"], job.rule.words, job.rule.share)
    index, groups = find.index, row_groups(folder)
    parts = make_parts(find, groups, scratch=scratch, progress=progress)
    before = _read_before(inputs)
    documents = first = 0
    names: set[tuple[str, str]] = set()
    with pq.ParquetWriter(out / OVERLAP, SCHEMA, compression="zstd") as writer:
        for path in document_files(folder):
            here = [parts.table(group) for group in groups if group.path == path]
            last = first + sum(group.rows for group in groups if group.path == path)
            rows = _union([table for row, table in before.items() if first <= row < last], here)
            first = last
            writer.write_table(rows)
            documents += len(set(rows["row"].to_pylist()))
            names |= set(zip(rows["outcome"].to_pylist(), rows["item"].to_pylist(), strict=True))
    total = sum(group.rows for group in groups)
    progress(total, total, "documents")
    return _summary(index, documents, names)


def _read_before(inputs: Mapping[str, Path]) -> dict[int, pa.Table]:
    """What each document held before it was changed, by row."""
    if "before" not in inputs:
        return {}
    path = inputs["before"] / OVERLAP
    try:
        table = pq.read_table(path, schema=SCHEMA, use_threads=False).combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    rows, begins, counts = np.unique(table["row"].to_numpy(), return_index=True, return_counts=True)
    return {
        row: table.slice(begin, count)
        for row, begin, count in zip(rows.tolist(), begins.tolist(), counts.tolist(), strict=True)
    }


def _union(before: Sequence[pa.Table], now: Sequence[pa.Table]) -> pa.Table:
    """One row a document and item: as it was before, or else as it is now."""
    tables = [table for table in (*before, *now) if len(table)]
    if not before:
        return pa.concat_tables(tables or [SCHEMA.empty_table()]).combine_chunks()
    found: dict[tuple[int, str, str], dict[str, object]] = {}
    for row in pa.concat_tables(tables).to_pylist():
        found.setdefault((row["row"], row["outcome"], row["item"]), row)
    return pa.Table.from_pylist([row for _, row in sorted(found.items())], schema=SCHEMA)


@dataclass(frozen=True)
class FindOverlaps:
    """What the documents of one row group hold of the items in a folder."""

    items: Path
    words: int
    share: float

    @cached_property
    def index(self) -> ItemIndex:
        items, texts = read_items(self.items)
        return index_items(items, texts, self.words)

    def __reduce__(self) -> tuple[type[FindOverlaps], tuple[Path, int, float]]:
        return type(self), (self.items, self.words, self.share)  # every process makes the index itself

    def outcomes_in(self, texts: Sequence[str]) -> dict[int, str]:
        """By the place of each text that holds items, the first outcome of which it does."""
        found: dict[int, str] = {}
        for held in find_items(texts, self.index, self.share):
            outcome = self.index.items.outcomes[held.item]
            found[held.text] = min(outcome, found.get(held.text, outcome))
        return found

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        table = group.read(["text", "content_hash"])
        rows = list(_found_in(table, group.first_row, self.index, self.share))
        columns = zip(zip(*rows, strict=True), SCHEMA.types, strict=True) if rows else ()
        arrays = [pa.array(column, kind) for column, kind in columns]
        return pa.Table.from_arrays(arrays, schema=SCHEMA) if arrays else SCHEMA.empty_table()


def holders(folder: Path, documents: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """By outcome, sorted, which of so many documents hold an item of it. Raises StoreError if the table is damaged."""
    path = folder / OVERLAP
    try:
        table = pq.read_table(path, columns=["row", "outcome"], use_threads=False)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    rows, outcomes = table["row"].to_numpy(), np.array(table["outcome"].to_pylist(), dtype=object)
    if len(rows) and not 0 <= rows.min() <= rows.max() < documents:
        raise StoreError(f"{path} names document {rows.max()} of {documents}; delete its folder and run again")
    for outcome in sorted(set(outcomes)):
        holds = np.zeros(documents, dtype=bool)
        holds[rows[outcomes == outcome]] = True
        yield outcome, holds


def _found_in(group: pa.Table, first_row: int, index: ItemIndex, share: float) -> Iterator[tuple[object, ...]]:
    texts, hashes = (group[name].to_pylist() for name in ("text", "content_hash"))
    items = index.items
    for held in find_items(texts, index, share):
        name = (items.outcomes[held.item], items.names[held.item])
        matched = _as_it_stands(texts[held.text], held.first, held.length)
        yield (first_row + held.text, hashes[held.text], *name, held.share, matched)


def find_items(texts: Sequence[str], index: ItemIndex, share: float) -> Iterator[Held]:
    """The items that each text holds, by text and then by item; of an item's entries, the one held in full or most
    nearly so. `share`: see `Decontaminate`."""
    owners = index.items.owners
    done = 0
    for piece in portions(texts, _PIECE_CHARACTERS):
        words = find_words([simplified(text) for text in piece])
        best: dict[tuple[int, int], Held] = {}
        for held in _held(index.match(words), words, index, share):
            place = (held.text, int(owners[held.item]))
            if place not in best or held.share > best[place].share:
                best[place] = held
        for _, held in sorted(best.items()):
            yield Held(done + held.text, held.item, held.share, held.first, held.length)
        done += len(piece)


def _held(matches: Matches, words: Words, index: ItemIndex, share: float) -> Iterator[Held]:
    order = np.lexsort((matches.item_place, matches.item, matches.text))
    text, item, place, item_place = (
        column[order] for column in (matches.text, matches.item, matches.place, matches.item_place)
    )
    first = (np.diff(text, prepend=-1) != 0) | (np.diff(item, prepend=-1) != 0)
    begins = np.flatnonzero(first)
    if not len(begins):
        return
    ends = np.append(begins[1:], len(text))
    count = index.words[item[begins]]
    size = np.minimum(index.size, index.lengths[item[begins]])
    shares = np.where([index.items.parts[entry] == TEST for entry in item[begins]], 1.0, share)
    needed = _needed(count, shares)
    new = index.newly_held(item, item_place, np.minimum(index.size, index.lengths[item]), first)
    held = np.add.reduceat(new, begins)
    for pair in np.flatnonzero(count > 0):
        part = slice(begins[pair], ends[pair])
        stretch = _STRETCH[0] * int(count[pair]) + _STRETCH[1]
        best = 0
        if held[pair] >= needed[pair]:
            best = _best_stretch(place[part], item_place[part], index, int(item[part.start]), int(size[pair]), stretch)
        if best < needed[pair]:
            if held[pair] < FINE_FROM * count[pair]:
                continue
            own = words.numbers[words.offsets[text[part.start]] : words.offsets[text[part.start] + 1]]
            best = _hold_finely(own, place[part], index, int(item[part.start]), stretch)
            if best < max(shares[pair], FINE_SHARE) * count[pair] - 1e-9:
                continue
        run, length = _longest_run(place[part], item_place[part], int(size[pair]))
        yield Held(int(text[part.start]), int(item[part.start]), best / int(count[pair]), run, length)


def _needed(words: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of an item's words must be held."""
    no_chance = np.minimum(NO_CHANCE_WORDS, NO_CHANCE_SHARE * words)
    return np.asarray(np.ceil(np.maximum(share * words, no_chance) - 1e-9).astype(np.int64))


def _hold_finely(
    numbers: NDArray[np.uint64], place: NDArray[np.int64], index: ItemIndex, item: int, stretch: int
) -> int:
    """The most words of the item that runs of FINE_WORDS hold within a stretch around one of the places, of which
    _NEIGHBOURHOODS are looked at."""
    enough, best = FINE_SHARE * int(index.words[item]) - 1e-9, 0
    for block in np.unique(place // stretch)[:_NEIGHBOURHOODS].tolist():
        around = numbers[max(0, (block - 1) * stretch) : (block + 2) * stretch]
        fine, fine_item = index.match_finely(around, item)
        if len(fine) and index.count_held(item, fine_item, FINE_WORDS) >= enough:
            best = max(best, _best_stretch(fine, fine_item, index, item, FINE_WORDS, stretch))
    return best


def _best_stretch(
    place: NDArray[np.int64], item_place: NDArray[np.int64], index: ItemIndex, item: int, size: int, stretch: int
) -> int:
    """The most words of the item that are held within a stretch of so many words of the text."""
    all_held = index.count_held(item, item_place, size)
    if place.max() - place.min() + size <= stretch:
        return all_held
    order = np.argsort(place, kind="stable")
    place, item_place = place[order], item_place[order]
    step = 1 + stretch // _STEPS
    blocks = place // step
    best = 0
    for begin in np.flatnonzero(np.diff(blocks, prepend=blocks[0] - 1)):
        end = int(np.searchsorted(place, blocks[begin] * step + stretch + step - size, side="right"))
        best = max(best, index.count_held(item, item_place[begin:end], size))
        if best == all_held:
            break
    return best


def _longest_run(place: NDArray[np.int64], item_place: NDArray[np.int64], size: int) -> tuple[int, int]:
    """The first word in the text, and the words, of the longest run that both have."""
    order = np.lexsort((place, place - item_place))
    shift, place = (place - item_place)[order], place[order]
    begin = np.flatnonzero((np.diff(shift, prepend=shift[0] - 1) != 0) | (np.diff(place, prepend=-9) != 1))
    lengths = np.diff(np.append(begin, len(order)))
    longest = int(np.argmax(lengths))
    return int(place[begin[longest]]), int(lengths[longest]) + size - 1


def _as_it_stands(text: str, first: int, length: int) -> str:
    """The words from `first` on, as the document writes them, from one white space to another.

    Words never reach over white space, so what stands between two of it can be read by itself.
    """
    compared = simplified(text)
    spans = [match.span() for match in re.finditer(r"[^ \t\r\n]+", compared)]
    ends = np.cumsum(find_words([compared[begin:end] for begin, end in spans]).counts)
    begin = int(np.searchsorted(ends, first, side="right"))
    last = min(int(np.searchsorted(ends, first + length)), len(spans) - 1)
    return text[spans[begin][0] : spans[last][1]][:MATCHED_CHARACTERS]


def _summary(index: ItemIndex, documents: int, held: set[tuple[str, str]]) -> Overlap:
    items: Items = index.items
    looked_for: dict[tuple[str, str], bool] = {}
    for name, count in zip(zip(items.outcomes, items.names, strict=True), index.words.tolist(), strict=True):
        looked_for[name] = looked_for.get(name, False) or count > 0
    outcomes = sorted(set(items.outcomes))
    return Overlap(
        documents=documents,
        items={name: sum(outcome == name for outcome, _ in held) for name in outcomes},
        asked={name: sum(asked for (outcome, _), asked in looked_for.items() if outcome == name) for name in outcomes},
        too_short={
            name: sum(not asked for (outcome, _), asked in looked_for.items() if outcome == name) for name in outcomes
        },
    )
