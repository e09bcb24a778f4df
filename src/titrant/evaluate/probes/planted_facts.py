"""Planted facts: does the model know what invented sentences in its training documents said, and after how many copies?

After Allen-Zhu and Li 2024 (Physics of language models 3.1, knowledge storage) and Chang et al. 2024 (How do large
language models acquire factual knowledge during pretraining?). An item is the beginning of a planted sentence about
an invented name; its choices are answers that other names of the same kind were given. No solved examples: the
wording is one that was trained on. A rung is a number of copies.
"""

from __future__ import annotations

from collections.abc import Mapping

from titrant.evaluate.choice import ChoiceItem
from titrant.study.facts import planted_facts
from titrant.study.source import PlantedFacts


def planted_items(planted: Mapping[str, PlantedFacts]) -> list[ChoiceItem]:
    """One item for each fact planted in each source, sources in order of their names."""
    return [
        ChoiceItem(
            id=f"{source}/{fact.id}",
            rung=fact.copies,
            context=fact.cue,
            choices=tuple(f" {choice}" for choice in fact.choices),
            answer=fact.answer_index,
            where=f"probe 'planted-facts', source '{source}', copies {fact.copies}",
        )
        for source in sorted(planted)
        for fact in planted_facts(planted[source])
    ]
