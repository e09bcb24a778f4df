"""Solutions in the files of EvalPlus and BigCode."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from code_problems import HUMANEVAL

from titrant.errors import StudyError
from titrant.evaluate.code.convention import AS_IT_STANDS
from titrant.evaluate.code.files import read_programs, write_bigcode, write_evalplus
from titrant.evaluate.code.problems import problems_of

PROBLEMS = problems_of("humaneval", HUMANEVAL, AS_IT_STANDS, "rows")
PROGRAMS = {
    problem.item: [problem.program("    return 1\n"), problem.program("    x = '\u2028'\n\n")] for problem in PROBLEMS
}


def test_what_is_written_is_read_again_in_both_forms(tmp_path: Path) -> None:
    write_evalplus(tmp_path / "samples.jsonl", PROGRAMS)
    write_bigcode(tmp_path / "generations.json", PROBLEMS, PROGRAMS)
    assert read_programs(tmp_path / "samples.jsonl", PROBLEMS) == PROGRAMS
    assert read_programs(tmp_path / "generations.json", PROBLEMS) == PROGRAMS
    assert json.loads((tmp_path / "generations.json").read_text())[1] == PROGRAMS["HumanEval/1"]
    assert set(json.loads((tmp_path / "samples.jsonl").read_text().split("\n")[0])) == {"task_id", "solution"}


def test_a_completion_follows_its_prompt(tmp_path: Path) -> None:
    rows = [{"task_id": problem.item, "completion": "    pass\n", "other": 1} for problem in PROBLEMS]
    (tmp_path / "samples.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    read = read_programs(tmp_path / "samples.jsonl", PROBLEMS)
    assert read == {problem.item: [problem.before + "    pass\n"] for problem in PROBLEMS}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "{", r"not JSON in UTF-8: .*\(.*a.jsonl:1\)"),
        ("a.jsonl", "\n[1]", r"'task_id' is \[1\], which is no problem that is asked, such as 'HumanEval/0' \(.*:2\)"),
        ("a.jsonl", '{"task_id": "HumanEval/9", "solution": ""}', "'HumanEval/9', which is no problem"),
        ("a.jsonl", '{"task_id": ["x"], "solution": ""}', "which is no problem"),
        ("a.jsonl", '{"task_id": "HumanEval/0", "solution": 3}', "needs 'solution' .* or 'completion'"),
        ("a.jsonl", '{"task_id": "HumanEval/0", "solution": ""}', "no solution of 1 problems, such as 'HumanEval/1'"),
        ("a.json", '[["a"], ["b", "c"]]', "1 solutions of some problems and 2 of others"),
        ("a.json", '[["a"]]', "is 1 entries; it must be a list with one entry for each of the 2 problems"),
        ("a.json", "{}", "is a dict; it must be a list"),
        ("a.json", '["a", "b"]', "entry 0 of .* is 'a'; it must be a list of programs"),
        ("a.json", "\x00", "is not JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(StudyError, match=message):
        read_programs(tmp_path / name, PROBLEMS)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read"):
        read_programs(tmp_path / "none.jsonl", PROBLEMS)
