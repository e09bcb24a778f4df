"""Lines or tokens of a document in another order, which depends on the document's content hash alone.

The order is that of keyed random words: BLAKE3 of the key seeds a counter-based generator, and the places are sorted by
the words it gives. Nothing is added or lost but as said below.
"""

from __future__ import annotations

import re

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from titrant.corpus.transforms.grammars import GRAMMARS
from titrant.corpus.transforms.syntax import parse

_LINES = "titrant 2026 transform: in which order shuffled lines stand"
_TOKENS = "titrant 2026 transform: in which order shuffled tokens stand"
_WORD = re.compile(r"\S+")


def shuffle_lines(text: str, key: str) -> str:
    """Lines in another order; blank lines are lines. Lines end with `\\n` alone; so does the last one if it did.

    >>> sorted(shuffle_lines("a\\nb\\n\\nc\\n", "key").split("\\n"))
    ['', '', 'a', 'b', 'c']
    """
    body, end = (text[:-1], "\n") if text.endswith("\n") else (text, "")
    lines = body.split("\n")
    return "\n".join(lines[place] for place in permutation(len(lines), key, _LINES)) + end


def shuffle_tokens(text: str, language: str, key: str) -> str:
    """Tokens in another order, white space where it was.

    Tokens are runs of characters other than white space, and where the language has a grammar these are cut where its
    leaves begin and end: words of strings and comments move one by one. One blank is put where two letters or digits of
    different tokens would otherwise meet. Raises NotTransformedError if a document of such a language cannot be parsed.

    >>> shuffle_tokens("one\\n  two", "text", "key") in ("one\\n  two", "two\\n  one")
    True
    """
    spans = _token_spans(text, language)
    order = permutation(len(spans), key, _TOKENS)
    pieces, at, last = [], 0, ""
    for (start, end), place in zip(spans, order, strict=True):
        token = text[slice(*spans[place])]
        gap = text[at:start]
        if not gap and _is_of_word(last[-1:]) and _is_of_word(token[0]):
            gap = " "
        pieces += [gap, token]
        at, last = end, token
    return "".join([*pieces, text[at:]])


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _token_spans(text: str, language: str) -> list[tuple[int, int]]:
    """First character and one past the last of every token, in order."""
    words = [match.span() for match in _WORD.finditer(text)]
    if language not in GRAMMARS:
        return words
    syntax = parse(text, language)
    bounds = {bound for leaf in syntax.leaves() for bound in (leaf.start, leaf.end)}
    cuts = sorted(bounds if text.isascii() else _characters(syntax.source, bounds))
    spans, place = [], 0
    for start, end in words:
        while place < len(cuts) and cuts[place] <= start:
            place += 1
        while place < len(cuts) and cuts[place] < end:
            spans.append((start, cuts[place]))
            start = cuts[place]
            place += 1
        spans.append((start, end))
    return spans


def _characters(source: bytes, bounds: set[int]) -> list[int]:
    """Places in bytes as places in characters; one inside a character counts as the character's end."""
    begins = (np.frombuffer(source, dtype=np.uint8) & 0xC0) != 0x80
    before = np.concatenate([[0], np.cumsum(begins)])
    return [int(place) for place in np.unique(before[np.fromiter(bounds, dtype=np.int64, count=len(bounds))])]


def permutation(count: int, key: str, context: str) -> NDArray[np.int64]:
    """An order of `count` places that depends on the key and the context alone."""
    seed = int.from_bytes(blake3(key.encode("utf-8"), derive_key_context=context).digest(16), "little")
    words = np.random.PCG64(seed).random_raw(count)
    return np.argsort(np.asarray(words, dtype=np.uint64), kind="stable")
