"""What the names and expressions of a small Python program hold, as far as its text and some inputs tell.

A kind is a tuple: a name (`int`, `float`, `bool`, `str`, `none`, `list`, `tuple`, `set`, `dict`), then the kind of its
items (of a dict: of keys and of values) or None where nothing is known. Names are taken for one in the whole program:
what is wrong for that is found when the translation is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

Kind = tuple[Any, ...]

MIXED: Kind = ("mixed",)
"""The kind of what is sometimes one thing and sometimes another."""
_PASSES = 4
_OF_CALLS: dict[str, Kind] = {
    **dict.fromkeys(("len", "int", "ord", "round", "bisect_left", "bisect_right", "isqrt", "gcd"), ("int",)),
    **dict.fromkeys(("str", "chr", "join", "strip", "lower", "upper", "replace", "ljust", "rjust", "zfill"), ("str",)),
    **dict.fromkeys(("index", "find", "count"), ("int",)),
    **dict.fromkeys(("isinstance", "any", "all", "bool", "isdigit", "isalpha", "startswith", "endswith"), ("bool",)),
    "split": ("list", ("str",)),
    "range": ("list", ("int",)),
    "divmod": ("tuple", ("int",)),
    "float": ("float",),
    "Counter": ("dict", None, ("int",)),
}
_COPIES = {"sorted": "list", "list": "list", "tuple": "tuple", "set": "set", "reversed": "list", "deque": "list"}


def kind_of_value(value: Any) -> Kind | None:
    """The kind of a value."""
    if value is None:
        return ("none",)
    if isinstance(value, dict):
        return ("dict", joined(map(kind_of_value, value)), joined(map(kind_of_value, value.values())))
    if isinstance(value, (list, tuple, set)):
        return (type(value).__name__, joined(map(kind_of_value, value)))
    return (type(value).__name__,)


def joined(kinds: Iterable[Kind | None]) -> Kind | None:
    """The kind of what may be of each of these; None: nothing is known."""
    found: Kind | None = None
    for kind in kinds:
        if kind is None or kind == found:
            continue
        if found is None:
            found = kind
        elif found[0] == kind[0]:
            found = (found[0], *(joined(pair) for pair in zip(found[1:], kind[1:], strict=False)))
        elif {found[0], kind[0]} <= {"int", "float", "bool"}:
            found = ("int",)
        elif "none" in (found[0], kind[0]):
            found = found if kind[0] == "none" else kind
        else:
            return MIXED
    return found


class Kinds:
    """The kinds of a program's names, found in a few passes over its text."""

    def __init__(self, tree: ast.Module, entry_point: str, inputs: list[tuple[Any, ...]]) -> None:
        self._names: dict[str, Kind] = {}
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self._returns: dict[str, Kind | None] = {}
        if entry_point in self._functions:
            for place, parameter in enumerate(self._functions[entry_point].args.args):
                self._note(parameter.arg, joined(kind_of_value(row[place]) for row in inputs if place < len(row)))
        for _ in range(_PASSES):
            for node in ast.walk(tree):
                self._look(node)

    def of(self, node: ast.expr) -> Kind | None:
        """What an expression gives."""
        match node:
            case ast.Constant(value=value):
                return kind_of_value(value)
            case ast.Name(id=name):
                return self._names.get(name)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return (type(node).__name__.lower(), joined(map(self.of, items)))
            case ast.Dict(keys=keys, values=values):
                return ("dict", joined(self.of(key) for key in keys if key), joined(map(self.of, values)))
            case ast.ListComp(elt=item) | ast.GeneratorExp(elt=item):
                return ("list", self.of(item))
            case ast.SetComp(elt=item):
                return ("set", self.of(item))
            case ast.DictComp(key=key, value=value):
                return ("dict", self.of(key), self.of(value))
            case ast.Compare():
                return ("bool",)
            case ast.UnaryOp(op=op, operand=inner):
                return ("bool",) if isinstance(op, ast.Not) else self.of(inner)
            case ast.JoinedStr():
                return ("str",)
            case ast.BoolOp(values=values):
                return joined(map(self.of, values))
            case ast.IfExp(body=body, orelse=other):
                return joined((self.of(body), self.of(other)))
            case ast.BinOp():
                return self._of_operation(node)
            case ast.Subscript(value=inner, slice=place):
                found = self.of(inner)
                return found if isinstance(place, ast.Slice) else self._of_item(found)
            case ast.Call():
                return self._of_call(node)
        return None

    def items_of(self, node: ast.expr) -> Kind | None:
        """What a loop over an expression gives."""
        found = self.of(node)
        if found is None:
            return None
        return found if found[0] == "str" else found[1] if len(found) > 1 else None

    def _of_operation(self, node: ast.BinOp) -> Kind | None:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Mult):
            return next((kind for kind in (left, right) if kind and kind[0] in ("list", "tuple", "str")), left or right)
        if isinstance(node.op, ast.Add):
            return joined((left, right))
        if isinstance(node.op, ast.Div):
            return ("float",)
        return left if left and left[0] == "set" else ("int",)

    def _of_item(self, found: Kind | None) -> Kind | None:
        if found is None:
            return None
        return found[2] if found[0] == "dict" else found if found[0] == "str" else found[1] if len(found) > 1 else None

    def _of_call(self, node: ast.Call) -> Kind | None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0] if node.args else None
        if name in self._returns:
            return self._returns[name]
        if name in _COPIES:
            return (_COPIES[name], self.items_of(first) if first is not None else None)
        if name in ("abs", "sum"):
            return ("int",)
        if name in ("max", "min") and first is not None:
            return self.items_of(first) if len(node.args) == 1 else joined(map(self.of, node.args))
        if name == "defaultdict" and isinstance(first, ast.Name):
            return ("dict", None, {"int": ("int",), "list": ("list", None), "set": ("set", None)}.get(first.id))
        if name == "dict":
            return ("dict", None, None)
        if name == "enumerate" and first is not None:
            return ("list", ("tuple", None, ("int",), self.items_of(first)))
        if name == "zip":
            return ("list", ("tuple", None, *map(self.items_of, node.args)))
        if isinstance(node.func, ast.Attribute):
            return self._of_method(name, self.of(node.func.value), node)
        return _OF_CALLS.get(name)

    def _of_method(self, name: str, inner: Kind | None, node: ast.Call) -> Kind | None:
        if inner and inner[0] == "dict":
            if name == "items":
                return ("list", ("tuple", None, inner[1], inner[2]))
            if name in ("keys", "values"):
                return ("list", inner[1 if name == "keys" else 2])
            if name in ("get", "setdefault", "pop"):
                return inner[2] or (self.of(node.args[1]) if len(node.args) > 1 else None)
        if inner and name in ("pop", "popleft") and len(inner) > 1:
            return inner[1]  # type: ignore[no-any-return]
        return inner if name in ("copy", "union", "intersection", "difference") else _OF_CALLS.get(name)

    def _note(self, name: str, kind: Kind | None) -> None:
        if (found := joined((self._names.get(name), kind))) is not None:
            self._names[name] = found

    def _bind(self, target: ast.expr, kind: Kind | None) -> None:
        if isinstance(target, ast.Name):
            self._note(target.id, kind)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, ("list", kind))
        elif isinstance(target, (ast.Tuple, ast.List)) and kind is not None:
            for place, part in enumerate(target.elts):
                inner = kind[2 + place] if len(kind) > 2 + place else kind[1] if len(kind) > 1 else kind
                self._bind(part, inner)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            found = self.of(target.value)
            if found and found[0] == "dict":
                self._note(target.value.id, ("dict", self.of(target.slice), kind))
            elif found and found[0] == "list" and not isinstance(target.slice, ast.Slice):
                self._note(target.value.id, ("list", kind))

    def _look(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                        for part, given in zip(target.elts, value.elts, strict=False):
                            self._bind(part, self.of(given))
                    else:
                        self._bind(target, self.of(value))
            case ast.For(target=target, iter=over) | ast.comprehension(target=target, iter=over):
                self._bind(target, self.items_of(over))
            case ast.FunctionDef(name=name):
                found = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
                self._returns[name] = joined(map(self.of, found))
            case ast.Call(func=ast.Name(id=name), args=given) if name in self._functions:
                for parameter, argument in zip(self._functions[name].args.args, given, strict=False):
                    self._note(parameter.arg, self.of(argument))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute), args=[given]):
                holds = self._names.get(name)
                if holds and attribute in ("append", "add", "appendleft") and holds[0] in ("list", "set"):
                    self._note(name, (holds[0], self.of(given)))
