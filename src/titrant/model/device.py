"""Which device the work runs on, with how many threads, and how its memory is kept.

None of this may change a result beyond rounding, and none of it is part of what a job is.
"""

from __future__ import annotations

import ctypes
import os

import torch

THREADS = "TITRANT_THREADS"
"""Environment variable: threads of one process on a CPU. One by default: two waiting threads on a shared machine make
a small step several times slower, and cores are better filled by running two jobs."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4


def pick_device() -> torch.device:
    """The GPU if there is one, else the CPU, made ready: threads set, allocator told to keep its memory."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    torch.set_num_threads(max(1, int(os.environ.get(THREADS, "1"))))
    keep_memory()
    return torch.device("cpu")


def keep_memory() -> bool:
    """Ask glibc to serve large tensors from memory that it keeps; says whether it could.

    By default each large tensor is mapped anew and its pages fault in again, which costs 5 to 20 % of a training step.
    Does nothing where the C library is another one.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        return all(
            mallopt(option, value) == 1
            for option, value in ((_MMAP_THRESHOLD, 2**30), (_TRIM_THRESHOLD, 2**31 - 1), (_MMAP_MAX, 0))
        )
    except (OSError, AttributeError):
        return False
