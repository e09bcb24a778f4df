"""Texts as they are compared with items: without markup, accents, look-alikes and hyphens at line ends.

Every character keeps its place, so that a place in the result is that place in the text. Case and Unicode's
compatibility forms (full width, ligatures) are left to `find_words`, which comes after.

**Source:** Unicode Technical Standard 39 (which letters of other scripts look Latin); of a letter with two cases the
look of the upper one counts, so that case still makes no difference.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from titrant.corpus.items.markup import blank_markup
from titrant.corpus.words import DROPPED

_CYRILLIC = ("авекмнорстухіјѕһԁԛԝ", "abekmhopctyxijshdqw")
_GREEK = ("αβεζηικμνορτυχ", "abezhikmnoptyx")
_OTHERS = {"ı": "i", "ɡ": "g", "ɑ": "a", "օ": "o"}
_SCRIPTS = ((0x41, 0x250), (0x370, 0x530), (0x1E00, 0x2000))
"""Latin, Greek and Cyrillic: marks belong to a letter there and are left out; elsewhere they make another letter."""
_MARKS = (0x300, 0x370)
_HYPHEN = re.compile(r"-(?<=[^\W\d_]-)\r?\n[ \t]*(?:[#*>/;%|-]{1,3}[ \t]+)?(?=[^\W\d_])")


def simplified(text: str) -> str:
    """The text as it is compared, of the same length.

    >>> simplified("<b>Caf\\u00e9</b> p\\u0430ge")
    '   Cafe     page'
    """
    text = blank_markup(text)
    if "-\n" in text or "-\r\n" in text:
        text = _HYPHEN.sub(lambda match: DROPPED * len(match[0]), text)
    if text.isascii():
        return text
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return np.take(_looks(), points).tobytes().decode("utf-32-le", "surrogatepass")


@cache
def _looks() -> NDArray[np.uint32]:
    """What each code point is compared as."""
    looks = np.arange(0x110000, dtype="<u4")
    for point in range(0x80, 0x30000):
        looks[point] = ord(_look(chr(point)))
    looks[slice(*_MARKS)] = ord(DROPPED)
    return looks


@cache
def _alike() -> dict[str, str]:
    alike = dict(_OTHERS)
    for letters, latin in (_CYRILLIC, _GREEK):
        for letter, look in zip(letters, latin, strict=True):
            alike[letter] = alike[letter.upper()] = look
    return alike


def _look(sign: str) -> str:
    if "\ud800" <= sign <= "\udfff":
        return sign
    compatible = unicodedata.normalize("NFKC", sign)
    if unicodedata.category(sign)[0] in "PSZ":
        return " " if not any(unicodedata.category(part)[0] in "LNM" for part in compatible) else sign
    parts = unicodedata.normalize("NFKD", sign)
    base, marks = parts[0], parts[1:]
    in_script = any(low <= ord(base) < high for low, high in _SCRIPTS)
    if in_script and all(unicodedata.category(mark) == "Mn" for mark in marks):
        return _alike().get(base, base)
    return sign
