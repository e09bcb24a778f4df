"""The worked examples that end an explanation: claims of the form `f(1, [2]) = 3`, read so that they can be checked."""

from __future__ import annotations

import ast
import re
from itertools import islice

from titrant.synthesize.parsing import parsed

HEADING = re.compile(r"^(?:[^\w\n]|_)*+worked examples?(?:[^\w\n]|_)*+$", re.IGNORECASE | re.MULTILINE)
MOST_CHARACTERS = 2000
"""Of one example."""
MOST_EXAMPLES = 64
"""Of one explanation; of more, none counts."""
_MOST_SIGNS = 24
"""Signs in one line that may stand between a call and its result."""
_BULLET = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+")
_BETWEEN = re.compile(r"==|->|→|=>|⇒|=|\breturns\b|\bgives\b|\bis\b")
_NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def worked_examples(text: str, entry_point: str | None = None) -> list[tuple[str, str]]:
    """(arguments, result) of every example in the last part of an explanation, both as literals: `("(1, [2])", "3")`.

    The part begins with a line that says `Worked examples` and nothing else. Each of its lines that has a call
    must be one whole claim about literals; if one is not, none counts, because what it claims cannot be checked.
    Lines without a call are prose. With `entry_point`, calls of other functions are no claims that can be checked.

    >>> worked_examples("It adds.\\n\\nWorked examples:\\n- `add(1, 2) = 3`\\n- `add(-1, [0]) = 'x'`")
    [('(1, 2)', '3'), ('(-1, [0])', "'x'")]
    """
    begins = [found.end() for found in HEADING.finditer(text)]
    if not begins:
        return []
    examples: list[tuple[str, str]] = []
    for line in text[begins[-1] :].split("\n"):
        if _CALL.search(line) is None:
            continue
        example = _example(line, entry_point)
        if example is None or len(examples) == MOST_EXAMPLES:
            return []
        examples.append(example)
    return examples


def _example(line: str, entry_point: str | None) -> tuple[str, str] | None:
    bare = _BULLET.sub("", line).replace("`", "").replace("**", "").strip()
    if len(bare) > MOST_CHARACTERS:
        return None
    for between in islice(_BETWEEN.finditer(bare), _MOST_SIGNS):
        call, result = bare[: between.start()], bare[between.end() :].strip()
        arguments = _arguments(call, entry_point)
        value = _literal(result) or _literal(result.removesuffix("."))
        if arguments is not None and value is not None:
            return arguments, value
    return None


def _arguments(source: str, entry_point: str | None) -> str | None:
    tree = parsed(source, "eval")
    call = tree.body if isinstance(tree, ast.Expression) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
        return None
    if entry_point is not None and call.func.id != entry_point:
        return None
    try:
        return repr(tuple(ast.literal_eval(argument) for argument in call.args))
    except _NO_LITERAL:
        return None


def _literal(source: str) -> str | None:
    """The canonical text of a literal; None if it is none. The empty set, which has no literal, is none either."""
    tree = parsed(source, "eval")
    try:
        return None if tree is None else repr(ast.literal_eval(tree))
    except _NO_LITERAL:
        return None
