"""Locks that the kernel gives back when their holder dies: one for a store, one for each job's work folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from titrant.errors import StoreError


@contextlib.contextmanager
def held(path: Path, what: str, *, patience_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock in a file, creating it. Raises StoreError naming the holder if it is not free in time.

    `what` says what is locked, as the sentence's subject: `the store X`.
    """
    descriptor = _acquire(path, time.monotonic() + patience_seconds)
    if descriptor is None:
        raise StoreError(
            f"{what} is in use by {holder_of(path) or 'another process'}; wait until it is done, or stop it"
        )
    try:
        content = {"pid": os.getpid(), "host": platform.node(), "started": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(content).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock. Needs no permission to write."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder_of(path: Path) -> str | None:
    """`process 123 on host since time`, as the holder wrote it; None if that cannot be read."""
    try:
        content = json.loads(path.read_text())
        return f"process {content['pid']} on {content['host']} since {content['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _acquire(path: Path, deadline: float) -> int | None:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)
            continue
        # the last holder may have removed the file's folder between our open and our lock
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)
        path.parent.mkdir(parents=True, exist_ok=True)
