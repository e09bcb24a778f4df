"""The learning-rate probe: the same statistics at every rate, a family of its own, and a flag where a verdict turns."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log

import numpy as np
import pytest
from analyze_studies import Made, choices, make_study, text, write_checkpoint, write_record, write_scores
from scipy import stats

from titrant.analyze.components import variance_components
from titrant.analyze.rate_probe import DEPENDS, NOT_ALONE, stands
from titrant.analyze.verdict import VERDICTS
from titrant.artifacts import Checkpoint
from titrant.errors import StoreError
from titrant.jobs import PlannedContrast, PlannedProbe, ProbeRate, Run

ITEMS = 100
BYTES = np.random.default_rng(1).integers(200, 4000, ITEMS)
HARD = np.random.default_rng(2).normal(2.0, 0.3, ITEMS)
TEXT, CODE, TASK = "bits_per_byte/text", "bits_per_byte/code", "probe/sorting"
SCALES = {0.5: "nano-rate-x0.5", 1.0: "nano", 2.0: "nano-rate-x2"}
SEEDS = (0, 1, 2, 3)


def task(arm, seed, outcome, factor, gains):
    """At each rate the arm gains so many bits per byte on each outcome."""
    draws = np.random.default_rng([len(arm), seed, len(outcome), int(10 * factor)])
    if outcome == TASK:
        answer = np.arange(ITEMS) % 2
        return choices(np.where(draws.random(ITEMS) < 0.8, answer, 1 - answer), answer)
    gain = gains[outcome][factor] if arm == "arm" else 0.0
    return text(HARD - gain + draws.normal(0, 0.005, ITEMS), BYTES)


def losses(arm, factor):
    """The arm learns best at twice the rate, an end of the range; the control at the study's own."""
    return 2.0 - 0.1 * factor if arm == "arm" else 2.0 + abs(log(factor))


def probed_study(root, gains, *, outcomes=(TEXT, CODE, TASK), seeds=SEEDS) -> Made:
    made = make_study(
        root,
        lambda arm, seed, outcome: task(arm, seed, outcome, 1.0, gains),
        arms=("control", "arm", "other"),
        outcomes=outcomes,
        seeds=seeds,
    )
    rates = tuple(
        ProbeRate(factor=factor, learning_rate=0.003 * factor, scale=scale) for factor, scale in SCALES.items()
    )
    probe = PlannedProbe(arm="arm", control="control", scale="nano", rates=rates)
    for factor, scale in SCALES.items():
        for run in (Run(arm=arm, scale=scale, seed=seed) for arm in ("arm", "control") for seed in seeds):
            made.inputs[f"evaluate/{run.id}"] = root / "evaluate" / run.id
            made.inputs[f"train/{run.id}"] = root / "train" / run.id
            scored = {outcome: task(run.arm, run.seed, outcome, factor, gains) for outcome in outcomes}
            write_scores(made.inputs[f"evaluate/{run.id}"], scored)
            write_checkpoint(made.inputs[f"train/{run.id}"])
            _set_loss(made.inputs[f"train/{run.id}"], losses(run.arm, factor))
    return replace(made, job=made.job.model_copy(update={"learning_rate_probe": probe}))


def _set_loss(folder, loss):
    summary = Checkpoint.read(folder).model_copy(update={"final_loss": loss})
    write_record(folder, summary, {"tokenizer": "t" * 64})


def steady(gain=0.3):
    return dict.fromkeys(SCALES, gain)


@pytest.fixture(scope="module")
def turning(tmp_path_factory):
    """Text turns from better to worse; code is better everywhere."""
    gains = {TEXT: {0.5: 0.2, 1.0: 0.1, 2.0: -0.2}, CODE: steady()}
    made = probed_study(tmp_path_factory.mktemp("turning"), gains)
    return made, made.find()


def by_outcome(content):
    return {one["outcome"]: one for one in content["learning_rate_probe"]["outcomes"]}


def test_a_verdict_that_turns_is_said_and_flagged_in_the_studys_own_finding(turning):
    _, content = turning
    found = by_outcome(content)
    assert [at["verdict"] for at in found[TEXT]["rates"]] == ["better", "better", "worse"]
    assert (found[TEXT]["stands"], found[CODE]["stands"]) == ("turns", "holds")
    flagged = {(f["arm"], f["outcome"]) for f in content["findings"] if DEPENDS in f["flags"]}
    assert ("arm", TEXT) in flagged
    assert ("arm", CODE) not in flagged
    assert not any(arm == "other" for arm, _ in flagged)


def test_the_studys_own_findings_are_what_they_are_without_a_probe(turning):
    made, content = turning
    plain = made.find("plain", made.job.model_copy(update={"learning_rate_probe": None}))
    assert "learning_rate_probe" not in plain
    for with_probe, without in zip(content["findings"], plain["findings"], strict=True):
        assert {**with_probe, "flags": [f for f in with_probe["flags"] if f != DEPENDS]} == without
    assert (content["scores"], content["outcomes"]) == (plain["scores"], plain["outcomes"])


def test_differences_and_intervals_are_those_of_a_finding_and_at_factor_1_the_studys_own(turning):
    _, content = turning
    own = {f["outcome"]: f for f in content["findings"] if f["arm"] == "arm"}
    for outcome, probed in by_outcome(content).items():
        at = next(at for at in probed["rates"] if at["factor"] == 1)
        assert at["difference"] == own[outcome]["difference"]
        assert at["interval"] == own[outcome]["interval"]
        assert at["p_raw"] == own[outcome]["p_raw"]
        assert (at["change"], at["change_interval"]) == (None, None)


def test_all_outcomes_at_all_rates_are_one_family(turning):
    _, content = turning
    probe = content["learning_rate_probe"]
    p_values = [at["p_raw"] for one in probe["outcomes"] for at in one["rates"] if at["p_raw"] is not None]
    adjusted = [at["p_adjusted"] for one in probe["outcomes"] for at in one["rates"] if at["p_raw"] is not None]
    assert probe["family"] == len(p_values) == 3 * len(probe["outcomes"])
    order = np.argsort(p_values, kind="stable")
    climbing, most = [0.0] * len(order), 0.0
    for place, index in enumerate(order):  # Holm by hand
        most = max(most, min(1.0, p_values[index] * (len(order) - place)))
        climbing[index] = most
    assert adjusted == pytest.approx(climbing, rel=1e-8)


def test_the_change_is_paired_by_seed_and_item_with_its_own_interval(turning):
    _, content = turning
    at = by_outcome(content)[TEXT]["rates"][2]

    def difference(factor):
        gains = {TEXT: {0.5: 0.2, 1.0: 0.1, 2.0: -0.2}, CODE: steady()}
        return np.array([
            task("arm", seed, TEXT, factor, gains).value - task("control", seed, TEXT, factor, gains).value
            for seed in SEEDS
        ]) / log(2)  # fmt: skip

    change = variance_components(difference(2.0) - difference(1.0), BYTES.astype(float))
    assert at["change"] == pytest.approx(float(change.difference), rel=1e-8)
    assert at["change"] == pytest.approx(0.3, abs=0.01)
    half = (at["change_interval"][1] - at["change_interval"][0]) / 2
    seeds_alone = stats.t.ppf(0.975, len(SEEDS) - 1) * float(np.sqrt(change.seed_variance))
    assert seeds_alone * 0.99 < half < seeds_alone + 3 * float(np.sqrt(change.item_variance))


def test_means_are_over_the_outcomes_that_the_studys_means_are_over(turning):
    _, content = turning
    found = by_outcome(content)
    mean = found["mean/bits_per_byte"]
    for place in range(3):
        parts = [found[outcome]["rates"][place]["difference"] for outcome in (TEXT, CODE)]
        assert mean["rates"][place]["difference"] == pytest.approx(np.mean(parts), rel=1e-8)


def test_the_best_rates_are_found_and_doubts_are_said(turning):
    _, content = turning
    probe = content["learning_rate_probe"]
    assert probe["best_arm"]["final_loss"] == 2
    assert probe["best_control"]["final_loss"] == 1
    assert "arm has its lowest final training loss at the highest rate probed (2 x)" in probe["flags"]
    assert "lowest final training loss at different rates: arm 2 x, control 1 x" in probe["flags"]
    assert not any(flag.startswith("control has its lowest final") for flag in probe["flags"])
    assert [rate["arm"]["final_loss"] for rate in probe["rates"]] == pytest.approx([1.95, 1.9, 1.8])
    # every text gets lower by the mean of the two gains
    bits = [rate["control"]["bits_per_byte"] - rate["arm"]["bits_per_byte"] for rate in probe["rates"]]
    assert bits == pytest.approx([0.25, 0.2, 0.05], abs=0.01)


def test_a_verdict_that_is_not_resolved_somewhere_turns_nothing(tmp_path):
    noise = {TEXT: {0.5: 0.3, 1.0: 0.3, 2.0: 0.0005}, CODE: steady()}
    made = probed_study(tmp_path, noise, outcomes=(TEXT, CODE))
    job = made.job.model_copy(update={"margins": {TEXT: 1e-6, CODE: 1e-6}})  # nothing is ever equivalent
    content = made.find(job=job)
    found = by_outcome(content)
    assert [at["verdict"] for at in found[TEXT]["rates"]] == ["better", "better", "not resolved"]
    assert found[TEXT]["stands"] == "not at every rate"
    assert not any(DEPENDS in f["flags"] for f in content["findings"])


@pytest.mark.parametrize("study", VERDICTS)
@pytest.mark.parametrize("other", VERDICTS)
def test_the_rule_of_what_holds_and_what_turns(study, other):
    opposed = {study, other} - {"not resolved"}
    expected = "holds" if study == other else "turns" if len(opposed) == 2 else "not at every rate"
    assert stands((study, 2.0), [(study, 2.0), (other, 2.0), (study, 2.0)]) == expected
    assert stands((study, 2.0), [(study, 0.1)] * 3) == "holds"


def test_what_is_smaller_than_the_margin_does_not_turn_against_equivalent():
    assert stands(("better", 0.9), [("better", 0.9), ("equivalent", 0.5)]) == "not at every rate"
    assert stands(("better", 0.9), [("better", 1.0), ("equivalent", 0.5)]) == "turns"
    assert stands(("better", 0.9), [("worse", 0.9)]) == "turns"  # both cannot be true of one difference


def test_with_one_seed_nothing_is_resolved_at_any_rate(tmp_path):
    content = probed_study(tmp_path, {TEXT: steady(), CODE: steady()}, seeds=(7,)).find()
    assert all(
        (at["verdict"], at["p_adjusted"]) == ("not resolved", None)
        for one in content["learning_rate_probe"]["outcomes"]
        for at in one["rates"]
    )


OWN_DAY = {"commit": "a" * 40, "packages": {"torch": "2.13"}, "machine": {"processor": "one"}, "threads": "1"}
OTHER_DAY = {"commit": "b" * 40, "packages": {"torch": "2.9"}, "machine": {"processor": "two"}, "threads": "7"}
APART = (
    "hardware differs: processor",
    "made by different versions of the code",
    "package versions differ: torch (scoring), torch (training)",
    "threads differ",
)


def made_on(made, days):
    """Writes what made each run: a day by (arm, factor), else the study's own."""
    for role, folder in made.inputs.items():
        kind, _, run = role.partition("/")
        if kind in ("train", "evaluate"):
            arm, _, place = run.partition("@")
            factor = {scale: factor for factor, scale in SCALES.items()}[place.partition("#")[0]]
            (folder / "made.json").write_text(json.dumps(days.get((arm, factor), OWN_DAY)))


def test_a_rate_that_was_trained_on_another_day_is_flagged_wherever_it_counts(tmp_path):
    made = probed_study(tmp_path, {TEXT: {0.5: 0.2, 1.0: 0.1, 2.0: -0.2}, CODE: steady()})
    made_on(made, {(arm, factor): OTHER_DAY for arm in ("arm", "control") for factor in (0.5, 2.0)})
    content = made.find()
    expected = {factor: [f"{factor:g} x against the study's own runs: {flag}" for flag in APART] for factor in SCALES}
    for one in content["learning_rate_probe"]["outcomes"]:
        low, own, high = (at["flags"] for at in one["rates"])
        assert [flag for flag in low if flag in expected[0.5]] == expected[0.5]
        assert [flag for flag in high if flag in expected[2.0]] == expected[2.0]
        assert not any(" x against" in flag for flag in own)
    assert content["learning_rate_probe"]["flags"][-8:] == [*expected[0.5], *expected[2.0]]
    flags = {f["outcome"]: f["flags"] for f in content["findings"] if f["arm"] == "arm"}
    assert flags[TEXT][-2:] == [DEPENDS, NOT_ALONE]
    assert NOT_ALONE not in flags[CODE]


def test_what_differs_for_one_arm_names_it(tmp_path):
    made = probed_study(tmp_path, {TEXT: steady(), CODE: steady()})
    made_on(made, {("arm", 2.0): OTHER_DAY})
    content = made.find()
    named = [f"arm at 2 x against the study's own runs: {flag}" for flag in APART]
    assert content["learning_rate_probe"]["flags"][-4:] == named
    high = by_outcome(content)[TEXT]["rates"][2]["flags"]
    assert high[:8] == [*APART, *named]  # of the arm against the control, then against the other rate


def test_rates_that_differ_in_nothing_else_have_no_flag(tmp_path):
    made = probed_study(tmp_path, {TEXT: {0.5: 0.2, 1.0: 0.1, 2.0: -0.2}, CODE: steady()})
    made_on(made, {})
    content = made.find()
    assert " x against" not in json.dumps(content)
    assert NOT_ALONE not in json.dumps(content)


def test_outcomes_are_those_of_the_contrasts_on_the_two_arms(tmp_path):
    made = probed_study(tmp_path, {TEXT: steady(), CODE: steady()})
    contrasts = tuple(PlannedContrast(arm="arm", control="control", outcomes=(one,)) for one in (CODE, TASK))
    content = made.find(job=made.job.model_copy(update={"contrasts": contrasts}))
    assert [one["outcome"] for one in content["learning_rate_probe"]["outcomes"]] == [CODE, TASK]


def test_bytes_do_not_depend_on_the_order_of_inputs(turning):
    made, content = turning
    turned = replace(made, inputs=dict(reversed(made.inputs.items())))
    assert json.dumps(turned.find("turned"), sort_keys=True) == json.dumps(content, sort_keys=True)


def test_a_missing_run_of_the_probe_is_named(turning):
    made, _ = turning
    role = "evaluate/control@nano-rate-x2#3"
    lacking = replace(made, inputs={name: path for name, path in made.inputs.items() if name != role})
    with pytest.raises(StoreError, match="the findings need 'evaluate/control@nano-rate-x2#3'"):
        lacking.find("lacking")
