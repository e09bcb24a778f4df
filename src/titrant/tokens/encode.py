"""The tokens stage: training and reserved documents become shards, held-out documents stay text; long ones are cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.artifacts import PartSize, Shard, Split, TokenizerFile, TokenShards
from titrant.errors import StoreError
from titrant.jobs import Progress, TokensJob
from titrant.tokens.documents import content_hash, read_documents_with_fates
from titrant.tokens.encoder import ENCODER, Encoder, EncodersDifferError, Ids
from titrant.tokens.megatron import token_type, write_index
from titrant.tokens.pieces import pieces_of
from titrant.tokens.shards import Sidecar, hash_file

DESCRIBED = ("id", "language", "licence", "origin", "content_hash", "whole_hash", "text_hash")
WHOLE = ("id", "text", "language", "licence", "origin", "content_hash", "planted")
"""What is read of a document before it is cut."""
SHARD_SCHEMA = pa.schema([*((name, pa.string()) for name in DESCRIBED), ("tokens", pa.int64())])
HELD_OUT_SCHEMA = pa.schema(
    [("id", pa.string()), ("text", pa.large_string()), *((name, pa.string()) for name in DESCRIBED[1:])]
)


def encode_documents(
    job: TokensJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> TokenShards:
    """Write shards of the `train` and `reserved` documents, in the order of the source, and `held_out.parquet`.

    The bytes depend on the documents, their fates and the tokenizer only: not on the library that encoded them.
    Raises StoreError if an input is damaged.
    """
    tokenizer = TokenizerFile.read(inputs["tokenizer"])
    file = inputs["tokenizer"] / "tokenizer.json"
    if hash_file(file) != tokenizer.content:
        raise StoreError(f"{file} is not the file that its record names; delete the folder and run again")
    try:
        return _encode_all(job, inputs, out, tokenizer, Encoder(file), progress)
    except EncodersDifferError as difference:
        for written in out.iterdir():
            written.unlink()
        progress(0, 1, "bytes", f"starting again: {difference}")
        return _encode_all(job, inputs, out, tokenizer, Encoder(file, fast=False), progress)


def _encode_all(
    job: TokensJob,
    inputs: Mapping[str, Path],
    out: Path,
    tokenizer: TokenizerFile,
    encoder: Encoder,
    progress: Progress,
) -> TokenShards:
    total, done = sum(part.bytes for part in Split.read(inputs["split"]).parts.values()), 0
    held_out: list[pa.Table] = []
    with _ShardWriter(out, "train", tokenizer) as train, _ShardWriter(out, "reserved", tokenizer) as reserved:
        for batch in read_documents_with_fates(inputs["documents"], inputs["split"], WHOLE):
            progress(done, total, "bytes", encoder.library)
            done += pc.sum(pc.binary_length(batch.table["text"])).as_py() or 0
            table = _with_text_hash(_cut(_kept(batch.table), job.max_document_characters))
            for writer in (train, reserved):
                chosen = table.filter(pc.equal(table["fate"], writer.partition))
                if len(chosen):
                    writer.add(chosen, encoder.encode(chosen["text"].to_pylist()))
            held_out.append(table.filter(pc.equal(table["fate"], "held_out")))
    shards = {writer.partition: writer.finish() for writer in (reserved, train)}
    return TokenShards(
        tokenizer=tokenizer.content,
        vocabulary=tokenizer.vocabulary,
        encoder=ENCODER,
        shards={partition: shard for partition, shard in shards.items() if shard is not None},
        held_out=_write_held_out(out / "held_out.parquet", held_out),
    )


def _kept(documents: pa.Table) -> pa.Table:
    """Those that are used; one that its source's transform left without text is not."""
    is_kept = pc.is_in(documents["fate"], pa.array(["train", "reserved", "held_out"]))
    return documents.filter(pc.and_(is_kept, pc.greater(pc.binary_length(documents["text"]), 0)))


def _cut(documents: pa.Table, max_characters: int | None) -> pa.Table:
    """Pieces as rows of their own, `content_hash` theirs and `whole_hash` the document's; a blank piece is dropped.

    A planted document is never cut: its facts would be.
    """
    table = documents.append_column("whole_hash", documents["content_hash"])
    if max_characters is None or not pc.any(pc.greater(pc.utf8_length(table["text"]), max_characters)).as_py():
        return table
    rows = [row for document in table.to_pylist() for row in _pieces(document, max_characters)]
    return pa.Table.from_pylist(rows, schema=table.schema)


def _pieces(document: dict[str, Any], max_characters: int) -> Iterator[dict[str, Any]]:
    pieces = pieces_of(document["text"], None if document["planted"] else max_characters)
    if len(pieces) == 1:
        yield document
        return
    for number, piece in enumerate(pieces):
        if piece.strip():
            yield document | {"id": f"{document['id']}#{number}", "text": piece, "content_hash": content_hash(piece)}


def _with_text_hash(pieces: pa.Table) -> pa.Table:
    """With the hash of the very text that is encoded or held out: transforms change texts and keep `content_hash`."""
    hashes = [content_hash(text) for text in pieces["text"].to_pylist()]
    return pieces.append_column("text_hash", pa.array(hashes, pa.string()))


class _ShardWriter:
    """Writes one partition as its documents come; a partition without documents leaves no file."""

    def __init__(self, out: Path, partition: Literal["train", "reserved"], tokenizer: TokenizerFile) -> None:
        self.partition, self._out, self._tokenizer = partition, out, tokenizer
        self._dtype = token_type(tokenizer.vocabulary)
        self._path = out / f"{partition}.bin"
        self._file = self._path.open("wb")
        self._hash, self._bytes = blake3(), 0
        self._lengths: list[int] = []
        self._rows: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, documents: pa.Table, encoded: list[Ids]) -> None:
        """Write documents, each followed by end-of-text."""
        end = np.array([self._tokenizer.end_of_text_id], dtype=np.int64)
        lengths = [len(ids) + 1 for ids in encoded]
        tokens = np.concatenate([part for ids in encoded for part in (ids, end)])
        if int(tokens.max()) >= self._tokenizer.vocabulary:
            raise StoreError(
                f"the tokenizer gave id {tokens.max()}, its record says {self._tokenizer.vocabulary} entries"
            )
        raw = tokens.astype(self._dtype).tobytes()
        self._file.write(raw)
        self._hash.update(raw)
        self._bytes += pc.sum(pc.binary_length(documents["text"])).as_py()
        self._lengths += lengths
        rows = documents.select(DESCRIBED).append_column("tokens", pa.array(lengths, pa.int64()))
        self._rows.append(rows.cast(SHARD_SCHEMA))

    def finish(self) -> Shard | None:
        """Write index, rows and sidecar."""
        self._file.close()
        if not self._lengths:
            self._path.unlink()
            return None
        lengths = np.array(self._lengths, dtype=np.int32)
        shard = Shard(
            documents=len(lengths),
            tokens=int(lengths.sum(dtype=np.int64)),
            bytes=self._bytes,
            content=self._hash.hexdigest(),
        )
        write_index(self._out / f"{self.partition}.idx", self._dtype, lengths)
        pq.write_table(pa.concat_tables(self._rows), self._out / f"{self.partition}.parquet", compression="zstd")
        sidecar = Sidecar(
            tokenizer=self._tokenizer.content,
            vocabulary=self._tokenizer.vocabulary,
            end_of_text="after-each-document",
            end_of_text_id=self._tokenizer.end_of_text_id,
            dtype="uint16" if self._dtype.itemsize == 2 else "int32",
            **shard.model_dump(),
        )
        (self._out / f"{self.partition}.json").write_text(sidecar.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return shard


def _write_held_out(path: Path, tables: list[pa.Table]) -> PartSize:
    chosen = [table.select(HELD_OUT_SCHEMA.names).cast(HELD_OUT_SCHEMA) for table in tables]
    ordered = pa.concat_tables([HELD_OUT_SCHEMA.empty_table(), *chosen]).sort_by("content_hash")
    pq.write_table(ordered, path, compression="zstd")
    return PartSize(documents=len(ordered), bytes=pc.sum(pc.binary_length(ordered["text"])).as_py() or 0)
