"""Further inputs for a generated problem: its family draws it once more, and with it its domains and its oracle.

Those that a problem brings are few, and leave out most edges of its domains. A solution of somebody else is held
against hundreds of others too: edges first, then dense values (texts of few letters, lists of few numbers), then what
the pools hold.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from random import Random
from typing import Any

from blake3 import blake3

from titrant.study.synthesis import AREAS
from titrant.synthesize.generator.compose import composed
from titrant.synthesize.generator.domains import (
    Booleans,
    Choices,
    Dicts,
    Domain,
    Integers,
    Lists,
    Several,
    Texts,
    Tuples,
)
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Family, families
from titrant.synthesize.generator.pools import arguments_of, pool
from titrant.synthesize.generator.problem import DRAWS, FamilyError, Problem, result_of

Input = tuple[Any, ...]
_EDGES = 24
"""Most edges of one parameter, and most of the parts that they are made of."""
_DENSE = 60
"""Dense values of each parameter."""
_SOURCE = re.compile(r"generator seed (-?\d+), number (\d+)")


def drawn_again(problem: Problem) -> Drawn | None:
    """What a generated problem was made of; None if it is no generated one, or one of another generator."""
    found = _SOURCE.fullmatch(problem.source)
    known = [each for area in AREAS if area == problem.area for each in families(area)]
    family = next((each for each in known if each.name == problem.family), None)
    if found is None or family is None:
        return None
    key = f"seed {found[1]}, problem {found[2]}, {family.name}"
    return next((drawn for drawn in _candidates(family, key) if _is_of(drawn, problem)), None)


def _candidates(family: Family, key: str) -> Iterator[Drawn]:
    """Each draw of a family for this number, alone and composed: which of them it was depends on settings."""
    for attempt in range(DRAWS):
        draw = Draw(f"{key}, {attempt}")
        drawn = family.draw(draw)
        yield drawn
        draw.chance()
        if further := composed(drawn, draw):
            yield further


def _is_of(drawn: Drawn, problem: Problem) -> bool:
    same = drawn.call == problem.entry_point and drawn.say == problem.about and drawn.prelude == problem.prelude
    return same and textwrap.indent(drawn.body, "    ").strip() in problem.solution


def further_inputs(problem: Problem, count: int) -> list[tuple[Input, str]]:
    """At most so many different inputs that a generated problem allows, each with the oracle's result as a literal.

    They depend on the problem and the count alone. None for a problem that cannot be drawn again.
    """
    drawn = drawn_again(problem)
    if drawn is None:
        return []
    found: dict[str, tuple[Input, str]] = {}
    for given in islice(_inputs(drawn, problem.problem, count), 4 * count):
        if len(found) == count:
            break
        if repr(given) in found or not (drawn.where is None or drawn.where(*given)):
            continue
        try:
            found[repr(given)] = given, result_of(drawn, given, problem.problem)
        except FamilyError:
            continue
    return list(found.values())


def _inputs(drawn: Drawn, key: str, count: int) -> Iterator[Input]:
    random = Random(int.from_bytes(blake3(key.encode()).digest(8)))
    domains = drawn.arguments.of
    pools = [[each.value for each in pool(domain)] for domain in domains]
    edges = [edges_of(domain) for domain in domains]
    dense = [[_dense(domain, random) for _ in range(_DENSE)] for domain in domains]
    for values in (edges, dense):
        for place, own in enumerate(values):
            for value in own:
                others = [each[int(random.random() * len(each))] for each in pools]
                yield _copy((*others[:place], value, *others[place + 1 :]))
        for _ in range(_DENSE if len(domains) > 1 else 0):
            yield _copy([each[int(random.random() * len(each))] for each in values])
    for taken in arguments_of(drawn.arguments, f"{key}, further", count):
        yield _copy([each.value for each in taken])


def _copy(values: Any) -> Input:
    return tuple(deepcopy(each) for each in values)


def edges_of(domain: Domain) -> list[Any]:
    """Values at the edges of a domain: bounds, nothing, one element, two that are equal; the simplest first."""
    found = list({repr(value): value for value in _edges(domain)}.values())
    return found[:_EDGES] or [each.value for each in pool(domain)[:_EDGES]]


def _edges(domain: Domain) -> Iterator[Any]:
    match domain:
        case Integers():
            low, high = domain.low, domain.high
            yield from (each for each in (low, high, 0, 1, -1, 2, low + 1, high - 1, -2, 3, 10) if low <= each <= high)
        case Booleans():
            yield from (False, True)
        case Choices():
            yield from domain.values
        case Texts():
            yield from map("".join, _rows(list(domain.alphabet), domain.shortest, domain.longest))
        case Lists():
            for row in _rows(edges_of(domain.of), domain.shortest, domain.longest):
                if not domain.unique or len(set(map(repr, row))) == len(row):
                    yield sorted(row) if domain.ascending else row
        case Several():
            yield []
            one = domain.of[0] if len(domain.of) == 1 else Tuples(domain.of)
            yield from ([each] for each in edges_of(one))
        case Tuples():
            first = [edges_of(each) for each in domain.of]
            for number in range(max(map(len, first), default=0)):
                yield tuple(each[number % len(each)] for each in first)
        case Dicts():
            if not domain.shortest:
                yield {}
            if domain.shortest <= 1 <= domain.longest:
                for key, value in zip(edges_of(domain.keys), edges_of(domain.values), strict=False):
                    yield {key: value}


def _rows(parts: list[Any], shortest: int, longest: int) -> Iterator[list[Any]]:
    """Short rows of these, and rows of one part."""
    first, second = parts[0], parts[min(1, len(parts) - 1)]
    rows = [[], [first], [first, first], [first, second], [second, first], [first, second, first], [first] * longest]
    rows += [[first] * shortest, [first, second, second], [first, first, second], [first, second, second, first]]
    yield from ([*row] for row in [*rows, *([part] for part in parts[1:])] if shortest <= len(row) <= longest)


def _dense(domain: Domain, random: Random) -> Any:
    """A value of a domain in which little differs, so that much is repeated; of others one of the pool."""
    if isinstance(domain, Texts):
        letters = [_one(domain.alphabet, random) for _ in range(1 + int(random.random() * 4))]
        return "".join(_one(letters, random) for _ in range(_length(domain, random)))
    if isinstance(domain, Lists):
        few = [_dense(domain.of, random) for _ in range(2 + int(random.random() * 4))]
        row = [_one(few, random) for _ in range(_length(domain, random))]
        if not domain.unique or len(set(map(repr, row))) == len(row):
            return sorted(row) if domain.ascending else row
    if isinstance(domain, Integers):
        return domain.low + int(random.random() * (domain.high - domain.low + 1))
    if isinstance(domain, Tuples):
        return tuple(_dense(each, random) for each in domain.of)
    return _one(pool(domain), random).value


def _length(domain: Texts | Lists, random: Random) -> int:
    return domain.shortest + int(random.random() * (domain.longest - domain.shortest + 1))


def _one(options: Any, random: Random) -> Any:
    return options[int(random.random() * len(options))]
