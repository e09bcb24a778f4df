"""The verification stage: every solution is held against its problem, and every item is written down with what is
known of it.

    1. problems are taken in parts of PART, in as many processes as there are cores for the job, each with a sandbox of
       its own; finished parts stay in the scratch folder, so that an interrupted job goes on there
    2. in a part, solutions are judged in the sandbox, the first that passes what is asked for is accepted, contracts of
       a share of the accepted are looked at symbolically, explanations and translations are checked
    3. items are written in the order of the problems; an accepted program that an earlier problem has already is left
       out

So the bytes depend neither on the processes nor on interruptions.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from blake3 import blake3

from titrant.artifacts import Verified
from titrant.corpus.engine.make import chosen_engine, make_parts
from titrant.corpus.engine.parts import Tick
from titrant.corpus.stored import RowGroup
from titrant.jobs import Progress, VerificationJob
from titrant.sandbox import Sandbox, open_sandbox
from titrant.study.limits import Limits
from titrant.synthesize.verify import judging, mutants
from titrant.synthesize.verify.candidates import Reader, check_solutions
from titrant.synthesize.verify.deciding import Decided, Programs
from titrant.synthesize.verify.part import verify_part
from titrant.synthesize.verify.writing import Writer

PART = 64
"""Most problems of one part."""


def verify_solutions(
    job: VerificationJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Verified:
    """Verify the problems in `inputs["problems"]` with the solutions in `inputs["solutions"]`, their own without it.

    Writes the tables of `Verified` into `out`: the same bytes however often it was interrupted, whatever the machine
    does beside. Raises EngineError where no sandbox works, StoreError if the solutions are of other problems.
    """
    problems, solutions = inputs["problems"], inputs.get("solutions")
    if solutions is not None:
        check_solutions(problems, solutions)
    reader = Reader(problems, solutions)
    groups = [
        RowGroup(problems / "problems.parquet", first // PART, first, min(PART, len(reader) - first))
        for first in range(0, len(reader), PART)
    ]
    slots = None if chosen_engine(len(groups)).name == "serial" else 1
    work = _VerifyPart(job, problems, solutions, _identity(problems, solutions), slots)
    try:
        parts = make_parts(work, groups, scratch=scratch, progress=_Told(progress))
        tier = _sandbox(slots, job.verify.limits).tier
    finally:
        _close()
    programs = Programs()
    with Writer(out, job, tier, solutions) as writer:
        for group in groups:
            asked = reader.read(group.first_row, group.rows)
            found = [Decided.of(json.loads(text)) for text in parts.table(group)["decided"].to_pylist()]
            writer.add(asked, [programs.refuse_known(*each) for each in zip(asked, found, strict=True)])
    return writer.summary()


@dataclass(frozen=True)
class _Told:
    """Progress in problems."""

    progress: Progress

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        self.progress(done, total, "problems", note)


@dataclass(frozen=True)
class _VerifyPart:
    """What is known of some problems. Its `repr` says all that this depends on."""

    job: VerificationJob
    problems: Path = field(repr=False)
    solutions: Path | None = field(repr=False)
    identity: str
    slots: int | None = field(repr=False)
    versions: tuple[int, int] = (judging.VERSION, mutants.VERSION)

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        asked = _reader(self.problems, self.solutions).read(group.first_row, group.rows)
        decided = verify_part(self.job, asked, partial(_sandbox, self.slots), tick)
        return pa.table({"decided": [json.dumps(each.data()) for each in decided]})


_READERS: dict[tuple[Path, Path | None], Reader] = {}
_OPEN: dict[tuple[Limits, int], tuple[AbstractContextManager[Sandbox], Sandbox]] = {}
"""This process's sandboxes by limits and hash seed, open from one part to the next."""


def _reader(problems: Path, solutions: Path | None) -> Reader:
    if (problems, solutions) not in _READERS:
        _READERS.clear()
        _READERS[problems, solutions] = Reader(problems, solutions)
    return _READERS[problems, solutions]


def _sandbox(slots: int | None, limits: Limits, /, hash_seed: int = 0) -> Sandbox:
    if (limits, hash_seed) not in _OPEN:
        opened = open_sandbox(limits, own_cores() if slots is None else slots, hash_seed=hash_seed)
        _OPEN[limits, hash_seed] = opened, opened.__enter__()
    return _OPEN[limits, hash_seed][1]


@atexit.register
def _close() -> None:
    _READERS.clear()
    while _OPEN:
        opened, _ = _OPEN.popitem()[1]
        with suppress(OSError):
            opened.__exit__(None, None, None)


def own_cores() -> int | None:
    """Cores that the runner has left for this job (`TITRANT_CORES`); None where nobody has said."""
    return int(os.environ.get("TITRANT_CORES", "0")) or None


def _identity(problems: Path, solutions: Path | None) -> str:
    """BLAKE3 of what is verified, so that parts of other problems are not taken for these."""
    found = blake3()
    for path in (problems / "problems.parquet", solutions and solutions / "solutions.parquet"):
        if path is not None:
            found.update_mmap(path)
    return str(found.hexdigest())
