"""report.json as typed models: what a program may rely on. `schema.json` beside this file is made from them.

The schema is strict: unknown fields are refused everywhere but inside `study`, whose schema is the study's own.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from titrant.report.entry import Entry
from titrant.report.outcome_entries import CompanionEntry, JudgedEntry, OutcomeEntry, ProgramsEntry
from titrant.report.synthesis_entries import SynthesisEntry

Verdict = Literal["better", "worse", "equivalent", "not resolved"]
VERDICTS: tuple[Verdict, ...] = ("better", "worse", "equivalent", "not resolved")


class Clean(Entry):
    """A finding once more, over the items that no document of its scale's training data holds."""

    items: int = Field(ge=0)
    flagged_items: int = Field(ge=0)
    """Items that are left out, because a document that any run of the scale may have drawn holds them."""
    arm_mean: float
    control_mean: float
    difference: float
    interval: tuple[float, float]
    p_adjusted: float | None = Field(ge=0, le=1)
    """Corrected as the finding's own, over the same family made anew on these items."""
    verdict: Verdict


class Finding(Entry):
    """What one contrast shows on one outcome at one scale."""

    contrast: str
    """Name of the comparison."""
    arm: str
    """The arm that is judged."""
    control: str
    """The arm that it is compared with."""
    scale: str
    """Name of the rung of the ladder."""
    outcome: str
    """`bits_per_byte/SOURCE`, `probe/NAME`, `choice/NAME`, `task/NAME`, `code/NAME`, `judge/NAME`, or `mean/...`."""
    unit: str
    """Unit of means, difference, interval, margin: `bits per byte`, or as a fraction from 0 to 1 `accuracy`, `pass
    rate` or `win rate` (then the control's mean is one half, and the difference what the arm wins above it)."""
    arm_mean: float
    """Mean score of the arm over its seeds."""
    control_mean: float
    """Mean score of the control over its seeds."""
    difference: float
    """Arm minus control; whether positive is good says `better_is`."""
    interval: tuple[float, float]
    """Lower and upper end of the interval of the difference, at the level 1 - alpha of the study."""
    relative: float | None
    """Difference divided by the control's mean; null where that mean is within noise of zero or of chance."""
    p_raw: float | None = Field(ge=0, le=1)
    """p value of no difference, before correction; null where it cannot be had."""
    p_adjusted: float | None = Field(ge=0, le=1)
    """p value of no difference, corrected for all contrasts and outcomes of the scale."""
    verdict: Verdict
    """`better` or `worse` (a difference is resolved), `equivalent` (it is surely smaller than the margin), or `not
    resolved`; each of the two claims is corrected for all contrasts and outcomes of the scale."""
    flags: tuple[str, ...]
    """What the two arms differ in beyond the mixture, and other reasons for care, one phrase each."""
    seeds: tuple[int, ...]
    """Seeds by which the runs are paired."""
    runs: tuple[str, ...]
    """Ids of all runs behind the finding, `arm@scale#seed`."""
    better_is: Literal["lower", "higher"]
    """Which direction of the outcome is good."""
    margin: float = Field(gt=0)
    """Differences smaller than this count as equivalent."""
    minimum_detectable: float | None
    """The smallest difference that this many seeds would be likely to resolve; null where it is unknown."""
    clean: Clean | None = None
    """The same without flagged items; null where none is flagged, and where too few are left (then a flag says so). The
    verdict is the finding's own; one that differs from this one is flagged."""


class ScoreEntry(Entry):
    """The score of one run on one outcome."""

    score: float
    items: int
    standard_error: float | None
    """Over items, for this run alone."""


class LedgerEntry(Entry):
    """What one phase of one run was planned to draw, and drew, from one partition of one source."""

    run: str
    """`arm@scale#seed`."""
    arm: str
    scale: str
    seed: int
    index: int
    """Place of the phase in the arm's chain, from 0."""
    phase: str
    mixture: str
    source: str
    partition: Literal["train", "reserved"]
    weight: float
    """Share of the phase's tokens that the study asked for."""
    planned_tokens: int
    """Tokens that the plan's ledger gives to the source."""
    realised_tokens: int
    """Tokens counted from the batches that were trained on."""
    planned_unique_tokens: int
    unique_tokens: int
    """Tokens of distinct sequences among those drawn in this phase."""
    epochs: float
    """How often the partition has been gone through by the end of this phase, earlier phases of the run counted."""


class PhaseEntry(Entry):
    """One phase of one run, as it was trained."""

    index: int
    phase: str
    mixture: str
    job: str
    """Id of its train and evaluate jobs; runs that share a trunk name the same one."""
    steps: int
    """Optimizer steps."""
    tokens: int
    total_tokens: int
    """Tokens of the run at the end of this phase."""
    final_loss: float
    """Mean training loss (nats a token) of the last tenth of the phase, as far as it is finite."""
    spikes: tuple[int, ...] = ()
    """Steps at which the loss spiked, as the study's `faults` say what a spike is."""
    skipped: tuple[int, ...] = ()
    """Steps whose update was skipped; their tokens count as drawn."""
    fingerprint: str
    """Fingerprint of the trained checkpoint."""


class RunEntry(Entry):
    """One replicate: an arm at a scale with a seed."""

    run: str
    arm: str
    scale: str
    seed: int
    parameters: int
    non_embedding_parameters: int
    scored_by: str
    """Scoring path and number format."""
    scores: dict[str, float]
    """By outcome, at the end of the last phase."""
    items: dict[str, int]
    """Number of items by outcome."""
    phases: tuple[PhaseEntry, ...]


class InputEntry(Entry):
    """One artifact that the report was made from."""

    role: str
    kind: str
    version: int
    """Version of what this kind of job makes."""
    fingerprint: str


class ExampleEntry(Entry):
    """The beginning of one document, for people to read."""

    id: str
    language: str
    licence: str
    origin: str
    characters: int
    """Length of the whole document."""
    text: str
    """Its beginning; secrets and e-mail addresses are replaced."""


class TransformedEntry(Entry):
    """What transforms made of the documents that a source keeps."""

    changed: int
    unchanged: int
    left_out: dict[str, int]
    """Documents that come out without text, by reason."""


class SourceEntry(Entry):
    """One source as it was split and encoded."""

    source: str
    kind: str
    documents: dict[str, int]
    """Documents by fate: `train`, `reserved`, `held_out`, or the reason for which they are dropped."""
    bytes: dict[str, int]
    """UTF-8 bytes of the same."""
    bytes_by_language: dict[str, int]
    """Of all documents that were read."""
    bytes_by_licence: dict[str, int]
    """Of all documents that were read, as their origins declare."""
    left_out: dict[str, int]
    """What became no document, by reason."""
    train_tokens: int
    reserved_tokens: int
    held_out_bytes: int
    tokens_by_licence: dict[str, int]
    """Training and reserved tokens by the licence of their document."""
    examples: dict[str, tuple[ExampleEntry, ...]]
    """A few documents by fate."""
    transformed: TransformedEntry | None
    """null if its documents are encoded as they are."""


class OverlapEntry(Entry):
    """What one source holds of the items of one task."""

    source: str
    outcome: str
    """`choice/NAME`."""
    items_asked: int
    """Items that were looked for."""
    items_too_short: int
    """Items that were not: of fewer than five words or 25 letters, or nothing but a frame that many items share."""
    items_held: int
    """Items that a document of the source holds, whatever became of it."""
    items_trained_on: int
    """Items that a document of the source holds that is trained on or reserved."""
    documents: dict[str, int]
    """Documents that hold an item, by fate."""


class ExposureEntry(Entry):
    """What one phase of one run saw of the items of one task in one part of a source, as its draws lead to expect."""

    run: str
    arm: str
    scale: str
    seed: int
    index: int
    phase: str
    source: str
    partition: Literal["train", "reserved"]
    outcome: str
    documents: int
    """Documents of the part that hold an item."""
    items: int
    """Items that they hold."""
    tokens: float
    """Tokens of those documents, whole, times how often the phase went through the part."""
    token_share: float
    """That over the tokens that the phase drew from the part."""
    sightings: float
    """How often one of those items was seen in the phase, on average over them."""


class ProbedValue(Entry):
    """One outcome of the learning-rate probe at one rate."""

    factor: float
    """Multiple of the study's learning rate; 1 is the study's own runs."""
    arm_mean: float
    control_mean: float
    difference: float
    interval: tuple[float, float]
    """Of this one difference, at the level 1 - alpha of the study."""
    p_raw: float | None = Field(ge=0, le=1)
    p_adjusted: float | None = Field(ge=0, le=1)
    """Corrected for all outcomes at all rates of the probe, a family of its own."""
    verdict: Verdict
    """In the probe's family; at factor 1 it may differ from the study's."""
    flags: tuple[str, ...]
    change: float | None
    """Difference at this rate minus that at the study's, paired by seed and item; null at factor 1."""
    change_interval: tuple[float, float] | None
    """Of the change alone, not corrected."""


class ProbedOutcome(Entry):
    """One outcome of the learning-rate probe at all rates."""

    outcome: str
    unit: str
    better_is: Literal["lower", "higher"]
    margin: float
    study_verdict: Verdict
    """Of the study's own finding."""
    stands: Literal["holds", "turns", "not at every rate"]
    """`holds`: the verdict is the study's at every rate. `turns`: `better` and `worse` occur, or `equivalent` and a
    `better` or `worse` that is not smaller than the margin, the study's verdict counted; its finding is flagged. Else
    `not at every rate`."""
    rates: tuple[ProbedValue, ...]


class ProbedArm(Entry):
    """How one arm trained at one rate: means over seeds."""

    final_loss: float
    """Nats a token, over the last tenth of the last phase."""
    bits_per_byte: float | None
    """Plain mean over the sources that are scored; null if none is."""
    runs: tuple[str, ...]


class ProbedRate(Entry):
    """One rate of the learning-rate probe."""

    factor: float
    learning_rate: float
    scale: str
    """What the scale is called at this rate in the ids of its runs."""
    arm: ProbedArm
    control: ProbedArm


class BestRate(Entry):
    """The factors at which one arm is lowest."""

    final_loss: float
    bits_per_byte: float | None


class RateProbe(Entry):
    """One contrast at several learning rates."""

    contrast: str
    arm: str
    control: str
    scale: str
    family: int
    """Comparisons that the correction is over."""
    seeds: tuple[int, ...]
    rates: tuple[ProbedRate, ...]
    outcomes: tuple[ProbedOutcome, ...]
    best_arm: BestRate
    best_control: BestRate
    flags: tuple[str, ...]
    """Reasons to doubt the study's rate: a best rate at an end of the range, or different ones for the two arms."""


class Report(Entry):
    """A whole report."""

    format: Literal[1]
    """Version of this layout."""
    study: dict[str, Any]
    """The resolved study: sweeps written out, every default filled in."""
    question: str
    headline: str
    """The answer in one sentence."""
    findings: tuple[Finding, ...]
    outcomes: dict[str, dict[str, OutcomeEntry]]
    """By scale and outcome."""
    scores: dict[str, dict[str, ScoreEntry]]
    """By run (`arm@scale#seed`) and outcome."""
    ledger: tuple[LedgerEntry, ...]
    runs: tuple[RunEntry, ...]
    sources: tuple[SourceEntry, ...]
    overlaps: tuple[OverlapEntry, ...] = ()
    """Every source with every task of choices, if sources are searched for their items."""
    exposures: tuple[ExposureEntry, ...] = ()
    """Only where a part that was drawn from holds items."""
    rule: str = ""
    """The rule by which tasks enter means, in words."""
    companions: tuple[CompanionEntry, ...] = ()
    """Measures beside accuracy, shown and not tested."""
    win_rate: str = ""
    """The definition of the win rate, in words; empty where nothing is judged."""
    judged: tuple[JudgedEntry, ...] = ()
    """What judges said, a contrast and scale each."""
    programs: tuple[ProgramsEntry, ...] = ()
    """What became of the solutions that were run, a run and set of problems each."""
    synthesis: tuple[SynthesisEntry, ...] = ()
    """Problems, solutions and verdicts of every synthesis of the study."""
    learning_rate_probe: RateProbe | None = None
    """null if the study has none."""
    inputs: tuple[InputEntry, ...]


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of report.json, made from the models above."""
    made = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def shipped_schema() -> dict[str, Any]:
    """The JSON schema as it is shipped, for programs that read reports; a test holds it equal to `schema()`."""
    text = (resources.files("titrant.report") / "schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
