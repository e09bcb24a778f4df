"""What of a source stands in its tokens: whole documents, counted once however often they were cut."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from titrant.artifacts import LEFT_OUT, PartSize, Shard, TokenShards
from titrant.tokens import encoded
from titrant.tokens.encoded import encoded_parts, with_encoded


def test_documents_are_whole_ones_and_bytes_those_of_their_texts(tmp_path, monkeypatch) -> None:
    shard = Shard(documents=3, tokens=30, bytes=90, content="0" * 64)
    held = PartSize(documents=1, bytes=7)
    made = TokenShards(tokenizer="0" * 64, vocabulary=9, encoder="none", shards={"train": shard}, held_out=held)
    monkeypatch.setattr(encoded.TokenShards, "read", classmethod(lambda _, folder: made))
    pq.write_table(pa.table({"whole_hash": ["a", "a", "b"]}), tmp_path / "train.parquet")
    pq.write_table(pa.table({"whole_hash": ["c"]}), tmp_path / "held_out.parquet")
    parts = encoded_parts(tmp_path)
    assert parts == {"train": PartSize(documents=2, bytes=90), "held_out": PartSize(documents=1, bytes=7)}
    before = {
        "train": PartSize(documents=5, bytes=500),
        "held_out": PartSize(documents=1, bytes=20),
        "duplicate": PartSize(documents=2, bytes=9),
    }
    after = with_encoded(before, parts)
    assert after == parts | {"duplicate": before["duplicate"], LEFT_OUT: PartSize(documents=3, bytes=0)}
    assert sum(part.documents for part in after.values()) == sum(part.documents for part in before.values())
