"""Normalised syntax trees: what two programs that differ in names, comments, annotations and docstrings alone share.

Names that a program binds are replaced by the order of their first use; names that it only uses (built-in functions,
modules, methods, keywords of functions from elsewhere) stay, even where a variable has the same name. Trees are walked
field by field, by name, and empty fields are passed over, so that versions of Python that add fields agree.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

from titrant.synthesize.parsing import nodes_of

_PASSED_OVER = frozenset({"annotation", "returns", "type_comment", "type_params", "type_ignores", "ctx", "kind"})


def tree_of(source: str) -> str:
    """BLAKE3, in hexadecimal, of the normalised syntax tree of a program with its constants.

    Raises SyntaxError if it is no Python, or too deep.

    >>> tree_of("def f(a):\\n    return a + 1") == tree_of("def g(x: int):\\n    'Add.'\\n    return x + 1  # one")
    True
    """
    return _digest(source, constants=True)


def shape_of(source: str) -> str:
    """BLAKE3, in hexadecimal, of the shape alone: constants, and all names whether its own or built in, are left out.

    Raises SyntaxError if it is no Python, or too deep.

    >>> shape_of("def f(a):\\n    return min(a) + 1") == shape_of("def g(x):\\n    return max(x) + 22")
    True
    """
    return _digest(source, constants=False)


def tree_and_shape(tree: ast.Module) -> tuple[str, str]:
    """`tree_of` and `shape_of` a program that is parsed already. Raises SyntaxError if it is too deep."""
    own = _own(tree)
    return _digest_of(tree, own, constants=True), _digest_of(tree, _NOTHING, constants=False)


def _digest(source: str, *, constants: bool) -> str:
    try:
        tree = ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"no program that can be read: {error}") from None
    return _digest_of(tree, _own(tree) if constants else _NOTHING, constants=constants)


def _digest_of(tree: ast.Module, own: _Own, *, constants: bool) -> str:
    walk = _Walk(own, constants)
    try:
        walk.node(tree)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"no program that can be read: {error}") from None
    found: str = blake3("\x1f".join(walk.parts).encode("utf-8", "surrogatepass")).hexdigest()
    return found


@dataclass(frozen=True)
class _Own:
    """Names that a program gives to something of its own, by where they stand."""

    names: frozenset[str]
    attributes: frozenset[str]
    """Those that it stores in objects, and those of its classes' bodies."""
    arguments: frozenset[int]
    """Identities of the keywords that stand for parameters of its own functions."""


_NOTHING = _Own(frozenset(), frozenset(), frozenset())
_METHODS = frozenset(name for kind in (str, bytes, list, tuple, dict, set, int, float) for name in dir(kind))
"""Names of methods of built-in types: a program that calls one may mean theirs, even if its classes have it too."""


def _own(tree: ast.AST) -> _Own:
    names: set[str] = set()
    attributes: set[str] = set()
    called: set[str] = set()
    functions: set[str] = set()
    open_functions: set[str] = set()
    keyed: list[tuple[str, list[ast.keyword]]] = []
    for node in nodes_of(tree):
        if not isinstance(node, _NAMING):
            continue
        if isinstance(node, _BINDING):
            names.update(_binds(node))
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()):
                attributes.add(name)
            case ast.Call(func=ast.Attribute(attr=name)):
                called.add(name)
            case ast.Call(func=ast.Name(id=name), keywords=[_, *_] as keywords):
                keyed.append((name, keywords))
            case ast.FunctionDef(name=name, args=arguments) | ast.AsyncFunctionDef(name=name, args=arguments):
                (functions if arguments.kwarg is None else open_functions).add(name)
            case ast.ClassDef(name=name, body=body):
                functions.add(name)
                attributes.update(each for statement in body for part in _bound_by(statement) for each in _binds(part))
    theirs = {name for name in attributes if (name in _METHODS and name in called) or name.startswith("__")}
    functions -= open_functions
    arguments_of_own = {id(each) for name, keywords in keyed if name in functions for each in keywords}
    return _Own(frozenset(names - theirs), frozenset(attributes - theirs), frozenset(arguments_of_own))


def _bound_by(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes that bind the names of one statement of a class's body."""
    match statement:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from nodes_of(target)
        case ast.AnnAssign(target=target):
            yield target
        case _:
            yield statement


_BINDING = (
    ast.Name,
    ast.arg,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.alias,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)
_NAMING = (*_BINDING, ast.Attribute, ast.Call)


def _binds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name


@functools.cache
def _fields_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those fields of a node that count, by name."""
    return tuple(field for field in sorted(names) if field not in _PASSED_OVER)


_TAKEN_OTHERWISE = (ast.UnaryOp, ast.Constant, ast.AnnAssign)


class _Walk:
    """Writes a tree down, part by part."""

    def __init__(self, own: _Own, constants: bool) -> None:
        self.parts: list[str] = []
        self._own = own
        self._constants = constants
        self._numbers: dict[str, int] = {}

    def node(self, node: ast.AST) -> None:
        if not isinstance(node, _TAKEN_OTHERWISE):
            self._fields(node)
            return
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                self._constant(-value)
            case ast.Constant(value=value):
                self._constant(value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._fields(ast.Assign([target], value))
            case _:
                self._fields(node)

    def _fields(self, node: ast.AST) -> None:
        self.parts.append(f"({type(node).__name__}")
        for field in _fields_of(node._fields):
            value = getattr(node, field, None)
            if value is None or value == []:
                continue
            self.parts.append(field)
            for each in _without_docstring(node, field, value) if isinstance(value, list) else (value,):
                self._part(each, node)
        self.parts.append(")")

    def _part(self, value: object, parent: ast.AST) -> None:
        if isinstance(value, ast.AST):
            self.node(value)
        elif isinstance(value, str):
            self.parts.append(self._name(value, parent))
        else:
            self.parts.append(repr(value))

    def _constant(self, value: object) -> None:
        self.parts.append(f"{type(value).__name__} {value!r}" if self._constants else "constant")

    def _name(self, name: str, parent: ast.AST) -> str:
        if self._constants and not self._is_own(name, parent):
            return f"={name}"
        return f"#{self._numbers.setdefault(name, len(self._numbers))}"

    def _is_own(self, name: str, parent: ast.AST) -> bool:
        """Whether a name is the program's own where it stands: `index` is not in `text.index(index)`."""
        match parent:
            case ast.Attribute() | ast.MatchClass():
                return name in self._own.attributes
            case ast.keyword():
                return id(parent) in self._own.arguments and name in self._own.names
            case ast.alias(name=imported):
                return name != imported and name in self._own.names
            case ast.ImportFrom():
                return False
        return name in self._own.names


def _without_docstring(node: ast.AST, field: str, statements: list[ast.AST]) -> list[ast.AST]:
    if field != "body" or not isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return statements
    match statements[0]:
        case ast.Expr(value=ast.Constant(value=str())):
            return statements[1:] or [ast.Pass()]
    return statements
