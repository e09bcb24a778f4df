"""Cores: a job that can share out its work over them is given those that no other job waits for."""

from __future__ import annotations

from pathlib import Path

import pytest
from execute_stages import job_of

from titrant.execute.runner import run_plan
from titrant.execute.store import open_store
from titrant.execute.watch import PlainDisplay
from titrant.jobs import SplitJob, TokenizerJob
from titrant.plan.plan import Plan
from titrant.study.architecture import TrainedTokenizer

STAGES = {"split": "cores_stages:make_split", "tokenizer": "cores_stages:make_tokenizer"}


def given_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, jobs: int, workers: int) -> list[int]:
    """The cores that so many jobs on the same 35 bytes of documents are told of, sorted; ten bytes are worth a core."""
    notes = tmp_path / "notes"
    notes.mkdir()
    monkeypatch.setenv("TITRANT_TEST_NOTES", str(notes))
    monkeypatch.setenv("TITRANT_CORES", "77")  # what the user's shell says of it does not count
    monkeypatch.setattr("titrant.execute.runner.ON_CORES", ("tokenizer",))
    monkeypatch.setattr("titrant.execute.runner.STORED_BYTES_A_CORE", 10)
    split = job_of("split", "s", SplitJob(hold_out_fraction=0.1, reserve_fraction=0), {})
    made = [split]
    for number in range(jobs):
        tokenizer = TrainedTokenizer(vocabulary=300 + number, mixture="m")
        declared = TokenizerJob(tokenizer=tokenizer, byte_shares={"s": "1"})
        made.append(job_of("tokenizer", f"t{number}", declared, {"documents": split}))
    plan = Plan(study=None, jobs={job.id: job for job in made}, runs={})  # type: ignore[arg-type]
    store = open_store(tmp_path / "store", create=True)
    assert run_plan(plan, store, PlainDisplay(lambda _: None), workers=workers, stages=STAGES) == 1 + jobs
    return sorted(int(path.read_text()) for path in notes.iterdir())


@pytest.mark.parametrize(
    ("jobs", "workers", "expected"),
    [
        (1, 1, [1]),
        (1, 2, [2]),
        (1, 8, [3]),  # more documents than these are not worth a fourth process
        (2, 4, [2, 2]),
        (3, 3, [1, 1, 1]),
    ],
)
def test_free_cores_are_shared_out_to_jobs_that_have_use_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, workers: int, expected: list[int]
) -> None:
    assert given_cores(tmp_path, monkeypatch, jobs=jobs, workers=workers) == expected


def test_a_user_who_names_an_engine_has_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITRANT_ENGINE", "processes:4")
    assert given_cores(tmp_path, monkeypatch, jobs=1, workers=8) == [1]


def test_jobs_never_hold_more_cores_together_than_there_are_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given_cores(tmp_path, monkeypatch, jobs=5, workers=2)[:4] == [1, 1, 1, 1]
