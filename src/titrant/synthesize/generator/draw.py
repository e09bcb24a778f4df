"""The random choices of one problem: a pure function of the seed and the problem's number, on every machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from textwrap import dedent
from typing import Any, TypeVar

from blake3 import blake3

Chosen = TypeVar("Chosen")

_PLACE = re.compile(r"\$(\w+)")


class Draw:
    """Choices for one problem, made one after the other."""

    def __init__(self, key: str) -> None:
        self._random = Random(int.from_bytes(blake3(key.encode()).digest(8)))
        self._names: set[str] = set()

    def integer(self, low: int, high: int) -> int:
        """A whole number, both bounds included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, share: float = 0.5) -> bool:
        """True in this share of cases."""
        return self._random.random() < share

    def choice(self, options: Sequence[Chosen]) -> Chosen:
        """One of them."""
        return options[self.integer(0, len(options) - 1)]

    def sample(self, options: Sequence[Chosen], count: int) -> list[Chosen]:
        """So many of them, in random order."""
        left = list(options)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in range(count)]

    def name(self, *options: str) -> str:
        """One of these names that the problem does not use yet."""
        free = [option for option in options if option not in self._names]
        found = self.choice(free) if free else f"{options[0]}_{len(self._names)}"
        self._names.add(found)
        return found

    def say(self, *wordings: str, **values: Any) -> str:
        """One of these wordings, `$name` replaced by the value of that name."""
        return fill(self.choice(wordings), **values)

    def source(self, *templates: str, **values: Any) -> str:
        """One of these programs, without the blank lines around and the indentation before it, and filled in.

        A value of several lines stands, whole, as deep as its place.
        """
        return fill(dedent(self.choice(templates)).strip("\n").rstrip(), **values)


def fill(template: str, **values: Any) -> str:
    """`$name` replaced by the value of that name. Raises KeyError for a name without one.

    >>> fill("if $x > 3:\\n    $then", x="n", then="n -= 1\\nbreak")
    'if n > 3:\\n    n -= 1\\n    break'
    """

    def value_of(found: re.Match[str]) -> str:
        value = str(values[found[1]])
        if "\n" not in value:
            return value
        start = template.rfind("\n", 0, found.start()) + 1
        before = template[start : found.start()]
        return value.replace("\n", "\n" + " " * (len(before) - len(before.lstrip())))

    return _PLACE.sub(value_of, template)
