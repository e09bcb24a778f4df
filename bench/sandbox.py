"""What an execution in the sandbox costs, in each kind of sandbox that this machine has.

python bench/sandbox.py                        # half a minute; fetches one wheel (86 MB) the first time
python bench/sandbox.py --executions 500 --processes 4

open        seconds until the first program can be executed, the trial of the walls included
one         milliseconds of an execution of a function of one line and its test, one at a time
per second  of the same, `processes` at a time
calls       functions called with 48 inputs each, by the second, in one batch; with 8 variants beside them, the same
humaneval   seconds for the 164 known solutions of HumanEval, `processes` at a time, and how many pass
languages   milliseconds of a program that does nothing, compiled where that is needed
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from titrant.errors import EngineError
from titrant.evaluate.code.run import check_of
from titrant.evaluate.code.stored import prepare_problems
from titrant.sandbox import Check, Program, PythonCalls, PythonCheck, Sandbox, languages, open_sandbox
from titrant.sandbox.inside import watch
from titrant.sandbox.languages import LANGUAGES
from titrant.sandbox.tiers import SANDBOX
from titrant.study.tasks import CodeTask

FUNCTION = """
from collections import deque


def fewest_steps(edges, start, goal):
    near = {}
    for a, b in edges:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    seen, queue = {start}, deque([(start, 0)])
    while queue:
        node, steps = queue.popleft()
        if node == goal:
            return steps
        for other in sorted(near.get(node, [])):
            if other not in seen:
                seen.add(other)
                queue.append((other, steps + 1))
    return -1
"""
INPUTS = repr([([(n % 7, (3 * n + k) % 7) for k in range(n % 9)], n % 5, n % 7) for n in range(48)])
SMALL = PythonCheck("def f(x):\n    return x + 1", "assert f(1) == 2", ("f",))


def main() -> None:
    """Measure and print a line for each figure."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("--executions", type=int, default=200)
    given.add_argument("--processes", type=int, default=2)
    given.add_argument("--tiers", nargs="+", default=["bubblewrap", "landlock"])
    given.add_argument("--no-solutions", action="store_true")
    asked = given.parse_args()
    solutions = [] if asked.no_solutions else _solutions()
    for tier in asked.tiers:
        os.environ[SANDBOX] = tier
        try:
            _measure(tier, asked.executions, asked.processes, solutions)
        except EngineError as error:
            print(f"{tier}: {error}")


def _solutions() -> list[Check]:
    with tempfile.TemporaryDirectory() as folder:
        problems = prepare_problems(CodeTask(name="humaneval"), Path(folder), lambda *told: None).problems
    return [check_of(problem, problem.program(problem.solution or "")) for problem in problems]


def _measure(tier: str, executions: int, processes: int, solutions: list[Check]) -> None:
    began = time.perf_counter()
    with open_sandbox(processes=1) as sandbox:
        print(f"{tier:11} open       {time.perf_counter() - began:8.2f} s")
        seconds, cpu, _ = _time(sandbox, [SMALL] * executions)
        print(f"{tier:11} one        {1e3 * seconds / executions:8.1f} ms, {1e3 * cpu / executions:.1f} of them CPU")
    with open_sandbox(processes=processes) as sandbox:
        seconds, _, _ = _time(sandbox, [SMALL] * executions)
        print(f"{tier:11} per second {executions / seconds:8.0f}, {processes} at a time")
        for variants in (0, 8):
            item = PythonCalls(FUNCTION, "fewest_steps", INPUTS, variants=(FUNCTION,) * variants)
            began, cpu = time.perf_counter(), _cpu_seconds()
            answered = sum(answers.passed for _, answers in sandbox.call_many([item] * executions))
            seconds, cpu = time.perf_counter() - began, _cpu_seconds() - cpu
            print(
                f"{tier:11} calls      {answered / seconds:8.0f} per second, {variants} variants, "
                f"{1e3 * cpu / executions:.1f} ms of CPU each"
            )
        if solutions:
            seconds, cpu, passed = _time(sandbox, solutions)
            print(f"{tier:11} humaneval  {seconds:8.2f} s, {cpu:.2f} of CPU, {passed} of {len(solutions)} pass")
        for name, installed in languages().items():
            if not installed:
                continue
            try:
                seconds, _, passed = _time(sandbox, [Program(name, LANGUAGES[name].trial)] * 4)
                print(f"{tier:11} {name:10} {1e3 * seconds / 4 * processes:8.0f} ms{'' if passed == 4 else ', wrong'}")
            except EngineError as error:
                print(f"{tier:11} {name:10} {error}")


def _time(sandbox: Sandbox, checks: list[Check]) -> tuple[float, float, int]:
    """Seconds of the clock, CPU seconds of this process and all slots, and how many passed."""
    began, cpu = time.perf_counter(), _cpu_seconds()
    passed = sum(verdict.passed for _, verdict in sandbox.run_many(checks))
    return time.perf_counter() - began, _cpu_seconds() - cpu, passed


def _cpu_seconds() -> float:
    ticks = 0
    for process in (os.getpid(), *watch.descendants(os.getpid())):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # own and of children that have ended, in user and system mode
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
