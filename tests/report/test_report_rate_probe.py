"""The section "Learning rate": it tells what the findings hold, and is not there where there is no probe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from stored_artifacts import Stored, a_study, edit_json, store

from titrant.analyze.rate_probe import UNLIKE
from titrant.errors import StoreError
from titrant.report import write_report
from titrant.report.document import RateProbe, schema
from titrant.report.rate_probe import UNLIKE as SHOWN_UNLIKE
from titrant.report.rate_probe import outcomes_table, probe_html, probe_markdown, rates_table, sentence

PROBE = {"arm": "balanced-only", "control": "text->text"}


def build(stored: Stored, out: Path) -> dict[str, str]:
    out.mkdir()
    write_report(stored.job, stored.inputs, out, scratch=out, progress=lambda *a, **k: None)
    return {name: (out / name).read_text(encoding="utf-8") for name in ("report.html", "report.md", "report.json")}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("store"), a_study(learning_rate_probe=PROBE))


@pytest.fixture(scope="module")
def built(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return build(stored, tmp_path_factory.mktemp("built") / "out")


@pytest.fixture(scope="module")
def probe(built: dict[str, str]) -> RateProbe:
    return RateProbe.model_validate(json.loads(built["report.json"])["learning_rate_probe"])


def section_of(page: str) -> str:
    found = re.search(r'<section id="section-Learning_20_rate">(.*?)</section>', page, re.DOTALL)
    assert found
    return found[1]


def test_the_sentence_says_what_holds_and_what_turns(probe: RateProbe) -> None:
    assert sentence(probe) == (
        "At 0.5\u202f×, 1\u202f× and 2\u202f× the study's learning rate, nano scale: of 7 verdicts of balanced-only "
        "against text->text, 6 hold at every rate (code, markup, bracket-closing, structural-generalisation, "
        "planted-facts and average over the probes) and 1 turns with the rate (text)."
    )


def test_the_sentence_where_nothing_is_resolved_in_the_study(probe: RateProbe) -> None:
    quiet = [one.model_copy(update={"study_verdict": "not resolved"}) for one in probe.outcomes]
    assert sentence(probe.model_copy(update={"outcomes": tuple(quiet)})).endswith(
        "no verdict of balanced-only against text->text is resolved in the study; resolved at some rate and not in "
        "the study: text, code, markup, bracket-closing, structural-generalisation, planted-facts and average over the "
        "probes."
    )


def test_every_outcome_stands_in_the_table_at_every_rate(probe: RateProbe) -> None:
    table = outcomes_table(probe, 0.05)
    assert len(table.rows) == 3 * len(probe.outcomes)
    text = [[cell.text for cell in row] for row in table.rows if row[0].text.startswith("bits_per_byte/text")]
    assert [row[5] for row in text] == ["worse", "worse", "better"]
    assert [row[6] == "–" for row in text] == [False, True, False]
    assert text[0][8] == "worse: turns"
    mute = [row[5].text for row in table.rows if row[0].text.startswith("probe/arithmetic")]
    assert mute == ["no signal"] * 3


def test_what_differs_beside_the_rate_is_told_and_flags_of_one_rate_stand_at_it(probe: RateProbe) -> None:
    assert UNLIKE == SHOWN_UNLIKE
    flag, own = f"2{UNLIKE}threads differ", "hardware differs: processor"
    assert "in more than the rate" not in sentence(probe)
    first = probe.outcomes[0]
    at = first.rates[2].model_copy(update={"flags": (own, flag)})
    changed = first.model_copy(update={"rates": (*first.rates[:2], at)})
    unlike = probe.model_copy(update={"flags": (*probe.flags, flag), "outcomes": (changed, *probe.outcomes[1:])})
    assert sentence(unlike).endswith("; runs at other rates differ in more than the rate, as flagged.")
    assert outcomes_table(unlike, 0.05).rows[2][5].text.endswith(f"({own})")
    page, told = probe_html(unlike, 0.05), "\n".join(probe_markdown(unlike, 0.05))
    for shown in (page, told):
        assert "threads differ" in shown
        assert own in shown
        assert "all else the same" not in shown


def test_the_rates_are_listed_with_how_well_both_arms_trained(probe: RateProbe) -> None:
    rows = rates_table(probe).rows
    assert [row[1].text for row in rows] == ["0.001", "0.002", "0.004"]
    assert [row[2].style for row in rows] == [None, None, "strong"]
    assert [row[4].style for row in rows] == [None, "strong", None]


def test_the_page_has_a_chart_an_outcome_that_can_be_told_and_the_doubts(
    built: dict[str, str], probe: RateProbe
) -> None:
    section = section_of(built["report.html"])
    assert section.count('<svg class="probe axis"') == len(probe.outcomes) - 1  # the one at chance has none
    assert section.count('class="mark"') == 3 * (len(probe.outcomes) - 1)
    assert "balanced-only has its lowest final training loss at the highest rate probed (2 x)" in section


def test_marks_stand_inside_their_chart_and_better_is_up(probe: RateProbe) -> None:
    text = probe.model_copy(update={"outcomes": tuple(o for o in probe.outcomes if o.outcome == "bits_per_byte/text")})
    places = re.findall(r'class="mark" d="[^"]+" transform="translate\(([\d.]+) ([\d.]+)\)"', probe_html(text, 0.05))
    assert len(places) == 3
    assert all(0 < float(x) < 230 and 0 < float(y) < 136 for x, y in places)
    (_, worse), _, (_, better) = places
    assert float(better) < float(worse)


def test_markdown_and_json_tell_the_same(built: dict[str, str], probe: RateProbe) -> None:
    assert "## Learning rate" in built["report.md"]
    assert "1 turns with the rate" in built["report.md"]
    jsonschema.validate(json.loads(built["report.json"]), schema(), cls=jsonschema.Draft202012Validator)


def test_the_headline_says_so_where_its_own_verdict_turns(built: dict[str, str]) -> None:
    assert json.loads(built["report.json"])["headline"].endswith("; the verdict on text depends on the learning rate.")
    assert "depends on the learning rate</span>" in built["report.html"]


def test_runs_of_the_probe_are_among_the_inputs_and_in_no_other_table(built: dict[str, str], stored: Stored) -> None:
    document = json.loads(built["report.json"])
    assert {run["scale"] for run in document["runs"]} == {"nano"}
    assert {row["scale"] for row in document["ledger"]} == {"nano"}
    chain = stored.plan.runs["balanced-only@nano-rate-x2#1"][1]
    fingerprints = {entry["fingerprint"] for entry in document["inputs"]}
    assert {stored.plan.jobs[id_].fingerprint for id_ in chain} <= fingerprints


def test_without_a_probe_there_is_no_section(tmp_path: Path) -> None:
    plain = build(store(tmp_path / "store"), tmp_path / "out")
    assert "Learning rate</h2>" not in plain["report.html"]
    assert "## Learning rate" not in plain["report.md"]
    assert json.loads(plain["report.json"])["learning_rate_probe"] is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: {k: v for k, v in c.items() if k != "learning_rate_probe"}, "do not agree on whether there is a"),
        (
            lambda c: c["learning_rate_probe"]["outcomes"][0]["rates"][2].update(difference=0.08, interval=[0, 1]) or c,
            "the learning-rate probe on bits_per_byte/text at 2 times the rate has the verdict 'better' against the sign",
        ),
        (lambda c: c["learning_rate_probe"].update(family="many") or c, "does not hold findings"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, change: object, expected: str) -> None:
    stored = store(tmp_path / "store", a_study(learning_rate_probe=PROBE))
    edit_json(stored.inputs["findings"] / "findings.json", change)
    with pytest.raises(StoreError, match=expected):
        build(stored, tmp_path / "out")
