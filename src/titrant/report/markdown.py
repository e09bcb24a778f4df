"""report.md: the same story for places where a page cannot go."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report import companions, judged, overlap, programs, provenance, signal, tables
from titrant.report.cells import Table, to_markdown
from titrant.report.data import data_markdown
from titrant.report.ledger import same_documents
from titrant.report.markup import markdown_text
from titrant.report.page import Story
from titrant.report.planted import NOTE, planted_table
from titrant.report.rate_probe import probe_markdown
from titrant.report.synthesis import synthesis_markdown


def compose_markdown(story: Story) -> str:
    """The whole report as Markdown: headline, findings, scores, ledger, provenance, how to build it again."""
    parts = [
        f"# {markdown_text(story.report.study['study'])}",
        f"*{markdown_text(story.report.question)}*",
        f"**{markdown_text(story.report.headline)}**",
        markdown_text(story.tally) + ".",
        f"What this cannot tell: {markdown_text(story.limits)}",
        "![Forest plot of all findings](forest.svg)",
        "## Findings",
    ]
    for group in story.groups:
        parts.append(f"### {markdown_text(f'{group.arm} against {group.control} at {group.scale} scale')}")
        if group.flags:
            parts.append("Flags: " + markdown_text("; ".join(group.flags)))
        parts.append("Runs: " + markdown_text(", ".join(tables.runs_behind(group))))
        parts.append(to_markdown(tables.findings_table(group, story.alpha)))
        if dashes := tables.dash_note(group):
            parts.append(markdown_text(dashes))
        changes = tables.differences_table(story.material, group)
        parts += ["The arms differ in:", to_markdown(changes)] if changes.rows else []
    if story.report.learning_rate_probe:
        parts += probe_markdown(story.report.learning_rate_probe, story.alpha)
    parts.append("## Scores")
    parts += [to_markdown(tables.scores_table(story.material, s, story.outcomes)) for s in story.material.scales]
    baselines = [tables.baselines_table(story.material, s, story.outcomes) for s in story.material.scales]
    if any(table.rows for table in baselines):
        parts += ["## Tasks and chance", *(to_markdown(table) for table in baselines if table.rows)]
    parts += _measured(story)
    doses = [planted_table(story.material, story.report.ledger, s) for s in story.material.scales]
    if any(table.rows for table in doses):
        parts += ["### Planted facts", markdown_text(NOTE), *(to_markdown(table) for table in doses)]
    parts += data_markdown(story.report.sources)
    parts += synthesis_markdown(story.report.synthesis) if story.report.synthesis else []
    parts += _overlap(story)
    parts.append("## Ledger")
    if shared := same_documents(story.material.study, story.report.ledger):
        parts.append(markdown_text(shared))
    parts += [to_markdown(tables.ledger_table(story.report.ledger, s)) for s in story.material.scales]
    parts += _provenance(story)
    return "\n\n".join(parts) + "\n"


def _measured(story: Story) -> list[str]:
    """Habits of answering, signal and noise, what stands beside accuracy, code that was run, what judges said."""
    material, report, parts = story.material, story.report, list[str]()
    habits = _written([signal.habits_table(material, scale, story.outcomes) for scale in material.scales])
    parts += [markdown_text(signal.HABITS), *habits] if habits else []
    noise = [signal.signal_table(material, scale, story.outcomes) for scale in material.scales]
    if any(table.rows for table in noise):
        notes = [signal.note_of(material, report.rule), *signal.gap_notes(material.study)]
        notes += [*([cut] if (cut := signal.cut_note(material)) else []), *signal.data_notes(material)]
        parts += ["## Signal and noise", *map(markdown_text, notes), *_written(noise)]
    if report.companions:
        parts += ["## Beside accuracy", markdown_text(companions.note_of(story.alpha))]
        for scale in material.scales:
            parts += _written([companions.ratios_table(material, scale), companions.levels_table(material, scale)])
            parts += _written([companions.differences_table(material, scale, story.alpha)])
    if report.programs:
        ran = [programs.programs_table(report.programs, scale) for scale in material.scales]
        parts += ["## Code that was run", markdown_text(programs.NOTE), *_written(ran)]
    if report.judged:
        parts += ["## Judged", markdown_text(judged.note_of(report.win_rate, story.alpha))]
        parts += _written([judged.rates_table(report.judged, scale, story.alpha) for scale in material.scales])
        parts += [markdown_text(judged.JUDGES_NOTE)]
        parts += _written([judged.judges_table(report.judged, scale) for scale in material.scales])
    return parts


def _written(tables_: Sequence[Table]) -> list[str]:
    return [to_markdown(table) for table in tables_ if table.rows]


def _overlap(story: Story) -> list[str]:
    parts = ["## Items in the data", markdown_text(overlap.note_of(story.material.study, story.material.overlaps))]
    if story.report.overlaps:
        parts.append(to_markdown(overlap.overlap_table(story.report.overlaps)))
    for scale in story.material.scales:
        clean = overlap.clean_table(story.report.findings, scale)
        parts += [f"### {markdown_text(scale)} scale", to_markdown(clean)] if clean.rows else []
        seen = overlap.exposure_table(story.report.exposures, scale)
        parts += [markdown_text(overlap.EXPOSURE_NOTE), to_markdown(seen)] if seen.rows else []
    return parts


def _provenance(story: Story) -> list[str]:
    commands = "\n".join(f"{command}  # {what}" for command, what in provenance.rebuild_commands())
    fence = "````"
    while fence in (study := provenance.study_yaml(story.material)):
        fence += "`"
    return [
        "## Provenance",
        markdown_text(provenance.tokenizer_line(story.material)),
        "### Runs",
        to_markdown(provenance.runs_table(story.report.runs)),
        *(markdown_text(line) for line in provenance.astray_lines(story.report.runs)),
        "### Artifacts",
        to_markdown(provenance.inputs_table(story.report.inputs)),
        "## Build it again",
        f"```sh\n{commands}\n```",
        markdown_text(provenance.cost_note()),
        "The resolved study:",
        f"{fence}yaml\n{study}{fence}",
    ]
