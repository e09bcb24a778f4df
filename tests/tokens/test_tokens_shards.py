"""Shards: every document comes back, nothing damaged is read, nothing without a tokenizer's name is used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_corpus import finish, quiet, some_texts, write_source
from tokenizers import Tokenizer

from titrant.artifacts import TokenizerFile, TokenShards
from titrant.errors import StoreError, StudyError
from titrant.jobs import TokenizerJob, TokensJob
from titrant.study.architecture import TrainedTokenizer
from titrant.tokens import encode_documents, encoder, make_tokenizer
from titrant.tokens.encode import DESCRIBED
from titrant.tokens.encoder import Encoder
from titrant.tokens.megatron import read_index, token_type, write_index
from titrant.tokens.shards import adopt_foreign_shard, open_shard, verify_shard

ODD = ["a <|endoftext|> in the text", "unassigned \U000e0fff sign", "\x00", "  \n\n\t ", "x", "naïve – 漢字"]
TEXTS = some_texts(100) + some_texts(100, "code") + ODD
FATES = [("train", "train", "train", "reserved", "held_out", "duplicate")[n % 6] for n in range(len(TEXTS) - len(ODD))]
FATES += ["train"] * len(ODD)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("source")
    documents, split = write_source(folder, TEXTS, FATES)
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir()
    job = TokenizerJob(
        tokenizer=TrainedTokenizer(vocabulary=350, mixture="shares", training_bytes=9_000), byte_shares={"s": "1"}
    )
    places = {"documents/s": documents, "split/s": split}
    finish(tokenizer, make_tokenizer(job, places, tokenizer, scratch=folder, progress=quiet))
    return {"documents": documents, "split": split, "tokenizer": tokenizer}


def encode(out: Path, inputs: dict[str, Path], longest: int | None = None) -> TokenShards:
    out.mkdir()
    made = encode_documents(TokensJob(max_document_characters=longest), inputs, out, scratch=out, progress=quiet)
    finish(out, made)
    return made


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, Path]) -> Path:
    out = tmp_path_factory.mktemp("tokens") / "out"
    encode(out, inputs)
    return out


def test_every_document_comes_back_in_order_with_one_end_of_text_after_it(
    shards: Path, inputs: dict[str, Path]
) -> None:
    tokenizer = Tokenizer.from_file(str(inputs["tokenizer"] / "tokenizer.json"))
    for partition in ("train", "reserved"):
        shard = verify_shard(shards, partition)  # type: ignore[arg-type]
        wanted = [text for text, fate in zip(TEXTS, FATES, strict=True) if fate == partition]
        found, document = [], []
        for token in shard.tokens.tolist():
            if token == 0:
                found.append(tokenizer.decode(document, skip_special_tokens=False))
                document = []
            else:
                document.append(token)
        assert document == []
        assert found == wanted
        rows = pq.read_table(shards / f"{partition}.parquet")
        assert rows["tokens"].to_pylist() == np.diff(np.flatnonzero(shard.tokens == 0), prepend=-1).tolist()
        assert rows["content_hash"].to_pylist() == [blake3(text.encode()).hexdigest()[:32] for text in wanted]
        assert shard.documents == len(wanted) == len(rows)


def test_the_summary_counts_what_was_written(shards: Path, inputs: dict[str, Path]) -> None:
    made = TokenShards.read(shards)
    assert made.tokenizer == TokenizerFile.read(inputs["tokenizer"]).content
    for partition, shard in made.shards.items():
        raw = (shards / f"{partition}.bin").read_bytes()
        assert (shard.tokens * 2, shard.content) == (len(raw), blake3(raw).hexdigest())
        assert shard.bytes == sum(
            len(text.encode()) for text, fate in zip(TEXTS, FATES, strict=True) if fate == partition
        )
    assert sum(shard.documents for shard in made.shards.values()) + made.held_out.documents == len(FATES) - FATES.count(
        "duplicate"
    )


def test_held_out_documents_stay_text_in_the_order_of_their_hashes(shards: Path) -> None:
    table = pq.read_table(shards / "held_out.parquet")
    wanted = [text for text, fate in zip(TEXTS, FATES, strict=True) if fate == "held_out"]
    assert sorted(table["text"].to_pylist()) == sorted(wanted)
    assert table["content_hash"].to_pylist() == sorted(table["content_hash"].to_pylist())
    assert table.column_names == ["id", "text", *DESCRIBED[1:]]


def test_a_special_token_spelt_out_in_a_document_is_text(inputs: dict[str, Path]) -> None:
    for fast in (True, False):
        (ids,) = Encoder(inputs["tokenizer"] / "tokenizer.json", fast=fast).encode(["a <|endoftext|> b"])
        assert 0 not in ids


def test_the_bytes_are_the_same_with_and_without_the_fast_library(
    tmp_path: Path, inputs: dict[str, Path], shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_load_gigatoken", lambda file: None)
    encode(tmp_path / "slow", inputs)
    for path in sorted(shards.iterdir()):
        assert path.read_bytes() == (tmp_path / "slow" / path.name).read_bytes(), path.name


def test_a_fast_library_that_differs_is_not_used(
    tmp_path: Path, inputs: dict[str, Path], shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, asked = encoder._encode_fast, []

    def differs(tokenizer: object, texts: list[str]) -> list[encoder.Ids]:
        asked.append(len(texts))
        return [np.append(ids, 65) for ids in honest(tokenizer, texts)] if texts else []

    pytest.importorskip("gigatoken")
    monkeypatch.setattr(encoder, "_encode_fast", differs)
    encode(tmp_path / "out", inputs)
    assert len(asked) == 1
    assert (tmp_path / "out" / "train.bin").read_bytes() == (shards / "train.bin").read_bytes()


def test_one_document_in_64_is_checked_however_the_batches_fall(
    inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gigatoken")
    checked: list[str] = []
    ours = Encoder(inputs["tokenizer"] / "tokenizer.json")
    truth = ours._encode_truly
    monkeypatch.setattr(ours, "_encode_truly", lambda texts: checked.extend(texts) or truth(texts))
    texts = [f"text {n}" for n in range(300)]
    for start, stop in ((0, 10), (10, 64), (64, 65), (65, 300)):
        ours.encode(texts[start:stop])
    assert checked == texts[::64]


@given(texts=st.lists(st.text(), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_has_the_ids_that_tokenizers_gives_and_comes_back(texts: list[str], inputs: dict[str, Path]) -> None:
    file = inputs["tokenizer"] / "tokenizer.json"
    reference = Tokenizer.from_file(str(file))
    reference.encode_special_tokens = True
    for fast in (True, False):
        for text, ids in zip(texts, Encoder(file, fast=fast).encode(texts), strict=True):
            assert ids.tolist() == reference.encode(text).ids
            assert reference.decode(ids.tolist(), skip_special_tokens=False) == text


def test_a_shard_cut_short_is_refused_by_name(tmp_path: Path, shards: Path) -> None:
    for suffix, message in (("bin", "it was cut short or changed"), ("idx", "where its header asks for")):
        folder = shutil.copytree(shards, tmp_path / suffix)
        path = folder / f"train.{suffix}"
        path.write_bytes(path.read_bytes()[:-2])
        with pytest.raises(StoreError, match=message) as raised:
            open_shard(folder, "train")
        assert str(path) in str(raised.value)
        assert "run again" in str(raised.value)


def test_a_missing_shard_or_sidecar_is_refused_by_name(tmp_path: Path, shards: Path) -> None:
    for suffix in ("bin", "idx", "json"):
        folder = shutil.copytree(shards, tmp_path / suffix)
        (folder / f"train.{suffix}").unlink()
        with pytest.raises(StoreError, match=rf"train\.{suffix} cannot be read"):
            open_shard(folder, "train")


def test_a_single_flipped_bit_is_found(tmp_path: Path, shards: Path) -> None:
    folder = shutil.copytree(shards, tmp_path / "copy")
    raw = bytearray((folder / "train.bin").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "train.bin").write_bytes(raw)
    open_shard(folder, "train")
    with pytest.raises(StoreError, match=r"train\.bin is damaged: its content hash is"):
        verify_shard(folder, "train")


def test_a_shard_of_another_program_needs_a_tokenizers_name(tmp_path: Path, shards: Path) -> None:
    for suffix in ("bin", "idx"):
        shutil.copy(shards / f"train.{suffix}", tmp_path / f"theirs.{suffix}")
    with pytest.raises(StudyError, match="does not say which tokenizer encoded it"):
        adopt_foreign_shard(tmp_path / "theirs")
    ours, theirs = open_shard(shards, "train"), adopt_foreign_shard(tmp_path / "theirs", tokenizer="ab" * 32)
    assert np.array_equal(ours.tokens, theirs.tokens)
    assert (theirs.content, theirs.tokenizer) == (ours.content, "ab" * 32)
    shutil.copy(shards / "train.json", tmp_path / "theirs.json")
    with pytest.raises(StudyError, match="was encoded by tokenizer"):
        adopt_foreign_shard(tmp_path / "theirs", tokenizer="ab" * 32)


@given(lengths=st.lists(st.integers(0, 70_000), max_size=40), vocabulary=st.sampled_from([300, 65_536, 65_537]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_index_reads_back_as_written(lengths: list[int], vocabulary: int, tmp_path: Path) -> None:
    write_index(tmp_path / "a.idx", token_type(vocabulary), np.array(lengths, dtype=np.int32))
    index = read_index(tmp_path / "a.idx")
    assert index.lengths.tolist() == lengths
    assert (index.dtype.itemsize, index.documents) == (2 if vocabulary <= 65_536 else 4, len(lengths))


def test_the_index_has_the_bytes_that_the_format_asks_for(tmp_path: Path) -> None:
    write_index(tmp_path / "a.idx", token_type(300), np.array([3, 2], dtype=np.int32))
    assert (tmp_path / "a.idx").read_bytes().hex() == (
        "4d4d4944494458" + "0000" + "0100000000000000" + "08" + "0200000000000000" + "0300000000000000"
        "03000000" + "02000000" + "0000000000000000" + "0600000000000000"
        "0000000000000000" + "0100000000000000" + "0200000000000000"
    )


def test_a_split_of_other_documents_is_refused(tmp_path: Path, inputs: dict[str, Path]) -> None:
    _, split = write_source(tmp_path / "other", TEXTS[::-1], FATES)
    with pytest.raises(StoreError, match=r"does not split the documents in .*: they differ at row 0"):
        encode(tmp_path / "out", inputs | {"split": split})
    _, short = write_source(tmp_path / "longer", [*TEXTS, "one more"], [*FATES, "train"])
    with pytest.raises(StoreError, match=r"tells the fate of 207 documents, .* holds 206"):
        encode(tmp_path / "out2", inputs | {"split": short})
