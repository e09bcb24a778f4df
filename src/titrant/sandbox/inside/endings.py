"""How an execution is ended and what it printed is kept: nothing of it goes on, nothing of it is too long."""

from __future__ import annotations

import contextlib
import os
import signal
import stat

from . import watch


class Output:
    """What a program prints, read as it comes and kept up to a limit."""

    def __init__(self, file: int, most_bytes: int) -> None:
        os.set_blocking(file, False)
        self.file = file
        self._most = most_bytes
        self._kept = bytearray()

    def take(self) -> bool:
        """Take what is there. False at the end, and where nothing is there."""
        try:
            part = os.read(self.file, 2**16)
        except BlockingIOError:
            return False
        self._kept += part[: max(0, self._most + 1 - len(self._kept))]
        return bool(part)

    @property
    def too_much(self) -> bool:
        """Whether more was printed than is allowed."""
        return len(self._kept) > self._most

    def forget(self) -> None:
        """Begin again."""
        while self.take():
            pass
        self._kept.clear()

    def close(self) -> str:
        """Take the rest, once all who print have ended; all that was kept, as text."""
        while self.take():
            pass
        os.close(self.file)
        return self._kept[: self._most].decode("utf-8", "replace")


def kill(process: int) -> None:
    """End a child of this process, if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def end(process: int) -> None:
    """End a child of this process and reap it."""
    kill(process)
    os.waitpid(process, 0)


def remove(folder: str) -> None:
    """Remove a folder and all below it, however deep; no link is followed. What cannot be removed stays.

    Whatever lies in a folder is first moved to the top, so that neither the depth nor the length of a path matters.
    Nothing else may write there.
    """
    with contextlib.suppress(OSError):
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            left = os.listdir(top)  # noqa: PTH208
            while left:
                with contextlib.suppress(OSError):
                    left += _removed(top, left.pop())
        finally:
            os.close(top)
        os.rmdir(folder)  # noqa: PTH106


def _removed(top: int, name: str) -> list[str]:
    """Remove one thing; the new names of what lay in it."""
    try:
        os.unlink(name, dir_fd=top)
    except IsADirectoryError:
        pass
    else:
        return []
    os.chmod(name, 0o700, dir_fd=top)
    place = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    moved = []
    try:
        for inner in os.listdir(place):  # noqa: PTH208
            if stat.S_ISDIR(os.lstat(inner, dir_fd=place).st_mode):
                os.chmod(inner, 0o700, dir_fd=place)
            moved.append(os.urandom(16).hex())
            os.rename(inner, moved[-1], src_dir_fd=place, dst_dir_fd=top)
    finally:
        os.close(place)
    os.rmdir(name, dir_fd=top)
    return moved


def clear() -> None:
    """End and reap whatever is left below this process."""
    while left := watch.descendants(os.getpid()):
        for process in left:
            kill(process)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
