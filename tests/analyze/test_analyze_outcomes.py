"""Outcomes that small models need: tasks in categories, answers in words, code, judged answers, and what stands beside."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analyze_studies import Task, choices, make_study, words, write_checkpoint, write_code, write_judgements

from titrant.errors import StoreError
from titrant.jobs import PlannedContrast

ITEMS = 200
ANSWER = np.arange(ITEMS) % 4


def draws_of(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def by_outcome(content, arm="arm"):
    return {f["outcome"]: f for f in content["findings"] if f["arm"] == arm}


def chosen(key, skill, lean=0.0, answer=ANSWER):
    """Right on a share of items; of the others, and of a share of all, the first answer is given more often."""
    draws = draws_of(*key)
    said = np.where(draws.random(len(answer)) < skill, answer, draws.integers(0, 4, len(answer)))
    return choices(np.where(draws.random(len(answer)) < lean, 0, said), answer, chance=0.25)


# --- tasks and their categories ----------------------------------------------------------------------------------


def test_a_mean_is_over_the_tasks_of_one_category(tmp_path):
    def cell(arm, seed, outcome):
        if outcome in ("task/triviaqa", "task/nq_open"):
            return words(draws_of(arm, seed, outcome).random(ITEMS) < 0.3)
        return chosen((arm, seed, outcome), 0.5)

    outcomes = ("task/triviaqa", "task/nq_open", "task/piqa", "task/hellaswag", "task/arc_easy", "task/mmlu")
    content = make_study(tmp_path, cell, outcomes=outcomes).find()
    described = content["outcomes"]["nano"]
    assert described["mean/knowledge"]["members"] == ["task/triviaqa", "task/nq_open"]
    assert described["mean/reasoning"]["members"] == ["task/piqa", "task/hellaswag", "task/arc_easy"]
    assert "mean/tasks" not in described, "a mean of one is none"
    assert described["task/mmlu"]["mean"] == "mean/tasks"
    scores = content["scores"]["arm@nano#0"]
    expected = np.mean([scores[o]["score"] for o in ("task/piqa", "task/hellaswag", "task/arc_easy")])
    assert scores["mean/reasoning"]["score"] == pytest.approx(expected)


def test_answers_in_words_have_no_chance_and_are_left_out_where_next_to_none_is_right(tmp_path):
    def cell(arm, seed, outcome):
        right = 0.003 if outcome == "task/nq_open" else 0.3
        return words(draws_of(arm, seed, outcome).random(ITEMS) < right)

    outcomes = ("task/triviaqa", "task/lambada_openai", "task/nq_open")
    content = make_study(tmp_path, cell, outcomes=outcomes).find()
    described, found = content["outcomes"]["nano"], by_outcome(content)
    assert [described[o]["chance"] for o in outcomes] == [None, None, None]
    assert [described[o]["status"] for o in outcomes] == ["used", "used", "at zero"]
    assert "times the noise above zero" in described["task/nq_open"]["reason"]
    assert found["task/nq_open"]["p_raw"] is None
    assert found["task/nq_open"]["flags"] == ["at zero"]
    assert found["task/triviaqa"]["p_raw"] is not None


def test_items_of_a_task_may_be_worth_a_share_and_no_more_than_one(tmp_path):
    def cell(arm, seed, outcome):
        return words(draws_of(arm, seed).random(ITEMS))

    assert make_study(tmp_path, cell, outcomes=("task/squad",)).find()["findings"]
    with pytest.raises(StoreError, match=r"item-0000', 'item-0001'.* is not from 0 to 1 and a positive weight"):
        make_study(tmp_path / "more", lambda *_: words(np.full(ITEMS, 1.5)), outcomes=("task/squad",)).out()


def test_a_run_that_guesses_where_another_does_not_is_told(tmp_path):
    def cell(arm, seed, outcome):
        task = chosen((arm, seed), 0.5)
        return replace(task, chance=None) if arm == "arm" and seed == 1 else task

    with pytest.raises(StoreError, match="run 'arm@nano#1' does not say the chance accuracy of outcome 'task/piqa'"):
        make_study(tmp_path, cell, outcomes=("task/piqa",)).out()


# --- signal and noise, habits -------------------------------------------------------------------------------------


def test_noise_is_the_deviation_of_one_run_over_seeds_and_items(tmp_path):
    def cell(arm, seed, outcome):
        return words(draws_of(arm, seed, outcome).random(5000) < 0.5 + 0.1 * (seed - 1))

    signal = make_study(tmp_path, cell, outcomes=("task/triviaqa",)).find()["outcomes"]["nano"]["task/triviaqa"][
        "signal"
    ]
    assert signal["noise"] == pytest.approx(0.1, rel=0.1), "seeds lie at 0.4, 0.5 and 0.6; items add 0.007"
    assert signal["noise_over"] == "seeds and items"
    assert signal["height"] == pytest.approx(0.5, abs=0.02)
    assert signal["height_to_noise"] == pytest.approx(signal["height"] / signal["noise"])
    assert signal["spread_to_noise"] == pytest.approx(signal["spread"] / signal["noise"])


def test_with_one_seed_noise_is_said_to_be_of_items_alone_and_with_one_arm_there_is_no_spread(tmp_path):
    def cell(arm, seed, outcome):
        return chosen((arm, seed), 0.5)

    one = make_study(tmp_path, cell, arms=("control",), seeds=(0,), outcomes=("task/piqa",)).find()
    signal = one["outcomes"]["nano"]["task/piqa"]["signal"]
    assert (signal["noise_over"], signal["spread"], signal["spread_to_noise"]) == ("items", None, None)
    assert signal["noise"] == pytest.approx(np.sqrt(0.625 * 0.375 / ITEMS), rel=0.1)


def test_the_rule_for_means_stands_in_the_findings_and_is_what_was_done(tmp_path):
    def cell(arm, seed, outcome):
        return chosen((arm, seed, outcome), 0.05 if outcome.endswith("sciq") else 0.4)

    content = make_study(tmp_path, cell, outcomes=("task/piqa", "task/hellaswag", "task/sciq")).find()
    described = content["outcomes"]["nano"]
    assert "at least 2 times its noise above chance" in content["rule"]
    heights = {o: described[o]["signal"]["height_to_noise"] for o in ("task/piqa", "task/hellaswag", "task/sciq")}
    assert {o for o, height in heights.items() if height >= 2} == set(described["mean/reasoning"]["members"])
    assert heights["task/sciq"] < 2
    assert f"{heights['task/sciq']:.2f} times the noise above chance (0.25)" in described["task/sciq"]["reason"]


def test_position_bias_is_found_beyond_the_answers_own_and_flagged_where_one_arm_has_it(tmp_path):
    """Letters make small models choose by position: elsewhere that was taken for knowledge."""

    def cell(arm, seed, outcome):
        return chosen((arm, seed, outcome), 0.5, lean=0.35 if arm == "letters" or outcome.endswith("both") else 0.0)

    arms = ("control", "letters", "text")
    content = make_study(tmp_path, cell, arms=arms, outcomes=("task/piqa", "task/both")).find()
    shown = content["outcomes"]["nano"]["task/piqa"]["arms"]
    assert {arm: shown[arm]["leans"] for arm in arms} == {"control": False, "letters": True, "text": False}
    assert shown["letters"]["favoured"] == 0
    assert shown["letters"]["lean"] == pytest.approx(0.26, abs=0.06)
    flag = "one arm leans to one answer"
    assert flag in by_outcome(content, "letters")["task/piqa"]["flags"]
    assert flag not in by_outcome(content, "text")["task/piqa"]["flags"]
    assert flag not in by_outcome(content, "letters")["task/both"]["flags"], "what both do cancels out"


def test_unbalanced_answers_are_no_position_bias(tmp_path):
    answer = (np.arange(ITEMS) % 10 == 0).astype(int)

    def cell(arm, seed, outcome):
        return choices(np.where(draws_of(arm, seed).random(ITEMS) < 0.9, answer, 1 - answer), answer)

    shown = make_study(tmp_path, cell, outcomes=("task/piqa",)).find()["outcomes"]["nano"]["task/piqa"]["arms"]
    assert not any(signal["leans"] for signal in shown.values())


def test_where_one_label_is_always_right_only_a_habit_of_it_is_a_collapse(tmp_path):
    """Agreement beyond the habit is nothing there for every arm, and an arm that did read was called collapsed."""
    answer = np.full(ITEMS, 3)

    def cell(arm, seed, outcome):
        draws = draws_of(arm, seed, outcome)
        said = draws.choice(4, ITEMS, p=(0.36, 0.17, 0.13, 0.34))
        if outcome == "task/habit" and arm == "arm":
            said = np.where(draws.random(ITEMS) < 0.97, 3, said)
        return choices(said, answer, chance=0.25)

    outcomes = ("task/read", "task/habit")
    described = make_study(tmp_path, cell, outcomes=outcomes, seeds=(0, 1, 2, 3)).find()["outcomes"]["nano"]
    read, habit = (described[outcome]["arms"] for outcome in outcomes)
    assert all((shown["skill"], shown["collapsed"]) == (None, False) for shown in read.values())
    assert all(shown["above_chance"] for shown in read.values())
    assert {arm: shown["collapsed"] for arm, shown in habit.items()} == {"control": False, "arm": True}
    assert [described[outcome]["status"] for outcome in outcomes] == ["used", "collapsed"]


def test_empty_and_looping_outputs_are_counted_by_arm_and_flagged(tmp_path):
    def cell(arm, seed, outcome):
        draws = draws_of(arm, seed)
        empty = draws.random(ITEMS) < (0.5 if arm == "stripped" else 0.01)
        looping = draws.random(ITEMS) < (0.3 if arm == "loops" else 0.01)
        return words((draws.random(ITEMS) < 0.4) & ~empty, empty=empty, looping=looping)

    arms = ("control", "stripped", "loops", "plain")
    content = make_study(tmp_path, cell, arms=arms, outcomes=("task/triviaqa",)).find()
    shown = content["outcomes"]["nano"]["task/triviaqa"]["arms"]
    assert shown["stripped"]["empty_fraction"] == pytest.approx(0.5, abs=0.06)
    assert shown["loops"]["looping_fraction"] == pytest.approx(0.3, abs=0.06)
    flags = {arm: set(by_outcome(content, arm)["task/triviaqa"]["flags"]) for arm in arms[1:]}
    assert "empty outputs" in flags["stripped"] - flags["loops"] - flags["plain"]
    assert "looping outputs" in flags["loops"] - flags["stripped"] - flags["plain"]


# --- beside accuracy ----------------------------------------------------------------------------------------------


def weighed(arm, seed, outcome):
    """At chance in what is picked; the right answer costs the arm a tenth fewer bits."""
    task = chosen((arm, seed, outcome), 0.0)
    size = np.random.default_rng(5).integers(5, 50, ITEMS).astype(float)
    nats = size * np.random.default_rng(6).uniform(1, 2, ITEMS) * (0.9 if arm == "arm" else 1.0)
    nats = nats + draws_of(arm, seed).normal(0, 0.1, ITEMS)
    probability = np.clip(0.25 + 0.1 * (arm == "arm") + draws_of(arm, seed, 2).normal(0, 0.02, ITEMS), 0, 1)
    margin = np.where(np.arange(ITEMS) < 10, np.nan, -0.5 + 0.2 * (arm == "arm"))
    beside = {"gold_nats": nats, "gold_bytes": size, "right_probability": probability, "margin_nats": margin}
    return Task(task.value, task.weight, task.predicted, task.answer, 0.25, beside=beside)


def test_measures_beside_accuracy_stand_with_intervals_and_outside_of_the_family(tmp_path):
    content = make_study(tmp_path, weighed, outcomes=("task/piqa", "task/hellaswag")).find()
    assert {f["outcome"] for f in content["findings"]} == {"task/piqa", "task/hellaswag"}
    found = {entry["measure"]: entry for entry in content["companions"] if entry["outcome"] == "task/piqa"}
    assert set(found) == {"gold bits", "probability", "margin"}
    gold = found["gold bits"]
    size = np.random.default_rng(5).integers(5, 50, ITEMS)
    bits = size * np.random.default_rng(6).uniform(1, 2, ITEMS) / np.log(2)
    assert gold["arms"]["control"] == pytest.approx(bits.sum() / size.sum(), rel=0.01)
    (contrast,) = gold["contrasts"]
    assert contrast["difference"] == pytest.approx(-0.1 * bits.sum() / size.sum(), rel=0.02)
    assert contrast["interval"][0] < contrast["difference"] < contrast["interval"][1] < 0
    assert found["margin"]["items"] == ITEMS - 10, "items without one in any run are left out"
    assert found["margin"]["contrasts"][0]["difference"] == pytest.approx(0.2)
    accuracy = content["outcomes"]["nano"]["task/piqa"]["signal"]["spread_to_noise"]
    assert found["probability"]["signal"]["spread_to_noise"] > 3 * accuracy, (
        "it tells the arms apart, accuracy does not"
    )


def test_a_study_may_ask_for_the_bits_of_right_answers_as_an_outcome(tmp_path):
    content = make_study(tmp_path, weighed, outcomes=("task/piqa", "gold/piqa"), seeds=(0, 1, 2, 3)).find()
    gold = by_outcome(content)["gold/piqa"]
    assert (gold["unit"], gold["better_is"], gold["verdict"]) == ("bits per byte", "lower", "better")
    companion = next(e for e in content["companions"] if e["measure"] == "gold bits")
    assert gold["difference"] == pytest.approx(companion["contrasts"][0]["difference"])


# --- code ---------------------------------------------------------------------------------------------------------


def solved(arm, seed, outcome):
    """Ten samples of every problem."""
    easy = np.random.default_rng(3).beta(0.5, 2, ITEMS)
    return words(draws_of(arm, seed, outcome).binomial(10, np.clip(easy * (1.6 if arm == "arm" else 1.0), 0, 1)) / 10)


def test_code_is_read_from_its_own_artifact_and_tested_as_a_pass_rate(tmp_path):
    outcomes = ("task/piqa", "code/humaneval", "code/mbpp")

    def cell(arm, seed, outcome):
        return solved(arm, seed, outcome) if outcome.startswith("code/") else chosen((arm, seed), 0.5)

    content = make_study(tmp_path, cell, outcomes=outcomes, seeds=(0, 1, 2, 3)).find()
    found = by_outcome(content)
    assert (found["code/humaneval"]["unit"], found["code/humaneval"]["verdict"]) == ("pass rate", "better")
    assert content["outcomes"]["nano"]["mean/code"]["members"] == ["code/humaneval", "code/mbpp"]
    assert found["mean/code"]["verdict"] == "better"
    one = content["programs"][0]
    assert (one["run"], one["outcome"], one["problems"], one["samples"]) == (
        "control@nano#0",
        "code/humaneval",
        ITEMS,
        10,
    )


def test_a_control_that_solves_nothing_has_no_ratio_and_is_said_to_be_at_zero(tmp_path):
    def cell(arm, seed, outcome):
        return solved(arm, seed, outcome) if arm == "arm" else words(np.zeros(ITEMS))

    finding = by_outcome(make_study(tmp_path, cell, outcomes=("code/mbpp",), seeds=(0, 1, 2, 3)).find())["code/mbpp"]
    assert (finding["verdict"], finding["relative"], finding["flags"]) == ("better", None, ["control at zero"])


def test_a_missing_artifact_of_code_is_named(tmp_path):
    made = make_study(tmp_path, solved, outcomes=("code/mbpp",))
    del made.inputs["code/arm@nano#1"]
    with pytest.raises(StoreError, match="'code/arm@nano#1', which they were not given"):
        made.out()


def test_programs_that_different_sandboxes_held_and_empty_ones_are_flagged(tmp_path):
    made = make_study(tmp_path, solved, outcomes=("code/mbpp",))
    for seed in (0, 1, 2):
        task = {"code/mbpp": solved("arm", seed, "code/mbpp")}
        write_code(made.inputs[f"code/arm@nano#{seed}"], task, sandbox="landlock", empty=0.49)
    flags = by_outcome(made.find())["code/mbpp"]["flags"]
    assert "programs were held by different sandboxes: landlock and bubblewrap" in flags
    assert "empty outputs" in flags


# --- judged answers -----------------------------------------------------------------------------------------------


def judged_study(tmp_path, win=0.75, hasty=0.0, unusable=0.0, seeds=(0, 1, 2, 3), margin=0.05):
    made = make_study(tmp_path, solved, outcomes=("judge/dolly",), seeds=seeds, margin=margin)
    for seed in seeds:
        draws, pairs = draws_of("judge", seed), []
        for _ in range(ITEMS):
            fair = "arm" if draws.random() < win else "control"
            pair = ("arm", "control") if draws.random() < hasty else (fair, fair)
            pairs.append(("unusable", pair[1]) if draws.random() < unusable else pair)
        made.inputs[f"judge/dolly/arm/control@nano#{seed}"] = tmp_path / "judge" / str(seed)
        write_judgements(made.inputs[f"judge/dolly/arm/control@nano#{seed}"], {"one": pairs, "two": pairs})
    return made


def test_a_win_rate_is_a_finding_against_one_half_with_training_noise_counted(tmp_path):
    content = judged_study(tmp_path).find()
    (finding,), (judged,) = content["findings"], content["judged"]
    assert (finding["outcome"], finding["unit"], finding["verdict"]) == ("judge/dolly", "win rate", "better")
    assert (finding["arm_mean"], finding["control_mean"]) == (pytest.approx(judged["win_rate"]), 0.5)
    assert finding["difference"] == pytest.approx(judged["win_rate"] - 0.5)
    assert finding["relative"] is None
    assert content["win_rate"].startswith("Win rate = (wins + half of the ties) / pairs.")
    assert judged["wins"] + judged["ties"] + judged["losses"] == 4 * ITEMS
    assert judged["interval"][0] < judged["win_rate"] < judged["interval"][1]
    assert [judge["judge"] for judge in judged["judges"]] == ["one", "two"]
    assert judged["judges"][0]["cost"] == 2.0
    assert judged["agreement"] == pytest.approx(1)
    assert "judge/dolly" not in content["scores"]["arm@nano#0"], "no arm has a win rate of its own"


def test_judged_findings_are_of_the_one_family(tmp_path):
    made = judged_study(tmp_path)
    everything = make_study(tmp_path / "all", solved, outcomes=("code/mbpp", "judge/dolly"), seeds=(0, 1, 2, 3))
    everything.inputs |= {role: path for role, path in made.inputs.items() if role.startswith("judge/")}
    content = everything.find()
    assert {detail["family"] for detail in content["details"]} == {2}
    judged = by_outcome(content)["judge/dolly"]
    assert judged["p_adjusted"] >= judged["p_raw"]


def test_with_one_seed_a_win_rate_is_not_resolved_whatever_the_sign_test_says(tmp_path):
    content = judged_study(tmp_path, seeds=(0,)).find()
    assert content["judged"][0]["sign_p"] < 0.001
    assert content["findings"][0]["verdict"] == "not resolved"
    assert "one seed: training noise unknown" in content["findings"][0]["flags"]


def test_equal_arms_judged_often_are_equivalent(tmp_path):
    content = judged_study(tmp_path, win=0.5, hasty=0.97, margin=0.1).find()
    assert content["findings"][0]["verdict"] == "equivalent"
    assert "place of an answer decides for a judge" in content["findings"][0]["flags"]
    assert content["judged"][0]["judges"][0]["place_rate"] > 0.9


def test_unusable_verdicts_are_counted_and_flagged_and_where_all_are_there_is_no_finding(tmp_path):
    some = judged_study(tmp_path / "some", unusable=0.2).find()
    assert "unusable verdicts" in some["findings"][0]["flags"]
    assert some["judged"][0]["items"] < ITEMS
    none = judged_study(tmp_path / "none", unusable=1.0).find()
    assert none["findings"] == []
    assert (none["judged"][0]["win_rate"], none["judged"][0]["interval"]) == (None, None)
    assert json.dumps(none["outcomes"]["nano"]["judge/dolly"]["status"]) == '"used"'


def test_prompts_that_training_data_hold_are_flagged_with_the_win_rate_without_them(tmp_path):
    """Elsewhere a model trained on the prompts' own data set was judged on them, and nothing said so."""
    made = judged_study(tmp_path, win=0.5)
    for seed in (0, 1, 2, 3):
        fair = ["arm" if draws_of("fair", seed, i).random() < 0.5 else "control" for i in range(ITEMS)]
        pairs = [("arm", "arm") if i < 60 else (fair[i], fair[i]) for i in range(ITEMS)]
        write_judgements(made.inputs[f"judge/dolly/arm/control@nano#{seed}"], {"one": pairs})
    held = [f"{i:04d}" for i in range(60)]
    tables = {
        "overlap/web": {"row": list(range(60)), "outcome": ["judge/dolly"] * 60, "item": held},
        "split/web": {"fate": ["train"] * 60},
        "items": {
            "outcome": ["judge/dolly"] * ITEMS,
            "item": [f"{i:04d}" for i in range(ITEMS)],
            "choices": [0] * ITEMS,
        },
    }
    for role, columns in tables.items():
        made.inputs[role] = tmp_path / role
        made.inputs[role].mkdir(parents=True)
        name = {"overlap/web": "overlap", "split/web": "split"}.get(role, role)
        pq.write_table(pa.table(columns), made.inputs[role] / f"{name}.parquet")
    for run in made.job.runs:
        write_checkpoint(made.inputs[f"train/{run.id}"], epochs={"web": 1.0})
    content = made.find()
    (finding,) = content["findings"]
    assert finding["verdict"] == "better"
    assert "training data hold items" in finding["flags"]
    assert (finding["clean"]["flagged_items"], finding["clean"]["items"]) == (60, ITEMS - 60)
    assert finding["clean"]["verdict"] != "better"
    assert abs(finding["clean"]["difference"]) < 0.05 < finding["difference"]
    assert content["judged"][0]["items"] == ITEMS, "the main estimate is over all prompts"
    assert content["outcomes"]["nano"]["judge/dolly"]["flagged_items"] == 60


def test_judgements_that_are_missing_are_named(tmp_path):
    made = judged_study(tmp_path)
    del made.inputs["judge/dolly/arm/control@nano#2"]
    with pytest.raises(StoreError, match="'judge/dolly/arm/control@nano#2', which they were not given"):
        made.out()


def test_a_contrast_that_does_not_name_a_judged_outcome_needs_no_judgements(tmp_path):
    made = judged_study(tmp_path)
    contrast = PlannedContrast(arm="control", control="arm", outcomes=("task/piqa",))
    job = made.job.model_copy(update={"contrasts": (*made.job.contrasts, contrast)})
    assert len(made.find(job=job)["judged"]) == 1
