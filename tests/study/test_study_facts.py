"""Invented facts: what the planted sentences say, and that an item can only be answered from them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.study.facts import NUM_CHOICES, planted_facts
from titrant.study.source import PlantedFacts

plants = st.builds(
    PlantedFacts,
    facts_per_rung=st.integers(1, 70),
    copies=st.lists(st.integers(1, 64), min_size=1, max_size=4).map(tuple),
    seed=st.integers(0, 1000),
)


def name_in(fact) -> str:
    """The word that all wordings share and that begins with a capital inside every one of them."""
    words = [set(wording.rstrip(".").replace(",", "").split()) for wording in fact.wordings]
    return next(word for word in set.intersection(*words) if word[0].isupper())


@settings(max_examples=40, deadline=None)
@given(plants)
def test_every_fact_is_well_formed(plant):
    facts = planted_facts(plant)
    assert len(facts) == plant.facts_per_rung * len(plant.copies)
    assert len({fact.id for fact in facts}) == len({name_in(fact) for fact in facts}) == len(facts)
    for fact in facts:
        assert fact.copies == plant.copies[fact.rung - 1]
        assert len(set(fact.wordings)) >= 4
        assert all(wording.endswith(f" {fact.answer}.") for wording in fact.wordings)
        assert f"{fact.cue} {fact.answer}." in fact.wordings
        assert not any(wording.startswith(fact.paraphrase_cue) for wording in fact.wordings)
        assert name_in(fact) in fact.paraphrase_cue
        assert fact.answer not in re.findall(r"\w+", f"{fact.cue} {fact.paraphrase_cue}")
        assert len(set(fact.choices)) == NUM_CHOICES
        assert fact.choices[fact.answer_index] == fact.answer


def test_the_same_declaration_gives_the_same_facts_in_another_process():
    script = (
        "from titrant.study.facts import planted_facts; from titrant.study.source import PlantedFacts;"
        "print(planted_facts(PlantedFacts(facts_per_rung=9, copies=(1, 4), seed=3)))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "7"},
        check=True,
    )
    assert elsewhere.stdout.strip() == str(planted_facts(PlantedFacts(facts_per_rung=9, copies=(1, 4), seed=3)))


def test_another_seed_gives_other_facts():
    one, other = (planted_facts(PlantedFacts(facts_per_rung=8, copies=(1,), seed=seed)) for seed in (0, 1))
    assert not {name_in(fact) for fact in one} & {name_in(fact) for fact in other}


def test_adding_a_rung_leaves_the_earlier_names_and_answers():
    short = planted_facts(PlantedFacts(facts_per_rung=10, copies=(1, 4)))
    long = planted_facts(PlantedFacts(facts_per_rung=10, copies=(1, 4, 16)))
    assert [fact.wordings for fact in long[:20]] == [fact.wordings for fact in short]


@pytest.mark.parametrize("facts_per_rung", [32, 64])
def test_within_a_rung_no_answer_is_commoner_than_another(facts_per_rung):
    facts = planted_facts(PlantedFacts(facts_per_rung=facts_per_rung, copies=(1, 8)))
    for rung in (1, 2):
        counts = Counter(fact.answer for fact in facts if fact.rung == rung)
        assert len(counts) == 32
        assert set(counts.values()) == {facts_per_rung // 32}


def test_distractors_are_answers_of_facts_of_the_same_rung_where_there_are_enough():
    facts = planted_facts(PlantedFacts(facts_per_rung=20, copies=(1, 8)))
    for fact in facts:
        planted = {other.answer for other in facts if other.rung == fact.rung}
        assert set(fact.choices) <= planted


def test_the_place_of_the_answer_says_nothing():
    places = Counter(f.answer_index for f in planted_facts(PlantedFacts(facts_per_rung=2000, copies=(1,))))
    assert all(abs(places[place] - 500) < 100 for place in range(NUM_CHOICES))
