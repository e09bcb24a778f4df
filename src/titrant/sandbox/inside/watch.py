"""How long a set of processes has computed and slept, whatever else the machine does.

The kernel says of each thread how long it ran and how long it waited for a processor. What is left of the wall
clock, while nothing of the set ran or waited, was sleep. So a busy machine, on which everything waits, adds nothing.

Of a process that has ended the kernel still says how long it ran, but not how long it waited. So a time in which any
began or ended adds no sleep; to begin and to end is computing enough that nothing goes on for ever that way.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_LONG = 1000
"""Characters of a path, at four bytes each at most, after which the next begins at an open folder."""
_TOO_MUCH = 2**62


class OwnTime:
    """The time that processes spent, from now on; ask it every few hundredths of a second."""

    def __init__(self) -> None:
        self._before = time.monotonic()
        self._seen: dict[tuple[int, str], tuple[float, float]] = {}
        self._computed: dict[int, float] = {}
        self._at_least = 0.0
        self._members: object = None
        self.sleeping_seconds = 0.0
        """While nothing of the set ran or waited. A wait that has not ended yet still counts here: see `runnable`."""
        self.runnable = True
        """Whether, when last asked, something of the set ran or waited for a processor."""

    def look(self, processes: Iterable[int]) -> None:
        """Take note of what the processes have done since the last look."""
        now = time.monotonic()
        elapsed, self._before = now - self._before, now
        awake = at_least = 0.0
        self.runnable = False
        members: set[tuple[object, ...]] = set()
        for process in processes:
            own, ended, signs = _totals(process)
            at_least += own + ended
            computed = self._computed.get(process, 0.0)
            for thread, (ran, waited, runnable) in _threads(process).items():
                ran_before, waited_before = self._seen.get((process, thread), (0.0, 0.0))
                self._seen[process, thread] = ran, waited
                computed += max(0.0, ran - ran_before)
                awake += max(0.0, ran + waited - ran_before - waited_before)
                self.runnable |= runnable
                members.add((process, thread))
            threads_ended = own > computed
            self._computed[process] = max(computed, own)
            members.add((process, signs, now if threads_ended else None))
        self._at_least = max(self._at_least, at_least)
        steady, self._members = members == self._members or self._members is None, members
        self.sleeping_seconds = max(0.0, self.sleeping_seconds + (elapsed if steady else min(elapsed, awake)) - awake)

    def computed_seconds(self, processes: Iterable[int] | None = None) -> float:
        """CPU time of some processes of the set; or of all, those included that began and ended between two looks."""
        if processes is None:
            return max(self._at_least, sum(self._computed.values()))
        return sum(self._computed.get(process, 0.0) for process in processes)


def _totals(process: int) -> tuple[float, float, str]:
    """CPU seconds of a process, those of what it started and has seen end, and what changes when one more ends."""
    try:
        fields = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
        own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    except (OSError, ValueError, IndexError):
        return 0.0, 0.0, ""
    faults_of_ended = fields[8]
    return own / _TICKS, ended / _TICKS, f"{faults_of_ended} {ended}"


def _threads(process: int) -> dict[str, tuple[float, float, bool]]:
    """By thread: seconds on a processor, seconds waiting for one, and whether it does either now."""
    found: dict[str, tuple[float, float, bool]] = {}
    try:
        names = os.listdir(f"/proc/{process}/task")  # noqa: PTH208
    except OSError:
        return found
    for name in names:
        try:
            ran, waited, _ = _read(f"/proc/{process}/task/{name}/schedstat").split()
            state = _read(f"/proc/{process}/task/{name}/stat").rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            continue  # it has just ended
        found[name] = int(ran) / 1e9, int(waited) / 1e9, state == "R"
    return found


def descendants(process: int) -> list[int]:
    """All processes below one, in no order; those that have just begun may be missing."""
    found: list[int] = []
    new = [process]
    while new:
        parent = new.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")  # noqa: PTH208
            children = [int(c) for t in threads for c in _read(f"/proc/{parent}/task/{t}/children").split()]
        except OSError:
            continue
        found += children
        new += children
    return found


def children(process: int) -> list[int]:
    """The processes that the first thread of one has started."""
    try:
        return [int(child) for child in _read(f"/proc/{process}/task/{process}/children").split()]
    except OSError:
        return []


def inner_number(process: int) -> int:
    """The number of a process in its own namespace. Raises OSError if it has ended."""
    for line in _read(f"/proc/{process}/status").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return process


def resident_bytes(processes: Iterable[int]) -> int:
    """Memory that processes hold, what several share counted in each."""
    pages = 0
    for process in processes:
        try:
            pages += int(_read(f"/proc/{process}/statm").split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return pages * _PAGE_BYTES


def threads(processes: Iterable[int]) -> int:
    """How many threads processes have."""
    return sum(len(_listed(f"/proc/{process}/task")) for process in processes)


def folder_bytes(folder: str) -> int:
    """Bytes on disk of all that lies below a folder, however deep; what is being removed is left out.

    A folder that cannot be looked into could hold anything: more than any limit.
    """
    total = 0
    waiting: list[tuple[int | None, str]] = [(None, folder)]
    opened: list[int] = []
    try:
        while waiting:
            start, path = waiting.pop()
            try:
                place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=start)
            except (FileNotFoundError, NotADirectoryError):
                continue
            opened.append(place)
            size, folders = _sizes(place)
            total += size
            if len(path) > _LONG and folders:
                waiting += [(place, name) for name in folders]
            else:
                waiting += [(start, f"{path}/{name}") for name in folders]
                os.close(opened.pop())
    except OSError:
        return _TOO_MUCH
    finally:
        for place in opened:
            os.close(place)
    return total


def _sizes(place: int) -> tuple[int, list[str]]:
    """Bytes of what lies in an open folder, and the names of the folders among it."""
    total, folders = 0, []
    with os.scandir(place) as entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            total += max(found.st_size, found.st_blocks * 512)
            if stat.S_ISDIR(found.st_mode):
                folders.append(entry.name)
    return total, folders


def unlinked_bytes(processes: Iterable[int]) -> int:
    """Bytes on disk of files that processes hold open and that no folder names any more, as far as they can be seen:
    root needs the right to trace the processes of other users."""
    held: dict[tuple[int, int], int] = {}
    for process in processes:
        for thread in _listed(f"/proc/{process}/task"):
            files = f"/proc/{process}/task/{thread}/fd"
            for name in _listed(files):
                try:
                    found = os.stat(f"{files}/{name}")  # noqa: PTH116
                except OSError:
                    continue
                if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                    held[found.st_dev, found.st_ino] = max(found.st_size, found.st_blocks * 512)
    return sum(held.values())


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _read(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read().decode("ascii", "replace")
