"""What a scorer relies on is proven first; where it does not hold, a slower way gives the same bits in any company."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_evaluate import VOCABULARY, WINDOW

from titrant.evaluate import rows
from titrant.evaluate.models import scorer_of
from titrant.evaluate.rows import prove_rows


def some_sequences():
    random = np.random.default_rng(4)
    context = random.integers(0, VOCABULARY, WINDOW // 2).tolist()
    return [[*context, *random.integers(0, VOCABULARY, size).tolist()] for size in (3, 1, 9, 5)]


def assert_alone_as_together(scorer):
    sequences = some_sequences()
    for one, nats in zip(sequences, scorer.token_nats(sequences), strict=True):
        assert np.array_equal(scorer.token_nats([one])[0], nats)


def test_on_this_machine_chunks_may_have_any_size(model):
    scorer = scorer_of(model, WINDOW)
    assert scorer.hidden_with is not None
    assert_alone_as_together(scorer)


@pytest.mark.parametrize("holds_in_any_place", [True, False])
def test_a_machine_whose_rows_depend_on_their_number_reads_chunks_of_one_size_or_sequences_alone(
    model, holds_in_any_place, monkeypatch
):
    expected = scorer_of(model, WINDOW).token_nats(some_sequences())
    monkeypatch.setattr(rows, "_same_for_any_count", lambda *_: False)
    monkeypatch.setattr(rows, "_same_in_any_place", lambda *_: holds_in_any_place)
    monkeypatch.setattr(rows, "WHOLE_TOKENS", 64)
    scorer = scorer_of(model, WINDOW)
    assert (scorer.whole, scorer.hidden_with is None) == (holds_in_any_place, not holds_in_any_place)
    assert_alone_as_together(scorer)
    for one, other in zip(scorer.token_nats(some_sequences()), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_chunk_of_one_size_is_filled_up(model):
    scorer, sizes = scorer_of(model, WINDOW), []

    def hidden_with(attend, tokens_BT, positions_BT):
        sizes.append(tokens_BT.shape[1])
        return scorer.hidden_with(attend, tokens_BT, positions_BT)

    replace(scorer, hidden_with=hidden_with, whole=True, batch_tokens=32).token_nats(some_sequences())
    assert len(sizes) > 1
    assert set(sizes) == {32}


def test_a_model_that_mixes_what_is_read_together_is_read_alone(model):
    scorer = scorer_of(model, WINDOW)

    def mixing(attend, tokens_BT, positions_BT):
        hidden_BTD = scorer.hidden_with(attend, tokens_BT, positions_BT)
        return hidden_BTD + 1e-3 * hidden_BTD.mean(dim=1, keepdim=True)

    proven = prove_rows(replace(scorer, hidden_with=mixing), [(8, 8)])
    assert proven.hidden_with is None
    assert_alone_as_together(proven)


def test_products_that_depend_on_the_number_of_rows_are_found_out(monkeypatch):
    def by_count(given, weight):
        return torch.nn.functional.linear(given, weight) + len(given)

    def by_place(given, weight):
        return torch.nn.functional.linear(given, weight) + torch.arange(len(given))[:, None]

    cpu = torch.device("cpu")
    for product, any_count, any_place in ((by_count, False, True), (by_place, False, False)):
        rows._same_for_any_count.cache_clear()
        rows._same_in_any_place.cache_clear()
        monkeypatch.setattr(rows, "linear", product)
        assert rows._same_for_any_count(((8, 8),), 64, cpu) is any_count
        assert rows._same_in_any_place(((8, 8),), 64, cpu) is any_place
    rows._same_for_any_count.cache_clear()
    rows._same_in_any_place.cache_clear()
