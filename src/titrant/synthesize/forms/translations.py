"""Translations are run: one is right if, for every input of its problem, it gives what is expected there.

Titrant's own translations share a process by the hundred. One that runs on for long, and all that were beside one that
ended their process, are tried again in smaller batches or alone, so that none is refused for another's sake. Programs
of others get a process each, which must end with a word that is drawn for it; they see what is expected, so that this
proves less than a check of Python does.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from titrant.sandbox import Program, Sandbox
from titrant.synthesize.forms.expressions import NotTranslatedError

Row = tuple[str, str, str, str, str]
"""A key, a program in JavaScript, the function that it defines, the inputs (a literal: a list of tuples of arguments)
and what is expected (a literal: a list)."""

_BATCH = 100
_MOST_MILLISECONDS = 2000
"""Of one translation in a batch; then it is tried alone, where processor time decides."""
_SAFE = 2**53 - 1
_SAME = """
function same(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && same(item, b.get(key)));
  }
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size && [...a].every((item) => b.has(item));
  }
  return a === b && (!Number.isInteger(a) || Number.isSafeInteger(a));
}
"""
_RUN = """
const vm = require("node:vm");
globalThis.same = same;
for (const [place, source] of SOURCES.entries()) {
  let said = "wrong";
  try {
    said = vm.runInThisContext(source, { timeout: MILLISECONDS }) ? "right" : "wrong";
  } catch (error) {
    said = error?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? "late" : "wrong";
  }
  console.log(`${place} ${said}`);
}
"""


def check_translations(sandbox: Sandbox, rows: Iterable[Row], *, own: bool = True) -> dict[str, bool]:
    """By key, whether each translation gives what is expected for all inputs.

    Numbers agree exactly, and only integers below 2**53 count; None is null, or nothing returned. `own`: programs that
    `to_javascript` wrote; all others must be given as not so. Raises EngineError, which says what to install, where
    there is no Node.js.
    """
    found: dict[str, bool] = {}
    cases: dict[str, str] = {}
    for key, text, entry_point, inputs, expected in rows:
        try:
            cases[key] = _script(text, entry_point, _pairs(inputs, expected))
        except NotTranslatedError:
            found[key] = False
    keys = list(cases)
    waiting = [keys[at : at + _BATCH] for at in range(0, len(keys), _BATCH)] if own else [[key] for key in keys]
    while waiting:
        batches = [batch for batch in waiting if len(batch) > 1]
        alone = [batch for batch in waiting if len(batch) == 1]
        waiting = []
        for place, verdict in sandbox.run_many(_alone(cases[key]) for (key,) in alone):
            found[alone[place][0]] = verdict.passed
        for place, verdict in sandbox.run_many(_together([cases[key] for key in batch]) for batch in batches):
            batch = batches[place]
            said = dict(line.split() for line in verdict.output.splitlines()) if verdict.passed else {}
            if len(said) != len(batch):
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
                continue
            for number, key in enumerate(batch):
                if said[str(number)] == "late":
                    waiting.append([key])
                else:
                    found[key] = said[str(number)] == "right"
    return found


def _pairs(inputs: str, expected: str) -> Iterator[str]:
    """Each input's arguments with what is expected, in JavaScript."""
    try:
        given, wanted = ast.literal_eval(inputs), ast.literal_eval(expected)
    except (ValueError, SyntaxError):
        raise NotTranslatedError("inputs that are no literal") from None
    for arguments, value in zip(given, wanted, strict=True):
        yield f"[{written(list(arguments))}, {written(value)}]"


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


def _script(text: str, entry_point: str, pairs: Iterator[str]) -> str:
    """An expression: whether a program is right."""
    test = f"[{', '.join(pairs)}].every(([given, wanted]) => same({entry_point}(...given) ?? null, wanted))"
    return f'(() => {{\n"use strict";\n{text}\nreturn {test};\n}})()'


def _alone(script: str) -> Program:
    return Program("js", f"{_SAME}\nif (!{script}) {{\n  throw new Error('wrong');\n}}\n")


def _together(scripts: list[str]) -> Program:
    run = _RUN.replace("MILLISECONDS", str(_MOST_MILLISECONDS))
    return Program("js", f"{_SAME}\nconst SOURCES = {json.dumps(scripts)};\n{run}")
