"""Why a job would run: what the store holds of its kind and name, and in what that differs from the plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from titrant.artifacts import Record, read_record
from titrant.errors import StoreError
from titrant.execute.store import Standing, Store
from titrant.plan.plan import Job, Plan

_ABSENT = "(absent)"


@dataclass(frozen=True)
class Change:
    """One field of the declaration, the version, or one input, then and now."""

    what: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what} {self.old} -> {self.new}"


@dataclass
class Explainer:
    """Answers for one plan and one store; lists each kind's folders once."""

    plan: Plan
    store: Store
    standings: Mapping[str, Standing]
    _named: dict[str, dict[str, list[Path]]] = field(default_factory=dict, repr=False)

    def reason(self, job: Job) -> str:
        """A few words: `finished`, `first run`, `changed: ...`, `damaged: ...`, `stale: ...`, `unfinished`, `needs`."""
        standing = self.standings[job.id]
        if standing.state == "finished":
            return "finished"
        if standing.state == "damaged":
            return f"{standing.word}: {standing.reason}"
        changes = self.changes(job)
        own = [change for change in changes if not change.what.startswith("input ")]
        if own:
            more = f" and {len(own) - 1} more" if len(own) > 1 else ""
            return f"changed: {own[0]}{more}"
        if changes:
            roles = [change.what.removeprefix("input ") for change in changes]
            more = f" and {len(roles) - 1} more" if len(roles) > 1 else ""
            return f"changed: its input {roles[0]}{more}"
        if self.store.work_of(job).is_dir():
            return "unfinished: goes on where it stopped"
        missing = [id_ for id_ in job.inputs.values() if self.standings[id_].state != "finished"]
        if self._siblings(job):
            return f"needs {missing[0]}" if missing else "not in the store"
        return "first run"

    def nearest(self, job: Job) -> tuple[Path, Record] | None:
        """The newest other artifact of the same kind and name, if its record can be read."""
        for folder in self._siblings(job):
            try:
                record = read_record(folder)
            except StoreError:
                continue
            if record.fingerprint != job.fingerprint:
                return folder, record
        return None

    def changes(self, job: Job) -> list[Change]:
        """In what the job differs from the nearest artifact: declaration, version, inputs; nothing if there is none."""
        found = self.nearest(job)
        if found is None:
            return []
        _, record = found
        declared = json.loads(json.dumps(dict(job.identity)))
        changes = list(_differences(record.declaration, declared, ""))
        if record.version != job.version:
            changes.append(Change("version of the kind", str(record.version), str(job.version)))
        inputs = {role: self.plan.jobs[id_].fingerprint for role, id_ in job.inputs.items()}
        for role in sorted({*record.inputs, *inputs}):
            old, new = record.inputs.get(role), inputs.get(role)
            if old != new:
                changes.append(Change(f"input {role}", (old or _ABSENT)[:12], (new or _ABSENT)[:12]))
        return changes

    def _siblings(self, job: Job) -> list[Path]:
        if job.kind not in self._named:
            named: dict[str, list[Path]] = {}
            for folder in self.store.folders(job.kind):
                named.setdefault(re.sub(r"-[0-9a-f]{12}$", "", folder.name), []).append(folder)
            self._named[job.kind] = named
        return sorted(self._named[job.kind].get(job.name, []), key=lambda path: path.stat().st_mtime, reverse=True)


def find_job(plan: Plan, wanted: str) -> list[Job]:
    """Jobs that a person may mean: by id, by the beginning of an id, by name, by `kind/name`, by fingerprint."""
    if wanted in plan.jobs:
        return [plan.jobs[wanted]]
    exact = [job for job in plan.jobs.values() if wanted in (job.name, f"{job.kind}/{job.name}")]
    if exact:
        return exact
    hexadecimal = len(wanted) >= 6 and re.fullmatch(r"[0-9a-f]+", wanted)
    return [
        job
        for job in plan.jobs.values()
        if job.id.startswith(wanted) or (hexadecimal and job.fingerprint.startswith(wanted))
    ]


def _differences(old: object, new: object, path: str) -> Iterator[Change]:
    """Leaves in which two plain values differ, depth first, mappings by sorted key."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, f"{path}[{index}]")
    elif old != new:
        yield Change(path, _shown(old), _shown(new))


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
