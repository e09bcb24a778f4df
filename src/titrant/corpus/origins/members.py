"""Members of an archive: which of them are read, decided by name, kind and declared size before a byte is unpacked."""

from __future__ import annotations

import posixpath

from blake3 import blake3

from titrant.corpus.opened import LeftOut, Limits, Unreadable, check_expansion
from titrant.errors import StoreError, StudyError
from titrant.study.origins import Archive
from titrant.study.patterns import matches

LINK, NO_FILE = LeftOut("link"), LeftOut("no plain file")


def label_of_archive(origin: Archive) -> str:
    """What stands before a member's name in the `origin` column: the content, wherever the archive lies."""
    return f"archive@{origin.content[:12]}" if origin.content else "archive"


class Members:
    """Decides what is done with each member, and notices one that comes twice."""

    def __init__(self, origin: Archive) -> None:
        self.limits = Limits(origin.max_member_bytes, origin.max_expansion)
        self._origin, self._label = origin, label_of_archive(origin)
        self._seen: set[bytes] = set()  # no names: of those there may be millions

    def label(self, name: str) -> str:
        """What stands in the `origin` column of its documents."""
        return f"{self._label}:{plain(name)}"

    def wanted(self, name: str) -> bool:
        """Whether the origin's patterns keep it."""
        return matches(plain(name), self._origin.members) and not matches(plain(name), self._origin.exclude)

    def refused(self, name: str, size: int) -> Unreadable | None:
        """Why a file is not read; None if it is."""
        mark = blake3(plain(name).encode("utf-8", "surrogatepass")).digest(16)
        if _leads_out(name):
            return self.unsafe(name, "has a name that leads out of the archive")
        if mark in self._seen:
            return self.unsafe(name, "comes twice, and which of the two is meant cannot be known")
        self._seen.add(mark)
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            return self.unsafe(name, "has a name that is not UTF-8")
        try:
            check_expansion(size, size, self.limits, self.label(name))
        except StoreError as error:
            return Unreadable(self.label(name), error, "file")
        return None

    def link(self, name: str, target: str, folder: str) -> LeftOut | Unreadable:
        """What is done with a link whose target is read from a folder of the archive."""
        if _leads_out(target, folder):
            return self.unsafe(name, f"is a link to {target[:200]!r}, out of the archive")
        return LINK

    def unsafe(self, name: str, wrong: str) -> Unreadable:
        """A member that may not be read."""
        where = f"member {name[:200]!r} of archive '{self._origin.archive}'"
        return Unreadable(
            self.label(name), StudyError(f"{where} {wrong}; leave it out with `exclude`, or mend the archive"), "file"
        )


def plain(name: str) -> str:
    """A member's name as patterns and ids see it.

    >>> plain("./a//b"), plain("a/../b")
    ('a/b', 'b')
    """
    return posixpath.normpath(name)


def _leads_out(name: str, folder: str = "") -> bool:
    """Whether a name, read from a folder of the archive, is absolute or leads above its root, also on Windows."""
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or slashed[1:2] == ":":
        return True
    depth = len([part for part in posixpath.normpath(folder or ".").split("/") if part != "."])
    for part in slashed.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False
