"""Text to token ids. The `tokenizers` library is the truth; `gigatoken` may do the work where its ids are the same.

Which of the two did the work can never be seen in what is made: every 64th document is encoded by both, documents in
which the two are known to read differently (special tokens spelt out, code points without a Unicode category yet) are
left to `tokenizers`, and a single difference sends the whole source back to it.
"""

from __future__ import annotations

import importlib
import json
import os
import unicodedata
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from titrant.errors import StudyError

# tells the library that threads are wanted even after a fork; a user's own setting stands
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

CHECK_EVERY = 64
"""Of the documents that the fast library encodes, one in so many is encoded by `tokenizers` too."""

ENCODER = "byte-exact `tokenizers`"
"""How artifacts name the encoder: its ids are those of `tokenizers`, whichever library found them."""

Ids = NDArray[np.int64]


class EncodersDifferError(Exception):
    """The fast library gave other ids than `tokenizers`; the caller starts again without it."""


class Encoder:
    """A tokenizer that reads text as text: no token is added, and a special token spelt out ends nothing.

    `fast` says whether `gigatoken` may be used, if it is installed and can read this tokenizer.
    """

    def __init__(self, file: Path, *, fast: bool = True) -> None:
        self._truth = load_tokenizer(file)
        ids = self._truth.get_vocab(with_added_tokens=True)
        self.vocabulary = max(ids.values()) + 1
        self._specials = tuple(
            token.content for token in self._truth.get_added_tokens_decoder().values() if token.content
        )
        self._fast = _load_gigatoken(file) if fast else None
        self._encoded = 0

    @property
    def library(self) -> str:
        """The library that does most of the work and its version: for people to read, never part of an artifact."""
        name = "tokenizers" if self._fast is None else "gigatoken"
        return f"{name} {metadata.version(name)}"

    def id_of(self, token: str) -> int | None:
        """The id of a token by its name, or None if the vocabulary lacks it."""
        found: int | None = self._truth.token_to_id(token)
        return found

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text. Raises EncodersDifferError if the fast library failed its check."""
        if self._fast is None:
            return self._encode_truly(texts)
        alike = [number for number, text in enumerate(texts) if self._is_read_alike(text)]
        found = dict(zip(alike, _encode_fast(self._fast, [texts[number] for number in alike]), strict=True))
        checked = alike[-self._encoded % CHECK_EVERY :: CHECK_EVERY]
        self._encoded += len(alike)
        rest = [number for number in range(len(texts)) if number not in found]
        truth = dict(zip(checked + rest, self._encode_truly([texts[n] for n in checked + rest]), strict=True))
        if any(not np.array_equal(found[number], truth[number]) for number in checked):
            raise EncodersDifferError(f"{self.library} differs from tokenizers {metadata.version('tokenizers')}")
        return [truth[number] if number in truth else found[number] for number in range(len(texts))]

    def _encode_truly(self, texts: Sequence[str]) -> list[Ids]:
        encodings = self._truth.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]

    def _is_read_alike(self, text: str) -> bool:
        if any(special in text for special in self._specials):
            return False
        return text.isascii() or not any(unicodedata.category(sign) == "Cn" for sign in set(text))


def load_tokenizer(file: Path) -> Tokenizer:
    """A tokenizer.json as the `tokenizers` library reads it, with nothing added, cut or filled up.

    Raises StudyError if it is not one.
    """
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception
        raise StudyError(f"'{file}' is not a tokenizer.json of the `tokenizers` library: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _load_gigatoken(file: Path) -> Any:
    """The fast library's reading of a tokenizer, or None where it is absent or cannot read it."""
    try:
        import gigatoken
    except ImportError:
        return None
    try:
        content = json.loads(file.read_bytes())
        content["truncation"] = content["padding"] = content["post_processor"] = None
        return gigatoken.Tokenizer.from_json(json.dumps(content))
    except Exception:  # a tokenizer of a kind that it does not know is no error: the truth reads all of them
        return None


def _encode_fast(tokenizer: Any, texts: list[str]) -> list[Ids]:
    if not texts:
        return []
    awkward = importlib.import_module("awkward")  # what gigatoken hands back
    ragged = tokenizer.encode_batch(texts)
    lengths = awkward.to_numpy(awkward.num(ragged))
    ids = awkward.to_numpy(awkward.flatten(ragged)).astype(np.int64)
    return np.split(ids, np.cumsum(lengths)[:-1])
