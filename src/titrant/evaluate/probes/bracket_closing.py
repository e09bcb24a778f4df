"""Bracket closing: which bracket closes the innermost one that is still open?

Continuations of Dyck words, as in Hewitt et al. 2020 (RNNs can generate bounded hierarchical languages, EMNLP) and
Suzgun et al. 2019. All four kinds are open once, so that none can be ruled out; at rung r, r - 1 closed groups stand
after the bracket that is asked for, so that from rung 2 on the last bracket opened is no guide.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}


def _example(draw: Draw, rung: int) -> Example:
    outer = draw.shuffled(list(PAIRS))
    word = list(outer)
    # a closed group somewhere before the last open bracket: without it rung 1 would have 24 problems only
    aside = draw.below(len(outer))
    word[aside:aside] = _group(draw)
    for _ in range(rung - 1):
        word += _group(draw)
    closing = [PAIRS[bracket] for bracket in reversed(outer)]
    return Example(
        prompt=" ".join(word),
        answer=f" {closing[0]}",
        distractors=tuple(f" {bracket}" for bracket in closing[1:]),
        rest="".join(f" {bracket}" for bracket in closing[1:]),
    )


def _group(draw: Draw) -> list[str]:
    """A closed pair, every other time with another one in it."""
    bracket = draw.choice(list(PAIRS))
    inner = draw.choice(list(PAIRS))
    return [bracket, *([inner, PAIRS[inner]] if draw.below(2) else []), PAIRS[bracket]]


FAMILY = Family(name="bracket-closing", version=1, num_choices=len(PAIRS), max_rung=6, example=_example)
