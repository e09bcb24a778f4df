"""The command line: what each command prints, what it starts, how long it takes, and what an error comes to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml
from cli_stages import STAGES

from titrant.cli import main
from titrant.cli.commands import commands
from titrant.cli.opened import open_plan
from titrant.execute import work
from titrant.study.study import Study

STUDY = {
    "study": "small",
    "question": "Does code help?",
    "sources": {
        "text": {"kind": "text", "from": [{"files": "text"}]},
        "code": {"kind": "code", "from": [{"files": "code"}]},
    },
    "mixtures": {"text": {"text": 1}, "mixed": {"text": 1, "code": 1}},
    "phases": {"init": {"schedule": {"shape": "cosine"}}, "continue": {"schedule": {"shape": "cosine"}}},
    "arms": {
        "text->text": [{"init": "text"}, {"continue": "text"}],
        "text->mixed": [{"init": "text"}, {"continue": "mixed"}],
    },
    "control": "text->text",
    "budget_parts": 10,
    "scales": {
        "nano": {
            "architecture": {"layers": 2, "width": 32, "heads": 2, "ffn_width": 64},
            "tokens": 65536,
            "sequence_length": 64,
            "global_batch_tokens": 1024,
            "learning_rate": 0.001,
        }
    },
    "seeds": [1, 2],
    "tokenizer": {"vocabulary": 300, "mixture": "mixed"},
}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for name in ("text", "code"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(f"{name} " * 50)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return path


@pytest.fixture
def titrant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, with stages that do next to nothing: (status, stdout, stderr)."""
    for kind, function in STAGES.items():
        monkeypatch.setitem(work.STAGES, kind, function)  # type: ignore[arg-type]
    monkeypatch.setenv("TITRANT_STORE", str(tmp_path / "store"))

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return int(str(stopped.value.code)), out, err

    return run


def edited(study: Path, edit: Callable[[dict[str, object]], object]) -> Path:
    content = yaml.safe_load(study.read_text())
    edit(content)
    study.write_text(yaml.safe_dump(content, sort_keys=False))
    return study


def test_commands_and_flags_are_frozen() -> None:
    """A flag is a promise: this list changes only together with the documentation."""
    found = {
        name: [
            parameter.opts[0] if isinstance(parameter, click.Option) else str(parameter.human_readable_name)
            for parameter in command.params
        ]
        for name, command in sorted(commands.commands.items())
    }
    assert found == {
        "check": ["STUDY"],
        "data": ["STUDY", "--store", "--show", "--rule", "--source", "--count", "--workers", "--json"],
        "doctor": ["--store"],
        "evaluate": ["[STUDY] MODEL", "--suite", "--task", "--items", "--samples", "--data", "--store"],
        "explain": ["STUDY", "JOB", "--store"],
        "export": ["RUN", "DIR", "--store"],
        "ladder": [],
        "plan": ["STUDY", "--store", "--json", "--calibrate", "--on", "--count", "--hourly-price"],
        "report": ["STUDY", "--store"],
        "run": ["STUDY", "--store", "--job", "--workers", "--track", "--ranks", "--calibrate", "--hourly-price"],
        "status": ["STUDY", "--store"],
        "synthesize": [
            *("[STUDY]", "--synthesis", "--generated", "--seed", "--area", "--difficulty", "--form"),
            *("--out", "--refused", "--workers", "--store"),
        ],
    }


def test_check_says_what_it_checked_and_starts_nothing(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, out, _ = titrant("check", study)
    assert status == 0
    assert "2 sources, 2 mixtures, 2 arms, 1 contrasts, 1 scales, 2 seeds" in out
    assert "4 runs in" in out
    assert "Nothing was started" in out
    assert not (tmp_path / "store").exists()


def test_every_problem_stands_on_its_own_line_with_exit_2_and_no_traceback(titrant: Run, study: Path) -> None:
    edited(study, lambda content: content.update(control="txt", colour="red"))
    status, out, err = titrant("check", study)
    assert (status, out) == (2, "")
    assert all(line.startswith("error: ") for line in err.splitlines())
    assert "unknown key 'colour'" in err
    assert "Traceback" not in err


def test_a_missing_file_is_found_by_check(titrant: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "code" / "a.txt").unlink()
    status, _, err = titrant("check", study)
    assert status == 2
    assert re.search(r"error: .*small.yaml:\d+", err)


def test_plan_gives_every_job_a_reason_and_prints_the_study_in_full(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, out, _ = titrant("plan", study)
    assert status == 0
    plan = open_plan(str(study)).plan
    for job in plan.jobs.values():
        assert re.search(rf"{re.escape(job.name)} +first run +{job.fingerprint[:8]}", out), job.id
    assert "if nothing were shared, 25% saved" in out
    printed = out[out.index("The study in full:") + len("The study in full:") :]
    assert Study.model_validate(yaml.safe_load(printed)).canonical() == plan.study.canonical()
    assert not (tmp_path / "store").exists()


def test_plan_as_json_holds_every_job_and_totals_that_are_their_sums(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, _, _ = titrant("plan", study, "--json", tmp_path / "plan.json")
    assert status == 0
    content = json.loads((tmp_path / "plan.json").read_text())
    jobs = content["jobs"]
    assert content["totals"]["tokens_trained"] == sum(job["tokens"] for job in jobs) == 6 * 32768
    assert content["totals"]["tokens_unshared"] == 8 * 32768
    assert content["totals"]["jobs"] == len(jobs) == content["totals"]["jobs_missing"]
    assert content["totals"]["seconds_missing"] > 0
    assert {job["reason"] for job in jobs} == {"first run"}
    status, out, _ = titrant("plan", study, "--json", "-")
    ids = [job["id"] for job in jobs]
    assert (status, [job["id"] for job in json.loads(out)["jobs"]]) == (0, ids)


def test_run_does_everything_shows_findings_and_lays_out_the_page(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, out, err = titrant("run", study)
    assert status == 0, err
    page = tmp_path / "store/studies/small/report.html"
    assert f"page: {page}" in out
    assert {p.name for p in page.parent.iterdir()} >= {
        "report.html", "report.md", "report.json", "forest.svg", "forest.png", "runs.json",
    }  # fmt: skip
    assert re.search(
        r"mixed vs text \[schedule differs\] +nano +bits_per_byte/code +-0\.2500 +-0\.3000 \.\. -0\.2000 +better", out
    )
    assert "Code helps code." in out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err), "no terminal, no control characters"
    status, out, err = titrant("run", study)
    assert (status, err) == (0, "")
    assert out.startswith("nothing to do")
    assert f"page: {page}" in out


LOADED = "print(*sorted({'torch', 'pyarrow', 'scipy', 'altair', 'transformers'} & set(sys.modules)), file=sys.stderr)"


def test_a_finished_study_is_found_finished_without_any_heavy_library(
    titrant: Run, study: Path, tmp_path: Path
) -> None:
    assert titrant("run", study)[0] == 0
    code = f"import sys, atexit; atexit.register(lambda: {LOADED}); from titrant.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(study), "--store", str(tmp_path / "store")],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("nothing to do")
    assert done.stderr.split() == []


def test_importing_the_commands_brings_no_heavy_library() -> None:
    modules = "titrant, titrant.cli, titrant.execute, titrant.cli.running, titrant.cli.planning, titrant.cli.looking"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; {LOADED}"], capture_output=True, text=True, check=True
    )
    assert done.stderr.split() == []


def test_a_change_of_the_study_runs_only_what_it_touches_and_explain_says_why(
    titrant: Run, study: Path, tmp_path: Path
) -> None:
    assert titrant("run", study)[0] == 0
    edited(study, lambda content: content["scales"]["nano"].update(learning_rate=0.002))  # type: ignore[index]
    status, out, _ = titrant("plan", study)
    assert re.search(r"\n  text +finished", out)
    assert re.search(r"text-to-text.init@nano#1 +changed: phase.curve.final_rate 0\.0001 -> 0\.0002 and 1 more", out)
    assert re.search(r"small +changed: its input", out)
    status, out, _ = titrant("explain", study, "train/text-to-text.init@nano#1")
    assert status == 0
    assert "phase.curve.peak_rate: 0.001 -> 0.002" in out
    assert re.search(r"tokens/text +[0-9a-f]{12} +tokens/text-[0-9a-f]{12} +finished", out)


def test_another_number_of_checks_trains_again_and_is_named_as_the_reason(titrant: Run, study: Path) -> None:
    assert titrant("run", study)[0] == 0
    edited(study, lambda content: content.update(evaluation={"checks_per_phase": 7}))
    _, out, _ = titrant("plan", study)
    assert re.search(r"text-to-text.init@nano#1 +changed: milestones \(evaluation.checks_per_phase\) 4 -> 7 ", out)
    _, out, _ = titrant("explain", study, "train/text-to-text.init@nano#1")
    assert "state        changed: milestones (evaluation.checks_per_phase) 4 -> 7\n" in out
    assert "\n  milestones (evaluation.checks_per_phase): 4 -> 7\n" in out


def test_an_arm_that_is_renamed_trains_nothing(titrant: Run, study: Path) -> None:
    assert titrant("run", study)[0] == 0

    def rename(content):  # type: ignore[no-untyped-def]
        content["arms"]["second"] = content["arms"].pop("text->mixed")

    edited(study, rename)
    _, out, _ = titrant("plan", study, "--json", "-")
    missing = {job["kind"] for job in json.loads(out)["jobs"] if job["state"] != "finished"}
    assert missing <= {"ledger", "questions", "findings", "report"}


def test_status_counts_what_is_there(titrant: Run, study: Path) -> None:
    status, out, _ = titrant("status", study)
    assert status == 0
    assert re.search(r"train +· +· +6 +·", out)
    assert titrant("run", study)[0] == 0
    status, out, _ = titrant("status", study)
    assert re.search(r"train +6 +· +· +·", out)
    assert "not running" in out
    assert "report.html" in out


def test_one_job_is_done_here_when_its_inputs_exist(titrant: Run, study: Path) -> None:
    status, _, err = titrant("run", study, "--job", "split/text")
    assert status == 2
    assert re.search(r"error: documents/text-\w{12} is not in the store yet", err)
    status, out, err = titrant("run", study, "--job", "documents/text")
    assert status == 0, err
    assert re.search(r"done  .*store/documents/text-\w{12}", out)
    assert "nothing to do" in titrant("run", study, "--job", "documents/text")[1]
    assert titrant("run", study, "--job", "documents/")[0] == 2
    status, _, err = titrant("run", study, "--job", "documents/txt")
    assert "has no job 'documents/txt'" in err


def test_a_mistake_found_by_the_ledger_is_shown_with_its_line_and_exit_2(
    titrant: Run, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TITRANT_TEST_SMALL_SOURCE", "1")
    status, _, err = titrant("run", study)
    assert status == 2
    line = next(i for i, text in enumerate(study.read_text().splitlines(), 1) if text == "  code:")
    assert f"error: source 'code' is too small ({study}:{line})\nerror: and so on" in err
    assert "start train/" not in err


def test_a_failed_job_is_exit_1_with_its_name_and_log(
    titrant: Run, study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TITRANT_TEST_DIVERGE", "1")
    status, _, err = titrant("run", study)
    assert status == 1
    last = err.splitlines()[-1]
    found = re.fullmatch(r"error: FloatingPointError: the loss is not a number; .*\(job train/\S+, log (.+)\)", last)
    assert found, err
    assert "FloatingPointError" in Path(found[1]).read_text()


def test_report_is_built_again_from_stored_artifacts_alone(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, _, err = titrant("report", study)
    assert status == 2
    assert re.search(r"inputs are not in the store.*\n  findings/small-\w{12} is missing", err)
    assert titrant("run", study)[0] == 0
    page = tmp_path / "store/studies/small/report.html"
    before = page.read_bytes()
    page.unlink()
    status, _, _ = titrant("report", study)
    assert (status, page.read_bytes()) == (0, before)
    next((tmp_path / "store/train").glob("*/data.bin")).unlink()
    status, _, err = titrant("report", study)
    assert status == 2
    assert "is damaged: data.bin is gone" in err


def test_export_names_the_runs_it_knows(titrant: Run, study: Path, tmp_path: Path) -> None:
    status, _, err = titrant("export", "text->text@nano#1", tmp_path / "out")
    assert "knows no runs yet" in err
    assert titrant("run", study)[0] == 0
    status, _, err = titrant("export", "text->code@nano#1", tmp_path / "out")
    assert status == 2
    assert "knows no run 'text->code@nano#1'; it knows 'small/text->mixed@nano#1'" in err


def test_a_run_of_two_studies_must_be_named_with_its_study(titrant: Run, study: Path, tmp_path: Path) -> None:
    assert titrant("run", study)[0] == 0
    other = {"study": "other", "hold_out_fraction": 0.1}
    assert titrant("run", edited(study, lambda content: content.update(other)))[0] == 0
    status, _, err = titrant("export", "text->text@nano#1", tmp_path / "out")
    assert status == 2
    assert "name one of 'other/text->text@nano#1', 'small/text->text@nano#1'" in err


def test_evaluate_shows_the_stored_scores_of_a_run(titrant: Run, study: Path) -> None:
    assert titrant("run", study)[0] == 0
    status, out, _ = titrant("evaluate", study, "text->mixed@nano#2")
    assert status == 0
    assert re.search(r"probe/copying +0\.7500 +0\.2500 +60", out)
    status, _, err = titrant("evaluate", study, "nobody")
    assert status == 2
    assert "'nobody' is neither a folder nor a run" in err


def test_a_large_plan_is_folded_by_seed(titrant: Run, study: Path) -> None:
    """60 arms x 5 seeds x 4 scales; `bench/planning.py` takes the time."""

    def grow(content):  # type: ignore[no-untyped-def]
        content["mixtures"] |= {f"m{i}": {"text": 100 - i, "code": i} for i in range(1, 31)}
        content["arms"] |= {
            f"arm-{i}{kind}": [{"init": first}, {"continue": f"m{i}"}]
            for i in range(1, 30)
            for kind, first in (("a", "text"), ("b", f"m{i}"))
        }
        content["scales"] = {f"s{i}": {**content["scales"]["nano"], "tokens": 65536 * 2**i} for i in range(4)}
        content["seeds"] = [1, 2, 3, 4, 5]

    edited(study, grow)
    status, out, err = titrant("plan", study)
    assert status == 0, err
    assert "1200 runs" in out
    assert re.search(r"arm-7b.init@s2#\{1,2,3,4,5\} +first run", out)


def test_a_bug_keeps_its_traceback(study: Path) -> None:
    code = (
        "import titrant.cli.planning as planning\n"
        "def broken(*_): raise ZeroDivisionError('a bug')\n"
        "planning.check_study = broken\n"
        "from titrant.cli import main\n"
        f"main(['check', {str(study)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("arguments", [["run"], ["nonsense"], ["plan", "a", "b"], ["run", "x", "--workers", "0"]])
def test_a_wrong_command_line_is_exit_2(titrant: Run, arguments: list[str]) -> None:
    assert titrant(*arguments)[0] == 2


def test_the_python_modules_of_the_commands_are_loaded_only_when_needed() -> None:
    code = "import sys, titrant.cli; print([m for m in ('rich', 'numpy', 'torch', 'titrant.execute.runner') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
