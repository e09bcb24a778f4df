"""Mistakes in what is asked or drawn are told before anything trains, with file and line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from demo_study import DEMO, lay_out_study


def run(study: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "titrant", "run", str(study), "--store", str(study.parent / "store")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_probe_that_does_not_fit_and_a_source_with_one_document_are_told_before_training(tmp_path) -> None:
    evaluation = (
        "evaluation:\n"
        "  bits_per_byte: {bytes_per_source: 1kB}\n"
        "  probes: [{name: copying, shots: 12, items_per_rung: 10}]\n"
    )
    lines = [line for line in DEMO.splitlines() if not line.startswith("evaluation")]
    study = lay_out_study(tmp_path, "\n".join(lines) + "\n" + evaluation)

    failed = run(study)

    said = failed.stderr.replace("\n", " ")
    assert failed.returncode == 2
    assert "bits per byte on source 'text' would be scored on 1 document, and at least 2 are needed" in said
    assert "the model reads 64; shorten it (of a probe: fewer shots, lower rungs) or raise sequence_length" in said
    assert f"study.yaml:{len(lines) + 2})" in said  # bits per byte
    assert f"study.yaml:{len(lines) + 3})" in said  # probes
    assert not list((tmp_path / "store").glob("train/*"))
