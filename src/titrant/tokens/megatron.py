"""Megatron's indexed dataset, read and written: `.bin` holds the tokens, `.idx` where each document's tokens stand.

Layout of `.idx`, little-endian: `MMIDIDX\\0\\0`; u64 version 1; u8 code of the number type; u64 sequences; u64
document boundaries; i32 length of each sequence in tokens; i64 place of each sequence in bytes; i64 document
boundaries as indices of sequences, beginning with 0. We write one sequence a document.

**Source:** Megatron-LM, `megatron/core/datasets/indexed_dataset.py` (the format, not the code).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from titrant.errors import StoreError

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
_HEADER = struct.Struct("<9sQBQQ")
_TYPE_BY_CODE = {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
_CODE_BY_TYPE = {np.dtype(name): code for code, name in _TYPE_BY_CODE.items()}


def token_type(vocabulary: int) -> np.dtype[np.generic]:
    """uint16 if every id of the vocabulary fits, else int32.

    >>> token_type(65536).name, token_type(65537).name
    ('uint16', 'int32')
    """
    return np.dtype("<u2") if vocabulary <= 2**16 else np.dtype("<i4")


@dataclass(frozen=True)
class Index:
    """What an `.idx` file says."""

    dtype: np.dtype[np.generic]
    lengths: NDArray[np.int32]
    """Tokens of each sequence."""
    documents: int
    """Documents; as many as sequences in what we write."""

    @property
    def tokens(self) -> int:
        """Tokens in all."""
        return int(self.lengths.sum(dtype=np.int64))


def write_index(path: Path, dtype: np.dtype[np.generic], lengths: NDArray[np.int32]) -> None:
    """Write the `.idx` of documents of these lengths (tokens) that stand one after the other."""
    pointers = np.zeros(len(lengths), dtype="<i8")
    np.cumsum(lengths[:-1], dtype=np.int64, out=pointers[1:])
    pointers *= dtype.itemsize
    with path.open("wb") as file:
        file.write(_HEADER.pack(MAGIC, VERSION, _CODE_BY_TYPE[dtype], len(lengths), len(lengths) + 1))
        file.write(lengths.astype("<i4").tobytes())
        file.write(pointers.tobytes())
        file.write(np.arange(len(lengths) + 1, dtype="<i8").tobytes())


def read_index(path: Path) -> Index:
    """Read an `.idx` and check that its parts agree. Raises StoreError that names the file and what is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); run again to make it") from None
    if len(raw) < _HEADER.size or raw[: len(MAGIC)] != MAGIC:
        raise StoreError(f"{path} does not begin as a token index does; delete its folder and run again")
    _, version, code, sequences, boundaries = _HEADER.unpack_from(raw)
    if version != VERSION or code not in _TYPE_BY_CODE:
        raise StoreError(f"{path} has version {version} and number type {code}; version 1 and integers are read")
    expected = _HEADER.size + 12 * sequences + 8 * boundaries
    if len(raw) not in (expected, expected + sequences):  # a byte a sequence more where it tells modes
        raise StoreError(f"{path} has {len(raw)} bytes where its header asks for {expected}; run again to make it anew")
    dtype = np.dtype(_TYPE_BY_CODE[code])
    lengths = np.frombuffer(raw, "<i4", sequences, _HEADER.size)
    pointers = np.frombuffer(raw, "<i8", sequences, _HEADER.size + 4 * sequences)
    ends = np.cumsum(lengths, dtype=np.int64) * dtype.itemsize
    if (lengths < 0).any() or not np.array_equal(pointers[1:], ends[:-1]) or (sequences and pointers[0] != 0):
        raise StoreError(f"{path} points to documents that do not stand one after the other; run again to make it anew")
    return Index(dtype=dtype, lengths=lengths.astype(np.int32), documents=max(0, boundaries - 1))
