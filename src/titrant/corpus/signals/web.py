"""Whether a web page reads like an article: sentences, placeholder text, code, and how its lines end.

The signals of C4 look at each line as its filter does, in this order: a line with a word of more than 1,000
characters is passed over, citations (`[12]`, `[edit]`, `[citation needed]`) are taken out, and what does not end in
one of `. ? ! " '` (or ends in an ellipsis) or has fewer than three words is passed over. In the lines left, `lorem
ipsum` is looked for; of those without `javascript`, curly brackets; of those without the words of a policy, sentences.

**Sources:** Raffel et al. 2020 (C4), section 2.2, and its released code; Penedo et al. 2024 (FineWeb), section 3.6.
"""

from __future__ import annotations

import re

import numpy as np

from titrant.corpus.signals.characters import (
    SENTENCE_ENDS,
    SPACE,
    Characters,
    Floats,
    Ints,
    Mask,
    Spans,
    category_members,
    ends_in_three_stops,
    members,
    newline_pieces,
    share,
    stripped,
)
from titrant.corpus.signals.repeats import Groups
from titrant.corpus.signals.texts import Texts
from titrant.corpus.signals.words import Tokens, find_tokens

POLICY = (b"terms of use", b"privacy policy", b"cookie policy", b"uses cookies", b"use of cookies", b"use cookies")
LINE_FINISHERS = ".?!\"'"
MAX_WORD_LENGTH = 1000
MIN_LINE_WORDS = 3
SHORT_LINE = 30


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `web`; shares of nothing are null."""
    return {**_article(texts), **_line_ends(texts)}


def _line_ends(texts: Texts) -> dict[str, Floats]:
    characters = texts.characters
    pieces = newline_pieces(characters)
    filled = pieces.where(stripped(characters, pieces).lengths > 0)
    number = characters.count(filled.document)
    finished = members(SENTENCE_ENDS).take(characters.codes[filled.ends - 1])
    repeated = filled.where(Groups.within_documents(texts.identities.of(filled), filled.document).repeats_earlier)
    newlines = characters.count_characters(characters.codes == 10)
    return {
        "punctuated_line_share": share(characters.count(filled.document, finished), number),
        "short_line_share": share(characters.count(filled.document, filled.lengths <= SHORT_LINE), number),
        "duplicate_filled_line_character_share": share(
            characters.count(repeated.document, repeated.lengths), characters.lengths - newlines
        ),
        "lines_per_word": share(newlines, texts.words),
    }


def _article(texts: Texts) -> dict[str, Floats]:
    """The signals of C4."""
    characters, lines = texts.characters, texts.bare_lines
    looked_at = _has_fit_words(characters, lines)
    codes, cites = characters.codes, _per_line(lines, _citations(characters)) > 0
    last = codes[lines.ends - 1]
    finished = members(LINE_FINISHERS).take(last) & ~ends_in_three_stops(characters, lines)
    plain = looked_at & finished & ~cites
    apart = np.flatnonzero(looked_at & cites & (finished | (last == ord("]"))))

    placeholder = plain & (_per_line(lines, characters.occurrences(b"lorem ipsum")) > 0)
    scripts = plain & (_per_line(lines, characters.occurrences(b"javascript")) > 0)
    brackets = plain & ~scripts & (_per_line(lines, np.flatnonzero(codes == ord("{"))) > 0)
    policies = [_per_line(lines, characters.occurrences(phrase)) > 0 for phrase in POLICY]
    kept = plain & ~scripts & ~np.logical_or.reduce(policies)
    sentences = np.where(kept, _sentences(texts.tokens, characters, lines), 0)
    if len(apart):
        bare = [_bare(characters, lines, line) for line in apart.tolist()]
        fits = [text.endswith(tuple(LINE_FINISHERS)) and not text.endswith("...") for text in bare]
        small = [text.lower() for text in bare]
        placeholder[apart] = [fit and "lorem ipsum" in text for fit, text in zip(fits, small, strict=True)]
        fits = [fit and "javascript" not in text for fit, text in zip(fits, small, strict=True)]
        brackets[apart] = [fit and "{" in text for fit, text in zip(fits, bare, strict=True)]
        policy = [any(phrase.decode() in text for phrase in POLICY) for text in small]
        own = Characters(bare)
        counted = _sentences(find_tokens(own), own, Spans(own.starts, own.ends, np.arange(len(own))))
        sentences[apart] = np.where(np.array(fits) & ~np.array(policy), counted, 0)
    return {
        "sentences": characters.count(lines.document, sentences),
        "lorem_ipsum_lines": characters.count(lines.document, placeholder),
        "curly_bracket_lines": characters.count(lines.document, brackets),
    }


def _has_fit_words(characters: Characters, lines: Spans) -> Mask:
    """At least three words by white space, none of them too long."""
    is_visible = ~characters.is_any(SPACE)
    edges = np.flatnonzero(np.append(is_visible[:1], is_visible[1:] != is_visible[:-1]))
    starts, ends = edges[::2], edges[1::2]
    long = starts[ends - starts > MAX_WORD_LENGTH]
    fit: Mask = (_per_line(lines, starts) >= MIN_LINE_WORDS) & (_per_line(lines, long) == 0)
    return fit


def _per_line(lines: Spans, places: Ints) -> Ints:
    """How many of these places (in order) lie in each line."""
    if len(places) > len(lines):
        return np.searchsorted(places, lines.ends) - np.searchsorted(places, lines.starts)
    if not len(places):
        return np.zeros(len(lines), np.int64)
    line = np.searchsorted(lines.starts, places, side="right") - 1
    return np.bincount(line[(line >= 0) & (places < lines.ends[line])], minlength=len(lines))


def _citations(characters: Characters) -> Ints:
    """Where citations begin: `[`, digits or none, `]`; `[edit]`; `[citation needed]`, in lower case."""
    codes, is_digit = characters.codes, category_members("Nd")
    opened = np.flatnonzero(codes == ord("["))
    at, open_ = opened + 1, np.arange(len(opened))
    found = []
    while len(open_):
        code = codes[at]
        found.append(opened[open_[code == ord("]")]])
        goes_on = is_digit.take(code)
        at, open_ = at[goes_on] + 1, open_[goes_on]
    for phrase in ("[edit]", "[citation needed]"):
        places = characters.occurrences(phrase.encode())
        for offset, character in enumerate(phrase):
            places = places[codes[places + offset] == ord(character)]
        found.append(places)
    return np.sort(np.concatenate(found))


_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


def _bare(characters: Characters, lines: Spans, line: int) -> str:
    """A line's text without citations."""
    return _CITATION.sub("", characters.text(int(lines.starts[line]), int(lines.ends[line])))


def _sentences(tokens: Tokens, characters: Characters, lines: Spans) -> Ints:
    """For each line, its sentences: one begins at the first token that is no punctuation after a sentence's end."""
    first = characters.codes[tokens.spans.starts]
    alone = tokens.spans.lengths == 1
    ends_one = members(SENTENCE_ENDS).take(first) & alone
    is_sign = category_members("P").take(first) & (alone | ~tokens.is_word)
    ended = np.append(0, np.cumsum(ends_one))  # sentence ends before each token
    bounds = np.searchsorted(tokens.spans.starts, np.append(lines.starts, len(characters.codes)))
    line_of = np.repeat(np.arange(len(lines)), np.diff(bounds))
    before_line = ended[bounds[:-1]][line_of]
    tokens_in_lines = np.arange(bounds[0], bounds[-1]) if len(lines) else np.zeros(0, np.int64)
    plain = tokens_in_lines[~is_sign[tokens_in_lines]]
    whose = line_of[plain - bounds[0]] if len(plain) else plain
    last = np.append(0, ended[plain][:-1])
    begins = ended[plain] > np.maximum(last, before_line[plain - bounds[0]] if len(plain) else 0)
    return 1 + np.bincount(whose[begins], minlength=len(lines))
