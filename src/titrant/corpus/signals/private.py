"""What a document should not tell: keys, tokens and passwords, and e-mail addresses.

What counts is what redaction would replace (`titrant.corpus.redaction`), as it stands in the text.
"""

from __future__ import annotations

import numpy as np

from titrant.corpus.redaction import find_private, may_hold_private
from titrant.corpus.signals.characters import Floats
from titrant.corpus.signals.texts import Texts
from titrant.study.cleaning import Redaction

KINDS: dict[str, Redaction] = {"secrets": "secrets", "emails": "emails"}
"""By signal, what is counted."""


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `private`."""
    found = {}
    for name, kind in KINDS.items():
        counts = np.zeros(len(texts))
        for row in np.flatnonzero(may_hold_private(texts.batch.column("text"), kind)).tolist():
            counts[row] = len(find_private(texts.characters.texts[row], kind))
        found[name] = counts
    return found
