"""Train one phase of one run: open its batches, set up weights and optimizer, take its steps, write its checkpoint.

    for each step:   gradients = sum over micro-batches of d loss / d weights
                     clip, set the planned learning rate, step
                     now and then: a milestone, a snapshot to resume from

The result is a pure function of the job and its inputs, to the bit on a CPU. Micro-batches are the engine's choice and
no part of the science; their size is a function of the job and the kind of device, and their gradients are summed in
the order of the rows, so they too are the same in every attempt. A phase that is killed at any moment goes on from its
last snapshot and ends in the same bytes; a phase that is forked from a shared trunk sees what it would have seen alone.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from blake3 import blake3
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from titrant.artifacts import Checkpoint, TokenizerFile, TokenShards
from titrant.errors import EngineError, StoreError, StudyError
from titrant.jobs import Progress, TrainJob
from titrant.model.device import pick_device
from titrant.model.transformer import Transformer
from titrant.model.weights import read_weights
from titrant.study.phase import FromCheckpoint
from titrant.study.world import content_of_folder
from titrant.tokens.batches import PhaseBatch, PhaseBatches
from titrant.tokens.relation import partition_of
from titrant.tokens.shards import TokenShard, open_shard
from titrant.train.checkpoint import Snapshot, hash_of, load_snapshot, milestone_file, save_snapshot, write_tensors
from titrant.train.compiled import COMPILE, Code, choose_code
from titrant.train.optimizer import clip_gradients, make_optimizer, rate_of, read_state, set_rate, write_state
from titrant.train.tally import Tally

AtMilestone = Callable[[int, Transformer], None]
"""Called with the step and the model when a milestone's weights have been kept; must not change the model."""

CHECKPOINT_SECONDS = "TITRANT_CHECKPOINT_SECONDS"
"""Environment variable: seconds between two snapshots, 30 by default. No result depends on it."""

MICRO_BATCH_TOKENS = {"cpu": 8_192, "cuda": 32_768}


def train_phase(
    job: TrainJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path,
    progress: Progress,
    at_milestone: AtMilestone | None = None,
) -> Checkpoint:
    """Train a phase and write its checkpoint to `out`; see `Checkpoint` for the files.

    Resumes from `scratch` if it holds a snapshot of this job. When `progress` raises KeyboardInterrupt a snapshot is
    saved first. Raises StudyError or StoreError if the data or the start are not what the job says (before the first
    step), EngineError if the loss or a gradient is not finite, or if the model cannot be compiled.
    """
    previous = Checkpoint.read(inputs["previous"]) if "previous" in inputs else None
    tokenizer = TokenizerFile.read(inputs["tokenizer"])
    batches = _open_batches(job, inputs, tokenizer, previous)
    drawn = batches.prove_relation()
    note = _noting(progress, job.phase.steps * job.global_batch_tokens)
    phase = _start(job, inputs, tokenizer.vocabulary, batches, note)
    phase.resume(load_snapshot(scratch, phase.digest, note))
    _train(phase, scratch, progress, at_milestone)
    phase.tally.check(batches.drawn_indices())
    _check_curve(phase)
    return _write(phase, out, scratch, previous, drawn)


@dataclass
class _Phase:
    """A phase under way."""

    job: TrainJob
    digest: str
    model: Transformer
    optimizer: torch.optim.Optimizer
    batches: PhaseBatches
    device: torch.device
    code: Code
    tally: Tally
    step: int = 0
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    milestones: dict[int, str] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        tensors = {f"weights/{name}": weights for name, weights in self.model.state_dict().items()}
        tensors |= {f"optimizer/{name}": value for name, value in read_state(self.model, self.optimizer).items()}
        for name in ("loss", "learning_rate", "gradient_norm"):
            tensors[f"curve/{name}"] = torch.tensor(getattr(self, name), dtype=torch.float64)
        return Snapshot(self.digest, self.step, tensors, self.tally.counts, self.milestones)

    def resume(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "optimizer": {}, "curve": {}}
        for name, tensor in snapshot.tensors.items():
            part, _, inner = name.partition("/")
            parts[part][inner] = tensor
        self.model.load_state_dict(parts["weights"])
        write_state(self.model, self.optimizer, parts["optimizer"])
        for name, values in parts["curve"].items():
            setattr(self, name, values.tolist())
        self.step, self.milestones = snapshot.step, dict(snapshot.milestones)
        self.tally = Tally(self.batches.sources, snapshot.counts)


def milestone_steps(steps: int, milestones: int) -> tuple[int, ...]:
    """Steps after which weights are kept: evenly spaced, the end not among them; fewer if there are not so many.

    >>> milestone_steps(100, 3), milestone_steps(2, 5), milestone_steps(10, 0)
    ((25, 50, 75), (1,), ())
    """
    spaced = {steps * number // (milestones + 1) for number in range(1, milestones + 1)}
    return tuple(sorted(spaced - {0, steps}))


def _open_batches(
    job: TrainJob, inputs: Mapping[str, Path], tokenizer: TokenizerFile, previous: Checkpoint | None
) -> PhaseBatches:
    partition = partition_of(job.phase.data)
    shards: dict[str, TokenShard] = {}
    for source in sorted(job.phase.shares):
        folder = inputs[f"tokens/{source}"]
        if partition not in TokenShards.read(folder).shards:
            continue  # the batches say what is missing, and why it is needed
        shards[source] = open_shard(folder, partition)
        if shards[source].tokenizer != tokenizer.content:
            raise StoreError(
                f"source '{source}' was encoded with tokenizer {shards[source].tokenizer[:12]} and the run has "
                f"{tokenizer.content[:12]}; delete {folder} and run again"
            )
    batches = PhaseBatches(
        shards,
        job.phase,
        previous.cursors if previous else {},
        seed=job.seed,
        sequence_length=job.sequence_length,
        global_batch_tokens=job.global_batch_tokens,
        drawn_before=previous.drawn_sequences if previous else {},
    )
    if previous:
        batches.check_previous(previous.ledger, previous.drawn)
    return batches


def _start(
    job: TrainJob,
    inputs: Mapping[str, Path],
    vocabulary: int,
    batches: PhaseBatches,
    note: Callable[[str], None],
) -> _Phase:
    """Weights and optimizer as they stand at the start of the phase."""
    device = pick_device()
    model = Transformer(job.architecture, vocabulary, job.precision)
    if job.phase.initialisation == "scratch":
        model.initialise(job.seed)
    elif job.phase.checkpoint is not None:
        model.load_state_dict(_outside_weights(job.phase.checkpoint, job, vocabulary))
    else:
        _load(model, inputs["previous"] / "model.safetensors")
    model.to(device)
    optimizer = make_optimizer(model, job.optimizer)
    if job.phase.optimizer_state == "carried":
        write_state(model, optimizer, read_weights(inputs["previous"] / "optimizer.safetensors"))
    code = choose_code(job, vocabulary, device, note)
    if code == "compiled":
        model.compile_blocks()
    return _Phase(
        job=job,
        digest=_digest(job, vocabulary, device) + " by compiled code" * (code == "compiled"),
        model=model,
        optimizer=optimizer,
        batches=batches,
        device=device,
        code=code,
        tally=Tally(batches.sources),
    )


def _digest(job: TrainJob, vocabulary: int, device: torch.device) -> str:
    """Whose snapshots may be gone on from: those of the same job whose steps were computed in the same arithmetic.

    The kind of machine stands in plain words at the end: `... on NVIDIA H100 with torch 2.9.1`.
    """
    declared = blake3(f"{job.model_dump_json()}|{vocabulary}".encode()).hexdigest()
    machine = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({torch.backends.cpu.get_cpu_capability()})"
    )
    return f"{declared} on {machine} with torch {torch.__version__}"


def _outside_weights(pinned: FromCheckpoint, job: TrainJob, vocabulary: int) -> dict[str, Tensor]:
    from titrant.model.hugging_face import import_checkpoint  # transformers takes seconds to import: only here

    folder = Path(pinned.checkpoint)
    if pinned.content is not None and content_of_folder(folder) != pinned.content:
        raise StudyError(f"the checkpoint in {folder} changed since the run was planned; restore it, or plan anew")
    return import_checkpoint(folder, job.architecture, vocabulary)


def _load(model: Transformer, file: Path) -> None:
    try:
        model.load_state_dict(read_weights(file))
    except RuntimeError as error:
        raise StoreError(f"{file} holds another model: {str(error).splitlines()[-1].strip()}") from None


def _train(phase: _Phase, scratch: Path, progress: Progress, at_milestone: AtMilestone | None) -> None:
    job, seconds = phase.job, float(os.environ.get(CHECKPOINT_SECONDS, "30"))
    wanted = milestone_steps(job.phase.steps, job.milestones)
    saved_at = time.monotonic()
    while phase.step < job.phase.steps:
        try:
            _take_step(phase, progress)
            if phase.step in wanted:
                file = milestone_file(scratch, phase.step)
                phase.milestones[phase.step] = write_tensors(phase.model.state_dict(), file)
                if at_milestone is not None:
                    at_milestone(phase.step, phase.model)
            _report(phase, progress)
        except _Stopped:
            save_snapshot(phase.snapshot(), scratch)
            raise KeyboardInterrupt from None
        except TorchDynamoException as error:
            raise EngineError(
                f"the model cannot be compiled here ({str(error).strip().splitlines()[0]}); mend the C++ compiler, or "
                f"set {COMPILE}=0 to train with eager code"
            ) from error
        if time.monotonic() - saved_at >= seconds and phase.step < job.phase.steps:
            save_snapshot(phase.snapshot(), scratch)
            saved_at = time.monotonic()


class _Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """`progress` asked to stop, at a place where weights and optimizer belong together."""


def _report(phase: _Phase, progress: Progress, micro_batch_tokens: int = 0) -> None:
    job = phase.job
    done = phase.step * job.global_batch_tokens + micro_batch_tokens
    note = f"loss {phase.loss[-1]:.3f}" if phase.loss else ""
    try:
        progress(done, job.phase.steps * job.global_batch_tokens, "tokens", note)
    except KeyboardInterrupt:
        raise _Stopped from None


def _take_step(phase: _Phase, progress: Progress) -> None:
    """One optimizer step. Until the optimizer's own step nothing of the phase has changed, so it may be left."""
    job, model = phase.job, phase.model
    batch = phase.batches.batch(phase.step)
    loss = _accumulate_gradients(phase, batch, progress)
    rate = job.phase.curve.rate_at(phase.step)
    norm = float(clip_gradients(model, job.optimizer.clip_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise EngineError(
            f"loss is not finite at step {phase.step + 1} of {job.phase.steps} (loss {loss}, gradient norm {norm}, "
            f"learning rate {rate:.3g}); lower the learning rate (scales: learning_rate) or warm up for longer"
        )
    set_rate(phase.optimizer, rate)
    phase.optimizer.step()
    phase.optimizer.zero_grad()
    phase.tally.add(batch.sources, batch.indices)
    phase.loss.append(loss)
    phase.gradient_norm.append(norm)
    phase.learning_rate.append(rate_of(phase.optimizer))
    phase.step += 1


def _accumulate_gradients(phase: _Phase, batch: PhaseBatch, progress: Progress) -> float:
    """Gradients of the batch's mean loss, summed over micro-batches in the order of the rows; the mean loss."""
    job, model = phase.job, phase.model
    if int(batch.tokens.max()) >= model.vocabulary:
        raise StoreError(
            f"the shards hold token {batch.tokens.max()} and the vocabulary ends at {model.vocabulary - 1}"
        )
    rows, length = len(batch.tokens), job.sequence_length
    micro_batch = max(1, MICRO_BATCH_TOKENS[phase.device.type] // length)
    loss = torch.zeros((), device=phase.device)
    with model.holding_copies():
        for first in range(0, rows, micro_batch):
            if first:
                _report(phase, progress, first * length)
            tokens = torch.from_numpy(batch.tokens[first : first + micro_batch]).to(phase.device)
            part = model.loss(tokens[:, :-1], tokens[:, 1:], rows=rows * length)
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.detach()
    return float(loss)


def _check_curve(phase: _Phase) -> None:
    planned = [phase.job.phase.curve.rate_at(step) for step in range(phase.job.phase.steps)]
    if phase.learning_rate != planned:
        raise EngineError("the learning rates used are not the planned ones. This is a bug; please report it")


def _write(
    phase: _Phase, out: Path, scratch: Path, previous: Checkpoint | None, drawn: Mapping[str, str]
) -> Checkpoint:
    job = phase.job
    before, batch = previous.total_tokens if previous else 0, job.global_batch_tokens
    write_tensors(phase.model.state_dict(), out / "model.safetensors")
    write_tensors(read_state(phase.model, phase.optimizer), out / "optimizer.safetensors")
    (out / "milestones").mkdir()
    for step, digest in sorted(phase.milestones.items()):
        file = out / "milestones" / f"{step}.safetensors"
        shutil.copyfile(milestone_file(scratch, step), file)
        if hash_of(file) != digest:
            raise StoreError(f"{milestone_file(scratch, step)} changed while it waited; delete {scratch} and run again")
    steps = np.arange(1, job.phase.steps + 1, dtype=np.int64)
    curve = {
        "step": steps,
        "tokens": before + steps * batch,
        "loss": np.asarray(phase.loss, dtype=np.float32),
        "learning_rate": np.asarray(phase.learning_rate, dtype=np.float64),
        "gradient_norm": np.asarray(phase.gradient_norm, dtype=np.float32),
    }
    pq.write_table(pa.table(curve), out / "curve.parquet", compression="zstd")
    non_embedding, embedding = job.architecture.count_parameters(phase.model.vocabulary)
    return Checkpoint(
        steps=job.phase.steps,
        tokens=job.phase.steps * batch,
        total_tokens=before + job.phase.steps * batch,
        final_loss=float(np.mean(phase.loss[-max(1, job.phase.steps // 10) :])),
        parameters=non_embedding + embedding,
        non_embedding_parameters=non_embedding,
        ledger=phase.batches.ledger_rows(),
        cursors=phase.batches.cursors_after(),
        drawn_sequences=phase.batches.drawn_after(),
        drawn=dict(drawn),
        milestones=tuple(sorted(phase.milestones)),
        code=phase.code,
    )


def _noting(progress: Progress, total: int) -> Callable[[str], None]:
    def note(words: str) -> None:
        print(words, file=sys.stderr, flush=True)
        progress(0, total, "tokens", words)

    return note
