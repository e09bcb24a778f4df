"""The licence of a document, by what its text says of itself, else as its origin declares.

    1. lines `SPDX-License-Identifier: EXPRESSION`, in which nothing but a comment sign stands before
    2. in the beginning of the text, the phrases by which licences and their notices are known
    3. what the origin declares

A text under several licences is given all of them, joined by AND: a rule that allows one does not allow the other.
Names are SPDX's; the old names of the GNU licences are given the new form that says whether later versions are meant.

**Source:** the SPDX licence list and annex E of its specification (short identifiers in files).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from titrant.corpus.signals.texts import Texts

HEAD = 6000
"""Characters at the beginning in which phrases are looked for."""
MIDDLE = 1500
"""Of a text longer than HEAD a phrase counts only if it begins in so many characters: a licence of something else may
be quoted further on."""

_IDENTIFIER = "SPDX-License-Identifier:"
_SPDX = re.compile(
    r"^[^\w\n]{0,12}(?:(?:rem|dnl|c|!)\s+)?SPDX-License-Identifier:[ \t]*([^\n]*)", re.IGNORECASE | re.MULTILINE
)
_NAME = r"\(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*"
_EXPRESSION = re.compile(rf"{_NAME}(?:\s+(?:AND|OR|WITH|and|or|with)\s+{_NAME})*")
_JOINT = re.compile(r"(?<= )(?:and|or|with)(?= )")
_GNU = re.compile(r"\b((?:A|L)?GPL-\d(?:\.\d)?)(\+?)(?![\w.+-])")

_GPL = r"gnu (?P<kind>lesser |library |affero )?(?:general )?public licen[cs]e"
_PHRASES: list[tuple[str, str]] = [
    ("Apache-2.0 OR MIT", r"apache license version 2\.0 .{0,120}\bor the mit license"),
    ("Apache-2.0", r"licensed under the apache license,? version 2|apache license,? version 2\.0,? january 2004"),
    (
        "Apache-2.0",
        r"(?:under|distributed under) (?:the )?apache(?: software)? licen[cs]e,? (?:version |v)?2(?:\.0)?\b",
    ),
    (
        "MIT",
        r"permission is hereby granted free of charge to any person obtaining a copy of this (?:software and associated"
        r" documentation files|software and associated documentation)",
    ),
    (
        "MIT",
        r"(?:licensed|released|distributed|available|is) under (?:the |an )?(?:terms of the )?mit(?:-style)?"
        r" licen[cs]e",
    ),
    ("MIT", r"governed by an? mit-style licen[cs]e"),
    ("BSD-3-Clause", r"governed by a bsd-style licen[cs]e"),
    (
        "ISC",
        r"permission to use copy modify and(?:/or)? distribute this software for any purpose with or without fee is"
        r" hereby"
        r" granted",
    ),
    ("MPL-2.0", r"mozilla public licen[cs]e,? (?:v\.? ?|version )2\.0"),
    ("MPL-1.1", r"mozilla public licen[cs]e,? version 1\.1"),
    ("EPL-2.0", r"eclipse public licen[cs]e (?:v\.? ?|version |- v )2\.0"),
    ("EPL-1.0", r"eclipse public licen[cs]e (?:v\.? ?|version |- v )1\.0"),
    ("CDDL-1.0", r"common development and distribution licen[cs]e"),
    ("BSL-1.0", r"boost software licen[cs]e,?(?: -)? version 1\.0"),
    (
        "Zlib",
        r"provided as-is without any express or implied warranty .{0,600}altered source versions must be"
        r" plainly marked",
    ),
    ("Unlicense", r"free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"cc0 1\.0 universal|creativecommons\.org/publicdomain/zero/1\.0"),
    ("PSF-2.0", r"licensed to psf under a contributor agreement|python software foundation licen[cs]e version 2"),
    ("Artistic-2.0", r"the artistic licen[cs]e 2\.0|artistic licen[cs]e version 2\.0"),
    ("Artistic-1.0-Perl OR GPL-1.0-or-later", r"under the same terms as perl itself"),
    ("LPPL-1.3c", r"latex project public licen[cs]e"),
    ("WTFPL", r"do what the fuck you want to public licen[cs]e"),
]
_KNOWN = [(name, re.compile(phrase)) for name, phrase in _PHRASES]
_CREATIVE_COMMONS = re.compile(
    r"(?:licensed|released|available|distributed|provided) under (?:a |the )?(?:terms of the )?(?:creative commons|cc)"
    r"[- ]((?:by|attribution)(?:[- ](?:nc|sa|nd|noncommercial|non-commercial|share-?alike|no-?deriv\w+))*)"
    r"(?: international| unported| generic| license|,)* ?(?:v|version )?(\d\.\d)"
    r"|creativecommons\.org/licenses/(by(?:-(?:nc|sa|nd))*)/(\d\.\d)"
)
_GNU_NOTICE = re.compile(
    r"(?:under|of|covered by) (?:the )?(?:terms (?:and conditions )?of )?(?:the )?"
    r"(?:version (?P<before>\d(?:\.\d)?) of )?"
    rf"(?:the )?{_GPL}"
    r"|\A\W*(?:this is )?(?P<text>gnu (?:lesser |library |affero )?(?:general )?public licen[cs]e version \d(?:\.\d)?)"
)
_VERSION = re.compile(r"version (\d(?:\.\d)?)|\bv(\d(?:\.\d)?)\b")
_LATER = re.compile(r"or (?:\(?at your option\)?,? )?any later version|or later|or any newer version")
_REDISTRIBUTION = re.compile(
    r"redistribution and use in source and binary forms,? with or without modification,? are permitted"
)
_NOT_WORDS = re.compile(r"(?:[^a-z0-9.+/-]|(?<![a-z0-9])[/.+-]|[/+-](?![a-z0-9]))+")


def find(texts: Texts) -> dict[str, list[str]]:
    """The signal `licence`."""
    declared = texts.batch.column("licence").to_pylist()
    return {
        "licence": [licence_of(text) or licence for text, licence in zip(texts.characters.texts, declared, strict=True)]
    }


def licence_of(text: str) -> str:
    """What a text says of its own licence, as an SPDX expression; empty if it says nothing that is known.

    >>> licence_of("# SPDX-License-Identifier: GPL-2.0+\\n"), licence_of("int x;")
    ('GPL-2.0-or-later', '')
    """
    said = list(dict.fromkeys(_identifiers(text))) if _IDENTIFIER in text else []
    if not said:
        head = text[:HEAD].lower()
        if not any(mark in head for mark in ("licen", "permission", "redistribution", "public domain", "perl itself")):
            return ""
        words = _NOT_WORDS.sub(" ", head)
        said = list(dict.fromkeys(_recognised(words, len(text) > HEAD)))
    return " AND ".join(f"({each})" if " OR " in each and len(said) > 1 else each for each in sorted(said))


def _identifiers(text: str) -> Iterator[str]:
    for found in _SPDX.finditer(text):
        expression = _EXPRESSION.match(found.group(1).strip().lstrip("\"'`"))
        if expression is not None:
            words = _JOINT.sub(lambda word: word.group().upper(), " ".join(expression.group().split()))
            words = _unwrapped(words)
            yield _GNU.sub(lambda name: f"{name.group(1)}-{'or-later' if name.group(2) else 'only'}", words)


def _unwrapped(expression: str) -> str:
    """Without brackets around the whole, and none at all where they do not pair."""
    if expression.count("(") != expression.count(")"):
        return expression.replace("(", "").replace(")", "")
    inside = expression[1:-1]
    is_wrapped = expression.startswith("(") and expression.endswith(")")
    depths = accumulate((character == "(") - (character == ")") for character in inside)
    return _unwrapped(inside) if is_wrapped and min(depths, default=0) >= 0 else expression


def _recognised(words: str, is_long: bool) -> Iterator[str]:
    """Licences by their phrases, in words of lower case with single spaces."""
    part = words[:MIDDLE] if is_long else words
    names = [
        name for name, phrase in _KNOWN if (found := phrase.search(words)) is not None and found.start() <= len(part)
    ]
    both = "Apache-2.0 OR MIT"
    yield from (name for name in names if both not in names or name not in ("Apache-2.0", "MIT"))
    if _REDISTRIBUTION.search(part):
        yield _bsd(words)
    notice = _GNU_NOTICE.search(part)
    if notice is not None:
        yield _gnu(words, notice)
    commons = _CREATIVE_COMMONS.search(part)
    if commons is not None:
        yield _creative_commons(*(group for group in commons.groups() if group))


def _bsd(words: str) -> str:
    if "all advertising materials mentioning" in words:
        return "BSD-4-Clause"
    third = re.search(
        r"neither the names? of|names? of .{0,100}may not be used to endorse|not be used to endorse", words
    )
    return "BSD-3-Clause" if third else "BSD-2-Clause"


def _gnu(words: str, notice: re.Match[str]) -> str:
    """The GNU licence of a notice: which, which version, and whether later ones are allowed."""
    around = words[max(0, notice.start() - 20) : notice.end() + 300]
    text = notice.group("text")
    kind = (notice.group("kind") or "").strip() if text is None else text.split("gnu ")[1].split()[0]
    short = {"lesser": "LGPL", "library": "LGPL", "affero": "AGPL"}.get(kind, "GPL")
    found = _VERSION.search(text or around)
    version = notice.group("before") or (next(filter(None, found.groups())) if found else "")
    if not version:
        return f"{short}-{'2.0' if short == 'LGPL' else '1.0' if short == 'GPL' else '3.0'}-or-later"
    version = version if "." in version else f"{version}.0"
    return f"{short}-{version}-{'or-later' if _LATER.search(around) and text is None else 'only'}"


_PARTS = {
    "attribution": "BY",
    "by": "BY",
    "nc": "NC",
    "noncommercial": "NC",
    "non-commercial": "NC",
    "sa": "SA",
    "nd": "ND",
}


def _creative_commons(parts: str, version: str) -> str:
    parts = parts.replace("non-commercial", "noncommercial").replace("share-alike", "sharealike")
    short = [_PARTS.get(part, "SA" if part.startswith("share") else "ND") for part in re.split(r"[- ]", parts)]
    return f"CC-{'-'.join(short)}-{version}"
