"""Signals of whole batches equal a slow, plain loop over each text, for all of Unicode."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
import signals_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.signals import find_signals
from titrant.corpus.signals.characters import SENTENCE_ENDS, Characters
from titrant.corpus.signals.words import find_tokens
from titrant.study.signals import SIGNALS

EVERY = ("size", "prose", "repetition", "web", "code", "language", "licence", "private")
"""Families that need no model."""
FAMILIES = {
    "size": reference.size,
    "prose": reference.prose,
    "repetition": reference.repetition,
    "web": reference.web,
}

_marks = "".join(
    dict.fromkeys(
        " .,:;!?'\"-–—…()[]{}<>=/+*^~#$€%&@|\\_`’‘“”•§©™²\n\r\t\x0b\x0c\x1c\x1d\x85\u2028\u2029\xa0\u3000\u200b\x00"
        + reference.QUOTES + reference.SIGNS + reference.AFTER_DIGIT
    )
)  # fmt: skip
_SCRAPS = (
    "the|The|and|to|be|of|a|A|US|U.S.|Mr.|don't|it's|we'll|CAN'T|isn’t|foo-bar|x--y|a---b|word—word|1-2|3+4|1,000|a,b|end.Next"
    "|http://a.b/c-d,e|://|...|....|..|. . .|…|[1]|[edit]|[EDIT]|[citation needed]|[23]. |lorem ipsum |Lorem İpsum|JavaScript"
    "|java\u212ascript|coo\u212aie policy|terms of use|{|}|word word word.|one two three!|Is it so?\n|\n|\n\n|\r\n|\n\r|\n\n\n|- |• "
    "|a b c d e f g h i j k |a b c d e f g h i j k |x y x y x y x y |Same line here.\n|Same line here.\n|ß|ǅ|İ|ı|字字|हिन्दी।|עברית|"
    "ﬁ|e\u0301|\U0001f600|\U000e0100|\ue000|١٢|５|²|Ⅷ|[١٢]|\u17d4|"
)
_scraps = st.sampled_from(_SCRAPS.split("|"))
_characters = st.one_of(st.sampled_from(_marks), st.sampled_from("abcXYZ019"), st.characters(codec="utf-8"))
texts = st.one_of(
    st.lists(st.one_of(_scraps, _characters, st.just(" ")), max_size=60).map("".join),
    st.lists(st.sampled_from(["a", "b", " ", " ", "\n", ".", "aa", "ab"]), max_size=120).map("".join),
    st.text(st.characters(codec="utf-8"), max_size=40),
)


def batch_of(documents):
    number = len(documents)
    return pa.record_batch(
        {
            "id": pa.array([f"0/{i}.txt" for i in range(number)], pa.string()),
            "text": pa.array(documents, pa.large_string()),
            "language": pa.array(["text"] * number, pa.string()),
            "licence": pa.array(["unknown"] * number, pa.string()),
            "origin": pa.array(["files"] * number, pa.string()),
        }
    )


@given(st.lists(texts, max_size=4))
@settings(max_examples=400, deadline=None)
def test_every_signal_is_that_of_the_plain_loop(documents):
    found = find_signals(batch_of(documents), tuple(FAMILIES))
    expected = [
        {name: value for family in FAMILIES.values() for name, value in family(text).items()} for text in documents
    ]
    assert set(found.schema.names) == {name for name, signal in SIGNALS.items() if signal.family in FAMILIES}
    for name in found.schema.names:
        for row, value in enumerate(found.column(name).to_pylist()):
            assert value == expected[row][name], (name, documents[row])


@given(st.lists(texts, max_size=4))
@settings(max_examples=400, deadline=None)
def test_tokens_begin_and_end_where_the_plain_rule_says(documents):
    characters = Characters(documents)
    spans = find_tokens(characters).spans
    for number, text in enumerate(documents):
        own = spans.where(spans.document == number)
        offset = characters.starts[number]
        found = list(zip((own.starts - offset).tolist(), (own.ends - offset).tolist(), strict=True))
        assert found == reference.tokens(text), text


@given(st.lists(texts, min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_a_row_depends_on_its_document_alone(documents):
    together = find_signals(batch_of(documents), EVERY).to_pylist()
    apart = [find_signals(batch_of([text]), EVERY).to_pylist()[0] for text in documents]
    assert together == apart


@given(texts)
@settings(max_examples=100, deadline=None)
def test_shares_lie_between_nothing_and_the_whole(text):
    for name, value in find_signals(batch_of([text]), EVERY).to_pylist()[0].items():
        if value is not None and SIGNALS[name].unit != "word":
            assert 0 <= value <= {"0 to 1": 1, "0 or 1": 1}.get(SIGNALS[name].unit, math.inf), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world.", ["Hello", ",", "world", "."]),
        ("isn't it's they're", ["is", "n't", "it", "'s", "they", "'re"]),
        ("well-known x--y 1990-1995", ["well", "-", "known", "x", "--", "y", "1990", "-", "1995"]),
        ("see http://a.b/c-d, or (p.3)!", ["see", "http://a.b/c-d", ",", "or", "(", "p.3", ")", "!"]),
        ("Wait... what…?", ["Wait", "...", "what", "…", "?"]),
        ("J. Smith of NASA.", ["J.", "Smith", "of", "NASA", "."]),
        ("$5 5% +1 a|b x=y", ["$", "5", "5", "%", "+1", "a|b", "x", "=", "y"]),
        ("“Nice,” she said.Then", ["“", "Nice", ",", "”", "she", "said", ".", "Then"]),
    ],
)
def test_words_and_signs_are_told_apart(text, expected):
    characters = Characters([text])
    spans = find_tokens(characters).spans
    assert [characters.text(a, b) for a, b in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)] == expected


def test_no_documents_give_no_rows_and_all_columns():
    found = find_signals(batch_of([]), ("size", "prose"))
    assert found.num_rows == 0
    assert "words" in found.schema.names


def test_signs_that_end_a_sentence_are_single_and_distinct():
    assert len(set(SENTENCE_ENDS)) == len(SENTENCE_ENDS) == 159
    assert {".", "?", "!", "。", "؟", "।"} <= set(SENTENCE_ENDS)
