"""The endless order of one source: a bijection in every epoch that only content and seed decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.tokens.order import SourceOrder, num_sequences

CONTENT = "5a" * 32
sizes = st.integers(1, 3000)
seeds = st.integers(0, 2**31 - 1)


@given(size=sizes, seed=seeds, epoch=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_every_epoch_draws_every_sequence_once(size: int, seed: int, epoch: int) -> None:
    drawn = SourceOrder(CONTENT, seed, size).draw(epoch * size, size)
    assert np.array_equal(np.sort(drawn), np.arange(size))


@given(size=sizes, seed=seeds, start=st.integers(0, 10_000), count=st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_a_stretch_is_the_same_whether_drawn_at_once_or_one_by_one(
    size: int, seed: int, start: int, count: int
) -> None:
    order = SourceOrder(CONTENT, seed, size)
    at_once = order.draw(start, count)
    backwards = order.indices(np.arange(start, start + count)[::-1].copy())[::-1]
    assert np.array_equal(at_once, backwards)
    for place in range(0, count, 97):
        assert order.draw(start + place, 1)[0] == at_once[place]


def test_content_seed_and_epoch_each_change_the_order() -> None:
    base = SourceOrder(CONTENT, 1, 500).draw(0, 500)
    assert not np.array_equal(base, SourceOrder("5b" * 32, 1, 500).draw(0, 500))
    assert not np.array_equal(base, SourceOrder(CONTENT, 2, 500).draw(0, 500))
    assert not np.array_equal(base, SourceOrder(CONTENT, 1, 500).draw(500, 500))
    assert np.array_equal(base, SourceOrder(CONTENT, 1, 500).draw(0, 500))


def test_the_order_never_changes_between_versions() -> None:
    # stored runs and their proofs depend on these very numbers
    assert SourceOrder(CONTENT, 1, 10).draw(0, 20).tolist() == GOLDEN
    assert SourceOrder(CONTENT, 7, 1_000_003).draw(999_999, 6).tolist() == GOLDEN_LARGE


@pytest.mark.parametrize("size", [2, 3, 5, 16])
def test_each_sequence_is_as_likely_as_any_other_at_each_place(size: int) -> None:
    epochs = 6000
    drawn = SourceOrder(CONTENT, 1, size).draw(0, size * epochs).reshape(epochs, size)
    for place in range(size):
        counts = np.bincount(drawn[:, place], minlength=size)
        chi_square = ((counts - epochs / size) ** 2 / (epochs / size)).sum()
        # mean size - 1, variance 2 (size - 1): five standard deviations
        assert chi_square < size - 1 + 5 * np.sqrt(2 * (size - 1)) + 5


def test_neighbouring_places_are_not_neighbouring_sequences() -> None:
    drawn = SourceOrder(CONTENT, 3, 100_000).draw(0, 100_000)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn, np.arange(len(drawn)))[0, 1]) < 0.02


@given(tokens=st.integers(0, 2000), length=st.integers(1, 300))
def test_the_sequences_of_a_shard_are_those_that_fit(tokens: int, length: int) -> None:
    starts = [start for start in range(0, tokens, length) if start + length + 1 <= tokens]
    assert num_sequences(tokens, length) == len(starts)


GOLDEN = [6, 5, 4, 0, 1, 7, 9, 2, 3, 8, 8, 5, 0, 7, 4, 6, 3, 1, 2, 9]
GOLDEN_LARGE = [662320, 362810, 420596, 675335, 50056, 643184]
