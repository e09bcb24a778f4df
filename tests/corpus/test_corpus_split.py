"""The split stage: a content's fate is its own, wherever and however often it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus import split_documents
from titrant.corpus.documents import SCHEMA
from titrant.errors import StoreError, StudyError
from titrant.jobs import SplitJob
from titrant.tokens.documents import content_hash

sources = st.lists(st.lists(st.integers(0, 60), min_size=30, max_size=60), min_size=1, max_size=3)


def write(folder: Path, texts, planted=()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    every = [(text, False) for text in texts] + [(text, True) for text in planted]
    rows = [
        {
            "id": str(n),
            "text": t,
            "language": "x",
            "licence": "x",
            "origin": "x",
            "content_hash": content_hash(t),
            "planted": p,
        }
        for n, (t, p) in enumerate(every)
    ]
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        pq.write_table(pa.Table.from_pylist(part, schema=SCHEMA), folder / f"documents-{number:05d}.parquet")
    return folder


def fates(folder: Path) -> list[str]:
    table = pq.read_table(folder / "split.parquet").to_pydict()
    assert table["row"] == list(range(len(table["row"])))
    return table["fate"]


def expected_fate(text: str, hold_out: float) -> bool:
    return int(blake3(text.encode()).hexdigest()[:16], 16) / 2**64 < hold_out


@settings(max_examples=30, deadline=None)
@given(sources, st.sampled_from([0.2, 0.5]), st.sampled_from([0.0, 0.3]))
def test_no_content_is_trained_on_in_one_source_and_held_out_in_another(
    tmp_path_factory, given_sources, hold_out, reserve
):
    root = tmp_path_factory.mktemp("split")
    seen: dict[str, str] = {}
    folders: dict[str, Path] = {}
    for number, contents in enumerate(given_sources):
        # a few contents of its own, so that both sides have one
        texts = [f"text {n}" for n in contents] + [f"own {number} {n}" for n in range(40)]
        folder, out = write(root / f"in-{number}", texts), root / f"out-{number}"
        out.mkdir()
        job = SplitJob(hold_out_fraction=hold_out, reserve_fraction=reserve)
        inputs = {"documents": folder} | {f"earlier/{name}": path for name, path in folders.items()}
        split = split_documents(job, inputs, out, scratch=root, progress=lambda *a, **k: None)
        for text, fate in zip(texts, fates(out), strict=True):
            if text in seen:
                assert fate.startswith("duplicate")
            else:
                assert fate in ("train", "reserved", "held_out")
                assert (fate == "held_out") == expected_fate(text, hold_out)
                seen[text] = fate
        assert sum(part.documents for part in split.parts.values()) == len(texts)
        assert sum(part.bytes for part in split.parts.values()) == sum(len(text) for text in texts)
        folders[f"s{number}"] = out


def test_the_first_of_equal_documents_is_kept_and_the_earlier_source_is_named(tmp_path, split):
    own = [f"d{n}" for n in range(50)]
    earlier = write(tmp_path / "a", ["shared", *own])
    later = write(tmp_path / "b", ["x", "shared", "x", *(f"e{n}" for n in range(50))])
    summary, out = split(later, text=split(earlier)[1])
    found = fates(out)
    assert found[1:3] == ["duplicate of text", "duplicate"]
    assert found[0] in ("train", "held_out")
    assert (summary.parts["duplicate of text"].documents, summary.parts["duplicate of text"].bytes) == (1, 6)


def test_another_hold_out_fraction_moves_the_line_and_nothing_else(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n}" for n in range(400)])
    small, large = fates(split(folder, 0.1)[1]), fates(split(folder, 0.3)[1])
    assert all(b == "held_out" for a, b in zip(small, large, strict=True) if a == "held_out")
    assert 20 <= small.count("held_out") <= 65
    assert 85 <= large.count("held_out") <= 155


def test_what_is_reserved_does_not_depend_on_what_is_held_out(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n}" for n in range(2000)])
    found = np.array(fates(split(folder, 0.5, 0.25)[1]))
    rest = found[found != "held_out"]
    # were the reserve drawn from the same number, all or none of the rest would fall below its line
    assert 0.2 < (rest == "reserved").mean() < 0.3


def test_planted_documents_are_always_trained_on(tmp_path, split):
    planted = [f"fact {n}." for n in range(200)]
    folder = write(tmp_path / "a", [f"d{n}" for n in range(50)] + ["fact 3."], planted)
    _, out = split(folder, 0.45, 0.45)
    assert fates(out)[51:] == ["train"] * 200
    assert fates(out)[50] == "duplicate"
    later = write(tmp_path / "b", [f"e{n}" for n in range(50)] + ["fact 7."])
    assert fates(split(later, 0.45, first=out)[1])[50] == "duplicate of first"


def test_a_planted_fact_that_stands_in_an_earlier_source_is_refused(tmp_path, split):
    earlier = write(tmp_path / "a", ["fact 1.", *(f"d{n}" for n in range(50))])
    later = write(tmp_path / "b", [f"e{n}" for n in range(50)], ["fact 1.", "fact 2."])
    with pytest.raises(StudyError, match=r"1 planted documents .* equal to documents of source 'text'"):
        split(later, text=split(earlier)[1])


def test_a_source_too_small_to_hold_anything_out_says_which_fraction_would(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n}" for n in range(12)])
    with pytest.raises(
        StudyError, match=r"12 distinct documents .* holds out none of them; raise it to at least"
    ) as caught:
        split(folder, 0.0001)
    least = float(str(caught.value).split("at least ")[1].split(", or")[0])
    assert "held_out" in fates(split(folder, least)[1])


def test_a_source_with_nothing_left_to_train_on_is_an_error(tmp_path, split):
    texts = [text for text in (f"d{n}" for n in range(60)) if expected_fate(text, 0.4)]
    with pytest.raises(StudyError, match="leave none to train on"):
        split(write(tmp_path / "a", texts, ["fact 1."]), 0.4)
    with pytest.raises(StudyError, match=r"1 distinct document of its own .* too few for both sides"):
        split(write(tmp_path / "b", ["one", "one"]))


def test_two_runs_write_identical_bytes(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n % 70}" for n in range(100)])
    one, two = split(folder, 0.3, 0.2), split(folder, 0.3, 0.2)
    assert one[0] == two[0]
    assert (one[1] / "split.parquet").read_bytes() == (two[1] / "split.parquet").read_bytes()


def test_a_damaged_documents_file_is_named(tmp_path, split):
    folder = write(tmp_path / "a", [f"d{n}" for n in range(10)])
    (folder / "documents-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"documents-00001.parquet cannot be read"):
        split(folder)


def test_two_sources_that_plant_the_same_facts_both_keep_them(tmp_path, split):
    planted = ["fact 1.", "fact 2."]
    earlier = write(tmp_path / "a", [f"d{n}" for n in range(50)], planted)
    later = write(tmp_path / "b", [f"e{n}" for n in range(50)], planted)
    assert fates(split(later, text=split(earlier)[1])[1])[50:] == ["train", "train"]
