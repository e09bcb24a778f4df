"""The numbers behind findings, held against closed forms, other libraries and simulation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from titrant.analyze import bootstrap
from titrant.analyze.bootstrap import generator, resample
from titrant.analyze.components import Components, mean_of, satterthwaite_df, variance_components
from titrant.analyze.power import Design, minimum_detectable, planned_power, power_seeds_only
from titrant.analyze.reference import chi_squared_grid, equivalence_p, half_width, two_sided_p
from titrant.analyze.verdict import holm, verdict_of

MANY = 1e9
"""Degrees of freedom of items that are as good as known."""


def crossed(studies, seeds, items, *, seed=0.0, item=0.0, residual=0.0, heavy=False, source=0):
    """[studies, S, I] differences with the given standard deviations and mean 0."""
    draws = np.random.default_rng([source, seeds, items])

    def noise(*shape):
        return draws.standard_t(3, shape) / 3**0.5 if heavy else draws.standard_normal(shape)

    return (
        seed * draws.standard_normal((studies, seeds, 1))
        + item * noise(studies, 1, items)
        + residual * noise(studies, seeds, items)
    )


def binary(studies, seeds, items, *, item, seed=0.0, source=0):
    """[studies, S, I] differences of 1-or-0 answers of two equal models that share their items."""
    draws = np.random.default_rng([source, seeds, items, 7])
    hardness = item * draws.standard_normal((studies, 1, items))

    def answers():
        shift = seed * draws.standard_normal((studies, seeds, 1))
        return (hardness + shift + draws.standard_normal((studies, seeds, items)) > 0).astype(float)

    return answers() - answers()


def exact(by_seed, item_variance=0.0, residual=0.0, item_df=MANY):
    """Components with given seeds and a given variance over items."""
    return Components(
        by_seed=np.asarray(by_seed, dtype=float),
        items_on_these_seeds=np.asarray(item_variance + residual, dtype=float),
        residual=np.asarray(residual, dtype=float),
        item_df=np.asarray(item_df, dtype=float),
    )


def test_components_equal_a_loop_over_the_analysis_of_variance():
    d = crossed(1, 4, 30, seed=0.5, item=1.0, residual=0.7)[0]
    S, I = d.shape  # noqa: E741
    grand = d.mean()
    ms_item = S * sum((d[:, i].mean() - grand) ** 2 for i in range(I)) / (I - 1)
    ms_seed = I * sum((d[s].mean() - grand) ** 2 for s in range(S)) / (S - 1)
    ms_residual = sum((d[s, i] - d[s].mean() - d[:, i].mean() + grand) ** 2 for s in range(S) for i in range(I)) / (
        (S - 1) * (I - 1)
    )
    made = variance_components(d, np.ones(I))
    assert float(made.residual) == pytest.approx(ms_residual / (S * I))
    assert float(made.seed_variance) == pytest.approx(max(ms_seed, ms_residual) / (S * I))
    assert float(made.item_variance) == pytest.approx(max(0, ms_item - ms_residual) / (S * I))


def test_the_variance_of_a_ratio_is_the_delete_one_jackknife():
    draws = np.random.default_rng(0)
    weight = draws.lognormal(7, 1.5, 40).round()
    d = weight * draws.normal(0.1, 0.3, 40)
    left_out = [np.delete(d, i).sum() / np.delete(weight, i).sum() for i in range(40)]
    jackknife = 39 / 40 * sum((r - d.sum() / weight.sum()) ** 2 for r in left_out)
    made = variance_components(d[None], weight)
    assert float(made.difference) == pytest.approx(d.sum() / weight.sum())
    assert float(made.items_on_these_seeds) == pytest.approx(jackknife)


def test_components_recover_the_variances_that_were_planted():
    made = variance_components(crossed(4000, 5, 50, seed=0.3, item=1.0, residual=0.5), np.ones(50))
    assert made.scatter.mean() == pytest.approx(0.3**2 / 5 + 0.25 / 250, rel=0.05)
    assert (made.items_on_these_seeds - made.residual).mean() == pytest.approx(1 / 50, rel=0.05)
    assert made.residual.mean() == pytest.approx(0.25 / 250, rel=0.05)


def test_seeds_that_agree_by_accident_do_not_remove_the_residual():
    d = np.array([[1.0, 0, 0, 0, 1, 0], [0, 1, 0, 1, 0, 0]])
    made = variance_components(d, np.ones(6), binary=True)
    assert float(made.scatter) == 0
    assert float(made.seed_variance) == float(made.residual) > 0


def test_a_perfect_and_a_failed_arm_still_have_an_error_of_one_item():
    made = variance_components(np.ones((3, 50)), np.ones(50), binary=True)
    assert float(made.standard_error) == pytest.approx(1 / 50)


def test_the_mean_over_outcomes_has_the_seeds_scatter_of_the_mean():
    a, b = (variance_components(crossed(1, 3, 40, seed=1, item=1, source=s)[0], np.ones(40)) for s in (1, 2))
    both = mean_of([a, b])
    assert both.by_seed == pytest.approx((a.by_seed + b.by_seed) / 2)
    assert float(both.items_on_these_seeds) == pytest.approx(float(a.items_on_these_seeds + b.items_on_these_seeds) / 4)


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(0, 1))
def test_the_mean_over_outcomes_on_the_same_items_is_never_surer_than_item_by_item(source, count, weighted):
    """The oracle is the table of means by item: with equal weights the mean over outcomes is an outcome itself."""
    draws = np.random.default_rng(source)
    weight = draws.lognormal(7, 1, 30) if weighted else np.ones(30)
    common = draws.standard_normal((1, 30))
    tables = [weight * (draws.normal() * common + draws.normal() * draws.standard_normal((1, 30))) for _ in "x" * count]
    made = mean_of([variance_components(table, weight) for table in tables], ["code"] * count)
    oracle = variance_components(np.mean(tables, axis=0), weight)
    assert float(made.difference) == pytest.approx(float(oracle.difference))
    assert float(made.item_variance) >= float(oracle.item_variance) * (1 - 1e-9)


def test_the_mean_over_equal_outcomes_on_the_same_items_is_as_sure_as_one_of_them():
    one = variance_components(crossed(1, 3, 40, seed=0.1, item=1, residual=0.3)[0], np.ones(40))
    other = variance_components(crossed(1, 3, 50, seed=0.1, item=2, residual=0.3, source=1)[0], np.ones(50))
    same = mean_of([one] * 4, ["code"] * 4)
    for name in ("items_on_these_seeds", "residual", "item_df", "standard_error"):
        assert float(getattr(same, name)) == pytest.approx(float(getattr(one, name))), name
    mixed = mean_of([one, other, one], ["code", "text", "code"])
    assert float(mixed.items_on_these_seeds) == pytest.approx(
        float(4 * one.items_on_these_seeds + other.items_on_these_seeds) / 9
    )
    assert float(mixed.residual) == pytest.approx(float(4 * one.residual + other.residual) / 9)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("level", [0.2, 0.05, 1e-3, 1e-6])
def test_where_seeds_dominate_the_p_value_is_students(seeds, level):
    d = np.random.default_rng(seeds).standard_normal(seeds)
    d = d - d.mean() + stats.t.ppf(1 - level / 2, seeds - 1) * d.std(ddof=1) / seeds**0.5
    assert float(two_sided_p(exact(d))) == pytest.approx(level, rel=1e-6)
    assert float(two_sided_p(exact(d))) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-6)


def test_where_items_dominate_the_p_value_is_the_t_over_items():
    assert float(two_sided_p(exact([2.0, 2.0, 2.0], 1.0, item_df=9))) == pytest.approx(2 * stats.t.sf(2, 9))
    assert float(two_sided_p(exact([2.0], 1.0, item_df=9))) == pytest.approx(2 * stats.t.sf(2, 9))


def test_between_them_the_p_value_is_that_of_the_sum_of_two_t():
    made = exact([0.0, 1.0, 2.6], 0.2)
    draws = np.random.default_rng(0)
    error = float(made.scatter) ** 0.5 * draws.standard_t(2, 2_000_000) + 0.2**0.5 * draws.standard_normal(2_000_000)
    assert float(two_sided_p(made)) == pytest.approx((np.abs(error) > 1.2).mean(), abs=0.0015)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.floats(0, 0.1), st.sampled_from([0.2, 0.05, 1e-3]))
def test_the_interval_holds_zero_exactly_where_p_is_at_least_alpha(by_seed, item_variance, alpha):
    made = exact(by_seed, item_variance + 1e-6)
    width, difference = float(half_width(made, alpha)), float(made.difference)
    if abs(abs(difference) - width) > 1e-6 * width:
        assert (abs(difference) > width) == (float(two_sided_p(made)) < alpha)


CASES = {
    "seeds": {"seed": 1.0, "item": 0.1, "residual": 0.1},
    "seeds and items alike": {"seed": 0.25, "item": 1.0, "residual": 0.1},
    "items": {"item": 1.0, "residual": 0.1},
    "residual": {"residual": 1.0},
    "all, heavy tails": {"seed": 0.1, "item": 1.0, "residual": 1.0, "heavy": True},
}


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("case", CASES)
def test_intervals_of_continuous_items_cover_the_truth(seeds, case):
    made = variance_components(crossed(3000, seeds, 60, **CASES[case], source=3), np.ones(60))
    missed = int((two_sided_p(made) < 0.05).sum())
    assert stats.binomtest(missed, 3000, 0.055, alternative="greater").pvalue > 0.001
    far = int((two_sided_p(made) < 0.001).sum())
    assert stats.binomtest(far, 3000, 0.0015, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("item", [0.0, 1.0, 6.0])
def test_intervals_of_binary_items_cover_the_truth(seeds, item):
    made = variance_components(binary(3000, seeds, 60, item=item, source=4), np.ones(60), binary=True)
    missed = int((two_sided_p(made) < 0.05).sum())
    assert stats.binomtest(missed, 3000, 0.055, alternative="greater").pvalue > 0.001


def test_intervals_of_documents_of_very_unequal_length_cover_the_truth():
    draws = np.random.default_rng(5)
    missed = 0
    for _ in range(400):
        weight = draws.lognormal(7, 1.0, 80)
        rate = draws.normal(0, 0.2, (1, 80)) + draws.normal(0, 0.02, (3, 80)) + draws.normal(0, 0.01, (3, 1))
        missed += float(two_sided_p(variance_components(rate * weight, weight))) < 0.05
    assert stats.binomtest(missed, 400, 0.06, alternative="greater").pvalue > 0.01


def test_welch_satterthwaite_would_miss_too_often_with_two_seeds():
    """Why the reference is not a t on Satterthwaite's degrees of freedom."""
    made = variance_components(crossed(8000, 2, 60, seed=(2 / 60) ** 0.5, item=1, residual=0.1, source=6), np.ones(60))
    ratio = np.abs(made.difference) / made.standard_error
    p = 2 * stats.t.sf(ratio, satterthwaite_df(made))
    assert (p < 0.001).mean() > 0.003
    assert (two_sided_p(made) < 0.001).mean() <= 0.001


def test_the_bootstrap_agrees_with_the_closed_form():
    d = crossed(20, 3, 300, seed=0.1, item=1.0, residual=1.0)
    resampled = resample(d, np.ones(300), 4000, generator(0, "x"))
    made = variance_components(d, np.ones(300))
    assert resampled.standard_error == pytest.approx(made.standard_error, rel=0.08)
    assert resampled.item_standard_error == pytest.approx(np.sqrt(made.items_on_these_seeds), rel=0.06)


def test_resampling_depends_on_its_seed_and_name_alone():
    d = crossed(2, 3, 50, item=1.0)
    first, again, other = (resample(d, np.ones(50), 200, generator(0, name)) for name in ("a", "a", "b"))
    assert (first.standard_error == again.standard_error).all()
    assert (first.standard_error != other.standard_error).all()


def test_the_portions_in_which_items_are_drawn_change_no_figure(monkeypatch):
    """All items of a large task at once took gigabytes."""
    d = np.random.default_rng(4).normal(size=(2, 3, 70))
    found = []
    for most in (1, 1000, 10**9):
        monkeypatch.setattr(bootstrap, "MOST_DRAWS", most)
        found.append(resample(d, np.ones(70), 200, generator(0, "x")))
    for other in found[1:]:
        np.testing.assert_allclose(other.standard_error, found[0].standard_error, rtol=1e-12)
        np.testing.assert_allclose(other.skewness, found[0].skewness, rtol=1e-9)


def test_holm_agrees_with_a_hand_computed_example():
    # ordered 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, then 0.04 raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_holm_is_monotone_and_does_not_know_the_order(p, random):
    adjusted = holm(p)
    assert (adjusted >= np.asarray(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.asarray(p) + 1e-12)).all()
    order = list(range(len(p)))
    random.shuffle(order)
    assert holm([p[i] for i in order]) == pytest.approx([adjusted[i] for i in order])


def test_equivalence_is_the_interval_at_1_minus_2_alpha_within_the_margin():
    made = exact([0.010, 0.004, 0.001], 1e-6)
    edge = float(made.difference + half_width(made, 0.10))
    assert float(equivalence_p(made, edge)) == pytest.approx(0.05, rel=1e-6)
    assert float(equivalence_p(made, edge * 1.01)) < 0.05 < float(equivalence_p(made, edge * 0.99))


def test_equal_arms_without_any_variation_are_equivalent():
    made = exact([0.0, 0.0])
    assert (float(two_sided_p(made)), float(equivalence_p(made, 0.01))) == pytest.approx((1.0, 0.0))


@pytest.mark.parametrize(
    ("difference", "p", "equal", "better_is", "verdict"),
    [
        (-0.1, 0.01, 0.9, "lower", "better"),
        (-0.1, 0.01, 0.9, "higher", "worse"),
        (0.1, 0.01, 0.01, "higher", "better"),
        (0.1, 0.05, 0.01, "higher", "equivalent"),
        (0.1, 0.05, 0.05, "higher", "not resolved"),
        (0.1, None, None, "higher", "not resolved"),
    ],
)
def test_a_verdict_goes_by_direction_and_difference_before_equivalence(difference, p, equal, better_is, verdict):
    assert verdict_of(difference, p, equal, alpha=0.05, better_is=better_is) == verdict


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("difference", [0.5, 1.0, 3.0])
def test_power_is_that_of_the_noncentral_t_where_seeds_dominate(seeds, difference):
    planned = planned_power(difference, Design(1 / seeds, 0, num_seeds=seeds, alpha=0.05))
    assert planned == pytest.approx(power_seeds_only(difference, 1.0, seeds, 0.05), abs=1e-5)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("item", [0.02, 1.0, 4.0])
def test_planned_power_is_what_simulation_finds(seeds, item):
    truth, studies = 3.0 / seeds**0.5, 4000
    d = crossed(studies, seeds, 200, seed=0.6, item=item, source=9) + truth
    found = int((two_sided_p(variance_components(d, np.ones(200))) < 0.05).sum())
    planned = planned_power(truth, Design(0.36 / seeds, item**2 / 200, num_seeds=seeds, alpha=0.05))
    assert found / studies == pytest.approx(planned, abs=3.5 * (0.25 / studies) ** 0.5)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("seed", "item", "alpha"), [(0.0, 0.0, 0.05), (0.0, 0.5, 0.01), (0.1, 0.5, 0.01)])
def test_planned_power_knows_the_residual_floor_that_the_test_has(seeds, seed, item, alpha):
    """Where seeds differ by the residual alone, two of them resolve far more than a t on one degree of freedom."""
    items, studies = 200, 4000
    residual = 1 / (seeds * items)
    design = Design(seed**2 / seeds + residual, item**2 / items, num_seeds=seeds, alpha=alpha, residual=residual)
    truth = minimum_detectable(design, power=0.6)
    d = crossed(studies, seeds, items, seed=seed, item=item, residual=1.0, source=10) + truth
    found = int((two_sided_p(variance_components(d, np.ones(items))) < alpha).sum())
    assert found / studies == pytest.approx(0.6, abs=3.5 * (0.24 / studies) ** 0.5 + 0.015)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(2, 5), st.sampled_from([0.05, 1e-3]))
def test_a_difference_is_critical_exactly_where_its_p_is_alpha(seed, item, residual, num_seeds, alpha):
    design = Design(seed + residual + 1e-3, item, num_seeds=num_seeds, alpha=alpha, residual=residual)
    unit = np.zeros(num_seeds)
    unit[:2] = np.array([1, -1]) * (num_seeds * (num_seeds - 1) / 2) ** 0.5
    x = chi_squared_grid(num_seeds - 1)
    nodes = x[0][x[1] > 1e-9]
    for node in (0, len(nodes) // 2, len(nodes) - 1):
        scatter = design.seed_variance * nodes[node] / (num_seeds - 1)
        made = exact(scatter**0.5 * unit + design.critical[0][node], item, residual)
        assert float(two_sided_p(made)) == pytest.approx(alpha, rel=1e-5)


def test_the_least_variance_of_accuracies_bounds_what_is_detectable():
    without, bounded = (Design(1e-8, 0, 3, 0.05, residual=1e-8, least_variance=least) for least in (0.0, 1e-4))
    assert minimum_detectable(bounded) > 1.9e-2 > 20 * minimum_detectable(without)


def test_the_minimum_detectable_difference_is_found_with_the_power_it_says():
    design = Design(seed_variance=0.1, item_variance=0.3, num_seeds=4, alpha=0.01)
    least = minimum_detectable(design, power=0.8)
    assert planned_power(least, design) == pytest.approx(0.8, abs=1e-6)
    assert minimum_detectable(dataclasses.replace(design, num_seeds=8)) < least
    with pytest.raises(ValueError, match="with one seed no difference can be resolved"):
        dataclasses.replace(design, num_seeds=1)
