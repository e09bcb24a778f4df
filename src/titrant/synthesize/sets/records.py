"""One record of a set of problems as a problem, or the reason why it is none.

    columns                                            what they are taken for
    those that the study names                         as it says
    prompt, canonical_solution, test, entry_point      HumanEval: a prompt is the beginning of the solution
    text or prompt, code, test_list, test_setup_code   MBPP

**Source:** Chen et al. 2021 (arXiv 2107.03374), Austin et al. 2021 (arXiv 2108.07732).
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from titrant.corpus.opened import LeftOut
from titrant.study.synthesis import ProblemColumns
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.parsing import bound_names, first_line, parsed, used_names
from titrant.synthesize.sets.docstrings import description, text_of
from titrant.synthesize.sets.given_tests import Tests, called_in, read_tests, shown_first

Record = Mapping[str, Any]

MOST_CHARACTERS = 20_000
"""Of a statement."""
NO_STATEMENT = LeftOut("no statement")
NO_ENTRY_POINT = LeftOut("no function that is asked for")
BAD_ENTRY_POINT = LeftOut("what is asked for is no function by its name")
BAD_TESTS = LeftOut("tests that are no Python")
BAD_SOLUTION = LeftOut("a solution that does not define the function")
BAD_SETUP = LeftOut("setup that is no Python")
NOT_UNICODE = LeftOut("not Unicode")
TOO_LONG = LeftOut(f"a statement of more than {MOST_CHARACTERS:,} characters")
TOO_DEEP = LeftOut("a program that nests too deep")
NOT_TEXT = LeftOut("a column that holds no text")

_HUMANEVAL = {"prompt", "test", "entry_point"}
_NAMES = ("task_id", "name", "id")


@dataclass(frozen=True)
class Given:
    """A record in columns of ours."""

    statement: str
    entry_point: str
    tests: object
    solution: str
    setup: str


def is_known(record: Record, columns: ProblemColumns) -> bool:
    """Whether a record has the columns of a statement: those that the study names, or a known set's."""
    return columns.statement in record or record.keys() >= _HUMANEVAL or "test_list" in record


def name_of(record: Record) -> str:
    """What the set itself calls a record, or nothing."""
    found = next((record[name] for name in _NAMES if isinstance(record.get(name), (str, int))), "")
    return " ".join(str(found).split())[:80]


def problem_of(record: Record, columns: ProblemColumns, problem: str, source: str, licence: str) -> Problem | LeftOut:
    """The problem in a record, called `problem`, or why there is none."""
    given = _given(record, columns)
    if isinstance(given, LeftOut):
        return given
    texts = (given.statement, given.entry_point, given.solution, given.setup, repr(given.tests))
    if any("\ud800" <= sign <= "\udfff" for text in texts for sign in text):
        return NOT_UNICODE
    if not given.statement.strip():
        return NO_STATEMENT
    if len(given.statement) > MOST_CHARACTERS:
        return TOO_LONG
    try:
        return _problem(given, Problem(problem, source, licence, statement="", entry_point=""))
    except RecursionError:
        return TOO_DEEP


def _given(record: Record, columns: ProblemColumns) -> Given | LeftOut:
    if columns.statement in record:
        names = (columns.statement, columns.entry_point, columns.tests, columns.solution, columns.setup)
    elif "test_list" in record:
        names = ("text" if "text" in record else "prompt", "", "test_list", "code", "test_setup_code")
    else:
        names = ("prompt", "entry_point", "test", "canonical_solution", "")
    statement, entry_point, tests, solution, setup = (record.get(name) for name in names)
    if setup is None and isinstance(record.get("test_imports"), list):  # of the sanitized MBPP
        setup = "\n".join(map(str, record["test_imports"]))
    texts = [statement, entry_point, solution, setup]
    if not all(text is None or isinstance(text, str) for text in texts):
        return NOT_TEXT
    return Given(statement or "", (entry_point or "").strip(), tests or [], solution or "", setup or "")


def _problem(given: Given, empty: Problem) -> Problem | LeftOut:
    if given.setup and parsed(given.setup) is None:
        return BAD_SETUP
    entry_point = given.entry_point or _asked_for(given)
    if not entry_point:
        return NO_ENTRY_POINT
    if not entry_point.isidentifier():
        return BAD_ENTRY_POINT
    tests = read_tests(given.tests, entry_point)
    if tests is None:
        return BAD_TESTS
    begun = _begun(given.statement, entry_point)
    reference = _reference(given, entry_point)
    if reference is None:
        return BAD_SOLUTION
    prelude, solution = reference
    given_setup, tests = _apart(given.setup, tests)
    setup = "\n".join(
        part.strip("\n") for part in (given_setup, tests.setup, begun.before if begun else "") if part.strip()
    )
    found = begun.function if begun else _function(parsed(f"{prelude}\n{solution}"), entry_point)
    signature = signature_of(found) if found else ""
    statement, ordered, shown = _statement(given.statement, begun is not None, entry_point, signature, tests)
    return Problem(
        problem=empty.problem,
        source=empty.source,
        licence=empty.licence,
        statement=statement,
        entry_point=entry_point,
        about=_about(begun) if begun else given.statement.strip(),
        signature=signature,
        prelude=prelude,
        solution=solution,
        setup=setup,
        tests=ordered,
        shown=shown,
    )


def _apart(setup: str, tests: Tests) -> tuple[str, Tests]:
    """Setup that stands before a solution, and the tests; setup that needs the solution stands before each of those."""
    tree = parsed(setup)
    if not isinstance(tree, ast.Module) or not any(
        name not in bound_names(tree.body) and not hasattr(builtins, name) for name in used_names(tree)
    ):
        return setup, tests
    return "", Tests(tuple(f"{setup.strip()}\n{test}" for test in tests.statements), tests.setup)


def _asked_for(given: Given) -> str:
    """The function that the tests call, or the last that the solution defines, or the only one that the statement
    begins."""
    tree = parsed(given.solution)
    defined = (
        [each.name for each in tree.body if isinstance(each, ast.FunctionDef)] if isinstance(tree, ast.Module) else []
    )
    tests = read_tests(given.tests, None)
    called = called_in(tests) if tests else []
    both = [name for name in called if name in defined]
    begun = re.findall(r"^def (\w+)\(", given.statement, re.MULTILINE)
    return next(iter([*both, *called[: 0 if defined else 1], *defined[-1:], *begun[-1:]]), "")


@dataclass(frozen=True)
class _Begun:
    """A statement that is the beginning of a program: `def f(...):` and its docstring."""

    before: str
    function: ast.FunctionDef


def _begun(statement: str, entry_point: str) -> _Begun | None:
    tree = parsed(f"{statement.rstrip()}\n    pass\n")
    function = _function(tree, entry_point)
    if function is None or not isinstance(tree, ast.Module) or tree.body[-1] is not function:
        return None
    return _Begun("\n".join(statement.split("\n")[: first_line(function) - 1]).strip("\n"), function)


def _about(begun: _Begun) -> str:
    docstring = text_of(begun.function)
    return description(docstring) or docstring


def _function(tree: ast.AST | None, name: str) -> ast.FunctionDef | None:
    body = tree.body if isinstance(tree, ast.Module) else []
    return next((each for each in reversed(body) if isinstance(each, ast.FunctionDef) and each.name == name), None)


def _reference(given: Given, entry_point: str) -> tuple[str, str] | None:
    """(what stands before the function, the function and what follows); None for a solution without it."""
    if not given.solution.strip():
        return "", ""
    for whole in (given.solution, given.statement + given.solution):
        tree = parsed(whole)
        if isinstance(tree, ast.Module) and entry_point in bound_names(tree.body):
            at = next(each for each in tree.body if entry_point in bound_names([each]))
            lines = whole.replace("\r\n", "\n").split("\n")
            before, after = "\n".join(lines[: first_line(at) - 1]), "\n".join(lines[first_line(at) - 1 :])
            return before.strip("\n"), after.strip("\n").rstrip() + "\n"
    return None


def signature_of(function: ast.FunctionDef) -> str:
    """`def f(a: int) -> int:`, on one line."""
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"def {function.name}({ast.unparse(function.args)}){returns}:"


def _statement(
    given: str, is_begun: bool, entry_point: str, signature: str, tests: Tests
) -> tuple[str, tuple[str, ...], int]:
    """What is shown, the tests in order, and how many of them it shows."""
    if is_begun:
        ordered, shown = shown_first(tests.statements, given)
        return f"Complete this Python function.\n\n```python\n{given.strip(chr(10)).rstrip()}\n```", ordered, shown
    if re.search(rf"\b{re.escape(entry_point)}\s*\(", given):
        ordered, shown = shown_first(tests.statements, given)
        return given.strip(), ordered, shown
    # nothing else says what the function is called and what it takes
    short = [test for test in tests.statements if "\n" not in test]
    if short and len(tests.statements) > 1:
        first = short[0]
        rest = tuple(test for test in tests.statements if test != first)
        return f"{given.strip()}\n\nThis must hold:\n\n```python\n{first}\n```", (first, *rest), 1
    named = f"Its first line is `{signature}`." if signature else f"It is called `{entry_point}`."
    return f"{given.strip()}\n\nWrite a Python function. {named}", tests.statements, 0
