"""What a synthesis needs and is not here is told before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_cli_synthesize import Run, study, titrant

from titrant.cli import needs

__all__ = ["study", "titrant"]

TEACHER = {"model": "big", "endpoint": "http://localhost:9/v1"}
DATASET = {"dataset": "someone/problems", "revision": "0" * 40}
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "contracts": (
        "crosshair",
        {"verify": {"contracts": {"share": 0.5}}},
        "synthesis 'few' has its contracts looked at by CrossHair, which is not installed: pip install 'titrant[contracts]'",
    ),
    "teacher": (
        "httpx2",
        {"teacher": TEACHER},
        "synthesis 'few' asks its teacher 'big' at http://localhost:9/v1, which needs the `httpx2` library: pip install 'titrant[judge]'",
    ),
    "dataset": (
        "datasets",
        {"from": DATASET},
        "synthesis 'few' reads problems of dataset 'someone/problems', which needs the `datasets` library: pip install 'titrant[hub]'",
    ),
}


def lacks(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(needs, "is_installed", lambda module: module not in modules)


@pytest.mark.parametrize("command", ["run", "synthesize", "data"])
@pytest.mark.parametrize("case", CASES)
def test_a_missing_extra_is_named_before_anything_is_made(
    titrant: Run, study: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, command: str
) -> None:
    module, declared, message = CASES[case]
    path = study(few={"from": {"generated": 4}, "decontaminate": []} | declared)
    lacks(monkeypatch, module)
    status, _, err = titrant(path, command=command)
    assert status == 1
    assert message in " ".join(err.split())
    assert not list((tmp_path / "store").rglob("record.json"))


@pytest.mark.parametrize("command", ["run", "synthesize"])
def test_a_teacher_without_its_key_is_told_before_anything_is_made(
    titrant: Run, study: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    teacher = TEACHER | {"key_variable": "NO_SUCH_KEY"}
    path = study(few={"from": {"generated": 4}, "decontaminate": [], "teacher": teacher})
    status, _, err = titrant(path, command=command)
    assert status == 2
    assert "the environment variable NO_SUCH_KEY is not set; set it (export NO_SUCH_KEY=...)" in " ".join(err.split())
    assert not list((tmp_path / "store").rglob("record.json"))


@pytest.fixture
def no_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_version_of", lambda distribution: "")


def test_public_sets_without_the_harness_are_told_with_the_way_out(
    titrant: Run, study: Callable[..., Path], tmp_path: Path, no_harness: None
) -> None:
    path = study(few={"from": {"generated": 4}}, more={"from": {"generated": 5}, "decontaminate": []})
    status, _, err = titrant(path, command="run")
    said = " ".join(err.split())
    assert status == 1
    assert "synthesis 'few': `decontaminate` leaves out the problems of HumanEval and MBPP" in said
    assert "pip install 'titrant[suites]'" in said
    assert said.endswith("or say `decontaminate: []` there, which does without")
    assert not list((tmp_path / "store").rglob("record.json"))
    assert titrant(path, "--synthesis", "few")[0] == 0, "its items are not compared with them here"


def test_where_the_evaluation_asks_them_too_leaving_them_out_of_the_synthesis_is_no_way_out(
    titrant: Run, study: Callable[..., Path], no_harness: None
) -> None:
    path = study(few={"from": {"generated": 4}})
    content = yaml.safe_load(path.read_text())
    content["evaluation"] = {**content.get("evaluation", {}), "code": ["mbpp"]}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    said = " ".join(titrant(path, command="run")[2].split())
    assert "`decontaminate: []` does not help: the evaluation asks 'mbpp' as well" in said


def test_what_is_made_already_needs_nothing(
    titrant: Run, study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study(few={"from": {"generated": 4}, "verify": {"contracts": {"share": 0.5}}, "decontaminate": []})
    assert titrant(path)[0] == 0
    lacks(monkeypatch, "crosshair", "httpx2", "datasets")
    assert titrant(path)[0] == 0


def test_one_job_alone_is_looked_at_alone(
    titrant: Run, study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study(few={"from": {"generated": 4}, "verify": {"contracts": {"share": 0.5}}, "decontaminate": []})
    lacks(monkeypatch, "crosshair")
    assert titrant(path, "--job", "problems/few", command="run")[0] == 0
    status, _, err = titrant(path, "--job", "verification/few", command="run")
    assert status == 1
    assert "pip install 'titrant[contracts]'" in err
