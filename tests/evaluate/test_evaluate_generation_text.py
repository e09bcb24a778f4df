"""One number decides a token, stop sequences are found in text, and texts that say nothing are told."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from titrant.evaluate.generation import Prompt, is_empty, is_looping
from titrant.evaluate.generation.prompts import fit_prompt
from titrant.evaluate.generation.sampling import Draws, choose_tokens
from titrant.evaluate.generation.stopping import Answer, cut_before
from titrant.study.tasks import Sampling

# drawing


def test_numbers_are_uniform_and_keyed_by_seed_prompt_sample_and_place():
    numbers = [Draws(seed, prompt, sample).number(place)
               for seed in (0, 1) for prompt in ("a", "b/c", "1/a") for sample in (0, 1) for place in range(400)]  # fmt: skip
    assert len(set(numbers)) == len(numbers)
    assert kstest(numbers, "uniform").pvalue > 1e-3
    assert all(0 <= number < 1 for number in numbers)


def test_the_numbers_are_the_same_on_every_machine():
    assert [round(Draws(7, "humaneval/3", 2).number(place), 6) for place in (0, 1, 500)] == [
        0.620787,
        0.931835,
        0.014493,
    ]


def oracle(logits, temperature, top_p, number):
    """A loop in float64: sort, cut, walk."""
    weights = np.exp((np.asarray(logits, np.float64) - max(logits)) / temperature)
    weights /= weights.sum()
    kept, mass = [], 0.0
    for token in sorted(range(len(weights)), key=lambda token: (-weights[token], token)):
        kept.append(token)
        mass += weights[token]
        if mass >= top_p:
            break
    total, passed = sum(weights[token] for token in kept), 0.0
    for token in sorted(kept):
        passed += weights[token]
        if passed > number * total:
            return token, abs(passed - number * total), abs(mass - top_p)
    raise AssertionError


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-40, 40).map(lambda x: x / 8), min_size=1, max_size=30),
    st.sampled_from([0.2, 0.8, 1.0, 3.0]),
    st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]),
    st.integers(0, 2**20 - 1).map(lambda x: x / 2**20),
)
def test_a_token_is_the_one_that_a_walk_over_the_nucleus_finds(logits, temperature, top_p, number):
    expected, border, rim = oracle(logits, temperature, top_p, number)
    sampling = Sampling(temperature=temperature, top_p=top_p)
    rows = torch.tensor([logits, logits[::-1]])
    found = choose_tokens(rows, sampling, [number, number])
    assert found[0] == expected or border < 1e-5 or rim < 1e-5
    assert found == [choose_tokens(row[None], sampling, [number])[0] for row in rows]


def test_many_draws_have_the_models_probabilities():
    logits = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.0, -9.0])
    draws = Draws(0, "a", 0)
    count = 4000
    for sampling in (Sampling(temperature=1.0), Sampling(temperature=2.0), Sampling(temperature=1.0, top_p=0.85)):
        numbers = [draws.number(place) for place in range(count)]
        drawn = Counter(choose_tokens(logits.expand(count, -1), sampling, numbers))
        weights = torch.softmax(logits / sampling.temperature, -1).double()
        if sampling.top_p < 1:
            assert set(drawn) == {0, 3}
            weights[[1, 2, 4, 5]] = 0
        expected = (weights / weights.sum() * count).numpy()
        seen = expected > 0
        assert chisquare([drawn[t] for t in np.flatnonzero(seen)], expected[seen]).pvalue > 1e-3


def test_extreme_logits_and_temperatures_draw_the_likeliest():
    logits = torch.tensor([[1e30, -1e30, 3e38, 0.0], [-3e38, -3e38, -3e38, -1e38]])
    for sampling in (Sampling(), Sampling(temperature=1e-3), Sampling(temperature=1e-3, top_p=0.5)):
        assert choose_tokens(logits, sampling, [0.999, 0.0]) == [2, 3]


# ending


def answered(encoder, prompt, tokens, room=1000):
    prompt = Prompt("a", prompt.text, prompt.stop, tokens=tuple(encoder.encode([prompt.text])[0]) or (0,))
    answer = Answer(prompt, fit_prompt(prompt, prompt.tokens, room, 10_000), encoder)
    for token in tokens:
        answer.add(token)
        if answer.finished:
            break
    return answer


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="ab \n:é中🙂\x00ש", max_size=30),
    st.text(alphabet="ab \n:é中🙂", max_size=4),
    st.lists(st.text(alphabet="ab \n:é中🙂", min_size=1, max_size=3), max_size=3),
)
def test_an_answer_ends_with_the_token_that_completes_a_stop_sequence(encoder, text, before, stop):
    tokens = encoder.encode([text])[0]
    answer = answered(encoder, Prompt("a", before, tuple(stop)), tokens, room=len(tokens) + 1)
    hits = [n for n in range(len(tokens) + 1) if any(s in encoder.decode(tokens[:n]) for s in stop)]
    if hits:
        assert answer.ended == "stop"
        assert len(answer.tokens) == hits[0]
        assert answer.generated().text == cut_before(encoder.decode(tokens[: hits[0]]), stop)
        # a longer stop sequence that begins earlier and would end later is never drawn
        assert text.startswith(answer.generated().text)
    else:
        assert not answer.finished
        if tokens:
            answer.ended = "length"
            assert answer.generated().text == text  # not a character is lost, white space included


def test_a_stop_sequence_of_the_prompt_does_not_end_its_answer(encoder):
    tokens = encoder.encode(["\nb"])[0]
    assert not answered(encoder, Prompt("a", "a\n", ("\n\n",)), tokens).finished


def test_bytes_that_are_no_text_do_not_hide_a_stop_sequence(encoder):
    one_byte = encoder.encode(["\U0001f642"])[0][:1]
    assert encoder.decode(one_byte) == "\ufffd"
    answer = answered(encoder, Prompt("a", "x", ("stop",)), [*one_byte * 30, *encoder.encode([" stop it"])[0]])
    assert answer.ended == "stop"
    assert answer.generated().text.endswith("\ufffd ")


def test_the_end_of_text_ends_an_answer_and_is_no_part_of_it(encoder):
    answer = answered(encoder, Prompt("a", "x"), [*encoder.encode(["ab"])[0], encoder.end_of_text_id, 5])
    assert answer.generated().text == "ab"
    assert answer.generated().ended == "end_of_text"
    assert answer.generated().tokens == len(answer.tokens)


def test_whichever_ending_comes_first_ends_an_answer_and_is_no_part_of_it(encoder):
    ab = encoder.encode(["ab"])[0]
    for ending in (7, 9, encoder.end_of_text_id):
        answer = answered(encoder.ending_at([7, 9]), Prompt("a", "x"), [*ab, ending, 9, 7])
        assert (answer.ended, answer.tokens) == ("end_of_text", [*ab, ending])
        assert answer.generated().text == "ab"
        assert answered(encoder, Prompt("a", "x"), [*ab, ending]).finished == (ending == encoder.end_of_text_id)


def test_an_empty_stop_sequence_is_none(encoder):
    assert not answered(encoder, Prompt("a", "x", ("",)), encoder.encode(["ab"])[0]).finished


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.integers(1, 200), st.integers(2, 128))
def test_prompt_and_answer_always_fit_the_window(length, asked, window):
    fitted = fit_prompt(Prompt("a", ""), range(length), asked, window)
    assert fitted.tokens == tuple(range(fitted.cut, length))
    assert 1 <= fitted.room <= asked
    assert len(fitted.tokens) + fitted.room <= window
    assert fitted.narrow == (fitted.room < asked)
    if asked <= window // 2 and length + asked > window:
        assert len(fitted.tokens) == window - asked  # as lm-evaluation-harness cuts
    assert fitted.cut == 0 or len(fitted.tokens) >= window // 2


# texts that say nothing


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000", "\x00", "\u200b\n"])
def test_texts_without_a_visible_character_are_empty(text):
    assert is_empty(text)
    assert not is_looping(text)


@pytest.mark.parametrize("text", ["a", "\n  return 1", "。", "שלום"])
def test_texts_with_one_are_not(text):
    assert not is_empty(text)


@pytest.mark.parametrize(
    "text",
    [
        "Yes. " + "I am a model. " * 3,
        "Yes. " + "I am a model. " * 3 + "I am",
        "Yes. " + "I am a model. " * 3 + "I am a mod",
        "x = 1\n" * 3,
        "no no no no no no",
        "a" * 90,
        "我不知道。" * 18,
        "return " + "ab(" * 40,
    ],
)
def test_texts_that_end_in_a_loop_are_told(text):
    assert is_looping(text)


@pytest.mark.parametrize(
    "text",
    [
        "I am a model. I am a model. Good bye.",
        "I am a model. " * 3 + "No, I am a person.",
        "no no no no no",
        "a" * 89,
        "[0, 0, 0, 0, 0, 0]",
        "def f(x):\n    return x + x + x + 1\n",
    ],
)
def test_texts_that_do_not_are_not(text):
    assert not is_looping(text)
