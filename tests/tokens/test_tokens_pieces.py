"""Long documents: cut where nobody minds, every piece on the side of its document and known by it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_corpus import finish, quiet, some_texts, write_source

from titrant.jobs import TokenizerJob, TokensJob
from titrant.study.architecture import TrainedTokenizer
from titrant.tokens import encode_documents, make_tokenizer
from titrant.tokens.megatron import read_index
from titrant.tokens.pieces import pieces_of

LONG = ["".join(f"book {book} page {page}\n" for page in range(60)) for book in range(4)]
TEXTS = [*LONG, "short one\n", "short two\n", *some_texts(20)]
FATES = ["train", "held_out", "reserved", "train", "train", "held_out", *["train"] * 20]
LONGEST = 200


def hash_of(text: str) -> str:
    return blake3(text.encode()).hexdigest()[:32]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab \n\t\u2028é", max_size=400), st.integers(1, 50))
def test_pieces_join_to_the_text_and_are_never_too_long(text, limit):
    pieces = pieces_of(text, limit)
    assert "".join(pieces) == text
    assert all(len(piece) <= limit for piece in pieces)
    for piece, following in pairwise(pieces):
        # a cut inside a line only where the line itself did not fit
        assert piece.endswith("\n") or "\n" not in piece
        assert following


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("long")
    documents, split = write_source(folder, TEXTS, FATES)
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir()
    job = TokenizerJob(
        tokenizer=TrainedTokenizer(vocabulary=300, mixture="shares", training_bytes=4_000), byte_shares={"s": "1"}
    )
    places = {"documents/s": documents, "split/s": split}
    finish(tokenizer, make_tokenizer(job, places, tokenizer, scratch=folder, progress=quiet))
    return {"documents": documents, "split": split, "tokenizer": tokenizer}


def encoded(inputs: dict[str, Path], out: Path, longest: int | None = LONGEST) -> Path:
    out.mkdir()
    job = TokensJob(max_document_characters=longest)
    return finish(out, encode_documents(job, inputs, out, scratch=out, progress=quiet))


def test_every_piece_stands_on_the_side_of_its_document_and_tells_of_it(inputs, tmp_path) -> None:
    out = encoded(inputs, tmp_path / "out")
    for partition in ("train", "reserved", "held_out"):
        rows = pq.read_table(out / f"{partition}.parquet").to_pylist()
        wholes = {hash_of(text) for text, fate in zip(TEXTS, FATES, strict=True) if fate == partition}
        assert {row["whole_hash"] for row in rows} == wholes
        for row in rows:
            assert (row["whole_hash"] == row["content_hash"]) == ("#" not in row["id"])
        if partition != "held_out":
            assert read_index(out / f"{partition}.idx").documents == len(rows)


def test_the_held_out_pieces_of_a_document_join_to_its_text(inputs, tmp_path) -> None:
    rows = pq.read_table(encoded(inputs, tmp_path / "out") / "held_out.parquet").to_pylist()
    pieces = sorted((int(r["id"].split("#")[1]), r["text"], r["content_hash"]) for r in rows if "#" in r["id"])
    assert "".join(text for _, text, _ in pieces) == LONG[1]
    assert len(pieces) > 3
    for _, text, content_hash in pieces:
        assert len(text) <= LONGEST
        assert text.endswith("\n")
        assert content_hash == hash_of(text)


def test_nothing_is_cut_where_nothing_is_too_long(inputs, tmp_path) -> None:
    longest = max(map(len, TEXTS))
    cut, uncut = encoded(inputs, tmp_path / "cut", longest), encoded(inputs, tmp_path / "uncut", None)
    for file in ("train.bin", "train.idx", "held_out.parquet"):
        assert (cut / file).read_bytes() == (uncut / file).read_bytes()


def test_planted_facts_are_never_cut(inputs, tmp_path) -> None:
    fact = "A fact of the sort that is planted, longer than all that is allowed. " * 4
    documents, split = write_source(tmp_path / "source", [fact, *LONG], ["train"] * 5)
    path = documents / "documents-00000.parquet"
    table = pq.read_table(path)
    marked = pa.array([True, *[False] * 4])
    pq.write_table(table.set_column(table.schema.get_field_index("planted"), "planted", marked), path)
    out = encoded(inputs | {"documents": documents, "split": split}, tmp_path / "out")
    rows = pq.read_table(out / "train.parquet").to_pylist()
    assert rows[0]["content_hash"] == hash_of(fact)
    assert len(rows) > 5


def test_a_very_long_document_does_not_take_up_the_whole_sample_of_the_tokenizer(tmp_path) -> None:
    others = some_texts(400)
    longs = (f"zyx{n} " * 60_000 for n in range(10_000))
    # the one that comes before all others: taken whole, it would be the sample, and 320 entries could not be filled
    long = next(text for text in longs if hash_of(text) < min(map(hash_of, others)))
    documents, split = write_source(tmp_path, [long, *others], ["train"] * 401)
    out = tmp_path / "tokenizer"
    out.mkdir()
    job = TokenizerJob(
        tokenizer=TrainedTokenizer(vocabulary=320, mixture="shares", training_bytes=100_000), byte_shares={"s": "1"}
    )
    places = {"documents/s": documents, "split/s": split}
    assert make_tokenizer(job, places, out, scratch=tmp_path, progress=quiet).vocabulary == 320
