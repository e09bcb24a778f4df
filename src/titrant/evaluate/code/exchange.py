"""Solutions from and for other tools: what a file holds is run and scored, what was drawn is written to a file."""

from __future__ import annotations

from pathlib import Path

from titrant.artifacts import CodeScores
from titrant.evaluate.code.files import read_programs, write_bigcode, write_evalplus
from titrant.evaluate.code.run import try_programs
from titrant.evaluate.code.samples import programs_of, read_samples
from titrant.evaluate.code.scores import write_code_scores
from titrant.evaluate.code.stored import read_problems
from titrant.evaluate.harness.journal import Journal
from titrant.jobs import Progress
from titrant.study.tasks import CodeTask


def score_file(
    task: CodeTask, file: Path, benchmarks: Path, out: Path, *, scratch: Path | None, progress: Progress
) -> CodeScores:
    """Run the solutions of an EvalPlus or BigCode file, and write the tables of `CodeScores` into `out`.

    `benchmarks` holds the problems of the task. Of its sampling only the temperature counts: at 0 a solution is not
    one of many that could have been drawn, and has no interval. Raises StudyError if the file is wrong or has too few
    solutions for pass@k, EngineError if there is no sandbox.
    """
    problems = read_problems(benchmarks, task.name)
    programs = read_programs(file, problems)
    with Journal(scratch / "verdicts.jsonl" if scratch is not None else None) as journal:
        return write_code_scores([try_programs(task, problems, programs, journal, progress)], out)


def write_solutions(task: str, generations: Path, benchmarks: Path, file: Path) -> None:
    """Write the solutions that were drawn for a task: as BigCode has them if the file ends in `.json`, else EvalPlus.

    Raises StoreError if there are none.
    """
    problems = read_problems(benchmarks, task)
    programs = programs_of(problems, read_samples(generations), f"code/{task}", generations)
    if file.suffix == ".json":
        write_bigcode(file, problems, programs)
    else:
        write_evalplus(file, programs)
