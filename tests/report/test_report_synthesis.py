"""The section on synthetic code: it tells what the verification stored, and shows items with what a mutant changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stored_artifacts
import yaml
from stored_artifacts import a_study, store

from titrant.artifacts import Transformed
from titrant.artifacts.synthetic import LevelYield
from titrant.errors import StoreError
from titrant.report import write_report
from titrant.report.document import shipped_schema
from titrant.report.synthesis import synthesis_html, synthesis_markdown
from titrant.report.synthesis_entries import SynthesisEntry
from titrant.report.synthesis_facts import read_synthesis, undecided_in
from titrant.study.synthesis import SyntheticItems
from verified_items import renamed, summary_of, write_items

REFUSED = {"accepted": "", "corrupted": "", "tree": "", "level": "", "first": "def <script>alert(1)</script>"}
BY_A_TEACHER = {"teacher": "a-teacher", "prompt": "ab" * 32, "cost": 0.25, "seed": 4}


def an_item(number: int) -> dict[str, Any]:
    """Two areas, three difficulties, four families; the last three of twelve are refused, and a teacher's is 4."""
    changes = {
        "tree": f"{(number * 7) % 12:02d}",
        "area": ("lists", "strings")[number % 2],
        "difficulty": 1 + number % 3,
        "family": f"family-{number % 4}",
        "statement": f"Return <b>{number}</b> & nothing else.",
    }
    if number > 8:
        changes |= REFUSED | {"refused": ("fails a test", "special-cases its examples")[number % 2]}
    return renamed(number, **changes | (BY_A_TEACHER if number == 4 else {}))


ITEMS = [an_item(number) for number in range(12)]


STUDY = {
    "sources": {
        "text": {"kind": "text", "from": [{"files": ["prose"]}]},
        "verified": {
            "kind": "synthetic",
            "from": [SyntheticItems(synthetic="exercises").model_dump()],
        },
        "half": {
            "kind": "synthetic",
            "from": [
                SyntheticItems(synthetic="exercises", items="corrupted", share=0.5, format="with-tests").model_dump()
            ],
        },
        "other": {"kind": "synthetic", "from": [SyntheticItems(synthetic="others").model_dump()]},
    }
}
WRITTEN = {
    "verified": Transformed(changed=9, unchanged=0, left_out={"no accepted solution": 3}),
    "half": Transformed(changed=8, unchanged=0, left_out={"no accepted solution": 3, "no tests": 1}),
}


def entry_of(folder: Path, given: list[dict[str, Any]] = ITEMS, **changes: Any) -> SynthesisEntry:
    """What is read of items that are stored as a job stores them, with a record."""
    write_items(folder, given, group_rows=5)
    stored_artifacts._record(folder, summary_of(ITEMS, **changes), "f" * 64, {}, {})
    return read_synthesis("exercises", folder, STUDY, WRITTEN)


def plain(entry: SynthesisEntry) -> str:
    return "\n\n".join(synthesis_markdown([entry])).replace("\\", "").replace("\u202f", " ")


def test_the_section_counts_what_the_items_hold(tmp_path: Path) -> None:
    entry = entry_of(tmp_path, cost=0.25)
    assert (entry.synthesis, entry.problems, entry.accepted) == ("exercises", 12, 9)
    assert [area.model_dump() for area in entry.areas] == [
        {"area": "lists", "problems": 6, "accepted": 5, "families": 2, "by_difficulty": {"1": 2, "2": 1, "3": 2}},
        {"area": "strings", "problems": 6, "accepted": 4, "families": 2, "by_difficulty": {"1": 1, "2": 2, "3": 1}},
    ]
    assert entry.teachers == {"": 8, "a-teacher": 1}
    assert entry.contracts == {"hold on the inputs": 9}
    said = plain(entry)
    for line in (
        "| reference | 12 | 9 | 75 % |",
        "| contracts | 0 | 0 | – |",
        "| special-cases its examples | 2 | 16.7 % |",
        "| lists | 6 | 5 | 2 | 2 | 1 | 2 |",
        "| verified | verified | statement-and-solution, python | 9 | no accepted solution 3 |",
        "| half | corrupted, 50 % of them | with-tests, python | 8 | no accepted solution 3, no tests 1 |",
        "- tests: 84 of 96 mutants fail the tests of their item",
        "- solved by: the problem's own solution 8, a-teacher 1",
        "- cost: 0.25 in the currency of its prices",
    ):
        assert line in said
    assert "| other |" not in said, "it is made of another synthesis"


def test_items_with_the_smallest_hashes_are_shown_with_what_the_mutant_changes(tmp_path: Path) -> None:
    entry = entry_of(tmp_path)
    shown = [item.problem for item in entry.examples]
    assert shown == ["generator/0/0", "generator/0/7", "generator/0/2", "generator/0/11", "generator/0/9"]
    page = synthesis_html([entry])
    assert page.count("<del>        result += value</del>\n<ins>        result -= value</ins>") == 3
    assert page.count("def total_0") == 1, "what is equal in both stands once"
    assert "&lt;b&gt;0&lt;/b&gt; &amp; nothing else." in page
    assert "<script>" not in page
    assert "def &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "refused: special-cases its examples" in page
    assert "7 of 8 mutants fail its tests" in page


def test_a_teachers_item_tells_who_wrote_it_and_what_it_cost(tmp_path: Path) -> None:
    items = [{**item, "tree": "0" if at == 4 else "f"} if item["tree"] else item for at, item in enumerate(ITEMS)]
    page = synthesis_html([entry_of(tmp_path, items)])
    assert "by a-teacher, sample 0, seed 4, prompt abababababab; cost 0.25" in page


def test_a_cost_above_nothing_is_not_shown_as_nothing(tmp_path: Path) -> None:
    items = [{**item, "tree": "0", "cost": 0.000021} if at == 4 else item for at, item in enumerate(ITEMS)]
    entry = entry_of(tmp_path, items, cost=0.0013)
    assert "; cost 0.000021" in synthesis_html([entry])
    assert "- cost: 0.0013 in the currency of its prices" in plain(entry)


def test_contracts_that_nobody_decided_are_told_apart_from_those_that_failed(tmp_path: Path) -> None:
    states = dict.fromkeys(range(5), "not decided") | {5: "confirmed", 6: "not decided", 7: "refuted: no"}
    refused = {6: REFUSED | {"refused": "the same program as generator/0/1"}}
    items = [
        {**item, "contracts": states.get(at, "not looked at")} | refused.get(at, {}) for at, item in enumerate(ITEMS)
    ]
    levels = summary_of(ITEMS).levels | {"contracts": LevelYield(tried=8, passed=1)}
    entry = entry_of(tmp_path, items, accepted=8, levels=levels)
    assert entry.levels[-1].model_dump() == {"level": "contracts", "tried": 8, "passed": 1, "undecided": 6}
    said = plain(entry)
    assert "| contracts | 8 | 1 | 6 | 50 % |" in said
    assert "| reference | 12 | 9 | 0 | 75 % |" in said
    assert ">not decided" in synthesis_html([entry])
    assert undecided_in(tmp_path) == 6
    (tmp_path / "items.parquet").write_bytes(b"no table")
    with pytest.raises(StoreError, match="cannot be read"):
        undecided_in(tmp_path)


def test_items_that_contradict_their_record_are_refused(tmp_path: Path) -> None:
    entry_of(tmp_path)
    write_items(tmp_path, ITEMS[:5])
    with pytest.raises(StoreError, match="holds 5 accepted items where its record says 9"):
        read_synthesis("exercises", tmp_path, STUDY, WRITTEN)
    (tmp_path / "items.parquet").write_bytes(b"no table")
    with pytest.raises(StoreError, match="cannot be read"):
        read_synthesis("exercises", tmp_path, STUDY, WRITTEN)


def test_many_reasons_are_counted_together(tmp_path: Path) -> None:
    said = plain(entry_of(tmp_path, refused={f"reason {n:02d}": n + 1 for n in range(20)}, items=240, cost=None))
    assert "| reason 19 | 20 | 8.3 % |" in said
    assert "| 8 other reasons | 36 | 15 % |" in said
    assert "reason 07" not in said
    assert "- cost" not in said


def test_page_markdown_and_json_hold_the_section_where_a_study_has_a_synthesis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study with a synthesis; its findings are made up as those of the others."""

    def verified(plan: Any, identity: str, folder: Path, points: int) -> Any:
        write_items(folder, ITEMS)
        return summary_of(ITEMS)

    def tokens(plan: Any, identity: str, folder: Path, points: int) -> Any:
        made = stored_artifacts._tokens(plan, identity, folder, points)
        table = pq.read_table(folder / "train.parquet").append_column("whole_hash", pa.array(map(str, range(930))))
        pq.write_table(table, folder / "train.parquet")
        return made

    makers = {"verification": verified, "transform": lambda *given: WRITTEN["verified"], "tokens": tokens}
    for kind, maker in makers.items():
        monkeypatch.setitem(stored_artifacts._MAKERS, kind, maker)
    for arm, bits in stored_artifacts.EFFECTS.items():
        monkeypatch.setitem(stored_artifacts.EFFECTS, arm, bits | {"items": 1.4})
    declared = yaml.safe_load(stored_artifacts.STUDY)
    sources = declared["sources"] | {"items": {"kind": "synthetic", "from": [{"synthetic": "exercises"}]}}
    mixtures = declared["mixtures"] | {"balanced": {"text": 50, "code": 40, "items": 10}}
    synthesis = {"exercises": {"from": {"generated": 12}, "decontaminate": []}}
    stored = store(tmp_path / "store", a_study(sources=sources, mixtures=mixtures, synthesis=synthesis))
    out = tmp_path / "out"
    out.mkdir()
    write_report(stored.job, stored.inputs, out, scratch=out, progress=lambda *a, **k: None)
    report = json.loads((out / "report.json").read_text())
    jsonschema.validate(report, shipped_schema(), cls=jsonschema.Draft202012Validator)
    assert report["synthesis"][0]["sources"][0]["source"] == "items"
    assert "\n## Synthetic code\n" in (out / "report.md").read_text()
    assert "<h2>Synthetic code</h2>" in (out / "report.html").read_text()
    without = {role: path for role, path in stored.inputs.items() if role != "verification/exercises"}
    with pytest.raises(StoreError, match="needs 'verification/exercises'"):
        write_report(stored.job, without, out, scratch=out, progress=lambda *a, **k: None)
