"""What a program under test may use: time, memory, disk and output, each a limit of its own."""

from __future__ import annotations

from pydantic import Field

from titrant.study.declaration import Declaration
from titrant.study.units import Bytes


class Limits(Declaration):
    """Limits of one execution. They are part of a result: what passes within five seconds may fail within one.

    >>> Limits(memory_bytes="1GB").memory_bytes
    1000000000
    """

    cpu_seconds: float = Field(default=5.0, ge=0.1, le=3600)
    """Seconds, from 0.1 on, that a program may compute and sleep together. Waiting for a processor is not counted, so
    that a busy machine changes no verdict."""
    memory_bytes: Bytes = Field(default=512 * 2**20, ge=64 * 2**20)
    """Address space of a Python program; memory held by all processes of a program in another language. 64 MiB or
    more."""
    file_bytes: Bytes = 16 * 2**20
    """Size of any one file."""
    disk_bytes: Bytes = 64 * 2**20
    """Size of all files together."""
    output_bytes: Bytes = 2**20
    """What may be printed, standard output and standard error together."""
