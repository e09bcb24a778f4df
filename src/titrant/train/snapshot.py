"""From where a phase resumes: snapshots that are whole or not there, written while training goes on.

A snapshot is a folder of `torch.distributed.checkpoint`: every process writes its part of weights and moments, and any
number of processes reads them again. Its steps:

1. copy the tensors to the host, which is all that training waits for
2. write the parts into a folder of another name, in a thread
3. the first process hashes and flushes the files, writes `snapshot.json` last, renames the folder, deletes older ones

What is cut short, damaged or of another job is thrown away with a note, never used; so is one of another kind of
machine or another torch, whose rounding would be spliced into one run. A disk that fills leaves the snapshot before.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from torch import Tensor
from torch.distributed.checkpoint.state_dict_loader import load as read_parts
from torch.distributed.checkpoint.state_dict_saver import async_save as write_parts

from titrant.errors import EngineError
from titrant.train.checkpoint import hash_of, milestone_file
from titrant.train.together.ranks import Ranks

# a single process is what is meant, and no reason to warn; a filter must outlive the call, which goes on in a thread
warnings.filterwarnings("ignore", message="torch.distributed is disabled", category=UserWarning)

_PREFIX, _PART, _STANDING = "resume-", "unfinished", "snapshot.json"


@dataclass(frozen=True)
class Standing:
    """Where a phase stands, beside its tensors: everything that the rest of it depends on."""

    job: str
    """Digest of the job, and in words after ` on ` the kind of machine and the torch that computed it: a snapshot of
    another job is never used, and neither is one of other arithmetic."""
    step: int
    """Steps of the phase that are done."""
    counts: Mapping[str, int]
    """What was drawn so far by all processes, as `Tally` keeps it."""
    milestones: Mapping[int, str]
    """BLAKE3 of the milestone files written so far, by step."""
    optimizer_steps: int
    """Steps that the optimizer's moments have behind them, those of carried phases too."""
    processes: tuple[int, ...] = (1,)
    """How many processes computed it, each number once, in order of size."""
    portions: tuple[str, ...] = ()
    """How sums were cut, in words, each way once and sorted."""


@dataclass
class Snapshots:
    """The snapshots of one phase in its scratch folder."""

    scratch: Path
    ranks: Ranks
    stalled_seconds: float = 0.0
    """How long training has waited for snapshots in all."""
    last_stall_seconds: float = 0.0
    """How long it waited for the last one."""
    _thread: threading.Thread | None = field(default=None, repr=False)
    _error: BaseException | None = field(default=None, repr=False)

    @property
    def busy(self) -> bool:
        """Whether one is still being written."""
        return self._thread is not None and self._thread.is_alive()

    def save(self, standing: Standing, tensors: Mapping[str, Tensor]) -> None:
        """Take a snapshot and go on; it is written meanwhile. All processes call it at the same step.

        Raises what went wrong while the one before was written.
        """
        began = time.monotonic()
        self.wait()
        part = self.scratch / _PART
        if self.ranks.first:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        self.ranks.wait_for_all()
        written = write_parts(
            dict(tensors), checkpoint_id=part, process_group=self.ranks.disk, no_dist=self.ranks.alone
        )
        self._thread = threading.Thread(target=self._finish, args=(written, standing, part), name="snapshot")
        self._thread.start()
        self.last_stall_seconds = time.monotonic() - began
        self.stalled_seconds += self.last_stall_seconds

    def wait(self) -> None:
        """Until the last snapshot is whole. Raises what went wrong while it was written."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def load(
        self, job: str, note: Callable[[str], None], into: Callable[[Standing], Mapping[str, Tensor]]
    ) -> Standing | None:
        """Where the newest whole snapshot of this job stands, its tensors copied over those of `into`; None if there
        is none. Others are deleted; `note` is told which and why. All processes call it."""
        if self.ranks.first:
            shutil.rmtree(self.scratch / _PART, ignore_errors=True)
            self._clear(job, note)
        self.ranks.wait_for_all()  # what is left is one for all
        for path in sorted(self.scratch.glob(f"{_PREFIX}*"), reverse=True):
            standing = _standing_of(path)
            tensors = dict(into(standing))
            with torch.no_grad():
                read_parts(tensors, checkpoint_id=path, process_group=self.ranks.disk, no_dist=self.ranks.alone)
            return standing
        return None

    def _clear(self, job: str, note: Callable[[str], None]) -> None:
        """Delete all but the newest whole snapshot of this job."""
        found = False
        for path in sorted(self.scratch.glob(f"{_PREFIX}*"), reverse=True):
            fault = "there is a newer one" if found else _fault(path, job, self.scratch)
            if fault is None:
                found = True
                continue
            if not found:
                note(f"{path.name[:20]} was thrown away: {fault}")
            _delete(path)

    def _finish(self, written: Any, standing: Standing, part: Path) -> None:
        """The thread: wait for all parts, then make the snapshot one that counts."""
        try:
            try:
                written.result()
            except BaseException as error:  # torch wraps what failed in a BaseException of its own
                raise _cause_of(error) from error
            if self.ranks.first:
                self._publish(standing, part)
        except BaseException as error:
            self._error = error
            if self.ranks.first:
                shutil.rmtree(part, ignore_errors=True)

    def _publish(self, standing: Standing, part: Path) -> None:
        files = {path.name: _flush_and_hash(path) for path in sorted(part.iterdir())}
        content = json.dumps({"standing": asdict(standing), "files": files})
        sealed = json.dumps({"content": content, "digest": blake3(content.encode()).hexdigest()})
        with (part / _STANDING).open("w") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        _flush_folder(part)
        path = self.scratch / f"{_PREFIX}{standing.step:09d}"
        if path.exists():  # of the same step, and whole: to replace it would leave a moment without any
            shutil.rmtree(part)
            return
        part.rename(path)
        _flush_folder(self.scratch)
        for older in self.scratch.glob(f"{_PREFIX}*"):
            if older != path:
                _delete(older)


def _fault(path: Path, job: str, scratch: Path) -> str | None:
    """Why a snapshot cannot be gone on from; None if it can."""
    try:
        sealed = json.loads((path / _STANDING).read_bytes())
        content = json.loads(sealed["content"])
        whole = sealed["digest"] == blake3(sealed["content"].encode()).hexdigest()
        files = content["files"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "it is damaged or was cut short"
    if not whole or any(hash_of(path / name) != digest for name, digest in files.items()):
        return "it is damaged or was cut short"
    standing = _standing_of(path)
    if standing.job != job:
        (theirs, _, made_on), (ours, _, here) = standing.job.partition(" on "), job.partition(" on ")
        return f"it was made on {made_on} and this is {here}" if theirs == ours else "it is another job's"
    if any(hash_of(milestone_file(scratch, step)) != digest for step, digest in standing.milestones.items()):
        return "a milestone that it counts on is missing or damaged"
    return None


def _standing_of(path: Path) -> Standing:
    said = json.loads(json.loads((path / _STANDING).read_bytes())["content"])["standing"]
    said["milestones"] = {int(step): digest for step, digest in said["milestones"].items()}
    said["processes"], said["portions"] = tuple(said["processes"]), tuple(said["portions"])
    return Standing(**said)


def _cause_of(error: BaseException) -> BaseException:
    """What a failed write comes from: torch collects what failed in each process, and tells no system's error."""
    failures = getattr(error, "failures", None)
    if failures:
        wrapped = next(iter(failures.values()))
        inner: BaseException = wrapped[0] if isinstance(wrapped, tuple) else wrapped
        link: BaseException | None = inner
        while link is not None:
            if isinstance(link, OSError):
                return link
            link = link.__cause__ or link.__context__
        error = inner
    if isinstance(error, Exception):
        return error
    return EngineError(f"a snapshot could not be written: {error}")


def _delete(path: Path) -> None:
    """Delete a snapshot; at once no snapshot any more, if this is cut short."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    (path / _STANDING).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _flush_and_hash(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    digest = hash_of(path)
    assert digest is not None
    return digest


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
