"""Artifacts of models: what is asked of them, what was trained, what was measured, and what follows from it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from titrant.artifacts.data import LedgerRow
from titrant.artifacts.record import Artifact


class QuestionList(Artifact):
    """What will be asked of every model, found to be answerable: `questions.json`, the summary's `items`."""

    kind: ClassVar[str] = "questions"
    version: ClassVar[int] = 2

    items: dict[str, int]
    """Documents (bits per byte) or items (choices) by outcome."""
    trained_on: dict[str, dict[str, int]] = Field(default_factory=dict)
    """By scored source, its held-out texts that are not scored because an arm draws a source that trains on the same
    text, byte for byte: how many, by the first such source."""


class Benchmarks(Artifact):
    """The data of all tasks, in the columns of the hub.

    `data/TASK/SPLIT.jsonl` (a document a line), `problems/NAME.jsonl` (code), `prompts/NAME.jsonl` (id, instruction,
    context, response, prompt) and `requests.parquet`: what sources are searched for, in the columns of Items.
    """

    kind: ClassVar[str] = "benchmarks"
    version: ClassVar[int] = 2

    items: dict[str, int]
    """Items by outcome."""
    data: dict[str, str]
    """By outcome, where its data came from."""
    tasks: dict[str, str] = Field(default_factory=dict)
    """By outcome, the version that the task says it has."""


class Checkpoint(Artifact):
    """The end of a train job.

    `model.safetensors` (float32 masters), `optimizer.safetensors` (exp_avg and exp_avg_sq by parameter name, and the
    scalar `step`), `milestones/STEP.safetensors` (weights), `curve.parquet` (step int64 from 1 within the phase,
    tokens int64 seen by the run, loss float32 in nats a token, learning_rate float64, gradient_norm float32).
    """

    kind: ClassVar[str] = "train"
    version: ClassVar[int] = 1

    steps: int
    """Optimizer steps of this phase."""
    tokens: int
    """Tokens of this phase."""
    total_tokens: int
    """Tokens of the run so far, earlier phases included."""
    final_loss: float
    """Mean training loss (nats a token) of the last tenth of the phase."""
    parameters: int
    non_embedding_parameters: int
    ledger: tuple[LedgerRow, ...]
    """Realised draws, counted from the batches themselves."""
    cursors: dict[str, int]
    """By `source/partition`, the first position of the endless order that no phase of the run has drawn."""
    drawn_sequences: dict[str, int] = Field(default_factory=dict)
    """By `source/partition`, sequences that the run has drawn so far, repeats counted."""
    drawn: dict[str, str]
    """By `source/partition`, the shard's content hash and BLAKE3 of the sorted distinct sequence indices drawn in this
    phase, joined by a colon: the proof of the data relation."""
    milestones: tuple[int, ...]
    """Steps within the phase at which weights were kept, the last step not among them."""
    code: Literal["eager", "compiled"] = "eager"
    """What ran the blocks of the model: their last bits differ, so runs in one contrast must agree in it."""
    processes: tuple[int, ...] = (1,)
    """In how many processes; more than one number if it went on in more or fewer."""
    portions: tuple[str, ...] = ()
    """How sums were cut, in words (processes, threads, rows at once): other orders differ in their last bits."""
    spikes: tuple[int, ...] = ()
    """Steps of the phase (from 1) whose loss was a spike."""
    skipped: tuple[int, ...] = ()
    """Steps of the phase (from 1) that were not taken, as the study asks: their tokens count as drawn."""


class Scores(Artifact):
    """What was measured of one checkpoint.

    `items.parquet`: outcome (string), item (string, stable across runs; for bits per byte the hash of a whole document,
    whose scored pieces count as one item), rung (int64; 0 where there are none), value (float64: 1 or 0 for a choice; a
    document's nats for bits per byte), weight (float64: 1; its UTF-8 bytes), predicted (int64: number of the label
    that was given, from 0, where the same labels come back in all items, such as yes and no, or letters; -1 where each
    item has texts of its own, whose places in a list say nothing), answer (int64: likewise of the label that is right),
    margin_nats (float64: log-likelihood of the answer minus that of the best other choice; NaN where none), gold_nats
    and gold_bytes (float64: what the right answer costs as a text, and its UTF-8 bytes; NaN where there is none),
    right_probability (float64 in [0, 1]: the right choice's share of the choices' likelihoods,
    normalised as they are compared; NaN), empty and looping (bool: of a generated answer). A score is
    sum(value) / sum(weight), and for bits per byte that divided by ln 2.
    `checks.parquet`: step (int64 within the phase), outcome (string), value (float64 bits per byte).
    """

    kind: ClassVar[str] = "evaluate"
    version: ClassVar[int] = 4

    scores: dict[str, float]
    """By outcome."""
    items: dict[str, int]
    """Number of items by outcome."""
    chance: dict[str, float]
    """Accuracy of guessing, by outcome (choices only)."""
    majority: dict[str, float]
    """Accuracy of always giving the commonest answer, by outcome (choices only)."""
    bytes: dict[str, int] = Field(default_factory=dict)
    """UTF-8 bytes scored, by outcome (bits per byte only): fewer than asked for where fewer are held out."""
    ties: dict[str, int] = Field(default_factory=dict)
    """Items whose likeliest choice was tied, by outcome (choices only); the first of a tie is taken."""
    metrics: dict[str, str] = Field(default_factory=dict)
    """By outcome, the harness's metric that is compared (tasks only)."""
    shortened: dict[str, int] = Field(default_factory=dict)
    """By outcome, items whose question lost its beginning because the model's window is shorter (tasks only)."""
    scored_by: str
    """Scoring path and number format, e.g. `likelihood/float32`: runs in one contrast must agree in it."""


class Generations(Artifact):
    """Texts drawn from one checkpoint.

    `samples.jsonl`: outcome (`code/NAME`, `judge/NAME`), item, sample (from 0), text (as it continues the prompt, cut
    before a stop sequence, never stripped), tokens, ended (`stop`, `end_of_text`, `length`, `window`), cut (tokens that
    the prompt lost at its beginning, being longer than the window); in the order of outcomes, items and samples.
    `prompts.jsonl`: outcome, item, prompt.
    """

    kind: ClassVar[str] = "generate"
    version: ClassVar[int] = 1

    items: dict[str, int]
    """Prompts by outcome."""
    samples: dict[str, int]
    """Texts of each prompt, by outcome."""
    tokens: dict[str, int]
    """Tokens drawn, by outcome."""
    empty: dict[str, float]
    """Share of texts that are empty or white space, by outcome."""
    looping: dict[str, float]
    """Share of texts that repeat themselves to their end, by outcome."""
    shortened: dict[str, int] = Field(default_factory=dict)
    """Prompts that lost their beginning because the model's window is shorter, by outcome."""
    made_by: str
    """Number format and way of drawing: runs in one contrast must agree in it."""


class CodeScores(Artifact):
    """What became of the solutions of one checkpoint.

    `items.parquet` as of Scores (value: the unbiased estimate of pass@k of one problem, k the first asked for).
    `pass_at_k.parquet`: outcome, item, k, samples, passed, value, low, high (float64: interval of 95 %).
    `verdicts.parquet`: outcome, item, sample, status, detail.
    """

    kind: ClassVar[str] = "code"
    version: ClassVar[int] = 1

    scores: dict[str, float]
    """pass@k for the first k, by outcome."""
    pass_at_k: dict[str, dict[str, float]]
    """By outcome and k."""
    items: dict[str, int]
    """Problems by outcome."""
    samples: dict[str, int]
    """Solutions of each problem, by outcome."""
    verdicts: dict[str, dict[str, int]]
    """How many solutions ended how, by outcome."""
    empty: dict[str, float]
    """Share of empty solutions, by outcome."""
    looping: dict[str, float] = Field(default_factory=dict)
    """Share of solutions that repeat themselves to their end, by outcome."""
    sandbox: str
    """What held the programs: `bubblewrap`, `landlock`, or both, joined by `and`, where an interruption lay between."""


class Judgements(Artifact):
    """What judges said of the answers of two runs.

    `judgements.parquet`: item, judge, order (`arm first`, `control first`), choice (`arm`, `control`, `tie`,
    `unusable`), reason (string: why there is no verdict, or a tie), arm_probability (float64: of a local judge; null),
    arm_characters, control_characters (int64); a row for every order of every pair. `transcripts.jsonl`:
    what each judge was asked, word for word, and what it said.
    """

    kind: ClassVar[str] = "judge"
    version: ClassVar[int] = 1

    outcome: str
    """`judge/NAME`"""
    items: int
    """Pairs compared."""
    judges: tuple[str, ...]
    cost: dict[str, float]
    """By judge, in the currency of its prices; 0 where it has none."""
    unusable: dict[str, float]
    """By judge, share of answers from which no verdict could be read."""


class FindingsFile(Artifact):
    """`findings.json`: the findings, scores by run, tasks without signal, measures beside accuracy, what judges said.
    Its fields are those of `report.json`'s `findings`, `scores`, `outcomes`, `rule`, `companions` and `judged`."""

    kind: ClassVar[str] = "findings"
    version: ClassVar[int] = 6

    findings: int
    verdicts: dict[str, int]
    """How many findings have each verdict."""


class Page(Artifact):
    """`report.html`, `report.md`, `report.json`, `forest.svg` and `forest.png`."""

    kind: ClassVar[str] = "report"
    version: ClassVar[int] = 7

    headline: str
    """The answer in one sentence."""
