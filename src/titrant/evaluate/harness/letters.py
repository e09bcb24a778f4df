"""A task of multiple choice asked by letters: the choices stand in the question, and what is scored is "A", "B", ...

Question, choices, answer and solved examples are the task's own, rendered by the harness:

    QUESTION
    A. first choice
    B. second choice
    Answer:

The choices stand in an order that a hash of the document gives, the same for every model. The task's own order may say
which is right: of SciQ it is always the last, and a model that says "D" to everything would be right every time.

**Source:** the form is that of MMLU, Hendrycks et al. 2021 (2009.03300), appendix B.
"""

from __future__ import annotations

import json
import re
from typing import Any

from blake3 import blake3

from titrant.errors import StudyError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CUE = re.compile(r"\n(?:Answer|A):[ \t]*$")


def letter_overrides(task: Any, name: str) -> dict[str, Any]:
    """What to change in the configuration of a task of the harness. Raises StudyError if it cannot be asked so."""
    config = task.config
    if config.output_type != "multiple_choice" or config.process_results is not None:
        raise StudyError(f"task '{name}' is not scored choice by choice; leave out `choices: letters`")

    def order(doc: Any) -> list[int]:
        """Which of the task's choices stands at each letter."""
        said = json.dumps(doc, sort_keys=True, default=str)
        keys = [blake3(f"letters|{index}|{said}".encode()).digest() for index in range(len(task.doc_to_choice(doc)))]
        return sorted(range(len(keys)), key=keys.__getitem__)

    def choices(doc: Any) -> list[str]:
        own = task.doc_to_choice(doc)
        count = len(own)
        if [choice.strip() for choice in own] == list(LETTERS[:count]):
            raise StudyError(f"task '{name}' is asked by letters as it is; leave out `choices: letters`")
        if count > len(LETTERS):
            raise StudyError(f"an item of task '{name}' has {count} choices, and there are {len(LETTERS)} letters")
        return list(LETTERS[:count])

    def text(doc: Any) -> str:
        shown = task.doc_to_choice(doc)
        question = ""
        if task.multiple_input:  # the choices are beginnings of one sentence, whose end is the target
            shown = [f"{choice} {task.doc_to_target(doc)}" for choice in shown]
        else:
            question = _CUE.sub("", task.doc_to_text(doc)) + "\n"
        lines = [
            f"{letter}. {choice.strip()}"
            for letter, choice in zip(LETTERS, map(shown.__getitem__, order(doc)), strict=False)
        ]
        return question + "\n".join([*lines, "Answer:"])

    def target(doc: Any) -> Any:
        right = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
        if isinstance(right, str):
            right = task.doc_to_choice(doc).index(right)
        places = order(doc)
        return [places.index(each) for each in right] if isinstance(right, list) else places.index(int(right))

    return {"doc_to_text": text, "doc_to_choice": choices, "doc_to_target": target, "target_delimiter": " "}
