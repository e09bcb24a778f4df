"""Solutions in the files of other tools, read and written.

    EvalPlus  JSON lines, one solution each: `task_id`, and `solution` (a whole program) or `completion` (an answer)
    BigCode   one JSON list, a list of whole programs for each problem, in the order of the problems

A program stands in neither file with its tests. Both hold every problem that is asked, with equally many solutions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from titrant.errors import Problem as Fault
from titrant.errors import StudyError
from titrant.evaluate.code.problems import Problem

Programs = Mapping[str, Sequence[str]]
"""By item, whole programs without tests, in the order of their samples."""
FAULTS_SHOWN = 20


def read_programs(path: Path, problems: Sequence[Problem]) -> dict[str, list[str]]:
    """The programs of a file for each problem: BigCode's form if its name ends in `.json`, else EvalPlus's.

    Raises StudyError, with places in the file, if it cannot be read, names what is no problem, leaves problems out, or
    holds more solutions of one problem than of another.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"the solutions in '{path}' cannot be read: {error}") from None
    programs = _bigcode(content, path, problems) if path.suffix == ".json" else _evalplus(content, path, problems)
    for item, found in programs.items():
        if any("\ud800" <= character <= "\udfff" for program in found for character in program):
            raise StudyError(f"a solution of '{item}' in '{path}' holds half a character (a lone surrogate)")
    if missing := [problem.item for problem in problems if not programs.get(problem.item)]:
        raise StudyError(
            f"'{path}' has no solution of {len(missing)} problems, such as '{missing[0]}': give one for each, or "
            "declare fewer `items`"
        )
    counts = {len(found) for found in programs.values()}
    if len(counts) > 1:
        raise StudyError(
            f"'{path}' has {min(counts)} solutions of some problems and {max(counts)} of others; give equally "
            "many of each"
        )
    return programs


def write_evalplus(path: Path, programs: Programs) -> None:
    """Write programs as EvalPlus reads them."""
    rows = [{"task_id": item, "solution": program} for item, found in programs.items() for program in found]
    path.write_bytes("".join(json.dumps(row) + "\n" for row in rows).encode())


def write_bigcode(path: Path, problems: Sequence[Problem], programs: Programs) -> None:
    """Write programs as the BigCode harness reads them, in the order of the problems."""
    path.write_bytes(json.dumps([list(programs[problem.item]) for problem in problems]).encode())


def _evalplus(content: bytes, path: Path, problems: Sequence[Problem]) -> dict[str, list[str]]:
    asked = {problem.item: problem for problem in problems}
    programs: dict[str, list[str]] = {item: [] for item in asked}
    faults = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                item, program = _solution(line, asked)
                programs[item].append(program)
            except ValueError as error:
                faults.append(Fault(f"{error}", f"{path}:{number}"))
    if faults:
        raise StudyError(faults[:FAULTS_SHOWN])
    return programs


def _solution(line: bytes, asked: Mapping[str, Problem]) -> tuple[str, str]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise ValueError(f"this line is not JSON in UTF-8: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("task_id"), str) or row["task_id"] not in asked:
        given = row.get("task_id") if isinstance(row, dict) else row
        raise ValueError(
            f"'task_id' is {given!r:.60}, which is no problem that is asked, such as '{next(iter(asked))}'"
        )
    item = row["task_id"]
    if isinstance(row.get("solution"), str):
        return item, row["solution"]
    if isinstance(row.get("completion"), str):
        return item, asked[item].program(row["completion"])
    raise ValueError("a line needs 'solution' (a whole program) or 'completion' (what follows the prompt), as a string")


def _bigcode(content: bytes, path: Path, problems: Sequence[Problem]) -> dict[str, list[str]]:
    try:
        lists: Any = json.loads(content)
    except ValueError as error:
        raise StudyError(f"'{path}' is not JSON in UTF-8: {error}") from None
    if not isinstance(lists, list) or len(lists) != len(problems):
        has = f"{len(lists)} entries" if isinstance(lists, list) else f"a {type(lists).__name__}"
        raise StudyError(
            f"'{path}' is {has}; it must be a list with one entry for each of the {len(problems)} problems"
        )
    for place, found in enumerate(lists):
        if not isinstance(found, list) or not all(isinstance(program, str) for program in found):
            raise StudyError(f"entry {place} of '{path}' is {found!r:.60}; it must be a list of programs, as strings")
    return {problem.item: found for problem, found in zip(problems, lists, strict=True)}
