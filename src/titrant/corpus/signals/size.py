"""How long a document and its lines are, and how much of it is letters: the basic numbers of code filters.

**Source:** Li et al. 2023 (StarCoder), section 3, and the released code of its filters.
"""

from __future__ import annotations

import numpy as np

from titrant.corpus.signals.characters import ALPHANUMERIC, LETTER, Floats, share
from titrant.corpus.signals.texts import Texts


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `size`; shares and means of nothing are null."""
    characters, lines = texts.characters, texts.lines
    length = characters.lengths.astype(np.float64)
    count = characters.count(lines.document)
    longest = np.zeros(len(characters))
    np.maximum.at(longest, lines.document, lines.lengths.astype(np.float64))
    return {
        "characters": length,
        "lines": count,
        "max_line_length": longest,
        "mean_line_length": share(characters.count(lines.document, lines.lengths), count),
        "alphabetic_share": share(characters.count_characters(characters.is_any(LETTER)), length),
        "alphanumeric_share": share(characters.count_characters(characters.is_any(ALPHANUMERIC)), length),
    }
