"""What a program that nobody has read may use while it runs."""

from __future__ import annotations

from pydantic import Field

from titrant.study.declaration import Declaration
from titrant.study.units import Bytes


class Limits(Declaration):
    """Limits of one execution. Time is the program's own, so that a busy machine changes no verdict."""

    cpu_seconds: float = Field(default=5.0, gt=0, le=3600)
    """Processor time, and time slept: waiting for a processor is not counted."""
    memory_bytes: Bytes = 512 * 2**20
    """Address space."""
    file_bytes: Bytes = 16 * 2**20
    """The largest file that it may write."""
    disk_bytes: Bytes = 64 * 2**20
    """All that it may write."""
    output_bytes: Bytes = 2**20
    """What is read of its output; more ends it."""
