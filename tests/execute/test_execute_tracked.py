"""Trackers are named where a run is started, and are told which arm, scale, seed and phase a job is."""

import json
import os

import pytest

from titrant.errors import StudyError
from titrant.execute.tracked import TOLD, VARIABLE, name_trackers, tell_of
from titrant.execute.worker import StopSwitch, assign, do_job
from titrant.plan.make import make_plan
from titrant.study.load import open_study
from titrant.study.world import pin_study


@pytest.fixture
def plan(write_study):
    return make_plan(pin_study(open_study(write_study())))


def test_a_job_is_told_of_as_the_study_names_it(plan, tmp_path):
    _, chain = plan.runs["balanced->text@tiny#2"]
    told = json.loads(tell_of(plan, plan.jobs[chain[1]], tmp_path))
    assert told["config"] == {
        "study": "demo", "arm": "balanced->text", "scale": "tiny", "seed": "2", "phase": "continue",
        "runs": "balanced->text@tiny#2", "fingerprint": plan.jobs[chain[1]].fingerprint,
    }  # fmt: skip
    assert told["folder"] == str(tmp_path / "trackers")
    assert told["name"] == plan.jobs[chain[1]].name
    shared = json.loads(tell_of(plan, plan.jobs[chain[0]], tmp_path))["config"]
    assert (shared["runs"], shared["phase"]) == ("balanced-only@tiny#2, balanced->text@tiny#2", "init")


def test_what_is_no_run_of_the_study_is_not_told_of(plan, tmp_path):
    for kind in ("documents", "evaluate", "report"):
        job = next(job for job in plan.jobs.values() if job.kind == kind)
        assert tell_of(plan, job, tmp_path) == ""


def test_flag_before_environment_and_an_unknown_name_is_refused(monkeypatch):
    monkeypatch.setenv(VARIABLE, "mlflow")
    name_trackers(None)
    assert os.environ[VARIABLE] == "mlflow"
    name_trackers("wandb, tensorboard")
    assert os.environ[VARIABLE] == "wandb,tensorboard"
    with pytest.raises(
        StudyError, match=r"--track names the tracker 'tensorbord', did you mean 'tensorboard'\?; there are 'mlflow'"
    ):
        name_trackers("tensorbord")
    name_trackers("")
    assert VARIABLE not in os.environ


def test_the_worker_tells_the_stage(plan, tmp_path, monkeypatch):
    from titrant.execute.store import open_store

    seen = []
    job = next(job for job in plan.jobs.values() if job.kind == "documents")
    monkeypatch.setenv(TOLD, "of an earlier job")
    monkeypatch.setattr("titrant.execute.worker.stage_of", lambda *_: lambda *_, **__: seen.append(os.environ[TOLD]))
    with pytest.raises(Exception, match="NoneType"):
        do_job(assign(plan, job, open_store(tmp_path / "store", create=True)), lambda _: None, StopSwitch())
    assert seen == [""]
