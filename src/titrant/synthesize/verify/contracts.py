"""Contracts: what a problem states of every result, held on its inputs, and searched for counterexamples.

CrossHair executes a solution on symbolic values, inside the sandbox: in the ranges of the problem's inputs it
looks for arguments for which a contract does not hold. What it finds counts only if the problem allows these arguments,
and once the solution, run on them, has broken the contract; where nobody can say whether it allows them the contract is
not decided. It takes processor time and is bounded by it, so that `confirmed` on a fast machine
may be `not decided` on a slow one.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import functools
import importlib.util
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

from blake3 import blake3

from titrant.errors import EngineError
from titrant.sandbox import Program, PythonCalls, Sandbox
from titrant.sandbox.inside import confine
from titrant.sandbox.languages import LANGUAGES, Language
from titrant.sandbox.tiers import interpreter
from titrant.study.limits import Limits
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.verify.candidates import parameters_of
from titrant.synthesize.verify.domains import allows
from titrant.synthesize.verify.judging import Held

NONE, HOLD, UNSEEN = "none stated", "hold on the inputs", "not looked at"
CONFIRMED, UNDECIDED, REFUTED = "confirmed", "not decided", "refuted"
MEMORY_BYTES = 4 * 2**30
"""Address space of one symbolic execution."""
_STARTS_SECONDS = 5.0
"""CPU seconds of CrossHair beside the search itself."""
_LANGUAGE = "python and crosshair"
_CALL = re.compile(r"when calling (contract\(.*\))", re.DOTALL)


def on_inputs(problem: Problem, held: Held | None) -> str:
    """Whether the contracts of a generated problem hold for its inputs and results, in the words of `Verified`."""
    if not problem.contracts:
        return NONE
    if held is None or not problem.family:
        return UNSEEN
    names = [name for name, _ in parameters_of(problem.signature)]
    for arguments, result in zip(held.arguments, held.expected.values, strict=True):
        if broken := _broken(problem, names, arguments, result):
            return broken
    return HOLD


def _broken(problem: Problem, names: Sequence[str], arguments: Sequence[Any], result: Any) -> str:
    """Which contract does not hold, in words; empty if all do."""
    values = dict(zip(names, arguments, strict=False))
    for contract in problem.contracts:
        try:
            holds = eval(_code(contract), {"__builtins__": builtins, **values, "result": result})
        except Exception:
            holds = False
        if not holds:
            call = f"{problem.entry_point}({', '.join(map(repr, arguments))})"
            return f"{REFUTED}: `{contract}` for {call[:200]}"
    return ""


@functools.lru_cache(maxsize=256)
def _code(contract: str) -> CodeType:
    return compile(contract.strip(), "<contract>", "eval", dont_inherit=True)


def is_looked_at(problem: Problem, share: float) -> bool:
    """Whether a problem is among the share whose contracts are looked at."""
    return int.from_bytes(blake3(problem.problem.encode()).digest(8)) < share * 2**64


def limits(seconds: float) -> Limits:
    """What one symbolic execution may use."""
    return Limits(cpu_seconds=seconds + _STARTS_SECONDS, memory_bytes=MEMORY_BYTES)


def search(
    wanted: Sequence[tuple[Problem, str, Held]], seconds: float, sandbox: Sandbox, calling: Sandbox
) -> list[str]:
    """What symbolic execution says of the contracts of solutions: `confirmed`, `refuted: ...` or `not decided`.

    Each is a problem of the generator, a program that reaches for nothing but its arguments, and the problem's inputs.
    `sandbox` has the limits of `limits(seconds)`; `calling` is the one for solutions. Raises EngineError if CrossHair
    is not installed.
    """
    _install()
    programs = [Program(_LANGUAGE, _driver(problem, text, held, seconds)) for problem, text, held in wanted]
    outputs = {place: verdict.output for place, verdict in sandbox.run_many(programs)}
    return [_found(outputs[place], *wanted[place], calling) for place in range(len(wanted))]


def _found(output: str, problem: Problem, text: str, held: Held, calling: Sandbox) -> str:
    try:
        said = json.loads(output.strip().splitlines()[-1])
        states = [(str(state), str(message)) for state, message in said]
    except (ValueError, IndexError, TypeError):
        return UNDECIDED
    for _, message in states:
        arguments = _arguments(message, problem)
        if arguments is None or not allows(problem, arguments):
            continue
        if broken := _replayed(arguments, problem, text, calling):
            return broken
    return CONFIRMED if states and all(state == "CONFIRMED" for state, _ in states) else UNDECIDED


def _arguments(message: str, problem: Problem) -> tuple[Any, ...] | None:
    """The arguments of a counterexample."""
    found = _CALL.search(message)
    text = found[1] if found else ""
    for end in (len(text), *(place.start() + 1 for place in reversed(list(re.finditer(r"\)", text))))):
        try:
            call = ast.parse(text[:end], mode="eval").body
            if not isinstance(call, ast.Call):
                continue
            values = [ast.literal_eval(each) for each in call.args]
            named = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        names = [name for name, _ in parameters_of(problem.signature)][len(values) :]
        return (*values, *(named[name] for name in names)) if named.keys() == set(names) else None
    return None


def _replayed(arguments: tuple[Any, ...], problem: Problem, text: str, calling: Sandbox) -> str:
    calls = PythonCalls(text, problem.entry_point, repr([arguments]), problem.setup)
    for _, said in calling.call_many([calls]):
        if said.status == "passed" and said.answers[0][0].startswith("= "):
            try:
                names = [name for name, _ in parameters_of(problem.signature)]
                return _broken(problem, names, arguments, ast.literal_eval(said.answers[0][0][2:]))
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                return ""
    return ""


@functools.cache
def _folders() -> tuple[str, ...]:
    """Where CrossHair and what it needs are installed, as programs in the sandbox see it."""
    found = [importlib.util.find_spec(name) for name in ("crosshair", "z3")]
    if any(spec is None or spec.origin is None for spec in found):
        raise EngineError(
            "contracts are looked at by CrossHair, which is not installed; install it (`pip install "
            "'titrant[contracts]'`), or leave `contracts` out of `verify`"
        )
    folders = {Path(spec.origin).parents[1] for spec in found if spec and spec.origin}
    if not any(folder.is_relative_to(confine.FOLDER) for folder in folders):
        return tuple(sorted(map(str, folders)))
    return (_copied(),)  # a program's own folder hides what lies there


def _copied() -> str:
    """A copy of CrossHair and what it needs in a folder that programs can see."""
    folder = Path(tempfile.mkdtemp(prefix="titrant-crosshair-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    waiting, known = ["crosshair-tool"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        waiting += [re.split(r"[^\w.-]", each)[0] for each in installed.requires or () if "extra ==" not in each]
        for file in installed.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                place = folder / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), place)
    return str(folder)


def _install() -> None:
    """Let the sandbox know how a program runs that imports CrossHair."""
    _folders()
    LANGUAGES[_LANGUAGE] = Language(
        file="main.py",
        run=("python3", "-I", "main.py"),
        complete=lambda source, word: f'{source}\nprint("\\n{word}")\n',
        trial="import crosshair\n",
        install="python3",
        folders=_folders,
        executable=lambda name: interpreter(),
    )


def _driver(problem: Problem, text: str, held: Held, seconds: float) -> str:
    """The program that searches. The solution stands in a module of its own."""
    parameters = parameters_of(problem.signature)
    signature = ", ".join(f"{name}: {kind}" if kind else name for name, kind in parameters)
    ranges = [_range(name, [given[n] for given in held.arguments]) for n, (name, _) in enumerate(parameters)]
    lines = [
        "import copy as _copy",
        f"def contract({signature}) -> bool:",
        '    """',
        *(f"    pre: {each}" for each in ranges if each),
        "    post: __return__",
        '    """',
        f"    result = {problem.entry_point}({', '.join(f'_copy.deepcopy({name})' for name, _ in parameters)})",
        f"    return bool({' and '.join(f'({contract})' for contract in problem.contracts)})",
    ]
    module = f"{problem.setup}\n{text}\n\n" + "\n".join(lines) + "\n"
    return _DRIVER.format(folders=_folders(), module=module, seconds=seconds)


def _range(name: str, values: list[Any]) -> str:
    """The range in which values lie, as an expression; empty where there is none to state."""
    if all(type(value) is int for value in values):
        return f"{min(values)} <= {name} <= {max(values)}"
    if all(isinstance(value, (list, str, dict)) for value in values):
        lengths = [len(value) for value in values]
        found = f"{min(lengths)} <= len({name}) <= {max(lengths)}"
        items = [item for value in values if isinstance(value, list) for item in value]
        if items and all(type(item) is int for item in items):
            found += f" and all({min(items)} <= each <= {max(items)} for each in {name})"
        return found
    return ""


_DRIVER = """
import sys
sys.path[:0] = {folders!r}
import importlib, io, json, os
with open("solution_under_test.py", "w") as file:
    file.write({module!r})
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
told, sys.stdout = sys.stdout, io.StringIO()
from crosshair.core_and_libs import analyze_function, run_checkables
from crosshair.options import AnalysisKind, AnalysisOptionSet
found = importlib.import_module("solution_under_test")
options = AnalysisOptionSet(
    analysis_kind=(AnalysisKind.PEP316,),
    per_condition_timeout={seconds},
    per_path_timeout={seconds},
    report_all=True,
)
messages = run_checkables(analyze_function(found.contract, options))
sys.stdout = told
print(json.dumps([[each.state.name, each.message] for each in messages]))
"""
