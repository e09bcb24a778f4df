"""What is asked of models, as jobs say it: a study's evaluation without what only judges scores.

Margins judge scores and make none: findings have them, and here each stands at its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from titrant.jobs import BenchmarksJob, EvaluateJob, GenerateJob, JudgeJob
from titrant.study.contrast import Contrast
from titrant.study.evaluation import MultipleChoice, Probe
from titrant.study.study import Study
from titrant.study.tasks import CodeTask, Task

WithMargin = TypeVar("WithMargin", Probe, MultipleChoice, Task, CodeTask)


def asked_of_models(study: Study, *, in_full: bool) -> EvaluateJob:
    """All that is asked at the end of an arm, or bits per byte at milestones alone."""
    evaluation = study.evaluation
    probes = evaluation.probes if in_full else ()
    asks_for_facts = any(probe.name == "planted-facts" for probe in probes)
    return EvaluateJob(
        bits_per_byte_sources=evaluation.bits_per_byte.sources or tuple(study.sources),
        bytes_per_source=evaluation.bits_per_byte.bytes_per_source if in_full else 0,
        check_bytes_per_source=evaluation.check_bytes_per_source,
        probes=_without_margins(probes),
        multiple_choice=_without_margins(evaluation.multiple_choice) if in_full else (),
        planted={
            name: source.plant for name, source in study.sources.items() if source.plant is not None and asks_for_facts
        },
        tasks=_without_margins(evaluation.all_tasks) if in_full else (),
    )


def benchmarks_asked(study: Study) -> BenchmarksJob:
    """All whose data lie elsewhere. How samples are drawn and run is no part of it."""
    evaluation = study.evaluation
    fields = CodeTask.model_fields
    drawn = {name: fields[name].get_default() for name in ("sampling", "k", "limits")}
    return BenchmarksJob(
        tasks=_without_margins(evaluation.all_tasks),
        code=tuple(task.model_copy(update=drawn) for task in _without_margins(evaluation.all_code)),
        judging=tuple(judging.prompt_set for judging in evaluation.judging),
    )


def texts_asked(study: Study) -> GenerateJob | None:
    """What the end of an arm is to write; None if nothing."""
    evaluation = study.evaluation
    if not (evaluation.all_code or evaluation.judging):
        return None
    prompts = tuple(judging.prompt_set for judging in evaluation.judging)
    return GenerateJob(code=_without_margins(evaluation.all_code), judging=prompts)


def judging_asked(study: Study) -> Iterator[tuple[JudgeJob, Contrast]]:
    """Each set of judged answers with each contrast that is about it."""
    for judging in study.evaluation.judging:
        job = JudgeJob(name=judging.name, judges=judging.judges, most_cost=judging.most_cost)
        for contrast in study.contrasts:
            if job.outcome in study.outcomes_of(contrast):
                yield job, contrast


def _without_margins(tasks: tuple[WithMargin, ...]) -> tuple[WithMargin, ...]:
    return tuple(task.model_copy(update={"margin": type(task).model_fields["margin"].get_default()}) for task in tasks)
