"""Environment variables that say where and how work runs: read in one way, and checked together before work begins.

None is part of a study. Each module says under the variable's name what it means; here stands what it may be.
"""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable, Mapping

from titrant.errors import Problem, StudyError

RANKS = "TITRANT_RANKS"
"""Environment variable: how many processes (GPUs, or cores) train one phase together, 1 by default. `titrant run
--ranks N` sets it."""

LAUNCHER = "TITRANT_LAUNCHER"
"""Environment variable: the command that starts the processes of a phase, if not torchrun on this machine; `-m
titrant.train.together.rank FOLDER` is put behind it. For two machines under Slurm: `srun torchrun --nnodes 2
--nproc-per-node 8 --rdzv-backend c10d ...`. The store must lie where all of them see it."""

MOST_RANKS = 100_000


def asked_ranks() -> int:
    """How many processes train one phase together. Raises StudyError if that is no number."""
    return whole(RANKS, 1, most=MOST_RANKS)


def whole(name: str, default: int, *, least: int = 1, most: int = 2**53) -> int:
    """A whole number, `default` if the variable is not set. Raises StudyError if it is none, or outside the bounds."""
    given = os.environ.get(name)
    if given is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", given) or not least <= int(given) <= most:
        bounds = f"from {least}" + (f" to {most}" if most < 2**53 else "")
        raise StudyError(f"{name} is '{given}'; set it to a whole number {bounds}, or leave it out")
    return int(given)


def seconds(name: str, default: float, *, least: float = 0.0) -> float:
    """Seconds, `default` if the variable is not set. Raises StudyError if it is no number, or fewer than `least`."""
    given = os.environ.get(name)
    if given is None:
        return default
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not least <= number < math.inf:
        raise StudyError(f"{name} is '{given}'; set it to a number of seconds, {least:g} or more, or leave it out")
    return number


def switch(name: str) -> bool | None:
    """1 or 0; None if the variable is not set. Raises StudyError if it is something else."""
    found = choice(name, ("0", "1"))
    return None if found is None else found == "1"


def choice(name: str, options: tuple[str, ...]) -> str | None:
    """One of some words; None if the variable is not set. Raises StudyError if it is another."""
    given = os.environ.get(name)
    if given is not None and given not in options:
        raise StudyError(f"{name} is '{given}'; set it to {' or '.join(options)}, or leave it out")
    return given


def command(name: str) -> list[str]:
    """The words of a command as a shell would read them; none if the variable is not set. Raises StudyError for a
    quotation that does not end."""
    try:
        return shlex.split(os.environ.get(name, ""))
    except ValueError as error:
        raise StudyError(f"{name} cannot be read as a command ({str(error).lower()}); mend its quotes") from None


def _engine() -> None:
    given = os.environ.get("TITRANT_ENGINE")
    if given is not None and not re.fullmatch(r"serial|processes:[1-9][0-9]{0,5}|ray(:.+)?", given):
        raise StudyError(
            f"TITRANT_ENGINE is '{given}'; set it to serial, processes:N (from 1), ray or ray:ADDRESS, or leave it out"
        )


_CHECKS: Mapping[str, Callable[[], object]] = {
    RANKS: asked_ranks,
    LAUNCHER: lambda: command(LAUNCHER),
    "TITRANT_CHECKPOINT_SECONDS": lambda: seconds("TITRANT_CHECKPOINT_SECONDS", 30),
    "TITRANT_COLLECTIVE_SECONDS": lambda: seconds("TITRANT_COLLECTIVE_SECONDS", 300, least=1),
    "TITRANT_COMPILE": lambda: switch("TITRANT_COMPILE"),
    "TITRANT_DETERMINISTIC": lambda: switch("TITRANT_DETERMINISTIC"),
    "TITRANT_ENGINE": _engine,
    "TITRANT_GRACE_SECONDS": lambda: seconds("TITRANT_GRACE_SECONDS", 25),
    "TITRANT_MICRO_BATCH_TOKENS": lambda: whole("TITRANT_MICRO_BATCH_TOKENS", 1),
    "TITRANT_PARALLEL": lambda: choice("TITRANT_PARALLEL", ("replicated", "sharded")),
    "TITRANT_RECOMPUTE": lambda: switch("TITRANT_RECOMPUTE"),
    "TITRANT_SANDBOX": lambda: choice("TITRANT_SANDBOX", ("bubblewrap", "landlock")),
    "TITRANT_STALL_NOTE_SECONDS": lambda: seconds("TITRANT_STALL_NOTE_SECONDS", 10, least=0.001),
    "TITRANT_STALL_SECONDS": lambda: seconds("TITRANT_STALL_SECONDS", 600, least=0.001),
    "TITRANT_THREADS": lambda: whole("TITRANT_THREADS", 1, most=4096),
    "TITRANT_TRACKER_SECONDS": lambda: seconds("TITRANT_TRACKER_SECONDS", 5),
}


def check_settings() -> None:
    """Read every variable once. Raises StudyError with all that are wrong."""
    problems: list[Problem] = []
    for check in _CHECKS.values():
        try:
            check()
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)
