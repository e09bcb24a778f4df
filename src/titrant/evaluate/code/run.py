"""The code stage: every solution is run with its problem's tests in the sandbox, and pass@k is estimated.

1. a solution becomes a check: of Python its text, the tests, and what they use of it; else the whole program
2. equal checks are run once
3. verdicts are kept in a journal in `scratch`, each with the sandbox that it comes from: after an interruption only
   what has none is run
4. pass@k of each problem without bias, with its interval; a task's score is the mean over its problems

Nothing is run outside the sandbox: where none works, that is an error that says what to install.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from titrant.artifacts import CodeScores
from titrant.evaluate.code.files import Programs
from titrant.evaluate.code.libraries import check_libraries
from titrant.evaluate.code.problems import Problem
from titrant.evaluate.code.samples import programs_of, read_samples
from titrant.evaluate.code.scores import Kept, Tried, write_code_scores
from titrant.evaluate.code.stored import read_problems
from titrant.evaluate.harness.journal import Journal, key_of
from titrant.jobs import CodeJob, Progress
from titrant.sandbox import Check, Program, PythonCheck, Verdict, open_sandbox
from titrant.study.limits import Limits
from titrant.study.tasks import CodeTask

DETAIL_CHARACTERS = 300
KEPT_AT_ONCE = 32
"""Verdicts that are written to the journal together."""


def run_code(job: CodeJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress) -> CodeScores:
    """Run the solutions in `inputs["generations"]` and write the tables of `CodeScores` into `out`.

    Raises StoreError if a task's problems or solutions are not among the inputs, EngineError if there is no sandbox or
    no interpreter of a task's language. Goes on where it was from the journal in `scratch`.
    """
    samples = read_samples(inputs["generations"])
    with Journal(scratch / "verdicts.jsonl") as journal:
        tried = []
        for task in job.code:
            problems = read_problems(inputs["benchmarks"], task.name)
            programs = programs_of(problems, samples, f"code/{task.name}", inputs["generations"])
            tried.append(try_programs(task, problems, programs, journal, progress, processes=own_cores()))
    return write_code_scores(tried, out)


def try_programs(
    task: CodeTask,
    problems: Sequence[Problem],
    programs: Programs,
    journal: Journal,
    progress: Progress,
    *,
    processes: int | None = None,
) -> Tried:
    """Run every program of one task with its problem's tests; what the journal has is not run again.

    `programs` holds those of every problem. `processes` run at once; None: one on each processor. Verdicts depend on
    neither. Raises EngineError if there is no sandbox or no interpreter of the task's language.
    """
    asked = {(p.item, sample): check_of(p, text) for p in problems for sample, text in enumerate(programs[p.item])}
    keys = {place: _key(check, task.limits) for place, check in asked.items()}
    waiting = {keys[place]: check for place, check in asked.items() if keys[place] not in journal}
    outcome, total = f"code/{task.name}", len(set(keys.values()))
    done = total - len(waiting)
    progress(done, total, "programs", outcome)
    with open_sandbox(task.limits, processes) as sandbox:
        if waiting:
            check_libraries(problems, outcome, sandbox)
        found = _by_key(list(waiting), sandbox.run_many(list(waiting.values())), sandbox.tier)
        while together := list(islice(found, KEPT_AT_ONCE)):
            journal.add(together)
            done += len(together)
            progress(done, total, "programs", outcome)
    verdicts = {
        problem.item: [Kept(*journal[keys[problem.item, sample]]) for sample in range(len(programs[problem.item]))]
        for problem in problems
    }
    return Tried(task, problems, programs, verdicts)


def own_cores() -> int | None:
    """Cores that the runner has left for this job (`TITRANT_CORES`); None where nobody has said."""
    return int(os.environ.get("TITRANT_CORES", "0")) or None


def check_of(problem: Problem, program: str) -> Check:
    """What the sandbox runs for one program."""
    if problem.language == "python":
        return PythonCheck(program, problem.tests, problem.entry_points, problem.setup)
    # Perl's tests print without ending their line, and the sandbox looks for its own word at the beginning of one
    ended = '\nprint "\\n";' if problem.language == "pl" else ""
    return Program(problem.language, f"{program}\n{problem.tests}{ended}")


def _key(check: Check, limits: Limits) -> str:
    return key_of(Kept._fields, type(check).__name__, vars(check), limits.model_dump())


def _by_key(keys: Sequence[str], found: Iterable[tuple[int, Verdict]], tier: str) -> Iterator[tuple[str, Kept]]:
    for index, verdict in found:
        yield keys[index], Kept(verdict.status, _lasting(verdict.detail), tier)


def _lasting(detail: str) -> str:
    """A verdict's reason without what differs from run to run: addresses of objects, and names of temporary files."""
    detail = re.sub(r"(/work|/tmp/titrant-sandbox-\w+/\w+)/", "/work/", detail)
    detail = re.sub(r"\btmp[a-z0-9_]{8}\b", "tmp…", detail)
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", detail)[:DETAIL_CHARACTERS]
