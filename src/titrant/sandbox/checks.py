"""What can be executed in a sandbox, and what comes back."""

from __future__ import annotations

import ast
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
class PythonCalls:
    """A function, and arguments that it is called with; what comes of it is told, and judged elsewhere.

    Programs and inputs share one process, which no other item shares. They find no folder to write in; what they print
    is thrown away. Expected results never enter it.
    """

    candidate: str
    """The program's text; not trusted."""
    entry_point: str
    """The function that it must define."""
    inputs: str
    """A Python literal: a list of tuples, the arguments of one call each. No call sees what another has changed in
    them."""
    setup: str = ""
    """Trusted text that is executed before each program, in its namespace."""
    variants: tuple[str, ...] = ()
    """Further programs that are called in the same way after it, trusted no less than it is: mutants of it."""
    steps: int = 10_000
    """Rounds of loops and calls of functions that a variant may begin for one input. The candidate may begin any
    number: limits of the process bound it."""
    first: int = 0
    """Variants are called with the inputs from this place on, from 0, and then with those before it."""


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


@dataclass(frozen=True)
class Answers:
    """What came of calls. It does not depend on what else the machine does."""

    status: Status
    """`passed`: the candidate came to its end with all inputs, whatever its answers are."""
    detail: str = ""
    """Why it did not, in words."""
    answers: tuple[tuple[str, ...], ...] = ()
    """By program, the candidate first, then the variants; by input: `= LITERAL`, what it returned; `! NAME`, the
    exception that it raised; `? TYPE`, it returned what is no literal (or one of more than 65,536 characters); `~`, a
    variant has used up its steps on it; `-`, what a variant answers is not known: it had run away on two others or
    ended its process, or the candidate itself needs more steps than it may begin. Empty if not `passed`. A hostile
    program can say anything here about itself and its variants, but nothing about others: read literals by
    `literal`."""
    cpu_seconds: float = 0.0
    """CPU time, that of variants included."""

    @property
    def passed(self) -> bool:
        """Whether there are answers."""
        return self.status == "passed"


def literal(answer: str) -> object:
    """The value of an answer that begins with `= `. Raises ValueError for all other texts, however made."""
    try:
        if answer.startswith("= "):
            return ast.literal_eval(answer[2:])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    raise ValueError(f"no literal: {answer[:100]}")
