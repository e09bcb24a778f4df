"""The generate stage: texts drawn from the end of a train job, solutions to problems and answers to prompts.

Every text depends on the model, its prompt and the sampling alone, so each prompt's texts are kept in a journal in
`scratch` as soon as all are there, and after an interruption only prompts without texts are asked again.

A prompt's tokens are those that lm-evaluation-harness would make of it: the text's, after what the model's own
tokenizer puts before every text, and no end of text. With one before it a chat model takes HumanEval's prompts for
finished turns: of SmolLM2-135M-Instruct's greedy answers to the first 24, 19 were empty instead of 14.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from titrant.artifacts import Generations
from titrant.errors import StoreError
from titrant.evaluate.code.problems import Problem
from titrant.evaluate.code.stored import read_problems
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation import Generated, Prompt, generate, is_empty, is_looping
from titrant.evaluate.generation.generate import Opened
from titrant.evaluate.harness.journal import Journal, key_of
from titrant.evaluate.harness.prompt_sets import read_prompts
from titrant.evaluate.harness.sources import as_lines
from titrant.jobs import GenerateJob, Progress
from titrant.study.tasks import Sampling

MADE_BY = "generation/float32"

Samples = Mapping[str, Mapping[str, Sequence[str]]]
"""By outcome and item, what was written, in the order of samples."""


class Asked(NamedTuple):
    """The prompts of one outcome, and how texts are drawn."""

    outcome: str
    """`code/NAME` or `judge/NAME`."""
    prompts: Sequence[Prompt]
    """Their ids are the items."""
    sampling: Sampling


def prompts_of(job: GenerateJob, benchmarks: Path) -> list[Asked]:
    """All that is asked, in the order of the job. Raises StoreError if something is not in the Benchmarks folder."""
    asked = []
    for task in job.code:
        problems = read_problems(benchmarks, task.name)
        prompts = [Prompt(problem.item, problem.prompt, problem.stop) for problem in problems]
        asked.append(Asked(f"code/{task.name}", prompts, task.sampling))
    for prompt_set in job.judging:
        rows = read_prompts(benchmarks, prompt_set.name)
        prompts = [Prompt(row["id"], row["prompt"], prompt_set.stop) for row in rows]
        asked.append(Asked(f"judge/{prompt_set.name}", prompts, prompt_set.sampling))
    return asked


def draw_samples(
    model: Opened, encoder: Encoder, asked: Sequence[Asked], out: Path, *, scratch: Path | None, progress: Progress
) -> Generations:
    """Draw all that is asked and write the files of `Generations` into `out`.

    `scratch` keeps what is drawn for a later attempt with the same model; None: nothing is kept. The files' bytes are
    the same whether it was interrupted or not.
    """
    begins = list(accumulate((len(each.prompts) for each in asked), initial=0))
    with Journal(scratch / "samples.jsonl" if scratch is not None else None) as journal:
        for each, begin in zip(asked, begins[:-1], strict=True):
            _draw(model, encoder, each, journal, _counted(progress, begin, begins[-1]))
        return _write(asked, journal, out)


def _counted(progress: Progress, begin: int, total: int) -> Callable[[int, str], None]:
    return lambda done, note: progress(begin + done, total, "prompts", note)


def _draw(model: Opened, encoder: Encoder, each: Asked, journal: Journal, told: Callable[[int, str], None]) -> None:
    waiting = [prompt for prompt in each.prompts if _key(each, prompt) not in journal]
    done = len(each.prompts) - len(waiting)
    told(done, each.outcome)
    before = encoder.added_before()
    encoded = encoder.encode([prompt.text for prompt in waiting])
    read = [replace(prompt, tokens=(*before, *ids)) for prompt, ids in zip(waiting, encoded, strict=True)]

    def keep(index: int, texts: list[Generated]) -> None:
        nonlocal done
        journal.add([(_key(each, waiting[index]), [asdict(text) for text in texts])])
        done += 1
        told(done, each.outcome)

    generate(model, encoder, read, each.sampling, keep)


def _key(each: Asked, prompt: Prompt) -> str:
    return key_of(each.outcome, asdict(prompt), each.sampling.model_dump())


def _write(asked: Sequence[Asked], journal: Journal, out: Path) -> Generations:
    rows: list[dict[str, Any]] = [
        {"outcome": each.outcome, "item": prompt.id, "sample": sample}
        | {name: text[name] for name in ("text", "tokens", "ended", "cut")}
        for each in asked
        for prompt in each.prompts
        for sample, text in enumerate(journal[_key(each, prompt)])
    ]
    (out / "samples.jsonl").write_bytes(as_lines(rows))
    prompts = [
        {"outcome": each.outcome, "item": prompt.id, "prompt": prompt.text} for each in asked for prompt in each.prompts
    ]
    (out / "prompts.jsonl").write_bytes(as_lines(prompts))
    tokens = Counter[str]()
    texts: dict[str, list[str]] = {each.outcome: [] for each in asked}
    for row in rows:
        tokens[row["outcome"]] += row["tokens"]
        texts[row["outcome"]].append(row["text"])
    return Generations(
        items={each.outcome: len(each.prompts) for each in asked},
        samples={each.outcome: each.sampling.samples for each in asked},
        tokens={each.outcome: tokens[each.outcome] for each in asked},
        empty={outcome: fmean(map(is_empty, found)) for outcome, found in texts.items()},
        looping={outcome: fmean(map(is_looping, found)) for outcome, found in texts.items()},
        shortened={
            each.outcome: len({row["item"] for row in rows if row["outcome"] == each.outcome and row["cut"]})
            for each in asked
        },
        made_by=MADE_BY,
    )


def read_samples(folder: Path) -> Samples:
    """What was written, from the folder of a Generations artifact. Raises StoreError if it cannot be read."""
    path = folder / "samples.jsonl"
    found: dict[str, dict[str, list[str]]] = {}
    try:
        for line in path.read_bytes().split(b"\n"):
            if line:
                row: dict[str, Any] = json.loads(line)
                texts = found.setdefault(row["outcome"], {}).setdefault(row["item"], [])
                if row["sample"] != len(texts):
                    raise ValueError(f"sample {row['sample']} of '{row['item']}' stands where {len(texts)} is due")
                texts.append(row["text"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} does not hold samples ({error}); delete {folder} and run again") from None
    return found


def programs_of(problems: Sequence[Problem], samples: Samples, outcome: str, where: Path) -> dict[str, list[str]]:
    """Whole programs of every problem of an outcome. Raises StoreError if a problem has no samples."""
    found = samples.get(outcome, {})
    if missing := [problem.item for problem in problems if not found.get(problem.item)]:
        raise StoreError(
            f"{where} has no samples of {len(missing)} problems of '{outcome}', such as '{missing[0]}'; delete it and "
            "run again"
        )
    return {problem.item: [problem.program(text) for text in found[problem.item]] for problem in problems}
