"""Invented facts as documents: every fact in exactly as many sentences as declared, every document unlike the others.

1. each fact is written `copies` times, going through its wordings
2. the sentences are dealt out to documents like cards, so that a fact's copies stand in different documents
3. the sentences of a document are shuffled and given openings until no other document reads the same
"""

from __future__ import annotations

from random import Random

from titrant.study.facts import planted_facts
from titrant.study.source import PlantedFacts

SENTENCES = 6
"""Sentences of a planted document, about."""

_OPENINGS = (
    "",
    "As everyone knows, ",
    "It is true that ",
    "People say that ",
    "We have learnt that ",
    "One can read that ",
    "Remember that ",
    "It is no secret that ",
    "Any guide will tell you that ",
    "Long ago it was noted that ",
)


def planted_documents(plant: PlantedFacts) -> list[str]:
    """The texts that a declaration comes to, all different: a pure function of it."""
    random = Random(f"planted documents {plant.seed}")
    facts = list(planted_facts(plant))
    random.shuffle(facts)
    sentences = [fact.wordings[copy % len(fact.wordings)] for fact in facts for copy in range(fact.copies)]
    count = max(1, round(len(sentences) / SENTENCES))
    documents: list[str] = []
    seen: set[str] = set()
    for first in range(count):
        text = _composed(random, sentences[first::count])
        while text in seen:
            text = _composed(random, sentences[first::count])
        seen.add(text)
        documents.append(text)
    return documents


def _composed(random: Random, sentences: list[str]) -> str:
    return " ".join(_opened(random, sentence) for sentence in random.sample(sentences, len(sentences))) + "\n"


def _opened(random: Random, sentence: str) -> str:
    opening = random.choice(_OPENINGS)
    return opening + sentence[0].lower() + sentence[1:] if opening else sentence
