"""Tasks are asked of a model: the harness renders, decides and sums; Titrant answers.

Each task goes through the harness's own `evaluate`, one by one, with Titrant as its model. Its answers are journalled,
so that a task that was interrupted goes on from its last group of requests, and one that was through costs nothing
again. Where a task asks for text, the right answer is scored as well: a model too small to write it may still find it
likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.asking import ScoresTokens, Write
from titrant.evaluate.harness.journal import Journal
from titrant.evaluate.harness.outcomes import TaskOutcome, read_item
from titrant.evaluate.harness.quiet import quiet_harness
from titrant.evaluate.harness.tasks import BuiltTask
from titrant.jobs import Progress

if TYPE_CHECKING:
    from titrant.evaluate.harness.model import HarnessModel


def score_tasks(
    scorer: ScoresTokens,
    encoder: Encoder,
    tasks: Sequence[BuiltTask],
    *,
    write: Write | None = None,
    journal: Path | None = None,
    progress: Progress = lambda done, total, unit, note="": None,
) -> list[TaskOutcome]:
    """What each task shows of a model, in order.

    `write` draws texts from the same model; tasks that ask for text need it. `journal` is a folder that outlives an
    interruption and belongs to this model and these tasks alone. Raises StudyError if an item cannot be scored.
    """
    from titrant.evaluate.harness.model import HarnessModel

    total = sum(count_items(task) for task in tasks)
    done, found = 0, []
    for task in tasks:
        with Journal(None if journal is None else journal / f"{task.task.name}.jsonl") as answers:
            meter = _Meter(progress, done, total, count_items(task), task.outcome)
            model = HarnessModel(scorer, encoder, write, answers, meter)
            found.append(_score(task, model, meter))
        done += count_items(task)
        progress(done, total, "items", task.outcome)
    return found


def count_items(task: BuiltTask) -> int:
    """Items that will be asked."""
    documents = len(task.harness.eval_docs)
    return min(documents, task.task.items or documents)


def _score(task: BuiltTask, model: HarnessModel, meter: _Meter) -> TaskOutcome:
    from lm_eval.evaluator import evaluate

    task.build_requests()
    requests = len(task.harness.instances) * int(task.harness.config.repeats or 1)
    meter.requests = requests + (len(task.documents()) if task.kind == "generate_until" else 0)
    built = task.harness.build_all_requests
    try:
        # the prompts are there already, and rendering them takes longer than a small model takes to read them
        task.harness.build_all_requests = lambda **_: None
        with quiet_harness():
            record = evaluate(
                lm=model,
                task_dict={"tasks": {task.task.name: task.harness}, "groups": {}},
                limit=task.task.items,
                bootstrap_iters=0,
                log_samples=True,
            )
    finally:
        task.harness.build_all_requests = built
    samples = record["samples"][task.task.name]
    wanted = task.filter or samples[0]["filter"]
    compared = [sample for sample in samples if sample["filter"] == wanted]
    gold = _score_gold(task, model) if task.kind == "generate_until" else {}
    shortened = {document for _, document in model.shortened}
    with quiet_harness():
        items = [
            read_item(task, sample, gold.get(sample["doc_id"]), sample["doc_id"] in shortened) for sample in compared
        ]
    return TaskOutcome(task.outcome, task.metric, wanted, task.scored, task.plan.shots, items, record)


def _score_gold(task: BuiltTask, model: HarnessModel) -> dict[int, tuple[float, int]]:
    """By document, log-likelihood and bytes of the right answer that a solved example would show."""
    requests = task.gold_requests()
    scored = model.loglikelihood(requests)
    return {
        request.doc_id: (log_likelihood, len(request.args[1].encode()))
        for request, (log_likelihood, _) in zip(requests, scored, strict=True)
    }


class _Meter:
    """Turns answered requests into items."""

    def __init__(self, progress: Progress, before: int, total: int, items: int, note: str) -> None:
        self._progress, self._before, self._total, self._items, self._note = progress, before, total, items, note
        self.requests = items
        self._answered = 0

    def __call__(self, answered: int) -> None:
        self._answered += answered
        share = min(self._answered / max(self.requests, 1), 1.0)
        self._progress(self._before + int(share * self._items), self._total, "items", self._note)
