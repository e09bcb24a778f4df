"""Every source is searched for the items of multiple choice, because both are declared; nothing else changes."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from test_plan_data import changed, jobs_of
from test_plan_make import plan_of

from demo_study import DEMO
from titrant.errors import StudyError
from titrant.plan.plan import Plan


@pytest.fixture
def study(write_study, tmp_path):
    """Writes the demo study with a multiple-choice task and changes to it, and plans it."""
    (tmp_path / "mill.jsonl").write_text(
        json.dumps({"context": "The river ran", "choices": [" slowly", " up"], "answer": 0})
    )

    def make(change=lambda content: None, tasks=True) -> Plan:
        content = yaml.safe_load(DEMO)
        if tasks:
            content["evaluation"]["multiple_choice"] = [{"name": "mill", "file": "mill.jsonl"}]
        change(content)
        return plan_of(write_study(yaml.safe_dump(content, sort_keys=False)))

    return make


def with_rule(rule):
    def change(content):
        content["evaluation"]["decontaminate"] = rule

    return change


def test_without_multiple_choice_nothing_is_searched_for(study) -> None:
    plan = study(tasks=False)
    assert not {"items", "overlap"} & {job.kind for job in plan.jobs.values()}


def test_with_it_every_source_is_searched_and_what_is_trained_stays_the_same(study) -> None:
    before, after = study(tasks=False), study()
    assert set(jobs_of(after, "overlap")) == {"text", "code"}
    kinds = {name.partition(" ")[0] for name in changed(after, before)}
    assert kinds == {"items", "overlap", "questions", "evaluate", "findings", "report"}
    (findings,) = jobs_of(after, "findings").values()
    assert {"items", "overlap/text", "overlap/code", "split/text", "split/code"} <= set(findings.inputs)
    (report,) = jobs_of(after, "report").values()
    assert {"overlap/text", "overlap/code"} <= set(report.inputs)


def test_writing_the_default_out_changes_no_identity(study) -> None:
    plain = study()
    written = study(with_rule({"action": "report", "words": 8, "share": 0.5}))
    assert not changed(written, plain)


def test_null_switches_the_search_off(study) -> None:
    off = study(with_rule(None))
    assert not {"items", "overlap"} & {job.kind for job in off.jobs.values()}
    assert {name.partition(" ")[0] for name in changed(off, study())} == {"findings", "report"}


def test_dropping_splits_anew_and_needs_no_new_search(study) -> None:
    reported, dropped = study(), study(with_rule({"action": "drop"}))
    assert all(jobs_of(dropped, "split")[source].inputs["overlap"] for source in ("text", "code"))
    names = changed(dropped, reported)
    assert {"split text", "split code", "tokens text", "tokens code"} <= names
    assert not [name for name in names if name.startswith(("overlap", "items", "documents"))]


def test_another_share_searches_again_and_trains_nothing_again(study) -> None:
    names = changed(study(with_rule({"share": 0.7})), study())
    assert {name.partition(" ")[0] for name in names} == {"overlap", "findings", "report"}


def test_how_choices_are_scored_is_nothing_that_is_searched_for(study) -> None:
    def scored_otherwise(content):
        content["evaluation"]["multiple_choice"][0] |= {"normalise": "none", "margin": 0.2}

    names = changed(study(scored_otherwise), study())
    assert not [name for name in names if name.startswith(("items", "overlap"))]


def test_a_source_made_of_another_and_only_redacted_stands_beside_its_overlap(study) -> None:
    def derived(content):
        content["sources"]["bare"] = {"kind": "code", "from": [{"source": "code"}], "redact": ["emails"]}
        content["mixtures"]["balanced"] = {"text": 50, "code": 25, "bare": 25}

    plan = study(derived)
    (findings,) = jobs_of(plan, "findings").values()
    assert findings.inputs["overlap/bare"] == findings.inputs["overlap/code"]
    assert len(jobs_of(plan, "overlap")) == 2


def test_a_rule_without_anything_to_look_for_is_told(study) -> None:
    with pytest.raises(
        StudyError,
        match=re.escape("looks for the items of `multiple_choice`, tasks, problems and prompts, and there are none"),
    ):
        study(with_rule({"action": "drop"}), tasks=False)


@pytest.mark.parametrize(
    ("rule", "said"),
    [({"action": "remove"}, "report"), ({"words": 3}, "4"), ({"share": 0}, "0"), ({"ngram": 13}, "ngram")],
)
def test_a_rule_that_cannot_be_is_answered_with_what_can(study, rule, said) -> None:
    with pytest.raises(StudyError, match=said):
        study(with_rule(rule))


def with_bare(content):
    content["sources"]["bare"] = {"kind": "code", "from": [{"source": "code"}], "transform": ["strip-comments"]}
    content["mixtures"]["balanced"] = {"text": 50, "bare": 50}


def test_changed_documents_are_searched_as_they_are_trained_on_too(study) -> None:
    plan = study(with_bare)
    (findings,) = jobs_of(plan, "findings").values()
    (report,) = jobs_of(plan, "report").values()
    search, raw = (plan.jobs[findings.inputs[f"overlap/{source}"]] for source in ("bare", "code"))
    assert plan.jobs[search.inputs["documents"]].kind == "transform"
    assert search.inputs["before"] == raw.id
    assert report.inputs["overlap/bare"] == search.id


def test_dropping_looks_at_changed_documents_too(study) -> None:
    def change(content):
        with_bare(content)
        with_rule({"action": "drop"})(content)

    (transform,) = jobs_of(study(change), "transform").values()
    assert transform.inputs["items"]
    assert transform.declaration.without_items.action == "report"
    (transform,) = jobs_of(study(with_bare), "transform").values()
    assert "items" not in transform.inputs
    assert transform.declaration.without_items is None
