"""Some problems from their solutions to what is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from titrant.jobs import VerificationJob
from titrant.sandbox import Sandbox
from titrant.synthesize.verify.candidates import Asked
from titrant.synthesize.verify.deciding import Decided, decide
from titrant.synthesize.verify.verifier import Verifier


def verify_part(
    job: VerificationJob, asked: Sequence[Asked], sandbox: Sandbox, tick: Callable[[int], None] = lambda done: None
) -> list[Decided]:
    """Judge all solutions of some problems and decide about each problem by itself. It depends on nothing else: neither
    on the other problems nor on the machine. `tick` is told of the time that passes."""
    verifier = Verifier(sandbox, job.verify, tick)
    helds = verifier.held(asked)
    judged = verifier.judge_all(asked, helds)
    decided = [decide(one, found, job.verify.level) for one, found in zip(asked, judged, strict=True)]
    return [
        replace(each, examples=held.examples() if held and held.shown else "")
        for each, held in zip(decided, helds, strict=True)
    ]
