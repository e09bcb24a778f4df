"""The whole report: what it writes, that it is pure, safe and offline, and that it refuses what is missing or contradicts."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
import vl_convert
from stored_artifacts import Stored, a_study, edit_json, store

from titrant.artifacts import read_record
from titrant.errors import EngineError, StoreError
from titrant.report import write_report
from titrant.report.document import schema, shipped_schema
from titrant.report.page import chart_library

FILES = {"report.html", "report.md", "report.json", "forest.svg", "forest.png"}


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that nobody watches."""


def build(stored: Stored, out: Path) -> dict[str, bytes]:
    out.mkdir(parents=True)
    write_report(stored.job, stored.inputs, out, scratch=out, progress=quiet)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def built(finished: Stored, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return build(finished, tmp_path_factory.mktemp("built") / "out")


@pytest.fixture
def copied(tmp_path: Path) -> Stored:
    return store(tmp_path / "store")


def test_a_report_is_five_files_and_its_page_is_under_three_megabytes(built: dict[str, bytes]) -> None:
    assert set(built) == FILES
    assert len(built["report.html"]) < 3_000_000
    assert built["forest.png"].startswith(b"\x89PNG")


def test_rebuilding_elsewhere_gives_equal_bytes(built: dict[str, bytes], tmp_path: Path) -> None:
    """The report is a pure function of stored artifacts: rebuild it elsewhere and the bytes match."""
    again = build(store(tmp_path / "another" / "place"), tmp_path / "out")
    digests = [
        {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} for files in (built, again)
    ]
    assert digests[0] == digests[1]


def test_the_order_of_keys_in_the_study_does_not_reach_the_page(
    finished: Stored, built: dict[str, bytes], tmp_path: Path
) -> None:
    study = json.loads(json.dumps(finished.job.study, sort_keys=True))
    shuffled = Stored(
        finished.plan, finished.job.model_copy(update={"study": study}), dict(reversed(finished.inputs.items()))
    )
    assert build(shuffled, tmp_path / "out") == built


class Loads(HTMLParser):
    """Collects whatever an HTML page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.urls += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "poster")
        ]


def test_the_page_asks_for_nothing_from_anywhere(built: dict[str, bytes]) -> None:
    page = built["report.html"].decode()
    loads = Loads()
    loads.feed(page)
    assert loads.urls
    assert all(url.startswith("#") for url in loads.urls)
    assert "default-src 'none'" in page
    assert "connect-src" not in page
    styles = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert styles
    assert not re.search(r"@import|url\(", styles[1])


def test_every_link_of_the_page_has_its_anchor(built: dict[str, bytes]) -> None:
    page = built["report.html"].decode().split('<script type="application/json"')[0]
    targets = set(re.findall(r'href="#([^"]+)"', page))
    anchors = re.findall(r' id="([^"]+)"', page)
    assert targets <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_the_json_meets_the_schema_that_is_shipped(built: dict[str, bytes]) -> None:
    shipped = shipped_schema()
    assert shipped == schema(), "regenerate src/titrant/report/schema.json from titrant.report.document.schema()"
    jsonschema.Draft202012Validator.check_schema(shipped)
    document = json.loads(built["report.json"])
    jsonschema.validate(document, shipped, cls=jsonschema.Draft202012Validator)
    for rows in ("findings", "ledger"):
        spoilt = json.loads(built["report.json"])
        spoilt[rows][0]["unheard_of"] = 1
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, shipped, cls=jsonschema.Draft202012Validator)


def test_the_ledger_has_a_row_for_every_run_phase_and_source(finished: Stored, built: dict[str, bytes]) -> None:
    rows = json.loads(built["report.json"])["ledger"]
    study = finished.plan.study
    expected = {
        (run.id, index, source)
        for run, _ in finished.plan.runs.values()
        for index, link in enumerate(study.arms[run.arm].chain)
        for source in study.mixtures[link.mixture].shares
    }
    assert {(row["run"], row["index"], row["source"]) for row in rows} == expected
    assert len(rows) == len(expected)


def test_markdown_and_page_hold_every_finding(finished: Stored, built: dict[str, bytes]) -> None:
    findings = json.loads((finished.inputs["findings"] / "findings.json").read_text())["findings"]
    markdown, page = built["report.md"].decode(), built["report.html"].decode()
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    for finding in findings:
        factor, decimals = (1, 3) if finding["unit"] == "bits per byte" else (100, 1)
        shown = f"{abs(finding['difference']) * factor:.{decimals}f}"
        name = finding["outcome"].replace("_", "\\_")
        verdict = "no signal: at chance" if "at chance" in finding["flags"] else finding["verdict"]
        assert any(name in row and shown in row and verdict in row for row in rows)
        assert f">{verdict}" in page or f" {verdict}<" in page
    verdicts = ("better", "worse", "equivalent", "not resolved", "no signal")
    assert sum(any(verdict in row for verdict in verdicts) for row in rows) == len(findings)


def test_the_page_shows_p_and_interval_before_and_after_correction(finished: Stored, built: dict[str, bytes]) -> None:
    content = json.loads((finished.inputs["findings"] / "findings.json").read_text())
    folded = re.findall(r"<summary>Before and after.*?</details>", built["report.html"].decode(), re.DOTALL)
    assert len(folded) == len({(finding["contrast"], finding["scale"]) for finding in content["findings"]})
    assert "p before correction" in folded[0]
    detail = content["details"][0]
    low, high = (f"{end:+.3f}".replace("-", "\u2212") for end in detail["interval_adjusted"])
    assert f"{low} to {high}" in "".join(folded)


def test_planted_facts_are_named_by_copies_in_the_source_and_by_expected_sightings(built: dict[str, bytes]) -> None:
    """A rung is a number of copies, and not of times that a model saw a fact."""
    ledger = json.loads(built["report.json"])["ledger"]
    markdown = built["report.md"].decode()
    table = markdown.split("### Planted facts")[1].split("## Data")[0]
    head, *rows = [
        [field.strip() for field in line.strip("|").split("|")] for line in table.splitlines() if "|" in line
    ]
    assert head[:3] == ["source", "copies in the source", "facts"]
    assert [row[:3] for row in rows[1:]] == [["text", "1", "20"], ["text", "4", "20"]]
    for place, name in enumerate(head[3:], start=3):
        arm = name.removeprefix("sightings by ").replace("\\", "")
        drawn = [row["epochs"] for row in ledger if (row["arm"], row["source"]) == (arm, "text")]
        assert rows[2][place] == f"{4 * max(drawn):.2f}"
    page = built["report.html"].decode()
    assert "copies in the source" in page
    assert "That is not how often a model saw them" in page


def test_the_page_says_what_alpha_is_the_level_of(built: dict[str, bytes]) -> None:
    page = built["report.html"].decode()
    assert "Two kinds of claim are made, each corrected by Holm" in page
    assert "any is false with a probability of at most 5\u202f%" in page


def test_flags_of_one_panel_never_shift_its_rows_against_the_labels(built: dict[str, bytes]) -> None:
    """Only the first panel of a line shows labels, so that heads of all panels share one row of the grid."""
    page = built["report.html"].decode()
    assert re.search(r"\.panel \{[^}]*grid-row: span 2; grid-template-rows: subgrid", page)
    panels = re.findall(r'<section class="panel.*?</section>', page, re.DOTALL)
    assert panels
    for panel in panels:
        assert re.fullmatch(r'<section [^>]*><header>.*</header><div class="body">.*</div></section>', panel, re.DOTALL)


def test_charts_and_forest_print_within_the_paper(built: dict[str, bytes]) -> None:
    """Charts are drawn for the screen's width; on paper they shrink to the page instead of being cut."""
    styles = built["report.html"].decode().split("@media print {")[1].split("</style>")[0]
    assert re.search(r"\.chart \{ overflow: visible", styles)
    assert re.search(r"\.chart svg \{ max-width: 100%; max-height: \d+mm; width: auto; height: auto", styles)


def test_a_long_label_has_a_higher_row_in_every_panel(built: dict[str, bytes]) -> None:
    page = built["report.html"].decode()
    panels = page.split('<section class="panel')[1:]
    with_long = [panel for panel in panels if 'title="probe/structural-generalisation"' in panel]
    assert with_long
    for panel in with_long:
        assert re.search(r'<div class="row longer[ a-z]*"><span class="label" title="probe/structural-gen', panel)


def test_a_study_full_of_markup_stays_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)> | `x` [a](http://b) & \"q\" 'r' \u2028"
    stored = store(tmp_path / "store", a_study(question=evil))
    files = build(stored, tmp_path / "out")
    page = files["report.html"].decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert len(re.findall(r"<script[ >]", page)) == 3
    assert page.count("</script") == 3
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    before_yaml = files["report.md"].decode().split("````yaml")[0]
    assert "<script>" not in before_yaml
    assert "\\<script\\>" in before_yaml
    assert "](http://b)" not in before_yaml
    assert json.loads(files["report.json"])["question"] == evil
    assert "<script" not in files["forest.svg"].decode()


@pytest.mark.parametrize(
    "role", ["findings", "ledger", "tokenizer", "tokens/code", "split/text", "documents/markup", "train/", "evaluate/"]
)
def test_a_report_fails_when_an_input_of_a_claim_is_deleted(copied: Stored, tmp_path: Path, role: str) -> None:
    """Delete an input of a claim and the report fails."""
    name = next(name for name in copied.inputs if name.startswith(role))
    shutil.rmtree(copied.inputs[name])
    with pytest.raises(StoreError, match="was never finished"):
        build(copied, tmp_path / "out")
    without = {other: folder for other, folder in copied.inputs.items() if other != name}
    with pytest.raises(StoreError, match=re.escape(name)):
        build(Stored(copied.plan, copied.job, without), tmp_path / "out2")


def test_a_report_fails_when_a_table_is_deleted(copied: Stored, tmp_path: Path) -> None:
    curve = next(folder for role, folder in copied.inputs.items() if role.startswith("train/")) / "curve.parquet"
    curve.unlink()
    with pytest.raises(StoreError, match=r"curve\.parquet cannot be read"):
        build(copied, tmp_path / "out")


def spoil(stored: Stored, **changes: object) -> None:
    path = stored.inputs["findings"] / "findings.json"
    edit_json(
        path, lambda content: {**content, "findings": [{**content["findings"][0], **changes}, *content["findings"][1:]]}
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"runs": ["nobody@nano#9"]}, "rests on run 'nobody@nano#9'"),
        ({"difference": 9.0}, "outside of its interval"),
        ({"verdict": "better", "difference": 0.08, "interval": [0.05, 0.1]}, "against the sign"),
        ({"verdict": "splendid"}, "verdict"),
        ({"margin": None}, "margin"),
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(
    copied: Stored, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    spoil(copied, **changes)
    with pytest.raises(StoreError, match=re.escape(words)):
        build(copied, tmp_path / "out")


def test_findings_drawn_from_other_scores_are_refused(copied: Stored, tmp_path: Path) -> None:
    for role, folder in copied.inputs.items():
        if role.startswith("evaluate/"):
            other = read_record(folder).model_copy(update={"fingerprint": "f" * 64})
            (folder / "record.json").write_text(other.model_dump_json())
    with pytest.raises(StoreError, match="drawn from other scores of run"):
        build(copied, tmp_path / "out")


def test_a_draw_that_was_never_planned_is_refused(copied: Stored, tmp_path: Path) -> None:
    edit_json(copied.inputs["ledger"] / "ledger.json", lambda rows: rows[1:])
    with pytest.raises(StoreError, match="drew what was never planned from source 'text'"):
        build(copied, tmp_path / "out")


def test_a_missing_chart_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, finished: Stored, tmp_path: Path
) -> None:
    chart_library.cache_clear()
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(EngineError, match=r"pip install titrant\[report\]"):
        build(finished, tmp_path / "out")


def test_every_chart_is_valid_vega_lite(built: dict[str, bytes]) -> None:
    import altair

    found = re.search(r'id="charts">(.*?)</script>', built["report.html"].decode(), re.DOTALL)
    assert found
    charts = json.loads(found[1])
    assert len(charts) == 4
    for name, spec in charts.items():
        altair.Chart.from_dict(spec)  # validates against the schema of Vega-Lite 6
        assert vl_convert.vegalite_to_vega(spec)["marks"], name


def test_sources_of_the_same_documents_are_told_and_their_planted_facts_counted_together() -> None:
    from titrant.report.document import LedgerEntry
    from titrant.report.ledger import same_documents
    from titrant.report.planted import epochs_of, root_of

    study = {"sources": {"code": {"from": [{"files": "x"}]}, "bare": {"from": [{"source": "code"}]}}}
    row = {
        "run": "both@nano#1", "arm": "both", "scale": "nano", "seed": 1, "index": 0, "phase": "whole", "mixture": "m", "partition": "train",
        "planned_tokens": 10, "realised_tokens": 10, "asked_share": 0.5, "realised_share": 0.5,
    }  # fmt: skip
    fields = {name: row.get(name, 0) for name in LedgerEntry.model_fields}
    rows = [
        LedgerEntry(**{**fields, "source": name, "epochs": epochs}) for name, epochs in (("code", 0.5), ("bare", 2.0))
    ]
    assert root_of("bare", study) == "code"
    assert epochs_of(rows, ["code", "bare"], "both", "nano") == [2.5]
    assert "both (code, bare)" in same_documents(study, rows)
    assert same_documents(study, rows[:1]) == ""
