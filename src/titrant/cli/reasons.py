"""Why a job would run, with the study's own key beside a field of the job that the study calls otherwise."""

from __future__ import annotations

import re

STUDY_KEYS = {"milestones": "evaluation.checks_per_phase"}
"""By field of a job's declaration, the key of the study that it comes from."""


def with_study_keys(said: str) -> str:
    """A reason or a change, as `Explainer` gives it, with the key of the study to look for.

    >>> with_study_keys("changed: milestones 4 -> 8")
    'changed: milestones (evaluation.checks_per_phase) 4 -> 8'
    """
    begin = re.match(r"(?:changed: )?(\w+)", said)
    key = STUDY_KEYS.get(begin[1]) if begin else None
    return f"{said[: begin.end()]} ({key}){said[begin.end() :]}" if begin and key else said
