"""Members of a 7z archive as a stream, through `py7zr` where it is installed.

That library hands out what it unpacks and cannot be asked for it: it runs in a thread that waits whenever a few
pieces lie ready, so that memory is bounded and a member is read like any other stream.
"""

from __future__ import annotations

import importlib
import io
import posixpath
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, BinaryIO, cast

from titrant.corpus.opened import FREE_BYTES, LeftOut, Listed, SourceFile, Unreadable, damaged
from titrant.corpus.origins.members import Members
from titrant.errors import EngineError, StoreError, StudyError, TitrantError
from titrant.study.origins import Archive

PIECES = 16
"""So many pieces lie ready at most; a piece is at most a few megabytes."""


def seven_zip_files(origin: Archive, raw: BinaryIO, members: Members) -> Iterator[Listed]:
    """The members that are kept, in the archive's order. Each can be read until the next one is asked for."""
    try:
        py7zr = importlib.import_module("py7zr")
    except ImportError:
        raise EngineError(
            f"archive '{origin.archive}' is a 7z archive, which needs the library `py7zr`: pip install py7zr, or pack "
            "it as .zip or .tar.zst"
        ) from None
    try:
        archive = py7zr.SevenZipFile(raw)
        if archive.needs_password():
            raise _encrypted(origin)
        kept = {entry.filename: entry for entry in archive.files if _is_wanted(entry, members)}
        _check_total(origin, sum(entry.uncompressed for entry in kept.values()))
        twice = len([entry for entry in archive.files if _is_wanted(entry, members)]) - len(kept)
        if twice:
            name = next(e.filename for e in archive.files if _is_wanted(e, members) and kept[e.filename] is not e)
            yield Listed(members.unsafe(name, "comes twice, and which of the two is meant cannot be known"), 0, 1, "")
            return
        refused = {name: members.refused(name, entry.uncompressed) for name, entry in kept.items()}
        for name, reason in refused.items():
            if reason is not None:
                kept.pop(name)
                yield Listed(reason, 0, len(refused), "files")
        yield from _unpacked(archive, kept, members)
    except TitrantError:
        raise
    except Exception as error:  # the library raises types of its own, of its codecs, and Python's
        if type(error).__name__ == "PasswordRequired":
            raise _encrypted(origin) from None
        raise damaged(f"archive '{origin.archive}'", error) from None


def _encrypted(origin: Archive) -> StudyError:
    return StudyError(f"archive '{origin.archive}' is encrypted; unpack it, or pack it again without a password")


def _is_wanted(entry: Any, members: Members) -> bool:
    return not entry.is_directory and members.wanted(entry.filename)


def _check_total(origin: Archive, made: int) -> None:
    packed = Path(origin.archive).stat().st_size
    if made > FREE_BYTES and made > origin.max_expansion * packed:
        raise StoreError(
            f"archive '{origin.archive}' unpacks to more than {origin.max_expansion:g} times its size ({made:,} bytes "
            f"from {packed:,}), as a decompression bomb does; if it is none, raise the origin's max_expansion"
        )


def _unpacked(archive: Any, kept: dict[str, Any], members: Members) -> Iterator[Listed]:
    pipe = _Pipe()
    thread = Thread(target=pipe.fill, args=(archive, list(kept)), daemon=True)
    thread.start()
    try:
        by_place = {posixpath.normpath(name): name for name in kept}
        done = 0
        while (place := pipe.next_member()) is not None:
            name = by_place[posixpath.normpath(place)]
            yield Listed(_item(pipe, name, kept[name], members), done, len(kept), "files")
            done += 1
    finally:
        pipe.abandon(thread)


def _item(pipe: _Pipe, name: str, entry: Any, members: Members) -> SourceFile | LeftOut | Unreadable:
    if entry.is_symlink or entry.is_junction:
        return members.link(name, pipe.stream().read(4096).decode("utf-8", "replace"), posixpath.dirname(name))
    if entry.is_socket:
        return LeftOut("no plain file")
    label = members.label(name)
    return SourceFile(label.partition(":")[2], label, partial(pipe.stream), members.limits)


class _AbandonedError(Exception):
    pass


class _Writers:
    """What the library asks for a place to write each member to."""

    def __init__(self, put: Callable[[str | bytes], None]) -> None:
        self._put = put

    def create(self, filename: str) -> _Writer:
        self._put(filename)
        return _Writer(self._put)


class _Writer:
    """A file as the library sees it, which can only be written."""

    def __init__(self, put: Callable[[str | bytes], None]) -> None:
        self._put, self._written = put, 0

    def write(self, piece: bytes | bytearray) -> int:
        self._put(bytes(piece))
        self._written += len(piece)
        return len(piece)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._written

    def close(self) -> None:
        pass


class _Pipe:
    """What the library's thread writes and the reader reads: names of members, and pieces of them."""

    def __init__(self) -> None:
        self._queue: Queue[str | bytes | Exception | None] = Queue(PIECES)
        self._stop = Event()
        self._next: str | Exception | None = ""

    def fill(self, archive: Any, names: list[str]) -> None:
        """Unpack; the other side's thread."""
        try:
            if names:
                archive.extract(targets=names, factory=_Writers(self._put))
            self._put(None)
        except _AbandonedError:
            pass
        except Exception as error:
            with suppress(_AbandonedError):
                self._put(error)

    def _put(self, piece: str | bytes | Exception | None) -> None:
        if self._stop.is_set():
            raise _AbandonedError
        self._queue.put(piece)

    def next_member(self) -> str | None:
        """Pass over what is left of this member; the next one's name, or None after the last."""
        while self.piece():
            pass
        if isinstance(self._next, Exception):
            raise self._next
        name, self._next = self._next, ""
        return name

    def piece(self) -> bytes:
        """The next piece of this member; nothing at its end."""
        while self._next == "":
            got = self._queue.get()
            if not isinstance(got, bytes):
                self._next = got
            elif got:
                return got
        return b""

    def stream(self) -> BinaryIO:
        """This member as a file."""
        return cast(BinaryIO, io.BufferedReader(_Pieces(self), 1 << 20))

    def abandon(self, thread: Thread) -> None:
        """End the thread, whatever it was about to write."""
        self._stop.set()
        while thread.is_alive():
            try:
                self._queue.get(timeout=0.1)
            except Empty:
                continue


class _Pieces(io.RawIOBase):
    def __init__(self, pipe: _Pipe) -> None:
        self._pipe, self._ready, self._read = pipe, b"", 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._ready = self._ready or self._pipe.piece()
        if not self._ready and isinstance(self._pipe._next, Exception):
            raise EOFError(str(self._pipe._next))
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        self._read += len(taken)
        return len(taken)
