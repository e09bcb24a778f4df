"""Pieces mean what their sources say, for small numbers and for those that a step before may have made large."""

from __future__ import annotations

import pytest

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.pairs import pair_test, pair_value
from titrant.synthesize.generator.pieces import number_change, number_test

NUMBERS = [
    *range(-60, 61),
    *(sign * value**3 + more for sign in (1, -1) for value in (11, 44, 125) for more in range(9)),
]
PAIRS = [(a, b) for a in NUMBERS[::7] for b in NUMBERS[::5]]


@pytest.mark.parametrize("draw_piece", [number_test, number_change])
def test_a_piece_means_what_its_source_says(draw_piece) -> None:
    for seed in range(300):
        piece = draw_piece(Draw(f"piece {seed}"))
        code = compile(piece.of("x"), "piece", "eval")
        for x in NUMBERS:
            found, meant = eval(code, {"x": x}), piece.call(x)
            assert found == meant, f"{piece.words}: {piece.of('x')} at {x} is {found}, and should be {meant}"


@pytest.mark.parametrize("draw_piece", [pair_test, pair_value])
def test_a_piece_of_two_numbers_means_what_its_source_says(draw_piece) -> None:
    for seed in range(100):
        piece = draw_piece(Draw(f"pair {seed}"))
        code = compile(piece.of("a", "b"), "piece", "eval")
        for a, b in PAIRS:
            found, meant = eval(code, {"a": a, "b": b}), piece.call(a, b)
            assert found == meant, f"{piece.words}: {piece.of('a', 'b')} at {a}, {b} is {found}, and should be {meant}"
