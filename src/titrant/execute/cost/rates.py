"""How long jobs take that neither train nor score: bytes of documents by rates that were measured once.

Rates are bytes in a second of one core of an AMD EPYC of the Zen 5 generation, from the quickstart's own jobs and
`bench/pipeline.py`; `core_speed` says how a core here compares. They are rough (a factor of two either way, by what the
documents are), and in most studies a few percent of the whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from titrant.cache import shared_cache
from titrant.errors import TitrantError
from titrant.execute.cost.asked import PROBLEMS, TASK_ITEMS, prompts_in
from titrant.execute.store import Store
from titrant.jobs import (
    CodeJob,
    DocumentsJob,
    FindingsJob,
    ItemsJob,
    JudgeJob,
    ProblemsJob,
    SolutionsJob,
    TokenizerJob,
    VerificationJob,
)
from titrant.plan import Job, Plan
from titrant.study.architecture import TrainedTokenizer
from titrant.study.origins import Archive, Files, Installed, Origin, OtherSource, Package
from titrant.study.patterns import matches
from titrant.study.synthesis import AnyProblems, Generated, ProblemFiles, SyntheticItems
from titrant.study.world import problem_files_of

BYTES_PER_SECOND = {
    "documents": 30e6,
    "signals": 7e6,
    "signatures": 43e6,
    "overlap": 20e6,
    "split": 200e6,
    "transform": 2e6,
    "examples": 400e6,
    "tokens": 14e6,
}
"""Bytes of documents in a second, by kind of job."""

SLOW_PARSERS = {"wikipedia-xml": 0.5e6, "wikitext": 2e6, "html": 4e6, "notebook": 10e6}
"""Bytes of a file in a second, for formats that are parsed rather than read; of a compressed dump as it is stored."""

TOKENIZER_BYTES_PER_SECOND = 2.6e6
GENERATED_SECONDS = {"problems": 0.005, "verification": 0.012}
"""Of drawing one problem with its inputs and results, and of finding out what is true of one solution."""
REPLY_SECONDS = 10.0
"""Of one reply of a teacher, several at once."""
ITEM_BYTES = 900.0
"""Of one problem with its solution."""
PROGRAM_SECONDS = 0.06
"""Of running one solution in the sandbox."""
JUDGED_SECONDS = 2.0
"""Of one verdict of a judge, several at once."""
FIXED_SECONDS = {
    "benchmarks": 15.0,
    "tokenizer": 0.1,
    "tokens": 0.2,
    "ledger": 0.05,
    "questions": 0.3,
    "items": 0.3,
    "report": 1.8,
}
FINDING_SECONDS = 3e-6
"""Of one resample of one outcome of one contrast."""
PLANTED_SECONDS = 1e-4
"""Of writing one copy of one fact into a document."""

SET_PROBLEMS = 1000
"""In a set that is not on this machine and whose number is not declared."""

NOT_FETCHED = "its size is not known before it is fetched"


def data_seconds(job: Job, plan: Plan, store: Store, core_speed: float) -> tuple[float | None, str]:
    """(seconds, how that is known) of a job that neither trains nor scores; None where sizes are not known yet."""
    fixed = FIXED_SECONDS.get(job.kind, 0.02)
    asked = job.declaration
    if isinstance(asked, FindingsJob):
        tests = sum(len(contrast.outcomes or asked.outcomes) for contrast in asked.contrasts)
        return (0.2 + tests * asked.statistics.resamples * FINDING_SECONDS) / core_speed, "rates"
    if isinstance(asked, CodeJob):
        programs = sum(
            (task.items or PROBLEMS.get(task.name, TASK_ITEMS)) * task.sampling.samples for task in asked.code
        )
        return programs * PROGRAM_SECONDS / core_speed, "rates"
    if isinstance(asked, JudgeJob):
        pairs = max((prompts_in(one) for one in plan.study.evaluation.judging if one.name == asked.name), default=0)
        return pairs * 2 * len(asked.judges) * JUDGED_SECONDS, "rates"
    if isinstance(asked, (ProblemsJob, SolutionsJob, VerificationJob)):
        return _synthesis_seconds(job, plan, core_speed), "rates"
    if isinstance(asked, TokenizerJob):
        learnt = asked.tokenizer.training_bytes if isinstance(asked.tokenizer, TrainedTokenizer) else 0
        return (fixed + learnt / TOKENIZER_BYTES_PER_SECOND) / core_speed, "rates"
    if isinstance(asked, ItemsJob) or job.kind not in BYTES_PER_SECOND:
        return fixed / core_speed, "rates"
    if isinstance(asked, DocumentsJob):
        if "verification" in job.inputs:
            return (fixed + problems_in(job, plan) * ITEM_BYTES / BYTES_PER_SECOND["documents"]) / core_speed, "rates"
        read = [_reading_seconds(origin) for origin in asked.origins]
        if any(seconds is None for seconds in read):
            return None, NOT_FETCHED
        copies = asked.plant.facts_per_rung * sum(asked.plant.copies) if asked.plant else 0
        seconds = fixed + sum(seconds or 0.0 for seconds in read) + copies * PLANTED_SECONDS
        return seconds / core_speed, "rates"
    size = source_bytes(job, plan, store)
    if size is None:
        return None, NOT_FETCHED
    return (fixed + size / BYTES_PER_SECOND[job.kind]) / core_speed, "rates"


def source_bytes(job: Job, plan: Plan, store: Store) -> float | None:
    """Bytes of the documents that a job reads; None if they are not stored and their files are not here."""
    found = documents_of(job, plan)
    if found is None:
        return None
    try:
        record = json.loads((store.folder_of(found) / "record.json").read_bytes())
        return float(record["summary"]["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        asked = found.declaration
        assert isinstance(asked, DocumentsJob)
        if "verification" in found.inputs:
            return problems_in(found, plan) * ITEM_BYTES
        sizes = [origin_bytes(origin) for origin in asked.origins]
        return sum(size or 0.0 for size in sizes) if None not in sizes else None


def problems_in(job: Job, plan: Plan) -> int:
    """How many problems a job of a synthesis, or its documents, are about, as far as that can be told beforehand."""
    return problems_known(job, plan)[0]


def problems_known(job: Job, plan: Plan) -> tuple[int, str]:
    """How many problems a job of a synthesis is about, and how well that is known: `exact`, `at most` or `assumed`.

    Records of files are counted; some may turn out to be no problems. Of a set that is not on this machine, or of code
    that is mined, no more than what is declared is known.
    """
    while not isinstance(job.declaration, ProblemsJob):
        job = plan.jobs[job.inputs["problems" if "problems" in job.inputs else "verification"]]
    found = [_problems_of(one) for one in job.declaration.problems]
    sure = next((how for how in ("assumed", "at most") if any(how == each for _, each in found)), "exact")
    return sum(count for count, _ in found), sure


def _problems_of(origin: AnyProblems) -> tuple[int, str]:
    if isinstance(origin, Generated):
        return origin.generated, "exact"
    if isinstance(origin, ProblemFiles):
        try:
            found = problem_files_of(origin)
            stamps = [path.stat() for _, path in found]
            count = sum(
                _records_in(path, stamp.st_size, stamp.st_mtime_ns)
                for (_, path), stamp in zip(found, stamps, strict=True)
            )
            return min(count, origin.most or count), "at most"
        except (TitrantError, OSError):
            pass  # the stage says what is wrong with them
    return (origin.most, "at most") if origin.most else (SET_PROBLEMS, "assumed")


@lru_cache(maxsize=256)
def _records_in(path: Path, size: int, changed: int) -> int:
    """Rows of a Parquet file, or lines of another one that are not empty; a file that has changed is read again."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(path).num_rows)
        except pa.ArrowException as error:
            raise OSError(str(error)) from None
    from titrant.corpus.formats.json_text import lines

    with path.open("rb") as file:
        return sum(line is None or bool(line.strip()) for line in lines(file))


def _synthesis_seconds(job: Job, plan: Plan, core_speed: float) -> float:
    asked, problems = job.declaration, problems_in(job, plan)
    if not isinstance(asked, SolutionsJob):
        return problems * GENERATED_SECONDS[job.kind] / core_speed
    replies = problems * asked.teacher.sampling.samples * len(asked.forms)
    seconds = replies * REPLY_SECONDS / asked.teacher.requests_at_once
    slowest = asked.teacher.requests_per_minute
    return max(seconds, 60 * replies / slowest) if slowest else seconds


def documents_of(job: Job, plan: Plan) -> Job | None:
    """The job that reads the documents that a job works on."""
    while job.kind != "documents":
        role = "documents" if "documents" in job.inputs else next(iter(job.inputs), None)
        if role is None:
            return None
        job = plan.jobs[job.inputs[role]]
    return job


def origin_bytes(origin: Origin) -> float | None:
    """Bytes of an origin's files as they are unpacked; None if they are not on this machine."""
    if isinstance(origin, Package):
        return _wheel_bytes(shared_cache("packages") / origin.wheel, origin.members, origin.exclude)
    if isinstance(origin, Files):
        return _files_bytes(origin.files, origin.exclude)
    if isinstance(origin, Archive):
        try:
            return 3.0 * Path(origin.archive).stat().st_size
        except OSError:
            return None
    if isinstance(origin, Installed):
        return 5e6
    return None


def _reading_seconds(origin: Origin) -> float | None:
    size = origin_bytes(origin)
    if size is None or isinstance(origin, (OtherSource, SyntheticItems)):
        return None
    return size / SLOW_PARSERS.get(origin.parse.format, BYTES_PER_SECOND["documents"])


@lru_cache(maxsize=256)
def _wheel_bytes(wheel: Path, members: tuple[str, ...], exclude: tuple[str, ...]) -> float | None:
    try:
        with ZipFile(wheel) as archive:
            entries = [(entry.filename, entry.file_size) for entry in archive.infolist()]
    except (OSError, BadZipFile):
        return None
    return float(sum(size for name, size in entries if matches(name, members) and not matches(name, exclude)))


@lru_cache(maxsize=256)
def _files_bytes(files: tuple[str, ...], exclude: tuple[str, ...]) -> float | None:
    """Bytes of files and of all files in folders; what patterns name is not looked for."""
    total = 0.0
    for named in files:
        path = Path(named)
        if path.is_file():
            total += path.stat().st_size
        elif path.is_dir():
            total += sum(_sizes_below(path, exclude))
        else:
            return None
    return total


def _sizes_below(folder: Path, exclude: tuple[str, ...]) -> Iterable[int]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if not matches(path.relative_to(folder).as_posix(), exclude) and path.is_file():
                yield path.stat().st_size
