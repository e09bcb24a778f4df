"""Tests on a number as conditions and in the singular; one of several parts with its words, source and meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.pieces import Piece

Part = tuple[str, str, Callable[..., Any]]


def one_of(draw: Draw, *parts: Part) -> Part:
    """One of these: words, source and meaning."""
    return draw.choice(parts)


def clause(test: Piece, name: str) -> str:
    """Its source as a part of a longer condition."""
    source = test.of(name)
    return f"({source})" if " or " in source else source


def alone(test: Piece) -> str:
    """Its words for one number: `is WORDS`."""
    return test.words.replace("multiples of", "a multiple of")


def imports(body: str, *lines: str) -> str:
    """Those of the import lines, each of one name, whose name the body uses."""
    return "\n".join(line for line in lines if line.split()[-1] in body)


def tidied(body: str) -> str:
    """The program without the lines that parts left empty, and with no two blank lines together."""
    lines = [line for line in body.split("\n") if not line or line.strip()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
