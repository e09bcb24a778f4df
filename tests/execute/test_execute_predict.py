"""Predictions: what is known best is used, by hand-made speeds; what cannot be known is said to be unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from titrant.execute.cost import predict as predicting
from titrant.execute.cost.asked import bytes_scored, items_of, scale_of
from titrant.execute.cost.calibrate import shrink
from titrant.execute.cost.calibration import Calibration, ScaleSpeed, keep_calibrations, key_of, known_calibration
from titrant.execute.cost.measuring import seconds_by_note, units_per_second
from titrant.execute.cost.predict import Known, predict, wall_seconds, what_is_known
from titrant.execute.cost.rates import NOT_FETCHED
from titrant.execute.machine import Speed, host_facts, training_speed
from titrant.execute.store import Store, open_store
from titrant.execute.watch import Overall
from titrant.plan import Job, Plan, make_plan
from titrant.study.load import load_study

CRUDE = Speed(1e10, "estimated from a matmul on this machine")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_study("quickstart"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "cache"))
    return open_store(tmp_path / "store", create=True)


def calibration(**changes: object) -> Calibration:
    speed = {
        "flops_per_second": 1e11, "train_start_seconds": 2.0, "train_cpu_fraction": 0.5, "train_memory_bytes": 1,
        "evaluate_start_seconds": 3.0, "evaluate_cpu_fraction": 1.0, "seconds_per_byte": 1e-5,
        "seconds_per_item": {"probe/copying": 0.1, "probe/sorting": 0.3}, **changes,
    }  # fmt: skip
    return Calibration(
        scale="nano", speed=ScaleSpeed.model_validate(speed), core_speed=2.0, job_seconds=0.5, workers=2,
        measured_seconds=10, when="now",
    )  # fmt: skip


def first(plan: Plan, kind: str) -> Job:
    return next(job for job in plan.jobs.values() if job.kind == kind)


def known(**changes: object) -> Known:
    return Known(**{"workers": 2, "gpus": 0, "crude": CRUDE, **changes})  # type: ignore[arg-type]


def test_a_train_job_takes_its_flops_by_the_measured_speed_and_its_start(plan: Plan, store: Store) -> None:
    job = first(plan, "train")
    found = predict(plan, store, known(calibrations={"nano": calibration()}), [job.id])[job.id]
    assert found.source == "calibration"
    assert found.seconds == pytest.approx(2.0 + job.flops / 1e11 + 0.5)
    assert found.cpu_seconds == pytest.approx((2.0 + job.flops / 1e11) * 0.5)


def test_an_evaluate_job_takes_its_bytes_and_its_items_by_their_own_speeds(plan: Plan, store: Store) -> None:
    job = next(job for job in plan.jobs.values() if job.kind == "evaluate" and job.name == "text-only.whole@nano#1")
    found = predict(plan, store, known(calibrations={"nano": calibration()}), [job.id])[job.id]
    # four sources of 60 kB, and 10 kB of each at two milestones
    assert bytes_scored(job, plan) == 4 * (60_000 + 2 * 10_000)
    items = {probe.name: items_of(probe, job.declaration) for probe in job.declaration.probes}
    assert items == {name: 48 if name == "planted-facts" else 90 for name in items}
    # what was not measured is taken for the mean of what was
    seconds = 90 * 0.1 + 90 * 0.3 + sum(n for name, n in items.items() if name not in ("copying", "sorting")) * 0.2
    assert found.seconds == pytest.approx(3.0 + 320_000 * 1e-5 + seconds + 0.5)


def test_without_a_calibration_the_crude_speed_counts_and_is_named(plan: Plan, store: Store) -> None:
    job = first(plan, "train")
    found = predict(plan, store, known(), [job.id])[job.id]
    assert found.seconds == pytest.approx(job.flops / 1e10)
    assert found.source == CRUDE.source
    nothing = predict(plan, store, known(crude=None), [job.id])[job.id]
    assert (nothing.seconds, nothing.source) == (None, "nothing was measured here yet")


def finished(
    store: Store,
    job: Job,
    seconds: float,
    inputs: Mapping[str, str],
    summary: Mapping[str, object] | None = None,
    **more: object,
) -> None:
    folder = store.root / job.id
    folder.mkdir(parents=True)
    made = {
        "seconds": seconds, "attempts": 1, "tokens": job.tokens, "flops": job.flops, "machine": host_facts(), **more,
    }  # fmt: skip
    record = {"fingerprint": job.fingerprint, "declaration": dict(job.identity), "inputs": dict(inputs)}
    record |= {"summary": dict(summary or {})}
    (folder / "made.json").write_text(json.dumps(made))
    (folder / "record.json").write_text(json.dumps(record))


def test_finished_jobs_of_the_very_shape_count_more_than_a_calibration(plan: Plan, store: Store) -> None:
    one, other = (job for job in plan.jobs.values() if job.name in ("text-only.whole@nano#1", "text-to-text.init@nano#1") and job.kind == "train")  # fmt: skip
    finished(store, one, 100.0, {})
    asked = what_is_known(plan, store, CRUDE, workers=2)
    found = predict(plan, store, asked, [other.id])[other.id]
    assert found.source == "own jobs"
    assert found.seconds == pytest.approx(100.0 * other.tokens / one.tokens)
    scored = next(job for job in plan.jobs.values() if job.kind == "evaluate" and job.inputs["train"] == one.id)
    assert predict(plan, store, asked, [scored.id])[scored.id].source == CRUDE.source
    finished(store, scored, 7.0, {"train": one.fingerprint})
    others = [job for job in plan.jobs.values() if job.kind == "evaluate" and job.identity == scored.identity]
    again = predict(plan, store, what_is_known(plan, store, CRUDE, workers=2), [job.id for job in others])
    assert {found.seconds for found in again.values()} == {7.0}


def test_jobs_in_another_number_of_processes_tell_nothing_of_a_job_in_this(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    jobs = [job for job in plan.jobs.values() if job.kind == "train"][:4]
    for job, processes in zip(jobs, ([1], [2], [1, 2]), strict=False):
        finished(store, job, 100.0 * sum(processes), {}, summary={"processes": processes})
    for ranks, seconds in (("1", 100.0), ("2", 200.0)):
        monkeypatch.setenv("TITRANT_RANKS", ranks)
        found = predict(plan, store, what_is_known(plan, store, CRUDE, workers=4), [jobs[3].id])[jobs[3].id]
        assert (found.source, found.seconds) == ("own jobs", pytest.approx(seconds * jobs[3].tokens / jobs[0].tokens))
    monkeypatch.setenv("TITRANT_RANKS", "3")
    found = predict(plan, store, what_is_known(plan, store, CRUDE, workers=4), [jobs[3].id])[jobs[3].id]
    assert found.source == CRUDE.source


def test_the_speed_of_one_worker_is_that_of_one_process(plan: Plan, store: Store) -> None:
    job = first(plan, "train")
    finished(store, job, 100.0, {}, summary={"processes": [4]})
    speed = training_speed(store)
    assert speed is not None
    assert speed.flops_per_second == pytest.approx(job.flops / 100.0 / 4)


@pytest.mark.parametrize("more", [{"attempts": 2}, {"machine": {"processor": "another"}}])
def test_jobs_that_were_interrupted_or_ran_elsewhere_tell_nothing(plan: Plan, store: Store, more: dict[str, object]) -> None:  # fmt: skip
    job = first(plan, "train")
    finished(store, job, 100.0, {}, **more)
    assert predict(plan, store, what_is_known(plan, store, CRUDE), [job.id])[job.id].source == CRUDE.source


def test_sources_that_nobody_has_fetched_have_no_prediction_and_count_for_nothing(plan: Plan, store: Store) -> None:
    found = predict(plan, store, known(), plan.jobs)
    unknown = {plan.jobs[id_].kind for id_, one in found.items() if one.seconds is None}
    assert unknown == {"documents", "split", "examples", "tokens"}
    assert {one.source for one in found.values() if one.seconds is None} == {NOT_FETCHED}
    train_seconds = sum(one.seconds or 0 for id_, one in found.items() if plan.jobs[id_].kind == "train")
    assert wall_seconds(plan, found, 2, 0) >= train_seconds / 2


def test_data_jobs_go_by_the_bytes_of_stored_documents_and_the_speed_of_a_core(plan: Plan, store: Store) -> None:
    documents, tokens = first(plan, "documents"), first(plan, "tokens")
    folder = store.root / documents.id
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"summary": {"bytes": 140_000_000}}))
    slow = predict(plan, store, known(), [tokens.id])[tokens.id].seconds
    fast = predict(plan, store, known(calibrations={"nano": calibration()}), [tokens.id])[tokens.id].seconds
    assert slow is not None
    assert slow == pytest.approx(10.2)
    assert fast == pytest.approx(slow / 2)


def test_ranks_share_the_steps_of_a_train_job_and_take_as_many_places(plan: Plan, store: Store) -> None:
    job = first(plan, "train")
    asked = known(calibrations={"nano": calibration()}, ranks=2)
    found = predict(plan, store, asked, [job.id])
    assert found[job.id].seconds == pytest.approx(2.0 + job.flops / 1e11 / 2 + 0.5)
    assert found[job.id].cpu_seconds == pytest.approx((2.0 + job.flops / 1e11) * 0.5)
    assert wall_seconds(plan, found, 2, 0, ranks=2) == found[job.id].seconds


def test_compiled_code_costs_the_first_job_of_a_shape_more(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(predicting, "COMPILED_STEP_FLOPS", 1.0)
    jobs = [job.id for job in plan.jobs.values() if job.kind == "train"][:3]
    found = predict(plan, store, known(), jobs)
    extra = [(found[id_].seconds or 0) - plan.jobs[id_].flops / 1e10 for id_ in jobs]
    assert extra == pytest.approx([30.0, 5.0, 5.0])


def test_a_calibration_is_kept_under_what_decides_speed_and_nothing_else(plan: Plan, store: Store) -> None:
    study, scale = plan.study, plan.study.scales["nano"]
    key = key_of(study, scale, 2048, 2)
    assert known_calibration(store, key) is None
    path = keep_calibrations(store, {key: calibration()})
    assert path == store.root / "machine.json"
    assert known_calibration(store, key) == calibration()
    cheaper = scale.model_copy(update={"tokens": 4096, "learning_rate": 0.1})
    assert key_of(study, cheaper, 2048, 2) == key
    others = [
        key_of(study, scale, 4096, 2),
        key_of(study, scale, 2048, 1),
        key_of(study, scale.model_copy(update={"precision": "float32"}), 2048, 2),
        key_of(study, scale.model_copy(update={"sequence_length": 128}), 2048, 2),
    ]
    assert len({key, *others}) == 5


def test_without_a_store_a_calibration_lies_in_the_users_cache(plan: Plan, store: Store, tmp_path: Path) -> None:
    none = open_store(tmp_path / "none", create=False)
    assert keep_calibrations(none, {"a" * 16: calibration()}) == tmp_path / "cache" / "machine.json"
    assert not none.root.exists()
    assert known_calibration(store, "a" * 16) == calibration()


@pytest.mark.parametrize("damage", ["", "[]", '{"calibrations": 3}', '{"calibrations": {"k": {"format": 1}}}'])
def test_a_damaged_calibration_is_one_that_was_never_made(store: Store, damage: str) -> None:
    (store.root / "machine.json").write_text(damage)
    assert known_calibration(store, "k") is None
    keep_calibrations(store, {"k": calibration()})
    assert known_calibration(store, "k") == calibration()


def test_the_scale_of_a_job_is_found_by_its_shape(plan: Plan) -> None:
    for job in plan.jobs.values():
        assert scale_of(job, plan) == ("nano" if job.kind in ("train", "evaluate") else None)


def test_a_model_too_slow_to_time_loses_layers_and_says_so(plan: Plan) -> None:
    scale = plan.study.scales["nano"]
    assert shrink(scale, 2048, 1e12) == (scale, "")
    assert shrink(scale, 2048, None) == (scale, "")
    smaller, words = shrink(scale, 2048, 1e6)
    assert smaller.architecture.layers == 1
    assert words == "1 of 3 layers"


def test_speed_is_read_between_moments_and_falls_back_on_what_there_is() -> None:
    steps = [(1.0, 0, ""), (5.0, 10, ""), (6.0, 20, ""), (8.0, 40, "")]
    assert units_per_second(steps, first=10) == pytest.approx(10)
    assert units_per_second(steps, first=40) == pytest.approx(10)  # no later moment: from the first with anything done
    assert units_per_second([(4.0, 8, "")], first=40) == pytest.approx(2)


def test_seconds_are_put_down_to_what_was_done_in_them() -> None:
    seen = [(1.0, 0, ""), (3.0, 2, "a"), (3.5, 2, "a"), (6.0, 4, "b"), (7.0, 5, "a")]
    assert seconds_by_note(seen) == {"a": pytest.approx(3.0), "b": pytest.approx(3.0)}


def test_a_prediction_is_the_time_left_at_first_and_what_was_seen_corrects_it() -> None:
    overall = Overall(jobs=10, tokens=0, cost=100.0, started=0.0, predicted=1000.0)
    assert overall.line({}, {}, 0.0) == "0 of 10 jobs, 17 min left"
    overall.jobs_done, overall.cost_done = 1, 10.0
    # a tenth is done in 380 s where 100 were predicted: the rest, 900 s, by (380 + 20) / (100 + 20)
    assert overall.line({}, {}, 380.0) == "1 of 10 jobs, 50 min left"
