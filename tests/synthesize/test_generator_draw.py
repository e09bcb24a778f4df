"""The random choices of a problem."""

from __future__ import annotations

import pytest

from titrant.synthesize.generator.draw import Draw, fill


def test_the_same_key_draws_the_same() -> None:
    one, other = Draw("1/7"), Draw("1/7")
    assert [one.integer(0, 10**9) for _ in range(5)] == [other.integer(0, 10**9) for _ in range(5)]
    assert Draw("1/7").integer(0, 10**9) != Draw("1/8").integer(0, 10**9)


def test_what_is_drawn_is_the_same_on_every_machine() -> None:
    draw = Draw("seed 0, problem 0")
    assert [draw.integer(1, 1000) for _ in range(4)] == [146, 779, 313, 736]


def test_both_bounds_are_drawn_and_nothing_beyond() -> None:
    draw = Draw("bounds")
    assert {draw.integer(-2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}


def test_a_name_is_used_once() -> None:
    draw = Draw("names")
    assert len({draw.name("a", "b") for _ in range(5)}) == 5


def test_a_block_stands_as_deep_as_its_place() -> None:
    assert fill("for x in y:\n    $body", body="a()\nb()") == "for x in y:\n    a()\n    b()"


def test_a_name_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError):
        fill("$missing")
