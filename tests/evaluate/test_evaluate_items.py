"""The items that sources are searched for: all that is asked with the right answer, and the question alone."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from titrant.errors import StudyError
from titrant.evaluate import write_items
from titrant.jobs import ItemsJob
from titrant.study.evaluation import MultipleChoice


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def written(tmp_path, *tasks):
    job = ItemsJob(multiple_choice=tuple(MultipleChoice(name=path.stem, file=str(path)) for path in tasks))
    made = write_items(job, {}, tmp_path, scratch=tmp_path, progress=silent)
    return made, pq.read_table(tmp_path / "items.parquet").to_pylist()


def test_every_item_stands_twice_under_the_name_that_scores_give_it(tmp_path) -> None:
    lines = [
        {"context": "The sky is", "choices": [" loud", " blue", " 7"], "answer": 1},
        {"context": "Two and\u2028two", "choices": [" 4", " 5"], "answer": 0},
    ]
    first, second = tmp_path / "sky.jsonl", tmp_path / "sums.jsonl"
    first.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    second.write_text(json.dumps(lines[1]) + "\n")
    made, rows = written(tmp_path, first, second)
    assert made.items == {"choice/sky": 2, "choice/sums": 1}
    assert rows == [
        {
            "outcome": "choice/sky",
            "item": "line 1",
            "part": "whole",
            "text": "The sky is blue",
            "choices": 3,
            "right": 1,
        },
        {"outcome": "choice/sky", "item": "line 1", "part": "question", "text": "The sky is", "choices": 3, "right": 1},
        {
            "outcome": "choice/sky",
            "item": "line 2",
            "part": "whole",
            "text": "Two and\u2028two 4",
            "choices": 2,
            "right": 1,
        },
        {
            "outcome": "choice/sky",
            "item": "line 2",
            "part": "question",
            "text": "Two and\u2028two",
            "choices": 2,
            "right": 1,
        },
        {
            "outcome": "choice/sums",
            "item": "line 1",
            "part": "whole",
            "text": "Two and\u2028two 4",
            "choices": 2,
            "right": 1,
        },
        {
            "outcome": "choice/sums",
            "item": "line 1",
            "part": "question",
            "text": "Two and\u2028two",
            "choices": 2,
            "right": 1,
        },
    ]


def test_a_file_with_a_mistake_is_told_with_its_line(tmp_path) -> None:
    path = tmp_path / "sky.jsonl"
    path.write_text('{"context": "a", "choices": ["b", "c"], "answer": 0}\n{"context": "a"}\n')
    with pytest.raises(
        StudyError, match=r"a line is an object with 'context', 'choices' and 'answer' \(.*sky.jsonl:2\)"
    ):
        written(tmp_path, path)
