"""Planted facts: written exactly as often as declared, in documents that deduplication leaves alone."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from titrant.corpus.planted import planted_documents
from titrant.study.facts import planted_facts
from titrant.study.source import PlantedFacts

plants = st.builds(
    PlantedFacts,
    facts_per_rung=st.integers(1, 12),
    copies=st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple),
    seed=st.integers(0, 50),
)


def times_stated(fact, documents):
    """Sentences, whatever stands before them, that end as one of the fact's wordings does."""
    endings = [wording[1:] for wording in fact.wordings]
    return sum(text.count(ending) for text in documents for ending in endings)


@settings(max_examples=60, deadline=None)
@given(plants)
@example(PlantedFacts(facts_per_rung=1, copies=(1,)))
@example(PlantedFacts(facts_per_rung=1, copies=(300,)))
def test_every_fact_is_stated_exactly_as_often_as_declared_and_no_document_repeats(plant):
    documents = planted_documents(plant)
    assert len(set(documents)) == len(documents)
    for fact in planted_facts(plant):
        assert times_stated(fact, documents) == fact.copies
    assert sum(text.count(".") for text in documents) == plant.facts_per_rung * sum(plant.copies)


def test_the_held_out_wording_is_never_planted():
    plant = PlantedFacts(facts_per_rung=16, copies=(1, 32))
    whole = "".join(planted_documents(plant))
    assert not any(fact.paraphrase_cue in whole for fact in planted_facts(plant))


def test_copies_of_a_fact_stand_in_different_documents_and_different_wordings():
    plant = PlantedFacts(facts_per_rung=20, copies=(1, 4, 16))
    documents = planted_documents(plant)
    for fact in planted_facts(plant):
        assert max(times_stated(fact, [text]) for text in documents) == 1
        used = Counter(w for text in documents for w in fact.wordings if w[1:] in text)
        assert max(used.values()) - min(used.values()) <= 1


def test_planted_documents_are_marked_and_counted(tmp_path, documents):
    (tmp_path / "a.txt").write_text("real\n")
    plant = {"facts_per_rung": 6, "copies": [2]}
    summary, out = documents({"files": str(tmp_path / "a.txt")}, plant=plant)
    rows = pq.read_table(out).to_pylist()
    assert [row["text"] for row in rows if not row["planted"]] == ["real\n"]
    assert [row["text"] for row in rows if row["planted"]] == planted_documents(PlantedFacts.model_validate(plant))
    assert {(r["language"], r["origin"]) for r in rows if r["planted"]} == {("english", "planted")}
    assert summary.documents == len(rows) == len({row["id"] for row in rows})
