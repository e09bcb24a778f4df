"""Solutions that are held against their problems: a teacher's, or the problem's own."""

from __future__ import annotations

import ast
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.errors import StoreError
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.parsing import parsed


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
    """BLAKE3 of what the teacher was told; empty for the problem's own."""
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


def parameters_of(signature: str) -> list[tuple[str, str]]:
    """Names and annotations of the parameters; none if it is no plain signature.

    >>> parameters_of("def f(a: int, b: list[int] | None) -> int:")
    [('a', 'int'), ('b', 'list[int] | None')]
    """
    tree = parsed(f"{signature.strip()} pass")
    if not isinstance(tree, ast.Module) or not isinstance(tree.body[0], ast.FunctionDef):
        return []
    given = tree.body[0].args.args
    return [(each.arg, ast.unparse(each.annotation) if each.annotation else "") for each in given]


class Reader:
    """Problems and what was written for them, a few rows at a time."""

    def __init__(self, problems: Path, solutions: Path | None) -> None:
        self._path = problems / "problems.parquet"
        self._written = _written(solutions) if solutions is not None else None
        self._at: tuple[int, pa.Table] | None = None
        """The first row and the rows of the row group that was read last."""
        with pq.ParquetFile(self._path) as table:
            counts = [table.metadata.row_group(n).num_rows for n in range(table.num_row_groups)]
        self._firsts = [0, *accumulate(counts)]

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def read(self, first: int, rows: int) -> list[Asked]:
        """So many problems from one row on."""
        found: list[Asked] = []
        while len(found) < rows:
            begins, table = self._group(first + len(found))
            part = table.slice(first + len(found) - begins, rows - len(found))
            found += [self._asked(_problem(row)) for row in part.to_pylist()]
        return found

    def _group(self, row: int) -> tuple[int, pa.Table]:
        if self._at is None or not self._at[0] <= row < self._at[0] + self._at[1].num_rows:
            number = bisect_right(self._firsts, row) - 1
            with pq.ParquetFile(self._path) as table:
                self._at = self._firsts[number], table.read_row_group(number, columns=_COLUMNS, use_threads=False)
        return self._at

    def _asked(self, problem: Problem) -> Asked:
        if self._written is None:
            return Asked(problem, _own(problem))
        return Asked(problem, tuple(self._written.get(problem.problem, ())))


_COLUMNS = [field.name for field in fields(Problem)]


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(**{**row, "tests": tuple(row["tests"] or ()), "contracts": tuple(row["contracts"] or ())})


def _own(problem: Problem) -> tuple[Candidate, ...]:
    text = whole_solution(problem)
    return (Candidate("python", 0, text, own=True, cost=0.0),) if text else ()


def _written(folder: Path) -> dict[str, list[Candidate]]:
    """A teacher's solutions by problem, in the order of forms and samples."""
    found: dict[str, list[Candidate]] = {}
    columns = ["problem", "form", "sample", "prompt", "text", "seed", "cost"]
    with pq.ParquetFile(folder / "solutions.parquet") as table:
        for batch in table.iter_batches(1024, columns=columns):
            for row in batch.to_pylist():
                told = blake3(row["prompt"].encode("utf-8", "surrogatepass")).hexdigest() if row["prompt"] else ""
                cost = math.nan if row["cost"] is None else row["cost"]
                candidate = Candidate(
                    row["form"], row["sample"], row["text"] or "", prompt=told, seed=row["seed"], cost=cost
                )
                found.setdefault(row["problem"], []).append(candidate)
    for candidates in found.values():
        candidates.sort(key=lambda each: (each.form, each.sample))
    return found


def check_solutions(problems: Path, solutions: Path) -> None:
    """Raise StoreError if solutions are of other problems."""
    known = set(pq.read_table(problems / "problems.parquet", columns=["problem"])["problem"].to_pylist())
    written = pq.read_table(solutions / "solutions.parquet", columns=["problem"])["problem"].to_pylist()
    if (stranger := next((each for each in written if each not in known), None)) is not None:
        raise StoreError(
            f"the solutions in {solutions} are of other problems: '{stranger}' is none of those to be verified; delete "
            "the folder and run again"
        )
