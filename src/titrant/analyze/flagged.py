"""Items that stand in what was trained on, and every outcome without them.

An item is flagged at a scale if a document of a part of a source that any run of the scale drew from holds it. One set
for all arms: a contrast must be over the same items in both, and a table over the same in every row. That a run went
through all of the part is not asked; the report says how much of it each arm has seen.

The main estimate is over all items. Beside it stands the same estimate over those that are not flagged, with tests for
signal, correction and verdict made anew; where the two verdicts differ, both findings' line says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from titrant.analyze.judge import Clean, Detail, Finding
from titrant.analyze.paired import Panel, asked_of
from titrant.errors import StoreError

FLAGGED = "training data hold items"
CHANGED = "another verdict without the items that training data hold"
NONE_LEFT = "too few items that training data do not hold"
NO_MEAN = "no such mean without the items that training data hold"
FEWEST_ITEMS = 2
_OVERLAP, _SPLIT = "overlap/", "split/"

Part = tuple[str, str]
"""A source and one of its parts (`train`, `reserved`)."""


@dataclass(frozen=True)
class Flagged:
    """What was found in the data of one scale."""

    items: Mapping[str, frozenset[str]]
    """By outcome; outcomes without any are not there."""
    choices: Mapping[tuple[str, str], tuple[int, int]]
    """Of every outcome and item that was looked for, how many choices it has, and how many of them are right."""

    def chance(self, panel: Panel) -> float:
        """The accuracy of guessing on a panel's items; 0 where they have no choices."""
        choices = [self.choices[asked_of(panel.outcome), item] for item in panel.items]
        return float(np.mean([right / number if number > 1 else 0.0 for number, right in choices]))


def read_flagged(inputs: Mapping[str, Path], drawn: Iterable[Part]) -> Flagged:
    """The items that documents of the drawn parts hold. Without `overlap/SOURCE` among the inputs there are none.

    Raises StoreError if a table is damaged, or if a split does not fit the overlap that it stands beside.
    """
    found: dict[str, set[str]] = {}
    for source, part in sorted(drawn):
        if _OVERLAP + source not in inputs:
            continue
        overlap = _read(inputs[_OVERLAP + source] / "overlap.parquet", ["row", "outcome", "item"])
        fates = np.array(_read(inputs[_SPLIT + source] / "split.parquet", ["fate"])["fate"], dtype=object)
        rows = np.array(overlap["row"], dtype=np.int64)
        if len(rows) and rows.max() >= len(fates):
            raise StoreError(
                f"the overlap of source '{source}' names document {rows.max()}, its split has {len(fates)}; delete "
                f"{inputs[_OVERLAP + source]} and run again"
            )
        for index in np.flatnonzero(fates[rows] == part):
            found.setdefault(overlap["outcome"][index], set()).add(overlap["item"][index])
    choices = {}
    if found:
        choices = _choices(inputs["items"] / "items.parquet")
    return Flagged({outcome: frozenset(items) for outcome, items in found.items()}, choices)


def _choices(path: Path) -> dict[tuple[str, str], tuple[int, int]]:
    columns = ["outcome", "item", "choices"]
    # items that were written before tasks of the harness were asked are all of files, where one choice is right
    known = "right" in _columns(path)
    items = _read(path, [*columns, "right"] if known else columns)
    right = items["right"] if known else [int(number > 0) for number in items["choices"]]
    names = zip(items["outcome"], items["item"], strict=True)
    return dict(zip(names, zip(items["choices"], right, strict=True), strict=True))


def _columns(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        return []  # that it cannot be read is told where it is read


def _read(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    try:
        table: dict[str, list[Any]] = pq.read_table(path, columns=columns, use_threads=False).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    return table


def without(panel: Panel, flagged: Flagged) -> Panel | None:
    """The panel on the items that are not flagged; None if too few are left. Raises StoreError for an item of which
    the items that were looked for know nothing."""
    outcome = asked_of(panel.outcome)
    held = flagged.items.get(outcome, frozenset())
    if unknown := sorted(held - set(panel.items)) or [i for i in panel.items if (outcome, i) not in flagged.choices]:
        raise StoreError(
            f"outcome '{outcome}': item '{unknown[0]}' was scored and not looked for, or the other way round; "
            "the sources were searched for another version of its file: run again"
        )
    keep = np.array([item not in held for item in panel.items])
    if keep.sum() < FEWEST_ITEMS:
        return None
    return replace(
        panel,
        items=tuple(item for item in panel.items if item not in held),
        value=panel.value[:, :, keep],
        predicted=panel.predicted[:, :, keep],
        answer=panel.answer[keep],
        weight=panel.weight[keep],
        beside={name: column[:, :, keep] for name, column in panel.beside.items()},
    )


def beside(
    findings: Sequence[tuple[Finding, Detail]],
    clean: Sequence[tuple[Finding, Detail]],
    counts: Mapping[str, tuple[int, int]],
) -> list[tuple[Finding, Detail]]:
    """Every finding with what it is over the items that are not flagged, and with its flags.

    `counts`: by outcome that has flagged items, how many are flagged and how many are left.
    """
    others = {(finding.contrast, finding.outcome): finding for finding, _ in clean}
    written = []
    for finding, detail in findings:
        if finding.outcome in counts:
            flagged, left = counts[finding.outcome]
            other = others.get((finding.contrast, finding.outcome))
            lacks = NONE_LEFT if left < FEWEST_ITEMS else NO_MEAN if other is None else ""
            finding = _with(finding, None if lacks else other, flagged, left, lacks)
        written.append((finding, detail))
    return written


def _with(finding: Finding, other: Finding | None, flagged: int, left: int, lacks: str) -> Finding:
    if other is None:
        return replace(finding, flags=(*finding.flags, FLAGGED, lacks))
    changed = (CHANGED,) if other.verdict != finding.verdict else ()
    clean = Clean(
        items=left,
        flagged_items=flagged,
        arm_mean=other.arm_mean,
        control_mean=other.control_mean,
        difference=other.difference,
        interval=other.interval,
        p_adjusted=other.p_adjusted,
        verdict=other.verdict,
    )
    return replace(finding, flags=(*finding.flags, FLAGGED, *changed), clean=clean)
