"""Whether a document reads like prose: its words, their lengths, symbols, bullets, ellipses and stop words.

**Source:** Rae et al. 2021 (Gopher), appendix A1.1. What the paper leaves open is as in the code that FineWeb was made
with: words are counted and measured without punctuation, shares of words are of words and signs.
"""

from __future__ import annotations

import numpy as np

from titrant.corpus.signals.characters import Characters, Floats, Mask, Spans, ends_in_three_stops, share
from titrant.corpus.signals.repeats import Identities
from titrant.corpus.signals.texts import Texts

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
BULLETS = "•-"


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `prose`; shares and means of nothing are null."""
    characters, tokens = texts.characters, texts.tokens
    words = tokens.spans.where(tokens.is_word)
    count = characters.count(words.document)
    hashes = characters.count_characters(characters.codes == ord("#"))
    ellipses = characters.count_characters(characters.codes == ord("…"))
    ellipses += characters.count(characters.document_of(characters.occurrences(b"...")))
    lines, bare = texts.lines, texts.bare_lines
    num_lines = characters.count(lines.document)
    return {
        "words": count,
        "mean_word_length": share(characters.count(words.document, words.lengths), count),
        "symbols_per_word": share(np.maximum(hashes, ellipses), texts.words),
        "bullet_line_share": share(characters.count(lines.document, _begins_with_bullet(characters, bare)), num_lines),
        "ellipsis_line_share": share(characters.count(lines.document, _ends_in_ellipsis(characters, bare)), num_lines),
        "alphabetic_word_share": share(characters.count(tokens.spans.document, tokens.has_letter), texts.words),
        "stop_words": _stop_words(texts),
    }


def _begins_with_bullet(characters: Characters, lines: Spans) -> Mask:
    starts, ends = lines.starts, lines.ends
    first = characters.codes[starts]
    return np.asarray((starts < ends) & ((first == ord(BULLETS[0])) | (first == ord(BULLETS[1]))))


def _ends_in_ellipsis(characters: Characters, lines: Spans) -> Mask:
    last = characters.codes[lines.ends - 1]
    ends: Mask = ends_in_three_stops(characters, lines) | ((last == ord("…")) & (lines.lengths > 0))
    return ends


def _stop_words(texts: Texts) -> Floats:
    """How many different ones stand in each document, in lower case as they are."""
    own = Characters(STOP_WORDS)
    wanted = Identities(own).of(Spans(own.starts, own.ends, own.starts))
    found = np.zeros(len(texts))
    lengths = texts.tokens.spans.lengths
    short = np.flatnonzero((lengths >= 2) & (lengths <= 4))
    identities, document = texts.token_identities[short], texts.tokens.spans.document[short]
    for word in wanted:
        found += np.bincount(document[identities == word], minlength=len(texts)) > 0
    return found
