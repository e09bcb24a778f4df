"""What each kind of job is asked to do: the typed declarations that the plan writes and the stages read.

    documents ─▶ signals, signatures ─▶ split ─▶ transform ─▶ tokenizer ─▶ tokens ─▶ ledger, questions
        ┄▶ train ─▶ evaluate; generate ─▶ code, judge ─▶ findings ─▶ report

A declaration holds all that can change what a job makes, and nothing else: no path, no machine, no name that the
user may choose freely (arms, phases, mixtures). Its inputs are named by role; each role is the folder of one artifact.

    kind        inputs (role: artifact)
    problems    documents/SOURCE: Documents and split/SOURCE: Split (sources that problems are mined from)
    solutions   problems: Problems
    verification problems: Problems; solutions: Solutions (if a teacher solves them)
    benchmarks  -
    documents   verification: Verified (if they are the problems of a synthesis)
    signals     documents: Documents
    signatures  documents: Documents
    items       benchmarks: Benchmarks (if there are tasks or problems)
    overlap     documents: Documents or Transformed; items: Items; before: Overlap (if the documents are changed ones)
    split       documents: Documents; earlier/SOURCE: Split (sources that come before it in the study);
                signals: Signals (if it has rules); signatures: Signatures and earlier-signatures/SOURCE: Signatures
                (if near-duplicates are dropped); overlap: Overlap (if documents that hold items are)
    transform   documents: Documents or Transformed; split: Split; paired/SOURCE: Transformed (if it is paired);
                items: Items (if documents that hold items are dropped); verification: Verified (if it writes items
                of a synthesis)
    examples    documents: Documents; split: Split; transformed: Transformed (if its documents are changed)
    tokenizer   documents/SOURCE: Documents; split/SOURCE: Split (the sources of its mixture; none if it exists)
    tokens      documents: Documents; split: Split; tokenizer: TokenizerFile
    ledger      tokens/SOURCE: TokenShards (all sources that any arm draws)
    questions   tokenizer: TokenizerFile; tokens/SOURCE: TokenShards (sources scored); trained/SOURCE: TokenShards
                (all sources that any arm draws: what they train on is not scored); benchmarks: Benchmarks (if there
                are tasks)
    train       tokens/SOURCE: TokenShards (the sources of its mixture); tokenizer: TokenizerFile;
                previous: Checkpoint (if it goes on from another phase)
    evaluate    train: Checkpoint; tokenizer: TokenizerFile; tokens/SOURCE and trained/SOURCE: as of questions;
                benchmarks: Benchmarks (if there are tasks)
    generate    train: Checkpoint; tokenizer: TokenizerFile; benchmarks: Benchmarks
    code        generations: Generations; benchmarks: Benchmarks
    judge       arm: Generations; control: Generations; benchmarks: Benchmarks
    findings    evaluate/RUN: Scores; train/RUN: Checkpoint (RUN = arm@scale#seed; the end of its last phase);
                earlier/RUN/INDEX: Checkpoint (the end of its phase INDEX, from 0; every phase but the last); the
                same of what is trained for the learning-rate probe; code/RUN: CodeScores (if there are problems);
                judge/NAME/ARM/CONTROL@SCALE#SEED: Judgements (if answers are judged);
                items: Items, overlap/SOURCE: Overlap and split/SOURCE: Split (if sources are searched for items)
    report      findings: FindingsFile; evaluate/ID, train/ID (every phase); documents/SOURCE; split/SOURCE;
                examples/SOURCE; tokens/SOURCE; tokenizer; ledger; overlap/SOURCE (if sources are searched for items);
                transform/SOURCE (if its documents are changed); benchmarks (if there are tasks, problems or prompts)
"""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import Field

from titrant.study.architecture import AnyArchitecture, ExistingTokenizer, TrainedTokenizer
from titrant.study.cleaning import Decontaminate, NearDuplicates, Redaction, Rule, Transform
from titrant.study.contrast import Contrast
from titrant.study.curve import Curve
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, NOT_IDENTITY, Declaration
from titrant.study.evaluation import MultipleChoice, Probe, Statistics
from titrant.study.faults import Faults
from titrant.study.judging import Judge, PromptSet
from titrant.study.model_filters import ModelFilters
from titrant.study.optimizer import AnyOptimizer
from titrant.study.origins import Origin
from titrant.study.phase import FromCheckpoint
from titrant.study.signals import Family
from titrant.study.source import Kind, PlantedFacts
from titrant.study.synthesis import GENERATOR, AnyProblems, SyntheticItems, Teacher, Verification
from titrant.study.tasks import HARNESS, PACKAGE, CodeTask, Task

Partition = Literal["train", "reserved", "held_out"]
"""The three parts of a source: trained on, trained on only by `disjoint` phases, never trained on."""


class Progress(Protocol):
    """How a stage says how far it is: called often, cheap, and free to do nothing."""

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        """`done` of `total` in `unit` (tokens, bytes, items); `note` is a few words such as `loss 3.21`."""


class DocumentsJob(Declaration):
    """Read a source's origins into documents."""

    kind: Kind
    origins: tuple[Origin, ...]
    plant: PlantedFacts | None
    on_error: Literal["stop", "skip"] = Field(default="stop", json_schema_extra=IDENTITY_UNLESS_DEFAULT)


class ProblemsJob(Declaration):
    """Draw, read or mine problems."""

    problems: tuple[AnyProblems, ...]
    inputs: int
    """Generated inputs of each problem."""
    generator: str = GENERATOR
    """Version of the generator."""


class SolutionsJob(Declaration):
    """Have a teacher solve problems."""

    teacher: Teacher
    forms: tuple[str, ...]
    """What it is asked for, sorted: `python` always; `text`, another language."""


class VerificationJob(Declaration):
    """Find out which solutions are right, make mutants of them, and say what is known of every item."""

    verify: Verification
    forms: tuple[str, ...]
    """Which forms of an item are wanted, sorted."""


class SignalsJob(Declaration):
    """Find the signals of some families in every document of a source."""

    families: tuple[Family, ...]
    models: ModelFilters | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """The models behind the families `perplexity` and `classifier`."""


class SignaturesJob(Declaration):
    """Sign every document of a source, so that near-duplicates can be found."""

    near: NearDuplicates


class BenchmarksJob(Declaration):
    """Bring the data of all tasks into the columns of the hub, and write down what will be asked."""

    tasks: tuple[Task, ...]
    code: tuple[CodeTask, ...]
    judging: tuple[PromptSet, ...]
    harness: str = HARNESS
    """Version of lm-evaluation-harness."""
    package: str = PACKAGE
    """The package that data are taken from."""


class ItemsJob(Declaration):
    """Write down the texts of the items that sources are searched for."""

    multiple_choice: tuple[MultipleChoice, ...]


class OverlapJob(Declaration):
    """Find the documents of a source that hold items."""

    rule: Decontaminate
    """Its action is decided later, and stands at its default here."""


class ExamplesJob(Declaration):
    """Choose a few documents of every fate, for people to read."""

    count: int = 3
    """Documents of each fate."""
    characters: int = 500
    """How much of each is shown."""


class TransformJob(Declaration):
    """Change the documents that a source keeps."""

    redact: tuple[Redaction, ...]
    steps: tuple[Transform, ...]
    write: SyntheticItems | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What is written of each item of a synthesis, before all else."""
    without_items: Decontaminate | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """How documents are searched for items once they are changed, if those that hold one are dropped. Its action stands
    at its default."""


class SplitJob(Declaration):
    """Drop what fails a rule and exact duplicates (in the source and of what earlier sources keep); share out the rest.

    A document's partition is a pure function of its content hash, so that equal documents of different sources can
    never stand on both sides of the hold-out line. Nor can the pieces of one document: it is whole here.
    """

    hold_out_fraction: float
    reserve_fraction: float
    rules: tuple[Rule, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    near: NearDuplicates | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    language_shares: dict[str, float] = Field(default_factory=dict, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Share of the source's documents by language; empty: as they come."""


class TokenizerJob(Declaration):
    """Train a tokenizer on a mixture of training documents, or take one that exists."""

    tokenizer: TrainedTokenizer | ExistingTokenizer
    byte_shares: dict[str, str]
    """Exact share of bytes by source, as a fraction such as `9/10`; empty for one that exists."""


class TokensJob(Declaration):
    """Cut what is too long; encode the training and reserved documents into shards; keep held-out ones as text."""

    max_document_characters: int | None

    end_of_text: Literal["after-each-document"] = "after-each-document"


class TrainPhase(Declaration):
    """One phase, resolved: everything in steps, absolute rates and exact shares."""

    shares: dict[str, str]
    """Exact share of tokens by source, as a fraction such as `9/10`; they sum to 1."""
    steps: int
    """Optimizer steps."""
    curve: Curve
    """Learning rate by step."""
    initialisation: Literal["scratch", "previous", "checkpoint"]
    checkpoint: FromCheckpoint | None
    """The outside checkpoint, pinned, if that is where it starts."""
    optimizer_state: Literal["carried", "reset"]
    data: Literal["fresh", "replay", "disjoint"]


class TrainJob(Declaration):
    """Train one phase of one chain of phases at one scale with one seed."""

    architecture: AnyArchitecture
    optimizer: AnyOptimizer
    precision: Literal["float32", "bfloat16"]
    sequence_length: int
    global_batch_tokens: int
    seed: int
    phase: TrainPhase
    milestones: int
    """How many checkpoints of the weights are kept inside the phase, evenly spaced; its end is always kept. They are
    files of what the job makes: another number (the study's `checks_per_phase`) is another job, and trains again."""
    faults: Faults = Field(default=Faults(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What happens at losses that are not finite, and at spikes."""
    attention: Literal["across-documents", "within-documents"] = Field(
        default="across-documents", json_schema_extra=IDENTITY_UNLESS_DEFAULT
    )
    """Whether attention crosses the border between two documents of one sequence."""


class EvaluateJob(Declaration):
    """Score the end of a train job, and bits per byte at its milestones."""

    bits_per_byte_sources: tuple[str, ...]
    bytes_per_source: int
    """Held-out bytes scored at the end; 0 where nothing but milestones is asked for."""
    check_bytes_per_source: int
    """Held-out bytes scored at each milestone."""
    probes: tuple[Probe, ...]
    multiple_choice: tuple[MultipleChoice, ...]
    planted: dict[str, PlantedFacts]
    """By source, the facts that were planted in it."""
    tasks: tuple[Task, ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Tasks of lm-evaluation-harness, whose data are among the inputs."""


class GenerateJob(Declaration):
    """Draw texts from the end of a train job: solutions to problems, and answers to prompts."""

    code: tuple[CodeTask, ...]
    judging: tuple[PromptSet, ...]


class CodeJob(Declaration):
    """Run solutions in the sandbox, and say which are right."""

    code: tuple[CodeTask, ...]


class JudgeJob(Declaration):
    """Have the answers of two runs compared, pair by pair."""

    name: str
    """The outcome is called `judge/NAME`."""
    judges: tuple[Judge, ...]
    most_cost: float | None = Field(default=None, json_schema_extra=NOT_IDENTITY)

    @property
    def outcome(self) -> str:
        """`judge/NAME`"""
        return f"judge/{self.name}"


class QuestionsJob(Declaration):
    """Check before training that all that will be asked exists and fits the shortest window of the study."""

    evaluation: EvaluateJob
    window: int
    """Tokens that the smallest scale's models read."""


class PlannedPhase(Declaration):
    """One phase of a chain as the ledger's check sees it, with the names that its messages use."""

    name: str
    mixture: str
    shares: dict[str, str]
    sequences: int
    data: Literal["fresh", "replay", "disjoint"]


class PlannedChain(Declaration):
    """One arm at one scale."""

    arm: str
    scale: str
    sequence_length: int
    phases: tuple[PlannedPhase, ...]


class LedgerJob(Declaration):
    """Check before training that every source can fill what every arm draws, and write the planned ledger."""

    chains: tuple[PlannedChain, ...]
    max_epochs: dict[str, float]


class Run(Declaration):
    """One run as findings and report name it."""

    arm: str
    scale: str
    seed: int

    @property
    def id(self) -> str:
        """`arm@scale#seed`, as roles of inputs spell it."""
        return f"{self.arm}@{self.scale}#{self.seed}"


class PlannedContrast(Contrast):
    """A contrast with its outcomes written out and its flags, as the plan found them."""

    flags: tuple[str, ...] = ()
    """What the arms differ in beyond the mixture, one short phrase each."""


class ProbeRate(Declaration):
    """One learning rate of the probe."""

    factor: float
    """Multiple of the study's own rate; 1 is the study's own runs."""
    learning_rate: float
    """Peak learning rate."""
    scale: str
    """What the scale is called at this rate in the ids of its runs, whose seeds are the study's."""


class PlannedProbe(Declaration):
    """The learning-rate probe: a contrast of the study, at one scale, at several learning rates."""

    arm: str
    control: str
    scale: str
    """The study's scale, at its own rate."""
    rates: tuple[ProbeRate, ...]
    """Lowest first."""


class FindingsJob(Declaration):
    """Turn the scores of all runs into findings."""

    runs: tuple[Run, ...]
    contrasts: tuple[PlannedContrast, ...]
    outcomes: tuple[str, ...]
    margins: dict[str, float]
    statistics: Statistics
    same_documents: tuple[tuple[str, ...], ...] = Field(default=(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Groups of outcomes that are scored on the same held-out documents: a source and all that is made of it. What
    such documents happen to favour, all of a group show."""
    learning_rate_probe: PlannedProbe | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """A contrast at other learning rates, whose runs are not among `runs`."""


class ReportPhase(Declaration):
    """Where one phase of one run stands in the report: its name, its mixture, and the id of its jobs' roles."""

    run: Run
    index: int
    phase: str
    mixture: str
    id: str
    """Roles `train/ID` and `evaluate/ID`. Runs that share a trunk name the same id."""


class ReportJob(Declaration):
    """Turn findings into a page. Holds the resolved study, because the page prints it."""

    study: dict[str, object]
    phases: tuple[ReportPhase, ...]


JobDeclaration = (
    ProblemsJob
    | SolutionsJob
    | VerificationJob
    | BenchmarksJob
    | DocumentsJob
    | SignalsJob
    | SignaturesJob
    | ItemsJob
    | OverlapJob
    | SplitJob
    | ExamplesJob
    | TransformJob
    | TokenizerJob
    | TokensJob
    | LedgerJob
    | QuestionsJob
    | TrainJob
    | EvaluateJob
    | GenerateJob
    | CodeJob
    | JudgeJob
    | FindingsJob
    | ReportJob
)
