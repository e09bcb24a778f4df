"""Solutions are run in the real sandbox, each once, and become pass@k; a stand-in answers where nothing need be run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from code_problems import HUMANEVAL, MBPP, why_no_sandbox
from tiny_evaluate import record

from titrant.artifacts import CodeScores, Generations
from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate.code import run
from titrant.evaluate.code.convention import AS_IT_STANDS
from titrant.evaluate.code.exchange import score_file, write_solutions
from titrant.evaluate.code.problems import Problem, as_row, problems_of
from titrant.evaluate.code.run import check_of, run_code, try_programs
from titrant.evaluate.code.scores import Kept, Tried, write_code_scores
from titrant.evaluate.harness.journal import Journal
from titrant.jobs import CodeJob
from titrant.sandbox import Check, PythonCheck, Verdict
from titrant.study.limits import Limits
from titrant.study.tasks import CodeTask, Sampling

QUICK = Limits(cpu_seconds=1.0, memory_bytes=256 * 2**20)
PROBLEMS = {
    name: problems_of(name, rows, AS_IT_STANDS, "rows") for name, rows in [("humaneval", HUMANEVAL), ("mbpp", MBPP)]
}


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that tells nobody."""


@pytest.fixture(scope="module")
def sandbox() -> None:
    """Skips where this machine can hold no program."""
    if (reason := why_no_sandbox()) is not None:
        pytest.skip(reason)


def task_of(name: str, samples: int = 1, **given: Any) -> CodeTask:
    sampling = Sampling(samples=samples, temperature=0.2 if samples > 1 else 0)
    return CodeTask(name=name, sampling=sampling, limits=QUICK, **given)


def statuses(name: str, answers: Sequence[Sequence[str]]) -> list[list[str]]:
    problems = PROBLEMS[name]
    programs = {p.item: [p.program(text) for text in texts] for p, texts in zip(problems, answers, strict=True)}
    tried = try_programs(task_of(name), problems, programs, Journal(), quiet)
    return [[verdict.status for verdict in tried.verdicts[problem.item]] for problem in problems]


@pytest.mark.usefixtures("sandbox")
def test_known_solutions_pass_and_each_other_s_do_not() -> None:
    for name, problems in PROBLEMS.items():
        right = [problem.solution or "" for problem in problems]
        found = statuses(name, [[text, wrong] for text, wrong in zip(right, right[1:] + right[:1], strict=True)])
        assert [own for own, _ in found] == ["passed"] * len(problems)
        assert "passed" not in [other for _, other in found]


@pytest.mark.usefixtures("sandbox")
def test_answers_that_change_what_the_tests_need_do_not_pass() -> None:
    forged = [
        "    return 0.0\n\n\ndef cube(x):\n    return EQUAL\n\n\nclass Equal(float):\n    def __eq__(self, other):\n"
        "        return True\n\n\nEQUAL = Equal()\n",
        "    return 0.0\n\n\nmath.isclose = lambda a, b: True\n",
        "    import sys\n    sys.exit(0)\n",
        "    import os\n    os._exit(0)\n",
        "",
        "    return 0.0\n\n\ndef check(candidate):\n    pass\n",
    ]
    found = statuses("humaneval", [forged, ["    return numbers\n"]])
    assert "passed" not in found[0] + found[1]


BUSY = "import time\nwhile time.process_time() < {seconds}:\n    pass\n"


@pytest.mark.usefixtures("sandbox")
def test_verdicts_are_the_same_on_a_machine_that_is_eight_times_as_busy() -> None:
    problems = PROBLEMS["mbpp"][:1]
    right = problems[0].solution or ""
    texts = [
        right,
        right + "\n" + BUSY.format(seconds=0.25),
        "import time\ntime.sleep(0.1)\n" + right,
        BUSY.format(seconds=60),
    ]
    programs = {problems[0].item: texts}

    task = task_of("mbpp").model_copy(update={"limits": Limits(cpu_seconds=0.5, memory_bytes=256 * 2**20)})

    def found() -> list[str]:
        tried = try_programs(task, problems, programs, Journal(), quiet, processes=2)
        return [verdict.status for verdict in tried.verdicts[problems[0].item]]

    alone = found()
    burners = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(8)]
    try:
        busy = found()
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert alone == busy == ["passed", "passed", "passed", "timed out"]


class StandIn:
    """Says which programs pass by a word in them; runs nothing."""

    tier = "stand-in"

    def __init__(self, dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.dies_after = dies_after

    @contextmanager
    def open(self, limits: Limits, processes: int | None) -> Iterator[StandIn]:
        yield self

    def run_many(self, checks: Sequence[Check]) -> Iterator[tuple[int, Verdict]]:
        for index, check in reversed(list(enumerate(checks))):
            if self.dies_after is not None and len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            assert isinstance(check, PythonCheck)
            self.asked.append(check.candidate)
            right = "right" in check.candidate
            yield index, Verdict("passed") if right else Verdict("failed", "<A object at 0x7f1234567890> is wrong")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    there = StandIn()
    monkeypatch.setattr(run, "open_sandbox", there.open)
    monkeypatch.setattr(run, "KEPT_AT_ONCE", 2)
    return there


def inputs_in(folder: Path, answers: Sequence[Sequence[str]], problems: Sequence[Problem] = ()) -> dict[str, Path]:
    """A Benchmarks and a Generations folder of the problems of MBPP."""
    problems = problems or PROBLEMS["mbpp"]
    benchmarks, generations = folder / "benchmarks", folder / "generations"
    (benchmarks / "problems").mkdir(parents=True)
    generations.mkdir()
    (benchmarks / "problems" / "mbpp.jsonl").write_text("".join(json.dumps(as_row(p)) + "\n" for p in problems))
    rows = [
        {"outcome": "code/mbpp", "item": problem.item, "sample": sample, "text": text, "tokens": 1, "ended": "stop"}
        for problem, texts in zip(problems, answers, strict=True)
        for sample, text in enumerate(texts)
    ]
    (generations / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = {"code/mbpp": 1}
    record(
        generations,
        Generations.kind,
        Generations(items=counts, samples=counts, tokens=counts, empty={}, looping={}, made_by="test"),
    )
    return {"benchmarks": benchmarks, "generations": generations}


ANSWERS = [
    ["right", "wrong", "right", "  "],
    ["wrong", "wrong", "wrong 1", "\n"],
    ["right 1", "right 2", "right", "right"],
]


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def run_in(folder: Path, job: CodeJob, inputs: dict[str, Path], scratch: Path) -> tuple[CodeScores, dict[str, bytes]]:
    folder.mkdir(exist_ok=True)
    scores = run_code(job, inputs, folder, scratch=scratch, progress=quiet)
    return scores, outputs(folder)


def test_scores_are_the_mean_of_unbiased_estimates_and_tables_say_how(tmp_path: Path, stand_in: StandIn) -> None:
    job = CodeJob(code=(task_of("mbpp", 4, k=(1, 2)),))
    scores, _ = run_in(tmp_path / "out", job, inputs_in(tmp_path, ANSWERS), tmp_path / "scratch")
    assert scores.pass_at_k == {
        "code/mbpp": {"1": pytest.approx((0.5 + 0 + 1) / 3), "2": pytest.approx((5 / 6 + 0 + 1) / 3)}
    }
    assert scores.scores["code/mbpp"] == scores.pass_at_k["code/mbpp"]["1"]
    assert (scores.items, scores.samples) == ({"code/mbpp": 3}, {"code/mbpp": 4})
    assert scores.verdicts == {"code/mbpp": {"failed": 6, "passed": 6}}
    assert scores.empty == {"code/mbpp": pytest.approx(2 / 12)}
    assert scores.sandbox == "stand-in"
    items = pq.read_table(tmp_path / "out" / "items.parquet").to_pylist()
    assert [row["item"] for row in items] == ["Mbpp/11", "Mbpp/12", "Mbpp/13"]
    assert sum(row["value"] for row in items) / sum(row["weight"] for row in items) == scores.scores["code/mbpp"]
    rows = pq.read_table(tmp_path / "out" / "pass_at_k.parquet").to_pylist()
    assert [(row["k"], row["passed"], row["samples"]) for row in rows[:2]] == [(1, 2, 4), (2, 2, 4)]
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    verdicts = pq.read_table(tmp_path / "out" / "verdicts.parquet").to_pylist()
    assert [row["status"] for row in verdicts[:4]] == ["passed", "failed", "passed", "failed"]
    assert verdicts[1]["detail"] == "<A object at 0x…> is wrong", "an address would differ from run to run"


def test_a_reason_is_kept_without_what_differs_from_run_to_run() -> None:
    kept = "No such file: '/work/tmp…' of <A object at 0x…>"
    assert run._lasting("No such file: '/work/tmp7xbne0fn' of <A object at 0x7f1234567890>") == kept
    landlock = "No such file: '/tmp/titrant-sandbox-9gwwaikc/tmpc1ixxh4m/tmp14ril029' of <A object at 0x55d0c0ffee00>"
    assert run._lasting(landlock) == kept
    assert len(run._lasting("x" * 10_000)) == run.DETAIL_CHARACTERS


def test_equal_programs_are_run_once(tmp_path: Path, stand_in: StandIn) -> None:
    job = CodeJob(code=(task_of("mbpp", 4),))
    run_in(tmp_path / "out", job, inputs_in(tmp_path, ANSWERS), tmp_path / "scratch")
    assert sorted(stand_in.asked) == sorted(
        ["right", "wrong", "  ", "wrong", "wrong 1", "\n", "right 1", "right 2", "right"]
    )


def test_after_an_interruption_only_the_rest_is_run_and_the_bytes_are_the_same(
    tmp_path: Path, stand_in: StandIn
) -> None:
    job, inputs = CodeJob(code=(task_of("mbpp", 4),)), inputs_in(tmp_path, ANSWERS)
    _, whole = run_in(tmp_path / "whole", job, inputs, tmp_path / "scratch")
    asked, stand_in.asked = stand_in.asked, []
    stand_in.dies_after = 5
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path / "cut", job, inputs, tmp_path / "again")
    with (tmp_path / "again" / "verdicts.jsonl").open("ab") as journal:
        journal.write(b'{"key": "torn')
    first, stand_in.asked, stand_in.dies_after = stand_in.asked[:4], [], None  # verdicts are kept two at a time
    _, resumed = run_in(tmp_path / "cut", job, inputs, tmp_path / "again")
    assert resumed == whole
    assert sorted(first + stand_in.asked) == sorted(asked)


def test_all_sandboxes_that_held_a_program_are_named_and_no_other(
    tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, inputs = CodeJob(code=(task_of("mbpp", 4),)), inputs_in(tmp_path, ANSWERS)
    stand_in.dies_after = 5
    monkeypatch.setattr(StandIn, "tier", "landlock")
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path / "out", job, inputs, tmp_path / "scratch")
    stand_in.dies_after = None
    monkeypatch.setattr(StandIn, "tier", "bubblewrap")
    mixed, _ = run_in(tmp_path / "out", job, inputs, tmp_path / "scratch")
    assert mixed.sandbox == "bubblewrap and landlock"
    whole, _ = run_in(tmp_path / "whole", job, inputs, tmp_path / "elsewhere")
    assert whole.sandbox == "bubblewrap"
    monkeypatch.setattr(StandIn, "tier", "landlock")  # everything has its verdict: this one holds nothing
    again, _ = run_in(tmp_path / "again", job, inputs, tmp_path / "elsewhere")
    assert again == whole


def test_the_same_program_under_other_limits_is_run_again(stand_in: StandIn) -> None:
    problems, journal = PROBLEMS["mbpp"][:1], Journal()
    programs = {problems[0].item: ["right"]}
    for limits in (QUICK, QUICK, Limits()):
        try_programs(task_of("mbpp").model_copy(update={"limits": limits}), problems, programs, journal, quiet)
    assert stand_in.asked == ["right", "right"]


def test_a_greedy_answer_has_nothing_to_be_unsure_of(tmp_path: Path) -> None:
    problems = PROBLEMS["mbpp"][:1]
    programs, verdicts = {problems[0].item: ["x"]}, {problems[0].item: [Kept("failed", "", "stand-in")]}
    write_code_scores([Tried(task_of("mbpp"), problems, programs, verdicts)], tmp_path)
    (row,) = pq.read_table(tmp_path / "pass_at_k.parquet").to_pylist()
    assert (row["low"], row["value"], row["high"]) == (0, 0, 0)


def test_pass_at_more_than_there_are_samples_is_refused(tmp_path: Path, stand_in: StandIn) -> None:
    job = CodeJob(code=(task_of("mbpp", 9, k=(1, 9)),))
    with pytest.raises(StudyError, match=r"pass@9 of 'code/mbpp' needs as many solutions .* there are 4"):
        run_in(tmp_path / "out", job, inputs_in(tmp_path, ANSWERS), tmp_path / "scratch")


def test_a_problem_without_samples_is_no_zero(tmp_path: Path, stand_in: StandIn) -> None:
    job = CodeJob(code=(task_of("mbpp", 4),))
    with pytest.raises(StoreError, match="has no samples of 1 problems of 'code/mbpp', such as 'Mbpp/12'"):
        run_in(tmp_path / "out", job, inputs_in(tmp_path, [ANSWERS[0], [], ANSWERS[2]]), tmp_path / "scratch")


def test_where_no_sandbox_works_nothing_is_run_and_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("titrant.sandbox.sandbox.obstacle", lambda tier: "it is forbidden here")
    job = CodeJob(code=(task_of("mbpp", 4),))
    with pytest.raises(EngineError, match=r"no sandbox works here.*apt install bubblewrap"):
        run_in(tmp_path / "out", job, inputs_in(tmp_path, ANSWERS), tmp_path / "scratch")
    assert outputs(tmp_path / "out") == {}


@pytest.mark.parametrize("name", ["samples.jsonl", "generations.json"])
def test_solutions_go_to_the_files_of_other_tools_and_come_back_with_the_same_scores(
    name: str, tmp_path: Path, stand_in: StandIn
) -> None:
    inputs, task = inputs_in(tmp_path, ANSWERS), task_of("mbpp", 4)
    _, whole = run_in(tmp_path / "out", CodeJob(code=(task,)), inputs, tmp_path / "scratch")
    write_solutions("mbpp", inputs["generations"], inputs["benchmarks"], tmp_path / name)
    (tmp_path / "back").mkdir()
    score_file(task, tmp_path / name, inputs["benchmarks"], tmp_path / "back", scratch=None, progress=quiet)
    assert outputs(tmp_path / "back") == whole


def test_another_language_is_one_program_with_its_tests() -> None:
    problem = Problem("a", "rs", "fn f() {", "", (), "fn f() {", "}\nfn main() {}", (), "", None)
    check = check_of(problem, problem.program(" 1 "))
    assert vars(check) == {"language": "rs", "source": "fn f() { 1 \n}\nfn main() {}", "stdin": ""}
