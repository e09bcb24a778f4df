"""What an artifact was made of: an input remade in other bytes makes it stale, and a changed record is never believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execute_stages import STAGES, six_jobs

from titrant.artifacts import RECORD, PlannedLedger, read_record
from titrant.errors import JobError, StoreError
from titrant.execute.explain import Explainer
from titrant.execute.runner import run_plan, survey
from titrant.execute.store import Store, open_store
from titrant.execute.watch import PlainDisplay
from titrant.execute.worker import StopSwitch, assign, do_job
from titrant.plan.plan import Job, Plan

PLAN = six_jobs()
SPLIT, OTHER_SPLIT, TOKENIZER, OTHER_TOKENIZER, LEDGER, REPORT = PLAN.jobs.values()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("TITRANT_TEST_NOTES", str(folder))
    return folder


@pytest.fixture
def store(notes: Path, tmp_path: Path) -> Store:
    """A store in which the six jobs were done once."""
    store = open_store(tmp_path / "store", create=True)
    for job in PLAN.jobs.values():
        do_one(store, job)
    (notes / "starts.txt").write_text("")
    return store


def do_one(store: Store, job: Job, stop: StopSwitch | None = None) -> Path:
    return do_job(assign(PLAN, job, store, STAGES), lambda _: None, stop or StopSwitch())


def run(root: Path, plan: Plan = PLAN) -> tuple[int, list[str]]:
    lines: list[str] = []
    made = run_plan(plan, open_store(root, create=True), PlainDisplay(lines.append), workers=2, stages=STAGES)
    return made, lines


def damage(store: Store, job: Job) -> None:
    (store.root / job.id / "part/4.bin").write_text("x")


def starts(notes: Path) -> list[str]:
    return sorted((notes / "starts.txt").read_text().split())


def contents(root: Path) -> dict[str, bytes]:
    return {
        f"{id_}/{path.name}": path.read_bytes()
        for id_ in PLAN.jobs
        for path in sorted((root / id_).rglob("*"))
        if path.is_file() and path.name not in ("made.json", "log.txt")
    }


def test_what_was_made_of_an_artifact_that_comes_out_in_other_bytes_is_made_again(
    notes: Path, store: Store, tmp_path: Path
) -> None:
    damage(store, SPLIT)
    (notes / "salt-split-0.1").write_text("a newer library")
    made, lines = run(store.root)
    assert made == 4
    assert starts(notes) == ["ledger", "report", "split-0.1", "tokenizer-300"]
    stale = f"{TOKENIZER.id} was stale: its input split/s was remade with other content; set aside in damaged/"
    assert any(line.startswith(stale) for line in lines)
    assert any("(4 of 4)" in line for line in lines)
    run(tmp_path / "fresh")
    assert contents(store.root) == contents(tmp_path / "fresh")
    assert run(store.root) == (0, [])


def test_what_was_made_of_an_artifact_that_comes_out_the_same_stands(notes: Path, store: Store) -> None:
    damage(store, SPLIT)
    assert run(store.root)[0] == 1
    assert starts(notes) == ["split-0.1"]


def test_making_again_ends_where_the_bytes_are_the_same_again(notes: Path, store: Store) -> None:
    """The tokenizer is made again of a split with one file more, and comes out as before: the ledger stands."""
    damage(store, SPLIT)
    (notes / "aside-split-0.1").write_text("which nobody reads")
    assert run(store.root)[0] == 2
    assert starts(notes) == ["split-0.1", "tokenizer-300"]
    assert run(store.root) == (0, [])


def test_a_crash_between_an_artifact_and_what_is_made_of_it_loses_no_doubt(notes: Path, store: Store) -> None:
    """`The next run, also one in another process, sees it from the records alone.`"""
    store.set_aside(store.root / SPLIT.id, "for a test")
    (notes / "salt-split-0.1").write_text("a newer library")
    do_one(store, SPLIT)
    later = open_store(store.root, create=False)
    standings = survey(PLAN, later, hashes=False)
    assert {id_ for id_, standing in standings.items() if standing.state != "finished"} == {TOKENIZER.id}
    explainer = Explainer(PLAN, later, standings)
    assert explainer.reason(TOKENIZER) == "stale: its input split/s was remade with other content"
    with pytest.raises(StoreError, match=r"tokenizer/t0-\w{12} is stale \(its input split/s was remade with other"):
        later.require(TOKENIZER)
    assert run(store.root)[0] == 3


def test_a_stale_artifact_is_made_again_as_a_single_job_and_the_old_one_is_kept_aside(
    notes: Path, store: Store
) -> None:
    store.set_aside(store.root / SPLIT.id, "for a test")
    (notes / "salt-split-0.1").write_text("a newer library")
    do_one(store, SPLIT)
    before = read_record(store.root / TOKENIZER.id)
    do_one(open_store(store.root, create=False), TOKENIZER)
    after = read_record(store.root / TOKENIZER.id)
    assert before.fingerprint == after.fingerprint
    assert before.content != after.content
    assert after.input_content == {"split/s": read_record(store.root / SPLIT.id).content}
    reasons = {path.read_text() for path in store.root.glob("damaged/tokenizer-*/damage.txt")}
    assert reasons == {"its input split/s was remade with other content\n"}


def test_what_waits_in_doubt_is_not_counted_as_not_started(notes: Path, store: Store) -> None:
    damage(store, SPLIT)
    (notes / "fail-split-0.1").touch()
    with pytest.raises(JobError) as failed:
        run(store.root)
    assert failed.value.message == "ValueError: split-0.1 was told to fail"
    assert (store.root / REPORT.id / RECORD).exists()


def test_state_that_an_earlier_attempt_left_is_not_used_with_other_inputs(
    notes: Path, store: Store, tmp_path: Path
) -> None:
    stop = StopSwitch()
    stop.turned = True
    store.set_aside(store.root / TOKENIZER.id, "for a test")
    with pytest.raises(KeyboardInterrupt):
        do_one(store, TOKENIZER, stop)
    scratch = store.work_of(TOKENIZER) / "scratch"
    assert list(scratch.iterdir())
    store.set_aside(store.root / SPLIT.id, "for a test")
    (notes / "salt-split-0.1").write_text("a newer library")
    do_one(store, SPLIT)
    do_one(store, TOKENIZER)
    assert not (notes / "resumed.txt").exists()
    assert "was thrown away: an input was remade" in (store.root / TOKENIZER.id / "log.txt").read_text()
    run(store.root)
    run(tmp_path / "fresh")
    assert contents(store.root) == contents(tmp_path / "fresh")


@pytest.mark.parametrize(
    "change",
    [
        {"summary": {"rows": 4}},
        {"summary": {"rows": 3.0}},
        {"digest": "0" * 64},
        {"input_content": {}},
    ],
)
def test_a_record_that_was_changed_is_never_read_and_the_artifact_is_made_again(
    notes: Path, store: Store, change: dict[str, object]
) -> None:
    path = store.root / LEDGER.id / RECORD
    before = path.read_bytes()
    path.write_text(json.dumps({**json.loads(before), **change}))
    words = rf"the record in {path.parent} was changed after it was written; delete the folder and run again"
    with pytest.raises(StoreError, match=words):
        PlannedLedger.read(path.parent)
    with pytest.raises(StoreError, match=r"is damaged \(record\.json was changed after it was written\)"):
        open_store(store.root, create=False).require(LEDGER)
    assert run(store.root)[0] == 1
    assert path.read_bytes() == before


def test_a_record_from_before_records_had_digests_is_not_believed(notes: Path, store: Store) -> None:
    path = store.root / LEDGER.id / RECORD
    content = json.loads(path.read_bytes())
    del content["digest"]
    path.write_text(json.dumps(content))
    with pytest.raises(StoreError, match="holds no digest of itself: an early Titrant wrote it; delete the folder"):
        read_record(path.parent)
    assert store.look(LEDGER, hashes=False).reason == "record.json holds no digest of itself: an early Titrant wrote it"
    assert run(store.root)[0] == 1


@pytest.mark.parametrize(
    "content", [b'{"format": "x", "kind": 1}', b'{"format": 1, "summary": NaN}', b'{"digest": []}']
)
def test_a_record_of_strange_values_is_damage_and_no_bug(notes: Path, store: Store, content: bytes) -> None:
    (store.root / LEDGER.id / RECORD).write_bytes(content)
    assert store.look(LEDGER, hashes=False).state == "damaged"
    with pytest.raises(StoreError, match="delete the folder and run again"):
        read_record(store.root / LEDGER.id)
