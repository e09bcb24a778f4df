"""The page on teachers prints what they are told, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from titrant.synthesize.teacher.prompts import ASKED, INSTRUCTIONS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "teachers.md"


@pytest.mark.parametrize("told", [INSTRUCTIONS, *ASKED.values()])
def test_what_a_teacher_is_told_stands_in_the_documentation(told: str):
    assert " ".join(told.format(entry_point="NAME").split()) in " ".join(PAGE.read_text().split())
