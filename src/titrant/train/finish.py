"""The end of a phase: its checkpoint as files, whoever held the parts."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from titrant.artifacts import Checkpoint
from titrant.errors import EngineError, StoreError
from titrant.model.build import write_config
from titrant.train.checkpoint import hash_of, milestone_file, write_tensors
from titrant.train.optimizer import whole_state
from titrant.train.phase import Phase
from titrant.train.together.sharding import whole_tensor


def finish(phase: Phase, out: Path, scratch: Path, previous: Checkpoint | None, drawn: Mapping[str, str]) -> Checkpoint:
    """Write weights, optimizer state, milestones and curves to `out`, and say what they are. All processes call it."""
    job, steps = phase.job, phase.job.phase.steps
    before, batch = previous.total_tokens if previous else 0, job.global_batch_tokens
    weights = {name: whole_tensor(weight) for name, weight in phase.model.named_parameters()}
    moments = {name: whole_tensor(moment) for name, moment in phase.optimizers.moments().items()}
    if phase.ranks.first:
        _write(phase, out, scratch, weights, moments)
        _write_curves(phase, out, before)
        write_config(phase.model, out)
    phase.ranks.wait_for_disk()
    non_embedding, embedding = job.architecture.count_parameters(phase.model.vocabulary)
    return Checkpoint(
        steps=steps,
        tokens=steps * batch,
        total_tokens=before + steps * batch,
        final_loss=_mean_of_finite(phase.curves["loss"][-max(1, steps // 10) :]),
        parameters=non_embedding + embedding,
        non_embedding_parameters=non_embedding,
        ledger=phase.batches.ledger_rows(),
        cursors=phase.batches.cursors_after(),
        drawn_sequences=phase.batches.drawn_after(),
        drawn=dict(drawn),
        milestones=tuple(sorted(phase.milestones)),
        code=phase.code,
        processes=phase.processes,
        portions=phase.portions,
        spikes=tuple(phase.watcher.spikes),
        skipped=tuple(phase.watcher.skipped),
    )


def _mean_of_finite(losses: list[float]) -> float:
    """Losses of skipped steps may be no numbers; all of them are only if none of the last steps was taken."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        raise EngineError(
            f"none of the last {len(losses)} losses is finite; lower the learning rate (scales: learning_rate)"
        )
    return float(np.mean(finite))


def _write(
    phase: Phase, out: Path, scratch: Path, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor]
) -> None:
    write_tensors(weights, out / "model.safetensors")
    write_tensors(whole_state(moments, phase.optimizers.steps), out / "optimizer.safetensors")
    (out / "milestones").mkdir()
    for step, digest in sorted(phase.milestones.items()):
        file = out / "milestones" / f"{step}.safetensors"
        shutil.copyfile(milestone_file(scratch, step), file)
        if hash_of(file) != digest:
            raise StoreError(f"{milestone_file(scratch, step)} changed while it waited; delete {scratch} and run again")


def _write_curves(phase: Phase, out: Path, before: int) -> None:
    steps = np.arange(1, phase.job.phase.steps + 1, dtype=np.int64)
    curves = {
        "step": steps,
        "tokens": before + steps * phase.job.global_batch_tokens,
        "loss": np.asarray(phase.curves["loss"], dtype=np.float32),
        "learning_rate": np.asarray(phase.curves["learning_rate"], dtype=np.float64),
        "gradient_norm": np.asarray(phase.curves["gradient_norm"], dtype=np.float32),
    }
    pq.write_table(pa.table(curves), out / "curve.parquet", compression="zstd")
