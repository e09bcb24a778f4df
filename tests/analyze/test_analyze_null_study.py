"""Studies in which nothing is different: how often does anything get a verdict?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from titrant.analyze.components import mean_of, variance_components
from titrant.analyze.judge import judge
from titrant.analyze.measure import Measured, measure, measure_mean
from titrant.analyze.paired import Panel
from titrant.analyze.reference import half_width, two_sided_p
from titrant.analyze.verdict import holm
from titrant.analyze.viability import judge_contrasts, judge_task
from titrant.jobs import PlannedContrast
from titrant.study.evaluation import Statistics

ARMS, OUTCOMES, ALPHA = 6, 8, 0.05


def values(draws, studies, seeds, items, outcome):
    """[studies, arms, seeds, items] of one outcome, every arm the same recipe: even outcomes are continuous, odd
    ones binary. The arms of a seed share part of its noise, as they share initial weights."""
    shape = (studies, ARMS, seeds, items)
    training = 0.01 * draws.standard_normal((studies, 1, seeds, 1)) + 0.01 * draws.standard_normal(
        (studies, ARMS, seeds, 1)
    )
    if outcome % 2 == 0:
        tails = draws.standard_t(4, shape) if outcome % 4 else draws.standard_normal(shape)
        return 2 + 0.3 * draws.standard_normal((studies, 1, 1, items)) + training + 0.05 * tails
    # from tasks at chance for items that flip freely to tasks that most items decide
    hardness = (outcome - 1) / 2 * draws.standard_normal((studies, 1, 1, items))
    return (0.2 * outcome + hardness + 20 * training * 0.3 + draws.standard_normal(shape) > 0).astype(float)


def share_with_any_verdict(studies, seeds, items=100):
    draws = np.random.default_rng([studies, seeds])
    p = []
    for outcome in range(OUTCOMES):
        value = values(draws, studies, seeds, items, outcome)
        made = variance_components(value[:, 1:] - value[:, :1], np.ones(items), binary=outcome % 2 == 1)
        p.append(two_sided_p(made))
    family = np.concatenate(p, axis=1)
    assert family.shape == (studies, (ARMS - 1) * OUTCOMES)
    return int((holm(family).min(axis=1) < ALPHA).sum())


@pytest.mark.parametrize("seeds", [3, 5])
def test_of_a_thousand_studies_without_a_difference_at_most_5_percent_have_any_verdict(seeds):
    """1,000 studies of 5 contrasts and 8 outcomes. The upper end of the 95 % binomial interval is at most 5 %."""
    wrong = share_with_any_verdict(1000, seeds)
    assert stats.binomtest(wrong, 1000).proportion_ci(0.95).high <= 0.05


@pytest.mark.parametrize("names", [("code",) * 5, ()])
def test_the_mean_over_a_source_and_what_is_made_of_it_is_as_sure_as_its_interval_says(names):
    """1,000 studies in which documents favour an arm, the same documents of five variants alike. Held to be
    independent, as without their names, the same variants miss the truth far more often than 5 %."""
    draws = np.random.default_rng(8)
    documents = draws.normal(0, 0.05, (1000, 1, 60))
    parts = [
        variance_components(
            documents + draws.normal(0, 0.01, (1000, 1, 60)) + draws.normal(0, 0.01, (1000, 4, 60)), np.ones(60)
        )
        for _ in range(5)
    ]
    mean = mean_of(parts, names)
    missed = int((np.abs(mean.difference) > half_width(mean, ALPHA)).sum())
    if names:
        assert stats.binomtest(missed, 1000, ALPHA, alternative="greater").pvalue > 0.05
        assert missed > 20, "no wider than it must be"
    else:
        assert missed > 250


def test_without_the_correction_most_such_studies_would_claim_something():
    """The simulation can fail: uncorrected p-values of the same kind of study do."""
    draws = np.random.default_rng(1)
    hits = np.zeros(200, dtype=bool)
    for outcome in range(OUTCOMES):
        value = values(draws, 200, 3, 100, outcome)
        made = variance_components(value[:, 1:] - value[:, :1], np.ones(100), binary=outcome % 2 == 1)
        hits |= (two_sided_p(made) < ALPHA).any(axis=1)
    assert hits.mean() > 0.3


def judged(panel, contrasts):
    whole = judge_task(panel, 0.5, ALPHA / (ARMS * 4))
    pairs = [(c.arm, c.control) for c in contrasts]
    return replace(whole, contrasts=judge_contrasts(panel, whole.arms, pairs, 0.5, ALPHA / (len(pairs) * 4)))


def tasks_hardly_above_chance(draws, tasks, items=150, seeds=3, accuracy=0.55):
    """Panels of two equal arms whose items are answered independently, some of them above chance by luck."""
    answer = np.arange(items) % 2
    for number in range(tasks):
        right = draws.random((2, seeds, items)) < accuracy
        names = tuple(map(str, range(items)))
        yield Panel(
            f"probe/{number}", ("a", "b"), tuple(range(seeds)), names,
            right.astype(float), np.where(right, answer, 1 - answer), answer, np.ones(items),
        )  # fmt: skip


def test_what_decides_whether_a_task_is_tested_does_not_know_the_difference():
    """Two equal arms: tasks picked because one of them did well differ too much, tasks that both did well do not."""
    every, lucky, together = [], [], []
    for panel in tasks_hardly_above_chance(np.random.default_rng(5), 3000):
        whole = judge_task(panel, 0.5, 0.001)
        squared = float(panel.difference("a", "b").mean()) ** 2
        every.append(squared)
        if any(arm.above_chance for arm in whole.arms.values()):
            lucky.append(squared)
        if judge_contrasts(panel, whole.arms, [("a", "b")], 0.5, 0.001) == {("a", "b"): "used"}:
            together.append(squared)
    assert 300 < len(together) < 2700
    assert np.mean(lucky) > 1.25 * np.mean(every)
    assert np.mean(together) == pytest.approx(np.mean(every), rel=4 * (2 / len(together)) ** 0.5)


def test_what_decides_whether_a_task_is_in_a_mean_does_not_know_the_difference():
    """Picked for the published ratio, spread over noise, the same tasks differ twice too much."""
    every, in_mean, spread = [], [], []
    for panel in tasks_hardly_above_chance(np.random.default_rng(6), 1500, accuracy=0.58):
        whole = judge_task(panel, 0.5, 0.001)
        squared = float(panel.difference("a", "b").mean()) ** 2
        every.append(squared)
        if whole.status == "used":
            in_mean.append(squared)
        if whole.signal.spread_to_noise > 0.75:
            spread.append(squared)
    assert 300 < len(in_mean) < 1200
    assert np.mean(in_mean) == pytest.approx(np.mean(every), rel=4 * (2 / len(in_mean)) ** 0.5)
    assert len(spread) > 300
    assert np.mean(spread) > 2 * np.mean(every)


def whole_study(draws, seeds, *, skill):
    """Findings of one in-memory study of 4 texts and 4 tasks; tasks have `skill` above the chance of one half."""
    items, arms = 100, tuple(f"arm{i}" for i in range(ARMS))
    contrasts = [PlannedContrast(arm=arm, control="arm0") for arm in arms[1:]]
    answer = np.arange(items) % 2
    measured: list[Measured] = []
    for number in range(OUTCOMES):
        kind = "bits_per_byte" if number % 2 == 0 else "probe"
        value = values(draws, 1, seeds, items, number)[0]
        predicted = np.full(value.shape, -1)
        if kind == "probe":
            right = draws.random(value.shape) < 0.5 + skill
            predicted = np.where(right, answer, 1 - answer)
            value = right.astype(float)
        panel = Panel(
            f"{kind}/{number}",
            arms,
            tuple(range(seeds)),
            tuple(map(str, range(items))),
            value,
            predicted,
            answer,
            np.ones(items),
        )
        viability = judged(panel, contrasts) if kind == "probe" else None
        measured.append(
            measure(
                panel, contrasts, Statistics(resamples=200), scale="s", margin=0.02, chance=0.5, viability=viability
            )
        )
    for kind in ("bits_per_byte", "probe"):
        members = [m for m in measured if m.used and m.outcome.startswith(kind)]
        if len(members) > 1:
            measured.append(measure_mean(f"mean/{kind}", members, {}))
    return [f for f, _ in judge(measured, scale="s", seeds=tuple(range(seeds)), alpha=ALPHA, comparability={})]


@pytest.mark.slow
@pytest.mark.parametrize("skill", [0.0, 0.15])
def test_the_gates_and_means_of_whole_studies_add_no_verdicts(skill):
    """Tasks at chance are dropped for how their arms score; that must not bring in what was lucky."""
    draws = np.random.default_rng(3)
    studies = [whole_study(draws, 3, skill=skill) for _ in range(100)]
    wrong = sum(any(f.verdict in ("better", "worse") for f in findings) for findings in studies)
    assert stats.binomtest(wrong, 100, ALPHA, alternative="greater").pvalue > 0.05


def test_one_whole_study_without_a_difference_claims_none():
    findings = whole_study(np.random.default_rng(4), 3, skill=0.2)
    assert {f.verdict for f in findings} <= {"not resolved", "equivalent"}
    assert len(findings) == (ARMS - 1) * (OUTCOMES + 2)
