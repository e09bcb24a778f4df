"""Problems to be solved by code: what a model is given, where its answer ends, and how the answer is tried.

Three sets are known, in the columns that they have on the hub:

    humaneval           task_id, prompt, canonical_solution, test, entry_point
    mbpp                task_id, text, code, test_list, test_setup_code
    multipl-e-LANGUAGE  name, language, prompt, tests, stop_tokens

Prompts are never stripped, and an answer is what the model wrote, to the first stop sequence: a program is the text
before it, the answer, and the tests. What the tests of a Python problem need beside the answer (imports and helpers of
the prompt, set-up code) is run with the tests, apart from the answer, so that an answer cannot change it.

**Source:** Chen et al. 2021 (arXiv 2107.03374), Austin et al. 2021 (arXiv 2108.07732), Cassano et al. 2022 (arXiv
2208.08227).
"""

from __future__ import annotations

import ast
import builtins
import codeop
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from titrant.errors import Problem as Fault
from titrant.errors import StudyError
from titrant.evaluate.code.convention import Convention

MULTIPL_E = "multipl-e-"
PROBLEMS_SHOWN = 20
EXAMPLES = re.compile(r">>>|^\s*(?:for )?examples?\b|^.*(?:==|=>|->|➞)", re.IGNORECASE | re.MULTILINE)
"""Where the examples of a docstring begin."""
TOLD_WORDS = 13
"""A docstring of fewer words ("Checks if given string is a palindrome") stands in programs that are not about the
problem."""


@dataclass(frozen=True)
class Problem:
    """One problem, with all that is needed to ask it and to try an answer."""

    item: str
    """Its name, the same for every run: `HumanEval/0`, `Mbpp/11`, `HumanEval_0_has_close_elements`."""
    language: str
    """`python`, or MultiPL-E's name of the language."""
    prompt: str
    """What a model is given, to the last character."""
    question: str
    """What it asks, without solved examples and common words: sources are searched for it."""
    stop: tuple[str, ...]
    """An answer ends before the first of these."""
    before: str
    """What stands before the answer in the program."""
    tests: str
    """What is run after the program; it fails by raising, or, outside Python, by its exit code."""
    entry_points: tuple[str, ...]
    """What the tests use of the program (Python only)."""
    setup: str
    """What the tests use and the program does not define (Python only)."""
    solution: str | None
    """An answer that is known to be right, as a model would write it; null where the set has none."""
    statement: str = ""
    """The task in words alone, without code and tests; empty where the set does not tell them apart."""
    asserts: tuple[str, ...] = ()
    """The tests that are one statement each, as they are written (MBPP)."""

    def program(self, answer: str) -> str:
        """The whole program that an answer makes, without tests."""
        return self.before + answer


def problems_of(name: str, rows: Sequence[Mapping[str, Any]], convention: Convention, where: str) -> list[Problem]:
    """The problems of the task `name` from rows in the hub's columns, in order.

    `where` names the place of the rows in messages. Raises StudyError with the rows that lack something, are no Python,
    or ask the same item twice.
    """
    make = _maker(name)
    problems: list[Problem] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        try:
            problem = make(row, convention)
            if problem.item in seen:
                raise ValueError(f"'{problem.item}' stands there twice; delete one")
            seen.add(problem.item)
            problems.append(problem)
        except ValueError as error:
            faults.append(Fault(f"{error}", f"{where}:{number}"))
    if not problems and not faults:
        faults = [Fault(f"code task '{name}' has no problems", where)]
    if faults:
        more = len(faults) - PROBLEMS_SHOWN
        raise StudyError(faults[:PROBLEMS_SHOWN] + ([Fault(f"and {more} more rows like these")] if more > 0 else []))
    return problems


def as_row(problem: Problem) -> dict[str, Any]:
    """A problem as JSON."""
    return asdict(problem)


def of_row(row: Mapping[str, Any]) -> Problem:
    """A problem from its JSON."""
    lists = {name: tuple(row[name]) for name in ("stop", "entry_points", "asserts")}
    return Problem(**{**row, **lists})


def cut(text: str, stop: Sequence[str]) -> str:
    """`text` to the first of the stop sequences. Nothing is stripped.

    >>> cut("    return a\\n\\ndef other():\\n", ("\\nclass", "\\ndef"))
    '    return a\\n'
    """
    ends = [at for sequence in stop if (at := text.find(sequence)) >= 0]
    return text[: min(ends)] if ends else text


def _maker(name: str) -> Any:
    if name.startswith(MULTIPL_E):
        return _multipl_e(name.removeprefix(MULTIPL_E))
    makers = {"humaneval": _humaneval, "mbpp": _mbpp}
    if name not in makers:
        raise StudyError(
            f"'{name}' is not a code task that is known: use 'humaneval', 'mbpp', or 'multipl-e-LANGUAGE' such as "
            "'multipl-e-js'"
        )
    return makers[name]


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise ValueError(f"'{key}' is {value!r:.60}; it must be a string")
    if not _is_unicode(value):
        raise ValueError(f"'{key}' holds half a character (a lone surrogate); it must be text in Unicode")
    return value


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key)
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(text, str) and text and _is_unicode(text) for text in value
    ):
        raise ValueError(f"'{key}' is {value!r:.60}; it must be a list of strings that are not empty")
    return tuple(value)


def _humaneval(row: Mapping[str, Any], convention: Convention) -> Problem:
    item, prompt, name = _text(row, "task_id"), _text(row, "prompt"), _text(row, "entry_point")
    solution = _text(row, "canonical_solution") if row.get("canonical_solution") is not None else None
    setup = _before_function(prompt, name)
    _can_go_on(prompt, solution, f"the prompt of '{item}'")
    if "check" not in _defined(_parsed(_text(row, "test"), f"the test of '{item}'")):
        raise ValueError(f"the test of '{item}' does not define the function 'check' that tries a solution")
    return Problem(
        item=item,
        language="python",
        prompt=convention.prompt(row),
        question=prompt,
        stop=convention.stop,
        before=prompt,
        tests=f"{_text(row, 'test')}\ncheck({name})\n",
        entry_points=(name,),
        setup=setup,
        solution=solution,
        statement=_told(prompt, name),
    )


def _told(prompt: str, name: str) -> str:
    """What the docstring of the function to be written says before its first example; empty if that cannot be read, or
    is so short that others document functions of their own with the same words."""
    try:
        body = _parsed(prompt + "\n    pass\n", "the prompt").body
    except ValueError:
        return ""
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
    told = ast.get_docstring(functions[0]) if functions else None
    text = EXAMPLES.split(told or "", maxsplit=1)[0].strip()
    return text if len(text.split()) >= TOLD_WORDS else ""


def _can_go_on(prompt: str, solution: str | None, what: str) -> None:
    """Raises ValueError for a beginning that no answer can make a program of: every model would fail at it."""
    try:
        _parsed(prompt + (solution or ""), what)
    except ValueError:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                codeop.compile_command(prompt, symbol="exec")
        except (SyntaxError, ValueError, OverflowError) as error:
            raise ValueError(f"{what} is no Python, however it goes on: {error}") from None


def _before_function(prompt: str, name: str) -> str:
    """The imports and helpers of a prompt: all that stands before the function to be written."""
    at = f"\n{prompt}".find(f"\ndef {name}(")
    if at < 0:
        raise ValueError(f"the prompt does not define the function '{name}' that its tests call")
    setup = prompt[:at]
    _parsed(setup, "what the prompt has before its function")
    return setup


def _mbpp(row: Mapping[str, Any], convention: Convention) -> Problem:
    number = row.get("task_id")
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        raise ValueError(f"'task_id' is {number!r:.60}; it must be a number")
    text, asserts = _text(row, "text"), _texts(row, "test_list")
    tests = "\n".join(asserts) + "\n"
    setup = _text(row, "test_setup_code") if row.get("test_setup_code") else ""
    solution = _text(row, "code") if row.get("code") is not None else None
    return Problem(
        item=f"Mbpp/{str(number).rpartition('/')[2]}",
        language="python",
        prompt=convention.prompt(row),
        question=f"{text}\n{tests}",
        stop=convention.stop,
        before="",
        tests=f"{setup}\n{tests}" if setup else tests,
        entry_points=_used(f"{setup}\n{tests}", solution),
        setup="",
        solution=solution,
        statement=text,
        asserts=asserts,
    )


def _parsed(source: str, what: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{what} is no Python: {error}") from None


def _used(tests: str, solution: str | None) -> tuple[str, ...]:
    """The names that tests use and do not bind themselves; builtins only where the known solution defines them."""
    nodes = list(ast.walk(_parsed(tests, "its tests")))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    bound |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    bound |= {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)} - bound
    solved = _solved(solution)
    found = {name for name in used if name in solved or not hasattr(builtins, name)}
    if not found:
        raise ValueError("its tests use nothing that a solution could define")
    return tuple(sorted(found))


def _solved(solution: str | None) -> set[str]:
    try:
        body = _parsed(solution or "", "its solution").body
    except ValueError:
        return set()
    return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _defined(module: ast.Module) -> set[str]:
    """All names that a program binds, in whatever way and however deep."""
    nodes = list(ast.walk(module))
    found = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    found |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    return found | {alias.asname or alias.name for node in imports for alias in node.names}


def _multipl_e(language: str) -> Any:
    def make(row: Mapping[str, Any], convention: Convention) -> Problem:
        given = _text(row, "language")
        if given != language:
            raise ValueError(f"'language' is '{given}'; the task asks for '{language}'")
        prompt = _text(row, "prompt")
        return Problem(
            item=_text(row, "name"),
            language=language,
            prompt=prompt,
            question=prompt,
            stop=_texts(row, "stop_tokens"),
            before=prompt,
            tests=_text(row, "tests"),
            entry_points=(),
            setup="",
            solution=None,
        )

    return make
