"""Where a report's numbers come from: sources with licences, artifacts with fingerprints, and how to make it again."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from titrant.report import numbers
from titrant.report.cells import Column, Table, cell
from titrant.report.document import InputEntry, PhaseEntry, RunEntry, SourceEntry, TransformedEntry
from titrant.report.markup import anchor
from titrant.report.material import Material

_MOST_STEPS = 10
"""Steps of a kind that a line names; report.json has them all."""


def source_entries(material: Material) -> tuple[SourceEntry, ...]:
    """One entry a source, in the order of the study."""
    entries = []
    for name, facts in material.sources.items():
        shards = facts.tokens.shards
        entries.append(
            SourceEntry(
                source=name,
                kind=material.study["sources"][name]["kind"],
                documents={fate: part.documents for fate, part in facts.parts.items()},
                bytes={fate: part.bytes for fate, part in facts.parts.items()},
                bytes_by_language=facts.documents.bytes_by_language,
                bytes_by_licence=facts.documents.bytes_by_licence,
                left_out=facts.documents.left_out,
                train_tokens=shards["train"].tokens if "train" in shards else 0,
                reserved_tokens=shards["reserved"].tokens if "reserved" in shards else 0,
                held_out_bytes=facts.tokens.held_out.bytes,
                tokens_by_licence=facts.tokens_by_licence,
                examples=facts.examples,
                transformed=TransformedEntry(**facts.transformed.model_dump()) if facts.transformed else None,
            )
        )
    return tuple(entries)


def input_entries(material: Material) -> tuple[InputEntry, ...]:
    """One entry an input of the report, by role."""
    return tuple(
        InputEntry(role=role, kind=record.kind, version=record.version, fingerprint=record.fingerprint)
        for role, record in material.records.items()
    )


def run_entries(material: Material) -> tuple[RunEntry, ...]:
    """One entry a run, in the order of the plan."""
    entries = []
    for run, phases in material.runs.items():
        place, last = phases[-1].place, phases[-1]
        entries.append(
            RunEntry(
                run=run,
                arm=place.run.arm,
                scale=place.run.scale,
                seed=place.run.seed,
                parameters=last.checkpoint.parameters,
                non_embedding_parameters=last.checkpoint.non_embedding_parameters,
                scored_by=last.scores.scored_by,
                scores=last.scores.scores,
                items=last.scores.items,
                phases=tuple(
                    PhaseEntry(
                        index=phase.place.index,
                        phase=phase.place.phase,
                        mixture=phase.place.mixture,
                        job=phase.place.id,
                        steps=phase.checkpoint.steps,
                        tokens=phase.checkpoint.tokens,
                        total_tokens=phase.checkpoint.total_tokens,
                        final_loss=phase.checkpoint.final_loss,
                        spikes=phase.checkpoint.spikes,
                        skipped=phase.checkpoint.skipped,
                        fingerprint=phase.fingerprint,
                    )
                    for phase in phases
                ),
            )
        )
    return tuple(entries)


def inputs_table(inputs: Sequence[InputEntry]) -> Table:
    """Every artifact that went into the report, with its fingerprint."""
    columns = (Column("input"), Column("kind"), Column("version", numeric=True), Column("fingerprint"))
    rows = tuple(
        (
            cell(entry.role),
            cell(entry.kind),
            cell(entry.version),
            cell(entry.fingerprint, markup=f"<code>{entry.fingerprint[:16]}</code>", sort=entry.fingerprint),
        )
        for entry in inputs
    )
    return Table(columns, rows, caption="Inputs of this report")


def runs_table(runs: Sequence[RunEntry]) -> Table:
    """Runs phase by phase: steps, tokens, last loss, fingerprint."""
    columns = (
        Column("run"),
        Column("phase"),
        Column("mixture"),
        Column("steps", numeric=True),
        Column("tokens", numeric=True),
        Column("tokens so far", numeric=True),
        Column("final loss, nats a token", numeric=True),
        Column("checkpoint"),
    )
    rows, ids = [], []
    for run in runs:
        for phase in run.phases:
            ids.append(anchor("run", run.run) if phase.index == 0 else anchor("run", run.run, phase.index))
            rows.append(
                (
                    cell(run.run),
                    cell(phase.phase, sort=phase.index),
                    cell(phase.mixture),
                    cell(numbers.count(phase.steps), sort=phase.steps),
                    cell(numbers.count(phase.tokens), sort=phase.tokens),
                    cell(numbers.count(phase.total_tokens), sort=phase.total_tokens),
                    cell(numbers.plain(phase.final_loss, 3), sort=phase.final_loss),
                    cell(phase.fingerprint[:16], markup=f"<code>{phase.fingerprint[:16]}</code>"),
                )
            )
    return Table(columns, tuple(rows), caption="Runs", row_ids=tuple(ids))


def astray_lines(runs: Sequence[RunEntry]) -> tuple[str, ...]:
    """A sentence for every phase whose loss spiked or of which updates were skipped; shared phases once."""
    lines: dict[str, str] = {}
    for run in runs:
        for phase in run.phases:
            parts = [f"the loss spiked at {_steps(phase.spikes)}"] if phase.spikes else []
            parts += [f"the update was skipped at {_steps(phase.skipped)}"] if phase.skipped else []
            if parts:
                line = f"{run.run}, phase {phase.phase} of {numbers.count(phase.steps)} steps: {'; '.join(parts)}."
                lines.setdefault(phase.job, line)
    return tuple(lines.values())


def _steps(steps: Sequence[int]) -> str:
    more = len(steps) - _MOST_STEPS
    shown = ", ".join(str(step) for step in steps[:_MOST_STEPS])
    return f"step{'s' * (len(steps) > 1)} {shown}{f' and {more} more' if more > 0 else ''}"


def study_yaml(material: Material) -> str:
    """The resolved study as YAML: sweeps written out, every default filled in."""
    return yaml.safe_dump(material.study, sort_keys=False, allow_unicode=True, width=100)


def cost_note() -> str:
    """Where time and money stand, which are no part of the report: its bytes depend on results alone."""
    return (
        "What the study was predicted to take and what it took stands beside this page, in cost.html, cost.md and "
        "cost.json. It is no part of this page, whose bytes depend on results alone."
    )


def rebuild_commands() -> tuple[tuple[str, str], ...]:
    """Commands and what each does. The study's file is the only thing that is needed beside the sources."""
    return (
        ("titrant plan study.yaml", "shows every job with its fingerprint before anything runs"),
        ("titrant run study.yaml", "makes what is missing; finished jobs are found by fingerprint and not repeated"),
        ("titrant report study.yaml", "builds this page again from the stored artifacts, byte for byte"),
    )


def tokens_trained(material: Material) -> tuple[int, int]:
    """(Tokens trained on, tokens that runs would have needed without shared phases)."""
    jobs = {phase.place.id: phase.checkpoint.tokens for phases in material.runs.values() for phase in phases}
    unshared = sum(phase.checkpoint.tokens for phases in material.runs.values() for phase in phases)
    return sum(jobs.values()), unshared


def tokenizer_line(material: Material) -> str:
    """One sentence on the tokenizer that all sources were encoded with."""
    tokenizer = material.tokenizer
    entries = numbers.count(tokenizer.vocabulary)
    return f"All sources were encoded with one tokenizer of {entries} entries (BLAKE3 {tokenizer.content[:16]})."
