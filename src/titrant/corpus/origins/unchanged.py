"""Files that must stay as they are while they are read."""

from __future__ import annotations

from pathlib import Path

from titrant.errors import StudyError

Stamp = tuple[int, int, int, int]
"""Size, time of change (ns) and place of a file on its disk: another stamp, and it was written meanwhile."""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file now. Raises StudyError if it cannot be read."""
    try:
        found = path.stat()
    except OSError as error:
        raise StudyError(f"'{path}' cannot be read ({error.strerror}); restore it, or run again without it") from None
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


def check_unchanged(path: Path, stamp: Stamp) -> None:
    """Raise StudyError if a file has another stamp by now."""
    try:
        found: Stamp | None = stamp_of(path)
    except StudyError:
        found = None
    if found != stamp:
        what = "is gone" if found is None else f"has {found[0]:,} bytes, had {stamp[0]:,}"
        raise StudyError(f"'{path}' changed while it was read ({what}); run again when nothing writes to it any more")
