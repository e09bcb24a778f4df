"""The report's part on items in the data: every source with every task, what was seen, and findings without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from stored_artifacts import Stored, a_study, edit_json, store
from test_report_stage import build

from titrant.analyze import flagged as flagged_in_findings
from titrant.artifacts import LedgerRow, Overlap, Record
from titrant.errors import StoreError
from titrant.report.document import Finding, shipped_schema
from titrant.report.outcomes import FLAGGED, where_of
from titrant.report.overlap import (
    MOST_ROWS,
    Holder,
    OverlapFacts,
    clean_table,
    exposure_table,
    exposures_of,
    note_of,
    overlap_entries,
    overlap_table,
    read_overlap,
)

PLACE = {"run": "a@nano#0", "arm": "a", "scale": "nano", "seed": 0, "index": 0, "phase": "init"}


def summary(held: int = 2) -> Overlap:
    return Overlap(documents=held, items={"choice/x": held}, asked={"choice/x": 9}, too_short={"choice/x": 1})


def drawn(sequences: int = 50, available: int = 100, partition: Any = "train") -> LedgerRow:
    return LedgerRow(
        source="web",
        partition=partition,
        start=0,
        sequences=sequences,
        available=available,
        tokens=sequences * 64,
        unique_tokens=sequences * 64,
        epochs=sequences / available,
        weight=1.0,
    )


FACTS = OverlapFacts(
    summary(),
    (
        Holder("choice/x", "line 1", "d1", "train"),
        Holder("choice/x", "line 1", "d2", "train"),
        Holder("choice/x", "line 2", "d2", "train"),
        Holder("choice/x", "line 3", "d3", "held_out"),
        Holder("choice/x", "line 4", "d4", "duplicate"),
    ),
    {("train", "d1"): 100, ("train", "d2"): 60},
)


def test_what_a_phase_saw_is_what_the_part_holds_times_how_often_it_went_through() -> None:
    (entry,) = exposures_of(FACTS, drawn(sequences=50), PLACE)
    assert (entry.documents, entry.items) == (2, 2)
    assert entry.tokens == 160 * 0.5
    assert entry.token_share == 80 / (50 * 64)
    assert entry.sightings == 1.5 * 0.5  # line 1 stands in two documents, line 2 in one


def test_repeats_are_seen_as_often_as_they_are_drawn_and_other_parts_not_at_all() -> None:
    (entry,) = exposures_of(FACTS, drawn(sequences=400), PLACE)
    assert (entry.tokens, entry.sightings) == (640, 6)
    assert exposures_of(FACTS, drawn(partition="reserved"), PLACE) == []


def test_a_page_shows_the_rows_with_most_tokens_of_very_many() -> None:
    places = [{**PLACE, "arm": f"arm {n}", "run": f"arm {n}@nano#0"} for n in range(MOST_ROWS + 50)]
    entries = [entry for n, place in enumerate(places) for entry in exposures_of(FACTS, drawn(sequences=n + 1), place)]
    table = exposure_table(entries, "nano")
    assert [row[0].text for row in table.rows] == [f"arm {n}" for n in range(50, MOST_ROWS + 50)]
    assert f"the {MOST_ROWS} of {MOST_ROWS + 50} rows" in table.caption
    assert len(exposure_table(entries[:9], "nano").rows) == 9
    assert not exposure_table(entries, "micro").rows


def test_every_source_stands_with_every_task_also_where_nothing_was_found() -> None:
    nothing = OverlapFacts(summary(0), (), {})
    entries = overlap_entries({"web": FACTS, "books": nothing})
    assert [(e.source, e.items_held, e.items_trained_on) for e in entries] == [("web", 2, 2), ("books", 0, 0)]
    assert entries[0].documents == {"duplicate": 1, "held_out": 1, "train": 2}
    table = overlap_table(entries)
    assert [cell.text for cell in table.rows[0]] == ["web", "choice/x", "9", "1", "2", "2", "2", "1", "1"]
    assert table.rows[0][5].style == "alarm"
    assert table.rows[1][5].style is None


def test_the_note_says_why_nothing_was_searched_for() -> None:
    assert "switches that off" in note_of({"evaluation": {"multiple_choice": [{"name": "x"}]}}, {})
    assert "no task, problem or prompt" in note_of({"evaluation": {}}, {})
    assert "Every source was searched" in note_of({"evaluation": {}}, {"web": FACTS})


def lay(folder: Path, rows: list[int], fates: list[str]) -> tuple[Path, Path, Path]:
    places = tuple(folder / name for name in ("overlap", "split", "tokens"))
    for place in places:
        place.mkdir()
    hashes = [f"h{row}" for row in range(len(fates))]
    held = {
        "row": rows,
        "content_hash": [hashes[r] for r in rows],
        "outcome": ["choice/x"] * len(rows),
        "item": ["line 1"] * len(rows),
    }
    pq.write_table(pa.table(held), places[0] / "overlap.parquet")
    pq.write_table(pa.table({"fate": fates, "content_hash": hashes}), places[1] / "split.parquet")
    cut = {"whole_hash": ["h1", "h1", "h2"], "tokens": [30, 12, 5]}
    pq.write_table(pa.table(cut), places[2] / "train.parquet")
    identity = {"format": 1, "kind": "overlap", "version": 1, "fingerprint": "0" * 64, "declaration": {}, "inputs": {}}
    record = Record(**identity, files={}, summary=summary(1).model_dump(mode="json"))
    (places[0] / "record.json").write_text(record.model_dump_json())
    return places  # type: ignore[return-value]


def test_pieces_of_a_document_that_was_cut_count_together(tmp_path: Path) -> None:
    facts = read_overlap(*lay(tmp_path, [1, 3], ["train", "train", "train", "held_out"]))
    assert facts.tokens == {("train", "h1"): 42}
    assert [(h.document, h.fate) for h in facts.holders] == [("h1", "train"), ("h3", "held_out")]


def test_an_overlap_of_other_documents_than_the_split_is_told(tmp_path: Path) -> None:
    overlap, split, tokens = lay(tmp_path, [1, 3], ["train"] * 4)
    other = {"fate": ["train"] * 4, "content_hash": ["x0", "x1", "x2", "x3"]}
    pq.write_table(pa.table(other), split / "split.parquet")
    with pytest.raises(StoreError, match="are not of the same documents"):
        read_overlap(overlap, split, tokens)
    pq.write_table(pa.table({key: values[:2] for key, values in other.items()}), split / "split.parquet")
    with pytest.raises(StoreError, match="are not of the same documents"):
        read_overlap(overlap, split, tokens)


def test_the_report_reads_the_flag_as_the_findings_write_it() -> None:
    assert flagged_in_findings.FLAGGED == FLAGGED


def with_clean(finding: dict[str, Any], verdict: str) -> dict[str, Any]:
    keys = ("arm_mean", "control_mean", "difference", "interval", "p_adjusted")
    clean = {**{key: finding[key] for key in keys}, "items": 170, "flagged_items": 10, "verdict": verdict}
    return {**finding, "clean": clean}


@pytest.fixture
def flagged(tmp_path: Path) -> Stored:
    """A stored study of which one finding has another verdict without the items that its data hold."""
    stored = store(tmp_path / "store", a_study())

    def change(content: dict[str, Any]) -> dict[str, Any]:
        findings = content["findings"]
        findings[0] = with_clean(findings[0], "equivalent" if findings[0]["verdict"] != "equivalent" else "worse")
        findings[1] = with_clean(findings[1], findings[1]["verdict"])
        for finding in findings[:2]:
            finding["flags"] = [*finding["flags"], FLAGGED]
        return content

    edit_json(stored.inputs["findings"] / "findings.json", change)
    return stored


def test_findings_stand_beside_what_they_are_without_held_items(flagged: Stored, tmp_path: Path) -> None:
    files = build(flagged, tmp_path / "out")
    told = json.loads(files["report.json"])
    jsonschema.validate(told, shipped_schema())
    assert told["findings"][0]["clean"]["flagged_items"] == 10
    findings = [Finding.model_validate(finding) for finding in told["findings"]]
    table = clean_table(findings, "nano")
    assert len(table.rows) == 2
    assert table.rows[0][2].text == "10 of 180"
    assert "another verdict" in table.rows[0][-1].text
    assert "another verdict" not in table.rows[1][-1].text
    verdict = told["findings"][0]["clean"]["verdict"]
    assert (
        f"without the items that training data hold, {where_of(findings[0].outcome)} is {verdict}." in told["headline"]
    )
    assert (
        "items that 2 comparisons are over; without those items 1 of them has another verdict"
        in files["report.md"].decode()
    )
    for name in ("report.html", "report.md"):
        assert "Items in the data" in files[name].decode()
        assert "another verdict" in files[name].decode()
    assert (
        blake3(files["report.json"]).hexdigest()
        == blake3(build(flagged, tmp_path / "again")["report.json"]).hexdigest()
    )
