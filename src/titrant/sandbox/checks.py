"""What can be executed in a sandbox, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "passed",
    "failed",
    "error",
    "timed out",
    "out of memory",
    "output limit",
    "disk limit",
    "killed",
]
"""How an execution ended. Only `passed` is success: `failed` means that a test did not hold, `error` that the program
could not be tested to the end, `killed` that it ended by a signal; the others name the limit that was passed."""


@dataclass(frozen=True)
class PythonCheck:
    """A Python program and tests for it, which run in two processes that share nothing.

    The tests see the program's objects only through a channel: plain data (numbers, strings, bytes, lists, dicts, sets
    and the like) cross as values, other objects stay in the program's process and are called, indexed, iterated
    and read from there. Such an object equals only itself and has no arithmetic. Changes that a call makes to
    lists, dicts, sets and bytearrays given to it are carried back.
    """

    candidate: str
    """The program's text; not trusted."""
    tests: str
    """Statements that raise, as `assert` does, unless the program is right; trusted not to help the program. Names
    that they do not define are modules of the standard library, or else the program's."""
    entry_points: tuple[str, ...]
    """Names that the program must define."""
    setup: str = ""
    """Trusted text that is executed before the program and, apart from it, before the tests: imports, helpers that a
    problem hands to both."""


@dataclass(frozen=True)
class Program:
    """A whole program in some language: it passes if it ends with exit code 0 after its last statement.

    That is a weaker proof than a PythonCheck gives: the program and its tests are one process.
    """

    language: str
    """One of `languages()`."""
    source: str
    """Its text, tests included; not trusted."""
    stdin: str = ""
    """What it reads."""


Check = PythonCheck | Program


@dataclass(frozen=True)
class Verdict:
    """How one execution ended. Status and detail do not depend on what else the machine does."""

    status: Status
    detail: str = ""
    """Why, in words; empty if it passed."""
    output: str = ""
    """What the program printed, as far as the limit allows."""
    cpu_seconds: float = 0.0
    """CPU time of the program, its tests' left out."""
    printed: str = ""
    """What the tests printed; 65,536 characters at most."""

    @property
    def passed(self) -> bool:
        """Whether all tests held."""
        return self.status == "passed"
