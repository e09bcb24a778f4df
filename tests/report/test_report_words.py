"""The words and numbers of a report: the headline never says more than its verdicts, and digits survive."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.analyze.judge import Finding as AnalyzedFinding
from titrant.report import differences, figures, headline, markup, numbers
from titrant.report.cells import Column, Table, cell, to_html, to_markdown
from titrant.report.document import Finding
from titrant.report.layout import blocks_of, gains
from titrant.report.outcomes import comparisons, in_order

SHARES = {"mixed": 0.5, "plain": 0.0}


def a_finding(outcome: str = "bits_per_byte/code", verdict: str = "better", **changes: Any) -> Finding:
    bits = "bits_per_byte" in outcome
    sign = {"better": -1, "worse": 1}.get(verdict, 0) * (1 if bits else -1)
    difference = 0.2 * sign
    fields: dict[str, Any] = {
        "contrast": "mixed vs plain",
        "arm": "mixed",
        "control": "plain",
        "scale": "nano",
        "outcome": outcome,
        "unit": "bits per byte" if bits else "accuracy",
        "arm_mean": 2.0 + difference,
        "control_mean": 2.0,
        "difference": difference,
        "interval": (difference - 0.05, difference + 0.05),
        "relative": None,
        "p_raw": 0.001,
        "p_adjusted": 0.01,
        "verdict": verdict,
        "flags": (),
        "seeds": (0, 1, 2),
        "runs": ("mixed@nano#0", "plain@nano#0"),
        "better_is": "lower" if bits else "higher",
        "margin": 0.02,
        "minimum_detectable": 0.06,
    }
    return Finding.model_validate({**fields, **changes})


def said(*findings: Finding, scales: tuple[str, ...] = ("nano",), shares: dict[str, float] = SHARES) -> str:
    outcomes = in_order(findings, [finding.outcome for finding in findings])
    return headline.compose_headline(comparisons(findings, outcomes), scales, shares, 0.05)


def test_a_resolved_difference_is_said_with_direction_size_unit_and_interval() -> None:
    assert said(a_finding()) == (
        "At nano scale, mixed (50\u202f% code) against plain (0\u202f% code) lowered bits per byte on code by 0.20 "
        "(95\u202f% interval 0.15 to 0.25)."
    )


@given(st.lists(st.sampled_from(["equivalent", "not resolved"]), min_size=1, max_size=12))
def test_nothing_resolved_names_no_direction(verdicts: list[str]) -> None:
    findings = [a_finding(f"probe/p{place}", verdict) for place, verdict in enumerate(verdicts)]
    sentence = said(*findings)
    assert "no difference between" in sentence
    assert not re.search("raised|lowered|better|worse", sentence)
    for verdict in set(verdicts):
        assert f"{verdicts.count(verdict)} is {verdict}" in sentence or f"{verdicts.count(verdict)} " in sentence


@given(st.lists(st.sampled_from(["better", "worse", "equivalent", "not resolved"]), min_size=4, max_size=12))
def test_a_large_family_is_counted_whole(verdicts: list[str]) -> None:
    sentence = said(*(a_finding(f"probe/p{place}", verdict) for place, verdict in enumerate(verdicts)))
    counted = re.search(r"of (\d+) probes (.*)\.$", sentence)
    assert counted
    assert int(counted[1]) == len(verdicts) == sum(int(number) for number in re.findall(r"\d+", counted[2]))


def test_a_mean_stands_for_its_large_family_and_is_not_counted_with_it() -> None:
    probes = [a_finding(f"probe/p{place}", "not resolved") for place in range(5)]
    sentence = said(*probes, a_finding("mean/probes", "better"))
    assert "raised accuracy on the mean of the probes by 20 points (95\u202f% interval 15 to 25)" in sentence
    assert "of 5 probes 5 are not resolved" in sentence


def test_tasks_that_can_tell_nothing_are_not_called_unresolved() -> None:
    probes = [a_finding(f"probe/p{n}", "not resolved", flags=("at chance",) if n else ()) for n in range(4)]
    assert "of 4 probes 1 is not resolved, 3 without signal" in said(a_finding(), *probes)


def test_a_flagged_contrast_gives_way_to_a_matched_one_and_else_shows_its_flags() -> None:
    flagged = a_finding(arm="odd", contrast="odd vs plain", flags=("schedule differs",))
    assert said(flagged, a_finding()).startswith("At nano scale, mixed ")
    assert said(flagged).endswith("flagged: schedule differs.")


def test_the_largest_scale_leads() -> None:
    assert said(a_finding(), a_finding(scale="micro"), scales=("nano", "micro")).startswith("At micro scale")


def test_a_resolved_difference_below_the_margin_says_so() -> None:
    assert "less than the margin" in said(a_finding(margin=0.5))


def test_a_study_without_comparisons_claims_nothing() -> None:
    assert "nothing is gained or lost" in headline.compose_headline((), ("nano",), {}, 0.05)


def test_findings_of_analyze_and_of_the_report_have_the_same_fields() -> None:
    assert {field.name for field in dataclasses.fields(AnalyzedFinding)} == set(Finding.model_fields)


@given(st.floats(-1e9, 1e9, allow_nan=False), st.integers(0, 6))
def test_a_printed_number_reads_back(value: float, decimals: int) -> None:
    text = numbers.signed(value, decimals)
    back = float(text.replace(numbers.MINUS, "-").replace(numbers.THIN, ""))
    assert abs(back - value) <= 0.5000001 * 10**-decimals + abs(value) * 1e-12
    assert "-" not in text
    assert text[0] in f"+{numbers.MINUS}" or back == 0


@given(st.text(max_size=80))
def test_no_text_can_leave_its_element(text: str) -> None:
    escaped = markup.escape(text)
    assert not set(escaped) & set("<>\"'")
    assert json.loads(markup.embedded_json([text])) == [text]
    assert "<" not in markup.embedded_json([text])
    assert re.fullmatch(r"[A-Za-z0-9_-]*", markup.anchor(text))


@given(st.text(max_size=20), st.text(max_size=20))
def test_different_names_have_different_anchors(one: str, other: str) -> None:
    assert (markup.anchor(one) == markup.anchor(other)) == (one == other)


def test_a_name_cannot_spell_the_code_of_another() -> None:
    assert markup.anchor("\x1f") != markup.anchor("\x01f")


@given(st.integers(1, 5000), st.integers(2, 400))
def test_thinned_lines_keep_both_ends_and_their_order(length: int, most: int) -> None:
    kept = figures.evenly(length, most)
    assert kept[0] == 0
    assert kept[-1] == length - 1
    assert len(kept) == min(length, most)
    assert kept == sorted(set(kept))


@given(st.sampled_from(["bits_per_byte/code", "probe/copying"]), st.floats(-1, 1), st.floats(0.001, 1))
def test_right_is_always_better_and_nothing_falls_off_the_axis(outcome: str, difference: float, half: float) -> None:
    finding = a_finding(outcome, "not resolved", difference=difference, interval=(difference - half, difference + half))
    (block,) = blocks_of(comparisons([finding], (outcome,)), (outcome,))
    low, middle, high = gains(finding)
    assert low <= middle <= high
    assert (middle > 0) == (difference < 0 if finding.better_is == "lower" else difference > 0)
    ends = (*gains(finding), -finding.margin, finding.margin)
    assert all(0 <= block.axis.share(end) <= 1 for end in ends)
    assert all(0 <= block.axis.share(gain) <= 1 for gain, _ in block.axis.ticks)


def test_a_table_with_an_empty_cell_cannot_be_made() -> None:
    """No missing cell: a table whose cell is missing says which."""
    with pytest.raises(ValueError, match="'demo' has a row with an empty or missing cell"):
        Table((Column("a"), Column("b")), ((cell("1"), cell("")),), caption="demo")


def test_a_table_reads_the_same_in_html_and_markdown() -> None:
    table = Table((Column("name"), Column("x", numeric=True)), ((cell("a|b<c>"), cell("1.0")),))
    assert to_markdown(table) == "| name | x |\n| --- | ---: |\n| a\\|b\\<c\\> | 1.0 |"
    assert '<th scope="row">a|b&lt;c&gt;</th><td class="number">1.0</td>' in to_html(table)


def test_arms_differ_in_what_their_chains_resolve_to() -> None:
    study = {
        "arms": {"one": [{"init": "m"}, {"end": "m"}], "two": [{"init": "t"}]},
        "mixtures": {"m": {"text": 1, "code": 3}, "t": {"text": 1, "code": 0}},
        "phases": {"init": {"parts": 5.0, "schedule": {"shape": "cosine"}}, "end": {"parts": 1.0}},
    }
    assert [(c.where, c.arm, c.control) for c in differences.chain_changes(study, "one", "two")] == [
        ("phase 1 (init): mixture", "m: text 25\u202f%, code 75\u202f%", "t: text 100\u202f%"),
        ("phase 2", "end, on m: text 25\u202f%, code 75\u202f%, 1 parts", "not there"),
    ]
    assert differences.chain_changes(study, "one", "one") == ()


def test_the_page_styles_and_script_name_no_other_place() -> None:
    folder = Path(figures.__file__).parent
    for name in ("page.html", "page.css", "page.js"):
        assert "//" not in re.sub(r"^\s*//.*$", "", (folder / name).read_text(), flags=re.MULTILINE)
