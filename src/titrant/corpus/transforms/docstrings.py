"""Documentation taken out of a document: Python's docstrings, and comments that are documentation by their signs.

In Python, the first statement of a module, class or function if it is a plain string, and plain strings right after it,
of which one would be the first statement then; a body that held nothing else gets `pass`. Elsewhere, comments that open
with `/**`, `/*!`, `///` or `//!` (`-- |` in Haskell), where documentation tools read them; other comments stay.
Languages whose documentation has no signs of its own are not transformed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from titrant.corpus.transforms.comments import DIFFERS, Span, blanks_after, check_same, text_without
from titrant.corpus.transforms.grammars import kinds
from titrant.corpus.transforms.syntax import NotTransformedError, Syntax, parse, parse_again, skeleton

if TYPE_CHECKING:
    from tree_sitter import Node

_SIGNS = re.compile(rb"/\*\*(?![*/])|/\*!|///(?!/)|//!")
_HADDOCK = re.compile(rb"--+ *[|^]|\{- *\|")
_SLASHES = "c c++ cuda objective-c c# java javascript typescript php kotlin scala swift rust dart zig"
_SIGNS_BY_LANGUAGE = {**dict.fromkeys(_SLASHES.split(), _SIGNS), "haskell": _HADDOCK}


@dataclass(frozen=True)
class Docstring:
    """One docstring of Python: a statement that is a string."""

    start: int
    """First byte of the statement."""
    end: int
    """One past its last byte."""
    content: Span
    """What stands between its quotes (of several strings in a row: between the first and the last quote)."""
    alone: bool
    """Whether its body holds no other statement and must have one."""


def strip_docstrings(text: str, language: str) -> str:
    """The document without its documentation. Raises NotTransformedError where that does not apply."""
    if language != "python" and language not in _SIGNS_BY_LANGUAGE:
        raise NotTransformedError(f"documentation has no signs of its own in '{language}'")
    syntax = parse(text, language)
    if language == "python":
        return _without_docstrings(syntax)
    sign = _SIGNS_BY_LANGUAGE[language]
    kept = text_without(syntax, [span for span in syntax.comments if sign.match(syntax.source, *span)])
    if kept != text:
        check_same(syntax, parse_again(kept, syntax))
    return kept


def _without_docstrings(syntax: Syntax) -> str:
    found = python_docstrings(syntax)
    source, at, pieces, moved = syntax.source, 0, list[bytes](), 0
    spans: list[Span] = []
    for string in found:
        if string.alone:
            pieces += [source[at : string.start], b"pass"]
            at = string.end
            moved += len(b"pass") - (string.end - string.start)
        else:
            spans.append((string.start + moved, _after_semicolon(source, string.end) + moved))
    kept = text_without(replace(syntax, source=b"".join([*pieces, source[at:]])), spans)
    if found:
        hidden = kinds(syntax.grammar, frozenset({"pass_statement", ";"}))
        after = skeleton(parse_again(kept, syntax), hidden)
        if skeleton(syntax, hidden, frozenset((string.start, string.end) for string in found)) != after:
            raise NotTransformedError(DIFFERS)
    return kept


def _after_semicolon(source: bytes, end: int) -> int:
    after = end + blanks_after(source, end)
    return after + 1 if source.startswith(b";", after) else end


def python_docstrings(syntax: Syntax) -> list[Docstring]:
    """All docstrings of a Python document, in order."""
    bodies = [(syntax.tree.root_node, False)]
    bodies += [(node, True) for node in syntax.matching("(_ name: (identifier) body: (block) @found)")]
    found = (string for body, needs_statement in bodies for string in _docstrings_of(syntax, body, needs_statement))
    return sorted(found, key=lambda string: string.start)


def _docstrings_of(syntax: Syntax, body: Node, needs_statement: bool) -> list[Docstring]:
    """The first statement of a body if it is a string, and strings right after it, which would be the first without."""
    found: list[Docstring] = []
    for statement in _uncommented(syntax, body):
        content = _docstring_content(syntax, statement)
        if content is None:
            return found
        found.append(Docstring(statement.start_byte, statement.end_byte, content, alone=False))
    if found and needs_statement:
        found[0] = replace(found[0], alone=True)
    return found


def _uncommented(syntax: Syntax, node: Node) -> list[Node]:
    return [child for child in node.named_children if child.kind_id not in syntax.comment_kinds]


def _docstring_content(syntax: Syntax, statement: Node) -> Span | None:
    value = statement
    while value.type in ("expression_statement", "parenthesized_expression"):
        inside = _uncommented(syntax, value)
        if len(inside) != 1:
            return None
        value = inside[0]
    strings = _uncommented(syntax, value) if value.type == "concatenated_string" else [value]
    contents = [_content(string) for string in strings]
    whole = [content for content in contents if content is not None]
    return (whole[0][0], whole[-1][1]) if whole and len(whole) == len(contents) else None


def _content(string: Node) -> Span | None:
    """What stands between the quotes of a plain string; bytes, f-strings and template strings are none."""
    if string.type != "string" or string.child_count < 2:
        return None
    opening, closing = string.children[0], string.children[-1]
    if opening.type != "string_start" or closing.type != "string_end":
        return None
    if set((opening.text or b"").lower()) & set(b"bft"):
        return None
    return opening.end_byte, closing.start_byte
