"""Benchmarks, problems and judged answers: one data job, texts written once a run, every pair judged."""

from __future__ import annotations

import re

import pytest
import yaml
from test_plan_data import changed, jobs_of
from test_plan_make import plan_of

from demo_study import DEMO
from titrant.errors import StudyError
from titrant.plan.plan import Plan

JUDGE = {"model": "wise", "endpoint": "http://localhost:1/v1"}
"""Nothing listens there: a plan asks nobody."""


@pytest.fixture
def study(write_study, tmp_path):
    """Writes the demo study with what is given under `evaluation`, and plans it."""
    (tmp_path / "dolly.jsonl").write_text('{"instruction": "Name a river."}\n{"instruction": "Name a mill."}\n')
    (tmp_path / "piqa.jsonl").write_text('{"goal": "grind", "sol1": "mill", "sol2": "well", "label": 0}\n')

    def make(**evaluation) -> Plan:
        content = yaml.safe_load(DEMO)
        content["evaluation"] |= evaluation
        return plan_of(write_study(yaml.safe_dump(content, sort_keys=False)))

    return make


def test_a_study_that_asks_for_none_of_it_is_the_same_as_before(study) -> None:
    kinds = {job.kind for job in study().jobs.values()}
    assert not {"benchmarks", "generate", "code", "judge"} & kinds


def test_tasks_are_asked_at_the_ends_of_arms_and_searched_for_in_every_source(study) -> None:
    before, after = study(), study(tasks=["piqa", {"name": "boolq", "items": 100}])
    kinds = {name.partition(" ")[0] for name in changed(after, before)}
    assert kinds == {"benchmarks", "items", "overlap", "questions", "evaluate", "findings", "report"}
    (benchmarks,) = jobs_of(after, "benchmarks").values()
    assert [task.name for task in benchmarks.declaration.tasks] == ["boolq", "piqa"]
    ends = {chain[-1] for _, chain in after.runs.values()}
    for job in jobs_of(after, "evaluate").values():
        asked = {task.name for task in job.declaration.tasks}
        assert asked == ({"piqa", "boolq"} if job.inputs["train"] in ends else set())
        assert ("benchmarks" in job.inputs) == bool(asked)
    (items,) = jobs_of(after, "items").values()
    assert items.inputs == {"benchmarks": benchmarks.id}


def test_every_end_writes_once_and_its_solutions_are_run(study) -> None:
    plan = study(code=["humaneval"])
    ends = sorted(chain[-1] for _, chain in plan.runs.values())
    written = jobs_of(plan, "generate").values()
    assert sorted(job.inputs["train"] for job in written) == ends
    run = jobs_of(plan, "code").values()
    assert sorted(job.inputs["generations"] for job in run) == sorted(job.id for job in written)
    (findings,) = jobs_of(plan, "findings").values()
    assert {f"code/{name}" for name in plan.runs} <= set(findings.inputs)
    assert "code/humaneval" in findings.declaration.outcomes


def test_answers_are_judged_for_each_contrast_scale_and_seed(study) -> None:
    plan = study(judging={"prompts": {"files": "dolly.jsonl"}, "judges": [JUDGE]})
    roles = {role for job in jobs_of(plan, "findings").values() for role in job.inputs if role.startswith("judge/")}
    pairs = [("balanced-only", "text->text"), ("balanced->text", "text->text"), ("code->text", "text->text")]
    pairs.append(("text->text", "text-only"))
    assert roles == {f"judge/dolly/{arm}/{control}@tiny#{seed}" for arm, control in pairs for seed in (1, 2)}
    assert len(jobs_of(plan, "judge")) == 8
    for job in jobs_of(plan, "judge").values():
        assert {plan.jobs[job.inputs[role]].kind for role in ("arm", "control")} == {"generate"}
        assert job.inputs["arm"] != job.inputs["control"]


def test_margins_samples_and_limits_change_no_data(study) -> None:
    one = study(code=["humaneval"], tasks=["piqa"])
    drawn = {"name": "humaneval", "sampling": {"samples": 5, "temperature": 0.8}, "k": [1, 5], "margin": 0.1}
    other = study(code=[drawn], tasks=[{"name": "piqa", "margin": 0.1}])
    kinds = {name.partition(" ")[0] for name in changed(other, one)}
    assert kinds == {"generate", "code", "findings", "report"}


def test_where_a_judge_answers_and_what_it_costs_change_nothing(study) -> None:
    prompts = {"files": "dolly.jsonl"}
    one = study(judging={"prompts": prompts, "judges": [JUDGE]})
    moved = JUDGE | {"endpoint": "https://elsewhere.example/v1", "key_variable": "A_KEY", "price_input": 2.0}
    other = study(judging={"prompts": prompts, "judges": [moved]})
    # the report prints the study as it is declared, and nothing else may differ
    assert {name.partition(" ")[0] for name in changed(other, one)} <= {"report"}
    harsher = study(judging={"prompts": prompts, "judges": [JUDGE | {"model": "wiser"}]})
    assert {name.partition(" ")[0] for name in changed(harsher, one)} == {"judge", "findings", "report"}


def test_a_suite_is_its_tasks_and_what_is_declared_stands_in_its_place(study) -> None:
    plan = study(suites="knowledge", tasks=[{"name": "nq_open", "items": 7}, "hellaswag"])
    (benchmarks,) = jobs_of(plan, "benchmarks").values()
    asked = {task.name: task.items for task in benchmarks.declaration.tasks}
    assert asked == {"triviaqa": None, "nq_open": 7, "hellaswag": None}
    plan = study(suites="knowledge", without="triviaqa")
    (benchmarks,) = jobs_of(plan, "benchmarks").values()
    assert [task.name for task in benchmarks.declaration.tasks] == ["nq_open"]


def test_local_data_are_known_by_what_they_hold(study, tmp_path) -> None:
    task = {"name": "piqa", "data": {"files": "piqa.jsonl"}}
    one = study(tasks=[task])
    (tmp_path / "other.jsonl").write_bytes((tmp_path / "piqa.jsonl").read_bytes())
    moved = study(tasks=[{"name": "piqa", "data": {"files": "other.jsonl"}}])
    assert {name.partition(" ")[0] for name in changed(moved, one)} <= {"report"}
    (tmp_path / "piqa.jsonl").write_text('{"goal": "grind", "sol1": "mill", "sol2": "well", "label": 1}\n')
    assert "benchmarks" in {name.partition(" ")[0] for name in changed(study(tasks=[task]), one)}


@pytest.mark.parametrize("place", ["task", "prompts"])
def test_a_dataset_in_a_folder_is_known_by_what_it_holds(study, tmp_path, place) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/state.json").write_text("{}")
    (tmp_path / "saved/data.arrow").write_bytes(b"one")
    data = {"dataset": "saved"}
    asked = {
        "task": {"tasks": [{"name": "piqa", "data": data}]},
        "prompts": {"judging": {"prompts": data, "judges": [JUDGE]}},
    }[place]
    one = study(**asked)
    (tmp_path / "saved").rename(tmp_path / "moved")
    data["dataset"] = "moved"
    assert {name.partition(" ")[0] for name in changed(study(**asked), one)} <= {"report"}
    (tmp_path / "moved/data.arrow").write_bytes(b"two")
    assert "benchmarks" in {name.partition(" ")[0] for name in changed(study(**asked), one)}


def test_how_things_are_asked_and_drawn_trains_nothing_again_even_where_items_are_dropped(study) -> None:
    prompts = {"prompts": {"files": "dolly.jsonl"}, "judges": [JUDGE]}
    drop = {"action": "drop"}
    one = study(decontaminate=drop, tasks=["piqa", "boolq"], judging=prompts)
    other = study(
        decontaminate=drop,
        tasks=[{"name": "boolq", "metric": "acc"}, {"name": "piqa", "choices": "letters"}],
        judging=prompts | {"sampling": {"max_tokens": 7}, "stop": ["END"]},
    )
    kinds = {name.partition(" ")[0] for name in changed(other, one)}
    assert kinds == {"questions", "evaluate", "generate", "judge", "findings", "report"}


def test_limits_and_k_run_solutions_again_and_draw_none(study) -> None:
    one = study(code=["humaneval"])
    other = study(code=[{"name": "humaneval", "k": [1, 10], "limits": {"cpu_seconds": 9}}])
    assert {name.partition(" ")[0] for name in changed(other, one)} == {"code", "findings", "report"}


def test_runs_of_the_learning_rate_probe_write_nothing(write_study) -> None:
    content = yaml.safe_load(DEMO)
    content["evaluation"] |= {"code": ["humaneval"]}
    content["learning_rate_probe"] = {"arm": "balanced-only", "control": "text->text", "factors": [0.5, 1, 2]}
    plan = plan_of(write_study(yaml.safe_dump(content, sort_keys=False)))
    own = {name for name in plan.runs if "@tiny#" in name}
    assert set(plan.runs) > own
    assert len(jobs_of(plan, "generate")) == len(jobs_of(plan, "code")) == len(own)


@pytest.mark.parametrize(
    ("evaluation", "said"),
    [
        ({"suites": "aryabumi"}, "suite 'aryabumi' has answers judged, and no judge is declared"),
        ({"suites": "knowledge", "without": "piqa"}, "no suite that is asked for has a task 'piqa'"),
        ({"tasks": [{"name": "piqa", "data": {"files": "gone.jsonl"}}]}, "gone.jsonl' does not exist"),
        ({"tasks": [{"name": "piqa", "data": {"files": "piqa.jsonl", "dataset": "a/b"}}]}, "are two places"),
        ({"tasks": ["piqa", {"name": "piqa"}]}, "task 'piqa' is listed twice"),
        ({"code": [{"name": "humaneval", "k": 100}]}, "pass@100 needs at least 100 samples, and 20 are drawn"),
        (
            {"code": [{"name": "mbpp", "sampling": {"samples": 3, "temperature": 0}}]},
            "3 samples at temperature 0 are 3 times the same text",
        ),
        ({"judging": {"judges": [{"model": "wise"}]}}, "judge 'wise' needs one of `endpoint` (a URL) and"),
        ({"judging": {"judges": [JUDGE, JUDGE]}}, "two judges have the same `model`"),
        ({"judging": {"judges": [JUDGE], "most_cost": 5}}, "`most_cost` needs `price_input` and `price_output`"),
        ({"judging": {"judges": [JUDGE], "template": "Hello"}}, "`template` must hold '{instruction}'"),
        (
            {"judging": {"judges": [{"model": "wise", "hugging_face": "nowhere"}]}},
            "nowhere', of judge 'wise', does not exist",
        ),
    ],
)
def test_mistakes_are_told(study, evaluation, said) -> None:
    with pytest.raises(StudyError, match=re.escape(said)):
        study(**evaluation)
