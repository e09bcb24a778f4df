"""The signals stage: the same files and rows as the documents', found once, and gone on with where it stopped."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titrant.corpus import find_all_signals
from titrant.corpus.rules import PASSED, first_failed
from titrant.corpus.signals import find_signals, read_signal
from titrant.corpus.writer import SCHEMA
from titrant.errors import StoreError
from titrant.jobs import SignalsJob
from titrant.study.rule_sets import RULE_SETS
from titrant.study.signals import SIGNALS

FAMILIES = ("prose", "size")


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def rows(texts):
    count = len(texts)
    columns = [[f"0/{i}" for i in range(count)], texts, ["text"] * count, ["MIT"] * count, ["files"] * count]
    return pa.table([*columns, ["0" * 32] * count, [False] * count], schema=SCHEMA)


@pytest.fixture
def folder(tmp_path):
    """Three files of documents, of two row groups each."""
    made = tmp_path / "documents"
    made.mkdir()
    for number in range(3):
        texts = [f"the document {number} {place} " * (place + 1) for place in range(7)]
        pq.write_table(rows(texts), made / f"documents-{number:05d}.parquet", row_group_size=4)
    return made


def find(folder, tmp_path, name, families=FAMILIES, progress=silent, scratch=None):
    out = tmp_path / name
    out.mkdir()
    scratch = scratch or tmp_path / f"{name}-scratch"
    scratch.mkdir(exist_ok=True)
    job = SignalsJob(families=families)
    return find_all_signals(job, {"documents": folder}, out, scratch=scratch, progress=progress), out


def test_every_file_of_documents_has_a_file_of_signals_with_the_same_rows(folder, tmp_path):
    summary, out = find(folder, tmp_path, "out")
    assert sorted(path.name for path in out.iterdir()) == [f"signals-0000{number}.parquet" for number in range(3)]
    for number in range(3):
        documents = pq.read_table(folder / f"documents-0000{number}.parquet").combine_chunks().to_batches()[0]
        expected = find_signals(documents, FAMILIES).to_pylist()
        assert pq.read_table(out / f"signals-0000{number}.parquet").to_pylist() == expected
    lengths = [len(text) for path in sorted(folder.iterdir()) for text in pq.read_table(path)["text"].to_pylist()]
    found = summary.signals["characters"]
    assert (found.documents, found.least, found.most) == (21, min(lengths), max(lengths))
    assert found.mean == sum(lengths) / 21


def test_a_stopped_attempt_goes_on_at_its_row_group_and_ends_with_the_same_bytes(folder, tmp_path):
    whole, expected = find(folder, tmp_path, "whole")
    scratch, asked = tmp_path / "scratch", []

    def stop(done, total, unit, note=""):
        if done > 10:
            raise KeyboardInterrupt

    def listen(done, total, unit, note=""):
        asked.append(done)

    with pytest.raises(KeyboardInterrupt):
        find(folder, tmp_path, "first", progress=stop, scratch=scratch)
    finished = [f"documents-0000{place}.arrow" for place in ("0-00000", "0-00001", "1-00000")]
    assert sorted(path.name for path in scratch.glob("parts-*/*")) == finished
    again, out = find(folder, tmp_path, "second", progress=listen, scratch=scratch)
    assert again == whole
    assert min(asked) == 11
    for path in expected.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()


def test_a_damaged_file_of_documents_is_named(folder, tmp_path):
    damaged = folder / "documents-00001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(StoreError, match=r"documents-00001\.parquet cannot be read .* delete its folder"):
        find(folder, tmp_path, "out")


def test_a_source_without_files_has_empty_signals(tmp_path):
    empty = tmp_path / "none"
    empty.mkdir()
    summary, out = find(empty, tmp_path, "out")
    assert not list(out.iterdir())
    assert summary.signals["words"].documents == 0
    assert summary.signals["words"].mean is None


def test_a_stored_signal_is_read_in_the_order_of_the_documents(folder, tmp_path):
    _, out = find(folder, tmp_path, "out", families=("size", "language"))
    texts = [text for path in sorted(folder.iterdir()) for text in pq.read_table(path)["text"].to_pylist()]
    assert read_signal(out, "characters") == [len(text) for text in texts]
    assert read_signal(out, "file_language") == ["text"] * 21
    with pytest.raises(StoreError, match=r"signals-00000\.parquet holds no signal 'words'"):
        read_signal(out, "words")


@pytest.mark.parametrize(
    ("name", "text", "passes"),
    [
        ("permissive", "# SPDX-License-Identifier: MIT\n", True),
        (
            "permissive",
            "// Licensed under the Apache License, Version 2.0 <a> or the MIT license <b>, at your option",
            True,
        ),
        ("permissive", "# SPDX-License-Identifier: GPL-3.0-only\n", False),
        ("permissive", "# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: GPL-2.0-only\n", False),
        ("english", "Nobody in the village was surprised that the children had gone down to the river again.", True),
        ("english", "Niemand im Dorf war überrascht, dass die Kinder wieder an den Fluss gegangen waren.", False),
        ("english", "1 + 1 = 2", True),
        ("no-secrets", "key = 'AKIAQ3Z7TLM5N8R2VWXY'", False),
        ("no-secrets", "key = 'AKIAIOSFODNN7EXAMPLE'", True),
        ("starcoder", '{"a": 1}', False),
        ("starcoder", "def f(x):\n    return x + 1\n", True),
        ("aryabumi", "x = 0x1F\n", False),
        ("aryabumi", "x = 31\n", True),
    ],
)
def test_a_named_set_of_rules_keeps_and_drops(tmp_path, name, text, passes):
    folder = tmp_path / "documents"
    folder.mkdir()
    id_ = "0/a.json" if text.startswith("{") else "0/a.py"
    columns = [[id_], [text], ["unknown"], ["unknown"], ["files"], ["0" * 32], [False]]
    pq.write_table(pa.table(columns, schema=SCHEMA), folder / "documents-00000.parquet")
    rules = RULE_SETS[name]
    families = tuple({SIGNALS[rule.signal].family for rule in rules})
    _, out = find(folder, tmp_path, "out", families=families)
    assert (first_failed(out, rules)[0] == PASSED) == passes
