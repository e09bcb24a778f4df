"""Prompts whose answers are judged: `prompts/NAME.jsonl` in a Benchmarks artifact, a prompt a line.

The columns are those of databricks-dolly-15k: `instruction`, and where there is one `context` and `response` (a
reference answer). Beside them stand `id` and `prompt`, the text that a model is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from titrant.errors import Problem, StoreError, StudyError
from titrant.evaluate.harness.sources import PROBLEMS_SHOWN, Wanted, as_lines, find_documents, of_lines
from titrant.jobs import Progress
from titrant.study.judging import PromptSet

DOLLY = "databricks/databricks-dolly-15k"
"""Where prompts lie that the study gives no place for. It is in no package: without the hub, give a file."""


class PreparedPrompts(NamedTuple):
    """The prompts of one set, as they were written."""

    outcome: str
    """`judge/NAME`."""
    prompts: Sequence[Mapping[str, str]]
    origin: str
    """Where they came from, for the record."""

    def requests(self) -> list[dict[str, Any]]:
        """What sources are searched for, in the columns of Items."""
        return [
            {"outcome": self.outcome, "item": prompt["id"], "part": part, "text": text, "choices": 0, "right": 0}
            for prompt in self.prompts
            for part, text in (
                ("whole", f"{_asked(prompt)}\n{prompt['response']}"),
                ("question", _asked(prompt)),
            )
        ]


def prepare_prompts(prompts: PromptSet, folder: Path, progress: Progress) -> PreparedPrompts:
    """Bring the prompts of a set together and write them into the folder of a Benchmarks artifact.

    Raises StudyError if a file is wrong, EngineError if the hub cannot be reached.
    """
    wanted = Wanted(("train", "test", "validation"))
    documents = find_documents(prompts.name, prompts.prompts, (DOLLY, None), wanted, progress)
    rows = documents.splits[documents.scored][: prompts.items]
    found, problems = [], []
    for number, row in enumerate(rows):
        texts = {column: row.get(column) or "" for column in ("instruction", "context", "response")}
        if not isinstance(texts["instruction"], str) or not texts["instruction"].strip():
            problems.append(Problem(f"prompt {number} of '{prompts.name}' has no `instruction`"))
        elif wrong := [column for column, text in texts.items() if not isinstance(text, str)]:
            problems.append(Problem(f"`{wrong[0]}` of prompt {number} of '{prompts.name}' is not a text"))
        else:
            found.append({"id": str(number), **texts, "prompt": _filled(prompts.template, texts)})
    if problems:
        raise StudyError(problems[:PROBLEMS_SHOWN])
    path = _file(folder, prompts.name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(as_lines(found))
    return PreparedPrompts(f"judge/{prompts.name}", found, documents.origin)


def read_prompts(folder: Path, name: str) -> list[dict[str, str]]:
    """The prompts of set `name` in a Benchmarks folder: id, instruction, context, response and prompt of each.

    Raises StoreError if they are not there.
    """
    path = _file(folder, name)
    try:
        return of_lines(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} does not hold prompts ({error}); delete {folder} and run again") from None


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with its two places filled; braces in the texts stay as they are."""
    context = f"{texts['context']}\n\n" if texts["context"] else ""
    before, _, after = template.partition("{instruction}")
    return before.replace("{context}", context) + texts["instruction"] + after.replace("{context}", context)


def _asked(prompt: Mapping[str, str]) -> str:
    return "\n".join(text for text in (prompt["context"], prompt["instruction"]) if text)


def _file(folder: Path, name: str) -> Path:
    return folder / "prompts" / f"{name}.jsonl"
