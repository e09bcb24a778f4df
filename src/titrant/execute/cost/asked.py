"""How much a plan's train and evaluate jobs are asked to do: whose scale they are, bytes and items scored, FLOPs."""

from __future__ import annotations

from pathlib import Path

from titrant.jobs import EvaluateJob, TrainJob
from titrant.plan import Job, Plan
from titrant.study.evaluation import MultipleChoice, Probe
from titrant.study.ladder import Scale

ON_GPU = ("train", "evaluate")
"""Kinds of jobs that take a GPU each where there is one."""

CHOICE_TOKENS = 150
"""Tokens read for one item of choices, where nothing was measured."""

BYTES_PER_TOKEN = 3.0
"""Where nothing was measured."""


def scale_of(job: Job, plan: Plan) -> str | None:
    """The study's scale whose shape a train or evaluate job has; None if none has it."""
    train = plan.jobs[job.inputs["train"]] if job.kind == "evaluate" else job
    asked = train.declaration
    if not isinstance(asked, TrainJob):
        return None

    def fits(scale: Scale) -> bool:
        return (asked.architecture, asked.sequence_length, asked.global_batch_tokens, asked.precision) == (
            scale.architecture,
            scale.sequence_length,
            scale.global_batch_tokens,
            scale.precision,
        ) and asked.attention == scale.attention

    return next((name for name, scale in plan.study.scales.items() if fits(scale)), None)


def items_of(probe: Probe, job: EvaluateJob) -> int:
    """Items that a probe asks for."""
    if probe.name == "planted-facts":
        return sum(plant.facts_per_rung * len(plant.copies) for plant in job.planted.values())
    return len(probe.rungs) * probe.items_per_rung


def evaluation_flops(job: Job, plan: Plan) -> float:
    """FLOPs of an evaluate job, by what an item and a byte are on the average."""
    asked = job.declaration
    assert isinstance(asked, EvaluateJob)
    items = sum(items_of(probe, asked) for probe in asked.probes) + sum(map(lines_of, asked.multiple_choice))
    tokens = bytes_scored(job, plan) / BYTES_PER_TOKEN + items * CHOICE_TOKENS
    return tokens * forward_flops(job, plan)


def forward_flops(job: Job, plan: Plan) -> float:
    """FLOPs of reading one token, of the model that an evaluate job scores."""
    train = plan.jobs[job.inputs["train"]]
    return train.flops / max(train.tokens, 1) / 3


def bytes_scored(job: Job, plan: Plan) -> float:
    """Held-out bytes that are scored at the end and at milestones, all sources together."""
    asked, train = job.declaration, plan.jobs[job.inputs["train"]].declaration
    assert isinstance(asked, EvaluateJob)
    assert isinstance(train, TrainJob)
    checks = min(train.milestones, max(train.phase.steps - 1, 0)) if asked.check_bytes_per_source else 0
    checks += asked.check_bytes_per_source > asked.bytes_per_source
    each = asked.bytes_per_source + checks * asked.check_bytes_per_source
    return float(len(asked.bits_per_byte_sources) * each)


def lines_of(task: MultipleChoice) -> int:
    """Items of a task's file; 0 where it cannot be read."""
    try:
        with Path(task.file).open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:
        return 0
