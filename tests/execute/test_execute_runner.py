"""The runner: nothing finished is done twice, nothing half-done counts, and a failure stops only what needs it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from execute_stages import STAGES, six_jobs

from titrant.artifacts import read_record
from titrant.errors import EngineError, JobError, StoreError, StudyError
from titrant.execute.lock import holder_of, is_held
from titrant.execute.runner import NOMINAL_COST, critical_paths, run_plan
from titrant.execute.store import Store, open_store
from titrant.execute.watch import PlainDisplay

HERE = Path(__file__).parent


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("TITRANT_TEST_NOTES", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


def start(root: Path, workers: int = 2) -> subprocess.Popen[str]:
    """The plan in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(HERE / "execute_stages.py"), str(root), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(store: Store, workers: int = 2) -> list[str]:
    lines: list[str] = []
    run_plan(six_jobs(), store, PlainDisplay(lines.append), workers=workers, stages=STAGES)
    return lines


def contents(root: Path) -> dict[str, bytes]:
    """Every byte that is identity or data."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for id_ in six_jobs().jobs
        for path in sorted((root / id_).rglob("*"))
        if path.is_file() and path.name not in ("made.json", "log.txt")
    }


def finished(root: Path) -> set[str]:
    return {id_ for id_ in six_jobs().jobs if (root / id_ / "record.json").exists()}


STAGE_NAMES = dict(
    zip(six_jobs().jobs, ("split-0.1", "split-0.2", "tokenizer-300", "tokenizer-301", "ledger", "report"), strict=True)
)


def wait_for(condition, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_25_random_moments_the_final_bytes_are_the_same_and_nothing_finished_is_repeated(
    notes: Path, tmp_path: Path
) -> None:
    """`SIGKILL at any moment, any number of times, then run again: the same final bytes, nothing repeated that was
    finished.`"""
    whole = open_store(tmp_path / "whole", create=True)
    run(whole)
    expected = contents(whole.root)
    dice, kills, rounds, at_work = random.Random(20), 0, 0, 0
    while kills < 25:
        (notes / "seconds").write_text("0.004")
        root = tmp_path / f"killed-{rounds}"
        rounds += 1
        done_before: set[str] = set()
        while kills < 25 and len(done_before) < 6:
            (notes / "starts.txt").write_text("")
            process = start(root)
            if kills % 3:  # two of three fall on running stages, however slow the machine; the others anywhere
                wait_for(lambda: (notes / "starts.txt").stat().st_size or process.poll() is not None)  # noqa: B023
            time.sleep(0.4 * dice.random())
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            again = set((notes / "starts.txt").read_text().split())
            at_work += bool(again)
            assert not again & {STAGE_NAMES[id_] for id_ in done_before}, "a finished job was repeated"
            assert done_before <= finished(root)
            done_before = finished(root)
        last = start(root)
        output, _ = last.communicate(timeout=120)
        assert last.returncode == 0, output
        assert contents(root) == expected
    assert at_work >= 12, "too few kills fell on running stages to mean anything"


def test_a_worker_does_not_outlive_a_killed_run(notes: Path, tmp_path: Path) -> None:
    """Not even one that reports nothing for half a minute, and so would not notice by itself."""
    (notes / "seconds").write_text("30")
    process = start(tmp_path / "store")
    locks = tmp_path / "store" / "work"
    try:
        wait_for(lambda: (notes / "starts.txt").exists() and len((notes / "starts.txt").read_text().split()) == 2)
        assert [path for path in locks.glob("*/lock") if is_held(path)]
        os.kill(process.pid, signal.SIGKILL)
        # a worker that has to notice by itself does so after 30 s
        wait_for(lambda: not [path for path in locks.glob("*/lock") if is_held(path)], seconds=20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_second_run_on_the_same_store_is_refused_by_name(notes: Path, store: Store) -> None:
    (notes / "seconds").write_text("30")
    process = start(store.root)
    try:
        wait_for(lambda: is_held(store.root / "lock") and holder_of(store.root / "lock"))  # taken, then signed
        with pytest.raises(StoreError, match=rf"is in use by process {process.pid} on .* since 20\d\d-"):
            run(store)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_failed_job_leaves_no_record_and_the_others_finish(notes: Path, store: Store) -> None:
    (notes / "fail-tokenizer-300").touch()
    with pytest.raises(
        JobError, match=r"ValueError: tokenizer-300 was told to fail; 2 that need what failed"
    ) as caught:
        run(store)
    assert re.match(r"tokenizer/t0-\w{12}", caught.value.job)
    assert caught.value.log is not None
    assert "Traceback" in caught.value.log.read_text()
    assert {STAGE_NAMES[id_] for id_ in finished(store.root)} == {"split-0.1", "split-0.2", "tokenizer-301"}
    (notes / "fail-tokenizer-300").unlink()
    run(store)
    assert len(finished(store.root)) == 6


def test_a_mistake_of_the_user_comes_back_whole(notes: Path, store: Store) -> None:
    (notes / "study-ledger").touch()
    with pytest.raises(StudyError) as caught:
        run(store)
    assert [str(problem) for problem in caught.value.problems] == [
        "source 'code' is too small (study.yaml:14)",
        "and another",
    ]


def test_a_worker_that_is_killed_is_a_failed_job_that_says_so(notes: Path, store: Store) -> None:
    (notes / "die-split-0.1").touch()
    with pytest.raises(JobError, match="its process was killed; most often the machine ran out of memory"):
        run(store)
    assert len(finished(store.root)) == 2


def test_a_full_disk_in_a_stage_stops_the_run_with_one_clear_sentence(notes: Path, store: Store) -> None:
    (notes / "full-split-0.1").touch()
    with pytest.raises(StoreError, match="is full; free some space and run again"):
        run(store, workers=1)


def test_an_unknown_kind_is_an_engine_error(notes: Path, store: Store) -> None:
    stages = {kind: function for kind, function in STAGES.items() if kind != "report"}
    with pytest.raises(EngineError, match="no stage does jobs of kind 'report'"):
        run_plan(six_jobs(), store, PlainDisplay(lambda _: None), stages=stages)


def test_ctrl_c_lets_workers_save_and_the_next_run_goes_on(notes: Path, store: Store) -> None:
    (notes / "seconds").write_text("1")  # twelve of them a job: none ends before it is asked
    process = start(store.root)
    wait_for(lambda: (notes / "starts.txt").exists())
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    output, _ = process.communicate(timeout=120)
    assert "killed" not in output, "they were killed, not asked"
    assert process.returncode == 130
    assert "run again to go on" in output
    assert finished(store.root) == set()
    (notes / "seconds").write_text("0")
    run(store)
    assert (notes / "resumed.txt").read_text().startswith("split-0.")
    assert len(finished(store.root)) == 6


def test_ctrl_c_twice_stops_at_once(notes: Path, store: Store) -> None:
    (notes / "seconds").write_text("30")
    process = start(store.root)
    wait_for(lambda: (notes / "starts.txt").exists())
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout is not None
    while "stopping: " not in process.stdout.readline():  # heard: the second is not taken for the first
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert "killed before they had saved their state: split/s0-" in output, "it waited as if asked once"
    assert process.returncode == 130


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_does_not_change_a_byte(notes: Path, store: Store, tmp_path: Path, workers: int) -> None:
    run(store, workers=2)
    other = open_store(tmp_path / "other", create=True)
    run(other, workers=workers)
    assert contents(store.root) == contents(other.root)


def test_a_job_waits_for_those_it_comes_after_though_they_are_no_inputs(notes: Path, store: Store) -> None:
    (notes / "fail-split-0.1").touch()
    with pytest.raises(JobError):
        run(store)
    assert "ledger" not in (notes / "starts.txt").read_text().split()


def test_a_run_that_is_no_terminal_prints_no_control_characters(notes: Path, store: Store) -> None:
    process = start(store.root)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert output.count("start ") == output.count("done ") == 6
    assert not re.search(r"[^\x20-\x7e\n]", output)


def test_longest_chains_come_first() -> None:
    plan = six_jobs()
    order = critical_paths(plan, dict.fromkeys(plan.jobs, NOMINAL_COST))
    assert [round(order[id_] / NOMINAL_COST) for id_ in plan.jobs] == [4, 4, 3, 3, 2, 1]


def test_the_work_folder_of_an_interrupted_job_is_cleared_once_it_is_finished(notes: Path, store: Store) -> None:
    run(store)
    job = next(iter(six_jobs().jobs.values()))
    store.work_of(job).mkdir(parents=True)
    (store.root / list(six_jobs().jobs)[5] / "record.json").unlink()
    run(store)
    assert not store.work_of(job).exists()
    assert read_record(store.root / job.id).kind == "split"


def test_jobs_that_train_get_a_gpu_each_and_others_none(
    notes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("titrant.execute.runner.visible_gpus", lambda: ("3", "5"))
    monkeypatch.setattr("titrant.execute.runner.ON_GPU", ("tokenizer",))
    (notes / "seconds").write_text("0.02")
    run(store)
    given = {path.name: path.read_text() for path in notes.glob("gpu-*")}
    assert set(given) == {"gpu-tokenizer-300", "gpu-tokenizer-301"}
    assert set(given.values()) == {"3", "5"}


def test_one_gpu_is_given_to_one_job_after_the_other(
    notes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("titrant.execute.runner.visible_gpus", lambda: ("0",))
    monkeypatch.setattr("titrant.execute.runner.ON_GPU", ("tokenizer",))
    lines = [line for line in run(store) if "tokenizer/" in line]
    assert [line.split()[0] for line in lines] == ["start", "done", "start", "done"]
