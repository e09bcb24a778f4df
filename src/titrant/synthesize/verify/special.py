"""Programs that know the examples instead of solving the problem, found by a look at their text.

A program is told to look its answers up if its text holds the arguments and the results of examples where it compares,
looks up or returns them. The look says why a solution fails. Where nothing but tests speaks for a solution it
decides, and is stricter: a list, a dict or a text of the program that holds what several tests ask or answer is enough,
wherever it stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from titrant.synthesize.parsing import parsed
from titrant.synthesize.verify.values import is_literal, same_value

_TRIVIAL: tuple[Any, ...] = (None, True, False, 0, 1, -1, 2, "", [], (), {})
_LEAST_MATCHES = 3
"""Tests whose numbers stand in a table plus or minus the same number, or whose results stand there."""
_MOST_EXAMPLES = 200
"""So many are looked for: a table of more holds most of these, too."""
_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def looks_answers_up(tree: ast.AST, examples: Sequence[tuple[tuple[Any, ...], Any]]) -> bool:
    """Whether a program compares with, or has a table of, the arguments of two examples or more, or of one example
    whose result it also writes down.

    >>> table = ast.parse("def f(n, m):\\n    if n == 17 and m == 4: return 68\\n    return 0")
    >>> looks_answers_up(table, [((17, 4), 68), ((3, 3), 9)])
    True
    """
    compared, written = _literals(tree)
    known = answered = 0
    for arguments, result in examples[:_MOST_EXAMPLES]:
        telling = [value for value in arguments if not _among(value, _TRIVIAL)]
        whole = len(arguments) > 1 and _is_known(tuple(arguments), compared)
        if whole or (telling and all(_is_known(value, compared) for value in telling)):
            known += 1
            answered += not _among(result, _TRIVIAL) and _among(result, written)
    return answered >= 1 or known >= 2


def holds_tests(
    tree: ast.AST, examples: Sequence[tuple[tuple[Any, ...], Any]], calls: Sequence[tuple[Any, ...]]
) -> bool:
    """Whether a program holds its tests: one list, tuple, set, dict or text of it has the arguments of two tests or
    more and of half of all at least, or the same numbers shifted; or different results of three tests, and of more than
    half; or arguments and results of all tests, two at least, stand somewhere in it. `calls` are the arguments of all
    calls in the tests. Right programs with a table are refused too: nobody can tell them from others by tests alone.

    >>> table = ast.parse("def f(x):\\n    return (12, 4, 24)[(11, 9, -5).index(x)]")
    >>> holds_tests(table, [((11,), 12), ((9,), 4), ((-5,), 24)], [(11,), (9,), (-5,)])
    True
    """
    calls, examples = calls[:_MOST_EXAMPLES], examples[:_MOST_EXAMPLES]
    asked = [told for each in calls if (told := _telling(each))]
    answers = [_key(result) for _, result in examples if not _among(result, _TRIVIAL)]
    everywhere: set[str] = set()
    for held in _held_literals(tree):
        parts = set(held)
        everywhere |= parts
        if len(parts) < 2:
            continue
        if 2 <= sum(arguments <= parts for arguments in asked) >= len(asked) / 2:
            return True
        written = [answer for answer in answers if answer in parts]
        if len(set(written)) >= _LEAST_MATCHES and len(written) > len(answers) / 2:
            return True
        if _is_shifted([each[0] for each in calls if len(each) == 1 and type(each[0]) is int], held.values()):
            return True
    whole = [(found, result) for given, result in examples if (found := _telling(given))]
    return len(whole) >= 2 and all(
        found <= everywhere and (_among(result, _TRIVIAL) or _key(result) in everywhere) for found, result in whole
    )


def _telling(arguments: tuple[Any, ...]) -> frozenset[str]:
    return frozenset(_key(each) for each in arguments if not _among(each, _TRIVIAL))


def _is_shifted(given: Sequence[int], held: Iterable[Any]) -> bool:
    """Whether all but one of some numbers stand among others, plus or minus the same number."""
    numbers = {each for each in held if type(each) is int}
    asked = sorted(set(given))
    if len(asked) < _LEAST_MATCHES or len(numbers) < _LEAST_MATCHES:
        return False
    if max(numbers) - min(numbers) < len(numbers):  # a range has all numbers
        return False
    needed = max(_LEAST_MATCHES, len(asked) - 1)
    shifts = {number - each for each in asked[:2] for number in numbers}
    return any(sum(each + shift in numbers for each in asked) >= needed for shift in shifts)


def _held_literals(tree: ast.AST) -> Iterator[dict[str, Any]]:
    """What each outermost literal of a program holds at any depth, by key; descriptions of functions are none."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.expr) and (found := _value(node)):
            yield {_key(part): part for part in _parts(found[0])}
            continue
        if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
            inner = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
            yield {_key(part): part for each in inner for value in _value(each) for part in _parts(value)}
        waiting += ast.iter_child_nodes(node)


def _parts(value: Any) -> Iterator[Any]:
    """A value and all that it holds; of a text also its numbers and words."""
    yield value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, (str, bytes)):
        text = value if isinstance(value, str) else value.decode("latin-1")
        words = re.findall(r"-?\d+(?:\.\d+)?|[^\W\d]\w*", text)
        if len(words) > 1:
            for word in words:
                yield word
                if word[-1].isdigit() and word.lstrip("-")[:1].isdigit() and len(word) < 400:
                    yield float(word) if "." in word else int(word)


def _key(value: Any) -> str:
    """The same text for the same value, whether it is a list or a tuple."""
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_key, value))})"
    if isinstance(value, (set, frozenset)):
        return f"{{{','.join(sorted(map(_key, value)))}}}"
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{_key(key)}:{_key(each)}' for key, each in value.items()))}}}"
    return repr(value)


def written_examples(tests: Sequence[str], entry_point: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Arguments and results of the tests of the form `assert f(1, 2) == 3`."""
    found = []
    for test in tests:
        tree = parsed(test)
        for node in ast.walk(tree) if tree is not None else ():
            match node:
                case ast.Compare(left=ast.Call(func=ast.Name(id=name), args=given), ops=[_], comparators=[right]):
                    values = [_value(each) for each in given]
                    result = _value(right)
                    if name in (entry_point, "candidate") and all(values) and result:
                        found.append((tuple(value[0] for value in values), result[0]))
    return found


def _among(value: Any, others: Sequence[Any]) -> bool:
    return any(same_value(value, other) for other in others)


def _is_known(value: Any, others: Sequence[Any]) -> bool:
    """Whether a value, the same as a tuple, or its text is among others."""
    return any(_among(form, others) for form in (value, _frozen(value), repr(value), str(value)))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _literals(tree: ast.AST) -> tuple[list[Any], list[Any]]:
    """The literal values that a program compares with, looks up or matches; and all that it writes down."""
    compared: list[Any] = []
    written: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                compared += _values(side)
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                compared += _values(key) if key is not None else []
        elif isinstance(node, (ast.MatchValue, ast.MatchSingleton)):
            compared += [node.value] if isinstance(node, ast.MatchSingleton) else _values(node.value)
        elif isinstance(node, ast.MatchSequence):
            parts = [_values(each.value) for each in node.patterns if isinstance(each, ast.MatchValue)]
            if len(parts) == len(node.patterns) and all(parts):
                compared += [[part[0] for part in parts], tuple(part[0] for part in parts)]
        if isinstance(node, ast.expr):
            written += _value(node)
    return compared, written


def _values(node: ast.expr) -> list[Any]:
    """What a literal stands for, and its items, as they are compared with one by one in `in (...)`."""
    found = _value(node)
    inner = found[0] if found else None
    if isinstance(inner, str):
        return found
    if isinstance(inner, (list, tuple)):
        return [*found, *inner]
    return found


def _value(node: ast.expr) -> list[Any]:
    if not isinstance(node, (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.Call)):
        return []
    try:
        value = ast.literal_eval(node)
    except _BROKEN:
        return []
    return [value] if is_literal(value) else []
