"""Near-duplicates in the split: the first that is kept stays, and what is dropped otherwise drops nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_corpus_split import fates, write
from test_corpus_split_rules import signals

from titrant.corpus import sign_documents, split_documents
from titrant.jobs import SignaturesJob, SplitJob
from titrant.study.cleaning import NearDuplicates, Rule

NEAR = NearDuplicates(similarity=0.7)


def essay(subject: str, edit: str = "") -> str:
    words = [f"{subject}{n * n % 97}" for n in range(200)]
    return " ".join([*words[:100], edit, *words[100:]])


@pytest.fixture
def near_split(tmp_path):
    """Splits texts with near-duplicates dropped; `earlier` are (split, signatures) by source."""
    count = 0

    def run(texts, planted=(), earlier=None, rules=(), given=None):
        nonlocal count
        count += 1
        documents = write(tmp_path / f"in-{count}", texts, planted)
        signed, out = tmp_path / f"signed-{count}", tmp_path / f"out-{count}"
        signed.mkdir()
        out.mkdir()
        inputs: dict[str, Path] = {"documents": documents}
        sign_documents(SignaturesJob(near=NEAR), inputs, signed, scratch=signed, progress=lambda *a, **k: None)
        inputs["signatures"] = signed
        for name, (split, signatures) in (earlier or {}).items():
            inputs |= {f"earlier/{name}": split, f"earlier-signatures/{name}": signatures}
        inputs |= {"signals": given} if given else {}
        job = SplitJob(hold_out_fraction=0.3, reserve_fraction=0, near=NEAR, rules=rules)
        split_documents(job, inputs, out, scratch=out, progress=lambda *a, **k: None)
        return fates(out), (out, signed)

    return run


OTHERS = [essay(f"topic{n}x") for n in range(20)]


def test_the_first_of_near_duplicates_is_kept_and_unlike_ones_are_too(near_split):
    found, _ = near_split([essay("whale"), *OTHERS, essay("whale", "an edit"), essay("whale", "another edit")])
    assert found[0] in ("train", "held_out")
    assert found[-2:] == ["near duplicate", "near duplicate"]
    assert not any(fate.startswith("near") for fate in found[:-2])


def test_a_near_duplicate_of_what_an_earlier_source_keeps_names_the_source(near_split):
    _, first = near_split([essay("whale"), *OTHERS])
    found, _ = near_split(
        [*(essay(f"own{n}y") for n in range(20)), essay("whale", "an edit")], earlier={"books": first}
    )
    assert found[-1] == "near duplicate of books"
    assert not any(fate.startswith("near") for fate in found[:-1])


def test_what_fails_a_rule_drops_no_near_duplicate_in_its_source_or_a_later_one(near_split, tmp_path):
    rule = Rule(signal="words", at_least=5)
    texts = [essay("whale"), *OTHERS, essay("whale", "an edit")]
    given = signals(tmp_path / "signals", [1.0, *[9.0] * 21], ["en"] * 22)
    found, first = near_split(texts, rules=(rule,), given=given)
    assert found[0].startswith("rule")
    assert found[-1] in ("train", "held_out")
    given = signals(tmp_path / "more", [1.0, *[9.0] * 20, 1.0], ["en"] * 22)
    _, first = near_split(texts, rules=(rule,), given=given)
    found, _ = near_split([*(essay(f"own{n}y") for n in range(20)), essay("whale", "more")], earlier={"books": first})
    assert found[-1] in ("train", "held_out")


def test_planted_documents_are_never_near_duplicates_of_anything(near_split):
    facts = [essay("fact", f"{n}") for n in range(10)]
    found, first = near_split(OTHERS, planted=facts)
    assert found[-10:] == ["train"] * 10
    found, _ = near_split([essay(f"own{n}y") for n in range(20)], planted=facts, earlier={"books": first})
    assert found[-10:] == ["train"] * 10
