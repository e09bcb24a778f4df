"""Comments taken out of a document.

What is removed and what stays:
- every node that the grammar calls a comment, documentation and what tools read in comments (`noqa`, `go:build`) too;
- a line that held only comments goes with its line end; blank lines stay as they are;
- at the end of a line, the blanks before a comment go with it; between two tokens, one blank stands in its place
  where none is left (a line end, where the language reads a line end in a comment as one);
- never touched: a first line `#!`, Python's and Ruby's encoding lines, and all that only looks like a comment
  (strings, preprocessor and compiler directives, scripts inside HTML).
The result is parsed again: a document whose tree differs by more than its comments is not transformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import cast

from titrant.corpus.transforms.syntax import NotTransformedError, Syntax, parse, skeleton

Span = tuple[int, int]

_ENCODING = re.compile(rb"#.*?coding[:=][ \t]*[-_.a-zA-Z0-9]+")
"""**Source:** PEP 263."""
_LINE_ENDS_COUNT = frozenset({"javascript", "typescript", "go", "kotlin", "scala", "swift", "julia"})
"""Languages in which a block comment over several lines ends a line."""
_BLANKS = b" \t\f\v"
DIFFERS = "is read otherwise when changed"
"""Reason: the tree after the change is not the one it should be."""


def strip_comments(text: str, language: str) -> str:
    """The document without its comments. Raises NotTransformedError where that would change how it is read."""
    syntax = parse(text, language)
    kept = text_without(syntax, removable_comments(syntax))
    if kept != text:
        check_same(syntax, parse(kept, language, syntax.grammar))
    return kept


def removable_comments(syntax: Syntax) -> list[Span]:
    """All comments but a first line `#!` and an encoding line."""
    return [span for span in syntax.comments if not _is_instruction(syntax, *span)]


def _is_instruction(syntax: Syntax, start: int, end: int) -> bool:
    if syntax.source.startswith(b"#!", start) and start == 0:
        return True
    early = syntax.language in ("python", "ruby") and syntax.source.count(b"\n", 0, start) < 2
    return early and _ENCODING.match(syntax.source, start, end) is not None


def check_same(before: Syntax, after: Syntax) -> None:
    """Raises NotTransformedError unless two trees differ in comments alone."""
    if joined(skeleton(before), before) != joined(skeleton(after), after):
        raise NotTransformedError(DIFFERS)


def joined(shape: list[int | bytes], syntax: Syntax) -> list[int | bytes]:
    """Of markup, neighbouring runs of text as one without white space: a comment may have stood between them."""
    if syntax.language not in ("html", "xml"):
        return shape
    merged: list[int | bytes] = []
    for item in shape:
        text = b"".join(item.split()) if isinstance(item, bytes) else item
        if isinstance(text, bytes) and len(merged) > 2 and isinstance(merged[-2], bytes) and merged[-1] == merged[-3]:
            merged.pop()
            merged[-1] = cast(bytes, merged[-1]) + text
        else:
            merged.append(text)
    return merged


def text_without(syntax: Syntax, spans: Iterable[Span]) -> str:
    """The document with stretches cut out as this file's first lines say, whole lines where nothing else is left."""
    source, kept, at = syntax.source, [], 0
    for start, end in _grouped(source, spans):
        line_start = source.rfind(b"\n", 0, start) + 1
        line_end = source.find(b"\n", end)
        line_end = len(source) if line_end < 0 else line_end
        first = not source[max(line_start, at) : start].strip(_BLANKS) and at <= line_start
        last = not source[end:line_end].strip(_BLANKS + b"\r")
        filler = b""
        if first and last and not _continued(source, line_start):
            start, end = line_start, min(line_end + 1, len(source))
        elif last:
            start = max(at, start - len(source[line_start:start]) + len(source[line_start:start].rstrip(_BLANKS)))
            end = line_end - (source[end:line_end].endswith(b"\r"))
        elif first:
            end += blanks_after(source, end)
        else:
            filler = _filler(syntax, start, end)
            end += blanks_after(source, end) if source[start - 1 : start] in (b" ", b"\t") else 0
        kept += [source[at:start], filler]
        at = end
    try:
        return b"".join([*kept, source[at:]]).decode("utf-8")
    except UnicodeDecodeError:
        raise NotTransformedError("the grammar cuts inside a character") from None


def _grouped(source: bytes, spans: Iterable[Span]) -> Iterator[Span]:
    """Neighbours with nothing but blanks between them as one."""
    group: Span | None = None
    for start, end in spans:
        if group is not None and not source[group[1] : start].strip(_BLANKS):
            group = (group[0], max(end, group[1]))
            continue
        if group is not None:
            yield group
        group = (start, end)
    if group is not None:
        yield group


def _continued(source: bytes, line_start: int) -> bool:
    return source[:line_start].endswith((b"\\\n", b"\\\r\n"))


def blanks_after(source: bytes, at: int) -> int:
    """How many spaces and tabs follow."""
    rest = source[at : at + 4096]
    return len(rest) - len(rest.lstrip(b" \t"))


def _filler(syntax: Syntax, start: int, end: int) -> bytes:
    source = syntax.source
    if b"\n" in source[start:end] and syntax.language in _LINE_ENDS_COUNT:
        return b"\n"
    before, after = source[start - 1 : start], source[end : end + 1]
    return b"" if before in b" \t([{,;" or after in b" \t)]},;" else b" "
