"""Documents that another program has encoded, decoded again with the tokenizer that encoded them.

Read are Megatron's `.bin` with `.idx`, datatrove's `.ds` with `.ds.index` (the place in tokens where each document
ends, u64), and dolma's `.npy` with `.csv.gz` (a line a document that begins with the places in tokens where it begins
and ends; the tokens have no header). How wide a token is follows from the file's size and its last document's end.

No such file says for certain which tokenizer encoded it, and decoding with another one gives plausible nonsense. So the
first documents of each file are encoded again: if that does not give the tokens that are there, the file is refused.

**Source:** `megatron/core/datasets/indexed_dataset.py`, `datatrove/pipeline/tokens/tokenizer.py` and
`dolma/tokenizer/memmap_writer.py` (the formats, not the code).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from titrant.corpus.formats.texts import Item, Text
from titrant.corpus.opened import DAMAGE, LeftOut, check_machine
from titrant.errors import StoreError, StudyError
from titrant.study.origins import TokenCache
from titrant.study.world import COMPANIONS, token_files_of
from titrant.tokens.megatron import read_index

BATCH_TOKENS = 1_000_000
PROVEN_DOCUMENTS = 32
"""So many documents of a file are encoded again."""
PROVEN_TOKENS = 100_000
"""And so many tokens of them at most."""
MIN_PROVEN_SHARE = 0.5
"""Of these, so many must give the same tokens: some never do, as those that were cut."""

CUT = LeftOut("cut inside a character")


@dataclass(frozen=True)
class Batch:
    """Neighbouring documents of one file."""

    name: str
    path: Path
    items: Callable[[], Iterator[Item]]
    done: int
    """Tokens of the file before it."""
    total: int
    """Tokens of the file."""


def cached_batches(origin: TokenCache) -> Iterator[Batch]:
    """The documents of an origin's files, in order, a million tokens at a time.

    Raises StudyError for a file that another tokenizer encoded, StoreError for one that is damaged.
    """
    tokenizer = Tokenizer.from_file(origin.tokenizer.file)
    for name, path in token_files_of(origin):
        if path.suffix not in COMPANIONS:
            continue
        cache = _open(path)
        _prove(cache, tokenizer, origin)
        for first, stop in _batches(cache):
            items = partial(_decoded, cache, first, stop, tokenizer, origin)
            yield Batch(name, path, items, int(cache.begins[first]), int(cache.ends[-1]))


@dataclass(frozen=True)
class _Cache:
    path: Path
    tokens: NDArray[Any]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


def _open(path: Path) -> _Cache:
    try:
        begins, ends, kinds = {".bin": _megatron, ".ds": _datatrove, ".npy": _dolma}[path.suffix](path)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise StoreError(f"'{error.filename}' is not there: '{path.name}' cannot be read without it") from None
    except (*DAMAGE, ValueError) as error:
        check_machine(f"what tells the documents of '{path}'", error)
        raise StoreError(f"what tells the documents of '{path}' is damaged ({error}); write it again") from None
    if len(ends) and ((begins < 0).any() or (ends < begins).any() or (begins[1:] < ends[:-1]).any()):
        raise StoreError(f"the documents of '{path}' do not stand one after the other; write it again")
    tokens = int(ends[-1]) if len(ends) else 0
    kind = next((kind for kind in kinds if np.dtype(kind).itemsize * tokens == size), None)
    if kind is None:
        raise StoreError(
            f"'{path}' has {size:,} bytes, which are not {tokens:,} tokens of "
            f"{' or '.join(str(np.dtype(kind).itemsize) for kind in kinds)} bytes: it was cut short, or its index is "
            "another file's"
        )
    mapped: NDArray[Any] = np.memmap(path, dtype=kind, mode="r") if size else np.empty(0, dtype=kind)
    return _Cache(path, mapped, begins, ends)


def _megatron(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    index = read_index(path.with_suffix(".idx"))
    ends = np.cumsum(index.lengths, dtype=np.int64)
    return ends - index.lengths, ends, (index.dtype.str,)


def _datatrove(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    ends = np.fromfile(path.with_name(path.name + ".index"), dtype="<u8").astype(np.int64)
    return np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])[: len(ends)], ends, ("<u2", "<u4")


def _dolma(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    with gzip.open(path.with_suffix(".csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        places = np.array([(int(row[0]), int(row[1])) for row in csv.reader(lines) if row], dtype=np.int64)
    places = places.reshape(-1, 2)
    return places[:, 0], places[:, 1], ("<u2", "<u4")


def _batches(cache: _Cache) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(cache.ends):
        stop = int(np.searchsorted(cache.ends, cache.begins[first] + BATCH_TOKENS, side="right"))
        stop = max(stop, first + 1)
        yield first, stop
        first = stop


def _decoded(cache: _Cache, first: int, stop: int, tokenizer: Tokenizer, origin: TokenCache) -> Iterator[Item]:
    documents = [_ids(cache, row, tokenizer, origin) for row in range(first, stop)]
    for row, text in enumerate(tokenizer.decode_batch(documents, skip_special_tokens=False), start=first):
        if "\ufffd" in text and not _encodes_back(text, documents[row - first], tokenizer):
            yield CUT
        else:
            yield Text(str(row), text)


def _ids(cache: _Cache, row: int, tokenizer: Tokenizer, origin: TokenCache) -> list[int]:
    """The tokens of one document without the end-of-text tokens around them."""
    ids = cache.tokens[cache.begins[row] : cache.ends[row]]
    vocabulary = tokenizer.get_vocab_size()
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < vocabulary:
        wrong = int(ids.max()) if int(ids.max()) >= vocabulary else int(ids.min())
        raise StudyError(
            f"document {row} of '{cache.path}' holds token {wrong}, and '{origin.tokenizer.file}' has {vocabulary:,}: "
            "another tokenizer encoded it; name that one"
        )
    end = tokenizer.token_to_id(origin.tokenizer.ending)
    found: list[int] = ids.tolist()
    while found and found[-1] == end:
        found.pop()
    return found[1:] if found and found[0] == end else found


def _encodes_back(text: str, ids: list[int], tokenizer: Tokenizer) -> bool:
    return bool(tokenizer.encode(text, add_special_tokens=False).ids == ids)


def _prove(cache: _Cache, tokenizer: Tokenizer, origin: TokenCache) -> None:
    """Raise StudyError if the first documents do not come out of the tokenizer as they stand there."""
    stop = int(np.searchsorted(cache.ends, PROVEN_TOKENS, side="right"))
    documents = [
        ids
        for row in range(min(max(stop, 1), PROVEN_DOCUMENTS, len(cache.ends)))
        if (ids := _ids(cache, row, tokenizer, origin))
    ]
    texts = tokenizer.decode_batch(documents, skip_special_tokens=False)
    same = sum(_encodes_back(text, ids, tokenizer) for text, ids in zip(texts, documents, strict=True))
    if same < MIN_PROVEN_SHARE * len(documents):
        raise StudyError(
            f"'{cache.path}' was not encoded by '{origin.tokenizer.file}': of its first {len(documents)} documents, "
            f"decoded and encoded again, {same} give the same tokens; name the tokenizer that encoded it"
        )
