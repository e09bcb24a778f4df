"""The text of HTML pages and of MediaWiki pages, by extractors that are kept well elsewhere.

HTML is read as a browser reads it (`resiliparse`): scripts, styles and what is never shown are gone, blocks and lists
stand on lines of their own, preformatted text is as it is. Wiki markup is read by `mwparserfromhell`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import mwparserfromhell.parser
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree, traverse_dom

from titrant.corpus.formats.fences import fence_for
from titrant.corpus.formats.texts import NOT_UTF8, decoded
from titrant.corpus.formats.wikipedia import strip_markup
from titrant.corpus.opened import LeftOut
from titrant.study.parsers import HtmlPages

MAX_DEPTH = 1_000
"""Elements inside one another; the time to read a page grows with their number times their depth."""
TOO_DEEP = LeftOut(f"HTML nested more than {MAX_DEPTH} deep")
MAX_UNCLOSED = 5_000_000
"""Marks without their end in wiki markup, times characters: its parser reads on to the end for each. Articles of
Wikipedia come to a tenth of this at most."""
TOO_NESTED = LeftOut("wiki markup with too many marks without an end")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_WIKI_MARK = re.compile(
    r"(?P<open>\{\{|\[\[|\{\||<!--|\[(?=[a-z]{0,9}:?//))|(?P<close>\}\}|\]\]|\|\}|-->|\])"
    r"|<(?P<slash>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<rest>[^<>]*)(?P<end>>?)"
)
_OPENED_BY = {"}}": "{{", "]]": "[[", "|}": "{|", "-->": "<!--", "]": "["}
_WITHOUT_END = "area base br col embed hr img input link meta param source track wbr"
_ENDED_BY_THE_NEXT = "p li dt dd td th tr option optgroup"
_CLOSED_BY_ITSELF = frozenset(f"{_WITHOUT_END} {_ENDED_BY_THE_NEXT}".split())
_DECLARES_BYTES = 4096
"""Where a page says how it is encoded, if it does."""


def html_text(html: str, parser: HtmlPages) -> str | LeftOut:
    """The visible text of a page or a piece of one; empty if it shows none.

    >>> html_text("<p>Fish &amp;  <b>chips</b>.<pre>a\\n  b</pre><script>1</script>", HtmlPages())
    'Fish & chips.\\n\\na\\n  b'
    """
    html = html.removeprefix("\ufeff")
    try:
        html.encode("utf-8")
    except UnicodeEncodeError:
        return NOT_UTF8
    if html.count("<") > MAX_DEPTH and _depth(html) > MAX_DEPTH:
        return TOO_DEEP
    tree = HTMLTree.parse(html)
    if parser.fences:
        _fence(tree)
    text = extract_plain_text(
        tree, preserve_formatting=True, main_content=parser.main_content, alt_texts=False, comments=True
    )
    return str(text)


def html_decoded(content: bytes) -> str | None:
    """The text of an HTML file: UTF-8, or what the file itself declares; None where neither reads."""
    if (text := decoded(content)) is not None:
        return text
    if b"charset" not in content[:_DECLARES_BYTES].lower() and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None  # the detector would guess
    declared = detect_encoding(content, from_html_meta=True, html5_compatible=True)
    try:
        return content.decode(declared) if declared else None
    except (LookupError, ValueError):
        return None


def wiki_text(wikitext: str) -> str | LeftOut:
    """The prose of a MediaWiki page, as `wikipedia.strip_markup` leaves it."""
    wikitext = wikitext.removeprefix("\ufeff")
    if _unclosed(wikitext) * len(wikitext) > MAX_UNCLOSED:
        return TOO_NESTED
    try:
        return strip_markup(wikitext)
    except (RecursionError, mwparserfromhell.parser.ParserError):
        return TOO_NESTED


def _unclosed(wikitext: str) -> int:
    """How many templates, links, tables, comments and tags are begun and never ended."""
    opened: Counter[str] = Counter()
    for mark in _WIKI_MARK.finditer(wikitext):
        if mark["open"]:
            opened[mark["open"]] += 1
        elif mark["close"]:
            kind = _OPENED_BY[mark["close"]]
            opened[kind] -= opened[kind] > 0
        elif not mark["end"]:
            opened["<"] += 1
        else:
            name = mark["name"].lower()
            if mark["slash"]:
                opened[name] -= opened[name] > 0
            elif not mark["rest"].endswith("/") and name not in _CLOSED_BY_ITSELF:
                opened[name] += 1
    return opened.total()


def _depth(html: str) -> int:
    """At most how many elements stand inside one another; never less than a parser would find, often more."""
    opened: Counter[str] = Counter()
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        name = name.lower()
        if name in _CLOSED_BY_ITSELF:
            continue
        if not closing:
            opened[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return deepest


def _fence(tree: HTMLTree) -> None:
    """Put preformatted text between fences, inside its element, where line ends stay."""
    for block in _preformatted(tree):
        fence = fence_for(block.text or "")
        ends = "" if (block.text or "").endswith("\n") else "\n"
        first, last = tree.create_text_node(f"{fence}\n"), tree.create_text_node(f"{ends}{fence}\n")
        if first is not None and last is not None:
            block.prepend(first)
            block.append(last)


def _preformatted(tree: HTMLTree) -> list[Any]:
    """The outermost `pre` elements in order, found in one walk: a query's result takes time by its length squared."""
    found: list[Any] = []
    within: list[int] = []

    def look(at: Any) -> None:
        if within and at.depth > within[0]:
            return
        within.clear()
        if at.node.tag == "pre":
            found.append(at.node)
            within.append(at.depth)

    if tree.body is not None:
        traverse_dom(tree.body, look, elements_only=True)
    return found
