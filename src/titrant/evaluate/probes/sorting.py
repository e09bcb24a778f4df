"""Sorting: a list of rung + 3 letters or digits, then the same in order up to some place; what comes next?

After the sorting tasks of the algorithmic-reasoning literature (Velickovic et al. 2022, CLRS; Zhou et al. 2024, What
algorithms can transformers learn?). All choices are members of the list, and the place is uniform, so that the answer
is the smallest of the choices as often as the largest.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

NUM_CHOICES = 4
ALPHABETS = ("0123456789", "abcdefghijklmnopqrstuvwxyz")


def _example(draw: Draw, rung: int) -> Example:
    members = draw.sample(draw.choice(ALPHABETS), rung + 3)
    ordered = sorted(members)
    place = draw.below(len(ordered))
    others = draw.sample([member for member in members if member != ordered[place]], NUM_CHOICES - 1)
    return Example(
        prompt=" ".join(["sort", *members, "to", *ordered[:place]]),
        answer=f" {ordered[place]}",
        distractors=tuple(f" {member}" for member in others),
        rest="".join(f" {member}" for member in ordered[place + 1 :]),
    )


FAMILY = Family(name="sorting", version=1, num_choices=NUM_CHOICES, max_rung=6, example=_example)
