"""Prose that stands in a program: as comment lines, above it as a string or block, or as a function's docstring."""

from __future__ import annotations

import ast
import re
import textwrap

WIDTH = 88
_PROSE = re.compile(r"((?:[-*] |\d{1,2}\. )?)[A-Z]")
"""A line that is a sentence, or one in a list."""
_MARKS = {"python": "#", "javascript": "//"}


def folded(text: str, width: int = WIDTH) -> str:
    """The text with its long lines of prose folded; lines of code, examples and lists stay as they are.

    >>> print(folded("Return the sum of all.\\n- of which there are many", 12))
    Return the
    sum of all.
    - of which there are many
    """
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        prose = _PROSE.match(line) if len(line) > width else None
        lines += _folded(line, width, " " * len(prose[1])) if prose else [line]
    return "\n".join(line.rstrip() for line in lines)


def _folded(line: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def remark(text: str, language: str) -> str:
    """Every line as a comment."""
    mark = _MARKS[language]
    return "\n".join(f"{mark} {line}".rstrip() for line in folded(text).splitlines())


def block(text: str, language: str) -> str:
    """The text as a string that stands alone, or a comment of several lines; comment lines where it would end it."""
    if language == "javascript":
        inner = "\n".join(f" * {line}".rstrip() for line in folded(text).splitlines())
        return f"/**\n{inner}\n */" if "*/" not in text else remark(text, language)
    quoted = _quoted(folded(text))
    return remark(text, language) if quoted is None else quoted


def with_docstring(code: str, function: str, text: str) -> str | None:
    """Python code with the text as the docstring of a function of its top level.

    None if there is no such function, it has a docstring, stands on the line of its head, or no quotes would hold the
    text.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not found or ast.get_docstring(found[-1]) is not None:
        return None
    node, first = found[-1], found[-1].body[0]
    lines = code.split("\n")
    end = _end_of_head(lines, node.lineno, first.lineno)
    quoted = _quoted(folded(text, WIDTH - first.col_offset))
    if end is None or quoted is None:
        return None
    return "\n".join([*lines[:end], textwrap.indent(quoted, " " * first.col_offset), *lines[end:]])


def _end_of_head(lines: list[str], begin: int, first: int) -> int | None:
    """How many lines the text has up to the end of a head that begins on a line (from 1), before its first statement;
    only heads that end with a colon are seen."""
    for number in range(begin, first):
        if lines[number - 1].rstrip().endswith(":"):
            return number
    return None


def _quoted(text: str) -> str | None:
    for quotes in ('"""', "'''"):
        if quotes not in text:
            break
    else:
        return None
    mark = "r" if "\\" in text else ""
    is_short = "\n" not in text and not text.endswith((quotes[0], "\\"))
    return f"{mark}{quotes}{text}{quotes}" if is_short else f"{mark}{quotes}{text}\n{quotes}"
