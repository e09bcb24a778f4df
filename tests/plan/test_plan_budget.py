"""Parts become steps without losing any, and curves go on or are warmed again as the phases say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.errors import StudyError
from titrant.plan.budget import resolve_phases
from titrant.study.load import load_study
from titrant.study.recipe import recipe_of
from titrant.study.study import Study


def study_with(write_study, demo_text: str, phases: str, arm: str) -> Study:
    lines = demo_text.splitlines()
    begin, end = lines.index("phases:"), lines.index("arms:")
    text = "\n".join([*lines[: begin + 1], *lines[begin + 1 : end], *phases.splitlines(), *lines[end:]])
    return load_study(write_study(text.replace("arms:\n", f"arms:\n  probe: {arm}\n") + "\n")).expanded()


def rates(study: Study, arm: str) -> list[float]:
    phases = resolve_phases(study, study.arms[arm], study.scales["tiny"])
    return [phase.curve.rate_at(step) for phase in phases for step in range(phase.steps)]


def test_one_curve_over_two_phases_is_the_curve_of_one(write_study, demo_text) -> None:
    phases = (
        "  first: {parts: 5, schedule: {shape: cosine, horizon_parts: 10}}\n"
        "  second: {parts: 5, schedule: {shape: continued}}\n"
    )
    study = study_with(write_study, demo_text, phases, "[{first: text}, {second: text}]")

    assert rates(study, "probe") == rates(study, "text-only")
    assert recipe_of(study, study.arms["probe"]) == recipe_of(study, study.arms["text-only"])


def test_a_cooldown_starts_at_the_rate_where_the_phase_before_it_ended(write_study, demo_text) -> None:
    study = study_with(write_study, demo_text, "", "[{init: text}, {cooldown: text}]")
    init, cooldown = resolve_phases(study, study.arms["probe"], study.scales["tiny"])

    assert cooldown.curve.peak_rate == init.curve.rate_at(init.steps - 1)
    assert cooldown.curve.warmup_steps == 0
    assert cooldown.curve.rate_at(cooldown.steps - 1) == 0


def test_a_rewarmed_phase_rises_from_zero_to_the_peak_again(write_study) -> None:
    study = load_study(write_study()).expanded()
    _, again = resolve_phases(study, study.arms["text->text"], study.scales["tiny"])

    assert again.curve.start_rate == 0
    assert max(again.curve.rate_at(step) for step in range(again.steps)) == pytest.approx(0.003)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Study:
    from demo_study import DEMO

    path: Path = tmp_path_factory.mktemp("budget") / "study.yaml"
    path.write_text(DEMO)
    return load_study(path).expanded()


@given(tokens=st.integers(12_000, 10**7), batch=st.sampled_from([64, 128, 640, 1024]))
def test_however_an_arm_is_cut_its_steps_are_the_same(demo, tokens, batch) -> None:
    scale = demo.scales["tiny"].model_copy(update={"tokens": tokens, "global_batch_tokens": batch})

    totals = {sum(p.steps for p in resolve_phases(demo, arm, scale)) for arm in demo.arms.values()}

    assert len(totals) == 1
    assert abs(totals.pop() * batch - tokens) <= batch / 2


def test_a_current_rate_that_is_zero_only_after_rounding_to_batches_is_refused_with_its_place(
    write_study, demo_text
) -> None:
    phases = "  first: {parts: 5, schedule: {shape: linear, final_fraction: 0, horizon_parts: 5.01}}\n"
    study = study_with(write_study, demo_text, phases, "[{first: text}, {cooldown: text}]")

    with pytest.raises(StudyError) as raised:
        resolve_phases(study, study.arms["probe"], study.scales["tiny"])

    assert [(problem.message, problem.path) for problem in raised.value.problems] == [
        (
            "phase 'cooldown' starts from the current learning rate, which the phase before it ends at 0 in its 20 "
            "steps; set its schedule's start to 'warmup', or give the phase before it a final_fraction above 0",
            ("phases", "cooldown", "schedule"),
        )
    ]


def test_a_curve_that_is_over_before_its_phase_is_refused(write_study, demo_text) -> None:
    phases = "  first: {parts: 5, schedule: {shape: cosine, horizon_parts: 4}}\n"

    with pytest.raises(Exception, match=r"the curve of phase 'first' of arm 'probe' is over after 4 of its 5 parts"):
        study_with(write_study, demo_text, phases, "[{first: text}]")
