"""Fuel: a program's text, compiled so that every round of a loop and every call of a function asks before it begins.

What is counted is the same on every machine and however busy it is: no clock takes part. Products and powers of large
integers, which grow without end in a loop that does not, use up fuel by their size, before they are computed. Other
loops inside functions of C, such as `sum(range(10**9))`, are not counted; limits of the process end them.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from types import CodeType
from typing import Any, cast

TICK = " tick"
"""The global name that is asked; no program can write it."""
_OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    ast.Mult: (" product", operator.mul, operator.imul),
    ast.Pow: (" power", operator.pow, operator.ipow),
}
"""The name of what computes in the place of an operator, with `=` behind it if it stands in an assignment."""
_DIGIT_BITS = 30
"""Of one digit of Python's integers."""
_LARGE_DIGITS = 64
"""From which on a product uses up fuel."""


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

    def names(self) -> dict[str, Any]:
        """The global names of a program that runs on this fuel."""
        found: dict[str, Any] = {TICK: self.tick()}
        for name, plain, changing in _OPERATORS.values():
            found[name] = self._computing(plain)
            found[f"{name}="] = self._computing(changing)
        return found

    def _computing(self, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """All in one call, as asking is: a program may stand at its deepest."""
        left = self._left

        def product(one: Any, other: Any) -> Any:
            """Multiplying takes longer than this by any method that Python has: an eighth of its longer factor's digits
            times the square root of the shorter one's. So a step is more work than a round of an empty loop, and what
            is not counted for being quick has steps left."""
            if type(one) is int and type(other) is int:
                digits, others = one.bit_length() // _DIGIT_BITS, other.bit_length() // _DIGIT_BITS
                if digits >= _LARGE_DIGITS and others >= _LARGE_DIGITS:
                    left[0] -= max(digits, others) * math.isqrt(min(digits, others)) // 8
                    if left[0] < 0:
                        raise Spent
            return compute(one, other)

        def power(base: Any, exponent: Any) -> Any:
            """The steps of its last product, which is of two factors of half the length."""
            if type(base) is int and type(exponent) is int:
                digits = (abs(base).bit_length() - 1) * exponent // 2 // _DIGIT_BITS
                if digits >= _LARGE_DIGITS:
                    left[0] -= digits * math.isqrt(digits) // 8
                    if left[0] < 0:
                        raise Spent
            return compute(base, exponent)

        return power if compute in (operator.pow, operator.ipow) else product


def compiled(source: str, name: str) -> CodeType:
    """The code of a module whose loops, comprehensions and functions call TICK first; what it names is in
    `Tank.names`. Raises SyntaxError and the like
    as `compile` does."""
    tree = ast.parse(source, name)
    _filled(tree)
    return compile(tree, name, "exec", dont_inherit=True)


def _filled(node: ast.AST) -> ast.AST:
    """A node whose loops and calls ask, and whose products and powers are computed on fuel."""
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            if value._fields:
                setattr(node, field, _filled(value))
        elif isinstance(value, list):
            value[:] = [_filled(each) if isinstance(each, ast.AST) else each for each in value]
    change = _CHANGES.get(type(node))
    return node if change is None else change(node)


def _with_asking_body(node: Any) -> ast.AST:
    """A loop or function; behind a docstring, which stays one."""
    first = node.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    node.body.insert(int(told), ast.copy_location(ast.Expr(_asked(first)), first))
    return cast("ast.AST", node)


def _with_asking_condition(node: ast.comprehension) -> ast.AST:
    node.ifs.insert(0, _asked(node.target))
    return node


def _with_asking_value(node: ast.Lambda) -> ast.AST:
    node.body = ast.copy_location(ast.BoolOp(ast.And(), [_asked(node.body), node.body]), node.body)
    return node


def _computed(node: ast.BinOp) -> ast.AST:
    """`a * b`"""
    known = _OPERATORS.get(type(node.op))
    return node if known is None else _call(known[0], [node.left, node.right], node)


def _assigned(node: ast.AugAssign) -> ast.AST:
    """`a *= b` of a plain name."""
    known = _OPERATORS.get(type(node.op))
    if known is None or not isinstance(node.target, ast.Name):
        return node
    old = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
    return ast.copy_location(ast.Assign([node.target], _call(f"{known[0]}=", [old, node.value], node)), node)


_CHANGES: dict[type[ast.AST], Callable[[Any], ast.AST]] = {
    ast.For: _with_asking_body,
    ast.AsyncFor: _with_asking_body,
    ast.While: _with_asking_body,
    ast.FunctionDef: _with_asking_body,
    ast.AsyncFunctionDef: _with_asking_body,
    ast.comprehension: _with_asking_condition,
    ast.Lambda: _with_asking_value,
    ast.BinOp: _computed,
    ast.AugAssign: _assigned,
}


def _call(name: str, arguments: list[ast.expr], beside: ast.expr | ast.stmt) -> ast.expr:
    function = ast.copy_location(ast.Name(name, ast.Load()), beside)
    return ast.copy_location(ast.Call(function, arguments, []), beside)


def _asked(beside: ast.expr | ast.stmt) -> ast.expr:
    return _call(TICK, [], beside)
