"""Calls of one function, each with arguments of its own, and what came of them as lines of text.

Runs in a process that is locked in. What it writes is data to the other side and proves nothing about itself, so
nothing here needs to be safe from the code that it runs. The first line, written before any of that code runs, is the
number of inputs. Then comes a block of lines for the candidate, and one for each variant, each as soon as it is whole:
one line an input and a last line END. For a candidate that cannot be called, `- ` and why stand instead of its answers.
"""

from __future__ import annotations

import json
import marshal
import math
import os
import random
import signal
import sys
import time
import types
from types import CodeType, FrameType
from typing import Any, NamedTuple

from . import fuel, literals

VARIANT_SECONDS = 1.0
"""Processor time of one variant with all inputs; then its process ends."""
MOST_CHARACTERS = 2**16
"""Of one answer; a longer value is told by its type."""
END = "."
"""The last line of a block."""
_MOST_DEEP = 40
"""Containers within containers."""
_LONG = 500
_REHEARSALS = 20
_DEPTH = 1000
"""Calls within calls, as in every Python."""
_LEAST_NANOSECONDS = 2
"""In which no interpreter begins a round of a loop or a call."""
_ALARM_SECONDS = 0.0015
_now = time.perf_counter_ns

_ATOMS = frozenset((int, str, bool, type(None), bytes))
_SEQUENCES = frozenset((list, tuple, set))


def main(out: int, text: bytes) -> None:
    """Answer for the candidate and for each variant, and end."""
    asked = json.loads(text)
    try:
        inputs, count = literals.marshalled(asked["inputs"])
    except Exception as error:
        _write(out, ["0", _told("its inputs are no list of tuples: ", error), END])
        os._exit(0)
    _write(out, [str(count)])
    entry_point, setup = asked["entry_point"], asked["setup"]
    if asked["candidate"] is not None:
        _write(out, _candidate(_Text(asked["candidate"], entry_point, setup), inputs))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for variant in asked["variants"]:
        signal.setitimer(signal.ITIMER_PROF, VARIANT_SECONDS)
        text_of = _Text(variant, entry_point, setup)
        _write(out, _quick(text_of, inputs, asked["steps"]) or _counted(text_of, inputs, asked["steps"]))
    os._exit(0)


def rehearse() -> None:
    """Do what is done for every item, with a program of one's own: what the interpreter learns from it is then there
    in every copy of this process."""
    inputs, _ = literals.marshalled("[(1, [2, 'a'], {3: (4,)})]")
    source = _Text("def f(*x):\n    for y in x:\n        pass\n    return [y for y in x]", "f", "")
    for _ in range(_REHEARSALS):
        _candidate(source, inputs)
        _quick(source, inputs, 100)
        _counted(source, inputs, 100)
        json.loads(json.dumps({"text": inputs.hex(), "list": [1, 2]}))


class _Text(NamedTuple):
    """A program."""

    source: str
    entry_point: str
    setup: str


class _Rang(BaseException):
    """A variant has taken so long that it may have used up its steps."""


def _candidate(program: _Text, inputs: bytes) -> list[str]:
    try:
        call = _loaded(program, compile(program.source, "<candidate>", "exec", dont_inherit=True), {})
    except BaseException as error:
        return [_told("", error), END]
    return [*(_answer(call, arguments) for arguments in marshal.loads(inputs)), END]


def _quick(program: _Text, inputs: bytes, steps: int) -> list[str] | None:
    """The answers of a variant without counting its steps, if it is so fast that it cannot have used them up; else
    None. Counting would give the same answers."""
    alarm = _Alarm()
    most = steps * _LEAST_NANOSECONDS
    given = marshal.loads(inputs)
    lines: list[str] = []
    try:
        code = compile(program.source, "<candidate>", "exec", dont_inherit=True)
        alarm.set()
        began = _now()
        call = _loaded(program, code, {})
        for arguments in given:
            if alarm.rang or _now() - began > most:
                break
            began = _now()
            lines.append(_answer(call, arguments))
        alarm.rang |= _now() - began > most
    except _Rang:
        pass
    except BaseException as error:
        lines = [_raised(error)] * len(given)
    alarm.end()
    return None if alarm.rang else [*lines, END]


class _Alarm:
    """Raises _Rang in what it is set for, again and again until its end: a program that catches it gains nothing."""

    def __init__(self) -> None:
        self.rang = False
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, _: int, frame: FrameType | None) -> None:
        self.rang = True
        while frame is not None:
            if frame.f_code in _OF_PROGRAMS:
                raise _Rang
            frame = frame.f_back

    def set(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, _ALARM_SECONDS, _ALARM_SECONDS)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def _counted(program: _Text, inputs: bytes, steps: int) -> list[str]:
    """The answers of a variant, its steps counted."""
    tank = fuel.Tank(steps)
    given = marshal.loads(inputs)
    lines: list[str] = []
    try:
        code = fuel.compiled(program.source, "<candidate>")
        call = _loaded(program, code, tank.names())
        sys.setrecursionlimit(_DEPTH + 1)  # asking is a call more than the program makes itself
        for arguments in given:
            tank.fill()
            answer = _answer(call, arguments)
            if tank.empty:
                break
            lines.append(answer)
    except BaseException as error:
        if not tank.empty:
            return [_raised(error)] * len(given) + [END]
    return [*lines, *["~"] * (len(given) - len(lines)), END]


def _loaded(program: _Text, code: CodeType, names: dict[str, Any]) -> Any:
    """The function of a program, executed as a module of its own that finds all else as every other does."""
    module = types.ModuleType("candidate")
    module.__dict__.update(names)
    sys.modules["candidate"] = module
    sys.setrecursionlimit(_DEPTH)
    random.seed(0)
    if program.setup:
        exec(compile(program.setup, "<setup>", "exec", dont_inherit=True), module.__dict__)
    exec(code, module.__dict__)
    if program.entry_point not in module.__dict__:
        raise NameError(f"it defines no {program.entry_point}")
    return module.__dict__[program.entry_point]


def _answer(call: Any, arguments: tuple[Any, ...]) -> str:
    try:
        value = call(*arguments)
        if plain(value):
            said = repr(value)
            if len(said) <= MOST_CHARACTERS:
                return f"= {said}"
        return f"? {type(value).__name__[:_LONG]}".replace("\n", " ")
    except _Rang:
        raise
    except BaseException as error:
        return _raised(error)


_OF_PROGRAMS = (_loaded.__code__, _answer.__code__)
"""Functions in which, and below which, a program runs."""


def _raised(error: BaseException) -> str:
    return f"! {type(error).__name__[:_LONG]}".replace("\n", " ")


def plain(value: Any, depth: int = 0) -> bool:
    """Whether a value is a literal: of the built-in types themselves, finite, not too deep."""
    kind = type(value)
    if kind in _ATOMS:
        return True
    if depth > _MOST_DEEP:
        return False
    if kind in _SEQUENCES:
        return _ATOMS.issuperset(map(type, value)) or all(plain(item, depth + 1) for item in value)
    if kind is dict:
        return all(plain(key, depth + 1) and plain(item, depth + 1) for key, item in value.items())
    return kind is float and math.isfinite(value)


def _told(before: str, error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    return f"- {before}{type(error).__name__}: {text}"[:_LONG].replace("\n", " ")


def _write(out: int, lines: list[str]) -> None:
    view = memoryview(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    while view:
        view = view[os.write(out, view) :]
