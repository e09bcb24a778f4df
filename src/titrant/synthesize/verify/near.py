"""More inputs for a solution that looks right: small changes of those that a problem has, towards where programs go
wrong.

One place of an input is changed at a time: a number to one that the programs compare with or to its neighbour, to one
that stands beside it already, or to another that was seen in that place; a list loses, repeats or moves an item. What
all inputs of the problem have in common is kept: the range of numbers in a place, lengths, order, items being
different, rows of one length, and texts (which may have a grammar) as wholes. So nearly all of them are inputs that the
problem allows; those that the reference refuses are left out.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from blake3 import blake3

Path = tuple[str, ...]
"""Where a value stands: the parameter, then `item` for items of lists, the place in a tuple, `value` of dicts."""
_TRIES = 8


@dataclass
class _Seen:
    """What was seen in one place."""

    atoms: dict[str, Any] = field(default_factory=dict)
    """Numbers, texts and the like, by their text."""
    lists: list[list[Any]] = field(default_factory=list)
    uneven: bool = False
    """Whether lists beside each other differ in length."""

    def numbers(self) -> list[int]:
        return [value for value in self.atoms.values() if type(value) is int]

    def keeps(self, value: list[Any]) -> list[Any] | None:
        """A changed list with what all lists here have in common; None if it cannot have that."""
        lengths = [len(each) for each in self.lists]
        if not min(lengths) <= len(value) <= max(lengths):
            return None
        texts = [list(map(repr, each)) for each in self.lists]
        if all(len(set(each)) == len(each) for each in texts) and len({repr(item) for item in value}) < len(value):
            return None
        try:
            ascending = all(sorted(each) == each for each in self.lists)
            return sorted(value) if ascending and any(len(each) > 2 for each in self.lists) else value
        except TypeError:
            return value


def near_inputs(
    arguments: Sequence[tuple[Any, ...]],
    programs: Sequence[ast.Module],
    count: int,
    key: str,
    *,
    nullable: Sequence[int] = (),
) -> list[tuple[Any, ...]]:
    """At most so many inputs, none of them among `arguments`. They depend on these values alone. `nullable` are the
    parameters that may be None."""
    seen: dict[Path, _Seen] = defaultdict(_Seen)
    for values in arguments:
        for number, value in enumerate(values):
            _look(value, (str(number),), seen)
    constants = sorted({value for program in programs for value in _numbers(program)})
    random = Random(int.from_bytes(blake3(key.encode()).digest(8)))
    known = {repr(values) for values in arguments}
    found: dict[str, tuple[Any, ...]] = {}
    for place in nullable:
        empty = (*arguments[0][:place], None, *arguments[0][place + 1 :])
        if repr(empty) not in known:
            found[repr(empty)] = empty
    for _ in range(_TRIES * count):
        if len(found) >= count:
            break
        changed = list(random.choice(arguments))
        if not changed:
            break
        for _ in range(random.choice((1, 1, 2))):
            place = random.randrange(len(changed))
            changed[place] = _changed(changed[place], (str(place),), seen, constants, random)
        text = repr(tuple(changed))
        if text not in known:
            found.setdefault(text, tuple(changed))
    return list(found.values())


def _look(value: Any, path: Path, seen: dict[Path, _Seen]) -> None:
    if isinstance(value, list):
        seen[path].lists.append(value)
        inner = [len(each) for each in value if isinstance(each, list)]
        seen[(*path, "item")].uneven |= len(set(inner)) > 1
        for each in value:
            _look(each, (*path, "item"), seen)
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            _look(each, (*path, str(number)), seen)
    elif isinstance(value, dict):
        for each in value.values():
            _look(each, (*path, "value"), seen)
    else:
        seen[path].atoms[repr(value)] = value


def _numbers(program: ast.Module) -> Iterator[int]:
    for node in ast.walk(program):
        if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 10**6:
            yield node.value
            yield -node.value


def _changed(value: Any, path: Path, seen: dict[Path, _Seen], constants: Sequence[int], random: Random) -> Any:
    """The value with one place inside it changed."""

    def inner(each: Any, name: str) -> Any:
        return _changed(each, (*path, name), seen, constants, random)

    if isinstance(value, list):
        return _changed_list(value, path, seen, inner, random)
    if isinstance(value, tuple):
        if not value:
            return value
        number = random.randrange(len(value))
        return (*value[:number], inner(value[number], str(number)), *value[number + 1 :])
    if isinstance(value, dict):
        if not value:
            return value
        key = random.choice(list(value))
        return {**value, key: inner(value[key], "value")}
    if type(value) is int:
        return _changed_number(value, seen[path].numbers(), constants, random)
    return random.choice(list(seen[path].atoms.values()))


def _changed_number(value: int, others: Sequence[int], constants: Sequence[int], random: Random) -> int:
    low, high = min(others), max(others)
    near = [one + by for one in constants for by in (-1, 0, 1) if low <= one + by <= high]
    way = random.randrange(4)
    if near and way < 2:
        return random.choice(near)
    if way == 2:
        return min(max(value + random.choice((-1, 1)), low), high)
    return random.choice([random.choice(others), random.randint(low, high)])


def _changed_list(
    value: list[Any], path: Path, seen: dict[Path, _Seen], inner: Callable[[Any, str], Any], random: Random
) -> list[Any]:
    way = random.randrange(7)
    items = list(value)
    place = random.randrange(len(items) or 1)
    if items and way < 3:
        items[place] = inner(items[place], "item")
    elif items and way == 3:
        items[place] = items[random.randrange(len(items))]
    elif items and way == 4 and _may_resize(path, seen):
        del items[place]
    elif items and way == 5 and _may_resize(path, seen):
        items.insert(random.randrange(len(items) + 1), items[place])
    else:
        random.shuffle(items)
    kept = seen[path].keeps(items)
    return value if kept is None else kept


def _may_resize(path: Path, seen: dict[Path, _Seen]) -> bool:
    """Rows of one length keep it."""
    return path[-1] != "item" or seen[path].uneven
