"""Copying: a list of invented words is said twice; which word comes next the second time?

The induction task of Olsson et al. 2022 (In-context learning and induction heads) and of Jelassi et al. 2024 (Repeat
after me), with rung + 3 words. The second time stops at a random place, and all choices are words of the list: only
what followed before tells them apart.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family
from titrant.evaluate.probes.words import invented_words

NUM_CHOICES = 4


def _example(draw: Draw, rung: int) -> Example:
    words = invented_words(draw, rung + 3)
    place = draw.between(1, len(words) - 1)
    others = draw.sample(words[:place] + words[place + 1 :], NUM_CHOICES - 1)
    return Example(
        prompt=" ".join(words) + ": " + " ".join(words[:place]),
        answer=f" {words[place]}",
        distractors=tuple(f" {word}" for word in others),
        rest="".join(f" {word}" for word in words[place + 1 :]),
    )


FAMILY = Family(name="copying", version=1, num_choices=NUM_CHOICES, max_rung=8, example=_example)
