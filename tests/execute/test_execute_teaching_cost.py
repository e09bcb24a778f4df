"""What `titrant plan` says that a teacher will be asked: counted where files lie here, else called what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from demo_study import DEMO
from titrant.cli.planning import _teaching_lines
from titrant.plan import make_plan
from titrant.study.load import open_study
from titrant.study.world import pin_study

TEACHER = {"model": "big", "endpoint": "http://localhost:1/v1", "price_input": 0.1, "price_output": 0.2}
RECORD = {"statement": "Return twice `n`.", "entry_point": "twice", "tests": "assert twice(1) == 2"}


@pytest.fixture
def line(write_study: Callable[..., Path]) -> Callable[..., str]:
    """The line about the teacher of a synthesis from these problems; `{FOLDER}` is the study's."""

    def told(*problems: dict[str, Any], teacher: dict[str, Any] = TEACHER) -> str:
        content = yaml.safe_load(DEMO)
        content["synthesis"] = {"taught": {"from": list(problems), "teacher": teacher, "decontaminate": []}}
        content["sources"]["made"] = {"kind": "synthetic", "from": [{"synthetic": "taught"}]}
        content["mixtures"]["balanced"] = {"text": 50, "code": 40, "made": 10}
        plan = make_plan(pin_study(open_study(write_study(yaml.safe_dump(content, sort_keys=False)))))
        (found,) = _teaching_lines(plan, plan.jobs)
        return found

    return told


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Three records and empty lines; one record; a table of five."""
    rows = [json.dumps(RECORD | {"id": number}) for number in range(3)]
    (tmp_path / "three.jsonl").write_text("\n".join([*rows[:2], "", "  ", rows[2]]))
    (tmp_path / "one.jsonl").write_text(json.dumps(RECORD) + "\n")
    pq.write_table(pa.Table.from_pylist([RECORD] * 5), tmp_path / "five.parquet")
    return [str(tmp_path / name) for name in ("three.jsonl", "one.jsonl", "five.parquet")]


def test_the_records_of_files_are_counted(line: Callable[..., str], files: list[str]) -> None:
    assert "taught: 3 requests to big for at most 3 problems, which cost" in line({"files": files[:1]})
    assert "taught: 1 requests to big for at most 1 problem, which cost" in line({"files": files[1]})
    assert "taught: 9 requests to big for at most 9 problems" in line({"files": files})
    assert "taught: 4 requests to big for at most 4 problems" in line({"files": files, "most": 4})
    assert "taught: 9 requests to big for at most 9 problems" in line({"files": files, "most": 400})
    sampled = TEACHER | {"sampling": {"samples": 5, "temperature": 0.7}}
    assert "taught: 40 requests to big for at most 8 problems" in line(
        {"files": files[:1]}, {"generated": 5}, teacher=sampled
    )


def test_a_file_that_has_changed_is_counted_again(line: Callable[..., str], files: list[str]) -> None:
    assert "at most 1 problem," in line({"files": files[1]})
    with Path(files[1]).open("a") as file:
        file.write(json.dumps(RECORD | {"id": 1}) + "\n")
    assert "at most 2 problems," in line({"files": files[1]})


def test_a_number_that_is_assumed_is_called_so(line: Callable[..., str], files: list[str]) -> None:
    dataset = {"dataset": "someone/problems", "revision": "0" * 40}
    told = line({"files": files[1]}, dataset)
    assert "taught: 1,001 requests to big for 1,001 problems (assumed: 1,000 in each set whose number" in told
    assert "assumed" not in line(dataset | {"most": 7})
    assert "7 requests to big for at most 7 problems" in line(dataset | {"most": 7})
    assert "taught: 20 requests to big for 20 problems, which" in line({"generated": 20})


def test_a_small_cost_is_not_told_as_nothing(line: Callable[..., str], files: list[str]) -> None:
    told = line({"files": files[1]}, teacher=TEACHER | {"most_cost": 0.004})
    likely, most = told.partition("which cost about ")[2].partition(" at most;")[0].split(" and ")
    assert 0 < float(likely) <= float(most) < 0.001
    assert told.endswith("most_cost stops them at 0.0040")
