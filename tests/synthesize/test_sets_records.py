"""Problems from files and datasets: every known shape of a record, and every reason to leave one out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titrant.artifacts import Problems
from titrant.corpus.opened import LeftOut
from titrant.errors import StoreError, StudyError
from titrant.jobs import ProblemsJob
from titrant.study.synthesis import ProblemColumns, ProblemDataset, ProblemFiles
from titrant.study.world import content_of_folder, problem_files_of
from titrant.synthesize import make_problems
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.sets import read_problems
from titrant.synthesize.sets.docstrings import description, example_tests, is_sentence
from titrant.synthesize.sets.given_tests import read_tests

HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": (
        "from typing import List\n\n\ndef halve(x: int):\n    return x / 2\n\n\n"
        'def thirds(values: List[int]) -> List[float]:\n    """ Divide each value by three.\n'
        '    >>> thirds([3, 6])\n    [1.0, 2.0]\n    """\n'
    ),
    "canonical_solution": "    return [value / 3 for value in values]\n",
    "test": (
        "\n\nMETADATA = {'author': 'x'}\n\n\ndef check(candidate):\n    assert True, 'fine'\n"
        "    assert candidate([9]) == [3.0], 'nine'\n    assert candidate([3, 6]) == [1.0, 2.0]\n    assert candidate([]) == []\n"
    ),
    "entry_point": "thirds",
}
MBPP = {
    "task_id": 901,
    "text": "Write a function that adds two numbers.",
    "code": "import math\r\ndef helper(a):\r\n    return a\r\n\r\ndef plus(a, b):\r\n    return helper(a) + b",
    "test_list": ["assert plus(1, 2) == 3", "assert plus(2, 2) == 4", "assert plus(0, 0) == 0"],
    "test_setup_code": "",
}


def read(folder: Path, *records: Any, **more: Any) -> list[Problem | LeftOut]:
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return list(read_problems(ProblemFiles(files=(str(path),), **more), 2, {}, lambda *told: None))


def only(found: list[Problem | LeftOut]) -> Problem:
    (problem,) = found
    assert isinstance(problem, Problem)
    return problem


def passes(problem: Problem, program: str | None = None) -> bool:
    """Whether a program passes the problem's tests; ours alone are run like this."""
    try:
        names: dict[str, Any] = {}
        exec(problem.setup, names)
        exec(program if program is not None else f"{problem.prelude}\n{problem.solution}", names)
        for test in problem.tests:
            exec(test, names)
    except Exception:
        return False
    return True


def test_a_record_of_humaneval_is_known(tmp_path: Path):
    found = only(read(tmp_path, HUMANEVAL, licence="MIT"))
    assert found.problem == "set-2-000000"
    assert found.source == "set.jsonl:1, HumanEval/900"
    assert found.licence == "MIT"
    assert found.entry_point == "thirds"
    assert found.about == "Divide each value by three."
    assert found.signature == "def thirds(values: List[int]) -> List[float]:"
    assert found.statement == f"Complete this Python function.\n\n```python\n{HUMANEVAL['prompt'].rstrip()}\n```"
    assert found.tests == (
        "assert thirds([3, 6]) == [1.0, 2.0]",
        "assert thirds([9]) == [3.0]",
        "assert thirds([]) == []",
    )
    assert found.shown == 1  # the first stands in the docstring
    assert found.setup == found.prelude == "from typing import List\n\n\ndef halve(x: int):\n    return x / 2"
    assert found.solution.startswith("def thirds(")
    assert passes(found)
    assert not passes(found, "def thirds(values):\n    return values")


def test_a_check_that_is_more_than_assertions_stays_one_test(tmp_path: Path):
    test = "def check(candidate):\n    for n in range(3):\n        assert candidate([3 * n]) == [n]\n"
    found = only(read(tmp_path, HUMANEVAL | {"test": test}))
    assert found.tests == (f"{test.rstrip()}\n\ncheck(thirds)",)
    assert passes(found)
    assert not passes(found, "def thirds(values):\n    return values")


def test_a_record_of_mbpp_is_known(tmp_path: Path):
    found = only(read(tmp_path, MBPP))
    assert found.entry_point == "plus"
    assert found.source == "set.jsonl:1, 901"
    assert found.about == MBPP["text"]
    assert found.signature == "def plus(a, b):"
    # its name stands nowhere but in the tests: one is shown, the others are not
    assert found.statement == f"{MBPP['text']}\n\nThis must hold:\n\n```python\nassert plus(1, 2) == 3\n```"
    assert (len(found.tests), found.shown) == (3, 1)
    assert found.prelude == "import math\ndef helper(a):\n    return a"
    assert found.solution == "def plus(a, b):\n    return helper(a) + b\n"
    assert found.setup == ""
    assert passes(found)


def test_the_sanitized_mbpp_is_known_too(tmp_path: Path):
    record = {"prompt": "Find the floor.", "code": "import math\ndef f(x):\n    return math.floor(x)"}
    found = only(
        read(tmp_path, record | {"test_list": ["assert f(1.5) == math.floor(1.5)"], "test_imports": ["import math"]})
    )
    assert found.setup == "import math"
    assert passes(found)


def test_setup_that_needs_the_solution_stands_before_each_test(tmp_path: Path):
    code = "class Node:\n    pass\ndef f(node):\n    return 1"
    found = only(
        read(tmp_path, MBPP | {"code": code, "test_setup_code": "root = Node()", "test_list": ["assert f(root) == 1"]})
    )
    assert found.setup == ""
    assert found.tests == ("root = Node()\nassert f(root) == 1",)
    assert passes(found)


def test_columns_have_the_names_that_the_study_gives_them(tmp_path: Path):
    columns = ProblemColumns(statement="task", entry_point="fn", tests="checks", solution="answer", setup="pre")
    record = {
        "task": "Implement `twice(x)`, which doubles x: twice(2) is 4.",
        "fn": "twice",
        "checks": "import math\n\nassert twice(2) == 4\nassert twice(3) == math.floor(6.5), 'message'\n",
        "answer": "def twice(x):\n    return 2 * x\n",
        "pre": "FACTOR = 2",
    }
    found = only(read(tmp_path, record, columns=columns))
    assert found.statement == record["task"]
    assert found.tests == ("assert twice(2) == 4", "assert twice(3) == math.floor(6.5)")
    assert found.shown == 1
    assert found.setup == "FACTOR = 2\nimport math"
    assert passes(found)


@pytest.mark.parametrize(
    ("more", "entry_point"),
    [
        ({"tests": ["assert len(g(1)) == 1", "assert g(2) == h(2)"]}, "g"),
        (
            {
                "tests": "assert a(b(1)) == 1\nassert b(2) == 1",
                "solution": "def a(x):\n    return 1\ndef b(x):\n    return 1",
            },
            "b",
        ),
        ({"solution": "def one():\n    pass\ndef two():\n    return one()"}, "two"),
        ({"statement": "Complete.\n\ndef begun(x):\n    '''Do it.'''\n"}, "begun"),
    ],
)
def test_what_is_asked_for_is_found_if_nobody_says_it(tmp_path: Path, more: dict[str, Any], entry_point: str):
    assert only(read(tmp_path, {"statement": "Do it."} | more)).entry_point == entry_point


def test_a_solution_alone_says_its_signature(tmp_path: Path):
    found = only(
        read(tmp_path, {"statement": "Add one.", "solution": "def inc(x: int = 1) -> int:\n    return x + 1\n"})
    )
    assert found.statement == "Add one.\n\nWrite a Python function. Its first line is `def inc(x: int=1) -> int:`."
    assert found.tests == ()


GOOD = {"statement": "Add one with f(x).", "tests": ["assert f(1) == 2"], "solution": "def f(x):\n    return x + 1"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (GOOD | {"statement": "  \n"}, "no statement"),
        (GOOD | {"statement": None}, "no statement"),
        (GOOD | {"statement": ["a"]}, "a column that holds no text"),
        (GOOD | {"statement": "long " * 5000}, "a statement of more than 20,000 characters"),
        (GOOD | {"statement": "half \ud800"}, "not Unicode"),
        (GOOD | {"entry_point": "Solution().f"}, "what is asked for is no function by its name"),
        (GOOD | {"tests": "assert f(1) =="}, "tests that are no Python"),
        (GOOD | {"tests": 7}, "tests that are no Python"),
        (GOOD | {"tests": "[not json"}, "tests that are no Python"),
        (GOOD | {"solution": "return x + 1"}, "a solution that does not define the function"),
        (
            GOOD | {"solution": "def g(x):\n    return 1", "entry_point": "f"},
            "a solution that does not define the function",
        ),
        (GOOD | {"setup": "import"}, "setup that is no Python"),
        ({"statement": "Do it."}, "no function that is asked for"),
        ({"statement": "Read n.", "tests": "assert True"}, "no function that is asked for"),
        (GOOD, "the same as an earlier one"),
        ([1, 2], "a record that is no object"),
        (
            GOOD | {"statement": "Deep f(x).", "tests": "assert f(" + "1+" * 3000 + "1) == 2"},
            "tests that are no Python",
        ),
    ],
)
def test_what_lacks_something_is_counted_by_its_reason(tmp_path: Path, record: Any, reason: str):
    first, second = read(tmp_path, GOOD, record)
    assert isinstance(first, Problem)
    assert second == LeftOut(reason)


@pytest.mark.parametrize(
    ("name", "told"), [("\ud800", r"\ud800"), ("\x1b[31mred", r"\x1b[31mred"), ("a\x00b", r"a\x00b"), ("ü 1", "ü 1")]
)
def test_a_name_that_is_no_text_is_told_in_signs_that_can_be_written(tmp_path: Path, name: str, told: str):
    found = only(read(tmp_path, GOOD | {"task_id": name}))
    assert found.source == f"set.jsonl:1, {told}"


def test_keys_of_a_strange_file_are_told_in_signs_that_can_be_written(tmp_path: Path):
    with pytest.raises(StudyError) as told:
        read(tmp_path, {"\ud800": 1, "\x1b[31m": 2})
    assert r"it has '\ud800', '\x1b[31m'." in str(told.value)
    assert str(told.value).isprintable()


def test_the_first_so_many_records_are_read(tmp_path: Path):
    records = [GOOD | {"statement": f"Add one with f(x), {n}."} for n in range(5)]
    assert [found.problem for found in read(tmp_path, *records, most=2) if isinstance(found, Problem)] == [
        "set-2-000000",
        "set-2-000001",
    ]


def test_files_may_be_parquet_or_packed_and_say_the_same(tmp_path: Path):
    records = [GOOD | {"statement": f"Add one with f(x), {n}."} for n in range(3)]
    plain = [(each.statement, each.tests) for each in read(tmp_path, *records) if isinstance(each, Problem)]
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "set.parquet")
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress((tmp_path / "set.jsonl").read_bytes()))
    for name in ("set.parquet", "set.jsonl.gz"):
        found = list(read_problems(ProblemFiles(files=(str(tmp_path / name),)), 0, {}, lambda *told: None))
        assert [(each.statement, each.tests) for each in found if isinstance(each, Problem)] == plain


def test_a_file_that_is_not_what_the_study_says_is_an_error(tmp_path: Path):
    with pytest.raises(
        StudyError, match=r"no column 'statement' for the statement; it has 'question'\. Name its columns"
    ):
        read(tmp_path, {"question": "What?"})
    path = tmp_path / "bad.jsonl"
    path.write_text('{"statement": 1}\n{"statement"\n')
    with pytest.raises(StudyError, match=r"bad\.jsonl:2 is not JSON"):
        list(read_problems(ProblemFiles(files=(str(path),)), 0, {}, lambda *told: None))
    path.write_bytes(b'{"statement": "\xff"}\n')
    with pytest.raises(StudyError, match=r"bad\.jsonl:1 is not UTF-8"):
        list(read_problems(ProblemFiles(files=(str(path),)), 0, {}, lambda *told: None))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match=r"bad\.parquet cannot be read as Parquet"):
        list(read_problems(ProblemFiles(files=(str(tmp_path / "bad.parquet"),)), 0, {}, lambda *told: None))
    with pytest.raises(StudyError, match="have changed since the study was read"):
        read(tmp_path, GOOD, content="0" * 64)


def test_files_without_a_problem_are_named_with_what_a_problem_is(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "bare.jsonl").write_text('{"statement": ""}\n')
    (tmp_path / "good.jsonl").write_text(json.dumps(GOOD))

    def made(*names: str) -> Problems:
        origins = tuple(ProblemFiles(files=(str(tmp_path / name),)) for name in names)
        job = ProblemsJob(problems=origins, inputs=8)
        return make_problems(job, {}, tmp_path / "out", scratch=tmp_path, progress=lambda *told: None)

    with pytest.raises(
        StudyError,
        match=r"there is no problem in files 'empty\.jsonl' and files 'bare\.jsonl' \(1 no record at all in files "
        r"'empty\.jsonl', 1 no statement\)\. A problem is a record with a `statement` and with `tests`",
    ):
        made("empty.jsonl", "bare.jsonl")
    some = made("good.jsonl", "empty.jsonl")
    assert (some.problems, some.left_out) == (1, {"no record at all in files 'empty.jsonl'": 1})


@pytest.mark.parametrize("name", ["set.csv", "set.txt.gz", "set.gz.tsv"])
def test_what_is_no_file_of_problems_by_its_ending_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_text("statement,tests\n")
    with pytest.raises(
        StudyError, match=r"is no file of problems by its ending '\.(csv|txt|tsv)'; they are JSON lines"
    ):
        list(read_problems(ProblemFiles(files=(str(tmp_path / name),)), 0, {}, lambda *told: None))
    for good in ("set.jsonl.zst", "set.ndjson", "set", "set.parquet"):
        (tmp_path / good).write_text("")
        assert problem_files_of(ProblemFiles(files=(str(tmp_path / good),)))


def test_a_dataset_is_read_as_files_are(tmp_path: Path):
    pytest.importorskip("datasets")
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    records = [MBPP, MBPP | {"task_id": 902, "text": "Another one."}, MBPP | {"text": ""}]
    pq.write_table(pa.Table.from_pylist(records), folder / "data" / "test-00000-of-00001.parquet")
    origin = ProblemDataset(
        dataset=str(folder), revision=content_of_folder(folder)[:40], split="test", licence="CC-BY-4.0"
    )
    found = list(read_problems(origin, 0, {}, lambda *told: None))
    assert [each.reason if isinstance(each, LeftOut) else each.statement[:12] for each in found] == [
        "Write a func",
        "Another one.",
        "no statement",
    ]
    first = found[0]
    assert isinstance(first, Problem)
    assert first.source == f"dataset@{origin.revision[:12]}:test:0, 901"  # no path of a machine
    assert passes(first)
    one = ProblemDataset(dataset=str(folder), revision=origin.revision, split="test", most=1)
    assert len(list(read_problems(one, 0, {}, lambda *told: None))) == 1
    with pytest.raises(StudyError, match="has revision"):
        list(read_problems(ProblemDataset(dataset=str(folder), revision="0" * 40), 0, {}, lambda *told: None))


def test_tests_in_functions_are_called():
    text = (
        "import math\n\nLIMIT = 3\n\ndef test_a():\n    assert f(1) == LIMIT\n\ndef test_b():\n    assert f(2) == 2\n"
    )
    found = read_tests(text, "f")
    assert found is not None
    assert found.setup == "import math"
    assert found.statements[0] == "LIMIT = 3\n\ndef test_a():\n    assert f(1) == LIMIT\n\ntest_a()"
    assert len(found.statements) == 2


def test_tests_that_need_each_other_stay_together():
    text = "x = f(1)\nassert x == 2\nassert f(x) == 3"
    found = read_tests(text, "f")
    assert found is not None
    assert found.statements == (text,)
    assert read_tests(json.dumps(["assert f(1) == 2", "assert f(2) == 3"]), "f") == read_tests(
        ["assert f(1) == 2", "assert f(2) == 3"], "f"
    )


def test_a_docstring_says_what_a_function_does_before_its_sections():
    assert description("Add one.\n\nParameters\n----------\nx : int\n") == "Add one."
    assert description("Add one.\n:param x: a number") == "Add one."
    assert description("Add.\n    Returns: the sum") == "Add.\n    Returns: the sum"
    assert is_sentence("Returns the first of them.")
    assert not is_sentence("TODO")
    assert not is_sentence("See PEP 8")


def test_examples_that_do_not_stand_alone_are_no_tests():
    said = ">>> f(1, key=[2])\n{1: 'a'}\n>>> f(x)\n3\n>>> g(1)\n2\n>>> f(2) # doctest: +SKIP\n9\n>>> f(3)\nTraceback (most recent call last):\nE\n>>> f(4)\n<object at 0x1>\n>>> f(5)\n"
    assert example_tests(said, "f") == ["assert f(1, key=[2]) == {1: 'a'}", "assert f(5) == None"]
    assert example_tests(">>>f(1)\n2\n", "f") == []  # no doctest, and no error
