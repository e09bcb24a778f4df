from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

from titrant.artifacts import Verified
from titrant.errors import EngineError, StoreError
from titrant.jobs import VerificationJob
from titrant.sandbox import PythonCalls, open_sandbox
from titrant.study.limits import Limits
from titrant.study.synthesis import Contracts, Verification
from titrant.synthesize.generator.problem import Problem, Settings, problem_at
from titrant.synthesize.problems import SCHEMA
from titrant.synthesize.verify import judging
from titrant.synthesize.verify.candidates import Asked, Candidate, parameters_of, whole_solution
from titrant.synthesize.verify.deciding import Decided
from titrant.synthesize.verify.domains import allows
from titrant.synthesize.verify.mutants import mutants_of
from titrant.synthesize.verify.part import Opening, verify_part
from titrant.synthesize.verify.stage import verify_solutions
from titrant.synthesize.verify.values import same_value

LIMITS = Limits(cpu_seconds=1.0, memory_bytes=256 * 2**20)


@pytest.fixture(scope="module")
def opened() -> Iterator[Opening]:
    with open_sandbox(LIMITS, processes=2) as sandbox, open_sandbox(LIMITS, processes=1, hash_seed=1) as other:
        yield lambda limits, hash_seed=0: other if hash_seed else sandbox


def own(problem: Problem) -> Asked:
    return Asked(problem, (Candidate("python", 0, whole_solution(problem), own=True, cost=0.0),))


def by_teacher(problem: Problem, *texts: str) -> Asked:
    return Asked(problem, tuple(Candidate("python", sample, text) for sample, text in enumerate(texts)))


def verified(opened: Opening, *asked: Asked, **declared: Any) -> list[Decided]:
    forms = declared.pop("forms", ("python",))
    job = VerificationJob(verify=Verification(limits=LIMITS, **declared), forms=forms)
    return verify_part(job, asked, opened)


def generated_like(
    name: str, solution: str, inputs: Sequence[tuple[Any, ...]], right: Callable[..., Any], shown: int = 2
) -> Problem:
    tree = ast.parse(solution).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return Problem(
        problem=name,
        source="generator seed 0, number 0",
        licence="Apache-2.0",
        statement=f"Write {tree.name}.",
        entry_point=tree.name,
        family=name,
        area="lists",
        difficulty=1,
        signature=f"def {tree.name}({ast.unparse(tree.args)}) -> {ast.unparse(tree.returns) if tree.returns else 'int'}:",
        solution=solution,
        inputs=repr(list(inputs)),
        expected=repr([right(*each) for each in inputs]),
        shown=shown,
    )


CLIP = "def clip(n: int, top: int) -> int:\n    if n > top:\n        return top\n    return n\n"
CLIP_INPUTS = [(7, 3), (-4, 12), *((n * 7 % 23 - 9, n * 5 % 17) for n in range(40))]
CLIPPED = generated_like("clipped", CLIP, CLIP_INPUTS, min)


def test_the_generators_own_solutions_pass_with_tests_that_mutants_fail(opened: Opening) -> None:
    problems = [problem_at(0, number, Settings(areas=("lists",))) for number in range(12)]
    for problem, found in zip(problems, verified(opened, *map(own, problems)), strict=True):
        (judged,) = found.judged
        assert found.accepted == 0, judged.detail
        assert judged.level == "reference"
        assert 3 <= len(judged.tests) <= 6
        assert judged.killed >= 1
        names: dict[str, Any] = {}
        exec(whole_solution(problem), names)  # ours
        for test in judged.tests:
            exec(test, names)
        shown = ast.literal_eval(problem.inputs)[: problem.shown]
        assert not any(
            f"{problem.entry_point}({', '.join(map(repr, each))}) " in " ".join(judged.tests) for each in shown
        )


def test_a_corrupted_copy_fails_a_test_with_a_wrong_value(opened: Opening) -> None:
    (found,) = verified(opened, own(CLIPPED))
    judged = found.judged[0]
    names: dict[str, Any] = {}
    exec(judged.corrupted, names)
    wrong = 0
    for test in judged.tests:
        try:
            exec(test, names)
        except AssertionError:
            wrong += 1
    assert wrong
    assert judged.mutation
    assert judged.corrupted != CLIP


PLANTED = {
    "constant": "def clip(n, top):\n    return 3",
    "off by one": "def clip(n, top):\n    return min(n, top) + (1 if n > 8 else 0)",
    "other type": "def clip(n, top):\n    return float(min(n, top))",
    "table of the examples": "def clip(n, top):\n    return {(7, 3): 3, (-4, 12): -4}.get((n, top), 0)",
    "branches on the examples": "def clip(n, top):\n    if n == 7 and top == 3:\n        return 3\n    return -4",
    "exit": "import os\ndef clip(n, top):\n    os._exit(0)",
    "exit on load": "raise SystemExit(0)",
    "no function": "def clap(n, top):\n    return min(n, top)",
    "equal to all": (
        "class Any(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
        "def clip(n, top):\n    return Any(0)"
    ),
    "lying repr": (
        "class Liar(int):\n    def __repr__(self):\n        return '3'\ndef clip(n, top):\n    return Liar(9)"
    ),
    "forged output": "import os\nos.write(1, b'= 3\\n' * 99)\ndef clip(n, top):\n    print('= 3')\n    return 0",
    "patched builtins": (
        "import builtins\nbuiltins.repr = lambda x: '3'\nbuiltins.type = lambda x: int\ndef clip(n, top):\n    return 0"
    ),
    "patched comparison": "import ast\nast.literal_eval = lambda x: 3\ndef clip(n, top):\n    return 0",
    "thread": (
        "import threading\nthreading.Thread(target=lambda: None, daemon=True).start()\n"
        "def clip(n, top):\n    return top if n > top else n"
    ),
    "raises at random": (
        "import random\ndef clip(n, top):\n    if random.random() < 0.01:\n        raise ValueError\n    return min(n, top)"
    ),
    "right only where it is watched": (
        "import sys\ndef clip(n, top):\n    return min(n, top) if sys.modules.get('inside') or True else 0"
    ),
    "endless": "def clip(n, top):\n    while True:\n        pass",
    "memory": "def clip(n, top):\n    return len('a' * 10**12)",
    "wrong on one value": "def clip(n, top):\n    return 99 if (n, top) == (4, 11) else min(n, top)",
    "wrong at the border": "def clip(n, top):\n    if n >= top:\n        return top if n != top or top != 5 else 0\n    return n",
    "no Python": "function clip(n, top) { return 3 }",
    "empty": "",
}


@pytest.fixture(scope="module")
def planted(opened: Opening) -> dict[str, Decided]:
    found = verified(opened, *(by_teacher(CLIPPED, text) for text in PLANTED.values()))
    return dict(zip(PLANTED, found, strict=True))


@pytest.mark.parametrize("kind", PLANTED)
def test_a_wrong_or_hostile_solution_is_not_accepted(planted: dict[str, Decided], kind: str) -> None:
    assert planted[kind].accepted is None, kind
    assert planted[kind].refused


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("table of the examples", judging.SPECIAL),
        ("branches on the examples", judging.SPECIAL),
        ("constant", judging.WRONG_SHOWN),
        ("exit", judging.NOT_RUN),
        ("no Python", judging.NO_PYTHON),
        ("empty", judging.NO_SOLUTION),
        ("thread", judging.IMPURE),
    ],
)
def test_why_a_solution_is_refused_is_said(planted: dict[str, Decided], kind: str, refused: str) -> None:
    assert planted[kind].refused == refused


def test_a_right_solution_in_other_words_is_accepted(opened: Opening) -> None:
    (found,) = verified(opened, by_teacher(CLIPPED, "def clip(n, top):\n    return sorted((top, n))[0]", CLIP))
    assert found.accepted == 0
    (found,) = verified(opened, by_teacher(CLIPPED, PLANTED["constant"], CLIP))
    assert found.accepted == 1


def test_no_planted_mutant_that_is_wrong_is_accepted(opened: Opening) -> None:
    """Mutants of generated solutions, given as a teacher's. What is accepted is right on all inputs of its pools."""
    plants = []
    for number in range(24):
        problem = problem_at(0, number, Settings(areas=("lists",)))
        plants += [(number, by_teacher(problem, each.text)) for each in mutants_of(whole_solution(problem), 6)]
    found = verified(opened, *(asked for _, asked in plants), mutants=0)
    accepted = [plant for plant, each in zip(plants, found, strict=True) if each.accepted is not None]
    assert len(plants) > 100
    assert len(accepted) < len(plants) / 10  # the rest say the same in other words
    for number, asked in accepted:
        many = problem_at(0, number, Settings(areas=("lists",), inputs=400))
        names: dict[str, Any] = {}
        exec(asked.candidates[0].text, names)  # a mutant of ours, which has just run on such inputs
        for arguments, right in zip(ast.literal_eval(many.inputs), ast.literal_eval(many.expected), strict=True):
            assert same_value(names[many.entry_point](*arguments), right), asked.candidates[0].text


ADD = Problem("add", "file a.jsonl", "MIT", "Add.", "add", setup="import math", tests=("assert add(1, 2) == 3",))


def test_tests_that_no_mutant_fails_are_not_accepted_as_tests(opened: Opening) -> None:
    weak = replace(ADD, tests=("assert add(0, 0) in (0, 1, -1, 2)",))
    strong = replace(ADD, tests=("assert add(10, 2) == 19", "assert add(1, 2) == 5", "assert add(1, 1) == 3"))
    text = "def add(a, b):\n    if a > 5:\n        return a + b + 7\n    return a + b + b - 0 * a\n"
    text_right = "def add(a, b):\n    if a > 5:\n        return a + b + 7\n    return a + b * 2\n"
    one, two = verified(opened, by_teacher(weak, text), by_teacher(strong, text_right))
    assert one.refused == judging.FEW_KILLED
    assert one.judged[0].tests == ()
    assert two.accepted == 0, two.judged[0].detail
    assert two.judged[0].level == "tests"
    assert two.judged[0].corrupted


def test_where_tests_alone_speak_a_table_of_their_arguments_is_refused(opened: Opening) -> None:
    table = "def add(a, b):\n    return {(10, 2): 19, (1, 2): 5}[a, b]"
    (found,) = verified(
        opened, by_teacher(replace(ADD, tests=("assert add(10, 2) == 19", "assert add(1, 2) == 5")), table)
    )
    assert found.refused == judging.SPECIAL


def test_where_tests_alone_speak_and_the_statement_shows_them_all_nothing_is_known(opened: Opening) -> None:
    tests = tuple(f"assert add({n}, {n + 4}) == {2 * n + 4}" for n in (3, 8, 17))
    right = "def add(a, b):\n    return a + b\n"
    table = "def add(a, b):\n    return (10, 20, 38)[(3, 8, 17).index(a)]\n"
    hidden, shown = replace(ADD, tests=tests, shown=2), replace(ADD, tests=tests, shown=3)
    one, two, three = verified(
        opened, by_teacher(hidden, table, right), by_teacher(shown, table, right), own(replace(shown, solution=right))
    )
    assert [each.refused for each in one.judged] == [judging.SPECIAL, ""]
    assert (two.refused, two.accepted) == (judging.FEW_INPUTS, None)
    assert three.accepted == 0, "who wrote the tests was not shown them"
    (loose,) = verified(opened, by_teacher(shown, right), level="runs")
    assert loose.accepted == 0


def test_what_a_program_says_is_told_in_signs_that_can_be_written(opened: Opening) -> None:
    said = "assert add(1, 2) == 3, '\x1b[31mred' + chr(27) + chr(0xd800)"
    (found,) = verified(opened, by_teacher(replace(ADD, tests=(said,)), "def add(a, b):\n    return 4\n"))
    assert "red" in found.judged[0].detail
    assert found.judged[0].detail.isprintable()
    (found,) = verified(opened, by_teacher(CLIPPED, "def clip(n, top):\n    raise ValueError(chr(27) + '[31m')\n"))
    assert found.refused
    assert found.judged[0].detail.isprintable()


def test_a_solution_that_only_itself_speaks_for_is_not_accepted(opened: Opening) -> None:
    alone = replace(ADD, tests=(), solution="def add(a, b):\n    return a + b\n")
    (found,) = verified(opened, own(alone))
    assert found.refused == judging.NOTHING_SPEAKS
    assert found.judged[0].level == "runs"
    (found,) = verified(opened, own(alone), level="runs")
    assert found.accepted == 0


def test_anothers_reference_decides_on_inputs_made_from_tests_or_annotations(opened: Opening) -> None:
    tested = replace(
        ADD, tests=("assert add(1, 2) == 3", "assert add(5, 5) == 10"), solution="def add(a, b):\n    return a + b\n"
    )
    typed = replace(ADD, tests=(), solution="def add(a: int, b: list[int]) -> int:\n    return a + sum(b)\n")
    wrong = "def add(a, b):\n    return a + b if a < 6 else 11"
    right = "def add(x, y):\n    return y + x"
    one, two, three, four = verified(
        opened,
        by_teacher(tested, wrong),
        by_teacher(tested, right),
        by_teacher(typed, "def add(a, b):\n    for each in b:\n        a += each\n    return a"),
        by_teacher(typed, "def add(a, b):\n    return a + sum(b[:3])"),
    )
    assert one.refused == judging.WRONG_HIDDEN
    assert one.judged[0].level == "tests"
    assert two.accepted == 0, two.judged[0].detail
    assert two.judged[0].level == "reference"
    assert three.accepted == 0, three.judged[0].detail
    assert four.refused == judging.WRONG_HIDDEN


def test_a_contract_that_does_not_hold_refuses_the_solution(opened: Opening) -> None:
    holds, breaks = replace(CLIPPED, contracts=("result <= top",)), replace(CLIPPED, contracts=("result >= 0",))
    one, two = verified(opened, own(holds), own(breaks))
    assert (one.accepted, one.contracts) == (0, "hold on the inputs")
    assert two.accepted is None
    assert two.contracts.startswith("refuted: `result >= 0` for clip(-4, 12)")


def test_symbolic_execution_confirms_refutes_or_does_not_decide(opened: Opening) -> None:
    pytest.importorskip("crosshair")
    from titrant.synthesize.verify import contracts

    plain = next(
        each
        for each in (problem_at(0, number, Settings(areas=("arithmetic",))) for number in range(400))
        if allows(each, (1,)) and allows(each, (10**9,)) is False
    )
    given = [values[0] for values in ast.literal_eval(plain.inputs)]
    other = next(n for n in range(min(given), max(given)) if n not in given)
    ((name, _),) = parameters_of(plain.signature)
    seldom = replace(plain, contracts=(f"{name} != {other}",))
    elsewhere = replace(seldom, family="of somebody else")  # who may forbid that input
    holds = replace(CLIPPED, contracts=("result <= top", "result <= n"))
    with open_sandbox(contracts.limits(3.0), processes=1) as sandbox:
        try:
            one, two, three = verified(
                lambda limits, hash_seed=0: sandbox if limits == contracts.limits(3.0) else opened(limits, hash_seed),
                own(holds), own(seldom), own(elsewhere), contracts=Contracts(share=1.0),
            )  # fmt: skip
        except EngineError as error:
            if "Permission denied" not in str(error):
                raise
            pytest.skip(f"as root and without bubblewrap, Python must not lie in a private home folder: {error}")
    assert one.contracts == "confirmed"
    assert two.contracts.startswith(f"refuted: `{name} != {other}` for {plain.entry_point}({other})")
    assert two.refused == judging.REFUTED
    assert (three.accepted, three.contracts) == (0, "not decided")


def test_an_explanation_is_taken_if_all_its_worked_examples_hold(opened: Opening) -> None:
    def told(*examples: str) -> str:
        return "\n".join(["It takes the smaller one.", "", "Worked examples:", *(f"- {each}" for each in examples)])

    texts = [told("clip(7, 3) = 3", "clip(100, 4) = 5"), told(), told("clip(7, 3) = 3", "clip(100, 4) = 4")]
    asked = by_teacher(CLIPPED, CLIP)
    asked = replace(
        asked, candidates=(*asked.candidates, *(Candidate("text", n, text) for n, text in enumerate(texts)))
    )
    (found,) = verified(opened, asked, forms=("python", "text"))
    assert found.text == texts[2]


def write_problems(folder: Path, problems: Sequence[Problem]) -> Path:
    folder.mkdir(parents=True)
    rows = [asdict(each) for each in problems]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "problems.parquet", row_group_size=50)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {path.name: blake3(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def stage(folder: Path, name: str, problems: Path, progress: Any = lambda *told: None) -> Verified:
    out, scratch = folder / name, folder / f"{name}-scratch"
    out.mkdir(exist_ok=True)
    job = VerificationJob(verify=Verification(limits=LIMITS, mutants=4), forms=("python",))
    return verify_solutions(job, {"problems": problems}, out, scratch=scratch, progress=progress)


def many(count: int) -> list[Problem]:
    found = []
    for number in range(count):
        solution = f"def f(n: int) -> int:\n    return n * {number % 60 + 2} - {number // 60 + 1}\n"
        inputs = [(n,) for n in range(-5, 10)]
        known = number % 60 + 2, number // 60 + 1
        found.append(generated_like(f"line-{number}", solution, inputs, lambda n, known=known: n * known[0] - known[1]))
    return found


def test_an_interrupted_stage_ends_with_the_same_bytes_and_runs_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TITRANT_CORES", "1")
    problems = write_problems(tmp_path / "problems", many(90))
    whole = stage(tmp_path, "whole", problems)
    assert (whole.items, whole.accepted, whole.families) == (90, 90, 90)
    told: list[int] = []

    def stop(done: int, total: int, unit: str, note: str = "") -> None:
        told.append(done)
        if told.count(64) > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage(tmp_path, "torn", problems, stop)
    again: list[int] = []
    assert stage(tmp_path, "torn", problems, lambda done, *rest: again.append(done)) == whole
    assert digests(tmp_path / "torn") == digests(tmp_path / "whole")
    assert again[0] == 64


def test_a_program_is_accepted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITRANT_CORES", "1")
    twice = [CLIPPED, replace(CLIPPED, problem="again", solution=CLIP.replace("top", "limit"))]
    found = stage(tmp_path, "out", write_problems(tmp_path / "problems", twice))
    assert (found.items, found.accepted) == (2, 1)
    assert found.refused == {"the same program as another problem's": 1}
    rows = pq.read_table(tmp_path / "out" / "items.parquet").to_pylist()
    assert rows[1]["refused"] == "the same program as clipped"
    assert rows[1]["first"]
    assert (rows[0]["level"], rows[0]["sample"], rows[0]["cost"]) == ("reference", 0, 0.0)
    assert rows[0]["examples"] == "[((7, 3), 3), ((-4, 12), -4)]"
    assert json.loads(rows[0]["translations"]) == {}
    candidates = pq.read_table(tmp_path / "out" / "candidates.parquet").to_pylist()
    assert [row["detail"] for row in candidates] == ["", "the same program as clipped"]


def test_solutions_of_other_problems_are_refused(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "problems", [CLIPPED])
    (tmp_path / "solutions").mkdir()
    pq.write_table(pa.table({"problem": ["other"]}), tmp_path / "solutions" / "solutions.parquet")
    job = VerificationJob(verify=Verification(), forms=("python",))
    with pytest.raises(StoreError, match="are of other problems: 'other'"):
        verify_solutions(
            job, {"problems": problems, "solutions": tmp_path / "solutions"}, tmp_path, scratch=tmp_path, progress=print
        )


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        ("return [w for w in set(words) if len(w) < 3]", None),  # right for the first hash seed, by chance
        ("found = {w for w in words}\n    return [w for w in found if len(w) < 3]", None),
        ("return sorted(w for w in set(words) if len(w) < 3)", 0),
        ("found = []\n    for w in words:\n        if w not in found and len(w) < 3:\n            found.append(w)\n    return sorted(found)", 0),
    ],
)  # fmt: skip
def test_a_result_that_hangs_on_the_order_of_a_set_is_refused(opened: Opening, body: str, accepted: int | None) -> None:
    """Sets of texts stand in the order that the sandbox has given them: the expected one, in this problem."""
    text = f"def few(words):\n    {body}\n"
    given = [([chr(97 + (n * k) % 26) for k in range(1, 7)],) for n in range(1, 13)]
    with open_sandbox(LIMITS, processes=1) as sandbox:
        calls = PythonCalls(text, "few", repr(given))
        ((_, answers),) = sandbox.call_many([calls])
    right = [ast.literal_eval(each[2:]) for each in answers.answers[0]]
    problem = generated_like("few", text, given, lambda words: right[given.index((words,))])
    (found,) = verified(opened, by_teacher(replace(problem, family="of somebody else"), text))
    assert found.accepted == accepted
    if accepted is None:
        assert found.refused == judging.IMPURE
        assert found.judged[0].detail == "it reaches for more than its arguments: the order of a set"
