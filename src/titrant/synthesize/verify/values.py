"""Values as texts of Python literals: read, and held against each other with their types."""

from __future__ import annotations

import ast
import math
from contextlib import suppress
from typing import Any

from titrant.sandbox import plain_literal

_UNORDERED = "{."
"""Signs of texts that may differ though their values do not: dicts and sets, numbers with a fraction."""
_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def same_value(found: Any, expected: Any) -> bool:
    """Whether two values are equal and of the same types through and through: `True` is not 1, 1.0 is not 1, a list is
    no tuple. Two that are no number (nan) are the same.

    >>> same_value([1, (2,)], [1, (2,)]), same_value([True], [1]), same_value((1,), [1])
    (True, False, False)
    """
    if type(found) is not type(expected):
        return False
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same_value, found, expected))
    if isinstance(expected, dict):
        if len(found) != len(expected):
            return False
        keys = {_tagged(key): (key, value) for key, value in found.items()}
        return all(_tagged(key) in keys and same_value(keys[_tagged(key)][1], value) for key, value in expected.items())
    if isinstance(expected, (set, frozenset)):
        return {_tagged(each) for each in found} == {_tagged(each) for each in expected}
    return bool(found == expected) or (found != found and expected != expected)


def _tagged(value: Any) -> Any:
    """A key that differs for equal values of other types."""
    if isinstance(value, (tuple, frozenset)):
        kind = tuple if isinstance(value, tuple) else frozenset
        return (type(value).__name__, kind(_tagged(each) for each in value))
    return (type(value).__name__, value)


def equal_value(found: Any, expected: Any) -> bool:
    """Whether two values are equal as a test's `==` sees them: 1, 1.0 and True are. Numbers with a fraction may differ
    by a part in 10⁹, as those of another order of additions do; a list is no tuple."""
    if isinstance(expected, float) or isinstance(found, float):
        if not isinstance(found, (int, float)) or not isinstance(expected, (int, float)):
            return False
        try:
            return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12) or (
                found != found and expected != expected
            )
        except OverflowError:
            return False
    if isinstance(expected, (list, tuple)):
        alike = isinstance(found, type(expected)) and len(found) == len(expected)
        return alike and all(map(equal_value, found, expected))
    if isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            return False
        return all(equal_value(found[key], value) for key, value in expected.items())
    return bool(found == expected)


class Expected:
    """What a program should answer to each of its inputs."""

    def __init__(self, values: list[Any], *, strict: bool = True) -> None:
        self.values, self.strict = values, strict
        self._texts = [f"= {value!r}" for value in values]
        self._decides = [strict and not any(sign in text for sign in _UNORDERED) for text in self._texts]
        self._same = same_value if strict else equal_value

    def __len__(self) -> int:
        return len(self.values)

    def agrees(self, place: int, answer: str) -> bool:
        """Whether an answer, as the sandbox gives it, is the expected one.

        Equal texts are equal values. Where the expected text is the only one of its value nothing else is read, so that
        what a program writes is hardly ever parsed here.
        """
        text = self._texts[place]
        if answer == text:
            return True
        if self._decides[place] or not answer.startswith("= ") or len(answer) > 4 * len(text) + 1000:
            return False
        try:
            return self._same(ast.literal_eval(answer[2:]), self.values[place])
        except _BROKEN:
            return False

    def passes(self, place: int, answer: str) -> bool:
        """Whether an answer that agrees passes the test that is written of it too: its `==` knows no tolerance, and
        what is no number or beyond all numbers is written by no literal."""
        text = self._texts[place]
        if answer == text and not any(sign in text for sign in ("nan", "inf")):
            return True
        try:
            return bool(ast.literal_eval(answer[2:]) == ast.literal_eval(text[2:]))
        except _BROKEN:
            return False


def read_list(text: str) -> list[Any] | None:
    """A literal list of an artifact; None if the text is none."""
    with suppress(ValueError):
        found = plain_literal(text)
        return found if isinstance(found, list) else None
    try:
        code = compile(text.strip(), "<literal>", "eval", dont_inherit=True)
        # what names nothing can do nothing; it is read three times as fast in this way
        found = ast.literal_eval(text) if code.co_names else eval(code, {"__builtins__": {}})
    except _BROKEN:
        return None
    return found if isinstance(found, list) else None


def is_literal(value: Any) -> bool:
    """Whether a value is written as a literal that reads as the same value."""
    try:
        return same_value(ast.literal_eval(repr(value)), value)
    except _BROKEN:
        return False
