"""The first thing that a sandbox executes: a program that tries its walls, and is right only if they hold.

It asks before it would do harm: signals are tried with number 0, which does nothing.
"""

from __future__ import annotations

from titrant.sandbox.checks import PythonCalls, PythonCheck

_PROGRAM = """
import colorsys, ctypes, fcntl, os, resource, socket, subprocess

def opened(path, how="r"):
    with open(path, how):
        return True

def forked():
    if os.fork() == 0:
        os._exit(0)
    return True

WALLS = {
    "start a process": forked,
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "signal its parent": lambda: os.kill(os.getppid() or 2, 0) is None,
    "signal all": lambda: os.kill(-1, 0) is None,
    "open a socket": lambda: bool(socket.socket()),
    "open a local socket": lambda: bool(socket.socket(socket.AF_UNIX)),
    "read users": lambda: opened("/etc/passwd"),
    "read processes": lambda: opened("/proc/1/cmdline"),
    "read the home folder": lambda: bool(os.listdir("/root") + os.listdir("/home")),
    "write beside its folder": lambda: opened("/tmp/titrant-trial", "w"),
    "write above its folder": lambda: opened("../titrant-trial", "w"),
    "make namespaces": lambda: ctypes.CDLL(None).unshare(0x10000000) == 0,
    "be traced": lambda: ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0,
    "lift its limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) is None,
    "own a signal": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid()) == 0,
    "write a big file": lambda: os.truncate(os.open("big", os.O_CREAT | os.O_WRONLY), 10**12) is None,
}

def reach(folder=True):
    found = []
    for name, wall in WALLS.items():
        try:
            if wall():
                found.append(name)
        except OSError:
            pass
        except ValueError:
            pass
    if folder:
        with open("own", "w") as file:
            file.write("x")
    return found + sorted(name for name in os.environ if name not in ALLOWED)

ALLOWED = ("HOME", "LANG", "LC_CTYPE", "PATH", "PWD", "PYTHONHASHSEED", "TMPDIR")
"""

WALLS = PythonCheck(_PROGRAM, "found = reach()\nassert found == [], 'a program can ' + ', '.join(found)", ("reach",))
"""Passes only where every wall holds, and where modules can be imported and files be written in its own folder."""

WALLS_OF_CALLS = PythonCalls(_PROGRAM, "reach", "[(False,)]")
"""Answers with an empty list only where every wall holds for calls in a batch, too."""
