"""Documents written into row groups and files of bounded size, and the place from which an interrupted job goes on.

1. a row group ends after so many bytes or rows, a file after so many bytes: both follow from the documents alone
2. a file also ends where a piece of an origin (a file, some rows) ends and the last checkpoint lies far enough back
3. there a checkpoint is written: what has been read, the counts, and the hashes of the files that are finished
4. a later attempt that finds a checkpoint of the same declaration, and its files whole, goes on behind it

So the bytes are the same whether and wherever a job was interrupted, and what an interruption costs is the text since
the last checkpoint, or the file that was being read if that is larger.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.corpus.formats.texts import NOT_UTF8, cleaned
from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.world import content_of_file

GROUP_BYTES = 8_000_000
"""Text of one row group."""
GROUP_ROWS = 20_000
FILE_BYTES = 512_000_000
"""Text of one file, about."""
CHECKPOINT_BYTES = 64_000_000
"""Text between two checkpoints, at least."""
NAMED = 20
"""So many of what could not be read are named for each reason."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("language", pa.string()),
        ("licence", pa.string()),
        ("origin", pa.string()),
        ("content_hash", pa.string()),
        ("planted", pa.bool_()),
    ]
)
_STATE = "checkpoint.json"


@dataclass
class Tally:
    """What has been written and left out so far."""

    documents: int = 0
    bytes_by_language: Counter[str] = field(default_factory=Counter)
    bytes_by_licence: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[dict[str, str]] = field(default_factory=list)
    """The first few of each reason: `reason`, `name`, `message`."""

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        """The tally of a checkpoint."""
        counts = {name: Counter(state[name]) for name in ("bytes_by_language", "bytes_by_licence", "left_out")}
        return cls(documents=state["documents"], unreadable=state["unreadable"], **counts)

    def leave_out(self, item: LeftOut) -> None:
        """Count what is left out."""
        self.left_out[item.reason] += 1

    def skip(self, reason: str, name: str, message: str) -> None:
        """Count what cannot be read, and name the first few of each reason."""
        self.left_out[reason] += 1
        if self.left_out[reason] <= NAMED:
            self.unreadable.append({"reason": reason, "name": name, "message": message})


@dataclass(frozen=True)
class Place:
    """How far a source has been read: behind so many pieces of this origin (from 0)."""

    origin: int = 0
    pieces: int = 0
    documents_before: int = 0
    """Documents of the origins before this one."""


class Writer:
    """Collects documents into row groups, row groups into files, and counts what it wrote.

    `key` says what is read: a checkpoint under `folder` counts only if it has the same; None: there are none.
    """

    def __init__(self, folder: Path, key: str | None) -> None:
        self._folder, self._key = folder, key
        self.tally, self.place = Tally(), Place()
        self._finished: list[dict[str, Any]] = []
        self._rows: list[tuple[str, bytes, str, str, str, str, bool]] = []
        self._group_bytes = self._file_bytes = self._bytes_since = 0
        self._durable = 0
        self._open: pq.ParquetWriter | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def add(self, id_: str, text: str, language: str, licence: str, origin: str, *, planted: bool = False) -> None:
        """Write one document as it is; one without a visible character is left out."""
        content = cleaned(text)
        if isinstance(content, LeftOut):
            self.tally.leave_out(content)
            return
        if not (language.isascii() and licence.isascii()) and not _is_utf8(language + licence):
            self.tally.leave_out(NOT_UTF8)
            return
        size = len(content)
        self.tally.documents += 1
        self.tally.bytes_by_language[language] += size
        self.tally.bytes_by_licence[licence] += size
        self._rows.append(
            (id_, content, language, licence, origin, blake3(content).hexdigest(length=16), planted)  # content_hash
        )
        self._group_bytes += size
        if self._group_bytes >= GROUP_BYTES or len(self._rows) >= GROUP_ROWS:
            self._flush()

    def end_piece(self, place: Place) -> None:
        """A piece of an origin has been read to its end: a checkpoint, if the last one lies far enough back."""
        if self._bytes_since + self._group_bytes >= CHECKPOINT_BYTES:
            self._flush()
            self._close()
            self._bytes_since = 0
            self.place = place
            self._save()

    def finish(self, out: Path) -> Tally:
        """Put all files into `out`; what lies in the folder stays, for an attempt that ends before its record."""
        self._flush()
        self._close()
        for file in self._finished:
            _link(self._folder / file["name"], out / file["name"])
        if self.tally.unreadable:
            lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in self.tally.unreadable)
            (out / "_unreadable.jsonl").write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
        return self.tally

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._open is None:
            path = self._folder / f"documents-{len(self._finished):05d}.parquet"
            repeated = ["language", "licence", "origin"]
            self._open = pq.ParquetWriter(
                path, SCHEMA, compression="zstd", compression_level=3, use_dictionary=repeated, write_statistics=False
            )
        id_, text, *others = zip(*self._rows, strict=True)
        kinds = [SCHEMA.field(name).type for name in SCHEMA.names[2:]]
        columns = [
            pa.array(id_, pa.string()),
            pa.array(text, pa.large_binary()).view(pa.large_string()),
            *(pa.array(column, kind) for column, kind in zip(others, kinds, strict=True)),
        ]
        self._open.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
        self._file_bytes += self._group_bytes
        self._bytes_since += self._group_bytes
        self._rows, self._group_bytes = [], 0
        if self._file_bytes >= FILE_BYTES:
            self._close()

    def _close(self) -> None:
        if self._open is None:
            return
        self._open.close()
        self._open, self._file_bytes = None, 0
        path = self._folder / f"documents-{len(self._finished):05d}.parquet"
        self._finished.append({"name": path.name, "blake3": content_of_file(path) if self._key is not None else ""})

    def _save(self) -> None:
        if self._key is None:
            return
        state = {
            "key": self._key,
            "place": vars(self.place),
            "tally": vars(self.tally),
            "files": self._finished,
        }
        for file in self._finished[self._durable :]:
            _flush_to_disk(self._folder / file["name"])
        unnamed = self._folder / f"{_STATE}.new"
        unnamed.write_text(json.dumps(state), encoding="utf-8")
        _flush_to_disk(unnamed)
        unnamed.replace(self._folder / _STATE)
        self._durable = len(self._finished)

    def _resume(self) -> None:
        try:
            state = json.loads((self._folder / _STATE).read_bytes())
            files = [str(file["name"]) for file in state["files"]]
            if (
                self._key is not None
                and state["key"] == self._key
                and all(content_of_file(self._folder / file["name"]) == file["blake3"] for file in state["files"])
            ):
                self.tally, self.place = Tally.of(state["tally"]), Place(**state["place"])
                self._finished = state["files"]
                self._durable = len(files)
        except (OSError, StudyError, ValueError, KeyError, TypeError):
            files = []
        if not self._finished:
            (self._folder / _STATE).unlink(missing_ok=True)
        for path in self._folder.glob("documents-*.parquet"):
            if not self._finished or path.name not in files:
                path.unlink()


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _link(path: Path, target: Path) -> None:
    """The same file under a second name; a copy where the disk has no links."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
