"""A plan while it grows: equal work is found by identity and becomes one job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from titrant.artifacts import ARTIFACTS
from titrant.errors import StudyError
from titrant.jobs import JobDeclaration, Run, TrainPhase
from titrant.plan.fingerprint import fingerprint, identity_of
from titrant.plan.plan import Job
from titrant.study.cleaning import Decontaminate
from titrant.study.study import Study


@dataclass
class Draft:
    """The plan while it grows. `by_fingerprint` is what makes equal work one job."""

    study: Study
    jobs: dict[str, Job] = field(default_factory=dict)
    by_fingerprint: dict[str, str] = field(default_factory=dict)
    runs: dict[str, tuple[Run, tuple[str, ...]]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Id of the tokens job by source."""
    splits: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Id of the job whose documents are encoded: the documents job, or the last transform."""
    benchmarks: str = ""
    """Id of the benchmarks job; empty where nothing is asked that others have made."""
    items: str = ""
    """Id of the items job; empty where sources are not searched for items."""
    overlaps: dict[str, str] = field(default_factory=dict)
    """Id of the overlap job by source, those of derived sources that of the one they are made of."""
    verified: dict[str, str] = field(default_factory=dict)
    """Id of the verification job by synthesis."""
    synthetic_items: dict[str, str] = field(default_factory=dict)
    """Id of the items job whose items documents of a synthesis are searched for, by synthesis."""
    item_rules: dict[str, Decontaminate] = field(default_factory=dict)
    """How they are searched, by synthesis; those that hold an item are dropped."""
    examples: dict[str, str] = field(default_factory=dict)
    resolved: dict[tuple[str, str], tuple[TrainPhase, ...]] = field(default_factory=dict)
    """Phases by (arm, scale)."""
    tokenizer: str = ""
    ledger: str = ""
    questions: str = ""
    scored: dict[str, str] = field(default_factory=dict)
    """Id of the evaluate job by id of the train job."""
    judged: dict[str, str] = field(default_factory=dict)
    """By role in findings, ids of what scores texts that a run's end wrote: code and judge jobs."""

    def add(
        self,
        kind: str,
        name: str,
        declaration: JobDeclaration,
        inputs: Mapping[str, str],
        *,
        after: tuple[str, ...] = (),
        tokens: int = 0,
        flops: float = 0.0,
        run: str | None = None,
    ) -> str:
        """Id of the job, which is a new one only if none of the same identity exists."""
        version = ARTIFACTS[kind].version
        identity = identity_of(declaration)
        mark = fingerprint(kind, version, identity, {role: self.jobs[id_].fingerprint for role, id_ in inputs.items()})
        if mark in self.by_fingerprint:
            id_ = self.by_fingerprint[mark]
            if run is not None and run not in self.jobs[id_].runs:
                self.jobs[id_] = replace(self.jobs[id_], runs=(*self.jobs[id_].runs, run))
            return id_
        job = Job(
            kind=kind,
            name=_file_name(name),
            fingerprint=mark,
            declaration=declaration,
            identity=identity,
            version=version,
            inputs=dict(inputs),
            after=after,
            tokens=tokens,
            flops=flops,
            runs=() if run is None else (run,),
        )
        self.jobs[job.id] = job
        self.by_fingerprint[mark] = job.id
        return job.id

    @property
    def vocabulary(self) -> int:
        vocabulary = self.study.tokenizer.vocabulary
        if vocabulary is None:
            raise StudyError("the tokenizer's file is not pinned; pass the study through pin_study before planning it")
        return vocabulary


def _file_name(name: str) -> str:
    """A name that is safe in a path on every system: `balanced->text` becomes `balanced-to-text`.

    >>> _file_name("balanced->text.continue@nano#1")
    'balanced-to-text.continue@nano#1'
    """
    return re.sub(r"[^A-Za-z0-9._+=%@#-]+", "-", name.replace("->", "-to-"))[:100]
