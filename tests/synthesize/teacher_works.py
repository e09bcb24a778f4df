"""Folders of problems for a teacher, and what it wrote of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Solutions
from titrant.chat.client import Patience
from titrant.chat.kept_replies import KeptReplies
from titrant.jobs import SolutionsJob
from titrant.study.synthesis import Teacher
from titrant.synthesize.teacher.stage import solve_problems

Row = dict[str, Any]


def lay_out_problems(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "problem": f"set-0/{number}",
            "statement": f"Write `add_{number}(x)`, which returns x + {number}.",
            "entry_point": f"add_{number}",
            "setup": "import math\n",
        }
        for number in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "problems.parquet")
    return folder


def ask_teacher(
    folder: Path,
    count: int,
    forms: tuple[str, ...] = ("python",),
    attempts: int = 6,
    told: list[str] | None = None,
    **teacher: Any,
) -> tuple[Solutions, list[Row], bytes]:
    """What the artifact says, its rows, and its bytes."""

    def progress(done: int, total: int, unit: str, note: str = "") -> None:
        if told is not None:
            told.append(f"{done}/{total} {unit} {note}")

    problems = lay_out_problems(folder / "problems", count)
    out, scratch = folder / "out", folder / "scratch"
    for each in (out, scratch):
        each.mkdir(exist_ok=True)
    made = solve_problems(
        SolutionsJob(teacher=Teacher(**teacher), forms=forms),
        {"problems": problems},
        out,
        scratch=scratch,
        progress=progress,
        kept=KeptReplies(folder / "kept"),
        patience=Patience(attempts=attempts, first_seconds=0.001, most_seconds=0.01),
    )
    path = out / "solutions.parquet"
    return made, pq.read_table(path).to_pylist(), path.read_bytes()
