"""End to end: items planted in the data of one arm are found, seen, flagged and left out, or dropped with the reason."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cli_small import small

from titrant.report.document import shipped_schema

TREES = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "flint",
    "grove",
    "heron",
    "inlet",
    "jetty",
    "knoll",
    "larch",
    "maple",
    "north",
    "otter",
    "piper",
    "quill",
    "raven",
    "slate",
]
PLANTED = 9
ITEMS = 40


def lay_out(folder: Path, rule: dict[str, str] | None = None) -> Path:
    """The small study with a task of which the code, and so one arm alone, holds some items in comments."""

    def edit(content: dict[str, Any]) -> None:
        content["evaluation"]["multiple_choice"] = [{"name": "trees", "file": "trees.jsonl"}]
        content["scales"]["tiny"]["sequence_length"] = 128
        content["mixtures"]["text-alone"] = {"text": 1}
        content["arms"] = {
            "text->text": [{"init": "text-alone"}, {"continue": "text-alone"}],
            "balanced->text": [{"init": "balanced"}, {"continue": "text-alone"}],
        }
        if rule is not None:
            content["evaluation"]["decontaminate"] = rule

    study = small(folder, edit)
    rng = random.Random(4)
    items = []
    for number in range(ITEMS):
        choices = [f" {word}" for word in rng.sample(TREES, 3)]
        items.append({"context": " ".join(rng.choices(TREES, k=12)), "choices": choices, "answer": number % 3})
    (folder / "trees.jsonl").write_text("\n".join(map(json.dumps, items)))
    for number, item in enumerate(items[:PLANTED]):
        file = folder / "code" / f"{number:02}.py"
        words = item["context"].upper().split()
        lines = [f"# {' '.join(words[:5])},", f"# {' '.join(words[5:])}?", f"#  *{item['choices'][item['answer']]}"]
        file.write_text("\n".join([file.read_text(), *lines]))
    return study


def titrant(*arguments: object) -> str:
    command = [sys.executable, "-m", "titrant", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("reported")
    study = lay_out(folder)
    titrant("run", study, "--store", folder / "store")
    (page,) = (folder / "store" / "report").glob("*/report.json")
    content: dict[str, Any] = json.loads(page.read_text())
    return content


def test_planted_items_are_found_in_the_one_source_that_holds_them(reported: dict[str, Any]) -> None:
    jsonschema.validate(reported, shipped_schema())
    held = {entry["source"]: entry for entry in reported["overlaps"]}
    assert held["code"]["items_held"] == PLANTED
    assert held["code"]["items_trained_on"] == held["code"]["documents"]["train"] > PLANTED // 2
    assert (held["text"]["items_held"], held["text"]["items_asked"]) == (0, ITEMS)


def test_only_the_phase_that_drew_from_it_has_seen_them(reported: dict[str, Any]) -> None:
    assert {(entry["arm"], entry["phase"], entry["source"]) for entry in reported["exposures"]} == {
        ("balanced->text", "init", "code")
    }
    (row,) = [row for row in reported["ledger"] if (row["source"], row["index"]) == ("code", 0)]
    (entry,) = reported["exposures"]
    assert entry["sightings"] == pytest.approx(row["epochs"], abs=1e-6)
    assert entry["tokens"] / row["realised_tokens"] == pytest.approx(entry["token_share"])
    assert 0 < entry["token_share"] < 0.5


def test_the_finding_is_flagged_and_stands_without_those_items_too(reported: dict[str, Any]) -> None:
    (code,) = [entry for entry in reported["overlaps"] if entry["source"] == "code"]
    (finding,) = [finding for finding in reported["findings"] if finding["outcome"] == "choice/trees"]
    assert "training data hold items" in finding["flags"]
    assert finding["clean"]["flagged_items"] == code["items_trained_on"]
    assert finding["clean"]["items"] == ITEMS - code["items_trained_on"]
    others = [finding for finding in reported["findings"] if finding["outcome"].startswith("bits_per_byte")]
    assert others
    assert all(finding["clean"] is None for finding in others)


def test_dropped_documents_are_counted_and_shown_with_their_reason(tmp_path: Path) -> None:
    study = lay_out(tmp_path, {"action": "drop"})
    told = json.loads(titrant("data", study, "--store", tmp_path / "store", "--json", "-"))
    assert told["code"]["fates"]["holds items of choice/trees"]["documents"] == PLANTED
    assert told["code"]["overlap"]["items"] == {"choice/trees": PLANTED}
    assert told["text"]["overlap"]["documents"] == 0
    shown = titrant("data", study, "--store", tmp_path / "store", "--show", "dropped", "--rule", "holds items")
    assert shown.count("[holds items of choice/trees]") == 5
    assert f"choice/trees {PLANTED} of {ITEMS} held by {PLANTED} documents" in titrant(
        "data", study, "--store", tmp_path / "store"
    )
