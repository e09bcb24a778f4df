"""The files of an origin, by kind of origin: in a wheel, on this disk, or installed with Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from titrant.corpus.opened import SourceFile
from titrant.corpus.packages import package_files
from titrant.errors import StudyError
from titrant.jobs import Progress
from titrant.study.origins import Files, Installed, Package
from titrant.study.world import content_of, files_of


@contextmanager
def files_of_origin(origin: Package | Files | Installed, progress: Progress) -> Iterator[list[SourceFile]]:
    """Every file of an origin, sorted by name; they can be opened as long as the context is open.

    Raises StudyError if a pattern matches no file, or if the files are not those that the study pinned;
    EngineError if a package cannot be fetched.
    """
    if isinstance(origin, Package):
        with package_files(origin, progress) as files:
            yield files
        return
    label = origin.installed if isinstance(origin, Installed) else "files"
    found = files_of(origin)
    if origin.content is not None and (now := content_of(found)) != origin.content:
        raise StudyError(
            f"the files of {_shown(origin)} changed after the study was pinned (content {now[:12]}…, pinned "
            f"{origin.content[:12]}…); run again with data at rest, or restore them"
        )
    yield [SourceFile(_readable(name), f"{label}:{name}", _opener(path)) for name, path in found]


def _shown(origin: Files | Installed) -> str:
    return f"'{origin.installed}'" if isinstance(origin, Installed) else ", ".join(map(repr, origin.files))


def _readable(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise StudyError(f"the file name {name!r} is not UTF-8; rename the file or exclude it") from None
    return name


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, path.open("rb"))
