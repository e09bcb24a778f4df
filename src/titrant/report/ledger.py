"""The ledger of a report: one row a run, phase and source, what was planned beside what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from titrant.artifacts import LedgerRow
from titrant.errors import StoreError
from titrant.report.document import ExposureEntry, LedgerEntry
from titrant.report.material import Material, TrainedPhase
from titrant.report.overlap import exposures_of
from titrant.report.planted import root_of

Key = tuple[str, str, int, str, str]
"""Arm, scale, index of the phase, source, partition."""


NOTE = "Tokens that the plan gave to each source, beside the tokens counted from the batches that were trained on."


def same_documents(study: Mapping[str, Any], rows: Iterable[LedgerEntry]) -> str:
    """Which arms drew from several sources of the same documents, in a sentence; empty if none did."""
    drawn: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if row.realised_tokens:
            drawn.setdefault((row.arm, root_of(row.source, study)), {})[row.source] = None
    several = [f"{arm} ({', '.join(names)})" for (arm, _), names in drawn.items() if len(names) > 1]
    if not several:
        return ""
    return (
        f"Some arms drew from several sources that are made of the same documents: {'; '.join(several)}. Epochs, and "
        "what `fresh` means, count each source for itself: such an arm met a document once for each of them."
    )


def ledger_rows(material: Material) -> tuple[LedgerEntry, ...]:
    """Rows by run (in the order of the study), phase and source. Raises StoreError where plan and draw do not meet."""
    planned = {
        (row["arm"], row["scale"], row["index"], row["source"], row["partition"]): row for row in material.planned
    }
    rows: list[LedgerEntry] = []
    for phases in material.runs.values():
        for phase in phases:
            rows += _phase_rows(phase, planned)
    return tuple(rows)


def _phase_rows(phase: TrainedPhase, planned: dict[Key, dict[str, Any]]) -> Iterable[LedgerEntry]:
    place, run = phase.place, phase.place.run
    due = [key for key in planned if key[:3] == (run.arm, run.scale, place.index)]
    drawn = {(run.arm, run.scale, place.index, row.source, row.partition): row for row in phase.checkpoint.ledger}
    where = f"phase '{place.phase}' of run '{run.id}'"
    for key in [*due, *(key for key in drawn if key not in due)]:
        if key not in drawn or key not in planned:
            lacks = "drew nothing planned" if key not in drawn else "drew what was never planned"
            raise StoreError(f"{where} {lacks} from source '{key[3]}' ({key[4]}): plan and training do not agree")
        yield _entry(phase, planned[key], drawn[key])


def _entry(phase: TrainedPhase, planned: dict[str, Any], drawn: LedgerRow) -> LedgerEntry:
    place = phase.place
    return LedgerEntry(
        run=place.run.id,
        arm=place.run.arm,
        scale=place.run.scale,
        seed=place.run.seed,
        index=place.index,
        phase=place.phase,
        mixture=place.mixture,
        source=drawn.source,
        partition=drawn.partition,
        weight=planned["weight"],
        planned_tokens=planned["tokens"],
        realised_tokens=drawn.tokens,
        planned_unique_tokens=planned["unique_tokens"],
        unique_tokens=drawn.unique_tokens,
        epochs=drawn.epochs,
    )


def exposure_entries(material: Material) -> tuple[ExposureEntry, ...]:
    """What every phase of every run saw of items that its sources hold, in the order of the ledger."""
    entries: list[ExposureEntry] = []
    for phases in material.runs.values():
        for phase in phases:
            place, run = phase.place, phase.place.run
            named = {"run": run.id, "arm": run.arm, "scale": run.scale, "seed": run.seed}
            for drawn in phase.checkpoint.ledger:
                if drawn.source in material.overlaps:
                    facts = material.overlaps[drawn.source]
                    entries += exposures_of(facts, drawn, {**named, "index": place.index, "phase": place.phase})
    return tuple(entries)


def kind_share(rows: Iterable[LedgerEntry], kinds: dict[str, str], kind: str) -> float:
    """Share of the realised tokens that came from sources of one kind, over all rows given."""
    of_kind = total = 0
    for row in rows:
        total += row.realised_tokens
        of_kind += row.realised_tokens if kinds[row.source] == kind else 0
    return of_kind / total if total else 0.0
