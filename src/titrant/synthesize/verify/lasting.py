"""What lasts from one call of a program to the next, and what differs from one process to another.

Both make a program right where it was watched and wrong elsewhere: a count of its calls, the order of a set of texts,
the address of an object.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from titrant.synthesize.parsing import nodes_of

_CHANGING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "add",
        "discard",
        "update",
        "setdefault",
        "popitem",
        "sort",
        "reverse",
        "appendleft",
        "popleft",
        "extendleft",
        "rotate",
        "subtract",
        "send",
        "write",
        "intersection_update",
        "difference_update",
        "symmetric_difference_update",
    ]
)
"""Methods that change what they belong to."""
_CHANGING_FIRST = frozenset(
    ["next", "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "insort", "insort_left", "insort_right"]
)
"""Functions that change their first argument."""
_ITERATORS = frozenset(["iter", "map", "filter", "zip", "enumerate", "reversed"])
_WRITERS = frozenset(["str", "repr", "ascii", "format"])
_IN_ORDER = frozenset(["list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed"]) | _WRITERS
_MADE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def lasting_of(tree: ast.Module, nodes: Sequence[ast.AST]) -> str:
    """What a program keeps between its calls, in words; empty if nothing. `nodes` are all nodes of its tree.

    >>> tree = ast.parse("seen = []\\ndef f(x):\\n    seen.append(x)\\n    return len(seen)")
    >>> lasting_of(tree, nodes_of(tree))
    'it keeps `seen` between calls'
    """
    kept, iterators = _kept(tree)
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in imported:
                return f"it changes `{name}`"
        if isinstance(node, _Function):
            within = nodes_of(node)
            own, changed = _own(within), [name for each in within for name in _changed(each)]
            found = next((name for name in changed if name in kept - own), "")
            found = found or next((n.id for n in within if isinstance(n, ast.Name) and n.id in iterators - own), "")
            found = found or _changed_default(node, within, changed)
            if found:
                return f"it keeps `{found}` between calls"
    return ""


def _kept(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names of a program itself, and those of them that are iterators."""
    kept, iterators = set[str](), set[str]()
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            kept.add(statement.name)
            continue
        stored = [n.id for n in nodes_of(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        kept.update(stored)
        value = getattr(statement, "value", None)
        if isinstance(value, ast.AST) and _is_iterator(value):
            iterators.update(stored)
    return kept, iterators


def _is_iterator(value: ast.AST) -> bool:
    match value:
        case ast.GeneratorExp() | ast.Call(func=ast.Attribute(value=ast.Name(id="itertools"))):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _ITERATORS or name in ("count", "cycle")
    return False


def _own(within: Sequence[ast.AST]) -> set[str]:
    """Names that a function binds itself. `within` are all nodes of it."""
    shared = {name for node in within if isinstance(node, ast.Global) for name in node.names}
    own = {node.arg for node in within if isinstance(node, ast.arg)}
    own |= {n.id for n in within if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return own - shared


def _changed(node: ast.AST) -> Iterator[str]:
    """Names of what a node changes."""
    match node:
        case ast.Global(names=names):
            yield from names
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield from _root(node)
        case ast.Call(func=ast.Attribute(value=changed, attr=name)) if name in _CHANGING:
            yield from _root(changed)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in _CHANGING_FIRST:
            yield from _root(first)


def _root(node: ast.expr) -> Iterator[str]:
    """The name at the beginning of `name.a[b].c`."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _changed_default(function: _Function, within: Sequence[ast.AST], changed: Sequence[str]) -> str:
    """The parameter whose default, made once, is changed; empty if none is."""
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [
        *zip(places[len(places) - len(arguments.defaults) :], arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    made = {place.arg for place, default in defaults if isinstance(default, _MADE)}
    if made:
        made -= {n.id for n in within if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return next((name for name in changed if name in made), "")


def differing_of(nodes: Sequence[ast.AST]) -> str:
    """What a program asks for that differs from one process to another, in words; empty if for nothing. `nodes` are all
    nodes of its tree.

    >>> differing_of(nodes_of(ast.parse("def f(x):\\n    return list({'a', 'b'})[0]")))
    'it asks for the order of a set of texts'
    """
    values = {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    defined = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    for node in nodes:
        written, ordered = _asked(node)
        for each in (*written, *ordered):
            value = values.get(each.id, each) if isinstance(each, ast.Name) else each
            if _is_set_of_texts(value):
                return "it asks for the order of a set of texts"
            nameless = isinstance(value, (ast.Lambda, ast.GeneratorExp)) or (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Name)
                and value.func.id in (*_ITERATORS, "object")
            )
            if any(each is one for one in written) and (
                nameless or (isinstance(each, ast.Name) and each.id in defined and each.id not in values)
            ):
                return "it asks for the address of an object"
    return ""


def _asked(node: ast.AST) -> tuple[list[ast.expr], list[ast.expr]]:
    """What a node writes as text, and what it goes through in order."""
    match node:
        case ast.FormattedValue(value=value):
            return [value], []
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod(), right=right):
            return [*right.elts] if isinstance(right, ast.Tuple) else [right], []
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _IN_ORDER:
            return (arguments, []) if name in _WRITERS else ([], arguments)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format"), args=arguments):
            return arguments, []
        case ast.Call(func=ast.Attribute(attr="join"), args=arguments):
            return [], arguments
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[]):
            return [], [value]
        case ast.Starred(value=value):
            return [], [value]
    return [], []


def _is_set_of_texts(value: ast.expr) -> bool:
    match value:
        case ast.Set(elts=parts):
            return any(isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)) for part in parts)
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[ast.Constant(value=str())]):
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[ast.List(elts=parts) | ast.Tuple(elts=parts)]):
            return any(isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)) for part in parts)
    return False
