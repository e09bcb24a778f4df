"""Problems by seed and number, and the stage that collects them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from titrant.artifacts import Problems
from titrant.corpus.engine.make import ENGINE
from titrant.errors import StudyError
from titrant.jobs import ProblemsJob
from titrant.study.synthesis import Generated
from titrant.synthesize import make_problems
from titrant.synthesize.generator import problem as problem_module
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Family
from titrant.synthesize.generator.problem import FamilyError, Problem, Settings, families_for, problem_at
from titrant.synthesize.generator.statement import FRAMES, Example, docstring, in_words

LISTS = Settings(areas=("lists",), inputs=24)
PRINTED = """
from titrant.synthesize.generator.problem import Settings, problem_at
from blake3 import blake3
found = [problem_at(3, number, Settings(areas=("lists",), inputs=24)) for number in {numbers}]
print(blake3(repr(sorted(found, key=lambda each: each.source)).encode()).hexdigest())
"""


def quiet(*_: object, **__: object) -> None:
    pass


def made(folder: Path, *origins: Generated, inputs: int = 12, progress: Any = quiet) -> Problems:
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    job = ProblemsJob(problems=origins, inputs=inputs)
    return make_problems(job, {}, folder / "out", scratch=folder / "scratch", progress=progress)


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "out" / "problems.parquet").to_pylist()
    return found


def printed(numbers: str, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRINTED.format(numbers=numbers)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_problem_is_the_same_in_every_process_and_order() -> None:
    assert printed("range(20)", "1") == printed("reversed(range(20))", "2")


def test_each_round_of_numbers_holds_every_family() -> None:
    count = len(families_for(LISTS.areas, (1, 5)))
    found = Counter(problem_at(0, number, LISTS).family for number in range(2 * count))
    assert set(found.values()) == {2}
    assert len(found) == count


def test_another_seed_gives_other_problems() -> None:
    one, other = ({problem_at(seed, number, LISTS).problem for number in range(20)} for seed in (0, 1))
    assert len(one & other) <= 2


def test_only_difficulties_that_are_asked_for_are_drawn() -> None:
    for number in range(30):
        assert 2 <= problem_at(0, number, Settings(("lists",), (2, 3), 8)).difficulty <= 3


def test_a_row_holds_what_its_columns_promise() -> None:
    for number in range(60):
        problem = problem_at(0, number, LISTS)
        inputs, expected = ast.literal_eval(problem.inputs), ast.literal_eval(problem.expected)
        assert len(inputs) == len(expected) <= LISTS.inputs
        assert 1 <= problem.shown <= max(1, len(inputs) // 4)
        scope: dict[str, Any] = {}
        exec(f"{problem.prelude}\n{problem.solution}", scope)
        for arguments, result in zip(inputs, expected, strict=True):
            assert scope[problem.entry_point](*arguments) == result
        assert problem.solution.startswith(f"def {problem.entry_point}(")
        assert problem.signature.startswith(f"def {problem.entry_point}(")
        assert " -> " in problem.signature
        check_statement(problem, inputs, expected)


def check_statement(problem: Problem, inputs: list[Any], expected: list[Any]) -> None:
    """What a frame has to tell."""
    statement = problem.statement
    assert problem.entry_point in statement
    flat = " ".join(statement.replace("#", " ").split())
    for word in problem.about.split():
        assert word in flat
    for arguments, result in zip(inputs[: problem.shown], expected, strict=False):
        call = f"{problem.entry_point}({', '.join(map(repr, arguments))})"
        assert call in statement, statement
        assert result is None or repr(result) in statement
    hidden = {repr(arguments)[1:-1].rstrip(",") for arguments in inputs[problem.shown :]}
    assert not any(f"{problem.entry_point}({arguments})" in statement for arguments in hidden)
    assert "  \n" not in statement
    assert statement == statement.strip()


def test_shown_examples_differ_in_their_results_if_any_do() -> None:
    for number in range(60):
        problem = problem_at(1, number, LISTS)
        expected = ast.literal_eval(problem.expected)
        if problem.shown > 1 and len(set(map(repr, expected))) > 1:
            assert len(set(map(repr, expected[: problem.shown]))) > 1


def test_every_frame_is_drawn() -> None:
    assert len(FRAMES) >= 12
    openings = {problem_at(0, number, LISTS).statement[:12] for number in range(150)}
    assert len(openings) > 60


def test_a_docstring_with_a_backslash_is_raw() -> None:
    text = docstring("Split at line ends.", [Example("f('a\\nb')", "['a', 'b']")])
    assert text.startswith('r"""')
    assert eval(text).splitlines()[2] == ">>> f('a\\nb')"


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("list[list[int]]", "a list of lists of integers"),
        ("tuple[int, ...]", "a tuple of integers"),
        ("tuple[int, list[str]]", "a tuple (integer, list of strings)"),
        ("list[int | None]", "a list of integers or `None`"),
        ("Any", "`Any`"),
    ],
)
def test_types_are_told_in_words(annotation: str, words: str) -> None:
    assert in_words(annotation) == words


def test_an_oracle_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    family = families_for(("lists",), (1, 5))[0]
    drawn = family.draw(Draw("any"))
    broken = Drawn(**{**{name: getattr(drawn, name) for name in drawn.__dataclass_fields__}, "oracle": broken_oracle})
    broken_family = Family("broken-one", "lists", (1, 5), lambda _: broken)
    monkeypatch.setattr(problem_module, "_order", lambda *_: (broken_family,))
    with pytest.raises(FamilyError, match="broken-one, seed 0, number 4"):
        problem_at(0, 4, LISTS)


@pytest.mark.parametrize("inputs", [12, 48])
def test_no_problem_has_nearly_always_the_same_result(inputs: int) -> None:
    """A function that always returns that result would pass for a solution."""
    for number in [*range(100, 180), *range(109, 4000, 131)]:
        problem = problem_at(77, number, Settings(inputs=inputs))
        results = Counter(map(repr, ast.literal_eval(problem.expected)))
        assert len(results) > 1, problem
        most = 0.9 if problem.signature.endswith(" -> bool:") else 0.8
        assert inputs < 48 or max(results.values()) <= most * results.total(), problem


def test_a_family_is_drawn_from_again_until_its_results_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    family = families_for(("lists",), (1, 5))[0]
    draws: list[Draw] = []

    def draw(draw: Draw) -> Drawn:
        draws.append(draw)
        return family.draw(draw) if len(draws) == 6 else replace(family.draw(draw), oracle=lambda *_: 0)

    monkeypatch.setattr(problem_module, "_order", lambda *_: (replace(family, name="often-zero", draw=draw),))
    monkeypatch.setattr(problem_module, "composed", lambda *_: None)
    assert problem_at(0, 0, LISTS).family == "often-zero"
    assert len(draws) == 6


def broken_oracle(*_: object) -> object:
    return object()


def test_the_stage_writes_so_many_programs_each_once(tmp_path: Path) -> None:
    summary = made(tmp_path, Generated(generated=150, areas=("lists",)), Generated(generated=50, areas=("lists",)))
    found = rows(tmp_path)
    assert summary.problems == len(found) == 200
    assert len({row["problem"] for row in found}) == 200
    assert summary.by_area == {"lists": 200}
    assert summary.families == len(families_for(("lists",), (1, 5)))
    first = asdict(problem_at(0, 0, Settings(("lists",), (1, 5), 12)))
    assert {**found[0], "tests": (), "contracts": tuple(found[0]["contracts"])} == first


def test_the_bytes_depend_neither_on_processes_nor_on_interruptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Generated(generated=300, areas=("lists",), difficulty=(1, 2))
    monkeypatch.setenv(ENGINE, "serial")
    made(tmp_path / "one", origin, inputs=8)
    calls = 0

    def stop(done: int, total: int, unit: str, note: str = "") -> None:
        nonlocal calls
        calls += 1
        assert unit == "problems"
        assert done <= total == 300
        if calls == 170:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "two", origin, inputs=8, progress=stop)
    finished = list((tmp_path / "two" / "scratch").rglob("*.arrow"))
    assert finished
    stamps = {path: path.stat().st_mtime_ns for path in finished}
    monkeypatch.setenv(ENGINE, "processes:2")
    made(tmp_path / "two", origin, inputs=8)
    assert {path: path.stat().st_mtime_ns for path in finished} == stamps
    one, two = ((tmp_path / name / "out" / "problems.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_families_that_are_used_up_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = families_for(("lists",), (1, 5))[0]
    key = Draw("one and the same")
    drawn = only.draw(key)
    monkeypatch.setattr(problem_module, "_order", lambda *_: (Family("one", "lists", (1, 5), lambda _: drawn),))
    monkeypatch.setattr(problem_module, "composed", lambda *_: None)
    with pytest.raises(StudyError, match="1 different problems about 'lists' of difficulty 1 to 5"):
        made(tmp_path, Generated(generated=5, areas=("lists",)), inputs=8)
