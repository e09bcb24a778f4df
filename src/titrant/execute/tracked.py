"""Experiment trackers as the one who starts a run names them, and what the worker tells them of a job.

Trackers are no part of a study: they are named where the run is started, by flag or environment, and nothing that a run
makes depends on them. The training engine opens them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from titrant.errors import StudyError
from titrant.plan.plan import Job, Plan
from titrant.study.declaration import listing, suggestion

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")

VARIABLE = "TITRANT_TRACKERS"
"""Environment variable: names of trackers, with commas between them."""
TOLD = "TITRANT_TRACKED"
"""Environment variable that the worker sets for a train job."""

FOLDER = "trackers"
"""Folder of the store in which trackers keep their local files."""


def name_trackers(flag: str | None) -> None:
    """Make what the flag says, or else the environment, the trackers of this run and its workers.

    Raises StudyError for a name that is not known.
    """
    named = os.environ.get(VARIABLE, "") if flag is None else flag
    names = [name.strip() for name in named.split(",") if name.strip()]
    for name in names:
        if name not in TRACKERS:
            where = VARIABLE if flag is None else "--track"
            raise StudyError(
                f"{where} names the tracker '{name}'{suggestion(name, TRACKERS)}; there are {listing(TRACKERS)}"
            )
    if names:
        os.environ[VARIABLE] = ",".join(names)
    else:
        os.environ.pop(VARIABLE, None)


def tell_of(plan: Plan, job: Job, store: Path) -> str:
    """What trackers are told of a train job, as JSON for TITRANT_TRACKED; empty for other jobs, which are not tracked.

    A job that several runs share is told of by the first of them, and `runs` names them all.
    """
    known = plan.runs.get(job.runs[0]) if job.runs else None
    if job.kind != "train" or known is None or job.id not in known[1]:
        return ""
    run, chain = known
    phase = plan.study.arms[run.arm].chain[chain.index(job.id)].phase
    config = {
        "study": plan.study.study,
        "arm": run.arm,
        "scale": run.scale,
        "seed": str(run.seed),
        "phase": phase,
        "runs": ", ".join(job.runs),
        "fingerprint": job.fingerprint,
    }
    return json.dumps({"name": job.name, "folder": str(store / FOLDER), "config": config})
