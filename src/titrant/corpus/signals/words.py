"""Where words begin and end: white space, and inside a run without white space the signs around and between words.

    1. a *run* is a longest stretch without white space
    2. signs at its beginning are tokens of their own, one by one (several full stops in a row are one token), and so
       are signs at its end; a full stop at its end is one after a lower-case letter, a digit or a sign, and after two
       capitals, not after a single initial
    3. what is left is cut at ellipses and icons, at hyphens and dashes before letters, at `: < > = /` between letters
       and at a comma or full stop between words that lack a space; a run with `://` in it is not cut inside
    4. a clitic (`'s`, `n't`, `'re`, `'ll`, `'ve`, `'d`, `'m`) is a token of its own

This is the English rule of the tokenizer that the published filters were tuned with, without its tables of
abbreviations and emoticons. A *word* is a token with more in it than punctuation.

All work is done at the few characters that are neither letters nor digits; cost: a few passes over the batch.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from titrant.corpus.signals.characters import (
    EDGE,
    LETTER,
    LOWER,
    SPACE,
    UPPER,
    WORD,
    Bits,
    Characters,
    Ints,
    Mask,
    Spans,
)

_PREFIX, _SUFFIX, _ANYWHERE, _HYPHEN, _QUOTE, _BETWEEN, _SIGN, _AFTER_DIGIT = (1 << bit for bit in range(8))
_QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
_SIGNS = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_CURRENCY = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"
_ICONS_FROM = 0xA6


@cache
def _kinds() -> Bits:
    """What a sign does to the run it stands in."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for characters, bits in (
        (_QUOTES, _PREFIX | _SUFFIX | _QUOTE),
        (_SIGNS, _PREFIX | _SUFFIX | _SIGN),
        (_CURRENCY + "%+", _PREFIX | _AFTER_DIGIT),
        ("§=", _PREFIX),
        ("—–", _PREFIX | _SUFFIX),
        ("-–—~", _HYPHEN),
        (":<>=/", _BETWEEN),
        ("…", _ANYWHERE),
    ):
        for character in characters:
            table[ord(character)] |= bits
    icons = _other_symbols()
    table[icons] |= np.uint8(_PREFIX | _SUFFIX | _ANYWHERE)
    table.setflags(write=False)
    return table


def _other_symbols() -> Mask:
    found = np.zeros(0x110000, dtype=bool)
    found[_ICONS_FROM:0x20000] = [unicodedata.category(chr(code)) == "So" for code in range(_ICONS_FROM, 0x20000)]
    return found


class _Signs:
    """The signs of a batch: their places and what stands beside them."""

    def __init__(self, characters: Characters) -> None:
        bits, codes = characters.bits, characters.codes
        self._bits = bits
        self.at: Ints = np.flatnonzero((bits & np.uint8(EDGE)).astype(bool))
        self.code = codes[self.at]
        self.kind: Bits = _kinds().take(self.code)
        self.before: Bits = np.where(self.at > 0, bits[self.at - 1], np.uint8(SPACE))
        self.after: Bits = bits[self.at + 1]  # there is always a separator behind
        self.code_before = np.where(self.at > 0, codes[self.at - 1], 0)
        self.code_after = codes[self.at + 1]
        self.is_stop: Mask = self.code == ord(".")
        self.is_ellipsis: Mask = self.is_stop & ((self.code_before == ord(".")) | (self.code_after == ord(".")))
        self.follows: Mask = np.zeros(len(self.at), dtype=bool)
        """Whether the sign before stands right before it."""
        self.follows[1:] = np.diff(self.at) == 1

    @cached_property
    def kind_before(self) -> Bits:
        """What the character before it is, where that is a sign."""
        return np.where(self.follows, np.roll(self.kind, 1), np.uint8(0))

    def leading(self) -> Mask:
        """Signs at the beginning of a run, nothing but such signs before them."""
        is_prefix = (self.kind & np.uint8(_PREFIX)).astype(bool) | self.is_ellipsis
        is_prefix &= ~((self.code == ord("+")) & _is_digit(self.code_after))
        return _unbroken(is_prefix, self.follows, (self.before & np.uint8(SPACE)).astype(bool))

    def trailing(self) -> Mask:
        """Signs at the end of a run, nothing but such signs behind them."""
        is_suffix = (self.kind & np.uint8(_SUFFIX)).astype(bool) | self.is_ellipsis | self._closing_stop()
        is_suffix |= (self.kind & np.uint8(_AFTER_DIGIT)).astype(bool) & _is_digit(self.code_before)
        followed = np.append(self.follows[1:], False)
        ends = (self.after & np.uint8(SPACE)).astype(bool)
        return _unbroken(is_suffix[::-1], followed[::-1], ends[::-1])[::-1]

    def _closing_stop(self) -> Mask:
        fits = (self.before & np.uint8(LOWER)).astype(bool) & ~self._is_upper(1)
        fits |= _is_digit(self.code_before) | _is_one_of(self.code_before, "%²-+")
        fits |= (self.kind_before & np.uint8(_QUOTE | _SIGN)).astype(bool)
        return self.is_stop & (fits | (self._is_upper(1) & self._is_upper(2)))

    def _is_upper(self, back: int) -> Mask:
        there = self._bits[np.maximum(self.at - back, 0)]
        return (there & np.uint8(UPPER)).astype(bool) & (self.at >= back)

    def inside(self) -> tuple[Ints, Ints]:
        """Starts and ends of what is cut out of the middle of a run."""
        is_after_letter = (self.before & np.uint8(LETTER)).astype(bool)
        is_before_letter = (self.after & np.uint8(LETTER)).astype(bool)
        is_after_digit = _is_digit(self.code_before)
        is_after_both = is_after_letter | is_after_digit
        cuts = (self.kind & np.uint8(_ANYWHERE)).astype(bool) | self.is_ellipsis
        cuts |= (self.kind & np.uint8(_BETWEEN | _HYPHEN)).astype(bool) & is_after_both & is_before_letter
        cuts |= (self.code == ord(",")) & is_after_letter & is_before_letter
        cuts |= self.is_stop & self._is_between_sentences()
        cuts |= _is_one_of(self.code, "+-*^") & is_after_digit & (_is_digit(self.code_after) | (self.code_after == 45))
        starts, ends = [self.at[cuts]], [self.at[cuts] + 1]
        for code, longest in ((ord("-"), 3), (ord("—"), 2)):
            is_dash = self.code == code
            if not is_dash.any():
                continue
            for length in range(2, longest + 1):
                run = is_dash.copy()
                for ahead in range(1, length):
                    run[:-ahead] &= is_dash[ahead:] & (self.at[ahead:] == self.at[:-ahead] + ahead)
                    run[len(run) - ahead :] = False
                at = self.at[run & is_after_both]
                at = at[(self._bits[at + length] & np.uint8(LETTER)).astype(bool)]
                starts.append(at)
                ends.append(at + length)
        return np.concatenate(starts), np.concatenate(ends)

    def _is_between_sentences(self) -> Mask:
        kind_after = np.where(np.append(self.follows[1:], False), np.roll(self.kind, -1), np.uint8(0))
        before = (self.before & np.uint8(LOWER)).astype(bool) | (self.kind_before & np.uint8(_QUOTE)).astype(bool)
        after = (self.after & np.uint8(UPPER)).astype(bool) | (kind_after & np.uint8(_QUOTE)).astype(bool)
        between: Mask = before & after
        return between


def _unbroken(fits: Mask, follows: Mask, begins: Mask) -> Mask:
    """Which items stand in a chain that begins at `begins`, each following the one before it, and all fit."""
    if not len(fits):
        return fits
    heads = ~follows
    misfits = np.cumsum(~fits)
    head_index = np.maximum.accumulate(np.where(heads, np.arange(len(fits)), 0))
    before_head: Ints = misfits[head_index] - ~fits[head_index]
    unbroken: Mask = (misfits == before_head) & begins[head_index]
    return unbroken


def _is_digit(codes: NDArray[np.uint32]) -> Mask:
    return (codes >= 48) & (codes <= 57)


def _is_one_of(codes: NDArray[np.uint32], characters: str) -> Mask:
    found = np.zeros(len(codes), dtype=bool)
    for character in characters:
        found |= codes == ord(character)
    return found


@dataclass(frozen=True)
class Tokens:
    """Words and signs of a batch, in order."""

    spans: Spans
    traits: Bits
    """Bits of all characters of each token, by or."""

    @property
    def is_word(self) -> Mask:
        """Which hold more than punctuation."""
        return (self.traits & np.uint8(WORD)).astype(bool)

    @property
    def has_letter(self) -> Mask:
        """Which hold a letter."""
        return (self.traits & np.uint8(LETTER)).astype(bool)


def find_tokens(characters: Characters) -> Tokens:
    """All tokens of a batch."""
    bits = characters.bits
    is_visible = ~characters.is_any(SPACE)
    cut = is_visible.copy()
    cut[1:] ^= is_visible[:-1]
    runs = np.flatnonzero(cut & is_visible)
    signs = _Signs(characters)
    alone = signs.leading() | signs.trailing()
    _cut_around(cut, signs.at[alone], signs.at[alone] + 1)
    _cut_clitics(cut, characters, signs)
    starts, ends = signs.inside()
    if len(starts):
        whole = _is_in_address(characters, runs, starts)
        _cut_around(cut, starts[~whole], ends[~whole])
    _join_ellipses(cut, signs)
    edges = np.flatnonzero(cut)
    begins = np.flatnonzero(is_visible[edges])
    spans_from = edges[begins]
    if not len(spans_from):
        return Tokens(Spans(spans_from, spans_from, spans_from), np.zeros(0, np.uint8))
    spans = Spans(spans_from, edges[begins + 1], characters.document_of(spans_from))
    return Tokens(spans, np.bitwise_or.reduceat(bits, spans_from))


def _cut_around(cut: Mask, starts: Ints, ends: Ints) -> None:
    cut[starts] = True
    cut[ends] = True


def _join_ellipses(cut: Mask, signs: _Signs) -> None:
    cut[signs.at[signs.is_stop & (signs.code_before == ord("."))]] = False


def _cut_clitics(cut: Mask, characters: Characters, signs: _Signs) -> None:
    """`'s`, `'d`, `'m`, `'re`, `'ve`, `'ll` and `n't` before the end of what is left of a run."""
    chosen = _is_one_of(signs.code, "'’") & (signs.before & np.uint8(LETTER)).astype(bool)
    at = signs.at[chosen & (signs.after & np.uint8(LETTER)).astype(bool)]
    small = np.frombuffer(characters.narrow, np.uint8)
    first, second, before = small[at + 1], small[np.minimum(at + 2, len(small) - 1)], small[at - 1]
    last = len(cut) - 1
    ends_after_one, ends_after_two = cut[np.minimum(at + 2, last)], cut[np.minimum(at + 3, last)]
    is_not = (first == ord("t")) & ends_after_one & (before == ord("n"))
    cut[at[is_not] - 1] = True
    short = ends_after_one & ((first == ord("s")) | (first == ord("d")) | (first == ord("m")))
    pairs = ((first == ord("r")) | (first == ord("v"))) & (second == ord("e"))
    pairs |= (first == ord("l")) & (second == ord("l"))
    cut[at[short | (pairs & ends_after_two)]] = True


def _is_in_address(characters: Characters, runs: Ints, places: Ints) -> Mask:
    """Which places lie in a run that holds `://`."""
    marks = characters.occurrences(b"://")
    holds = np.zeros(len(runs), dtype=bool)
    holds[np.searchsorted(runs, marks, side="right") - 1] = True
    return holds[np.searchsorted(runs, places, side="right") - 1]
