"""The split stage: every document's fate, decided once and with its reason.

    1. a document that fails a rule is dropped; so is one that holds an item of the evaluation, if the study says so
    2. so is one of a language that has no share, if languages have shares
    3. a document equal to an earlier one that is kept (of its source, or of a source before it) is dropped
    4. so is one that is nearly equal to an earlier one that is kept
    5. of the rest, each language keeps no more than its share
    6. u = the first 64 bits of the content hash / 2^64; u < hold_out_fraction: held out
    7. of the rest, a second hash of the content hash decides whether it is reserved
    8. planted facts are always trained on

Equal contents have equal u and the fraction is one for the whole study, so no content stands on both sides of the
hold-out line, whichever source it is found in. Documents are whole here and cut into pieces later, so that all pieces
of one stand on one side: the other half of a file that was trained on is no fresh text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3
from numpy.typing import NDArray

from titrant.artifacts import KEPT, PartSize, Split
from titrant.corpus.duplicates.near_duplicates import find_near_duplicates
from titrant.corpus.duplicates.signatures import keep_signatures
from titrant.corpus.items.overlap import holders
from titrant.corpus.language_quota import beyond_share
from titrant.corpus.rules import first_failed
from titrant.corpus.signals import read_signal
from titrant.errors import StoreError, StudyError
from titrant.jobs import Progress, SplitJob
from titrant.study.cleaning import NearDuplicates

_EARLIER, _SIGNATURES = "earlier/", "earlier-signatures/"
_RESERVE_KEY = "titrant 2026 reserve: which training documents are kept for disjoint phases"

SCHEMA = pa.schema([("row", pa.int64()), ("content_hash", pa.string()), ("planted", pa.bool_()), ("fate", pa.string())])


@dataclass(frozen=True)
class _Rows:
    """Hash (16 bytes), UTF-8 bytes, plantedness and language of every document, in order."""

    digests: NDArray[np.bytes_]
    sizes: NDArray[np.int64]
    planted: NDArray[np.bool_]
    languages: list[str]


class _Fates:
    """A fate for every document; one that has lost its place keeps the first reason."""

    def __init__(self, rows: _Rows) -> None:
        self.codes = np.zeros(len(rows.digests), np.int16)
        self.names = [*KEPT, "duplicate"]
        self._real = ~rows.planted

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Documents that nothing has been decided of: those kept so far."""
        return np.asarray(self.codes == 0)

    def give(self, where: NDArray[np.bool_], fate: str) -> None:
        """Decide documents that are undecided and not planted."""
        if fate not in self.names:
            self.names.append(fate)
        self.codes[where & self.undecided & self._real] = self.names.index(fate)


def split_documents(
    job: SplitJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Split:
    """Write `split.parquet`. Where several earlier sources keep a document, the first by name is named.

    Raises StudyError if nothing would be held out or nothing be left to train on.
    """
    rows = _read(inputs["documents"], progress, languages=bool(job.language_shares))
    fates = _Fates(rows)
    if job.rules:
        failed = first_failed(inputs["signals"], job.rules)
        for index, rule in enumerate(job.rules):
            fates.give(failed == index, f"rule {rule.title}")
    if "overlap" in inputs:
        for outcome, holds in holders(inputs["overlap"], len(rows.digests)):
            fates.give(holds, f"holds items of {outcome}")
    languages = _languages(job, rows, inputs)
    if job.language_shares:
        fates.give(~np.isin(np.array(languages, dtype=object), list(job.language_shares)), "its language has no share")
    fates.give(_repeats(rows, fates.undecided), "duplicate")
    for role in sorted(role for role in inputs if role.startswith(_EARLIER)):
        name = role.removeprefix(_EARLIER)
        earlier = _read_kept(inputs[role])
        _check_planted(rows, earlier, name)
        fates.give(np.isin(rows.digests, earlier.digests), f"duplicate of {name}")
    if job.near is not None:
        _drop_near_duplicates(job.near, rows, fates, inputs, scratch)
    if job.language_shares:
        kept = np.flatnonzero(fates.undecided & ~rows.planted)
        beyond = beyond_share(
            [languages[row] for row in kept.tolist()],
            list(_raw(rows.digests[kept])),
            job.language_shares,
            read=languages,
        )
        fates.give(np.isin(np.arange(len(rows.digests)), kept[beyond]), "beyond its language's share")
    fates.give(is_held_out(rows.digests, job.hold_out_fraction), "held_out")
    fates.give(is_reserved(rows.digests, job.reserve_fraction), "reserved")
    _check_sides(job, rows, fates)
    _write(out / "split.parquet", rows, fates)
    parts = {
        name: PartSize(documents=int((fates.codes == code).sum()), bytes=int(rows.sizes[fates.codes == code].sum()))
        for code, name in enumerate(fates.names)
    }
    return Split(parts=parts)


def _languages(job: SplitJob, rows: _Rows, inputs: Mapping[str, Path]) -> Sequence[str]:
    """The language of every document, by content where that was looked at; empty if no language has a share."""
    if job.language_shares and "signals" in inputs:
        return read_signal(inputs["signals"], "file_language")
    return rows.languages


def _drop_near_duplicates(
    near: NearDuplicates, rows: _Rows, fates: _Fates, inputs: Mapping[str, Path], scratch: Path
) -> None:
    asked = fates.undecided & ~rows.planted
    names = sorted(role.removeprefix(_SIGNATURES) for role in inputs if role.startswith(_SIGNATURES))
    roles = [_SIGNATURES + name for name in names]
    chosen = [*(_read_kept(inputs[_EARLIER + name]).real for name in names), asked]
    with ExitStack() as open_files:
        *earlier, signatures = (
            open_files.enter_context(keep_signatures(inputs[role], near, which, scratch / f"signatures-{index}"))
            for index, (role, which) in enumerate(zip([*roles, "signatures"], chosen, strict=True))
        )
        found = find_near_duplicates(signatures, near, earlier=earlier)
    places = np.flatnonzero(asked)
    for index, fate in enumerate([*(f"near duplicate of {name}" for name in names), "near duplicate"]):
        where = np.zeros(len(asked), bool)
        where[places[found.source == index]] = True
        fates.give(where, fate)


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


def _read(folder: Path, progress: Progress, *, languages: bool) -> _Rows:
    digests, sizes, planted = [], [], []
    spoken: list[str] = []
    files = sorted(folder.glob("documents-*.parquet"))
    columns = ["text", "content_hash", "planted", *(["language"] if languages else [])]
    for done, path in enumerate(files):
        progress(done, len(files), "files")
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=4096, columns=columns, use_threads=False):
                digests.append(bytes.fromhex("".join(batch["content_hash"].to_pylist())))
                sizes.append(pc.binary_length(batch["text"]).to_numpy(zero_copy_only=False).astype(np.int64))
                planted.append(batch["planted"].to_numpy(zero_copy_only=False))
                spoken += map(sys.intern, batch["language"].to_pylist() if languages else [])
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return _Rows(
        _array(b"".join(digests)),
        np.concatenate([np.zeros(0, np.int64), *sizes]),
        np.concatenate([np.zeros(0, bool), *planted]),
        spoken,
    )


@dataclass(frozen=True)
class _Kept:
    """Hash (16 bytes) and plantedness of every document that an earlier source keeps."""

    digests: NDArray[np.bytes_]
    planted: NDArray[np.bool_]
    real: NDArray[np.bool_]
    """Of every document, kept or not: whether it is kept and not planted."""


def _read_kept(folder: Path) -> _Kept:
    path = folder / "split.parquet"
    digests, planted, real = [], [np.zeros(0, bool)], [np.zeros(0, bool)]
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(65_536, columns=["content_hash", "planted", "fate"], use_threads=False):
                is_kept = pc.is_in(batch["fate"], pa.array(KEPT))
                kept = batch.filter(is_kept)
                digests.append(bytes.fromhex("".join(kept["content_hash"].to_pylist())))
                planted.append(kept["planted"].to_numpy(zero_copy_only=False))
                real.append(pc.and_(is_kept, pc.invert(batch["planted"])).to_numpy(zero_copy_only=False))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return _Kept(_array(b"".join(digests)), np.concatenate(planted), np.concatenate(real))


def _repeats(rows: _Rows, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which kept documents repeat a kept one before them; one that repeats a planted document always does."""
    places = np.flatnonzero(kept)
    _, first = np.unique(rows.digests[places], return_index=True)
    repeats = kept.copy()
    repeats[places[first]] = False
    return repeats | np.isin(rows.digests, rows.digests[rows.planted])


def _check_planted(rows: _Rows, earlier: _Kept, name: str) -> None:
    real = earlier.digests[~earlier.planted]
    clash = int(np.isin(rows.digests[rows.planted], real).sum())
    if clash:
        raise StudyError(
            f"{clash} planted documents of this source are equal to documents of source '{name}' and could be held "
            "out there; plant with another seed"
        )


def _check_sides(job: SplitJob, rows: _Rows, fates: _Fates) -> None:
    real = ~rows.planted
    held_out, train = int((fates.codes == 2).sum()), int(((fates.codes == 0) & real).sum())
    if held_out and train:
        return
    units = _unit(np.unique(rows.digests[(fates.codes < len(KEPT)) & real]))
    counts = f"it has {len(units)} distinct document{'s' * (len(units) != 1)} of its own ({_dropped(fates)})"
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


def _dropped(fates: _Fates) -> str:
    """`89 duplicates dropped`, and what else was, the most frequent reason first."""
    counts = {name: int((fates.codes == code).sum()) for code, name in enumerate(fates.names) if name not in KEPT}
    duplicates = sum(count for name, count in counts.items() if name.startswith("duplicate"))
    others = sorted(((-count, name) for name, count in counts.items() if count and not name.startswith("duplicate")))
    return "; ".join([f"{duplicates} duplicates dropped", *(f"{-count} by {name}" for count, name in others[:5])])


def _write(path: Path, rows: _Rows, fates: _Fates) -> None:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for start in range(0, len(fates.codes), 100_000):
            part = slice(start, start + 100_000)
            fate = pa.array([fates.names[code] for code in fates.codes[part]], pa.string())
            hashes = pa.array([digest.hex() for digest in _raw(rows.digests[part])], pa.string())
            row = pa.array(np.arange(start, start + len(hashes)), pa.int64())
            writer.write_table(pa.Table.from_arrays([row, hashes, pa.array(rows.planted[part]), fate], schema=SCHEMA))
