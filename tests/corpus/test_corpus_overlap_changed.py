"""Items are looked for in texts as they are trained on too: a transform can free an item of what hid it."""

from __future__ import annotations

import json
import random

import pyarrow.parquet as pq
import pytest

from titrant.corpus import find_overlaps, transform_documents
from titrant.evaluate.items import write_items
from titrant.jobs import ItemsJob, OverlapJob, TransformJob
from titrant.study.cleaning import Decontaminate
from titrant.study.evaluation import MultipleChoice

LINES = [
    "total = 0",
    "for value in numbers:",
    "    if value % 7 == 3:",
    "        total += value * scale",
    "    elif value > limit:",
    "        total -= limit // 2",
    "    else:",
    "        total ^= mask | value",
    "return normalise(total, scale, mask)",
]
HEAD = "def weighted_checksum(numbers, scale, limit, mask):\n"
ITEM = HEAD + "".join(f"    {line}\n" for line in LINES)
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"]


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def hidden(seed):
    """The item with a comment before every line, so that no run of its words is left."""
    chance = random.Random(seed)
    return HEAD + "".join(
        f"    {' ' * (len(line) - len(line.lstrip()))}# {' '.join(chance.choices(WORDS, k=6))}\n    {line}\n"
        for line in LINES
    )


@pytest.fixture
def made(tmp_path, documents, split):
    """Documents of which one hides the item in comments and one states it in a comment; their split; the items."""
    folder = tmp_path / "code"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.py").write_text(f"# Number {number}.\nx{number} = {number}\n")
    (folder / "hidden.py").write_text(hidden(1))
    (folder / "stated.py").write_text("".join(f"# {line}\n" for line in ITEM.splitlines()) + "y = 1\n")
    _, read = documents({"files": str(folder)}, kind="code")
    (tmp_path / "task.jsonl").write_text(json.dumps({"context": ITEM, "choices": ["    yes", "    no"], "answer": 0}))
    items = tmp_path / "items"
    items.mkdir()
    task = MultipleChoice(name="task", file=str(tmp_path / "task.jsonl"))
    write_items(ItemsJob(multiple_choice=(task,)), {}, items, scratch=tmp_path, progress=silent)
    return read, split(read)[1], items


def transformed(tmp_path, made, rule=None):
    documents, split, items = made
    out, scratch = tmp_path / "transformed", tmp_path / "transform scratch"
    out.mkdir()
    scratch.mkdir()
    job = TransformJob(redact=(), steps=("strip-comments",), without_items=rule)
    inputs = {"documents": documents, "split": split} | ({"items": items} if rule else {})
    return transform_documents(job, inputs, out, scratch=scratch, progress=silent), out


def ids_held(tmp_path, name, inputs):
    """Of each document that holds the item its id."""
    out, scratch = tmp_path / name, tmp_path / f"{name} scratch"
    out.mkdir()
    scratch.mkdir()
    made = find_overlaps(OverlapJob(rule=Decontaminate()), inputs, out, scratch=scratch, progress=silent)
    ids = pq.read_table(inputs["documents"])["id"].to_pylist()
    held = pq.read_table(out / "overlap.parquet").to_pylist()
    assert made.documents == len(held) == len({row["row"] for row in held})
    assert [row["row"] for row in held] == sorted(row["row"] for row in held)
    return out, {ids[row["row"]].rpartition("/")[2] for row in held}


def test_what_holds_an_item_before_or_after_it_is_changed_is_found(tmp_path, made):
    documents, _, items = made
    before, held = ids_held(tmp_path, "before", {"documents": documents, "items": items})
    assert held == {"stated.py"}
    _, out = transformed(tmp_path, made)
    _, held = ids_held(tmp_path, "after", {"documents": out, "items": items, "before": before})
    assert held == {"hidden.py", "stated.py"}


def test_what_holds_an_item_once_changed_is_dropped_where_such_documents_are(tmp_path, made):
    summary, out = transformed(tmp_path, made, Decontaminate())
    texts = {row["id"].rpartition("/")[2]: row["text"] for row in pq.read_table(out).to_pylist()}
    assert texts["hidden.py"] == ""
    assert texts["stated.py"] == "y = 1\n"
    assert summary.left_out == {"holds items of choice/task once changed": 1}
    assert not [name for name, text in texts.items() if not text and name != "hidden.py"]
