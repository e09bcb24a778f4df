"""The second ring of checks: what the study says must make sense. (Being written.)"""

from __future__ import annotations

from titrant.study.study import Study


def check_meaning(study: Study) -> list[tuple[tuple[str | int, ...], str]]:
    """Path in the study and sentence, for each problem."""
    return []
