"""What the report reads of a synthesis: its counts, and a few items whole."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.artifacts import Transformed, Verified
from titrant.errors import StoreError
from titrant.report.synthesis_entries import AreaEntry, ItemEntry, LevelEntry, SynthesisEntry, WrittenEntry
from titrant.study.synthesis import LEVELS, SyntheticItems

SHOWN, REFUSED_SHOWN = 3, 2
"""Accepted items, and refused ones, that are shown."""
CHARACTERS = 2000
"""How much of a text is shown."""

_COUNTED = ["family", "area", "difficulty", "licence", "teacher", "contracts"]
_ITEM = {name: "source" if name == "origin" else name for name in ItemEntry.model_fields}
"""Column by field."""


def read_synthesis(
    name: str, folder: Path, study: Mapping[str, Any], written: Mapping[str, Transformed | None]
) -> SynthesisEntry:
    """The entry of one synthesis; `written` says by source what was made of its documents. Raises StoreError if the
    artifact is damaged."""
    summary = Verified.read(folder)
    path = folder / "items.parquet"
    try:
        with pq.ParquetFile(path) as file:
            tallies = _tallies(file)
            examples = _examples(file)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    if tallies.accepted != summary.accepted:
        raise StoreError(f"{path} holds {tallies.accepted} accepted items where its record says {summary.accepted}")
    return SynthesisEntry(
        synthesis=name,
        problems=summary.items,
        accepted=summary.accepted,
        corrupted=summary.corrupted,
        texts=summary.texts,
        translations=summary.translations,
        levels=tuple(
            LevelEntry(
                level=level,
                tried=summary.levels[level].tried,
                passed=summary.levels[level].passed,
                undecided=tallies.undecided if level == "contracts" else 0,
            )
            for level in levels_of(summary)
        ),
        refused=summary.refused,
        areas=tallies.areas(),
        families=summary.families,
        shapes=summary.shapes,
        words=summary.words,
        mutants=summary.mutants,
        killed=summary.killed,
        contracts=dict(sorted(tallies.contracts.items())),
        licences=dict(sorted(tallies.licences.items())),
        teachers=dict(sorted(tallies.teachers.items())),
        cost=summary.cost,
        tier=summary.tier,
        versions=summary.versions,
        sources=tuple(_sources(name, study, written)),
        examples=examples,
    )


def levels_of(summary: Verified) -> list[str]:
    """The levels that were asked for, in their order: records are stored with sorted keys."""
    order = (*LEVELS, "mutants", "contracts")
    return sorted(summary.levels, key=lambda level: order.index(level) if level in order else len(order))


def undecided_in(folder: Path) -> int:
    """How many items' contracts were looked at and neither confirmed nor refuted. Raises StoreError if the artifact is
    damaged."""
    path = folder / "items.parquet"
    try:
        with pq.ParquetFile(path) as file:
            batches = file.iter_batches(columns=["contracts"], use_threads=False)
            return sum(_is_undecided(state) for batch in batches for state in batch["contracts"].to_pylist())
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def _is_undecided(contracts: str) -> bool:
    return contracts.startswith("not decided")


class _Tallies:
    """Counts over all items."""

    def __init__(self) -> None:
        self.problems, self.by_area = Counter[str](), dict[str, Counter[int]]()
        self.families: dict[str, set[str]] = {}
        self.contracts, self.licences, self.teachers = Counter[str](), Counter[str](), Counter[str]()
        self.accepted = self.undecided = 0

    def add(self, row: Mapping[str, Any], accepted: bool) -> None:
        area = row["area"]
        self.problems[area] += 1
        self.licences[row["licence"] or "unknown"] += 1
        self.undecided += _is_undecided(row["contracts"])
        if accepted:
            self.accepted += 1
            self.by_area.setdefault(area, Counter())[row["difficulty"]] += 1
            self.families.setdefault(area, set()).add(row["family"])
            self.contracts[row["contracts"].partition(":")[0] or "none stated"] += 1
            self.teachers[row["teacher"]] += 1

    def areas(self) -> tuple[AreaEntry, ...]:
        return tuple(
            AreaEntry(
                area=area,
                problems=self.problems[area],
                accepted=self.by_area.get(area, Counter()).total(),
                families=len(self.families.get(area, set()) - {""}),
                by_difficulty={str(k): n for k, n in sorted(self.by_area.get(area, Counter()).items())},
            )
            for area in sorted(self.problems)
        )


def _tallies(file: pq.ParquetFile) -> _Tallies:
    found = _Tallies()
    for batch in file.iter_batches(columns=[*_COUNTED, "accepted"], use_threads=False):
        for row, accepted in zip(batch.select(_COUNTED).to_pylist(), _filled(batch["accepted"]), strict=True):
            found.add(row, accepted)
    return found


def _filled(column: pa.Array) -> list[bool]:
    return [bool(size) for size in pc.binary_length(column).to_pylist()]


def _examples(file: pq.ParquetFile) -> tuple[ItemEntry, ...]:
    """Items whole, those with the smallest hashes: first accepted ones, then refused ones with a solution."""
    accepted: list[tuple[str, int]] = []
    refused: list[tuple[str, int]] = []
    place = 0
    for batch in file.iter_batches(columns=["problem", "tree", "accepted", "first"], use_threads=False):
        names = zip(batch["problem"].to_pylist(), batch["tree"].to_pylist(), strict=True)
        given = zip(_filled(batch["accepted"]), _filled(batch["first"]), strict=True)
        for (problem, tree), (is_accepted, has_first) in zip(names, given, strict=True):
            if is_accepted:
                accepted.append((tree, place))
            elif has_first:
                refused.append((blake3(problem.encode()).hexdigest(), place))
            place += 1
    chosen = [at for _, at in sorted(accepted)[:SHOWN]] + [at for _, at in sorted(refused)[:REFUSED_SHOWN]]
    return tuple(_item(row) for row in _rows(file, chosen))


def _rows(file: pq.ParquetFile, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    start = 0
    for index in range(file.num_row_groups):
        count = file.metadata.row_group(index).num_rows
        here = [place - start for place in places if start <= place < start + count]
        if here:
            table = file.read_row_group(index, columns=list(_ITEM.values()), use_threads=False).take(here)
            found |= {start + place: row for place, row in zip(here, table.to_pylist(), strict=True)}
        start += count
    for place in places:
        yield found[place]


def _item(row: Mapping[str, Any]) -> ItemEntry:
    given = {name: row[column] for name, column in _ITEM.items()}
    cut = {name: _cut(given[name]) for name in ("statement", "accepted", "corrupted", "first")}
    cost = given["cost"]
    rest = {"tests": tuple(given["tests"] or ()), "cost": None if cost is None or math.isnan(cost) else cost}
    return ItemEntry(**(given | cut | rest | {"first": "" if given["accepted"] else cut["first"]}))


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…"


def _sources(name: str, study: Mapping[str, Any], written: Mapping[str, Transformed | None]) -> Iterator[WrittenEntry]:
    for source, declared in study["sources"].items():
        if "synthetic" not in declared["from"][0]:
            continue
        origin = SyntheticItems.model_validate(declared["from"][0])
        if origin.synthetic != name:
            continue
        made = written.get(source)
        yield WrittenEntry(
            source=source,
            items=origin.items,
            format=origin.format,
            language=origin.language,
            share=origin.share,
            documents=made.changed + made.unchanged if made else 0,
            left_out=made.left_out if made else {},
        )
