"""No study scores text that one of its runs may train on, also where texts become equal or documents share a piece."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from demo_study import DEMO, lay_out_study
from titrant.artifacts import QuestionList
from titrant.cli.opened import open_plan
from titrant.errors import JobError, StudyError
from titrant.evaluate.bits_per_byte import read_held_out
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.trained_on import texts_trained_on
from titrant.execute.runner import run_plan
from titrant.execute.store import open_store
from titrant.execute.watch import PlainDisplay

KINDS = ("documents", "split", "transform", "tokenizer", "tokens", "ledger", "questions")
LICENCE = "".join(f"Licence line {n} of all files here.\n" for n in range(6))


@pytest.fixture
def done(tmp_path):
    """Runs the data jobs of the demo study with other sources, up to the gate; the plan, the store and the gate."""

    def run(sources, write, scored):
        content = yaml.safe_load(DEMO)
        content["sources"] = {"text": {"kind": "text", "from": [{"files": "prose"}], "max_epochs": 99}} | sources
        drawn = list(sources)[-1]
        content["mixtures"] = {"text": {"text": 1}, "both": {"text": 50, drawn: 50}}
        content["arms"] = {"text": [{"whole": "text"}], "both": [{"whole": "both"}]}
        content["contrasts"] = [{"arm": "both", "control": "text"}]
        content["tokenizer"] |= {"mixture": "both", "training_bytes": "20kB"}
        content["evaluation"]["bits_per_byte"]["sources"] = scored
        study = lay_out_study(tmp_path, yaml.safe_dump(content, sort_keys=False))
        write(tmp_path)
        plan, store = open_plan(str(study)).plan, open_store(tmp_path / "store", create=True)
        run_plan(plan.part(KINDS), store, PlainDisplay(print), workers=1)
        (gate,) = (job for job in plan.jobs.values() if job.kind == "questions")
        return plan, store, gate

    return run


def code(number):
    return "".join(f"def f{number}_{n}(a, b):\n    return a * {number * 7 + n} + b * {n}\n" for n in range(8))


def commented(equal):
    """Two folders of programs that differ in comments: so many of them in nothing else."""

    def write(folder):
        for name, shift in (("left", 0), ("right", 200)):
            (folder / name).mkdir()
            for number in range(120):
                body = code(number if number < equal else number + shift)
                (folder / name / f"{number:02}.py").write_text(f"# {name} {number}\n{body}")

    return write


def stripped(name):
    files = [{"files": name}]
    return {"kind": "code", "from": files, "transform": "strip-comments", "max_epochs": 99}


def read_as_scored(plan, store, gate, source):
    """What is scored of a source, all of it, and what is held out of it."""
    inputs = {role: store.require(plan.jobs[id_]) for role, id_ in gate.inputs.items()}
    encoder = Encoder.of_artifact(inputs["tokenizer"])
    trained_on = texts_trained_on(inputs, [source])
    read = read_held_out(inputs[f"tokens/{source}"], source, 10**9, encoder, trained_on)
    held_out = pq.read_table(inputs[f"tokens/{source}"] / "held_out.parquet")["text"].to_pylist()
    return {encoder.decode(document.tokens) for document in read}, held_out


def texts_of(plan, store, source, fate):
    """The documents' texts of one fate as they are trained on."""
    job = plan.jobs[plan.tokens[source]]
    documents, split = (store.require(plan.jobs[job.inputs[role]]) for role in ("documents", "split"))
    texts = pa.concat_tables([pq.read_table(path) for path in sorted(documents.glob("documents-*.parquet"))])["text"]
    fates = pq.read_table(split / "split.parquet")["fate"]
    return [text for text, theirs in zip(texts.to_pylist(), fates.to_pylist(), strict=True) if theirs == fate]


def test_what_another_source_trains_on_once_texts_are_changed_is_not_scored(done):
    plan, store, gate = done({"left": stripped("left"), "right": stripped("right")}, commented(50), ["left", "text"])
    trained = set(texts_of(plan, store, "right", "train"))
    scored, held_out = read_as_scored(plan, store, gate, "left")

    assert set(held_out) & trained  # the leak
    assert scored == set(held_out) - trained
    assert QuestionList.read(store.require(gate)).trained_on == {"left": {"right": len(set(held_out) & trained)}}


def test_a_source_of_which_nothing_else_is_left_is_refused_by_name_and_count(done):
    with pytest.raises((StudyError, JobError), match=r"held-out texts .*stand.* in what is trained on of 'right'"):
        done({"left": stripped("left"), "right": stripped("right")}, commented(120), ["left", "text"])


def test_a_piece_that_two_documents_share_is_not_scored(done):
    def write(folder):
        (folder / "headed").mkdir()
        for number in range(60):
            (folder / "headed" / f"{number:02}.py").write_text(LICENCE + code(number))

    source = {"kind": "code", "from": [{"files": "headed"}], "max_document_characters": len(LICENCE), "max_epochs": 99}
    plan, store, gate = done({"headed": source}, write, ["headed"])
    scored, held_out = read_as_scored(plan, store, gate, "headed")

    assert LICENCE in held_out
    assert scored == set(held_out) - {LICENCE}
    assert QuestionList.read(store.require(gate)).trained_on == {"headed": {"headed": held_out.count(LICENCE)}}


def test_every_evaluation_leaves_out_what_any_arm_may_train_on(tmp_path):
    plan = open_plan(str(lay_out_study(tmp_path))).plan
    for job in plan.jobs.values():
        if job.kind in ("questions", "evaluate"):
            trained = {role.removeprefix("trained/"): id_ for role, id_ in job.inputs.items() if "trained/" in role}
            assert trained == plan.tokens
