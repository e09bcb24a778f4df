"""The way in: prompts go in, answers come out, whichever way the model is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.nn.functional import linear

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.engine import ROWS, draw_by_door, make_groups
from titrant.evaluate.generation.library import draw_by_library
from titrant.evaluate.generation.products import packed_products, seeing_nothing_packed
from titrant.evaluate.generation.prompts import Generated, Prompt
from titrant.evaluate.likelihood import exact_float32
from titrant.model.attention_door import Attend
from titrant.study.tasks import Sampling


class Opened(Protocol):
    """A model opened for evaluation, as far as generation asks."""

    @property
    def model(self) -> Any:
        """A LanguageModel, or a model of `transformers`."""

    @property
    def scorer(self) -> Any:
        """Its scorer, whose `output` has what makes the model's logits: `weight` [V, D] and `soft_cap`."""

    @property
    def window(self) -> int:
        """Most tokens of a prompt and its answer."""

    @property
    def device(self) -> torch.device:
        """Where it lies."""

    @property
    def attends_plainly(self) -> bool:
        """See `LanguageModel.attends_plainly`."""


def generate(
    model: Opened,
    encoder: Encoder,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    on_done: Callable[[int, list[Generated]], None] = lambda index, answers: None,
    *,
    rows: int = ROWS,
) -> list[list[Generated]]:
    """The answers to each prompt, `sampling.samples` of them, in the prompts' order.

    `on_done` is told of each prompt as soon as all its answers are there: its index and they. Prompts are begun in
    their order; `rows` is how many answers are drawn at once. An answer depends on the model, its prompt (id, text,
    stop sequences) and the sampling alone: neither on `rows` nor on the other prompts or their order, so those that
    were told before an interruption need not be asked again.

    >>> generate(model, encoder, [Prompt("1", "def f(x):", stop=("\\ndef",))], Sampling())  # doctest: +SKIP
    [[Generated(text='\\n    return x', tokens=6, ended='stop', cut=0)]]
    """
    found: list[dict[int, Generated]] = [{} for _ in prompts]
    groups = make_groups(prompts, encoder, sampling, model.window)
    with exact_float32(), packed_products(model.device), torch.inference_mode():
        if model.attends_plainly:
            answers = draw_by_door(_Door(model), encoder, groups, sampling, rows)
        else:
            answers = draw_by_library(_library_model(model.model), encoder, groups, sampling)
        for group, sample, answer in answers:
            found[group.index][sample] = answer
            if len(found[group.index]) == sampling.samples:
                on_done(group.index, [found[group.index][s] for s in range(sampling.samples)])
    return [[of_prompt[sample] for sample in range(sampling.samples)] for of_prompt in found]


@dataclass(frozen=True)
class _Door:
    opened: Opened

    @property
    def window(self) -> int:
        return self.opened.window

    @property
    def device(self) -> torch.device:
        return self.opened.device

    @property
    def whole(self) -> bool:
        return bool(self.opened.scorer.whole)

    def hidden_with(self, attend: Attend, tokens_BT: Tensor, positions_BT: Tensor) -> Tensor:
        return cast(Tensor, self.opened.model.hidden_with(seeing_nothing_packed(attend), tokens_BT, positions_BT))

    def logits_of(self, hidden_ND: Tensor) -> Tensor:
        output = self.opened.scorer.output
        logits_NV = linear(hidden_ND, output.weight).float()
        return logits_NV if output.soft_cap is None else torch.tanh(logits_NV / output.soft_cap) * output.soft_cap


def _library_model(model: Any) -> Any:
    return model._library[0] if hasattr(model, "_library") else model
