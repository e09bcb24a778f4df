"""Translations are run: one is right if, for every input of its problem, it gives what is expected there.

A program gets inputs and nothing else. It is a script of its own, in a world of its own (a context of V8 with its own
built-ins), so that no name and no change of built-ins reaches what calls it or another program. What it returns is
written down behind a word drawn for the process, and compared here: what is expected never enters its process.

Titrant's own translations share a process by the hundred. One that runs on for long, and all that were beside one that
ended their process, are tried again in smaller batches or alone, so that none is refused for another's sake. Programs
of others get a process each.
"""

from __future__ import annotations

import ast
import json
import math
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from titrant.sandbox import Program, Sandbox, Verdict
from titrant.synthesize.forms.expressions import NotTranslatedError

Row = tuple[str, str, str, str, str]
"""A key, a program in JavaScript, the function that it defines, the inputs (a literal: a list of tuples of arguments)
and what is expected (a literal: a list)."""

_BATCH = 100
_MOST_MILLISECONDS = 2000
"""Of one translation in a batch; then it is tried alone, where processor time decides."""
_SAFE = 2**53 - 1
_BROKEN = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
_MOST_SIGNS = 2_000_000
"""Values and characters that a program may answer with, all inputs together."""
_RUN = """
const { createContext, runInThisContext, Script } = require("node:vm");
const { isMap, isSet } = require("node:util").types;
const { apply } = Reflect;
const { isArray } = Array;
const { isInteger, isSafeInteger } = Number;
const { stringify } = JSON;
const { entries } = Map.prototype;
const { values } = Set.prototype;
const print = console.log;
const world = new Script(`
  globalThis.module = { exports: {} };
  globalThis.exports = module.exports;
  globalThis.console = { debug() {}, error() {}, info() {}, log() {}, warn() {} };
`);
let left = 0;

function told(value) {
  left -= typeof value === "string" ? 1 + value.length : 1;
  if (left < 0) {
    throw new Error("too long");
  }
  switch (typeof value) {
    case "boolean":
    case "string":
      return stringify(value);
    case "number":
      return isFinite(value) && (!isInteger(value) || isSafeInteger(value)) ? stringify(value) : "{}";
    case "object":
      if (value === null) {
        return "null";
      }
      if (isArray(value)) {
        let text = "";
        for (let i = 0; i < value.length; i++) {
          text += `${i ? "," : ""}${told(value[i])}`;
        }
        return `[${text}]`;
      }
      if (isMap(value)) {
        return `{"map":${told([...apply(entries, value, [])])}}`;
      }
      if (isSet(value)) {
        return `{"set":${told([...apply(values, value, [])])}}`;
      }
  }
  return "{}";
}

function answers({ source, name, inputs }) {
  const context = createContext(Object.create(null));
  world.runInContext(context);
  const given = new Script(inputs).runInContext(context);
  new Script(`"use strict";\n${source}`).runInContext(context);
  const called = new Script(name).runInContext(context);
  left = MOST_SIGNS;
  let text = "";
  for (let i = 0; i < given.length; i++) {
    text += `${i ? "," : ""}${told(apply(called, undefined, given[i]) ?? null)}`;
  }
  return `[${text}]`;
}

globalThis.turn = (place) => {
  try {
    return answers(PROGRAMS[place]);
  } catch {
    return "{}";
  }
};
for (let place = 0; place < PROGRAMS.length; place++) {
  let said = "late";
  try {
    said = runInThisContext(`turn(${place})`, LIMIT);
  } catch {
    // it took too long
  }
  print(`${WORD} ${place} ${said}`);
}
"""
"""JavaScript that follows PROGRAMS, WORD, LIMIT and MOST_SIGNS. `{}` is said for what Python does not have, and for
integers that numbers of JavaScript do not hold exactly."""


class _Case(NamedTuple):
    """A program to be run, its inputs as an expression of JavaScript, and what is expected of it."""

    source: str
    name: str
    inputs: str
    expected: list[Any]


def check_translations(sandbox: Sandbox, rows: Iterable[Row], *, own: bool = True) -> dict[str, bool]:
    """By key, whether each translation gives what is expected for all inputs.

    Numbers agree exactly, and only integers below 2**53 count; None is null, or nothing returned. `own`: programs that
    `to_javascript` wrote; all others must be given as not so. Raises EngineError, which says what to install, where
    there is no Node.js.
    """
    found: dict[str, bool] = {}
    cases: dict[str, _Case] = {}
    for key, text, entry_point, inputs, expected in rows:
        try:
            cases[key] = _case(text, entry_point, inputs, expected)
        except NotTranslatedError:
            found[key] = False
    keys = list(cases)
    waiting = [keys[at : at + _BATCH] for at in range(0, len(keys), _BATCH)] if own else [[key] for key in keys]
    while waiting:
        batches, waiting = waiting, []
        words = [secrets.token_hex(16) for _ in batches]
        asked = (_program([cases[key] for key in keys], word) for keys, word in zip(batches, words, strict=True))
        for place, verdict in sandbox.run_many(asked):
            batch = batches[place]
            said = _said(verdict, words[place], len(batch))
            if len(batch) == 1:
                found[batch[0]] = said is not None and _is_right(said[0], cases[batch[0]].expected)
            elif said is None:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
            else:
                for key, answers in zip(batch, said, strict=True):
                    if answers == "late":
                        waiting.append([key])
                    else:
                        found[key] = _is_right(answers, cases[key].expected)
    return found


def _case(text: str, entry_point: str, inputs: str, expected: str) -> _Case:
    try:
        given, wanted = ast.literal_eval(inputs), ast.literal_eval(expected)
    except _BROKEN:
        raise NotTranslatedError("inputs that are no literal") from None
    if not entry_point.isidentifier() or len(given) != len(wanted):
        raise NotTranslatedError("no function, or results that are not one an input")
    for value in wanted:
        written(value)  # refuses what JavaScript does not have
    return _Case(text, entry_point, f"[{', '.join(written(list(arguments)) for arguments in given)}]", list(wanted))


def written(value: Any) -> str:
    """A value of Python in JavaScript. Raises NotTranslatedError for one that JavaScript does not have."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, (set, dict)):
        if any(isinstance(key, tuple) for key in value):
            raise NotTranslatedError("a set or a dictionary of tuples")
        if isinstance(value, set):
            return f"new Set([{', '.join(map(written, value))}])"
        pairs = [f"[{written(key)}, {written(item)}]" for key, item in value.items()]
        return f"new Map([{', '.join(pairs)}])"
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value)
    if (isinstance(value, int) and abs(value) <= _SAFE) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    raise NotTranslatedError(f"the value {str(value)[:80]}")


def _program(cases: list[_Case], word: str) -> Program:
    """A process that tells what each program answers, one line each: the word, its place, its answers."""
    programs = [{"source": each.source, "name": each.name, "inputs": each.inputs} for each in cases]
    limit = {"timeout": _MOST_MILLISECONDS} if len(cases) > 1 else {}
    names = {"PROGRAMS": programs, "WORD": word, "LIMIT": limit, "MOST_SIGNS": _MOST_SIGNS}
    lines = [f"const {name} = {json.dumps(value)};" for name, value in names.items()]
    return Program("js", "\n".join(['"use strict";', *lines, _RUN]))


def _said(verdict: Verdict, word: str, count: int) -> list[str] | None:
    """The answers of each program of a process; None if it did not come to its end, or something else was printed."""
    lines = verdict.output.rstrip("\n").split("\n")
    begins = [f"{word} {place} " for place in range(count)]
    if not verdict.passed or len(lines) != count or not all(map(str.startswith, lines, begins)):
        return None
    return [line.removeprefix(begin) for line, begin in zip(lines, begins, strict=True)]


def _is_right(answers: str, expected: list[Any]) -> bool:
    try:
        return _agrees(json.loads(answers), expected)
    except _BROKEN:
        return False


def _agrees(found: Any, wanted: Any) -> bool:
    """Whether a value that a program told is the expected one; a number with no fraction is one number in JavaScript,
    and lists and tuples are one kind."""
    if isinstance(wanted, (list, tuple)):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_agrees, found, wanted))
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or "map" not in found:
            return False
        told = {_tagged(key): value for key, value in found["map"]}
        keys = {_tagged(key): value for key, value in wanted.items()}
        return told.keys() == keys.keys() and all(_agrees(told[key], keys[key]) for key in keys)
    if isinstance(wanted, set):
        if not isinstance(found, dict) or "set" not in found:
            return False
        return {_tagged(each) for each in found["set"]} == {_tagged(each) for each in wanted}
    return not isinstance(found, (list, dict)) and _tagged(found) == _tagged(wanted)


def _tagged(value: Any) -> tuple[str, Any]:
    """A scalar, with the kind that JavaScript gives it. Raises TypeError for what holds others."""
    if isinstance(value, (list, dict)):
        raise TypeError("no scalar")
    kind = "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    return kind, value
