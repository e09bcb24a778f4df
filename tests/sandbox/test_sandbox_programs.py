"""Whole programs: each language passes when it is right, fails when it is not, and is held when it is hostile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from titrant.errors import EngineError
from titrant.sandbox import Program, Sandbox, Verdict, languages
from titrant.sandbox.languages import LANGUAGES, language_named
from titrant.sandbox.tiers import SANDBOX

HERE = [name for name, installed in languages().items() if installed]


def run(sandbox: Sandbox, program: Program) -> Verdict:
    """Skips languages that an unprivileged user cannot reach, because they lie in a private home folder."""
    try:
        return sandbox.run(program)
    except EngineError as error:
        if "Permission denied" in str(error) and sandbox.tier == "landlock" and os.geteuid() == 0:
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "java" else ()) for n in LANGUAGES])
def test_a_right_program_passes_and_a_wrong_one_fails(sandbox: Sandbox, name: str) -> None:
    if name not in HERE:
        pytest.skip(f"{LANGUAGES[name].install} is not installed")
    right = LANGUAGES[name].trial
    assert run(sandbox, Program(name, right)) == Verdict("passed", cpu_seconds=pytest.approx(0, abs=1e9))  # type: ignore[arg-type]
    wrong = run(sandbox, Program(name, right.replace("2", "3")))
    assert wrong.status == "failed"
    assert wrong.detail.startswith("exit code ")


@pytest.mark.parametrize(
    ("source", "status", "detail"),
    [
        ("exit 0", "error", "it ended before its last statement"),
        ("echo passed; exit 0", "error", "it ended before its last statement"),
        ("exit 3", "failed", "exit code 3"),
        ("kill -9 $$", "killed", "ended by signal SIGKILL"),
        ("while :; do :; done", "timed out", "computed and slept for more than 0.5 s"),
        ("sleep 100", "timed out", "computed and slept for more than 0.5 s"),
        ("trap '' INT TERM HUP; while :; do sleep 1; done", "timed out", "computed and slept for more than 0.5 s"),
        ("(setsid sleep 100 &) ; sleep 100", "timed out", "computed and slept for more than 0.5 s"),
        ("cat /dev/zero", "output limit", "printed more than 10000 bytes"),
        ("set -e; exec 3<>/dev/tcp/127.0.0.1/22", "failed", "exit code 1"),
        ("set -e; cat /etc/passwd", "failed", "exit code 1"),
        ("exec head -c 10000000 /dev/zero > big", "killed", "ended by signal SIGXFSZ"),
        ("set -e; echo x > /usr/lib/canary", "failed", "exit code 1"),
        ("set -e; ln -s / root; echo x > root/etc/canary", "failed", "exit code 1"),
        ("set -e; kill -0 -1", "failed", "exit code 1"),
        ("set -e; unshare -U true", "failed", "exit code 1"),
    ],
)
def test_a_hostile_script_is_held(sandbox: Sandbox, source: str, status: str, detail: str) -> None:
    if source == "set -e; kill -0 -1" and sandbox.tier == "bubblewrap":
        pytest.skip("there all processes are its own")
    verdict = run(sandbox, Program("sh", source))
    assert (verdict.status, verdict.detail) == (status, detail)
    assert run(sandbox, Program("sh", "echo right")).passed


def test_processes_without_end_are_held(sandbox: Sandbox) -> None:
    verdict = run(sandbox, Program("sh", "f() { f | f & }; f; sleep 100"))
    assert not verdict.passed
    assert run(sandbox, Program("sh", "echo right")).passed


def test_no_process_outlives_its_program(sandbox: Sandbox) -> None:
    """Neither where the program is ended, nor where the whole batch is given up."""
    stay = Program("sh", "(setsid sleep 91733 & sleep 91733 &)\nsleep 91733")
    assert run(sandbox, stay).status == "timed out"
    batch = sandbox.run_many([Program("sh", "echo quick"), stay])
    assert next(batch)[1].passed
    batch.close()  # type: ignore[attr-defined]
    assert _sleepers("91733") == []


def test_no_process_outlives_a_killed_owner(sandbox: Sandbox) -> None:
    owner = """
from titrant.sandbox import Program, open_sandbox
from titrant.study.limits import Limits
with open_sandbox(Limits(cpu_seconds=60), 1) as sandbox:
    print("ready", flush=True)
    sandbox.run(Program("sh", "sleep 91744 & sleep 91744"))
"""
    environment = {**os.environ, SANDBOX: sandbox.tier}
    process = subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    _wait_until(lambda: len(_sleepers("91744")) == 2)
    process.kill()
    process.wait()
    process.stdout.close()
    _wait_until(lambda: not _sleepers("91744"))


def _wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.03)
    raise AssertionError("it never came to be")


def _sleepers(number: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if f"sleep\x00{number}" in _read(path)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_memory_of_many_processes_is_counted_together(sandbox: Sandbox) -> None:
    source = "for (1..8) { if (!fork) { my $x = 'x' x 40_000_000; sleep 100; } } sleep 100;"
    assert run(sandbox, Program("pl", source)).status == "out of memory"


def test_files_of_many_processes_are_counted_together(sandbox: Sandbox) -> None:
    source = "for i in 1 2 3 4 5 6; do head -c 4000000 /dev/zero > $i || exit 9; done; sleep 0.2"
    verdict = run(sandbox, Program("sh", source))
    assert verdict.status == ("failed" if sandbox.tier == "bubblewrap" else "disk limit")


def test_a_program_reads_what_it_is_given(sandbox: Sandbox) -> None:
    verdict = run(sandbox, Program("sh", "set -e; read -r x; [[ $x = 'ä \"b\"' ]]; echo seen", stdin='ä "b"\n'))
    assert verdict.passed
    assert verdict.output == "seen\n"


@pytest.mark.skipif("cpp" not in HERE, reason="g++ is not installed")
def test_what_does_not_compile_is_an_error_that_says_so(sandbox: Sandbox) -> None:
    verdict = run(sandbox, Program("cpp", "int main() { return x; }"))
    assert verdict.status == "error"
    assert verdict.detail.startswith("it does not compile: main.cpp")


def test_a_language_that_is_not_known_or_not_installed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        EngineError, match=r"programs in 'cobol' cannot be executed; languages known here: 'cpp', 'java'"
    ):
        language_named("cobol")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match=r"programs in 'js' need node, which is not installed; .*apt install nodejs"):
        language_named("js")
