"""The folder that all stores of a user share."""

from __future__ import annotations

import os
from pathlib import Path

CACHE = "TITRANT_CACHE"
"""Environment variable: folder of what many stores share: fetched packages, compiled code, and what is known of this
machine's speed. `~/.cache/titrant` by default."""


def shared_cache(part: str) -> Path:
    """Place of one part of it, `$TITRANT_CACHE/PART` or `~/.cache/titrant/PART`; it may not exist yet."""
    given = os.environ.get(CACHE)
    return (Path(given) if given else Path.home() / ".cache" / "titrant") / part
