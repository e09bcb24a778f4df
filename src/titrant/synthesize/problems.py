"""The problems stage: problems drawn by number, read from files and sets, or mined, each program once.

    1. generated ones are drawn by number, from 0 on, in parts of up to PART numbers each, in as many processes as there
       are cores for the job; finished parts stay in the scratch folder, so that an interrupted job goes on there
    2. of numbers that hold the same program the first one counts; further ones are drawn until there are enough
    3. `problems.parquet` is written in the order of the synthesis

So the bytes depend neither on the processes nor on interruptions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Problems
from titrant.corpus.engine.make import make_parts
from titrant.corpus.engine.parts import Tick
from titrant.corpus.stored import RowGroup
from titrant.errors import StudyError
from titrant.jobs import ProblemsJob, Progress
from titrant.study.declaration import listing
from titrant.study.synthesis import Generated, MinedProblems, ProblemDataset, ProblemFiles
from titrant.synthesize.generator.problem import Problem, Settings, families_for, problem_at
from titrant.synthesize.sets import read_problems

GENERATOR = "1"
"""Version of the generator: another one draws other problems of the same numbers."""
PART = 128
"""Most numbers of one part."""
_SPARE = 1.04
"""Numbers that are drawn at first, for each problem that is wanted."""
_WORN = 0.02
"""Where fewer of the numbers than this hold a new program, the families are used up."""
_GROUP_ROWS = 1024

SCHEMA = pa.schema(
    [
        ("problem", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("family", pa.string()),
        ("area", pa.string()),
        ("difficulty", pa.int64()),
        ("statement", pa.string()),
        ("about", pa.string()),
        ("signature", pa.string()),
        ("entry_point", pa.string()),
        ("prelude", pa.string()),
        ("solution", pa.string()),
        ("idea", pa.string()),
        ("setup", pa.string()),
        ("tests", pa.list_(pa.string())),
        ("contracts", pa.list_(pa.string())),
        ("inputs", pa.large_string()),
        ("expected", pa.large_string()),
        ("shown", pa.int64()),
    ]
)
"""The columns of `problems.parquet`."""


def make_problems(
    job: ProblemsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Problems:
    """Write `problems.parquet` under `out`.

    A problem read or mined whose id stands before is left out and counted. Resumes from `scratch`, where generated
    problems lie in parts. In memory are one part in each process and some 100 bytes a problem.

    Raises StudyError if the families give fewer different programs than are asked for, if there is no problem at all,
    or for a source that does not hold what is declared; StoreError for damaged inputs.
    """
    with _Writer(out / "problems.parquet") as writer:
        for number, origin in enumerate(job.problems):
            if isinstance(origin, Generated):
                _generate(origin, Settings(origin.areas, origin.difficulty, job.inputs), writer, scratch, progress)
            else:
                _read(origin, number, inputs, writer, progress)
        if not writer.problems:
            raise StudyError(_nothing_in(job, writer.left_out))
    return Problems(
        problems=writer.problems,
        by_area=dict(sorted(writer.areas.items())),
        families=len(writer.families),
        left_out=dict(sorted(writer.left_out.items())),
        versions={"generator": GENERATOR, "hypothesis": hypothesis.__version__},
    )


def _nothing_in(job: ProblemsJob, left_out: Mapping[str, int]) -> str:
    """What is said where there is no problem at all."""
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
    places = []
    for origin in job.problems:
        if isinstance(origin, ProblemFiles):
            places.append(f"files {listing(Path(file).name for file in origin.files)}")
        elif isinstance(origin, ProblemDataset):
            places.append(f"dataset '{origin.dataset}'")
        elif isinstance(origin, MinedProblems):
            places.append(f"the functions of source '{origin.mined}'")
    message = f"there is no problem in {' and '.join(places)} ({said or 'nothing was found'})"
    if all(isinstance(origin, MinedProblems) for origin in job.problems):
        return f"{message}; a problem is a function with a docstring that says what it does"
    return (
        f"{message}. A problem is a record with a `statement` and with `tests`, a right `solution` or both, under "
        "these names, those given under `columns`, or those of HumanEval or MBPP"
    )


def _generate(origin: Generated, settings: Settings, writer: _Writer, scratch: Path, progress: Progress) -> None:
    work = _DrawPart(origin.seed, settings, f"generator {GENERATOR}, hypothesis {hypothesis.__version__}")
    families = len(families_for(settings.areas, settings.difficulty))
    wanted, number, before = origin.generated, 0, writer.problems
    asked, different = math.ceil(wanted * _SPARE), set[str]()
    while (have := writer.problems - before) < wanted:
        groups = [
            RowGroup(Path("generated"), first // PART, first, min(PART, number + asked - first))
            for first in range(number, number + asked, PART)
        ]
        parts = make_parts(work, groups, scratch=scratch, progress=_Told(progress, before, have, wanted))
        was = len(different)
        for group in groups:
            table = parts.table(group)
            different.update(table["problem"].to_pylist())
            writer.add(table, most=wanted - (writer.problems - before))
        number += asked
        found = writer.problems - before
        if found < wanted and len(different) - was < _WORN * asked:
            raise StudyError(
                f"the generator has {len(different):,} different problems about {listing(origin.areas)} of difficulty "
                f"{origin.difficulty[0]} to {origin.difficulty[1]} in its first {number:,} numbers and hardly any new "
                f"one among the last, and `generated` asks for {wanted:,}; ask for fewer, for more areas or for a "
                "wider range of difficulty"
            )
        new = max(len(different) - was, 1) / asked
        asked = min(PART * math.ceil(max(1.1 * (wanted - found) / new, families) / PART), 4 * number)


@dataclass(frozen=True)
class _Told:
    """Progress of one round of parts, in problems."""

    progress: Progress
    before: int
    have: int
    wanted: int

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        """Told of numbers; some more are drawn than are wanted."""
        share = done / max(total, 1)
        now = self.have + int(share * (self.wanted - self.have))
        self.progress(self.before + now, self.before + self.wanted, "problems", note)


@dataclass(frozen=True)
class _DrawPart:
    """The problems of neighbouring numbers. Its `repr` says all that they depend on."""

    seed: int
    settings: Settings
    versions: str

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        rows = []
        for place in range(group.rows):
            tick(place)
            rows.append(asdict(problem_at(self.seed, group.first_row + place, self.settings)))
        return _table(rows)


def _read(
    origin: ProblemFiles | ProblemDataset | MinedProblems,
    number: int,
    inputs: Mapping[str, Path],
    writer: _Writer,
    progress: Progress,
) -> None:
    for found in _batches(read_problems(origin, number, inputs, progress), writer.left_out):
        writer.add(_table(found), named="an id that stands before")


def _batches(found: Iterator[Any], left_out: Counter[str]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for each in found:
        if not isinstance(each, Problem):
            left_out[each.reason] += 1
            continue
        rows.append(asdict(each))
        if len(rows) == _GROUP_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@dataclass
class _Writer:
    """`problems.parquet` in row groups of the same size, each problem once."""

    path: Path
    problems: int = 0
    areas: Counter[str] = field(default_factory=Counter)
    families: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    _seen: set[str] = field(default_factory=set)
    _waiting: list[pa.Table] = field(default_factory=list)

    def __enter__(self) -> _Writer:
        self._file = pq.ParquetWriter(self.path, SCHEMA, compression="zstd", compression_level=3)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(1)
        self._file.close()

    def add(self, table: pa.Table, *, most: int | None = None, named: str = "") -> None:
        """Add those whose id does not stand before, at most so many; the others are counted if they have a name."""
        kept: list[int] = []
        for place, key in enumerate(table["problem"].to_pylist()):
            if most is not None and len(kept) == most:
                break
            if key not in self._seen:
                self._seen.add(key)
                kept.append(place)
            elif named:
                self.left_out[named] += 1
        if not kept:
            return
        table = table.take(pa.array(kept, pa.int64()))
        self.problems += len(kept)
        self.areas.update(area for area in table["area"].to_pylist() if area)
        self.families.update(family for family in table["family"].to_pylist() if family)
        self._waiting.append(table)
        self._write(_GROUP_ROWS)

    def _write(self, least: int) -> None:
        """Write row groups as long as there are so many rows for one."""
        while self._waiting and sum(table.num_rows for table in self._waiting) >= least:
            table = pa.concat_tables(self._waiting)
            self._file.write_table(table.slice(0, _GROUP_ROWS).combine_chunks())
            rest = table.slice(_GROUP_ROWS)
            self._waiting = [rest] if rest.num_rows else []
