"""What tasks ask of a model: nats of tokens, and texts. Says nothing of the harness, which may not be installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from titrant.evaluate.generation.prompts import Generated, Prompt
from titrant.evaluate.likelihood import TokenScores
from titrant.study.tasks import Sampling


class ScoresTokens(Protocol):
    """What is asked of a scorer (see `likelihood.Scorer`)."""

    @property
    def window(self) -> int: ...

    def token_scores(
        self, sequences: Sequence[Sequence[int]], starts: Sequence[int] | None = None
    ) -> Sequence[TokenScores]: ...


Write = Callable[[Sequence[Prompt], Sampling, Callable[[int, list[Generated]], None]], list[list[Generated]]]
"""(prompts, sampling, on_done) -> for each prompt its texts, as `generation.generate` of one model."""
