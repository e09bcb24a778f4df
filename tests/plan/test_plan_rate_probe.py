"""The learning-rate probe in the plan: two arms more at each other rate, and nothing else moves."""

from __future__ import annotations

import pytest

from demo_study import DEMO, lay_out_study
from titrant.errors import EngineError
from titrant.execute.place import place_of, probed_factor, told_of_probe
from titrant.jobs import FindingsJob, TrainJob
from titrant.plan.make import make_plan
from titrant.plan.plan import Plan
from titrant.study.faults import ADVICE
from titrant.study.load import open_study
from titrant.study.world import pin_study

PROBE = "learning_rate_probe: {arm: balanced->text, control: text->text}\n"


def plan_of(tmp_path, text: str) -> Plan:
    return make_plan(pin_study(open_study(lay_out_study(tmp_path, text))))


@pytest.fixture
def plans(tmp_path) -> tuple[Plan, Plan]:
    return plan_of(tmp_path, DEMO), plan_of(tmp_path, DEMO + PROBE)


def _finding(plan: Plan) -> FindingsJob:
    (declared,) = [job.declaration for job in plan.jobs.values() if isinstance(job.declaration, FindingsJob)]
    return declared


def test_a_probe_adds_two_arms_with_all_seeds_at_each_other_rate_and_shares_the_studys_own(plans):
    plain, probed = plans
    added = probed.runs.keys() - plain.runs.keys()
    assert added == {
        f"{arm}@tiny-rate-x{factor}#{seed}"
        for arm in ("balanced->text", "text->text")
        for factor in ("0.5", "2")
        for seed in (1, 2)
    }
    assert all(probed.runs[run] == plain.runs[run] for run in plain.runs)


def test_the_arms_differ_from_the_studys_own_in_the_rate_alone(plans):
    _, probed = plans
    for arm in ("balanced->text", "text->text"):
        for own, twice in zip(*(probed.runs[f"{arm}@{scale}#2"][1] for scale in ("tiny", "tiny-rate-x2")), strict=True):
            one, other = (probed.jobs[id_].declaration for id_ in (own, twice))
            assert isinstance(one, TrainJob)
            assert isinstance(other, TrainJob)
            assert other.phase.curve.peak_rate == 2 * one.phase.curve.peak_rate
            assert other.phase.curve.final_rate == pytest.approx(2 * one.phase.curve.final_rate)
            same_curve = other.phase.model_copy(update={"curve": one.phase.curve})
            assert other.model_copy(update={"phase": same_curve}) == one


def test_probed_runs_are_in_no_comparison_of_the_study(plans):
    plain, probed = (_finding(plan) for plan in plans)
    assert probed.runs == plain.runs
    assert probed.contrasts == plain.contrasts
    probe = probed.learning_rate_probe
    assert probe is not None
    assert [(rate.factor, rate.learning_rate, rate.scale) for rate in probe.rates] == [
        (0.5, 0.0015, "tiny-rate-x0.5"),
        (1.0, 0.003, "tiny"),
        (2.0, 0.006, "tiny-rate-x2"),
    ]


def test_findings_are_given_all_of_what_the_probe_trained_and_the_report_too(plans):
    _, probed = plans
    (findings,) = [job for job in probed.jobs.values() if job.kind == "findings"]
    (report,) = [job for job in probed.jobs.values() if job.kind == "report"]
    chain = probed.runs["text->text@tiny-rate-x0.5#1"][1]
    assert findings.inputs["earlier/text->text@tiny-rate-x0.5#1/0"] == chain[0]
    assert findings.inputs["train/text->text@tiny-rate-x0.5#1"] == chain[1]
    assert probed.jobs[findings.inputs["evaluate/text->text@tiny-rate-x0.5#1"]].inputs["train"] == chain[1]
    assert set(chain) <= set(report.inputs.values())


def test_only_ends_are_scored_of_what_is_trained_for_the_probe_alone(plans):
    plain, probed = plans
    scored = [sum(job.kind == "evaluate" for job in plan.jobs.values()) for plan in plans]
    assert scored[1] - scored[0] == len(probed.runs) - len(plain.runs)


def test_without_a_probe_no_fingerprint_moves_and_with_one_only_findings_and_report_do(plans):
    plain, probed = plans
    moved = {job.kind for id_, job in plain.jobs.items() if id_ not in probed.jobs}
    assert moved == {"findings", "report"}


def test_arms_that_share_a_trunk_share_it_at_every_rate(tmp_path):
    probed = plan_of(tmp_path, DEMO + "learning_rate_probe: {arm: balanced-only, control: text->text}\n")
    both = DEMO.replace("- {arm: code->text, control: text->text}", "- {arm: balanced->text, control: balanced-only}")
    shared = plan_of(tmp_path, both + "learning_rate_probe: {arm: balanced->text, control: balanced-only}\n")
    trunks = [shared.runs[f"{arm}@tiny-rate-x2#1"][1][0] for arm in ("balanced->text", "balanced-only")]
    assert trunks[0] == trunks[1]
    # another study that probes one of the arms at the same rate trains the same
    assert shared.jobs[trunks[0]].fingerprint in {job.fingerprint for job in probed.jobs.values()}


def test_the_probes_scale_may_be_any_of_the_study(tmp_path):
    small = DEMO[DEMO.index("  tiny:") : DEMO.index("seeds:")]
    text = DEMO.replace(small, small + small.replace("tiny", "small").replace("40960", "20480"))
    plan = plan_of(tmp_path, f"{text}{PROBE.replace('}', ', scale: small, factors: [0.25, 1, 4, 16]}')}")
    assert {run.scale for run, _ in plan.runs.values()} == {
        "tiny", "small", "small-rate-x0.25", "small-rate-x4", "small-rate-x16"
    }  # fmt: skip


def test_a_mistake_in_what_only_the_probe_trains_is_shown_at_the_probe(plans):
    _, probed = plans
    job = probed.jobs[probed.runs["text->text@tiny-rate-x2#1"][1][0]]
    assert place_of(probed, job) == ("learning_rate_probe",)
    own = probed.jobs[probed.runs["text->text@tiny#1"][1][0]]
    assert place_of(probed, own) == ("scales", "tiny")


def test_a_run_that_goes_astray_at_a_rate_of_the_probe_says_which_factor_and_what_to_do(plans):
    plain, probed = plans
    for scale, factor in (("tiny-rate-x0.5", 0.5), ("tiny-rate-x2", 2), ("tiny", None)):
        job = probed.jobs[probed.runs[f"text->text@{scale}#1"][1][0]]
        assert probed_factor(probed, job) == factor
    assert not any(probed_factor(plain, job) for job in plain.jobs.values())
    error = EngineError(f"loss is not finite at step 3 of 10; {ADVICE}")
    assert str(told_of_probe(error, 2)) == (
        "loss is not finite at step 3 of 10; this run is of the learning-rate probe, at 2 times the study's rate: give "
        "a smaller factor instead (learning_rate_probe: factors); what is finished is kept"
    )
    assert str(told_of_probe(error, 0.5)).endswith(f"at 0.5 times the study's rate: {ADVICE}")
    assert str(told_of_probe(EngineError("another"), 2)) == "another"
