"""The record that makes an artifact exist, and the typed summary that it carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from titrant.errors import StoreError

RECORD = "record.json"
FORMAT = 1
"""Version of the record itself. A store with a larger one was written by a newer Titrant and is refused."""


class Artifact(BaseModel):
    """The typed summary of a folder. Subclasses say their kind, their version and the files they come with."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: ClassVar[str]
    version: ClassVar[int]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The summary in a folder's record. Raises StoreError if there is none or it is another kind's."""
        record = read_record(folder)
        if record.kind != cls.kind:
            raise StoreError(f"{folder} holds a '{record.kind}' artifact where a '{cls.kind}' was expected")
        try:
            return cls.model_validate(record.summary)
        except ValidationError as error:
            raise StoreError(
                f"the record in {folder} does not describe a '{cls.kind}': {error.errors()[0]['msg']}"
            ) from None


class FileEntry(BaseModel):
    """One file of an artifact: its size and the BLAKE3 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    blake3: str


class Record(BaseModel):
    """How an artifact came to be. Written last; holds identity and content only, so equal work gives equal bytes.

    `record.json` also holds `digest`, the BLAKE3 of all its other fields as canonical JSON: a record that was changed
    after it was written is never read. Seconds, memory, machine and versions stand in `made.json`, no identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    kind: str
    version: int
    fingerprint: str
    declaration: dict[str, object]
    inputs: dict[str, str]
    """Fingerprint by role."""
    input_content: dict[str, str] = {}
    """By role, the `content` of the artifact that was read. One that is made again in other bytes keeps its
    fingerprint and not its content, and what was made of the old one is then made again too."""
    files: dict[str, FileEntry]
    """By path relative to the folder."""
    summary: dict[str, object]
    """The artifact's typed fields."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """BLAKE3 of the canonical JSON of all other fields."""
        return _hash_of(self.model_dump(mode="json", exclude={"digest"}))

    @property
    def content(self) -> str:
        """BLAKE3 of files and summary: what a job that reads the artifact can see of it, however it was made."""
        return _hash_of(self.model_dump(mode="json", include={"files", "summary"}))


def _hash_of(content: object) -> str:
    return blake3(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_record(folder: Path) -> Record:
    """The record of a finished artifact.

    Raises StoreError if it is absent, damaged, of a newer format, or was changed after it was written.
    """
    path = folder / RECORD
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise StoreError(f"{folder} holds no {RECORD}: it was never finished; `titrant run` makes it") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete the folder and run again") from None
    if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise StoreError(
            f"{path} has format {content['format']}; this Titrant reads at most {FORMAT}: "
            "it was written by a newer one, upgrade"
        )
    said = content.pop("digest", None) if isinstance(content, dict) else None
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        raise StoreError(
            f"{path} is not a record ({error.errors()[0]['msg']}); delete the folder and run again"
        ) from None
    if said is None:
        raise StoreError(
            f"{path} holds no digest of itself: an early Titrant wrote it; delete the folder and run again"
        )
    if said != _hash_of(content):
        raise StoreError(f"the record in {folder} was changed after it was written; delete the folder and run again")
    return record
