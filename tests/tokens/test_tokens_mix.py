"""The mixture contract: exact apportionment, and each source within one sequence of its share at every prefix."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.errors import StudyError
from titrant.study.mixture import Mixture
from titrant.tokens import mix
from titrant.tokens.mix import BLOCK, Interleaving, apportion

weights = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 10_000), min_size=1, max_size=12
).filter(lambda given: any(given.values()))
counts = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 120), min_size=1, max_size=9
).filter(lambda given: any(given.values()))


def shares_of(weights: dict[str, int]) -> dict[str, Fraction]:
    return {name: Fraction(weight, sum(weights.values())) for name, weight in weights.items()}


def plain_turns(counts: dict[str, int]) -> list[str]:
    """Oracle: scan all sources at each slot, in exact fractions, for the released one with the earliest deadline."""
    total, taken, turns = sum(counts.values()), dict.fromkeys(counts, 0), []
    for slot in range(1, total + 1):
        released = [
            (math.ceil(Fraction((taken[name] + 1) * total, count)), name)
            for name, count in counts.items()
            if count and Fraction(taken[name] * total, count) < slot
        ]
        turns.append(min(released)[1])
        taken[turns[-1]] += 1
    return turns


@given(weights=weights, count=st.integers(0, 5000))
@settings(deadline=None)
def test_apportioned_sequences_sum_to_the_budget_and_lie_within_one_of_the_quota(
    weights: dict[str, int], count: int
) -> None:
    shares = shares_of(weights)
    given_out = apportion(shares, count)
    assert sum(given_out.values()) == count
    for name, share in shares.items():
        assert abs(given_out[name] - count * share) < 1
        assert share or given_out[name] == 0
    # Hamilton: nobody without an extra sequence has a larger remainder than somebody with one
    remainders = {name: count * share - math.floor(count * share) for name, share in shares.items()}
    up = [remainders[name] for name in shares if given_out[name] > math.floor(count * shares[name])]
    down = [remainders[name] for name in shares if given_out[name] == math.floor(count * shares[name])]
    assert not up or not down or min(up) >= max(down)


@given(weights=weights, count=st.integers(1, 5000), factor=st.integers(1, 1000), data=st.data())
@settings(deadline=None)
def test_key_order_and_scale_of_weights_change_nothing(
    weights: dict[str, int], count: int, factor: int, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(weights.items()))))
    scaled = {name: weight * factor for name, weight in shuffled.items()}
    ours, theirs = apportion(shares_of(weights), count), apportion(shares_of(scaled), count)
    assert ours == theirs
    assert list(ours) == list(theirs)
    one, other = Interleaving(ours), Interleaving(dict(reversed(theirs.items())))
    assert one.names == other.names
    assert np.array_equal(one.turns(0, count)[0], other.turns(0, count)[0])


@given(counts=counts)
@settings(deadline=None)
def test_every_prefix_holds_each_source_within_one_of_its_share(counts: dict[str, int]) -> None:
    interleaving = Interleaving(counts)
    turns, _ = interleaving.turns(0, interleaving.total)
    taken = dict.fromkeys(counts, 0)
    for place, turn in enumerate(turns, start=1):
        taken[interleaving.names[turn]] += 1
        for name, count in counts.items():
            assert abs(taken[name] * interleaving.total - place * count) < interleaving.total
    assert taken == counts


@given(counts=counts)
@settings(deadline=None)
def test_the_fast_turns_equal_the_plain_ones(counts: dict[str, int]) -> None:
    interleaving = Interleaving(counts)
    turns, _ = interleaving.turns(0, interleaving.total)
    assert [interleaving.names[turn] for turn in turns] == plain_turns(counts)


@given(counts=counts, data=st.data())
@settings(deadline=None, max_examples=50)
def test_any_stretch_of_turns_is_that_part_of_all_of_them(counts: dict[str, int], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mix, "BLOCK", data.draw(st.integers(1, 20)))
        interleaving = Interleaving(counts)
        total = interleaving.total
        everything, _ = Interleaving(counts).turns(0, total)
        start = data.draw(st.integers(0, total - 1))
        stop = data.draw(st.integers(start, total))
        turns, before = interleaving.turns(start, stop)
        assert np.array_equal(turns, everything[start:stop])
        assert np.array_equal(before, np.bincount(everything[:start], minlength=len(interleaving.names)))


def test_blocks_of_a_long_phase_fit_together() -> None:
    counts = {"a": 3 * BLOCK + 1, "b": BLOCK // 7, "c": 11}
    interleaving = Interleaving(counts)
    turns, _ = interleaving.turns(0, interleaving.total)
    assert np.bincount(turns).tolist() == list(counts.values())
    taken = np.cumsum(np.eye(3, dtype=np.int64)[turns], axis=0)
    due = np.arange(1, len(turns) + 1)[:, None] * np.array(list(counts.values()))
    assert (np.abs(taken * interleaving.total - due) < interleaving.total).all()
    late, before = Interleaving(counts).turns(2 * BLOCK + 5, 2 * BLOCK + 9)
    assert np.array_equal(late, turns[2 * BLOCK + 5 : 2 * BLOCK + 9])
    assert np.array_equal(before, taken[2 * BLOCK + 4])


def test_232_components_at_block_2048_realise_the_shares_that_were_planned() -> None:
    # a peer gave each block's whole remainder to the largest component: 90/8/2 became 80.9/17.2/2.0
    rows = [100 + 13 * shard % 977 for shard in range(228)]
    shares = {f"text-{shard:03d}": Fraction(90 * row, 100 * sum(rows)) for shard, row in enumerate(rows)}
    shares |= {"code-a": Fraction(5, 100), "code-b": Fraction(3, 100), "markup-a": Fraction(15, 1000)}
    shares |= {"markup-b": Fraction(5, 1000)}
    sequences = 64 * 2048
    interleaving = Interleaving(apportion(shares, sequences))
    turns, _ = interleaving.turns(0, sequences)
    kinds = np.array([name.split("-")[0] for name in interleaving.names])
    for kind, share in {"text": 0.90, "code": 0.08, "markup": 0.02}.items():
        realised = np.bincount(turns, minlength=len(kinds))[kinds == kind].sum() / sequences
        members = (kinds == kind).sum()
        assert abs(realised - share) < members / sequences
        # and in each block of 2048 by itself, not only on average
        first_block = np.bincount(turns[:2048], minlength=len(kinds))[kinds == kind].sum() / 2048
        assert abs(first_block - share) < (0.05 if kind == "text" else 0.002)


def test_a_weight_of_a_millionth_is_given_exactly_its_sequences_and_a_source_of_weight_zero_none() -> None:
    # a peer crashed or skewed the others at weights like these
    mixture = Mixture(weights={"text": 1, "rare": 1e-6, "never": 0})
    counted = apportion(mixture.shares, 3_000_003)
    assert counted == {"rare": 3, "text": 3_000_000}
    interleaving = Interleaving(counted)
    turns, _ = interleaving.turns(0, BLOCK)
    assert (turns == interleaving.names.index("rare")).sum() <= 1


def test_equal_remainders_go_by_name() -> None:
    third = Fraction(1, 3)
    assert apportion({"c": third, "a": third, "b": third}, 4) == {"a": 2, "b": 1, "c": 1}


def test_a_phase_beyond_the_range_of_exact_arithmetic_is_refused() -> None:
    with pytest.raises(StudyError, match="too long"):
        Interleaving({"a": 2**31, "b": 1})
