"""Items in the data: what every source holds of every task, how much of it each phase trained on, and what findings are
without it.

A document is known to be in a part of a source, not in the sequences drawn from it. So what a phase has seen is an
expectation: the tokens of such documents in the part, times how often the phase went through it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import LedgerRow, Overlap
from titrant.errors import StoreError
from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.document import ExposureEntry, Finding, OverlapEntry
from titrant.report.markup import element, escape
from titrant.report.outcomes import has_changed

NOTE = (
    "Every source was searched for the items of tasks, problems and prompts, in any case, punctuation, markup and "
    "order of choices: an item counts as held where at least the declared share of its words stands in common runs of "
    "words. Findings above are over all items; below they stand beside the same over the items that no training data "
    "hold."
)
NOT_SEARCHED = (
    "The sources were not searched for the items of tasks, problems and prompts: the study switches that off."
)
NO_TASKS = (
    "The study has no task, problem or prompt from elsewhere, so there was nothing to search the sources for. Probes "
    "are generated and stand in no source, but for planted facts, which are meant to."
)
_SEARCHED_FOR = ("multiple_choice", "suites", "tasks", "code", "judging")
"""Parts of an evaluation that have items."""
EXPOSURE_NOTE = (
    "What was trained on, as expected from how often a phase went through a part of a source: tokens of documents that "
    "hold items, whole documents counted, and how often one of the items held there was seen on average. Where a "
    "source's documents are transformed, an item may be changed or gone."
)
MOST_ROWS = 200
"""Rows of what was seen that a page shows; report.json has all."""
_PARTS = ("train", "reserved")


@dataclass(frozen=True)
class Holder:
    """A document and an item that it holds."""

    outcome: str
    item: str
    document: str
    """Its content hash."""
    fate: str


@dataclass(frozen=True)
class Held:
    """What the documents of one fate hold of one outcome."""

    copies: Mapping[str, int]
    """By item, in how many of the documents it stands."""
    documents: int
    tokens: int
    """Of those documents; 0 where they are not trained on."""


@dataclass(frozen=True)
class OverlapFacts:
    """What one source holds."""

    summary: Overlap
    holders: tuple[Holder, ...]
    tokens: Mapping[tuple[str, str], int]
    """By part and content hash: tokens of the documents that hold items, their pieces together."""

    @cached_property
    def held(self) -> Mapping[tuple[str, str], Held]:
        """What the documents of each fate hold of each outcome; those that hold nothing are not there."""
        copies: dict[tuple[str, str], Counter[str]] = {}
        documents: dict[tuple[str, str], set[str]] = {}
        for holder in self.holders:
            key = (holder.outcome, holder.fate)
            copies.setdefault(key, Counter())[holder.item] += 1
            documents.setdefault(key, set()).add(holder.document)
        return {
            key: Held(copies[key], len(found), sum(self.tokens.get((key[1], document), 0) for document in found))
            for key, found in documents.items()
        }


def read_overlap(folder: Path, split: Path, tokens: Path) -> OverlapFacts:
    """The facts of one source from three folders. Raises StoreError if a table is damaged or they do not fit."""
    held = _read(folder / "overlap.parquet", ["row", "content_hash", "outcome", "item"])
    fates = _read(split / "split.parquet", ["fate", "content_hash"])
    if len(held) and held["row"].to_numpy().max() >= len(fates):
        raise StoreError(f"{folder} and {split} are not of the same documents; delete both and run again")
    given = fates.take(held["row"])
    if given["content_hash"].to_pylist() != held["content_hash"].to_pylist():
        raise StoreError(f"{folder} and {split} are not of the same documents; delete both and run again")
    columns = (held["outcome"], held["item"], held["content_hash"], given["fate"])
    holders = tuple(Holder(*row) for row in zip(*(column.to_pylist() for column in columns), strict=True))
    sizes: dict[tuple[str, str], int] = {}
    for part in _PARTS:
        wanted = pa.array(sorted({holder.document for holder in holders if holder.fate == part}), pa.string())
        if len(wanted) and (tokens / f"{part}.parquet").exists():
            rows = _read(tokens / f"{part}.parquet", ["whole_hash", "tokens"])
            rows = rows.filter(pc.is_in(rows["whole_hash"], wanted))
            for document, size in zip(rows["whole_hash"].to_pylist(), rows["tokens"].to_pylist(), strict=True):
                sizes[part, document] = sizes.get((part, document), 0) + size
    return OverlapFacts(Overlap.read(folder), holders, sizes)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def note_of(study: Mapping[str, Any], overlaps: Mapping[str, OverlapFacts]) -> str:
    """What was searched for, or why nothing was."""
    if overlaps:
        return NOTE
    return NOT_SEARCHED if any(study["evaluation"].get(part) for part in _SEARCHED_FOR) else NO_TASKS


def overlap_entries(sources: Mapping[str, OverlapFacts]) -> tuple[OverlapEntry, ...]:
    """One entry a source and task, also where nothing was found."""
    entries = []
    for source, facts in sources.items():
        for outcome in facts.summary.asked:
            by_fate = {fate: held for (of, fate), held in sorted(facts.held.items()) if of == outcome}
            trained_on = {item for part in _PARTS if part in by_fate for item in by_fate[part].copies}
            entries.append(
                OverlapEntry(
                    source=source,
                    outcome=outcome,
                    items_asked=facts.summary.asked[outcome],
                    items_too_short=facts.summary.too_short[outcome],
                    items_held=facts.summary.items[outcome],
                    items_trained_on=len(trained_on),
                    documents={fate: held.documents for fate, held in by_fate.items()},
                )
            )
    return tuple(entries)


def exposures_of(facts: OverlapFacts, drawn: LedgerRow, phase: Mapping[str, object]) -> list[ExposureEntry]:
    """What one phase saw of every task's items in one part of a source; nothing where the part holds none.

    `phase`: run, arm, scale, seed, index and name of the phase.
    """
    passes = drawn.sequences / drawn.available if drawn.available else 0.0
    entries = []
    for outcome in facts.summary.asked:
        held = facts.held.get((outcome, drawn.partition))
        if held is not None:
            entries.append(
                ExposureEntry(
                    **phase,
                    source=drawn.source,
                    partition=drawn.partition,
                    outcome=outcome,
                    documents=held.documents,
                    items=len(held.copies),
                    tokens=_rounded(held.tokens * passes),
                    token_share=_rounded(held.tokens * passes / drawn.tokens) if drawn.tokens else 0.0,
                    sightings=_rounded(passes * sum(held.copies.values()) / len(held.copies)),
                )
            )
    return entries


def _rounded(value: float) -> float:
    return float(f"{value:.10g}")


def overlap_table(entries: Sequence[OverlapEntry]) -> Table:
    """Every source with every task."""
    columns = (
        Column("source"),
        Column("task"),
        Column("items", numeric=True, note="items that were looked for; shorter ones are not"),
        Column("too short", numeric=True),
        Column("held", numeric=True, note="items that a document of the source holds"),
        Column("trained on", numeric=True, note="items held by documents that are trained on or reserved"),
        Column("documents trained on", numeric=True, note="documents that hold items, trained on or reserved"),
        Column("dropped", numeric=True, note="documents that hold items and are not used, for whatever reason"),
        Column("held out", numeric=True),
    )
    return Table(columns, tuple(map(_overlap_row, entries)), caption="Items in sources")


def _overlap_row(entry: OverlapEntry) -> tuple[Cell, ...]:
    used = sum(entry.documents.get(part, 0) for part in _PARTS)
    held_out = entry.documents.get("held_out", 0)
    dropped = sum(entry.documents.values()) - used - held_out
    style = "alarm" if entry.items_trained_on else None
    figures = (entry.items_asked, entry.items_too_short, entry.items_held)
    return (
        cell(entry.source),
        cell(entry.outcome),
        *(cell(numbers.count(figure), sort=figure) for figure in figures),
        cell(numbers.count(entry.items_trained_on), sort=entry.items_trained_on, style=style),
        *(cell(numbers.count(figure), sort=figure) for figure in (used, dropped, held_out)),
    )


def exposure_table(entries: Sequence[ExposureEntry], scale: str) -> Table:
    """What every phase of every arm saw; seeds that agree in every number share a row."""
    columns = (
        Column("arm"),
        Column("phase"),
        Column("source"),
        Column("part"),
        Column("task"),
        Column("items", numeric=True, note="items that documents of the part hold"),
        Column("tokens seen", numeric=True, note="expected, of documents that hold them"),
        Column("of the source's tokens", numeric=True, note="of those that the phase drew from the part"),
        Column("sightings", numeric=True, note="expected, of one such item, in this phase"),
        Column("seeds"),
    )
    grouped: dict[tuple[object, ...], list[ExposureEntry]] = {}
    for entry in entries:
        if entry.scale == scale:
            key = (entry.arm, entry.index, entry.source, entry.partition, entry.outcome, entry.tokens, entry.sightings)
            grouped.setdefault(key, []).append(entry)
    most = sorted(grouped.values(), key=lambda group: -group[0].tokens)[:MOST_ROWS]
    shown = [group for group in grouped.values() if len(grouped) <= MOST_ROWS or group in most]
    some = (
        f": the {MOST_ROWS} of {numbers.count(len(grouped))} rows with most tokens" if len(grouped) > MOST_ROWS else ""
    )
    return Table(columns, tuple(map(_exposure_row, shown)), caption=f"Items seen at {scale} scale{some}")


def _exposure_row(group: Sequence[ExposureEntry]) -> tuple[Cell, ...]:
    first = group[0]
    return (
        cell(first.arm),
        cell(first.phase, sort=first.index),
        cell(first.source),
        cell(first.partition),
        cell(first.outcome),
        cell(numbers.count(first.items), sort=first.items),
        cell(numbers.plain(first.tokens, 0), sort=first.tokens),
        cell(numbers.percent(first.token_share), sort=first.token_share),
        cell(numbers.plain(first.sightings, 2), sort=first.sightings),
        cell(", ".join(str(entry.seed) for entry in group)),
    )


def clean_table(findings: Sequence[Finding], scale: str) -> Table:
    """Findings on tasks with flagged items: over all items, and without those."""
    columns = (
        Column("comparison"),
        Column("outcome"),
        Column("items left out", numeric=True, note="items that training data hold, of all"),
        Column("difference", numeric=True, note="over all items"),
        Column("verdict"),
        Column("difference without them", numeric=True),
        Column("interval", numeric=True, note="of the difference without them"),
        Column("verdict without them"),
    )
    flagged = [f for f in findings if f.scale == scale and f.clean is not None]
    return Table(columns, tuple(map(_clean_row, flagged)), caption=f"With and without held items at {scale} scale")


def _clean_row(finding: Finding) -> tuple[Cell, ...]:
    clean, unit = finding.clean, finding.unit
    assert clean is not None
    verdict = cell(clean.verdict)
    if has_changed(finding):
        chip = element("span", "another verdict", class_="flag")
        verdict = cell(f"{clean.verdict} (another verdict)", markup=f"{escape(clean.verdict)} {chip}")
    low, high = clean.interval
    return (
        cell(finding.contrast),
        cell(f"{finding.outcome} ({numbers.scale_of(unit).level})"),
        cell(f"{numbers.count(clean.flagged_items)} of {numbers.count(clean.flagged_items + clean.items)}"),
        cell(numbers.difference(finding.difference, unit), sort=finding.difference),
        cell(finding.verdict),
        cell(numbers.difference(clean.difference, unit), sort=clean.difference),
        cell(numbers.interval(low, high, unit), sort=low),
        verdict,
    )
