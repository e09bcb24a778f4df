"""`titrant data`: what became of every source, document by document, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from titrant.artifacts import KEPT, LEFT_OUT, Documents, Overlap, PartSize, Shard, Split, TokenShards, Transformed
from titrant.cli.needs import check_needs
from titrant.cli.opened import Opened, located, make_console, open_plan
from titrant.cli.running import display
from titrant.errors import StudyError
from titrant.execute.runner import Interrupted, run_plan
from titrant.execute.store import Store, open_store
from titrant.plan import Job
from titrant.study.declaration import listing, suggestion
from titrant.study.synthesis import SyntheticItems
from titrant.study.units import show_count

DOCUMENT_KINDS = (
    "benchmarks",
    "problems",
    "solutions",
    "verification",
    "documents",
    "signals",
    "signatures",
    "items",
    "overlap",
    "split",
    "transform",
)
"""Kinds of jobs that decide what becomes of documents."""
DATA_KINDS = (*DOCUMENT_KINDS, "tokenizer", "tokens")
"""Kinds of jobs that are done before the table is printed: all of the data, none of the training."""

MOST_NAMES = 6
"""Languages and licences that are named; the rest is counted."""


@dataclass(frozen=True)
class SourceData:
    """What the store tells of one source."""

    name: str
    documents: Documents
    parts: Mapping[str, PartSize]
    tokens: TokenShards | None
    """None where they could not be made: documents are shown all the same."""
    overlap: Overlap | None
    """None if sources are not searched for items of the evaluation."""
    transformed: Transformed | None
    """None if its documents are encoded as they are."""
    folders: Mapping[str, Path]
    """Artifact folders by kind; `texts`: the documents as they are encoded."""

    @property
    def shards(self) -> Mapping[str, Shard]:
        """What is encoded, by partition; empty where nothing is."""
        return self.tokens.shards if self.tokens else {}

    @property
    def kept(self) -> PartSize:
        """Documents and bytes that are used, whichever part they are in."""
        parts = [self.parts[fate] for fate in KEPT if fate in self.parts]
        return PartSize(documents=sum(p.documents for p in parts), bytes=sum(p.bytes for p in parts))

    def as_json(self) -> dict[str, Any]:
        """The same as plain data, keys as in the artifacts."""
        return {
            "documents": self.documents.model_dump(mode="json"),
            "fates": {fate: part.model_dump() for fate, part in self.parts.items()},
            "tokens": {partition: shard.tokens for partition, shard in self.shards.items()},
            "bytes_per_token": {
                partition: shard.bytes / shard.tokens for partition, shard in self.shards.items() if shard.tokens
            },
            "transformed": self.transformed.model_dump(mode="json") if self.transformed else None,
            "overlap": self.overlap.model_dump(mode="json") if self.overlap else None,
        }


def show_data(named: str, root: Path, *, workers: int | None, json_file: Path | None) -> None:
    """Do what is missing of the data jobs, then print a table of sources and what each rule and duplicate took.

    Where documents can be read and not be encoded (a tokenizer that asks for more text than there is), the table stands
    without tokens, and the StudyError is raised behind it.
    """
    opened, store, failure = _prepared(named, root, workers)
    sources = list(_sources(opened, store))
    if json_file is not None:
        text = json.dumps({source.name: source.as_json() for source in sources}, indent=1) + "\n"
        if str(json_file) == "-":
            click.echo(text, nl=False)
        else:
            json_file.write_text(text, encoding="utf-8")
    if str(json_file) != "-":
        _print_sources(sources)
        first: dict[Path, str] = {}
        for source in sources:
            items = opened.plan.study.sources[source.name].origins[0]
            made_of = first.setdefault(source.folders["split"], source.name)
            _print_fates(source, made_of, items if isinstance(items, SyntheticItems) else None)
    if failure is not None:
        raise failure


def show_documents(
    named: str, root: Path, shown: str, *, rule: str | None, source: str | None, count: int, workers: int | None
) -> None:
    """Print documents that are kept, or dropped (for a reason that holds `rule`), the same ones every time."""
    opened, store, _ = _prepared(named, root, workers)
    known = list(_sources(opened, store))
    chosen = [one for one in known if source in (None, one.name)]
    if not chosen:
        names = [one.name for one in known]
        raise StudyError(f"no source '{source}'{suggestion(str(source), names)}; the study has {listing(names)}")
    counts = [(fate, part.documents) for one in chosen for fate, part in one.parts.items()]
    fates = {fate for fate, count in counts if count and (fate in KEPT) == (shown == "kept")}
    if rule is not None:
        matching = {fate for fate in fates if rule in fate or rule in _words(fate)}
        if not matching:
            reasons = listing(map(_words, fates)) or "none"
            raise StudyError(f"nothing is {shown} by '{rule}'; the reasons are {reasons}")
        fates = matching
    printed = 0
    for one in chosen:
        for document in _examples(one, fates, count):
            printed += 1
            _print_document(one.name, document)
    if not printed:
        click.echo(f"no document is {shown}")


def _prepared(named: str, root: Path, workers: int | None) -> tuple[Opened, Store, StudyError | None]:
    """Documents decided and, if that is possible, encoded; else the reason why it is not."""
    opened = open_plan(named)
    store = open_store(root, create=True)
    check_needs(opened.plan.part(DOCUMENT_KINDS).jobs.values(), store, opened.plan.study)
    failure: StudyError | None = None
    try:
        with located(opened.loaded):
            run_plan(opened.plan.part(DOCUMENT_KINDS), store, display(), workers=workers)
        try:
            with located(opened.loaded):
                run_plan(opened.plan.part(DATA_KINDS), store, display(), workers=workers)
        except StudyError as error:
            failure = error
    except Interrupted as stopped:
        click.echo(f"stopped: {stopped}", err=True)
        raise SystemExit(128 + stopped.signal) from None
    return opened, store, failure


def _sources(opened: Opened, store: Store) -> Iterator[SourceData]:
    jobs = opened.plan.jobs
    for name, tokens_id in opened.plan.tokens.items():
        tokens = jobs[tokens_id]
        documents, split = (_input(jobs, tokens, kind) for kind in ("documents", "split"))
        texts = jobs[tokens.inputs["documents"]]
        folders = {job.kind: store.require(job) for job in (documents, split)} | {"texts": store.require(texts)}
        is_encoded = store.look(tokens, hashes=False).state == "finished"
        folders |= {"tokens": store.require(tokens)} if is_encoded else {}
        searched = (job for job in jobs.values() if job.kind == "overlap" and job.inputs["documents"] == documents.id)
        overlap = next(searched, None)
        yield SourceData(
            name=name,
            documents=Documents.read(folders["documents"]),
            parts=_parts(folders, is_changed=texts.kind == "transform" and is_encoded),
            tokens=TokenShards.read(folders["tokens"]) if is_encoded else None,
            overlap=Overlap.read(store.require(overlap)) if overlap else None,
            transformed=Transformed.read(store.require(texts)) if texts.kind == "transform" else None,
            folders=folders,
        )


def _parts(folders: Mapping[str, Path], *, is_changed: bool) -> dict[str, PartSize]:
    """What became of a source's documents; of one that is changed, as they stand once they are."""
    from titrant.tokens.encoded import encoded_parts, with_encoded

    parts = Split.read(folders["split"]).parts
    return with_encoded(parts, encoded_parts(folders["tokens"])) if is_changed else parts


def _input(jobs: Mapping[str, Job], job: Job, kind: str) -> Job:
    """The job of a kind that a job reads, itself or through another one."""
    for id_ in job.inputs.values():
        if jobs[id_].kind == kind:
            return jobs[id_]
    return next(_input(jobs, jobs[id_], kind) for id_ in job.inputs.values() if jobs[id_].inputs)


def _print_sources(sources: list[SourceData]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("source", "read", "bytes", "kept", "bytes", "train tokens", "reserved", "held out", "bytes/token"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source in sources:
        train, reserved = source.shards.get("train"), source.shards.get("reserved")
        table.add_row(
            source.name,
            f"{source.documents.documents:,}",
            show_count(source.documents.bytes),
            f"{source.kept.documents:,}",
            show_count(source.kept.bytes),
            show_count(train.tokens) if train else "·",
            show_count(reserved.tokens) if reserved else "·",
            f"{source.parts['held_out'].documents:,}",
            f"{train.bytes / train.tokens:.2f}" if train and train.tokens else "·",
        )
    make_console().print(table)


def _print_fates(source: SourceData, made_of: str, items: SyntheticItems | None) -> None:
    """`made_of` is the source whose documents these are: itself, or the one that it changes."""
    from rich.table import Table

    console = make_console()
    console.print(f"\n{source.name}", style="bold", highlight=False)
    if items is not None:
        console.print(f"  items      {_items_taken(items)}", highlight=False)
    if made_of != source.name:
        words = f"the problems of {made_of}, whose" if items is not None else f"{made_of}, whose documents and"
        console.print(f"  made of    {words} fates these are", highlight=False)
        if source.transformed:
            console.print(f"  changed    {_changes(source.transformed)}", highlight=False)
        return
    console.print(f"  languages  {_largest(source.documents.bytes_by_language)}", highlight=False)
    console.print(f"  licences   {_largest(source.documents.bytes_by_licence)}", highlight=False)
    if source.documents.left_out:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in source.documents.left_out.items())
        console.print(f"  not read   {reasons}", highlight=False)
    for line in _unreadable(source.folders["documents"]):
        console.print(f"             {_visible(line)}", highlight=False, markup=False)
    if source.transformed:
        console.print(f"  changed    {_changes(source.transformed)}", highlight=False)
    if source.overlap:
        console.print(f"  items      {_items_held(source.overlap)}", highlight=False)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("  fate", "documents", "bytes", "of all bytes"):
        table.add_column(heading, justify="left" if heading == "  fate" else "right")
    whole = max(1, sum(part.bytes for part in source.parts.values()))
    for fate, part in source.parts.items():
        if part.documents:
            share = f"{100 * part.bytes / whole:.1f} %"
            table.add_row(f"  {_words(fate)}", f"{part.documents:,}", show_count(part.bytes), share)
    console.print(table)


def _words(fate: str) -> str:
    """A fate as it is printed.

    >>> _words("held_out"), _words("rule starcoder: max_line_length")
    ('held out', 'rule starcoder: max line length')
    """
    return fate.replace("_", " ")


def _unreadable(folder: Path) -> list[str]:
    """The first of what was skipped because it cannot be read, and why."""
    path = folder / "_unreadable.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    shown = [json.loads(line)["message"] for line in lines[:MOST_NAMES]]
    return [*shown, f"and more in {path}"] if len(lines) > MOST_NAMES else shown


def _items_taken(items: SyntheticItems) -> str:
    """What a source takes of a synthesis, and how it is written."""
    share = f", {items.share:.0%} of them" if items.share < 1 else ""
    form = "" if items.items in ("statement", "text") else f", {items.format}, {items.language}"
    return f"{items.items} of synthesis '{items.synthetic}'{share}{form}"


def _changes(transformed: Transformed) -> str:
    """What the transforms made of the documents that are kept."""
    parts = [f"{transformed.changed:,} documents", f"not {transformed.unchanged:,}"]
    parts += [f"left out {count:,}: {reason}" for reason, count in transformed.left_out.items()]
    return ", ".join(parts)


def _items_held(overlap: Overlap) -> str:
    """How many items of each task the source's documents hold, whatever becomes of them."""
    held = [f"{outcome} {count:,} of {overlap.asked[outcome]:,}" for outcome, count in overlap.items.items()]
    documents = f"{overlap.documents:,} document{'s' * (overlap.documents != 1)}"
    return f"{', '.join(held)} held by {documents}"


def _largest(sizes: Mapping[str, int]) -> str:
    whole = max(1, sum(sizes.values()))
    ranked = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {100 * size / whole:.1f} %" for name, size in ranked[:MOST_NAMES]]
    return ", ".join(named) + (f" and {len(ranked) - MOST_NAMES} more" if len(ranked) > MOST_NAMES else "")


def _examples(source: SourceData, fates: set[str], count: int) -> Iterator[dict[str, str]]:
    """The documents with the smallest content hashes: a sample that is the same every time, in the source's order.

    Of a source that is changed, kept documents are shown as they are trained on.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(source.folders["split"] / "split.parquet", columns=["row", "content_hash", "fate"])
    if source.transformed is not None:
        has_text = [length > 0 for length in _lengths(source.folders["texts"])]
        lost = pc.and_(pc.is_in(table["fate"], pa.array(KEPT)), pa.array([not has for has in has_text]))
        table = table.set_column(2, "fate", pc.if_else(lost, LEFT_OUT, table["fate"].cast(pa.string())))
    given = table.filter(pc.is_in(table["fate"], pa.array(sorted(fates), pa.string())))
    wanted = dict(
        zip(*(given.sort_by("content_hash")[:count][name].to_pylist() for name in ("row", "fate")), strict=True)
    )
    kept = {row for row, fate in wanted.items() if fate in KEPT}
    found = dict(_rows_of(source.folders["texts"], kept))
    found |= dict(_rows_of(source.folders["documents"], wanted.keys() - kept))
    for row in sorted(found):
        yield found[row] | {"fate": wanted[row]}


def _lengths(folder: Path) -> Iterator[int]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("documents-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(1024, columns=["text"], use_threads=False):
            yield from pc.binary_length(batch["text"]).to_pylist()


def _rows_of(folder: Path, rows: Collection[int]) -> Iterator[tuple[int, dict[str, str]]]:
    import pyarrow.parquet as pq

    first = 0
    for path in sorted(folder.glob("documents-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(1024, use_threads=False):
            for row in sorted(row for row in rows if first <= row < first + len(batch)):
                yield row, batch.slice(row - first, 1).to_pylist()[0]
            first += len(batch)


SHOWN_CHARACTERS = 600
DESCRIBED = ("language", "licence", "origin")


def _print_document(source: str, document: Mapping[str, str]) -> None:
    text = document["text"]
    click.secho(f"{source}  {document['id']}  [{_words(document['fate'])}]", bold=True)
    click.secho(
        f"{document['language']}, {document['licence']}, {document['origin']}, {len(text):,} characters", dim=True
    )
    more = "" if len(text) <= SHOWN_CHARACTERS else f"… {len(text) - SHOWN_CHARACTERS:,} characters more"
    click.echo(_visible(text[:SHOWN_CHARACTERS]).rstrip())
    click.echo(f"{more}\n" if more else "")


def _visible(text: str) -> str:
    """Control characters as pictures: what is printed cannot command the terminal."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else chr(0x2400 + ord(sign)) if ord(sign) < 32 else "\ufffd"
        for sign in text
    )
