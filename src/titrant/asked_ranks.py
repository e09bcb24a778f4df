"""How many processes train one phase together, and what starts them: asked where the work runs, never in the study."""

from __future__ import annotations

import os

from titrant.errors import EngineError

RANKS = "TITRANT_RANKS"
"""Environment variable: how many processes (GPUs, or cores) train one phase together, 1 by default. `titrant run
--ranks N` sets it."""

LAUNCHER = "TITRANT_LAUNCHER"
"""Environment variable: the command that starts the processes of a phase, if not torchrun on this machine; `-m
titrant.train.together.rank FOLDER` is put behind it. For two machines under Slurm: `srun torchrun --nnodes 2
--nproc-per-node 8 --rdzv-backend c10d ...`. The store must lie where all of them see it."""


def asked_ranks() -> int:
    """How many processes train one phase together. Raises EngineError if that is no number."""
    asked = os.environ.get(RANKS, "1")
    if not asked.isdigit() or int(asked) == 0:
        raise EngineError(f"{RANKS}={asked} is no number of processes; give 1 or more")
    return int(asked)
