"""Small changes of a program's text, each of which may make it wrong: what mutants are made of.

Places come from the syntax tree, changes are made in the text, so that layout, names and comments stay as they were.
Annotations, imports, decorators, docstrings and the insides of formatted strings are left alone. The kinds of changes
are those of mutation testing. Nothing that is sorted loses its order where it may come from a set: the change would be
wrong in some processes only, as the order of a set of texts differs from one to the next.

**Source:** DeMillo, Lipton and Sayward 1978, *Hints on test data selection*; the operators follow Offutt et al. 1996,
*An experimental determination of sufficient mutant operators*.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from titrant.synthesize.parsing import nodes_of

_COMPARED = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<",)),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">",)),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.Is: ("is", ("is not",)),
}
_COMPUTED = {
    ast.Add: ("+", ("-",)),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("+",)),
    ast.FloorDiv: ("//", ("%",)),
    ast.Div: ("/", ("//",)),
    ast.Mod: ("%", ("//",)),
    ast.Pow: ("**", ("*",)),
    ast.BitAnd: ("&", ("|",)),
    ast.BitOr: ("|", ("&",)),
    ast.BitXor: ("^", ("|",)),
    ast.LShift: ("<<", (">>",)),
    ast.RShift: (">>", ("<<",)),
}
_PAIRS = (
    ("min", "max"),
    ("any", "all"),
    ("startswith", "endswith"),
    ("upper", "lower"),
    ("isupper", "islower"),
    ("lstrip", "rstrip"),
    ("find", "rfind"),
    ("ljust", "rjust"),
    ("popleft", "pop"),
    ("bisect_left", "bisect_right"),
    ("floor", "ceil"),
    ("gcd", "lcm"),
    ("intersection", "union"),
    ("keys", "values"),
    ("combinations", "permutations"),
)
_CALLED = dict(_PAIRS) | {other: name for name, other in _PAIRS if other != "pop"}
_UNWRAPPED = {"sorted": "list", "reversed": "list", "set": "list", "abs": "", "bool": ""}
_TEXTS = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)


@dataclass(frozen=True)
class Edit:
    """One change of a program's text."""

    kind: str
    """Of which kind it is: `compared`, `constant`, ..."""
    start: int
    """First byte that is replaced."""
    end: int
    """The byte after the last one that is replaced."""
    new: bytes
    """What stands there instead."""
    words: str
    """What is changed, and in which line."""


class _Source:
    """A program's bytes and where its lines begin."""

    def __init__(self, text: str, *, has_sets: bool) -> None:
        self.bytes = text.encode()
        self.has_sets = has_sets
        """Whether anything in it may be a set."""
        self._lines = [0]
        for line in self.bytes.split(b"\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> str:
        return self.bytes[self.start(node) : self.end(node)].decode()

    def between(self, left: ast.expr, right: ast.expr, token: str) -> tuple[int, int] | None:
        """Where a token stands between two expressions; None where a comment or another line may hide it."""
        start, end = self.end(left), self.start(right)
        gap = self.bytes[start:end]
        at = gap.find(token.encode())
        return None if at < 0 or b"#" in gap else (start + at, start + at + len(token))

    def whole(self, node: ast.expr | ast.stmt, new: str, kind: str, words: str) -> Edit:
        return Edit(kind, self.start(node), self.end(node), new.encode(), f"{words} (line {node.lineno})")

    def token(self, left: ast.expr, right: ast.expr, old: str, new: str, kind: str) -> Iterator[Edit]:
        if (place := self.between(left, right, old)) is not None:
            yield Edit(kind, *place, new.encode(), f"`{old}` becomes `{new}` (line {right.lineno})")


def edits_of(text: str, tree: ast.Module) -> list[Edit]:
    """All changes of a program, in the order of the text. `tree` is its syntax tree."""
    source = _Source(text, has_sets=any(map(may_be_set, nodes_of(tree))))
    found: list[Edit] = []
    for node in _walk(tree):
        for make in _MAKERS.get(type(node), ()):
            found += make(source, node)
    return sorted(found, key=lambda edit: (edit.start, edit.end, edit.new))


def _walk(tree: ast.Module) -> list[ast.AST]:
    """Every node whose text may be changed."""
    found: list[ast.AST] = [tree]
    for node in found:
        for name in node._fields:
            if name not in _LEFT_ALONE:
                value = getattr(node, name, None)
                children = value if isinstance(value, list) else [value]
                found += [each for each in children if isinstance(each, ast.AST) and not _is_left_alone(each)]
    return found


_LEFT_ALONE = frozenset(("annotation", "returns", "decorator_list", "type_params", "format_spec"))
"""Fields of nodes."""


def _is_left_alone(node: ast.AST) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.expr_context))


_SETS = frozenset(("set", "frozenset", "Set", "AbstractSet", "FrozenSet", "MutableSet"))
_OF_SETS = frozenset(("intersection", "union", "difference", "symmetric_difference", "issubset", "issuperset"))
_VIEWS = frozenset(("keys", "items"))


def may_be_set(node: ast.AST) -> bool:
    """Whether a node is a set, or tells of one: parameters without an annotation do not (see `chosen.may_be_right`)."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in _SETS
        case ast.Attribute(attr=name):
            return name in _SETS or name in _OF_SETS
        case ast.Constant(value=str(text)):  # as annotations may be
            return any(text.startswith(name + "[") for name in _SETS)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor() | ast.Sub(), left=left, right=right):
            return any(map(_is_view, (left, right)))
    return False


def _is_view(node: ast.expr) -> bool:
    """Whether it is the keys of a dict, which are a set once they are computed with."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VIEWS


def _compared(source: _Source, node: ast.Compare) -> Iterator[Edit]:
    for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        if (known := _COMPARED.get(type(operator))) is not None:
            for new in known[1]:
                yield from source.token(left, right, known[0], new, "compared")
        elif isinstance(operator, ast.IsNot):
            yield from source.token(left, right, "is not", "is", "compared")
        else:  # the only one left
            yield from source.token(left, right, "not in", "in", "compared")


def _computed(source: _Source, node: ast.BinOp) -> Iterator[Edit]:
    sides = (node.left, node.right)
    if any(isinstance(side, _TEXTS) or _is_text(side) for side in sides):
        return
    old, options = _COMPUTED.get(type(node.op), ("", ()))
    for new in options:
        yield from source.token(*sides, old, new, "computed")
    if isinstance(node.op, (ast.Sub, ast.FloorDiv, ast.Mod)) and not any(map(_is_plain_number, sides)):
        left, right = map(source.text, sides)
        if left.isidentifier() and right.isidentifier() and left != right:
            new = f"{right} {old} {left}"
            yield source.whole(node, new, "swapped", f"`{left} {old} {right}` becomes `{new}`")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def _is_plain_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _added(source: _Source, node: ast.AugAssign) -> Iterator[Edit]:
    if isinstance(node.value, _TEXTS) or _is_text(node.value):
        return
    old, options = _COMPUTED.get(type(node.op), ("", ()))
    for new in options:
        yield from source.token(node.target, node.value, f"{old}=", f"{new}=", "computed")


def _joined(source: _Source, node: ast.BoolOp) -> Iterator[Edit]:
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield from source.token(left, right, old, new, "joined")


def _unary(source: _Source, node: ast.UnaryOp) -> Iterator[Edit]:
    if isinstance(node.op, (ast.Not, ast.USub)):
        sign = "not" if isinstance(node.op, ast.Not) else "-"
        inner = source.text(node.operand)
        if source.bytes[source.start(node) : source.start(node.operand)].decode().strip() == sign:
            yield source.whole(node, inner, "negated", f"`{_short(source.text(node))}` loses its `{sign}`")


def _constant(source: _Source, node: ast.Constant) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool):
        yield source.whole(node, str(not value), "constant", f"`{value}` becomes `{not value}`")
    elif isinstance(value, int) and source.text(node).isdigit():
        for new in (value + 1, value - 1) if value else (1,):
            yield source.whole(node, str(new), "constant", f"`{value}` becomes `{new}`")


def _subscript(source: _Source, node: ast.Subscript) -> Iterator[Edit]:
    index = node.slice
    places = [index] if not isinstance(index, ast.Slice) else [index.lower, index.upper]
    for place in places:
        if isinstance(place, ast.Name) and (isinstance(index, ast.Slice) or place.id in ("i", "j", "k", "index")):
            for new in (f"{place.id} + 1", f"{place.id} - 1"):
                yield source.whole(place, new, "index", f"`{_short(source.text(node))}`: `{place.id}` becomes `{new}`")


def _call(source: _Source, node: ast.Call) -> Iterator[Edit]:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if isinstance(node.func, ast.Attribute):
        name, at = node.func.attr, source.end(node.func)
    else:
        at = source.end(node.func)
    if name is None:
        return
    if name in _CALLED:
        new = _CALLED[name]
        words = f"`{name}` becomes `{new}` (line {node.lineno})"
        yield Edit("called", at - len(name.encode()), at, new.encode(), words)
    plain = len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], (ast.Starred, ast.GeneratorExp))
    kept = name == "sorted" and source.has_sets
    if name in _UNWRAPPED and isinstance(node.func, ast.Name) and plain and not kept:
        new = f"{_UNWRAPPED[name]}({source.text(node.args[0])})"
        yield source.whole(node, new, "called", f"`{_short(source.text(node))}` becomes `{_short(new)}`")
    if name == "range" and node.args and not isinstance(node.args[min(1, len(node.args) - 1)], ast.Constant):
        stop = node.args[min(1, len(node.args) - 1)]
        for sign in ("-", "+"):
            new = f"{source.text(stop)} {sign} 1"
            yield source.whole(stop, new, "range", f"the range ends at `{_short(new)}`")
    if len(node.args) >= 2 and not any(isinstance(each, ast.Starred) for each in node.args) and name not in _ORDERLESS:
        first, second = map(source.text, node.args[:2])
        middle = source.bytes[source.end(node.args[0]) : source.start(node.args[1])]
        if first != second and middle.strip() == b",":
            edit = source.bytes[: source.start(node.args[0])]
            new = f"{second}, {first}"
            words = f"`{_short(first)}` and `{_short(second)}` are exchanged (line {node.lineno})"
            yield Edit("swapped", len(edit), source.end(node.args[1]), new.encode(), words)


_ORDERLESS = frozenset(("min", "max", "gcd", "lcm", "zip", "isinstance"))


def _turned(source: _Source, node: ast.If | ast.IfExp) -> Iterator[Edit]:
    yield _negation(source, node.test)


def _kept(source: _Source, node: ast.comprehension) -> Iterator[Edit]:
    for test in node.ifs:
        yield _negation(source, test)


def _negation(source: _Source, test: ast.expr) -> Edit:
    old = source.text(test)
    return source.whole(test, f"not ({old})", "negated", f"the condition `{_short(old)}` is turned round")


def _jump(source: _Source, node: ast.Break | ast.Continue) -> Iterator[Edit]:
    old, new = ("break", "continue") if isinstance(node, ast.Break) else ("continue", "break")
    yield source.whole(node, new, "jump", f"`{old}` becomes `{new}`")


def _left_out(source: _Source, node: ast.AugAssign | ast.Expr) -> Iterator[Edit]:
    if isinstance(node, ast.Expr):
        if not isinstance(node.value, ast.Call):
            return
        called = node.value.func
        if isinstance(called, ast.Attribute) and called.attr == "sort" and source.has_sets:
            return
    yield source.whole(node, "pass", "left out", f"`{_short(source.text(node))}` is left out")


def _function(source: _Source, node: ast.FunctionDef) -> Iterator[Edit]:
    """Another of the function's names is returned."""
    within = nodes_of(node)
    stored = [n.id for n in within if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    names = list(dict.fromkeys(stored))
    for place in within:
        if isinstance(place, ast.Return) and isinstance(place.value, ast.Name) and place.value.id in names:
            for name in names:
                if name != place.value.id:
                    yield source.whole(place.value, name, "returned", f"`{name}` is returned, not `{place.value.id}`")


def _short(text: str) -> str:
    """A piece of text for a sentence: one line, 40 characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:37]}..."


_MAKERS: dict[type[ast.AST], tuple[Callable[[_Source, Any], Iterator[Edit]], ...]] = {
    ast.Compare: (_compared,),
    ast.BinOp: (_computed,),
    ast.BoolOp: (_joined,),
    ast.UnaryOp: (_unary,),
    ast.Constant: (_constant,),
    ast.Subscript: (_subscript,),
    ast.Call: (_call,),
    ast.If: (_turned,),
    ast.IfExp: (_turned,),
    ast.comprehension: (_kept,),
    ast.Break: (_jump,),
    ast.Continue: (_jump,),
    ast.AugAssign: (_left_out, _added),
    ast.Expr: (_left_out,),
    ast.FunctionDef: (_function,),
}
"""What is made of each type of node."""
