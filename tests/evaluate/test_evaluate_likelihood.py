"""A score does not depend on batch size, order, padding, or on how training left the number formats."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_evaluate import VOCABULARY, WINDOW
from transformers import AutoModelForCausalLM

from outside_families import FAMILIES
from titrant.evaluate.likelihood import ROWS_AT_ONCE, CausalScorer, Output, _joined_sums
from titrant.evaluate.models import scorer_of
from titrant.model.outside import OutsideModel
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture


def bigram_scorer(table, batch_tokens=64, window=8):
    """A model whose next token depends on the last one alone: log-probabilities are read from a table."""
    size = len(table)

    def hidden(tokens_BT):
        return torch.nn.functional.one_hot(tokens_BT, size).float()

    return CausalScorer(
        hidden,
        Output(torch.from_numpy(table).float().T),
        window,
        size,
        torch.device("cpu"),
        lambda attend, tokens_BT, positions_BT: hidden(tokens_BT),
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


def test_the_tokens_of_a_forward_pass_change_no_bit(model):
    scorer, sequences = scorer_of(model, WINDOW), sequences_of_many_lengths()
    together = scorer.token_nats(sequences)
    for tokens in (16, 100, 1000, 3000):
        batched = replace(scorer, batch_tokens=tokens).token_nats(sequences)
        assert all(np.array_equal(one, other) for one, other in zip(together, batched, strict=True))


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


def counting(scorer):
    """The scorer, and the tokens of its forward passes."""
    read = []

    def hidden_with(attend, tokens_BT, positions_BT):
        read.append(tokens_BT[0].tolist())
        return scorer.hidden_with(attend, tokens_BT, positions_BT)

    return replace(scorer, hidden_with=hidden_with), read


def test_a_beginning_that_sequences_share_is_read_once():
    # three choices of one token, and one of two tokens after the same context
    scorer, read = counting(bigram_scorer(TABLE))
    scorer.token_nats([[1, 2, 3, 0], [1, 2, 3, 1], [1, 2, 3, 2], [1, 2, 3, 4, 4]], [3] * 4)
    assert [tokens[:4] for tokens in read] == [[1, 2, 3, 4]]
    # shots before many questions, read over several chunks
    shots = [1, 2, 3, 4] * 20
    questions = [[*shots, a, b, c] for a in range(4) for b in range(4) for c in range(4)]
    scorer, read = counting(bigram_scorer(TABLE, batch_tokens=16, window=90))
    scorer.token_nats(questions)
    assert sum(map(len, read)) == 16 * 7  # 80 of the shots, 4 + 16 of the questions, filled up to 16
    assert read[0] == shots[:16]


def test_a_model_without_a_door_reads_every_distinct_sequence_by_itself():
    read = []
    scorer = replace(bigram_scorer(TABLE), hidden_with=None)
    scorer = replace(scorer, forward=lambda tokens, inner=scorer.forward: read.append(tokens.tolist()) or inner(tokens))
    sequences = [[1, 2, 3, 0], [1, 2, 3, 1], [1, 2, 4, 1], [1, 2, 3, 4, 4]]
    found = scorer.token_nats(sequences)
    assert read == [[[1, 2, 3]], [[1, 2, 3, 4]], [[1, 2, 4]]]
    for one, other in zip(found, bigram_scorer(TABLE).token_nats(sequences), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_token_is_best_where_greedy_decoding_would_take_it():
    greedy = [0]
    for _ in range(6):
        greedy.append(int(TABLE[greedy[-1]].argmax()))
    other = [*greedy[:3], (greedy[3] + 1) % 5, *greedy[4:]]
    [right, wrong] = bigram_scorer(TABLE).token_scores([greedy, other], [1, 2])
    assert right.best.tolist() == [True] * 6
    assert wrong.best.tolist()[:2] == [True, False]
    assert wrong.nats.dtype == np.float32


def test_nothing_to_score_gives_nothing():
    scorer = bigram_scorer(TABLE)
    assert scorer.token_nats([]) == []
    assert [len(nats) for nats in scorer.token_nats([[3], [1, 2]], [1, 2])] == [0, 0]


@pytest.mark.parametrize("items", [1, 7, 64])
def test_no_item_changes_by_one_bit_with_what_is_scored_beside_it(model, items):
    scorer, sequences = scorer_of(model, WINDOW), sequences_of_many_lengths()
    contexts = sequences[:16]
    sequences = [[*context[: WINDOW // 2], *choice[:9]] for context in contexts for choice in sequences[16:20]]
    together = scorer.token_scores(sequences)
    order = np.random.default_rng(3).permutation(len(sequences))
    for batch in np.array_split(order, len(order) // items):
        for i, found in zip(batch, scorer.token_scores([sequences[i] for i in batch]), strict=True):
            assert np.array_equal(found.nats, together[i].nats)
            assert np.array_equal(found.best, together[i].best)


def test_long_texts_change_no_bit_wherever_they_are_cut():
    # a product over 256 keys or more is summed in parts: what is filled up must be the same for a token wherever it is
    model = Transformer(Architecture(layers=2, width=128, heads=2, ffn_width=64), vocabulary=64)
    model.initialise(2)
    random = np.random.default_rng(6)
    context = random.integers(0, 64, 330).tolist()
    sequences = [[*context[:size], *random.integers(0, 64, 9).tolist()] for size in (330, 250, 190, 320)]
    scorer = scorer_of(model, 512)
    together = scorer.token_nats(sequences)
    for tokens in (48, 80, 144, 1000):
        batched = replace(scorer, batch_tokens=tokens)
        for one, nats in zip(sequences, together, strict=True):
            assert np.array_equal(batched.token_nats([one])[0], nats)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "granite", "cohere", "mistral", "gemma2"])
def test_a_model_of_any_family_scores_as_its_library_does_one_sequence_at_a_time(name):
    torch.manual_seed(0)
    library = AutoModelForCausalLM.from_config(FAMILIES[name], dtype=torch.float32).eval()
    random = np.random.default_rng(5)
    contexts = [random.integers(0, 300, size).tolist() for size in (0, 1, 60, 90)]
    sequences = [[7, *c, *random.integers(0, 300, size).tolist()] for c in contexts for size in (2, 1, 20)]
    scorer = replace(scorer_of(OutsideModel(library, {}), 128), batch_tokens=48)  # several chunks
    assert (scorer.hidden_with is None) == (name in ("mistral", "gemma2"))
    for sequence, found in zip(sequences, scorer.token_scores(sequences), strict=True):
        with torch.no_grad():
            library.set_attn_implementation("eager")
            logits = library(input_ids=torch.tensor([sequence[:-1]]), use_cache=False).logits[0].double()
        expected = -torch.log_softmax(logits, -1)[range(len(sequence) - 1), sequence[1:]]
        np.testing.assert_allclose(found.nats, expected.numpy(), rtol=1e-5, atol=1e-5)
        assert found.best.tolist() == (logits.argmax(-1) == torch.tensor(sequence[1:])).tolist()


def test_sums_over_blocks_of_the_vocabulary_do_not_depend_on_how_many_rows_there_are() -> None:
    blocks = torch.randn(12, ROWS_AT_ONCE, generator=torch.Generator().manual_seed(0)) * 3
    whole = _joined_sums(list(blocks))
    assert torch.allclose(whole, torch.logsumexp(blocks.double(), 0).float())
    for count in (1, 16, 48, 80, 112, 240):
        for begin in (0, ROWS_AT_ONCE - count):
            rows = slice(begin, begin + count)
            assert torch.equal(_joined_sums(list(blocks[:, rows])), whole[rows])
