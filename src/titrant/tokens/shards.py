"""A partition's tokens as they lie on disk: opened without reading them, checked, and never without a tokenizer's name.

A shard is `train.bin` and `train.idx` (or `reserved.*`) with the sidecar `train.json`, which says what a Megatron
index does not: which tokenizer encoded it, where end-of-text stands, and the BLAKE3 of the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from titrant.errors import StoreError, StudyError
from titrant.jobs import Partition
from titrant.tokens.megatron import read_index


class Sidecar(BaseModel):
    """What `train.json` says of `train.bin`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    tokenizer: str
    """BLAKE3 of the tokenizer.json that encoded it."""
    vocabulary: int
    end_of_text: Literal["after-each-document"]
    end_of_text_id: int
    dtype: Literal["uint16", "int32"]
    tokens: int
    """Tokens in all, end-of-text tokens among them."""
    documents: int
    bytes: int
    """UTF-8 bytes of the documents."""
    content: str
    """BLAKE3 of the `.bin` file's bytes."""


@dataclass(frozen=True)
class TokenShard:
    """One partition of one source, mapped into memory."""

    path: Path
    """The `.bin` file."""
    partition: Partition
    tokens: NDArray[Any]
    """All tokens in document order: one dimension, uint16 or int32, read-only."""
    content: str
    """BLAKE3 of the tokens' bytes: keys the order in which sequences are drawn."""
    tokenizer: str
    """BLAKE3 of the tokenizer.json that encoded it."""
    documents: int


def open_shard(folder: Path, partition: Partition) -> TokenShard:
    """Map one partition of a tokens artifact into memory, checking header and sizes but not every byte.

    Raises StoreError, naming the file, if one is missing, cut short, or says something else than its sidecar.
    """
    path = folder / f"{partition}.bin"
    sidecar = _read_sidecar(folder / f"{partition}.json")
    index = read_index(folder / f"{partition}.idx")
    if (index.dtype.name, index.tokens, index.documents) != (sidecar.dtype, sidecar.tokens, sidecar.documents):
        raise StoreError(
            f"{folder / f'{partition}.idx'} tells of {index.tokens} {index.dtype.name} tokens in {index.documents} "
            f"documents, its sidecar of {sidecar.tokens} {sidecar.dtype} in {sidecar.documents}; "
            "delete the folder and run again"
        )
    return TokenShard(
        path=path,
        partition=partition,
        tokens=_map_tokens(path, index.dtype, index.tokens),
        content=sidecar.content,
        tokenizer=sidecar.tokenizer,
        documents=index.documents,
    )


def verify_shard(folder: Path, partition: Partition) -> TokenShard:
    """Open a partition and read all of it: StoreError if a single bit differs from what was written."""
    shard = open_shard(folder, partition)
    found = hash_file(shard.path)
    if found != shard.content:
        raise StoreError(
            f"{shard.path} is damaged: its content hash is {found[:12]}, its sidecar says {shard.content[:12]}; "
            "delete the folder and run again"
        )
    return shard


def adopt_foreign_shard(prefix: Path, *, tokenizer: str | None = None) -> TokenShard:
    """Open `PREFIX.bin`/`PREFIX.idx` that another program wrote, if the caller says which tokenizer encoded it.

    `tokenizer` is the BLAKE3 of its tokenizer.json. The format does not name it, and tokens read with another
    tokenizer give plausible nonsense, so without it a shard that has no sidecar is a StudyError. With a sidecar, a
    contradicting `tokenizer` is one too. The content hash is computed here: all of the file is read.
    """
    path, sidecar_path = prefix.with_name(prefix.name + ".bin"), prefix.with_name(prefix.name + ".json")
    known = _read_sidecar(sidecar_path).tokenizer if sidecar_path.exists() else None
    if tokenizer is None and known is None:
        raise StudyError(
            f"{path} does not say which tokenizer encoded it. Pass the BLAKE3 of its tokenizer.json as `tokenizer`, "
            "or encode its documents anew."
        )
    if tokenizer is not None and known is not None and tokenizer != known:
        raise StudyError(f"{path} was encoded by tokenizer {known[:12]}, not by {tokenizer[:12]}. Name the right one.")
    index = read_index(prefix.with_name(prefix.name + ".idx"))
    return TokenShard(
        path=path,
        partition="train",
        tokens=_map_tokens(path, index.dtype, index.tokens),
        content=hash_file(path),
        tokenizer=tokenizer or known or "",
        documents=index.documents,
    )


def hash_file(path: Path) -> str:
    """BLAKE3 of a file's bytes, 64 hexadecimal digits."""
    return blake3().update_mmap(path).hexdigest() if path.stat().st_size else blake3().hexdigest()


def _map_tokens(path: Path, dtype: np.dtype[np.generic], tokens: int) -> NDArray[Any]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); run again to make it") from None
    if size != tokens * dtype.itemsize:
        raise StoreError(
            f"{path} has {size} bytes where {tokens} tokens of {dtype.name} take {tokens * dtype.itemsize}: it was cut "
            "short or changed; delete the folder and run again"
        )
    if tokens == 0:
        return np.empty(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")


def _read_sidecar(path: Path) -> Sidecar:
    try:
        return Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); run again to make it") from None
    except ValidationError as error:
        raise StoreError(
            f"{path} is not a shard's sidecar ({error.errors()[0]['msg']}); delete the folder and run again"
        ) from None
