"""The store on disk: where artifacts lie, whether a job's artifact is finished, and how a finished one moves in.

    STORE/store.json                      format version
    STORE/KIND/NAME-HEX12/                an artifact: data files, record.json (last), made.json and log.txt beside
    STORE/work/KIND-HEX16/                a job at work: out/, scratch/, log.txt, progress.json, lock
    STORE/damaged/                        what was found damaged, or made of what is no more, and set aside
    STORE/studies/STUDY/                  the report's files and runs.json
    STORE/verified.json                   size and time of files whose hashes were checked (a cache)
    STORE/lock, STORE/machine.json        who runs; measured speed (a cache)

An artifact exists when its record exists. A record that contradicts the plan is an error, never a warning. Fingerprints
say what was asked for; the content that a record tells of each input says what it was made of. An artifact whose input
has since been made again in other bytes (by another machine, another version of a library) is stale and made again.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from titrant.artifacts import FORMAT, RECORD, Record, read_record
from titrant.errors import StoreError
from titrant.execute.files import explaining_disk_trouble, sync_folder, write_json
from titrant.execute.verified import Verified
from titrant.plan.plan import Job

STORE_FORMAT = 1
MADE = "made.json"
LOG = "log.txt"
RESERVED = (RECORD, MADE, LOG)
"""Names in an artifact's folder that no stage may use."""

MOST_SHOWN = 200
"""Letters of a path that are shown where it may be the path's length that is wrong."""

_SUFFIX = re.compile(r"-([0-9a-f]{12})$")


@dataclass(frozen=True)
class Standing:
    """What the store holds for a job. `reason` says why an artifact that is there is not to be used."""

    state: Literal["finished", "missing", "damaged"]
    folder: Path
    reason: str = ""
    stale: bool = False
    """Of a damaged artifact: it is whole, but was made of other bytes than its inputs now hold."""

    @property
    def word(self) -> str:
        """`finished`, `missing`, `damaged` or `stale`."""
        return "stale" if self.stale else self.state


@dataclass
class Store:
    """A store that was opened; `root` is absolute. Reading needs no lock; writing is the runner's and the workers'."""

    root: Path
    verified: Verified
    _folders: dict[str, dict[str, Path]] = field(default_factory=dict, repr=False)
    """By kind, the artifact folders by the 12 digits that end their names."""
    _contents: dict[Path, tuple[tuple[int, ...], str]] = field(default_factory=dict, repr=False)
    """By artifact folder, the stamp of its record and the content that this tells of."""

    def folder_of(self, job: Job) -> Path:
        """Where the job's artifact lies, or would lie. An equal fingerprint under another name is found."""
        return self._folder(job.id)

    def _folder(self, id_: str) -> Path:
        named = self.root / id_
        if named.is_dir():
            return named
        kind, digits = id_.partition("/")[0], id_[-12:]
        if kind not in self._folders:
            self._folders[kind] = {
                match[1]: path for path in self.folders(kind) if (match := _SUFFIX.search(path.name))
            }
        known = self._folders[kind].get(digits)
        return known if known is not None and known.is_dir() else named

    def folders(self, kind: str) -> list[Path]:
        """All artifact folders of a kind, sorted by name."""
        try:
            return sorted(path for path in (self.root / kind).iterdir() if path.is_dir())
        except FileNotFoundError:
            return []

    def look(self, job: Job, *, hashes: bool) -> Standing:
        """Whether the job's artifact is there and whole.

        Sizes are always compared; with `hashes`, files that changed since they were last hashed are hashed again.
        Inputs that are there must still have the content that the record tells of; one that is not there says nothing.
        Raises StoreError if the record contradicts the plan or was written by a newer Titrant.
        """
        folder = self.folder_of(job)
        if not folder.is_dir():
            return Standing("missing", folder)
        record = _readable_record(folder, job)
        if isinstance(record, str):
            return Standing("damaged", folder, record)
        _refuse_contradiction(folder, record, job)
        damage = self.verified.find_damage(self.root, folder, record, hashes=hashes)
        if damage:
            return Standing("damaged", folder, damage)
        if changed := next(self._changed_inputs(record, job), None):
            return Standing("damaged", folder, f"its input {changed} was remade with other content", stale=True)
        return Standing("finished", folder)

    def content_of(self, id_: str) -> str | None:
        """`Record.content` of the artifact with a job's id; None if it is not there or its record cannot be read."""
        folder = self._folder(id_)
        try:
            status = (folder / RECORD).stat()
            stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
            if (known := self._contents.get(folder)) is None or known[0] != stamp:
                known = self._contents[folder] = stamp, read_record(folder).content
        except (OSError, StoreError):
            return None
        return known[1]

    def _changed_inputs(self, record: Record, job: Job) -> Iterator[str]:
        """Roles whose artifact is there and has another content than the record tells of."""
        for role, id_ in job.inputs.items():
            if (content := self.content_of(id_)) is not None and content != record.input_content.get(role):
                yield role

    def require(self, job: Job, *, hashes: bool = False) -> Path:
        """The folder of a finished artifact. Raises StoreError if it is missing or damaged."""
        standing = self.look(job, hashes=hashes)
        if standing.state != "finished":
            why = "is not in the store yet"
            if standing.reason:
                why = f"is {standing.word} ({standing.reason})"
            raise StoreError(f"{job.id} {why}; `titrant run` makes it")
        return standing.folder

    def work_of(self, job: Job) -> Path:
        """The folder in which the job is done."""
        return self.root / "work" / f"{job.kind}-{job.fingerprint[:16]}"

    def study_folder(self, study: str) -> Path:
        """Where a study's report and its list of runs lie."""
        return self.root / "studies" / study

    def set_aside(self, folder: Path, reason: str) -> Path:
        """Move an artifact that is not to be used to `damaged/`, with the reason in it, and say where it is now."""
        with explaining_disk_trouble(self.root):
            shelf = self.root / "damaged"
            shelf.mkdir(exist_ok=True)
            stamp = time.strftime("%Y%m%dT%H%M%S")
            target = shelf / f"{folder.parent.name}-{folder.name}-{stamp}-{os.getpid()}-{time.monotonic_ns()}"
            folder.rename(target)
            (target / "damage.txt").write_text(reason + "\n", encoding="utf-8")
            self._folders.clear()
        return target

    def install(self, finished: Path, job: Job) -> Path:
        """Move a finished folder (record written, all flushed) into its place in one rename."""
        target = self.root / job.id
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            self.set_aside(target, "it stood where a finished artifact belongs and had no valid record")
        finished.rename(target)
        sync_folder(target.parent)
        return target


def open_store(root: Path, *, create: bool) -> Store:
    """Open a store; with `create`, make one where there is none or only an empty folder.

    Without `create` an absent store reads as an empty one. Raises StoreError if the path is a file, a link to
    nothing, a folder of something else, a store written by a newer Titrant, or can be none for the file system.
    """
    root = root.absolute()
    _refuse_place(root)
    version = _format_of(root)
    if version is None and create:
        try:
            with explaining_disk_trouble(root):
                root.mkdir(parents=True, exist_ok=True)
                write_json(root / "store.json", {"format": STORE_FORMAT})
        except OSError as error:
            raise StoreError(_unmakable(root, error)) from None
    return Store(root, Verified.load(root))


def trouble_to_come(root: Path) -> str | None:
    """Why a store that is not there yet could not be made, in a sentence; None if it is there, or nothing speaks
    against it. Leaves nothing behind."""
    root = root.absolute()
    if root.exists():
        return None
    above = next(place for place in root.parents if place.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            return None
    except OSError as error:
        return _unmakable(root, error)


def _unmakable(root: Path, error: OSError) -> str:
    above = next((place for place in (root, *root.parents) if place.exists()), root)
    return (
        f"the store {_shown(root)} cannot be made: nothing can be written in {_shown(above)} ({error.strerror}); name "
        "another folder with --store"
    )


def _refuse_place(root: Path) -> None:
    """Raise StoreError if the path, or what is above it, is no folder and can be none."""
    for place in (root, *root.parents):
        try:
            is_folder = stat.S_ISDIR(place.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            if place.is_symlink():
                raise StoreError(
                    f"the store {root} cannot be: {place} is a symbolic link to {place.readlink()}, which does not "
                    "exist; make that folder, or name another with --store"
                ) from None
            continue
        except OSError as error:
            raise StoreError(
                f"the store {_shown(root)} cannot be: {error.strerror}; name another folder with --store"
            ) from None
        if not is_folder:
            raise StoreError(f"the store {root} cannot be: {place} is a file; name a folder with --store")
        return


def _shown(path: Path) -> str:
    text = str(path)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _format_of(root: Path) -> int | None:
    path = root / "store.json"
    try:
        content = json.loads(path.read_bytes())
        version = int(content["format"])
    except FileNotFoundError:
        strange = [p.name for p in root.iterdir() if not p.name.startswith(".")] if root.is_dir() else []
        if strange:
            raise StoreError(
                f"the folder {root} is not a store: it has no store.json but holds '{sorted(strange)[0]}'; "
                "name an empty or a new folder with --store"
            ) from None
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); it should say {{'format': {STORE_FORMAT}}}") from None
    if version > STORE_FORMAT:
        raise StoreError(
            f"the store {root} has format {version}; this Titrant reads at most {STORE_FORMAT}: it was written by a "
            "newer one. Upgrade Titrant, or name another --store"
        )
    return version


def _readable_record(folder: Path, job: Job) -> Record | str:
    """The record, or what is wrong with it. A record of a newer format or without permission to read is an error, and
    so is one that was changed into another job's."""
    try:
        return read_record(folder)
    except StoreError as error:
        path = folder / RECORD
        if not path.exists():
            return f"{folder.name} has no {RECORD}"
        try:
            content = json.loads(path.read_bytes())
        except ValueError:
            return f"{RECORD} is not JSON"
        except OSError:
            raise error from None
        if not isinstance(content, dict):
            return f"{RECORD} is not a record"
        if isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise
        said = content.pop("digest", None)
        try:
            record = Record.model_validate(content)
        except ValidationError:
            return f"{RECORD} is not a record"
        if said is None:
            return f"{RECORD} holds no digest of itself: an early Titrant wrote it"
        _refuse_contradiction(folder, record, job)
        return f"{RECORD} was changed after it was written"


def _refuse_contradiction(folder: Path, record: Record, job: Job) -> None:
    planned = json.loads(json.dumps(dict(job.identity)))
    inputs = {role: fingerprint[:12] for role, fingerprint in record.inputs.items()}
    pairs: dict[str, tuple[object, object]] = {
        "fingerprint": (record.fingerprint, job.fingerprint),
        "kind": (record.kind, job.kind),
        "version": (record.version, job.version),
        "declaration": (record.declaration, planned),
        "inputs": (inputs, {role: id_[-12:] for role, id_ in job.inputs.items()}),
    }
    for what, (stored, wanted) in pairs.items():
        if stored != wanted:
            stored_text, wanted_text = _shown_difference(stored, wanted)
            raise StoreError(
                f"the record in {folder} contradicts the plan's job {job.id}: its {what} is {stored_text}, the plan's "
                f"is {wanted_text}. Someone changed the record, or another program wrote it; move the folder away "
                "and run again"
            )


def _shown_difference(stored: object, wanted: object) -> tuple[str, str]:
    """Both values, cut to the first entry in which two mappings differ."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in sorted({*stored, *wanted}):
            if stored.get(key) != wanted.get(key):
                return f"{key}: {str(stored.get(key))[:80]}", f"{key}: {str(wanted.get(key))[:80]}"
    return f"'{str(stored)[:80]}'", f"'{str(wanted)[:80]}'"
