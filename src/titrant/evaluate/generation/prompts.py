"""What is asked of a model, and what comes back: one prompt, and one text drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from titrant.evaluate.encoding import Encoder

Ended = Literal["stop", "end_of_text", "length", "window"]


@dataclass(frozen=True)
class Prompt:
    """One text to go on from, as it stands: nothing is stripped."""

    id: str
    """What its draws are keyed by: unique within one call."""
    text: str
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these."""
    max_tokens: int | None = None
    """The longest answer; None: as the sampling says."""
    tokens: tuple[int, ...] | None = None
    """The prompt's tokens, where somebody else's boundaries count; None: the end of text, then the encoded text, as
    documents are read in training and as choices are scored."""


@dataclass(frozen=True)
class Generated:
    """One answer. Its text is what follows the prompt, cut before the stop sequence, otherwise as it was drawn."""

    text: str
    tokens: int
    """Tokens drawn, those of the stop sequence or the end of text among them."""
    ended: Ended
    """What ended it: a stop sequence, one of the encoder's `endings`, `max_tokens`, or the model's window."""
    cut: int = 0
    """Tokens of the prompt's beginning that the window had no room for."""


class FittedPrompt(NamedTuple):
    """A prompt's tokens as the model reads them."""

    tokens: tuple[int, ...]
    cut: int
    """How many were taken away at the left."""
    room: int
    """Most tokens that may be drawn."""
    narrow: bool
    """Whether the window, and not what was asked for, sets `room`."""


def fit_prompt(prompt: Prompt, tokens: Sequence[int], max_tokens: int, window: int) -> FittedPrompt:
    """Cut a prompt on the left so that it and its answer fit the window.

    Where prompt and answer do not fit, the prompt keeps its last `window - max_tokens` tokens, as lm-evaluation-harness
    does; but never less than half of the window, and then the window ends the answer: a model with a short window
    would otherwise be asked to go on from nothing.

    >>> fit_prompt(Prompt("a", ""), range(10), max_tokens=3, window=8)
    FittedPrompt(tokens=(5, 6, 7, 8, 9), cut=5, room=3, narrow=False)
    >>> fit_prompt(Prompt("a", ""), range(5), max_tokens=100, window=8)
    FittedPrompt(tokens=(1, 2, 3, 4), cut=1, room=4, narrow=True)
    """
    asked = max_tokens if prompt.max_tokens is None else prompt.max_tokens
    most = max(window - min(asked, window // 2), 1)
    cut = max(len(tokens) - most, 0)
    room = window - (len(tokens) - cut)
    return FittedPrompt(tuple(tokens[cut:]), cut, min(asked, room), room < asked)


def encode_prompts(prompts: Sequence[Prompt], encoder: Encoder) -> list[tuple[int, ...]]:
    """Each prompt's tokens, uncut. A prompt of no tokens is the end of text alone."""
    encoded = iter(encoder.encode([prompt.text for prompt in prompts if prompt.tokens is None]))
    return [
        (encoder.end_of_text_id, *next(encoded))
        if prompt.tokens is None
        else prompt.tokens or (encoder.end_of_text_id,)
        for prompt in prompts
    ]
