"""A plan of six small jobs with real files and real processes, whose stages can be told to misbehave.

Run as a script it does the plan: `python execute_stages.py STORE [WORKERS]`. The environment variable TITRANT_TEST_NOTES
names a folder in which stages count their starts and from which they read how to misbehave.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from titrant.artifacts import Artifact, Page, PlannedLedger, Split, TokenizerFile
from titrant.errors import Problem, StudyError
from titrant.jobs import JobDeclaration, LedgerJob, Progress, ReportJob, SplitJob, TokenizerJob
from titrant.plan.fingerprint import fingerprint, identity_of
from titrant.plan.plan import Job, Plan
from titrant.study.architecture import TrainedTokenizer

STAGES = {kind: f"execute_stages:make_{kind}" for kind in ("split", "tokenizer", "ledger", "report")}

_VERSIONS = {"split": Split.version, "tokenizer": TokenizerFile.version, "ledger": 1, "report": Page.version}


def _notes() -> Path:
    return Path(os.environ["TITRANT_TEST_NOTES"])


def _do(name: str, inputs: Mapping[str, Path], out: Path, scratch: Path, progress: Progress) -> None:
    """Write 12 links of a hash chain over the inputs' bytes, one file each two links, going on from scratch."""
    notes = _notes()
    with (notes / "starts.txt").open("a") as file:
        file.write(f"{name}\n")
    print(f"{name} prints something")
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        (notes / f"gpu-{name}").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    if (notes / f"fail-{name}").exists():
        raise ValueError(f"{name} was told to fail")
    if (notes / f"study-{name}").exists():
        raise StudyError([Problem("source 'code' is too small", "study.yaml:14"), Problem("and another", None)])
    if (notes / f"die-{name}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (notes / f"full-{name}").exists():
        raise OSError(28, "No space left on device", str(out / "data"))
    seconds = float((notes / "seconds").read_text()) if (notes / "seconds").exists() else 0.0
    state = hashlib.sha256(name.encode())
    if (notes / f"salt-{name}").exists():  # as if another version of a library made it
        state.update((notes / f"salt-{name}").read_bytes())
    for role in sorted(inputs):
        for path in sorted(inputs[role].rglob("*.bin")):
            state.update(path.read_bytes())
    chain = [state.hexdigest()]
    kept = scratch / "chain.txt"
    if kept.exists() and len(read := kept.read_text().split()) > 1:
        chain = read
        (notes / "resumed.txt").open("a").write(f"{name} {len(chain)}\n")
    while len(chain) < 12:
        chain.append(hashlib.sha256(chain[-1].encode()).hexdigest())
        try:
            progress(len(chain), 12, "links", "loss 1.23")
        except KeyboardInterrupt:
            temporary = scratch / "chain.tmp"
            temporary.write_text(" ".join(chain))
            temporary.replace(kept)
            raise
        time.sleep(seconds)
    if (notes / f"aside-{name}").exists():  # other content that nobody reads
        (out / "aside.txt").write_text((notes / f"aside-{name}").read_text())
    (out / "part").mkdir()
    for index in range(0, 12, 2):
        (out / "part" / f"{index}.bin").write_text(chain[index] + chain[index + 1])


def make_split(job: SplitJob, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    _do(f"split-{job.hold_out_fraction:g}", inputs, out, scratch, progress)
    return Split(parts={})


def make_tokenizer(job: TokenizerJob, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    assert isinstance(job.tokenizer, TrainedTokenizer)
    _do(f"tokenizer-{job.tokenizer.vocabulary}", inputs, out, scratch, progress)
    return TokenizerFile(vocabulary=300, end_of_text_id=0, content="0" * 64, bytes_per_token={})


def make_ledger(job: LedgerJob, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    _do("ledger", inputs, out, scratch, progress)
    return PlannedLedger(rows=3)


def make_report(job: ReportJob, inputs, out, *, scratch, progress) -> Artifact:  # type: ignore[no-untyped-def]
    _do("report", inputs, out, scratch, progress)
    for name in ("report.html", "report.md", "report.json", "forest.svg"):
        (out / name).write_text(f"<p>{name}</p>")
    return Page(headline="Nothing was found.")


def job_of(
    kind: str, name: str, declaration: JobDeclaration, inputs: Mapping[str, Job], after: tuple[Job, ...] = ()
) -> Job:
    identity, version = identity_of(declaration), _VERSIONS[kind]
    return Job(
        kind=kind,
        name=name,
        fingerprint=fingerprint(kind, version, identity, {role: job.fingerprint for role, job in inputs.items()}),
        declaration=declaration,
        identity=identity,
        version=version,
        inputs={role: job.id for role, job in inputs.items()},
        after=tuple(job.id for job in after),
    )


def six_jobs(prefix: str = "", vocabulary: int = 300) -> Plan:
    """Two splits, a tokenizer of each, a ledger over the tokenizers that waits for the splits, a report on all."""
    splits = [
        job_of("split", f"{prefix}s{i}", SplitJob(hold_out_fraction=f, reserve_fraction=0), {})
        for i, f in enumerate((0.1, 0.2))
    ]
    tokenizers = [
        job_of(
            "tokenizer",
            f"{prefix}t{i}",
            TokenizerJob(tokenizer=TrainedTokenizer(vocabulary=vocabulary + i, mixture="m"), byte_shares={"s": "1"}),
            {"split/s": splits[i]},
        )
        for i in range(2)
    ]
    ledger = job_of(
        "ledger",
        f"{prefix}l",
        LedgerJob(chains=(), max_epochs={}),
        {f"tokens/{i}": tokenizer for i, tokenizer in enumerate(tokenizers)},
        after=tuple(splits),
    )
    report = job_of("report", f"{prefix}r", ReportJob(study={"study": "small"}, phases=()), {"ledger": ledger})
    jobs = [*splits, *tokenizers, ledger, report]
    return Plan(study=None, jobs={job.id: job for job in jobs}, runs={})  # type: ignore[arg-type]


def main() -> None:
    from titrant.execute.runner import Interrupted, run_plan
    from titrant.execute.store import open_store
    from titrant.execute.watch import PlainDisplay

    store = open_store(Path(sys.argv[1]), create=True)
    display = PlainDisplay(lambda line: print(line, flush=True))
    try:
        made = run_plan(six_jobs(), store, display, workers=int(sys.argv[2]) if len(sys.argv) > 2 else 2, stages=STAGES)
    except Interrupted as stopped:
        print(stopped, flush=True)
        sys.exit(130)
    print(f"made {made}", flush=True)


if __name__ == "__main__":
    main()
