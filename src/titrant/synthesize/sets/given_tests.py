"""Tests as sets of problems have them, brought to single statements that a right solution passes.

Known are: a text or a list of assertions; functions `test_...()`; a function `check(candidate)` that is called with the
solution, as HumanEval has it. What is none of these stays one test as it stands.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections import Counter
from dataclasses import dataclass

from titrant.synthesize.parsing import bound_names, parsed, used_names


@dataclass(frozen=True)
class Tests:
    """Tests of one problem."""

    statements: tuple[str, ...]
    """Each passes on its own with a right solution."""
    setup: str = ""
    """Imports that they need."""


def read_tests(given: object, entry_point: str | None) -> Tests | None:
    """The tests in a column: a text, a list of texts, or a text that holds a list in JSON. None if they are no Python.

    Assertions that do not call the function at all are left out.
    """
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = json.loads(given)
        except ValueError:
            return None
    texts = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else None
    if texts is None or not all(isinstance(text, str) for text in texts):
        return None
    statements: list[str] = []
    setup: list[str] = []
    for text in texts:
        tree = parsed(text)
        if not isinstance(tree, ast.Module):
            return None
        found = _of_module(tree, text, entry_point)
        statements += found.statements
        setup += [found.setup] if found.setup else []
    return Tests(tuple(dict.fromkeys(statements)), "\n".join(dict.fromkeys(setup)))


def _of_module(tree: ast.Module, text: str, entry_point: str | None) -> Tests:
    imports = [each for each in tree.body if isinstance(each, (ast.Import, ast.ImportFrom))]
    rest = [each for each in tree.body if each not in imports and not _is_metadata(each)]
    setup = "\n".join(ast.unparse(each) for each in imports)
    if not rest:
        return Tests(())
    if all(isinstance(each, ast.Assert) for each in rest):
        return Tests(_assertions(rest, entry_point), setup)
    checks = [each for each in rest if isinstance(each, ast.FunctionDef) and each.name == "check"]
    if len(checks) == 1 and len(checks[0].args.args) == 1 and entry_point is not None:
        return _of_check(checks[0], rest, text, setup, entry_point)
    tests = [each for each in rest if isinstance(each, ast.FunctionDef) and each.name.startswith("test")]
    only_defines = all(isinstance(each, (ast.FunctionDef, ast.ClassDef, ast.Assign)) for each in rest)
    if tests and only_defines and not any(each.args.args or each.decorator_list for each in tests):
        helpers = [ast.unparse(each) for each in rest if each not in tests]
        return Tests(tuple("\n\n".join([*helpers, ast.unparse(each), f"{each.name}()"]) for each in tests), setup)
    return Tests((text.strip("\n"),))


def _of_check(check: ast.FunctionDef, rest: list[ast.stmt], text: str, setup: str, entry_point: str) -> Tests:
    """The assertions of `check(candidate)`, with the function's own name, or all of it as one test."""
    candidate = check.args.args[0].arg
    body = [each for each in check.body if not isinstance(each, ast.Pass) and not _is_remark(each)]
    if rest == [check] and all(isinstance(each, ast.Assert) for each in body):
        renamed = [_Renamed(candidate, entry_point).visit(each) for each in body]
        if found := _assertions(renamed, entry_point):
            return Tests(found, setup)
    is_called = any(isinstance(each, ast.Expr) and "check" in used_names(each) for each in rest)
    return Tests((text.strip("\n") + ("" if is_called else f"\n\ncheck({entry_point})"),))


class _Renamed(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new, node.ctx) if node.id == self.old else node


def _assertions(statements: list[ast.stmt], entry_point: str | None) -> tuple[str, ...]:
    """Assertions without their messages, of those that use the function."""
    return tuple(
        ast.unparse(ast.Assert(each.test, None))
        for each in statements
        if isinstance(each, ast.Assert) and (entry_point is None or entry_point in used_names(each))
    )


def _is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_metadata(statement: ast.stmt) -> bool:
    """`METADATA = {...}`, and texts that stand alone."""
    is_noted = isinstance(statement, ast.Assign) and bound_names([statement]) == {"METADATA"}
    return is_noted or _is_remark(statement)


def called_in(tests: Tests) -> list[str]:
    """Functions that tests call and neither define nor import, the most frequent first."""
    trees = [tree for text in (*tests.statements, tests.setup) if isinstance(tree := parsed(text), ast.Module)]
    calls = Counter[str]()
    bound: set[str] = set()
    for tree in trees:
        bound |= bound_names(tree.body)
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        calls.update(node.func.id for node in nodes if isinstance(node.func, ast.Name))
    free = [name for name, _ in calls.most_common() if name not in bound and not hasattr(builtins, name)]
    return [name for name in free if name != "check"]


def shown_first(tests: tuple[str, ...], statement: str) -> tuple[tuple[str, ...], int]:
    """The tests whose calls the statement shows, then the others; and how many are shown."""
    bare = "".join(statement.split()).replace('"', "'")
    shown = [test for test in tests if _call_of(test) in bare]
    return (*shown, *(test for test in tests if test not in shown)), len(shown)


def _call_of(test: str) -> str:
    """The first call of a test, without white space."""
    tree = parsed(test)
    calls = [] if tree is None else [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return "".join(ast.unparse(calls[0]).split()).replace('"', "'") if calls else "\0"
