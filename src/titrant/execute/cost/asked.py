"""How much a plan's train, evaluate and generate jobs are asked to do: their scale, bytes and items scored, FLOPs."""

from __future__ import annotations

from pathlib import Path

from titrant.jobs import EvaluateJob, GenerateJob, TrainJob
from titrant.plan import Job, Plan
from titrant.study.evaluation import MultipleChoice, Probe
from titrant.study.judging import PromptSet
from titrant.study.ladder import Scale

ON_GPU = ("train", "evaluate", "generate")
"""Kinds of jobs that take a GPU each where there is one."""

CHOICE_TOKENS = 150
"""Tokens read for one item of choices, where nothing was measured."""

BYTES_PER_TOKEN = 3.0
"""Where nothing was measured."""

TASK_ITEMS = 1000
"""Items of a task, or prompts, whose number is not declared: most have between 100 and 10,000."""

TASK_TOKENS = 200
"""Tokens read for one item of a task."""

PROBLEMS = {"humaneval": 164, "mbpp": 500}

DRAWN_FRACTION = 0.5
"""How much of the longest answer a model writes before it stops."""

DECODING = 6.0
"""Drawing a token takes as long as reading so many: each reads all weights for few rows."""


def scale_of(job: Job, plan: Plan) -> str | None:
    """The study's scale whose shape a train, evaluate or generate job has; None if none has it."""
    if job.kind not in ON_GPU:
        return None
    train = job if job.kind == "train" else plan.jobs[job.inputs["train"]]
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
    """FLOPs of an evaluate or generate job, by what an item and a byte are on the average."""
    asked = job.declaration
    if isinstance(asked, GenerateJob):
        return tokens_drawn(asked) * DECODING * forward_flops(job, plan)
    assert isinstance(asked, EvaluateJob)
    items = sum(items_of(probe, asked) for probe in asked.probes) + sum(map(lines_of, asked.multiple_choice))
    tokens = bytes_scored(job, plan) / BYTES_PER_TOKEN + items * CHOICE_TOKENS + items_of_tasks(asked) * TASK_TOKENS
    return tokens * forward_flops(job, plan)


def items_of_tasks(asked: EvaluateJob) -> int:
    """Items of the harness's tasks."""
    return sum(task.items or TASK_ITEMS for task in asked.tasks)


def tokens_drawn(asked: GenerateJob) -> float:
    """Tokens that a generate job may write."""
    code = [(task.items or PROBLEMS.get(task.name, TASK_ITEMS), task.sampling) for task in asked.code]
    prompts = [(prompts_in(prompts), prompts.sampling) for prompts in asked.judging]
    return sum(count * s.samples * s.max_tokens * DRAWN_FRACTION for count, s in (*code, *prompts))


def prompts_in(prompts: PromptSet) -> int:
    """How many prompts are answered: those of a local file, no more than are asked for."""
    files = prompts.prompts.files if prompts.prompts is not None else None
    there = [_lines(Path(file)) for split, file in (files or {}).items() if split != "train"]
    return min([count for count in (prompts.items, *there) if count] or [TASK_ITEMS])


def forward_flops(job: Job, plan: Plan) -> float:
    """FLOPs of reading one token, of the model that a job scores or asks."""
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
    return _lines(Path(task.file))


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:
        return 0
