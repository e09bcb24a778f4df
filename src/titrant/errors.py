"""What can go wrong, drawn as one tree by whose fault it is.

    TitrantError
    ├── StudyError    the study or the command line is wrong: yours to fix; carries every problem found (exit 2)
    ├── JobError      a piece of work failed: names the job, its input and its log (exit 1)
    ├── StoreError    what lies on disk contradicts the plan, or cannot be read or written (exit 2)
    └── EngineError   a launcher or a library failed or is missing, or a loss is not finite (exit 1)

Exit 2 says that what was given is wrong, and nothing but changing it will help; exit 1 says that work went wrong on
the way. Where several jobs fail, a StudyError is told before all others, and a StoreError or EngineError before a
JobError.

Each message says what is wrong with its value, where, what is allowed, and what to do, in one or two
sentences. A bug is none of these: it keeps its own exception and its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class TitrantError(Exception):
    """The root of the tree. Never raised itself."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the sentence, and where it stands (`file.yaml:14`)."""

    message: str
    where: str | None = None
    path: tuple[str | int, ...] = ()
    """The place in the study, for those who know the study but not its file: `("mixtures", "mixed")`."""

    def __str__(self) -> str:
        return f"{self.message} ({self.where})" if self.where else self.message


class StudyError(TitrantError):
    """The study is wrong. Carries all problems that one ring of checks found, in the order of the file."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[StudyError], tuple[tuple[Problem, ...]]]:
        return StudyError, (self.problems,)  # crosses processes whole


class JobError(TitrantError):
    """A job failed. `job` is its id in the plan, `log` the file that holds what it printed."""

    def __init__(self, message: str, *, job: str, log: Path | None = None) -> None:
        self.job, self.log = job, log
        self.message = message
        super().__init__(f"{message} (job {job}{f', log {log}' if log else ''})")


class StoreError(TitrantError):
    """What lies on disk contradicts the plan, is damaged, or cannot be read or written."""


class EngineError(TitrantError):
    """A launcher or a library failed or is missing, or training went astray; the message says which, and what to do."""
