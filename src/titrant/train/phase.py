"""A phase under way: the job, the model and its optimizers, and what was measured so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from titrant.jobs import TrainJob
from titrant.model.language_model import LanguageModel
from titrant.tokens.batches import PhaseBatches
from titrant.train.compiled import Code
from titrant.train.memory import Portion
from titrant.train.optimizer import Optimizers
from titrant.train.snapshot import Snapshots, Standing
from titrant.train.tally import Tally
from titrant.train.together.ranks import Ranks
from titrant.train.watching.faults import Watcher

CURVES = ("loss", "learning_rate", "gradient_norm")
"""What is kept of every step."""


@dataclass
class Phase:
    """Everything that changes while a phase is trained, in one process of `ranks`."""

    job: TrainJob
    digest: str
    """Whose snapshots may be gone on from."""
    model: LanguageModel
    optimizers: Optimizers
    batches: PhaseBatches
    device: torch.device
    code: Code
    ranks: Ranks
    portion: Portion
    tally: Tally
    note: Callable[[str], None]
    watcher: Watcher
    step: int = 0
    curves: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CURVES})
    milestones: dict[int, str] = field(default_factory=dict)
    processes: tuple[int, ...] = ()
    portions: tuple[str, ...] = ()
    stopping: bool = False
    """Whether the first process was asked to stop."""

    def __post_init__(self) -> None:
        self._count_in(())

    def _count_in(self, before: tuple[tuple[int, ...], tuple[str, ...]] | tuple[()]) -> None:
        """Who computes now, and how sums are cut, beside what a snapshot says of before."""
        processes, portions = before or ((), ())
        self.processes = tuple(sorted({*processes, self.ranks.world}))
        threads = torch.get_num_threads() if self.device.type == "cpu" else 0
        self.portions = tuple(sorted({*portions, _in_words(self.ranks, self.portion.rows, threads)}))

    def tensors(self) -> dict[str, Tensor]:
        """Weights, moments and curves by name: the live tensors, of which a snapshot is taken or made."""
        found = {f"weights/{name}": weight.detach() for name, weight in self.model.named_parameters()}
        found |= {f"optimizer/{name}": moment for name, moment in self.optimizers.moments().items()}
        rows = [self.curves[name] for name in CURVES]
        found["curves"] = torch.tensor(rows, dtype=torch.float64).reshape(len(CURVES), -1)
        return found

    def standing(self) -> Standing:
        """Where it stands, beside the tensors. All processes ask at the same step."""
        names = sorted(self.tally.counts)
        summed = self.ranks.sum_integers([self.tally.counts[name] for name in names])
        return Standing(
            job=self.digest,
            step=self.step,
            counts=dict(zip(names, summed, strict=True)),
            milestones=dict(self.milestones),
            optimizer_steps=self.optimizers.steps,
            processes=self.processes,
            portions=self.portions,
        )

    def resume(self, snapshots: Snapshots) -> None:
        """Take up where the newest snapshot stands, if there is one. All processes call it."""
        tensors = self.tensors()

        def into(standing: Standing) -> dict[str, Tensor]:
            tensors["curves"] = torch.empty((len(CURVES), standing.step), dtype=torch.float64)
            return tensors

        standing = snapshots.load(self.digest, self.note, into)
        if standing is not None:
            self._go_on_from(standing, tensors["curves"])

    def _go_on_from(self, standing: Standing, curves: Tensor) -> None:
        self.step, self.milestones = standing.step, dict(standing.milestones)
        self.curves = dict(zip(CURVES, curves.tolist(), strict=True))
        self.optimizers.count_from(standing.optimizer_steps)
        # one process goes on with what all had counted
        self.tally = Tally(self.batches.sources, standing.counts if self.ranks.first else None)
        self._count_in((standing.processes, standing.portions))
        self.watcher = Watcher(self.job.faults, self.job.phase.steps, self.curves["loss"], self.curves["gradient_norm"])


def _in_words(ranks: Ranks, rows: int, threads: int) -> str:
    """How sums are cut: what last bits depend on beside the kind of machine.

    >>> _in_words(Ranks(), 16, 1)
    '1 process, 1 thread, 16 rows at once'
    """
    parts = [f"{ranks.world} process" + ("" if ranks.alone else f"es, {ranks.layout}")]
    parts += [f"{threads} thread{'s' * (threads > 1)}"] if threads else []
    return ", ".join([*parts, f"{rows} row{'s' * (rows > 1)} at once"])
