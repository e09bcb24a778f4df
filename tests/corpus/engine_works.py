"""Pieces of work for the tests of engines: importable, so that other processes can do them too."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import pyarrow as pa

from titrant.errors import StoreError, StudyError


@dataclass(frozen=True)
class Number:
    """The number of the row group."""

    def __call__(self, group, tick):
        return pa.table({"number": [group.index]})


@dataclass(frozen=True)
class Die:
    """The same, but at row group 2 the process is killed so many times."""

    folder: Path
    times: int

    def __call__(self, group, tick):
        if group.index == 2:
            assert parent_process() is not None, "this would kill the test"
            died = len(list(self.folder.iterdir()))
            if died < self.times:
                (self.folder / str(died)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return pa.table({"number": [group.index]})


class OddError(Exception):
    """A bug whose exception cannot be made from its message alone."""

    def __init__(self, place, why):
        super().__init__(f"{why} at {place}")


@dataclass(frozen=True)
class Fail:
    """Raises at row group 1."""

    kind: str

    def __call__(self, group, tick):
        if group.index == 1:
            if self.kind == "odd":
                raise OddError(1, "odd")
            raise {"study": StudyError(["one", "two"]), "store": StoreError("damaged"), "bug": ValueError("bug")}[
                self.kind
            ]
        return pa.table({"number": [group.index]})


@dataclass(frozen=True)
class Wait:
    """Writes down its process and waits until a file is there."""

    folder: Path

    def __call__(self, group, tick):
        (self.folder / f"{os.getpid()}.pid").touch()
        while not (self.folder / "go").exists():
            time.sleep(0.02)
        return pa.table({"number": [group.index]})


@dataclass(frozen=True)
class Slow:
    """The number of the row group after a while; writes down which process made it."""

    folder: Path

    def __call__(self, group, tick):
        time.sleep(0.7)
        (self.folder / f"by-{os.getpid()}-{group.index}").touch()
        return pa.table({"number": [group.index]})
