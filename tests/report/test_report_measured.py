"""The page of a study with tasks, problems and judged answers: what stands on it, and that it says how to read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from measured_artifacts import store_measured
from stored_artifacts import Stored, edit_json

from titrant.artifacts import FindingsFile, read_record
from titrant.report import signal, write_report
from titrant.report.document import shipped_schema
from titrant.report.numbers import detectable, plain
from titrant.report.outcome_entries import (
    ArmSignal,
    CompanionEntry,
    JudgedEntry,
    JudgeEntry,
    ProgramsEntry,
    Signal,
)
from titrant.report.outcomes import family_of, title_of, where_of


def build(stored: Stored, out: Path) -> dict[str, str]:
    out.mkdir(parents=True)
    write_report(stored.job, stored.inputs, out, scratch=out, progress=lambda *a, **k: None)
    return {path.name: path.read_text() for path in out.iterdir() if path.suffix != ".png"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store_measured(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def built(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return build(stored, tmp_path_factory.mktemp("built") / "out")


@pytest.fixture(scope="module")
def report(built: dict[str, str]) -> dict[str, Any]:
    return json.loads(built["report.json"])


def section(markdown: str, title: str) -> str:
    return markdown.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[entry.strip().replace("\\", "") for entry in line.strip("|").split(" | ")] for line in lines]


def test_what_findings_draw_from_tasks_code_and_judges_meets_the_schema(report: dict[str, Any]) -> None:
    jsonschema.validate(report, shipped_schema(), cls=jsonschema.Draft202012Validator)
    kinds = {finding["outcome"].partition("/")[0] for finding in report["findings"]}
    assert kinds == {"bits_per_byte", "probe", "task", "code", "judge", "mean"}
    assert report["companions"]
    assert report["judged"]
    assert report["programs"]


def test_tasks_stand_under_their_category_with_its_mean(built: dict[str, str]) -> None:
    heads = re.findall(r'<div class="row head"><span class="label">([^<]+)</span>', built["report.html"])
    families = ["Bits per byte", "Probes", "World knowledge", "Reasoning", "Other tasks", "Code tasks"]
    assert heads[:7] == [*families, "Judged answers"]


def test_every_mean_says_what_it_is_over(built: dict[str, str]) -> None:
    page = built["report.html"]
    for words in ("mean of the sources", "mean of the reasoning tasks", "mean of the problem sets"):
        assert f">{words} <span" in page
    assert '"outcome":"mean of the reasoning tasks (accuracy, %)"' in page, "charts are told apart by name"


def test_the_rule_for_means_is_printed_with_every_tasks_figures_and_why_it_is_out(
    built: dict[str, str], report: dict[str, Any]
) -> None:
    said = section(built["report.md"], "Signal and noise")
    assert report["rule"][:60] in said
    table = {row[0].partition(" ")[0]: row for row in rows(said)}
    described = report["outcomes"]["nano"]
    for outcome, entry in described.items():
        if entry["signal"] is None or entry["signal"]["height_to_noise"] is None:
            continue
        row = table[outcome]
        assert row[4] == plain(entry["signal"]["height_to_noise"], 2)
        inside = outcome in described.get(entry["mean"], {}).get("members", ())
        assert (row[3] == "yes") == inside
        if entry["status"] != "used":
            assert row[3] == f"no: {entry['reason']}"


def test_what_a_suite_names_and_could_not_ask_is_named_with_the_reason(built: dict[str, str]) -> None:
    notes = signal.gap_notes({"evaluation": {"suites": ["aryabumi"], "tasks": [{"name": "storycloze_2016"}]}})
    (note,) = notes
    assert note.startswith("quac of the suite 'aryabumi' was not asked: QuAC")
    assert signal.gap_notes({"evaluation": {"tasks": [{"name": "piqa"}]}}) == []


def test_tasks_say_their_metric_and_how_many_questions_were_cut(built: dict[str, str]) -> None:
    said = section(built["report.md"], "Signal and noise").replace("\\", "")
    assert next(row for row in rows(said) if row[0].startswith("task/hellaswag"))[1] == "acc_norm"
    assert "Questions that are longer than the window lost their beginning: boolq 3." in said


def test_habits_are_listed_where_there_are_any(built: dict[str, str]) -> None:
    habits = rows(built["report.md"].split("An arm leans to an answer")[1].split("\n## ")[0])
    found = {(row[0].partition(" ")[0], row[1]): row for row in habits}
    assert found["task/arc_easy", "balanced-only"][2] == "answer 1"
    assert ("task/arc_easy", "text-only") not in found
    assert found["task/nq_open", "code->text"][4] != "–"


def test_measures_beside_accuracy_are_told_with_intervals_and_said_not_to_be_tested(
    built: dict[str, str], report: dict[str, Any]
) -> None:
    said = section(built["report.md"], "Beside accuracy")
    assert "they are not tested and carry no verdict" in said
    told = {(row[0].partition(" ")[0], row[1], row[2]) for row in rows(said)}
    words = "bits per byte of the right answer"
    for entry in report["companions"]:
        assert set(entry["arms"]) == {"text-only", "balanced-only", "code->text"}
        if entry["measure"] == "gold bits":
            assert {(entry["outcome"], words, c["contrast"]) for c in entry["contrasts"]} <= told


def test_code_is_told_with_its_samples_and_how_programs_ended(built: dict[str, str]) -> None:
    said = rows(section(built["report.md"], "Code that was run"))
    head, row = said[0], next(row for row in said if row[:2] == ["mbpp (100)", "text-only"])
    shown = dict(zip(head, row, strict=True))
    assert shown["solutions each"] == "20"
    assert shown["pass@10, %"] != "–"
    assert shown["looping"] == "30 %"
    assert shown["sandbox"] == "bubblewrap"
    humaneval = next(row for row in said if row[0].startswith("humaneval"))
    assert dict(zip(head, humaneval, strict=True))["pass@10, %"] == "–", "no pass@10 was asked of it"


def test_win_rates_stand_with_their_one_definition_and_their_judges(
    built: dict[str, str], report: dict[str, Any]
) -> None:
    said = section(built["report.md"], "Judged").replace("\\", "")
    assert said.count("Win rate = (wins + half of the ties) / pairs.") == 1
    finding = next(f for f in report["findings"] if f["outcome"] == "judge/dolly")
    judged = next(j for j in report["judged"] if j["contrast"] == finding["contrast"])
    assert finding["arm_mean"] == judged["win_rate"]
    first = next(row for row in rows(said) if row[:2] == ["dolly (100 prompts)", finding["contrast"]])
    assert first[2] == plain(100 * judged["win_rate"], 1)
    hasty = next(row for row in rows(said) if row[2:3] == ["hasty-judge"])
    assert hasty[7] == "18"
    assert "place of an answer decides for a judge" in finding["flags"]


def test_no_arm_has_a_score_of_what_judges_say(built: dict[str, str]) -> None:
    scores = [row[0] for row in rows(section(built["report.md"], "Scores"))]
    assert any(name.startswith("task/hellaswag") for name in scores)
    assert not any("dolly" in name for name in scores)


def test_findings_of_an_older_version_have_no_such_sections(tmp_path: Path) -> None:
    stored = store_measured(tmp_path / "store")
    assert read_record(stored.inputs["findings"]).version == FindingsFile.version

    def without(content: dict[str, Any]) -> dict[str, Any]:
        for described in content["outcomes"].values():
            for entry in described.values():
                entry["signal"] = None
        return {k: v for k, v in content.items() if k not in ("companions", "judged", "programs", "rule", "win_rate")}

    edit_json(stored.inputs["findings"] / "findings.json", without)
    markdown = build(stored, tmp_path / "out")["report.md"]
    assert not re.search(r"^## (Beside accuracy|Judged|Code that was run|Signal and noise)$", markdown, re.MULTILINE)


@pytest.mark.parametrize(
    ("outcome", "family", "title", "where"),
    [
        ("task/hellaswag", "reasoning", "hellaswag", "hellaswag"),
        ("task/nq_open", "knowledge", "nq_open", "nq_open"),
        ("task/lambada_openai", "tasks", "lambada_openai", "lambada_openai"),
        ("mean/knowledge", "knowledge", "mean of the knowledge tasks", "average over the knowledge tasks"),
        ("mean/probes", "probe", "mean of the probes", "average over the probes"),
        ("code/mbpp", "code", "mbpp", "mbpp"),
        ("judge/dolly", "judge", "dolly", "dolly"),
    ],
)
def test_outcomes_are_named_alike_everywhere(outcome: str, family: str, title: str, where: str) -> None:
    assert (family_of(outcome), title_of(outcome), where_of(outcome)) == (family, title, where)


def test_a_rate_that_cannot_change_so_much_is_said_to_be_out_of_reach() -> None:
    assert (detectable(1.71, "accuracy"), detectable(1.71, "bits per byte")) == ("> 100", "1.710")


def test_entries_of_analyze_and_of_the_report_have_the_same_fields() -> None:
    from dataclasses import fields

    from titrant.analyze.companions import Companion
    from titrant.analyze.opinions import OneJudge, Opinion
    from titrant.analyze.rung import Programs
    from titrant.analyze.signal import Signal as Measured
    from titrant.analyze.viability import ArmSignal as Shown

    pairs = [
        (Companion, CompanionEntry),
        (Opinion, JudgedEntry),
        (OneJudge, JudgeEntry),
        (Programs, ProgramsEntry),
        (Measured, Signal),
        (Shown, ArmSignal),
    ]
    for made, written in pairs:
        assert {field.name for field in fields(made)} == set(written.model_fields)
