"""Long lines of programs broken as a formatter would do it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from titrant.synthesize.generator.draw import Draw

_LONGEST = 92


def laid_out(source: str) -> str:
    """Long comprehensions, one on a line, spread over several lines.

    >>> print(laid_out(f"return sum({'(value + 1) * ' * 4}value for value in values if value % 2 == 0 or value > 30)"))
    return sum(
        (value + 1) * (value + 1) * (value + 1) * (value + 1) * value
        for value in values
        if value % 2 == 0 or value > 30
    )
    """
    return "\n".join(_broken(line) if len(line) > _LONGEST else line for line in source.split("\n"))


def _broken(line: str) -> str:
    for opened in re.finditer(r"[(\[{]", line):
        start, end = opened.end(), _closing(line, opened.start())
        cuts = _cuts(line, start, end)
        if not cuts:
            continue
        margin = " " * (len(line) - len(line.lstrip()))
        edges = [start, *cuts, end]
        inner = [line[a:b].strip() for a, b in pairwise(edges)]
        return "\n".join([line[:start], *(f"{margin}    {part}" for part in inner), f"{margin}{line[end:]}"])
    return line


def _closing(line: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(line)):
        depth += (line[at] in "([{") - (line[at] in ")]}")
        if depth == 0:
            return at
    return len(line)


def _cuts(line: str, start: int, end: int) -> list[int]:
    """Where the clauses `for` and `if` of a comprehension begin that is all there is between the two places."""
    depth = 0
    found: list[int] = []
    for at in range(start, end):
        depth += (line[at] in "([{") - (line[at] in ")]}")
        if depth == 0 and (line.startswith(" for ", at) or (found and line.startswith(" if ", at))):
            found.append(at)
        if depth == 0 and not found and line[at] == ",":
            return []
    return found


def written(draw: Draw, *templates: str, **values: Any) -> str:
    """One of these programs as `Draw.source` makes it, with its long lines broken."""
    return laid_out(draw.source(*templates, **values))
