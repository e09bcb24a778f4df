"""Where in the study a job was declared, so that a mistake that a stage finds is shown with file and line.

A stage knows no names of the study (they are not identity), so its problems carry no place; the plan knows.
"""

from __future__ import annotations

from dataclasses import replace

from titrant.errors import EngineError, Problem, StudyError
from titrant.plan.plan import Job, Plan
from titrant.plan.rate_probe import planned_probe
from titrant.study.faults import ADVICE

Place = tuple[str | int, ...]

_KEY = {"tokenizer": "tokenizer", "evaluate": "evaluation", "questions": "evaluation", "findings": "contrasts"}
_OF_SOURCES = ("documents", "split", "tokens")
_OF_SYNTHESIS = ("problems", "solutions", "verification")


def place_of(plan: Plan, job: Job) -> Place:
    """The path in the study of what a job does, e.g. `("sources", "code")`; empty if it is the study as a whole."""
    if job.kind in _OF_SOURCES:
        for report in plan.jobs.values():
            if report.kind == "report":
                for role, id_ in report.inputs.items():
                    kind, _, source = role.partition("/")
                    if kind == job.kind and id_ == job.id:
                        return ("sources", source)
    if job.kind in _OF_SYNTHESIS:
        return _synthesis_of(plan, job)
    if job.kind == "train" and job.runs:
        scale = plan.runs[job.runs[0]][0].scale
        return ("scales", scale) if scale in plan.study.scales else ("learning_rate_probe",)
    return (_KEY[job.kind],) if job.kind in _KEY else ()


def _synthesis_of(plan: Plan, job: Job) -> Place:
    """The synthesis that a job is about: that whose verification it is, or reads."""
    for report in (one for one in plan.jobs.values() if one.kind == "report"):
        for role, id_ in report.inputs.items():
            kind, _, name = role.partition("/")
            if kind == "verification" and job.id in (id_, *plan.jobs[id_].inputs.values()):
                return ("synthesis", name)
    return ()


def probed_factor(plan: Plan, job: Job) -> float | None:
    """At what multiple of the study's learning rate a job trains for the probe alone; None if it does not."""
    if place_of(plan, job) != ("learning_rate_probe",) or (probe := planned_probe(plan.study)) is None:
        return None
    scale = plan.runs[job.runs[0]][0].scale
    return next((rate.factor for rate in probe.rates if rate.scale == scale), None)


def told_of_probe(error: EngineError, factor: float) -> EngineError:
    """The same error, and where training went astray at a rate of the probe, what to do about that rate."""
    instead = "give a smaller factor instead (learning_rate_probe: factors); what is finished is kept"
    told = f"this run is of the learning-rate probe, at {factor:g} times the study's rate: "
    return EngineError(str(error).replace(ADVICE, told + (instead if factor > 1 else ADVICE)))


def placed(error: StudyError, place: Place) -> StudyError:
    """The same error, its problems that know no place of their own at `place`, and with the name of its source."""
    return StudyError(_placed(problem, place) for problem in error.problems)


def _placed(problem: Problem, place: Place) -> Problem:
    if problem.where or problem.path:
        return problem
    what = {"sources": "source", "synthesis": "synthesis"}.get(str(place[0]) if place else "")
    source = f"{what} '{place[1]}'" if what else ""
    message = problem.message if source in problem.message else f"{source}: {problem.message}"
    return replace(problem, message=message, path=place)
