"""Examples of a source: the same ones every time, a few of each fate, and nothing private in them."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titrant.corpus import choose_examples
from titrant.errors import StoreError
from titrant.jobs import ExamplesJob

KEY = "AKIA" + "Q7ZB2LMN4XKP9RSD"


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


@pytest.fixture
def made(tmp_path, documents, split):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02d}.txt").write_text(
            f"text number {number // 2} of jane.doe@uni-bonn.de\n" + "word " * 300
        )
    (folder / "key.txt").write_text("x" * 490 + f" aws_access_key_id = {KEY}\n")
    _, read = documents({"files": str(folder), "licence": "MIT"})
    _, fates = split(read, hold_out_fraction=0.2)
    return {"documents": read, "split": fates}


def examples_of(inputs, tmp_path, **fields):
    out = tmp_path / "examples"
    out.mkdir(exist_ok=True)
    summary = choose_examples(ExamplesJob(**fields), inputs, out, scratch=tmp_path, progress=silent)
    return summary, json.loads((out / "examples.json").read_text())


def test_a_few_of_each_fate_with_the_smallest_content_hashes(made, tmp_path):
    summary, found = examples_of(made, tmp_path, count=2)
    fates = pq.read_table(made["split"]).to_pylist()
    ids = pq.read_table(made["documents"], columns=["id"]).column("id").to_pylist()
    assert found.keys() == {"train", "held_out", "duplicate"}
    assert summary.documents == 6
    for fate, shown in found.items():
        rows = sorted((row["content_hash"], row["row"]) for row in fates if row["fate"] == fate)[:2]
        assert [one["id"] for one in shown] == [ids[row] for _, row in rows]
    assert {one["licence"] for shown in found.values() for one in shown} == {"MIT"}


def test_only_the_beginning_is_shown_and_its_length_is_told(made, tmp_path):
    _, found = examples_of(made, tmp_path, characters=40)
    for one in found["train"]:
        assert len(one["text"]) == 40
        assert one["characters"] > 400


def test_secrets_and_addresses_are_replaced_even_where_the_text_is_cut_inside_them(made, tmp_path):
    _, found = examples_of(made, tmp_path, count=100, characters=500)
    text = json.dumps(found)
    assert "jane.doe" not in text
    assert "<EMAIL>" in text
    assert KEY[:8] not in text, "cut at 500 characters, the key would be too short to be found"


def test_of_what_is_kept_the_text_is_shown_as_it_is_trained_on(made, tmp_path):
    changed = tmp_path / "changed"
    changed.mkdir()
    (path,) = made["documents"].glob("documents-*.parquet")
    table = pq.read_table(path)
    texts = pa.array([text.upper() for text in table.column("text").to_pylist()], pa.large_string())
    upper = table.set_column(table.column_names.index("text"), "text", texts)
    pq.write_table(upper, changed / path.name)
    _, found = examples_of(made | {"transformed": changed}, tmp_path)
    assert all(one["text"].isupper() for fate in ("train", "held_out") for one in found[fate])
    assert not any(one["text"].isupper() for one in found["duplicate"])


def test_a_damaged_split_is_named(made, tmp_path):
    path = made["split"] / "split.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"split.parquet cannot be read"):
        examples_of(made, tmp_path)


def test_what_a_transform_empties_is_no_example_of_what_is_trained_on(made, tmp_path):
    changed = tmp_path / "emptied"
    changed.mkdir()
    (path,) = made["documents"].glob("documents-*.parquet")
    table = pq.read_table(path)
    texts = [text if row % 3 else "" for row, text in enumerate(table.column("text").to_pylist())]
    emptied = table.set_column(table.column_names.index("text"), "text", pa.array(texts, pa.large_string()))
    pq.write_table(emptied, changed / path.name)
    _, found = examples_of(made | {"transformed": changed}, tmp_path)
    assert all(one["characters"] for fate in ("train", "held_out") for one in found[fate])
    assert len(found["left without text by a transform"]) == 3
