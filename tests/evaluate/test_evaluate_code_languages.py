"""MultiPL-E's rows run in the sandbox: right answers pass, wrong ones and those that leave early do not."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from code_problems import MULTIPL_E, why_no_sandbox

from titrant.errors import EngineError
from titrant.evaluate.code.convention import AS_IT_STANDS
from titrant.evaluate.code.libraries import trial_of
from titrant.evaluate.code.problems import cut, problems_of
from titrant.evaluate.code.run import try_programs
from titrant.evaluate.harness.journal import Journal
from titrant.sandbox import Program, languages, open_sandbox
from titrant.study.tasks import CodeTask, Sampling


class Answers(NamedTuple):
    """A row of MultiPL-E, and what could be written for it."""

    row: dict[str, Any]
    right: str
    wrong: str
    leaves: str


def row(language: str, prompt: str, tests: str, stop: list[str]) -> dict[str, Any]:
    return {"name": "HumanEval_0_twice", "language": language, "prompt": prompt, "tests": tests, "stop_tokens": stop}


ANSWERS = {
    "sh": Answers(MULTIPL_E[0], "    echo $(($1 * 2))", "    echo 41", "    exit 0"),
    "pl": Answers(
        row(
            "pl",
            "# Twice a number.\nsub twice {\n    my($x) = @_;\n",
            "sub eq_deeply { $_[0] == $_[1] }\n\n\nsub testhumaneval {\n    my $candidate = \\&twice;\n        if(eq_deeply($candidate->(21),42)) {\n"
            '        print "ok!" }else{\n        exit 1;\n        }\n}\n\ntesthumaneval();',
            ["\nsub", "\n#", "\n\n"],
        ),
        "    return 2 * $x;\n}\n",
        "    return 41;\n}\n",
        "    exit 0;\n}\n",
    ),
    "js": Answers(
        row(
            "js",
            "//Twice a number.\nfunction twice(x){\n",
            "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = twice;\n"
            "  assert.deepEqual(candidate(21),42);\n}\n\ntest();",
            ["\nfunction ", "\n/*", "\n//", "\nconsole.log"],
        ),
        "  return 2 * x\n}\n",
        "  return 41\n}\n",
        "  process.exit(0)\n}\n",
    ),
    "cpp": Answers(
        row(
            "cpp",
            "#include<assert.h>\n#include<stdlib.h>\n// Twice a number.\nlong twice(long x) {\n",
            "}\nint main() {\n    auto candidate = twice;\n    assert(candidate((21)) == (42));\n}\n",
            ["\n}"],
        ),
        "    return 2 * x;",
        "    return 41;",
        "    exit(0);",
    ),
    "java": Answers(
        row(
            "java",
            "import java.util.*;\nclass Problem {\n    // Twice a number.\n    public static long twice(long x) {\n",
            "    }\n    public static void main(String[] args) {\n    assert(twice((21l)) == (42l));\n    }\n\n}\n",
            ["\n    }\n"],
        ),
        "        return 2 * x;",
        "        return 41;",
        "        System.exit(0); return 0;",
    ),
    "rs": Answers(
        row(
            "rs",
            "/// Twice a number.\nfn twice(x: isize) -> isize {\n",
            "}\n\nfn main() {\n    let candidate = twice;\n    assert_eq!(candidate(21), 42);\n}\n",
            ["\n}"],
        ),
        "    2 * x",
        "    41",
        "    std::process::exit(0)",
    ),
}
COMPILED = ("cpp", "java", "rs")


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that tells nobody."""


def _skip_without(language: str) -> None:
    if not languages()[language]:
        pytest.skip(f"programs in {language} need what is not installed")
    if (reason := why_no_sandbox()) is not None:
        pytest.skip(reason)
    try:
        with open_sandbox(processes=1) as sandbox:
            sandbox.run(Program(language, ""))
    except EngineError as error:
        if "Permission denied" not in str(error):
            raise
        pytest.skip(f"programs in {language} need what lies in a private home folder: {error}")


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=pytest.mark.slow if name in COMPILED else ()) for name in ANSWERS]
)
def test_right_answers_pass_and_those_that_leave_before_the_tests_do_not(language: str) -> None:
    _skip_without(language)
    given = ANSWERS[language]
    (problem,) = problems_of(f"multipl-e-{language}", [given.row], AS_IT_STANDS, "rows")
    for text in (given.right, given.wrong, given.leaves):
        assert cut(text, problem.stop) == text, "a stop sequence would have ended this answer"
    programs = {problem.item: [problem.program(text) for text in (given.right, given.wrong, given.leaves, "(((")]}
    task = CodeTask(name=f"multipl-e-{language}", sampling=Sampling())
    verdicts = try_programs(task, [problem], programs, Journal(), quiet).verdicts[problem.item]
    assert (verdicts[0].status, verdicts[0].detail) == ("passed", "")
    assert "passed" not in [verdict.status for verdict in verdicts[1:]]


def test_a_library_that_is_missing_is_an_error_and_no_score_of_zero() -> None:
    given = ANSWERS["pl"].row | {"tests": "use Titrant::NoSuchLibrary;\n" + ANSWERS["pl"].row["tests"]}
    (problem,) = problems_of("multipl-e-pl", [given], AS_IT_STANDS, "rows")
    programs = {problem.item: [problem.program(ANSWERS["pl"].right)]}
    _skip_without("pl")
    with pytest.raises(EngineError) as raised:
        try_programs(CodeTask(name="multipl-e-pl", sampling=Sampling()), [problem], programs, Journal(), quiet)
    assert "the problems of 'code/multipl-e-pl' import what programs in the sandbox do not find" in str(raised.value)
    assert "NoSuchLibrary" in str(raised.value)
    assert "apt install libtest-deep-perl" in str(raised.value)


def test_what_is_tried_first_is_what_all_problems_import() -> None:
    rows = [
        ANSWERS["java"].row | {"name": name, "prompt": f"{imports}class Problem {{\n"}
        for name, imports in (("a", "import java.util.*;\nimport org.javatuples.*;\n"), ("b", "import java.util.*;\n"))
    ]
    trial = trial_of(problems_of("multipl-e-java", rows, AS_IT_STANDS, "rows"))
    assert trial is not None
    assert trial.source.startswith("import java.util.*;\nimport org.javatuples.*;\nclass Problem {")
    assert trial_of(problems_of("multipl-e-sh", [MULTIPL_E[0]], AS_IT_STANDS, "rows")) is None
