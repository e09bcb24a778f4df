"""Which files of the store were hashed and found right, by size and time, so that they are not hashed each time."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from titrant.artifacts import Record
from titrant.execute.files import hash_file, write_json

Stamp = list[int]
"""Size in bytes and modification time in nanoseconds."""


@dataclass
class Verified:
    """A cache: losing it costs time and nothing else. A file written after it was hashed is hashed again."""

    stamps: dict[str, dict[str, Stamp]] = field(default_factory=dict)
    """By artifact folder relative to the store, then by file."""
    changed: bool = False

    @classmethod
    def load(cls, root: Path) -> Verified:
        """What STORE/verified.json says; nothing if it cannot be read."""
        try:
            content = json.loads((root / "verified.json").read_bytes())
            return cls({str(folder): dict(files) for folder, files in content.items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return cls()

    def save(self, root: Path) -> None:
        """Write it down if anything is new; a store that cannot be written keeps the old one."""
        if self.changed:
            with contextlib.suppress(OSError):
                write_json(root / "verified.json", self.stamps, durable=False)
                self.changed = False

    def mark(self, root: Path, folder: Path, files: list[str]) -> None:
        """Files of a folder have just been hashed and are right."""
        entry = self.stamps.setdefault(_key(root, folder), {})
        for name in files:
            entry[name] = _stamp(folder / name)
        self.changed = True

    def find_damage(self, root: Path, folder: Path, record: Record, *, hashes: bool) -> str | None:
        """What is wrong with an artifact's files, in a sentence; None if nothing is."""
        known = self.stamps.get(_key(root, folder), {})
        checked = []
        for name, entry in record.files.items():
            try:
                stamp = _stamp(folder / name)
            except FileNotFoundError:
                return f"{name} is gone"
            if stamp[0] != entry.bytes:
                return f"{name} has {stamp[0]:,} bytes where the record says {entry.bytes:,}"
            if hashes and known.get(name) != stamp:
                if hash_file(folder / name) != entry.blake3:
                    return f"the bytes of {name} are not those that were written (BLAKE3 differs)"
                checked.append(name)
        if checked:
            self.mark(root, folder, checked)
        return None


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _key(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()
