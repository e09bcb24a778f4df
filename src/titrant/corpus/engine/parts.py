"""Parts: what became of each row group, a file each in a folder that outlives the attempt.

A part is written under a name of its own, flushed, and renamed when it is whole. So whoever makes it (this process,
another, one on another machine, or two at once after a machine was thought dead) makes the same file, and what is there
is finished.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from blake3 import blake3

from titrant.corpus.stored import RowGroup
from titrant.errors import StoreError

Tick = Callable[[int], None]
"""Told now and then how many documents of the row group are done; may raise KeyboardInterrupt."""


class Work(Protocol):
    """What is done to a row group: a pure function of it, the same on every machine.

    An instance of an importable class that can be pickled; it is sent to each process once. Its `repr` says all that
    the result depends on beside the documents: finished parts of another `repr` are not used.
    """

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table: ...


@dataclass(frozen=True)
class Parts:
    """Where the parts of one piece of work lie."""

    folder: Path
    work: Work

    @classmethod
    def under(cls, scratch: Path, work: Work, groups: Sequence[RowGroup]) -> Parts:
        """The folder for this work on these documents, made if it is not there."""
        identity = blake3("\n".join([f"{type(work).__qualname__} {work!r}", *map(repr, groups)]).encode())
        folder = scratch / f"parts-{identity.hexdigest(length=8)}"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, work)

    def has(self, group: RowGroup) -> bool:
        """Whether the part is there, and whole."""
        try:
            with pa.OSFile(str(self._path(group))) as file, pa.ipc.open_file(file):
                return True
        except (pa.ArrowException, OSError):
            return False

    def make(self, group: RowGroup, tick: Tick) -> None:
        """Do the work on a row group and keep the result. Raises what the work raises."""
        table = self.work(group, tick)
        path = self._path(group)
        begun = path.with_suffix(f".{socket.gethostname()}-{os.getpid()}")
        with begun.open("wb") as stream:
            with pa.ipc.new_file(stream, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
                writer.write_table(table)
            stream.flush()
            os.fsync(stream.fileno())
        begun.replace(path)

    def table(self, group: RowGroup, columns: Sequence[str] | None = None) -> pa.Table:
        """A finished part, in the batches in which it was made. Raises StoreError if it is not there or damaged."""
        path = self._path(group)
        try:
            with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
                if columns is None:
                    return reader.read_all()
                fields = [reader.schema.get_field_index(name) for name in columns]
            options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
            with pa.OSFile(str(path)) as file, pa.ipc.open_file(file, options=options) as reader:
                return reader.read_all()
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path} was damaged while the job ran ({error}); run again") from None

    def _path(self, group: RowGroup) -> Path:
        return self.folder / f"{group.name}.arrow"
