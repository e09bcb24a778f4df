"""A study with verified synthetic code and its controls, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cli_small import ended, process, small

from titrant.artifacts import KEPT, Transformed, Verified

pytestmark = pytest.mark.slow

FORMS = ("verified", "corrupted", "statement", "text")
HELD = {
    "task_id": "HumanEval/0",
    "prompt": 'def scaled(values: list[int]) -> list[int]:\n    """ Every value of the list, three times itself. """\n',
    "entry_point": "scaled",
    "canonical_solution": "    return [3 * value for value in values]\n",
    "test": "def check(candidate):\n    assert candidate([1]) == [3]\n",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which such a study ran: `study.yaml` and `store`."""
    folder = tmp_path_factory.mktemp("synthetic")
    (folder / "humaneval.jsonl").write_text(json.dumps(HELD) + "\n")

    def synthetic(content: dict[str, Any]) -> None:
        content["synthesis"] = {
            "problems": {
                "from": [{"generated": 120, "areas": ["lists", "strings", "recursion"]}],
                "verify": {"inputs": 16, "mutants": 6},
                "decontaminate": [],
            }
        }
        content["sources"] |= {
            form: {"kind": "synthetic", "max_epochs": 100, "from": [{"synthetic": "problems", "items": form}]}
            for form in FORMS
        }
        content["mixtures"]["balanced"] = {"text": 50, "code": 30} | dict.fromkeys(FORMS, 5)
        content["evaluation"]["bits_per_byte"] = {"sources": ["text", "code", "verified"]}
        content["hold_out_fraction"] = 0.1

    study = small(folder, synthetic)
    started = process("run", study, "--store", folder / "store", "--workers", "2", TITRANT_CACHE=str(folder / "cache"))
    status, out, err = ended(started)
    assert status == 0, out + err
    return folder


def only(folder: Path, kind: str, name: str = "*") -> Path:
    (found,) = (folder / "store" / kind).glob(name)
    return found


def written(folder: Path, form: str) -> dict[str, str]:
    """Text by id of what a source has of each problem."""
    place = only(folder, "transform", f"{form}-*")
    rows = pq.read_table(place / "documents-00000.parquet", columns=["id", "text"]).to_pylist()
    return {row["id"]: row["text"] for row in rows}


def test_nearly_all_generated_problems_are_verified(ran: Path) -> None:
    verified = Verified.read(only(ran, "verification"))
    assert verified.items == 120
    assert verified.accepted >= 110
    assert verified.corrupted >= 80
    assert verified.levels["reference"].passed >= verified.accepted
    assert verified.tier in ("bubblewrap", "landlock")


def test_a_problem_is_on_one_side_of_the_hold_out_line_in_all_forms(ran: Path) -> None:
    split = next(folder for folder in (ran / "store/split").iterdir() if folder.name.startswith("problems-"))
    fates = pq.read_table(split / "split.parquet", columns=["fate"])["fate"].to_pylist()
    assert {"train", "held_out"} <= set(fates)
    for form in FORMS:
        tokens = only(ran, "tokens", f"{form}-*")
        train = set(pq.read_table(tokens / "train.parquet", columns=["id"])["id"].to_pylist())
        held_out = set(pq.read_table(tokens / "held_out.parquet", columns=["id"])["id"].to_pylist())
        assert train
        for other in FORMS:
            tokens = only(ran, "tokens", f"{other}-*")
            assert not held_out & set(pq.read_table(tokens / "train.parquet", columns=["id"])["id"].to_pylist())
    assert fates.count("train") + fates.count("held_out") <= 120
    assert set(KEPT) >= {"train", "held_out"}


def test_what_is_corrupted_differs_in_one_line_from_what_is_verified(ran: Path) -> None:
    right, wrong = written(ran, "verified"), written(ran, "corrupted")
    both = [id_ for id_ in right if right[id_] and wrong[id_]]
    assert len(both) >= 60
    for id_ in both:
        lines, others = right[id_].split("\n"), wrong[id_].split("\n")
        assert len(lines) == len(others)
        assert sum(line != other for line, other in zip(lines, others, strict=True)) == 1


def test_forms_without_code_have_none(ran: Path) -> None:
    right = written(ran, "verified")
    for form in ("statement", "text"):
        texts = {id_: text for id_, text in written(ran, form).items() if text}
        assert len(texts) >= 90
        assert all(texts[id_] != right[id_] for id_ in texts)
    assert all("return " in text or "yield" in text for text in right.values() if text)


def test_what_a_form_leaves_out_is_counted(ran: Path) -> None:
    for form in FORMS:
        assert Transformed.read(only(ran, "transform", f"{form}-*")).changed > 0


def test_the_page_says_what_was_verified(ran: Path) -> None:
    page = next((ran / "store/studies").glob("*/report.html")).read_text()
    assert "Synthetic code" in page
    report = json.loads(next((ran / "store/studies").glob("*/report.json")).read_bytes())
    assert "bits_per_byte/verified" in {finding["outcome"] for finding in report["findings"]}


def test_running_again_does_nothing(ran: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ran / "store").glob("*/*/record.json")}
    status, out, err = ended(process("run", ran / "study.yaml", "--store", ran / "store"))
    assert status == 0, out + err
    assert {path: path.stat().st_mtime_ns for path in (ran / "store").glob("*/*/record.json")} == before
