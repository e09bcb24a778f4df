"""Markup taken out of a text, each character kept in its place: what stands between words and is not read.

Gone are tags, targets of links, LaTeX's commands for form, and escapes as JSON, YAML and source code write them;
entities and `\\uXXXX` become their character. Whatever goes leaves as many spaces, or passed-over characters, so that a
place in the result is that place in the text. What is mistaken for markup (`vector<int>`, `\\nabla`) goes on both sides
of a comparison alike.
"""

from __future__ import annotations

import html
import re

from titrant.corpus.words import DROPPED

_PAD = rf"{DROPPED}{{0,24}}"
_DOUBLED = re.compile(r"\\(?=\\)")
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\x7f{0,8}\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})"
    r"|(?:begin|end)\{[A-Za-z*]{1,30}\}"
    r"|(?:text(?:bf|it|tt|rm|sc|sf|normal)?|emph|underline|boxed|math(?:rm|bf|it|bb|cal|sf|tt)|operatorname"
    r"|(?:sub){0,2}section\*?|paragraph)\{"
    r"|(?:left|right|quad|qquad|item|par|noindent|displaystyle|bf|it|em)(?![A-Za-z])"
    r"|[nrtbfv])"
)
_ENTITY = re.compile(rf"&(?:{_PAD}amp;){{0,4}}(#[0-9]{{1,7}};|#[xX][0-9a-fA-F]{{1,6}};|[A-Za-z][A-Za-z0-9]{{1,30}};)")
_TAG = re.compile(rf"<{_PAD}/?{_PAD}[A-Za-z][A-Za-z0-9:-]{{0,60}}(?:[\s{DROPPED}][^<>]{{0,1000}})?/?{_PAD}>")
_LINK_TARGET = re.compile(r"\]\((?=[^()\s]{0,200}[/.#:])[^()\s]{1,1000}(?:\s{1,10}\"[^\"\n]{0,300}\")?\)")
_WIKI_TARGET = re.compile(r"\[\[[^\[\]|\n]{0,300}\|")


def blank_markup(text: str) -> str:
    """The text without markup, of the same length; see the head of this file.

    >>> blank_markup("<p>Fish &amp; <b>chips</b></p>").split()
    ['Fish', '\\x7f\\x7f\\x7f\\x7f&', 'chips']
    >>> blank_markup('{"q": "a\\\\nb \\\\u0041"}')
    '{"q": "a  b \\x7f\\x7f\\x7f\\x7f\\x7fA"}'
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, _DOUBLED.sub(DROPPED, text))
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if "<" in text:
        text = _TAG.sub(_blank, text)
    if "](" in text:
        text = _LINK_TARGET.sub(_blank, text)
    if "[[" in text:
        text = _WIKI_TARGET.sub(_blank, text)
    return text


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def _unescaped(match: re.Match[str]) -> str:
    high, low, four, two = match.groups()
    if high:
        point = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    elif four or two:
        point = int(four or two, 16)
    else:
        return _blank(match)
    return _padded(chr(point), match)


def _entity(match: re.Match[str]) -> str:
    read = html.unescape("&" + match[1])
    return match[0] if read.startswith("&") and len(read) > 1 else _padded(read, match)


def _padded(read: str, match: re.Match[str]) -> str:
    """At the end of its place, since what follows may be a mark that belongs to it."""
    return read.rjust(match.end() - match.start(), DROPPED)
