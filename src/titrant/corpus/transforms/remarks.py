"""All that is kept of a document: its comments and docstrings, as prose.

One line of a comment or docstring a line, in the order of the document, without comment signs, quotes, indentation and
the asterisks that lead lines of block comments; lines with nothing else on them are left out. Left out with the code
are a first line `#!` and encoding lines. It keeps of Python what `strip-comments` and `strip-docstrings` remove.
"""

from __future__ import annotations

from collections.abc import Iterator

from titrant.corpus.transforms.comments import removable_comments
from titrant.corpus.transforms.docstrings import python_docstrings
from titrant.corpus.transforms.grammars import PROSE, Grammar
from titrant.corpus.transforms.syntax import NotTransformedError, parse


def comments_only(text: str, language: str) -> str:
    """The comments of a document. Raises NotTransformedError if it has none or is prose."""
    if language in PROSE:
        raise NotTransformedError(f"language '{language}' has no comments")
    syntax = parse(text, language)
    spans = removable_comments(syntax)
    quoted = {string.content: string.start for string in python_docstrings(syntax)} if language == "python" else {}
    lines: list[str] = []
    for start, end in sorted([*spans, *quoted]):
        piece = syntax.source[start:end].decode("utf-8", "replace")
        lines += _lines_within(piece) if (start, end) in quoted else comment_lines(piece, syntax.definition)
    if not lines:
        raise NotTransformedError("no comments")
    return "\n".join(lines) + "\n"


def _lines_within(piece: str) -> Iterator[str]:
    return (kept for line in piece.splitlines() if (kept := line.strip()))


def comment_lines(text: str, definition: Grammar) -> Iterator[str]:
    """The lines of one comment without its signs and the blanks around them; lines that are then empty are left out.

    >>> from titrant.corpus.transforms.grammars import GRAMMARS
    >>> list(comment_lines("/**\\n * Adds.\\n */", GRAMMARS["java"]))
    ['Adds.']
    """
    sign = definition.line
    for opening, closing in definition.blocks:
        if text.startswith(opening):
            text = text.removeprefix(opening).removesuffix(closing)
            sign = "*!" if opening == "/*" else ""
            break
    for line in text.splitlines():
        if kept := line.strip().lstrip(sign).removeprefix("!").strip():
            yield kept
