"""The win rate and what stands beside it, against published examples, exact formulas and planted judges."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom

from titrant.analyze.judged import (
    ORDERS,
    Judgement,
    judge_pairs_of_arms,
    krippendorff_alpha,
    read_judgements,
    sign_test,
    wilson_interval,
)
from titrant.analyze.length_control import length_controlled
from titrant.errors import StoreError

WORDS = {1.0: ("arm", "arm"), 0.0: ("control", "control"), 0.5: ("arm", "control"), None: ("arm", "unusable")}


def said(scores, judge="j", lengths=None) -> list[Judgement]:
    """What a judge said of items, from its scores: None is unusable in one order."""
    lengths = lengths or [(10, 10)] * len(scores)
    return [
        Judgement(f"item-{i:03d}", judge, order, choice, *lengths[i])
        for i, score in enumerate(scores)
        for order, choice in zip(ORDERS, WORDS[score], strict=True)
    ]


def test_the_win_rate_is_wins_and_half_of_the_ties_over_pairs():
    found = judge_pairs_of_arms({0: said([1.0] * 5 + [0.5] * 4 + [0.0] * 3)})
    assert found is not None
    assert (found.tally.wins, found.tally.ties, found.tally.losses) == (5, 4, 3)
    assert found.win_rate == found.tally.win_rate == found.by_judge["j"].win_rate == (5 + 2) / 12
    assert found.low < found.win_rate < found.high
    assert (found.items_won, found.items_lost) == (5, 3)
    assert found.sign_p == pytest.approx(2 * binom.cdf(3, 8, 0.5))


def test_unusable_pairs_are_counted_and_no_part_of_the_rate():
    found = judge_pairs_of_arms({0: said([1.0, 1.0, 0.0, None, None])})
    assert found is not None
    assert found.tally.unusable == 2
    assert found.win_rate == pytest.approx(2 / 3)
    assert found.items == ("item-000", "item-001", "item-002")


def test_an_item_unusable_in_one_seed_counts_in_none():
    found = judge_pairs_of_arms({0: said([1.0, 1.0, 0.0]), 1: said([1.0, None, 0.0])})
    assert found is not None
    assert found.items == ("item-000", "item-002")
    assert found.tally.pairs == 4
    assert found.tally.unusable == 2


def test_nothing_is_said_of_fewer_than_two_items():
    assert judge_pairs_of_arms({0: said([1.0, None])}) is None


def test_several_judges_decide_by_majority():
    judges = {"a": [1.0, 1.0, 0.5, None], "b": [1.0, 0.0, 0.0, 1.0], "c": [0.0, 0.5, 0.5, 0.5]}
    rows = [row for name, scores in judges.items() for row in said(scores, name)]
    found = judge_pairs_of_arms({0: rows})
    assert found is not None
    assert found.score.tolist() == [[1.0, 0.5, 0.0, 1.0]]
    assert found.by_judge["a"].unusable == 1
    assert found.tally.unusable == 0


@pytest.mark.parametrize(("favours", "first"), [("arm first", 12), ("control first", 0)], ids=["first", "second"])
def test_a_judge_that_always_takes_one_place_is_found_out(favours: str, first: int):
    rows = [
        Judgement(f"item-{i}", "j", order, "arm" if order == favours else "control", 5, 5)
        for i, order in product(range(12), ORDERS)
    ]
    found = judge_pairs_of_arms({0: rows})
    assert found is not None
    place = found.position["j"]
    assert (place.pairs, place.decided_by_place, place.first, place.rate) == (12, 12, first, 1.0)
    assert place.p_value == pytest.approx(2 * 0.5**12)
    assert found.win_rate == 0.5


def test_an_item_is_won_by_all_its_seeds_together():
    scores = {0: [1.0, 1.0, 0.0, 1.0], 1: [0.0, 1.0, 0.5, 0.5], 2: [0.0, 0.0, 0.5, 0.5]}
    found = judge_pairs_of_arms({seed: said(row) for seed, row in scores.items()})
    assert found is not None
    assert (found.items_won, found.items_lost) == (2, 2)


def test_equal_answers_are_ties_that_say_nothing_of_the_place():
    rows = [Judgement(f"item-{i}", "j", order, "tie", 5, 5) for i, order in product(range(4), ORDERS)]
    found = judge_pairs_of_arms({0: rows})
    assert found is not None
    assert found.win_rate == 0.5
    assert found.position["j"].rate is None
    assert found.sign_p == 1.0


def test_missing_and_repeated_judgements_are_errors():
    rows = said([1.0, 0.0, 0.5])
    with pytest.raises(StoreError, match="has not judged item 'item-002' in both orders"):
        judge_pairs_of_arms({0: rows[:-1]})
    with pytest.raises(StoreError, match="judged item 'item-002' twice with the control first"):
        judge_pairs_of_arms({0: [*rows, rows[-1]]})
    with pytest.raises(StoreError, match="seed 1: judge 'j' has not judged item 'item-002'"):
        judge_pairs_of_arms({0: rows, 1: rows[:4]})


def test_rows_are_read_as_they_were_written(tmp_path: Path):
    rows = said([1.0, 0.5, None])
    pq.write_table(pa.Table.from_pylist([vars(row) for row in rows]), tmp_path / "judgements.parquet")
    assert read_judgements(tmp_path) == rows
    pq.write_table(pa.Table.from_pylist([vars(rows[0]) | {"choice": "both"}]), tmp_path / "judgements.parquet")
    with pytest.raises(StoreError, match="choice 'both'"):
        read_judgements(tmp_path)
    (tmp_path / "judgements.parquet").write_bytes(b"torn")
    with pytest.raises(StoreError, match="cannot be read"):
        read_judgements(tmp_path)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=12),
        min_size=1,
        max_size=3,
    )
)
def test_swapping_arm_and_control_mirrors_everything(scores):
    lengths = [(10 + 7 * i % 13, 12) for i in range(12)]
    forth = judge_pairs_of_arms({s: said(row, lengths=lengths) for s, row in enumerate(scores)})
    mirrored = [[1 - score for score in row] for row in scores]
    back = judge_pairs_of_arms({s: said(row, lengths=[(b, a) for a, b in lengths]) for s, row in enumerate(mirrored)})
    assert forth is not None
    assert back is not None
    assert 0 <= forth.low <= forth.win_rate <= forth.high <= 1
    assert back.win_rate == pytest.approx(1 - forth.win_rate)
    assert (back.low, back.high) == pytest.approx((1 - forth.high, 1 - forth.low), abs=1e-9)
    assert back.sign_p == pytest.approx(forth.sign_p)
    assert forth.length_controlled is not None
    assert back.length_controlled is not None
    assert back.length_controlled.rate == pytest.approx(1 - forth.length_controlled.rate, abs=1e-7)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draws, covered = np.random.default_rng(1), 0
    for _ in range(300):
        chance = 0.7 + 0.15 * draws.standard_normal(40).clip(-1.5, 1.5)
        scores = [(draws.random(40) < chance).astype(float).tolist() for _ in range(3)]
        found = judge_pairs_of_arms({seed: said(row) for seed, row in enumerate(scores)})
        assert found is not None
        covered += found.low <= 0.7 <= found.high
    assert 0.92 <= covered / 300 <= 1.0


def test_wins_of_everything_leave_an_interval_below_one():
    found = judge_pairs_of_arms({0: said([1.0] * 10)})
    assert found is not None
    assert (found.low, found.high) == pytest.approx(wilson_interval(1.0, 10, 0.05))
    assert found.low < 0.8


def test_the_sign_test_without_a_sign_says_nothing():
    assert sign_test(0, 0) == 1.0
    assert sign_test(5, 5) == 1.0


def test_krippendorffs_alpha_is_that_of_his_own_example():
    """Krippendorff (2011), section C and D: four observers, twelve units, missing values; interval metric 0.849."""
    n = np.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
        [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
    ]
    assert krippendorff_alpha(np.array(observers)) == pytest.approx(0.849, abs=5e-4)


def test_agreement_needs_two_judges_and_some_variety():
    assert krippendorff_alpha(np.array([[1.0, 0.0, 0.5]])) is None
    assert krippendorff_alpha(np.array([[1.0, 1.0], [1.0, 1.0]])) is None
    assert krippendorff_alpha(np.array([[1.0, 0.0], [1.0, 0.0]])) == 1.0
    found = krippendorff_alpha(np.array([[1.0, 0.0] * 50, [0.0, 1.0] * 50]))
    assert found is not None
    assert found < -0.9


def test_a_judge_that_only_likes_length_is_neutral_at_equal_lengths():
    draws = np.random.default_rng(5)
    longer = draws.normal(40, 60, (2, 400))
    score = (draws.random((2, 400)) < expit(2 * np.tanh(longer / longer.std()))).astype(float)
    assert score.mean() > 0.65
    found = length_controlled(score, longer, 0.05)
    assert found is not None
    assert found.low < 0.5 < found.high
    assert abs(found.rate - 0.5) < 0.06
    assert found.length_effect > 1


def test_without_a_length_effect_the_rate_is_the_win_rate():
    draws = np.random.default_rng(6)
    score = np.repeat([1.0, 0.5, 0.0, 1.0], 100)[None]
    found = length_controlled(score, draws.permuted(np.tile([-5.0, 5.0], 200))[None], 0.05)
    assert found is not None
    assert found.rate == pytest.approx(score.mean(), abs=0.02)
    assert abs(found.length_effect) < 0.5


def test_the_length_controlled_interval_covers_the_truth_as_often_as_it_says():
    draws, covered, theta = np.random.default_rng(2), 0, 0.8
    for _ in range(300):
        longer = draws.normal(20, 50, (1, 80))
        score = (draws.random((1, 80)) < expit(theta + np.tanh(longer / longer.std()))).astype(float)
        found = length_controlled(score, longer, 0.05)
        assert found is not None
        covered += found.low <= expit(theta) <= found.high
    assert 0.91 <= covered / 300 <= 0.99


def test_winning_everything_stays_finite_at_equal_lengths():
    found = length_controlled(np.ones((1, 30)), np.linspace(-50, 80, 30)[None], 0.05)
    assert found is not None
    assert 0.8 < found.rate < 1
    # two lengths alone: Firth's penalty is half a win and half a loss more for each (Heinze and Schemper 2002)
    halves = length_controlled(np.ones((1, 30)), np.repeat([-5.0, 5.0], 15)[None], 0.05)
    assert halves is not None
    assert halves.rate == pytest.approx(15.5 / 16)


def test_equal_lengths_and_few_items_tell_nothing_of_length():
    assert length_controlled(np.ones((1, 30)), np.full((1, 30), 7.0), 0.05) is None
    assert length_controlled(np.ones((1, 5)), np.arange(5.0)[None], 0.05) is None
    longer = np.stack([np.zeros(30), np.arange(30.0)])
    assert length_controlled(np.ones((2, 30)), longer, 0.05) is None
