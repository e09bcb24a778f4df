"""Arithmetic: sums of two numbers of `rung` digits, and products of such a number with one digit, half of each.

After the arithmetic tasks of Brown et al. 2020 (section 3.9.1), as multiple choice. The four choices are equally
spaced numbers, and the right one stands at every rank among them equally often: neither the smallest, nor the
largest, nor the middle is a good guess.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

NUM_CHOICES = 4
STEPS = (1, 2, 10)
"""Distances between neighbouring choices: wrong in the last digit, of the same parity, wrong in the tens."""


def _example(draw: Draw, rung: int) -> Example:
    rank = draw.below(NUM_CHOICES)
    step = STEPS[draw.below(2 if rung == 1 else 3)]
    adds = draw.below(2) == 0
    low = 0 if rung == 1 else 10 ** (rung - 1)
    while True:
        one = draw.between(low, 10**rung - 1)
        other = draw.between(low, 10**rung - 1) if adds else draw.between(2, 9)
        value = one + other if adds else one * other
        # no choice may be negative: problems are drawn for the rank, not the rank for the problem
        if value >= rank * step:
            break
    values = [value + step * (place - rank) for place in range(NUM_CHOICES)]
    return Example(
        prompt=f"{one} {'+' if adds else '*'} {other} =",
        answer=f" {value}",
        distractors=tuple(f" {other_value}" for other_value in values if other_value != value),
    )


FAMILY = Family(name="arithmetic", version=1, num_choices=NUM_CHOICES, max_rung=6, example=_example)
