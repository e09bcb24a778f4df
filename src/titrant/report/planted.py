"""Planted facts: copies in the source beside how often a model was expected to see them.

A rung of the probe is a number of copies in the source. A run that draws a tenth of the source sees a fact of ten
copies once, one that draws it four times sees it forty times: arms with different mixtures stand at different doses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from titrant.report.cells import Column, Table, cell
from titrant.report.document import LedgerEntry
from titrant.report.material import Material
from titrant.report.numbers import count, plain

NOTE = (
    "Facts planted for the probe, by their copies in the source. That is not how often a model saw them: expected "
    "sightings are the copies times the epochs of the source's training part at the end of a run."
)


def planted_table(material: Material, rows: Sequence[LedgerEntry], scale: str) -> Table:
    """Expected sightings of one fact by source and copies, one column an arm; without rows if nothing is planted."""
    arms = [arm for arm in material.arms if material.runs_of(arm, scale)]
    columns = (
        Column("source"),
        Column("copies in the source", numeric=True, note="how often each fact is written there: a rung of the probe"),
        Column("facts", numeric=True),
        *(Column(f"sightings by {arm}", numeric=True, note="expected, of one fact, in one run") for arm in arms),
    )
    written = []
    for source, declared in material.study["sources"].items():
        planted = declared.get("plant")
        for copies in planted["copies"] if planted else ():
            sources = [name for name in material.study["sources"] if root_of(name, material.study) == source]
            sightings = [[copies * epochs for epochs in epochs_of(rows, sources, arm, scale)] for arm in arms]
            figures = (cell(_sightings(values), sort=max(values)) for values in sightings)
            first = (cell(source), cell(count(copies), sort=copies), cell(count(planted["facts_per_rung"])))
            written.append((*first, *figures))
    return Table(columns, tuple(written), caption=f"Planted facts at {scale} scale")


def root_of(name: str, study: Mapping[str, Any]) -> str:
    """The source, or the synthesis, whose documents a source of a resolved study holds in the end: itself, if it has
    some of its own."""
    origin = study["sources"][name]["from"][0]
    if "synthetic" in origin:
        return str(origin["synthetic"])
    return root_of(str(origin["source"]), study) if "source" in origin else name


def epochs_of(rows: Sequence[LedgerEntry], sources: Collection[str], arm: str, scale: str) -> list[float]:
    """How often each run of an arm went through the training parts of sources of the same documents, all phases and
    sources together; 0 where it drew nothing of them."""
    last: dict[str, dict[str, float]] = {}
    for row in rows:
        if (row.arm, row.scale) == (arm, scale):
            run = last.setdefault(row.run, {})
            if row.source in sources and row.partition == "train":
                run[row.source] = max(row.epochs, run.get(row.source, 0.0))
    return [sum(run.values()) for run in last.values()]


def _sightings(values: Sequence[float]) -> str:
    """One number where all runs agree, else the range."""
    low, high = plain(min(values), 2), plain(max(values), 2)
    return low if low == high else f"{low} to {high}"
