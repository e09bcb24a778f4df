"""Answers are what a plain loop over the model gives, and are the same in any batch and in any order."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tiny_evaluate import VOCABULARY, WINDOW
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from titrant.evaluate.generation import Prompt, engine, generate
from titrant.evaluate.generation.stopping import Answer
from titrant.evaluate.models import scorer_of
from titrant.model.outside import OutsideModel
from titrant.study.tasks import Sampling

GREEDY = Sampling(max_tokens=50)
SAMPLED = Sampling(samples=3, temperature=0.8, top_p=0.9, max_tokens=24)


def opened(model, window=WINDOW, attends_plainly=True):
    scorer = scorer_of(model, window)
    return SimpleNamespace(
        model=model, scorer=scorer, window=window, device=torch.device("cpu"), attends_plainly=attends_plainly
    )


def tiny_llama(seed=0, family=(LlamaConfig, LlamaForCausalLM), **settings):
    """Two heads of queries for each of keys and values; weights large enough to have opinions."""
    config = family[0](
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=WINDOW, eos_token_id=0, bos_token_id=0, pad_token_id=0,
        initializer_range=0.4, **settings,
    )  # fmt: skip
    torch.manual_seed(seed)
    return family[1](config).eval()


@pytest.fixture
def prompts(texts):
    """Of many lengths, some of them longer than a block of the cache, one empty."""
    drawn = random.Random(0)
    cut = [text[: drawn.choice((3, 20, 90, 250))] for text in texts[:7]]
    return [Prompt(f"p{i}", text, stop=("\n\n", "self")) for i, text in enumerate([*cut, ""])]


def by_loop(model, tokens, count):
    """The likeliest token again and again, the whole text read each time; until the end of text."""
    tokens, start = list(tokens), len(tokens)
    while len(tokens) < start + count and (len(tokens) == start or tokens[-1] != 0):
        with torch.inference_mode():
            tokens.append(int(model.logits(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[start:]


@pytest.mark.parametrize("kind", ["ours", "outside"])
def test_greedy_answers_are_those_of_a_loop_that_reads_the_whole_text_each_time(kind, model, encoder, texts):
    read = model if kind == "ours" else OutsideModel(tiny_llama(), {}).eval()
    prompts = [Prompt(str(i), text[:size]) for i, (text, size) in enumerate(zip(texts, (1, 30, 60, 150), strict=False))]
    answers = generate(opened(read), encoder, prompts, GREEDY)
    for prompt, (answer,) in zip(prompts, answers, strict=True):
        expected = by_loop(read, [0, *encoder.encode([prompt.text])[0]], 50)
        assert answer.tokens == len(expected)
        assert answer.text == encoder.decode([token for token in expected if token != 0])
        assert answer.ended == ("end_of_text" if expected[-1] == 0 else "length")


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("kind", ["ours", "outside"])
def test_no_logit_changes_a_bit_with_the_batch_or_the_order(kind, sampling, model, encoder, prompts, monkeypatch):
    read = opened(model if kind == "ours" else OutsideModel(tiny_llama(), {}).eval())
    # numbers name the draw, so logits can be told apart; greedy sampling draws none, its answers are compared
    seen = {}
    choose = engine.choose_tokens

    def remembering(logits_RV, sampling, numbers):
        for number, logits_V in zip(numbers, logits_RV, strict=False):
            assert torch.equal(seen.setdefault(number, logits_V.clone()), logits_V)
        return choose(logits_RV, sampling, numbers)

    monkeypatch.setattr(engine, "choose_tokens", remembering)
    found = []
    for rows in (1, 7, 64):
        order = random.Random(rows).sample(range(len(prompts)), len(prompts))
        answers = generate(read, encoder, [prompts[i] for i in order], sampling, rows=rows)
        found.append([answer for _, answer in sorted(zip(order, answers, strict=True))])
    assert found[0] == found[1] == found[2]
    assert (len(seen) > 250) == (sampling is SAMPLED)
    assert len({answer.text for answers in found[0] for answer in answers}) > len(prompts) / 2


def test_where_products_depend_on_their_rows_every_step_has_as_many(model, encoder, prompts, monkeypatch):
    read = opened(model)
    read.scorer = replace(read.scorer, whole=True)
    sizes = []
    monkeypatch.setattr(read.model, "hidden_with", lambda *given: (sizes.append(given[1].shape[1]), door(*given))[1])
    door = type(model).hidden_with.__get__(model)
    found = [generate(read, encoder, prompts, GREEDY, rows=rows) for rows in (3, 100)]
    assert found[0] == found[1]
    longest = 16 * 16
    assert {size for size in sizes if size == engine.ROWS or size > longest} == {engine.ROWS}
    assert sizes.count(engine.ROWS) >= 2 * max(answer.tokens for (answer,) in found[0]) - 2


def test_samples_of_one_prompt_differ_and_are_told_once_when_all_are_there(model, encoder, prompts):
    told = {}
    answers = generate(opened(model), encoder, prompts, SAMPLED, lambda i, found: told.update({i: found}), rows=8)
    assert told == dict(enumerate(answers))
    assert all(len(of_prompt) == 3 for of_prompt in answers)
    assert len({answer.text for answer in answers[2]}) == 3


def test_a_prompt_with_more_samples_than_share_a_reading_gets_them_all(model, encoder, monkeypatch):
    monkeypatch.setattr(engine, "SHARING", 4)
    sampling = Sampling(samples=10, temperature=1, max_tokens=5)
    (answers,) = generate(opened(model), encoder, [Prompt("a", "def f(")], sampling, rows=4)
    assert len(answers) == 10
    assert len({answer.text for answer in answers}) > 5


def test_a_small_cache_only_makes_prompts_wait(model, encoder, prompts, monkeypatch):
    expected = generate(opened(model), encoder, prompts, GREEDY)
    monkeypatch.setattr(engine, "CACHE_BYTES", 1)
    assert generate(opened(model), encoder, prompts, GREEDY) == expected


def test_prompts_asked_after_an_interruption_get_the_same_answers(model, encoder, prompts):
    expected = generate(opened(model), encoder, prompts, SAMPLED)
    told = {}

    def interrupted(index, answers):
        told[index] = answers
        if len(told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(opened(model), encoder, prompts, SAMPLED, interrupted)
    left = [i for i in range(len(prompts)) if i not in told]
    rest = generate(opened(model), encoder, [prompts[i] for i in left], SAMPLED)
    assert [(told | dict(zip(left, rest, strict=True)))[i] for i in range(len(prompts))] == expected


def test_the_seed_and_the_prompts_id_change_what_is_drawn(model, encoder):
    def drawn(id, seed):
        sampling = Sampling(samples=1, temperature=1, max_tokens=20, seed=seed)
        return generate(opened(model), encoder, [Prompt(id, "import ")], sampling)[0][0].text

    assert len({drawn("a", 0), drawn("b", 0), drawn("a", 1)}) == 3


def test_a_prompt_too_long_for_the_window_is_cut_on_the_left_and_says_so(model, encoder, texts):
    tokens = tuple(encoder.encode([max(texts, key=len)])[0])
    assert len(tokens) > WINDOW
    sampling = Sampling(max_tokens=20)
    whole, kept = (Prompt("a", "", tokens=tokens[-size:]) for size in (len(tokens), WINDOW - 20))
    cut, uncut = generate(opened(model), encoder, [whole, kept], sampling)
    assert (cut[0].cut, uncut[0].cut) == (len(tokens) - (WINDOW - 20), 0)
    assert cut[0].text == uncut[0].text


def test_an_answer_ends_with_the_window(model, encoder, texts):
    tokens = tuple(encoder.encode([max(texts, key=len)])[0][:200])
    read = opened(model, window=210)
    ended = {generate(read, encoder, [Prompt("a", "", tokens=tokens)], Sampling(max_tokens=n))[0][0] for n in (10, 11)}
    assert {(answer.tokens, answer.ended, answer.cut) for answer in ended} == {(10, "length", 0), (11, "length", 1)}
    narrow = generate(read, encoder, [Prompt("a", "", tokens=tokens[:100])], Sampling(max_tokens=500))[0][0]
    assert (narrow.tokens, narrow.ended, narrow.cut) == (110, "window", 0)


@pytest.mark.parametrize("kind", ["ours", "library"])
def test_answers_end_at_any_of_the_encoders_endings(kind, model, encoder, prompts, monkeypatch):
    drawn = {}
    generated = Answer.generated
    monkeypatch.setattr(Answer, "generated", lambda a: (drawn.update({a._fitted.tokens: a.tokens}), generated(a))[1])
    read = opened(model)
    if kind == "library":
        library = tiny_llama(family=(MistralConfig, MistralForCausalLM), sliding_window=16)
        read = SimpleNamespace(model=library, scorer=None, window=WINDOW, device=library.device, attends_plainly=False)
    whole = [answer for (answer,) in generate(read, encoder, prompts, GREEDY)]
    long = dict(drawn)
    endings = {tokens[:4][-1] for tokens in long.values()}
    cut = [answer for (answer,) in generate(read, encoder.ending_at(endings), prompts, GREEDY)]
    assert len(endings) > 2
    for prompt, tokens in long.items():
        first = next(place for place, token in enumerate(tokens) if token in endings)
        assert drawn[prompt] == tokens[: first + 1]
    assert all(answer.ended == "end_of_text" for answer in cut)
    assert all(all_.text.startswith(answer.text) for answer, all_ in zip(cut, whole, strict=True))


@pytest.mark.parametrize("kind", ["library", "outside"])
def test_answers_of_the_library_are_its_own_and_do_not_depend_on_the_batch(kind, encoder, prompts):
    library = tiny_llama(family=(MistralConfig, MistralForCausalLM), sliding_window=16)
    library.generation_config.repetition_penalty = 3.0  # what a folder says of how to generate is not asked
    model = library if kind == "library" else OutsideModel(library, {}).eval()
    assert kind == "library" or not model.attends_plainly
    read = SimpleNamespace(model=model, scorer=None, window=WINDOW, device=library.device, attends_plainly=False)
    reference = tiny_llama(family=(MistralConfig, MistralForCausalLM), sliding_window=16)
    before = library.generation_config
    for sampling in (Sampling(max_tokens=25), SAMPLED):
        found = generate(read, encoder, prompts[:5], sampling)
        assert found == generate(read, encoder, prompts[:5][::-1], sampling)[::-1]
    assert library.generation_config is before
    for prompt, (answer,) in zip(
        prompts[:5], generate(read, encoder, prompts[:5], Sampling(max_tokens=25)), strict=True
    ):
        tokens = [0, *encoder.encode([prompt.text])[0]]
        start = len(tokens)
        while len(tokens) < start + answer.tokens:
            with torch.inference_mode():
                tokens.append(int(reference(torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax()))
        text = encoder.decode([token for token in tokens[start:] if token != 0])
        assert text.startswith(answer.text)
        assert (text == answer.text) == (answer.ended != "stop")
