"""Articles of a MediaWiki XML export as plain text, one page in memory at a time.

1. pages come from an incremental XML parser; each is dropped from the tree once it is read
2. only pages of namespace 0 that are not redirects stay
3. what is not prose goes with its markup: templates, tables, references, files, categories
4. the rest of the markup is stripped by mwparserfromhell
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree

import mwparserfromhell

from titrant.corpus.opened import MAX_DOCUMENT_BYTES, LeftOut
from titrant.errors import StoreError, StudyError

_ARTICLES = "0"
_REDIRECT = re.compile(r"\s*#\s*redirect", re.IGNORECASE)
_NOT_PROSE_LINK = re.compile(r"\s*:?\s*(file|image|media|category|[a-z]{2,3}(-[a-z]+)?)\s*:", re.IGNORECASE)
_MAGIC_WORD = re.compile(r"__[A-Z]+__")
_END_MATTER = re.compile(
    r"^==\s*(?:See also|References|External links|Further reading|Notes(?: and references)?|Footnotes|Citations|"
    r"Bibliography|Sources)\s*==\s*$.*?(?=^==[^=]|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_REFERENCE = re.compile(r"<ref\b[^<>]*/>|<ref\b[^<>]*>.*?</ref\s*>", re.IGNORECASE | re.DOTALL)
_LEFT_OVER = re.compile(  # what the parser takes for text because it is never closed, or closed wrongly
    r"\{\|.*?(?:^\|\}|\Z)|<ref\b[^<>]*>[^\n]*|</?(?:ref|cite|blockquote)\b[^<>]*>|\[\[(?:File|Image):[^\n]*|\{\{[^{}]*\}\}",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_EMPTY_BRACKETS = re.compile(r"(?<!\s)\s*\((?:\s*[;,])*\s*\)")
_BROKEN_BRACKET = re.compile(r"\((?:\s*[;,])+\s*")
_BLANK_LINES = re.compile(r"(?<![ \t])[ \t]*\n(?:[ \t]*\n)+")


def articles(
    stream: BinaryIO, where: str, read: Callable[[str], str | LeftOut] | None = None
) -> Iterator[tuple[str, str | LeftOut]]:
    """(place in the export and page id, plain text) of each article, in order; `read` reads its markup.

    Raises StoreError if it is no XML, StudyError for a page that is too large to be held.
    """
    for place, wikitext in _wikitexts(stream, where):
        yield place, (read or strip_markup)(wikitext)


def _wikitexts(stream: BinaryIO, where: str) -> Iterator[tuple[str, str]]:
    counted = _Counted(stream, where)
    try:
        events = ElementTree.iterparse(cast(BinaryIO, counted), events=("start", "end"))
        _, root = next(events)
        pages = 0
        for event, element in events:
            if event == "end" and _tag(element) == "page":
                counted.since = 0
                article = _article(element)
                root.clear()
                pages += 1
                if article is not None:
                    yield f"{pages}.{article[0]}", article[1]
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter two for an unknown encoding
        raise StoreError(f"{where} is not well-formed XML ({error}); fetch the export again") from None


class _Counted:
    """A stream that ends in an error where a page has no end: what is read of one is held in memory."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream, self._where, self.since = stream, where, 0

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.since += len(content)
        if self.since > MAX_DOCUMENT_BYTES:
            raise StudyError(
                f"{self._where} has more than {MAX_DOCUMENT_BYTES:,} bytes between the ends of two pages; it is no "
                "MediaWiki export, or not one of pages (`pages-articles`)"
            )
        return content


def _tag(element: ElementTree.Element) -> str:
    """An element's name without the export's namespace, which changes with the version of MediaWiki."""
    return element.tag.rpartition("}")[2]


def _article(page: ElementTree.Element) -> tuple[str, str] | None:
    fields = {_tag(child): child for child in page}
    namespace = fields["ns"].text if "ns" in fields else _ARTICLES
    if "redirect" in fields or namespace != _ARTICLES or "revision" not in fields:
        return None
    wikitext = next((child.text or "" for child in fields["revision"] if _tag(child) == "text"), "")
    if _REDIRECT.match(wikitext):
        return None
    number = fields["id"].text if "id" in fields else None
    return number or "0", wikitext


def strip_markup(wikitext: str) -> str:
    """The prose of a page: no templates, tables, references, files or categories; no lists of sources at the end.

    >>> strip_markup("'''Ada''' was a [[poet|writer]].{{citation needed}}<ref>x</ref>\\n[[Category:A]]")
    'Ada was a writer.'
    """
    code = mwparserfromhell.parse(_REFERENCE.sub("", _END_MATTER.sub("", wikitext)))
    gone = {id(node) for node in _not_prose(code)}
    code.nodes = [node for node in code.nodes if id(node) not in gone]
    for node in _not_prose(code):  # what stands inside of others, each to be searched for
        with suppress(ValueError):  # it stood inside another one that is gone already
            code.remove(node)
    text = str(code.strip_code(normalize=True, collapse=True, keep_template_params=False))
    text = "\n".join(line.strip() for line in text.split("\n"))
    text = _BLANK_LINES.sub("\n\n", _LEFT_OVER.sub("", _MAGIC_WORD.sub("", text)))
    text = _BROKEN_BRACKET.sub("(", _EMPTY_BRACKETS.sub("", text))
    return _BLANK_LINES.sub("\n\n", text).strip()


def _not_prose(code: Any) -> list[Any]:
    return [*_links(code), *_tables(code)]


def _links(code: Any) -> list[Any]:
    return [link for link in code.filter_wikilinks() if _NOT_PROSE_LINK.match(str(link.title))]


def _tables(code: Any) -> list[Any]:
    """Tables; galleries and formulas are tags as well, but go when the markup is stripped."""
    return [tag for tag in code.filter_tags() if str(tag.tag).strip().lower() == "table"]
