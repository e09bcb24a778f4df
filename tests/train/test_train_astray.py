"""A phase whose losses go astray: what is skipped moves nothing, is recorded, and is the same after an interruption."""

import math

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file
from tiny_run import content, curve, job, quiet, train, write_world

from titrant.errors import EngineError
from titrant.settings import RANKS
from titrant.study.faults import Faults
from titrant.train import step
from titrant.train import train as train_in_processes
from titrant.train.together.ranks import PARALLEL

SKIP = Faults(non_finite="skip-update", spike="skip-update")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def astray(monkeypatch):
    """Makes the loss of some steps (from 1) another: a function of the true one."""
    honest = step._accumulate_gradients

    def put(changes):
        def loss_of(phase, batch, report):
            loss = honest(phase, batch, report)
            return changes.get(phase.step + 1, lambda x: x)(loss)

        monkeypatch.setattr(step, "_accumulate_gradients", loss_of)

    return put


def losses(folder):
    return pq.read_table(folder / "out/curve.parquet")["loss"].to_pylist()


def test_a_skipped_update_leaves_weights_and_optimizer_and_its_tokens_count(world, tmp_path, astray):
    astray({3: lambda loss: math.nan})
    made = train(job(milestones=5, faults=SKIP), world, tmp_path)
    milestones = [load_file(tmp_path / f"out/milestones/{n}.safetensors")["embedding.weight"] for n in (2, 3, 4)]
    assert milestones[0].equal(milestones[1])
    assert not milestones[1].equal(milestones[2])
    assert (made.skipped, made.spikes, made.tokens) == ((3,), (), 6 * 64)
    assert [row.sequences for row in made.ledger] == [12, 12]
    assert [math.isnan(loss) for loss in losses(tmp_path)] == [False, False, True, False, False, False]
    assert math.isfinite(made.final_loss)
    assert int(load_file(tmp_path / "out/optimizer.safetensors")["step"]) == 5


def test_an_interrupted_phase_judges_as_the_whole_one(world, tmp_path, astray):
    steps = 40
    asked = job(steps=steps, curve=curve(steps), milestones=0, faults=SKIP.model_copy(update={"warmup_steps": 20}))
    astray({25: lambda loss: 50.0, 30: lambda loss: math.inf, 38: lambda loss: 60.0})
    whole = train(asked, world, tmp_path / "whole")
    assert (whole.spikes, whole.skipped) == ((25, 38), (25, 30, 38))

    def stop_at(tokens):
        def progress(done, total, unit, note=""):
            if done == tokens * 64:
                raise KeyboardInterrupt

        return progress

    for end in (10, 26, 34):
        with pytest.raises(KeyboardInterrupt):
            train(asked, world, tmp_path / "stopped", progress=stop_at(end))
    again = train(asked, world, tmp_path / "stopped")
    assert again == whole
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")


def test_a_spike_that_is_only_noted_changes_no_weight_and_is_told(world, tmp_path, astray, capsys):
    asked = job(steps=40, curve=curve(40), milestones=0)
    train(asked, world, tmp_path / "calm")
    astray({35: lambda loss: 50.0})
    noted = train(asked, world, tmp_path / "noted")
    assert (noted.spikes, noted.skipped) == ((35,), ())
    assert "loss spikes at step 35 of 40: 50 is " in capsys.readouterr().err
    names = ("model.safetensors", "optimizer.safetensors")
    calm, spiky = content(tmp_path / "calm"), content(tmp_path / "noted")
    assert [calm[name] for name in names] == [spiky[name] for name in names]


def test_too_many_skipped_updates_end_the_phase_every_time_it_is_tried(world, tmp_path, astray):
    astray(dict.fromkeys((2, 3, 4), lambda loss: math.nan))
    asked = job(faults=Faults(non_finite="skip-update", most_skipped=2))
    for _ in range(2):
        with pytest.raises(EngineError, match=r"step 4 of 6 .* that is update 3 to skip, and the study allows 2"):
            train(asked, world, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_skip_what_one_skips(world, tmp_path, monkeypatch):
    """Decisions are taken on the loss of the whole batch. No loss here is within rounding of the limit."""
    faults = Faults(spike="skip-update", deviations=4, window=16, warmup_steps=16)
    asked = job(steps=90, curve=curve(90, final_rate=1e-2), milestones=0, faults=faults)
    alone = train(asked, world, tmp_path / "alone")
    for name in ("out", "scratch"):
        (tmp_path / "together" / name).mkdir(parents=True)
    monkeypatch.setenv(RANKS, "2")
    monkeypatch.setenv(PARALLEL, "sharded")
    folder = tmp_path / "together"
    together = train_in_processes(asked, world, folder / "out", scratch=folder / "scratch", progress=quiet)
    assert len(alone.skipped) > 0
    assert (together.spikes, together.skipped) == (alone.spikes, alone.skipped)
    assert losses(folder) == pytest.approx(losses(tmp_path / "alone"), abs=1e-3)
