"""`titrant ladder` prints what a rung fills in, from the one table."""

from __future__ import annotations

import pytest

from titrant.cli.ladder import RULES, show_ladder
from titrant.study.rungs import RUNGS


def test_every_rung_is_printed_with_its_size_and_its_rule(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    show_ladder()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:9]] == list(RUNGS)
    assert {rung.rule for rung in RUNGS.values()} == set(RULES)
    big = next(line for line in lines if line.startswith("2.8b"))
    for shown in ("2.141B", "2.796B at 256,000", "8,192", "4.194M", "0.00056", "440B", "reference"):
        assert shown in big
    # 6 x (2.14B in blocks + 655M output matrix) + 6 x 27 x 2560 x 8192 for attention, 440B times
    assert "8.9e+21" in big
