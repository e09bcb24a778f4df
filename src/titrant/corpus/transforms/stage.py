"""The transform stage: the documents that a source keeps, redacted and changed, in the same rows and order.

    1. each row group is changed for itself, by the engine that the environment chooses (see `engine`), and kept in the
       scratch folder: after an interruption, work goes on there. What is made of a synthesis is written first, in the
       form that the source asks for
    2. of documents that are equal once changed the first one keeps its text, so that no text is trained on and held
       out, and none is trained on twice because what told two documents apart is gone
    3. the files are written: ids, content hashes and all else as they were

Where a source is paired with others, a document without text in one of them has none here either.

Where documents that hold items of the evaluation are dropped, those are left without text that hold one once changed:
the split has looked at them as they were.

Documents that the split drops are written without text, and so are those that a transform cannot change: no document
goes on unchanged that should not. Planted facts go on as they are, because a probe asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3
from numpy.typing import NDArray

from titrant.artifacts import KEPT, Transformed
from titrant.corpus.engine.make import make_parts
from titrant.corpus.engine.parts import Parts, Tick
from titrant.corpus.formats.texts import cleaned
from titrant.corpus.items.overlap import FindOverlaps
from titrant.corpus.opened import LeftOut
from titrant.corpus.redaction import redact
from titrant.corpus.stored import RowGroup, row_groups
from titrant.corpus.synthetic.items import StoredItems
from titrant.corpus.synthetic.write import NotWrittenError, language_of, written
from titrant.corpus.transforms.apply import transformed
from titrant.corpus.transforms.syntax import NotTransformedError
from titrant.errors import StoreError, StudyError
from titrant.jobs import Progress, TransformJob

CHANGED, UNCHANGED, NOT_KEPT = "changed", "unchanged", ""
"""What became of a document's text, where no reason is given why it has none."""
EQUAL = "equal to an earlier one once changed"
EARLIER = "without text before"
_PAIRED = "paired/"

_RESULT = pa.schema([("text", pa.large_string()), ("outcome", pa.string()), ("digest", pa.binary(16))])
_READ = ["text", "language", "content_hash", "planted"]


def transform_documents(
    job: TransformJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> Transformed:
    """Write `documents-00000.parquet`, ... under `out`: the rows of the documents, the text of kept ones changed.

    In memory are one row group in each process, and about 60 bytes a document. Raises StoreError for damaged documents
    or a split of others, StudyError if no document is left to train on or none to hold out.
    """
    groups = row_groups(inputs["documents"])
    fates = _read_fates(inputs["split"], sum(group.rows for group in groups))
    paired = {role.removeprefix(_PAIRED): folder for role, folder in sorted(inputs.items()) if role.startswith(_PAIRED)}
    rule = job.without_items
    find = None if rule is None else FindOverlaps(inputs["items"], rule.words, rule.share)
    items = None if job.write is None else StoredItems(inputs["verification"])
    parts = make_parts(_Change(job, inputs["split"], paired, find, items), groups, scratch=scratch, progress=progress)
    repeats = _repeats(parts, groups)
    outcomes, left = Counter[str](), Counter[str]()
    with ExitStack() as open_files:
        for group in groups:
            progress(group.first_row, len(fates), "documents", f"writing {group.path.name}")
            here = slice(group.first_row, group.first_row + group.rows)
            result = _without_repeats(parts.table(group), repeats[here])
            outcomes.update(result["outcome"].to_pylist())
            has_text = pc.greater(pc.binary_length(result["text"]), 0)
            left.update(fates.slice(group.first_row, group.rows).filter(has_text).to_pylist())
            table = _with_text(job, group, result["text"])
            if group.index == 0:
                open_files.close()
                target = pq.ParquetWriter(out / group.path.name, table.schema, compression="zstd", compression_level=3)
                writer = open_files.enter_context(target)
            writer.write_table(table)
    progress(len(fates), len(fates), "documents")
    reasons = {
        reason: count for reason, count in sorted(outcomes.items()) if reason not in (CHANGED, UNCHANGED, NOT_KEPT)
    }
    _check_sides(fates, left, reasons)
    return Transformed(changed=outcomes[CHANGED], unchanged=outcomes[UNCHANGED], left_out=reasons)


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} cannot be read ({error}); delete its folder and run again")


def _read_fates(folder: Path, rows: int) -> pa.ChunkedArray:
    """The fate of every document, each name kept once."""
    path = folder / "split.parquet"
    try:
        fates = pq.read_table(path, columns=["fate"], read_dictionary=["fate"])["fate"]
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    if len(fates) != rows:
        raise StoreError(f"{path} tells the fate of {len(fates)} documents where there are {rows}; run again")
    return fates


def _read_split(folder: Path, group: RowGroup) -> pa.Table:
    """Content hash and fate of the documents of a row group; the split has row groups of its own."""
    path, row = folder / "split.parquet", 0
    found = [pa.table({"content_hash": pa.array([], pa.string()), "fate": pa.array([], pa.string())})]
    try:
        with pq.ParquetFile(path) as file:
            for index in range(file.num_row_groups):
                rows = file.metadata.row_group(index).num_rows
                if row < group.first_row + group.rows and group.first_row < row + rows:
                    table = file.read_row_group(index, columns=["content_hash", "fate"], use_threads=False)
                    start = max(group.first_row - row, 0)
                    found.append(table.slice(start, group.first_row + group.rows - row - start))
                row += rows
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    return pa.concat_tables(found).combine_chunks()


@dataclass(frozen=True)
class _Change:
    """What becomes of the texts of one row group."""

    job: TransformJob
    split: Path
    paired: Mapping[str, Path]
    """Folders of other changes of the same documents, by source: what has no text there has none here."""
    find: FindOverlaps | None
    """What finds items in changed texts, if documents that hold one are dropped."""
    items: StoredItems | None
    """What is written, if the documents are the problems of a synthesis."""

    def __call__(self, group: RowGroup, tick: Tick) -> pa.Table:
        table = group.read([*_READ, "id"])
        theirs = _read_split(self.split, group)
        if theirs["content_hash"].to_pylist() != table["content_hash"].to_pylist():
            raise StoreError(f"the split does not split the documents in {group.path}: they differ; run again")
        kept = pc.is_in(theirs["fate"], pa.array(KEPT)).to_pylist()
        missing = _missing(self.paired, group)
        texts, outcomes = [], []
        forms = self._forms(table, kept)
        columns = (table[name].to_pylist() for name in _READ)
        for row, (is_kept, text, language, key, planted) in enumerate(zip(kept, *columns, strict=True)):
            tick(row)
            if not is_kept:
                result, outcome = "", NOT_KEPT
            elif row in missing and not planted:
                result, outcome = "", missing[row]
            elif isinstance(form := forms.get(row, text), NotWrittenError):
                result, outcome = "", form.reason
            else:
                spoken = language if self.job.write is None else language_of(self.job.write)
                result, outcome = _changed(self.job, form, spoken, key, planted)
                outcome = CHANGED if row in forms and outcome == UNCHANGED else outcome
            texts.append(result)
            outcomes.append(outcome)
        changed = [row for row, outcome in enumerate(outcomes) if outcome == CHANGED]
        held = {} if self.find is None else self.find.outcomes_in([texts[row] for row in changed])
        for place, name in held.items():
            texts[changed[place]], outcomes[changed[place]] = "", f"holds items of {name} once changed"
        digests = [blake3(text.encode("utf-8")).digest(16) for text in texts]
        arrays = [
            pa.array(column, kind) for column, kind in zip((texts, outcomes, digests), _RESULT.types, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=_RESULT)

    def _forms(self, table: pa.Table, kept: Sequence[bool]) -> dict[int, str | NotWrittenError]:
        """By row, what is written of each kept problem, or why nothing is; empty where the documents are none."""
        if self.items is None or self.job.write is None:
            return {}
        rows = [row for row, is_kept in enumerate(kept) if is_kept]
        chosen = table.take(pa.array(rows, pa.int64()))
        found: dict[int, str | NotWrittenError] = {}
        items = self.items.of(chosen["id"].to_pylist())
        for row, item, key in zip(rows, items, chosen["content_hash"].to_pylist(), strict=True):
            content = cleaned(item.whole)
            if isinstance(content, LeftOut) or blake3(content).hexdigest(length=16) != key:
                raise StoreError(f"problem '{item.problem}' is another than its document says; run again")
            try:
                found[row] = written(item, self.job.write)
            except NotWrittenError as error:
                found[row] = error
        return found


def _missing(paired: Mapping[str, Path], group: RowGroup) -> dict[int, str]:
    """Rows of a group that have no text in one of these sources, with the reason that names the first."""
    found: dict[int, str] = {}
    for name, folder in paired.items():
        path = folder / group.path.name
        try:
            with pq.ParquetFile(path) as file:
                table = file.read_row_group(group.index, columns=["text"], use_threads=False)
        except (pa.ArrowException, OSError, IndexError) as error:
            raise _damaged(path, error) from None
        if len(table) != group.rows:
            raise StoreError(f"{path} holds other documents than {group.path}: they differ; run again")
        sizes = pc.binary_length(table["text"]).to_numpy()
        for row in np.flatnonzero(sizes == 0).tolist():
            found.setdefault(row, f"without text in {name}")
    return found


def _changed(job: TransformJob, text: str, language: str, key: str, planted: bool) -> tuple[str, str]:
    """A kept document's text, and what became of it."""
    if planted:
        return text, UNCHANGED
    if not text:
        return "", EARLIER
    try:
        redacted = redact(text, job.redact).text if job.redact else text
        result = transformed(redacted, language, job.steps, key)
    except NotTransformedError as error:
        return "", error.reason
    return result, UNCHANGED if result == text else CHANGED


def _repeats(parts: Parts, groups: Sequence[RowGroup]) -> NDArray[np.bool_]:
    """Documents with a text that an earlier one has too."""
    digests = [np.empty((0, 2), np.uint64)]
    for group in groups:
        column = parts.table(group, ["digest"])["digest"]
        digests.append(np.frombuffer(b"".join(column.to_pylist()), dtype="<u8").reshape(-1, 2))
    words = np.concatenate(digests)
    order = np.lexsort((words[:, 1], words[:, 0]))
    ordered = words[order]
    same = np.zeros(len(words), bool)
    same[order[1:]] = (ordered[1:] == ordered[:-1]).all(axis=1)
    return same


def _without_repeats(result: pa.Table, repeats: NDArray[np.bool_]) -> pa.Table:
    has_text = pc.greater(pc.binary_length(result["text"]), 0).to_numpy()
    gone = pa.array(repeats & has_text)
    if not gone.true_count:
        return result
    text = pc.if_else(gone, pa.scalar("", pa.large_string()), result["text"])
    outcome = pc.if_else(gone, pa.scalar(EQUAL), result["outcome"])
    return pa.table({"text": text, "outcome": outcome})


def _with_text(job: TransformJob, group: RowGroup, text: pa.ChunkedArray) -> pa.Table:
    """The rows of a group with another text, and the language that it is in."""
    whole = group.read()
    columns = {"text": text}
    if job.write is not None:
        columns["language"] = pa.array([language_of(job.write)] * len(whole), pa.string())
    if "comments-only" in job.steps:
        columns["language"] = pc.if_else(whole["planted"], whole["language"], "text")
    for name, column in columns.items():
        whole = whole.set_column(whole.schema.get_field_index(name), whole.schema.field(name), column)
    return whole


def _check_sides(fates: pa.ChunkedArray, left: Counter[str], reasons: Mapping[str, int]) -> None:
    """Raises StudyError if a part that held documents holds none once they are changed."""
    for part, purpose in (("train", "train on"), ("held_out", "hold out")):
        before = pc.sum(pc.equal(fates, part)).as_py() or 0
        if before and not left[part]:
            commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:5]
            raise StudyError(
                f"of {before} documents to {purpose} the transform leaves none with text "
                f"({'; '.join(f'{count} {reason}' for reason, count in commonest)}); change `transform`, or declare it "
                "for a source that has what it keeps"
            )
