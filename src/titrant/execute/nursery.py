"""The process from which workers are forked: it imports the heavy libraries once, so that a worker starts in
milliseconds instead of seconds.

The parent holds one control socket. For each job it passes one end of a new socket pair; the nursery forks, the child
reads its pickled assignment from that socket and writes events to it, one JSON object a line. When a child ends, the
nursery writes its exit status to the same socket and closes it. Death travels down: the kernel kills the nursery when
the parent dies, and the children when the nursery dies.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from titrant.errors import EngineError, JobError, Problem, StoreError, StudyError
from titrant.execute.worker import Assignment, StopSwitch, do_job
from titrant.lifeline import die_with

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON")}
"""Workers are many; each computes on one thread, and must hear of it before any library is loaded."""

_LENGTH = struct.Struct(">Q")


class Nursery:
    """The parent's side: starts the process, asks for workers."""

    def __init__(self, modules: Iterable[str]) -> None:
        """`modules` are imported before the first fork; one that cannot be is left to the job that needs it."""
        ours, theirs = socket.socketpair()
        # children must find the same modules as this process; -P keeps the current folder from shadowing them
        environment = {
            **os.environ,
            **ONE_THREAD,
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "titrant.execute.nursery",
                    str(theirs.fileno()),
                    str(os.getpid()),
                    *modules,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        self._control = ours

    def start(self, assignment: Assignment) -> socket.socket:
        """Start a worker; its events come from the socket. Raises EngineError if the nursery is gone."""
        ours, theirs = socket.socketpair()
        content = pickle.dumps(assignment)
        try:
            with theirs:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            ours.sendall(_LENGTH.pack(len(content)) + content)
        except OSError:
            ours.close()
            raise EngineError(
                "the process that starts workers has died (killed, or out of memory); run again to go on"
            ) from None
        return ours

    def close(self) -> None:
        """End it, and with it whatever workers it still has."""
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _serve(control: socket.socket) -> None:
    """Fork a worker for each socket that comes in, until the parent closes its end."""
    waker, wakened = socket.socketpair()
    waker.setblocking(False)
    wakened.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    children: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(wakened, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is wakened:
                with contextlib.suppress(BlockingIOError):
                    wakened.recv(4096)
                _reap(children)
                continue
            byte, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not byte:
                return
            events = socket.socket(fileno=descriptors[0])
            nursery = os.getpid()
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                control.close()
                _be_worker(events, nursery)
            children[child] = events


def _reap(children: dict[int, socket.socket]) -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        if child in children:
            with children.pop(child) as events, contextlib.suppress(OSError):
                code = os.waitstatus_to_exitcode(status)
                # a killed child may have left half a line
                events.sendall(b"\n" + json.dumps({"event": "exit", "code": code}).encode() + b"\n")


def _be_worker(events: socket.socket, nursery: int) -> None:
    """The child: never returns."""
    code = 1
    try:
        stop = StopSwitch()
        stop.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(nursery)
        _tell(events, {"event": "started", "pid": os.getpid()})
        code = _work(events, stop)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _work(events: socket.socket, stop: StopSwitch) -> int:
    assignment = pickle.loads(_read_exactly(events, _LENGTH.unpack(_read_exactly(events, _LENGTH.size))[0]))
    if assignment.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = assignment.gpu
    os.environ["TITRANT_CORES"] = str(assignment.cores)
    try:
        folder = do_job(assignment, lambda event: _tell(events, event), stop)
        _tell(events, {"event": "finished", "folder": str(folder)})
        return 0
    except KeyboardInterrupt:
        _tell(events, {"event": "stopped"})
    except BaseException as error:
        _tell(events, describe_failure(error))
    return 1


def describe_failure(error: BaseException) -> dict[str, object]:
    """An exception as an event, so that the parent can raise its like."""
    content: dict[str, object] = {"event": "failed", "fault": type(error).__name__, "message": str(error)}
    if isinstance(error, StudyError):
        content["problems"] = [asdict(problem) for problem in error.problems]
    if isinstance(error, JobError):
        content["message"] = error.message
    return content


def failure_of(event: Mapping[str, object]) -> StudyError | StoreError | EngineError | None:
    """The exception behind a `failed` event; None if it was a plain failure of the job."""
    message, problems = str(event.get("message")), event.get("problems")
    if event.get("fault") == "StudyError" and isinstance(problems, list):
        return StudyError([Problem(p["message"], p["where"], tuple(p["path"])) for p in problems])
    kinds: dict[object, type[StoreError] | type[EngineError]] = {"StoreError": StoreError, "EngineError": EngineError}
    kind = kinds.get(event.get("fault"))
    return kind(message) if kind else None


def _tell(events: socket.socket, event: Mapping[str, object]) -> None:
    """Write one event. A parent that is gone wants no worker any more."""
    try:
        events.sendall(json.dumps(event).encode() + b"\n")
    except OSError:
        os._exit(1)


def _read_exactly(events: socket.socket, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        part = events.recv(min(1 << 20, count - len(content)))
        if not part:
            os._exit(1)
        content += part
    return bytes(content)


def main() -> None:
    """`python -m titrant.execute.nursery SOCKET PARENT MODULE...`"""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group; the parent decides what they mean
    control = socket.socket(fileno=int(sys.argv[1]))
    die_with(int(sys.argv[2]))
    for module in sys.argv[3:]:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    _serve(control)
    os._exit(0)


if __name__ == "__main__":
    main()
