"""Conditions on the columns of a row, as `where` declares them: a pure function of condition and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.declaration import listing
from titrant.study.origins import Value, Where


def failed_condition(where: Sequence[Where], record: Mapping[str, Any], place: str) -> LeftOut | None:
    """The first condition that a row does not meet, as the reason for which it is left out; None if it meets all.

    Raises StudyError, which names `place` and the columns that there are, if the row has no such column.

    >>> only = Where(column="meta.set", not_in=("github",))
    >>> failed_condition([only], {"meta": {"set": "github"}}, "a.jsonl:1")
    LeftOut(reason="meta.set is 'github'")
    >>> failed_condition([only], {"meta": {"set": "books"}}, "a.jsonl:2")
    """
    for condition in where:
        value = _value(record, condition.column, place)
        items = list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]
        if condition.one_of is not None:
            if not items or not all(_is_in(item, condition.one_of) for item in items):
                return LeftOut(f"{condition.column} is not one of {_shown(condition.one_of)}")
        elif found := [item for item in items if _is_in(item, condition.not_in or ())]:
            return LeftOut(f"{condition.column} is {found[0]!r}")
    return None


def top_columns(where: Sequence[Where], columns: Sequence[str]) -> list[str]:
    """Which of a table's columns must be read for the conditions; one that does not exist is named as it stands."""
    tops = (c.column if c.column in columns else c.column.partition(".")[0] for c in where)
    return list(dict.fromkeys(tops))


def _value(record: Mapping[str, Any], column: str, place: str) -> Any:
    """The value at a dotted name; below a null everything is null."""
    at: Any = record
    rest = column
    while True:
        if at is None:
            return None
        if not isinstance(at, Mapping):
            raise StudyError(f"'{column[: -len(rest) - 1]}' of {place} is a {type(at).__name__}, without columns in it")
        if rest in at:
            return at[rest]
        name, dot, below = rest.partition(".")
        if not dot or name not in at:
            raise StudyError(f"{place} has no column '{column}'; it has {listing(map(str, list(at)[:20]))}")
        at, rest = at[name], below


def _is_in(item: Any, values: Sequence[Value]) -> bool:
    """Whether a value is one of some; 1, `true` and `"1"` are three different values, 1 and 1.0 are not."""
    return any(item == value and isinstance(item, bool) == isinstance(value, bool) for value in values)


def _shown(values: Sequence[Value]) -> str:
    return ", ".join(map(repr, values[:5])) + (f" and {len(values) - 5} more" if values[5:] else "")
