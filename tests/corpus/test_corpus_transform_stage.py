"""The transform stage: the same rows with other texts, and what becomes of those that cannot be changed."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest

import titrant.corpus.transforms.stage as stage_module
from titrant.corpus import transform_documents
from titrant.corpus.transforms import grammars
from titrant.errors import EngineError, StoreError, StudyError
from titrant.jobs import TransformJob


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


@pytest.fixture
def transformed(tmp_path):
    """Runs the stage; returns the summary and the folder. `scratch` names the folder that outlives an interruption."""
    count = 0

    def run(documents, split, *steps, progress=silent, scratch=None, redact=(), paired=None):
        nonlocal count
        count += 1
        out = tmp_path / f"transformed-{count}"
        out.mkdir()
        kept = tmp_path / (scratch or f"scratch-{count}")
        kept.mkdir(exist_ok=True)
        job = TransformJob(redact=redact, steps=steps)
        inputs = {"documents": documents, "split": split}
        inputs |= {f"paired/{name}": folder for name, folder in (paired or {}).items()}
        return transform_documents(job, inputs, out, scratch=kept, progress=progress), out

    return run


@pytest.fixture
def code(tmp_path, documents, split):
    """Lays out files, reads and splits them; returns the two folders."""

    def make(files, **options):
        folder = tmp_path / "code"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _, read = documents({"files": str(folder)}, kind="code")
        return read, split(read, **options)[1]

    return make


def rows(folder):
    return pq.read_table(folder).to_pylist()


def regroup(folder):
    """The same rows in three files of row groups of three."""
    (path,) = folder.iterdir()
    table = pq.read_table(path)
    path.unlink()
    for number, start in enumerate(range(0, len(table), 9)):
        pq.write_table(table.slice(start, 9), folder / f"documents-{number:05d}.parquet", row_group_size=3)


def python_files(count, comment="# number {}"):
    return {f"{n:03}.py": f"x{n} = {n}  {comment.format(n)}\n" for n in range(count)}


def test_rows_ids_hashes_and_their_order_stay_and_only_kept_texts_change(code, transformed):
    read, split = code({**python_files(40), "zz.py": "x7 = 7  # number 7\n"}, hold_out_fraction=0.3)
    summary, out = transformed(read, split, "strip-comments")
    before, after = rows(read), rows(out)
    assert [{**row, "text": ""} for row in after] == [{**row, "text": ""} for row in before]
    fates = [row["fate"] for row in rows(split)]
    assert fates[-1] == "duplicate"
    for row, fate in zip(after, fates, strict=True):
        number = int(row["id"].removeprefix("0/").removesuffix(".py")) if fate != "duplicate" else 0
        assert row["text"] == ("" if fate == "duplicate" else f"x{number} = {number}\n")
    assert summary.model_dump() == {"changed": 40, "unchanged": 0, "left_out": {}}


def test_what_a_transform_cannot_change_is_left_out_and_counted_by_reason(code, transformed):
    files = {**python_files(20), "a.nosuch": "x\n", "b.bat": "rem x\n", "c.py": "x = = = (\n" * 20, "d.txt": "prose\n"}
    summary, out = transformed(*code(files), "strip-comments")
    texts = {row["id"]: row["text"] for row in rows(out)}
    assert [texts[f"0/{name}"] for name in ("a.nosuch", "b.bat", "c.py", "d.txt")] == ["", "", "", "prose\n"]
    assert summary.changed == 20
    assert summary.unchanged == 1
    assert summary.left_out == {
        "strip-comments: does not parse": 1,
        "strip-comments: no grammar for language 'batch'": 1,
        "strip-comments: no grammar for language 'unknown'": 1,
    }


def test_of_documents_that_are_equal_once_changed_the_first_is_kept_on_whichever_side(code, transformed):
    same = {f"same-{n:02}.py": f"x = 1  # {n}\n" for n in range(30)}
    read, split = code({**python_files(30), **same})
    summary, out = transformed(read, split, "strip-comments")
    equal = [row["id"] for row in rows(out) if row["text"] == "x = 1\n"]
    assert equal == ["0/same-00.py"]
    assert {row["fate"] for row in rows(split)} == {"train", "held_out"}
    assert summary.left_out == {"equal to an earlier one once changed": 29}
    assert summary.changed == 31


def test_a_transform_of_a_transform_leaves_out_what_the_first_left_out(code, transformed):
    read, split = code({**python_files(20), "a.nosuch": "x\n"})
    _, first = transformed(read, split, "shuffle-lines", "strip-comments")
    summary, second = transformed(first, split, "shuffle-tokens")
    assert summary.left_out == {"without text before": 1}
    assert all(bool(row["text"]) == (row["id"] != "0/a.nosuch") for row in rows(second))


def test_what_is_paired_has_the_documents_that_have_text_in_all_of_them(code, transformed):
    read, split = code({**python_files(20), "a.nosuch": "x\n", "b.py": "print(1)\n", "c.py": "# only\n"})
    _, bare = transformed(regroup_copy(read), split, "strip-comments")
    _, words = transformed(regroup_copy(read), split, "comments-only")
    summary, control = transformed(regroup_copy(read), split, paired={"words": words, "bare": bare})
    gone = {"0/a.nosuch": "without text in bare", "0/b.py": "without text in words", "0/c.py": "without text in bare"}
    assert summary.left_out == dict(sorted(Counter(gone.values()).items()))
    originals = {row["id"]: row["text"] for row in rows(read)}
    for row in rows(control):
        assert row["text"] == ("" if row["id"] in gone else originals[row["id"]])
    _, stripped = transformed(bare, split, paired={"control": control})
    assert {row["id"] for row in rows(stripped) if row["text"]} == {row["id"] for row in rows(control) if row["text"]}


def regroup_copy(folder):
    """The folder itself, its rows in three files of small row groups."""
    if len(list(folder.glob("*.parquet"))) == 1:
        regroup(folder)
    return folder


def test_documents_are_redacted_before_they_are_changed(code, transformed):
    files = python_files(20, comment="# {}: jane.doe@uni-bonn.de")
    read, split = code(files)
    summary, out = transformed(read, split, redact=("emails",))
    assert [row["text"] for row in rows(out)] == [
        text.replace("jane.doe@uni-bonn.de", "<EMAIL>") for text in files.values()
    ]
    assert summary.changed == 20
    _, only = transformed(read, split, "comments-only", redact=("emails",))
    assert [row["text"] for row in rows(only)] == [f"{number}: <EMAIL>\n" for number in range(20)]


def test_what_is_left_without_code_is_prose_for_what_is_made_of_it(code, transformed):
    files = {**python_files(20, comment="# we count to {}"), "d.txt": "prose\n"}
    read, split = code(files)
    _, only = transformed(read, split, "comments-only")
    assert {row["language"] for row in rows(only)} == {"text"}
    summary, moved = transformed(only, split, "shuffle-tokens")
    assert sorted(rows(moved)[3]["text"].split()) == ["3", "count", "to", "we"]
    assert summary.left_out == {"without text before": 1}


def test_planted_facts_go_on_as_they_are(tmp_path, documents, split, transformed):
    folder = tmp_path / "code"
    folder.mkdir()
    for name, text in python_files(20).items():
        (folder / name).write_text(text)
    plant = {"facts_per_rung": 3, "copies": [1, 4]}
    _, read = documents({"files": str(folder)}, kind="code", plant=plant)
    _, out = transformed(read, split(read)[1], "comments-only", "shuffle-tokens")
    planted = [(row["text"], new["text"]) for row, new in zip(rows(read), rows(out), strict=True) if row["planted"]]
    assert planted
    assert all(old == new for old, new in planted)


@pytest.mark.parametrize("stop_at", [1, 3, 5, 8, 11])
def test_an_interrupted_job_goes_on_where_it_stopped_and_writes_the_same_bytes(code, transformed, monkeypatch, stop_at):
    read, split = code(python_files(20))
    regroup(read)
    _, whole = transformed(read, split, "shuffle-tokens")
    calls, done = 0, []

    def stopping(now, total, unit, note=""):
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt

    original = stage_module.transformed

    def counted(text, *rest):
        done.append(text)
        return original(text, *rest)

    monkeypatch.setattr(stage_module, "transformed", counted)
    with pytest.raises(KeyboardInterrupt):
        transformed(read, split, "shuffle-tokens", progress=stopping, scratch="kept")
    before = len(done)
    _, again = transformed(read, split, "shuffle-tokens", scratch="kept")
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in whole.iterdir()}
    assert len(done) - before == 20 - before // 3 * 3


def test_half_a_result_in_scratch_is_made_again(tmp_path, code, transformed):
    read, split = code(python_files(20))
    _, whole = transformed(read, split, "strip-comments", scratch="kept")
    (result,) = (tmp_path / "kept").glob("parts-*/*")
    result.write_bytes(result.read_bytes()[:100])
    _, again = transformed(read, split, "strip-comments", scratch="kept")
    assert rows(again) == rows(whole)


def test_a_transform_that_leaves_nothing_to_train_on_is_one_sentence(code, transformed):
    read, split = code({f"{n}.py": f"x = {n}\n" for n in range(20)})
    with pytest.raises(StudyError) as raised:
        transformed(read, split, "comments-only")
    train = [row["fate"] for row in rows(split)].count("train")
    assert str(raised.value).startswith(
        f"of {train} documents to train on the transform leaves none with text (20 comments-only: no comments); "
    )


def test_the_split_of_other_documents_and_damaged_ones_are_store_errors(tmp_path, code, documents, split, transformed):
    read, fates = code(python_files(20))
    (tmp_path / "code" / "000.py").write_text("other\n")
    _, other = documents({"files": str(tmp_path / "code")}, kind="code")
    with pytest.raises(StoreError, match=r"the split does not split the documents in .*: they differ; run again"):
        transformed(other, fates, "strip-comments")
    (tmp_path / "code" / "more.py").write_text("more\n")
    _, more = documents({"files": str(tmp_path / "code")}, kind="code")
    with pytest.raises(StoreError, match="tells the fate of 20 documents where there are 21; run again"):
        transformed(more, fates, "strip-comments")
    next(read.glob("*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="cannot be read"):
        transformed(read, fates, "strip-comments")


def test_grammars_of_another_version_are_refused(code, transformed, monkeypatch):
    read, split = code(python_files(20))
    monkeypatch.setattr(grammars, "version", lambda package: "1.0.0")
    grammars.check_packages.cache_clear()
    grammars.load_grammar.cache_clear()
    with pytest.raises(EngineError, match=r"found is 1\.0\.0; `pip install tree-sitter-language-pack==0\.13\.0`"):
        transformed(read, split, "strip-comments")
    grammars.check_packages.cache_clear()
