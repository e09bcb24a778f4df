"""What the kernel does not bound is watched, and what a program leaves behind decides no run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from titrant.sandbox import Program, PythonCheck, Sandbox
from titrant.sandbox.inside import endings, watch

RIGHT = PythonCheck("def f():\n    return 1", "assert f() == 1", ("f",))
DEEP = "import os\ndef f():\n    for _ in range(DEPTH):\n        os.mkdir('d')\n        os.chdir('d')\n    with open('x', 'wb') as file:\n        file.write(bytes(1000))\n    return 1"
UNLINKED = """
import os, time
kept = []
def f():
    for number in range(40):
        kept.append(os.open(str(number), os.O_CREAT | os.O_RDWR))
        os.unlink(str(number))
        os.write(kept[-1], bytes(2**20))
    time.sleep(0.2)
"""
THREADS = """
import threading
def f():
    threading.stack_size(65536)
    stop = threading.Event()
    try:
        for _ in range(900):
            threading.Thread(target=stop.wait, daemon=True).start()
    finally:
        stop.wait(0.2)
"""


def nest(top: Path, depth: int) -> None:
    """Folders in folders, with a file of 1000 bytes in the last."""
    place = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 20, dir_fd=place)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    file = os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=place)
    os.write(file, bytes(1000))
    os.close(file)
    os.close(place)


def test_folders_nested_deeply_are_seen_and_removed() -> None:
    """Deeper than Python recurses, and than the kernel takes a path."""
    with tempfile.TemporaryDirectory() as kept:
        top = Path(kept, "top")
        top.mkdir()
        before = watch.folder_bytes(str(top))
        nest(top, 1500)
        assert watch.folder_bytes(str(top)) - before >= 1000
        outside = Path(kept, "outside")
        outside.write_text("kept")
        (top / "link").symlink_to(outside)
        (top / "folder").symlink_to(kept)
        (top / "closed").mkdir(mode=0)
        endings.remove(str(top))
        assert [path.name for path in Path(kept).iterdir()] == ["outside"]


def test_folders_nested_deeply_decide_no_run(sandbox: Sandbox) -> None:
    deep = PythonCheck(DEEP.replace("DEPTH", "1500"), "assert f() == 1", ("f",))
    found = dict(sandbox.run_many([deep, RIGHT, deep, RIGHT]))
    assert [found[index].status for index in range(4)] == ["passed"] * 4


def test_files_without_a_name_count(sandbox: Sandbox) -> None:
    verdict = sandbox.run(PythonCheck(UNLINKED, "f()", ("f",)))
    if sandbox.tier == "bubblewrap":
        assert "No space left" in verdict.detail
    else:
        assert verdict.status == "disk limit"
    assert sandbox.run(RIGHT).passed


def test_a_file_without_a_name_counts_once() -> None:
    with tempfile.TemporaryFile() as file:
        before = watch.unlinked_bytes([os.getpid()])
        file.write(bytes(10**6))
        file.flush()
        again = os.dup(file.fileno())
        try:
            grown = watch.unlinked_bytes([os.getpid(), os.getpid()]) - before
        finally:
            os.close(again)
    assert 10**6 <= grown < 2 * 10**6


def test_threads_are_bounded_whoever_the_program_runs_as(sandbox: Sandbox) -> None:
    verdict = sandbox.run(PythonCheck(THREADS, "f()", ("f",)))
    assert verdict.status == "error"
    assert "can't start new thread" in verdict.detail or verdict.detail == "started more than 64 threads"
    assert sandbox.run(RIGHT).passed


def test_processes_are_bounded_whoever_the_program_runs_as(sandbox: Sandbox) -> None:
    verdict = sandbox.run(Program("sh", "for i in $(seq 400); do sleep 0.3 & done; sleep 0.3; wait"))
    assert not verdict.passed
    assert sandbox.run(RIGHT).passed


SHORT_LIVED = "for i in $(seq 300); do x=$(i=0; while [ $i -lt 30 ]; do i=$((i+1)); done); done"
"""A shell that starts one process after another, and waits for each: it computes all the time."""


@contextmanager
def busy_machine() -> Iterator[None]:
    """More processes that compute than there are processors."""
    script = f"import os\nwhile os.getppid() == {os.getpid()}:\n    sum(range(10**4))"
    load = [subprocess.Popen([sys.executable, "-S", "-c", script]) for _ in range(4 * len(os.sched_getaffinity(0)))]
    try:
        yield
    finally:
        for process in load:
            process.kill()
            process.wait()


def test_processes_that_live_between_two_looks_compute_and_do_not_sleep() -> None:
    def computed_by_ended() -> float:
        found = resource.getrusage(resource.RUSAGE_CHILDREN)
        return found.ru_utime + found.ru_stime

    with busy_machine():
        before = computed_by_ended()
        process = subprocess.Popen(["bash", "-c", SHORT_LIVED])
        spent, slept = watch.OwnTime(), []
        began = time.monotonic()
        while process.poll() is None:
            time.sleep(0.02)
            spent.look([process.pid, *watch.descendants(process.pid)])
            slept.append(spent.sleeping_seconds)
        took, computed = time.monotonic() - began, computed_by_ended() - before
    assert max(slept) < 0.25 * took
    assert spent.computed_seconds() > 0.5 * computed  # most of it by processes that no look has seen


@pytest.mark.parametrize(
    "source",
    [
        "while :; do sleep 0.005; done",
        "while :; do sleep 0.019 & sleep 0.01; done",
        "trap '' CHLD; while :; do (sleep 0.005; :); done",
        "while :; do (i=0; while [ $i -lt 300 ]; do i=$((i+1)); done); done",
    ],
)
def test_no_chain_of_short_lived_processes_goes_on_for_ever(sandbox: Sandbox, source: str) -> None:
    verdict = sandbox.run(Program("sh", source))
    assert (verdict.status, verdict.detail) == ("timed out", "computed and slept for more than 0.5 s")


@pytest.mark.parametrize("size", [0, 10])
def test_threads_are_counted(size: int) -> None:
    import threading

    stop = threading.Event()
    before = watch.threads([os.getpid()])
    started = [threading.Thread(target=stop.wait) for _ in range(size)]
    for thread in started:
        thread.start()
    try:
        assert watch.threads([os.getpid()]) - before == size
    finally:
        stop.set()
        for thread in started:
            thread.join()
