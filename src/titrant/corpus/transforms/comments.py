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

from titrant.corpus.transforms.syntax import NotTransformedError, Syntax, parse, parse_again, skeleton

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
        check_same(syntax, parse_again(kept, syntax))
    return kept


def removable_comments(syntax: Syntax) -> list[Span]:
    """All comments but a first line `#!` and an encoding line."""
    source = syntax.source
    early = source.find(b"\n", source.find(b"\n") + 1) if syntax.language in ("python", "ruby") else 0
    early = len(source) if early < 0 else early
    return [
        (start, end)
        for start, end in syntax.comments
        if not (start == 0 and source.startswith(b"#!"))
        and not (start < early and _ENCODING.match(source, start, end) is not None)
    ]


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
    source, kept, at = syntax.source, list[bytes](), 0
    line_start, line_end, before = 0, -1, 0
    for start, end in _grouped(source, spans):
        line_start = max(line_start, source.rfind(b"\n", before, start) + 1)
        before = start
        if line_end < end:
            line_end = source.find(b"\n", end)
            line_end = len(source) if line_end < 0 else line_end
        first = at <= line_start and not source[line_start:start].strip(_BLANKS)
        last = _is_blank(source, end, line_end)
        filler = b""
        if first and last and not _continued(source, line_start):
            start, end = line_start, min(line_end + 1, len(source))
        elif last:
            start = max(at, line_start + len(source[line_start:start].rstrip(_BLANKS)))
            end = line_end - (source[line_end - 1 : line_end] == b"\r" and line_end > end)
            filler = b"\n" if end == len(source) and _continued(source, line_start) else b""
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
    return source.endswith((b"\\\n", b"\\\r\n"), 0, line_start)


def _is_blank(source: bytes, start: int, end: int) -> bool:
    """Whether nothing but blanks stands there; of a long stretch no more is looked at than needed."""
    places = range(start, end, 64)
    return all(not source[place : min(place + 64, end)].strip(_BLANKS + b"\r") for place in places)


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
