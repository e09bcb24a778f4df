"""The generate stage: texts drawn from a model, solutions to problems and answers to prompts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from titrant.artifacts import Generations
from titrant.evaluate.code.samples import draw_samples, prompts_of
from titrant.evaluate.opening import open_given
from titrant.jobs import GenerateJob, Progress


def generate_samples(
    job: GenerateJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Generations:
    """Draw all that the job asks for from the model in `inputs` (see `open_given`), and write the files of
    `Generations`.

    Texts are kept in `scratch` as soon as all of a prompt are there. Raises StoreError if `inputs["benchmarks"]` lacks
    what is asked.
    """
    asked = prompts_of(job, inputs["benchmarks"])
    model = open_given(inputs)
    return draw_samples(model, model.encoder, asked, out, scratch=scratch, progress=progress)
