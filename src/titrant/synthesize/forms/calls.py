"""Calls of Python's own functions and methods, written in JavaScript."""

from __future__ import annotations

import ast

from titrant.synthesize.forms.expressions import ATOM, CHOICE, PLUS, TIMES, Expressions, NotTranslatedError, Written

_METHODS: dict[str, str] = {
    "append": "{0}.push({1})",
    "appendleft": "{0}.unshift({1})",
    "popleft": "{0}.shift()",
    "extend": "{0}.push(...{1})",
    "add": "{0}.add({1})",
    "discard": "{0}.delete({1})",
    "clear": "{0}.clear()",
    "lower": "{0}.toLowerCase()",
    "upper": "{0}.toUpperCase()",
    "strip": "{0}.trim()",
    "startswith": "{0}.startsWith({1})",
    "endswith": "{0}.endsWith({1})",
    "replace": "{0}.replaceAll({1}, {2})",
    "find": "{0}.indexOf({1})",
    "index": "{0}.indexOf({1})",
    "insert": "{0}.splice({1}, 0, {2})",
    "count": "countOf({0}, {1})",
    "setdefault": "setDefault({0}, {1}, {2})",
    "union": "new Set([...{0}, ...{1}])",
    "intersection": "common({0}, {1})",
    "difference": "without({0}, {1})",
    "zfill": '{0}.padStart({1}, "0")',
    "rjust": "{0}.padStart({1})",
    "ljust": "{0}.padEnd({1})",
    "isdigit": "/^[0-9]+$/.test({0})",
    "isalpha": "/^[A-Za-z]+$/.test({0})",
    "isupper": "/^[^a-z]*[A-Z][^a-z]*$/.test({0})",
    "islower": "/^[^A-Z]*[a-z][^A-Z]*$/.test({0})",
}
_CALLS: dict[str, str] = {
    "abs": "Math.abs({0})",
    "ord": "{0}.codePointAt(0)",
    "chr": "String.fromCodePoint({0})",
    "isqrt": "Math.floor(Math.sqrt({0}))",
    "divmod": "[Math.floor({0} / {1}), floorMod({0}, {1})]",
}
_TYPES = {"list": "Array.isArray({0})", "tuple": "Array.isArray({0})", "int": "Number.isInteger({0})"}
_TYPES |= {"str": 'typeof {0} === "string"', "dict": "{0} instanceof Map", "set": "{0} instanceof Set"}


class Calls(Expressions):
    """Writes expressions with all their calls."""

    def _built_in(self, name: str, node: ast.Call) -> Written:
        given = node.args
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if any(isinstance(each, ast.Starred) for each in given) and name != "zip":
            raise NotTranslatedError(f"{name} of a list spread out")
        if name in _CALLS and not keywords:
            return _CALLS[name].format(*(self.text(each, ATOM) for each in given)), ATOM
        match name, given:
            case "len", [inner]:
                return self._size(inner), ATOM
            case "range", _ if not keywords:
                ends = [ast.Constant(0), *given] if len(given) == 1 else given
                return f"rangeOf({', '.join(map(self.text, ends))})", ATOM
            case (("list" | "tuple" | "deque"), [] | [_]):
                return (f"[...{self.over(given[0])}]" if given else "[]"), ATOM
            case (("set" | "frozenset"), [] | [_]):
                for inner in given:
                    self._hashable_items(inner)
                return f"new Set({self.over(given[0]) if given else ''})", ATOM
            case "dict", []:
                if not keywords:
                    return "new Map()", ATOM
            case "dict", [inner]:
                return f"new Map({self.text(inner)})", ATOM
            case "defaultdict", [ast.Name(id="int" | "list" | "set" as made)]:
                value = {"int": "0", "list": "[]", "set": "new Set()"}[made]
                return f"new DefaultMap(() => {value})", ATOM
            case "Counter", [inner]:
                self._hashable_items(inner)
                return f"new Tally({self.over(inner)})", ATOM
            case "sorted", [inner]:
                return self._sorted(inner, keywords), ATOM
            case (("max" | "min"), _):
                return self._best(name, given, keywords), ATOM
            case "sum", [inner, *start]:
                return f"sumOf({', '.join([self.array(inner), *map(self.text, start)])})", ATOM
            case (("any" | "all"), [inner]):
                return self._quantified(name, inner), ATOM
            case "reversed", [inner]:
                return f"[...{self.over(inner)}].reverse()", ATOM
            case "enumerate", _:
                start = [*given[1:], *([keywords["start"]] if "start" in keywords else [])]
                return f"numbered({', '.join([self.array(given[0]), *map(self.text, start)])})", ATOM
            case "zip", _ if keywords.keys() <= {"strict"}:
                return f"zipped({', '.join(map(self._item, given))})", ATOM
            case "map", [ast.Name(id=function), inner]:
                call = ast.Call(ast.Name(function, ast.Load()), [ast.Name("value", ast.Load())], [])
                return f"{self.array(inner)}.map((value) => {self.text(call)})", ATOM
            case "map" | "filter", [ast.Lambda() as function, inner]:
                return f"{self.array(inner)}.{name}({self.text(function)})", ATOM
        return self._converted(name, given)

    def _converted(self, name: str, given: list[ast.expr]) -> Written:
        """A conversion, or a question for a type."""
        match name, given:
            case "int", [inner]:
                found, text = self.kind(inner), self.text(inner)
                return (text, CHOICE) if found == "int" else (f"Math.trunc(Number({text}))", ATOM)
            case "str", [inner] if self.kind(inner) in ("int", "str"):
                return f"String({self.text(inner)})", ATOM
            case "bool", [inner]:
                return f"Boolean({self.condition(inner)})", ATOM
            case "float", [ast.Constant(value="inf" | "-inf" as text)]:
                return text.replace("inf", "Infinity"), ATOM
            case "float", [inner]:
                return f"Number({self.text(inner)})", ATOM
            case "isinstance", [inner, ast.Name(id=kind)] if kind in _TYPES:
                return _TYPES[kind].format(self.text(inner, ATOM)), CHOICE
        raise NotTranslatedError(f"a call of {name}")

    def _hashable_items(self, node: ast.expr) -> None:
        found = self._kinds.items_of(node)
        if found and found[0] in ("list", "tuple", "set"):
            raise NotTranslatedError("a set or a dictionary of tuples")

    def _sorted(self, inner: ast.expr, keywords: dict[str | None, ast.expr]) -> str:
        if not keywords.keys() <= {"key", "reverse"}:
            raise NotTranslatedError("an order of an unusual sort")
        parts = [self.over(inner)]
        if "key" in keywords:
            parts.append(self.text(keywords["key"]))
        elif keywords:
            parts.append("undefined")
        if "reverse" in keywords:
            parts.append(self.text(keywords["reverse"]))
        return f"sortedCopy({', '.join(parts)})"

    def _best(self, name: str, given: list[ast.expr], keywords: dict[str | None, ast.expr]) -> str:
        numbers = ("int", "float", "bool")
        if len(given) > 1 and not keywords and all(self.kind(each) in numbers for each in given):
            return f"Math.{name}({', '.join(map(self.text, given))})"
        found = self._kinds.items_of(given[0]) if len(given) == 1 else None
        if not keywords and found and found[0] in numbers:
            return f"Math.{name}(...{self.over(given[0])})"
        items = self.over(given[0]) if len(given) == 1 else f"[{', '.join(map(self.text, given))}]"
        parts = [items, "1" if name == "max" else "-1"]
        if keywords:
            parts.append(self.text(keywords["key"]) if "key" in keywords else "undefined")
        if "default" in keywords:
            parts.append(self.text(keywords["default"]))
        return f"bestOf({', '.join(parts)})"

    def _quantified(self, name: str, inner: ast.expr) -> str:
        method = "some" if name == "any" else "every"
        if isinstance(inner, ast.GeneratorExp) and len(inner.generators) == 1:
            part = inner.generators[0]
            target = self.target(part.target)
            text = self.array(part.iter)
            for test in part.ifs:
                text += f".filter(({target}) => {self.condition(test)})"
            return f"{text}.{method}(({target}) => {self.condition(inner.elt)})"
        return f"{self.array(inner)}.{method}(Boolean)"

    def _method(self, function: ast.Attribute, node: ast.Call) -> str:
        found, given, name = self.kind(function.value), node.args, function.attr
        if node.keywords:
            raise NotTranslatedError(f"arguments of {name} by name")
        inner = self.text(function.value, ATOM)
        if name == "add" or (name in ("get", "setdefault") and given):
            self.hashable(given[0])
        match name, given:
            case "get", [key]:
                return f"({inner}.get({self.text(key)}) ?? null)"
            case "get", [key, fallback]:
                return f"({inner}.get({self.text(key)}) ?? {self.text(fallback, PLUS)})"
            case (("items" | "keys" | "values"), []):
                return f"[...{self.over(node)}]"
            case "pop", [] if found != "set":
                return f"{inner}.pop()"
            case "pop", [place] if found == "list":
                if isinstance(place, ast.Constant) and place.value == 0:
                    return f"{inner}.shift()"
                return f"{inner}.splice({self.text(place)}, 1)[0]"
            case "join", [items]:
                return f"{self.array(items)}.join({self.text(function.value)})"
            case "split", []:
                return f"wordsOf({inner})"
            case "split", [separator]:
                return f"{inner}.split({self.text(separator)})"
            case "remove", [item]:
                return (
                    f"{inner}.delete({self.text(item)})"
                    if found == "set"
                    else f"removeItem({inner}, {self.text(item)})"
                )
            case "copy", []:
                return {"set": f"new Set({inner})", "dict": f"new Map({inner})"}.get(found or "", f"[...{inner}]")
            case "sort", []:
                return f"{inner}.sort(compareValues)"
            case "reverse", []:
                return f"{inner}.reverse()"
        if name in _METHODS and len(given) + 1 == _METHODS[name].count("{"):
            return _METHODS[name].format(inner, *(self.text(each, TIMES) for each in given))
        raise NotTranslatedError(f"a call of the method {name}")
