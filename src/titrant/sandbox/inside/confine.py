"""How a process locks itself in: namespaces and a private folder, or Landlock; limits; no privileges; a filter.

Two tiers. Inside bubblewrap a program gets process, mount and message namespaces of its own and an empty file system of
a fixed size as its folder. Elsewhere Landlock shows it what it may read and one folder to write. In both the rest is
the same: resource limits, an unprivileged user where there is a choice, no capabilities, and the filter of system
calls (`filter`), which is put on last.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import filter as system_calls

FOLDER = "/work"
"""The folder of a program inside bubblewrap."""

_LIBC = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock: a raw clone must not lose it
_CLONE = {"x86_64": 56, "aarch64": 220}
_SIGCHLD = 17
_NEW_MOUNTS, _NEW_MESSAGES, _NEW_PROCESSES = 0x00020000, 0x08000000, 0x20000000
_NO_SETUID, _NO_DEVICES, _DETACH = 2, 4, 2
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG = 24, 38, 1
_CAPABILITIES = 64
_CAPABILITY_VERSION = 0x20080522

_RULESET, _RULE, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_ALL_FILES = {3: (1 << 15) - 1, 5: (1 << 16) - 1}  # by the first version of Landlock that has them
_TCP, _SCOPES = 3, 3
LEAST_LANDLOCK = 3
"""The first version (Linux 6.2) that can refuse to cut a file short."""


@dataclass(frozen=True)
class Bounds:
    """The limits that the kernel holds, and whom the program runs as."""

    memory_bytes: int | None
    """Address space; None where the slot watches memory instead."""
    data_bytes: int | None
    cpu_seconds: int | None
    """None: none of its own; those that it starts get theirs."""
    file_bytes: int
    num_processes: int
    user: int | None
    """A user to become; None: stay."""


def prepare() -> None:
    """Work out once what every process that is forked from this one needs."""
    for metadata in (False, True):
        system_calls.assemble(os.uname().machine, system_calls.Freedom(metadata=metadata), 1)


def clone_apart() -> int:
    """Fork into new process, mount and message namespaces. Like `os.fork`; needs the rights of a namespace's owner."""
    interpreter = ctypes.pythonapi
    interpreter.PyOS_BeforeFork()
    flags = _NEW_MOUNTS | _NEW_MESSAGES | _NEW_PROCESSES | _SIGCHLD
    process: int = _LIBC.syscall(_CLONE[os.uname().machine], flags, 0, 0, 0, 0)
    error = ctypes.get_errno()
    if process == 0:
        interpreter.PyOS_AfterFork_Child()
        return 0
    interpreter.PyOS_AfterFork_Parent()
    if process < 0:
        raise OSError(error, f"no namespaces of its own: {os.strerror(error)}")
    return process


def mount_folder(size_bytes: int, *, hide_processes: bool) -> None:
    """An empty file system of at most `size_bytes` at FOLDER, and by choice nothing at /proc. Raises OSError."""
    options = f"size={size_bytes},nr_inodes=8192,mode=1777".encode()
    _check(_LIBC.mount(b"tmpfs", FOLDER.encode(), b"tmpfs", _NO_SETUID | _NO_DEVICES, options), "mount a folder")
    if hide_processes:
        hide_all_processes()


def hide_all_processes() -> None:
    """Nothing at /proc, in a mount namespace of one's own. Raises OSError."""
    _check(_LIBC.umount2(b"/proc", _DETACH), "hide /proc")


def lock_in(bounds: Bounds, freedom: system_calls.Freedom, own: int | None) -> None:
    """Limits, user, capabilities, filter, in this order. Nothing undoes it. Raises OSError."""
    set_limits(bounds)
    become(bounds.user)
    drop_capabilities()
    die_with_parent()  # a change of user takes it back, and the filter forbids it
    system_calls.install(freedom, own)


def set_limits(bounds: Bounds) -> None:
    """Resource limits, hard and soft alike."""
    wanted = {
        resource.RLIMIT_AS: bounds.memory_bytes,
        resource.RLIMIT_DATA: bounds.data_bytes,
        resource.RLIMIT_CPU: bounds.cpu_seconds,
        resource.RLIMIT_FSIZE: bounds.file_bytes,
        resource.RLIMIT_NPROC: bounds.num_processes,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for which, value in wanted.items():
        if value is not None:
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))


def set_time(bounds: Bounds) -> None:
    """The limit of processor time alone."""
    if bounds.cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu_seconds, bounds.cpu_seconds))


def become(user: int | None) -> None:
    """Another user and group, for good; nothing if `user` is None."""
    if user is not None:
        with contextlib.suppress(PermissionError):  # a namespace without groups has none to give up
            os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def drop_capabilities() -> None:
    """None left, none to be had."""
    for capability in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for those the kernel does not have
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION, 0))
    _check(_LIBC.capset(header, ctypes.create_string_buffer(24)), "drop capabilities")


def die_with_parent(by: int = 9) -> None:
    """The kernel sends this process a signal when the one that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process, so that none is lost."""
    _LIBC.prctl(36, 1, 0, 0, 0)


def landlock_version() -> int:
    """The kernel's version of Landlock; 0: none."""
    return max(0, int(_LIBC.syscall(_RULESET, None, 0, 1)))


def restrict_files(readable: Iterable[str], writable: str | None) -> None:
    """Landlock: read and execute below `readable`, all but devices below `writable`, nothing else; no TCP, no signals
    to processes outside, where the kernel's version knows how. Raises OSError."""
    version = landlock_version()
    if version < LEAST_LANDLOCK:
        raise OSError(f"Landlock version {version} is too old")
    files = _ALL_FILES[5 if version >= 5 else 3]
    words = [files]
    words += [_TCP] if version >= 4 else []
    words += [_SCOPES] if version >= 6 else []
    attributes = ctypes.create_string_buffer(struct.pack(f"{len(words)}Q", *words), 8 * len(words))
    ruleset = _LIBC.syscall(_RULESET, attributes, 8 * len(words), 0)
    _check(min(ruleset, 0), "make Landlock rules")
    for path in readable:
        _allow(ruleset, path, _EXECUTE | _READ | _LIST)
    _allow(ruleset, "/dev/null", _READ | _WRITE | _TRUNCATE)
    for device in ("/dev/zero", "/dev/urandom", "/dev/random"):
        _allow(ruleset, device, _READ)
    if writable is not None:
        made = 1 << 6 | 1 << 11  # character and block devices
        _allow(ruleset, writable, ((1 << 15) - 1) & ~made)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _check(_LIBC.syscall(_RESTRICT, ruleset, 0), "restrict files")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or not for this user, needs no rule
    if not Path(path).is_dir():
        rights &= _EXECUTE | _WRITE | _READ | _TRUNCATE
    rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place), 12)
    _check(_LIBC.syscall(_RULE, ruleset, 1, rule, 0), f"allow {path}")
    os.close(place)


def _check(answer: int, what: str) -> None:
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"cannot {what}: {os.strerror(error)}")
