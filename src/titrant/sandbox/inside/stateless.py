"""Whether anything in a program can last from one call to the next, found by a look at its text.

What is not understood is taken for something that lasts.
"""

from __future__ import annotations

import ast

_MODULES = frozenset(
    [
        "math",
        "cmath",
        "itertools",
        "functools",
        "collections",
        "collections.abc",
        "heapq",
        "bisect",
        "operator",
        "re",
        "string",
        "typing",
        "fractions",
        "statistics",
        "copy",
        "textwrap",
    ]
)
"""Modules in which nothing is kept that a program could see."""


def keeps_nothing(source: str) -> bool:
    """Whether a module holds functions, constants and imports alone, so that no call leaves anything to the next.

    >>> keeps_nothing("MOST = 3\\ndef f(x):\\n    found = []\\n    return found"), keeps_nothing("seen = []")
    (True, False)
    """
    if "__" in source:
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    found: list[ast.AST] = [tree]
    for node in found:
        if not _is_harmless(node):
            return False
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [each for each in value if isinstance(each, ast.AST)]
    return all(map(_is_constant, tree.body))


def _is_harmless(node: ast.AST) -> bool:
    """Wherever it stands."""
    match node:
        case ast.Global() | ast.ClassDef():
            return False
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return False
        case ast.Import(names=names):
            return all(alias.name in _MODULES for alias in names)
        case ast.ImportFrom(module=module):
            return module in _MODULES
    return True


def _is_constant(statement: ast.stmt) -> bool:
    """A statement of the module itself that makes nothing which could be changed."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()) | ast.Pass():
            return True
        case ast.FunctionDef(args=arguments, decorator_list=[]):
            return all(
                default is None or _is_fixed(default) for default in (*arguments.defaults, *arguments.kw_defaults)
            )
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and _is_fixed(value)
        case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
            return _is_fixed(value)
    return False


def _is_fixed(value: ast.expr) -> bool:
    """A value that nothing changes: numbers, texts, names of such, and tuples of them."""
    match value:
        case ast.Constant() | ast.Name() | ast.Attribute(value=ast.Name()):
            return True
        case ast.UnaryOp(operand=one):
            return _is_fixed(one)
        case ast.BinOp(left=one, right=other):
            return _is_fixed(one) and _is_fixed(other)
        case ast.Tuple(elts=parts):
            return all(map(_is_fixed, parts))
    return False
