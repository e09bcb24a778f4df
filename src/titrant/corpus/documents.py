"""The documents stage: every origin of a source, read into Parquet files of bounded size.

Memory is bounded by one row group (and by one file where its format needs it whole). The bytes written are a pure
function of the declaration and of the files' content: ids name the origin by its place, never by a path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import Documents
from titrant.corpus.hub import hub_texts, label_of
from titrant.corpus.languages import UNKNOWN, language_of
from titrant.corpus.opened import LeftOut, SourceFile, Unreadable
from titrant.corpus.origins import files_of_origin
from titrant.corpus.parse import parse
from titrant.corpus.planted import planted_documents
from titrant.corpus.texts import Text
from titrant.errors import StudyError
from titrant.jobs import DocumentsJob, Progress
from titrant.study.origins import Archive, Files, HubDataset, Installed, Origin, OtherSource, Package, Repository
from titrant.study.parsers import PlainFiles
from titrant.tokens.documents import content_hash

GROUP_BYTES = 8_000_000
"""Text of one row group."""
GROUP_ROWS = 20_000
FILE_BYTES = 512_000_000
"""Text of one file, about."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("language", pa.string()),
        ("licence", pa.string()),
        ("origin", pa.string()),
        ("content_hash", pa.string()),
        ("planted", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class _Document:
    id: str
    text: str
    language: str
    licence: str
    origin: str
    planted: bool = False


def read_documents(
    job: DocumentsJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Documents:
    """Read a source's origins, in order, into `documents-00000.parquet`, ... under `out`.

    Raises StudyError if an origin holds nothing or not what is declared, StoreError for a damaged file,
    EngineError if a package or dataset cannot be fetched.
    """
    left_out: Counter[str] = Counter()
    with _Writer(out) as writer:
        for place, origin in enumerate(job.origins):
            read = writer.documents
            for text in _texts_of(place, origin, left_out, progress):
                writer.add(text, left_out)
            if writer.documents == read:
                raise StudyError(
                    f"origin {place + 1} of the source holds no document that can be used (left out: "
                    f"{dict(sorted(left_out.items())) or 'none'}); check its patterns and how it is parsed"
                )
        if job.plant is not None:
            for number, planted in enumerate(planted_documents(job.plant)):
                fact = _Document(f"planted/{number}", planted, "english", "CC0-1.0", "planted", planted=True)
                writer.add(fact, left_out)
    return Documents(
        documents=writer.documents,
        bytes=sum(writer.bytes_by_language.values()),
        bytes_by_language=dict(sorted(writer.bytes_by_language.items())),
        bytes_by_licence=dict(sorted(writer.bytes_by_licence.items())),
        left_out=dict(sorted(left_out.items())),
    )


def _texts_of(place: int, origin: Origin, left_out: Counter[str], progress: Progress) -> Iterator[_Document]:
    if isinstance(origin, (Archive, Repository, OtherSource)):
        raise NotImplementedError
    assert not isinstance(origin, OtherSource), "the plan reads what another source keeps"
    if isinstance(origin, HubDataset):
        for number, item in enumerate(hub_texts(origin)):
            if number % 1000 == 0:
                progress(number, origin.max_documents or 0, "documents", origin.dataset)
            if isinstance(item, Unreadable):
                raise item.error
            if isinstance(item, LeftOut):
                left_out[item.reason] += 1
            else:
                yield _document(f"{place}/{_escaped(origin.split)}", item, origin, UNKNOWN, label_of(origin))
        return
    with files_of_origin(origin, progress) as files:
        for done, file in enumerate(files):
            progress(done, len(files), "files", file.name)
            for item in parse(file, origin.parse, origin.where):
                if isinstance(item, Unreadable):
                    raise item.error
                if isinstance(item, LeftOut):
                    left_out[item.reason] += 1
                else:
                    yield _document(
                        f"{place}/{_escaped(file.name)}", item, origin, _language(origin, file), file.origin
                    )
        progress(len(files), len(files), "files")


def _language(origin: Package | Files | Installed, file: SourceFile) -> str:
    """By the file's name where a file is a document; a container's name says nothing of what it holds."""
    return language_of(file.name) if isinstance(origin.parse, PlainFiles) else UNKNOWN


def _document(
    base: str, item: Text, origin: Package | Files | Installed | HubDataset, by_name: str, label: str
) -> _Document:
    return _Document(
        id=f"{base}:{_escaped(item.part)}" if item.part else base,
        text=item.text,
        language=(item.language or origin.language or by_name).lower(),
        licence=item.licence or origin.licence,
        origin=label,
    )


def _escaped(name: str) -> str:
    """A name that cannot be mistaken for one with a part (`:`) or a piece (`#`) added."""
    return name.replace("%", "%25").replace("#", "%23").replace(":", "%3A")


@dataclass
class _Writer:
    """Collects documents into row groups, row groups into files, and counts what it wrote."""

    folder: Path
    documents: int = 0
    bytes_by_language: Counter[str] = field(default_factory=Counter)
    bytes_by_licence: Counter[str] = field(default_factory=Counter)
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _group_bytes: int = 0
    _file_bytes: int = 0
    _files: int = 0
    _open: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, failure: object, *rest: object) -> None:
        if failure is None:
            self._flush()
        self._close()

    def add(self, document: _Document, left_out: Counter[str]) -> None:
        """Write one document as it is; one without a visible character is left out."""
        if not document.text.strip():
            left_out["empty"] += 1
            return
        size = len(document.text.encode("utf-8"))
        self.documents += 1
        self.bytes_by_language[document.language] += size
        self.bytes_by_licence[document.licence] += size
        self._rows.append(
            (
                document.id,
                document.text,
                document.language,
                document.licence,
                document.origin,
                content_hash(document.text),
                document.planted,
            )
        )
        self._group_bytes += size
        if self._group_bytes >= GROUP_BYTES or len(self._rows) >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._open is None:
            path = self.folder / f"documents-{self._files:05d}.parquet"
            self._open = pq.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=3)
            self._files += 1
        columns = [
            pa.array(column, kind) for column, kind in zip(zip(*self._rows, strict=True), SCHEMA.types, strict=True)
        ]
        self._open.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
        self._file_bytes += self._group_bytes
        self._rows, self._group_bytes = [], 0
        if self._file_bytes >= FILE_BYTES:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open, self._file_bytes = None, 0
