"""Public datasets by their presets, each read offline from a folder whose files have the real set's columns."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from titrant.errors import EngineError, StudyError
from titrant.study.origins import Files
from titrant.study.presets import PRESETS
from titrant.study.world import content_of, files_of

pytest.importorskip("datasets")


def jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


@pytest.fixture
def preset(tmp_path, documents):
    """Writes rows into a file of the dataset's kind and reads them by the preset; returns (summary, rows)."""
    count = 0

    def read(name, file, rows, on_error="stop", **fields):
        nonlocal count
        count += 1
        path = tmp_path / f"set-{count}" / file
        path.parent.mkdir(parents=True)
        if file.endswith(".parquet"):
            pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), path)
        else:
            pack = {"gz": gzip.compress, "zst": zstandard.compress}.get(file.rpartition(".")[2], bytes)
            path.write_bytes(pack(jsonl(rows)))
        root = tmp_path / f"set-{count}"
        revision = content_of(files_of(Files(files=(str(root),))))[:40]
        origin = {"preset": name, "dataset": str(root), "revision": revision, "config": None, **fields}
        summary, out = documents(origin, on_error=on_error)
        return summary, pq.read_table(sorted(out.glob("documents-*"))).to_pylist()

    return read


def test_slimpajama_leaves_github_and_stackexchange_out(preset):
    sets = ["RedPajamaC4", "RedPajamaGithub", "RedPajamaStackExchange", "RedPajamaArXiv", None]
    rows = [{"text": f"text {n}", "meta": {"redpajama_set_name": name}} for n, name in enumerate(sets)]
    summary, found = preset("slimpajama", "train/chunk1/example_train_0.jsonl.zst", rows)
    assert [row["text"] for row in found] == ["text 0", "text 3", "text 4"]
    assert summary.left_out == {
        "meta.redpajama_set_name is 'RedPajamaGithub'": 1,
        "meta.redpajama_set_name is 'RedPajamaStackExchange'": 1,
    }
    assert {row["language"] for row in found} == {"english"}


@pytest.mark.parametrize("name", ["fineweb", "fineweb-edu"])
def test_fineweb(preset, name):
    row = {
        "text": "a page\r\nof text",
        "id": "<urn:uuid:1>",
        "dump": "CC-MAIN-2024-10",
        "url": "http://a",
        "date": "2024-02-20T00:00:00Z",
        "file_path": "s3://a",
        "language": "en",
        "language_score": 0.98,
        "token_count": 5,
    }
    _, found = preset(name, "data/CC-MAIN-2024-10/train-00000-of-00001.parquet", [row, row | {"text": "another"}])
    assert [row["text"] for row in found] == ["a page\nof text", "another"]
    assert found[0]["licence"] == "ODC-By-1.0"
    assert found[1]["id"] == "0/train:1"


def test_fineweb_by_a_condition_on_a_number(preset):
    rows = [{"text": f"t{n}", "int_score": n} for n in (2, 3, 4)]
    where = {"column": "int_score", "one_of": [3, 4]}
    summary, found = preset("fineweb-edu", "data/train.parquet", rows, where=where)
    assert [row["text"] for row in found] == ["t3", "t4"]
    assert summary.left_out == {"int_score is not one of 3, 4": 1}


def test_dclm(preset):
    rows = [
        {
            "bff_contained_ngram_count_before_dedupe": 3,
            "language_id_whole_page_fasttext": {"en": 0.97},
            "metadata": {"Content-Length": "4", "WARC-Type": "response"},
            "previous_word_count": 10,
            "text": "page",
            "url": "http://a",
            "warcinfo": "robots: classic",
            "fasttext_openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train_prob": 0.02,
        }
    ]
    _, found = preset("dclm", "train/shard_00000000_processed.jsonl.zst", rows)
    assert [(row["text"], row["licence"]) for row in found] == [("page", "CC-BY-4.0")]


def test_c4(preset):
    rows = [{"text": f"page {n}", "timestamp": "2019-04-25T12:57:54Z", "url": "http://a"} for n in range(3)]
    _, found = preset("c4", "train.00000-of-01024.json.gz", rows)
    assert [row["text"] for row in found] == ["page 0", "page 1", "page 2"]


def test_wikipedia(preset):
    rows = [{"id": "12", "url": "https://en.wikipedia.org/wiki/A", "title": "A", "text": "An article."}]
    _, found = preset("wikipedia", "train-00000-of-00041.parquet", rows)
    assert [(row["text"], row["licence"]) for row in found] == [("An article.", "CC-BY-SA-4.0")]


def test_the_stack_joins_a_list_of_licences(preset):
    row = {
        "hexsha": "a" * 40,
        "size": 6,
        "ext": "py",
        "lang": "Python",
        "max_stars_repo_path": "a/b.py",
        "max_stars_repo_name": "x/y",
        "max_stars_repo_head_hexsha": "b" * 40,
        "max_stars_repo_licenses": ["MIT", "Apache-2.0"],
        "max_stars_count": 3,
        "content": "x = 1\n",
        "avg_line_length": 6.0,
        "max_line_length": 6,
        "alphanum_fraction": 0.3,
    }
    rows = [row, row | {"max_stars_repo_licenses": [], "content": "y"}, row | {"lang": "C", "content": "z"}]
    where = {"column": "max_stars_repo_licenses", "one_of": ["MIT", "Apache-2.0"]}
    _, found = preset("the-stack", "data/python/data-00000-of-00144.parquet", rows)
    assert [(row["text"], row["language"], row["licence"]) for row in found] == [
        ("x = 1\n", "python", "Apache-2.0 OR MIT"),
        ("y", "python", "unknown"),
        ("z", "c", "Apache-2.0 OR MIT"),
    ]
    summary, found = preset("the-stack", "data/python/data-00000-of-00144.parquet", rows, where=where)
    assert [row["text"] for row in found] == ["x = 1\n", "z"]
    assert summary.left_out == {"max_stars_repo_licenses is not one of 'MIT', 'Apache-2.0'": 1}


def test_starcoderdata_of_one_language(preset):
    rows = [
        {
            "max_stars_repo_path": "a.go",
            "max_stars_repo_name": "x/y",
            "max_stars_count": 1,
            "id": "0",
            "content": "<reponame>x/y<filename>a.go\npackage a\n",
        }
    ]
    _, found = preset("starcoderdata", "go/train-00000-of-00025.parquet", rows, language="go")
    assert [(row["language"], row["licence"]) for row in found] == [("go", "permissive, by file")]


def test_commitpackft_becomes_messages_with_diffs(preset):
    row = {
        "commit": "c" * 40,
        "old_file": "a.py",
        "new_file": "a.py",
        "old_contents": "x = 1\n",
        "new_contents": "x = 2\n",
        "subject": "Two",
        "message": "Two\n\nNot one",
        "lang": "Python",
        "license": "mit",
        "repos": "x/y",
    }
    summary, found = preset("commitpackft", "data/python/data.jsonl", [row, row | {"message": " "}])
    assert found[0]["text"] == "Two\n\nNot one\n\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert (found[0]["language"], found[0]["licence"]) == ("python", "mit")
    assert summary.left_out == {"commit without a message": 1}
    with pytest.raises(StudyError, match=r"has no column 'old_file'; it has"):
        preset("commitpackft", "data/python/data.jsonl", [{"message": "x", "lang": "C", "license": "mit"}])


STACK_V2 = [{"blob_id": blob, "language": "Go", "detected_licenses": ["MIT"]} for blob in ("a", "b", "c")]


@pytest.fixture
def fetchers(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"fetchers_{tmp_path.name}"

    def write(body):
        (tmp_path / f"{name}.py").write_text(body)
        return f"{name}:fetch"

    return write


def test_the_stack_v2_is_fetched_by_a_function_of_the_users(preset, fetchers):
    fetch = fetchers("def fetch(row):\n    return None if row['blob_id'] == 'b' else f\"blob {row['blob_id']}\"\n")
    summary, found = preset("the-stack-v2", "data/Go/train-00000-of-00010.parquet", STACK_V2, fetch=fetch)
    assert [(row["text"], row["language"], row["licence"]) for row in found] == [
        ("blob a", "go", "MIT"),
        ("blob c", "go", "MIT"),
    ]
    assert summary.left_out == {"no text fetched": 1}
    with pytest.raises(StudyError, match="has no column 'content'; it has 'blob_id', 'detected_licenses', 'language'"):
        preset("the-stack-v2", "data/Go/train-00000-of-00010.parquet", STACK_V2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def fetch(row):\n    return row['blob_id'].encode()\n", "returned a bytes at .*:0; return a string, or None"),
        ("def fetch(row):\n    raise OSError('gone')\n", r"failed at .*:0 \(OSError: gone\)"),
        ("import nowhere_at_all\n", r"cannot be imported \(ModuleNotFoundError"),
        ("x = 1\n", r"cannot be imported \(AttributeError"),
    ],
)
def test_a_fetcher_that_fails_is_one_error(preset, fetchers, body, message):
    with pytest.raises(EngineError, match=message):
        preset("the-stack-v2", "data/train.parquet", STACK_V2, fetch=fetchers(body))


def test_a_dataset_is_not_read_by_a_parser_of_files(preset):
    with pytest.raises(StudyError, match=r"has rows, and `parse: \{format: jsonl\}` reads files"):
        preset("c4", "train.json.gz", [{"text": "a"}], parse={"format": "jsonl"})


def test_a_dataset_that_the_network_does_not_give_is_one_error(documents, monkeypatch):
    import datasets

    def refused(*given, **options):
        raise ConnectionError("Couldn't reach the hub")

    monkeypatch.setattr(datasets, "load_dataset", refused)
    with pytest.raises(
        EngineError, match=r"'allenai/c4' .* could not be read: ConnectionError: Couldn't reach the hub"
    ):
        documents({"preset": "c4", "revision": "0" * 40})


def test_every_preset_is_tried_here():
    tried = {"slimpajama", "fineweb", "fineweb-edu", "dclm", "c4", "wikipedia", "the-stack", "starcoderdata"}
    assert tried | {"commitpackft", "the-stack-v2", "the-stack-smol"} == set(PRESETS)
