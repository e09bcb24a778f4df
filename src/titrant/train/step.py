"""One optimizer step of a phase: gradients of the batch's mean loss, in as many processes as there are.

    for each micro-batch of this process's rows:   gradients += d (sum of nats / rows of the whole batch) / d weights
    sum over the processes, clip, set the planned learning rate, step

Until the optimizer's own step nothing of the phase has changed, so it may be left at any moment before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor

from titrant.errors import EngineError, StoreError
from titrant.model.language_model import LanguageModel
from titrant.tokens.batches import PhaseBatch
from titrant.train.phase import Phase
from titrant.train.together.sharding import add_up_gradients, clip


def take_step(phase: Phase, batch: PhaseBatch, report: Callable[[int], None], wish: float = 0.0) -> float:
    """Take one step on this process's rows of a batch; `report` is told the tokens done inside it.

    `wish` is a number whose sum over all processes comes back: with it the first process says what all are to do next.
    A step that the study says to leave out moves no weight and counts as done. Raises EngineError where it says to end.
    """
    job = phase.job
    loss = _accumulate_gradients(phase, batch, report)
    add_up_gradients(phase.model, phase.ranks)
    loss, wishes = phase.ranks.sum([loss, wish], phase.device)
    rate = job.phase.curve.rate_at(phase.step)
    norm = clip(phase.model, phase.ranks, job.optimizer.clip_norm)
    decision = phase.watcher.judge(phase.step, loss, norm, rate)
    if decision.kind == "stop":
        raise EngineError(decision.words)
    if decision.words and phase.ranks.first:
        phase.note(decision.words)
    if decision.kind == "skip":
        phase.optimizers.forget_gradients()
    else:
        phase.optimizers.step(rate)
        rate = phase.optimizers.rate()
    phase.tally.add(batch.sources, batch.indices)
    for name, value in (("loss", loss), ("gradient_norm", norm), ("learning_rate", rate)):
        phase.curves[name].append(value)
    phase.step += 1
    return wishes


def _accumulate_gradients(phase: Phase, batch: PhaseBatch, report: Callable[[int], None]) -> float:
    """Gradients of this process's part of the batch's mean loss, in the order of the rows; that part of the loss."""
    job, model = phase.job, phase.model
    if len(batch.tokens) and int(batch.tokens.max()) >= model.vocabulary:
        raise StoreError(
            f"the shards hold token {batch.tokens.max()} and the vocabulary ends at {model.vocabulary - 1}"
        )
    length, batch_rows, size = job.sequence_length, phase.batches.rows_per_batch, phase.portion.rows
    sharded = phase.ranks.layout == "sharded" and not phase.ranks.alone
    # sharded gradients become means over the processes, and each part of the loss weighs that much more
    rows = batch_rows * length / (phase.ranks.world if sharded else 1)
    most = -(-batch_rows // phase.ranks.world)
    total = torch.zeros((), device=phase.device)
    with contextlib.nullcontext() if sharded else model.holding_copies():
        for first in _firsts(len(batch.tokens), size, most if sharded else 0):
            if first:
                report(first * length)
            part = torch.from_numpy(batch.tokens[first : first + size]).to(phase.device, non_blocking=True)
            loss = _part_of_loss(model, part, length, rows)
            if sharded:
                cast(Any, model).set_requires_gradient_sync(first + size >= most)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
    return float(total) / (phase.ranks.world if sharded else 1)


def _part_of_loss(model: LanguageModel, part_BT: Tensor, length: int, rows: float) -> Tensor:
    """The rows' share of the batch's mean loss; for no rows, one of zeros that weighs nothing: gathering and scattering
    weights is something that all processes do together or not at all."""
    if len(part_BT):
        return model.loss(part_BT[:, :-1], part_BT[:, 1:], rows=rows)
    nothing = torch.zeros((1, length), dtype=torch.int64, device=part_BT.device)
    return model.loss(nothing, nothing, rows=rows) * 0


def _firsts(rows: int, size: int, most: int) -> Iterator[int]:
    """First row of each micro-batch; as many as the process with `most` rows has."""
    return iter(range(0, max(rows, most), size))
