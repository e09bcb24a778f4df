"""Problems by number: what a seed and a number give, the same on every machine, in any process and in any order."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from blake3 import blake3

from titrant.study.synthesis import AREAS, Area
from titrant.synthesize.generator.compose import composed
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Family, families
from titrant.synthesize.generator.pools import Value, arguments_of
from titrant.synthesize.generator.shapes import tree_of
from titrant.synthesize.generator.statement import Example, docstring, signature_of, statement_of

LICENCE = "Apache-2.0"
"""Of what the generator writes: that of Titrant."""
DRAWS = 60
"""Draws of a family until one is of a difficulty that is wanted, and its results are not nearly all the same."""
_LOOKED_AT = 48
"""Inputs whose results decide that, however many are kept."""
_SAME = 0.8
"""The most of them that may have one and the same result."""
_SAME_TRUTH = 0.9
"""The same for `True` and `False`."""
_COMPOSED = ((8, 0.2), (32, 0.4), (128, 0.55), (math.inf, 0.75))
"""The share of problems that are composed of two steps, up to so many rounds of all families: families with few choices
of their own are used up in later ones."""
_SHORT = 60
"""Characters of an example that is shown, if there are enough of them."""


_Pair = tuple[tuple[Value, ...], str]
"""Arguments and the oracle's result as a literal."""


@dataclass(frozen=True)
class Problem:
    """One problem: a row of the artifact `Problems`, whose columns say what each field is."""

    problem: str
    source: str
    licence: str
    statement: str
    entry_point: str
    family: str = ""
    area: str = ""
    difficulty: int = 0
    about: str = ""
    signature: str = ""
    prelude: str = ""
    solution: str = ""
    idea: str = ""
    setup: str = ""
    tests: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    inputs: str = ""
    expected: str = ""
    shown: int = 0


@dataclass(frozen=True)
class Settings:
    """Which problems are wanted."""

    areas: tuple[Area, ...] = AREAS
    difficulty: tuple[int, int] = (1, 5)
    inputs: int = 48
    """How many inputs each has, if its domains hold so many."""


class FamilyError(AssertionError):
    """A family breaks its promise: a bug of the generator, told by the family's name."""


def problem_at(seed: int, number: int, settings: Settings) -> Problem:
    """The problem of this number, from 0 on; a pure function of its arguments and of the generator's version.

    Each `len(families_for(settings))` neighbouring numbers hold one problem of each family. Two numbers may hold the
    same program (see `tree_of`): who collects problems leaves the later one out.
    """
    order = _order(seed, settings.areas, settings.difficulty)
    share = next(share for rounds, share in _COMPOSED if number < rounds * len(order))
    for place in range(len(order)):
        family = order[(number + place) % len(order)]
        for drawn in _draws(family, f"seed {seed}, problem {number}", settings.difficulty, share):
            where = f"seed {seed}, number {number}"
            pairs = _pairs(drawn, f"{family.name}, {where}", max(settings.inputs, _LOOKED_AT))
            if _tells_apart(drawn, [result for _, result in pairs], settings.inputs):
                return _problem(family, drawn, pairs[: settings.inputs], where)
    raise FamilyError(f"no family draws a problem of difficulty {settings.difficulty} whose results differ")


@lru_cache(maxsize=64)
def families_for(areas: tuple[Area, ...], difficulty: tuple[int, int]) -> tuple[Family, ...]:
    """The families of these areas that draw problems of a difficulty within both bounds."""
    low, high = difficulty
    return tuple(each for area in areas for each in families(area) if each.levels[0] <= high and each.levels[1] >= low)


@lru_cache(maxsize=64)
def _order(seed: int, areas: tuple[Area, ...], difficulty: tuple[int, int]) -> tuple[Family, ...]:
    """The families by the hashes of their names: one more moves no two others past each other."""
    return tuple(
        sorted(families_for(areas, difficulty), key=lambda each: blake3(f"{seed} {each.name}".encode()).digest())
    )


def _draws(family: Family, key: str, difficulty: tuple[int, int], share: float) -> Iterator[Drawn]:
    """Draws of a difficulty that is wanted; this share of problems is composed further, if that can be."""
    for attempt in range(DRAWS):
        draw = Draw(f"{key}, {family.name}, {attempt}")
        drawn = family.draw(draw)
        if draw.chance(share) and (further := composed(drawn, draw)) and further.difficulty <= difficulty[1]:
            drawn = further
        if difficulty[0] <= drawn.difficulty <= difficulty[1]:
            yield drawn


def _pairs(drawn: Drawn, key: str, count: int) -> list[_Pair]:
    """So many inputs, or as many as there are, with the oracle's results. Fewer are the first ones of these."""
    given = arguments_of(drawn.arguments, f"{key}, inputs", count)
    return [(each, result_of(drawn, [one.value for one in each], key)) for each in given]


def _tells_apart(drawn: Drawn, results: list[str], inputs: int) -> bool:
    """Whether the results say enough about a function: one that always returned the same would pass otherwise."""
    looked_at = Counter(results[:_LOOKED_AT])
    most = _SAME_TRUTH if drawn.returns == "bool" else _SAME
    return max(looked_at.values(), default=0) <= most * looked_at.total() and (
        inputs < 2 or len(set(results[:inputs])) > 1
    )


def _problem(family: Family, drawn: Drawn, pairs: list[_Pair], where: str) -> Problem:
    draw = Draw(f"{family.name}, {where}, wording")
    pairs, shown = _ordered(drawn, pairs, draw)
    examples = [_example(drawn, *pair) for pair in pairs[:shown]]
    solution = _solution(drawn, examples, draw)
    return Problem(
        problem=f"{family.name}-{tree_of(_whole(drawn.prelude, solution))[:16]}",
        source=f"generator {where}",
        licence=LICENCE,
        family=family.name,
        area=family.area,
        difficulty=drawn.difficulty,
        statement=statement_of(drawn, examples, draw),
        about=drawn.say,
        signature=signature_of(drawn, annotated=True),
        entry_point=drawn.call,
        prelude=drawn.prelude,
        solution=solution,
        idea=drawn.idea,
        contracts=drawn.contracts,
        inputs=f"[{', '.join(_tuple(values) for values, _ in pairs)}]",
        expected=f"[{', '.join(result for _, result in pairs)}]",
        shown=shown,
    )


def _whole(prelude: str, solution: str) -> str:
    return f"{prelude}\n\n\n{solution}" if prelude else solution


def _tuple(values: tuple[Value, ...]) -> str:
    return f"({', '.join(each.text for each in values)}{',' if len(values) == 1 else ''})"


def result_of(drawn: Drawn, given: Sequence[Any], key: str) -> str:
    """What the oracle says of these arguments, as a literal. Raises FamilyError, with the key, if that is none."""
    try:
        found: Any = drawn.oracle(*given)
        text = repr(found)
        if not _is_literal(found):
            raise TypeError(f"{text} holds something that is no literal of a fixed order")
    except Exception as error:
        raise FamilyError(f"the oracle of {key} gives no literal for {tuple(given)!r}: {error!r}") from error
    return text


def _is_literal(value: Any) -> bool:
    kind = type(value)
    if kind in (list, tuple):
        return all(map(_is_literal, value))
    if kind is dict:
        return all(map(_is_literal, value)) and all(map(_is_literal, value.values()))
    return kind in (int, str, bool, float, type(None))


def _example(drawn: Drawn, values: tuple[Value, ...], result: str) -> Example:
    return Example(f"{drawn.call}({', '.join(each.text for each in values)})", result)


def _ordered(drawn: Drawn, pairs: list[_Pair], draw: Draw) -> tuple[list[_Pair], int]:
    """The inputs, those that are shown first: short ones, with different results if there are; and how many are.

    Never more than a quarter of them are shown.
    """
    wanted = min(draw.choice((1, 2, 2, 3, 3, 3, 4)), max(1, len(pairs) // 4))
    by_length = sorted(range(len(pairs)), key=lambda place: (_length(pairs[place]), place))
    short = [place for place in by_length if _length(pairs[place]) <= _SHORT]
    few = short if len(short) >= 4 * wanted else by_length[: 4 * wanted]
    first = draw.sample(few, min(len(few), 4 * wanted))
    chosen: list[int] = []
    results: set[str] = set()
    for place in [*first, *by_length]:
        if len(chosen) < wanted and pairs[place][1] not in results:
            chosen.append(place)
            results.add(pairs[place][1])
    chosen += [place for place in first if place not in chosen][: wanted - len(chosen)]
    rest = [pair for place, pair in enumerate(pairs) if place not in chosen]
    return [pairs[place] for place in chosen] + rest, len(chosen)


def _length(pair: _Pair) -> int:
    return sum(len(each.text) for each in pair[0]) + len(pair[1])


def _solution(drawn: Drawn, examples: list[Example], draw: Draw) -> str:
    """The function, in one of several styles: annotated or not, with or without docstring or a comment."""
    lines = [signature_of(drawn, annotated=draw.chance(0.6))]
    style = draw.integer(0, 9)
    if style < 2:
        lines.append(textwrap.indent(docstring(drawn.say), "    "))
    elif style < 4:
        lines.append(textwrap.indent(docstring(_summary(drawn.say), examples[:2]), "    "))
    elif style < 5:
        # `idea` tells how it can be done, which this body need not follow; what it does is true of every body
        told = _summary(drawn.say).replace("`", "")
        lines += [f"    # {line}" for line in textwrap.wrap(told, 80, break_on_hyphens=False)]
    lines.append(textwrap.indent(drawn.body, "    "))
    return "\n".join(lines) + "\n"


def _summary(text: str) -> str:
    """The first sentence if it says what is returned, else all of them."""
    for place, letter in enumerate(text):
        before = text[: place + 1]
        if letter == "." and text[place + 1 : place + 2] in ("", " ") and before.count("`") % 2 == 0:
            return before if before.startswith("Return ") else text
    return text
