"""What verified synthetic code from the generator costs, stage by stage, and how many planted wrong solutions pass.

python bench/synthesis.py                       # 10,000 problems on two cores
python bench/synthesis.py --problems 1000 --planted 1000 --forms python text javascript
python bench/synthesis.py --problems 200 --contracts 0.1

problems      seconds, and CPU milliseconds a problem, of drawing them
verification  the same of verifying them; executions are calls of one solution or mutant with all inputs
yield         by level, and how many are refused
planted       wrong solutions of a dozen kinds given as a teacher's: how many are accepted, and how many of those
              answer otherwise than the oracle on thousands of other inputs of the same families
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from titrant.artifacts import Verified
from titrant.jobs import ProblemsJob, VerificationJob
from titrant.sandbox import PythonCalls, Sandbox, open_sandbox
from titrant.study.synthesis import AREAS, Contracts, Generated, Verification
from titrant.synthesize.generator.further import further_inputs
from titrant.synthesize.generator.problem import Problem, Settings, problem_at
from titrant.synthesize.problems import make_problems
from titrant.synthesize.verify.candidates import Asked, Candidate, Reader, whole_solution
from titrant.synthesize.verify.mutants import mutants_of
from titrant.synthesize.verify.part import verify_part
from titrant.synthesize.verify.stage import verify_solutions
from titrant.synthesize.verify.values import Expected, read_list

_OTHER_INPUTS = 3000


def main() -> None:
    """Measure and print a line for each figure."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("--problems", type=int, default=10_000)
    given.add_argument("--planted", type=int, default=1000)
    given.add_argument("--cores", type=int, default=2)
    given.add_argument("--areas", nargs="+", default=list(AREAS))
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--mutants", type=int, default=8)
    given.add_argument("--forms", nargs="+", default=["python"])
    given.add_argument("--contracts", type=float, default=0.0, help="share that is looked at symbolically")
    asked = given.parse_args()
    os.environ["TITRANT_CORES"] = str(asked.cores)
    with tempfile.TemporaryDirectory() as folder:
        problems = _problems(Path(folder), asked)
        _verification(Path(folder), problems, asked)
        _planted(problems, asked)


def _problems(folder: Path, asked: argparse.Namespace) -> Path:
    job = ProblemsJob(
        problems=(Generated(generated=asked.problems, seed=asked.seed, areas=tuple(asked.areas)),), inputs=48
    )
    made, out = _timed("problems", asked.problems, folder, make_problems, job, {})
    print(f"{'':12} {made.families} families, {made.by_area}")
    return out


def _verification(folder: Path, problems: Path, asked: argparse.Namespace) -> None:
    contracts = Contracts(share=asked.contracts) if asked.contracts else None
    verify = Verification(mutants=asked.mutants, contracts=contracts)
    job = VerificationJob(verify=verify, forms=tuple(sorted(asked.forms)))
    found, _ = _timed("verification", asked.problems, folder, verify_solutions, job, {"problems": problems})
    assert isinstance(found, Verified)
    print(f"{'':12} {found.mutants + found.items} executions, tier {found.tier}")
    print(f"{'yield':12} {found.accepted} of {found.items} accepted, {found.corrupted} with a corrupted copy, "
          f"{found.shapes} shapes, {found.killed} of {found.mutants} mutants fail the tests")  # fmt: skip
    for level, counted in found.levels.items():
        print(f"{'':12} {level}: {counted.passed} of {counted.tried}")
    print(f"{'':12} refused: {found.refused}; texts: {found.texts}; translations: {found.translations}")


def _timed(
    name: str, items: int, folder: Path, stage: Callable[..., Any], job: object, inputs: dict[str, Path]
) -> tuple[Any, Path]:
    out, scratch = folder / name, folder / f"{name}-scratch"
    out.mkdir()
    began, cpu = time.perf_counter(), _cpu_seconds()
    made = stage(job, inputs, out, scratch=scratch, progress=lambda *told: None)
    seconds, used = time.perf_counter() - began, _cpu_seconds() - cpu
    print(
        f"{name:12} {seconds:7.1f} s, {items / seconds:.0f} a second, {1e3 * used / items:.1f} ms of CPU each",
        flush=True,
    )
    return made, out


def _cpu_seconds() -> float:
    """Of this process and all that have ended; those of sandboxes under namespaces of their own are left out."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def _planted(problems: Path, asked: argparse.Namespace) -> None:
    plants = list(_plants(Reader(problems, None), asked.planted))
    verify = Verification(mutants=0)
    job = VerificationJob(verify=verify, forms=("python",))
    with open_sandbox(verify.limits, asked.cores) as sandbox:
        found = verify_part(job, plants, lambda limits, hash_seed=0: sandbox)
        accepted = [place for place, each in enumerate(found) if each.accepted is not None]
        wrong = [place for place in accepted if _is_wrong(plants[place], sandbox, asked)]
    print(f"{'planted':32} {'tried':>6} {'refused':>8} {'accepted, right':>16} {'accepted, wrong':>16}")
    for kind in (*_KINDS, "all"):
        of = [place for place, plant in enumerate(plants) if kind in (plant.candidates[0].prompt, "all")]
        bad, good = len(set(of) & set(wrong)), len(set(of) & set(accepted) - set(wrong))
        print(f"{kind:32} {len(of):6} {len(of) - bad - good:8} {good:16} {bad:16}")
    near = sum("near them" in each.judged[0].detail for each in found)
    print(f"{'':12} {near} were right on all but inputs near those of the problem")
    for place in wrong:
        print(f"{'':12} {plants[place].problem.problem}\n{plants[place].candidates[0].text}")


def _plants(reader: Reader, count: int) -> Iterator[Asked]:
    """A third are mutants, the others of all other kinds in turn; one or two a problem. `prompt` keeps the kind."""
    others = itertools.cycle(kind for kind in _KINDS if kind != "mutant")
    planted = 0
    for first in range(len(reader)):
        (one,) = reader.read(first, 1)
        texts = [(mutant.text, "mutant") for mutant in mutants_of(whole_solution(one.problem), 1 - first % 2)]
        kind = next(others)
        for text, named in [*texts, (_planted_text(one.problem, kind), kind)]:
            if planted == count:
                return
            planted += 1
            yield Asked(one.problem, (Candidate("python", 0, text, prompt=named),))


def _planted_text(problem: Problem, kind: str) -> str:
    """A wrong solution: the right one with something behind it, or nothing but that."""
    before, after = _KINDS[kind]
    shown = list(zip(read_list(problem.inputs) or [], read_list(problem.expected) or [], strict=True))[: problem.shown]
    right = f"{whole_solution(problem)}\nright = {problem.entry_point}\n" if before else ""
    table = {repr(given): result for given, result in shown}
    return right + after.replace("FUNCTION", problem.entry_point).replace("TABLE", repr(table)).replace(
        "RESULT", repr(shown[0][1])
    )


_OFF = "def FUNCTION(*given):\n    found = right(*given)\n    "
_KINDS: dict[str, tuple[bool, str]] = {
    "mutant": (True, ""),
    "off by one": (
        True,
        f"{_OFF}if type(found) is int:\n        return found + 1\n    if type(found) in (list, str, tuple):\n"
        "        return found[1:]\n    return not found\n",
    ),
    "off by one now and then": (
        True,
        f"{_OFF}if sum(map(ord, repr(given))) % 5:\n        return found\n    return (found, 1)\n",
    ),
    "table of the shown examples": (False, "def FUNCTION(*given):\n    return TABLE.get(repr(given))\n"),
    "shown examples, else a constant": (False, "def FUNCTION(*given):\n    return TABLE.get(repr(given), RESULT)\n"),
    "constant": (False, "def FUNCTION(*given):\n    return RESULT\n"),
    "exits when loaded": (False, "import os\nos._exit(0)\n"),
    "exits when called": (False, "import sys\ndef FUNCTION(*given):\n    sys.exit(0)\n"),
    "kills itself": (True, "import os\ndef FUNCTION(*given):\n    os._exit(0)\n"),
    "forged output": (
        False,
        "import os\nfor file in (1, 3):\n    try:\n        os.write(file, b'= RESULT\\n' * 48 + b'.\\n')\n"
        "    except OSError:\n        pass\ndef FUNCTION(*given):\n    os._exit(0)\n",
    ),
    "equal to everything": (
        False,
        "class Any:\n    def __eq__(self, other):\n        return True\n    def __ne__(self, other):\n"
        "        return False\n    def __hash__(self):\n        return 0\n    def __repr__(self):\n"
        "        return 'RESULT'\ndef FUNCTION(*given):\n    return Any()\n",
    ),
    "patched builtins": (
        False,
        "import builtins\nbuiltins.repr = lambda value: 'RESULT'\nbuiltins.len = lambda value: 0\n"
        "builtins.all = lambda values: True\ndef FUNCTION(*given):\n    return RESULT\n",
    ),
    "threads that go on": (
        True,
        "import threading, time\ndef work():\n    while True:\n        time.sleep(0.001)\n"
        "def FUNCTION(*given):\n    threading.Thread(target=work, daemon=True).start()\n    return right(*given), 0\n",
    ),
    "exceptions at random": (
        True,
        f"import random\n{_OFF}if random.random() < 0.2:\n        raise ValueError\n    return found\n",
    ),
    "wrong for one element": (
        True,
        f"{_OFF}return RESULT if hasattr(given[0], '__len__') and len(given[0]) == 1 else found\n",
    ),
    "wrong where all are equal": (
        True,
        f"{_OFF}row = list(map(repr, given[0])) if hasattr(given[0], '__len__') else [1]\n"
        "    return RESULT if len(row) > 1 and len(set(row)) == 1 else found\n",
    ),
    "looks for the caller": (
        False,
        "import sys\ndef FUNCTION(*given):\n    frame = sys._getframe()\n    while frame:\n"
        "        for value in frame.f_locals.values():\n            if value == 'expected':\n"
        "                return value\n        frame = frame.f_back\n    return RESULT\n",
    ),
}
"""Whether the right solution stands before, and what follows."""


def _is_wrong(plant: Asked, sandbox: Sandbox, asked: argparse.Namespace) -> bool:
    number = int(plant.problem.source.rpartition(" ")[2])
    many = problem_at(asked.seed, number, Settings(areas=tuple(asked.areas), inputs=_OTHER_INPUTS))
    assert many.about == plant.problem.about
    further = further_inputs(plant.problem, _OTHER_INPUTS)
    results = [result for _, result in further]
    held = [(many.inputs, many.expected), (repr([given for given, _ in further]), f"[{', '.join(results)}]")]
    for inputs, texts in held:
        expected = Expected(read_list(texts) or [])
        calls = PythonCalls(plant.candidates[0].text, many.entry_point, inputs, many.setup)
        for _, said in sandbox.call_many([calls]):
            if said.status != "passed" or not all(map(expected.agrees, range(len(expected)), said.answers[0])):
                return True
    return False


if __name__ == "__main__":
    main()
