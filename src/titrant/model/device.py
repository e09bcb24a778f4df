"""Which device the work runs on, with how many threads, and how its memory is kept.

None of this may change a result beyond rounding, and none of it is part of what a job is.
"""

from __future__ import annotations

import ctypes
import functools
import os

import torch

from titrant.settings import switch, whole

THREADS = "TITRANT_THREADS"
"""Environment variable: threads of one process on a CPU. One by default: two waiting threads on a shared machine make
a small step several times slower, and cores are better filled by running two jobs."""

DETERMINISTIC = "TITRANT_DETERMINISTIC"
"""Environment variable: 1 makes a GPU give the same bits every time, some percent slower. A CPU always does."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4

_RESERVED_BYTES, _HUGE_PAGE_BYTES, _MADVISE_HUGE = 2**31 - 2**26, 2**21, 14


def pick_device() -> torch.device:
    """The GPU if there is one, else the CPU, made ready: threads set, allocator told to keep its memory."""
    if torch.cuda.is_available():
        if switch(DETERMINISTIC):
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when its library starts
            torch.use_deterministic_algorithms(True)
        return torch.device("cuda", torch.cuda.current_device())
    torch.set_num_threads(whole(THREADS, 1, most=4096))
    keep_memory()
    return torch.device("cpu")


@functools.cache
def keep_memory() -> bool:
    """Ask glibc to serve large tensors from memory that it keeps, in huge pages; says whether it could.

    By default each large tensor is mapped anew and its pages fault in again, which costs 5 to 20 % of a training step.
    Nearly 2 GiB of addresses are reserved and marked for huge pages (5 % of a step of a small model); memory is taken
    as it is touched. Does nothing where the C library is another one.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        options = ((_MMAP_THRESHOLD, 2**30), (_TRIM_THRESHOLD, 2**31 - 1), (_MMAP_MAX, 0))
        if not all(libc.mallopt(option, value) == 1 for option, value in options):
            return False
    except (OSError, AttributeError):
        return False
    _mark_for_huge_pages(libc)
    return True


def _mark_for_huge_pages(libc: ctypes.CDLL) -> None:
    """Let the heap grow once, by much, and mark what it grew by; where that is refused, pages stay small."""
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    address = libc.malloc(_RESERVED_BYTES)
    if address is None:
        return
    first = -(-address // _HUGE_PAGE_BYTES) * _HUGE_PAGE_BYTES
    libc.madvise(first, _RESERVED_BYTES - _HUGE_PAGE_BYTES, _MADVISE_HUGE)
    libc.free(address)  # below the trim threshold: the heap keeps the addresses
