"""Texts of others as they may stand in messages and tables."""

from __future__ import annotations


def escaped(text: str) -> str:
    """Signs that steer a terminal and halves of characters as Python writes them; line ends and all others stay.

    >>> print(escaped("red \\x1b[31m, half \\ud800, umlaut ü"))
    red \\x1b[31m, half \\ud800, umlaut ü
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else sign.encode("unicode_escape").decode() for sign in text
    )
