"""One phase of training: what it promises about bits, curves, forks, data and failure."""

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny_run import VOCABULARY, content, curve, job, train, write_world
from transformers import CohereForCausalLM

from titrant.errors import EngineError, StoreError, StudyError
from titrant.model.hugging_face import cohere_config, to_cohere
from titrant.model.transformer import Transformer
from titrant.study.world import content_of_folder
from titrant.tokens.batches import PhaseBatches
from titrant.tokens.shards import open_shard
from titrant.train import loop, memory, start
from titrant.train.loop import milestone_steps

GOLDEN = Path(__file__).parents[1] / "golden/losses.txt"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


class StopAt:
    """Progress that asks to stop once so many tokens are done."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __call__(self, done, total, unit, note=""):
        if done >= self.tokens:
            raise KeyboardInterrupt


class Stops:
    """Progress that asks to stop when so many calls have been made."""

    def __init__(self, after):
        self.left = after

    def __call__(self, done, total, unit, note=""):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_two_trainings_of_one_job_give_the_same_bytes(world, tmp_path):
    train(job(), world, tmp_path / "one")
    train(job(), world, tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert set(content(tmp_path / "one")) == {
        "model.safetensors", "optimizer.safetensors", "curve.parquet", "record.json",
        "milestones/2.safetensors", "milestones/4.safetensors",
    }  # fmt: skip


def test_training_learns(world, tmp_path):
    train(job(steps=40, curve=curve(40)), world, tmp_path)
    losses = pq.read_table(tmp_path / "out/curve.parquet")["loss"].to_pylist()
    assert abs(losses[0] - math.log(VOCABULARY)) < 0.1
    assert losses[-1] < losses[0] - 0.8


def test_steps_are_those_of_a_plain_adamw_loop_on_the_whole_batch(world, tmp_path, monkeypatch):
    """Oracle: autograd on full logits, a textbook AdamW, no micro-batches."""
    asked = job(steps=3, curve=curve(3, decay_steps=1), milestones=0)
    monkeypatch.setitem(memory.MICRO_BATCH_TOKENS, "cpu", 16)
    train(asked, world, tmp_path)
    model = Transformer(asked.architecture, VOCABULARY)
    model.initialise(1)
    shards = {name: open_shard(world[f"tokens/{name}"], "train") for name in "ab"}
    batches = PhaseBatches(shards, asked.phase, {}, seed=1, sequence_length=16, global_batch_tokens=64)
    first = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    second = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    settings_ = asked.optimizer
    for step in range(3):
        tokens = torch.from_numpy(batches.batch(step).tokens)
        model.zero_grad()
        torch.nn.functional.cross_entropy(
            model.logits(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()
        ).backward()
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        rate = asked.phase.curve.rate_at(step)
        with torch.no_grad():
            for name, p in model.named_parameters():
                gradient = p.grad * min(1.0, settings_.clip_norm / norm)
                decays = name.startswith("blocks") and p.ndim == 2
                p -= rate * settings_.weight_decay * p * decays
                first[name] = settings_.beta1 * first[name] + (1 - settings_.beta1) * gradient
                second[name] = settings_.beta2 * second[name] + (1 - settings_.beta2) * gradient**2
                m = first[name] / (1 - settings_.beta1 ** (step + 1))
                v = second[name] / (1 - settings_.beta2 ** (step + 1))
                p -= rate * m / (v.sqrt() + settings_.epsilon)
    found = load_file(tmp_path / "out/model.safetensors")
    for name, p in model.named_parameters():
        # where a second moment is nearly zero Adam turns rounding into steps: compare the bulk
        assert ((found[name] - p).abs() > 1e-5).float().mean() < 0.01, name


@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_a_phase_that_is_stopped_at_any_places_ends_in_the_same_bytes(world, tmp_path_factory, stops):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(memory.MICRO_BATCH_TOKENS, "cpu", 32)  # two reports a step: one inside, one at its end
        whole, stopped = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("stopped")
        train(job(), world, whole)
        for after in stops:
            with pytest.raises(KeyboardInterrupt):
                train(job(), world, stopped, progress=Stops(after))
            if sum(stops) > 10:
                break
        train(job(), world, stopped)
    assert content(whole) == content(stopped)


def test_what_was_done_before_a_stop_is_not_done_again(world, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(job(), world, tmp_path, progress=StopAt(4 * 64))
    seen = []
    train(job(), world, tmp_path, progress=lambda done, *_: seen.append(done))
    assert sorted(set(seen)) in ([5 * 64, 6 * 64], [4 * 64, 5 * 64, 6 * 64])  # 4 if it waits for data


KILLED = """
import os, pathlib, signal, sys, time, tiny_run
inputs = {role: pathlib.Path(folder) for role, folder in zip(sys.argv[2::2], sys.argv[3::2])}
folder = pathlib.Path(sys.argv[1])
def die(step, model):
    while not list(folder.glob("scratch/resume-*")):
        time.sleep(0.01)
    if step == 4:
        os.kill(os.getpid(), signal.SIGKILL)
tiny_run.train(tiny_run.job(), inputs, folder, at_milestone=die)
"""


def test_a_phase_that_is_killed_goes_on_from_its_last_snapshot(world, tmp_path):
    train(job(), world, tmp_path / "whole")
    arguments = [str(tmp_path / "killed"), *(str(part) for pair in world.items() for part in pair)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), loop.CHECKPOINT_SECONDS: "0"},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    seen = []
    train(job(), world, tmp_path / "killed", progress=lambda done, *_: seen.append(done))
    assert 2 * 64 <= seen[0] <= 4 * 64, "a step that was saved is not taken again"
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["cut", "flip", "standing", "milestone", "other job"])
def test_a_damaged_snapshot_is_thrown_away_with_a_note(world, tmp_path, damage):
    train(job(), world, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(job(seed=2) if damage == "other job" else job(), world, tmp_path / "hurt", progress=StopAt(4 * 64))
    scratch = tmp_path / "hurt/scratch"
    (snapshot,) = scratch.glob("resume-*")
    part = next(snapshot.glob("*.distcp"))
    if damage == "cut":
        os.truncate(part, part.stat().st_size - 100)
    elif damage == "flip":
        data = bytearray(part.read_bytes())
        data[-5] ^= 1
        part.write_bytes(data)
    elif damage == "standing":
        said = (snapshot / "snapshot.json").read_text()
        (snapshot / "snapshot.json").write_text(said.replace("optimizer_steps", "optimizer_Steps"))
    elif damage == "milestone":
        os.truncate(scratch / "milestone-000000002.safetensors", 100)
    notes = []
    train(job(), world, tmp_path / "hurt", progress=lambda done, total, unit, note="": notes.append((done, note)))
    assert notes[0][0] == 0
    assert "thrown away" in notes[0][1]
    assert content(tmp_path / "hurt") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("torch", r"it was made on cpu \(\w+\) with torch 1\.0 and this is cpu \(\w+\) with torch \d"),
        ("processor", r"it was made on cpu \(old\) with torch .* and this is cpu \("),
        ("gpu", r"it was made on NVIDIA X with torch .* and this is cpu \("),
    ],
)
def test_a_snapshot_of_other_arithmetic_is_thrown_away_and_the_phase_starts_again(
    world, tmp_path, what, words, monkeypatch, capfd
):
    """`Two numerics are never spliced in one run.`"""
    train(job(), world, tmp_path / "whole")
    with monkeypatch.context() as elsewhere:
        if what == "torch":
            elsewhere.setattr(torch, "__version__", "1.0")
        elif what == "processor":
            elsewhere.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "old")
        else:
            real = start.digest_of
            elsewhere.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA X")
            elsewhere.setattr(start, "digest_of", lambda job, size, device: real(job, size, torch.device("cuda", 0)))
        with pytest.raises(KeyboardInterrupt):
            train(job(), world, tmp_path / "moved", progress=StopAt(4 * 64))
    assert list((tmp_path / "moved/scratch").glob("resume-*"))
    seen = []
    train(job(), world, tmp_path / "moved", progress=lambda done, total, unit, note="": seen.append((done, note)))
    assert seen[0][0] == 0
    assert re.search(rf"was thrown away: {words}", seen[0][1])
    assert "was thrown away" in capfd.readouterr().err, "the log says so"
    assert {done for done, _ in seen} >= {0, 64}, "from its first step"
    assert content(tmp_path / "moved") == content(tmp_path / "whole")


def test_the_realised_curve_is_the_planned_one(world, tmp_path):
    asked = job()
    train(asked, world, tmp_path)
    table = pq.read_table(tmp_path / "out/curve.parquet")
    assert table["learning_rate"].to_pylist() == [asked.phase.curve.rate_at(step) for step in range(6)]
    assert table["step"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert table["tokens"].to_pylist() == [64 * step for step in range(1, 7)]
    assert [str(field.type) for field in table.schema] == ["int64", "int64", "float", "double", "float"]
    assert all(norm > 0 for norm in table["gradient_norm"].to_pylist())


def _second(**changes):
    standard = {
        "steps": 4, "curve": curve(4, start_rate=1e-3, warmup_steps=0, decay_steps=4), "initialisation": "previous",
        "optimizer_state": "carried", "shares": {"a": "1"},
    }  # fmt: skip
    return job(**{**standard, **changes})


def test_an_arm_forked_from_a_trunk_is_bit_identical_to_the_same_arm_trained_alone(world, tmp_path):
    train(job(), world, tmp_path / "trunk")
    fork = {**world, "previous": tmp_path / "trunk/out"}
    train(_second(shares={"b": "1"}), fork, tmp_path / "other arm")
    train(_second(), fork, tmp_path / "forked")
    train(job(), world, tmp_path / "alone first")
    train(_second(), {**world, "previous": tmp_path / "alone first/out"}, tmp_path / "alone")
    assert content(tmp_path / "forked") == content(tmp_path / "alone")
    assert content(tmp_path / "forked") != content(tmp_path / "other arm")


def test_two_phases_with_one_curve_and_carried_state_are_one_phase_cut_in_two(world, tmp_path):
    whole = job(steps=8, curve=curve(8), shares={"a": "1"}, milestones=1)
    train(whole, world, tmp_path / "whole")
    train(job(steps=4, curve=curve(8), shares={"a": "1"}), world, tmp_path / "first")
    second = _second(curve=curve(8, offset_steps=4))
    inputs = {**world, "previous": tmp_path / "first/out"}
    checkpoint = train(second, inputs, tmp_path / "second")
    assert content(tmp_path / "second")["model.safetensors"] == content(tmp_path / "whole")["model.safetensors"]
    assert content(tmp_path / "second")["optimizer.safetensors"] == content(tmp_path / "whole")["optimizer.safetensors"]
    assert content(tmp_path / "first")["model.safetensors"] == content(tmp_path / "whole")["milestones/4.safetensors"]
    assert checkpoint.total_tokens == 8 * 64
    assert pq.read_table(tmp_path / "second/out/curve.parquet")["tokens"].to_pylist() == [320, 384, 448, 512]


def test_a_reset_optimizer_starts_from_nothing_and_a_carried_one_counts_on(world, tmp_path):
    train(job(), world, tmp_path / "first")
    inputs = {**world, "previous": tmp_path / "first/out"}
    train(_second(optimizer_state="reset"), inputs, tmp_path / "reset")
    train(_second(), inputs, tmp_path / "carried")
    steps = [int(load_file(tmp_path / name / "out/optimizer.safetensors")["step"]) for name in ("reset", "carried")]
    assert steps == [4, 10]
    assert content(tmp_path / "reset")["model.safetensors"] != content(tmp_path / "carried")["model.safetensors"]


def test_the_checkpoint_says_what_was_drawn(world, tmp_path):
    first = train(job(), world, tmp_path / "first")
    assert [(r.source, r.start, r.sequences, r.tokens) for r in first.ledger] == [("a", 0, 12, 192), ("b", 0, 12, 192)]
    assert first.cursors == first.drawn_sequences == {"a/train": 12, "b/train": 12}
    inputs = {**world, "previous": tmp_path / "first/out"}
    fresh = train(_second(), inputs, tmp_path / "fresh")
    assert [(r.source, r.start, r.sequences) for r in fresh.ledger] == [("a", 12, 16)]
    again = curve(3, start_rate=1e-3, warmup_steps=0, decay_steps=3)
    replay = train(_second(data="replay", steps=3, curve=again), inputs, tmp_path / "replay")
    assert [(r.source, r.start, r.sequences) for r in replay.ledger] == [("a", 0, 12)]
    assert (replay.cursors["a/train"], replay.drawn_sequences["a/train"]) == (12, 24)
    with pytest.raises(StoreError, match="a replay phase drew 16 sequences of 'a/train', of which only 12 are among"):
        train(_second(data="replay"), inputs, tmp_path / "more than was drawn")
    disjoint = train(_second(data="disjoint"), inputs, tmp_path / "disjoint")
    assert [(r.source, r.partition, r.start) for r in disjoint.ledger] == [("a", "reserved", 0)]
    assert first.drawn.keys() == {"a/train", "b/train"}
    assert (first.parameters, first.non_embedding_parameters) == (
        2 * (32 * (128 + 144) + 32) + 32 + 64 * 32,
        2 * (32 * 272 + 32) + 32,
    )
    losses = pq.read_table(tmp_path / "first/out/curve.parquet")["loss"].to_pylist()
    assert first.final_loss == pytest.approx(losses[-1], rel=1e-6)
    assert first.milestones == (2, 4)


def test_batches_other_than_the_ledgers_are_found_out(world, tmp_path, monkeypatch):
    honest = PhaseBatches.rows
    other = lambda self, step, rank, world: honest(self, 0 if step == 3 else step, rank, world)  # noqa: E731
    monkeypatch.setattr(PhaseBatches, "rows", other)
    with pytest.raises(EngineError, match="batches trained on are not those of the ledger"):
        train(job(), world, tmp_path)


def test_seeds_share_nothing_and_arms_of_a_seed_share_initial_weights(world, tmp_path):
    for name, asked in {"one": job(2), "two": job(2, seed=2), "b": job(2, shares={"b": "1"})}.items():
        asked = asked.model_copy(update={"phase": asked.phase.model_copy(update={"curve": curve(2, peak_rate=1e-12)})})
        train(asked, world, tmp_path / name)
    one, two, b = (
        load_file(tmp_path / name / "out/model.safetensors")["embedding.weight"] for name in ("one", "two", "b")
    )
    torch.testing.assert_close(one, b, atol=1e-9, rtol=0)
    assert (one - two).abs().mean() > 0.01


def test_bfloat16_and_float32_learn_alike_and_keep_float32_masters(world, tmp_path):
    for precision in ("float32", "bfloat16"):
        train(job(steps=20, curve=curve(20), precision=precision), world, tmp_path / precision)
    exact, rounded = (
        pq.read_table(tmp_path / p / "out/curve.parquet")["loss"].to_numpy() for p in ("float32", "bfloat16")
    )
    assert abs(exact - rounded).max() < 0.05
    assert not (exact == rounded).all()
    weights = load_file(tmp_path / "bfloat16/out/model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert not torch.equal(weights["norm.weight"], weights["norm.weight"].bfloat16().float())


def test_a_loss_that_is_not_finite_ends_the_phase_with_advice(world, tmp_path):
    with pytest.raises(EngineError, match=r"loss is not finite at step \d+ of 30 .*lower the learning rate"):
        train(job(steps=30, curve=curve(30, peak_rate=1e25)), world, tmp_path)


def test_a_phase_can_start_from_an_outside_checkpoint_that_has_not_changed(world, tmp_path):
    asked = job(steps=2, milestones=0)
    model = Transformer(asked.architecture, VOCABULARY)
    model.initialise(seed=77)
    outside = CohereForCausalLM._from_config(cohere_config(asked.architecture, VOCABULARY, 0, 16))
    outside.load_state_dict(to_cohere(model.state_dict(), asked.architecture))
    outside.save_pretrained(tmp_path / "outside")
    pinned = {"checkpoint": str(tmp_path / "outside"), "content": content_of_folder(tmp_path / "outside")}
    asked = job(2, initialisation="checkpoint", checkpoint=pinned, curve=curve(2, peak_rate=1e-12))
    train(asked, world, tmp_path)
    trained = load_file(tmp_path / "out/model.safetensors")
    torch.testing.assert_close(trained["embedding.weight"], model.embedding.weight.detach(), atol=1e-9, rtol=0)
    (tmp_path / "outside/config.json").write_text("{}")
    with pytest.raises(StudyError, match="changed since the run was planned"):
        train(asked, world, tmp_path)


def test_losses_of_twenty_steps_are_the_golden_ones(world, tmp_path):
    """A change that should not alter results shows the same losses; TITRANT_GOLDEN=1 writes them anew."""
    train(job(steps=20, curve=curve(20)), world, tmp_path)
    losses = pq.read_table(tmp_path / "out/curve.parquet")["loss"].to_pylist()
    if os.environ.get("TITRANT_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text("".join(f"{step:2d} {loss:.6f}\n" for step, loss in enumerate(losses, 1)))
    golden = [float(line.split()[1]) for line in GOLDEN.read_text().splitlines()]
    assert losses == pytest.approx(golden, abs=2e-5)  # processors sum in different orders


def test_a_shard_of_another_tokenizer_is_refused(tmp_path):
    with pytest.raises(
        StoreError, match="source 'a' was encoded with tokenizer cdcdcdcdcdcd and the run has abababababab"
    ):
        train(job(), write_world(tmp_path / "world", tokenizer="cd" * 32), tmp_path / "run")


def test_a_previous_phase_of_another_seed_is_refused(world, tmp_path):
    train(job(seed=2), world, tmp_path / "first")
    with pytest.raises(StoreError, match="not those of this shard and seed"):
        train(_second(), {**world, "previous": tmp_path / "first/out"}, tmp_path / "second")


def test_a_previous_phase_of_another_architecture_is_refused(world, tmp_path):
    train(job(), world, tmp_path / "first")
    wider = job().architecture.model_copy(update={"ffn_width": 64})
    with pytest.raises(StoreError, match="holds another model"):
        train(_second(architecture=wider), {**world, "previous": tmp_path / "first/out"}, tmp_path / "second")


@given(steps=st.integers(1, 200), milestones=st.integers(0, 12))
def test_milestones_are_evenly_spaced_inside_the_phase(steps, milestones):
    found = milestone_steps(steps, milestones)
    assert len(found) == len(set(found)) <= milestones
    assert all(0 < step < steps for step in found)
    if milestones < steps:
        assert len(found) == milestones
        assert all(
            abs(Fraction(step, steps) - Fraction(n + 1, milestones + 1)) < Fraction(1, steps)
            for n, step in enumerate(found)
        )


def test_a_tracker_that_fails_at_every_step_changes_no_byte(world, tmp_path, monkeypatch, capfd):
    train(job(), world, tmp_path / "without")
    broken = types.ModuleType("wandb")
    broken.init = lambda *_, **__: 1 / 0
    monkeypatch.setitem(sys.modules, "wandb", broken)
    monkeypatch.setenv("TITRANT_TRACKERS", "wandb")
    monkeypatch.setenv("TITRANT_TRACKED", json.dumps({"name": "a", "folder": str(tmp_path), "config": {}}))
    train(job(), world, tmp_path / "with")
    assert content(tmp_path / "with") == content(tmp_path / "without")
    assert "tracker wandb was given up" in capfd.readouterr().err


@pytest.mark.parametrize(("policy", "skipped"), [("skip-update", 1), ("note", 0)])
def test_a_spike_is_treated_as_the_study_says_and_again_after_an_interruption(
    world, tmp_path, monkeypatch, policy, skipped
):
    """One batch of a hundred teaches nonsense: it is found, and its update is left out if that is what was declared."""
    honest = PhaseBatches.rows

    def rows(self, step, rank, world):
        batch = honest(self, step, rank, world)
        tokens = (batch.tokens * 37 + 11) % VOCABULARY if step == 80 else batch.tokens
        return dataclasses.replace(batch, tokens=tokens)

    monkeypatch.setattr(PhaseBatches, "rows", rows)
    faults = {"spike": policy, "deviations": 4, "window": 32}
    asked = job(steps=100, curve=curve(100), milestones=0, faults=faults)
    whole = train(asked, world, tmp_path / "whole")
    assert 81 in whole.spikes
    assert len(whole.skipped) >= skipped
    assert set(whole.skipped) == (set(whole.spikes) if skipped else set())
    with pytest.raises(KeyboardInterrupt):
        train(asked, world, tmp_path / "stopped", progress=StopAt(90 * 64))
    train(asked, world, tmp_path / "stopped")
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")


def test_attention_within_documents_reaches_the_model_and_resumes_in_the_same_bytes(world, tmp_path):
    """The tiny world's token 0 stands between documents."""
    asked = job(attention="within-documents")
    train(job(), world, tmp_path / "across")
    train(asked, world, tmp_path / "within")
    assert content(tmp_path / "within")["model.safetensors"] != content(tmp_path / "across")["model.safetensors"]
    with pytest.raises(KeyboardInterrupt):
        train(asked, world, tmp_path / "stopped", progress=StopAt(3 * 64))
    train(asked, world, tmp_path / "stopped")
    assert content(tmp_path / "stopped") == content(tmp_path / "within")
