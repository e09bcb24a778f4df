"""The jobs of a synthesis: problems, solutions, verdicts, and one document a problem that decides on which side it is.

All sources made of a synthesis are written forms of these documents: hold-out line, duplicates and items of evaluations
are decided once, for the problem with its solution.
"""

from __future__ import annotations

from titrant.jobs import (
    BenchmarksJob,
    DocumentsJob,
    ItemsJob,
    OverlapJob,
    ProblemsJob,
    SignaturesJob,
    SolutionsJob,
    SplitJob,
    VerificationJob,
)
from titrant.plan.asked import benchmarks_asked, choices_asked
from titrant.plan.draft import Draft
from titrant.study.cleaning import Decontaminate
from titrant.study.study import Study
from titrant.study.synthesis import MinedProblems, Synthesis, SyntheticItems
from titrant.study.tasks import CodeTask


def add_synthesis(draft: Draft, name: str, earlier: dict[str, str], signatures: dict[str, str]) -> None:
    """Add what the synthesis `name` needs. `earlier` are splits and `signatures` those of sources before it."""
    study, declared = draft.study, draft.study.synthesis[name]
    mined = [problems.mined for problems in declared.problems if isinstance(problems, MinedProblems)]
    problems = {
        "problems": draft.add(
            "problems",
            name,
            ProblemsJob(problems=declared.problems, inputs=declared.verify.inputs),
            {f"documents/{source}": draft.documents[source] for source in mined}
            | {f"split/{source}": draft.splits[source] for source in mined},
        )
    }
    forms, inputs = forms_wanted(study, name), dict(problems)
    if declared.teacher is not None:
        job = SolutionsJob(teacher=declared.teacher, forms=forms)
        inputs["solutions"] = draft.add("solutions", name, job, problems)
    draft.verified[name] = draft.add("verification", name, VerificationJob(verify=declared.verify, forms=forms), inputs)
    documents = {
        "documents": draft.add(
            "documents",
            name,
            DocumentsJob(kind="synthetic", origins=(), plant=None),
            {"verification": draft.verified[name]},
        )
    }
    draft.documents[name] = draft.texts[name] = documents["documents"]
    inputs = documents | {f"earlier/{before}": id_ for before, id_ in earlier.items()}
    inputs |= _add_overlap(draft, name, declared, documents)
    near = declared.near_duplicates
    if near == study.near_duplicates:
        inputs |= {f"earlier-signatures/{before}": id_ for before, id_ in signatures.items()}
    inputs["signatures"] = draft.add("signatures", name, SignaturesJob(near=near), documents)
    if near == study.near_duplicates:
        signatures[name] = inputs["signatures"]
    job_of_split = SplitJob(
        hold_out_fraction=study.hold_out_fraction, reserve_fraction=declared.reserve_fraction, near=near
    )
    draft.splits[name] = draft.add("split", name, job_of_split, inputs)


def forms_wanted(study: Study, name: str) -> tuple[str, ...]:
    """Which forms of its items the sources of a synthesis take: `python` always, `text`, other languages."""
    origins = (source.origins[0] for source in study.sources.values())
    taken = [origin for origin in origins if isinstance(origin, SyntheticItems) and origin.synthetic == name]
    forms = {origin.language for origin in taken} | {"text" for origin in taken if origin.items == "text"}
    return tuple(sorted({"python"} | forms))


def _add_overlap(draft: Draft, name: str, declared: Synthesis, documents: dict[str, str]) -> dict[str, str]:
    """What finds problems that hold an item of the evaluation or of a public set, as an input of the split."""
    study = draft.study
    asked = benchmarks_asked(study)
    code = {task.name: task.model_copy(update={"items": None}) for task in asked.code}
    code = {public: CodeTask(name=public) for public in declared.decontaminate} | code
    job = BenchmarksJob(tasks=asked.tasks, code=tuple(code[name] for name in sorted(code)), judging=asked.judging)
    choices = choices_asked(study)
    if not (job.tasks or job.code or job.judging or choices):
        return {}
    inputs = {}
    if job.tasks or job.code or job.judging:
        inputs["benchmarks"] = draft.add("benchmarks", name, job, {})
    items = draft.add("items", name, ItemsJob(multiple_choice=choices), inputs)
    rule = (study.evaluation.searched_for or Decontaminate()).model_copy(update={"action": "report"})
    draft.synthetic_items[name], draft.item_rules[name] = items, rule
    return {"overlap": draft.add("overlap", name, OverlapJob(rule=rule), documents | {"items": items})}
