"""The table on the terminal: every tested finding stands in it, whatever is said of its outcome elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_stages import FINDING

from titrant.cli.results import print_findings


def test_a_task_without_signal_in_one_contrast_is_shown_in_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    silent = FINDING | {"arm": "silent-arm", "flags": ["at chance"]}
    tested = FINDING | {"arm": "tested-arm", "flags": []}
    (tmp_path / "report.json").write_text(json.dumps({"headline": "It helps.", "findings": [silent, tested]}))

    print_findings(tmp_path)

    said = capsys.readouterr().out
    assert "tested-arm vs" in said
    assert "silent-arm vs" not in said
    assert f"without signal, and left out above: {FINDING['outcome']} (1x)" in said
