"""Files of weights and optimizer state that are either whole or not there, and the snapshot from which a phase resumes.

A snapshot is one safetensors file whose name holds its step and the BLAKE3 of its bytes. It is written under another
name, flushed to the disk, then renamed; older snapshots are deleted only after that. What is cut short, damaged or of
another job is thrown away with a note, never used; so is one of another kind of machine or another torch, whose
rounding would be spliced into one run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_PREFIX, _SUFFIX = "resume-", ".safetensors"


@dataclass(frozen=True)
class Snapshot:
    """Where a phase stands: everything that the rest of it depends on, and what it has measured so far."""

    job: str
    """Digest of the job, and in words after ` on ` the kind of machine and the torch that computed it: a snapshot of
    another job is never used, and neither is one of other arithmetic."""
    step: int
    """Steps of the phase that are done."""
    tensors: Mapping[str, Tensor]
    """Weights, optimizer state and curve, by names of the loop's own."""
    counts: Mapping[str, int]
    """What was drawn so far, as `Tally` keeps it."""
    milestones: Mapping[int, str]
    """BLAKE3 of the milestone files written so far, by step."""


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> str:
    """Write a safetensors file that is whole or not there; returns the BLAKE3 of its bytes, which are a function of
    the tensors and the metadata alone."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    save_file({name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}, part, metadata)
    digest = _flush_and_hash(part)
    part.rename(path)
    _flush_folder(path.parent)
    return digest


def save_snapshot(snapshot: Snapshot, scratch: Path) -> Path:
    """Put a snapshot in the place of the older ones."""
    metadata = {
        # one entry: safetensors keeps several in no fixed order
        "titrant": json.dumps(
            {
                "job": snapshot.job,
                "step": snapshot.step,
                "counts": dict(sorted(snapshot.counts.items())),
                "milestones": {str(step): digest for step, digest in sorted(snapshot.milestones.items())},
            }
        )
    }
    unnamed = scratch / f"unnamed{_SUFFIX}"
    digest = write_tensors(snapshot.tensors, unnamed, metadata)
    path = scratch / f"{_PREFIX}{snapshot.step:09d}-{digest}{_SUFFIX}"
    unnamed.rename(path)
    _flush_folder(scratch)
    for older in scratch.glob(f"{_PREFIX}*"):
        if older != path:
            older.unlink()
    return path


def load_snapshot(scratch: Path, job: str, note: Callable[[str], None]) -> Snapshot | None:
    """The newest whole snapshot of this job, or None. Others are deleted; `note` is told which and why."""
    for path in sorted(scratch.glob(f"{_PREFIX}*"), reverse=True):
        found = _read(path, job, scratch)
        if isinstance(found, Snapshot):
            return found
        note(f"{path.name[:20]} was thrown away: {found}")
        path.unlink()
    return None


def milestone_file(scratch: Path, step: int) -> Path:
    """Where the weights at a milestone wait for the end of the phase."""
    return scratch / f"milestone-{step:09d}{_SUFFIX}"


def hash_of(path: Path) -> str | None:
    """BLAKE3 of a file's bytes, or None if it cannot be read."""
    try:
        return blake3().update_mmap(path).hexdigest()
    except (OSError, ValueError):
        return None


def _read(path: Path, job: str, scratch: Path) -> Snapshot | str:
    """The snapshot, or why it is none."""
    digest = path.name.removesuffix(_SUFFIX).rpartition("-")[2]
    if not path.name.endswith(_SUFFIX) or hash_of(path) != digest:
        return "it is damaged or was cut short"
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads(file.metadata()["titrant"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        return f"it cannot be read ({error})"
    if said["job"] != job:
        (theirs, _, made_on), (ours, _, here) = said["job"].partition(" on "), job.partition(" on ")
        return f"it was made on {made_on} and this is {here}" if theirs == ours else "it is another job's"
    milestones = {int(step): str(digest) for step, digest in said["milestones"].items()}
    if any(hash_of(milestone_file(scratch, step)) != digest for step, digest in milestones.items()):
        return "a milestone that it counts on is missing or damaged"
    return Snapshot(job=job, step=said["step"], tensors=tensors, counts=said["counts"], milestones=milestones)


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
