"""A seccomp filter as classic BPF: which system calls a contained process may make.

1. A call of another architecture (32-bit, x32) ends the process: its numbers would mean other calls.
2. Calls that only touch the process itself pass (`calls.allowed`).
3. Calls that could reach further pass by their arguments: `clone` makes threads but, in a single-process program, no
   processes, and never namespaces; `kill` reaches the process itself; `fcntl` sets no signals on others; `prctl` cannot
   undo what ends the process with its supervisor.
4. All else answers ENOSYS; `socket` answers EACCES and `fork` EAGAIN, which programs know how to report.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
from dataclasses import dataclass

from . import calls

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_THREAD = 0x00010000
_NEW_NAMESPACES = 0x7E020000  # mount, cgroup, uts, ipc, user, pid, net
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 36, 37, 38, 1030, 1032, 1033, 1034)
"""Duplicates, flags, locks and sizes; not the owner of a signal (8, 15), nor its number (10), nor bigger pipes."""
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Asking for a terminal and its size, bytes at hand, not blocking, closing on exec."""
_PRCTL_REFUSED = (1, 4, 22, 35, 36, 0x59616D61)
"""The signal of a parent's death, dumping, filters, memory maps, adopting orphans, being traced."""
_PRCTL_KEEPER = (1, 22)
"""Those of them that a keeper needs for its items."""

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]


METADATA = ("chmod", "fchmod", "fchmodat", "utime", "utimes", "futimesat", "utimensat")
"""What Landlock does not hold: the rights and times of any file of the same user."""


@dataclass(frozen=True)
class Freedom:
    """What a process may do that not all may."""

    processes: bool = False
    """Start processes and programs."""
    signals: bool = False
    """Signal any process that it sees; only in a process namespace of its own."""
    metadata: bool = False
    """Change rights and times of files; only where it reaches no other file of its user."""
    keeper: bool = False
    """Start copies of itself, which put on an `ItemFilter` before they run what is not trusted, and end them."""


def install(freedom: Freedom, own: int | None) -> None:
    """Put the filter on this process and on all that it starts; it cannot be taken off.

    `own`: its process id, which it may signal (None: not even itself). Raises OSError if the kernel refuses.
    """
    _Program(assemble(os.uname().machine, freedom, own)).put_on()


class _Program:
    """Instructions where the kernel finds them."""

    def __init__(self, program: bytes) -> None:
        self._code = ctypes.create_string_buffer(program, len(program))
        head = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(self._code))
        self._head = ctypes.create_string_buffer(head, len(head))
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def put_on(self) -> None:
        prctl = self._prctl
        if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(_PR_SET_SECCOMP, _MODE_FILTER, self._head, 0, 0):
            raise OSError(ctypes.get_errno(), "the kernel does not take the seccomp filter")


class ItemFilter(_Program):
    """What a keeper may and its items may not; made once, put on by each of them.

    The kernel asks both filters and does what the stricter one says. This one is short: to put on a long one costs the
    kernel half a millisecond. An item may signal nobody, not even itself.
    """

    def __init__(self) -> None:
        super().__init__(_item_code(os.uname().machine))


def _item_code(machine: str) -> bytes:
    limited = calls.limited(machine)
    code: list[Instruction] = [(_LOAD, 0, 0, _NUMBER)]
    for name in ("fork", "vfork"):
        if name in limited:
            code += _when(limited[name], [(_RETURN, 0, 0, _ERRNO | errno.EAGAIN)])
    for name in ("kill", "tgkill"):
        code += _when(limited[name], [(_RETURN, 0, 0, _ERRNO | errno.EPERM)])
    code += _when(limited["clone"], _threads())
    code += _when(limited["prctl"], _none_of(_PRCTL_REFUSED))
    return _packed([*code, (_RETURN, 0, 0, _ALLOW)])


@functools.cache
def _fixed(machine: str, freedom: Freedom) -> bytes:
    """The part of the filter that is the same for every process, without its last answer."""
    limited = calls.limited(machine)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_JUMP_ABOVE, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for name, number in calls.allowed(machine).items():
        withheld = name in METADATA and not freedom.metadata
        code += _when(number, [(_RETURN, 0, 0, _ERRNO | errno.EPERM if withheld else _ALLOW)])
    code += _when(limited["socket"], [(_RETURN, 0, 0, _ERRNO | errno.EACCES)])
    code += _when(limited["clone3"], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    code += _when(limited["prlimit64"], _one_of((0,)))
    code += _when(limited["fcntl"], _one_of(_FCNTL, argument=1))
    code += _when(limited["ioctl"], _one_of(_IOCTL, argument=1))
    refused = _PRCTL_REFUSED if not freedom.keeper else tuple(set(_PRCTL_REFUSED) - set(_PRCTL_KEEPER))
    code += _when(limited["prctl"], _none_of(refused))
    forks = freedom.processes or freedom.keeper
    code += _when(limited["clone"], _processes_or_threads() if forks else _threads())
    for name in ("fork", "vfork"):
        if name in limited:
            code += _when(limited[name], [(_RETURN, 0, 0, _ALLOW if forks else _ERRNO | errno.EAGAIN)])
    code += _when(limited["execve"], [(_RETURN, 0, 0, _ALLOW if freedom.processes else _ERRNO | errno.EPERM)])
    if freedom.signals or freedom.keeper:
        for name in ("kill", "tgkill"):
            code += _when(limited[name], [(_RETURN, 0, 0, _ALLOW)])
    return _packed(code)


def assemble(machine: str, freedom: Freedom, own: int | None) -> bytes:
    """The filter's instructions, eight bytes each."""
    limited = calls.limited(machine)
    code: list[Instruction] = []
    if not (freedom.signals or freedom.keeper):
        for name in ("kill", "tgkill"):
            answer = [(_RETURN, 0, 0, _ERRNO | errno.EPERM)] if own is None else _one_of((own,))
            code += _when(limited[name], answer)
    return _fixed(machine, freedom) + _packed([*code, (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])


def _packed(code: list[Instruction]) -> bytes:
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _when(number: int, then: list[Instruction]) -> list[Instruction]:
    """`then`, which ends with an answer, for one call; the accumulator holds the number before and after."""
    return [(_JUMP_EQUAL, 0, len(then), number), *then]


def _word(argument: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)  # the low half: these arguments are 32 bits wide


def _one_of(values: tuple[int, ...], argument: int = 0) -> list[Instruction]:
    code = [_word(argument)]
    for value in values:
        code += [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _ERRNO | errno.EPERM)]


def _none_of(values: tuple[int, ...], argument: int = 0) -> list[Instruction]:
    code = [_word(argument)]
    for value in values:
        code += [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _threads() -> list[Instruction]:
    return [
        _word(0),
        (_JUMP_ANY, 2, 0, _NEW_NAMESPACES),
        (_JUMP_ANY, 0, 1, _THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EAGAIN),
    ]


def _processes_or_threads() -> list[Instruction]:
    return [
        _word(0),
        (_JUMP_ANY, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
