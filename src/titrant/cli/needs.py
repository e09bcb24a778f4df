"""What the synthesis of a study needs and this machine may lack, told before the first job is begun."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from titrant.chat.endpoint import Endpoint
from titrant.errors import EngineError
from titrant.execute.store import Store
from titrant.jobs import BenchmarksJob, ProblemsJob, SolutionsJob, VerificationJob
from titrant.plan import Job
from titrant.sandbox.languages import language_named
from titrant.study.declaration import listing
from titrant.study.study import Study
from titrant.study.synthesis import HYGIENE, ProblemDataset, Teacher


def check_needs(jobs: Iterable[Job], store: Store, study: Study) -> None:
    """Look whether what a synthesis of `study` needs is here, for those of the jobs that are still to be done.

    Raises EngineError, which says what to install or to leave out, StudyError for a teacher without its key.
    """
    for job in jobs:
        asked = job.declaration
        if not isinstance(asked, (ProblemsJob, SolutionsJob, VerificationJob, BenchmarksJob)):
            continue
        if store.look(job, hashes=False).state == "finished":
            continue
        if isinstance(asked, ProblemsJob):
            _check_problems(job.name, asked)
        elif isinstance(asked, SolutionsJob):
            _check_teacher(job.name, asked.teacher)
        elif isinstance(asked, VerificationJob):
            _check_verification(job.name, asked)
        else:
            _check_public_sets(asked, study)


def is_installed(module: str) -> bool:
    """Whether a module is there; it is not imported."""
    return find_spec(module) is not None


def _check_problems(name: str, asked: ProblemsJob) -> None:
    for origin in asked.problems:
        if isinstance(origin, ProblemDataset) and not is_installed("datasets"):
            raise EngineError(
                f"synthesis '{name}' reads problems of dataset '{origin.dataset}', which needs the `datasets` library: "
                "pip install 'titrant[hub]'"
            )


def _check_teacher(name: str, teacher: Teacher) -> None:
    if teacher.endpoint is None:
        return
    if not is_installed("httpx2"):
        raise EngineError(
            f"synthesis '{name}' asks its teacher '{teacher.model}' at {teacher.endpoint}, which needs the `httpx2` "
            "library: pip install 'titrant[judge]'"
        )
    Endpoint(url=teacher.endpoint, model=teacher.model, key_variable=teacher.key_variable).key()


def _check_verification(name: str, asked: VerificationJob) -> None:
    if "javascript" in asked.forms:
        try:
            language_named("js")
        except EngineError as error:
            raise EngineError(f"synthesis '{name}' is wanted in JavaScript: {error}") from None
    if asked.verify.contracts is not None and not all(map(is_installed, ("crosshair", "z3"))):
        raise EngineError(
            f"synthesis '{name}' has its contracts looked at by CrossHair, which is not installed: pip install "
            "'titrant[contracts]', or leave `contracts` out of its `verify`"
        )


def _check_public_sets(asked: BenchmarksJob, study: Study) -> None:
    """Whether problems of public sets can be prepared, where they are looked for in a synthesis."""
    sets = {task.name for task in asked.code} & set(HYGIENE)
    names = [name for name, declared in study.synthesis.items() if sets & set(declared.decontaminate)]
    if not names:
        return
    if _version_of("lm-eval") == asked.harness:
        return
    whose = "synthesis" if len(names) == 1 else "syntheses"
    evaluated = sets & {task.name for task in study.evaluation.all_code}
    without = (
        f" (`decontaminate: []` does not help: the evaluation asks {listing(evaluated)} as well)"
        if evaluated
        else "; or say `decontaminate: []` there, which does without"
    )
    raise EngineError(
        f"{whose} {listing(names)}: `decontaminate` leaves out the problems of HumanEval and MBPP, and they are "
        f"put together with lm-eval {asked.harness}, which is not installed here: pip install 'titrant[suites]' "
        f"'lm-eval=={asked.harness}'{without}"
    )


def _version_of(distribution: str) -> str:
    """Empty if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
