"""A sandbox that does not hold is never used; what is missing is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from titrant.errors import EngineError, StudyError
from titrant.sandbox import PythonCheck, open_sandbox, tiers
from titrant.sandbox.inside import calls, confine, filter, watch
from titrant.sandbox.tiers import SANDBOX
from titrant.study.limits import Limits

RIGHT = PythonCheck("def f(x):\n    return x + 1", "assert f(1) == 2", ("f",))


def test_nothing_runs_where_no_sandbox_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    monkeypatch.delenv(SANDBOX, raising=False)
    with pytest.raises(EngineError, match=r"never executed without one .*bwrap is not installed; .*no Landlock.*apt install bubblewrap"), open_sandbox():  # fmt: skip
        pass


def test_an_old_landlock_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "landlock_version", lambda: 2)
    assert tiers.obstacle("landlock") == "the kernel has version 2 of Landlock; version 3 (Linux 6.2) is needed"


def test_a_wall_that_does_not_hold_is_found_before_anything_is_executed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """/etc and /home are shown by mistake: the trial program reads them, and the sandbox is refused."""
    if tiers.obstacle("landlock"):
        pytest.skip("no Landlock here")
    monkeypatch.setenv(SANDBOX, "landlock")
    monkeypatch.setattr(tiers, "SYSTEM", (*tiers.SYSTEM, "/etc"))
    with pytest.raises(EngineError, match=r"landlock: AssertionError: a program can read users"), open_sandbox():
        pass


def test_the_setting_names_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SANDBOX, "none")
    with pytest.raises(StudyError, match="TITRANT_SANDBOX is 'none'; set it to bubblewrap or landlock"), open_sandbox():
        pass


def test_other_systems_are_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(EngineError, match=r"needs Linux on x86_64 or aarch64; this is darwin"), open_sandbox():
        pass


def test_limits_have_bounds_and_defaults() -> None:
    assert Limits(memory_bytes="1GB", cpu_seconds=0.5).memory_bytes == 10**9  # type: ignore[arg-type]
    for wrong in ({"cpu_seconds": 0}, {"memory_bytes": 1}, {"wall_seconds": 1}):
        with pytest.raises(ValidationError):
            Limits.model_validate(wrong)


def test_an_abandoned_batch_does_not_reach_the_next(sandbox: object) -> None:
    from titrant.sandbox import Sandbox

    assert isinstance(sandbox, Sandbox)
    slow = PythonCheck("import time\ndef f(x):\n    time.sleep(0.3)", "f(1)", ("f",))
    results = sandbox.run_many([RIGHT, slow, slow])
    assert next(results) is not None
    results.close()  # type: ignore[attr-defined]
    assert [verdict.status for _, verdict in sorted(sandbox.run_many([RIGHT] * 3))] == ["passed"] * 3


def test_a_sandbox_that_is_closed_at_once_leaves_nothing(sandbox: object) -> None:
    """Slots that are still starting are ended with all that they have started."""
    from titrant.sandbox import Sandbox

    assert isinstance(sandbox, Sandbox)
    before = _orphans()
    for pause in (0.0, 0.002, 0.004, 0.008, 0.016):
        opened = Sandbox(sandbox.tier, sandbox.limits, 2)
        time.sleep(pause)
        opened.close()
    assert _orphans() <= before


def _orphans() -> set[str]:
    """Processes in whose command line the code of a slot stands, and whose parent has gone."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            parent = (path.parent / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == "1" and "from inside import slot" in path.read_text(errors="replace"):
                found.add(path.parent.name)
    return found


def test_a_slot_that_dies_is_begun_again(sandbox: object) -> None:
    from titrant.sandbox import Sandbox

    assert isinstance(sandbox, Sandbox)
    for slot in sandbox._slots:
        slot.kill()
    assert [verdict.passed for _, verdict in sandbox.run_many([RIGHT] * 4)] == [True] * 4


def test_own_time_is_computing_and_sleeping() -> None:
    """A process that computes for 0.2 s and sleeps for 0.2 s, seen from outside."""
    script = "import time\nwhile time.process_time() < 0.2: pass\ntime.sleep(0.2)\nprint(flush=True)\nimport sys; sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-S", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    spent = watch.OwnTime()
    assert process.stdin is not None
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    while process.stdout.read(1) is None:
        spent.look([process.pid])
        time.sleep(0.01)
    spent.look([process.pid])
    process.stdin.close()
    process.wait()
    process.stdout.close()
    assert 0.19 <= spent.computed_seconds() <= 0.3
    assert spent.sleeping_seconds >= 0.19


def test_waiting_for_a_processor_is_not_sleeping() -> None:
    """A process that never sleeps, beside eight more that want the same cores, waits longer than it computes."""
    script = "import os\nprint(flush=True)\nwhile os.getppid() == PARENT:\n    sum(range(10**4))"
    command = [sys.executable, "-S", "-c", script.replace("PARENT", str(os.getpid()))]
    busy = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4 * len(os.sched_getaffinity(0)))]
    try:
        for process in busy:
            assert process.stdout is not None
            process.stdout.read(1)
        spent, slept = watch.OwnTime(), []
        while spent.computed_seconds() < 0.4:
            time.sleep(0.01)
            spent.look([busy[0].pid])
            if spent.computed_seconds() > 0.2:
                slept.append(spent.sleeping_seconds)
    finally:
        for process in busy:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    assert min(slept) < 0.1  # a wait that still lasts is taken off when it ends


def test_both_tables_of_system_calls_allow_the_same() -> None:
    """Names that only the older architecture has are the exception."""
    older, newer = calls.allowed("x86_64"), calls.allowed("aarch64")
    assert set(newer) < set(older)
    assert {"open", "stat", "poll", "arch_prctl"} <= set(older) - set(newer)
    for machine in calls.ARCHITECTURES:
        for table in (calls.allowed(machine), calls.limited(machine)):
            assert len(set(table.values())) == len(table)
        assert not set(calls.allowed(machine)) & {
            "ptrace",
            "mount",
            "unshare",
            "setns",
            "bpf",
            "socket",
            "fork",
            "execve",
        }
        assert len(filter.assemble(machine, filter.Freedom(processes=True), 7)) % 8 == 0
