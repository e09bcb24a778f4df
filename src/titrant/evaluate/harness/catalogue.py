"""Where lm-evaluation-harness keeps a task, found without its own index, which takes six seconds of a processor.

1. files named after the task, or in a folder named after it, are opened first;
2. then every file of the harness is searched for the line `task: NAME` (about two seconds, once a process).

The harness is pinned: another version may ask something else under the same name, so it is refused.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from titrant.errors import EngineError, StudyError
from titrant.study.declaration import suggestion
from titrant.study.tasks import HARNESS

ELSEWHERE = {"social_iqa": "siqa/siqa.yaml", "sglue_rte": "super_glue/rte/default.yaml"}
"""Tasks of the suites whose file is not named after them."""
NAMED = re.compile(
    rb"""^["']?(task|group|tag)["']?:[ \t]*["']?([A-Za-z0-9][\w.+-]*)["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE
)


def check_version(wanted: str = HARNESS) -> None:
    """Raises EngineError if lm-evaluation-harness is missing or is not the version that was asked for."""
    try:
        found = version("lm-eval")
    except PackageNotFoundError:
        found = ""
    if found != wanted:
        state = f"is {found} here" if found else "is missing"
        raise EngineError(
            f"tasks are asked with lm-eval {wanted}, which {state}: another version may ask something else; "
            f"run pip install 'titrant[suites]' 'lm-eval=={wanted}'"
        )


def task_file(name: str) -> Path:
    """The YAML file of a task. Raises StudyError if the harness has none of this name, or has a group of tasks."""
    root = _root()
    paths = _files()
    near = [root / ELSEWHERE[name]] if name in ELSEWHERE else []
    near += [path for path in paths if path.stem == name or path.parent.name == name]
    for path in near:
        if ("task", name) in _names_in(path):
            return path
    tasks, groups = _all_names()
    if name in tasks:
        return tasks[name]
    if name in groups:
        members = ", ".join(sorted(groups[name])[:8]) or "several"
        raise StudyError(f"'{name}' is a group of tasks in lm-eval {HARNESS}; name its tasks ({members} ...)")
    raise StudyError(f"lm-eval {HARNESS} has no task '{name}'{suggestion(name, tasks)}")


@cache
def _root() -> Path:
    """The folder of the harness's tasks, found without importing it."""
    check_version()
    found = find_spec("lm_eval")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "tasks"


@cache
def _files() -> tuple[Path, ...]:
    found = []
    for folder, _, names in os.walk(_root()):
        found += [Path(folder, name) for name in names if name.endswith((".yaml", ".yml"))]
    return tuple(sorted(found))


def _names_in(path: Path) -> set[tuple[str, str]]:
    return {(kind.decode(), name.decode()) for kind, name in NAMED.findall(path.read_bytes())}


@cache
def _all_names() -> tuple[dict[str, Path], dict[str, set[str]]]:
    """The file of every task, and the tasks of every group and tag that say themselves that they belong to it."""
    tasks: dict[str, Path] = {}
    groups: dict[str, set[str]] = {}
    for path in _files():
        names = _names_in(path)
        here = {name for kind, name in names if kind == "task"}
        for name in here:
            tasks.setdefault(name, path)
        for kind, name in names:
            if kind != "task":
                groups.setdefault(name, set()).update(here)
    return tasks, {name: members for name, members in groups.items() if name not in tasks}
