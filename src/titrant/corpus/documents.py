"""The documents stage: every origin of a source, read into Parquet files of bounded size.

Memory is bounded by one row group and one document (or one file where its format needs it whole). The bytes written are
a pure function of the declaration and of the files' content: ids name the origin by its place, never by a path, and an
interrupted job goes on at the file where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from blake3 import blake3

from titrant.artifacts import Documents
from titrant.corpus.formats.texts import Item
from titrant.corpus.opened import LeftOut, Unreadable
from titrant.corpus.origins.pieces import Piece, is_pinned, pieces_of_origin
from titrant.corpus.planted import planted_documents
from titrant.corpus.synthetic.documents import synthetic_documents
from titrant.corpus.writer import SCHEMA, Place, Tally, Writer
from titrant.errors import EngineError, StoreError, StudyError
from titrant.jobs import DocumentsJob, Progress
from titrant.study.origins import Archive, HubDataset, Origin, OtherSource, Repository
from titrant.study.synthesis import SyntheticItems

__all__ = ["SCHEMA", "read_documents"]

_TOLD_EVERY = 256
"""Documents of one piece between two calls of `progress`, which may stop the job."""


def read_documents(
    job: DocumentsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Documents:
    """Read a source's origins, in order, or the problems of a verification, into `documents-00000.parquet`, ... under
    `out`.

    With `on_error: skip`, a record or file that cannot be read is counted in `left_out`, and the first few of each
    reason are named in `_unreadable.jsonl` (`reason`, `name`, `message`); what a file gave before it could no longer be
    read is kept. With `stop` the first one ends the job. Resumes from `scratch` behind the last checkpoint.

    Raises StudyError if an origin holds nothing or not what is declared, or changes while it is read; StoreError for a
    damaged file, EngineError if a package or dataset cannot be fetched.
    """
    if "verification" in inputs:
        with Writer(scratch / "documents", None) as writer:
            return _summary(synthetic_documents(inputs["verification"], writer, out, progress))
    with Writer(scratch / "documents", _key(job)) as writer:
        for number in range(writer.place.origin, len(job.origins)):
            _read_origin(job, number, writer, progress)
        if job.plant is not None:
            for number, planted in enumerate(planted_documents(job.plant)):
                writer.add(f"planted/{number}", planted, "english", "CC0-1.0", "planted", planted=True)
        return _summary(writer.finish(out))


def _summary(tally: Tally) -> Documents:
    return Documents(
        documents=tally.documents,
        bytes=sum(tally.bytes_by_language.values()),
        bytes_by_language=dict(sorted(tally.bytes_by_language.items())),
        bytes_by_licence=dict(sorted(tally.bytes_by_licence.items())),
        left_out=dict(sorted(tally.left_out.items())),
    )


def _key(job: DocumentsJob) -> str | None:
    """What is read, if the declaration alone says it."""
    if not all(map(is_pinned, job.origins)):
        return None
    return blake3(f"{Documents.version} {job.model_dump_json(by_alias=True)}".encode()).hexdigest()


def _read_origin(job: DocumentsJob, number: int, writer: Writer, progress: Progress) -> None:
    origin, start = job.origins[number], writer.place
    if start.origin != number:
        start = Place(number, 0, writer.tally.documents)
    assert not isinstance(origin, (OtherSource, SyntheticItems)), "the plan reads what another source keeps"
    with pieces_of_origin(origin, start.pieces, progress) as pieces:
        count, last = start.pieces, None
        for last in pieces:
            for item in _items(last, skips=job.on_error == "skip", progress=progress):
                _take(item, last, f"{number}/{_escaped(last.name)}", origin, writer)
            count += 1
            writer.end_piece(Place(number, count, start.documents_before))
        if last is not None:
            progress(last.total, last.total, last.unit)
    if writer.tally.documents == start.documents_before:
        raise StudyError(
            f"origin {number + 1} of the source holds no document that can be used (left out: "
            f"{dict(sorted(writer.tally.left_out.items())) or 'none'}); check its patterns and how it is parsed"
        )


def _items(piece: Piece, *, skips: bool, progress: Progress) -> Iterator[Item]:
    """What a piece holds; where it cannot be read any further and that is to be skipped, the last item says so."""
    progress(piece.done, piece.total, piece.unit, piece.name)
    try:
        for number, item in enumerate(piece.items(), start=1):
            if number % _TOLD_EVERY == 0:
                progress(piece.done, piece.total, piece.unit, f"{piece.name} ({number:,} texts)")
            if isinstance(item, Unreadable) and not skips:
                raise item.error
            yield item
    except (StudyError, StoreError, EngineError) as error:
        piece.check()  # what changes while it is read may seem damaged
        if not skips or isinstance(error, EngineError):  # what the machine did is never part of the corpus
            raise
        yield Unreadable(piece.origin, error, "file")
    piece.check()


def _place_of(origin: Origin) -> str | None:
    """Where on this disk an origin lies, which is no part of what was read: an artifact says its content instead."""
    named = {Archive: "archive", Repository: "git", HubDataset: "dataset"}.get(type(origin))
    place = str(getattr(origin, named)) if named else ""
    return place if Path(place).is_absolute() else None


def _take(item: Item, piece: Piece, base: str, origin: Origin, writer: Writer) -> None:
    if isinstance(item, LeftOut):
        writer.tally.leave_out(item)
    elif isinstance(item, Unreadable):
        place, label = _place_of(origin), piece.origin.partition(":")[0]
        name, message = (text.replace(place, label) if place else text for text in (item.name, str(item.error)))
        writer.tally.skip(item.reason, name, message)
    else:
        assert not isinstance(origin, (OtherSource, SyntheticItems))
        writer.add(
            f"{base}:{_escaped(item.part)}" if item.part else base,
            item.text,
            (item.language or origin.language or piece.by_name).lower(),
            item.licence or origin.licence,
            piece.origin,
        )


_SPECIAL = re.compile("[%#:\ud800-\udfff]")


def _escaped(name: str) -> str:
    """A name that cannot be mistaken for one with a part (`:`) or a piece (`#`) added, and is UTF-8."""
    return name if name.isalnum() else _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", name)
