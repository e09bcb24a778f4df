"""Named lists of tasks: those of the reference study, and what is near them.

A suite holds what can be had on a fresh machine, from one pinned package. A task of the list whose data are not in it
is a gap: it is named with the reason and with what to give, wherever the suite's scores are shown, and no mean is taken
as if it were there. Declared under `tasks` with its data, it is asked like any other.

**Source:** Aryabumi et al. 2024 (arXiv 2408.10914), table 1, for `aryabumi` and the tasks of the categories; the tasks
added to `reasoning` (OpenBookQA, RTE, WSC, WiC, ARC-Challenge) are the usual ones beside them, as in Brown et al. 2020
(arXiv 2005.14165), section 3. Where the paper does not say how accuracy is taken, a task's own metric is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from titrant.study.tasks import CodeTask, Task

SuiteName = Literal["knowledge", "reasoning", "code", "judge", "aryabumi"]


@dataclass(frozen=True)
class Suite:
    """Tasks that are asked together."""

    tasks: tuple[Task, ...] = ()
    code: tuple[CodeTask, ...] = ()
    judged: bool = False
    """Whether answers to prompts are judged too; who judges is for the study to say."""
    gaps: Mapping[str, str] = field(default_factory=dict)
    """By name in lm-evaluation-harness, tasks of the list that are not asked: why, and what to give."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that the list has: what is asked, and what would be if its data were given."""
        return (*(task.name for task in self.tasks), *(task.name for task in self.code), *self.gaps)


def suite(name: SuiteName) -> Suite:
    """The tasks of a suite.

    >>> [task.name for task in suite("knowledge").tasks], list(suite("aryabumi").gaps)
    (['triviaqa', 'nq_open'], ['quac', 'storycloze_2016'])
    """
    return _SUITES[name]


def _tasks(*names: str) -> tuple[Task, ...]:
    return tuple(Task(name=name) for name in names)


_KNOWLEDGE = _tasks("triviaqa", "nq_open")
_REASONING = _tasks(
    "boolq", "piqa", "sciq", "social_iqa", "cb", "copa", "hellaswag", "winogrande", "arc_easy"
)  # fmt: skip
_CODE = (CodeTask(name="humaneval"), CodeTask(name="mbpp"))

_GAPS: Final[Mapping[str, str]] = {
    "quac": "QuAC has no task in lm-evaluation-harness, and the paper does not say how it gets an accuracy; give a "
    "file of its questions with choices under `multiple_choice`",
    "storycloze_2016": "the data of StoryCloze are handed out by their authors on request; ask them, and give the "
    "files under `tasks: [{name: storycloze_2016, data: {files: {test: FILE}}}]`",
}
_HUB_GAPS: Final[Mapping[str, str]] = {
    name: f"the data of {name} are in no package; list it under `tasks`, and they are fetched from the hub, or give "
    f"`data: {{files: {{validation: FILE}}}}`"
    for name in ("wsc", "wic")
}

_SUITES: Final[dict[SuiteName, Suite]] = {
    "knowledge": Suite(_KNOWLEDGE),
    "reasoning": Suite(_REASONING + _tasks("openbookqa", "rte", "arc_challenge"), gaps={**_GAPS, **_HUB_GAPS}),
    "code": Suite(code=_CODE),
    "judge": Suite(judged=True),
    "aryabumi": Suite(_KNOWLEDGE + _REASONING, _CODE, judged=True, gaps=_GAPS),
}
