"""Titrant as a model behind lm-evaluation-harness's interface: whatever the harness asks is scored by the one path.

Token boundaries are the harness's own: its `_encode_pair` splits context and continuation, moving blanks at the end of
a context into the continuation, and nothing is stripped. Before a text stands what the tokenizer itself puts there
(`<s>` of some), as with the harness's Hugging Face backend; where there is no context at all, the token that the
tokenizer's files name as the beginning of a text, or else the end of one, as there. A context that is too long for the
window loses its beginning, as there, and is counted in `shortened`.

Every answer is kept in a journal under the text that was asked and what the model makes of one fixed sentence, so that
answers of another model, or of the same on a machine that rounds otherwise, are never taken for its own. Requests are
scored in groups of fixed size, in the harness's order, so that an interrupted run gives the same bits as one that was
not.

One thing differs on purpose: text that spells a special token stays text. This file alone needs the harness to be
imported at all, so others import it only where they use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from titrant.errors import StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.prompts import Generated, Prompt
from titrant.evaluate.harness.asking import ScoresTokens, Write
from titrant.evaluate.harness.journal import Journal, key_of
from titrant.study.tasks import Sampling

REQUESTS_AT_ONCE = 2048
"""Sequences that are scored between two writes of the journal."""
LONGEST_ANSWER = 256
"""Tokens of an answer for which a task sets no limit: the harness's default."""

FIXED_TEXT = "Water boils at 100 degrees."
"""Short enough for every window."""

Request = Any
"""The harness's `Instance`: `args` (context, and continuation or settings), `task_name`, `doc_id`, `idx`."""
OnAnswers = Callable[[int], None]


class HarnessModel(TemplateLM):  # type: ignore[misc]
    """A model as the harness sees it."""

    backend = "causal"

    def __init__(
        self,
        scorer: ScoresTokens,
        encoder: Encoder,
        write: Write | None = None,
        journal: Journal | None = None,
        on_answers: OnAnswers = lambda count: None,
    ) -> None:
        """`write` draws texts; without it the model only scores. `on_answers` hears how many requests were answered."""
        super().__init__()
        self._scorer, self._encoder, self._write = scorer, encoder, write
        self._journal = Journal() if journal is None else journal
        self.on_answers = on_answers
        self.shortened: set[tuple[str | None, int | None]] = set()
        """Task and document of every request whose context lost its beginning."""
        self._before = encoder.added_before()
        self._prefix = encoder.before_nothing()
        self._mark = _mark(scorer, encoder) if self._journal.kept else ""
        self._encoded: dict[str, list[int]] = {}

    @property
    def eot_token_id(self) -> int:
        return self._encoder.end_of_text_id

    @property
    def prefix_token_id(self) -> int:
        """What stands before a continuation without a context."""
        return self._prefix

    @property
    def max_length(self) -> int:
        """The window in tokens."""
        return self._scorer.window

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: object) -> list[int]:
        """Tokens of a text, with what the tokenizer puts before it unless `add_special_tokens` is False."""
        ids = self._encoded[string] if string in self._encoded else self._encoder.encode([string])[0]
        return list(ids) if add_special_tokens is False else [*self._before, *ids]

    def loglikelihood(self, requests: Sequence[Request], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """(log-likelihood in nats, whether every token was the likeliest) of each continuation.

        Raises StudyError if a continuation has no token, or more than the window.
        """
        keys = [key_of(self._mark, "loglikelihood", *request.args) for request in requests]
        for start in range(0, len(requests), REQUESTS_AT_ONCE):
            stop = start + REQUESTS_AT_ONCE
            group, names = requests[start:stop], keys[start:stop]
            if not all(name in self._journal for name in names):
                self._journal.add(zip(names, self._score(group), strict=True))
            self._note_shortened(group, names)
            self.on_answers(len(group))
        return [(float(answer[0]), bool(answer[1])) for answer in (self._journal[key] for key in keys)]

    def _score(self, group: Sequence[Request]) -> list[list[Any]]:
        pairs = self._encode_pairs([request.args for request in group])
        sequences, starts, cut = [], [], []
        for request, (context, continuation) in zip(group, pairs, strict=True):
            self._check(request, len(continuation))
            whole = [*(context or [self.prefix_token_id]), *continuation]
            fitting = whole[-(self.max_length + 1) :]
            sequences.append(fitting)
            starts.append(len(fitting) - len(continuation))
            cut.append(len(fitting) < len(whole))
        scored = self._scorer.token_scores(sequences, starts)
        return [
            [-float(scores.nats.sum(dtype=np.float64)), bool(scores.best.all()), shortened]
            for scores, shortened in zip(scored, cut, strict=True)
        ]

    def _encode_pairs(self, texts: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """What the harness makes of each (context, continuation), its texts encoded all at once before."""
        asked: dict[str, None] = {}
        for context, continuation in texts:
            asked |= dict.fromkeys((context + continuation, context.rstrip()) if context else (continuation,))
        self._encoded = dict(zip(asked, self._encoder.encode(list(asked)), strict=True))
        pairs = []
        for context, continuation in texts:
            if context:
                pairs.append(self._encode_pair(context, continuation))
            else:
                ids = self.tok_encode(continuation, add_special_tokens=False)
                own = bool(ids) and ids[0] == self.prefix_token_id
                pairs.append((ids[:1], ids[1:]) if own else ([self.prefix_token_id], ids))
        self._encoded = {}
        return pairs

    def _check(self, request: Request, tokens: int) -> None:
        where = f"document {request.doc_id} of task '{request.task_name}'"
        if tokens == 0:
            raise StudyError(f"{where}: {request.args[1]!r:.80} adds no token to its context, and cannot be scored")
        if tokens > self.max_length:
            raise StudyError(
                f"{where}: an answer of {tokens} tokens does not fit the window of {self.max_length}; take a model "
                "with a longer window, or leave the document out"
            )

    def _note_shortened(self, group: Sequence[Request], names: Iterable[str]) -> None:
        for request, name in zip(group, names, strict=True):
            answer = self._journal[name]
            if len(answer) > 2 and answer[2]:
                self.shortened.add((request.task_name, request.doc_id))

    def loglikelihood_rolling(self, requests: Sequence[Request], disable_tqdm: bool = True) -> list[float]:
        """Log-likelihood in nats of whole texts, in windows that follow one another, as the harness cuts them."""
        totals = []
        for request in requests:
            (text,) = request.args
            key = key_of(self._mark, "loglikelihood_rolling", text)
            if key not in self._journal:
                self._journal.add([(key, self._roll(text))])
            totals.append(float(self._journal[key]))
            self.on_answers(1)
        return totals

    def _roll(self, text: str) -> float:
        windows = get_rolling_token_windows(self.tok_encode(text), self.prefix_token_id, self.max_length, 1)
        pairs = [make_disjoint_window(window) for window in windows]
        scored = self._scorer.token_scores(
            [[*context, *predicted] for context, predicted in pairs], [len(context) for context, _ in pairs]
        )
        return -float(sum(scores.nats.sum(dtype=np.float64) for scores in scored))

    def generate_until(self, requests: Sequence[Request], disable_tqdm: bool = True) -> list[str]:
        """The text that follows each context, up to a stop sequence.

        Greedy unless the task samples; then every request draws from numbers of its own. Raises StudyError if this
        model was made for scoring only.
        """
        prompts: dict[Sampling, dict[str, Prompt]] = {}
        keys: list[str] = []
        seen: dict[int, int] = {}
        for request in requests:
            context, settings = request.args
            sampling, stop = _sampling(settings)
            again = seen[id(request)] = seen.get(id(request), -1) + 1  # the harness repeats a request to sample twice
            name = f"{request.task_name}/{request.doc_id}/{request.idx}" + (f"/{again}" if again else "")
            key = key_of(self._mark, "generate_until", name if sampling.temperature else "", context, settings)
            keys.append(key)
            if key not in self._journal:
                tokens = tuple(self.tok_encode(context) or [self.prefix_token_id])
                prompts.setdefault(sampling, {}).setdefault(key, Prompt(name, context, stop, tokens=tokens))
        self.on_answers(sum(key in self._journal for key in keys))
        for sampling, asked in prompts.items():
            self._draw(list(asked.items()), sampling)
        for request, key in zip(requests, keys, strict=True):
            if self._journal[key][1]:
                self.shortened.add((request.task_name, request.doc_id))
        return [str(self._journal[key][0]) for key in keys]

    def _draw(self, asked: list[tuple[str, Prompt]], sampling: Sampling) -> None:
        if self._write is None:
            raise StudyError("this model was loaded for scoring only, and the task asks for text")

        def done(index: int, texts: list[Generated]) -> None:
            self._journal.add([(asked[index][0], [texts[0].text, texts[0].cut > 0])])
            self.on_answers(1)

        self._write([prompt for _, prompt in asked], sampling, done)

    def _loglikelihood_tokens(self, requests: Any, **_: Any) -> Any:
        raise NotImplementedError  # `loglikelihood` asks the scorer itself


def _mark(scorer: ScoresTokens, encoder: Encoder) -> str:
    """What tells this model on this machine from others: the bits of its nats on a few tokens."""
    tokens = [encoder.before_nothing(), *encoder.encode([FIXED_TEXT])[0]][: scorer.window + 1]
    (scores,) = scorer.token_scores([tokens], [1])
    return key_of(tokens, scores.nats.astype(np.float32).tobytes().hex())


def _sampling(settings: dict[str, Any]) -> tuple[Sampling, tuple[str, ...]]:
    """The harness's settings of one request as ours. Raises StudyError if they ask for what is not offered."""
    given = dict(normalize_gen_kwargs(settings, LONGEST_ANSWER))
    until = given.pop("until", None) or []
    stop = (until,) if isinstance(until, str) else tuple(until)
    sampled = bool(given.pop("do_sample", False))
    temperature = float(given.pop("temperature", 0.0))
    most, top_p = int(given.pop("max_gen_toks")), float(given.pop("top_p", 1.0))
    if others := sorted(key for key, value in given.items() if value is not None):
        raise StudyError(f"a task asks for generation with {', '.join(others)}, which Titrant does not draw by")
    if not sampled:
        return Sampling(max_tokens=most), tuple(text for text in stop if text)
    return Sampling(temperature=temperature or 1.0, top_p=top_p, max_tokens=most), tuple(text for text in stop if text)
