"""How much of a document repeats: lines, paragraphs and n-grams of words.

The commonest n-gram is counted wherever it begins. Repeated n-grams are counted as a reader meets them: one that was
read before counts with all its characters and is passed over as a whole, so that no character counts twice.

Equal n-grams hold equal shorter ones, so each longer n-gram is only looked for where the shorter one repeats; all
but the first pass touch few words of ordinary prose.

**Source:** Rae et al. 2021 (Gopher), appendix A1.1 and table A1; white space between words as in the code that
FineWeb was made with (one space in the commonest n-gram, none in repeated ones).
"""

from __future__ import annotations

import numpy as np

from titrant.corpus.signals.characters import Floats, Hashes, Ints, Spans, runs_between_newlines, share
from titrant.corpus.signals.repeats import GRAM, Groups
from titrant.corpus.signals.texts import Texts

TOP = (2, 3, 4)
DUPLICATE = (5, 6, 7, 8, 9, 10)


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `repetition`; all null for an empty document."""
    characters = texts.characters
    length = characters.lengths.astype(np.float64)
    found: dict[str, Floats] = {}
    for name, spans in (
        ("paragraph", runs_between_newlines(characters, 2, strip=True)),
        ("line", runs_between_newlines(characters)),
    ):
        repeated = spans.where(Groups.within_documents(texts.identities.of(spans), spans.document).repeats_earlier)
        number = characters.count(spans.document)
        found[f"duplicate_{name}_share"] = share(characters.count(repeated.document), number)
        found[f"duplicate_{name}_character_share"] = share(
            characters.count(repeated.document, repeated.lengths), length
        )
    grams = _Grams(texts)
    for n in range(2, DUPLICATE[-1] + 1):
        grams.lengthen(n)
        if n in TOP:
            found[f"top_{n}_gram_character_share"] = share(grams.top(), length)
        if n in DUPLICATE:
            found[f"duplicate_{n}_gram_character_share"] = share(grams.duplicated(), length)
    return found


class _Grams:
    """n-grams that repeat within their document, for growing n."""

    def __init__(self, texts: Texts) -> None:
        spans = texts.tokens.spans
        self._characters = texts.characters
        self._words = texts.token_identities
        self._spans: Spans = spans
        self._letters = np.append(0, np.cumsum(spans.lengths))
        counts = np.bincount(spans.document, minlength=len(texts))
        self._last = np.cumsum(counts)[spans.document] if len(spans) else spans.document
        """One behind the last word of each word's document."""
        self._first_word = np.cumsum(counts) - counts
        self._num_words = counts
        self.n = 1
        self.at: Ints = np.arange(len(spans))
        """First words of the n-grams that repeat."""
        self._identity: Hashes = self._words
        self._groups: Groups | None = None

    def lengthen(self, n: int) -> None:
        """From (n - 1)-grams that repeat to n-grams that do."""
        whole = self.at + n <= self._last[self.at]
        if n > 2:  # the n-gram's second (n - 1)-gram repeats as well, or the n-gram does not
            repeats = np.zeros(len(self._spans) + 1, dtype=bool)
            repeats[self.at] = True
            whole &= repeats[self.at + 1]
        at = self.at[whole]
        identity = self._identity[whole] * GRAM + self._words[at + n - 1]
        groups = Groups.within_documents(identity, self._spans.document[at])
        repeated = groups.is_repeated
        self.n, self.at, self._identity = n, at[repeated], identity[repeated]
        self._groups = groups.repeated_only()

    def top(self) -> Floats:
        """Characters in all occurrences of the commonest n-gram, words joined by one space; of several the first."""
        n, groups, document = self.n, self._groups, self._spans.document
        assert groups is not None
        has = self._num_words >= n
        first = np.where(has, self._first_word, 0)
        times = has.astype(np.int64)
        if len(groups.bounds):
            earliest = self.at[groups.first]
            whose = document[earliest]
            rank = np.lexsort((earliest, -groups.sizes, whose))
            best = rank[np.append(True, np.diff(whose[rank]) > 0)]
            first[whose[best]], times[whose[best]] = earliest[best], groups.sizes[best]
        width = self._letters[np.minimum(first + n, len(self._letters) - 1)] - self._letters[first] + n - 1
        characters: Floats = (width * times).astype(np.float64)
        return characters

    def duplicated(self) -> Floats:
        """Characters of words in n-grams that were read before."""
        assert self._groups is not None
        met, free, repeats = bytearray(len(self._groups.bounds)), 0, []
        for at, group in zip(self.at.tolist(), self._groups.group_of.tolist(), strict=True):
            if at >= free:
                if met[group]:
                    repeats.append(at)
                    free = at + self.n
                else:
                    met[group] = 1
        chosen = np.array(repeats, np.int64)
        width = self._letters[chosen + self.n] - self._letters[chosen]
        return self._characters.count(self._spans.document[chosen], width)
