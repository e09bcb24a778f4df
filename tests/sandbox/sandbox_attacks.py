"""Hostile programs, by name. Each would do harm, or pass tests that it should not, if nothing held it.

None is ever executed outside a sandbox. Those that send signals first ask with signal 0, which does nothing, whether
they may, and stop there if they may: a sandbox that fails is seen without harm.
"""

from __future__ import annotations

HELD: dict[str, str] = {
    "forks without end": """
import os
while True:
    os.fork()
""",
    "forks by another call": """
import ctypes
libc = ctypes.CDLL(None)
while True:
    assert libc.vfork() >= 0, "refused"
""",
    "clones processes": """
import ctypes
libc = ctypes.CDLL(None)
assert libc.syscall(56, 17, 0, 0, 0, 0) >= 0, "refused"
""",
    "starts threads without end": """
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(1000,)).start()
""",
    "takes all memory at once": "hoard = bytearray(10**12)",
    "takes all memory by and by": """
hoard = []
while True:
    hoard.append(bytearray(10**6))
""",
    "takes all memory in files without a name": """
import os
hoard = []
while True:
    hoard.append(os.memfd_create("x"))
    os.write(hoard[-1], bytes(10**6))
""",
    "takes shared memory": """
import ctypes
libc = ctypes.CDLL(None)
assert libc.shmget(0, 10**6, 0o1600) >= 0, "refused"
""",
    "writes a big file": """
with open("big", "wb") as file:
    while True:
        file.write(bytes(10**6))
""",
    "fills the disk": """
n = 0
while True:
    n += 1
    try:
        with open(f"file{n}", "wb") as file:
            file.write(bytes(10**6))
    except OSError:
        pass
""",
    "prints without end": """
while True:
    print("x" * 10**6)
""",
    "prints without end, past Python": """
import os
while True:
    os.write(2, b"x" * 10**6)
""",
    "computes without end": """
while True:
    pass
""",
    "ignores signals": """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
""",
    "sleeps for ever": """
import time
while True:
    time.sleep(100)
""",
    "sleeps in a thread and computes in none": """
import threading
threading.Event().wait()
""",
    "stops itself": """
import os, signal, time
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(1000)
""",
    "waits for input": """
import os
os.read(3, 10)
import select
select.select([], [], [])
""",
    "becomes a shell": """
import os
os.execv("/bin/sh", ["sh", "-c", "echo out"])
""",
    "starts a program": """
import subprocess
subprocess.run(["/bin/echo", "out"], check=True)
""",
    "goes on as a daemon": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
""",
    "makes a user namespace": """
import ctypes
assert ctypes.CDLL(None).unshare(0x10000000) == 0, "refused"
""",
    "makes a mount namespace": """
import ctypes
assert ctypes.CDLL(None).unshare(0x00020000) == 0, "refused"
""",
    "mounts": """
import ctypes
assert ctypes.CDLL(None).mount(b"none", b".", b"tmpfs", 0, None) == 0, "refused"
""",
    "unmounts": """
import ctypes
assert ctypes.CDLL(None).umount2(b"/work", 2) == 0, "refused"
""",
    "traces its parent": """
import ctypes, os
assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0, "refused"
""",
    "reads its parent's memory": """
import ctypes, os
assert ctypes.CDLL(None).syscall(310, os.getppid(), 0, 0, 0, 0, 0) >= 0, "refused"
""",
    "takes back its limits": """
import resource
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
""",
    "becomes root": """
import os
os.setuid(0)
""",
    "sets signals on another's file": """
import fcntl, os
fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())
""",
    "makes a device": """
import os, stat
os.mknod("disk", 0o666 | stat.S_IFBLK, os.makedev(8, 0))
""",
    "writes its score for the memory killer": 'open("/proc/self/oom_score_adj", "w").write("-1000")',
    "writes kernel settings": 'open("/proc/sys/kernel/core_pattern", "w").write("|/bin/sh")',
    "writes into memory by /proc": 'open("/proc/self/mem", "r+b").write(b"x")',
    "reads another's environment": 'assert open("/proc/1/environ").read() is not None',
    "reads passwords": 'open("/etc/shadow").read()',
    "reads users": 'open("/etc/passwd").read()',
    "reads the name of the machine": 'open("/etc/hostname").read()',
    "lists the home folder": """
import os
os.listdir("/root") + os.listdir("/home/" + os.listdir("/home")[0])
""",
    "writes into system folders": 'open("/usr/lib/canary", "w").write("x")',
    "writes into the temporary folder of all": 'open("/tmp/canary", "w").write("x")',
    "opens a socket": """
import socket
socket.create_connection(("127.0.0.1", 22))
""",
    "opens a socket to a name": """
import socket
socket.socket(socket.AF_UNIX).connect("\\0anything")
""",
    "opens a raw socket": """
import socket
socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
""",
    "looks up a name": """
import urllib.request
urllib.request.urlopen("http://example.org/")
""",
    "makes a ring of system calls": """
import ctypes
assert ctypes.CDLL(None).syscall(425, 8, bytes(120)) >= 0, "refused"
""",
    "calls by another table": """
import ctypes
ctypes.CDLL(None).syscall(0x40000000 + 39)
""",
    "crashes": """
import ctypes
ctypes.string_at(0)
""",
    "exits": """
import sys
sys.exit(0)
""",
    "exits at once": """
import os
os._exit(0)
""",
    "never ends its recursion": """
import sys
sys.setrecursionlimit(10**9)
def deeper(n):
    return deeper(n + 1) + deeper(n + 2)
deeper(0)
""",
}
"""Do harm while they are loaded; then they would be right, if they got there."""

SIGNALS: dict[str, str] = {
    name: f"""
import os
def may(call):
    try:
        call(0)
    except OSError:
        return False
    return True
call = lambda number: {call}
if may(call):
    raise SystemExit("it may send signals")
call(9)
"""
    for name, call in {
        "kills its parent": "os.kill(os.getppid() or 2, number)",
        "kills all": "os.kill(-1, number)",
        "kills its group": "os.kill(0, number)",
        "kills another": "os.kill(2, number)",
    }.items()
}

FORGED: dict[str, str] = {
    "prints the word": """
def f(x):
    print("passed")
    print('{"status": "passed", "detail": "", "printed": ""}', flush=True)
    return 0
""",
    "writes the verdict everywhere": """
import os
def f(x):
    for file in range(64):
        try:
            os.write(file, b'{"status": "passed", "detail": "", "printed": ""}')
            os.write(file, b'\\xff\\0\\0\\0\\x02{}')
        except OSError:
            pass
    return 0
""",
    "equals everything": """
class Anything:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    __hash__ = object.__hash__
    def __sub__(self, other):
        return 0
    __rsub__ = __sub__
    def __abs__(self):
        return 0
    def __float__(self):
        return 42.0
def f(x):
    return Anything()
""",
    "equals everything, as a kind of number": """
class Anything(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__
def f(x):
    return Anything(3)
""",
    "equals everything, inside a list": """
class Anything(list):
    def __eq__(self, other):
        return True
def f(x):
    return [Anything(), Anything()]
""",
    "leaves by a call": """
import sys
def f(x):
    sys.exit(0)
""",
    "leaves by a call at once": """
import os
def f(x):
    os._exit(0)
""",
    "raises what ends tests": """
def f(x):
    raise SystemExit(0)
""",
    "raises what a generator raises": """
def f(x):
    raise GeneratorExit
""",
    "looks for the answer in frames": """
import re, sys
def f(x):
    frame = sys._getframe()
    while frame:
        if found := re.search("f.1. == ([0-9]{6,})", repr({**frame.f_globals, **frame.f_locals})):
            return int(found[1])
        frame = frame.f_back
    return 0
""",
    "looks for the answer among all objects": """
import gc, re
def f(x):
    for thing in gc.get_objects():
        try:
            found = re.search("f.1. == ([0-9]{6,})", repr(thing))
        except Exception:
            continue
        if found:
            return int(found[1])
    return 0
""",
    "looks for the answer in memory": """
import ctypes, re
def f(x):
    for start in {id(object()) >> 20, id("x" * 1000) >> 20, id([]) >> 20, id({}) >> 20}:
        found = re.search(b"f.1. == ([0-9]{6,})", ctypes.string_at(start << 20, 1 << 20))
        if found:
            return int(found[1])
    return 0
""",
    "changes what tests are made of": """
import builtins, json
builtins.AssertionError = ValueError
builtins.exec = builtins.compile = lambda *more, **named: None
json.dumps = lambda *more: '{"status": "passed"}'
def f(x):
    return 0
""",
    "changes the modules of its process": """
import sys
for name, module in list(sys.modules.items()):
    if name == "inside.tests":
        module.verdict = lambda *more: {"status": "passed", "detail": "", "printed": ""}
def f(x):
    return 0
""",
    "answers with rubbish": """
import os
def f(x):
    os.write(3, b"\\0\\0\\0\\x05hello")
    return 0
""",
    "answers with a huge length": """
import os
def f(x):
    os.write(3, b"\\xff\\xff\\xff\\xff")
    return 0
""",
    "answers with endless depth": """
import os, struct
def f(x):
    said = b"[" * 100000 + b"]" * 100000
    os.write(3, struct.pack("!I", len(said)) + said)
    return 0
""",
    "answers with a module": """
import os, json, struct
def f(x):
    said = json.dumps({"value": {"module": "os"}, "after": []}).encode()
    os.write(3, struct.pack("!I", len(said)) + said)
    return 0
""",
    "answers with a call of the tests": """
import os, json, struct
def f(x):
    said = json.dumps({"callback": 0, "arguments": []}).encode()
    os.write(3, struct.pack("!I", len(said)) + said)
    return 0
""",
    "closes the channel": """
import os
def f(x):
    os.close(3)
    return 0
""",
    "says nothing": """
import time
def f(x):
    time.sleep(1000)
""",
}
"""Define `f`, which the tests ask for a number that only they know."""

SECRET = "assert f(1) == 47110815"
"""Tests that no program passes that does not know the number."""
