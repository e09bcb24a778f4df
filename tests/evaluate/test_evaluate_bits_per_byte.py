"""Bits per byte: every token once, whole documents by content hash, the sum over all text."""

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_evaluate import VOCABULARY, WINDOW, UniformScorer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from titrant.errors import StudyError
from titrant.evaluate.bits_per_byte import (
    HeldOutDocument,
    bits_per_byte,
    cut_into_windows,
    first_bytes,
    read_held_out,
    score_documents,
)
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.models import scorer_of


@given(st.integers(1, 200), st.integers(1, 40))
def test_windows_score_each_token_once_with_a_quarter_window_of_context_or_all_there_is(length, window):
    scored = []
    for sequence, start in cut_into_windows(range(length), window):
        assert len(sequence) <= window + 1
        for place in range(start, len(sequence)):
            assert place >= min(window // 4, sequence[place])
            scored.append(sequence[place])
    assert scored == list(range(1, length))


def test_bits_per_byte_agree_with_a_loop_over_the_models_logits_in_float64(model, encoder, texts):
    window = 32
    documents = [
        HeldOutDocument(str(i), len(t.encode()), tuple(encoder.encode([t])[0])) for i, t in enumerate(texts[:4])
    ]
    nats = 0.0
    for document in documents:
        tokens = [encoder.end_of_text_id, *document.tokens]
        for place in range(1, len(tokens)):
            # windows of 33 tokens that overlap by 8: the first scores places 1 to 32, each later one 25 more
            begin = 0 if place <= window else 25 * math.ceil((place - window) / 25)
            with torch.no_grad():
                logits = model.logits(torch.tensor([tokens[begin:place]]))[0, -1].double()
            nats -= float(torch.log_softmax(logits, -1)[tokens[place]])
    expected = nats / math.log(2) / sum(document.bytes for document in documents)
    found = bits_per_byte(score_documents(scorer_of(model, window), documents, encoder.end_of_text_id))
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_uniform_model_needs_log2_of_the_vocabulary_per_token(encoder, texts):
    documents = [HeldOutDocument("a", len(texts[1].encode()), tuple(encoder.encode([texts[1]])[0]))]
    found = bits_per_byte(score_documents(UniformScorer(), documents, 0))
    # the closing end-of-text token is not scored: as many tokens as the text has
    assert found == pytest.approx(math.log2(VOCABULARY) * len(documents[0].tokens) / len(texts[1].encode()), rel=1e-6)


def test_documents_are_taken_whole_by_content_hash_until_the_bytes_are_reached(held_out_folder, encoder, texts):
    folder = held_out_folder("code", texts)
    all_of_them = read_held_out(folder, "code", 10**9, encoder)
    assert len(all_of_them) == len(texts)
    assert [d.whole for d in all_of_them] == sorted(d.whole for d in all_of_them)
    three = sum(d.bytes for d in all_of_them[:3])
    for asked, count in ((1, 1), (three - 1, 3), (three, 3), (three + 1, 4)):
        assert read_held_out(folder, "code", asked, encoder) == all_of_them[:count]
        assert first_bytes(all_of_them, asked) == all_of_them[:count]


def test_the_order_of_documents_in_the_file_does_not_matter(held_out_folder, encoder, texts):
    shuffled = random.Random(0).sample(texts, len(texts))
    one = read_held_out(held_out_folder("one", texts), "one", 3000, encoder)
    assert read_held_out(held_out_folder("other", shuffled), "other", 3000, encoder) == one


def test_the_order_of_scoring_does_not_matter(model, encoder, texts):
    documents = [HeldOutDocument(str(i), len(t.encode()), tuple(encoder.encode([t])[0])) for i, t in enumerate(texts)]
    scorer = scorer_of(model, 64)
    straight = score_documents(scorer, documents, 0)
    backwards = score_documents(scorer, documents[::-1], 0)[::-1]
    assert bits_per_byte(straight) == pytest.approx(bits_per_byte(backwards), rel=1e-7)
    assert [d.whole for d in straight] == [d.whole for d in backwards]


def test_white_space_at_the_ends_of_a_document_is_scored(held_out_folder, encoder):
    bare, spaced = "x = 1", "\n  x = 1\n\n"
    lengths = []
    for name, text in (("bare", bare), ("spaced", spaced)):
        (document,) = read_held_out(held_out_folder(name, [text]), name, 1, encoder)
        assert document.bytes == len(text)
        lengths.append(len(document.tokens))
    assert lengths[1] > lengths[0]


def test_text_that_spells_the_end_of_text_token_is_scored_as_text(held_out_folder, encoder):
    (document,) = read_held_out(held_out_folder("odd", ["see <|endoftext|> here"]), "odd", 1, encoder)
    assert encoder.end_of_text_id not in document.tokens


def test_nothing_held_out_is_an_error_that_says_what_to_do(held_out_folder, encoder):
    with pytest.raises(StudyError, match=r"source 'code' has no held-out documents.*raise hold_out_fraction"):
        read_held_out(held_out_folder("code", []), "code", 100, encoder)


def test_a_tokenizer_that_loses_text_is_refused(held_out_folder, tmp_path):
    lowering = Tokenizer(models.WordLevel({"<|endoftext|>": 0, "hello": 1}, unk_token="<|endoftext|>"))
    lowering.normalizer = normalizers.Lowercase()
    lowering.pre_tokenizer = pre_tokenizers.Whitespace()
    lowering.save(str(tmp_path / "lower.json"))
    with pytest.raises(StudyError, match=r"changes the text of held-out document .* of source 'code'"):
        read_held_out(held_out_folder("code", ["Hello"]), "code", 100, Encoder(tmp_path / "lower.json", 0))


@pytest.mark.parametrize(("text", "decoder"), [("a\n b", "a b"), ("a  b", "a b"), ("a b\n", "a b"), ("a b", "  a b")])
def test_a_tokenizer_that_changes_white_space_is_refused(held_out_folder, text, decoder):
    with pytest.raises(StudyError, match=r"changes the text of held-out document"):
        read_held_out(held_out_folder("code", [text]), "code", 100, Echo(decoder))


@pytest.mark.parametrize("decoded", ["a b", " a b"])
def test_a_space_that_a_tokenizer_writes_before_the_first_word_is_no_change(held_out_folder, decoded):
    (document,) = read_held_out(held_out_folder("code", ["a b"]), "code", 100, Echo(decoded))
    assert document.bytes == 3


class Echo:
    """Decodes to one text, whatever is asked."""

    def __init__(self, decoded):
        self._decoded = decoded

    def encode(self, texts):
        return [[1, 2] for _ in texts]

    def decode(self, ids):
        return self._decoded


def test_a_document_of_many_windows_is_scored_within_the_window(encoder, texts):
    tokens = tuple(encoder.encode(["".join(texts)])[0])
    (scored,) = score_documents(UniformScorer(nats=1.0), [HeldOutDocument("long", 1, tokens)], 0)
    assert len(tokens) > 10 * WINDOW
    assert scored.nats == len(tokens)
