"""`titrant data`: what became of every source, without training anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo_study import lay_out_study


def data(study: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "titrant", "data", str(study), "--store", str(study.parent / "store"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = lay_out_study(tmp_path_factory.mktemp("data"))
    (study.parent / "code" / "zz.py").write_bytes(next((study.parent / "code").iterdir()).read_bytes())
    (study.parent / "code" / "zzz.py").write_text("x = '\x1b[31m'\n")
    return study


def test_every_document_is_counted_once_and_nothing_is_trained(study: Path) -> None:
    said = json.loads(data(study, "--json", "-").stdout)
    assert list(said) == ["text", "code"]
    for source in said.values():
        assert sum(part["documents"] for part in source["fates"].values()) == source["documents"]["documents"]
        assert sum(part["bytes"] for part in source["fates"].values()) == source["documents"]["bytes"]
    assert said["code"]["fates"]["duplicate"]["documents"] == 1
    assert not list((study.parent / "store").glob("train/*"))


def test_the_table_names_sources_languages_and_fates(study: Path) -> None:
    shown = data(study)
    assert shown.returncode == 0, shown.stderr
    for word in ("train tokens", "text", "code", "languages  python", "duplicate", "held out"):
        assert word in shown.stdout


def test_dropped_documents_are_shown_with_their_reason_and_kept_ones_cannot_command_the_terminal(study: Path) -> None:
    dropped = data(study, "--show", "dropped").stdout
    assert "code  0/zz.py  [duplicate]" in dropped
    assert dropped.count("[") == 1
    kept = data(study, "--show", "kept", "--source", "code", "--count", "1000").stdout
    assert "x = '␛[31m'" in kept
    assert "\x1b" not in kept
    assert kept == data(study, "--show", "kept", "--source", "code", "--count", "1000").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--show", "dropped", "--rule", "nobody"),
            "error: nothing is dropped by 'nobody'; the reasons are 'duplicate'\n",
        ),
        (
            ("--show", "kept", "--source", "cod"),
            "error: no source 'cod', did you mean 'code'?; the study has 'code', 'text'\n",
        ),
        (("--rule", "duplicate"), "--rule and --source choose what --show prints: add --show kept or dropped\n"),
    ],
)
def test_what_is_not_there_is_refused_by_name(study: Path, arguments: tuple[str, ...], sentence: str) -> None:
    refused = data(study, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith(sentence)


def test_what_is_skipped_is_named(tmp_path: Path) -> None:
    study = lay_out_study(tmp_path)
    text = study.read_text().replace(
        "code: {kind: code, from: [{files: code}]",
        "code: {kind: code, from: [{files: code}, {files: rows.jsonl, parse: {format: jsonl}}], on_error: skip",
    )
    assert "on_error" in text
    study.write_text(text)
    (tmp_path / "rows.jsonl").write_text('{"text": "x = 1"}\n{"text": \n')
    shown = data(study)
    assert shown.returncode == 0, shown.stderr
    assert "record that cannot be read 1" in shown.stdout
    assert "rows.jsonl:2 is not JSON" in shown.stdout


CHANGED = (
    "mixtures:\n",
    "  bare: {kind: code, from: [{source: code}], transform: strip-comments, redact: [emails]}\nmixtures:\n",
)


def test_what_is_changed_is_counted_and_shown_as_it_is_trained_on(tmp_path: Path) -> None:
    study = lay_out_study(tmp_path)
    study.write_text(study.read_text().replace(*CHANGED))
    for number, path in enumerate(sorted((tmp_path / "code").iterdir())):
        lines = [f"x = {number * 7 + line * line}  # of jane{number}@corp.de" for line in range(60)]
        path.write_text("\n".join(lines) if number % 9 else f"# only {number}\n")
    said = json.loads(data(study, "--json", "-").stdout)
    code, bare = said["code"]["fates"], said["bare"]["fates"]
    assert bare["left without text by a transform"]["documents"] == 10
    kept = sum(bare[fate]["documents"] for fate in ("train", "held_out"))
    assert kept == 80 == sum(code[fate]["documents"] for fate in ("train", "held_out")) - 10
    assert bare["train"]["bytes"] < code["train"]["bytes"]
    shown = data(study, "--show", "kept", "--source", "bare", "--count", "200").stdout
    assert shown.count("[train]") + shown.count("[held out]") == 80
    assert "jane" not in shown
    assert "only" not in shown
    dropped = data(study, "--show", "dropped", "--source", "bare", "--count", "200").stdout
    assert dropped.count("[left without text by a transform]") == 10


def test_where_nothing_is_dropped_it_says_so(tmp_path: Path) -> None:
    shown = data(lay_out_study(tmp_path), "--show", "dropped")
    assert (shown.returncode, shown.stdout) == (0, "no document is dropped\n")


def test_reasons_can_be_asked_for_as_they_are_printed(study: Path) -> None:
    assert "[held out]" in data(study, "--show", "kept", "--rule", "held out").stdout
    refused = data(study, "--show", "kept", "--json", "-")
    assert refused.returncode == 2
    assert "ask for one of them" in refused.stderr


def test_documents_are_shown_although_they_are_too_few_for_the_tokenizer(tmp_path: Path) -> None:
    study = lay_out_study(tmp_path)
    study.write_text(study.read_text().replace("training_bytes: 50kB", "training_bytes: 50MB"))
    shown = data(study)
    assert shown.returncode == 2
    assert "held out" in shown.stdout
    assert "error: the tokenizer's sample of 50M bytes takes" in shown.stderr
    assert "Traceback" not in shown.stderr
