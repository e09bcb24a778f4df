"""Hub datasets, read offline from local folders in the hub's layout."""

from __future__ import annotations

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titrant.errors import EngineError, StudyError
from titrant.study.origins import Files
from titrant.study.world import content_of, files_of

pytest.importorskip("datasets")


@pytest.fixture
def dataset(tmp_path):
    """A folder with `data/python` (Parquet in two shards) and `data/text` (JSON lines), and its origin."""
    root = tmp_path / "set"
    (root / "data" / "python").mkdir(parents=True)
    (root / "data" / "text").mkdir()
    for shard in range(2):
        rows = [{"content": f"x = {shard}{n}\n", "lang": "Python", "licenses": ["MIT", "BSD"]} for n in range(3)]
        pq.write_table(pa.Table.from_pylist(rows), root / "data" / "python" / f"train-0000{shard}-of-00002.parquet")
    lines = [json.dumps({"text": f"a\u2028{n}"}, ensure_ascii=False) for n in range(4)]
    (root / "data" / "text" / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def origin(data_dir, **fields):
        revision = content_of(files_of(Files(files=(str(root / data_dir),))))[:40]
        return {"dataset": str(root), "revision": revision, "data_dir": data_dir, **fields}

    return origin


def test_a_local_folder_is_streamed_in_order(dataset, documents):
    origin = dataset("data/python", text="content", language_column="lang", licence_column="licenses")
    _, out = documents(origin, kind="code")
    rows = pq.read_table(out).to_pylist()
    assert [row["text"] for row in rows] == [f"x = {shard}{n}\n" for shard in range(2) for n in range(3)]
    assert {(row["language"], row["licence"]) for row in rows} == {("python", "BSD OR MIT")}
    assert rows[4]["id"] == "0/train:4"


def test_json_lines_and_a_limit_on_documents(dataset, documents):
    _, out = documents(dataset("data/text", max_documents=3, language="english"))
    assert pq.read_table(out)["text"].to_pylist() == [f"a\u2028{n}" for n in range(3)]


def test_a_changed_folder_is_refused(dataset, documents):
    with pytest.raises(StudyError, match=r"has revision [0-9a-f]{40} .* the study pins 0{40}"):
        documents(dataset("data/text") | {"revision": "0" * 40})


def test_a_folder_that_changes_while_it_is_read_is_refused(dataset, documents, tmp_path):
    def and_append(done, total, unit, note=""):
        with (tmp_path / "set/data/text/train.jsonl").open("a") as stream:
            stream.write('{"text": "late"}\n')

    with pytest.raises(StudyError, match=r"train\.jsonl' changed while it was read"):
        documents(dataset("data/text"), progress=and_append)


def test_a_missing_column_or_split_is_named(dataset, documents):
    with pytest.raises(StudyError, match="has no column 'body'; it has 'text'"):
        documents(dataset("data/text", text="body"))
    with pytest.raises(EngineError, match="could not be read"):
        documents(dataset("data/text", split="nowhere"))


def test_a_missing_library_is_named_with_the_command_that_installs_it(dataset, documents, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(EngineError, match=r"needs the `datasets` library: pip install 'titrant\[hub\]'"):
        documents(dataset("data/text"))


def test_where_a_local_dataset_lies_is_not_in_its_documents(dataset, documents):
    origin = dataset("data/text")
    _, out = documents(origin)
    assert set(pq.read_table(out)["origin"].to_pylist()) == {f"dataset@{origin['revision'][:12]}:data/text/train"}
