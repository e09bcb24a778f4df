"""What the tables of scores say of answers: labels that come back from item to item, and never places in a list."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from tiny_tasks import ARC, BOOLQ, PIQA, CrcScorer, Scored, built
from tiny_tasks import letters_encoder as letters_encoder

from titrant.analyze.alone import of_one_model
from titrant.cli.evaluating import _remarks
from titrant.evaluate.harness.outcomes import TaskItem, TaskOutcome
from titrant.evaluate.harness.scoring import score_tasks
from titrant.evaluate.tables import Measured, write_scores

SCIQ = [
    {"question": f"What is {n}?", "support": f"So {n}.", "correct_answer": f"right {n}"}
    | {f"distractor{k}": f"wrong {k} {n}" for k in (1, 2, 3)}
    for n in range(60)
]


def scored(tmp_path, encoder, name, rows, scorer=None, **fields):
    """Rows of the table, the summary, and what is said of the model by itself."""
    (outcome,) = score_tasks(scorer or CrcScorer(400), encoder, [built(tmp_path, name, rows, **fields)])
    summary = write_scores(Measured({}, {}, [], (outcome,)), tmp_path)
    path = tmp_path / "items.parquet"
    one = of_one_model(path, summary.chance, summary.majority)[f"task/{name}"]
    return pq.read_table(path).to_pylist(), summary, one


class Favours(CrcScorer):
    """Finds a continuation that begins with one text likeliest, whatever the question."""

    def __init__(self, encoder, text):
        super().__init__(400)
        self.ids = encoder.encode([text])[0]

    def _scores(self, sequence, start):
        found = super()._scores(sequence, start)
        favoured = sequence[start : start + len(self.ids)] == self.ids
        return Scored(found.nats * 0 + (0.1 if favoured else 5.0), found.best)


def test_labels_are_numbered_and_texts_of_an_item_are_unknown(tmp_path, letters_encoder):
    rows, _, one = scored(tmp_path, letters_encoder, "boolq", BOOLQ)
    assert [row["answer"] for row in rows] == [row["label"] for row in BOOLQ]
    assert all(row["value"] == (row["predicted"] == row["answer"]) for row in rows)
    assert one.commonest == max([row["predicted"] for row in rows].count(label) for label in (0, 1)) / len(rows)
    for name, documents in (("piqa", PIQA), ("arc_easy", ARC)):
        rows, _, one = scored(tmp_path, letters_encoder, name, documents)
        assert {(row["predicted"], row["answer"]) for row in rows} == {(-1, -1)}
        assert one.commonest is None


def test_a_model_that_knows_texts_which_always_stand_last_is_not_said_to_give_one_answer(tmp_path, letters_encoder):
    _, summary, one = scored(tmp_path, letters_encoder, "sciq", SCIQ, Favours(letters_encoder, " right"))
    assert (one.score, summary.majority["task/sciq"]) == (1, pytest.approx(1 / 60))
    assert list(_remarks(one)) == []


def test_a_model_that_says_d_to_everything_is_at_chance_by_letters(tmp_path, letters_encoder):
    sayer = Favours(letters_encoder, " D")
    rows, summary, one = scored(tmp_path, letters_encoder, "sciq", SCIQ, sayer, choices="letters")
    assert {row["predicted"] for row in rows} == {3}
    assert one.score < 0.4
    assert summary.majority["task/sciq"] < 0.45
    assert list(_remarks(one)) == ["not above chance", "one answer on 100 % of items"]


def test_a_score_of_its_own_has_no_chance_in_the_summary_and_no_choices_in_the_table(tmp_path, letters_encoder):
    targets = {"choices": ["yes", "no", "it is"], "labels": [1, 0, 1]}
    documents = [{"question": f"Is it {n}?", "mc1_targets": targets, "mc2_targets": targets} for n in range(3)]
    rows, summary, one = scored(tmp_path, letters_encoder, "truthfulqa_mc2", documents)
    assert (summary.chance, summary.majority, one.right_probability) == ({}, {}, None)
    assert {(row["predicted"], row["answer"]) for row in rows} == {(-1, -1)}


def test_of_several_right_choices_no_label_is_the_answer(tmp_path):
    """Another right one may be predicted, which must not look like a mistake."""
    said = [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 0.0)]
    items = [TaskItem(str(n), v, p, a, ("A", "B", "C"), right=2) for n, (p, a, v) in enumerate(said)]
    outcome = TaskOutcome("task/quiz", "acc", "none", "validation", 0, items, {})
    summary = write_scores(Measured({}, {}, [], (outcome,)), tmp_path)
    assert summary.chance["task/quiz"] == pytest.approx(2 / 3)
    rows = pq.read_table(tmp_path / "items.parquet").to_pylist()
    assert {(row["predicted"], row["answer"]) for row in rows} == {(-1, -1)}
