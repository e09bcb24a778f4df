"""The text of one answer as it grows, and when it ends: stop sequences are found in text, whatever the tokens are.

A token may hold a part of a character, or several characters around a stop sequence. So text is decoded from a few
tokens back, an incomplete character at the end waits for the tokens that complete it, and the final text is decoded in
one piece behind the last tokens of the prompt: some tokenizers drop the white space before what they take for the
beginning of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.prompts import Ended, FittedPrompt, Generated, Prompt

_CONTEXT_TOKENS = 8
"""Tokens of the prompt that are decoded with an answer."""
_WAITING_TOKENS = 8
"""Tokens that may wait for their character to become whole: no character has more bytes."""
_INCOMPLETE = "\ufffd"


@final
class Answer:
    """One sample of a prompt while it is drawn."""

    def __init__(self, prompt: Prompt, fitted: FittedPrompt, encoder: Encoder) -> None:
        self._stop = tuple(stop for stop in prompt.stop if stop)
        self._fitted, self._encoder = fitted, encoder
        self._context = list(fitted.tokens[-_CONTEXT_TOKENS:])
        self._before = encoder.decode(self._context)
        self._longest_stop = max(map(len, self._stop), default=0)
        # of the context and the answer: where decoding begins, up to where the text is known, that text; its last part
        self._from, self._known, self._known_text, self._tail = 0, len(self._context), self._before, ""
        self.tokens: list[int] = []
        self.ended: Ended | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be drawn."""
        return self.ended is not None

    def add(self, token: int) -> None:
        """One more token was drawn."""
        self.tokens.append(token)
        if token in self._encoder.endings:
            self.ended = "end_of_text"
        elif self._stop and self._finds_stop():
            self.ended = "stop"
        elif len(self.tokens) >= self._fitted.room:
            self.ended = "window" if self._fitted.narrow else "length"

    def generated(self) -> Generated:
        """The finished answer."""
        assert self.ended is not None
        tokens = self.tokens[:-1] if self.ended == "end_of_text" else self.tokens
        text = _following(self._before, self._encoder.decode([*self._context, *tokens]))
        if self.ended == "stop":
            text = cut_before(text, self._stop)
        return Generated(text, len(self.tokens), self.ended, self._fitted.cut)

    def _finds_stop(self) -> bool:
        """Look at the text since the last time, and as much before it as a stop sequence may reach back."""
        read = [*self._context, *self.tokens]
        text = self._encoder.decode(read[self._from :])
        seen = self._tail + _following(self._known_text, text)
        if any(stop in seen for stop in self._stop):
            return True
        if not text.endswith(_INCOMPLETE) or len(read) - self._known >= _WAITING_TOKENS:
            self._tail = seen[len(seen) - min(self._longest_stop - 1, len(seen)) :]
            # the next tokens are decoded behind those just known, as the tokenizer may join them
            self._from, self._known = self._known, len(read)
            self._known_text = self._encoder.decode(read[self._from :])
        return False


def cut_before(text: str, stop: Sequence[str]) -> str:
    """The text before the earliest stop sequence in it.

    >>> cut_before("a = 1\\ndef b", ["\\ndef", "= 1\\n"])
    'a '
    """
    places = [place for sequence in stop if sequence and (place := text.find(sequence)) >= 0]
    return text[: min(places)] if places else text


def _following(before: str, text: str) -> str:
    """What stands in `text` after `before`, an incomplete last character of which may have become another one."""
    known = len(before)
    while known and not text.startswith(before[:known]):
        known -= 1
    return text[known:]
