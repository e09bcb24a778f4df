"""How a program is built, as its grammar reads it: depth, decisions, and how much of it is comment."""

from __future__ import annotations

import numpy as np

from titrant.corpus.signals.characters import Floats
from titrant.corpus.signals.texts import Texts
from titrant.corpus.transforms.structure import find_structures


def find(texts: Texts) -> dict[str, Floats]:
    """The signals of the family `syntax`; null where no grammar reads the document in its language."""
    languages = texts.batch.column("language").to_pylist()
    found = find_structures(texts.characters.texts, languages)
    names = ("tree_depth", "cyclomatic_complexity", "comment_share")
    # None becomes NaN, which is stored as null
    return {
        name: np.array([np.nan if one is None else getattr(one, name) for one in found], np.float64) for name in names
    }
