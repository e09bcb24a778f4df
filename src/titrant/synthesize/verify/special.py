"""Programs that know the examples instead of solving the problem, found by a look at their text.

A program is told to look its answers up if its text holds the arguments and the results of examples where it compares,
looks up or returns them. The look says why a solution fails; where nothing but tests speaks for a solution it decides.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from titrant.synthesize.parsing import parsed
from titrant.synthesize.verify.values import is_literal, same_value

_TRIVIAL: tuple[Any, ...] = (None, True, False, 0, 1, -1, 2, "", [], (), {})
_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def looks_answers_up(tree: ast.AST, examples: Sequence[tuple[tuple[Any, ...], Any]]) -> bool:
    """Whether a program compares with, or has a table of, the arguments of two examples or more, or of one example
    whose result it also writes down.

    >>> table = ast.parse("def f(n, m):\\n    if n == 17 and m == 4: return 68\\n    return 0")
    >>> looks_answers_up(table, [((17, 4), 68), ((3, 3), 9)])
    True
    """
    compared, written = _literals(tree)
    known = answered = 0
    for arguments, result in examples:
        telling = [value for value in arguments if not _among(value, _TRIVIAL)]
        whole = len(arguments) > 1 and _is_known(tuple(arguments), compared)
        if whole or (telling and all(_is_known(value, compared) for value in telling)):
            known += 1
            answered += not _among(result, _TRIVIAL) and _among(result, written)
    return answered >= 1 or known >= 2


def written_examples(tests: Sequence[str], entry_point: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Arguments and results of the tests of the form `assert f(1, 2) == 3`."""
    found = []
    for test in tests:
        tree = parsed(test)
        for node in ast.walk(tree) if tree is not None else ():
            match node:
                case ast.Compare(left=ast.Call(func=ast.Name(id=name), args=given), ops=[_], comparators=[right]):
                    values = [_value(each) for each in given]
                    result = _value(right)
                    if name in (entry_point, "candidate") and all(values) and result:
                        found.append((tuple(value[0] for value in values), result[0]))
    return found


def _among(value: Any, others: Sequence[Any]) -> bool:
    return any(same_value(value, other) for other in others)


def _is_known(value: Any, others: Sequence[Any]) -> bool:
    """Whether a value, the same as a tuple, or its text is among others."""
    return any(_among(form, others) for form in (value, _frozen(value), repr(value), str(value)))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _literals(tree: ast.AST) -> tuple[list[Any], list[Any]]:
    """The literal values that a program compares with, looks up or matches; and all that it writes down."""
    compared: list[Any] = []
    written: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                compared += _values(side)
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                compared += _values(key) if key is not None else []
        elif isinstance(node, (ast.MatchValue, ast.MatchSingleton)):
            compared += [node.value] if isinstance(node, ast.MatchSingleton) else _values(node.value)
        elif isinstance(node, ast.MatchSequence):
            parts = [_values(each.value) for each in node.patterns if isinstance(each, ast.MatchValue)]
            if len(parts) == len(node.patterns) and all(parts):
                compared += [[part[0] for part in parts], tuple(part[0] for part in parts)]
        if isinstance(node, ast.expr):
            written += _value(node)
    return compared, written


def _values(node: ast.expr) -> list[Any]:
    """What a literal stands for, and its items, as they are compared with one by one in `in (...)`."""
    found = _value(node)
    inner = found[0] if found else None
    if isinstance(inner, str):
        return found
    if isinstance(inner, (list, tuple)):
        return [*found, *inner]
    return found


def _value(node: ast.expr) -> list[Any]:
    if not isinstance(node, (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.Call)):
        return []
    try:
        value = ast.literal_eval(node)
    except _BROKEN:
        return []
    return [value] if is_literal(value) else []
