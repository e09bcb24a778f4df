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

from . import fuel, literals, stateless

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
SPENT = "~"
"""Stands for the answer of a variant that has used up its steps."""
UNKNOWN = "-"
"""Stands for an answer of a variant that nobody knows: it was not called, as it had run away on others or ended its
process, or the candidate needs more steps for that input too."""
MOST_RUNAWAYS = 2
"""Inputs on which a variant runs away, by its steps or by calls within calls; then it is called no more."""
_RUN_AWAY = frozenset((SPENT, "! RecursionError"))
_LEAST_NANOSECONDS = 3
"""In which no interpreter begins a round of a loop or a call: fifteen cycles of a processor of 5 GHz."""
_SLOW = 4
"""Inputs that are called a second time with their steps counted; all later ones are counted at once."""
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
    candidate = _Text(asked["candidate"], entry_point, setup)
    if not asked["answered"]:
        _write(out, _candidate(candidate, inputs))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    original = _Original(candidate, _turned(inputs, asked["first"]), count, asked["steps"])
    for variant in asked["variants"]:
        signal.setitimer(signal.ITIMER_PROF, VARIANT_SECONDS)
        lines = _variant(_Text(variant, entry_point, setup), original)
        last = count - asked["first"]
        _write(out, [*lines[last:], *lines[:last], END])
    os._exit(0)


def rehearse() -> None:
    """Do what is done for every item, with a program of one's own: what the interpreter learns from it is then there
    in every copy of this process."""
    inputs, count = literals.marshalled("[(1, [2, 'a'], {3: (4,)})]")
    source = _Text("def f(*x):\n    for y in x:\n        pass\n    return [y for y in x]", "f", "")
    for _ in range(_REHEARSALS):
        _candidate(source, inputs)
        original = _Original(source, _turned(inputs, 1), count, 100)
        _variant(source, original)
        original.spends(0)
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
        call, _ = _loaded(program, compile(program.source, "<candidate>", "exec", dont_inherit=True), {})
    except BaseException as error:
        return [_told("", error), END]
    return [*(_answer(call, arguments) for arguments in marshal.loads(inputs)), END]


def _turned(inputs: bytes, first: int) -> bytes:
    """The inputs from one on, then those before it."""
    given = marshal.loads(inputs)
    return marshal.dumps([*given[first:], *given[:first]]) if first else inputs


class _Original:
    """What variants are made from, and called with."""

    def __init__(self, program: _Text, inputs: bytes, count: int, steps: int) -> None:
        self.inputs, self.count, self.steps = inputs, count, steps
        self.keeps_nothing = stateless.keeps_nothing(f"{program.setup}\n{program.source}")
        """Whether each of its calls answers the same, whatever was called before it. Then its variants' do: a small
        change within a function lets it reach nothing that lasts."""
        self._program = program
        self._counted: _Counted | None = None
        self._spends: dict[int, bool] = {}

    def spends(self, place: int) -> bool:
        """Whether it uses up the steps itself on an input."""
        if place not in self._spends:
            if self._counted is None:
                self._counted = _Counted(self._program, self.inputs, self.steps)
            self._spends[place] = self._counted.answer(place) == SPENT
        return self._spends[place]


def _variant(program: _Text, original: _Original) -> list[str]:
    """The answers of a variant. After a few inputs on which it runs away it is called no more."""
    lines: list[str] = []
    runaways = slow = 0
    counted: _Counted | None = None
    quick = _Quick(program, original) if original.keeps_nothing else None
    while len(lines) < original.count and runaways < MOST_RUNAWAYS:
        if quick is not None and slow < _SLOW:
            quick.answer(lines)
            if len(lines) == original.count:
                break
        slow += 1
        if counted is None:
            counted = _Counted(program, original.inputs, original.steps)
        place = len(lines)
        lines.append(counted.answer(place))
        runaways += lines[place] in _RUN_AWAY
        if lines[place] == SPENT and original.spends(place):
            lines[place] = UNKNOWN
    if quick is not None:
        quick.end()
    return [*lines, *[UNKNOWN] * (original.count - len(lines))]


class _Quick:
    """A variant without its steps counted. What it answers counts where it is so fast that it cannot have used them up:
    counting would give the same."""

    def __init__(self, program: _Text, original: _Original) -> None:
        self._most = original.steps * _LEAST_NANOSECONDS
        self._given = marshal.loads(original.inputs)
        self._alarm = _Alarm()
        self._call: Any = None
        self._depth = _DEPTH
        self._failed: str | None = None
        self._slow = False
        """Whether its loading may have used up the steps, or run away."""
        try:
            code = compile(program.source, "<candidate>", "exec", dont_inherit=True)
        except BaseException as error:
            self._failed = _raised(error)
            return
        self._alarm.set()
        began = _now()
        try:
            self._call, self._depth = _loaded(program, code, {})
        except BaseException as error:
            self._failed = _raised(error)
        self._slow = self._alarm.rang or _now() - began > self._most or self._failed in _RUN_AWAY
        self._alarm.hush()

    def answer(self, lines: list[str]) -> None:
        """Add the answers from the next input on, up to one on which it may have run away."""
        if self._slow:
            return
        call, given, alarm, most = self._call, self._given, self._alarm, self._most
        if self._failed is not None:
            lines += [self._failed] * (len(given) - len(lines))
            return
        sys.setrecursionlimit(self._depth)  # around it are as many calls as around those of the candidate
        alarm.set()
        try:
            for arguments in given[len(lines) :]:
                began = _now()
                found = _answer(call, arguments)
                if _now() - began > most or alarm.rang or found in _RUN_AWAY:
                    break
                lines.append(found)
        except _Rang:
            pass
        alarm.hush()

    def end(self) -> None:
        """Let go of the alarm."""
        self._alarm.end()


class _Alarm:
    """Raises _Rang in what it is set for, again and again until it is hushed: who catches it gains nothing."""

    def __init__(self) -> None:
        self.rang = False
        self._is_set = False
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, _ALARM_SECONDS, _ALARM_SECONDS)

    def _ring(self, _: int, frame: FrameType | None) -> None:
        if not self._is_set:
            return
        self.rang = True
        while frame is not None:
            if frame.f_code in _OF_PROGRAMS:
                raise _Rang
            frame = frame.f_back

    def set(self) -> None:
        self.rang, self._is_set = False, True

    def hush(self) -> None:
        self._is_set = False

    def end(self) -> None:
        self._is_set = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


class _Counted:
    """A variant on fuel."""

    def __init__(self, program: _Text, inputs: bytes, steps: int) -> None:
        self._tank = fuel.Tank(steps)
        self._given = marshal.loads(inputs)
        self._call: Any = None
        self._depth = _DEPTH
        self._failed = ""
        try:
            code = fuel.compiled(program.source, "<candidate>")
            self._call, self._depth = _loaded(program, code, self._tank.names(), more=1)
        except BaseException as error:
            self._failed = SPENT if self._tank.empty else _raised(error)

    def answer(self, place: int) -> str:
        """SPENT: it has used up its steps."""
        if self._failed:
            return self._failed
        self._tank.fill()
        sys.setrecursionlimit(self._depth + 1)  # asking is a call more than the program makes itself
        found = _answer(self._call, self._given[place])
        return SPENT if self._tank.empty else found


def _loaded(program: _Text, code: CodeType, names: dict[str, Any], more: int = 0) -> tuple[Any, int]:
    """The function of a program, executed as a module of its own that finds all else as every other does; and how many
    calls within calls it has asked for. `more`: calls that are not its own."""
    module = types.ModuleType("candidate")
    module.__dict__.update(names)
    sys.modules["candidate"] = module
    sys.setrecursionlimit(_DEPTH + more)
    random.seed(0)
    if program.setup:
        exec(compile(program.setup, "<setup>", "exec", dont_inherit=True), module.__dict__)
    exec(code, module.__dict__)
    if program.entry_point not in module.__dict__:
        raise NameError(f"it defines no {program.entry_point}")
    depth = sys.getrecursionlimit()
    return module.__dict__[program.entry_point], depth if depth != _DEPTH + more else _DEPTH


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
