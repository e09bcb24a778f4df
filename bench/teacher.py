"""Teachers on generated problems: a real endpoint, a local model, and one that misbehaves; what of it is right.

    python bench/teacher.py --endpoint http://localhost:8000/v1 --model NAME         # any OpenAI-compatible server
    python bench/teacher.py --hugging-face FOLDER                                    # a local model, no server
    python bench/teacher.py --misbehaving                                            # a scripted server, every fault

Every teacher is asked twice: the second time nothing may be sent, and the bytes are the same. With `--verify` the
programs go through the verification stage, which runs them in the sandbox.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from titrant.artifacts import FORMAT, Record, Solutions
from titrant.chat.client import Patience
from titrant.chat.kept_replies import KeptReplies
from titrant.errors import TitrantError
from titrant.jobs import ProblemsJob, SolutionsJob, VerificationJob
from titrant.study.synthesis import AREAS, Generated, Teacher, Verification
from titrant.study.tasks import Sampling
from titrant.synthesize import make_problems, solve_problems, verify_solutions

FORMS = ("javascript", "python", "text")


def main() -> None:
    """Ask, and print what came of it."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--hugging-face", type=Path, help="folder of a local model")
    given.add_argument("--endpoint", help="URL of a server")
    given.add_argument("--model", default="model", help="the model's name at the server")
    given.add_argument("--problems", type=int, default=16)
    given.add_argument("--samples", type=int, default=2)
    given.add_argument("--max-tokens", type=int, default=256)
    given.add_argument("--verify", action="store_true", help="run what it wrote in the sandbox")
    given.add_argument("--misbehaving", action="store_true", help="a scripted server with every fault")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.misbehaving:
            _misbehave(Path(folder))
            return
        if (asked.endpoint is None) == (asked.hugging_face is None):
            given.error("give --endpoint or --hugging-face")
        place = {"endpoint": asked.endpoint} if asked.endpoint else {"hugging_face": str(asked.hugging_face)}
        sampling = Sampling(temperature=0.7, top_p=0.95, samples=asked.samples, max_tokens=asked.max_tokens)
        teacher = Teacher(model=asked.model, sampling=sampling, requests_at_once=1, timeout_seconds=600, **place)
        _ask(teacher, asked.problems, Path(folder), asked.verify)


def _ask(teacher: Teacher, count: int, folder: Path, verify: bool) -> None:
    problems = _problems(folder, count)
    began = time.perf_counter()
    made, first = _solve(teacher, problems, folder, "out")
    middle = time.perf_counter()
    _, second = _solve(teacher, problems, folder, "again")
    end = time.perf_counter()
    assert first == second, "asked again, other bytes came"
    rows = pq.read_table(folder / "out" / "solutions.parquet").to_pylist()
    print(f"{made.replies} replies of '{made.teacher}' to {count} problems in {middle - began:.1f} s")
    print(
        f"{made.tokens_read:,} tokens read, {made.tokens_written:,} written; "
        f"asked again: {end - middle:.1f} s, the same bytes"
    )
    for form in FORMS:
        of_form = [row for row in rows if row["form"] == form]
        ended = {why: sum(row["ended"] == why for row in of_form) for why in sorted({row["ended"] for row in of_form})}
        print(f"{form:>12}: {sum(bool(row['text']) for row in of_form)} of {len(of_form)} hold one; ended {ended}")
    if verify:
        out = _made(folder / "verified")
        inputs = {"problems": problems, "solutions": folder / "out"}
        job = VerificationJob(verify=Verification(), forms=FORMS)
        found = verify_solutions(job, inputs, out, scratch=_made(folder / "verifying"), progress=_silent)
        print({level: f"{each.passed} of {each.tried}" for level, each in found.levels.items()})
        print(f"accepted {found.accepted} of {found.items}, texts {found.texts}, translations {found.translations}")
        print(found.refused)


def _problems(folder: Path, count: int) -> Path:
    job = ProblemsJob(problems=(Generated(generated=count, areas=AREAS, difficulty=(1, 2)),), inputs=48)
    out = _made(folder / "problems")
    summary = make_problems(job, {}, out, scratch=_made(folder / "drawing"), progress=_silent)
    assert summary.problems == count
    return out


def _solve(teacher: Teacher, problems: Path, folder: Path, name: str) -> tuple[Solutions, bytes]:
    job = SolutionsJob(teacher=teacher, forms=FORMS)
    made = solve_problems(
        job,
        {"problems": problems},
        _made(folder / name),
        scratch=_made(folder / "scratch"),
        progress=_silent,
        kept=KeptReplies(folder / "kept"),
        patience=Patience(first_seconds=0.01, most_seconds=0.1),
    )
    record = Record(
        format=FORMAT,
        kind=made.kind,
        version=made.version,
        fingerprint="0" * 64,
        declaration={},
        inputs={},
        files={},
        summary=made.model_dump(mode="json"),
    )
    (folder / name / "record.json").write_text(record.model_dump_json())
    return made, (folder / name / "solutions.parquet").read_bytes()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _silent(done: int, total: int, unit: str, note: str = "") -> None:
    pass


def _misbehave(folder: Path) -> None:
    """Each fault once before every reply: all is answered. Each fault for ever: one sentence says what is wrong."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from scripted_endpoint import Answer, completion, scripted_endpoint

    faults: dict[str, Answer] = {
        "rubbish": Answer(b"<html>"),
        "wrong JSON": Answer(b'{"choices": 7}'),
        "429": Answer(b"slow down", status=429, headers={"Retry-After": "0.01"}),
        "500": Answer(b"oops", status=500),
        "cut stream": Answer(completion()[:30], says_bytes=900),
        "no end": Answer(endless=True),
        "hangs": Answer(hangs=True),
        "drips": Answer(drips=True),
        "reset": Answer(resets=True),
        "refusal": Answer(completion(None, message={"content": None, "refusal": "I cannot help with that"})),
        "empty code": Answer(completion("```python\n```")),
        "endless text": Answer(completion("and so on " * 100_000, "length")),
    }
    problems = _problems(folder, 2)
    for name, fault in faults.items():
        told = []
        for every in (2, 1):

            def script(number: int, body: dict[str, Any], e: int = every, f: Answer = fault) -> Answer:
                return f if number % e == 0 else Answer(completion(_answered(body)))

            with scripted_endpoint(script) as endpoint, contextlib.redirect_stderr(io.StringIO()):
                teacher = Teacher(
                    model="m", endpoint=endpoint.url, timeout_seconds=0.2, requests_at_once=1, sampling=Sampling()
                )
                try:
                    made, _ = _solve(teacher, problems, _made(folder / f"{name}-{every}"), "out")
                    told.append(f"{made.replies} replies, {made.empty} without a program")
                except TitrantError as error:
                    told.append(str(error))
        print(f"{name:>12}, now and then: {told[0]}\n{'for ever':>26}: {told[1]}")


def _answered(body: dict[str, Any]) -> str:
    """A program of the right name in the form that is asked for, and no more than that."""
    asked = body["messages"][-1]["content"]
    name = (re.findall(r"Write the function `(\w+)`", asked) or ["f"])[-1]
    if "```javascript" in asked:
        return f"```javascript\nfunction {name}() {{ return null; }}\n```"
    return f"```python\ndef {name}(*values):\n    return None\n```" if "```python" in asked else "One thinks."


if __name__ == "__main__":
    main()
