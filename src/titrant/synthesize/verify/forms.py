"""Other forms of an item: explanations whose worked examples hold, and solutions in another language."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from titrant.sandbox import PythonCalls, Sandbox
from titrant.synthesize.forms.explained import explain
from titrant.synthesize.teacher.worked_examples import worked_examples
from titrant.synthesize.verify.candidates import Asked, whole_solution
from titrant.synthesize.verify.judging import Held
from titrant.synthesize.verify.values import Expected

_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


@dataclass(frozen=True)
class Solved:
    """A problem, what its solutions are held against, and its accepted solution (or empty)."""

    asked: Asked
    held: Held | None
    accepted: str


def explanation(one: Solved, sandbox: Sandbox) -> str:
    """The first explanation of the teacher whose worked examples all hold, of which it has one at least; without a
    teacher, the generator's. Empty where there is none.

    An example that is none of the problem's inputs is held against its own solution, or the accepted one.
    """
    problem = one.asked.problem
    if all(each.own for each in one.asked.candidates):
        return explain(problem) if problem.family and one.held is not None else ""
    for candidate in one.asked.of("text"):
        examples = worked_examples(candidate.text, problem.entry_point)
        if examples and _hold(examples, one, sandbox):
            return candidate.text
    return ""


def _hold(examples: Sequence[tuple[str, str]], one: Solved, sandbox: Sandbox) -> bool:
    known = {} if one.held is None else {repr(each): n for n, each in enumerate(one.held.arguments)}
    others: list[tuple[str, Any]] = []
    for arguments, result in examples:
        if one.held is not None and arguments in known:
            if not one.held.expected.agrees(known[arguments], f"= {result}"):
                return False
        else:
            try:
                others.append((arguments, ast.literal_eval(result)))
            except _BROKEN:
                return False
    right = whole_solution(one.asked.problem) or one.accepted
    if not others or not right:
        return not others
    problem = one.asked.problem
    calls = PythonCalls(right, problem.entry_point, f"[{', '.join(given for given, _ in others)}]", problem.setup)
    expected = Expected([value for _, value in others], strict=not problem.tests)
    for _, said in sandbox.call_many([calls]):
        if said.status != "passed":
            return False
        return all(expected.agrees(place, answer) for place, answer in enumerate(said.answers[0]))
    return False


def translated(language: str, solved: Sequence[Solved], sandbox: Sandbox) -> dict[int, str]:
    """Checked solutions in another language, by place among `solved`.

    A teacher's come first, in the order of samples; without one, the accepted solution is translated. They are run on
    the inputs that the accepted solution was held against.
    """
    checking = importlib.import_module("titrant.synthesize.forms.translations")
    texts: dict[str, tuple[int, str]] = {}
    rows: dict[bool, list[tuple[str, str, str, str, str]]] = {True: [], False: []}
    for place, one in enumerate(solved):
        if one.held is None:
            continue
        inputs, expected = repr(list(one.held.arguments)), repr(one.held.expected.values)
        own = all(each.own for each in one.asked.candidates)
        for number, text in enumerate(_texts(language, one, inputs, own=own)):
            key = f"{place}-{number}"
            texts[key] = place, text
            rows[own].append((key, text, one.asked.problem.entry_point, inputs, expected))
    right: dict[str, bool] = {}
    for own, asked in rows.items():
        if asked:
            right |= checking.check_translations(sandbox, asked, own=own)
    found: dict[int, str] = {}
    for key, (place, text) in texts.items():
        if right.get(key):
            found.setdefault(place, text)
    return found


def _texts(language: str, one: Solved, inputs: str, *, own: bool) -> list[str]:
    if not own:
        return [each.text for each in one.asked.of(language) if each.text]
    if not one.accepted:
        return []
    room = importlib.import_module(f"titrant.synthesize.forms.{language}")
    try:
        return [getattr(room, f"to_{language}")(one.accepted, one.asked.problem.entry_point, inputs)]
    except room.NotTranslatedError:
        return []
