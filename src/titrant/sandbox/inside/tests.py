"""The tests' process: runs the tests against a program that lives in another process, and writes the verdict.

Names of the program stand for it here: a function is a `Handle` whose call crosses. What comes back is plain data, or
another handle. A handle has no operators that the program could answer for: it equals only itself, and is neither
added nor ordered, so that no object can claim to be equal to every expected value.
"""

from __future__ import annotations

import builtins
import io
import json
import linecache
import os
import random
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from typing import Any

from . import wire

_PRINTED_CHARACTERS = 2**16
_DETAIL_CHARACTERS = 2000
_RUBBISH = "the program's process answers with rubbish"


class UntestableError(Exception):
    """The program cannot be tested: it fails on its own, or lacks what the tests name."""


class Handle:
    """An object of the program."""

    __slots__ = ("__number", "__tests")

    def __init__(self, tests: Tests, number: int) -> None:
        object.__setattr__(self, "_Handle__tests", tests)
        object.__setattr__(self, "_Handle__number", number)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.__tests.call(self.__number, arguments, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__doc__", "__dict__", "__module__", "__qualname__"):
            raise AttributeError(name)
        return self.__tests.ask("get", self.__number, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__tests.ask("set", self.__number, name=name, value=self.__tests.pack(value))

    def __getitem__(self, key: Any) -> Any:
        return self.__tests.ask("item", self.__number, key=self.__tests.pack(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__tests.ask("set item", self.__number, key=self.__tests.pack(key), value=self.__tests.pack(value))

    def __iter__(self) -> Iterator[Any]:
        steps = self.__tests.ask("iterate", self.__number)
        while True:
            try:
                item = self.__tests.ask("next", steps.__number)
            except StopIteration:
                return
            yield item

    def __next__(self) -> Any:
        return next(iter(self))

    def __len__(self) -> int:
        return int(self.__tests.ask("length", self.__number))

    def __bool__(self) -> bool:
        return self.__tests.ask("truth", self.__number) is True

    def __str__(self) -> str:
        return str(self.__tests.ask("text", self.__number))

    def __instancecheck__(self, value: Any) -> bool:
        return self.__tests.ask("is of", self.__number, value=self.__tests.pack(value)) is True

    def __repr__(self) -> str:
        return "<an object of the program>"


def _number_of(handle: Handle) -> int:
    return int(object.__getattribute__(handle, "_Handle__number"))


class Names(dict[str, Any]):
    """The tests' global names: their own, else a module of the standard library, else the program's."""

    def __init__(self, tests: Tests) -> None:
        super().__init__({"__name__": "tests", "__builtins__": builtins})
        self._tests = tests

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        if (module := wire.module_named(name)) is not None:
            return module
        found = self._tests.names((name,))
        if name not in found:
            raise KeyError(name)
        self[name] = found[name]
        return found[name]


class Tests:
    """The tests' end of the channel."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._handles: dict[int, Handle] = {}
        self._given: list[Any] = []
        self.program_ended = False

    def names(self, wanted: tuple[str, ...]) -> dict[str, Any]:
        """What the program defines under some names; a name that nobody asked for would replace one of the tests'."""
        found = self._question({"operation": "names", "names": list(wanted)})
        if type(found) is not dict or not found.keys() <= set(wanted):
            raise UntestableError(_RUBBISH)
        return found

    def call(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call an object of the program; what it changes in lists, dicts and sets passed to it changes here too."""
        aliases = wire.Aliases(growing=True)
        asked = {
            "operation": "call",
            "handle": number,
            "arguments": [wire.pack(item, self._export, aliases) for item in arguments],
            "keywords": {name: wire.pack(item, self._export, aliases) for name, item in keywords.items()},
        }
        return self._question(asked, aliases.objects)

    def ask(self, operation: str, number: int, **more: Any) -> Any:
        """One of the few things that may be asked of an object of the program."""
        return self._question({"operation": operation, "handle": number, **more})

    def pack(self, value: Any) -> Any:
        """A value on its way to the program."""
        return wire.pack(value, self._export)

    def _export(self, value: Any) -> Any:
        if isinstance(value, Handle):
            return {"handle": _number_of(value)}
        if (items := wire.pack_iterator(value, self._export)) is not None:
            return items
        if isinstance(value, types.ModuleType):
            return {"module": value.__name__}
        if callable(value):
            self._given.append(value)
            return {"callback": len(self._given) - 1}
        raise TypeError(f"an object of type {type(value).__name__} of the tests cannot be passed to the program")

    def _resolve(self, said: dict[str, Any]) -> Any:
        if isinstance(number := said.get("handle"), int):
            return self._handles.setdefault(number, Handle(self, number))
        if isinstance(name := said.get("module"), str) and (module := wire.module_named(name)) is not None:
            return module
        if type(number := said.get("callback")) is int and 0 <= number < len(self._given):
            return self._given[number]
        raise ValueError("no such thing")

    def _question(self, asked: dict[str, Any], passed: Sequence[Any] = ()) -> Any:
        def resolve(said: dict[str, Any]) -> Any:
            if type(number := said.get("same")) is int and 0 <= number < len(passed):
                return passed[number]
            return self._resolve(said)

        try:
            wire.send(self._channel, asked)
            while "callback" in (said := wire.receive(self._channel)):
                self._call_back(said)
            if "raised" not in said:
                value = wire.unpack(said["value"], resolve)
                after = [wire.unpack(new, resolve) for new in said["after"]]
            else:
                made_of = wire.unpack(said.get("made of", []), self._resolve)
        except wire.Gone:
            self.program_ended = True
            raise
        except MemoryError:
            raise
        except Exception:
            raise UntestableError(_RUBBISH) from None
        if "raised" in said:
            raise _raised(said, made_of)
        for old, new in zip(passed, after, strict=False):
            wire.refill(old, new)
        return value

    def _call_back(self, said: dict[str, Any]) -> None:
        called = self._resolve({"callback": said["callback"]})
        try:
            answer = called(*[wire.unpack(item, self._resolve) for item in said["arguments"]])
        except Exception as error:
            wire.send(self._channel, {"refused": f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS]})
            return
        wire.send(self._channel, {"answer": self.pack(answer)})


def _raised(said: dict[str, Any], made_of: Any) -> Exception:
    kinds = said["raised"] if isinstance(said["raised"], list) else []
    name, text = str(kinds[0] if kinds else "Exception"), str(said.get("text", ""))
    known = wire.known_error(kinds)
    if said.get("loading") or known is None or issubclass(known, (AssertionError, UnicodeError)):
        return MemoryError() if known is MemoryError else UntestableError(f"{name}: {text}")
    try:
        made = known(*made_of) if type(made_of) is list and made_of else known(text)
        return made if str(made) == text else known(text)
    except TypeError:  # one that is not made from a text alone
        return UntestableError(f"{name}: {text}")


def verdict(channel: int, said: dict[str, Any]) -> dict[str, Any]:
    """Run the tests: `status`, `detail` and what they printed. Only tests that ran to their end give `passed`."""
    tests = Tests(channel)
    sys.stdout = sys.stderr = printed = io.StringIO()
    random.seed(0)
    try:
        status, detail = _run(tests, said)
    except RecursionError:
        status, detail = "error", "RecursionError in the tests"
    except wire.Gone:
        status, detail = "ended", ""
    if tests.program_ended:
        status = "ended"  # whatever the tests made of it
    return {
        "status": status,
        "detail": detail[:_DETAIL_CHARACTERS],
        "printed": printed.getvalue()[:_PRINTED_CHARACTERS],
    }


def _run(tests: Tests, said: dict[str, Any]) -> tuple[str, str]:
    names = Names(tests)
    for name in ("setup", "tests"):
        linecache.cache[f"<{name}>"] = (len(said[name]), None, said[name].splitlines(keepends=True), f"<{name}>")
    try:
        exec(compile(said["setup"], "<setup>", "exec", dont_inherit=True), names)
        found = tests.names(tuple(said["entry_points"]))
        for name in said["entry_points"]:
            if name not in found:
                raise UntestableError(f"the program defines no '{name}'")
        names.update(found)
        exec(compile(said["tests"], "<tests>", "exec", dont_inherit=True), names)
    except UntestableError as error:
        return "error", str(error)
    except MemoryError:
        return "out of memory", "MemoryError"
    except wire.Gone:
        raise
    except AssertionError as error:
        return "failed", _explained(error)
    except BaseException as error:
        return "error", _explained(error)
    return "passed", ""


def _explained(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<tests>"]
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{text} (line {frames[-1].lineno} of the tests: {frames[-1].line})" if frames else text


def main(channel: int, said: dict[str, Any], out: int) -> None:
    """Write the verdict as ASCII JSON and end."""
    try:
        made = verdict(channel, said)
    except MemoryError:
        made = {"status": "out of memory", "detail": "in the tests", "printed": ""}
    view = memoryview(json.dumps(made).encode())
    while view:
        view = view[os.write(out, view) :]
    os._exit(0)
