"""Train one phase of one run: open its batches, set up weights and optimizer, take its steps, write its checkpoint.

    for each step:   gradients = sum over micro-batches of d loss / d weights
                     clip, set the planned learning rate, step
                     now and then: a milestone, a snapshot to resume from

The result is a pure function of the job and its inputs, to the bit on a CPU. Micro-batches are the engine's choice and
no part of the science; their size is a function of the job and the kind of device, and their gradients are summed in
the order of the rows, so they too are the same in every attempt. A phase that is killed at any moment goes on from its
last snapshot and ends in the same bytes; a phase that is forked from a shared trunk sees what it would have seen alone.

In several processes (`ranks`) each computes its rows of every batch: the order of the data, the ledger and the curve of
learning rates are those of one process, and the losses are too, but for the rounding of sums taken in another order.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from torch._dynamo.exc import TorchDynamoException

from titrant.artifacts import Checkpoint, TokenizerFile
from titrant.errors import EngineError
from titrant.jobs import Progress, TrainJob
from titrant.model.language_model import LanguageModel
from titrant.settings import seconds
from titrant.tokens.batches import PhaseBatch
from titrant.train.checkpoint import milestone_file, write_tensors
from titrant.train.compiled import COMPILE
from titrant.train.finish import finish
from titrant.train.memory import explaining_shortage
from titrant.train.phase import Phase
from titrant.train.snapshot import Snapshots
from titrant.train.start import begin, open_batches
from titrant.train.step import take_step
from titrant.train.tally import Tally
from titrant.train.together.ranks import ALONE, Ranks
from titrant.train.together.sharding import whole_tensor
from titrant.train.watching.prefetch import Prefetcher
from titrant.train.watching.rate import Rate, peak_of
from titrant.train.watching.sinks import Tracked
from titrant.train.watching.trackers import Trackers, open_trackers

AtMilestone = Callable[[int, LanguageModel], None]
"""Called with the step and the model when a milestone's weights have been kept; must not change the model."""

CHECKPOINT_SECONDS = "TITRANT_CHECKPOINT_SECONDS"
"""Environment variable: seconds between two snapshots. By default 30, or more where taking one holds training up for
more than a hundredth of that. No result depends on it."""

STALL_FRACTION = 0.01
"""Of the time, what snapshots may hold training up."""


def train_phase(
    job: TrainJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path,
    progress: Progress,
    at_milestone: AtMilestone | None = None,
    ranks: Ranks = ALONE,
) -> Checkpoint:
    """Train a phase and write its checkpoint to `out`; see `Checkpoint` for the files.

    Resumes from `scratch` if it holds a snapshot of this job. When `progress` raises KeyboardInterrupt a snapshot is
    saved first. Raises StudyError or StoreError if the data or the start are not what the job says (before the first
    step), EngineError if the loss or a gradient is not finite, if memory runs out, or if the model cannot be compiled.
    All of `ranks` call it with the same arguments; the first one reports, and writes what is written once.
    """
    previous = Checkpoint.read(inputs["previous"]) if "previous" in inputs else None
    tokenizer = TokenizerFile.read(inputs["tokenizer"])
    batches = open_batches(job, inputs, tokenizer, previous)
    drawn = batches.prove_relation()
    note = _noting(progress, job.phase.steps * job.global_batch_tokens)
    phase = begin(job, inputs, tokenizer, batches, ranks, note)
    snapshots = Snapshots(scratch, ranks)
    phase.resume(snapshots)
    with (
        contextlib.closing(_trackers(phase)) as trackers,
        _loader(phase, inputs) as loader,
        explaining_shortage(job, phase.portion, tokenizer.vocabulary, ranks.world, phase.device),
    ):
        _train(phase, loader, snapshots, _Telling(phase, progress, trackers), at_milestone)
    snapshots.wait()
    print(
        f"waited {loader.waited_seconds:.2f} s for data and {snapshots.stalled_seconds:.2f} s for snapshots",
        flush=True,
    )
    Tally(batches.sources, phase.standing().counts).check(batches.drawn_indices())
    _check_curve(phase)
    return finish(phase, out, scratch, previous, drawn)


def milestone_steps(steps: int, milestones: int) -> tuple[int, ...]:
    """Steps after which weights are kept: evenly spaced, the end not among them; fewer if there are not so many.

    >>> milestone_steps(100, 3), milestone_steps(2, 5), milestone_steps(10, 0)
    ((25, 50, 75), (1,), ())
    """
    spaced = {steps * number // (milestones + 1) for number in range(1, milestones + 1)}
    return tuple(sorted(spaced - {0, steps}))


def _train(
    phase: Phase,
    loader: Prefetcher[PhaseBatch],
    snapshots: Snapshots,
    tell: _Telling,
    at_milestone: AtMilestone | None,
) -> None:
    job = phase.job
    wanted = milestone_steps(job.phase.steps, job.milestones)
    clock = _SnapshotClock(snapshots)
    while phase.step < job.phase.steps:
        try:
            batch = loader.take(tell)
            wishes = take_step(phase, batch, tell, _wish(phase, clock))
            if phase.step in wanted:
                _keep_milestone(phase, snapshots.scratch)
                if at_milestone is not None:
                    at_milestone(phase.step, phase.model)
            tell.step()
        except _Stopped:
            _stop(phase, snapshots)
        except TorchDynamoException as error:
            raise EngineError(
                f"the model cannot be compiled here ({str(error).strip().splitlines()[0]}); mend the C++ compiler, or "
                f"set {COMPILE}=0 to train with eager code"
            ) from error
        if wishes >= _STOP:
            _stop(phase, snapshots)
        if wishes >= _SNAPSHOT and phase.step < job.phase.steps:
            snapshots.save(phase.standing(), phase.tensors())
            clock.begin()


class _Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """`progress` asked to stop, at a place where weights and optimizer belong together."""


_SNAPSHOT, _STOP = 1.0, 2.0
"""What the first process may wish for, added up over all: the others wish for nothing."""


def _wish(phase: Phase, clock: _SnapshotClock) -> float:
    """What all processes are to do once the step is taken."""
    if not phase.ranks.first:
        return 0.0
    return _STOP if phase.stopping else _SNAPSHOT if clock.due() else 0.0


class _SnapshotClock:
    """Says when the next snapshot is due. It counts seconds since the last one, whatever the time of day is."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._asked = seconds(CHECKPOINT_SECONDS, -1.0)
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.monotonic()

    def due(self) -> bool:
        """Whether it is time, and the last one is whole."""
        stall = self._snapshots.last_stall_seconds / STALL_FRACTION
        due = self._asked if self._asked >= 0 else max(30.0, stall)
        return time.monotonic() - self._began >= due and not self._snapshots.busy


def _stop(phase: Phase, snapshots: Snapshots) -> None:
    """Save where it stands and end."""
    snapshots.save(phase.standing(), phase.tensors())
    snapshots.wait()
    raise KeyboardInterrupt


class _Telling:
    """Tells how far it is, how fast, and what the loss is. Alone, a wish to stop is heard at once; among others, when
    all have taken the step."""

    def __init__(self, phase: Phase, progress: Progress, trackers: Trackers) -> None:
        job, peak = phase.job, peak_of(phase.device, phase.job.precision)
        self._phase, self._progress, self._trackers = phase, progress, trackers
        self._total = job.phase.steps * job.global_batch_tokens
        self._rate = Rate(
            flops_per_token=job.architecture.flops_per_token(phase.model.vocabulary, job.sequence_length),
            peak_flops=peak * phase.ranks.world if peak else None,
            total_tokens=self._total,
        )
        self._rate.update(phase.step * job.global_batch_tokens)

    def step(self) -> None:
        """A step has been taken."""
        phase = self._phase
        if phase.ranks.first:
            tokens = phase.step * phase.job.global_batch_tokens
            self._rate.update(tokens)
            last = {name: values[-1] for name, values in phase.curves.items()}
            speed, mfu = self._rate.tokens_per_second, self._rate.mfu
            self._trackers.log(phase.step, tokens=tokens, tokens_per_second=speed, mfu=mfu, **last)
        self()

    def __call__(self, tokens_of_step: int = 0) -> None:
        """So many tokens of this process's part of the step under way are done, all of those before it."""
        phase = self._phase
        if not phase.ranks.first:
            return
        done = phase.step * phase.job.global_batch_tokens + tokens_of_step * phase.ranks.world
        losses = phase.curves["loss"]
        try:
            self._progress(done, self._total, "tokens", self._rate.note(losses[-1] if losses else None))
        except KeyboardInterrupt:
            if phase.ranks.alone:
                raise _Stopped from None
            phase.stopping = True


def _trackers(phase: Phase) -> Trackers:
    """What the environment names, in the first process; in the others none."""
    return open_trackers(phase.note) if phase.ranks.first else Trackers((), Tracked("", Path()), phase.note)


def _loader(phase: Phase, inputs: Mapping[str, Path]) -> Prefetcher[PhaseBatch]:
    """This process's rows of every batch that is left, made while the step before is computed."""
    ranks = phase.ranks
    return Prefetcher(
        lambda step: phase.batches.rows(step, ranks.rank, ranks.world),
        phase.step,
        phase.job.phase.steps,
        sources=phase.batches.sources,
        files=[inputs[f"tokens/{source}"] for source in phase.batches.sources],
        note=phase.note,
    )


def _keep_milestone(phase: Phase, scratch: Path) -> None:
    weights = {name: whole_tensor(weight) for name, weight in phase.model.named_parameters()}
    if phase.ranks.first:
        phase.milestones[phase.step] = write_tensors(weights, milestone_file(scratch, phase.step))
    phase.ranks.wait_for_disk()


def _check_curve(phase: Phase) -> None:
    planned = [phase.job.phase.curve.rate_at(step) for step in range(phase.job.phase.steps)]
    if phase.curves["learning_rate"] != planned:
        raise EngineError("the learning rates used are not the planned ones. This is a bug; please report it")


def _noting(progress: Progress, total: int) -> Callable[[str], None]:
    def note(words: str) -> None:
        print(words, file=sys.stderr, flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # heard again where weights and optimizer belong together
            progress(0, total, "tokens", words)

    return note
