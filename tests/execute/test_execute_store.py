"""The store: an artifact exists when its record exists, and nothing damaged or contradictory is taken for finished."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from execute_stages import STAGES, six_jobs

from titrant.artifacts import read_record
from titrant.errors import JobError, StoreError
from titrant.execute import files
from titrant.execute.lock import held
from titrant.execute.runner import run_plan
from titrant.execute.store import Store, open_store
from titrant.execute.watch import PlainDisplay
from titrant.execute.worker import StopSwitch, assign, do_job
from titrant.plan.plan import Job, Plan


class Lines(list[str]):
    """A display that keeps its lines."""

    def display(self) -> PlainDisplay:
        return PlainDisplay(self.append)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("TITRANT_TEST_NOTES", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


def do_all(plan: Plan, store: Store) -> None:
    """Every job in this process, in the plan's order."""
    for job in plan.jobs.values():
        do_one(plan, store, job)


def do_one(plan: Plan, store: Store, job: Job) -> Path:
    return do_job(assign(plan, job, store, STAGES), lambda _: None, StopSwitch())


def starts(notes: Path) -> list[str]:
    return (notes / "starts.txt").read_text().split()


def test_a_finished_job_has_a_record_that_names_every_file_with_size_and_hash(notes: Path, store: Store) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    folder = store.root / job.id
    record = read_record(folder)
    assert record.fingerprint == job.fingerprint
    assert set(record.files) == {f"part/{i}.bin" for i in range(0, 12, 2)}
    for name, entry in record.files.items():
        assert entry.bytes == (folder / name).stat().st_size
        assert entry.blake3 == files.hash_file(folder / name)
    assert not (store.root / "work").exists() or not list((store.root / "work").iterdir())
    made = json.loads((folder / "made.json").read_text())
    assert made["seconds"] >= 0
    assert made["packages"]["titrant"]
    assert {"processor", "gpus", "gpu", "cuda"} <= made["machine"].keys()
    assert "prints something" in (folder / "log.txt").read_text()


def test_a_renamed_job_finds_the_artifact_of_its_fingerprint(notes: Path, store: Store) -> None:
    do_all(six_jobs(), store)
    renamed = six_jobs(prefix="other-")
    assert run_plan(renamed, open_store(store.root, create=False), Lines().display(), stages=STAGES) == 0
    assert len(starts(notes)) == 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("declaration", {"hold_out_fraction": 0.3, "reserve_fraction": 0.0}),
        ("version", 7),
        ("fingerprint", "f" * 64),
        ("inputs", {"x": "a" * 64}),
        ("kind", "tokens"),
    ],
)
def test_a_record_that_contradicts_the_plan_is_refused_naming_both(
    notes: Path, store: Store, field: str, value: object
) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    path = store.root / job.id / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(StoreError, match=rf"contradicts the plan's job {job.id}: its {field} is .* the plan's is"):
        run_plan(plan, open_store(store.root, create=False), Lines().display(), stages=STAGES)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (flip, "the bytes of part/4.bin are not those that were written"),
        (lambda path: os.truncate(path, 5), "part/4.bin has 5 bytes where the record says 128"),
        (lambda path: path.unlink(), "part/4.bin is gone"),
    ],
)
def test_a_damaged_file_is_named_set_aside_and_made_again(notes: Path, store: Store, harm, words: str) -> None:  # type: ignore[no-untyped-def]
    plan = six_jobs()
    run_plan(plan, store, Lines().display(), stages=STAGES)
    job = list(plan.jobs.values())[2]
    before = (store.root / job.id / "part/4.bin").read_bytes()
    harm(store.root / job.id / "part/4.bin")
    lines = Lines()
    assert run_plan(plan, open_store(store.root, create=False), lines.display(), stages=STAGES) == 1
    assert any(job.id in line and words in line and "set aside in damaged/" in line for line in lines)
    assert (store.root / job.id / "part/4.bin").read_bytes() == before
    assert len(list((store.root / "damaged").iterdir())) == 1
    assert run_plan(plan, open_store(store.root, create=False), Lines().display(), stages=STAGES) == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}'])
def test_a_record_cut_short_counts_as_damage(notes: Path, store: Store, content: bytes) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    (store.root / job.id / "record.json").write_bytes(content)
    assert store.look(job, hashes=False).state == "damaged"


def test_a_folder_without_a_record_is_not_an_artifact(notes: Path, store: Store) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    (store.root / job.id / "record.json").unlink()
    assert store.look(job, hashes=False).state == "damaged"
    with pytest.raises(StoreError, match=r"has no record\.json"):
        store.require(job)


def test_a_bit_flip_in_an_unhashed_copy_of_a_store_is_found(notes: Path, store: Store) -> None:
    """A store copied from elsewhere has no verified.json for its new times."""
    plan = six_jobs()
    do_all(plan, store)
    (store.root / "verified.json").unlink(missing_ok=True)
    job = next(iter(plan.jobs.values()))
    flip(store.root / job.id / "part/0.bin")
    assert open_store(store.root, create=False).look(job, hashes=True).state == "damaged"


def test_a_store_written_by_a_newer_titrant_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path, create=True)
    (tmp_path / "store.json").write_text('{"format": 2}')
    with pytest.raises(StoreError, match=r"has format 2; this Titrant reads at most 1: it was written by a newer one"):
        open_store(tmp_path, create=False)


def test_a_record_written_by_a_newer_titrant_is_refused_and_not_set_aside(notes: Path, store: Store) -> None:
    plan = six_jobs()
    do_all(plan, store)
    path = store.root / next(iter(plan.jobs)) / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(StoreError, match=r"format 99.*newer"):
        run_plan(plan, store, Lines().display(), stages=STAGES)
    assert path.exists()


def test_a_store_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="is a file"):
            open_store(path, create=True)


def test_a_folder_of_something_else_is_never_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"is not a store: it has no store.json but holds 'thesis.tex'"):
        open_store(tmp_path, create=True)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_finished(
    notes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = six_jobs()
    job = next(iter(plan.jobs.values()))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(
            StoreError, match=r"the disk that holds the store .* is full; free some space and run again"
        ):
            do_one(plan, store, job)
    assert store.look(job, hashes=False).state == "missing"
    do_one(plan, store, job)
    assert store.look(job, hashes=True).state == "finished"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_really_full_file_system_is_a_clear_error(notes: Path, tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    # 4 KiB a page: the store's own files fit, the six parts and their record do not
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=36k", "none", str(mount)], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        plan, small = six_jobs(), open_store(mount / "store", create=True)
        with pytest.raises(StoreError, match="is full"):
            run_plan(plan, small, Lines().display(), stages=STAGES)
        assert not list(mount.glob("store/*/*/record.json"))
        subprocess.run(["mount", "-o", "remount,size=4m", str(mount)], check=True)
        assert run_plan(plan, open_store(mount / "store", create=True), Lines().display(), stages=STAGES) == 6
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_read_only_store_can_be_read_and_says_so_when_written(notes: Path, tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(mount)], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        plan, written = six_jobs(), open_store(mount / "store", create=True)
        do_all(plan, written)
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        readable = open_store(mount / "store", create=True)
        assert run_plan(plan, readable, Lines().display(), stages=STAGES) == 0
        with pytest.raises(StoreError, match="cannot be written"):
            run_plan(six_jobs(vocabulary=400), readable, Lines().display(), stages=STAGES)
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_stage_that_takes_a_name_of_the_stores_is_a_failed_job(notes: Path, store: Store) -> None:
    plan = six_jobs()
    job = next(iter(plan.jobs.values()))
    wrong = {**STAGES, "split": "test_execute_store:writes_a_record"}
    with pytest.raises(JobError, match=r"'record\.json', a name that the store keeps for itself"):
        do_job(assign(plan, job, store, wrong), lambda _: None, StopSwitch())
    assert store.look(job, hashes=False).state == "missing"


def writes_a_record(job, inputs, out, *, scratch, progress):  # type: ignore[no-untyped-def]
    from titrant.artifacts import Split

    (out / "record.json").write_text("{}")
    return Split(parts={})


def test_a_stage_that_returns_another_kind_is_a_failed_job(notes: Path, store: Store) -> None:
    plan = six_jobs()
    job = next(iter(plan.jobs.values()))
    wrong = {**STAGES, "split": "execute_stages:make_ledger"}
    with pytest.raises(JobError, match="returned a 'ledger' of version 1 for a job that makes a 'split'"):
        do_job(assign(plan, job, store, wrong), lambda _: None, StopSwitch())


def test_a_job_in_another_process_hands_is_waited_for_and_then_refused(
    notes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("titrant.execute.worker.LOCK_PATIENCE_SECONDS", 0.2)
    plan = six_jobs()
    job = next(iter(plan.jobs.values()))
    store.work_of(job).mkdir(parents=True)
    with (
        held(store.work_of(job) / "lock", "x"),
        pytest.raises(StoreError, match=rf"work folder of {job.id} is in use by process {os.getpid()} on"),
    ):
        do_one(plan, store, job)
    do_one(plan, store, job)


def test_a_job_whose_input_is_missing_names_it(notes: Path, store: Store) -> None:
    plan = six_jobs()
    job = list(plan.jobs.values())[2]
    with pytest.raises(StoreError, match=r"split/s0-\w{12} is not in the store yet; `titrant run` makes it"):
        assign(plan, job, store, STAGES)


def test_equal_twelve_digits_with_another_fingerprint_is_a_contradiction(notes: Path, store: Store) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    twin = replace(job, fingerprint=job.fingerprint[:12] + "0" * 52)
    with pytest.raises(StoreError, match="its fingerprint is"):
        store.look(twin, hashes=False)


def test_made_json_is_not_identity(notes: Path, store: Store) -> None:
    plan = six_jobs()
    do_all(plan, store)
    job = next(iter(plan.jobs.values()))
    (store.root / job.id / "made.json").write_text("{}")
    assert store.look(job, hashes=True).state == "finished"


def test_the_record_is_a_pure_function_of_job_and_files(notes: Path, tmp_path: Path) -> None:
    plan = six_jobs()
    texts = []
    for name in ("one", "two"):
        store = open_store(tmp_path / name, create=True)
        do_all(plan, store)
        texts.append([(store.root / id_ / "record.json").read_bytes() for id_ in plan.jobs])
    assert texts[0] == texts[1]
