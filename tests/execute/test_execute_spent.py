"""Predicted against actual: the first prediction of a job stays, and what it took is told as it was stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execute_stages import six_jobs
from hypothesis import given
from hypothesis import strategies as st

from titrant.execute.cost.calibration import Calibration, ScaleSpeed
from titrant.execute.cost.predict import Known, Prediction
from titrant.execute.cost.spent import PREDICTED, covered_seconds, gather_cost, keep_predictions, publish_cost
from titrant.execute.store import Store, open_store
from titrant.plan import Plan
from titrant.report.cost import CostReport, compose_cost_markdown, summary

KNOWN = Known(workers=2, gpus=0, crude=None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


@pytest.fixture
def plan() -> Plan:
    return six_jobs()


def done(store: Store, plan: Plan, seconds: float, **more: object) -> None:
    """All jobs done, each so long, two at once from second 0 on."""
    for place, id_ in enumerate(plan.jobs):
        (store.root / id_).mkdir(parents=True)
        end = seconds * (place // 2 + 1)
        minutes, rest = divmod(int(end), 60)
        made = {
            "seconds": seconds, "cpu_seconds": seconds / 2, "finished": f"2026-01-01T00:{minutes:02}:{rest:02}+0000",
            "peak_memory_bytes": 1000 + place, "machine": {"processor": "a processor", "gpu": ""}, **more,
        }  # fmt: skip
        (store.root / id_ / "made.json").write_text(json.dumps(made))


def predicted(plan: Plan, seconds: float) -> dict[str, Prediction]:
    return {id_: Prediction(seconds, "calibration", seconds / 2) for id_ in plan.jobs}


def cost_of(store: Store, plan: Plan) -> CostReport:
    found = gather_cost(plan, "small", store)
    assert found is not None
    return found


def test_the_ratio_is_what_it_took_over_what_was_predicted(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 10.0), KNOWN, 3.0)
    done(store, plan, 11.0)
    cost = cost_of(store, plan)
    splits = next(entry for entry in cost.kinds if entry.kind == "split")
    assert (splits.jobs, splits.predicted_seconds, splits.seconds) == (2, 20.0, 22.0)
    assert splits.ratio == pytest.approx(1.1)
    assert (splits.predicted_cpu_seconds, splits.cpu_seconds) == (10.0, 11.0)
    assert splits.peak_memory_bytes == 1001
    # splits, tokenizers, ledger, report: four moments of two, two, one and one job
    assert cost.whole.predicted_seconds == 40.0
    assert cost.whole.seconds == 33.0
    assert cost.predicted_price == pytest.approx(3.0 * 40 / 3600)
    assert cost.price == pytest.approx(3.0 * 33 / 3600)
    assert cost.machines == ("a processor",)


def test_the_first_prediction_of_a_job_stays(store: Store, plan: Plan) -> None:
    some = dict(list(predicted(plan, 10.0).items())[:3])
    keep_predictions(store, "small", some, KNOWN, None)
    keep_predictions(store, "small", predicted(plan, 99.0), KNOWN, None)
    kept = json.loads((store.study_folder("small") / PREDICTED).read_bytes())["jobs"]
    assert [one["seconds"] for id_, one in kept.items() if id_ in some] == [10.0] * 3
    assert [one["seconds"] for id_, one in kept.items() if id_ not in some] == [99.0] * 3


def test_with_other_numbers_at_once_what_is_not_done_is_predicted_anew(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 10.0), Known(workers=1, gpus=0, crude=None), None)
    keep_predictions(store, "small", predicted(plan, 11.0), KNOWN, None)  # stopped at once, then run two at once
    done(store, plan, 11.0)
    cost = cost_of(store, plan)
    assert (cost.workers, cost.at_once, cost.whole.predicted_seconds) == (2, (2,), 44.0)
    assert "2 jobs at once" in summary(cost)


def test_jobs_that_were_done_with_other_numbers_at_once_are_told_by_those(store: Store, plan: Plan) -> None:
    one_gpu, four_gpus = Known(workers=1, gpus=1, crude=None), Known(workers=4, gpus=4, crude=None)
    ids = list(plan.jobs)
    keep_predictions(store, "small", predicted(plan, 10.0), one_gpu, 36.0)
    keep_predictions(store, "small", {id_: predicted(plan, 10.0)[id_] for id_ in ids[2:]}, four_gpus, 36.0)
    done(store, plan, 10.0)
    cost = cost_of(store, plan)
    # two splits one after the other; then tokenizers beside each other, ledger, report
    assert cost.whole.predicted_seconds == 20.0 + 30.0
    assert cost.predicted_price == pytest.approx(36.0 * (1 * 20 + 4 * 30) / 3600)
    assert cost.price == pytest.approx(36.0 * (1 * 10 + 4 * 20) / 3600)
    assert "1 and 4 jobs at once" in summary(cost)


def test_cores_alone_stay_cores_when_the_rest_is_predicted_for_gpus(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 10.0), KNOWN, 36.0)
    done(store, plan, 10.0)
    keep_predictions(store, "small", {}, Known(workers=4, gpus=4, crude=None), None)
    cost = cost_of(store, plan)
    assert cost.predicted_price == pytest.approx(36.0 * 40 / 3600)
    assert cost.at_once == (2,)


def test_jobs_without_a_prediction_do_not_count_for_the_ratio(store: Store, plan: Plan) -> None:
    one, *others = plan.jobs
    given = {one: Prediction(10.0, "calibration")} | {id_: Prediction(None, "unknown") for id_ in others}
    keep_predictions(store, "small", given, KNOWN, None)
    done(store, plan, 20.0)
    cost = cost_of(store, plan)
    splits = next(entry for entry in cost.kinds if entry.kind == "split")
    assert (splits.jobs, splits.predicted_jobs, splits.seconds, splits.ratio) == (2, 1, 20.0, 2.0)
    tokenizers = next(entry for entry in cost.kinds if entry.kind == "tokenizer")
    assert (tokenizers.predicted_seconds, tokenizers.ratio, tokenizers.seconds) == (None, None, 40.0)
    assert cost.price is None


def test_nothing_predicted_or_nothing_done_is_no_report(store: Store, plan: Plan) -> None:
    assert gather_cost(plan, "small", store) is None
    keep_predictions(store, "small", predicted(plan, 1.0), KNOWN, None)
    assert publish_cost(plan, "small", store) is None
    assert not (store.study_folder("small") / "cost.json").exists()


@pytest.mark.parametrize("damage", ["", "[]", '{"format": 9, "jobs": {}}', '{"format": 1, "jobs": []}'])
def test_damaged_predictions_are_none_and_can_be_made_anew(store: Store, plan: Plan, damage: str) -> None:
    done(store, plan, 1.0)
    file = store.study_folder("small") / PREDICTED
    file.parent.mkdir(parents=True)
    file.write_text(damage)
    assert gather_cost(plan, "small", store) is None
    keep_predictions(store, "small", predicted(plan, 1.0), KNOWN, None)
    assert cost_of(store, plan).whole.predicted_jobs == 6


def test_the_files_are_a_pure_function_of_what_is_stored(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 10.0), KNOWN, 3.0)
    done(store, plan, 11.0)
    folder = store.study_folder("small")
    made = []
    for _ in range(2):
        assert publish_cost(plan, "small", store) is not None
        made.append({name: (folder / name).read_bytes() for name in ("cost.json", "cost.md", "cost.html")})
        for name in made[0]:
            (folder / name).unlink()
    assert made[0] == made[1]
    assert CostReport.model_validate_json(made[0]["cost.json"]) == cost_of(store, plan)
    page = made[0]["cost.html"].decode()
    assert "Content-Security-Policy" in page
    assert "<script" not in page


def test_a_name_that_is_markup_stays_text(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 10.0), KNOWN, None)
    done(store, plan, 11.0, machine={"processor": "<b>x|y</b>"})
    assert publish_cost(plan, "small", store) is not None
    assert "<b>x" not in (store.study_folder("small") / "cost.html").read_text()


def test_the_summary_names_prediction_time_ratio_and_money(store: Store, plan: Plan) -> None:
    keep_predictions(store, "small", predicted(plan, 1000.0), KNOWN, 36.0)
    done(store, plan, 900.0)
    words = summary(cost_of(store, plan)).replace("\u202f", " ")
    assert words == (
        "66.7 min were predicted, and it took 45.0 min (0.68 of the prediction); 27.00 in money where 40.00 were "
        "predicted, on a processor, 2 jobs at once."
    )
    assert "| from beginning to end |" in compose_cost_markdown(cost_of(store, plan))


def test_share_of_the_peak_is_that_of_the_gpu_that_did_the_work(store: Store) -> None:
    from dataclasses import replace

    small = six_jobs()
    first = next(iter(small.jobs.values()))
    train = replace(first, kind="train")
    plan = Plan(small.study, {train.id: train}, {})
    keep_predictions(store, "small", {train.id: Prediction(50.0, "calibration")}, KNOWN, None)
    (store.root / train.id).mkdir(parents=True)
    made = {
        "seconds": 100.0, "finished": "2026-01-01T00:00:00+0000", "flops": 989e12 * 40, "tokens": 5000,
        "machine": {"gpu": "NVIDIA H100 80GB HBM3", "processor": "x"},
    }  # fmt: skip
    (store.root / train.id / "made.json").write_text(json.dumps(made))
    (entry,) = cost_of(store, plan).kinds
    assert entry.mfu == pytest.approx(0.4)
    assert entry.tokens_per_second == pytest.approx(50)
    # on four of them, as the record tells, it is a quarter of that; on one and then four nobody knows
    made["machine"]["gpu"] = ", ".join(["NVIDIA H100 80GB HBM3"] * 4)
    (store.root / train.id / "made.json").write_text(json.dumps(made))
    for processes, expected in (([4], pytest.approx(0.1)), ([1, 4], None)):
        (store.root / train.id / "record.json").write_text(json.dumps({"summary": {"processes": processes}}))
        assert cost_of(store, plan).kinds[0].mfu == expected


def test_share_of_the_peak_on_a_cpu_is_that_of_what_a_core_was_seen_to_do(store: Store) -> None:
    from dataclasses import replace

    small = six_jobs()
    train = replace(next(iter(small.jobs.values())), kind="train")
    plan = Plan(small.study, {train.id: train}, {})
    speed = ScaleSpeed(
        flops_per_second=1, train_start_seconds=0, train_cpu_fraction=1, train_memory_bytes=1, evaluate_start_seconds=0,
        evaluate_cpu_fraction=1, seconds_per_byte=0, seconds_per_item={}, peak_flops_per_second=200e9,
    )  # fmt: skip
    seen = Calibration(scale="s", speed=speed, core_speed=1, job_seconds=0, workers=2, measured_seconds=1, when="now")
    known = Known(workers=2, gpus=0, crude=None, calibrations={"s": seen})
    keep_predictions(store, "small", {train.id: Prediction(50.0, "calibration")}, known, None)
    done(store, plan, 100.0, flops=120e9 * 100, tokens=5000)
    (entry,) = cost_of(store, plan).kinds
    assert entry.mfu == pytest.approx(0.6)
    (store.root / train.id / "record.json").write_text(json.dumps({"summary": {"processes": [2]}}))
    assert cost_of(store, plan).kinds[0].mfu == pytest.approx(0.3)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_the_time_covered_is_that_in_which_anything_ran(given: list[tuple[int, int]]) -> None:
    intervals = [(start, start + length) for start, length in given]
    moments = {second for start, end in intervals for second in range(start, end)}
    assert covered_seconds(intervals) == len(moments)
