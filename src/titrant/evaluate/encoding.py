"""Text to tokens for scoring: the artifact's tokenizer as one small object that never strips or adds anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer

from titrant.artifacts import TokenizerFile
from titrant.errors import StudyError


class Encoder:
    """A tokenizer and its end-of-text token, which stands before every document as it did in training."""

    def __init__(self, file: Path, end_of_text_id: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises bare Exception
            raise StudyError(f"'{file}' is not a tokenizer.json of the `tokenizers` library: {error}") from None
        # a tokenizer.json may carry the habits of a chat model: shortening or padding would falsify every score
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # text that spells a special token is text: it must not end the document
        self._tokenizer.encode_special_tokens = True
        self.end_of_text_id = end_of_text_id
        self.endings = frozenset([end_of_text_id])
        """Tokens that end an answer, the end of text among them."""
        self._named = _named_tokens(file.parent)

    @classmethod
    def of_artifact(cls, folder: Path) -> Encoder:
        """The tokenizer of a TokenizerFile artifact."""
        return cls(folder / "tokenizer.json", TokenizerFile.read(folder).end_of_text_id)

    def ending_at(self, endings: Iterable[int]) -> Self:
        """This tokenizer, where an answer ends at these tokens too. A document's end stays the one that it is."""
        other = copy(self)
        other.endings = self.endings.union(endings)
        return other

    def encodes_as(self, other: Encoder) -> bool:
        """Whether both are the same tokenizer, whatever either file says of shortening, padding and added tokens."""
        mine, theirs = (json.loads(encoder._tokenizer.to_str()) for encoder in (self, other))
        # what is done after encoding adds tokens around a text, which `encode` never asks for
        return bool(mine | {"post_processor": None} == theirs | {"post_processor": None})

    @property
    def vocabulary(self) -> int:
        """Number of entries, added tokens included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text as it stands: no token is added, no white space is lost."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def added_before(self) -> list[int]:
        """What the tokenizer itself would put before every text (`<s>` of some), which `encode` does not add."""
        added, plain = (self._tokenizer.encode("a", add_special_tokens=also).ids for also in (True, False))
        for start in range(len(added) - len(plain) + 1):
            if added[start : start + len(plain)] == plain:
                return list(added[:start])
        return []

    def before_nothing(self) -> int:
        """The token that a text follows which has nothing before it: the beginning of a text that the model's files
        name, or else what the tokenizer puts before every text, or else the end of text.

        lm-evaluation-harness takes the same of named ones. A study's tokenizer has no such files: as in training, its
        texts follow the end of text.
        """
        named = [self._tokenizer.token_to_id(self._named[role]) for role in ("bos_token", "eos_token")]
        found = (named[0], *self.added_before()[:1], named[1])
        return next((id_ for id_ in found if id_ is not None), self.end_of_text_id)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens, special ones included."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


def _named_tokens(folder: Path) -> dict[str, str]:
    """The beginning and the end of a text as the files beside a tokenizer.json name them; "" where they do not."""
    found = dict.fromkeys(("bos_token", "eos_token"), "")
    for name in ("special_tokens_map.json", "tokenizer_config.json"):  # the second counts where both name one
        file = folder / name
        try:
            content = json.loads(file.read_bytes()) if file.is_file() else {}
        except (OSError, ValueError) as error:
            raise StudyError(f"'{file}' is not JSON: {error}; give the file that came with the model") from None
        for role in found:
            token = content.get(role) if isinstance(content, dict) else None
            token = token.get("content") if isinstance(token, dict) else token
            found[role] = token if isinstance(token, str) else found[role]
    return found
