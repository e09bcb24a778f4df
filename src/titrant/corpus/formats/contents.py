"""What one text is in turn: a notebook, an HTML page, wiki markup, whether it is a file or the text of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from titrant.corpus.formats.notebooks import notebook_text
from titrant.corpus.formats.page_text import html_decoded, html_text, wiki_text
from titrant.corpus.formats.texts import BINARY, NOT_UTF8, Item, Text, decoded
from titrant.corpus.opened import LeftOut, SourceFile, Unreadable
from titrant.errors import StudyError
from titrant.study.parsers import HtmlPages, Notebooks, Wikitext


def read_file(file: SourceFile, parser: Notebooks | HtmlPages | Wikitext) -> Iterator[Item]:
    """A file that is one text. Raises StudyError where it is not what the parser declares, StoreError for damage."""
    content = file.read()
    text = html_decoded(content) if isinstance(parser, HtmlPages) else decoded(content)
    if text is None:
        yield NOT_UTF8
    elif "\0" in text:
        yield BINARY
    else:
        found = _READERS[type(parser)](text, parser, file.origin)
        yield Text("", found) if isinstance(found, str) else found


def read_text(item: Text, parser: Notebooks | HtmlPages | Wikitext, place: str) -> Item:
    """A text of a row, read as the parser says; Unreadable, which names `place`, where it is no such thing.

    Part and licence stay; so does the language, unless the text itself names one. An empty text stays as it is.
    """
    if not item.text or item.text.isspace():
        return item
    try:
        found = _READERS[type(parser)](item.text, parser, place)
    except StudyError as error:
        return Unreadable(place, error)
    if isinstance(found, Text):
        return replace(item, text=found.text, language=found.language or item.language)
    return replace(item, text=found) if isinstance(found, str) else found


_READERS: dict[type, Callable[[str, Any, str], Text | str | LeftOut]] = {
    Notebooks: notebook_text,
    HtmlPages: lambda text, parser, place: html_text(text, parser),
    Wikitext: lambda text, parser, place: wiki_text(text),
}
