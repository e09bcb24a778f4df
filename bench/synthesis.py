"""What verified synthetic code from the generator costs, stage by stage, and how many planted wrong solutions pass.

python bench/synthesis.py                       # 10,000 problems on two cores
python bench/synthesis.py --problems 1000 --planted 1000 --forms python text javascript
python bench/synthesis.py --problems 200 --contracts 0.1

problems      seconds, and CPU milliseconds a problem, of drawing them
verification  the same of verifying them; executions are calls of one solution or mutant with all inputs
yield         by level, and how many are refused
planted       mutants of right solutions given as a teacher's: how many are accepted, and how many of those answer
              otherwise than the oracle on other inputs of the same families
"""

from __future__ import annotations

import argparse
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
from titrant.synthesize.generator.problem import Settings, problem_at
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
        found = verify_part(job, plants, lambda limits: sandbox)
        accepted = [plant for plant, each in zip(plants, found, strict=True) if each.accepted is not None]
        wrong = [plant for plant in accepted if _is_wrong(plant, sandbox, asked)]
    near = sum("near them" in each.judged[0].detail for each in found)
    print(f"{'planted':12} {len(plants)}: {len(accepted)} accepted, of which {len(wrong)} are wrong on other inputs; "
          f"{near} were right on all but inputs near those of the problem")  # fmt: skip
    for plant in wrong:
        print(f"{'':12} {plant.problem.problem}\n{plant.candidates[0].text}")


def _plants(reader: Reader, count: int) -> Iterator[Asked]:
    """Mutants as a teacher's solutions, two a problem."""
    for first in range(min(len(reader), (count + 1) // 2)):
        (one,) = reader.read(first, 1)
        for mutant in mutants_of(whole_solution(one.problem), 2):
            yield Asked(one.problem, (Candidate("python", 0, mutant.text),))


def _is_wrong(plant: Asked, sandbox: Sandbox, asked: argparse.Namespace) -> bool:
    number = int(plant.problem.source.rpartition(" ")[2])
    many = problem_at(asked.seed, number, Settings(areas=tuple(asked.areas), inputs=_OTHER_INPUTS))
    assert many.about == plant.problem.about
    expected = Expected(read_list(many.expected) or [])
    calls = PythonCalls(plant.candidates[0].text, many.entry_point, many.inputs, many.setup)
    for _, said in sandbox.call_many([calls]):
        return said.status != "passed" or not all(map(expected.agrees, range(len(expected)), said.answers[0]))
    return True


if __name__ == "__main__":
    main()
