"""Bits per byte of held-out documents: nats of every document token, divided by ln 2 times the UTF-8 bytes.

A document is read after one end-of-text token, as in training. Its own closing end-of-text token is not scored: it is
no part of the text, and its bytes are none. A document longer than the window is read in windows that overlap by a
quarter, so that every token is scored exactly once, with at least a quarter of a window of context once there is that
much. (Half a window of overlap reads each token twice, and costs 1.5 times as much.)

**Source:** Gao et al. 2020 (The Pile), section 3.1, with bytes for the length of the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from titrant.artifacts import TokenShards
from titrant.errors import Problem, StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.likelihood import Scorer
from titrant.study.declaration import listing

TOKENS_AT_ONCE = 65_536
"""Document tokens handed to the scorer in one call; between calls progress is told."""


@dataclass(frozen=True)
class HeldOutDocument:
    """One held-out document, encoded."""

    whole: str
    """Hash of the document that it was cut from; its own where it is whole."""
    bytes: int
    """UTF-8 bytes of its text."""
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class DocumentNats:
    """What one document, or one piece of one, cost."""

    whole: str
    """Hash of the document that it was cut from; its own where it is whole."""
    nats: float
    bytes: int


def read_held_out(
    folder: Path, source: str, at_least_bytes: int, encoder: Encoder, trained_on: Mapping[str, str] | None = None
) -> list[HeldOutDocument]:
    """Held-out documents (or pieces, where long ones are cut) by content hash, until `at_least_bytes` are reached.

    All of them if there are fewer bytes than asked for. Left out are texts that are trained on all the same, which
    `trained_on` gives with the source that does (see `texts_trained_on`). Raises StudyError if nothing is held out or
    nothing is left, or if the tokenizer loses text (bits per byte of other text than the document's would look
    plausible and be wrong).
    """
    if TokenShards.read(folder).held_out.documents == 0:
        raise StudyError(
            f"source '{source}' has no held-out documents, so its bits per byte cannot be measured; "
            "raise hold_out_fraction, add documents, or leave the source out of evaluation.bits_per_byte.sources"
        )
    table = pq.read_table(folder / "held_out.parquet", columns=["text", "content_hash", "whole_hash", "text_hash"])
    table = _never_trained_on(table, source, trained_on or {})
    columns = (table[name].to_pylist() for name in ("content_hash", "whole_hash", "text"))
    rows = sorted(zip(*columns, strict=True))
    sizes = [len(text.encode()) for *_, text in rows]
    count = int(np.searchsorted(np.cumsum(sizes), at_least_bytes)) + 1
    encoded = encoder.encode([text for *_, text in rows[:count]])
    for (content_hash, _, text), tokens in zip(rows, encoded, strict=False):
        _check_nothing_is_lost(source, content_hash, text, encoder.decode(tokens))
    return [
        HeldOutDocument(whole, size, tuple(tokens))
        for (_, whole, _), size, tokens in zip(rows, sizes, encoded, strict=False)
    ]


def _never_trained_on(table: pa.Table, source: str, trained_on: Mapping[str, str]) -> pa.Table:
    gone = pc.is_in(table["text_hash"], value_set=pa.array(trained_on, pa.string()))
    left = table.filter(pc.invert(gone))
    if not len(left):
        others = sorted({trained_on[hash_] for hash_ in table["text_hash"].to_pylist()})
        raise StudyError(
            Problem(
                f"all {len(table)} held-out texts of source '{source}' stand, byte for byte, in what is trained on of "
                f"{listing(others)}, so its bits per byte would be those of text that models have seen; leave it out "
                "of evaluation.bits_per_byte.sources, or give the sources other documents or another `transform`",
                path=("evaluation", "bits_per_byte"),
            )
        )
    return left


def first_bytes(documents: Sequence[HeldOutDocument], at_least_bytes: int) -> list[HeldOutDocument]:
    """The first documents that reach `at_least_bytes`: the part of a source that milestones are checked on."""
    taken, size = [], 0
    for document in documents:
        if size >= at_least_bytes:
            break
        taken.append(document)
        size += document.bytes
    return taken


def score_documents(
    scorer: Scorer,
    documents: Sequence[HeldOutDocument],
    end_of_text_id: int,
    on_document: Callable[[int], None] = lambda scored: None,
) -> list[DocumentNats]:
    """Nats of each document, in their order. `on_document` is told how many more documents are done."""
    found = []
    for group in _groups(documents):
        windows, starts, owners = [], [], []
        for owner, document in enumerate(group):
            for window, start in cut_into_windows((end_of_text_id, *document.tokens), scorer.window):
                windows.append(window)
                starts.append(start)
                owners.append(owner)
        nats = [0.0] * len(group)
        for owner, values in zip(owners, scorer.token_nats(windows, starts), strict=True):
            nats[owner] += float(values.sum(dtype=np.float64))
        found += [DocumentNats(d.whole, n, d.bytes) for d, n in zip(group, nats, strict=True)]
        on_document(len(group))
    return found


def cut_into_windows(tokens: Sequence[int], window: int) -> list[tuple[Sequence[int], int]]:
    """(sequence, first scored position) pairs that score tokens[1:] once each, with all the context that fits.

    Every sequence holds at most `window + 1` tokens. Each but the first begins with `floor(window / 4)` tokens of
    context, so that a scored token never has less unless the text has not.

    >>> [(list(sequence), start) for sequence, start in cut_into_windows(range(8), 4)]
    [([0, 1, 2, 3, 4], 1), ([4, 5, 6, 7], 1)]
    """
    context = window // 4
    end = min(len(tokens), window + 1)
    pieces = [(tokens[:end], 1)]
    while end < len(tokens):
        begin = end - max(context, 1)
        end, scored_to = min(len(tokens), begin + window + 1), end
        pieces.append((tokens[begin:end], scored_to - begin))
    return pieces


def joined(pieces: Iterable[DocumentNats]) -> list[DocumentNats]:
    """One entry a whole document, in the order of first pieces: pieces of one text are no independent observations.

    >>> joined([DocumentNats("a", 1.5, 4), DocumentNats("b", 1.0, 2), DocumentNats("a", 0.5, 4)])
    [DocumentNats(whole='a', nats=2.0, bytes=8), DocumentNats(whole='b', nats=1.0, bytes=2)]
    """
    of_whole: dict[str, list[DocumentNats]] = {}
    for piece in pieces:
        of_whole.setdefault(piece.whole, []).append(piece)
    return [
        DocumentNats(whole, math.fsum(p.nats for p in found), sum(p.bytes for p in found))
        for whole, found in of_whole.items()
    ]


def bits_per_byte(documents: Iterable[DocumentNats]) -> float:
    """Sum of nats over ln 2 times the sum of bytes: the score of all the text, not the mean of the documents' scores.

    >>> bits_per_byte([DocumentNats("a", math.log(2) * 8, 4), DocumentNats("b", 0.0, 4)])
    1.0
    """
    scored = list(documents)
    return math.fsum(d.nats for d in scored) / (math.log(2) * sum(d.bytes for d in scored))


def _groups(documents: Sequence[HeldOutDocument]) -> list[list[HeldOutDocument]]:
    groups: list[list[HeldOutDocument]] = []
    size = TOKENS_AT_ONCE
    for document in documents:
        if size >= TOKENS_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(document)
        size += len(document.tokens)
    return groups


def _check_nothing_is_lost(source: str, content_hash: str, text: str, decoded: str) -> None:
    # some tokenizers write a space before the first word, and some of them take it away again
    if text not in (decoded, decoded.removeprefix(" "), " " + decoded):
        raise StudyError(
            f"the tokenizer changes the text of held-out document {content_hash} of source '{source}', so its bits "
            "per byte would be those of another text; take a byte-level tokenizer without a normalizer"
        )
