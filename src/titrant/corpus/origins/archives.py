"""Files inside a local archive, read one after the other as a stream and never unpacked to disk.

1. the first bytes say which archive it is, whatever its name
2. members come in the archive's own order; those that the patterns do not keep are passed over
3. of what is kept, a member is refused whose name or link leads out of the archive, that comes twice, is encrypted or
   too large; a link inside the archive, a device or a pipe is left out and counted
4. memory is bounded by a piece of one member: whatever unpacks to more than the limits allow ends in an error
"""

from __future__ import annotations

import io
import posixpath
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from titrant.corpus.opened import (
    BLOCK_BYTES,
    DAMAGE,
    LeftOut,
    Limits,
    Listed,
    SourceFile,
    Unreadable,
    check_expansion,
    compression_of,
    damaged,
    decompressed,
    metered,
)
from titrant.corpus.origins.members import NO_FILE, Members, plain
from titrant.corpus.origins.seven_zip import seven_zip_files
from titrant.errors import StoreError, StudyError
from titrant.study.origins import Archive

MAX_HEADER_BYTES = 1 << 20
"""Names and other facts of one member of a tar may be so long."""
MAX_HEADERS = 20
"""So many of them may stand before one member."""
_LONG_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


@contextmanager
def archive_files(origin: Archive) -> Iterator[Iterator[Listed]]:
    """The members of an archive that its patterns keep, in the archive's order.

    Each file can be opened until the next one is asked for. Raises StudyError for what is no archive or holds no
    member that is kept, StoreError for a damaged one or a decompression bomb, EngineError where `py7zr` is missing.
    """
    members = Members(origin)
    with Path(origin.archive).open("rb") as raw:
        start = raw.read(8)
        raw.seek(0)
        if start.startswith(b"7z\xbc\xaf\x27\x1c"):
            listing = seven_zip_files(origin, raw, members)
        elif start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            listing = _zip(origin, raw, members)
        else:
            listing = _tar(origin, raw, compression_of(start), members)
        try:
            yield _not_none(origin, listing)
        finally:
            listing.close()  # type: ignore[attr-defined]


def _not_none(origin: Archive, listing: Iterator[Listed]) -> Iterator[Listed]:
    found = False
    for entry in listing:
        found = True
        yield entry
    if not found:
        raise StudyError(f"archive '{origin.archive}' holds no file that its patterns keep; check members and exclude")


def _zip(origin: Archive, raw: BinaryIO, members: Members) -> Iterator[Listed]:
    try:
        archive = zipfile.ZipFile(raw)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise damaged(f"archive '{origin.archive}'", error) from None
    with archive:
        # a name may be damaged to nothing, which `is_dir` of the library does not bear
        files = (info for info in archive.infolist() if not info.filename.endswith("/"))
        kept = [info for info in files if members.wanted(info.filename)]
        # members may overlap, so that none is a bomb and all of them are
        packed, made = Path(origin.archive).stat().st_size, sum(info.file_size for info in kept)
        check_expansion(made, packed, Limits(max(made, 1), origin.max_expansion), f"archive '{origin.archive}'")
        for done, info in enumerate(kept):
            yield Listed(_zip_member(archive, info, members), done, len(kept), "files")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, members: Members) -> SourceFile | LeftOut | Unreadable:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0  # 3: written on Unix
    label = members.label(info.filename)
    file = SourceFile(
        plain(info.filename), label, partial(_open_zip_member, archive, info, members.limits, label), members.limits
    )
    if info.flag_bits & 1:
        return members.unsafe(info.filename, "is encrypted")
    if stat.S_ISLNK(mode):
        try:
            with file.raw() as stream:
                target = stream.read(4096).decode("utf-8", "replace")
        except DAMAGE as error:
            return Unreadable(label, damaged(label, error), "file")
        return members.link(info.filename, target, posixpath.dirname(info.filename))
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return NO_FILE
    return members.refused(info.filename, info.file_size) or file


def _open_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, label: str) -> BinaryIO:
    check_expansion(info.file_size, info.compress_size, limits, label)
    try:
        stream = cast(BinaryIO, archive.open(info))
    except (ValueError, RuntimeError, struct.error) as error:  # a local header that is garbage, or says encrypted
        raise zipfile.BadZipFile(f"its own header is damaged: {error}") from None
    # bzip2 and LZMA are unpacked a whole piece at a time, whatever it makes
    piece = 0 if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
    return metered(stream, lambda: info.compress_size, limits, label, piece)


def _tar(origin: Archive, raw: BinaryIO, compression: str, members: Members) -> Iterator[Listed]:
    total = Path(origin.archive).stat().st_size
    whole = Limits(max_bytes=1 << 62, max_expansion=origin.max_expansion)
    try:
        with decompressed(raw, compression) as stream:
            source = stream if stream is raw else metered(stream, raw.tell, whole, f"archive '{origin.archive}'")
            with _opened_tar(origin, source) as archive:
                while (member := archive.next()) is not None:
                    cast(Any, archive).members.clear()  # else the headers of all are kept
                    if members.wanted(member.name) and not member.isdir():
                        yield Listed(_tar_member(archive, member, members), raw.tell(), total, "bytes")
                _check_end(archive)
    except _RefusedError as error:
        raise StoreError(f"archive '{origin.archive}' may not be read: {error}; pack it again without that") from None
    except (tarfile.TarError, *DAMAGE) as error:
        raise damaged(f"archive '{origin.archive}'", error) from None


def _opened_tar(origin: Archive, source: BinaryIO) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=source, mode="r|", tarinfo=_Member, bufsize=BLOCK_BYTES)
    except _RefusedError:
        raise
    except tarfile.ReadError as error:
        raise StudyError(
            f"'{origin.archive}' is no archive that can be read: neither zip nor 7z, nor a tar, plain or with gzip, "
            f"bzip2, xz or Zstandard ({error}); if it is one compressed file, name it with `files`"
        ) from None


def _check_end(archive: tarfile.TarFile) -> None:
    """Read to the very end: its check sum is looked at, and a second archive behind the first never passed over."""
    while rest := cast(Any, archive).fileobj.read(BLOCK_BYTES):
        if rest.strip(b"\0"):
            raise _RefusedError("something stands behind its end, as if two archives were written one after the other")


def _tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, members: Members
) -> SourceFile | LeftOut | Unreadable:
    if member.issym():
        return members.link(member.name, member.linkname, posixpath.dirname(member.name))
    if member.islnk():
        return members.link(member.name, member.linkname, "")
    if not member.isreg():
        return NO_FILE
    opened = partial(_open_tar_member, archive, member)
    return members.refused(member.name, member.size) or SourceFile(
        plain(member.name), members.label(member.name), opened, members.limits
    )


def _open_tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    stream = archive.extractfile(member)
    assert stream is not None, "a plain file"
    return cast(BinaryIO, io.BufferedReader(_Forwards(stream), BLOCK_BYTES))


class _Forwards(io.RawIOBase):
    """A member of a tar as it streams by: nothing can be read twice, and one that ends too early is an error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return cast(int, self._stream.tell())

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        try:
            content = self._stream.read(len(buffer))
        except tarfile.TarError as error:
            raise EOFError(str(error)) from None
        buffer[: len(content)] = content
        return len(content)


class _RefusedError(tarfile.ReadError):
    """A tar that is one, and may not be read."""


class _Member(tarfile.TarInfo):
    """A member of a tar that is read as it stands, or not at all.

    The library takes a damaged or cut-off header for the end of the archive, reads a header of any length into memory,
    and fills the holes of sparse files, which can be of any size.
    """

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise tarfile.ReadError(str(error)) from None

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type not in _LONG_HEADERS:
            return super()._proc_member(archive)  # type: ignore[misc]
        if self.size > MAX_HEADER_BYTES:
            raise _RefusedError(f"it has a header of {self.size:,} bytes")
        state = vars(archive)
        depth = state["headers"] = state.get("headers", 0) + 1  # the library reads the next header inside of this one
        if depth > MAX_HEADERS:
            raise _RefusedError(f"it has more than {MAX_HEADERS} headers of one member")
        try:
            return super()._proc_member(archive)  # type: ignore[misc]
        finally:
            state["headers"] -= 1

    def _no_sparse(self, *_: Any) -> Any:
        raise _RefusedError(f"member {self.name[:200]!r} is a sparse file, which can be of any size")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _no_sparse
