"""Mechanism arms from end to end: sources made of one source differ from it in what is transformed and in nothing else."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from demo_study import DEMO, lay_out_study
from titrant.artifacts import Transformed, read_record
from titrant.cli.data import DATA_KINDS
from titrant.cli.opened import open_plan
from titrant.execute.runner import run_plan
from titrant.execute.store import open_store
from titrant.execute.watch import PlainDisplay

MADE = {
    "bare": "[strip-comments, strip-docstrings]",
    "renamed": "rename-identifiers",
    "shuffled": "shuffle-tokens",
    "words": "comments-only",
}
STUDY = DEMO.replace(
    "mixtures:\n",
    "".join(f"  {name}: {{kind: code, from: [{{source: code}}], transform: {steps}}}\n" for name, steps in MADE.items())
    + "mixtures:\n"
    + "".join(f"  of-{name}: {{text: 50, {name}: 50}}\n" for name in MADE),
).replace("contrasts:\n", "".join(f"  {name}-only: [{{whole: of-{name}}}]\n" for name in MADE) + "contrasts:\n")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The plan and the store of a study whose data jobs are done."""
    study = lay_out_study(tmp_path_factory.mktemp("transform"), STUDY)
    for number, path in enumerate(sorted((study.parent / "code").iterdir())):
        path.write_text(
            f'"""Module {number} adds."""\n\n\ndef added_{number}(left, right):\n'
            f'    """Add {number}."""\n    # Why not {number * 7}?\n'
            + "".join(f"    left = left * {number + i} + right  # Step {i}.\n" for i in range(20))
            + "    return left\n"
        )
    (study.parent / "code" / "zz.nosuch").write_text("nothing reads this\n")
    opened = open_plan(str(study))
    store = open_store(study.parent / "store", create=True)
    run_plan(opened.plan.part(DATA_KINDS), store, PlainDisplay(print), workers=1)
    return opened.plan, store


def rows_of(done, source):
    """Of one source: what it trains on and holds out, as (hash of the whole document, text)."""
    plan, store = done
    job = plan.jobs[plan.tokens[source]]
    folder, tokenizer = store.require(job), store.require(plan.jobs[job.inputs["tokenizer"]])
    decode = Tokenizer.from_file(str(tokenizer / "tokenizer.json")).decode
    train = pq.read_table(folder / "train.parquet").to_pylist()
    ids = read_ids(folder, train)
    held = pq.read_table(folder / "held_out.parquet").to_pylist()
    return (
        {row["whole_hash"]: decode(each[:-1]) for row, each in zip(train, ids, strict=True)},
        {row["whole_hash"]: row["text"] for row in held},
    )


def read_ids(folder: Path, rows):
    """The tokens of every document, its end among them."""
    import numpy as np

    sidecar = json.loads((folder / "train.json").read_text())
    ids = np.fromfile(folder / "train.bin", dtype=sidecar["dtype"]).tolist()
    at = 0
    for row in rows:
        yield ids[at : at + row["tokens"]]
        at += row["tokens"]


def test_documents_and_their_sides_are_those_of_the_source_that_others_are_made_of(done):
    plan, _ = done
    own = plan.jobs[plan.tokens["code"]].inputs
    originals = rows_of(done, "code")
    for name in MADE:
        inputs = plan.jobs[plan.tokens[name]].inputs
        assert inputs["split"] == own["split"]
        assert inputs["tokenizer"] == own["tokenizer"]
        for made, original in zip(rows_of(done, name), originals, strict=True):
            assert set(original) - set(made) <= {plan_unread(done)}
            assert not set(made) - set(original)
            assert list(made) == [each for each in original if each in made]


def plan_unread(done):
    """The hash of the one document in a language without a grammar."""
    plan, store = done
    documents = store.require(plan.jobs[plan.jobs[plan.tokens["code"]].inputs["documents"]])
    rows = pq.read_table(documents / "documents-00000.parquet").to_pylist()
    (found,) = [row["content_hash"] for row in rows if row["id"] == "0/zz.nosuch"]
    return found


def test_each_differs_in_what_it_says_and_in_nothing_else(done):
    before = {**rows_of(done, "code")[0], **rows_of(done, "code")[1]}
    after = {name: {**rows_of(done, name)[0], **rows_of(done, name)[1]} for name in MADE}
    before.pop(plan_unread(done))
    for key, text in before.items():
        bare, renamed, shuffled, words = (after[name][key] for name in MADE)
        assert "#" not in bare
        assert '"""' not in bare
        assert ast.dump(ast.parse(bare)) == ast.dump(ast.parse("\n".join(code_of(text))))
        assert len(list(ast.walk(ast.parse(renamed)))) == len(list(ast.walk(ast.parse(text))))
        assert "left" not in renamed
        assert Counter("".join(shuffled.split())) == Counter("".join(text.split()))
        assert shuffled != text
        assert words.splitlines()[-1] == "Step 19."


def code_of(text):
    """Lines of one of the files above that are code alone."""
    for line in text.splitlines():
        if '"""' not in line and not line.strip().startswith("#"):
            yield line.partition("#")[0]


def test_what_became_of_the_documents_is_counted(done):
    plan, store = done
    for name in MADE:
        job = plan.jobs[plan.jobs[plan.tokens[name]].inputs["documents"]]
        assert job.kind == "transform"
        assert read_record(store.require(job)).kind == "transform"
        summary = Transformed.read(store.require(job))
        assert summary.changed == 90 + (name == "shuffled")
        assert summary.unchanged == 0
        step = MADE[name].strip("[]").split(",")[0]
        reason = f"{step}: no grammar for language 'unknown'"
        expected = {f"{step}: no rule for the names of language 'unknown'": 1} if name == "renamed" else {reason: 1}
        assert summary.left_out == ({} if name == "shuffled" else expected)
