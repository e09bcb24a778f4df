"""The plan of a study with a synthesis: problems once, forms of them many, one hold-out line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from test_plan_make import plan_of

from demo_study import DEMO
from titrant.plan.plan import Plan


@pytest.fixture
def synthetic(write_study):
    """Writes the demo study with a synthesis and two forms of it, and plans it."""

    def make(
        change=lambda content: None, forms: tuple[dict[str, Any], ...] = ({"items": "verified"}, {"items": "corrupted"})
    ) -> Plan:
        content = yaml.safe_load(DEMO)
        content["synthesis"] = {"problems": {"from": {"generated": 50}, "decontaminate": []}}
        for form in forms:
            name = "-".join(map(str, form.values()))
            content["sources"][name] = {"kind": "synthetic", "from": [{"synthetic": "problems", **form}]}
            content["mixtures"]["balanced"] = {"text": 50, "code": 40, name: 10}
        change(content)
        return plan_of(write_study(yaml.safe_dump(content, sort_keys=False)))

    return make


def kinds_of(plan: Plan, kind: str) -> list[Any]:
    return [job for job in plan.jobs.values() if job.kind == kind]


def marks(plan: Plan, kind: str) -> set[str]:
    return {job.fingerprint for job in kinds_of(plan, kind)}


TEACHER = {"model": "big", "endpoint": "http://localhost:1/v1"}


def test_all_forms_are_written_from_one_set_of_problems_and_one_split(synthetic) -> None:
    plan = synthetic()
    for kind in ("problems", "verification"):
        assert len(kinds_of(plan, kind)) == 1
    assert not kinds_of(plan, "solutions")
    written = [job for job in kinds_of(plan, "transform") if job.declaration.write is not None]
    assert {job.declaration.write.items for job in written} == {"verified", "corrupted"}
    assert len({job.inputs["split"] for job in written}) == 1
    assert len({job.inputs["verification"] for job in written}) == 1


def test_the_split_is_of_documents_made_of_what_was_verified(synthetic) -> None:
    plan = synthetic()
    (verification,) = kinds_of(plan, "verification")
    documents = next(job for job in kinds_of(plan, "documents") if "verification" in job.inputs)
    assert documents.inputs == {"verification": verification.id}
    split = next(job for job in kinds_of(plan, "split") if job.inputs["documents"] == documents.id)
    assert split.declaration.near is not None
    assert "signatures" in split.inputs


def test_another_format_verifies_nothing_anew(synthetic) -> None:
    one, other = synthetic(), synthetic(forms=({"items": "verified", "format": "notebook"}, {"items": "corrupted"}))
    assert marks(one, "verification") == marks(other, "verification")
    assert marks(one, "transform") != marks(other, "transform")


def test_other_levels_ask_no_teacher_anew(synthetic) -> None:
    def taught(content, **verify):
        content["synthesis"]["problems"] |= {"teacher": TEACHER, "verify": verify}

    one = synthetic(lambda content: taught(content))
    other = synthetic(lambda content: taught(content, mutants=4))
    assert marks(one, "solutions") == marks(other, "solutions") != set()
    assert marks(one, "verification") != marks(other, "verification")


def test_where_a_teacher_answers_and_how_fast_is_no_identity(synthetic) -> None:
    def at(content, **teacher):
        content["synthesis"]["problems"]["teacher"] = TEACHER | teacher

    one = synthetic(lambda content: at(content))
    other = synthetic(lambda content: at(content, endpoint="https://other.example/v1", requests_at_once=9))
    assert marks(one, "solutions") == marks(other, "solutions")
    assert marks(one, "solutions") != marks(synthetic(lambda content: at(content, model="bigger")), "solutions")


def test_a_teacher_is_asked_for_the_forms_that_sources_take(synthetic) -> None:
    def taught(content):
        content["synthesis"]["problems"]["teacher"] = TEACHER

    forms = ({"items": "verified"}, {"items": "text"}, {"items": "verified", "language": "javascript"})
    (job,) = kinds_of(synthetic(taught, forms), "solutions")
    assert job.declaration.forms == ("javascript", "python", "text")


def test_public_sets_are_searched_for_though_no_model_is_asked_them(synthetic) -> None:
    def searched(content):
        del content["synthesis"]["problems"]["decontaminate"]

    plan = synthetic(searched)
    (benchmarks,) = kinds_of(plan, "benchmarks")
    assert [task.name for task in benchmarks.declaration.code] == ["humaneval", "mbpp"]
    (overlap,) = kinds_of(plan, "overlap")
    split = next(job for job in kinds_of(plan, "split") if "overlap" in job.inputs)
    assert split.inputs["overlap"] == overlap.id
    assert all(
        job.declaration.without_items is not None and job.inputs["items"] == overlap.inputs["items"]
        for job in kinds_of(plan, "transform")
        if job.declaration.write is not None
    )
    assert not kinds_of(plan, "generate")


def test_problems_are_mined_from_what_is_trained_on(synthetic) -> None:
    def mined(content):
        content["synthesis"]["problems"]["from"] = [{"mined": "code"}]
        content["evaluation"]["bits_per_byte"] = {"sources": ["text", "code"]}

    (job,) = kinds_of(synthetic(mined), "problems")
    assert set(job.inputs) == {"documents/code", "split/code"}


def test_the_page_has_what_was_verified(synthetic) -> None:
    plan = synthetic()
    (report,) = kinds_of(plan, "report")
    (verification,) = kinds_of(plan, "verification")
    assert report.inputs["verification/problems"] == verification.id
