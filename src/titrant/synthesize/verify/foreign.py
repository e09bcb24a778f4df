"""Inputs for problems that bring a reference and none: drawn from what their tests and signature show.

1. arguments written in the tests and in the examples are taken as they are, and varied: a number near another, a list
   without an item, a text with a letter of another one, arguments of different calls together
2. where there are none, Hypothesis draws from the annotations of the signature
3. the reference answers them in the sandbox; inputs that it refuses are left out
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from blake3 import blake3
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from titrant.synthesize.generator.domains import Arguments
from titrant.synthesize.generator.pools import arguments_of
from titrant.synthesize.parsing import parsed
from titrant.synthesize.verify.values import is_literal

_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
_STANDS_FOR = "candidate"
"""The name under which the tests of public sets call what they are given."""
_LONGEST = 400
"""Characters of one input."""


def written_arguments(tests: Sequence[str], entry_point: str) -> list[tuple[Any, ...]]:
    """The literal arguments of all calls that some tests make of a function, different ones, in their order."""
    found: dict[str, tuple[Any, ...]] = {}
    for test in tests:
        tree = parsed(test)
        for node in ast.walk(tree) if tree is not None else ():
            match node:
                case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in (entry_point, _STANDS_FOR):
                    try:
                        values = tuple(ast.literal_eval(argument) for argument in given)
                    except _BROKEN:
                        continue
                    if is_literal(values):
                        found.setdefault(repr(values), values)
    return list(found.values())


def inputs_for(
    solution: ast.Module, entry_point: str, seeds: Sequence[tuple[Any, ...]], count: int, key: str
) -> list[tuple[Any, ...]]:
    """At most so many inputs of a function: the seeds and what is varied of them, else what its annotations allow.
    Empty where neither tells. They depend on these arguments and on Hypothesis' version alone."""
    if seeds:
        return _varied(seeds, count, Random(int.from_bytes(blake3(key.encode()).digest(8))))
    domains = _domains(solution, entry_point)
    if not domains:
        return []
    drawn = arguments_of(Arguments(tuple(domains)), key, count)
    return [tuple(each.value for each in values) for values in drawn]


def _varied(seeds: Sequence[tuple[Any, ...]], count: int, random: Random) -> list[tuple[Any, ...]]:
    found = {repr(values): values for values in seeds}
    for _ in range(20 * count):
        if len(found) >= count:
            break
        values = list(random.choice(seeds))
        for place in range(len(values)) if random.random() < 0.5 else [random.randrange(len(values) or 1)]:
            if place < len(values):
                others = [each[place] for each in seeds if len(each) > place]
                values[place] = _changed(values[place], others, random)
        text = repr(tuple(values))
        if len(text) <= _LONGEST:
            found.setdefault(text, tuple(values))
    return list(found.values())[: max(count, 1)]


def _changed(value: Any, others: Sequence[Any], random: Random) -> Any:
    """Another value of the same kind, near this one."""
    if random.random() < 0.25:
        return random.choice(others)
    if isinstance(value, bool) or value is None:
        return random.choice(others)
    if isinstance(value, int):
        lowest = min((each for each in others if type(each) is int), default=0)
        near = value + random.choice((-3, -2, -1, 1, 2, 3, value))
        return near if near >= min(0, lowest) else value
    if isinstance(value, float):
        return round(value + random.choice((-1.0, -0.5, 0.5, 1.0, value)), 6)
    if isinstance(value, (list, tuple, str)):
        return _changed_sequence(value, others, random)
    if isinstance(value, dict) and value:
        key = random.choice(list(value))
        if random.random() < 0.4:
            return {each: held for each, held in value.items() if each != key}
        return value | {key: _changed(value[key], list(value.values()), random)}
    if isinstance(value, set) and value:
        return value - {sorted(value, key=repr)[random.randrange(len(value))]}
    return value


def _changed_sequence(value: Any, others: Sequence[Any], random: Random) -> Any:
    items = list(value)
    pool = [item for each in others if isinstance(each, type(value)) for item in each] or items
    if not pool:
        return value
    way, place = random.randrange(6), random.randrange(len(items) or 1)
    if way == 0 and len(items) > 1:
        del items[place]
    elif way == 1:
        items.insert(place, random.choice(pool))
    elif way == 2 and items:
        items[place] = random.choice(pool) if isinstance(value, str) else _changed(items[place], pool, random)
    elif way == 3:
        random.shuffle(items)
    elif way == 4 and items:
        items.insert(place, items[place])
    else:
        items = items[:place] + items[place:][::-1]
    if isinstance(value, str):
        return "".join(items)
    return items if isinstance(value, list) else tuple(items)


@dataclass(frozen=True)
class _Annotated:
    """A domain that an annotation names."""

    annotation: str

    def strategy(self) -> SearchStrategy[Any]:
        """Small values of the type."""
        found = _strategy(ast.parse(self.annotation, mode="eval").body)
        assert found is not None
        return found


_PLAIN: dict[str, SearchStrategy[Any]] = {
    "int": st.integers(-20, 100),
    "bool": st.booleans(),
    "float": st.integers(-40, 200).map(lambda number: number / 4),
    "str": st.text("abcdeABC xyz019_-", max_size=10),
    "None": st.none(),
}
_MANY = {"list": st.lists, "List": st.lists, "Sequence": st.lists, "Iterable": st.lists}


def _strategy(node: ast.expr) -> SearchStrategy[Any] | None:
    """Small values of a type; None where the type is not one of a few."""
    match node:
        case ast.Constant(value=None):
            return _PLAIN["None"]
        case ast.Constant(value=str(text)):
            inner = parsed(text, "eval")
            return _strategy(inner.body) if isinstance(inner, ast.Expression) else None
        case ast.Name(id=name):
            return _PLAIN.get(name)
        case ast.Attribute(attr=name):
            return _PLAIN.get(name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _any_of([left, right])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, list(inner.elts) if isinstance(inner, ast.Tuple) else [inner])
    return None


def _generic(name: str, inner: list[ast.expr]) -> SearchStrategy[Any] | None:
    if name == "Optional":
        return _any_of([*inner, ast.Constant(None)])
    if name == "Union":
        return _any_of(inner)
    several = name in ("tuple", "Tuple") and len(inner) == 2 and isinstance(inner[1], ast.Constant)
    parts = [_strategy(each) for each in (inner[:1] if several else inner)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    if name in _MANY or several:
        drawn = st.lists(known[0], max_size=8)
        return drawn.map(tuple) if several else drawn
    if name in ("tuple", "Tuple"):
        return st.tuples(*known)
    if name in ("set", "Set"):
        return st.sets(known[0], max_size=6)
    if name in ("dict", "Dict") and len(known) == 2:
        return st.dictionaries(*known, max_size=5)
    return None


def _any_of(options: list[ast.expr]) -> SearchStrategy[Any] | None:
    parts = [_strategy(each) for each in options]
    known = [part for part in parts if part is not None]
    return st.one_of(known) if len(known) == len(parts) and known else None


def _domains(solution: ast.Module, entry_point: str) -> list[_Annotated] | None:
    """The domains of a function's parameters; None if one has no annotation, or one that says too little."""
    for node in _functions(solution):
        if node.name == entry_point:
            given = node.args
            if given.vararg or given.kwarg or given.kwonlyargs:
                return None
            parameters = [*given.posonlyargs, *given.args]
            needed = parameters[: len(parameters) - len(given.defaults)] or parameters
            annotations = [each.annotation for each in needed]
            if any(each is None or _strategy(each) is None for each in annotations):
                return None
            return [_Annotated(ast.unparse(each)) for each in annotations if each is not None]
    return None


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))
