"""Invented words of one shape (consonant, vowel, consonant, vowel), so that none is likelier by its length."""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw

CONSONANTS = "bdfgklmnprstvz"
VOWELS = "aeiou"


def invented_words(draw: Draw, count: int) -> list[str]:
    """`count` different invented words, no two of which begin with the same letter."""
    return [
        f"{first}{draw.choice(VOWELS)}{draw.choice(CONSONANTS)}{draw.choice(VOWELS)}"
        for first in draw.sample(CONSONANTS, count)
    ]
