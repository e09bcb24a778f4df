"""The split stage: every document's fate, decided by its content alone.

    1. a document equal to an earlier one (of its source, or of a source before it) is dropped, the first is kept
    2. u = the first 64 bits of the content hash / 2^64; u < hold_out_fraction: held out
    3. of the rest, a second hash of the content hash decides whether it is reserved
    4. planted facts are always trained on

Equal contents have equal u and the fraction is one for the whole study, so no content stands on both sides of the
hold-out line, whichever source it is found in. Documents are whole here and cut into pieces later, so that all pieces
of one stand on one side: the other half of a file that was trained on is no fresh text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3
from numpy.typing import NDArray

from titrant.artifacts import PartSize, Split
from titrant.errors import StoreError, StudyError
from titrant.jobs import Progress, SplitJob

_EARLIER = "earlier/"
_RESERVE_KEY = "titrant 2026 reserve: which training documents are kept for disjoint phases"

SCHEMA = pa.schema([("row", pa.int64()), ("content_hash", pa.string()), ("fate", pa.string())])


@dataclass(frozen=True)
class _Rows:
    """Hash (16 bytes), UTF-8 bytes and plantedness of every document, in order."""

    digests: NDArray[np.bytes_]
    sizes: NDArray[np.int64]
    planted: NDArray[np.bool_]


def split_documents(
    job: SplitJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Split:
    """Write `split.parquet`. Where several earlier sources hold a document, the first by name is named.

    Raises StudyError if nothing would be held out or nothing be left to train on.
    """
    rows = _read(inputs["documents"], progress)
    duplicate = _repeats(rows)
    names = ["train", "reserved", "held_out", "duplicate"]
    fates = np.where(duplicate, 3, 0)
    for role in sorted(role for role in inputs if role.startswith(_EARLIER)):
        earlier, name = _read(inputs[role], progress), role.removeprefix(_EARLIER)
        _check_planted(rows, earlier, name)
        shared = np.isin(rows.digests, earlier.digests) & ~rows.planted & (fates < 3)
        fates[shared] = len(names)
        names.append(f"duplicate of {name}")
    fates[(fates == 0) & ~rows.planted & is_held_out(rows.digests, job.hold_out_fraction)] = 2
    fates[(fates == 0) & ~rows.planted & is_reserved(rows.digests, job.reserve_fraction)] = 1
    _check_sides(job, rows, fates)
    _write(out / "split.parquet", rows.digests, fates, names)
    parts = {
        name: PartSize(documents=int((fates == code).sum()), bytes=int(rows.sizes[fates == code].sum()))
        for code, name in enumerate(names)
    }
    return Split(parts=parts)


def is_held_out(digests: NDArray[np.bytes_], fraction: float) -> NDArray[np.bool_]:
    """Whether each content hash (16 bytes) falls below the hold-out line."""
    return _unit(digests) < fraction


def is_reserved(digests: NDArray[np.bytes_], fraction: float) -> NDArray[np.bool_]:
    """Whether each content hash (16 bytes) is reserved, independently of whether it is held out."""
    if fraction == 0:
        return np.zeros(len(digests), dtype=bool)
    rehashed = [blake3(bytes(d), derive_key_context=_RESERVE_KEY).digest(16) for d in _raw(digests)]
    return _unit(_array(b"".join(rehashed))) < fraction


def _raw(digests: NDArray[np.bytes_]) -> Iterator[bytes]:
    whole = digests.tobytes()
    return (whole[at : at + 16] for at in range(0, len(whole), 16))


def _array(whole: bytes) -> NDArray[np.bytes_]:
    return np.frombuffer(whole, dtype="S16")


def _unit(digests: NDArray[np.bytes_]) -> NDArray[np.float64]:
    """The first 64 bits of each hash as a number in [0, 1]."""
    words = np.frombuffer(digests.tobytes(), dtype=">u8")
    return words[::2].astype(np.float64) / 2.0**64


def _read(folder: Path, progress: Progress) -> _Rows:
    digests, sizes, planted = [], [], []
    files = sorted(folder.glob("documents-*.parquet"))
    for done, path in enumerate(files):
        progress(done, len(files), "files")
        try:
            for batch in pq.ParquetFile(path).iter_batches(
                batch_size=4096, columns=["text", "content_hash", "planted"], use_threads=False
            ):
                digests.append(bytes.fromhex("".join(batch["content_hash"].to_pylist())))
                sizes.append(pc.binary_length(batch["text"]).to_numpy(zero_copy_only=False).astype(np.int64))
                planted.append(batch["planted"].to_numpy(zero_copy_only=False))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return _Rows(
        _array(b"".join(digests)),
        np.concatenate([np.zeros(0, np.int64), *sizes]),
        np.concatenate([np.zeros(0, bool), *planted]),
    )


def _repeats(rows: _Rows) -> NDArray[np.bool_]:
    """Which documents repeat one before them; one that repeats a planted document always does."""
    _, first = np.unique(rows.digests, return_index=True)
    repeats = np.ones(len(rows.digests), dtype=bool)
    repeats[first] = False
    return (repeats | np.isin(rows.digests, rows.digests[rows.planted])) & ~rows.planted


def _check_planted(rows: _Rows, earlier: _Rows, name: str) -> None:
    real = earlier.digests[~earlier.planted]
    clash = int(np.isin(rows.digests[rows.planted], real).sum())
    if clash:
        raise StudyError(
            f"{clash} planted documents of this source are equal to documents of source '{name}' and could be held "
            "out there; plant with another seed"
        )


def _check_sides(job: SplitJob, rows: _Rows, fates: NDArray[np.int64]) -> None:
    real = ~rows.planted
    held_out, train = int((fates == 2).sum()), int(((fates == 0) & real).sum())
    if held_out and train:
        return
    kept, dropped = (fates < 3) & real, int((fates >= 3).sum())
    units = _unit(np.unique(rows.digests[kept]))
    counts = f"it has {len(units)} distinct document{'s' * (len(units) != 1)} of its own ({dropped} duplicates dropped)"
    if len(units) < 2:
        raise StudyError(
            f"{counts}: too few for both sides, because all pieces of one document stay on one side; add data, or "
            "give each of its parts as a document of its own (a file, or a line of a .jsonl)"
        )
    if not held_out:
        least = f"at least {np.ceil(float(units.min()) * 10_000 + 1) / 10_000:.4f}"
        raise StudyError(
            f"{counts}, and hold_out_fraction {job.hold_out_fraction:g} holds out none of them; raise it to {least}, "
            "or add data"
        )
    raise StudyError(
        f"{counts}, of which hold_out_fraction {job.hold_out_fraction:g} and reserve_fraction "
        f"{job.reserve_fraction:g} leave none to train on; lower them, or add data"
    )


def _write(path: Path, digests: NDArray[np.bytes_], fates: NDArray[np.int64], names: list[str]) -> None:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for start in range(0, len(fates), 100_000):
            part = slice(start, start + 100_000)
            fate = pa.array([names[code] for code in fates[part]], pa.string())
            hashes = pa.array([digest.hex() for digest in _raw(digests[part])], pa.string())
            row = pa.array(np.arange(start, start + len(hashes)), pa.int64())
            writer.write_table(pa.Table.from_arrays([row, hashes, fate], schema=SCHEMA))
