"""Every kind of source, from what users have to the report: what is dirty is gone, and each token knows its origin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from every_kind import SECRET, lay_out_every_kind


def titrant(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "titrant", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study after its run."""
    study = lay_out_every_kind(tmp_path_factory.mktemp("every"))
    titrant("run", study, "--store", study.parent / "store", "--workers", "2")
    return study.parent


@pytest.fixture(scope="module")
def told(ran: Path) -> dict[str, dict]:
    return json.loads(titrant("data", ran / "study.yaml", "--store", ran / "store", "--json", "-"))


def dropped(source: dict) -> dict[str, int]:
    kept = ("train", "reserved", "held_out")
    return {fate: part["documents"] for fate, part in source["fates"].items() if part["documents"] and fate not in kept}


def text_of(ran: Path, kind: str, name: str) -> str:
    files = sorted((ran / "store" / kind).glob(f"{name}-*/documents-*.parquet"))
    return "\n".join(text for path in files for text in pq.read_table(path).column("text").to_pylist())


def test_every_kind_is_read_and_what_is_wrong_with_it_is_counted(told: dict) -> None:
    assert told["text"]["documents"]["left_out"] == {"meta.redpajama_set_name is 'RedPajamaGithub'": 10}
    assert dropped(told["text"]) == {"rule 30 <= words": 1, "holds items of choice/harbour": 1, "near duplicate": 1}
    assert dropped(told["code"])["rule aryabumi: hexadecimal_prefixes"] == 1
    assert told["repository"]["documents"]["documents"] == 30
    assert told["commits"]["documents"]["documents"] == 31
    assert told["commits"]["documents"]["left_out"] == {"commit of a bot": 1}
    assert dropped(told["notebooks"]) == {"duplicate": 1}
    assert told["threads"]["documents"]["documents"] == 40
    assert told["threads"]["documents"]["bytes_by_licence"].keys() == {"CC-BY-SA-4.0"}
    assert told["markup"]["documents"]["left_out"] == {"not UTF-8": 1}


def test_languages_have_their_shares(told: dict, ran: Path) -> None:
    documents, split = (next((ran / "store" / kind).glob("code-*")) for kind in ("documents", "split"))
    languages = (
        pq.read_table(documents / "documents-00000.parquet", columns=["language"]).column("language").to_pylist()
    )
    fates = pq.read_table(split / "split.parquet").column("fate").to_pylist()
    kept = [
        language for language, fate in zip(languages, fates, strict=True) if fate in ("train", "reserved", "held_out")
    ]
    assert kept.count("lua") == 20
    assert kept.count("python") == 30, "60 : 40"


def test_nothing_private_is_trained_on(ran: Path) -> None:
    assert SECRET in text_of(ran, "documents", "text")
    encoded = text_of(ran, "transform", "text")
    assert SECRET not in encoded
    assert "jane.doe" not in encoded
    assert "<EMAIL>" in encoded


def test_the_arm_without_comments_has_none_and_is_else_the_same(told: dict, ran: Path) -> None:
    assert told["bare"]["transformed"]["changed"] > 0
    bare = text_of(ran, "transform", "bare")
    assert "def " in bare
    assert "# " not in bare
    assert "-- " not in bare


def test_outputs_of_notebooks_are_gone(ran: Path) -> None:
    text = text_of(ran, "documents", "notebooks")
    assert "PRINTED OUTPUT" not in text
    assert "def " in text


def test_the_report_tells_the_same_as_the_command(told: dict, ran: Path) -> None:
    report = json.loads(next((ran / "store" / "studies").glob("*/report.json")).read_text())
    sources = {source["source"]: source for source in report["sources"]}
    assert sources.keys() == told.keys()
    for name, source in sources.items():
        assert source["documents"] == {fate: part["documents"] for fate, part in told[name]["fates"].items()}
        assert source["bytes_by_licence"] == told[name]["documents"]["bytes_by_licence"]
        assert source["examples"]["train"], "there is something to look at"
    assert SECRET not in json.dumps(report)
    drawn = {row["source"] for row in report["ledger"] if row["arm"] == "every" and row["realised_tokens"]}
    assert drawn == set(told), "every kind was trained on"
