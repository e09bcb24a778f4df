"""Files of weights and optimizer state that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3
from safetensors.torch import save_file
from torch import Tensor


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> str:
    """Write a safetensors file that is whole or not there; returns the BLAKE3 of its bytes, which are a function of
    the tensors and the metadata alone."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    save_file({name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}, part, metadata)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    digest = hash_of(part)
    assert digest is not None
    part.rename(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest


def milestone_file(scratch: Path, step: int) -> Path:
    """Where the weights at a milestone wait for the end of the phase."""
    return scratch / f"milestone-{step:09d}.safetensors"


def hash_of(path: Path) -> str | None:
    """BLAKE3 of a file's bytes, or None if it cannot be read."""
    try:
        return blake3().update_mmap(path).hexdigest()
    except (OSError, ValueError):
        return None
