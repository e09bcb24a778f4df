"""Which functions of a module a problem can be made of: those that can be taken out of it and run alone.

A static look, which refuses too much rather than too little: plain parameters, a result, no global state, and no name
but those of the function itself, of harmless builtins, of a few modules of the standard library, and of functions and
constants of the module that are as harmless. What runs is run in the sandbox all the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from titrant.synthesize.parsing import bound_names, first_line, last_line, used_names

_LIBRARIES = """
abc array base64 binascii bisect collections copy dataclasses decimal difflib enum fractions functools heapq html
itertools json math numbers operator re statistics string struct textwrap typing typing_extensions unicodedata
"""
_BUILTINS = """
abs all any ascii bin bool bytearray bytes chr complex dict divmod enumerate filter float format frozenset hex int
isinstance issubclass iter len list map max min next oct ord pow range repr reversed round set slice sorted str sum
tuple type zip True False None NotImplemented Ellipsis ArithmeticError AssertionError AttributeError Exception
IndexError KeyError LookupError NotImplementedError OverflowError RuntimeError StopIteration TypeError ValueError
ZeroDivisionError UnicodeDecodeError UnicodeEncodeError UnicodeError
"""
LIBRARIES = frozenset(_LIBRARIES.split())
"""Modules that a function may use."""
BUILTINS = frozenset(_BUILTINS.split())
"""Builtins that a function may use: no `open`, no `print`, no `eval`, no `hash`, nothing that looks into objects."""
LINES = (3, 60)
"""Lines of a function, its docstring left out."""
MOST_NEEDED = 6
"""Functions and constants of its module that a function may need."""

_REFUSED = (
    ast.Await,
    ast.AsyncFor,
    ast.AsyncFunctionDef,
    ast.AsyncWith,
    ast.ClassDef,
    ast.Global,
    ast.Import,
    ast.ImportFrom,
    ast.Nonlocal,
    ast.With,
    ast.Yield,
    ast.YieldFrom,
)


@dataclass(frozen=True)
class Mined:
    """A function with all that it needs."""

    function: ast.FunctionDef
    source: str
    """Its own text."""
    prelude: str
    """Imports, constants and functions of its module that it needs, in the module's order."""


def minable(tree: ast.Module, text: str) -> Iterator[Mined]:
    """The functions of a module that can be taken out of it, in order."""
    module = _Module(tree)
    lines = text.split("\n")
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef) or module.counts.get(statement.name) != 1:
            continue
        needed = module.needed_by(statement)
        if needed is not None and _asks_plainly(statement) and _has_result(statement):
            used = set[str]().union(*map(used_names, needed))
            parts = [_part(each, lines, used) for each in tree.body if each in needed and each is not statement]
            yield Mined(statement, _text(statement, lines), _joined(parts))


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        self.by_name: dict[str, ast.stmt] = {}
        self.counts: dict[str, int] = {}
        for statement in tree.body:
            for name in bound_names([statement]):
                self.by_name[name] = statement
                self.counts[name] = self.counts.get(name, 0) + 1

    def needed_by(self, function: ast.FunctionDef) -> list[ast.stmt] | None:
        """The statements of the module that it needs, itself among them; None if it needs what it may not have."""
        needed: list[ast.stmt] = []
        waiting: list[ast.stmt] = [function]
        while waiting:
            statement = waiting.pop()
            if statement in needed:
                continue
            needed.append(statement)
            if len(needed) > MOST_NEEDED + 1 or not _is_harmless(statement):
                return None
            for name in _free_names(statement):
                found = self.by_name.get(name)
                if found is not None and self.counts[name] == 1:
                    waiting.append(found)
                elif found is not None or name not in BUILTINS:
                    return None
        return needed


def _is_harmless(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import):
        return all(alias.name in LIBRARIES for alias in statement.names)
    if isinstance(statement, ast.ImportFrom):
        is_plain = statement.level == 0 and all(alias.name != "*" for alias in statement.names)
        return is_plain and (statement.module or "").partition(".")[0] in LIBRARIES
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        # a constant: a table that a function changes is no constant, but it is copied with the function
        return statement.value is not None and _is_literal(statement.value)
    if not isinstance(statement, ast.FunctionDef) or statement.decorator_list:
        return False
    nodes = list(ast.walk(statement))
    if any(isinstance(node, _REFUSED) for node in nodes):
        return False
    return not any(isinstance(node, ast.Attribute) and node.attr.startswith("__") for node in nodes)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return isinstance(value, ast.Call) and ast.unparse(value.func) in ("re.compile", "frozenset", "set", "range")
    return True


def _free_names(statement: ast.stmt) -> set[str]:
    """Names that a statement reads and does not bind anywhere in itself."""
    nodes = list(ast.walk(statement))
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return set()
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ExceptHandler)) and node.name}
    return read - bound


def _asks_plainly(function: ast.FunctionDef) -> bool:
    """One to six parameters, none of them packed; known types, unless examples show what they are."""
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        return False
    names = [each.arg for each in arguments.args]
    return 1 <= len(names) <= 6 and names[0] not in ("self", "cls") and not function.name.startswith("test")


def _has_result(function: ast.FunctionDef) -> bool:
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return any(
        value is not None and not (isinstance(value, ast.Constant) and value.value is None) for value in returned
    )


def _text(statement: ast.stmt, lines: list[str]) -> str:
    return "\n".join(lines[first_line(statement) - 1 : last_line(statement)])


def _part(statement: ast.stmt, lines: list[str], used: set[str]) -> str:
    """The text of a statement; of an import what is used of it."""
    if not isinstance(statement, (ast.Import, ast.ImportFrom)):
        return _text(statement, lines)
    kept = [alias for alias in statement.names if (alias.asname or alias.name).partition(".")[0] in used]
    if isinstance(statement, ast.Import):
        return ast.unparse(ast.Import(kept))
    return ast.unparse(ast.ImportFrom(statement.module, kept, statement.level))


def _joined(parts: list[str]) -> str:
    text = ""
    for part in parts:
        text += f"\n\n{part}\n" if part.startswith("def ") else f"{part}\n"
    return text.strip("\n")
