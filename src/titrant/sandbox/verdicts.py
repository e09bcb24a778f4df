"""From what a slot and the process of the tests said to a verdict."""

from __future__ import annotations

import signal
from typing import Any, cast

from titrant.errors import EngineError
from titrant.sandbox.checks import Status, Verdict
from titrant.study.limits import Limits

_SAID = ("passed", "failed", "error", "out of memory")


def verdict_of(said: dict[str, Any], record: dict[str, Any], limits: Limits, tier: str) -> Verdict:
    """The verdict of one execution: what the slot ended counts before what the tests said. Raises EngineError if the
    sandbox itself failed."""
    broken = record.get("broken") or said.get("broken")
    if broken:
        raise EngineError(f"the sandbox ({tier}) failed: {broken}")
    status, detail = _ended(said, record, limits)
    return Verdict(status, detail, record["printed"], record["cpu_seconds"], said.get("printed", ""))


def _ended(said: dict[str, Any], record: dict[str, Any], limits: Limits) -> tuple[Status, str]:
    reason, code = record["reason"], record["exit"]
    if reason == "timed out":
        return "timed out", f"computed and slept for more than {limits.cpu_seconds:g} s"
    if reason == "slow tests":
        return "error", "the tests themselves took too long"
    if reason == "output limit":
        return "output limit", f"printed more than {limits.output_bytes} bytes"
    if reason == "disk limit":
        return "disk limit", f"wrote more than {limits.disk_bytes} bytes"
    if said.get("status") in _SAID:
        return cast(Status, said["status"]), said["detail"]
    if said.get("status") != "ended":
        return "error", "the tests' process ended before they did"
    if code < 0:
        if record["cpu_seconds"] > limits.cpu_seconds:
            return "timed out", f"computed for more than {limits.cpu_seconds:g} s"
        return "killed", f"ended by signal {_signal_name(-code)}"
    return "error", f"the program ended itself with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
