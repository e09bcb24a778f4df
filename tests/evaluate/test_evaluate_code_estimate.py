"""pass@k and its interval, against counting and against simulation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.evaluate.code.estimate import interval, pass_at_k

COUNTS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)),
)


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_all_choices_of_k_samples_that_hold_a_right_one(counts: tuple[int, int, int]) -> None:
    samples, passed, k = counts
    chosen = list(combinations([True] * passed + [False] * (samples - passed), k))
    assert pass_at_k(samples, passed, k) == pytest.approx(sum(map(any, chosen)) / len(chosen), abs=1e-15)


def test_pass_at_k_is_without_bias() -> None:
    chance, samples, k = 0.3, 12, 4
    weights = [
        float(np.prod(range(samples - c + 1, samples + 1)) / np.prod(range(1, c + 1)))
        * chance**c
        * (1 - chance) ** (samples - c)
        for c in range(samples + 1)
    ]
    expected = sum(w * pass_at_k(samples, c, k) for c, w in enumerate(weights))
    assert expected == pytest.approx(1 - (1 - chance) ** k, abs=1e-12)


@settings(deadline=None)  # scipy is imported in the first example
@given(COUNTS)
def test_the_interval_holds_the_plain_share_and_widens_with_confidence(counts: tuple[int, int, int]) -> None:
    samples, passed, k = counts
    low, high = interval(samples, passed, k)
    assert 0 <= low <= 1 - (1 - passed / samples) ** k <= high <= 1
    assert low <= pass_at_k(samples, passed, k) <= high
    wider = interval(samples, passed, k, level=0.99)
    assert wider.low <= low
    assert high <= wider.high
    assert low == 0 or passed > 0
    assert high == 1 or passed < samples


@pytest.mark.parametrize("chance", [0.02, 0.1, 0.5, 0.8])
def test_the_interval_covers_as_often_as_it_says(chance: float) -> None:
    samples, k, draws = 20, 5, 4000
    passed = np.random.default_rng(7).binomial(samples, chance, draws)
    covered = {count: interval(samples, int(count), k) for count in set(passed.tolist())}
    truth = 1 - (1 - chance) ** k
    share = np.mean([covered[count].low <= truth <= covered[count].high for count in passed.tolist()])
    assert 0.9 <= share <= 1, "Jeffreys intervals of 20 samples cover 90 to 99 %"


@pytest.mark.parametrize(("samples", "passed", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_counts_that_cannot_be_are_refused(samples: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match="samples passed and k is"):
        pass_at_k(samples, passed, k)
    with pytest.raises(ValueError, match="samples passed and k is"):
        interval(samples, passed, k)
