"""`plan --calibrate`, `--on`, prices, and what `run` writes down before and after: with a measuring that is made up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_small import small, titrant  # noqa: F401  (a fixture)
from cli_stages import STAGES

from titrant.cli import forecast
from titrant.errors import EngineError
from titrant.execute import work
from titrant.execute.cost.calibration import Calibration, ScaleSpeed, key_of
from titrant.study.study import Study


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind, function in STAGES.items():
        monkeypatch.setitem(work.STAGES, kind, function)  # type: ignore[arg-type]
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TITRANT_HOURLY_PRICE", raising=False)
    return small(tmp_path)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the scales that were asked to be measured; what is found is made up."""
    asked: list[str] = []

    def pretend(study: Study, vocabulary: int, workers: int, gpus: object, crude: object) -> dict[str, Calibration]:
        asked.extend(study.scales)
        speed = ScaleSpeed(
            flops_per_second=1e9, train_start_seconds=1, train_cpu_fraction=0.5, train_memory_bytes=1,
            evaluate_start_seconds=2, evaluate_cpu_fraction=1, seconds_per_byte=0, seconds_per_item={},
        )  # fmt: skip
        return {
            key_of(study, scale, vocabulary, workers): Calibration(
                scale=name, speed=speed, core_speed=1, job_seconds=0, workers=workers, measured_seconds=9, when="now"
            )
            for name, scale in study.scales.items()
        }

    monkeypatch.setattr(forecast, "calibrate", pretend)
    return asked


def time_of(out: str) -> str:
    return next(line for line in out.splitlines() if line.startswith("time:"))


def test_plan_measures_when_asked_and_uses_it_from_then_on(titrant: Any, study: Path, measured: list[str]) -> None:  # noqa: F811
    _, out, _ = titrant("plan", study)
    assert "estimated from a matmul" in time_of(out)
    assert "`--calibrate` would tell more" in time_of(out)
    assert measured == []
    status, out, err = titrant("plan", study, "--calibrate")
    assert (status, measured) == (0, ["tiny"])
    assert "from a calibration of this machine" in time_of(out)
    assert "other work took 50% of the cores" in err
    assert time_of(titrant("plan", study)[1]) == time_of(out)
    assert measured == ["tiny"]


def test_plan_as_json_says_how_each_job_is_known(titrant: Any, study: Path, measured: list[str]) -> None:  # noqa: F811
    titrant("plan", study, "--calibrate")
    content = json.loads(titrant("plan", study, "--json", "-")[1])
    train = next(job for job in content["jobs"] if job["kind"] == "train")
    assert train["known_by"] == "calibration"
    assert train["seconds"] == pytest.approx(1 + train["flops"] / 1e9)
    assert content["known_by"]["train"] == ["calibration"]
    assert content["totals"]["jobs_without_prediction"] == 0


def test_a_machine_that_cannot_be_measured_is_an_error_where_it_was_asked_for(
    titrant: Any, study: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise EngineError("this machine could not be measured: no compiler")

    monkeypatch.setattr(forecast, "calibrate", fail)
    status, _, err = titrant("plan", study, "--calibrate")
    assert status == 1
    assert "error: this machine could not be measured: no compiler" in err
    # a run that would have measured by itself goes on
    monkeypatch.setattr(forecast, "WORTH_MEASURING_SECONDS", 0.0)
    status, _, err = titrant("run", study)
    assert status == 0
    assert "could not be measured: no compiler; the time left is a rough guess" in err


def test_run_measures_only_what_is_worth_it(
    titrant: Any, study: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    assert titrant("run", study)[0] == 0
    assert measured == []
    monkeypatch.setattr(forecast, "WORTH_MEASURING_SECONDS", 0.0)
    other = small(study.parent / "other", lambda content: content.update(seeds=[7]))
    assert titrant("run", other, "--store", study.parent / "new")[0] == 0
    assert measured == ["tiny"]


def test_run_writes_down_what_is_predicted_and_shows_it_beside_what_it_took(
    titrant: Any, study: Path, measured: list[str], tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    status, out, _ = titrant("run", study, "--calibrate", "--hourly-price", "3.5")
    assert (status, measured) == (0, ["tiny"])
    assert re.search(r"\ncost: .* were predicted, and it took ", out)
    folder = tmp_path / "titrant-store/studies/demo"
    assert {path.name for path in folder.iterdir()} >= {"predicted.json", "cost.json", "cost.md", "cost.html"}
    kept = json.loads((folder / "predicted.json").read_bytes())
    cost = json.loads((folder / "cost.json").read_bytes())
    assert {entry["kind"] for entry in cost["kinds"]} >= {"train", "evaluate", "report"}
    assert all(entry["predicted_jobs"] == entry["jobs"] for entry in cost["kinds"])
    assert cost["hourly_price"] == 3.5
    assert len(kept["jobs"]) == sum(entry["jobs"] for entry in cost["kinds"])
    # made again from what is stored: the same bytes
    before = (folder / "cost.html").read_bytes()
    for name in ("cost.json", "cost.md", "cost.html"):
        (folder / name).unlink()
    assert titrant("report", study)[0] == 0
    assert (folder / "cost.html").read_bytes() == before


def test_on_predicts_for_gpus_that_are_not_here(titrant: Any, study: Path) -> None:  # noqa: F811
    status, out, _ = titrant("plan", study, "--on", "h100", "--count", "8", "--hourly-price", "2.5")
    assert status == 0
    assert "on 8 x H100" in out
    assert re.search(r"tiny: at least 1 GPU a job \(0\.\d GB of each", out)
    assert re.search(r"in money at 2\.5 an hour and GPU", out)
    offer = json.loads(titrant("plan", study, "--on", "L4", "--json", "-")[1])["offer"]
    assert (offer["accelerator"], offer["count"], offer["price"]) == ("L4", 1, None)
    assert offer["seconds_range"][0] <= offer["seconds"] <= offer["seconds_range"][1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--on", "H1000"), "'H1000' is no GPU of the table"),
        (("--on", "H100", "--count", "0"), "0 is not in the range 1<=x<=1000000"),
        (("--on", "H100", "--count", "9" * 20), "is not in the range 1<=x<=1000000"),
        (("--on", "H100", "--count", "two"), "'two' is not a whole number, such as 1 or 8"),
        (("--count", "3"), "--count says how many of the GPUs that --on names: add --on, such as --on H100"),
        (("--on", "H100", "--hourly-price", "-1"), "'-1' is not a price: give a number from 0 to 1,000,000"),
        (("--on", "H100", "--hourly-price", "nan"), "'nan' is not a price: give a number from 0 to 1,000,000"),
        (("--hourly-price", "inf"), "'inf' is not a price: give a number from 0 to 1,000,000"),
        (("--hourly-price", "cheap"), "'cheap' is not a price: give a number from 0 to 1,000,000"),
    ],
)
def test_what_no_machine_can_be_is_refused(titrant: Any, study: Path, arguments: tuple[str, ...], words: str) -> None:  # noqa: F811
    status, _, err = titrant("plan", study, *arguments)
    assert status == 2
    assert words in err


def test_a_price_of_the_environment_is_read_as_strictly(
    titrant: Any, study: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setenv("TITRANT_HOURLY_PRICE", "nan")
    status, _, err = titrant("plan", study)
    assert status == 2
    assert "'nan' is not a price" in err


def test_what_was_measured_in_vain_is_said(
    titrant: Any, study: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "a file" / "cache"))
    status, _, err = titrant("plan", study, "--calibrate")
    assert (status, measured) == (0, ["tiny"])
    assert "what was measured could not be written down, and counts for nothing" in err


def test_planning_for_gpus_never_imports_torch(study: Path, tmp_path: Path) -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr)); "
        "from titrant.cli import main; main()"
    )
    arguments = ["plan", str(study), "--store", str(tmp_path / "none"), "--on", "H100"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["False"]


@pytest.mark.slow
def test_a_real_calibration_measures_the_studys_own_steps_and_questions(tmp_path: Path) -> None:
    from titrant.cli.opened import open_plan
    from titrant.execute.cost.calibrate import calibrate

    plan = open_plan(str(small(tmp_path))).plan
    (found,) = calibrate(plan.study, 280, 1, (), None).values()
    assert found.scale == "tiny"
    assert 1e6 < found.speed.flops_per_second < 1e13
    assert found.speed.seconds_per_byte > 0
    assert found.speed.train_memory_bytes > 1e8
    assert found.measured_seconds < 100


def test_a_plan_tells_what_judges_will_be_asked_and_what_that_costs(titrant: Any, study: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "prompts.jsonl").write_text('{"instruction": "Name a mill."}\n' * 5)
    judge = {"model": "wise", "endpoint": "http://localhost:1/v1", "price_input": 1000, "price_output": 1000}
    judging = {"prompts": {"files": "prompts.jsonl"}, "judges": [judge]}
    small(tmp_path, lambda content: content["evaluation"].update(judging=judging))
    status, out, err = titrant("plan", study)
    assert status == 0, err
    (line,) = [line for line in out.splitlines() if line.startswith("judge/dolly:")]
    assert re.fullmatch(
        r"judge/dolly: 10 requests for 1 pair of runs, which cost about [\d.]+ and [\d.]+ at most", line
    )
