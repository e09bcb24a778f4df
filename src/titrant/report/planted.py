"""Planted facts: copies in the source beside how often a model was expected to see them.

A rung of the probe is a number of copies in the source. A run that draws a tenth of the source sees a fact of ten
copies once, one that draws it four times sees it forty times: arms with different mixtures stand at different doses.
"""

from __future__ import annotations

from collections.abc import Sequence

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
            sightings = [[copies * epochs for epochs in epochs_of(rows, source, arm, scale)] for arm in arms]
            figures = (cell(_sightings(values), sort=max(values)) for values in sightings)
            first = (cell(source), cell(count(copies), sort=copies), cell(count(planted["facts_per_rung"])))
            written.append((*first, *figures))
    return Table(columns, tuple(written), caption=f"Planted facts at {scale} scale")


def epochs_of(rows: Sequence[LedgerEntry], source: str, arm: str, scale: str) -> list[float]:
    """How often each run of an arm went through the training part of a source, phases together; 0 where it drew
    nothing of it."""
    last: dict[str, float] = {}
    for row in rows:
        if (row.arm, row.scale) == (arm, scale):
            drawn = row.epochs if (row.source, row.partition) == (source, "train") else 0.0
            last[row.run] = max(drawn, last.get(row.run, 0.0))
    return list(last.values())


def _sightings(values: Sequence[float]) -> str:
    """One number where all runs agree, else the range."""
    low, high = plain(min(values), 2), plain(max(values), 2)
    return low if low == high else f"{low} to {high}"
