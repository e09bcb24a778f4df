"""Several processes train one phase: the same data, the same ledger, the same losses but for rounding, and no loss of
work when one is killed, when they are asked to stop, or when the phase goes on in another number of them."""

import os
import shutil
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny_run import curve, finish, job, quiet, write_world

from titrant.artifacts import Checkpoint
from titrant.errors import EngineError, StoreError, StudyError
from titrant.settings import LAUNCHER, RANKS
from titrant.study.optimizer import Muon
from titrant.tokens.batches import PhaseBatches
from titrant.tokens.shards import open_shard
from titrant.train import train
from titrant.train.memory import choose_layout
from titrant.train.together.ranks import ALONE, PARALLEL


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


def run(asked, inputs, folder, count=1, layout="replicated", progress=quiet) -> Checkpoint:
    """Train into FOLDER/out in so many processes."""
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RANKS, str(count))
        patch.setenv(PARALLEL, layout)
        checkpoint = train(asked, inputs, folder / "out", scratch=folder / "scratch", progress=progress)
    finish(folder / "out", checkpoint)
    return checkpoint


def losses(folder):
    return pq.read_table(folder / "out/curve.parquet")["loss"].to_pylist()


def agrees(one, other, tolerance):
    """Equal data and curve; losses and weights but for rounding."""
    checkpoints = [Checkpoint.read(folder / "out") for folder in (one, other)]
    for name in ("ledger", "drawn", "cursors", "drawn_sequences", "milestones", "tokens", "total_tokens"):
        assert getattr(checkpoints[0], name) == getattr(checkpoints[1], name), name
    tables = [pq.read_table(folder / "out/curve.parquet") for folder in (one, other)]
    assert tables[0]["learning_rate"].to_pylist() == tables[1]["learning_rate"].to_pylist()
    assert losses(one) == pytest.approx(losses(other), abs=tolerance)
    for file in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = (load_file(folder / "out" / file) for folder in (one, other))
        assert {n: t.shape for n, t in ours.items()} == {n: t.shape for n, t in theirs.items()}
    assert int(ours["step"]) == int(theirs["step"])


class StopAt:
    """Progress that asks to stop once so many tokens are done."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __call__(self, done, total, unit, note=""):
        if done >= self.tokens:
            raise KeyboardInterrupt


@given(steps=st.integers(2, 5), ranks=st.integers(1, 5), data=st.data())
def test_the_order_of_the_data_does_not_depend_on_the_number_of_processes(world, steps, ranks, data):
    """Proven on the identities of the sequences that each process draws."""
    asked = job(steps=steps)
    shards = {name: open_shard(world[f"tokens/{name}"], "train") for name in "ab"}
    batches = PhaseBatches(shards, asked.phase, {}, seed=1, sequence_length=16, global_batch_tokens=64)
    step = data.draw(st.integers(0, steps - 1))
    whole = batches.batch(step)
    parts = [batches.rows(step, rank, ranks) for rank in range(ranks)]
    for name in ("sources", "indices"):
        assert [x for part in parts for x in getattr(part, name).tolist()] == getattr(whole, name).tolist()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("count", "layout", "precision", "tolerance"),
    [(2, "replicated", "float32", 1e-5), (2, "sharded", "bfloat16", 5e-3), (4, "sharded", "float32", 1e-5)],
)
def test_several_processes_train_what_one_trains(world, tmp_path, count, layout, precision, tolerance):
    asked = job(steps=6, precision=precision)
    run(asked, world, tmp_path / "alone")
    checkpoint = run(asked, world, tmp_path / "together", count, layout)
    assert checkpoint.processes == (count,)
    assert checkpoint.portions == (f"{count} processes, {layout}, 1 thread, 512 rows at once",)
    agrees(tmp_path / "alone", tmp_path / "together", tolerance)
    assert not list((tmp_path / "together/scratch").glob("ranks*"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_phase_stopped_on_four_goes_on_with_two_and_then_with_one(world, tmp_path):
    """`Stop on 4 workers, go on with 2 or 1, the same data order and the same ledger.`"""
    asked = job(steps=200, curve=curve(200), optimizer=Muon(name="muon"))
    run(asked, world, tmp_path / "alone")
    with pytest.raises(KeyboardInterrupt):
        run(asked, world, tmp_path / "moved", 4, "sharded", StopAt(20 * 64))
    (first,) = (tmp_path / "moved/scratch").glob("resume-*")
    with pytest.raises(KeyboardInterrupt):
        run(asked, world, tmp_path / "moved", 2, "replicated", StopAt(90 * 64))
    (second,) = (tmp_path / "moved/scratch").glob("resume-*")
    assert 20 <= int(first.name[7:]) < int(second.name[7:]) < 200
    seen = []
    checkpoint = run(asked, world, tmp_path / "moved", progress=lambda done, *_: seen.append(done))
    assert seen[0] >= int(second.name[7:]) * 64, "nothing is done twice"
    assert checkpoint.processes == (1, 2, 4)
    assert [words[:12] for words in checkpoint.portions] == ["1 process, 1", "2 processes,", "4 processes,"]
    agrees(tmp_path / "alone", tmp_path / "moved", 2e-2)


def _processes_of(folder):
    """Process ids by rank of those that train in a folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = dict(pair.split(b"=", 1) for pair in (entry / "environ").read_bytes().split(b"\0") if pair)
        except (OSError, ValueError):
            continue
        if any(word.startswith(str(folder / "scratch/ranks-").encode()) for word in words) and b"RANK" in environment:
            found[int(environment[b"RANK"])] = int(entry.name)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_when_one_of_them_is_killed_all_end_and_the_phase_goes_on_from_its_last_snapshot(world, tmp_path, monkeypatch):
    asked = job(steps=3000, curve=curve(3000), milestones=0)
    monkeypatch.setenv("TITRANT_CHECKPOINT_SECONDS", "0.05")
    killed = []

    def kill(done, total, unit, note=""):
        if not killed and list((tmp_path / "scratch").glob("resume-*")):
            killed.append(_processes_of(tmp_path)[1])
            os.kill(killed[0], signal.SIGKILL)

    with pytest.raises(
        EngineError, match=r"1 of 2 processes that trained together \(rank 1\) ended without a word.*run again to go"
    ):
        run(asked, world, tmp_path, 2, progress=kill)
    assert not _processes_of(tmp_path), "none is left behind"
    seen = []
    with pytest.raises(KeyboardInterrupt):
        run(asked, world, tmp_path, progress=lambda done, *_: seen.append(done) or StopAt(0)(1, 1, ""))
    assert seen[0] >= 64, "it went on"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sigterm_to_all_of_them_saves_where_they_stand(world, tmp_path):
    """As Slurm ends a job: every process gets the signal, the launcher too, and has a while to end."""
    asked = job(steps=3000, curve=curve(3000), milestones=0)
    told = []

    def end(done, total, unit, note=""):
        if done >= 10 * 64 and not told:
            told.append(done)
            processes = _processes_of(tmp_path)
            launcher = int(Path(f"/proc/{processes[0]}/stat").read_text().rpartition(")")[2].split()[1])
            for process in (launcher, *processes.values()):
                os.kill(process, signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        run(asked, world, tmp_path, 2, progress=end)
    (snapshot,) = (tmp_path / "scratch").glob("resume-*")
    assert told[0] // 64 <= int(snapshot.name[7:]) < 3000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_wrong_in_one_of_them_is_told_as_itself(world, tmp_path):
    run(job(), world, tmp_path / "first")
    wider = job().architecture.model_copy(update={"ffn_width": 64})
    second = job(4, curve=curve(4), initialisation="previous", architecture=wider)
    with pytest.raises(StoreError, match=r"holds another model: .* tensors of another shape"):
        run(second, {**world, "previous": tmp_path / "first/out"}, tmp_path / "second", 2, "sharded")


def test_a_launcher_that_is_not_there_and_a_number_that_is_none_are_told(world, tmp_path, monkeypatch):
    monkeypatch.setenv(LAUNCHER, "no-such-launcher --nnodes 2")
    with pytest.raises(EngineError, match=r"no-such-launcher cannot be started .*; mend TITRANT_LAUNCHER"):
        run(job(), world, tmp_path)
    monkeypatch.delenv(LAUNCHER)
    monkeypatch.setenv(RANKS, "two")
    with pytest.raises(StudyError, match="TITRANT_RANKS is 'two'; set it to a whole number from 1 to 100000"):
        train(job(), world, tmp_path, scratch=tmp_path, progress=quiet)


def test_a_model_that_fits_is_replicated_and_one_that_does_not_is_sharded(monkeypatch):
    from titrant.train import memory

    monkeypatch.setattr(memory, "_all_bytes", lambda: 16e9)
    assert choose_layout(job(), 64, 4) == "replicated"
    large = job().architecture.model_copy(update={"width": 2560, "layers": 27, "heads": 20, "ffn_width": 6912})
    assert choose_layout(job(architecture=large), 256_000, 4) == "sharded"
    monkeypatch.setenv(PARALLEL, "somehow")
    with pytest.raises(StudyError, match="TITRANT_PARALLEL is 'somehow'; set it to replicated or sharded"):
        choose_layout(job(), 64, 4)


def test_alone_nothing_is_summed_and_nobody_is_waited_for():
    import torch

    assert ALONE.sum([1.5, 2.0], torch.device("cpu")) == [1.5, 2.0]
    assert ALONE.sum_integers([2**64 + 3]) == [3]
    ALONE.wait_for_all()
