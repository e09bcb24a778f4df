"""The tokenizer stage: train a byte-level BPE on a mixture of training documents, or take a tokenizer that exists.

    1. training_bytes are shared out over the sources by largest remainder of their exact shares of bytes
    2. of each source the training documents with the smallest hashes are taken, long ones in pieces, the last one cut
    3. BPE is trained on them: 256 bytes, merges by count, `<|endoftext|>` as id 0

What is sampled depends on the documents' content only, and counting words does not depend on their order.

**Source:** Sennrich et al. 2016 (BPE); Radford et al. 2019 (on bytes, cut into words first). The split is that of
Qwen2's tokenizer: contractions, letters with one leading sign, single digits, signs, line ends, white space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from titrant.artifacts import TokenizerFile
from titrant.errors import Problem, StudyError
from titrant.jobs import Progress, TokenizerJob
from titrant.study.architecture import ExistingTokenizer
from titrant.study.units import show_count
from titrant.tokens.documents import read_documents_with_fates
from titrant.tokens.encoder import Encoder
from titrant.tokens.mix import apportion
from titrant.tokens.pieces import pieces_of

END_OF_TEXT = "<|endoftext|>"
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SAMPLE_CHARACTERS = 4000
"""Pieces that documents are sampled in, so that no long one takes up the whole sample."""
MEASURED_BYTES = 1_000_000
"""Of each source's sample, so many bytes at most are encoded to measure bytes a token."""


@dataclass(frozen=True)
class _Sample:
    """Which pieces of a source's training documents are taken: all of a piece, or what is left of a quota."""

    documents: Path
    split: Path
    bytes_by_piece: Mapping[tuple[int, int], int]
    """By row and number of the piece."""

    def texts(self) -> Iterator[str]:
        """The texts in the order of the source."""
        rows = {row for row, _ in self.bytes_by_piece}
        for batch in read_documents_with_fates(self.documents, self.split, ["text"]):
            for row in range(batch.first_row, batch.first_row + len(batch.table)):
                if row not in rows:
                    continue
                whole = batch.table["text"][row - batch.first_row].as_py()
                for number, piece in enumerate(pieces_of(whole, SAMPLE_CHARACTERS)):
                    size, text = self.bytes_by_piece.get((row, number), 0), piece.encode()
                    if size:
                        # a cut inside a character drops that character
                        yield text[:size].decode(errors="ignore") if size < len(text) else piece


def make_tokenizer(
    job: TokenizerJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> TokenizerFile:
    """Write `tokenizer.json`. Deterministic whatever the number of threads and the order of the documents.

    Raises StudyError if a source holds fewer training bytes than its share of the sample, if the sample has too few
    words for the vocabulary, or if an existing file is not the one that was pinned or lacks its end-of-text.
    """
    file = out / "tokenizer.json"
    if isinstance(job.tokenizer, ExistingTokenizer):
        _copy_existing(job.tokenizer, file)
        return _describe(file, job.tokenizer.ending, {}, job.tokenizer.vocabulary)
    samples = _take_samples(job, inputs, job.tokenizer.training_bytes)
    tokenizer = _new_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=job.tokenizer.vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    total = sum(sum(sample.bytes_by_piece.values()) for sample in samples.values())
    tokenizer.train_from_iterator(_read_all(samples, total, progress), trainer=trainer)
    learnt = tokenizer.get_vocab_size(with_added_tokens=True)
    if learnt < job.tokenizer.vocabulary:
        raise StudyError(
            f"{show_count(total)} bytes of text give a vocabulary of {learnt}, not of {job.tokenizer.vocabulary}. "
            f"Raise training_bytes or lower the vocabulary to {learnt}."
        )
    tokenizer.save(str(file), pretty=True)
    progress(total, total, "bytes", "measuring bytes a token")
    return _describe(file, END_OF_TEXT, _measure(file, samples), job.tokenizer.vocabulary)


def _new_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _take_samples(job: TokenizerJob, inputs: Mapping[str, Path], training_bytes: int) -> dict[str, _Sample]:
    shares = {source: Fraction(share) for source, share in job.byte_shares.items()}
    quotas = apportion(shares, training_bytes)
    samples, problems = {}, []
    held = {source: _training_sizes(inputs, source) for source in quotas}
    enough = min(
        int(held[source][1].sum() / (shares[source] / sum(shares.values()))) for source in quotas if shares[source]
    )
    for source, quota in quotas.items():
        pieces, sizes = held[source]
        if sizes.sum() < quota:
            problems.append(
                f"the tokenizer's sample of {show_count(training_bytes)} bytes takes {show_count(quota)} from source "
                f"'{source}', which holds {show_count(float(sizes.sum()))} bytes of training text. Lower "
                f"training_bytes to {enough}, lower the source's weight in the tokenizer's mixture, or add text."
            )
        before = np.cumsum(sizes) - sizes
        taken = np.minimum(sizes, quota - before)[before < quota]
        samples[source] = _Sample(
            inputs[f"documents/{source}"],
            inputs[f"split/{source}"],
            dict(zip(map(tuple, pieces[: len(taken)].tolist()), taken.tolist(), strict=True)),
        )
    if problems:
        raise StudyError([Problem(problem) for problem in problems])
    return samples


def _training_sizes(inputs: Mapping[str, Path], source: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, number) and UTF-8 bytes of all pieces of a source's training documents, ordered by hash.

    Shapes (pieces, 2) and (pieces,).
    """
    found: list[tuple[str, int, int, int]] = []
    for batch in read_documents_with_fates(inputs[f"documents/{source}"], inputs[f"split/{source}"], ["text"]):
        columns = (batch.table[name].to_pylist() for name in ("fate", "content_hash", "text"))
        for row, (fate, hash_, text) in enumerate(zip(*columns, strict=True), start=batch.first_row):
            if fate == "train":
                for number, piece in enumerate(pieces_of(text, SAMPLE_CHARACTERS)):
                    key = blake3(f"{hash_}#{number}".encode()).hexdigest() if number else hash_
                    found.append((key, row, number, len(piece.encode())))
    found.sort()
    return (
        np.array([place for _, *place, _ in found], dtype=np.int64).reshape(-1, 2),
        np.array([size for *_, size in found], dtype=np.int64),
    )


def _read_all(samples: Mapping[str, _Sample], total: int, progress: Progress) -> Iterator[str]:
    done = 0
    for source, sample in samples.items():
        for text in sample.texts():
            progress(done, total, "bytes", source)
            done += len(text.encode())
            yield text


def _measure(file: Path, samples: Mapping[str, _Sample]) -> dict[str, float]:
    """Bytes a token of each source, one end-of-text a document counted in."""
    encoder = Encoder(file, fast=False)
    measured = {}
    for source, sample in samples.items():
        size = tokens = 0
        for text in _Sample(sample.documents, sample.split, _first_bytes(sample.bytes_by_piece)).texts():
            size += len(text.encode())
            tokens += len(encoder.encode([text])[0]) + 1
        if tokens:
            measured[source] = size / tokens
    return measured


def _first_bytes(bytes_by_piece: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    first, left = {}, MEASURED_BYTES
    for piece, size in bytes_by_piece.items():
        first[piece] = min(size, left)
        left -= first[piece]
    return first


def _copy_existing(declared: ExistingTokenizer, file: Path) -> None:
    try:
        content = Path(declared.file).read_bytes()
    except OSError as error:
        raise StudyError(f"tokenizer file '{declared.file}' cannot be read: {error.strerror}") from None
    found = blake3(content).hexdigest()
    if declared.content is not None and found != declared.content:
        raise StudyError(
            f"tokenizer file '{declared.file}' has content {found[:12]}, the study pins {declared.content[:12]}: it "
            "was changed. Restore it, or pin the new one."
        )
    file.write_bytes(content)


def _describe(file: Path, end_of_text: str, bytes_per_token: dict[str, float], vocabulary: int | None) -> TokenizerFile:
    encoder = Encoder(file, fast=False)
    id_ = encoder.id_of(end_of_text)
    if id_ is None:
        raise StudyError(f"token '{end_of_text}' is not in the vocabulary of '{file.name}'; name its end_of_text")
    if vocabulary is not None and encoder.vocabulary != vocabulary:
        raise StudyError(
            f"the tokenizer has {encoder.vocabulary} entries, the study says {vocabulary}; correct the study"
        )
    return TokenizerFile(
        vocabulary=encoder.vocabulary,
        end_of_text_id=id_,
        content=blake3(file.read_bytes()).hexdigest(),
        bytes_per_token=bytes_per_token,
    )
