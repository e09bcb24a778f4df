"""What every family of problems keeps. `python tests/synthesize/family_checks.py AREA [FAMILY]` prints how its families
do: shapes, the time of a call, and a problem of each."""

from __future__ import annotations

import ast
import builtins
import copy
import keyword
import re
import sys
import time
from collections.abc import Callable
from functools import cache
from textwrap import indent
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from titrant.study.synthesis import Area
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Family, families
from titrant.synthesize.generator.pools import arguments_of
from titrant.synthesize.generator.shapes import shape_of, tree_of

IMPORTS = {"math", "collections", "itertools", "functools", "heapq", "bisect", "string", "re"}
INPUTS = 48
_ENDS_IN_S = (
    "as|becomes|brings|changes|comes|counts|forwards|backwards|has|is|less|minus|plus|remains|stays|towards|was"
)
_ONE_OF_MANY = re.compile(rf"(?<![\w.+-])1 (?!(?:{_ENDS_IN_S})\b)[a-z]+s\b")


def check_family(family: Family, draws: int = 40) -> None:
    """Assert everything that a family promises, on so many of its problems."""
    seen, dull = set(), 0
    for number in range(draws):
        where = f"{family.name}, draw {number}"
        drawn = drawn_of(family, number)
        assert drawn_of(family, number).body == drawn.body, f"{where}: draws another body the second time"
        check_words(drawn, where)
        assert family.levels[0] <= drawn.difficulty <= family.levels[1], f"{where}: difficulty {drawn.difficulty}"
        dull += len({repr(result) for result in check_program(drawn, where)}) == 1
        seen.add((drawn.say, drawn.body))
    assert dull <= max(1, draws // 10), f"{family.name}: all results are equal in {dull} of {draws} draws"
    assert len(seen) >= min(5, draws), f"{family.name}: only {len(seen)} different problems in {draws} draws"


def drawn_of(family: Family, number: int) -> Drawn:
    return family.draw(Draw(f"check {family.name} {number}"))


def source_of(drawn: Drawn) -> str:
    """The whole program."""
    before = f"{drawn.prelude}\n\n\n" if drawn.prelude else ""
    names = ", ".join(parameter.name for parameter in drawn.parameters)
    return f"{before}def {drawn.call}({names}):\n{indent(drawn.body, '    ')}\n"


def shapes_of(area: Area, draws: int = 60) -> dict[str, set[str]]:
    """The shapes of the programs that each family of an area draws."""
    return {
        family.name: {shape_of(source_of(drawn_of(family, number))) for number in range(draws)}
        for family in families(area)
    }


def check_words(drawn: Drawn, where: str) -> None:
    names = [parameter.name for parameter in drawn.parameters]
    for name in (drawn.call, *names):
        assert name.isidentifier(), f"{where}: '{name}' is no name"
        assert not keyword.iskeyword(name), f"{where}: '{name}' is no name"
        assert not hasattr(builtins, name), f"{where}: '{name}' hides what Python calls so"
    assert len({drawn.call, *names}) == len(names) + 1, f"{where}: a name twice in {names}"
    for what, text in (("say", drawn.say), ("idea", drawn.idea)):
        assert re.fullmatch(r"[A-Z].*\.", text), f"{where}: {what} is no sentence on one line: {text}"
        assert "$" not in text, f"{where}: {what} holds a $: {text}"
        assert not re.search(r"  | [.,;:]|\.\.|,,|[.,;]\w*\ba a\b", text), f"{where}: {what} has a slip: {text}"
        assert not _ONE_OF_MANY.search(text), f"{where}: {what} has a plural after 1: {text}"
        quoted = re.findall(r"`([^`]*)`", text)
        assert text.count("`") % 2 == 0, f"{where}: {what} has a backquote too many: {text}"
        unknown = [each for each in quoted if each.isidentifier() and not keyword.iskeyword(each)]
        unknown = [each for each in unknown if each not in (*names, drawn.call, "result") and each not in dir(builtins)]
        assert not unknown, f"{where}: {what} names {unknown}, which are no parameters of {names}: {text}"
    for name in names:
        assert f"`{name}`" in drawn.say, f"{where}: say does not name the parameter `{name}`: {drawn.say}"
    assert 20 <= len(drawn.say) <= 900, f"{where}: say has {len(drawn.say)} characters"
    assert not re.search(r"[$\t]", drawn.body + drawn.prelude), f"{where}: a $ or a tab in\n{drawn.body}"
    assert re.fullmatch(r"\S(.*\S)?", drawn.body, re.DOTALL), f"{where}: blanks around the body\n{drawn.body}"
    assert all(len(line) <= 110 for line in source_of(drawn).splitlines()), f"{where}: a line is too long"


def check_program(drawn: Drawn, where: str) -> list[Any]:
    """Run it; its results."""
    source = source_of(drawn)
    scope = compiled(source, where)
    program: Callable[..., Any] = scope[drawn.call]
    inputs = arguments_of(drawn.arguments, where, INPUTS)
    assert len(inputs) >= 2, f"{where}: only {len(inputs)} inputs; is `where` true of a third of them?"
    results = []
    for values in inputs:
        given = tuple(each.value for each in values)
        told = f"{where}: {drawn.call}({', '.join(each.text for each in values)})"
        for parameter, each in zip(drawn.parameters, given, strict=True):
            matches(parameter.domain.annotation, each, f"{told}: {parameter.name}")
        expected = checked_call(drawn.oracle, given, f"{told}: the oracle")
        found = checked_call(program, given, f"{told}: the program", source)
        assert same(found, expected), f"{told} is {found!r}, but {expected!r} of the oracle\n{drawn.say}\n{source}"
        literal(expected, told)
        matches(drawn.returns, expected, f"{told}: the result")
        named = dict(zip((parameter.name for parameter in drawn.parameters), copy.deepcopy(given), strict=True))
        for contract in drawn.contracts:
            held = eval(contract, {**named, "result": found})
            assert held is True, f"{told} is {found!r}, for which the contract {contract} is {held!r}"
        results.append(expected)
    return results


def compiled(source: str, where: str) -> dict[str, Any]:
    tree = ast.parse(source, where)
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert set(modules) <= IMPORTS, f"{where}: imports {modules}"
    scope: dict[str, Any] = {}
    exec(compile(tree, where, "exec"), scope)
    return scope


def checked_call(function: Callable[..., Any], given: tuple[Any, ...], told: str, source: str = "") -> Any:
    own, before = copy.deepcopy(given), repr(given)
    try:
        found = function(*own)
    except Exception as error:
        raise AssertionError(f"{told} raises {error!r}\n{source}") from error
    assert repr(own) == before, f"{told} changes its arguments to {own!r}\n{source}"
    return copy.deepcopy(found)


def same(one: Any, other: Any) -> bool:
    """Equal in value and, at every depth, in type."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, (list, tuple)):
        return all(map(same, one, other))
    if isinstance(one, dict):
        keys = {key: key for key in other}
        return all(same(key, keys[key]) and same(value, other[key]) for key, value in one.items())
    return True


def literal(value: Any, told: str) -> None:
    assert same(ast.literal_eval(repr(value)), value), f"{told}: {value!r} is no literal"
    for part in parts(value):
        assert not isinstance(part, (set, frozenset)), f"{told}: {value!r} holds a set; return a sorted list"
        assert not isinstance(part, float) or (2 * part).is_integer(), f"{told}: {value!r} holds an inexact number"


def parts(value: Any) -> list[Any]:
    """The value and all that it holds."""
    if isinstance(value, dict):
        return [value, *(part for pair in value.items() for each in pair for part in parts(each))]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [value, *(part for each in value for part in parts(each))]
    return [value]


@cache
def _adapter(annotation: str) -> TypeAdapter[Any]:
    return TypeAdapter(eval(annotation), config=ConfigDict(strict=True))


def matches(annotation: str, value: Any, told: str) -> None:
    """The value is of the type that the signature says."""
    adapter = _adapter(annotation)
    try:
        adapter.validate_python(value)
    except ValueError:
        raise AssertionError(f"{told} is {value!r}, not of type {annotation}") from None


def _main(area: Area, wanted: str) -> None:
    shapes = {}
    for family in families(area):
        try:
            shapes[family.name] = {shape_of(source_of(drawn_of(family, number))) for number in range(60)}
        except Exception as error:
            print(f"WRONG {family.name}: {error!r}")
    for family in families(area):
        if wanted not in family.name or family.name not in shapes:
            continue
        others = set().union(*(shapes[name] for name in shapes if name != family.name))
        try:
            check_family(family)
        except AssertionError as error:
            print(f"WRONG {str(error)[:2000]}")
            continue
        drawn = drawn_of(family, 0)
        program = compiled(source_of(drawn), family.name)[drawn.call]
        inputs = [tuple(each.value for each in given) for given in arguments_of(drawn.arguments, "time", INPUTS)]
        started = time.process_time()
        for given in inputs:
            program(*copy.deepcopy(given))
        microseconds = (time.process_time() - started) / len(inputs) * 1e6
        different = len({tree_of(source_of(drawn_of(family, number))) for number in range(200)})
        own = len(shapes[family.name] - others)
        print(
            f"ok {family.name}: {len(shapes[family.name])} shapes ({own} of its own), {different} programs in 200 draws, "
            f"{microseconds:.0f} us a call"
        )
        if wanted:
            print(f"{drawn.say}\n{drawn.idea}\n{source_of(drawn)}")
            for given in inputs[:6]:
                print(f"{drawn.call}{given} -> {program(*copy.deepcopy(given))!r}")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")  # type: ignore[arg-type]
