"""A judge on this machine: which letter a causal language model finds likelier after `Verdict:`, with no server.

It writes nothing, so it gives no reasons; in return its verdict is exact, always in form, and says how sure it is.

The question goes through the model's own chat template where it has one (see `titrant.evaluate.chat_template`): an
answer that spells `<|im_end|>` ends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from titrant.chat.conversation import Message
from titrant.evaluate.chat_template import template_pieces
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.journal import Journal, key_of
from titrant.evaluate.judging.protocol import VERDICT, Letter
from titrant.evaluate.likelihood import Scorer
from titrant.evaluate.models import load_outside

AT_ONCE = 16
"""Questions scored together and kept together."""


@dataclass(frozen=True)
class LocalVerdict:
    """What a local judge found."""

    letter: Letter | None
    """None where it cannot say."""
    first_probability: float
    """Of A, of the two letters; NaN where it cannot say."""
    asked: str
    """What it read, word for word, up to the letter."""
    reason: str = ""
    """Why it cannot say."""


class LocalJudge:
    """A Hugging Face model that compares."""

    def __init__(self, folder: Path) -> None:
        """Loads the model. Raises StudyError or EngineError as `load_outside` does."""
        self._scorer, self._encoder = _load(folder)
        self._special = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._special.no_truncation()
        self._special.no_padding()
        self._pieces = _template_pieces(folder)
        self._identity = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir())
        self._letters = self._encoder.encode([" A", " B"])

    def judge(
        self, questions: Sequence[tuple[Message, ...]], journal: Journal, more: Callable[[int], None]
    ) -> list[LocalVerdict]:
        """The verdict on each question (a system message and a user's). What is in the journal is not scored again."""
        encoded = [self._encode(question) for question in questions]
        keys = [key_of(self._identity, ids) for ids in encoded]
        fits = [len(ids) + max(map(len, self._letters)) <= self._scorer.window + 1 for ids in encoded]
        open_ones = [i for i, fit in enumerate(fits) if fit and keys[i] not in journal]
        more(len(questions) - len(open_ones))
        for start in range(0, len(open_ones), AT_ONCE):
            group = open_ones[start : start + AT_ONCE]
            nats = self._letter_nats([encoded[i] for i in group])
            journal.add((keys[i], pair) for i, pair in zip(group, nats, strict=True))
            more(len(group))
        return [
            self._verdict(self._text(question), len(ids), journal[key] if fit else None)
            for question, ids, key, fit in zip(questions, encoded, keys, fits, strict=True)
        ]

    def _letter_nats(self, contexts: Sequence[list[int]]) -> list[tuple[float, float]]:
        sequences = [[*context, *letter] for context in contexts for letter in self._letters]
        nats = self._scorer.token_nats(sequences, [len(context) for context in contexts for _ in self._letters])
        values = [float(found.sum(dtype=float)) for found in nats]
        return list(zip(values[::2], values[1::2], strict=True))

    def _verdict(self, asked: str, tokens: int, nats: Sequence[float] | None) -> LocalVerdict:
        if nats is None:
            reason = f"{tokens:,} tokens, and the judge reads {self._scorer.window:,}"
            return LocalVerdict(None, math.nan, asked, reason)
        first, second = nats
        probability = 1 / (1 + math.exp(min(700.0, first - second)))
        if first == second:
            return LocalVerdict(None, probability, asked, "both letters are equally likely")
        return LocalVerdict("A" if first < second else "B", probability, asked)

    def _text(self, question: tuple[Message, ...]) -> str:
        before, between, after = self._pieces
        return before + question[0].content + between + question[1].content + after

    def _encode(self, question: tuple[Message, ...]) -> list[int]:
        texts = [message.content for message in question]
        ids: list[int] = []
        for piece, text in zip(self._pieces, [*texts, None], strict=True):
            ids += self._special.encode(piece, add_special_tokens=False).ids if piece else []
            ids += self._encoder.encode([text])[0] if text is not None else []
        # a model without a template reads its question as a document, and documents begin with the end of text
        return ids if self._pieces[0] else [self._encoder.end_of_text_id, *ids]


def _load(folder: Path) -> tuple[Scorer, Encoder]:
    return load_outside(folder)


def _template_pieces(folder: Path) -> tuple[str, str, str]:
    """What stands before the system's text, between it and the user's, and after that, up to the letter."""
    pieces = template_pieces(folder)
    if pieces is None:
        return "", "\n\n", f"\n\n{VERDICT}"
    before, between, after = pieces
    return before, between, after + VERDICT
