"""Solutions in JavaScript: the Python that the generator's solutions are made of, written in the other language.

A translation is a proposal. It is right only if, run on the inputs of its problem, it gives what is expected there; see
`check_translations`. What cannot be said in the same way is refused.
"""

from __future__ import annotations

import ast
from typing import Any

from titrant.synthesize.forms.calls import Calls
from titrant.synthesize.forms.expressions import ATOM, PLUS, NotTranslatedError
from titrant.synthesize.forms.kinds import Kinds
from titrant.synthesize.forms.runtime import HELPERS, helpers_for

__all__ = ["NotTranslatedError", "to_javascript"]

_INDENT = "  "
_Function = ast.FunctionDef | ast.Module


def to_javascript(source: str, entry_point: str, inputs: str = "[]") -> str:
    """A Python program as a JavaScript one that defines the same function.

    Lists and tuples become arrays, dictionaries Map objects, sets Set objects, None null, numbers plain numbers.
    `inputs`: a literal, a list of tuples of arguments, which tells what the parameters hold. Raises NotTranslatedError,
    which names what is not translated.

    >>> print(to_javascript("def f(n):\\n    return n % 3 == 0", "f", "[(4,)]"))
    // The remainder that has the sign of the divisor.
    function floorMod(a, b) {
      return ((a % b) + b) % b;
    }
    <BLANKLINE>
    function f(n) {
      return floorMod(n, 3) === 0;
    }
    <BLANKLINE>
    """
    try:
        tree = ast.parse(source)
        given: list[tuple[Any, ...]] = ast.literal_eval(inputs)
    except (SyntaxError, ValueError) as error:
        raise NotTranslatedError(f"no Python: {error}") from None
    if any(_named(node) in HELPERS for node in ast.walk(tree)):
        raise NotTranslatedError("a name that a helper of the translation has")
    body = "\n".join(_Writer(tree, entry_point, given).module())
    helpers = helpers_for(body)
    return f"{helpers}\n{body}" if helpers else body


def _named(node: ast.AST) -> str:
    """The name that a node reads or binds; empty where it does neither."""
    match node:
        case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
            return name
    return ""


class _Writer:
    """Writes statements."""

    def __init__(self, tree: ast.Module, entry_point: str, inputs: list[tuple[Any, ...]]) -> None:
        functions = frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        imported = [
            alias for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
        ]
        names = frozenset(alias.asname or alias.name for alias in imported)
        self._tree = tree
        self._say = Calls(Kinds(tree, entry_point, inputs), functions, names)

    def module(self) -> list[str]:
        """The program, statement by statement."""
        lines: list[str] = []
        declared = _declared(self._tree)
        for statement in self._tree.body:
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                lines += [*self._statement(statement, declared, set()), ""]
        return lines

    def _function(self, node: ast.FunctionDef) -> list[str]:
        if node.decorator_list or any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node)):
            raise NotTranslatedError("a decorated function or a generator")
        body, lines = list(node.body), []
        if (text := ast.get_docstring(node)) is not None:
            body = body[1:]
            lines = ["/**", *(f" * {line}".rstrip().replace("*/", "* /") for line in text.splitlines()), " */"]
        declared = _declared(node)
        parameters = {parameter.arg for parameter in node.args.args}
        inner = self._block(
            body, {name: at for name, at in declared.items() if name not in parameters}, set(parameters)
        )
        late = [name for name, at in declared.items() if at is None and name not in parameters]
        if late:
            inner.insert(0, f"{_INDENT}let {', '.join(map(self._say.name, late))};")
        return [*lines, f"function {self._say.name(node.name)}({self._say.parameters(node.args)}) {{", *inner, "}"]

    def _block(self, body: list[ast.stmt], declared: dict[str, ast.stmt | None], known: set[str]) -> list[str]:
        lines = [line for statement in body for line in self._statement(statement, declared, known)]
        return [f"{_INDENT}{line}" if line else line for line in lines]

    def _statement(self, node: ast.stmt, declared: dict[str, ast.stmt | None], known: set[str]) -> list[str]:
        say = self._say
        match node:
            case ast.FunctionDef():
                return self._function(node)
            case ast.Return(value=value):
                return [f"return {say.text(value)};" if value else "return null;"]
            case ast.Assign(targets=targets, value=value) if len(targets) == 1 or isinstance(value, ast.Constant):
                return [line for target in targets for line in self._assigned(node, target, value, declared)]
            case ast.AnnAssign(target=target, value=value) if value:
                return self._assigned(node, target, value, declared)
            case ast.AugAssign():
                return [f"{self._changed(node)};"]
            case ast.If():
                return self._if(node, declared, known)
            case ast.While(test=test, body=body, orelse=[]):
                return [f"while ({say.condition(test)}) {{", *self._block(body, declared, known), "}"]
            case ast.For(orelse=[]):
                return [f"for ({self._loop(node, declared)}) {{", *self._block(node.body, declared, known), "}"]
            case ast.Break():
                return ["break;"]
            case ast.Continue():
                return ["continue;"]
            case ast.Pass() | ast.Nonlocal() | ast.Expr(value=ast.Constant()):
                return []
            case ast.Expr(value=ast.Call() as call):
                return [f"{say.text(call)};"]
            case ast.Delete(targets=[ast.Subscript(value=inner, slice=place)]) if say.is_dict(inner):
                return [f"{say.text(inner, ATOM)}.delete({say.text(place)});"]
        raise NotTranslatedError(f"the statement {type(node).__name__}")

    def _if(self, node: ast.If, declared: dict[str, ast.stmt | None], known: set[str]) -> list[str]:
        lines = [f"if ({self._say.condition(node.test)}) {{", *self._block(node.body, declared, known)]
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            first, *more = self._if(node.orelse[0], declared, known)
            return [*lines, f"}} else {first}", *more]
        if node.orelse:
            lines += ["} else {", *self._block(node.orelse, declared, known)]
        return [*lines, "}"]

    def _assigned(
        self, node: ast.stmt, target: ast.expr, value: ast.expr, declared: dict[str, ast.stmt | None]
    ) -> list[str]:
        say = self._say
        if isinstance(target, ast.Subscript) and say.is_dict(target.value):
            say.hashable(target.slice)
            return [f"{say.text(target.value, ATOM)}.set({say.text(target.slice)}, {say.text(value)});"]
        names = _names(target)
        word = ""
        if names and all(declared.get(name) is node for name in names):
            word = "let " if any(_stores(self._tree, name) > 1 for name in names) else "const "
        given = say.array(value) if isinstance(target, ast.Tuple) and say.kind(value) == "str" else say.text(value)
        return [f"{word}{say.target(target)} = {given};"]

    def _changed(self, node: ast.AugAssign) -> str:
        say, target = self._say, node.target
        kind = say.kind(target)
        if kind in ("list", "tuple") and isinstance(node.op, ast.Add):
            return f"{say.text(target, ATOM)}.push(...{say.array(node.value)})"
        load = ast.parse(ast.unparse(target), mode="eval").body
        changed = ast.BinOp(load, node.op, node.value)
        if isinstance(target, ast.Subscript) and say.is_dict(target.value):
            return f"{say.text(target.value, ATOM)}.set({say.text(target.slice)}, {say.text(changed)})"
        place = say.target(target)
        sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}.get(type(node.op))
        plain = kind in ("int", "float", "str", "bool") or (kind is None and sign == "-")
        if sign is None or not plain or (kind == "str" and sign != "+"):
            return f"{place} = {say.text(changed)}"
        if sign in "+-" and isinstance(node.value, ast.Constant) and node.value.value == 1:
            return f"{place} {sign}= 1"
        return f"{place} {sign}= {say.text(node.value)}"

    def _loop(self, node: ast.For, declared: dict[str, ast.stmt | None]) -> str:
        say = self._say
        names = _names(node.target)
        own = bool(names) and all(declared.get(name) is node for name in names)
        changed = any(_stores(ast.Module(node.body, []), name) for name in names)
        match node.iter:
            case ast.Call(func=ast.Name(id="range"), args=ends) if (
                own and not changed and isinstance(node.target, ast.Name)
            ):
                if (text := self._counted(say.name(node.target.id), ends, node.body)) is not None:
                    return text
        word = ("let " if changed else "const ") if own else ""
        return f"{word}{say.target(node.target)} of {say.over(node.iter)}"

    def _counted(self, name: str, ends: list[ast.expr], body: list[ast.stmt]) -> str | None:
        """The head of a loop that counts; None where what bounds it may change meanwhile."""
        say = self._say
        step = ends[2] if len(ends) == 3 else ast.Constant(1)
        start, stop = (ast.Constant(0), ends[0]) if len(ends) == 1 else (ends[0], ends[1])
        try:
            by = ast.literal_eval(step)
        except ValueError:
            return None
        changed = {
            name for each in ast.walk(ast.Module(body, [])) if isinstance(each, ast.stmt) for name in _bound(each)
        }
        read = {each.id for each in ast.walk(stop) if isinstance(each, ast.Name)}
        calls = [each for each in ast.walk(stop) if isinstance(each, (ast.Call, ast.Subscript))]
        grows = any(isinstance(each, (ast.Call, ast.Delete)) for line in body for each in ast.walk(line)) and calls
        if read & changed or (grows and not _is_fixed(stop, body)) or not by:
            return None
        turn = f"{name}++" if by == 1 else f"{name}--" if by == -1 else f"{name} {'+' if by > 0 else '-'}= {abs(by)}"
        return f"let {name} = {say.text(start)}; {name} {'<' if by > 0 else '>'} {say.text(stop, PLUS)}; {turn}"


def _is_fixed(stop: ast.expr, body: list[ast.stmt]) -> bool:
    """Whether the lists that a bound measures are not changed in the body."""
    read = {each.id for each in ast.walk(stop) if isinstance(each, ast.Name)} - {"len", "min", "max"}
    touched = {
        each.func.value.id
        for line in body
        for each in ast.walk(line)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and isinstance(each.func.value, ast.Name)
    }
    calls = [each for each in ast.walk(stop) if isinstance(each, ast.Call)]
    return not read & touched and all(isinstance(call.func, ast.Name) for call in calls)


def _names(target: ast.expr) -> list[str]:
    """Names that a target binds; none if it also binds something else."""
    parts = [part for part in ast.walk(target) if isinstance(part, (ast.Name, ast.Subscript, ast.Attribute))]
    return (
        [part.id for part in parts if isinstance(part, ast.Name)] if all(isinstance(p, ast.Name) for p in parts) else []
    )


def _bound(node: ast.stmt) -> set[str]:
    targets: list[ast.expr] = []
    match node:
        case ast.Assign(targets=found):
            targets = found
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            targets = [target]
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _stores(tree: ast.AST, name: str) -> int:
    """How many statements bind a name."""
    return sum(name in _bound(node) for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _declared(function: _Function) -> dict[str, ast.stmt | None]:
    """By name that a function binds: the statement that may declare it, because all that use it stand behind it in the
    same block or below; None: it is declared at the top."""
    elsewhere = {
        name for node in ast.walk(function) if isinstance(node, (ast.Nonlocal, ast.Global)) for name in node.names
    }
    own = {name for node in _own(function) for name in _bound(node)}
    outer = {name for node in _own(function) if isinstance(node, (ast.Nonlocal, ast.Global)) for name in node.names}
    found: dict[str, ast.stmt | None] = {}
    for name in sorted(own - outer, key=lambda name: _first_line(function, name)):
        found[name] = None if name in elsewhere else _declaring(function.body, name)
    return found


def _own(function: _Function) -> list[ast.stmt]:
    """The statements of a function, those of functions in it left out."""
    found: list[ast.stmt] = []
    waiting: list[ast.stmt] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        found.append(node)
        if not isinstance(node, ast.FunctionDef):
            waiting += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]
    return found


def _first_line(function: _Function, name: str) -> tuple[int, str]:
    return min((node.lineno for node in _own(function) if name in _bound(node)), default=0), name


def _declaring(body: list[ast.stmt], name: str) -> ast.stmt | None:
    using = [node for node in body if any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))]
    first = using[0]
    if isinstance(first, (ast.Assign, ast.AnnAssign)) and name in _bound(first):
        used = [each.id for each in ast.walk(first.value) if isinstance(each, ast.Name)] if first.value else []
        return None if name in used else first
    if len(using) > 1:
        return None
    if isinstance(first, ast.For) and name in _bound(first):
        read = {each.id for each in ast.walk(first.iter) if isinstance(each, ast.Name)}
        return None if name in read else first
    blocks = [getattr(first, part) for part in ("body", "orelse") if getattr(first, part, None)]
    holding = [block for block in blocks if any(_uses(node, name) for node in block)]
    head = [each for part in ("test", "iter") if (each := getattr(first, part, None)) is not None]
    if isinstance(first, ast.FunctionDef) or len(holding) != 1 or any(_uses(each, name) for each in head):
        return None
    return _declaring(holding[0], name)


def _uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))
