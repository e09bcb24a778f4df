"""Every kind of origin as pieces in their order: files of a wheel, of this disk, an archive or a repository, or rows.

A piece is what is read at once, and behind which an interrupted job goes on. What lies on this disk must be what the
study pinned when reading begins, and must not have changed when a piece has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from titrant.corpus.formats.parse import parse
from titrant.corpus.formats.texts import Item
from titrant.corpus.languages import UNKNOWN, language_of
from titrant.corpus.opened import Listed, SourceFile, Unreadable
from titrant.corpus.origins.archives import archive_files
from titrant.corpus.origins.commits import commit_texts
from titrant.corpus.origins.hub import hub_rows, label_of
from titrant.corpus.origins.members import label_of_archive
from titrant.corpus.origins.packages import package_files
from titrant.corpus.origins.repositories import label_of_repository, repository_files
from titrant.corpus.origins.token_caches import cached_batches
from titrant.corpus.origins.unchanged import Stamp, check_unchanged, stamp_of
from titrant.errors import StoreError, StudyError
from titrant.jobs import Progress
from titrant.study.origins import (
    Archive,
    Files,
    HubDataset,
    Installed,
    Origin,
    OtherSource,
    Package,
    Repository,
    TokenCache,
)
from titrant.study.parsers import CommitTexts, PlainFiles
from titrant.study.synthesis import SyntheticItems
from titrant.study.world import content_of, content_of_file, files_of, token_files_of

BATCH_COMMITS = 16
"""So many neighbouring commits are a piece."""


@dataclass(frozen=True)
class Piece:
    """A file of an origin, or neighbouring rows."""

    name: str
    """What the ids of its documents begin with: relative, with `/`."""
    origin: str
    """What stands in its documents' `origin` column."""
    items: Callable[[], Iterator[Item]]
    """Reads it; possible until the next piece is asked for."""
    done: int
    total: int
    unit: str
    by_name: str = UNKNOWN
    """The language that its name tells."""
    check: Callable[[], None] = lambda: None
    """Raises StudyError if it changed since reading began."""


@contextmanager
def pieces_of_origin(origin: Origin, skip: int, progress: Progress) -> Iterator[Iterator[Piece]]:
    """The pieces of an origin behind the first `skip`, in its own order; readable as long as the context is open.

    Raises StudyError if a pattern matches no file, or if the files are not those that the study pinned or change while
    they are read; EngineError if a package or dataset cannot be fetched.
    """
    assert not isinstance(origin, (OtherSource, SyntheticItems)), "the plan reads what another source keeps"
    if isinstance(origin, HubDataset):
        yield _rows(origin, skip)
    elif isinstance(origin, Package):
        with package_files(origin, progress) as files:
            yield islice(_each(origin, files), skip, None)
    elif isinstance(origin, Archive):
        stamp = _pinned_archive(origin)
        with archive_files(origin) as listed:
            yield islice(_listed(origin, listed, partial(check_unchanged, Path(origin.archive), stamp)), skip, None)
    elif isinstance(origin, Repository) and isinstance(origin.parse, CommitTexts):
        yield islice(_commits(origin), skip, None)
    elif isinstance(origin, Repository):
        with repository_files(origin) as listed:
            yield islice(_listed(origin, listed, lambda: None), skip, None)
    elif isinstance(origin, TokenCache):
        yield islice(_cached(origin), skip, None)
    else:
        yield islice(_on_disk(origin), skip, None)


def is_pinned(origin: Origin) -> bool:
    """Whether the declaration alone says what is read, so that a later attempt reads the same."""
    return isinstance(origin, (Package, HubDataset)) or getattr(origin, "content", None) is not None


def _each(origin: Package, files: list[SourceFile]) -> Iterator[Piece]:
    for done, file in enumerate(files):
        yield _piece(origin, Listed(file, done, len(files), "files"))


def _piece(origin: Package | Files | Installed | Archive | Repository, entry: Listed) -> Piece:
    file = entry.item
    if not isinstance(file, SourceFile):
        left = file
        name = left.name if isinstance(left, Unreadable) else ""
        return Piece("", name, lambda: iter((left,)), entry.done, entry.total, entry.unit)
    # a container's name says nothing of what it holds
    language = language_of(file.name) if isinstance(origin.parse, PlainFiles) else UNKNOWN
    items = partial(parse, file, origin.parse, origin.where)
    return Piece(file.name, file.origin, items, entry.done, entry.total, entry.unit, language)


def _listed(origin: Archive | Repository, entries: Iterator[Listed], check: Callable[[], None]) -> Iterator[Piece]:
    """Pieces of what is read as a stream; where it is damaged, the last one is the error."""
    done, total, unit = 0, 0, "files"
    try:
        for entry in entries:
            done, total, unit = entry.done, entry.total, entry.unit
            yield _piece(origin, entry)
    except StoreError as error:
        check()
        label = label_of_archive(origin) if isinstance(origin, Archive) else label_of_repository(origin)
        yield _piece(origin, Listed(Unreadable(label, error, "file"), done, total, unit))
    check()


def _pinned_archive(origin: Archive) -> Stamp:
    path = Path(origin.archive)
    stamp = stamp_of(path)
    if origin.content is not None and (now := content_of_file(path)) != origin.content:
        raise _repinned(f"archive '{origin.archive}'", now, origin.content)
    return stamp


def _on_disk(origin: Files | Installed) -> Iterator[Piece]:
    label = origin.installed if isinstance(origin, Installed) else "files"
    found = files_of(origin)
    stamps = [stamp_of(path) for _, path in found]
    if origin.content is not None and (now := content_of(found)) != origin.content:
        raise _repinned(f"the files of {_shown(origin)}", now, origin.content)
    for done, ((name, path), stamp) in enumerate(zip(found, stamps, strict=True)):
        file = SourceFile(_readable(name), f"{label}:{name}", partial(_opened, path))
        piece = _piece(origin, Listed(file, done, len(found), "files"))
        yield Piece(**{**vars(piece), "check": partial(check_unchanged, path, stamp)})


def _cached(origin: TokenCache) -> Iterator[Piece]:
    found = token_files_of(origin)
    stamps = {path: stamp_of(path) for _, path in found}
    if origin.content is not None and (now := content_of(found)) != origin.content:
        raise _repinned(f"the files of {', '.join(map(repr, origin.tokens))}", now, origin.content)
    for batch in cached_batches(origin):
        check = partial(check_unchanged, batch.path, stamps[batch.path])
        name = _readable(batch.name)
        yield Piece(name, f"tokens:{name}", batch.items, batch.done, batch.total, "tokens", check=check)


def _commits(origin: Repository) -> Iterator[Piece]:
    label, done, left = label_of_repository(origin), 0, commit_texts(origin)
    while batch := list(islice(left, BATCH_COMMITS)):
        yield Piece("commits", label, partial(iter, batch), done, 0, "commits")
        done += len(batch)


def _rows(origin: HubDataset, skip: int) -> Iterator[Piece]:
    for done, rows in islice(hub_rows(origin), skip, None):
        yield Piece(origin.split, label_of(origin), partial(iter, rows), done, origin.max_documents or 0, "documents")


def _repinned(what: str, now: str, pinned: str) -> StudyError:
    return StudyError(
        f"{what} changed after the study was pinned (content {now[:12]}…, pinned {pinned[:12]}…); run again with data "
        "at rest, or restore them"
    )


def _shown(origin: Files | Installed) -> str:
    return f"'{origin.installed}'" if isinstance(origin, Installed) else ", ".join(map(repr, origin.files))


def _readable(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise StudyError(f"the file name {name!r} is not UTF-8; rename the file or exclude it") from None
    return name


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, path.open("rb"))
