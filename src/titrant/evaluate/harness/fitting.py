"""Whether every item of the tasks fits a model, told before any model is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from titrant.errors import Problem, StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.tasks import BuiltTask
from titrant.evaluate.likelihood import TokenScores


def check_fit(tasks: Iterable[BuiltTask], encoder: Encoder, window: int) -> dict[str, tuple[int, int]]:
    """By outcome, its items and how many of them will lose the beginning of their question to the window.

    Encodes every request as scoring will. Raises StudyError with the first item of each task that cannot be scored: an
    answer that adds no token, or has more tokens than the window.
    """
    from titrant.evaluate.harness.model import HarnessModel

    found: dict[str, tuple[int, int]] = {}
    problems: list[Problem] = []
    for task in tasks:
        model = HarnessModel(_Ruler(window), encoder)
        task.build_requests()
        written = task.kind == "generate_until"
        try:
            model.loglikelihood(task.gold_requests() if written else task.harness.instances)
        except StudyError as error:
            problems += error.problems
        found[task.outcome] = len(task.documents()), len({document for _, document in model.shortened})
    if problems:
        raise StudyError(problems)
    return found


class _Ruler:
    """Scores nothing; every sequence that reaches it fits."""

    def __init__(self, window: int) -> None:
        self.window = window

    def token_scores(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> list[TokenScores]:
        return [TokenScores(np.zeros(0, np.float32), np.zeros(0, np.bool_)) for _ in sequences]
