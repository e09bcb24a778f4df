"""From a set of problems over a teacher to verdicts: what is right is accepted, whoever says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scripted_endpoint import Answer, completion, scripted_endpoint
from titrant.artifacts import FORMAT, Artifact, Record
from titrant.chat.kept_replies import KeptReplies
from titrant.jobs import ProblemsJob, SolutionsJob, VerificationJob
from titrant.study.synthesis import ProblemFiles, Teacher, Verification
from titrant.study.tasks import Sampling
from titrant.synthesize import make_problems, solve_problems, verify_solutions

RECORDS = [
    {
        "task_id": 1,
        "text": "Write a function that gives the largest number of a list, or 0 if the list is empty.",
        "code": "def largest(values):\n    return max(values, default=0)",
        "test_list": ["assert largest([1, 3, 2]) == 3", "assert largest([]) == 0", "assert largest([-4, -2]) == -2"],
        "test_setup_code": "",
    },
    {
        "prompt": 'from typing import List\n\n\ndef twice(values: List[int]) -> List[int]:\n    """ Double every number.\n    >>> twice([1])\n    [2]\n    """\n',
        "canonical_solution": "    return [2 * value for value in values]\n",
        "test": "def check(candidate):\n    assert candidate([1]) == [2]\n    assert candidate([3, -4]) == [6, -8]\n    assert candidate([]) == []\n",
        "entry_point": "twice",
        "task_id": "HumanEval/901",
    },
]
FENCED = "Here:\n```python\n{}\n```"
ANSWERS = {
    "largest": [
        "def largest(values):\n    return 3",  # its example alone
        "def largest(values):\n    best = None\n    for value in values:\n        if best is None or value > best:\n            best = value\n    return best or 0\n\nprint(largest([1]))",
    ],
    "twice": [
        "I would rather not.",
        "def twice(values: List[int]) -> List[int]:\n    return [value + value for value in values]",
    ],
}


def script(number: int, body: dict[str, Any]) -> Answer:
    """The first sample is wrong, the second right."""
    name = next(name for name in ANSWERS if f"`{name}`" in body["messages"][-1]["content"])
    seeds.setdefault(name, body["seed"])
    return Answer(completion(FENCED.format(ANSWERS[name][body["seed"] != seeds[name]])))


seeds: dict[str, int] = {}


def finished(folder: Path, made: Artifact) -> Path:
    """The folder, with the record that the store would write."""
    record = Record(
        format=FORMAT,
        kind=made.kind,
        version=made.version,
        fingerprint="0" * 64,
        declaration={},
        inputs={},
        files={},
        summary=made.model_dump(mode="json"),
    )
    (folder / "record.json").write_text(record.model_dump_json())
    return folder


def test_the_first_right_solution_is_accepted_and_a_wrong_one_never(tmp_path: Path):
    folders = {name: tmp_path / name for name in ("problems", "solutions", "verified", "p", "s", "v")}
    for folder in folders.values():
        folder.mkdir()
    for number, record in enumerate(RECORDS):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record) + "\n")

    def silent(done: int, total: int, unit: str, note: str = "") -> None:
        pass

    files = tuple(ProblemFiles(files=(str(tmp_path / f"{number}.jsonl"),), licence="MIT") for number in range(2))
    made = make_problems(
        ProblemsJob(problems=files, inputs=16), {}, folders["problems"], scratch=folders["p"], progress=silent
    )
    assert made.problems == 2
    problems = finished(folders["problems"], made)
    seeds.clear()
    with scripted_endpoint(script) as endpoint:
        sampling = Sampling(temperature=0.5, samples=2, max_tokens=100)
        teacher = Teacher(model="m", endpoint=endpoint.url, sampling=sampling, requests_at_once=1)
        solved = solve_problems(
            SolutionsJob(teacher=teacher, forms=("python",)),
            {"problems": problems},
            folders["solutions"],
            scratch=folders["s"],
            progress=silent,
            kept=KeptReplies(tmp_path / "kept"),
        )
    assert (solved.replies, solved.empty) == (4, 1)
    inputs = {"problems": problems, "solutions": finished(folders["solutions"], solved)}
    found = verify_solutions(
        VerificationJob(verify=Verification(mutants=4, inputs=16), forms=("python",)),
        inputs,
        folders["verified"],
        scratch=folders["v"],
        progress=silent,
    )
    rows = {row["entry_point"]: row for row in pq.read_table(folders["verified"] / "items.parquet").to_pylist()}
    assert found.accepted == 2, [(row["refused"], row["level"]) for row in rows.values()]
    assert {name: (row["sample"], row["teacher"]) for name, row in rows.items()} == {
        "largest": (1, "m"),
        "twice": (1, "m"),
    }
    assert "print" not in rows["largest"]["accepted"]
    assert rows["twice"]["accepted"].startswith("from typing import List\n")  # it runs by itself
    assert rows["largest"]["first"].startswith("def largest(values):\n    return 3")
