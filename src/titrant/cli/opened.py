"""What nearly every command begins with: the study, its plan, the store, and a console to write to."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from titrant.errors import Problem, StudyError
from titrant.execute.store import Store, open_store
from titrant.plan import Plan, make_plan
from titrant.study.load import LoadedStudy, open_study
from titrant.study.world import pin_study

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 200
"""Columns where there is no terminal: lines in a log are not cut to a screen."""


@dataclass(frozen=True)
class Opened:
    """A checked and pinned study with its plan."""

    loaded: LoadedStudy
    plan: Plan

    @property
    def name(self) -> str:
        """The study's name, which is its folder's in the store."""
        return self.plan.study.study


def open_plan(named: str) -> Opened:
    """All three rings of checks, then the plan. Raises StudyError with file and line of each problem."""
    loaded = open_study(named)
    with located(loaded):
        return Opened(loaded, make_plan(pin_study(loaded)))


def open_plan_and_store(named: str, root: Path) -> tuple[Opened, Store]:
    """The plan and a store that is only read: an absent one is empty."""
    opened = open_plan(named)
    return opened, open_store(root, create=False)


@contextlib.contextmanager
def located(loaded: LoadedStudy) -> Iterator[None]:
    """Give problems that know their place in the study, but not its file, their file and line."""
    try:
        yield
    except StudyError as error:
        raise StudyError(
            [
                Problem(problem.message, loaded.where(*problem.path), problem.path)
                if problem.where is None and problem.path
                else problem
                for problem in error.problems
            ]
        ) from error


def make_console(*, stderr: bool = False) -> Console:
    """A console that colours a terminal and writes plain wide lines everywhere else."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, markup=False, width=None if stream.isatty() else PLAIN_WIDTH)
