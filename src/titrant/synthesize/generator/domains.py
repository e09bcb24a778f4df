"""What a parameter may be: a domain gives its type as Python writes it, and a Hypothesis strategy that draws from it.

Domains are compared by value: problems whose parameters have equal domains share one pool of drawn inputs. So a family
takes its bounds from a few fixed ones and never from a draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Domain(Protocol):
    """The set of values that a parameter may have."""

    @property
    def annotation(self) -> str:
        """Its type as a signature writes it, such as `list[int]`."""

    def strategy(self) -> SearchStrategy[Any]:
        """Draws values of it; never others."""


@dataclass(frozen=True)
class Integers:
    """Whole numbers, both bounds included."""

    low: int = -50
    high: int = 50
    annotation: str = "int"

    def strategy(self) -> SearchStrategy[int]:
        """Small values and the bounds are drawn often."""
        return st.integers(self.low, self.high)


@dataclass(frozen=True)
class Booleans:
    """`True` and `False`."""

    annotation: str = "bool"

    def strategy(self) -> SearchStrategy[bool]:
        """Either."""
        return st.booleans()


@dataclass(frozen=True)
class Choices:
    """One of a few values of one type."""

    values: tuple[Any, ...]
    annotation: str = "str"

    def strategy(self) -> SearchStrategy[Any]:
        """Any of them."""
        return st.sampled_from(self.values)


@dataclass(frozen=True)
class Texts:
    """Strings over an alphabet."""

    alphabet: str = LETTERS
    shortest: int = 0
    longest: int = 12
    annotation: str = "str"

    def strategy(self) -> SearchStrategy[str]:
        """Few different letters, so that some stand twice."""
        return st.text(self.alphabet, min_size=self.shortest, max_size=self.longest)


@dataclass(frozen=True)
class Lists:
    """Lists of values of one domain; `ascending` ones are sorted."""

    of: Domain = field(default_factory=Integers)
    shortest: int = 0
    longest: int = 8
    unique: bool = False
    ascending: bool = False

    @property
    def annotation(self) -> str:
        """`list[...]`"""
        return f"list[{self.of.annotation}]"

    def strategy(self) -> SearchStrategy[list[Any]]:
        """Of any length within the bounds."""
        found = st.lists(self.of.strategy(), min_size=self.shortest, max_size=self.longest, unique=self.unique)
        return found.map(sorted) if self.ascending else found


@dataclass(frozen=True)
class Tuples:
    """Tuples whose places have a domain each."""

    of: tuple[Domain, ...]

    @property
    def annotation(self) -> str:
        """`tuple[..., ...]`"""
        return f"tuple[{', '.join(domain.annotation for domain in self.of)}]"

    def strategy(self) -> SearchStrategy[tuple[Any, ...]]:
        """Place by place."""
        return st.tuples(*(domain.strategy() for domain in self.of))


@dataclass(frozen=True)
class Dicts:
    """Dictionaries."""

    keys: Domain
    values: Domain
    shortest: int = 0
    longest: int = 6

    @property
    def annotation(self) -> str:
        """`dict[..., ...]`"""
        return f"dict[{self.keys.annotation}, {self.values.annotation}]"

    def strategy(self) -> SearchStrategy[dict[Any, Any]]:
        """Keys and values apart."""
        keys, values = self.keys.strategy(), self.values.strategy()
        return st.dictionaries(keys, values, min_size=self.shortest, max_size=self.longest)


@dataclass(frozen=True)
class Made:
    """Values that a function makes from a random source: expressions, grids, programs, graphs, ...

    Two are equal if their name and type are: the name says all that `make` depends on.
    """

    name: str
    annotation: str
    make: Callable[[Random], Any] = field(compare=False)

    def strategy(self) -> SearchStrategy[Any]:
        """Hypothesis draws the seed of the random source."""
        return st.integers(0, 2**32 - 1).map(lambda seed: self.make(Random(seed)))


@dataclass(frozen=True)
class Several:
    """Lists of up to five arguments of a function: values of one domain, or tuples of several."""

    of: tuple[Domain, ...]

    @property
    def annotation(self) -> str:
        """`list[...]`"""
        one = self.of[0] if len(self.of) == 1 else Tuples(self.of)
        return f"list[{one.annotation}]"

    def strategy(self) -> SearchStrategy[list[Any]]:
        """Arguments apart from each other."""
        one = self.of[0] if len(self.of) == 1 else Tuples(self.of)
        return st.lists(one.strategy(), max_size=5)


@dataclass(frozen=True)
class Arguments:
    """The domains of all parameters, and what must hold among them."""

    of: tuple[Domain, ...]
    where_name: str = ""
    """Says all that `where` depends on."""
    where: Callable[..., bool] | None = field(default=None, compare=False)

    def strategy(self) -> SearchStrategy[tuple[Any, ...]]:
        """One value a parameter."""
        drawn = st.tuples(*(domain.strategy() for domain in self.of))
        where = self.where
        return drawn if where is None else drawn.filter(lambda values: where(*values))
