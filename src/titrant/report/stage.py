"""The report stage: from stored artifacts to report.html, report.md, report.json, forest.svg and forest.png."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from titrant.artifacts import Page
from titrant.errors import EngineError
from titrant.jobs import Progress, ReportJob
from titrant.report.document import Report
from titrant.report.headline import compose_headline, limits, tally
from titrant.report.layout import blocks_of
from titrant.report.ledger import exposure_entries, kind_share, ledger_rows
from titrant.report.markdown import compose_markdown
from titrant.report.material import Material, gather
from titrant.report.outcomes import comparisons, in_order
from titrant.report.overlap import overlap_entries
from titrant.report.page import Story, compose_page
from titrant.report.poster import forest_svg
from titrant.report.provenance import input_entries, run_entries, source_entries

PNG_SCALE = 2
"""Pixels of forest.png a pixel of forest.svg."""


def write_report(job: ReportJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress) -> Page:
    """Write the report's five files into `out`. Their bytes depend on the inputs alone (and, for `forest.png`, on the
    version of vl-convert).

    Raises StoreError if an input of any claim is absent or contradicts another, EngineError without vl-convert.
    """
    progress(0, 5, "files")
    story = tell(gather(job, inputs))
    svg = forest_svg(story.groups, story.blocks, story.report.question)
    contents = {
        "report.json": _json(story.report).encode(),
        "report.md": compose_markdown(story).encode(),
        "report.html": compose_page(story).encode(),
        "forest.svg": svg.encode(),
        "forest.png": _png(svg),
    }
    for done, (name, content) in enumerate(contents.items(), start=1):
        (out / name).write_bytes(content)
        progress(done, 5, "files", name)
    return Page(headline=story.report.headline)


def tell(material: Material) -> Story:
    """Everything that page and Markdown print, composed once."""
    declared = material.declared_outcomes
    outcomes = in_order(material.findings, declared)
    groups = comparisons(material.findings, outcomes)
    ledger = ledger_rows(material)
    runs = run_entries(material)
    alpha = float(material.study["statistics"]["alpha"])
    kinds = {name: _kind(source) for name, source in material.study["sources"].items()}
    shares = {arm: kind_share((row for row in ledger if row.arm == arm), kinds, "code") for arm in material.arms}
    sizes = {run.scale: (run.parameters, run.phases[-1].total_tokens) for run in runs}
    report = Report(
        format=1,
        study=material.study,
        question=str(material.study["question"]),
        headline=compose_headline(groups, material.scales, shares, alpha),
        findings=material.findings,
        outcomes=material.outcomes,
        scores=material.scores,
        ledger=ledger,
        runs=runs,
        sources=source_entries(material),
        overlaps=overlap_entries(material.overlaps),
        exposures=exposure_entries(material),
        rule=material.rule,
        companions=material.companions,
        win_rate=material.win_rate,
        judged=material.judged,
        programs=material.programs,
        synthesis=material.synthesis,
        learning_rate_probe=material.rate_probe,
        inputs=input_entries(material),
    )
    return Story(
        material=material,
        report=report,
        groups=groups,
        blocks=blocks_of(groups, outcomes),
        outcomes=tuple(dict.fromkeys((*outcomes, *declared))),
        code_shares=shares,
        tally=tally(groups),
        limits=limits(groups, sizes),
        alpha=alpha,
    )


def _json(report: Report) -> str:
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _png(svg: str) -> bytes:
    try:
        import vl_convert
    except ImportError:
        raise EngineError("forest.png needs vl-convert, which is not installed: pip install titrant[report]") from None
    drawn: bytes = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return drawn


def _kind(source: Mapping[str, Any]) -> str:
    """The kind of a source of a resolved study; programs of a synthesis are code."""
    is_program = "synthetic" in source["from"][0] and source["from"][0]["items"] not in ("statement", "text")
    return "code" if is_program else str(source["kind"])
