"""What a family makes: one example, that is a prompt, its answer, and the wrong choices beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from titrant.evaluate.probes.draw import Draw


@dataclass(frozen=True)
class Example:
    """One solved problem. As a shot it is written `prompt + answer + rest`; as an item it ends after the prompt."""

    prompt: str
    answer: str
    """With the space that separates it from the prompt, if there is one."""
    distractors: tuple[str, ...]
    """Wrong answers of the same kind; a family always gives the same number of them."""
    rest: str = ""
    """What follows the answer in a solved example."""


@dataclass(frozen=True)
class Family:
    """One probe: how its examples are drawn, and how far its ladder goes."""

    name: str
    version: int
    """Raised by hand when the examples change."""
    num_choices: int
    max_rung: int
    example: Callable[[Draw, int], Example]
    """Draws an example of a rung."""
    shot: Callable[[Draw, int, Example], Example] | None = None
    """Draws a solved example to stand before an item, if that is not simply another example of its rung."""
