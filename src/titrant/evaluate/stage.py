"""The evaluate stage: everything that is measured of the end of a train job, and bits per byte at its milestones.

The same measuring is offered for a model made elsewhere (`score_outside`): only how the model is loaded differs. Tasks
of the harness alone are asked of any model, with no study around it (`ask_tasks`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from titrant.artifacts import Checkpoint, Scores, TokenizerFile
from titrant.errors import StoreError
from titrant.evaluate.bits_per_byte import (
    DocumentNats,
    bits_per_byte,
    first_bytes,
    score_documents,
)
from titrant.evaluate.choice import ScoredChoice, score_choices
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.benchmarks import read_tasks
from titrant.evaluate.harness.outcomes import TaskOutcome
from titrant.evaluate.harness.results import write_results
from titrant.evaluate.harness.scoring import score_tasks
from titrant.evaluate.likelihood import Scorer
from titrant.evaluate.models import TrainedModel, load_outside
from titrant.evaluate.opening import OpenModel, open_given
from titrant.evaluate.questions import Questions, read_questions
from titrant.evaluate.tables import Check, Measured, write_scores
from titrant.jobs import EvaluateJob, Progress

HARNESS_FOLDER = "lm-eval"
"""Where, in an artifact, results and samples stand as lm-evaluation-harness writes them."""


class OutsideScores(NamedTuple):
    """Scores of a model made elsewhere, and how they came about."""

    scores: Scores
    window: int
    """Tokens of context."""
    end_of_text_id: int
    """The token before each text."""
    studys_tokenizer: bool
    """Whether the model's tokenizer is the study's, so that this token is the study's too."""


def evaluate_checkpoint(
    job: EvaluateJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path,
    progress: Progress,
    window: int | None = None,
) -> Scores:
    """Score the checkpoint in `inputs["train"]` and write the tables of `Scores` into `out`.

    The end of the phase gets everything that the job asks for; each milestone and the end get a check on the first
    held-out bytes. `window` shortens the context below what the model was trained with. Raises StudyError if nothing is
    held out of a source, an item does not fit the window, or a task's file is wrong. Answers to tasks of the harness
    are kept in `scratch`; all else, which is quick, starts again after an interruption. Where `inputs` hold a `model`
    in the place of `train` and `tokenizer`, only tasks are asked, of that folder of Hugging Face.
    """
    if "model" in inputs:
        return ask_tasks(job, inputs, out, scratch=scratch, progress=progress, window=window)
    encoder = Encoder.of_artifact(inputs["tokenizer"])
    checkpoint = Checkpoint.read(inputs["train"])
    questions = read_questions(job, inputs, encoder)
    milestones = _milestone_files(inputs["train"], checkpoint) if job.check_bytes_per_source else {}
    meter = _Meter(progress, _count(job, questions, len(milestones)))
    model = TrainedModel(inputs["train"], TokenizerFile.read(inputs["tokenizer"]).vocabulary, window)
    checks = [
        check
        for step, weights in milestones.items()
        for check in _check(job, model.scorer(weights), questions, encoder, step, meter)
    ]
    end = model.scorer(inputs["train"] / "model.safetensors")
    measured = _measure(job, end, questions, encoder, meter)
    if job.check_bytes_per_source:
        checks += _check_end(job, end, questions, encoder, checkpoint.steps, measured, meter)
    tasks = _ask(job, OpenModel(end, encoder), inputs, out, scratch, progress)
    return write_scores(Measured(measured.documents, measured.choices, checks, tasks), out)


def ask_tasks(
    job: EvaluateJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path,
    progress: Progress,
    window: int | None = None,
) -> Scores:
    """Ask the job's tasks of the model in `inputs` (see `open_given`), and nothing else; the tables of `Scores`.

    Raises StoreError if `inputs["benchmarks"]` lacks a task's data, StudyError if an item cannot be scored.
    """
    tasks = _ask(job, open_given(inputs, window), inputs, out, scratch, progress)
    return write_scores(Measured({}, {}, [], tasks), out)


def _ask(
    job: EvaluateJob, model: OpenModel, inputs: Mapping[str, Path], out: Path, scratch: Path | None, progress: Progress
) -> tuple[TaskOutcome, ...]:
    """What the tasks of the harness show of a model; also written as the harness writes it, into `out/lm-eval`."""
    if not job.tasks:
        return ()
    tasks = read_tasks(inputs["benchmarks"], job.tasks)
    journal = None if scratch is None else scratch / "answers"
    found = score_tasks(model.scorer, model.encoder, tasks, write=model.write, journal=journal, progress=progress)
    write_results(out / HARNESS_FOLDER, found, model="model")
    return tuple(found)


def score_outside(
    model: Path,
    job: EvaluateJob,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    scratch: Path | None = None,
    progress: Progress,
    window: int | None = None,
) -> OutsideScores:
    """Score a Hugging Face causal language model, saved in the folder `model`, as the end of a run is scored.

    Its own tokenizer is used; if that is the study's, texts end as in the study. `inputs` needs `tokenizer`,
    `tokens/SOURCE` and `trained/SOURCE` as the study's own evaluations have them: what any arm trains on is scored for
    no model. Give the study's sequence length as `window` to compare with the study's own models: a longer context is
    an advantage. Milestones are not asked for, so `checks.parquet` is empty. Raises as `evaluate_checkpoint` and
    `load_outside` do.
    """
    studys = Encoder.of_artifact(inputs["tokenizer"])
    scorer, encoder = load_outside(model, window, studys)
    questions = read_questions(job, inputs, encoder)
    meter = _Meter(progress, _count(job, questions, 0))
    measured = _measure(job, scorer, questions, encoder, meter)
    tasks = _ask(job, OpenModel(scorer, encoder), inputs, out, scratch, progress)
    scores = write_scores(replace(measured, tasks=tasks), out)
    return OutsideScores(scores, scorer.window, encoder.end_of_text_id, studys_tokenizer=encoder.encodes_as(studys))


def _measure(job: EvaluateJob, scorer: Scorer, questions: Questions, encoder: Encoder, meter: _Meter) -> Measured:
    documents: dict[str, list[DocumentNats]] = {}
    for source, held_out in questions.documents.items() if job.bytes_per_source else ():
        outcome = f"bits_per_byte/{source}"
        asked = first_bytes(held_out, job.bytes_per_source)
        documents[outcome] = score_documents(scorer, asked, encoder.end_of_text_id, meter.on(outcome))
    choices: dict[str, list[ScoredChoice]] = {
        outcome: score_choices(scorer, encoder, items, normalise, meter.on(outcome))
        for outcome, (items, normalise) in questions.choices.items()
    }
    return Measured(documents, choices, [])


def _check(
    job: EvaluateJob, scorer: Scorer, questions: Questions, encoder: Encoder, step: int, meter: _Meter
) -> list[Check]:
    checks = []
    for source, held_out in questions.documents.items():
        asked = first_bytes(held_out, job.check_bytes_per_source)
        scored = score_documents(scorer, asked, encoder.end_of_text_id, meter.on(f"step {step}"))
        checks.append(Check(step, f"bits_per_byte/{source}", bits_per_byte(scored)))
    return checks


def _check_end(
    job: EvaluateJob,
    scorer: Scorer,
    questions: Questions,
    encoder: Encoder,
    step: int,
    measured: Measured,
    meter: _Meter,
) -> list[Check]:
    """The check at the end of the phase, from the documents that have been scored in full if they are enough."""
    if job.bytes_per_source < job.check_bytes_per_source:
        return _check(job, scorer, questions, encoder, step, meter)
    counts = {s: len(first_bytes(held_out, job.check_bytes_per_source)) for s, held_out in questions.documents.items()}
    return [
        Check(step, f"bits_per_byte/{source}", bits_per_byte(measured.documents[f"bits_per_byte/{source}"][:count]))
        for source, count in counts.items()
    ]


def _milestone_files(train: Path, checkpoint: Checkpoint) -> dict[int, Path]:
    """Weights by step, in order of steps. Raises StoreError if one that the record names is missing."""
    files = {int(path.stem): path for path in (train / "milestones").glob("*.safetensors")}
    if missing := sorted(set(checkpoint.milestones) - set(files)):
        raise StoreError(f"{train / 'milestones'} lacks the weights of steps {missing}; delete {train} and run again")
    return {step: files[step] for step in sorted(checkpoint.milestones)}


def _count(job: EvaluateJob, questions: Questions, milestones: int) -> int:
    """Documents and items that will be scored in all."""
    checks = milestones + (0 < job.bytes_per_source < job.check_bytes_per_source or job.bytes_per_source == 0)
    held_out = questions.documents.values()
    return (
        checks * sum(len(first_bytes(documents, job.check_bytes_per_source)) for documents in held_out)
        + sum(len(first_bytes(documents, job.bytes_per_source)) for documents in held_out)
        + sum(len(items) for items, _ in questions.choices.values())
    )


class _Meter:
    """Counts scored documents and items, and passes them on as progress."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        progress(0, total, "items")

    def on(self, note: str) -> Callable[[int], None]:
        def more(scored: int) -> None:
            self._done += scored
            self._progress(self._done, self._total, "items", note)

        return more
