"""The answers of an arm and of its control to the same prompts, laid side by side."""

from __future__ import annotations

import json
from pathlib import Path

from titrant.artifacts import Generations
from titrant.errors import StoreError
from titrant.evaluate.harness.prompt_sets import read_prompts
from titrant.evaluate.judging.protocol import Pair


def read_pairs(arm: Path, control: Path, benchmarks: Path, name: str) -> list[Pair]:
    """The pairs of set `name`, in the order of its prompts.

    Raises StoreError where an answer is missing or one too many: what is compared is the whole set or nothing.
    """
    prompts = read_prompts(benchmarks, name)
    items = [prompt["id"] for prompt in prompts]
    answers = {folder: _answers(folder, f"judge/{name}", items) for folder in (arm, control)}
    return [
        Pair(
            item=prompt["id"],
            instruction=prompt["instruction"],
            context=prompt.get("context") or "",
            arm=answers[arm][prompt["id"]],
            control=answers[control][prompt["id"]],
        )
        for prompt in prompts
    ]


def _answers(folder: Path, outcome: str, items: list[str]) -> dict[str, str]:
    Generations.read(folder)
    path, found = folder / "samples.jsonl", dict[str, str]()
    try:
        for line in path.read_bytes().decode().split("\n"):  # texts may hold other separators of lines
            row = json.loads(line) if line else {}
            if row.get("outcome") == outcome:
                item = str(row["item"])
                if item in found:
                    raise StoreError(f"{path} holds two answers to item '{item}' of '{outcome}', where one is judged")
                found[item] = str(row["text"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise StoreError(f"{path} cannot be read: {error!r:.200}; delete {folder} and run again") from None
    if set(found) != set(items):
        missing, extra = sorted(set(items) - set(found)), sorted(set(found) - set(items))
        raise StoreError(
            f"{path} answers other items of '{outcome}' than were asked (missing: {missing[:3]}, too many: {extra[:3]})"
            f"; delete {folder} and run again"
        )
    return found
