"""A batch of documents as one array of code points, with what Unicode says of each: the ground all signals stand on.

The documents are laid one behind another with one separator after each, so that a whole batch is looked at by a few
passes over arrays, and what ends at a document's end needs no case of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Bits = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

SEPARATOR = "\x1c"
"""Stands after each document: white space that ends a line, and no part of another line end."""

SPACE, LETTER, ALPHANUMERIC, WORD, LINE_END, EDGE, UPPER, LOWER = (1 << bit for bit in range(8))
"""What a character is: white space; a letter; a letter or digit; something that makes a token a word and not a mere
sign; an end of a line; a character at which a token may end inside a run without white space; upper, lower case."""

_SENTENCE_END_RANGES = """
    21 2e 3f 589 61d-61f 6d4 700-702 7f9 837 839 83d-83e 964-965 104a-104b 1362 1367-1368 166e 1735-1736
    17d4-17d6 17d9-17da 1803 1809 1944-1945 1aa8-1aab 1b5a-1b5b 1b5e-1b5f 1b7d-1b7e 1c3b-1c3c 1c7e-1c7f 203c-203d
    2047-2049 2e2e 2e3c 2e53-2e54 3002 a4ff a60e-a60f a6f3 a6f7 a876-a877 a8ce-a8cf a92f a9c8-a9c9 aa5d-aa5f aaf0-aaf1
    abeb fe52 fe56-fe57 ff01 ff0e ff1f ff61 10a56-10a57 10f55-10f59 10f86-10f89 11047-11048 110be-110c1 11141-11143
    111c5-111c6 111cd 111de-111df 11238-11239 1123b-1123c 112a9 1144b-1144c 115c2-115c3 115c9-115d7 11641-11642
    1173c-1173e 11944 11946 11a42-11a43 11a9b-11a9c 11c41-11c42 11ef7-11ef8 11f43-11f44 16a6e-16a6f 16af5 16b37-16b38
    16b44 16e98 1bc9f 1da88
"""
SENTENCE_ENDS = "".join(
    chr(code)
    for span in _SENTENCE_END_RANGES.split()
    for code in range(int(span.split("-")[0], 16), int(span.split("-")[-1], 16) + 1)
)
"""Signs that end a sentence in any script: Unicode's property Sentence_Terminal, version 15, and three Khmer signs."""

LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""Where `str.splitlines` ends a line."""

_PLAIN_FROM = 0x40000
"""From here on Unicode has no letters, digits, white space or punctuation."""


@cache
def classes() -> Bits:
    """The bits of every code point, by the tables of this Python's Unicode version."""
    table = np.full(0x110000, WORD, dtype=np.uint8)
    table[:_PLAIN_FROM] = [_class_of(chr(code)) for code in range(_PLAIN_FROM)]
    table.setflags(write=False)
    return table


def _class_of(character: str) -> int:
    category = unicodedata.category(character)
    bits = LINE_END if character in LINE_ENDS else 0
    if character.isspace():
        return bits | SPACE
    is_sign = category[0] == "P" or category == "Cc" or (category[0] == "S" and character < "\x80")
    bits |= 0 if is_sign and character not in "’‘•" else WORD
    bits |= EDGE if category[0] in "PS" else 0
    bits |= ALPHANUMERIC if character.isalnum() else 0
    if character.isalpha():
        bits |= LETTER | (UPPER if not character.islower() else 0) | (LOWER if not character.isupper() else 0)
    return bits


@cache
def _narrow_forms() -> Bits:
    table = np.full(0x110000, 255, dtype=np.uint8)
    table[:128] = [ord(chr(code).lower()) for code in range(128)]
    table[0x212A] = ord("k")  # the sign of kelvin, whose lower case is a plain k
    return table


@cache
def members(characters: str) -> NDArray[np.bool_]:
    """Which code points are among these characters."""
    table = np.zeros(0x110000, dtype=bool)
    table[[ord(character) for character in characters]] = True
    table.setflags(write=False)
    return table


@cache
def category_members(category: str) -> NDArray[np.bool_]:
    """Which code points are of a Unicode category that begins so, as in `P` for punctuation or `Nd` for digits."""
    table = np.zeros(0x110000, dtype=bool)
    table[:_PLAIN_FROM] = [unicodedata.category(chr(code)).startswith(category) for code in range(_PLAIN_FROM)]
    table.setflags(write=False)
    return table


@dataclass(frozen=True)
class Spans:
    """Stretches of characters, in order: lines, paragraphs, or tokens; `document` says whose they are."""

    starts: Ints
    ends: Ints
    document: Ints

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Ints:
        return self.ends - self.starts

    def where(self, chosen: Mask) -> Spans:
        """Those that are chosen."""
        return Spans(self.starts[chosen], self.ends[chosen], self.document[chosen])


class Characters:
    """The code points of some documents, with a separator after each."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.lengths: Ints = np.fromiter((len(text) for text in texts), np.int64, len(texts))
        self.starts: Ints = np.concatenate([[0], np.cumsum(self.lengths + 1)[:-1]]) if len(texts) else self.lengths
        joined = SEPARATOR.join(texts) + SEPARATOR if len(texts) else ""
        self.codes: NDArray[np.uint32] = np.frombuffer(joined.encode("utf-32-le"), np.uint32)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def ends(self) -> Ints:
        """The place of each document's separator."""
        return self.starts + self.lengths

    @cached_property
    def bits(self) -> Bits:
        """What each character is."""
        return classes().take(self.codes)

    def is_any(self, bits: int) -> Mask:
        """Which characters have any of these bits."""
        return (self.bits & np.uint8(bits)).astype(bool)

    @cached_property
    def is_separator(self) -> Mask:
        """Which characters stand between documents."""
        found = np.zeros(len(self.codes), dtype=bool)
        found[self.ends] = True
        return found

    @cached_property
    def narrow(self) -> bytes:
        """One byte a character, for searches: ASCII in lower case, as `str.lower` maps to it, all others 0xFF."""
        return _narrow_forms().take(self.codes).tobytes()

    @cached_property
    def visible(self) -> Ints:
        """The places of all characters that are no white space."""
        return np.flatnonzero(~self.is_any(SPACE))

    def document_of(self, places: Ints) -> Ints:
        """Whose the characters at these places (in order) are."""
        bounds = np.searchsorted(places, np.append(self.starts, len(self.codes)))
        return np.repeat(np.arange(len(self)), np.diff(bounds))

    def count(self, document: Ints, weights: NDArray[Any] | None = None) -> Floats:
        """For each document, how often it is named, or the sum of the weights that name it."""
        return np.bincount(document, weights=weights, minlength=len(self)).astype(np.float64)

    def text(self, start: int, end: int) -> str:
        """The characters between two places."""
        return self.codes[start:end].tobytes().decode("utf-32-le")

    def count_characters(self, chosen: Mask) -> Floats:
        """For each document, how many of its characters are chosen (its separator is none of them)."""
        places = np.flatnonzero(chosen)
        bounds = np.searchsorted(places, np.append(self.starts, len(self.codes)))
        counts: Floats = (np.diff(bounds) - chosen[self.ends]).astype(np.float64)
        return counts

    def occurrences(self, phrase: bytes) -> Ints:
        """Where a phrase in lower case begins; occurrences do not overlap, and none reaches beyond a document."""
        found, at = [], self.narrow.find(phrase)
        while at >= 0:
            found.append(at)
            at = self.narrow.find(phrase, at + len(phrase))
        return np.array(found, np.int64)


def share(part: Floats, whole: Floats) -> Floats:
    """Part by whole; not a number (stored as null) where the whole is nothing."""
    shares: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares


# ---------------------------------------------------------------------------------------------------------------------
# lines and paragraphs


def lines(characters: Characters) -> Spans:
    """As `str.splitlines`: without line ends, and no empty line after the last line end."""
    codes, bits = characters.codes, characters.bits
    breaks = np.flatnonzero(bits & np.uint8(LINE_END))
    after = breaks + 1
    is_crlf = (codes[breaks] == 10) & (breaks > 0)
    is_crlf &= codes[breaks - 1] == 13
    ends = breaks[~is_crlf]
    # a line end of two characters: the line ends before the first, the next one begins after the second
    last_of = after.copy()
    pair = np.flatnonzero(is_crlf)
    last_of[pair - 1] = after[pair]
    nexts = last_of[~is_crlf]
    spans = _between(characters, ends, nexts)
    is_after_the_last = characters.is_separator[spans.ends] & (spans.starts == spans.ends)
    return spans.where(~is_after_the_last)


def newline_pieces(characters: Characters) -> Spans:
    """As `text.split("\\n")`: also the empty one after a last `\\n`."""
    ends = np.flatnonzero((characters.codes == 10) | characters.is_separator)
    return _between(characters, ends, ends + 1)


def runs_between_newlines(characters: Characters, at_least: int = 1, *, strip: bool = False) -> Spans:
    """As `re.split` at runs of so many `\\n` and more; `strip`: white space around each document left out."""
    is_newline = characters.codes == 10
    places = np.flatnonzero(is_newline)
    if not len(places):
        runs = np.zeros((0, 2), np.int64)
    else:
        cuts = np.flatnonzero(np.diff(places) > 1)
        runs = np.stack([places[np.append(0, cuts + 1)], places[np.append(cuts, len(places) - 1)] + 1], axis=1)
    runs = runs[runs[:, 1] - runs[:, 0] >= at_least]
    whole = Spans(characters.starts, characters.ends, np.arange(len(characters)))
    whole = stripped(characters, whole) if strip else whole
    starts, stops = whole.starts, whole.ends
    document = characters.document_of(runs[:, 0])
    inside = (runs[:, 0] >= starts[document]) & (runs[:, 1] <= stops[document])
    runs = runs[inside]
    all_starts = np.sort(np.concatenate([starts, runs[:, 1]]))
    all_ends = np.sort(np.concatenate([stops, runs[:, 0]]))
    whose = np.sort(np.concatenate([np.arange(len(characters)), document[inside]]))
    return Spans(all_starts, all_ends, whose)


def stripped(characters: Characters, spans: Spans) -> Spans:
    """Each span (in order, not overlapping) without the white space around it; empty ones end where they start."""
    visible = characters.visible
    first = np.searchsorted(visible, spans.starts)
    last = np.searchsorted(visible, spans.ends)
    is_empty = first == last
    if not len(visible):
        return Spans(spans.starts, spans.starts, spans.document)
    starts = np.where(is_empty, spans.starts, visible[np.minimum(first, len(visible) - 1)])
    ends = np.where(is_empty, spans.starts, visible[last - 1] + 1)
    return Spans(starts, ends, spans.document)


def ends_in_three_stops(characters: Characters, spans: Spans) -> Mask:
    """Which spans end in `...`."""
    found = spans.lengths >= 3
    for back in (1, 2, 3):
        found &= characters.codes[np.maximum(spans.ends - back, 0)] == ord(".")
    return found


def _between(characters: Characters, ends: Ints, nexts: Ints) -> Spans:
    """Spans that end at `ends`; the one after starts at `nexts`. The last end of each document is its separator."""
    starts = np.concatenate([np.zeros(1, np.int64), nexts])[: len(ends)]
    return Spans(starts, ends, characters.document_of(starts) if len(starts) else starts)
