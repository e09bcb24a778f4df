"""Text from models whose attention is not plain: `transformers` keeps their state, we choose every token.

Sliding windows, states, sinks and the like are the library's own code, prompt by prompt: the samples of one prompt are
its batch, so no answer depends on other prompts. Whatever the model's folder says of how to generate (penalties, forced
tokens) is left out: what is drawn is what the sampling declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.engine import Group
from titrant.evaluate.generation.prompts import Generated
from titrant.evaluate.generation.sampling import Draws, choose_tokens
from titrant.evaluate.generation.stopping import Answer
from titrant.study.tasks import Sampling


def draw_by_library(
    library_model: Any, encoder: Encoder, groups: Sequence[Group], sampling: Sampling
) -> Iterator[tuple[Group, int, Generated]]:
    """(group, sample, answer), group by group; `library_model` is one of `transformers` with a `generate`."""
    from transformers import LogitsProcessorList, StoppingCriteriaList

    for group in groups:
        answers = [Answer(group.prompt, group.fitted, encoder) for _ in group.samples]
        chooser = _Chooser(answers, [Draws(sampling.seed, group.prompt.id, s) for s in group.samples], sampling)
        tokens_BT = torch.tensor([group.fitted.tokens] * len(answers), device=library_model.device)
        with _plainly_configured(library_model, group.fitted.room, encoder.end_of_text_id):
            library_model.generate(
                tokens_BT,
                attention_mask=torch.ones_like(tokens_BT),
                logits_processor=LogitsProcessorList([chooser]),
                stopping_criteria=StoppingCriteriaList([chooser.finished]),
            )
        for sample, answer in zip(group.samples, answers, strict=True):
            yield group, sample, answer.generated()


class _Chooser:
    """Chooses a token for each unfinished answer, and leaves the library nothing else to choose."""

    def __init__(self, answers: list[Answer], draws: list[Draws], sampling: Sampling) -> None:
        self._answers, self._draws, self._sampling = answers, draws, sampling

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        numbers = [d.number(len(a.tokens)) for a, d in zip(self._answers, self._draws, strict=True)]
        chosen = choose_tokens(scores, self._sampling, numbers)
        for answer, token in zip(self._answers, chosen, strict=True):
            if not answer.finished:
                answer.add(token)
        only = torch.full_like(scores, -torch.inf)
        only[torch.arange(len(chosen)), torch.tensor(chosen)] = 0
        return only

    def finished(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        """Which answers are finished."""
        return torch.tensor([answer.finished for answer in self._answers], device=input_ids.device)


@contextmanager
def _plainly_configured(library_model: Any, room: int, end_of_text_id: int) -> Iterator[None]:
    from transformers import GenerationConfig

    before = library_model.generation_config
    library_model.generation_config = GenerationConfig(
        max_new_tokens=room, do_sample=False, use_cache=True, pad_token_id=end_of_text_id
    )
    try:
        yield
    finally:
        library_model.generation_config = before
