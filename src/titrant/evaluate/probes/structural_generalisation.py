"""Structural generalisation: which logical form does a sentence have, when its structure goes beyond the examples?

A small relative of COGS (Kim and Linzen 2020). Rung 1: a transitive sentence like its examples. Rung 2: nouns in new
roles, that is the item's agent appears in the examples only as a patient, and its patient only as an agent. Rung r
above 2: r - 2 embedded clauses, the examples one fewer. Wrong forms have the same words or words of the same kind at
the same places, so a form cannot be told without its sentence.
"""

from __future__ import annotations

from itertools import permutations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

NUM_CHOICES = 4
NOUNS = ("cat", "dog", "fox", "cow", "pig", "hen", "boy", "girl", "man", "king")
VERBS = ("saw", "met", "fed", "hit", "led")
SAYING = ("said", "knew", "felt")


def _example(draw: Draw, rung: int) -> Example:
    return _sentence(draw, max(0, rung - 2))


def _shot(draw: Draw, rung: int, item: Example) -> Example:
    if rung != 2:
        return _sentence(draw, max(0, rung - 3))
    agent, patient = item.prompt.split()[1], item.prompt.split()[4]
    # half of the shots show the item's agent as a patient, the others its patient as an agent
    other = draw.choice([noun for noun in NOUNS if noun not in (agent, patient)])
    nouns = (other, agent) if draw.below(2) else (patient, other)
    return _form(draw, nouns, draw.sample(VERBS, 2), [])


def _sentence(draw: Draw, depth: int) -> Example:
    nouns = draw.sample(NOUNS, depth + 2)
    return _form(draw, tuple(nouns), draw.sample(VERBS, 2), [draw.choice(SAYING) for _ in range(depth)])


def _form(draw: Draw, nouns: tuple[str, ...], verbs: list[str], sayings: list[str]) -> Example:
    """`the fox said that the cat saw the dog -> said(fox, saw(cat, dog))`, for nouns (fox, cat, dog)."""
    *speakers, agent, patient = nouns
    told = [f"the {speaker} {saying} that" for speaker, saying in zip(speakers, sayings, strict=True)]
    told.append(f"the {agent} {verbs[0]} the {patient}")
    right = _logical(nouns, verbs[0], sayings)
    if sayings:
        wrong = [_logical(order, verbs[0], sayings) for order in permutations(nouns) if order != nouns]
    else:
        # two nouns have two orders only: with each of two verbs they make four forms, none more regular than another
        swapped = (patient, agent)
        wrong = [_logical(swapped, verbs[0], []), *(_logical(order, verbs[1], []) for order in (nouns, swapped))]
    return Example(
        prompt=" ".join(told) + " ->",
        answer=f" {right}",
        distractors=tuple(f" {form}" for form in draw.sample(wrong, NUM_CHOICES - 1)),
    )


def _logical(nouns: tuple[str, ...], verb: str, sayings: list[str]) -> str:
    *speakers, agent, patient = nouns
    form = f"{verb}({agent}, {patient})"
    for speaker, saying in zip(reversed(speakers), reversed(sayings), strict=True):
        form = f"{saying}({speaker}, {form})"
    return form


FAMILY = Family(
    name="structural-generalisation",
    version=1,
    num_choices=NUM_CHOICES,
    max_rung=6,
    example=_example,
    shot=_shot,
)
