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
import types
from collections.abc import Callable
from typing import Any

from . import fuel

VARIANT_SECONDS = 1.0
"""Processor time of one variant with all inputs; then its process ends."""
MOST_CHARACTERS = 2**16
"""Of one answer; a longer value is told by its type."""
END = "."
"""The last line of a block."""
_MOST_DEEP = 40
"""Containers within containers."""
_LONG = 500

_ATOMS = frozenset((int, str, bool, type(None), bytes))
_SEQUENCES = frozenset((list, tuple, set))


def main(out: int, text: bytes) -> None:
    """Answer for the candidate and for each variant, and end."""
    asked = json.loads(text)
    try:
        inputs, count = _inputs(asked["inputs"])
    except Exception as error:
        _write(out, ["0", _told("its inputs are no list of tuples: ", error), END])
        os._exit(0)
    _write(out, [str(count)])
    entry_point, setup = asked["entry_point"], asked["setup"]
    if asked["candidate"] is not None:
        _write(out, _block(asked["candidate"], entry_point, setup, inputs, None))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for variant in asked["variants"]:
        signal.setitimer(signal.ITIMER_PROF, VARIANT_SECONDS)
        _write(out, _block(variant, entry_point, setup, inputs, fuel.Tank(asked["steps"])))
    os._exit(0)


def _inputs(text: str) -> tuple[bytes, int]:
    """The inputs, from which each program gets new ones, and how many they are."""
    code = compile(text, "<inputs>", "eval", dont_inherit=True)
    if not set(code.co_names) <= {"set"}:
        raise ValueError(f"{code.co_names[0]} is no literal")
    found = eval(code, {"__builtins__": {"set": set}})
    if type(found) is not list or not all(type(arguments) is tuple for arguments in found):
        raise ValueError(f"a {type(found).__name__}")
    return marshal.dumps(found), len(found)


def _block(source: str, entry_point: str, setup: str, inputs: bytes, tank: fuel.Tank | None) -> list[str]:
    """One program with all inputs."""
    module = types.ModuleType("candidate")
    names = module.__dict__
    sys.modules["candidate"] = module
    random.seed(0)
    given = marshal.loads(inputs)
    try:
        if setup:
            exec(compile(setup, "<setup>", "exec", dont_inherit=True), names)
        if tank is None:
            code = compile(source, "<candidate>", "exec", dont_inherit=True)
        else:
            names[fuel.TICK] = tank.tick()
            code = fuel.compiled(source, "<candidate>")
        exec(code, names)
        call = names[entry_point]
    except BaseException as error:
        if tank is not None:
            return ["~" if tank.empty else _raised(error)] * len(given) + [END]
        missing = type(error) is KeyError and entry_point not in names
        return [f"- it defines no {entry_point}" if missing else _told("", error), END]
    lines: list[str] = []
    for arguments in given:
        lines.append(_answer(call, arguments, tank))
        if tank is not None and tank.empty:
            lines += ["~"] * (len(given) - len(lines))
            break
    return [*lines, END]


def _answer(call: Callable[..., Any], arguments: tuple[Any, ...], tank: fuel.Tank | None) -> str:
    if tank is not None:
        tank.fill()
    try:
        value = call(*arguments)
        if tank is not None and tank.empty:
            return "~"
        if plain(value):
            said = repr(value)
            if len(said) <= MOST_CHARACTERS:
                return f"= {said}"
        return f"? {type(value).__name__[:_LONG]}".replace("\n", " ")
    except BaseException as error:
        if tank is not None and tank.empty:
            return "~"
        return _raised(error)


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
