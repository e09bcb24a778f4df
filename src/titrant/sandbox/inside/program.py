"""The program's process: runs the code under test, then does what the tests' process asks.

It knows no test. What it says is data to the other side and proves nothing about itself, so nothing here needs to be
safe from the code that it runs.
"""

from __future__ import annotations

import contextlib
import operator
import os
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from . import wire

_LONG = 2000
"""Characters of what is told of an error."""


class Program:
    """The namespace of the code under test, and the objects of it that the tests hold by number."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._module = types.ModuleType("candidate")
        self._trouble: dict[str, Any] | None = None
        self._operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "names": self._names,
            "get": lambda asked: getattr(self._object(asked), asked["name"]),
            "set": lambda asked: setattr(self._object(asked), asked["name"], self._unpack(asked["value"])),
            "item": lambda asked: self._object(asked)[self._unpack(asked["key"])],
            "set item": lambda asked: operator.setitem(
                self._object(asked), self._unpack(asked["key"]), self._unpack(asked["value"])
            ),
            "iterate": lambda asked: _Iteration(iter(self._object(asked))),
            "next": lambda asked: next(self._object(asked).iterator),
            "length": lambda asked: len(self._object(asked)),
            "truth": lambda asked: bool(self._object(asked)),
            "text": lambda asked: str(self._object(asked)),
            "is of": lambda asked: isinstance(self._unpack(asked["value"]), self._object(asked)),
        }

    def run(self, setup: str, source: str) -> None:
        """Execute the code as a module named `candidate`; what it raises is told at the first question."""
        sys.modules["candidate"] = self._module
        random.seed(0)  # a fork seeds it anew; the same program shall do the same
        try:
            for text, name in ((setup, "<setup>"), (source, "<candidate>")):
                exec(compile(text, name, "exec", dont_inherit=True), self._module.__dict__)
        except BaseException as error:
            self._trouble = _told(error)

    def serve(self) -> None:
        """Answer until the tests' process has ended."""
        with contextlib.suppress(wire.Gone):
            while True:
                self._answer(wire.receive(self._channel))

    def _answer(self, asked: dict[str, Any]) -> None:
        if self._trouble is not None:
            wire.send(self._channel, {"loading": True, **self._trouble})
            return
        after: list[Any] = []
        try:
            if asked["operation"] == "call":
                said, after = self._call(asked)
            else:
                said = self._pack(self._operations[asked["operation"]](asked))
        except wire.Gone:
            raise
        except BaseException as error:
            wire.send(self._channel, _told(error))
            return
        wire.send(self._channel, {"value": said, "after": after})

    def _names(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._module.__dict__
        return {name: found[name] for name in asked["names"] if name in found}

    def _call(self, asked: dict[str, Any]) -> tuple[Any, list[Any]]:
        """What a call gives, and what the containers passed to it hold after it."""
        passed: dict[int, Any] = {}

        def resolve(said: dict[str, Any]) -> Any:
            if "same" in said:
                return passed[said["same"]]
            if "kept" in said:
                number, whole = said["kept"]
                passed[number] = wire.unpack(whole, resolve)
                return passed[number]
            return self._resolve(said)

        arguments = [wire.unpack(item, resolve) for item in asked["arguments"]]
        keywords = {name: wire.unpack(item, resolve) for name, item in asked["keywords"].items()}
        aliases = wire.Aliases(passed[number] for number in range(len(passed)))
        given = self._object(asked)(*arguments, **keywords)
        said = wire.pack(given, self._export, aliases)
        return said, [wire.pack(item, self._export, aliases, whole=True) for item in aliases.objects]

    def _object(self, asked: dict[str, Any]) -> Any:
        return self._objects[asked["handle"]]

    def _pack(self, value: Any) -> Any:
        return wire.pack(value, self._export)

    def _export(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return {"module": value.__name__}
        number = self._numbers.setdefault(id(value), len(self._numbers) + 1)
        self._objects[number] = value
        return {"handle": number}

    def _unpack(self, said: Any) -> Any:
        return wire.unpack(said, self._resolve)

    def _resolve(self, said: dict[str, Any]) -> Any:
        if "handle" in said:
            return self._objects[said["handle"]]
        if "module" in said:
            return wire.module_named(said["module"])
        number = said["callback"]
        return lambda *arguments: self._call_back(number, arguments)

    def _call_back(self, number: int, arguments: tuple[Any, ...]) -> Any:
        wire.send(self._channel, {"callback": number, "arguments": [self._pack(item) for item in arguments]})
        while "answer" not in (said := wire.receive(self._channel)):
            if "refused" in said:
                raise TypeError(said["refused"])
            self._answer(said)
        return self._unpack(said["answer"])


class _Iteration:
    """An iterator that the tests step through."""

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator


def _told(error: BaseException) -> dict[str, Any]:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    try:
        text = str(error)[:2000]
    except Exception:
        text = ""
    return {"raised": kinds, "text": text.encode("utf-8", "replace").decode(), "made of": _made_of(error)}


def _made_of(error: BaseException) -> list[Any]:
    """What an error was made of, if that is plain data, else nothing."""

    def refuse(value: Any) -> Any:
        raise TypeError(value)

    try:
        more = (error.filename,) if isinstance(error, OSError) and error.filename is not None else ()
        said: list[Any] = wire.pack([*error.args, *more], refuse)
    except Exception:
        return []
    return said if len(str(said)) < _LONG else []


def main(channel: int, setup: str, source: str) -> None:
    """Run, serve, and end without asking the code's leave."""
    program = Program(channel)
    program.run(setup, source)
    program.serve()
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)
