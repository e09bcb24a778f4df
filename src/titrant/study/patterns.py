"""Patterns of paths as every source uses them: `*` any characters but `/`, `?` one of them, `**` also `/`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a relative path with `/` matches one of the patterns as a whole.

    >>> matches("a/b/c.py", ["**/*.py"]), matches("c.py", ["**/*.py"]), matches("a/c.py", ["*.py"])
    (True, True, False)
    """
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part) or re.escape(part) for part in parts), re.DOTALL)
