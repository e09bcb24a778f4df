"""Hostile programs are contained, scored as failed, and leave the sandbox and the machine as they were."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sandbox_attacks import FORGED, HELD, SECRET, SIGNALS

from titrant.sandbox import PythonCheck, Sandbox, Verdict

RIGHT = PythonCheck("def f(x):\n    return x + 1", "assert f(1) == 2", ("f",))
REASONS = {
    "forks without end": ("error", "BlockingIOError"),
    "starts threads without end": ("error", "can't start new thread"),
    "takes all memory at once": ("out of memory", ""),
    "takes all memory by and by": ("out of memory", ""),
    "writes a big file": ("error", "File too large"),
    "prints without end": ("output limit", "printed more than 10000 bytes"),
    "prints without end, past Python": ("output limit", "printed more than 10000 bytes"),
    "computes without end": ("timed out", "more than 0.5 s"),
    "ignores signals": ("timed out", "more than 0.5 s"),
    "sleeps for ever": ("timed out", "more than 0.5 s"),
    "stops itself": ("timed out", "more than 0.5 s"),
    "becomes a shell": ("error", "PermissionError"),
    "opens a socket": ("error", "PermissionError"),
    "crashes": ("killed", "SIGSEGV"),
    "exits": ("error", "SystemExit"),
    "exits at once": ("error", "exit code 0"),
}


def hostile(source: str) -> PythonCheck:
    return PythonCheck(source + "\ndef f(x):\n    return x + 1\n", "assert f(1) == 2", ("f",))


def below(process: int) -> set[str]:
    found = set()
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            found |= {child} | below(int(child))
    return found


def settled(sandbox: Sandbox) -> set[str]:
    """The processes that stand there once those of earlier tests have ended: the same ones five times in a row."""
    seen: list[set[str]] = []
    while len(seen) < 5 or any(one != seen[-1] for one in seen[-5:]):
        assert sandbox.run(RIGHT).passed
        seen.append(below(os.getpid()))
        time.sleep(0.01)
        assert len(seen) < 1000
    return seen[-1]


def attack(sandbox: Sandbox, check: PythonCheck) -> Verdict:
    """The attack, and beside and after it right programs, which must not notice."""
    before = settled(sandbox)
    verdicts = dict(sandbox.run_many([check, RIGHT, RIGHT, RIGHT]))
    assert [verdicts[index].passed for index in (1, 2, 3)] == [True, True, True]
    assert not verdicts[0].passed, verdicts[0]
    assert below(os.getpid()) == before, "a process outlived its execution, or a slot had to be begun again"
    return verdicts[0]


@pytest.mark.parametrize("name", HELD)
def test_harm_is_refused_and_scored_as_failed(sandbox: Sandbox, name: str) -> None:
    verdict = attack(sandbox, hostile(HELD[name]))
    status, detail = REASONS.get(name, (verdict.status, ""))
    assert verdict.status == status
    assert detail in verdict.detail
    assert len(verdict.output) <= sandbox.limits.output_bytes


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_reach_nobody_else(sandbox: Sandbox, name: str) -> None:
    assert "PermissionError" in attack(sandbox, hostile(SIGNALS[name])).detail


@pytest.mark.parametrize("name", FORGED)
def test_a_verdict_cannot_be_forged(sandbox: Sandbox, name: str) -> None:
    attack(sandbox, PythonCheck(FORGED[name], SECRET, ("f",)))


def test_the_answer_that_forgers_look_for_would_pass(sandbox: Sandbox) -> None:
    assert sandbox.run(PythonCheck("def f(x):\n    return 47110815", SECRET, ("f",))).passed


def test_a_disk_is_not_filled(sandbox: Sandbox) -> None:
    fill = """
def f():
    for number in range(40):
        with open(str(number), "wb") as file:
            file.write(bytes(2**20))
    import time
    time.sleep(0.2)
"""
    verdict = attack(sandbox, PythonCheck(fill, "f()", ("f",)))
    if sandbox.tier == "bubblewrap":
        assert "No space left" in verdict.detail
    else:
        assert verdict.status == "disk limit"


def test_a_port_and_a_name_of_the_machine_are_out_of_reach(sandbox: Sandbox) -> None:
    """Listeners outside would accept at once; none is asked."""
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as name:
        name.bind("\0titrant-test-sandbox")
        name.listen()
        tried = f"""
import socket
def f():
    reached = []
    for family, address in ((socket.AF_INET, ("127.0.0.1", {port.getsockname()[1]})), (socket.AF_UNIX, "\\0titrant-test-sandbox")):
        try:
            socket.socket(family).connect(address)
            reached.append(address)
        except OSError:
            pass
    return reached
"""
        assert sandbox.run(PythonCheck(tried, "assert f() == []", ("f",))).passed
        for listener in (port, name):
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()


def test_files_outside_are_neither_read_nor_written_nor_linked(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (kept := tmp_path / "kept.txt").write_text("kept")
    kept.chmod(0o666)
    tried = f"""
import os
def tries(call):
    try:
        return call()
    except OSError:
        return None
def f():
    os.symlink("/", "root")
    os.symlink("{tmp_path}", "folder")
    os.symlink("{kept}", "file")
    os.mkdir("deep")
    return [
        tries(lambda: open("{kept}").read()),
        tries(lambda: open("file").read()),
        tries(lambda: open("root{kept}", "a").write("x")),
        tries(lambda: open("folder/new", "w").write("x")),
        tries(lambda: open("deep/../../../../../../../..{kept}", "a").write("x")),
        tries(lambda: os.link("{kept}", "linked")),
        tries(lambda: os.rename("{kept}", "renamed")),
        tries(lambda: os.truncate("{kept}", 0)),
        tries(lambda: os.unlink("{kept}")),
        tries(lambda: os.listdir("{tmp_path}")),
        tries(lambda: os.open("..", os.O_RDONLY | os.O_TMPFILE)),
        tries(lambda: os.mkfifo("{tmp_path}/fifo")),
        tries(lambda: os.chmod("{kept}", 0) or "done"),
        tries(lambda: os.utime("{kept}", (0, 0)) or "done"),
    ]
"""
    verdict = sandbox.run(PythonCheck(tried, "assert f() == [None] * 14, f()", ("f",)))
    assert verdict.passed, verdict
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]  # links were removed, not what they point to
    assert kept.read_text() == "kept"
    assert kept.stat().st_mode & 0o777 == 0o666


def test_nothing_is_left_for_the_next_program(sandbox: Sandbox) -> None:
    leave = "import os, tempfile\ndef f():\n    open('left', 'w').write('x')\n    tempfile.mkstemp()\n    return os.getcwd()"
    look = "import os, tempfile\ndef f():\n    return os.listdir('.') + os.listdir(tempfile.gettempdir())"
    for _ in range(2):
        assert sandbox.run(PythonCheck(leave, "assert f()", ("f",))).passed
        assert sandbox.run(PythonCheck(look, "assert f() == [], f()", ("f",))).passed


def test_the_environment_is_not_passed_on(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITRANT_TEST_KEY", "secret")
    look = PythonCheck(
        "import os\ndef f():\n    return dict(os.environ)", "assert 'TITRANT_TEST_KEY' not in f()", ("f",)
    )
    assert sandbox.run(look).passed


def test_programs_at_once_do_not_see_each_other(sandbox: Sandbox) -> None:
    """Each writes its number to its folder, waits, and finds it alone there."""
    write = (
        "import os, time\ndef f(n):\n    open(str(n), 'w').close()\n    time.sleep(0.02)\n    return os.listdir('.')"
    )
    checks = [PythonCheck(write, f"assert f({number}) == ['{number}'], f({number})", ("f",)) for number in range(12)]
    assert all(verdict.passed for _, verdict in sandbox.run_many(checks))


def test_the_verdict_is_the_same_on_a_busy_machine(sandbox: Sandbox) -> None:
    """Computing for 0.2 s of 0.5 s takes seconds of the clock here, and passes; 0.2 s of sleep, too; more does not."""
    compute = "import time\ndef f(s):\n    while time.process_time() < s:\n        pass"
    sleep = "import time\ndef f(s):\n    time.sleep(s)"
    checks = [PythonCheck(text, f"f({s})", ("f",)) for text in (compute, sleep) for s in (0.2, 3.0)]
    script = "import os\nwhile os.getppid() == PARENT:\n    sum(range(10**5))"
    load = [
        subprocess.Popen([sys.executable, "-S", "-c", script.replace("PARENT", str(os.getpid()))]) for _ in range(8)
    ]
    try:
        verdicts = dict(sandbox.run_many(checks))
    finally:
        for busy in load:
            busy.kill()
            busy.wait()
    assert [verdicts[index].status for index in range(4)] == ["passed", "timed out", "passed", "timed out"]
