"""How well programs can be contained on this machine, and the command that starts a slot in each way.

1. *bubblewrap*: namespaces of user, process, network, mount and messages around the slot, and once more around each
   program; nothing of the file system but an interpreter and system libraries, read-only.
2. *landlock*: where namespaces are forbidden; the kernel shows each program the same files by Landlock rules. Total use
   of disk and memory by several processes is watched, not bounded.

In both, limits, capabilities and system calls are the same. There is no third way: nothing is executed unprotected.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Literal

from titrant.errors import EngineError
from titrant.sandbox.inside import calls, confine
from titrant.settings import choice

SANDBOX = "TITRANT_SANDBOX"
"""Environment variable: `bubblewrap` or `landlock`, to have this one and no other; the best that works if not set."""

Tier = Literal["bubblewrap", "landlock"]

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/alternatives", "/etc/ld.so.cache")
"""What a program may read, beside its interpreter."""


def environment(hash_seed: int) -> dict[str, str]:
    """All that a program finds in its environment, and the order of sets fixed."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONHASHSEED": str(hash_seed), "LANG": "C.UTF-8"}


_INSIDE = "/launcher"
_UNPRIVILEGED = 61000
"""The first of the user ids that programs run as where Titrant itself runs as root."""
_SLOT_CODE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from inside import slot; slot.main()"
_OWNER_CODE = """import ctypes, sys
print(int(ctypes.CDLL(None).unshare(0x10000000) == 0), end="", flush=True)
sys.stdin.read()
"""


def allowed_tiers() -> tuple[Tier, ...]:
    """The tiers to try, best first. Raises EngineError where none can work, StudyError for a wrong setting."""
    wanted = choice(SANDBOX, ("bubblewrap", "landlock"))
    if sys.platform != "linux" or os.uname().machine not in calls.ARCHITECTURES:
        raise EngineError(
            "generated programs are executed only in a sandbox, which needs Linux on "
            f"{' or '.join(calls.ARCHITECTURES)}; this is {sys.platform} on {os.uname().machine}. Leave code tasks "
            "out, or run them on such a machine"
        )
    both: tuple[Tier, ...] = ("bubblewrap", "landlock")
    return tuple(tier for tier in both if wanted in (None, tier))


def obstacle(tier: Tier) -> str | None:
    """Why a tier cannot work here, as far as can be seen without trying."""
    if tier == "bubblewrap":
        return None if shutil.which("bwrap") else "the program bwrap is not installed"
    version = confine.landlock_version()
    if version < confine.LEAST_LANDLOCK:
        have = f"has version {version} of Landlock" if version else "has no Landlock"
        return f"the kernel {have}; version {confine.LEAST_LANDLOCK} (Linux 6.2) is needed"
    return None


@contextmanager
def slot_command(
    tier: Tier, index: int, scratch: Path | None, folders: Iterable[str], hash_seed: int
) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The command of one slot, and the files it inherits. `folders`: what programs see beside the system and Python;
    `scratch`: an empty folder, where Landlock alone holds programs; `hash_seed`: decides the order of sets of texts."""
    root = os.geteuid() == 0
    package = str(Path(__file__).parent)
    python = [interpreter(), "-P", "-s", "-S", "-B", "-X", "utf8", "-c", _SLOT_CODE]
    readable = (*SYSTEM, sys.base_prefix, *folders, *(str(path) for path in Path("/etc").glob("java-*")))
    if scratch is not None:
        someone = _UNPRIVILEGED + index if root and _has_users() else None
        if someone is not None:
            scratch.chmod(0o711)
        place = {
            "tier": tier,
            "user": someone if _open_to_all(sys.base_prefix) else None,
            "program_user": someone,
            "processes_beside": 0 if root else _own_threads() + 1000,
            "scratch": str(scratch),
            "readable": readable,
        }
        yield [*python, package, json.dumps(place)], ()
        return
    with _owner(_UNPRIVILEGED + index) if root else nullcontext(None) as namespace:
        user = None if namespace is None else 1000
        alone = ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        options = alone if namespace is None else ["--userns", str(namespace)]
        place = {"tier": tier, "user": user, "program_user": user, "processes_beside": 0, "scratch": None}
        place["readable"] = ()
        command = [
            *_bubblewrap(options, readable, package, environment(hash_seed)),
            *python,
            _INSIDE,
            json.dumps(place),
        ]
        yield command, () if namespace is None else (namespace,)


def _bubblewrap(options: list[str], readable: tuple[str, ...], package: str, variables: Mapping[str, str]) -> list[str]:
    command = ["bwrap", *options, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv", "--cap-add", "ALL"]
    for name, value in variables.items():
        command += ["--setenv", name, value]
    made = {parent for path in readable for parent in Path(path).parents if parent != Path("/")}
    for folder in sorted({*made, Path("/dev"), Path(_INSIDE)}):
        command += ["--perms", "0755", "--dir", str(folder)]
    for path in readable:
        if Path(path).is_symlink() and not path.startswith("/etc"):
            command += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists():
            command += ["--ro-bind", path, path]
    command += ["--ro-bind", f"{package}/inside", f"{_INSIDE}/inside"]
    for device in ("null", "zero", "urandom", "random"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    return [*command, "--proc", "/proc", "--dir", confine.FOLDER, "--chdir", "/", "--remount-ro", "/"]


@contextmanager
def _owner(user: int) -> Iterator[int | None]:
    """A user namespace in which 0 is root and 1000 an unprivileged user outside, so that limits of processes count for
    programs. None where this root may not give users away, as in some containers."""
    helper = subprocess.Popen(
        [interpreter(), "-I", "-S", "-c", _OWNER_CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    namespace = None
    try:
        with helper as started:
            assert started.stdout is not None
            if started.stdout.read(1) == b"1":
                with suppress(OSError):
                    for kind in ("uid", "gid"):
                        Path(f"/proc/{started.pid}/{kind}_map").write_text(f"0 0 1\n1000 {user} 1\n")
                    namespace = os.open(f"/proc/{started.pid}/ns/user", os.O_RDONLY)
        yield namespace
    finally:
        if namespace is not None:
            os.close(namespace)


def interpreter() -> str:
    """The interpreter below any virtual environment: the one whose folder is shown to programs."""
    found = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    return str(found if found.exists() else Path(sys.executable).resolve())


def _has_users() -> bool:
    """Whether this root has other users to give, which it has not in some containers."""
    rows = (row.split() for row in Path("/proc/self/uid_map").read_text().splitlines())
    return any(int(row[0]) <= _UNPRIVILEGED < int(row[0]) + int(row[2]) - 1000 for row in rows)


def _own_threads() -> int:
    """How many threads this user has: they count against a limit of processes."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if place.stat().st_uid == os.getuid():
                total += sum(1 for _ in (place / "task").iterdir())
    return total


def _open_to_all(path: str) -> bool:
    """Whether every user can reach a folder."""
    place = Path(path)
    return all(folder.stat().st_mode & 0o001 for folder in (place, *place.parents))
