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
from titrant.report import differences, figures, headline, markup, numbers, planted, tables
from titrant.report.cells import Column, Table, cell, to_html, to_markdown
from titrant.report.document import Finding
from titrant.report.layout import blocks_of, gains
from titrant.report.outcome_entries import OutcomeEntry
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
    if len(set(verdicts)) == 2 and len(verdicts) > 3:
        for verdict in set(verdicts):
            assert re.search(rf"\b{verdicts.count(verdict)} (is|are) {verdict}", sentence)


@given(st.lists(st.sampled_from(["better", "worse", "equivalent", "not resolved"]), min_size=4, max_size=12))
def test_a_large_family_is_counted_whole(verdicts: list[str]) -> None:
    sentence = said(*(a_finding(f"probe/p{place}", verdict) for place, verdict in enumerate(verdicts)))
    if len(set(verdicts)) > 1:
        counted = re.search(r"of (\d+) probes, (.*)\.$", sentence)
        assert counted
        assert int(counted[1]) == len(verdicts) == sum(int(number) for number in re.findall(r"\d+", counted[2]))
    elif verdicts[0] == "not resolved":
        assert f"is resolved on any of {len(verdicts)} probes." in sentence
    else:
        assert f"all {len(verdicts)} probes are {verdicts[0]}" in sentence


MUTE = ("at chance",)
A_AGAINST_B = "mixed (50\u202f% code) against plain (0\u202f% code)"
NONE = "with 3 seeds, no difference between mixed (50\u202f% code) and plain (0\u202f% code) is resolved"


def bits(*verdicts: str) -> list[Finding]:
    return [a_finding(f"bits_per_byte/s{place}", verdict) for place, verdict in enumerate(verdicts)]


def probes(*verdicts: str) -> list[Finding]:
    """`mute` stands for a probe at chance."""
    return [
        a_finding(f"probe/p{place}", "not resolved", flags=MUTE)
        if verdict == "mute"
        else a_finding(f"probe/p{place}", verdict)
        for place, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        (probes("mute"), f"{NONE}; p0 stays at chance"),
        (probes("mute", "mute"), f"{NONE}; p0 and p1 stay at chance"),
        (probes(*["mute"] * 8), f"{NONE}; all 8 probes stay at chance"),
        (
            bits("not resolved", "not resolved") + probes(*["mute"] * 8),
            f"{NONE} in bits per byte on s0 or s1; all 8 probes stay at chance",
        ),
        (
            bits("not resolved", "equivalent"),
            f"{NONE}; bits per byte on s1 is equivalent within the margin; "
            "the difference in bits per byte on s0 is not resolved",
        ),
        (
            bits(*["not resolved"] * 4) + probes(*["not resolved"] * 5),
            f"{NONE} in bits per byte on any of 4 sources or on any of 5 probes",
        ),
        (
            bits("equivalent", *["not resolved"] * 4),
            f"{NONE}; of 5 sources, bits per byte is equivalent within the margin on 1 and not resolved on 4",
        ),
        (
            bits(*["worse"] * 4),
            f"for {A_AGAINST_B}, bits per byte is worse on all 4 sources",
        ),
        (
            probes("better", "not resolved", "mute", "mute"),
            f"for {A_AGAINST_B}, of 4 probes, 1 is better, 1 is not resolved and 2 stay at chance",
        ),
        (
            bits("better", "worse", "better"),
            f"{A_AGAINST_B} lowered bits per byte on s0 by 0.20 (95\u202f% interval 0.15 to 0.25) and on s2 by 0.20 "
            "(0.15 to 0.25), but raised it on s1 by 0.20 (0.15 to 0.25)",
        ),
        (
            bits("worse", "not resolved") + probes("better", "mute"),
            f"{A_AGAINST_B} raised accuracy on p0 by 20 points (95\u202f% interval 15 to 25), but raised bits per byte "
            "on s0 by 0.20 (0.15 to 0.25); the difference in bits per byte on s1 is not resolved; p1 stays at chance",
        ),
        (
            bits("better") + probes(*["not resolved"] * 4),
            f"{A_AGAINST_B} lowered bits per byte on s0 by 0.20 (95\u202f% interval 0.15 to 0.25); "
            "none of 4 probes is resolved",
        ),
    ],
)
def test_every_case_reads_as_a_sentence(findings: list[Finding], sentence: str) -> None:
    assert said(*findings) == f"At nano scale, {sentence}."


def test_what_many_small_families_leave_open_is_one_clause() -> None:
    better = a_finding("code/mbpp", "better", unit="pass rate", difference=0.2, interval=(0.15, 0.25))
    rest = ("not resolved", "not resolved", "not resolved", "equivalent")
    names = ("probe/sorting", "task/nq_open", "judge/dolly", "task/lambada_openai")
    open_ = [a_finding(name, verdict) for name, verdict in zip(names, rest, strict=True)]
    sentence = said(better, *open_)
    assert "raised pass rate on mbpp by 20 points (95\u202f% interval 15 to 25)" in sentence
    assert sentence.endswith(
        "; no difference is resolved on sorting, nq_open or dolly; accuracy on lambada_openai is equivalent within the "
        "margin."
    )


def test_a_mean_stands_for_its_large_family_and_is_not_counted_with_it() -> None:
    sentence = said(*probes(*["not resolved"] * 5), a_finding("mean/probes", "better"))
    assert "raised accuracy on average over the probes by 20 points (95\u202f% interval 15 to 25)" in sentence
    assert "none of 5 probes is resolved" in sentence


def test_a_mean_that_alone_is_resolved_is_said() -> None:
    sentence = said(*bits("not resolved", "not resolved"), a_finding("mean/bits_per_byte", "better"))
    assert "lowered bits per byte on average over the sources by 0.20" in sentence
    assert "the difference in bits per byte on s0 and s1 is not resolved" in sentence


def test_a_task_without_signal_is_shown_as_such_and_never_counted_as_unresolved() -> None:
    groups = comparisons(findings := [*bits("better"), *probes("not resolved", "mute")], in_order(findings, []))
    assert headline.tally(groups) == "3 comparisons: 1 better, 1 not resolved, 1 no signal"
    assert groups[0].findings[-1].verdict == "not resolved"
    table = tables.findings_table(groups[0], 0.05)
    assert [row[3].text for row in table.rows] == ["better", "not resolved", "no signal: at chance"]


def a_task(status: str, reason: str = "", left_out: dict[str, str] | None = None) -> OutcomeEntry:
    return OutcomeEntry.model_validate(
        {
            "unit": "accuracy", "better_is": "higher", "margin": 0.05, "chance": 0.25, "majority": 0.3,
            "status": status, "reason": reason, "left_out": left_out or {}, "arms": {}, "members": (),
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "tested", "words"),
    [
        (a_task("used"), True, "yes"),
        (a_task("used", "not above chance: 'b'"), True, "yes; not above chance: 'b'"),
        (a_task("at chance", "no arm is above chance (0.25)", {"a vs b": "at chance"}), False,
         "no: no arm is above chance (0.25)"),
        (a_task("collapsed", "collapsed onto one answer: 'c'", {"c vs b": "collapsed"}), True,
         "in part; collapsed onto one answer: 'c'; not tested, collapsed: c vs b; not in the mean"),
        (a_task("used", "not above chance: 'a', 'b'", {"a vs b": "at chance"}), True,
         "in part; not above chance: 'a', 'b'; not tested, at chance: a vs b"),
    ],
)  # fmt: skip
def test_a_task_says_which_comparisons_it_is_not_tested_in(entry: OutcomeEntry, tested: bool, words: str) -> None:
    assert tables._can_tell(entry, tested) == words


def test_a_row_of_the_forest_is_mute_only_where_no_comparison_is_tested_on_it() -> None:
    silent, heard = probes("mute")[0], a_finding("probe/p0", "better", arm="other", contrast="other vs plain")
    (both,) = blocks_of(comparisons([silent, heard], ("probe/p0",)), ("probe/p0",))
    (alone,) = blocks_of(comparisons([silent], ("probe/p0",)), ("probe/p0",))
    assert (both.mute, alone.mute) == (frozenset(), {"probe/p0"})


def test_runs_that_saw_a_source_unequally_often_show_the_range_of_sightings() -> None:
    assert planted._sightings([2.0, 2.0]) == "2.00"
    assert planted._sightings([2.0, 0.5]) == "0.50 to 2.00"


def test_dashes_are_explained() -> None:
    untested = a_finding("probe/p0", "not resolved", flags=MUTE, p_raw=None, p_adjusted=None)
    (group,) = comparisons([untested], (untested.outcome,))
    assert tables.dash_note(group) == (
        "\u2013 : not tested (no signal), or no ratio because the base is within noise of zero or chance."
    )
    (whole,) = comparisons([a_finding(relative=0.1)], ("bits_per_byte/code",))
    assert tables.dash_note(whole) is None


def test_what_would_go_unseen_names_the_steadiest_and_the_noisiest_outcome() -> None:
    findings = [
        a_finding("bits_per_byte/text", minimum_detectable=0.226),
        a_finding("bits_per_byte/code", minimum_detectable=2.139),
    ]
    groups = comparisons(findings, in_order(findings, []))
    assert (
        "A difference in bits per byte smaller than about 0.23 on text (the steadiest comparison) to 2.14 on code "
        "(the noisiest) would probably go unseen."
    ) in headline.limits(groups, {"nano": (1000, 1000)})


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
