"""The ten contracts of the instrument, one test each on the whole path, the promise quoted above it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from demo_study import DEMO, lay_out_study
from titrant.artifacts import RECORD, Checkpoint, Scores, Split, TokenShards, read_record
from titrant.plan import Job, Plan, make_plan
from titrant.study.load import open_study
from titrant.study.world import pin_study

Run = Callable[..., subprocess.CompletedProcess[str]]


def titrant(*words: str | Path, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
    """A `titrant` command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "titrant", *map(str, words)], capture_output=True, text=True, check=False
    )
    if expect is not None:
        assert done.returncode == expect, done.stdout + done.stderr
    return done


def plan_of(study: Path) -> Plan:
    return make_plan(pin_study(open_study(study)))


def contents(store: Path) -> dict[str, bytes]:
    """Every file of every finished artifact by its path, but those that say how the work went."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for record in store.glob(f"*/*/{RECORD}")
        for path in record.parent.rglob("*")
        if path.is_file() and path.name not in ("made.json", "log.txt")
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo study and a store in which it was run once."""
    folder = tmp_path_factory.mktemp("spec")
    study = lay_out_study(folder)
    titrant("run", study, "--store", folder / "store")
    return study, folder / "store"


@pytest.fixture
def copy(done: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the finished study and its store, to be changed."""
    shutil.copytree(done[0].parent, tmp_path / "copy", dirs_exist_ok=True)
    return tmp_path / "copy" / done[0].name, tmp_path / "copy" / "store"


def train_jobs(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs.values() if job.kind == "train"]


# 1. "Weights are in tokens after tokenisation. Apportionment by largest remainder; in every prefix of the stream each
#    source is within one sequence of its share."
def test_what_was_trained_is_what_was_declared_to_the_sequence(done) -> None:
    plan = plan_of(done[0])

    for job in train_jobs(plan):
        checkpoint = Checkpoint.read(done[1] / job.id)
        drawn = {row.source: row.sequences for row in checkpoint.ledger}
        total = sum(drawn.values())
        assert total * 64 == checkpoint.tokens == job.tokens
        for source, share in job.identity["phase"]["shares"].items():  # type: ignore[index]
            assert abs(drawn[source] - Fraction(share) * total) < 1


# 1. "The order inside a source depends only on the source's content and the seed: not on the mixture ..."
def test_two_arms_read_a_source_in_the_same_order(done) -> None:
    plan = plan_of(done[0])

    firsts = [
        row
        for arm in ("text->text", "balanced-only", "text-only")
        for row in Checkpoint.read(done[1] / plan.runs[f"{arm}@tiny#1"][1][0]).ledger
        if row.source == "text"
    ]

    assert [row.start for row in firsts] == [0, 0, 0]
    assert len({row.available for row in firsts}) == 1


# 2. "`fresh` (never seen) ... The relation is proven on the identities of the sequences actually drawn, and the
#    realised learning-rate curve is stored."
def test_a_fresh_phase_goes_on_where_the_last_one_ended_and_its_curve_is_the_planned_one(done) -> None:
    plan = plan_of(done[0])

    for _, chain in plan.runs.values():
        checkpoints = [Checkpoint.read(done[1] / id_) for id_ in chain]
        for before, after in pairwise(checkpoints):
            for row in after.ledger:
                assert row.start == before.cursors.get(f"{row.source}/train", 0)
    for job in train_jobs(plan):
        curve = pq.read_table(done[1] / job.id / "curve.parquet")
        planned = job.declaration.phase.curve  # type: ignore[union-attr]
        assert curve["learning_rate"].to_pylist() == [planned.rate_at(step) for step in range(len(curve))]


# 2. "... how its data relate to earlier phases: `replay` (the same again), `disjoint` (a reserved part)."
def test_replay_draws_the_same_again_and_disjoint_a_reserved_part(done, tmp_path) -> None:
    content = yaml.safe_load(DEMO)
    content["phases"]["again"] = {**content["phases"]["continue"], "parts": 5, "data": "replay"}
    content["phases"]["cooldown"]["data"] = "disjoint"
    content["arms"] = {
        "fresh": [{"init": "text"}, {"continue": "text"}, {"cooldown": "text"}],
        "replay": [{"init": "text"}, {"again": "text"}, {"cooldown": "text"}],
    }
    content["contrasts"] = [{"arm": "replay", "control": "fresh", "differs_in": ["data"]}]
    content["budget_parts"], content["seeds"], content["evaluation"]["probes"] = 11, [1], []
    study = lay_out_study(tmp_path, yaml.safe_dump(content, sort_keys=False))
    titrant("run", study, "--store", tmp_path / "store")

    plan = plan_of(study)
    fresh, replay = (
        [Checkpoint.read(tmp_path / "store" / id_) for id_ in plan.runs[f"{arm}@tiny#1"][1]]
        for arm in ("fresh", "replay")
    )

    assert replay[1].drawn == replay[0].drawn
    assert fresh[1].drawn != fresh[0].drawn
    assert list(fresh[2].drawn) == ["text/reserved"]
    assert fresh[2].drawn == replay[2].drawn  # the same reserved sequences in every arm


# 3. "An artifact exists when its record exists ... A stored record that contradicts the plan is an error."
def test_a_record_that_contradicts_the_plan_stops_the_run(copy) -> None:
    study, store = copy
    path = next(store.glob(f"train/*/{RECORD}"))
    record = json.loads(path.read_text())
    record["declaration"]["seed"] = 77
    path.write_text(json.dumps(record))

    failed = titrant("run", study, "--store", store, expect=2)

    assert "Traceback" not in failed.stderr
    assert path.parent.name in failed.stderr.replace("\n", "")


# 3. "mutate any input byte, recipe field or step function: rebuild or refuse, never reuse"
def test_a_changed_byte_of_data_is_never_served_from_the_store(copy) -> None:
    study, store = copy
    (study.parent / "code" / "03.py").write_text("y = 3\n" * 30)
    before = {path.parent.name for path in store.glob(f"train/*/{RECORD}")}

    titrant("run", study, "--store", store)

    plan = plan_of(study)
    drawn_code = {job.id for job in train_jobs(plan) if "code" in job.identity["phase"]["shares"]}  # type: ignore[index]
    assert drawn_code
    assert not {Path(id_).name for id_ in drawn_code} & before


# 4. "Equal prefixes of phases are one job. An arm that forks from a trunk is bit-identical to the same arm trained
#    alone."
def test_an_arm_from_a_shared_trunk_equals_the_arm_trained_alone(done, tmp_path) -> None:
    content = yaml.safe_load(DEMO)
    content["arms"] = {name: content["arms"][name] for name in ("text->text", "balanced->text")}
    content["contrasts"] = content["contrasts"][1:2]
    content["seeds"] = [1]
    alone = lay_out_study(tmp_path, yaml.safe_dump(content, sort_keys=False))
    titrant("run", alone, "--store", tmp_path / "store")

    shared_end, alone_end = (
        store / plan_of(study).runs["balanced->text@tiny#1"][1][-1]
        for study, store in (done, (alone, tmp_path / "store"))
    )

    for name in ("model.safetensors", "optimizer.safetensors", "curve.parquet", RECORD):
        assert (shared_end / name).read_bytes() == (alone_end / name).read_bytes()


# 5. "SIGKILL at any moment, any number of times, then `run` again: the same final bytes (CPU), nothing repeated that
#    was finished."
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_25_random_moments_the_study_ends_in_the_same_bytes(done, tmp_path) -> None:
    study = lay_out_study(tmp_path)
    store = tmp_path / "store"
    rng = random.Random(0)
    environment = {**os.environ, "TITRANT_CHECKPOINT_SECONDS": "0.2"}
    finished: dict[str, int] = {}
    kills = 0
    while kills < 25:
        process = subprocess.Popen(
            [sys.executable, "-m", "titrant", "run", study, "--store", store],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        time.sleep(rng.uniform(0.3, 5.0))
        if process.poll() is not None:  # it came to its end between two kills: begin again
            assert process.returncode == 0
            assert contents(store) == contents(done[1])
            shutil.rmtree(store)
            finished.clear()
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        now = {str(path): path.stat().st_mtime_ns for path in store.glob(f"*/*/{RECORD}")}
        assert all(now.get(path) == when for path, when in finished.items()), "finished work was done again"
        finished = now

    titrant("run", study, "--store", store)

    assert contents(store) == contents(done[1])


# 6. "Two runs in one contrast differ in what the study says they differ in ... Otherwise the contrast carries the
#    flag, in the table itself."
def test_a_declared_difference_beyond_the_mixture_stands_in_the_table(done) -> None:
    report = json.loads((done[1] / "studies/demo/report.json").read_text())

    flags = {finding["contrast"]: finding["flags"] for finding in report["findings"]}

    assert "schedule differs" in flags["text->text vs text-only"]
    assert "schedule differs" not in flags["balanced->text vs text->text"]
    assert "schedule differs" in (done[1] / "studies/demo/report.md").read_text()


# 7. "The same code scores a checkpoint during training, after it, and an outside Hugging Face model."
def test_an_exported_model_scores_as_the_run_itself(done, tmp_path) -> None:
    study, store = done
    titrant("export", "balanced->text@tiny#1", tmp_path / "exported", "--store", store)

    said = titrant("evaluate", study, tmp_path / "exported", "--store", store).stdout

    scores = Scores.read(
        store / next(id_ for id_ in plan_of(study).jobs if id_.startswith("evaluate/balanced-to-text.continue@tiny#1"))
    )
    for outcome in ("bits_per_byte/text", "bits_per_byte/code"):
        line = next(line for line in said.splitlines() if outcome in line)
        assert any(abs(float(word) - scores.scores[outcome]) < 2e-4 for word in line.split() if word[0].isdigit())


# 8. "A table whose cell is missing says which and is not averaged over."
# 10. "Delete an input of a claim and the report fails; rebuild it elsewhere and the bytes match."
def test_the_report_fails_without_an_input_and_is_rebuilt_to_the_byte(copy, done) -> None:
    study, store = copy
    page = store / "studies/demo/report.html"
    before = page.read_bytes()
    page.unlink()
    titrant("report", study, "--store", store)
    assert page.read_bytes() == before

    gone = next(store.glob("evaluate/code-to-text.continue@tiny#2-*"))
    shutil.rmtree(gone)
    failed = titrant("report", study, "--store", store, expect=2)

    assert gone.name in failed.stderr.replace("\n", "")


# 9. "Seeds are planned, runs are paired by seed (same initial weights and same order of shared data)."
def test_runs_of_one_seed_begin_with_the_same_weights(done) -> None:
    plan = plan_of(done[0])

    def first_loss(arm: str, seed: int) -> float:
        curve = pq.read_table(done[1] / plan.runs[f"{arm}@tiny#{seed}"][1][0] / "curve.parquet")
        return float(curve["loss"][0].as_py())

    assert first_loss("text-only", 1) == first_loss("text->text", 1)  # same weights, same first batch
    assert first_loss("text-only", 1) != first_loss("text-only", 2)


def hashes_in(path: Path) -> set[str]:
    table = pq.read_table(path, columns=["content_hash", "whole_hash"])
    return {hash_ for column in table.columns for hash_ in column.to_pylist()}


# "Held-out documents ... never trained on, also not as duplicates."
def test_no_held_out_document_is_trained_on(done) -> None:
    plan, store = plan_of(done[0]), done[1]
    held_out: set[str] = set()  # contents, and the whole documents that they were cut from
    trained: set[str] = set()
    for id_, job in plan.jobs.items():
        if job.kind != "tokens":
            continue
        shards = TokenShards.read(store / id_)
        held_out |= hashes_in(store / id_ / "held_out.parquet")
        for partition in shards.shards:
            trained |= hashes_in(store / id_ / f"{partition}.parquet")
        assert Split.read(store / job.inputs["split"]).parts["held_out"].documents == shards.held_out.documents

    assert held_out
    assert not held_out & trained


def test_a_finished_study_has_nothing_to_do(done) -> None:
    study, store = done
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/*/*")}

    said = titrant("run", study, "--store", store).stdout

    assert "nothing to do" in said
    assert {path: path.stat().st_mtime_ns for path in store.glob("*/*/*")} == before


def test_every_record_names_what_it_was_made_from(done) -> None:
    plan, store = plan_of(done[0]), done[1]

    for id_, job in plan.jobs.items():
        record = read_record(store / id_)
        assert record.fingerprint == job.fingerprint
        assert record.inputs == {role: plan.jobs[other].fingerprint for role, other in job.inputs.items()}
