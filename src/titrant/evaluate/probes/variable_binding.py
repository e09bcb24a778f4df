"""Variable binding: four names get values, some names are copies of others; what is the value of one of them?

After the variable assignment task of Wu et al. 2025 (How do transformers learn variable binding in symbolic programs?)
and the symbolic variables of bAbI-like suites (Weston et al. 2015). At rung r the value asked for lies r - 1 copies
away. All choices are values in the context, in random order: the one named last is right as often as any other.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

NUM_VARIABLES = 4
NAMES = tuple("abcdefghjkmnpqrstuvwxyz")
"""Without i, l and o, which are easily taken for digits."""


def _example(draw: Draw, rung: int) -> Example:
    names = draw.sample(NAMES, NUM_VARIABLES + rung - 1)
    values = draw.sample(range(10), NUM_VARIABLES)
    answer = draw.below(NUM_VARIABLES)
    told = [f"{name} = {value}" for name, value in zip(names, values, strict=False)]
    asked = names[answer]
    for copy in names[NUM_VARIABLES:]:
        told.append(f"{copy} = {asked}")
        asked = copy
    return Example(
        prompt="; ".join(told) + f"; {asked} ==",
        answer=f" {values[answer]}",
        distractors=tuple(f" {value}" for place, value in enumerate(values) if place != answer),
    )


FAMILY = Family(name="variable-binding", version=1, num_choices=NUM_VARIABLES, max_rung=6, example=_example)
