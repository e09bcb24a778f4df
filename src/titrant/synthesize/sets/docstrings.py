"""What a docstring says, and the examples in it."""

from __future__ import annotations

import ast
import doctest
import re

_SECTION = re.compile(
    r"^[ \t]*(?:args|arguments|parameters|params|returns?|yields|raises|examples?|example usage|notes?|references"
    r"|see also|usage|for example)\b[ \t]*:{0,2}[ \t]*$|^[ \t]*:(?:param|type|returns?|rtype|raises)\b|^[ \t]*>>>",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE = re.compile(r"[A-Za-z][a-z]*(?:[ ,'-]+[\w'`*()\[\]-]+){3,}")


def text_of(function: ast.FunctionDef) -> str:
    """Its docstring, indentation taken away; empty if it has none."""
    return ast.get_docstring(function, clean=True) or ""


def description(docstring: str) -> str:
    """What it does: the docstring up to its sections and examples.

    >>> description("Add one.\\n\\nTo any number.\\n\\nArgs:\\n    x: a number\\n")
    'Add one.\\n\\nTo any number.'
    """
    found = _SECTION.search(docstring)
    return docstring[: found.start() if found else len(docstring)].strip()


def is_sentence(text: str) -> bool:
    """Whether it has four words after one another, as a sentence has."""
    return _SENTENCE.search(text) is not None


def example_tests(docstring: str, name: str) -> list[str]:
    """The examples of a docstring that stand for themselves, as assertions: `f(1)` with a literal below it.

    >>> example_tests("Add one.\\n\\n>>> f(1)\\n2\\n>>> x = 3\\n>>> f(x)\\n4\\n", "f")
    ['assert f(1) == 2']
    """
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return []
    return [test for example in examples if not example.options and (test := _test(example, name))]


def _test(example: doctest.Example, name: str) -> str | None:
    try:
        call = ast.parse(example.source.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != name:
            return None
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            ast.literal_eval(argument)
        wanted = repr(ast.literal_eval(example.want.strip())) if example.want.strip() else "None"
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return f"assert {ast.unparse(call)} == {wanted}"
