"""Findings with and without the items that training data hold: both are shown, and a verdict that changes is flagged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analyze_studies import Made, Task, choices, make_study, text, words, write_checkpoint

from titrant.analyze.flagged import CHANGED, FLAGGED, NO_MEAN, NONE_LEFT
from titrant.errors import StoreError

ITEMS = 300
TASK, OTHER = "choice/quiz", "choice/other"
ANSWER = np.arange(ITEMS) % 4


def leaked(held: int):
    """The arm knows the first items that stand in its data, and half as many others as it would by skill alone."""

    def cell(arm: str, seed: int, outcome: str) -> Task:
        rng = np.random.default_rng([seed, arm == "arm", len(outcome)])
        if outcome.startswith("bits"):
            weight = np.full(40, 1000.0)
            return text(1.0 + rng.normal(0, 0.01, 40), weight)
        right = np.random.default_rng(7).random(ITEMS) < 0.55
        right ^= rng.random(ITEMS) < 0.05
        if arm == "arm" and outcome == TASK:
            right[:held] = True
        return choices(np.where(right, ANSWER, (ANSWER + 1) % 4), ANSWER, chance=0.25)

    return cell


def with_overlap(
    made: Made,
    held: range,
    *,
    fate: str = "train",
    source: str = "web",
    drawn: str = "web",
    outcomes=(TASK,),
    right: int | None = 1,
) -> Made:
    """Add what a source holds: one document an item, of one fate; every run drew the part `train` of `drawn`.

    Items have four choices, of which `right` are right; None: as it was written before that was kept.
    """
    folders = {name: made.root / name for name in ("items", "overlap", "split")}
    for folder in folders.values():
        folder.mkdir()
    names = [f"item-{i:04d}" for i in range(ITEMS)]
    rows = {
        "outcome": [outcome for outcome in outcomes for _ in range(2 * ITEMS)],
        "item": [n for n in names for _ in "12"] * len(outcomes),
        "part": ["whole", "question"] * ITEMS * len(outcomes),
    }
    rows["choices"] = [4] * len(rows["item"])
    if right is not None:
        rows["right"] = [right] * len(rows["item"])
    pq.write_table(pa.table(rows), folders["items"] / "items.parquet")
    pairs = [(outcome, names[i]) for outcome in outcomes for i in held]
    count = len(pairs)
    overlap = {"row": list(range(count)), "outcome": [o for o, _ in pairs], "item": [item for _, item in pairs]}
    schema = pa.schema([("row", pa.int64()), ("outcome", pa.string()), ("item", pa.string())])
    pq.write_table(pa.table(overlap, schema=schema), folders["overlap"] / "overlap.parquet")
    pq.write_table(pa.table({"fate": [fate] * count + ["train"]}), folders["split"] / "split.parquet")
    for run in made.job.runs:
        write_checkpoint(made.inputs[f"train/{run.id}"], epochs={drawn: 1.0})
    more = {"items": folders["items"], f"overlap/{source}": folders["overlap"], f"split/{source}": folders["split"]}
    return Made(made.job, {**made.inputs, **more}, made.root)


def study(root: Path, held: int = 60, outcomes=("bits_per_byte/web", TASK, OTHER), **more) -> Made:
    return make_study(root, leaked(held), outcomes=outcomes, margin=0.03, seeds=(0, 1, 2, 3), **more)


def on(found, outcome: str) -> dict:
    (finding,) = [finding for finding in found["findings"] if finding["outcome"] == outcome]
    return finding


def test_a_gain_that_comes_of_held_items_alone_is_flagged_with_the_verdict_without_them(tmp_path) -> None:
    found = with_overlap(study(tmp_path), range(60)).find()
    finding = on(found, TASK)
    assert finding["verdict"] == "better"
    assert finding["clean"]["verdict"] != "better"
    assert {FLAGGED, CHANGED} <= set(finding["flags"])
    assert (finding["clean"]["items"], finding["clean"]["flagged_items"]) == (ITEMS - 60, 60)
    assert found["outcomes"]["nano"][TASK]["flagged_items"] == 60
    assert abs(finding["clean"]["difference"]) < abs(finding["difference"])


def test_what_holds_no_items_stands_as_before(tmp_path) -> None:
    found = with_overlap(study(tmp_path), range(60)).find()
    for outcome in ("bits_per_byte/web", OTHER):
        finding = on(found, outcome)
        assert finding["clean"] is None
        assert not {FLAGGED, CHANGED, NONE_LEFT} & set(finding["flags"])
    mean = on(found, "mean/choices")
    assert (mean["clean"]["flagged_items"], mean["clean"]["items"]) == (60, 2 * ITEMS - 60)
    assert found["outcomes"]["nano"][OTHER]["flagged_items"] == 0


def test_the_main_estimate_is_over_all_items(tmp_path) -> None:
    (tmp_path / "plain").mkdir()
    plain = study(tmp_path / "plain").find()
    found = with_overlap(study(tmp_path), range(60)).find()
    for one, other in zip(plain["findings"], found["findings"], strict=True):
        same = set(one) - {"clean", "flags"}
        assert {key: one[key] for key in same} == {key: other[key] for key in same}


def test_the_second_estimate_is_that_of_a_study_that_never_asked_them(tmp_path) -> None:
    (tmp_path / "whole").mkdir()
    made = study(tmp_path / "whole", outcomes=(TASK,))
    clean = on(with_overlap(made, range(60)).find(), TASK)["clean"]

    def fewer(arm: str, seed: int, outcome: str) -> Task:
        task = leaked(60)(arm, seed, outcome)
        kept = slice(60, None)
        return Task(
            task.value[kept], task.weight[kept], task.predicted[kept], task.answer[kept], 0.25, task.names[kept]
        )

    (tmp_path / "fewer").mkdir()
    other = make_study(tmp_path / "fewer", fewer, outcomes=(TASK,), margin=0.03, seeds=(0, 1, 2, 3)).find()
    expected = on(other, TASK)
    for key in ("arm_mean", "control_mean", "difference", "interval", "p_adjusted", "verdict"):
        assert clean[key] == pytest.approx(expected[key]), key


@pytest.mark.parametrize(("right", "tested"), [(1, True), (2, False), (None, True)])
def test_chance_without_held_items_knows_how_many_choices_are_right(tmp_path, right: int | None, tested: bool) -> None:
    """Of four choices two are right: half of the answers are no skill."""

    def guessing(arm: str, seed: int, outcome: str) -> Task:
        value = (np.random.default_rng([seed, arm == "arm"]).random(ITEMS) < 0.5).astype(float)
        value[:60] = 1
        none = np.full(ITEMS, -1)
        return Task(value, np.ones(ITEMS), none, none, 0.5 if right == 2 else 0.25)

    made = make_study(tmp_path, guessing, outcomes=(TASK,), seeds=(0, 1, 2, 3))
    finding = on(with_overlap(made, range(60), right=right).find(), TASK)
    assert finding["p_adjusted"] is not None
    assert (finding["clean"]["p_adjusted"] is not None) is tested


def test_a_score_that_guessing_says_nothing_of_has_no_chance_without_held_items(tmp_path) -> None:
    outcome = "task/truthfulqa_mc2"

    def weighed(arm: str, seed: int, outcome: str) -> Task:
        return words(np.random.default_rng([seed, arm == "arm"]).uniform(0.1, 0.3, ITEMS))

    made = make_study(tmp_path, weighed, outcomes=(outcome,), seeds=(0, 1, 2, 3))
    finding = on(with_overlap(made, range(60), outcomes=(outcome,)).find(), outcome)
    assert finding["p_adjusted"] is not None
    assert finding["clean"]["p_adjusted"] is not None


@pytest.mark.parametrize(
    "how", [{"fate": "held_out"}, {"fate": "duplicate"}, {"fate": "holds items of choice/quiz"}, {"drawn": "books"}]
)
def test_a_document_that_no_run_can_have_seen_flags_nothing(tmp_path, how) -> None:
    finding = on(with_overlap(study(tmp_path), range(60), **how).find(), TASK)
    assert finding["clean"] is None
    assert FLAGGED not in finding["flags"]


def test_where_nearly_all_items_are_held_nothing_stands_beside_the_finding_but_its_flag(tmp_path) -> None:
    finding = on(with_overlap(study(tmp_path), range(ITEMS - 1)).find(), TASK)
    assert finding["clean"] is None
    assert {FLAGGED, NONE_LEFT} <= set(finding["flags"])


def test_a_mean_that_is_gone_without_held_items_says_so(tmp_path) -> None:
    def at_chance_but_for_held(arm: str, seed: int, outcome: str) -> Task:
        if outcome == OTHER:
            return leaked(0)(arm, seed, outcome)
        right = np.random.default_rng([seed, arm == "arm"]).random(ITEMS) < 0.25
        right[:100] = True
        return choices(np.where(right, ANSWER, (ANSWER + 1) % 4), ANSWER, chance=0.25)

    made = make_study(tmp_path, at_chance_but_for_held, outcomes=(TASK, OTHER), seeds=(0, 1, 2, 3))
    found = with_overlap(made, range(100)).find()
    assert on(found, TASK)["clean"]["p_adjusted"] is None
    mean = on(found, "mean/choices")
    assert mean["clean"] is None
    assert {FLAGGED, NO_MEAN} <= set(mean["flags"])


def test_the_mean_without_held_items_is_that_of_its_tasks_without_them(tmp_path) -> None:
    found = with_overlap(study(tmp_path), range(60)).find()
    clean, task, other = on(found, "mean/choices")["clean"], on(found, TASK)["clean"], on(found, OTHER)
    for key in ("difference", "arm_mean", "control_mean"):
        assert clean[key] == pytest.approx((task[key] + other[key]) / 2), key


@pytest.mark.parametrize("held", [ITEMS - 1, ITEMS])
def test_a_mean_never_takes_back_the_held_items_of_a_task_that_has_no_others(tmp_path, held) -> None:
    """It was over all items of that task, and said to be over none of those that training data hold."""
    found = with_overlap(study(tmp_path, held), range(held)).find()
    mean = on(found, "mean/choices")
    assert mean["clean"] is None
    assert {FLAGGED, NO_MEAN} <= set(mean["flags"])
    assert {FLAGGED, NONE_LEFT} <= set(on(found, TASK)["flags"])
    assert mean["difference"] == pytest.approx((on(found, TASK)["difference"] + on(found, OTHER)["difference"]) / 2)


def test_a_mean_is_over_the_same_tasks_with_held_items_and_without_or_is_not_shown(tmp_path) -> None:
    """A task at chance without held items leaves the mean, whose other tasks would then stand for all of them."""
    third = "choice/third"

    def at_chance_but_for_held(arm: str, seed: int, outcome: str) -> Task:
        if outcome != TASK:
            return leaked(0)(arm, seed, outcome)
        right = np.random.default_rng([seed, arm == "arm"]).random(ITEMS) < 0.25
        right[:100] = True
        return choices(np.where(right, ANSWER, (ANSWER + 1) % 4), ANSWER, chance=0.25)

    made = make_study(tmp_path, at_chance_but_for_held, outcomes=(TASK, OTHER, third), seeds=(0, 1, 2, 3))
    found = with_overlap(made, range(100)).find()
    assert found["outcomes"]["nano"]["mean/choices"]["members"] == [TASK, OTHER, third]
    assert on(found, TASK)["clean"]["p_adjusted"] is None
    mean = on(found, "mean/choices")
    assert mean["clean"] is None
    assert {FLAGGED, NO_MEAN} <= set(mean["flags"])
    assert mean["arm_mean"] == pytest.approx(np.mean([on(found, o)["arm_mean"] for o in (TASK, OTHER, third)]))


def test_a_task_that_is_above_chance_without_held_items_alone_does_not_join_the_mean(tmp_path) -> None:
    third = "choice/third"

    def answers_held_items_wrong(arm: str, seed: int, outcome: str) -> Task:
        task = leaked(0)(arm, seed, TASK)
        wrong = range(220) if outcome == third else range(0)
        said = task.predicted.copy()
        said[list(wrong)] = (ANSWER[list(wrong)] + 1) % 4
        return choices(said, ANSWER, chance=0.25)

    made = make_study(tmp_path, answers_held_items_wrong, outcomes=(TASK, OTHER, third), seeds=(0, 1, 2, 3))
    made = with_overlap(made, range(220), outcomes=(TASK, third))
    found = made.find()
    assert found["outcomes"]["nano"]["mean/choices"]["members"] == [TASK, OTHER]
    assert on(found, third)["p_adjusted"] is None
    assert on(found, third)["clean"]["p_adjusted"] is not None
    clean = on(found, "mean/choices")["clean"]
    assert clean["arm_mean"] == pytest.approx((on(found, TASK)["clean"]["arm_mean"] + on(found, OTHER)["arm_mean"]) / 2)


def test_items_of_another_version_of_the_file_are_told(tmp_path) -> None:
    made = with_overlap(study(tmp_path), range(60))
    table = pq.read_table(made.inputs["items"] / "items.parquet")
    pq.write_table(table.slice(0, 100), made.inputs["items"] / "items.parquet")
    with pytest.raises(StoreError, match="was scored and not looked for, or the other way round"):
        made.find()


def test_a_split_of_fewer_documents_than_the_overlap_names_is_told(tmp_path) -> None:
    made = with_overlap(study(tmp_path), range(60))
    pq.write_table(pa.table({"fate": ["train"] * 5}), made.inputs["split/web"] / "split.parquet")
    with pytest.raises(StoreError, match="names document 59, its split has 5"):
        made.find()


def test_a_table_without_its_columns_is_told(tmp_path) -> None:
    made = with_overlap(study(tmp_path), range(60))
    pq.write_table(pa.table({"row": [1]}), made.inputs["overlap/web"] / "overlap.parquet")
    with pytest.raises(StoreError, match=r"overlap\.parquet cannot be read"):
        made.find()
