"""Families: what a function must give so that problems can be drawn from it, and where all of them are listed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from titrant.study.synthesis import AREAS, Area
from titrant.synthesize.generator.domains import Arguments, Domain
from titrant.synthesize.generator.draw import Draw


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function that is asked for."""

    name: str
    domain: Domain


@dataclass(frozen=True)
class Drawn:
    """What a family draws: a problem without its wording and its examples."""

    call: str
    """The function's name."""
    parameters: tuple[Parameter, ...]
    returns: str
    """The type of what it returns, as a signature writes it."""
    say: str
    """What it does, in one to four whole sentences; the first begins with a verb in the imperative (`Return ...`).
    Parameters stand in backquotes. It decides every case that the domains allow."""
    body: str
    """The function's body, unindented: the solution."""
    oracle: Callable[..., Any]
    """The same function built in another way: plain and slow, sharing no step with the body. Solutions are held against
    it. It must not change its arguments."""
    idea: str
    """How it can be done, in one to three sentences of prose without code."""
    prelude: str = ""
    """Imports, helper functions or classes before the function."""
    contracts: tuple[str, ...] = ()
    """Expressions over the parameters and `result` that hold for every input."""
    where: Callable[..., bool] | None = None
    """What must hold among the arguments, beyond their domains; true of at least a third of them."""
    where_name: str = ""
    """Says all that `where` depends on."""
    difficulty: int = 1
    """1 (one step) to 5 (an algorithm of several parts)."""

    @property
    def arguments(self) -> Arguments:
        """The domains of its parameters."""
        return Arguments(tuple(parameter.domain for parameter in self.parameters), self.where_name, self.where)


@dataclass(frozen=True)
class Family:
    """A recipe for problems of one kind."""

    name: str
    area: Area
    levels: tuple[int, int]
    """The least and the greatest difficulty that it draws."""
    draw: Callable[[Draw], Drawn]


_FOUND: dict[Area, list[Family]] = {area: [] for area in AREAS}


def family(area: Area, *levels: int) -> Callable[[Callable[[Draw], Drawn]], Callable[[Draw], Drawn]]:
    """Mark a function as a family of an area, of one difficulty or of difficulties from the first to the last."""

    def mark(draw: Callable[[Draw], Drawn]) -> Callable[[Draw], Drawn]:
        _FOUND[area].append(Family(draw.__name__.replace("_", "-"), area, (levels[0], levels[-1]), draw))
        return draw

    return mark


def families(area: Area) -> tuple[Family, ...]:
    """All families of an area, in the order in which they are written down."""
    importlib.import_module(f"titrant.synthesize.generator.families.{area.replace('-', '_')}")
    return tuple(_FOUND[area])
