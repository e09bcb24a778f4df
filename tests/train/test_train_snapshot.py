"""Snapshots: whole or not there, written beside training, and a disk that fills leaves the one before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import content, curve, job, train, write_world

from titrant.errors import EngineError, StudyError
from titrant.train import loop, memory
from titrant.train.memory import MICRO_BATCH, RECOMPUTE, Portion, activation_bytes, choose_portion
from titrant.train.snapshot import Snapshots, Standing
from titrant.train.together.ranks import ALONE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


def standing(step, job="j"):
    return Standing(job=job, step=step, counts={"a/sum": 2**63 + 5}, milestones={}, optimizer_steps=step)


def test_a_snapshot_holds_what_was_there_when_it_was_taken_and_is_read_in_place(tmp_path):
    tensors = {"weights/w": torch.arange(12.0).reshape(3, 4), "curves": torch.full((3, 2), 0.1, dtype=torch.float64)}
    kept = {name: tensor.clone() for name, tensor in tensors.items()}
    snapshots = Snapshots(tmp_path, ALONE)
    snapshots.save(standing(2), tensors)
    tensors["weights/w"] += 1  # training goes on
    snapshots.wait()
    found = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    assert snapshots.load("j", print, lambda _: found) == standing(2)
    assert all(torch.equal(found[name], kept[name]) for name in kept)
    assert snapshots.load("other", print, lambda _: found) is None
    assert not list(tmp_path.glob("resume-*"))


def test_rubbish_that_is_called_a_snapshot_is_cleared_away(tmp_path):
    (tmp_path / "resume-000000009").write_text("a file, and no folder")
    (tmp_path / "resume-000000008").mkdir()
    notes = []
    assert Snapshots(tmp_path, ALONE).load("j", notes.append, lambda _: {}) is None
    assert len(notes) == 2
    assert not list(tmp_path.iterdir())


def test_only_the_newest_snapshot_is_kept(tmp_path):
    snapshots = Snapshots(tmp_path, ALONE)
    for step in (1, 2, 3):
        snapshots.save(standing(step), {"curves": torch.zeros(3, step)})
    snapshots.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["resume-000000003"]


def test_a_second_snapshot_of_the_same_step_never_leaves_a_moment_without_one(tmp_path, monkeypatch):
    """A run that is stopped right after it went on saves where it stands once more."""
    snapshots = Snapshots(tmp_path, ALONE)
    snapshots.save(standing(2), {"curves": torch.zeros(3, 2)})
    snapshots.wait()
    monkeypatch.setattr("titrant.train.snapshot._delete", lambda path: pytest.fail(f"{path} was deleted"))
    snapshots.save(standing(2), {"curves": torch.zeros(3, 2)})
    snapshots.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["resume-000000002"]


def test_how_sums_were_cut_stands_in_the_checkpoint(world, tmp_path, monkeypatch):
    """What last bits depend on leaves a trace, also where a phase went on otherwise."""
    plain = train(job(), world, tmp_path / "plain")
    with pytest.raises(KeyboardInterrupt):
        train(job(), world, tmp_path / "other", progress=_stop_at(3 * 64))
    monkeypatch.setenv(MICRO_BATCH, "32")
    other = train(job(), world, tmp_path / "other")
    assert plain.portions == ("1 process, 1 thread, 512 rows at once",)
    assert other.portions == ("1 process, 1 thread, 2 rows at once", *plain.portions)


def _stop_at(tokens):
    def progress(done, total, unit, note=""):
        if done >= tokens:
            raise KeyboardInterrupt

    return progress


FULL = """
import os, pathlib, resource, sys, time, tiny_run
from titrant.train import loop
inputs = {role: pathlib.Path(folder) for role, folder in zip(sys.argv[2::2], sys.argv[3::2])}
folder = pathlib.Path(sys.argv[1])
def fill(step, model):
    while not list(folder.glob("scratch/resume-*")):
        time.sleep(0.01)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # files end here, as on a full disk
loop.write_tensors = lambda tensors, path: open(path, "wb").close() or "0"
tiny_run.train(tiny_run.job(steps=400, curve=tiny_run.curve(400), milestones=1), inputs, folder, at_milestone=fill)
"""


def test_a_disk_that_fills_during_a_snapshot_leaves_the_one_before(world, tmp_path):
    """The system refuses a write in the middle of a file."""
    arguments = [str(tmp_path), *(str(part) for pair in world.items() for part in pair)]
    environment = {"PYTHONPATH": str(Path(__file__).parent), loop.CHECKPOINT_SECONDS: "0.05", "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", FULL, *arguments],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "OSError: [Errno 27] File too large" in ended.stderr or "File too large" in ended.stderr, ended.stderr
    (left,) = (tmp_path / "scratch").glob("resume-*")
    assert int(left.name[7:]) < 400
    snapshots = Snapshots(tmp_path / "scratch", ALONE)
    notes = []
    snapshots._clear("somebody else's", notes.append)
    assert notes == [f"{left.name} was thrown away: it is another job's"], "it was whole"


def test_what_fails_while_a_snapshot_is_written_is_raised_when_the_next_is_taken(tmp_path, monkeypatch):
    from titrant.train import snapshot

    snapshots = Snapshots(tmp_path, ALONE)
    snapshots.save(standing(1), {"curves": torch.zeros(3, 1)})
    snapshots.wait()
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(snapshot, "_flush_and_hash", lambda path: (_ for _ in ()).throw(full))
    snapshots.save(standing(2), {"curves": torch.zeros(3, 2)})
    with pytest.raises(OSError, match="No space left"):
        snapshots.wait()
    assert [path.name for path in tmp_path.iterdir()] == ["resume-000000001"]


def test_training_with_a_snapshot_at_every_chance_ends_in_the_same_bytes(world, tmp_path, monkeypatch):
    asked = job(steps=40, curve=curve(40))
    train(asked, world, tmp_path / "none")
    monkeypatch.setenv(loop.CHECKPOINT_SECONDS, "0")
    train(asked, world, tmp_path / "many")
    assert list((tmp_path / "many/scratch").glob("resume-*"))
    assert content(tmp_path / "none") == content(tmp_path / "many")


def test_snapshots_hold_training_up_for_a_hundredth_of_the_time_at_most(tmp_path, monkeypatch):
    """By how seldom they are taken, where taking one is slow; the time of day is not looked at."""
    now = [100.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(loop.time, "time", lambda: pytest.fail("the clock of the day can jump"))
    snapshots = Snapshots(tmp_path, ALONE)
    clock = loop._SnapshotClock(snapshots)
    now[0] += 29.9
    assert not clock.due()
    now[0] += 0.2
    assert clock.due()
    snapshots.last_stall_seconds = 0.8
    assert not clock.due()
    now[0] += 50
    assert clock.due()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_activations_computed_twice_change_no_bit(world, tmp_path, monkeypatch, precision):
    train(job(precision=precision), world, tmp_path / "kept")
    monkeypatch.setenv(RECOMPUTE, "1")
    assert choose_portion(job(), 64, CPU) == Portion(512, True)
    train(job(precision=precision), world, tmp_path / "twice")
    assert content(tmp_path / "kept") == content(tmp_path / "twice")


def test_memory_that_runs_out_is_told_with_what_would_fit(world, tmp_path, monkeypatch):
    monkeypatch.setenv(MICRO_BATCH, "32")

    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr("titrant.model.transformer.Transformer.loss", fail)
    with pytest.raises(
        EngineError,
        match=r"out of memory with micro-batches of 32 tokens: .*TITRANT_MICRO_BATCH_TOKENS=16 needs .*"
        r"TITRANT_RECOMPUTE=1 needs .* a third more work; TITRANT_RANKS=2 needs ",
    ):
        train(job(), world, tmp_path)


def test_another_error_is_not_taken_for_a_shortage(world, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr("titrant.model.transformer.Transformer.loss", fail)
    with pytest.raises(RuntimeError, match=r"^something else$"):
        train(job(), world, tmp_path)


def test_a_micro_batch_shorter_than_a_sequence_is_refused(monkeypatch):
    monkeypatch.setenv(MICRO_BATCH, "8")
    with pytest.raises(
        StudyError, match="TITRANT_MICRO_BATCH_TOKENS is 8, and sequences have 16 tokens; give a multiple"
    ):
        choose_portion(job(), 64, CPU)


def test_where_memory_is_short_activations_are_computed_twice(monkeypatch):
    asked = job()
    needed = activation_bytes(asked, 512 * 16, recompute=False, device="cpu")
    assert activation_bytes(asked, 512 * 16, recompute=True, device="cpu") < needed
    monkeypatch.setattr(memory, "_free_bytes", lambda: needed * 10)
    assert not choose_portion(asked, 64, CPU).recompute
    monkeypatch.setattr(memory, "_free_bytes", lambda: needed * 2)
    assert choose_portion(asked, 64, CPU).recompute
