"""Texts become words and n-grams of words, as numbers: what near-duplicates and overlaps are looked for in.

    1. Unicode's compatibility form and case folding, so that `ﬁ`, `FI` and `fi` are one
    2. format characters (soft hyphens, zero-width spaces) go; letters, digits and marks stay; all else separates
    3. a word is a run of what stays; in scripts without spaces between words (Han, kana, Thai, ...) each character is
    4. a word's number is a polynomial of its characters, an n-gram's one of its words, both modulo 2^64, then mixed

One pass of array operations over many texts at once. Numbers depend on the text alone: not on the texts beside it,
the machine, or a library's hash function. They follow the Unicode version of the Python that runs.

**Source:** Unicode Standard Annex 15 (NFKC), Unicode 3.13 (case folding); Steele et al. 2014 (the mixer, SplitMix64).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

DROPPED = "\x7f"
"""A character that is passed over, inside a word too: it fills the place of what was taken out of a text."""
WORD_CHARACTERS = 256
"""A longer run is told apart by its first characters and its length."""

_SEPARATOR, _WORD, _ALONE, _DROP = range(4)
_WINDOW = 1 << 18
_STEP = 0x9E3779B97F4A7C15  # odd, so that its powers have inverses modulo 2^64
_ALONE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_VARIATION_SELECTORS = (0xFE00, 0xFE0F)


def portions(texts: Iterable[str], characters: int) -> Iterator[list[str]]:
    """The texts in their order, a few together: each portion but the last has at least so many characters.

    >>> list(portions(["ab", "c", "d", "efgh"], 3))
    [['ab', 'c'], ['d', 'efgh']]
    """
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(text)
        size += len(text)
        if size >= characters:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


@dataclass(frozen=True)
class Words:
    """The words of many texts, one text after the other."""

    numbers: NDArray[np.uint64]
    """One a word."""
    offsets: NDArray[np.int64]
    """One a text and one more: text t has the words from offsets[t] up to offsets[t + 1]."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Words of each text."""
        return np.diff(self.offsets)


def find_words(texts: Sequence[str]) -> Words:
    """The words of each text, in order; a text may have none.

    >>> words = find_words(["It's FINE.", "it s fine", "no"])
    >>> words.counts.tolist(), bool((words.numbers[:3] == words.numbers[3:6]).all())
    ([3, 3, 1], True)
    """
    folded = [text if text.isascii() else fold(text) for text in texts]
    starts = np.zeros(len(folded) + 1, dtype=np.int64)  # of texts, in characters, a line end after each
    np.cumsum([len(text) + 1 for text in folded], out=starts[1:])
    characters = _characters("\n".join([*folded, ""]))
    kinds = np.take(_kinds(), characters)
    if (dropped := kinds == _DROP).any():
        starts -= np.concatenate([[0], np.cumsum(dropped)])[starts]
        characters, kinds = characters[~dropped], kinds[~dropped]
    first, end = _bounds(kinds)
    numbers = np.empty(len(first), dtype=np.uint64)
    for part in _windows(first):
        numbers[part] = _numbers(characters, first[part], end[part])
    return Words(numbers, np.searchsorted(first, starts).astype(np.int64))


def fold(text: str) -> str:
    """Compatibility form and case folding; lines of ASCII stay as they are, since numbers do not tell their case."""
    return "\n".join(
        line if line.isascii() else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", line).casefold())
        for line in text.split("\n")
    )


def grams(numbers: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """The number of the `size` words that begin at each place; the last size - 1 places have none.

    Those that begin in one text and end in the next are among them: the caller knows where texts end.
    """
    count = len(numbers) - size + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    found = np.empty(count, dtype=np.uint64)
    for start in range(0, count, _WINDOW):
        part = found[start : start + _WINDOW]
        part[:] = size
        for place in range(start, start + size):
            part *= np.uint64(_STEP)
            part += numbers[place : place + len(part)]
        mix(part)
    return found


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread each number's bits over all of it, in place: a bijection of 64-bit numbers."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers ^= numbers >> np.uint64(shift)
        numbers *= np.uint64(factor)
    numbers ^= numbers >> np.uint64(31)
    return numbers


def _characters(text: str) -> NDArray[np.uint8] | NDArray[np.uint32]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is: a separator, of a word, a word by itself, or nothing."""
    categories = np.array([ord(unicodedata.category(chr(point))[0]) for point in range(0x110000)], dtype=np.uint8)
    kinds = np.where(np.isin(categories, [ord(letter) for letter in "LNM"]), _WORD, _SEPARATOR).astype(np.uint8)
    for low, high in _ALONE_RANGES:
        kinds[low : high + 1][kinds[low : high + 1] == _WORD] = _ALONE
    for point in range(0x110000):
        if categories[point] == ord("C") and unicodedata.category(chr(point)) == "Cf":
            kinds[point] = _DROP
    low, high = _VARIATION_SELECTORS
    kinds[low : high + 1] = _DROP
    kinds[ord(DROPPED)] = _DROP
    return kinds


@cache
def _values() -> NDArray[np.uint64]:
    """A number for each code point; ASCII letters have that of their lower case."""
    points = np.arange(0x110000, dtype=np.uint64)
    points[ord("A") : ord("Z") + 1] += np.uint64(32)
    return mix((points + np.uint64(1)) * np.uint64(_STEP))


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the step and of its inverse, as many as a window has characters."""
    step, inverse = (np.full(_WINDOW + WORD_CHARACTERS + 1, factor, np.uint64) for factor in (_STEP, _inverse(_STEP)))
    step[0] = inverse[0] = 1
    return np.multiply.accumulate(step), np.multiply.accumulate(inverse)


def _inverse(odd: int) -> int:
    return pow(odd, -1, 1 << 64)


def _bounds(kinds: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each word begins and where it has ended. The last character is a separator."""
    inside = kinds != _SEPARATOR
    before = np.concatenate([[False], inside[:-1]])
    alone = kinds == _ALONE
    if not alone.any():
        edges = np.flatnonzero(inside != before)
        return edges[::2], edges[1::2]
    alone_before = np.concatenate([[False], alone[:-1]])
    edge = alone | alone_before
    return np.flatnonzero(inside & (~before | edge)), np.flatnonzero(before & (~inside | edge))


def _windows(first: NDArray[np.int64]) -> Iterator[slice]:
    """Words whose beginnings lie within one window of characters."""
    done = 0
    while done < len(first):
        upto = int(np.searchsorted(first, first[done] + _WINDOW))
        yield slice(done, upto)
        done = upto


def _numbers(
    characters: NDArray[np.uint8] | NDArray[np.uint32], first: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """The sum of value * step^place over each word's characters, by differences of one running sum."""
    powers, inverses = _powers()
    base = int(first[0])
    stop = np.minimum(end, first + WORD_CHARACTERS) - base
    sums = np.zeros(int(stop[-1]) + 1, dtype=np.uint64)
    values = np.take(_values(), characters[base : base + int(stop[-1])])
    values *= powers[: len(values)]
    np.cumsum(values, out=sums[1:])
    place = first - base
    numbers = sums[stop]
    numbers -= sums[place]
    numbers *= inverses[place]
    numbers += (end - first).astype(np.uint64)
    return mix(numbers)
