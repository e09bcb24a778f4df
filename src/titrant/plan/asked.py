"""What is asked of models, as jobs say it: a study's evaluation without what only judges scores.

Margins judge scores and make none: findings have them, and here each stands at its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from titrant.jobs import BenchmarksJob, CodeJob, EvaluateJob, GenerateJob, JudgeJob
from titrant.study.contrast import Contrast
from titrant.study.evaluation import MultipleChoice, Probe
from titrant.study.judging import PromptSet
from titrant.study.study import Study
from titrant.study.tasks import CodeTask, Task

Asked = TypeVar("Asked", Probe, MultipleChoice, Task, CodeTask, PromptSet)


def asked_of_models(study: Study, *, in_full: bool) -> EvaluateJob:
    """All that is asked at the end of an arm, or bits per byte at milestones alone."""
    evaluation = study.evaluation
    probes = evaluation.probes if in_full else ()
    asks_for_facts = any(probe.name == "planted-facts" for probe in probes)
    return EvaluateJob(
        bits_per_byte_sources=evaluation.bits_per_byte.sources or tuple(study.sources),
        bytes_per_source=evaluation.bits_per_byte.bytes_per_source if in_full else 0,
        check_bytes_per_source=evaluation.check_bytes_per_source,
        probes=_plain(probes, "margin"),
        multiple_choice=_plain(evaluation.multiple_choice, "margin") if in_full else (),
        planted={
            name: source.plant for name, source in study.sources.items() if source.plant is not None and asks_for_facts
        },
        tasks=_plain(evaluation.all_tasks, "margin") if in_full else (),
    )


def benchmarks_asked(study: Study) -> BenchmarksJob:
    """All whose data lie elsewhere, by name. How it is asked, answered and scored is no part of it: sources that are
    searched for these items must not change when that does."""
    evaluation = study.evaluation
    return BenchmarksJob(
        tasks=_by_name(_plain(evaluation.all_tasks, "margin", "metric", "choices")),
        code=_by_name(_plain(evaluation.all_code, "margin", "sampling", "k", "limits")),
        judging=_by_name(_plain(_prompt_sets(study), "sampling", "stop")),
    )


def choices_asked(study: Study) -> tuple[MultipleChoice, ...]:
    """Tasks from files as those who search for their items see them: margins and normalisation judge scores."""
    return _plain(study.evaluation.multiple_choice, "margin", "normalise")


def texts_asked(study: Study) -> GenerateJob | None:
    """What the end of an arm is to write; None if nothing."""
    evaluation = study.evaluation
    if not (evaluation.all_code or evaluation.judging):
        return None
    return GenerateJob(code=_plain(evaluation.all_code, "margin", "k", "limits"), judging=_prompt_sets(study))


def programs_asked(study: Study) -> CodeJob:
    """How the solutions among those texts are run."""
    return CodeJob(code=_plain(study.evaluation.all_code, "margin"))


def judging_asked(study: Study) -> Iterator[tuple[JudgeJob, Contrast]]:
    """Each set of judged answers with each contrast that is about it."""
    for judging in study.evaluation.judging:
        job = JudgeJob(name=judging.name, judges=judging.judges, most_cost=judging.most_cost)
        for contrast in study.contrasts:
            if job.outcome in study.outcomes_of(contrast):
                yield job, contrast


def _prompt_sets(study: Study) -> tuple[PromptSet, ...]:
    return tuple(judging.prompt_set for judging in study.evaluation.judging)


def _plain(asked: tuple[Asked, ...], *names: str) -> tuple[Asked, ...]:
    """The same with some fields at their defaults: what does not matter for a job is no part of it."""
    return tuple(
        one.model_copy(update={name: type(one).model_fields[name].get_default() for name in names}) for one in asked
    )


def _by_name(asked: tuple[Asked, ...]) -> tuple[Asked, ...]:
    return tuple(sorted(asked, key=lambda one: str(one.name)))
