"""A generated problem told in words: what is asked, how it can be done, and what a few inputs come to.

No model writes it and no code is in it. Its results are those that the problem's solutions are held against.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.problem import Problem

_SHORT = 70
"""Characters of an example that is told, if there are enough of them."""


def explain(problem: Problem, pairs: Sequence[tuple[Any, Any]] | None = None) -> str:
    """The explanation, without a line's end after it: a pure function of the problem.

    `pairs` are its arguments and results where they have been read already, which takes most of the time. Empty for a
    problem without `about`, `idea`, `signature` or inputs with results, as those of others are.
    """
    if not (problem.about and problem.idea and problem.signature and problem.inputs and problem.expected):
        return ""
    names = _parameters(problem.signature)
    if pairs is None:
        pairs = list(zip(ast.literal_eval(problem.inputs), ast.literal_eval(problem.expected), strict=True))
    draw = Draw(f"explained {problem.problem}")
    chosen = _chosen(draw, pairs)
    if not chosen:
        return ""
    told = [_example(draw, names, *pair) for pair in chosen]
    asked, done, seen = draw.choice(_FRAMES)
    heads = [draw.choice(asked), draw.choice(done), draw.choice(seen)]
    examples = _joined(draw, told)
    parts = [_under(head, text) for head, text in zip(heads, (problem.about, problem.idea, examples), strict=True)]
    if draw.chance(0.2):
        parts = [parts[0], parts[2], parts[1]]
    return "\n\n".join(parts)


_FRAMES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("",), ("",), ("",)),
    (
        ("The task: ", "What is asked: ", "The problem: "),
        ("One way to do it: ", "How it can be done: ", "An approach: "),
        ("Some examples. ", "To see it at work: ", "A few cases: "),
    ),
    (
        ("", "Consider this task. ", "Here is a small problem. "),
        ("The idea is simple. ", "Here is the method. ", "It can be solved as follows. "),
        ("Let us try it. ", "Let us check it by hand. ", "Some values show it. "),
    ),
    (
        ("## Task\n\n", "## Problem\n\n", "## What to do\n\n"),
        ("## Method\n\n", "## How\n\n", "## Idea\n\n"),
        ("## Worked examples\n\n", "## Examples\n\n", "## By hand\n\n"),
    ),
    (
        ("Question: ", "Q: "),
        ("Answer: ", "A: "),
        ("For instance: ", "As a check: "),
    ),
)
"""What stands before the task, the idea and the examples."""


def _under(head: str, text: str) -> str:
    """A list begins on a line of its own."""
    return f"{head.rstrip()}\n\n{text}" if text.startswith("- ") and head and not head.endswith("\n") else head + text


def _parameters(signature: str) -> list[str]:
    head = ast.parse(f"{signature}\n    pass").body[0]
    assert isinstance(head, ast.FunctionDef)
    return [each.arg for each in head.args.args]


def _chosen(draw: Draw, pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Two to four short ones, with different results as long as there are some."""
    wanted = draw.integer(2, 4)
    size = [len(repr(pair)) for pair in pairs]
    order = sorted(range(len(pairs)), key=lambda place: (size[place] > _SHORT, place))
    short = sum(each <= _SHORT for each in size)
    first = draw.sample(order[: max(short, wanted)], min(len(pairs), max(short, wanted)))
    found: list[int] = []
    results: set[str] = set()
    for place in first:
        if len(found) < wanted and repr(pairs[place][1]) not in results:
            found.append(place)
            results.add(repr(pairs[place][1]))
    found += [place for place in first if place not in found][: max(0, 2 - len(found))]
    return [pairs[place] for place in found]


def _example(draw: Draw, names: Sequence[str], arguments: tuple[Any, ...], result: Any) -> str:
    given = _and([f"`{name}` is {in_words(value)}" for name, value in zip(names, arguments, strict=True)])
    values = _and([in_words(value) for value in arguments])
    end = in_words(result)
    options = [
        f"If {given}, the result is {end}.",
        f"When {given}, it comes to {end}.",
        f"Suppose {given}: then the answer is {end}.",
        f"Where {given}, what comes out is {end}.",
    ]
    if len(arguments) == 1:
        options += [f"For {values} the result is {end}.", f"From {values} one gets {end}.", f"Given {values}: {end}."]
    return draw.choice(options)


def _joined(draw: Draw, told: Sequence[str]) -> str:
    style = draw.integer(0, 2)
    if style == 0:
        return " ".join(told)
    return "\n".join(f"- {each}" for each in told) if style == 1 else "\n".join(told)


def in_words(value: Any) -> str:
    """A value as a sentence names it.

    >>> in_words([1, 2]), in_words(""), in_words((3, "a")), in_words(True), in_words(-4)
    ('the list [1, 2]', 'the empty text', "the pair (3, 'a')", 'true', '-4')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}" if value else "the empty text"
    kinds: dict[Any, str] = {list: "list", dict: "dictionary", set: "set", frozenset: "set", tuple: "tuple"}
    kind = kinds.get(type(value))
    if kind is None:
        return repr(value)
    if not value:
        return f"the empty {kind}" if kind != "list" else "an empty list"
    return f"the {'pair' if kind == 'tuple' and len(value) == 2 else kind} {value!r}"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
