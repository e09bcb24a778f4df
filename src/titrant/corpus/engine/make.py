"""The engine of the data stages: one function over all row groups of a source, on one core, several, or many machines.

    1. every row group is a part; parts that an earlier attempt finished are not made again
    2. the engine makes the others, in any order, each under its own name in the job's scratch folder (see `parts`)
    3. the stage reads the parts in the documents' order and writes its files

So the bytes that a stage writes do not depend on the engine, and the engine is no part of a study: the environment
chooses it.

    TITRANT_ENGINE=serial         this process alone
    TITRANT_ENGINE=processes:4    four processes of one thread each beside it; without a number, one for each core
    TITRANT_ENGINE=ray            Daft on the Ray cluster that RAY_ADDRESS names, else the one that runs on this machine
    TITRANT_ENGINE=ray:HOST:PORT  Daft on that Ray cluster

Without it, processes on the cores that the runner has left for the job, `TITRANT_CORES`, if there is enough to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from titrant.corpus.engine.parts import Parts, Work
from titrant.corpus.engine.processes import run_in_processes
from titrant.corpus.stored import RowGroup
from titrant.errors import EngineError
from titrant.jobs import Progress

ENGINE = "TITRANT_ENGINE"
"""Environment variable: what does the work on documents: `serial`, `processes:N`, or `ray` (`ray:ADDRESS`); by default
as many processes as there are free cores."""
CORES = "TITRANT_CORES"
"""How many cores the runner has left for a job; one where it says nothing."""

WORTH_PARTS = 8
"""Without a word from the user, one process for so many parts: it starts in a second or two, a part takes 0.2 to 5."""

Tell = Callable[[int], None]
"""Told the documents that are done, of all; may raise KeyboardInterrupt."""


@dataclass(frozen=True)
class Engine:
    """Where parts are made."""

    name: Literal["serial", "processes", "ray"]
    processes: int = 1
    address: str | None = None
    """Of the Ray cluster; None: the one that Ray itself finds."""


def chosen_engine(parts: int, environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine that the environment asks for, or that pays for so many parts.

    Raises EngineError for a value that it does not know.

    >>> chosen_engine(100, {"TITRANT_ENGINE": "processes:3"})
    Engine(name='processes', processes=3, address=None)
    >>> chosen_engine(15, {"TITRANT_CORES": "8"}).name, chosen_engine(24, {"TITRANT_CORES": "8"}).processes
    ('serial', 3)
    """
    asked = environment.get(ENGINE, "")
    if not asked:
        cores = _number(environment.get(CORES, "")) or 1
        count = min(cores, parts // WORTH_PARTS)
        return Engine("processes", count) if count > 1 else Engine("serial")
    name, _, rest = asked.partition(":")
    if asked == "serial":
        return Engine("serial")
    if asked == "processes":
        return Engine("processes", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    if name == "processes" and (count := _number(rest)):
        return Engine("processes", count)
    if asked == "ray" or (name == "ray" and rest):
        return Engine("ray", address=rest or None)
    raise EngineError(
        f"{ENGINE} is '{asked}', which is no engine; give serial, processes:N (such as processes:4), ray, or "
        "ray:HOST:PORT, or unset it"
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,3}", text) else 0


def make_parts(work: Work, groups: Sequence[RowGroup], *, scratch: Path, progress: Progress) -> Parts:
    """Make every part that is not there yet; the finished parts.

    `work` is told of in `Work`. In memory are one row group and its part in each process. `progress` counts documents;
    where it raises, all processes end, and what is finished is kept in `scratch` for the next attempt.

    Raises what the work raises, EngineError if a process dies twice over the same row group, for an unknown engine or
    one whose libraries are missing, and StoreError for damaged documents.
    """
    parts = Parts.under(scratch, work, groups)
    missing = [group for group in groups if not parts.has(group)]
    total = sum(group.rows for group in groups)
    before = total - sum(group.rows for group in missing)

    def tell(documents: int) -> None:
        progress(before + documents, total, "documents")

    tell(0)
    engine = chosen_engine(len(missing))
    if engine.name == "serial" or len(missing) < 2 or engine == Engine("processes", 1):
        _run_here(parts, missing, tell)
    elif engine.name == "processes":
        run_in_processes(parts, missing, min(engine.processes, len(missing)), tell)
    else:
        from titrant.corpus.engine.daft_on_ray import run_on_ray

        run_on_ray(parts, missing, engine.address, tell)
    return parts


def _run_here(parts: Parts, groups: Sequence[RowGroup], tell: Tell) -> None:
    done = 0
    for group in groups:
        parts.make(group, lambda rows, done=done: tell(done + rows))  # type: ignore[misc]
        done += group.rows
        tell(done)
