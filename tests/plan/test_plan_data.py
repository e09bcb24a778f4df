"""The data side of the plan: cleaning adds jobs where it is declared, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from test_plan_make import plan_of

from demo_study import DEMO
from titrant.errors import StudyError
from titrant.plan.fingerprint import identity_of
from titrant.plan.plan import Plan


def jobs_of(plan: Plan, kind: str) -> dict[str, Any]:
    return {job.name: job for job in plan.jobs.values() if job.kind == kind}


def changed(plan: Plan, before: Plan) -> set[str]:
    """Kinds and names of the jobs of which the other plan has no equal."""
    known = {job.fingerprint for job in before.jobs.values()}
    return {f"{job.kind} {job.name}" for job in plan.jobs.values() if job.fingerprint not in known}


@pytest.fixture
def study(write_study):
    """Writes the demo study with changes to it, and plans it."""

    def make(change=lambda content: None) -> Plan:
        content = yaml.safe_load(DEMO)
        change(content)
        return plan_of(write_study(yaml.safe_dump(content, sort_keys=False)))

    return make


def test_a_study_that_declares_no_cleaning_has_no_jobs_for_it(study) -> None:
    kinds = {job.kind for job in study().jobs.values()}
    assert not kinds & {"signals", "signatures", "transform"}


def test_rules_bring_signals_of_their_families_and_split_their_source_alone(study) -> None:
    def with_rules(content):
        content["sources"]["code"]["rules"] = ["starcoder", {"signal": "words", "at_least": 3}]

    before, after = study(), study(with_rules)
    (job,) = jobs_of(after, "signals").values()
    assert (job.name, job.declaration.families) == ("code", ("code", "prose", "size"))
    assert "documents code" not in changed(after, before)
    assert {"signals code", "split code", "tokens code"} <= changed(after, before)
    assert "split text" not in changed(after, before)


def test_another_threshold_needs_no_new_pass_over_the_documents(study) -> None:
    def at_least(count):
        def change(content):
            content["sources"]["code"]["rules"] = [{"signal": "words", "at_least": count}]

        return change

    kinds = {entry.split()[0] for entry in changed(study(at_least(4)), study(at_least(3)))}
    assert "split" in kinds
    assert not kinds & {"documents", "signals"}


def test_near_duplicates_are_looked_for_in_a_source_and_in_all_before_it(study) -> None:
    plan = study(lambda content: content.update(near_duplicates={"similarity": 0.9}))
    signatures, splits = jobs_of(plan, "signatures"), jobs_of(plan, "split")
    assert set(signatures) == {"text", "code"}
    assert splits["code"].inputs["earlier-signatures/text"] == signatures["text"].id
    assert splits["code"].inputs["signatures"] == signatures["code"].id
    assert "earlier-signatures/code" not in splits["text"].inputs


def with_variant(content: dict[str, Any]) -> None:
    content["sources"]["bare"] = {"kind": "code", "from": [{"source": "code"}], "transform": ["strip-comments"]}
    content["mixtures"]["bare"] = {"bare": 1}


def test_a_source_made_of_another_shares_its_documents_and_fates(study) -> None:
    plan = study(with_variant)
    (transform,) = jobs_of(plan, "transform").values()
    tokens = jobs_of(plan, "tokens")
    assert set(jobs_of(plan, "documents")) == set(jobs_of(plan, "split")) == {"text", "code"}
    assert transform.inputs == {role: tokens["code"].inputs[role] for role in ("documents", "split")}
    assert tokens["bare"].inputs["documents"] == transform.id
    assert tokens["bare"].inputs["split"] == tokens["code"].inputs["split"]


def test_findings_know_which_outcomes_are_scored_on_the_same_documents(study) -> None:
    def told(change):
        (findings,) = jobs_of(study(change), "findings").values()
        return findings.declaration

    def derived(content):
        for name, other in (("bare", "code"), ("barer", "bare")):
            content["sources"][name] = {"kind": "code", "from": [{"source": other}], "transform": ["strip-comments"]}

    assert told(derived).same_documents == (("bits_per_byte/code", "bits_per_byte/bare", "bits_per_byte/barer"),)
    plain = told(lambda content: None)
    assert plain.same_documents == ()
    assert "same_documents" not in identity_of(plain)


def test_a_variant_leaves_all_other_data_and_all_training_untouched(study) -> None:
    entries = changed(study(with_variant), study())
    assert not {entry for entry in entries if entry.split()[0] in {"documents", "split", "tokenizer", "train"}}
    assert {entry for entry in entries if entry.startswith("tokens")} == {"tokens bare"}


@pytest.mark.parametrize("field", ["rules", "reserve_fraction", "language_shares"])
def test_a_variant_does_not_say_which_documents_are_kept(study, field) -> None:
    values = {"rules": ["starcoder"], "reserve_fraction": 0.1, "language_shares": {"python": 1}}

    def change(content):
        with_variant(content)
        content["sources"]["bare"][field] = values[field]

    with pytest.raises(StudyError, match=rf"made of source 'code' and declares `{field}`.*declare it on 'code'"):
        study(change)
