"""The stage: what it writes, what it refuses, and the mistakes of other tools that it must not repeat."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest
from analyze_studies import Task, choices, make_study, text, write_checkpoint, write_scores

from titrant.errors import StoreError, StudyError
from titrant.jobs import PlannedContrast

ITEMS = 120
BYTES = np.random.default_rng(1).integers(200, 4000, ITEMS)
HARD = np.random.default_rng(2).normal(2.0, 0.3, ITEMS)
OUTCOMES = ("bits_per_byte/text", "bits_per_byte/code", "probe/sorting", "probe/copying")


def draws_of(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def planted(arm, seed, outcome, *, gain=-0.3, skill=0.75):
    """Arms beside the control gain on code; everything else is equal but for noise."""
    draws = draws_of(arm, seed, outcome)
    if outcome.startswith("bits_per_byte"):
        shift = gain if arm != "control" and outcome.endswith("code") else 0.0
        return text(HARD + shift + draws.normal(0, 0.02, ITEMS) + draws.normal(0, 0.002), BYTES)
    answer = np.arange(ITEMS) % 2
    return choices(np.where(draws.random(ITEMS) < skill, answer, 1 - answer), answer)


def by_outcome(content, arm="arm"):
    return {f["outcome"]: f for f in content["findings"] if f["arm"] == arm}


def test_a_planted_gain_is_found_and_nothing_else(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES, seeds=(0, 1, 2, 3))
    found = by_outcome(made.find())
    code = found["bits_per_byte/code"]
    assert code["verdict"] == "better"
    assert code["contrast"] == "arm vs control"
    assert code["interval"][0] < -0.3 < code["interval"][1] < 0
    assert code["relative"] == pytest.approx(code["difference"] / code["control_mean"])
    assert (code["unit"], code["better_is"]) == ("bits per byte", "lower")
    assert code["runs"] == [f"{arm}@nano#{seed}" for arm in ("arm", "control") for seed in range(4)]
    assert {found[o]["verdict"] for o in found if "code" not in o and o != "mean/bits_per_byte"} <= {
        "not resolved",
        "equivalent",
    }


def test_a_score_is_the_sum_of_bits_over_the_sum_of_bytes(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES[:1], seeds=(0, 1))
    content = made.find()
    rows = pq.read_table(made.inputs["evaluate/arm@nano#1"] / "items.parquet").to_pydict()
    bits = sum(rows["value"]) / np.log(2) / sum(rows["weight"])
    cell = content["scores"]["arm@nano#1"]["bits_per_byte/text"]
    assert (cell["score"], cell["items"]) == (pytest.approx(bits, rel=1e-9), ITEMS)


def test_runs_are_paired_by_seed_and_not_by_their_order(tmp_path):
    """Each seed shifts both arms alike by far more than the effect; only pairing by seed removes it."""

    def cell(arm, seed, outcome):
        noise = draws_of(arm, seed).normal(0, 0.005, ITEMS)
        return text(HARD + 0.5 * seed - 0.1 * (arm == "arm") + noise, BYTES)

    made = make_study(tmp_path, cell, outcomes=OUTCOMES[:1], seeds=(3, 1, 2))
    content = made.find()
    assert content["findings"][0]["verdict"] == "better"
    assert content["findings"][0]["seeds"] == [1, 2, 3]
    assert content["details"][0]["by_seed"] == pytest.approx([-0.1, -0.1, -0.1], abs=0.003)


def test_bytes_depend_on_the_job_and_its_inputs_and_not_on_their_order(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES, scales=("nano", "micro"))
    made.out("first")
    made.out("again")
    shuffled = made.job.model_copy(update={"runs": made.job.runs[::-1]})
    made.inputs = dict(reversed(made.inputs.items()))
    made.out("shuffled", shuffled)
    first, again, other = ((tmp_path / n / "findings.json").read_bytes() for n in ("first", "again", "shuffled"))
    assert first == again == other
    assert [f["scale"] for f in json.loads(first)["findings"]][:: len(json.loads(first)["findings"]) - 1] == [
        "nano",
        "micro",
    ]


def test_another_seed_of_the_resampling_changes_the_check_and_nothing_else(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES)
    statistics = made.job.statistics.model_copy(update={"seed": 1})
    first, second = made.find("a"), made.find("b", made.job.model_copy(update={"statistics": statistics}))
    assert first["findings"] == second["findings"]
    assert first["details"] != second["details"]


def test_with_one_seed_nothing_is_resolved_and_every_finding_says_so(tmp_path):
    content = make_study(tmp_path, planted, outcomes=OUTCOMES, seeds=(5,)).find()
    for finding in content["findings"]:
        assert finding["verdict"] == "not resolved"
        assert "one seed: training noise unknown" in finding["flags"]
        assert finding["p_raw"] is finding["p_adjusted"] is finding["minimum_detectable"] is None
        assert finding["interval"][0] < finding["interval"][1]


def test_a_difference_below_the_margin_stays_resolved_and_is_flagged(tmp_path):
    def cell(arm, seed, outcome):
        return text(HARD - 0.01 * (arm == "arm") + draws_of(arm, seed).normal(0, 1e-4, ITEMS), BYTES)

    finding = make_study(tmp_path, cell, outcomes=OUTCOMES[:1]).find()["findings"][0]
    assert (finding["verdict"], finding["flags"]) == ("better", ["smaller than the margin"])


def test_equal_arms_measured_well_are_equivalent(tmp_path):
    def cell(arm, seed, outcome):
        return text(HARD + draws_of(arm, seed).normal(0, 1e-3, ITEMS), BYTES)

    made = make_study(tmp_path, cell, outcomes=OUTCOMES[:1])
    assert made.out("x").verdicts == {"better": 0, "worse": 0, "equivalent": 1, "not resolved": 0}


def test_the_family_is_every_contrast_and_used_outcome_of_the_scale(tmp_path):
    content = make_study(tmp_path, planted, arms=("control", "a", "b"), outcomes=OUTCOMES).find()
    assert {d["family"] for d in content["details"]} == {2 * (4 + 2)}
    code = by_outcome(content, "a")["bits_per_byte/code"]
    assert code["p_adjusted"] <= 12 * code["p_raw"] * (1 + 1e-9)


def test_a_contrast_has_findings_on_the_outcomes_that_it_names(tmp_path):
    contrast = PlannedContrast(arm="arm", control="control", outcomes=OUTCOMES[:2], flags=("schedule differs",))
    content = make_study(tmp_path, planted, outcomes=OUTCOMES, contrasts=[contrast]).find()
    assert [f["outcome"] for f in content["findings"]] == [*OUTCOMES[:2], "mean/bits_per_byte"]
    assert all(f["flags"][0] == "schedule differs" for f in content["findings"])


def test_no_figure_is_nan(tmp_path):
    made = make_study(tmp_path, lambda *_: text(HARD, BYTES), outcomes=OUTCOMES[:2])
    made.out("x")
    written = (tmp_path / "x" / "findings.json").read_text()
    assert json.loads(written, parse_constant=lambda name: pytest.fail(name))["findings"]


# --- what is refused ---------------------------------------------------------------------------------------------


def test_a_missing_run_is_named(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES)
    del made.inputs["evaluate/arm@nano#1"]
    with pytest.raises(StoreError, match="'evaluate/arm@nano#1', which they were not given"):
        made.out()


def test_an_arm_without_one_of_the_seeds_is_named(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES)
    fewer = made.job.model_copy(update={"runs": made.job.runs[:-1]})
    with pytest.raises(StoreError, match=r"arm 'arm' has no run with seed 2 \(it has \[0, 1\]\)"):
        made.out("x", fewer)


def test_a_contrast_of_an_arm_without_runs_is_the_studys_mistake(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES)
    wrong = made.job.model_copy(update={"contrasts": (PlannedContrast(arm="mixed", control="control"),)})
    with pytest.raises(StudyError, match="names arm 'mixed', which has no run at scale 'nano'"):
        made.out("x", wrong)


def test_an_item_that_one_run_lacks_is_named(tmp_path):
    def cell(arm, seed, outcome):
        task = planted(arm, seed, outcome)
        if (arm, seed) == ("arm", 1):
            return Task(task.value[1:], task.weight[1:], task.predicted[1:], task.answer[1:], 0.5, task.names[1:])
        return task

    with pytest.raises(StoreError, match=r"run 'arm@nano#1' lacks 1 items \('item-0000'\)"):
        make_study(tmp_path, cell, outcomes=OUTCOMES).out()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.weight.__setitem__(3, 77), "give item 'item-0003' another weight"),
        (lambda t: t.weight.__setitem__(3, 0), "value or weight of item 'item-0003' is not finite nats"),
        (lambda t: t.names.__setitem__(3, "item-0002"), "item 'item-0002' stands in items.parquet more than once"),
    ],
)
def test_an_unusable_item_is_named(tmp_path, spoil, message):
    def cell(arm, seed, outcome):
        task = planted(arm, seed, outcome)
        if (arm, seed) == ("arm", 1):
            spoil(task)
        return task

    with pytest.raises(StoreError, match=message):
        make_study(tmp_path, cell, outcomes=OUTCOMES[:1]).out()


def test_an_accuracy_that_is_not_one_or_zero_is_refused(tmp_path):
    def cell(arm, seed, outcome):
        task = planted(arm, seed, outcome)
        task.value[4] = 0.5
        return task

    with pytest.raises(StoreError, match="item 'item-0004' is not 1 or 0"):
        make_study(tmp_path, cell, outcomes=OUTCOMES[2:]).out()


# --- comparability -----------------------------------------------------------------------------------------------


def test_runs_that_differ_in_what_the_study_does_not_say_are_flagged(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES[:1], seeds=(0, 1))
    for seed in (0, 1):
        run = f"arm@nano#{seed}"
        write_checkpoint(made.inputs[f"train/{run}"], total_tokens=1100, tokenizer="u" * 64, code="compiled")
        task = {OUTCOMES[0]: planted("arm", seed, OUTCOMES[0])}
        write_scores(made.inputs[f"evaluate/{run}"], task, scored_by="likelihood/bfloat16")
    for arm, version in (("arm", "2.12"), ("control", "2.11")):
        facts = {"packages": {"torch": version, "numpy": "2.0"}, "machine": {"processor": arm, "host": arm}}
        (made.inputs[f"train/{arm}@nano#0"] / "made.json").write_text(json.dumps(facts))
    assert made.find()["findings"][0]["flags"] == [
        "hardware differs: processor",
        "package versions differ: torch (training)",
        "scored by different paths: likelihood/bfloat16 and likelihood/float32",
        "tokenizers differ",
        "tokens seen differ: 1.1k against 1k",
        "trained by different code: compiled and eager",
    ]


@pytest.mark.parametrize(
    ("arm", "control", "flags"),
    [
        ("1 process, 1 thread, 16 rows at once", "1 process, 1 thread, 16 rows at once", []),
        ("1 process, 1 thread, 16 rows at once", "", []),
        (
            "2 processes, sharded, 1 thread, 16 rows at once",
            "1 process, 1 thread, 8 rows at once",
            [
                "sums were cut differently: 2 processes, sharded, 1 thread, 16 rows at once against 1 process, 1 thread, "
                "8 rows at once"
            ],
        ),
    ],
)
def test_runs_whose_sums_were_cut_differently_are_flagged(tmp_path, arm, control, flags):
    """Last bits that differ for another reason than the mixture leave a trace."""
    made = make_study(tmp_path, planted, outcomes=OUTCOMES[:1], seeds=(0, 1))
    for seed in (0, 1):
        for name, words in (("arm", arm), ("control", control)):
            write_checkpoint(made.inputs[f"train/{name}@nano#{seed}"], portions=(words,) if words else ())
    assert made.find()["findings"][0]["flags"] == flags


def test_comparable_runs_carry_no_flag(tmp_path):
    content = make_study(tmp_path, planted, outcomes=OUTCOMES).find()
    assert [f["flags"] for f in content["findings"]] == [[]] * len(content["findings"])


# --- what other tools got wrong ----------------------------------------------------------------------------------


def test_a_mean_never_silently_drops_a_row(tmp_path):
    """A label that did not match made "Mean Code" omit a row elsewhere: 0.208 became 0.143."""

    def cell(arm, seed, outcome):
        return planted(arm, seed, outcome)

    made = make_study(tmp_path, cell, outcomes=OUTCOMES)
    tasks = {o: planted("arm", 2, o) for o in OUTCOMES if o != "probe/copying"}
    write_scores(made.inputs["evaluate/arm@nano#2"], tasks)
    with pytest.raises(
        StoreError, match=r"run 'arm@nano#2' has no items of outcome 'probe/copying'.*never averaged over"
    ):
        made.out()


def test_a_table_that_lost_rows_contradicts_its_summary(tmp_path):
    made = make_study(tmp_path, planted, outcomes=OUTCOMES)
    path = made.inputs["evaluate/arm@nano#2"] / "items.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(StoreError, match=r"items\.parquet gives .* over 119 items, the summary says .* over 120"):
        made.out()


def test_a_mean_counts_every_outcome_once_whatever_its_items(tmp_path):
    """Elsewhere a task of 57 parts outweighed six others and turned the sign of the headline."""

    def cell(arm, seed, outcome):
        count, wins = (2000, 0.7) if outcome == "probe/long" else (40, 0.8)
        answer = np.arange(count) % 2
        gain = 0.02 if outcome == "probe/long" else -0.05
        right = np.arange(count) < round(count * (wins + gain * (arm == "arm")))
        return choices(np.where(right, answer, 1 - answer), answer)

    content = make_study(tmp_path, cell, outcomes=("probe/long", "probe/short")).find()
    found = by_outcome(content)
    assert found["mean/probes"]["difference"] == pytest.approx((0.02 - 0.05) / 2)
    assert content["outcomes"]["nano"]["mean/probes"]["members"] == ["probe/long", "probe/short"]
    score = content["scores"]["control@nano#0"]["mean/probes"]
    assert (score["score"], score["items"]) == (pytest.approx(0.75), 2040)


def test_the_mean_over_variants_of_the_same_documents_is_no_surer_than_one_of_them(tmp_path):
    code = ("bits_per_byte/code", "bits_per_byte/bare", "bits_per_byte/renamed")

    def cell(arm, seed, outcome):
        draws = np.random.default_rng([arm == "arm", outcome == "bits_per_byte/text"])
        noise = np.random.default_rng([seed, arm == "arm"]).normal(0, 0.001, 60)
        return text(1 + draws.normal(0, 0.05, 60) + noise, np.full(60, 1000))

    made = make_study(tmp_path, cell, outcomes=(*code, "bits_per_byte/text"))
    told = made.find(job=made.job.model_copy(update={"same_documents": (code,)}))
    found = {finding["outcome"]: finding for finding in told["findings"]}
    errors = {detail["outcome"]: detail["item_standard_error"] for detail in told["details"]}
    expected = np.hypot(3 * errors["bits_per_byte/code"], errors["bits_per_byte/text"]) / 4
    assert errors["mean/bits_per_byte"] == pytest.approx(expected)
    differences = [found[outcome]["difference"] for outcome in (*code, "bits_per_byte/text")]
    assert found["mean/bits_per_byte"]["difference"] == pytest.approx(np.mean(differences))
    scores = told["scores"]["arm@nano#0"]
    expected = np.hypot(
        3 * scores["bits_per_byte/code"]["standard_error"], scores["bits_per_byte/text"]["standard_error"]
    )
    assert scores["mean/bits_per_byte"]["standard_error"] == pytest.approx(expected / 4)
    apart = {detail["outcome"]: detail["item_standard_error"] for detail in made.find("apart")["details"]}
    assert apart["mean/bits_per_byte"] < 0.8 * errors["mean/bits_per_byte"]


def reading_comprehension(arm, seed, outcome):
    """62 % of answers are yes. The code arm says yes to 99 %, the control reads and is right on 58 %."""
    draws = draws_of(arm, seed, outcome)
    answer = (np.arange(400) % 50 >= 31).astype(int)
    if outcome == "probe/sorting":
        return choices(np.where(draws.random(400) < 0.8, answer, 1 - answer), answer)
    if arm == "control":
        said = np.where(draws.random(400) < 0.58, answer, 1 - answer)
    else:
        said = (draws.random(400) < 0.01).astype(int)
    return choices(said, answer)


def test_a_task_collapsed_onto_the_majority_manufactures_no_advantage(tmp_path):
    """Elsewhere BoolQ equalled its 62 % yes-majority by collapse and showed an advantage of code."""
    outcomes = ("choice/boolq", "choice/other", "probe/sorting")
    content = make_study(tmp_path, reading_comprehension, outcomes=outcomes).find()
    described, found = content["outcomes"]["nano"], by_outcome(content)
    boolq = described["choice/boolq"]
    assert (boolq["status"], boolq["chance"], boolq["majority"]) == ("collapsed", 0.5, 0.62)
    assert "'arm'" in boolq["reason"]
    assert boolq["arms"]["arm"]["collapsed"]
    assert not boolq["arms"]["control"]["collapsed"]
    assert found["choice/boolq"]["difference"] > 0
    assert (found["choice/boolq"]["verdict"], found["choice/boolq"]["p_raw"]) == ("not resolved", None)
    assert "collapsed" in found["choice/boolq"]["flags"]
    assert "mean/choices" not in found
    assert described["probe/sorting"]["status"] == "used"


def test_a_collapsed_arm_takes_a_task_from_its_own_contrasts_and_from_no_other(tmp_path):
    def cell(arm, seed, outcome):
        draws, answer = draws_of(arm, seed, outcome), (np.arange(400) % 50 >= 31).astype(int)
        if arm == "habit" and outcome == "choice/boolq":
            return choices((draws.random(400) < 0.01).astype(int), answer)
        return choices(np.where(draws.random(400) < (0.9 if arm == "arm" else 0.75), answer, 1 - answer), answer)

    outcomes = ("choice/boolq", "choice/a", "choice/b")
    content = make_study(tmp_path, cell, arms=("control", "arm", "habit"), outcomes=outcomes).find()
    arm, habit = (by_outcome(content, name) for name in ("arm", "habit"))
    assert (arm["choice/boolq"]["verdict"], arm["choice/boolq"]["flags"]) == ("better", [])
    assert (habit["choice/boolq"]["p_raw"], habit["choice/boolq"]["verdict"]) == (None, "not resolved")
    assert "collapsed" in habit["choice/boolq"]["flags"]
    assert {d["family"] for d in content["details"]} == {2 * 4 - 1}
    described = content["outcomes"]["nano"]
    assert described["choice/boolq"]["left_out"] == {"habit vs control": "collapsed"}
    assert described["choice/a"]["left_out"] == {}


def test_a_mean_is_over_the_same_tasks_in_every_contrast(tmp_path):
    def cell(arm, seed, outcome):
        draws, answer = draws_of(arm, seed, outcome), (np.arange(400) % 50 >= 31).astype(int)
        if arm == "habit" and outcome == "choice/boolq":
            return choices((draws.random(400) < 0.01).astype(int), answer)
        return choices(np.where(draws.random(400) < 0.8, answer, 1 - answer), answer)

    outcomes = ("choice/boolq", "choice/a", "choice/b")
    content = make_study(tmp_path, cell, arms=("control", "arm", "habit"), outcomes=outcomes).find()
    assert content["outcomes"]["nano"]["choice/boolq"]["status"] == "collapsed"
    assert content["outcomes"]["nano"]["mean/choices"]["members"] == ["choice/a", "choice/b"]
    means = {by_outcome(content, arm)["mean/choices"]["control_mean"] for arm in ("arm", "habit")}
    assert len(means) == 1


def test_a_task_at_chance_in_both_arms_of_a_contrast_is_not_tested_there_though_a_third_arm_does_it(tmp_path):
    def cell(arm, seed, outcome):
        return planted(arm, seed, outcome, skill=0.9 if arm == "able" else 0.5)

    content = make_study(tmp_path, cell, arms=("control", "arm", "able"), outcomes=("probe/a", "probe/b")).find()
    arm, able = (by_outcome(content, name) for name in ("arm", "able"))
    assert {o: f["p_raw"] for o, f in arm.items()} == {"probe/a": None, "probe/b": None, "mean/probes": None}
    assert all(f["flags"] == ["at chance"] for f in arm.values())
    assert {f["verdict"] for f in able.values()} == {"better"}
    assert content["outcomes"]["nano"]["probe/a"]["status"] == "used"
    assert {d["family"] for d in content["details"]} == {3}


def test_a_task_at_chance_in_every_arm_leaves_the_means(tmp_path):
    def cell(arm, seed, outcome):
        return planted(arm, seed, outcome, skill=0.5 if outcome.endswith("hopeless") else 0.75)

    content = make_study(tmp_path, cell, outcomes=("probe/a", "probe/b", "probe/hopeless")).find()
    described = content["outcomes"]["nano"]
    assert described["probe/hopeless"]["status"] == "at chance"
    assert described["mean/probes"]["members"] == ["probe/a", "probe/b"]
    assert "at chance" in by_outcome(content)["probe/hopeless"]["flags"]
    assert by_outcome(content)["probe/hopeless"]["relative"] is None
    assert {d["family"] for d in content["details"]} == {3}


def test_a_task_that_only_some_arms_can_do_is_kept_without_a_ratio(tmp_path):
    def cell(arm, seed, outcome):
        return planted(arm, seed, outcome, skill=0.95 if arm == "arm" else 0.5)

    content = make_study(tmp_path, cell, outcomes=("probe/a",), seeds=(0, 1, 2, 3)).find()
    assert content["outcomes"]["nano"]["probe/a"]["status"] == "used"
    assert content["outcomes"]["nano"]["probe/a"]["reason"] == "not above chance: 'control'"
    finding = content["findings"][0]
    assert (finding["verdict"], finding["relative"]) == ("better", None)
    assert finding["flags"] == ["control at chance"]


def test_an_arm_with_skill_and_unbalanced_answers_is_not_collapsed(tmp_path):
    def cell(arm, seed, outcome):
        answer = (np.arange(400) % 50 >= 45).astype(int)
        return choices(np.where(draws_of(arm, seed).random(400) < 0.97, answer, 1 - answer), answer)

    assert make_study(tmp_path, cell, outcomes=("choice/a",)).find()["outcomes"]["nano"]["choice/a"]["status"] == "used"
