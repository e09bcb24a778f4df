"""What a study shows outside its artifacts: the report's files and the list of its runs, in STORE/studies/STUDY/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from titrant.artifacts import read_record
from titrant.errors import StoreError, StudyError
from titrant.execute.files import explaining_disk_trouble, write_atomically, write_json
from titrant.execute.store import Store
from titrant.plan.plan import Job, Plan
from titrant.study.declaration import listing

RUNS = "runs.json"


@dataclass(frozen=True)
class StoredRun:
    """A run of a study as runs.json lists it: where its last checkpoint and its tokenizer lie."""

    study: str
    run: str
    train: str
    """Id of its last train job, which is the artifact's folder in the store."""
    tokenizer: str


def report_job(plan: Plan) -> Job | None:
    """The plan's report job; None in a plan without one."""
    return next((job for job in plan.jobs.values() if job.kind == "report"), None)


def publish(plan: Plan, study: str, store: Store) -> Path | None:
    """Copy the finished report into the study's folder, file by file in one move each; the path of the page.

    Files that are the same already are left alone. None if there is no finished report.
    """
    job = report_job(plan)
    if job is None or store.look(job, hashes=False).state != "finished":
        return None
    source, target = store.folder_of(job), store.study_folder(study)
    for name in read_record(source).files:
        content = (source / name).read_bytes()
        if not (target / name).exists() or (target / name).read_bytes() != content:
            with explaining_disk_trouble(store.root):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(target / name, content)
    return target / "report.html"


def write_runs(plan: Plan, study: str, store: Store) -> None:
    """List the study's runs in runs.json, so that a run can be named without the study's file."""
    runs = {}
    for run, (_, chain) in plan.runs.items():
        last = plan.jobs[chain[-1]]
        runs[run] = {
            "train": _place(store, last),
            "tokenizer": _place(store, plan.jobs[last.inputs["tokenizer"]]),
        }
    path = store.study_folder(study) / RUNS
    with explaining_disk_trouble(store.root):
        path.parent.mkdir(parents=True, exist_ok=True)
        if _read(path) != runs:
            write_json(path, runs)


def find_run(store: Store, wanted: str) -> StoredRun:
    """The run named `arm@scale#seed` or `STUDY/arm@scale#seed`.

    Raises StudyError if no study of the store has it, or several have it with different checkpoints.
    """
    known = {
        f"{path.parent.name}/{run}": StoredRun(path.parent.name, run, entry["train"], entry["tokenizer"])
        for path in sorted((store.root / "studies").glob(f"*/{RUNS}"))
        for run, entry in _read(path).items()
    }
    if wanted in known:
        return known[wanted]
    found = {key: stored for key, stored in known.items() if stored.run == wanted}
    if not found:
        some = listing(list(known)[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise StudyError(
            f"the store {store.root} knows no run '{wanted}'; it knows {some}"
            if known
            else f"the store {store.root} knows no runs yet; `titrant run` makes them"
        )
    if len({stored.train for stored in found.values()}) > 1:
        raise StudyError(f"'{wanted}' is a run of several studies; name one of {listing(found)}")
    return next(iter(found.values()))


def _place(store: Store, job: Job) -> str:
    return store.folder_of(job).relative_to(store.root).as_posix()


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        content = json.loads(path.read_bytes())
        return {str(run): {key: str(entry[key]) for key in ("train", "tokenizer")} for run, entry in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be read ({type(error).__name__}: {error}); delete it, `titrant run` writes it again"
        ) from None
