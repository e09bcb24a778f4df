"""Fuel: a program's text, compiled so that every round of a loop and every call of a function asks before it begins.

What is counted is the same on every machine and however busy it is: no clock takes part. Loops inside functions of C,
such as `sum(range(10**9))`, are not counted; limits of the process end them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType

TICK = " tick"
"""The global name that is asked; no program can write it."""


class Spent(BaseException):
    """The fuel is used up."""


class Tank:
    """How much is left."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._left = [steps]

    @property
    def empty(self) -> bool:
        """Whether more was asked for than there was."""
        return self._left[0] < 0

    def fill(self) -> None:
        """As much as at the beginning."""
        self._left[0] = self._steps

    def tick(self) -> Callable[[], bool]:
        """What a program calls under the name TICK. It raises Spent from then on, so that no `except` goes on."""
        left = self._left

        def tick() -> bool:
            left[0] -= 1
            if left[0] < 0:
                raise Spent
            return True

        return tick


def compiled(source: str, name: str) -> CodeType:
    """The code of a module whose loops, comprehensions and functions call TICK first. Raises SyntaxError and the like
    as `compile` does."""
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            node.body.insert(0, ast.copy_location(ast.Expr(_asked(first)), first))
        elif isinstance(node, ast.comprehension):
            node.ifs.insert(0, _asked(node.target))
        elif isinstance(node, ast.Lambda):
            node.body = ast.copy_location(ast.BoolOp(ast.And(), [_asked(node.body), node.body]), node.body)
    return compile(tree, name, "exec", dont_inherit=True)


def _asked(beside: ast.expr | ast.stmt) -> ast.expr:
    name = ast.copy_location(ast.Name(TICK, ast.Load()), beside)
    return ast.copy_location(ast.Call(name, [], []), beside)
