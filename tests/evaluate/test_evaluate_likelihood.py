"""A score does not depend on batch size, order, padding, or on how training left the number formats."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_evaluate import VOCABULARY, WINDOW

from titrant.evaluate.likelihood import CausalScorer
from titrant.evaluate.models import scorer_of


def bigram_scorer(table, batch_tokens=64, window=8):
    """A model whose next token depends on the last one alone: log-probabilities are read from a table."""
    size = len(table)
    logits = torch.from_numpy(table).float()
    return CausalScorer(
        lambda tokens_BT: torch.nn.functional.one_hot(tokens_BT, size).float(),
        lambda hidden_ND: hidden_ND @ logits,
        window,
        size,
        torch.device("cpu"),
        batch_tokens,
    )


TABLE = np.random.default_rng(0).normal(size=(5, 5))


def test_a_bigram_model_is_scored_as_a_loop_over_its_table_in_float64():
    sequences = [[0, 1, 2, 3], [4, 4], [2], [0, 1, 4, 4, 4, 0, 1, 2, 3], [0, 1]]
    for sequence, nats in zip(sequences, bigram_scorer(TABLE).token_nats(sequences), strict=True):
        expected = []
        for before, token in pairwise(sequence):
            expected.append(np.log(np.exp(TABLE[before]).sum()) - TABLE[before, token])
        np.testing.assert_allclose(nats, expected, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_starts_and_shared_beginnings_change_no_value(data):
    sequences = data.draw(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), max_size=12))
    starts = [data.draw(st.integers(1, len(sequence))) for sequence in sequences]
    scorer = bigram_scorer(TABLE, batch_tokens=data.draw(st.integers(1, 100)))
    for sequence, start, nats in zip(sequences, starts, scorer.token_nats(sequences, starts), strict=True):
        alone = scorer.token_nats([sequence])[0][start - 1 :]
        np.testing.assert_allclose(nats, alone, rtol=1e-6)


def sequences_of_many_lengths():
    random = np.random.default_rng(1)
    return [random.integers(0, VOCABULARY, size).tolist() for size in random.integers(2, WINDOW + 1, 64)]


def test_batch_size_changes_nats_by_rounding_only(model):
    scorer, sequences = scorer_of(model, WINDOW), sequences_of_many_lengths()
    together = scorer.token_nats(sequences)
    for rows in (1, 3, 64):
        batched = replace(scorer, batch_tokens=rows * WINDOW).token_nats(sequences)
        for one, other in zip(together, batched, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_order_changes_no_bit(model):
    scorer, sequences = scorer_of(model, WINDOW), sequences_of_many_lengths()
    order = np.random.default_rng(2).permutation(len(sequences))
    shuffled = scorer.token_nats([sequences[i] for i in order])
    straight = scorer.token_nats(sequences)
    assert all(np.array_equal(straight[i], nats) for i, nats in zip(order, shuffled, strict=True))


def test_a_model_agrees_with_its_own_logits_read_one_sequence_at_a_time(model):
    sequences = sequences_of_many_lengths()[:8]
    found = scorer_of(model, WINDOW).token_nats(sequences)
    for sequence, nats in zip(sequences, found, strict=True):
        with torch.no_grad():
            logits = model.logits(torch.tensor([sequence[:-1]]))[0].double()
        expected = -torch.log_softmax(logits, -1)[range(len(sequence) - 1), sequence[1:]]
        np.testing.assert_allclose(nats, expected.numpy(), rtol=1e-5, atol=1e-5)


def test_number_formats_that_training_left_behind_do_not_reach_a_score(model):
    scorer, sequences = scorer_of(model, WINDOW), sequences_of_many_lengths()[:6]
    clean = scorer.token_nats(sequences)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            after_training = scorer.token_nats(sequences)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert all(np.array_equal(one, other) for one, other in zip(clean, after_training, strict=True))


def test_a_sequence_longer_than_the_window_is_refused():
    with pytest.raises(ValueError, match="10 tokens scored from 1: window 8"):
        bigram_scorer(TABLE).token_nats([[0] * 10])


def test_sequences_that_begin_alike_are_read_once():
    read = []
    scorer = bigram_scorer(TABLE)
    counting = replace(scorer, forward=lambda tokens_BT: read.append(tokens_BT.tolist()) or scorer.forward(tokens_BT))
    # three choices of one token, and one of two tokens after the same context
    counting.token_nats([[1, 2, 3, 0], [1, 2, 3, 1], [1, 2, 3, 2], [1, 2, 3, 4, 4]], [3] * 4)
    assert read == [[[1, 2, 3, 4]]]
