"""Names that programs give to their variables. A problem uses each name once."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw


def a_list(draw: Draw) -> str:
    """Of a list of numbers."""
    return draw.name("values", "numbers", "items", "data", "nums", "entries", "series", "readings")


def an_item(draw: Draw) -> str:
    """Of one element."""
    return draw.name("value", "number", "item", "x", "current", "each", "entry")


def a_number(draw: Draw) -> str:
    """Of a number that is a parameter."""
    return draw.name("n", "number", "value", "num", "given", "start")


def an_index(draw: Draw) -> str:
    """Of a position."""
    return draw.name("i", "index", "position", "pos", "place", "at")


def a_total(draw: Draw) -> str:
    """Of a number that grows."""
    return draw.name("total", "result", "acc", "running", "answer", "amount")


def a_count(draw: Draw) -> str:
    """Of a number of things."""
    return draw.name("count", "found", "tally", "hits", "matches")


def a_result(draw: Draw) -> str:
    """Of a list that is built up."""
    return draw.name("result", "output", "kept", "collected", "built", "answer")


def a_best(draw: Draw) -> str:
    """Of the best so far."""
    return draw.name("best", "top", "champion", "record", "leader")


def a_size(draw: Draw) -> str:
    """Of a length or a step that is a parameter."""
    return draw.name("size", "width", "k", "length", "step")
