"""Everything that a report is made from, read once from the input folders and checked for agreement.

A report refuses what contradicts itself: findings drawn from other scores than those given, a realised draw without a
planned one, a verdict against the sign of its difference, a run that a finding names and that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from titrant.artifacts import (
    Artifact,
    Checkpoint,
    Documents,
    FindingsFile,
    PartSize,
    PlannedLedger,
    Record,
    Scores,
    Split,
    TokenizerFile,
    TokenShards,
    Transformed,
    read_record,
)
from titrant.errors import StoreError
from titrant.jobs import ReportJob, ReportPhase
from titrant.report.data import read_examples
from titrant.report.document import ExampleEntry, Finding, RateProbe, ScoreEntry
from titrant.report.outcome_entries import CompanionEntry, JudgedEntry, OutcomeEntry, ProgramsEntry
from titrant.report.overlap import OverlapFacts, read_overlap
from titrant.report.synthesis_entries import SynthesisEntry
from titrant.report.synthesis_facts import read_synthesis
from titrant.study.study import Study
from titrant.tokens.encoded import encoded_parts, with_encoded


@dataclass(frozen=True)
class Curves:
    """What was measured along one phase, as columns of equal length."""

    tokens: list[int]
    """Tokens that the run had seen."""
    loss: list[float]
    """Nats a token."""
    learning_rate: list[float]
    checks: dict[str, tuple[list[int], list[float]]]
    """By outcome: tokens that the run had seen, and bits per byte."""


@dataclass(frozen=True)
class TrainedPhase:
    """One phase of one run with what its jobs made."""

    place: ReportPhase
    checkpoint: Checkpoint
    scores: Scores
    fingerprint: str
    """Of the checkpoint."""


@dataclass(frozen=True)
class SourceFacts:
    """One source as it was split and encoded."""

    name: str
    split: Split
    tokens: TokenShards
    documents: Documents
    tokens_by_licence: dict[str, int]
    examples: dict[str, tuple[ExampleEntry, ...]]
    """By fate."""
    transformed: Transformed | None
    """What transforms made of its documents; None if it has none."""
    parts: dict[str, PartSize]
    """Documents and bytes by fate, once they are changed."""


class Detail(BaseModel):
    """What a report reads of how a finding came about."""

    model_config = ConfigDict(frozen=True)

    contrast: str
    scale: str
    outcome: str
    by_seed: tuple[float, ...]
    """The difference by seed."""
    standard_error: float | None
    interval_adjusted: tuple[float, float] | None
    """The interval corrected for all findings of the scale."""


class Found(BaseModel):
    """What a report reads of findings.json."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...]
    outcomes: dict[str, dict[str, OutcomeEntry]]
    scores: dict[str, dict[str, ScoreEntry]]
    details: tuple[Detail, ...] = ()
    rule: str = ""
    companions: tuple[CompanionEntry, ...] = ()
    win_rate: str = ""
    judged: tuple[JudgedEntry, ...] = ()
    programs: tuple[ProgramsEntry, ...] = ()
    learning_rate_probe: RateProbe | None = None


@dataclass(frozen=True)
class Material:
    """All inputs of a report."""

    study: dict[str, Any]
    findings: tuple[Finding, ...]
    outcomes: dict[str, dict[str, OutcomeEntry]]
    """By scale and outcome."""
    scores: dict[str, dict[str, ScoreEntry]]
    """By run and outcome."""
    details: dict[tuple[str, str, str], Detail]
    """By contrast, scale and outcome; findings without details are not there."""
    runs: dict[str, tuple[TrainedPhase, ...]]
    """By run id, its phases in order."""
    curves: dict[str, Curves]
    """By id of a phase's jobs; shared trunks once."""
    sources: dict[str, SourceFacts]
    overlaps: dict[str, OverlapFacts]
    """By source; empty if sources are not searched for items."""
    tokenizer: TokenizerFile
    planned: tuple[dict[str, Any], ...]
    """Rows of the planned ledger."""
    records: dict[str, Record]
    """By role, in the order of the roles' names."""
    rate_probe: RateProbe | None = None
    """None if the study has none."""
    rule: str = ""
    """By which tasks enter means, in words."""
    companions: tuple[CompanionEntry, ...] = ()
    win_rate: str = ""
    """How it is defined, in words."""
    judged: tuple[JudgedEntry, ...] = ()
    programs: tuple[ProgramsEntry, ...] = ()
    synthesis: tuple[SynthesisEntry, ...] = ()

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms that were run, in the order of the runs."""
        return tuple(dict.fromkeys(phases[0].place.run.arm for phases in self.runs.values()))

    @property
    def scales(self) -> tuple[str, ...]:
        """Scales that were run, smallest first (the order of the runs)."""
        return tuple(dict.fromkeys(phases[0].place.run.scale for phases in self.runs.values()))

    @property
    def declared_outcomes(self) -> tuple[str, ...]:
        """Outcomes in the order of the study, as the job that drew the findings was told."""
        declared = self.records["findings"].declaration.get("outcomes")
        return tuple(str(outcome) for outcome in declared) if isinstance(declared, list) else ()

    def runs_of(self, arm: str, scale: str) -> list[tuple[TrainedPhase, ...]]:
        """The runs of one arm at one scale, by seed."""
        found = [p for p in self.runs.values() if (p[0].place.run.arm, p[0].place.run.scale) == (arm, scale)]
        return sorted(found, key=lambda phases: phases[0].place.run.seed)


def gather(job: ReportJob, inputs: Mapping[str, Path]) -> Material:
    """Read all inputs. Raises StoreError if one is absent, damaged, or contradicts another."""
    records = {role: read_record(folder) for role, folder in sorted(inputs.items())}
    found = _findings(inputs)
    runs = _runs(job, inputs, records)
    material = Material(
        study=in_order(job.study),
        findings=found.findings,
        outcomes=found.outcomes,
        scores=found.scores,
        details={(detail.contrast, detail.scale, detail.outcome): detail for detail in found.details},
        runs=runs,
        curves={
            phase.place.id: read_curves(
                _folder(inputs, f"train/{phase.place.id}"), _folder(inputs, f"evaluate/{phase.place.id}")
            )
            for phases in runs.values()
            for phase in phases
        },
        sources=_sources(in_order(job.study), inputs),
        overlaps={
            name: read_overlap(
                inputs[f"overlap/{name}"], *(_folder(inputs, f"{k}/{name}") for k in ("split", "tokens"))
            )
            for name in in_order(job.study)["sources"]
            if f"overlap/{name}" in inputs
        },
        tokenizer=_summary(TokenizerFile, inputs, "tokenizer"),
        planned=_planned(inputs),
        records=records,
        rate_probe=found.learning_rate_probe,
        rule=found.rule,
        companions=found.companions,
        win_rate=found.win_rate,
        judged=found.judged,
        programs=found.programs,
        synthesis=_synthesis(in_order(job.study), inputs),
    )
    _refuse_contradictions(material)
    return material


def in_order(study: dict[str, Any]) -> dict[str, Any]:
    """The study with its own keys as declared and all keys below sorted: equal studies are printed alike, however the
    dictionaries that hold them came to be ordered."""
    known = [key for key in Study.model_fields if key in study]
    return {key: _sorted(study[key]) for key in [*known, *sorted(set(study) - set(known))]}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_sorted(entry) for entry in value]
    return value


def _folder(inputs: Mapping[str, Path], role: str) -> Path:
    if role not in inputs:
        raise StoreError(f"the report needs '{role}', which it was not given; run the study again to make it")
    return inputs[role]


_A = TypeVar("_A", bound=Artifact)


def _summary(kind: type[_A], inputs: Mapping[str, Path], role: str) -> _A:
    return kind.read(_folder(inputs, role))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None


def _read_table(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    try:
        table: dict[str, list[Any]] = pq.read_table(path, columns=columns).to_pydict()
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete its folder and run again") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise StoreError(f"{path} lacks the column '{missing[0]}'; delete its folder and run again")
    return table


def _findings(inputs: Mapping[str, Path]) -> Found:
    folder = _folder(inputs, "findings")
    FindingsFile.read(folder)
    content = _read_json(folder / "findings.json")
    try:
        return Found.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"{folder / 'findings.json'} does not hold findings: {where}: {first['msg']}; "
            "delete its folder and run again"
        ) from None


def _runs(
    job: ReportJob, inputs: Mapping[str, Path], records: Mapping[str, Record]
) -> dict[str, tuple[TrainedPhase, ...]]:
    chains: dict[str, list[TrainedPhase]] = {}
    for place in job.phases:
        role = f"train/{place.id}"
        checkpoint = _summary(Checkpoint, inputs, role)
        scores = _summary(Scores, inputs, f"evaluate/{place.id}")
        trained = TrainedPhase(place, checkpoint, scores, records[role].fingerprint)
        chains.setdefault(place.run.id, []).append(trained)
    for run, phases in chains.items():
        phases.sort(key=lambda phase: phase.place.index)
        if [phase.place.index for phase in phases] != list(range(len(phases))):
            raise StoreError(f"the report was not given every phase of run '{run}'")
    return {run: tuple(phases) for run, phases in chains.items()}


def read_curves(train: Path, evaluate: Path) -> Curves:
    """The curves of one phase; a check's step is looked up in the training curve to learn its tokens."""
    curve = _read_table(train / "curve.parquet", ["step", "tokens", "loss", "learning_rate"])
    checks = _read_table(evaluate / "checks.parquet", ["step", "outcome", "value"])
    tokens_at = dict(zip(curve["step"], curve["tokens"], strict=True))
    by_outcome: dict[str, tuple[list[int], list[float]]] = {}
    for step, outcome, value in sorted(zip(checks["step"], checks["outcome"], checks["value"], strict=True)):
        if step not in tokens_at:
            raise StoreError(f"{evaluate / 'checks.parquet'} has a check at step {step}, which was never trained")
        tokens, values = by_outcome.setdefault(outcome, ([], []))
        tokens.append(tokens_at[step])
        values.append(value)
    return Curves(curve["tokens"], curve["loss"], curve["learning_rate"], by_outcome)


def _sources(study: dict[str, Any], inputs: Mapping[str, Path]) -> dict[str, SourceFacts]:
    names = [role.partition("/")[2] for role in sorted(inputs) if role.startswith("tokens/")]
    return {
        name: SourceFacts(
            name,
            _summary(Split, inputs, f"split/{name}"),
            shards := _summary(TokenShards, inputs, f"tokens/{name}"),
            _summary(Documents, inputs, f"documents/{name}"),
            _licences(_folder(inputs, f"tokens/{name}"), shards),
            read_examples(_folder(inputs, f"examples/{name}")),
            _summary(Transformed, inputs, f"transform/{name}") if f"transform/{name}" in inputs else None,
            _parts(inputs, name),
        )
        for name in study["sources"]
        if name in names
    }


def _synthesis(study: dict[str, Any], inputs: Mapping[str, Path]) -> tuple[SynthesisEntry, ...]:
    written = {
        name: _summary(Transformed, inputs, f"transform/{name}") if f"transform/{name}" in inputs else None
        for name in study["sources"]
    }
    return tuple(
        read_synthesis(name, _folder(inputs, f"verification/{name}"), study, written)
        for name in study.get("synthesis") or {}
    )


def _parts(inputs: Mapping[str, Path], name: str) -> dict[str, PartSize]:
    parts = _summary(Split, inputs, f"split/{name}").parts
    if f"transform/{name}" not in inputs:
        return parts
    return with_encoded(parts, encoded_parts(_folder(inputs, f"tokens/{name}")))


def _licences(folder: Path, shards: TokenShards) -> dict[str, int]:
    found: dict[str, int] = {}
    for partition, shard in sorted(shards.shards.items()):
        if not shard.documents:
            continue
        rows = _read_table(folder / f"{partition}.parquet", ["licence", "tokens"])
        for licence, tokens in zip(rows["licence"], rows["tokens"], strict=True):
            found[licence or "unknown"] = found.get(licence or "unknown", 0) + tokens
    return dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0])))


def _planned(inputs: Mapping[str, Path]) -> tuple[dict[str, Any], ...]:
    folder = _folder(inputs, "ledger")
    PlannedLedger.read(folder)
    return tuple(_read_json(folder / "ledger.json"))


def _refuse_contradictions(material: Material) -> None:
    made_from = material.records["findings"].inputs
    for run, phases in material.runs.items():
        given = material.records[f"evaluate/{phases[-1].place.id}"].fingerprint
        if made_from.get(f"evaluate/{run}", given) != given:
            raise StoreError(f"the findings were drawn from other scores of run '{run}' than those given to the report")
        for outcome, score in phases[-1].scores.scores.items():
            said = material.scores.get(run, {}).get(outcome)
            if said is not None and abs(said.score - score) > 1e-6 * max(1.0, abs(score)):
                raise StoreError(
                    f"run '{run}' scored {score:.6g} on '{outcome}', its findings say {said.score:.6g}: "
                    "they were drawn from other scores"
                )
    drawn = {row.source for phases in material.runs.values() for p in phases for row in p.checkpoint.ledger}
    if absent := sorted(drawn - set(material.sources)):
        raise StoreError(f"the report needs 'tokens/{absent[0]}', which it was not given: a run drew from it")
    for finding in material.findings:
        _refuse_contradiction(finding, material.runs)
    if (material.rate_probe is None) != (material.study.get("learning_rate_probe") is None):
        raise StoreError(
            "the findings and the study do not agree on whether there is a learning-rate probe; run the study again"
        )
    for probed in material.rate_probe.outcomes if material.rate_probe else ():
        for value in probed.rates:
            name = f"the learning-rate probe on {probed.outcome} at {value.factor:g} times the rate"
            _refuse_opposed(name, value.verdict, value.difference, probed.better_is)


def _refuse_contradiction(finding: Finding, runs: Mapping[str, object]) -> None:
    name = f"the finding on {finding.outcome} in contrast '{finding.contrast}'"
    absent = [run for run in finding.runs if run not in runs]
    if absent:
        raise StoreError(f"{name} rests on run '{absent[0]}', which the report was not given")
    low, high = finding.interval
    if not low <= finding.difference <= high:
        raise StoreError(f"{name} has the difference {finding.difference} outside of its interval {low} to {high}")
    _refuse_opposed(name, finding.verdict, finding.difference, finding.better_is)


def _refuse_opposed(name: str, verdict: str, difference: float, better_is: str) -> None:
    gain = -difference if better_is == "lower" else difference
    if (verdict == "better" and gain <= 0) or (verdict == "worse" and gain >= 0):
        raise StoreError(f"{name} has the verdict '{verdict}' against the sign of its difference {difference}")
