"""What is asked of every model, read or generated before any model is touched, and checked before any is trained.

The gate `check_questions` stands beside the ledger's: a probe that does not fit the window, a choice file with a
mistake, or a source of which next to nothing is held out is told before the first step and not after the last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from titrant.artifacts import QuestionList
from titrant.errors import Problem, StudyError
from titrant.evaluate.bits_per_byte import HeldOutDocument, first_bytes, read_held_out
from titrant.evaluate.choice import ChoiceItem, Normalise, encode_items, read_multiple_choice
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.benchmarks import read_tasks
from titrant.evaluate.harness.fitting import check_fit
from titrant.evaluate.probes import probe_items
from titrant.evaluate.probes.planted_facts import planted_items
from titrant.evaluate.trained_on import count_trained_on, texts_trained_on
from titrant.jobs import EvaluateJob, Progress, QuestionsJob
from titrant.study.declaration import listing

FEWEST_DOCUMENTS = 2
"""Held-out documents of a source: with one alone nothing says how far its score may be off."""


@dataclass(frozen=True)
class Questions:
    """What is asked of every model: held-out documents by source, and items with their normalisation by outcome."""

    documents: Mapping[str, list[HeldOutDocument]]
    """At least as many bytes as the end and the milestones ask for."""
    choices: Mapping[str, tuple[list[ChoiceItem], Normalise]]
    trained_on: Mapping[str, dict[str, int]]
    """By source, held-out texts that are not among the documents because an arm may train on them, by the source that
    it would draw them from."""


def check_questions(
    job: QuestionsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> QuestionList:
    """Read all that will be asked, fit it to the shortest window, and write how much it is to `questions.json`.

    Raises StudyError with all problems found.
    """
    encoder = Encoder.of_artifact(inputs["tokenizer"])
    questions = read_questions(job.evaluation, inputs, encoder)
    problems: list[Problem] = []
    for source, held_out in questions.documents.items():
        asked = first_bytes(held_out, job.evaluation.bytes_per_source)
        documents = len({piece.whole for piece in asked})
        gone = questions.trained_on.get(source, {})
        others = (
            f" ({sum(gone.values())} held-out texts stand in what is trained on of {listing(gone)})" if gone else ""
        )
        if documents < FEWEST_DOCUMENTS:
            problems.append(
                Problem(
                    f"bits per byte on source '{source}' would be scored on {documents} document{others}, and at least "
                    f"{FEWEST_DOCUMENTS} are needed to tell how far a score may be off (pieces of one document count "
                    "once); raise bytes_per_source or hold_out_fraction, or add documents",
                    path=("evaluation", "bits_per_byte"),
                )
            )
    for outcome, (items, _) in questions.choices.items():
        # a probe's place is in the study; a choice file's place, which its problems carry, is the line of the file
        with _collecting(problems, ("evaluation", "probes") if outcome.startswith("probe/") else ()):
            encode_items(encoder, items, job.window)
        progress(len(items), len(items), "items", outcome)
    tasks: dict[str, int] = {}
    with _collecting(problems, ("evaluation", "tasks")):
        for outcome, (count, shortened) in _fit_tasks(job, inputs, encoder).items():
            tasks[outcome] = count
            progress(count, count, "items", f"{outcome} ({shortened} lose their beginning)" if shortened else outcome)
    if problems:
        raise StudyError(problems)
    counts = {f"bits_per_byte/{source}": len({d.whole for d in read}) for source, read in questions.documents.items()}
    counts |= {outcome: len(items) for outcome, (items, _) in questions.choices.items()}
    counts |= tasks
    (out / "questions.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    return QuestionList(items=counts, trained_on=dict(questions.trained_on))


def _fit_tasks(job: QuestionsJob, inputs: Mapping[str, Path], encoder: Encoder) -> dict[str, tuple[int, int]]:
    """By task, its items and how many lose the beginning of their question to the shortest window."""
    if not job.evaluation.tasks:
        return {}
    return check_fit(read_tasks(inputs["benchmarks"], job.evaluation.tasks), encoder, job.window)


def read_questions(job: EvaluateJob, inputs: Mapping[str, Path], encoder: Encoder) -> Questions:
    """Read or generate all that is asked, before any model is touched. Raises StudyError with all problems found."""
    problems: list[Problem] = []
    documents: dict[str, list[HeldOutDocument]] = {}
    choices: dict[str, tuple[list[ChoiceItem], Normalise]] = {}
    most_bytes = max(job.bytes_per_source, job.check_bytes_per_source)
    scored = job.bits_per_byte_sources if most_bytes else ()
    trained_on = texts_trained_on(inputs, scored)
    left_out: dict[str, dict[str, int]] = {}
    for source in scored:
        folder = inputs[f"tokens/{source}"]
        with _collecting(problems):
            documents[source] = read_held_out(folder, source, most_bytes, encoder, trained_on)
            if found := count_trained_on(folder, trained_on):
                left_out[source] = found
    for probe in job.probes:
        with _collecting(problems):
            items = planted_items(job.planted) if probe.name == "planted-facts" else probe_items(probe)
            choices[f"probe/{probe.name}"] = (_not_empty(items, probe.name), "none")
    for task in job.multiple_choice:
        with _collecting(problems):
            choices[f"choice/{task.name}"] = (read_multiple_choice(task), task.normalise)
    if problems:
        raise StudyError(problems)
    return Questions(documents, choices, left_out)


def _not_empty(items: list[ChoiceItem], probe: str) -> list[ChoiceItem]:
    if not items:
        raise StudyError(f"probe '{probe}' has nothing to ask: no source plants facts; give one `plant`, or drop it")
    return items


class _collecting:  # noqa: N801 - read as a word: `with _collecting(problems)`
    """Gathers the problems of a StudyError, so that one run tells all of them."""

    def __init__(self, problems: list[Problem], path: tuple[str | int, ...] = ()) -> None:
        self._problems, self._path = problems, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        if not isinstance(error, StudyError):
            return False
        for problem in error.problems:
            if self._path and problem.where:
                problem = replace(problem, message=f"{problem.where}: {problem.message}", where=None, path=self._path)
            self._problems.append(problem)
        return True
