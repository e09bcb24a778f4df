"""Where a text holds keys, tokens and passwords: formats that services publish, and what is assigned to such a name.

    1. a few literal beginnings are looked for in a whole batch at once; most documents hold none and are done
    2. in the others, each format is matched in full
    3. a value assigned to a name such as `api_key`, or sent as `Bearer`, counts if it looks drawn at random
       (`_looks_random`); a shorter one in quotes after `password` or `secret` if it mixes kinds of characters

Values that say themselves that they are examples count as none, and neither do those that a template fills in.
`docs/how-to/clean-a-source.md` says the same to users.
All matching takes time linear in the text.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_FORMATS: dict[str, tuple[str, str]] = {
    "AKIA": ("AWS", r"[A-Z0-9]{16}"),
    "ASIA": ("AWS", r"[A-Z0-9]{16}"),
    "ABIA": ("AWS", r"[A-Z0-9]{16}"),
    "ACCA": ("AWS", r"[A-Z0-9]{16}"),
    "ghp_": ("GitHub", r"[A-Za-z0-9]{36,255}"),
    "gho_": ("GitHub", r"[A-Za-z0-9]{36,255}"),
    "ghu_": ("GitHub", r"[A-Za-z0-9]{36,255}"),
    "ghs_": ("GitHub", r"[A-Za-z0-9]{36,255}"),
    "ghr_": ("GitHub", r"[A-Za-z0-9]{36,255}"),
    "github_pat_": ("GitHub", r"[A-Za-z0-9_]{60,255}"),
    "glpat-": ("GitLab", r"[A-Za-z0-9_-]{20,64}"),
    "xox": ("Slack", r"[abeoprs]-[A-Za-z0-9-]{10,250}"),
    "xapp-": ("Slack", r"\d-[A-Za-z0-9-]{10,250}"),
    "hooks.slack.com/services/": ("Slack", r"T[A-Za-z0-9]{6,}/B[A-Za-z0-9]{6,}/[A-Za-z0-9]{16,}"),
    "AIza": ("Google", r"[A-Za-z0-9_-]{35}"),
    "GOCSPX-": ("Google", r"[A-Za-z0-9_-]{28}"),
    "ya29.": ("Google", r"[A-Za-z0-9_-]{20,500}"),
    "sk_live_": ("Stripe", r"[A-Za-z0-9]{16,247}"),
    "rk_live_": ("Stripe", r"[A-Za-z0-9]{16,247}"),
    "sk_test_": ("Stripe", r"[A-Za-z0-9]{16,247}"),
    "rk_test_": ("Stripe", r"[A-Za-z0-9]{16,247}"),
    "whsec_": ("Stripe", r"[A-Za-z0-9]{32,64}"),
    "npm_": ("npm", r"[A-Za-z0-9]{36}"),
    "pypi-AgE": ("PyPI", r"[A-Za-z0-9_-]{50,500}"),
    "sk-": (
        "OpenAI, Anthropic",
        r"(?:[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,250}"
        r"|ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{80,250})",
    ),
    "hf_": ("Hugging Face", r"[A-Za-z]{34}"),
    "SG.": ("SendGrid", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    "dop_v1_": ("DigitalOcean", r"[0-9a-f]{64}"),
    "doo_v1_": ("DigitalOcean", r"[0-9a-f]{64}"),
    "dor_v1_": ("DigitalOcean", r"[0-9a-f]{64}"),
    "shpat_": ("Shopify", r"[0-9a-fA-F]{32}"),
    "shpca_": ("Shopify", r"[0-9a-fA-F]{32}"),
    "shppa_": ("Shopify", r"[0-9a-fA-F]{32}"),
    "shpss_": ("Shopify", r"[0-9a-fA-F]{32}"),
    "AccountKey=": ("Azure", r"[A-Za-z0-9+/]{86}=="),
    "django-insecure-": ("Django", r"[a-z0-9!@#$%^&*(\-_=+)]{20,100}"),
    "eyJ": ("JSON web token", r"[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,2000}"),
}
"""By beginning, whose token it is and how it goes on."""

_TOKENS = {begin: re.compile(re.escape(begin) + rest + r"(?![A-Za-z0-9_])") for begin, (_, rest) in _FORMATS.items()}
_BEGIN_KEY = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = re.compile(
    _BEGIN_KEY + r"[A-Za-z0-9+/=:,.()\s\\\"'`<>|*#;&-]{64,20000}?"
    r"-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
)
_CUT_KEY = re.compile(
    _BEGIN_KEY + r"(?:(?:\s|\\[nr])*[A-Za-z-]{1,20}: [^\n\\\"']{1,100}){0,3}"
    r"(?:(?:\\[nr]|[\s\"'`+,*#;|>]){0,60}[A-Za-z0-9+/]{32,}={0,2})+"
    r"(?:(?:\\[nr]|[\s\"'`+,*#;|>]){1,60}[A-Za-z0-9+/]{1,80}={0,2}(?=[\s]{0,9}(?:\Z|[\n\"'`\\])))?"
)
"""A key whose end is missing: what is base64 after its beginning, in lines of 32 characters or more, and the last."""
_ADDRESS = re.compile(
    r"://[^\s:/?#@\"'<>\[\]{}]{0,64}:((?:[^\s:/?#@\"'`<>\[\]{}%*()\\]|%[0-9A-Fa-f]{2}){3,64})@[A-Za-z0-9\[]"
)
_VARIABLE = re.compile(r"\$+[\w.]+")
"""A password that is filled in: `$PASSWORD`, `$$1`."""
_AUTHORIZATION = re.compile(
    r"(?i:\b(?:proxy-)?authorization[\\\"'`\])]{0,3}\s{0,4}[:=,]\s{0,4}[\\\"'`]{0,2}(basic|bearer|token)|\b(bearer))"
    r"[ \t]{1,4}([A-Za-z0-9+/_.~-]{8,4000}={0,2})"
)

_NO_PASSWORD = re.compile(
    r"(?:my|your|the)?[_-]?(?:pass(?:w(?:or)?d|phrase)?|pw|pwd|secret|token|user(?:name)?|login|guest|anonymous|foo|bar"
    r"|test)\d{0,3}",
    re.IGNORECASE,
)
"""What stands in the place of a password where an address is explained."""

_NAME = (
    r"secret|passw(?:or)?d|passphrase|pwd|token|credential"
    r"|(?:api|access|auth|private|account|client|encryption|signing)[ _.-]?key"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_OTHER_NAME = re.compile(
    r"tokeniz|public|hash|digest|checksum|integrity|sha\d|md5|fingerprint|[_-]id$|url|uri|path|file|page|name|regex"
    r"|pattern|label|title|message|type|class",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[=:>(,]\s{0,4}\\?[\"'`]([A-Za-z0-9+/_.~-]{20,200}={0,2})\\?[\"'`]")
_QUOTED_WORD = re.compile(r"[=:>,]\s{0,4}\\?[\"'`]([!#-&(-;=?-Z^_a-z|~]{8,100})\\?[\"'`]")
"""Any printable characters but quotes, brackets, braces and backslashes."""
_NAME_OF_PASSWORD = re.compile(r"(?:passw(?:or)?d|passphrase|pwd|secret(?:[_ -]?key)?)\d{0,2}\s*$", re.IGNORECASE)
_FILLED_IN = re.compile(r"^[$%&@#^:]|\$\(|%\(|\(\)|\(\?|://|%[sd]\b")
_STRONG = re.compile(r"[!@#$%^&*?~+=]")
_BARE = re.compile(r"[=:][ \t]{0,4}([A-Za-z0-9+/_.~-]{20,200}={0,2})[ \t]*$", re.MULTILINE)
_NAME_BEFORE = re.compile(r"([A-Za-z0-9_. -]{1,50})(?:[\\\"'`\])]{0,4})\s{0,4}[:=-]?=?$")
_LOOK_BACK = 64
"""How far before a value its name may begin."""

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|change.?me|your|xxx|redacted|fake|test.?key|\.{3}|0123456789|abcdefg|12345678",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"example|sample|dummy|placeholder|change.?me|redacted|your.?(?:api|access|secret|token|key)|x{6}", re.IGNORECASE
)
"""What no token of a known format holds by chance; short words and runs of digits some do."""
_FORMAT_BEGINS = "|".join(
    [
        *(rf"(?:\b|\\[nrt]){re.escape(begin)}" for begin in _FORMATS),
        *("PRIVATE KEY", r"://[^\s/@:]{0,64}:[^\s/@]{1,200}@"),
    ]
)
_NAME_BEGINS = f"(?i){_NAME}|authorization|bearer"

LEAST_BITS = 3.3
"""Entropy of a value's characters from which it may be drawn at random; 20 base-62 characters have about 4."""
LEAST_BITS_OF_FORMAT = 2.0
"""The same for the rest of a token of a known format: `ghp_` and 36 times one letter is none."""
LEAST_TURNS = 0.27
"""Share of neighbours of another kind (lower, upper, digit), a capital before small letters not counted."""


def may_hold_secrets(texts: pa.Array) -> NDArray[np.bool_]:
    """Which texts hold anything that a secret could begin with or be named by: shape (documents,)."""
    return _holds(texts, _FORMAT_BEGINS) | _holds(texts, _NAME_BEGINS)


def _holds(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)


def find_secrets(text: str) -> list[tuple[int, int]]:
    """Where secrets begin and end, in order and not overlapping.

    >>> text = 'key = "AKIAQ3Z7TLM5N8R2VWXY"'
    >>> [text[a:b] for a, b in find_secrets(text)]
    ['AKIAQ3Z7TLM5N8R2VWXY']
    """
    found = [*_formats(text), *_sent(text), *_assigned(text), *_passwords(text)]
    return without_overlaps(found)


def without_overlaps(found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of spans that overlap, the one that begins first; of those, the longest."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _formats(text: str) -> Iterator[tuple[int, int]]:
    for begin, pattern in _TOKENS.items():
        if begin in text:
            for found in pattern.finditer(text):
                token, start = found.group(), found.start()
                inside = start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_")
                if inside and text[max(0, start - 2) : start] not in _ESCAPES:
                    continue
                if not _EXAMPLE.search(token) and _entropy(token[len(begin) :]) >= LEAST_BITS_OF_FORMAT:
                    yield found.span()
    if "PRIVATE KEY" in text:
        for key in (_PRIVATE_KEY, _CUT_KEY):
            yield from (found.span() for found in key.finditer(text))
    if "://" in text:
        for found in _ADDRESS.finditer(text):
            if _may_be_password(found.group(1)) and not _VARIABLE.fullmatch(found.group(1)):
                yield found.span(1)


_ESCAPES = ("\\n", "\\r", "\\t")


def _may_be_password(value: str) -> bool:
    return not _PLACEHOLDER.search(value) and not _NO_PASSWORD.fullmatch(value)


def _sent(text: str) -> Iterator[tuple[int, int]]:
    """What headers send: `Authorization: Bearer ...`, and `Authorization: Basic ...` with a user and a password."""
    for found in _AUTHORIZATION.finditer(text):
        scheme, value = (found.group(1) or found.group(2)).lower(), found.group(3)
        if _holds_password(value) if scheme == "basic" else len(value) >= 20 and _looks_random(value):
            yield found.span(3)


def _holds_password(value: str) -> bool:
    """Whether this is base64 of `user:password`, with a password that is none of those that explain."""
    try:
        decoded = base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = decoded.partition(":")
    return bool(colon) and decoded.isprintable() and (user, password) != _OF_RFC_7617 and _may_be_password(password)


_OF_RFC_7617 = ("Aladdin", "open sesame")


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_QUOTED, _BARE):
        for found in pattern.finditer(text):
            name = _name_before(text, found.start())
            if _SECRET_NAME.search(name) and not _OTHER_NAME.search(name) and _looks_random(found.group(1)):
                yield found.span(1)


def _passwords(text: str) -> Iterator[tuple[int, int]]:
    """Values in quotes, of 8 characters or more, right after a name that ends with `password`, `pwd` or `secret`."""
    for found in _QUOTED_WORD.finditer(text):
        name = _name_before(text, found.start())
        if _NAME_OF_PASSWORD.search(name) and not _OTHER_NAME.search(name) and _mixes_kinds(found.group(1)):
            yield found.span(1)


def _name_before(text: str, end: int) -> str:
    """The name to which a value that follows is assigned; empty for none."""
    found = _NAME_BEFORE.search(text[max(0, end - _LOOK_BACK) : end].rpartition("\n")[2])
    return found.group(1) if found else ""


def _mixes_kinds(value: str) -> bool:
    """Whether a value has letters, digits and, beside them, a sign or changes of kind that words do not have."""
    if not _may_be_password(value) or _FILLED_IN.search(value) or _entropy(value) < 2.75:
        return False
    lower, upper, digits = (sum(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit))
    if lower + upper < 3 or digits < 1:
        return False
    if _STRONG.search(value):
        return (lower > 0 and upper > 0) or len(value) >= 16
    return len(value) >= 12 and min(lower, upper, digits) >= 2 and value.isalnum() and _turns(value) >= LEAST_TURNS


_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def _looks_random(value: str) -> bool:
    """Whether a value is rather drawn than written."""
    if _PLACEHOLDER.search(value) or _entropy(value) < LEAST_BITS:
        return False
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    if set(value) <= _HEXADECIMAL:
        return len(value) >= 32 and digits >= 6 and letters >= 4
    if digits < 2 or letters < 8 or digits + letters < 0.85 * len(value):
        return False
    return _turns(value) >= LEAST_TURNS


def _turns(value: str) -> float:
    """The share of neighbours of another kind."""
    kinds = ["u" if c.isupper() else "l" if c.islower() else "d" if c.isdigit() else "" for c in value]
    turns = sum(a != b and (a, b) != ("u", "l") for a, b in pairwise(kinds) if a and b)
    return turns / (len(value) - 1)


def _entropy(value: str) -> float:
    """Bits a character, by how often each occurs in the value."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
