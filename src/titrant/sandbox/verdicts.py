"""From what a slot and the process of the tests said to a verdict."""

from __future__ import annotations

import signal
from typing import Any, cast

from titrant.errors import EngineError
from titrant.sandbox.checks import Check, Program, Status, Verdict
from titrant.sandbox.inside import batch
from titrant.sandbox.inside.begin import MOST_THREADS
from titrant.sandbox.languages import MOST_PROCESSES
from titrant.study.limits import Limits

_SAID = ("passed", "failed", "error", "out of memory")


def check_verdict(said: dict[str, Any], record: dict[str, Any], limits: Limits, tier: str) -> Verdict:
    """The verdict of a Python check: what the slot ended counts before what the tests said. Raises EngineError if the
    sandbox itself failed."""
    _whole(record.get("broken") or said.get("broken"), tier)
    status, detail = _ended(said, record, limits)
    printed = said.get("printed", "")
    return Verdict(status, writable(detail), writable(record["printed"]), record["cpu_seconds"], writable(printed))


def program_verdict(record: dict[str, Any], word: str, limits: Limits, tier: str) -> Verdict:
    """The verdict of a whole program, which prints `word` when it is right. Raises EngineError if the sandbox itself
    failed."""
    _whole(record.get("broken"), tier)
    printed = record["printed"].replace("\r\n", "\n").removesuffix("\n")
    finished = printed.endswith(f"\n{word}")
    output = printed.removesuffix(f"\n{word}")
    status, detail = _stepped(record, finished, output, limits)
    return Verdict(status, writable(detail), writable(output), record["cpu_seconds"])


def unwritable(check: Check) -> Verdict | None:
    """The verdict of a whole program whose text no file can hold; None: it can be executed."""
    try:
        if isinstance(check, Program):
            (check.source + check.stdin).encode()
    except UnicodeEncodeError as error:
        return Verdict("error", f"its text is no Unicode: half a surrogate pair ({error.object[error.start]!a}) in it")
    return None


def writable(text: str) -> str:
    """A text that any file can hold: halves of surrogate pairs, which Python strings may have, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _stepped(record: dict[str, Any], finished: bool, output: str, limits: Limits) -> tuple[Status, str]:
    code = record["exit"]
    if record["step"] == "compile" and (code or record["reason"]):
        return "error", f"it does not compile: {record['reason'] or output.strip()[:1000]}"
    if record["reason"] is not None:
        return _limited(record["reason"], limits)
    if code == 0:
        return ("passed", "") if finished else ("error", "it ended before its last statement")
    if record["cpu_seconds"] > limits.cpu_seconds:
        return _limited("timed out", limits)
    if code < 0 and -code != signal.SIGABRT:
        return "killed", f"ended by signal {_signal_name(-code)}"
    return "failed", f"exit code {code}"


def _whole(broken: str | None, tier: str) -> None:
    if broken:
        raise EngineError(f"the sandbox ({tier}) failed: {broken}")


def _limited(reason: str, limits: Limits) -> tuple[Status, str]:
    """The status and the words of a limit."""
    return {
        "timed out": ("timed out", f"computed and slept for more than {limits.cpu_seconds:g} s"),
        "slow tests": ("error", "the tests themselves took too long"),
        "answers too long": ("output limit", f"answered with more than {batch.MOST_BYTES} bytes"),
        "output limit": ("output limit", f"printed more than {limits.output_bytes} bytes"),
        "too many threads": ("error", f"started more than {MOST_THREADS} threads"),
        "too many processes": ("error", f"started more than {MOST_PROCESSES} processes and threads"),
        "disk limit": ("disk limit", f"wrote more than {limits.disk_bytes} bytes"),
        "out of memory": ("out of memory", f"held more than {limits.memory_bytes} bytes"),
    }[reason]  # type: ignore[return-value]


def _ended(said: dict[str, Any], record: dict[str, Any], limits: Limits) -> tuple[Status, str]:
    reason, code = record["reason"], record["exit"]
    if reason is not None:
        return _limited(reason, limits)
    if said.get("status") in _SAID:
        return cast(Status, said["status"]), said["detail"]
    if said.get("status") != "ended":
        return "error", "the tests' process ended before they did"
    return ended_by_itself(None, code, record["cpu_seconds"], limits)


def ended_by_itself(reason: str | None, code: int, cpu_seconds: float, limits: Limits) -> tuple[Status, str]:
    """The status and the words of a process that did not come to its end: why the slot ended it, if it did, else its
    exit code and its CPU time."""
    if reason is not None:
        return _limited(reason, limits)
    if code < 0:
        if cpu_seconds > limits.cpu_seconds:
            return "timed out", f"computed for more than {limits.cpu_seconds:g} s"
        return "killed", f"ended by signal {_signal_name(-code)}"
    return "error", f"the program ended itself with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
