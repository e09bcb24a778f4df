"""Expressions of Python written in JavaScript."""

from __future__ import annotations

import ast
import builtins
import json
import math
from abc import ABC, abstractmethod

from titrant.synthesize.forms.kinds import MIXED, Kind, Kinds

RESERVED = frozenset(
    (
        *("arguments", "await", "case", "catch", "const", "debugger", "default", "delete", "do", "enum"),
        *("eval", "export", "extends", "function", "implements", "instanceof", "interface", "let", "new"),
        *("package", "private", "protected", "public", "static", "super", "switch", "this", "throw", "typeof"),
        *("var", "void"),
    )
)
_PLAIN = ("int", "float", "bool", "str", "none")
ATOM, UNARY, POWER, TIMES, PLUS, BITS, ORDER, AND, OR, CHOICE = range(10)
"""How tightly a text holds together: what stands beside an operator of a smaller number needs brackets."""
_OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", PLUS),
    ast.Sub: ("-", PLUS),
    ast.Mult: ("*", TIMES),
    ast.Div: ("/", TIMES),
    ast.BitAnd: ("&", BITS),
    ast.BitOr: ("|", BITS),
    ast.BitXor: ("^", BITS),
    ast.LShift: ("<<", BITS),
    ast.RShift: (">>", BITS),
}
_ORDERS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_FUNCTIONS = frozenset(("abs", "ord", "chr", "len", "str", "int", "sum", "max", "min", "sorted", "tuple", "list"))

Written = tuple[str, int]


class NotTranslatedError(ValueError):
    """A program holds what cannot be said in JavaScript in the same way; the message names it."""


class Expressions(ABC):
    """Writes expressions; `kinds` says what they hold."""

    def __init__(self, kinds: Kinds, functions: frozenset[str], imported: frozenset[str]) -> None:
        self._kinds = kinds
        self._functions = functions
        self._imported = imported

    def text(self, node: ast.expr, within: int = CHOICE) -> str:
        """An expression, in brackets if it stands within what holds tighter. Raises NotTranslatedError."""
        text, holds = self._written(node)
        return f"({text})" if holds > within else text

    def condition(self, node: ast.expr, within: int = CHOICE) -> str:
        """An expression of which only the truth counts."""
        match node:
            case ast.BoolOp(op=op, values=values):
                sign, holds = ("&&", AND) if isinstance(op, ast.And) else ("||", OR)
                text = f" {sign} ".join(self.condition(value, holds) for value in values)
                return f"({text})" if holds > within else text
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                found = self._name_of(inner)
                if found in ("list", "tuple", "set", "dict"):
                    return f"{self._size(inner)} === 0"
                return f"!{self.condition(inner, UNARY)}"
        found = self._name_of(node)
        if found in ("list", "tuple", "set", "dict"):
            text, holds = f"{self._size(node)} > 0", ORDER
            return f"({text})" if holds > within else text
        if found is None and not isinstance(node, ast.Call):
            return f"isTrue({self.text(node)})"
        return self.text(node, within)

    def name(self, name: str) -> str:
        """A name that JavaScript allows."""
        return f"{name}_" if name in RESERVED else name

    def target(self, node: ast.expr) -> str:
        """What a loop or an assignment binds."""
        match node:
            case ast.Name(id=name):
                return self.name(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return f"[{', '.join(map(self.target, parts))}]"
            case ast.Starred(value=inner):
                return f"...{self.target(inner)}"
            case ast.Subscript(value=inner, slice=place) if self._name_of(inner) != "dict":
                return f"{self.text(inner, ATOM)}[{self._place(inner, place)}]"
        raise NotTranslatedError(f"an assignment to {type(node).__name__}")

    def over(self, node: ast.expr) -> str:
        """What a loop goes over."""
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]):
                return self.text(inner, ATOM)
            case ast.Call(func=ast.Attribute(value=inner, attr="keys" | "values" as which), args=[]):
                return f"{self.text(inner, ATOM)}.{which}()"
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner], keywords=[]) if self._name_of(inner) in (
                "list",
                "tuple",
            ):
                return f"{self.text(inner, ATOM)}.entries()"
        if self._name_of(node) == "dict":
            return f"{self.text(node, ATOM)}.keys()"
        return self.text(node)

    def array(self, node: ast.expr) -> str:
        """An expression as an array, which may be the same one."""
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("items", "keys", "values"):
            return f"[...{self.over(node)}]"
        if self._name_of(node) in ("list", "tuple"):
            return self.text(node, ATOM)
        return f"[...{self.over(node)}]"

    def is_dict(self, node: ast.expr) -> bool:
        """Whether an expression is known to be a dictionary."""
        return self._name_of(node) == "dict"

    def kind(self, node: ast.expr) -> str | None:
        """The name of an expression's kind, where it is known."""
        return self._name_of(node)

    def _name_of(self, node: ast.expr) -> str | None:
        found: Kind | None = self._kinds.of(node)
        return None if found is None or found == MIXED else str(found[0])

    def _written(self, node: ast.expr) -> Written:
        match node:
            case ast.Constant(value=value):
                return _constant(value)
            case ast.Name(id=name):
                return self._written_name(name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return f"[{', '.join(map(self._item, items))}]", ATOM
            case ast.Set(elts=items):
                self.hashable(*items)
                return f"new Set([{', '.join(map(self._item, items))}])", ATOM
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values), ATOM
            case ast.BinOp():
                return self._operation(node)
            case ast.UnaryOp(op=op, operand=inner):
                if isinstance(op, ast.Not):
                    return self.condition(node), UNARY
                return f"{ {ast.USub: '-', ast.UAdd: '+', ast.Invert: '~'}[type(op)] }{self.text(inner, ATOM)}", UNARY
            case ast.BoolOp():
                return self._choice_of(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp(test=test, body=body, orelse=other):
                return f"{self.condition(test, OR)} ? {self.text(body)} : {self.text(other)}", CHOICE
            case ast.Subscript():
                return self._subscript(node), ATOM
            case ast.Call():
                return self._call(node)
            case ast.Lambda(args=arguments, body=body):
                text = self.text(body)
                return f"({self.parameters(arguments)}) => {f'({text})' if text.startswith('{') else text}", CHOICE
            case ast.ListComp(elt=item, generators=parts) | ast.GeneratorExp(elt=item, generators=parts):
                return self._comprehension(item, parts), ATOM
            case ast.SetComp(elt=item, generators=parts):
                self.hashable(item)
                return f"new Set({self._comprehension(item, parts)})", ATOM
            case ast.DictComp(key=key, value=value, generators=parts):
                self.hashable(key)
                pair = ast.Tuple([key, value], ast.Load())
                return f"new Map({self._comprehension(pair, parts)})", ATOM
            case ast.JoinedStr(values=parts):
                return self._template(parts), ATOM
        raise NotTranslatedError(f"{type(node).__name__} in {ast.unparse(node)[:80]}")

    def parameters(self, arguments: ast.arguments) -> str:
        """The parameters of a function."""
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            raise NotTranslatedError("parameters of an unusual sort")
        names = [self.name(parameter.arg) for parameter in arguments.args]
        first = len(names) - len(arguments.defaults)
        for place, value in enumerate(arguments.defaults, first):
            names[place] += f" = {self.text(value)}"
        return ", ".join(names)

    def _written_name(self, name: str) -> Written:
        if name in _FUNCTIONS and name not in self._functions:
            call = ast.Call(ast.Name(name, ast.Load()), [ast.Name("value", ast.Load())], [])
            return f"(value) => {self.text(call)}", CHOICE
        return self.name(name), ATOM

    def _item(self, node: ast.expr) -> str:
        return f"...{self.over(node.value)}" if isinstance(node, ast.Starred) else self.text(node)

    def hashable(self, *nodes: ast.expr) -> None:
        """Raises NotTranslatedError if one of them is known to be no key of a Map that is found again by its value."""
        if any(self._name_of(node) in ("tuple", "list", "set") for node in nodes):
            raise NotTranslatedError("a set or a dictionary of tuples")

    def _dict(self, keys: list[ast.expr | None], values: list[ast.expr]) -> str:
        if any(key is None for key in keys):
            raise NotTranslatedError("a dictionary within another's brackets")
        self.hashable(*(key for key in keys if key))
        pairs = [f"[{self.text(key)}, {self.text(value)}]" for key, value in zip(keys, values, strict=True) if key]
        return f"new Map([{', '.join(pairs)}])" if pairs else "new Map()"

    def _operation(self, node: ast.BinOp) -> Written:
        left, right = self._name_of(node.left), self._name_of(node.right)
        kinds = {left, right}
        if isinstance(node.op, ast.FloorDiv):
            return f"Math.floor({self.text(node.left, TIMES)} / {self.text(node.right, POWER)})", ATOM
        if isinstance(node.op, ast.Mod):
            if left == "str":
                raise NotTranslatedError("text formatted by %")
            return f"floorMod({self.text(node.left)}, {self.text(node.right)})", ATOM
        if isinstance(node.op, ast.Pow):
            return f"{self.text(node.left, ATOM)} ** {self.text(node.right, ATOM)}", POWER
        if isinstance(node.op, ast.Add):
            if kinds & {"list", "tuple"}:
                return f"[...{self.text(node.left, ATOM)}, ...{self.text(node.right, ATOM)}]", ATOM
            if kinds == {None}:
                return f"added({self.text(node.left)}, {self.text(node.right)})", ATOM
        if isinstance(node.op, ast.Mult) and kinds & {"list", "tuple", "str"}:
            items, times = (node.left, node.right) if left in ("list", "tuple", "str") else (node.right, node.left)
            if self._name_of(items) == "str":
                return f"{self.text(items, ATOM)}.repeat(Math.max(0, {self.text(times)}))", ATOM
            return f"repeated({self.text(items)}, {self.text(times)})", ATOM
        if "set" in kinds:
            made = {
                ast.BitOr: "new Set([...{0}, ...{1}])",
                ast.BitAnd: "common({0}, {1})",
                ast.Sub: "without({0}, {1})",
            }
            if type(node.op) not in made:
                raise NotTranslatedError("an operation on sets")
            return made[type(node.op)].format(self.text(node.left, ATOM), self.text(node.right, ATOM)), ATOM
        if type(node.op) not in _OPERATORS:
            raise NotTranslatedError(f"the operator {type(node.op).__name__}")
        sign, holds = _OPERATORS[type(node.op)]
        return f"{self.text(node.left, holds)} {sign} {self.text(node.right, holds - 1)}", holds

    def _choice_of(self, node: ast.BoolOp) -> Written:
        names = [self._name_of(value) for value in node.values]
        if not all(name in _PLAIN for name in names[:-1]):
            if all(name == "bool" or isinstance(v, ast.BoolOp) for name, v in zip(names, node.values, strict=True)):
                return self.condition(node), OR
            if len(node.values) == 2 and isinstance(node.values[0], ast.Name):
                test, first, second = self.condition(node.values[0], OR), *map(self.text, node.values)
                kept = (second, first) if isinstance(node.op, ast.And) else (first, second)
                return f"{test} ? {kept[0]} : {kept[1]}", CHOICE
            raise NotTranslatedError("and, or of containers")
        sign, holds = ("&&", AND) if isinstance(node.op, ast.And) else ("||", OR)
        return f" {sign} ".join(self.text(value, holds) for value in node.values), holds

    def _comparison(self, node: ast.Compare) -> Written:
        sides = [node.left, *node.comparators]
        texts = [self._compared(op, *sides[at : at + 2]) for at, op in enumerate(node.ops)]
        return " && ".join(texts), AND if len(texts) > 1 else ORDER

    def _compared(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> str:
        kinds = (self._name_of(left), self._name_of(right))
        if type(op).__name__.endswith("In"):
            text = self._contained(left, right, kinds)
            return f"!{text}" if not isinstance(op, ast.In) else text
        if isinstance(op, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
            plain = kinds[0] in _PLAIN or kinds[1] in _PLAIN
            negative = isinstance(op, (ast.NotEq, ast.IsNot))
            if plain or isinstance(op, (ast.Is, ast.IsNot)):
                return f"{self.text(left, BITS)} {'!' if negative else '='}== {self.text(right, BITS)}"
            return f"{'!' if negative else ''}isEqual({self.text(left)}, {self.text(right)})"
        if "set" in kinds:
            raise NotTranslatedError("an order of sets")
        if set(kinds) & {"list", "tuple"}:
            return f"compareValues({self.text(left)}, {self.text(right)}) {_ORDERS[type(op)]} 0"
        return f"{self.text(left, BITS)} {_ORDERS[type(op)]} {self.text(right, BITS)}"

    def _contained(self, left: ast.expr, right: ast.expr, kinds: tuple[str | None, str | None]) -> str:
        if kinds[1] in ("set", "dict"):
            self.hashable(left)
            return f"{self.text(right, ATOM)}.has({self.text(left)})"
        if kinds[1] == "str" or (kinds[1] in ("list", "tuple") and kinds[0] in _PLAIN):
            return f"{self.text(right, ATOM)}.includes({self.text(left)})"
        return f"isIn({self.text(left)}, {self.text(right)})"

    def _place(self, inner: ast.expr, place: ast.expr) -> str:
        """An index to which something is assigned."""
        if isinstance(place, ast.Slice):
            raise NotTranslatedError("an assignment to a slice")
        if isinstance(place, ast.UnaryOp) and isinstance(place.operand, ast.Constant):
            return f"{self.text(inner, ATOM)}.length - {place.operand.value!r}"
        return self.text(place)

    def _subscript(self, node: ast.Subscript) -> str:
        found, inner = self._name_of(node.value), self.text(node.value, ATOM)
        if isinstance(node.slice, ast.Slice):
            return self._slice(node.slice, inner, found)
        if found == "dict":
            self.hashable(node.slice)
            return f"{inner}.get({self.text(node.slice)})"
        if isinstance(node.slice, ast.UnaryOp):
            return f"{inner}.at({self.text(node.slice)})"
        if found is None:
            return f"itemAt({inner}, {self.text(node.slice)})"
        return f"{inner}[{self.text(node.slice)}]"

    def _slice(self, part: ast.Slice, inner: str, found: str | None) -> str:
        if part.step is None or (isinstance(part.step, ast.Constant) and part.step.value == 1):
            ends = [self.text(part.lower) if part.lower else "0"] if part.lower or part.upper else []
            ends += [self.text(part.upper)] if part.upper else []
            return f"{inner}.slice({', '.join(ends)})"
        ends = [self.text(each) if each else "null" for each in (part.lower, part.upper)]
        step = self.text(part.step)
        if step == "-1" and ends == ["null", "null"] and found in ("list", "tuple", "str"):
            return f"[...{inner}].reverse()" + ('.join("")' if found == "str" else "")
        return f"sliced({inner}, {', '.join(ends)}, {step})"

    def _template(self, parts: list[ast.expr]) -> str:
        texts = []
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                texts.append(part.value.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${"))
            elif isinstance(part, ast.FormattedValue) and part.format_spec is None and part.conversion == -1:
                texts.append(f"${{{self.text(part.value)}}}")
            else:
                raise NotTranslatedError("a formatted text")
        return f"`{''.join(texts).replace(chr(10), chr(92) + 'n')}`"

    def _comprehension(self, item: ast.expr, parts: list[ast.comprehension]) -> str:
        part, *more = parts
        target = self.target(part.target)
        text = self.array(part.iter)
        for test in part.ifs:
            text += f".filter(({target}) => {self.condition(test)})"
        if more:
            return f"{text}.flatMap(({target}) => {self._comprehension(item, more)})"
        return text if self.text(item) == target else f"{text}.map(({target}) => {self.text(item)})"

    def _call(self, node: ast.Call) -> Written:
        function = node.func
        if isinstance(function, ast.Attribute) and not (
            isinstance(function.value, ast.Name)
            and function.value.id in ("math", "re", "itertools", "heapq", "functools")
        ):
            return self._method(function, node), ATOM
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name in self._functions or (isinstance(function, ast.Name) and self._is_local(name)):
            if node.keywords:
                raise NotTranslatedError("arguments by name")
            return f"{self.name(name)}({', '.join(map(self._item, node.args))})", ATOM
        return self._built_in(name, node)

    def _is_local(self, name: str) -> bool:
        return not hasattr(builtins, name) and name not in self._imported

    @abstractmethod
    def _built_in(self, name: str, node: ast.Call) -> Written:
        """A call of a function of Python's or of its library."""

    @abstractmethod
    def _method(self, function: ast.Attribute, node: ast.Call) -> str:
        """A call of a method."""

    def _size(self, node: ast.expr) -> str:
        found = self._name_of(node)
        if found in ("set", "dict"):
            return f"{self.text(node, ATOM)}.size"
        return f"{self.text(node, ATOM)}.length" if found else f"sizeOf({self.text(node)})"


def _constant(value: object) -> Written:
    if value is None:
        return "null", ATOM
    if isinstance(value, bool):
        return str(value).lower(), ATOM
    if isinstance(value, (int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value, ensure_ascii=False), ATOM
    raise NotTranslatedError(f"the constant {value!r}")
