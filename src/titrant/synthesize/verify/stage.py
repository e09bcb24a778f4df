"""The verification stage: every solution is held against its problem, and every item is written down with what is
known of it.

Problems are taken some at a time. For each: solutions are judged, in the sandbox; the first that passes what is asked
for is accepted; contracts of a share of the accepted are looked at symbolically; explanations and translations are
checked; and an accepted program that an earlier problem has already is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from titrant.artifacts import Verified
from titrant.jobs import Progress, VerificationJob
from titrant.sandbox import open_sandbox
from titrant.synthesize.verify.candidates import num_problems, read_asked
from titrant.synthesize.verify.deciding import Programs, decide
from titrant.synthesize.verify.verifier import Verifier
from titrant.synthesize.verify.writing import Writer


def verify_solutions(
    job: VerificationJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Verified:
    """Verify the problems in `inputs["problems"]` with the solutions in `inputs["solutions"]`, their own without it.

    Writes the tables of `Verified` into `out`: the same bytes however often it was interrupted, whatever the machine
    does beside. Raises EngineError where no sandbox works, StoreError if the solutions are of other problems.
    """
    from titrant.evaluate.harness.journal import Journal, key_of  # imports torch with its room

    problems, solutions = inputs["problems"], inputs.get("solutions")
    total = num_problems(problems)
    with open_sandbox(job.verify.limits, own_cores()) as sandbox, Writer(out, job, sandbox.tier, solutions) as writer:
        done, programs = 0, Programs()
        for number, asked in enumerate(read_asked(problems, solutions)):
            with Journal(scratch / f"findings-{number:05}.jsonl") as journal:
                verifier = Verifier(sandbox, job.verify, journal, key_of, _Telling(progress, done, total))
                judged = verifier.judge_all(asked)
                found = [decide(*each, job.verify.level) for each in zip(asked, judged, strict=True)]
                found = [programs.refuse_known(*each) for each in zip(asked, found, strict=True)]
            writer.add(asked, found)
            done += len(asked)
            progress(done, total, "problems")
        return writer.summary()


def own_cores() -> int | None:
    """Cores that the runner has left for this job (`TITRANT_CORES`); None where nobody has said."""
    return int(os.environ.get("TITRANT_CORES", "0")) or None


class _Telling:
    """Tells how far the stage is, problem by problem as far as that can be said."""

    def __init__(self, progress: Progress, before: int, total: int) -> None:
        self._progress, self._before, self._total = progress, before, total
        self._done = 0

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._before + self._done, self._total, "problems")
