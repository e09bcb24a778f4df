"""Lines and tokens in another order: the same ones, in an order that a document's content decides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.corpus.transforms.shuffles import permutation, shuffle_lines, shuffle_tokens

TEXTS = st.text(st.sampled_from("ab é\n\t\u2028 x_1🎉"), max_size=60)


@given(TEXTS, st.text(max_size=4))
def test_lines_are_the_same_lines_in_another_order(text, key):
    moved = shuffle_lines(text, key)
    assert Counter(moved.split("\n")) == Counter(text.split("\n"))
    assert moved.endswith("\n") == text.endswith("\n") or "" in text.split("\n")[:-1]


@given(TEXTS, st.text(max_size=4))
def test_tokens_of_prose_are_the_same_words_and_white_space_stays(text, key):
    moved = shuffle_tokens(text, "text", key)
    assert Counter(moved.split()) == Counter(text.split())
    assert [piece for piece in moved if piece.isspace()] == [piece for piece in text if piece.isspace()]


@given(st.lists(st.sampled_from(["x = é1", "f(a)", "'a b'", "# c d", "\n", "if x: y"]), max_size=12).map("\n".join))
def test_tokens_of_code_are_the_same_signs(text):
    moved = shuffle_tokens(text, "python", "00")
    assert Counter("".join(moved.split())) == Counter("".join(text.split()))


def test_the_order_depends_on_the_key_alone_and_is_pinned():
    assert permutation(6, "00", "c").tolist() == permutation(6, "00", "c").tolist()
    assert shuffle_lines("a\nb\nc\nd\ne\n", "00") == "b\na\nd\ne\nc\n"
    assert shuffle_lines("a\nb\nc\nd\ne\n", "01") != shuffle_lines("a\nb\nc\nd\ne\n", "00")


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_every_place_is_taken_once(count):
    assert sorted(permutation(count, "key", "c").tolist()) == list(range(count))


def test_words_that_would_meet_are_parted():
    assert set(shuffle_tokens("a+b", "python", "00")) >= set("a+b")
    for key in "abcdefgh":
        assert "ab" not in shuffle_tokens("a+b", "python", key)
