"""How bytes reach the disk for good: written aside, flushed, renamed into place; and how they are hashed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from titrant.artifacts import FileEntry
from titrant.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BLOCK_BYTES = 1 << 20
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file in one move: a reader sees the old bytes or the new ones, also after a crash if `durable`."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, content: object, *, durable: bool = True) -> None:
    """As `write_atomically`, with sorted keys and an indent: the same content is the same bytes."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text.encode() + b"\n", durable=durable)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(folder: Path) -> None:
    """Flush every file and every folder below a folder, and the folder itself."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def hash_file(path: Path) -> str:
    """BLAKE3 of a file's bytes, 64 hexadecimal digits. About 3 GB/s, in 1 MB of memory whatever its size."""
    hasher, block = blake3(), memoryview(bytearray(_BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            hasher.update(block[:size])
    return hasher.hexdigest()


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Size and hash of every file below a folder, by its relative path with `/`, sorted."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileEntry(bytes=path.stat().st_size, blake3=hash_file(path))
        for path in found
    }


def empty_folder(folder: Path) -> Path:
    """The folder, there and with nothing in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def disk_trouble(error: BaseException, root: Path) -> StoreError | None:
    """The clear sentence for a full or read-only disk, if that is what an error comes from; else None.

    Libraries wrap the system's error in their own; the chain of causes and its words are searched.
    """
    link: BaseException | None = error
    while link is not None:
        number, text = getattr(link, "errno", None), str(link)
        # glibc's words: what libraries written in C++ and Rust leave of errno
        if number in _FULL or "No space left on device" in text or "Disk quota exceeded" in text:
            return StoreError(
                f"the disk that holds the store {root} is full; free some space and run again. "
                "What was finished is safe; nothing half-written counts"
            )
        if number == errno.EFBIG:
            return StoreError(
                f"a file in the store {root} may not become larger: a limit on file sizes is in force (ulimit -f). "
                "Raise it and run again"
            )
        if number in _READ_ONLY and _lies_below(link, root):
            return StoreError(
                f"the store {root} cannot be written ({os.strerror(number or 0)}); give write permission, or name "
                "another --store"
            )
        link = link.__cause__ or link.__context__
    return None


def _lies_below(error: BaseException, root: Path) -> bool:
    return str(getattr(error, "filename", "") or "").startswith(str(root))


@contextlib.contextmanager
def explaining_disk_trouble(root: Path) -> Iterator[None]:
    """Turn errors of a full or read-only disk into StoreError; others pass as they are."""
    try:
        yield
    except OSError as error:
        trouble = disk_trouble(error, root)
        if trouble is None:
            raise
        raise trouble from error
