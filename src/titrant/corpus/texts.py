"""What a parser makes of one file: its texts, in order, beside what is left out and what cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from titrant.corpus.opened import LeftOut, Unreadable


@dataclass(frozen=True)
class Text:
    """One text of a file."""

    part: str
    """Which part of its file it is (a line, a key, a page); empty where the file is one document."""
    text: str
    language: str | None = None
    licence: str | None = None


Item = Text | LeftOut | Unreadable

NOT_UTF8 = LeftOut("not UTF-8")


def decoded(content: bytes) -> str | None:
    """The text of bytes that are UTF-8, else None."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
