"""Which code runs the blocks of a model: eager, or compiled where steps are large enough to repay it.

Compiled code is 2 to 6 % faster on a CPU and its last bits are its own. Which of the two a phase uses therefore depends
on what all phases and arms of a scale share, the work of one step, and not on how long the phase is: no contrast then
sees two ways of rounding. Where compiled code is due and cannot be had, the phase says so, and its checkpoint says
which it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Literal

import torch

from titrant.cache import shared_cache
from titrant.jobs import TrainJob
from titrant.settings import switch

Code = Literal["eager", "compiled"]

COMPILE = "TITRANT_COMPILE"
"""Environment variable: 0 trains with eager code whatever the size. A phase that has begun begins anew."""

LEAST_STEP_FLOPS = {"cpu": 2e11, "cuda": 1e13}
"""By kind of device: about a second of one core, some hundredths of a second of a large GPU. The compiler takes half a
minute the first time and some seconds in later jobs, which read what it left in its cache: on a CPU a gain of 3 %
repays that in a few hundred such steps, on a GPU there is more to gain."""


def choose_code(job: TrainJob, vocabulary: int, device: torch.device, note: Callable[[str], None]) -> Code:
    """What the blocks of this job's model run as; `note` is told if that is not what is due.

    On a GPU, where small kernels wait for each other, compiled code is due from smaller times of a step on.
    """
    flops = job.architecture.flops_per_token(vocabulary, job.sequence_length) * job.global_batch_tokens
    if flops < LEAST_STEP_FLOPS[device.type]:
        return "eager"
    if switch(COMPILE) is False:
        note(f"trains with eager code, as {COMPILE}=0 asks")
        return "eager"
    if device.type == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        note("trains with eager code, a few percent slower: no C++ compiler was found (install g++, or set CXX)")
        return "eager"
    return "compiled"


def keep_compiled_code() -> None:
    """Let the compiler keep what it makes where all jobs of the user find it again, unless the environment says where:
    the temporary folder of its own choice is lost with the machine."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(shared_cache("compiled")))
