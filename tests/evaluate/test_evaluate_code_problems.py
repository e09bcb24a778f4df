"""Code tasks: problems from rows, prompts as the harness makes them, and what is kept of them."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from code_problems import HUMANEVAL, MBPP, MULTIPL_E

from titrant.errors import EngineError, StudyError
from titrant.evaluate.code.convention import convention_of
from titrant.evaluate.code.problems import cut, problems_of
from titrant.evaluate.code.stored import Prepared, prepare_problems, read_problems
from titrant.study.tasks import CodeTask, TaskData

pytest.importorskip("lm_eval")


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that tells nobody."""


def rows_in(folder: Path, rows: list[dict[str, Any]]) -> TaskData:
    path = folder / "rows.jsonl"
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return TaskData(files={"test": str(path)})


def test_an_answer_to_humaneval_is_what_follows_the_prompt_and_helpers_go_to_the_tests() -> None:
    first, second = problems_of("humaneval", HUMANEVAL, convention_of("humaneval", None), "rows")
    assert first.prompt == first.before == HUMANEVAL[0]["prompt"]
    assert first.program("    pass\n").endswith('"""\n    pass\n')
    assert first.entry_points == ("root",)
    assert first.setup.startswith("import math")
    assert "def cube" in first.setup
    assert "def root" not in first.setup
    assert first.tests.endswith("check(root)\n")
    assert second.setup == "from typing import List\n\n\n"
    assert {"\ndef", "\nclass"} <= set(first.stop)


def test_tests_of_mbpp_say_what_they_use_of_a_solution() -> None:
    problems = problems_of("mbpp", MBPP, convention_of("mbpp", None), "rows")
    assert [problem.entry_points for problem in problems] == [("add",), ("Pair", "exchange"), ("sum",)]
    assert [problem.item for problem in problems] == ["Mbpp/11", "Mbpp/12", "Mbpp/13"]
    assert problems[1].tests.startswith("twins = Pair(5, 5)\nassert")
    assert problems[0].before == ""
    assert problems[0].question.startswith("Write a function to add two numbers.\nassert add(1, 2)")


@pytest.mark.parametrize(("task", "rows"), [("humaneval", HUMANEVAL), ("mbpp", MBPP)])
def test_prompts_and_stop_sequences_are_the_harness_s_to_the_last_character(
    task: str, rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Metric:
        def compute(self, **_: Any) -> tuple[dict[str, float]]:
            return ({},)

    # the harness's own helpers ask the hub for a metric that runs code; here they are given one that does nothing
    pretended = types.ModuleType("evaluate")
    pretended.load = lambda name: Metric()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "evaluate", pretended)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    import lm_eval
    from lm_eval.tasks import TaskManager

    folder = Path(lm_eval.__file__).parent / "tasks" / task
    data = rows_in(tmp_path, rows)
    assert data.files is not None
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.yaml").write_text(
        f"include: {folder / task}.yaml\ntask: own_{task}\ndataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs: {{data_files: {{test: {data.files['test']}}}, cache_dir: {tmp_path / 'cache'}}}\n"
    )
    manager = TaskManager(include_path=str(tmp_path / "own"), include_defaults=False)
    asked = manager.load([f"own_{task}"])["tasks"][f"own_{task}"]
    documents = list(asked.test_docs())
    convention = convention_of(task, None)
    theirs = [asked.fewshot_context(document, num_fewshot=asked.config.num_fewshot) for document in documents]
    assert [problem.prompt for problem in problems_of(task, rows, convention, "rows")] == theirs
    assert convention.stop == tuple(asked.config.generation_kwargs["until"])


def test_shots_can_be_fewer_and_not_more_than_the_harness_has() -> None:
    three, none = convention_of("mbpp", None), convention_of("mbpp", 0)
    assert three.shots.count("[DONE]") == 3
    assert none.shots == ""
    assert three.prompt(MBPP[0]) == three.shots + none.prompt(MBPP[0])
    with pytest.raises(StudyError, match=r"3 solved examples, and `shots` asks for 4; give at most 3"):
        convention_of("mbpp", 4)
    with pytest.raises(StudyError, match="no solved examples"):
        convention_of("humaneval", 1)
    with pytest.raises(StudyError, match="no solved examples"):
        convention_of("multipl-e-sh", 1)


def test_multipl_e_rows_hold_all_they_need() -> None:
    (problem,) = problems_of("multipl-e-sh", MULTIPL_E, convention_of("multipl-e-sh", None), "rows")
    assert (problem.item, problem.language, problem.stop) == ("HumanEval_0_twice", "sh", ("\n}",))
    assert problem.program("    echo $(($1 * 2))") == MULTIPL_E[0]["prompt"] + "    echo $(($1 * 2))"
    with pytest.raises(StudyError, match=r"'language' is 'sh'; the task asks for 'js' \(rows:1\)"):
        problems_of("multipl-e-js", MULTIPL_E, convention_of("multipl-e-js", None), "rows")


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("humaneval", HUMANEVAL[0] | {"prompt": None}, "'prompt' is None; it must be a string"),
        ("humaneval", HUMANEVAL[0] | {"entry_point": "cub"}, "does not define the function 'cub'"),
        ("humaneval", HUMANEVAL[0] | {"prompt": "this is\n\ndef root(x):\n"}, "is no Python"),
        (
            "humaneval",
            HUMANEVAL[0] | {"prompt": "def root(:"},
            "prompt of 'HumanEval/0' is no Python, however it goes on",
        ),
        ("humaneval", HUMANEVAL[0] | {"test": "def check(:"}, "test of 'HumanEval/0' is no Python"),
        ("humaneval", HUMANEVAL[0] | {"test": "x"}, "test of 'HumanEval/0' does not define the function 'check'"),
        ("humaneval", HUMANEVAL[0] | {"prompt": "\ud800"}, "half a character"),
        ("mbpp", MBPP[0] | {"test_list": ["assert add(1"]}, "its prompt cannot be made|is no Python"),
        ("mbpp", MBPP[0] | {"test_list": []}, "its prompt cannot be made|list of strings"),
        ("mbpp", MBPP[0] | {"test_list": ["assert 1", "assert 2", "assert len('')"]}, "nothing that a solution could"),
        ("mbpp", MBPP[0] | {"task_id": None}, "'task_id' is None; it must be a number"),
        ("multipl-e-sh", MULTIPL_E[0] | {"stop_tokens": "}"}, "must be a list of strings that are not empty"),
    ],
)
def test_a_wrong_row_is_named_with_its_place(task: str, row: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message) as raised:
        problems_of(task, [row], convention_of(task, None), "rows.jsonl")
    assert raised.value.problems[0].where == "rows.jsonl:1"


def test_an_item_that_stands_twice_and_a_task_that_nobody_knows_are_refused() -> None:
    with pytest.raises(StudyError, match=r"'Mbpp/11' stands there twice; delete one \(rows:2\)"):
        problems_of("mbpp", [MBPP[0], MBPP[0]], convention_of("mbpp", None), "rows")
    with pytest.raises(StudyError, match="'apps' is not a code task that is known: use 'humaneval', 'mbpp'"):
        problems_of("apps", [], convention_of("apps", None), "rows")
    with pytest.raises(StudyError, match="has no problems"):
        problems_of("mbpp", [], convention_of("mbpp", None), "rows")


def test_problems_are_kept_as_they_are_asked(tmp_path: Path) -> None:
    task = CodeTask(name="mbpp", items=2, shots=0, data=rows_in(tmp_path, MBPP))
    prepared = prepare_problems(task, tmp_path, quiet)
    assert prepared.outcome == "code/mbpp"
    assert [problem.item for problem in prepared.problems] == ["Mbpp/11", "Mbpp/12"]
    assert read_problems(tmp_path, "mbpp") == list(prepared.problems)
    assert str(tmp_path) not in prepared.origin
    whole, question = prepared.requests()[:2]
    assert (whole["part"], question["part"]) == ("whole", "question")
    assert whole["text"] == question["text"] + MBPP[0]["code"]
    assert "expert" not in question["text"], "sources must not be searched for the words of the prompt"


def test_a_problem_is_also_looked_for_by_its_statement_and_by_each_assert() -> None:
    problems = problems_of("mbpp", MBPP, convention_of("mbpp", None), "rows")
    rows = [row for row in Prepared("code/mbpp", problems, "").requests() if row["item"] == "Mbpp/11"]
    parts = [(row["part"], row["text"]) for row in rows if row["part"] not in ("whole", "question")]
    assert parts == [("statement", MBPP[0]["text"]), *(("test", test) for test in MBPP[0]["test_list"])]


@pytest.mark.parametrize(
    ("told", "statement"),
    [
        ("one two three four five six seven eight nine ten eleven twelve thirteen\n    >>> root(4)\n    2.0", 13),
        (
            "one two three four five six seven eight nine ten eleven twelve thirteen\n    Examples:\n    root(4) is 2",
            13,
        ),
        ("Checks if given string is a palindrome", 0),
        ("", 0),
    ],
)
def test_the_statement_of_humaneval_is_a_long_docstring_to_its_first_example(told: str, statement: int) -> None:
    row = HUMANEVAL[0] | {"prompt": f'def root(x):\n    """ {told}\n    """\n'}
    (problem,) = problems_of("humaneval", [row], convention_of("humaneval", None), "rows")
    assert len(problem.statement.split()) == statement
    assert ">>>" not in problem.statement


def test_a_language_that_the_sandbox_does_not_know_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    task = CodeTask(name="multipl-e-lua", data=rows_in(tmp_path, MULTIPL_E))
    with pytest.raises(StudyError, match=r"programs in 'lua' cannot be run in the sandbox; .*'sh'"):
        prepare_problems(task, tmp_path, quiet)


def test_an_answer_ends_at_the_first_stop_sequence_and_nothing_is_stripped() -> None:
    assert cut("\n  x \n\n#y\ndef", ("\ndef", "\n#")) == "\n  x \n"
    assert cut("  x  ", ("\n",)) == "  x  "
    assert cut("", ("a",)) == ""


def test_problems_that_could_not_be_run_later_are_refused_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before a model is trained whose solutions would need the sandbox."""
    from titrant.evaluate.code import stored

    def no_sandbox(limits: object, processes: int) -> object:
        raise EngineError("no sandbox works here")

    monkeypatch.setattr(stored, "open_sandbox", no_sandbox)
    file = tmp_path / "problems.jsonl"
    file.write_text(json.dumps(HUMANEVAL[0]) + "\n")
    task = CodeTask(name="humaneval", data=TaskData(files={"test": str(file)}))
    with pytest.raises(EngineError, match="no sandbox works here"):
        stored.prepare_problems(task, tmp_path / "out", lambda *_: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "prompt",
    [
        "def root(y):\n",
        'def root(y):\n    """ Not "\\d" but x."""\n',
        'def root(y):\n    """ The beginning of a text',
        "def root(y):\n\tif y:\n",
        "def root(y):\n    return [\n",
        "def root(y):\n    x = ",
    ],
)
def test_a_prompt_may_end_anywhere_in_a_program(prompt: str) -> None:
    """Whether its right solution is known or not, where some answer could go on with it."""
    row = HUMANEVAL[0] | {"prompt": prompt, "canonical_solution": "y\n" if prompt.endswith("= ") else None}
    (problem,) = problems_of("humaneval", [row], convention_of("humaneval", None), "rows")
    assert problem.prompt == prompt
