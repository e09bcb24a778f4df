"""How a local chat model is told something: through its own template, in which nothing that is told can end a turn.

The template is filled with place holders and cut there; only its own pieces may hold special tokens, while the texts
are encoded as text, so that a text that spells `<|im_end|>` ends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from titrant.chat.conversation import Message
from titrant.errors import EngineError, StudyError
from titrant.evaluate.encoding import Encoder

_HOLDERS = ("\ue000\ue001", "\ue000\ue002")


class ChatTemplate:
    """The template of one model, filled with a system message and a user's."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        """Of the tokenizer in `folder`. Raises EngineError if it cannot be loaded, StudyError if its template cannot
        be filled."""
        self._encoder = encoder
        self._special = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._special.no_truncation()
        self._special.no_padding()
        self._pieces = template_pieces(folder)

    @property
    def exists(self) -> bool:
        """Whether the model has one. One without reads all that it is told as a text that it goes on with."""
        return self._pieces is not None

    def tokens(self, messages: Sequence[Message], begins: str = "") -> tuple[int, ...]:
        """What the model reads, up to where its answer begins. `begins` is how the answer of a model without a template
        begins, after what its tokenizer puts before every text."""
        system, user = (message.content for message in messages)
        if self._pieces is None:
            return (*self._encoder.added_before(), *self._encoder.encode([f"{system}\n\n{user}\n\n{begins}"])[0])
        ids: list[int] = []
        for piece, text in zip(self._pieces, (system, user, None), strict=True):
            ids += self._special.encode(piece, add_special_tokens=False).ids if piece else []
            ids += self._encoder.encode([text])[0] if text is not None else []
        return tuple(ids)


def template_pieces(folder: Path) -> tuple[str, str, str] | None:
    """What stands before the system's text, between it and the user's, and after that; None where there is no template.

    Raises EngineError if the tokenizer cannot be loaded, StudyError if its template cannot be filled.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise EngineError(f"transformers cannot load the tokenizer in '{folder}': {str(error)[:200]}") from None
    if not tokenizer.chat_template:
        return None
    said = "it leaves out a turn"
    first, second = _HOLDERS
    user = {"role": "user", "content": second}
    # many templates know no system: what it says then stands before the user's own words
    for turns in ([{"role": "system", "content": first}, user], [user | {"content": f"{first}\n\n{second}"}]):
        try:
            filled: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except Exception as error:  # templates raise what their authors like
            said = f"{type(error).__name__}: {str(error)[:200]}"
            continue
        before, found_first, rest = filled.partition(first)
        between, found_second, after = rest.partition(second)
        if found_first and found_second:
            return before, between, after
    raise StudyError(f"the chat template in '{folder}' cannot be filled ({said}); give another model")
