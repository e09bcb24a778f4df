"""Where a text holds keys, tokens and passwords: formats that services publish, and what is assigned to such a name.

    1. a few literal beginnings are looked for in a whole batch at once; most documents hold none and are done
    2. in the others, each format is matched in full
    3. a value assigned to a name such as `api_key` counts if it looks drawn at random (`_looks_random`)

Values that say themselves that they are examples count as none, and neither do those that a template fills in.
All matching takes time linear in the text.
"""

from __future__ import annotations

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
    "eyJ": ("JSON web token", r"[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,2000}"),
}
"""By beginning, whose token it is and how it goes on."""

_TOKENS = {begin: re.compile(re.escape(begin) + rest + r"(?![A-Za-z0-9_])") for begin, (_, rest) in _FORMATS.items()}
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"[A-Za-z0-9+/=:,.()\s\\\"'`<>|*#;&-]{64,20000}?"
    r"-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
)
_ADDRESS = re.compile(r"://[^\s:/?#@\"'<>\[\]{}]{1,64}:([^\s:/?#@\"'`<>\[\]{}$%*()\\]{3,64})@[A-Za-z0-9\[]")

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
_QUOTED = re.compile(r"[=:>(,]\s{0,4}[\"'`]([A-Za-z0-9+/_.~-]{20,200}={0,2})[\"'`]")
_BARE = re.compile(r"[=:][ \t]{0,4}([A-Za-z0-9+/_.~-]{20,200}={0,2})[ \t]*$", re.MULTILINE)
_NAME_BEFORE = re.compile(r"([A-Za-z0-9_. -]{1,50})(?:[\"'`\])]{0,3})\s{0,4}[:=-]?=?$")
_LOOK_BACK = 64
"""How far before a value its name may begin."""

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|change.?me|your|xxx|redacted|fake|test.?key|0123456789|abcdefg|12345678",
    re.IGNORECASE,
)
_FORMAT_BEGINS = "|".join(
    [*(rf"\b{re.escape(begin)}" for begin in _FORMATS), "PRIVATE KEY", r"://[^\s/@:]{1,64}:[^\s/@]{1,64}@"]
)
_NAME_BEGINS = f"(?i){_NAME}"

LEAST_BITS = 3.3
"""Entropy of a value's characters from which it may be drawn at random; 20 base-62 characters have about 4."""
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
    found = [*_formats(text), *_assigned(text)]
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
                before = text[found.start() - 1 : found.start()]
                if not (before.isalnum() or before == "_") and not _PLACEHOLDER.search(found.group()):
                    yield found.span()
    if "PRIVATE KEY" in text:
        yield from (found.span() for found in _PRIVATE_KEY.finditer(text))
    if "://" in text:
        for found in _ADDRESS.finditer(text):
            if not _PLACEHOLDER.search(found.group(1)) and not _NO_PASSWORD.fullmatch(found.group(1)):
                yield found.span(1)


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_QUOTED, _BARE):
        for found in pattern.finditer(text):
            start, end = found.span(1)
            before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
            name = _NAME_BEFORE.search(before.rpartition("\n")[2])
            if name is None or not _SECRET_NAME.search(name.group(1)) or _OTHER_NAME.search(name.group(1)):
                continue
            if _looks_random(found.group(1)):
                yield start, end


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
    kinds = ["u" if c.isupper() else "l" if c.islower() else "d" if c.isdigit() else "" for c in value]
    turns = sum(a != b and (a, b) != ("u", "l") for a, b in pairwise(kinds) if a and b)
    return turns >= LEAST_TURNS * (len(value) - 1)


def _entropy(value: str) -> float:
    """Bits a character, by how often each occurs in the value."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
