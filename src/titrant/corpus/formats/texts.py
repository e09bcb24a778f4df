"""What a parser makes of one file: its texts, in order, beside what is left out and what cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from titrant.corpus.opened import LeftOut, Unreadable


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a file."""

    part: str
    """Which part of its file it is (a line, a key, a page); empty where the file is one document."""
    text: str
    language: str | None = None
    licence: str | None = None


Item = Text | LeftOut | Unreadable

EMPTY, NOT_UTF8, BINARY = LeftOut("empty"), LeftOut("not UTF-8"), LeftOut("binary")


def decoded(content: bytes) -> str | None:
    """The text of bytes that are UTF-8, else None."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def cleaned(text: str) -> bytes | LeftOut:
    """The UTF-8 of a text as it becomes a document, or why it becomes none.

    Nothing is changed but that a leading byte-order mark is dropped and CRLF becomes LF. An escaped lone surrogate, as
    JSON and Python allow it, makes a text that is not UTF-8.

    >>> cleaned("\\ufeffa\\r\\nb\\rc"), cleaned(" \\n"), cleaned("\\ud800").reason
    (b'a\\nb\\rc', LeftOut(reason='empty'), 'not UTF-8')
    """
    if text.startswith("\ufeff"):
        text = text[1:]
    if not text or text.isspace():
        return EMPTY
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        return NOT_UTF8
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content
