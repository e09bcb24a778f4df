"""A teacher on this machine: a Hugging Face model that writes its answers here, with no server.

A model with a chat template is told as its template says. One without reads question and the beginning of the answer as
one text, and goes on; its programs end where the fence does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from titrant.evaluate.chat_template import ChatTemplate
from titrant.evaluate.generation import Prompt
from titrant.evaluate.harness.journal import Journal, key_of
from titrant.evaluate.opening import open_given
from titrant.study.tasks import Sampling
from titrant.synthesize.teacher.prompts import BEGINNINGS, FENCE_END, Answer, Asked, question

TOO_LONG = "the problem is longer than the model reads"


def ask_local(
    folder: Path,
    asked: Sequence[Asked],
    instructions: str | None,
    sampling: Sampling,
    journal_path: Path,
    more: Callable[[int], None],
) -> list[list[Answer]]:
    """The answers to each, `sampling.samples` of them. What is in the journal is not drawn again.

    `more` is told how many more are there. Raises StudyError or EngineError as `load_outside` and `ChatTemplate` do.
    """
    model = open_given({"model": folder})
    template = ChatTemplate(folder, model.encoder)
    prompts = [_prompt(each, instructions, template) for each in asked]
    identity = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir())
    keys = [key_of(identity, asdict(prompt), sampling.model_dump()) for prompt in prompts]
    with Journal(journal_path) as journal:
        waiting = [at for at, key in enumerate(keys) if key not in journal]
        more((len(prompts) - len(waiting)) * sampling.samples)

        def keep(index: int, texts: Sequence[Any]) -> None:
            journal.add([(keys[waiting[index]], [asdict(text) for text in texts])])
            more(sampling.samples)

        model.write([prompts[at] for at in waiting], sampling, keep)
        return [
            [_answer(text, len(prompt.tokens or ()), sampling.seed) for text in journal[key]]
            for key, prompt in zip(keys, prompts, strict=True)
        ]


def _prompt(asked: Asked, instructions: str | None, template: ChatTemplate) -> Prompt:
    stop = () if template.exists or asked.form == "text" else FENCE_END
    tokens = template.tokens(question(asked, instructions), BEGINNINGS[asked.form])
    return Prompt(asked.id, "", stop, tokens=tokens)


def _answer(text: dict[str, Any], read: int, seed: int) -> Answer:
    if text["cut"]:
        return Answer("", TOO_LONG, read - text["cut"], text["tokens"], 0.0, seed)
    ended = "length" if text["ended"] in ("length", "window") else "stop"
    return Answer(text["text"], ended, read, text["tokens"], 0.0, seed)
