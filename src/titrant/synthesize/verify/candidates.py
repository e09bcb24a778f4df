"""Solutions that are held against their problems: a teacher's, or the problem's own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from titrant.errors import StoreError
from titrant.synthesize.generator.problem import Problem

CHUNK = 1024
"""Problems that are looked at together. It changes nothing but memory and how much an interruption costs."""


@dataclass(frozen=True)
class Candidate:
    """One solution, explanation or translation."""

    form: str
    """`python`, another language, or `text`."""
    sample: int
    text: str
    """The program or the explanation; empty if there is none."""
    own: bool = False
    """Whether it is the problem's own solution."""
    prompt: str = ""
    seed: int = 0
    cost: float = math.nan


@dataclass(frozen=True)
class Asked:
    """A problem and all that was written for it."""

    problem: Problem
    candidates: tuple[Candidate, ...]

    def of(self, form: str) -> tuple[Candidate, ...]:
        """Those of one form, in the order of samples."""
        return tuple(each for each in self.candidates if each.form == form)


def whole_solution(problem: Problem) -> str:
    """The problem's own solution with what stands before it, or empty."""
    if not problem.solution:
        return ""
    return f"{problem.prelude}\n\n\n{problem.solution}" if problem.prelude else problem.solution


def read_asked(problems: Path, solutions: Path | None) -> Iterator[list[Asked]]:
    """Problems with their candidates, some at a time, in the order of the problems.

    Raises StoreError if the solutions are not those of these problems.
    """
    written = _Written(solutions) if solutions is not None else None
    for rows in _batches(problems / "problems.parquet"):
        found = []
        for row in rows:
            problem = _problem(row)
            given = _own(problem) if written is None else written.of(problem.problem)
            found.append(Asked(problem, given))
        yield found
    if written is not None:
        written.must_be_at_its_end()


def num_problems(problems: Path) -> int:
    """How many there are."""
    with pq.ParquetFile(problems / "problems.parquet") as table:
        return int(table.metadata.num_rows)


_COLUMNS = [field.name for field in fields(Problem)]


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(**{**row, "tests": tuple(row["tests"] or ()), "contracts": tuple(row["contracts"] or ())})


def _own(problem: Problem) -> tuple[Candidate, ...]:
    text = whole_solution(problem)
    return (Candidate("python", 0, text, own=True, cost=0.0),) if text else ()


def _batches(path: Path, columns: list[str] | None = None) -> Iterator[list[dict[str, Any]]]:
    with pq.ParquetFile(path) as table:
        for batch in table.iter_batches(CHUNK, columns=_COLUMNS if columns is None else columns):
            yield batch.to_pylist()


class _Written:
    """A teacher's solutions, which stand in the order of the problems or in that of their ids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        columns = ["problem", "form", "sample", "prompt", "text", "seed", "cost"]
        self._by_problem: dict[str, list[Candidate]] = {}
        for rows in _batches(folder / "solutions.parquet", columns):
            for row in rows:
                candidate = Candidate(
                    row["form"],
                    row["sample"],
                    row["text"] or "",
                    prompt=row["prompt"],
                    seed=row["seed"],
                    cost=math.nan if row["cost"] is None else row["cost"],
                )
                self._by_problem.setdefault(row["problem"], []).append(candidate)

    def of(self, problem: str) -> tuple[Candidate, ...]:
        found = self._by_problem.pop(problem, [])
        return tuple(sorted(found, key=lambda each: (each.form, each.sample)))

    def must_be_at_its_end(self) -> None:
        if self._by_problem:
            raise StoreError(
                f"the solutions in {self._folder} are of other problems: '{next(iter(self._by_problem))}' is none of "
                "those to be verified; delete the folder and run again"
            )
