"""The plan: the graph of jobs that a study comes to, each with its identity, its inputs and its cost in tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from titrant.jobs import JobDeclaration, Run
from titrant.study.study import Study


@dataclass(frozen=True)
class Job:
    """One piece of work. Two jobs with equal fingerprints are one job."""

    kind: str
    name: str
    """Readable and safe as a file name, e.g. `balanced-to-text.continue@nano#1`. Never identity."""
    fingerprint: str
    """64 hexadecimal digits: kind, version of what it makes, declaration, fingerprints of its inputs."""
    declaration: JobDeclaration
    identity: Mapping[str, object]
    """The declaration as it stands in the fingerprint and in the record: plain data, without what is not identity."""
    version: int
    """Version of what it makes."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Id of another job by role."""
    after: tuple[str, ...] = ()
    """Ids of jobs that must be finished first without being part of its identity."""
    tokens: int = 0
    """Tokens it trains on."""
    flops: float = 0.0
    """Training FLOPs."""
    runs: tuple[str, ...] = ()
    """Ids of the runs (`arm@scale#seed`) that need it; empty: all."""

    @property
    def id(self) -> str:
        """`kind/name-` and 12 digits of the fingerprint: also its folder in the store."""
        return f"{self.kind}/{self.name}-{self.fingerprint[:12]}"


@dataclass(frozen=True)
class Plan:
    """All jobs of a study, every job after those it needs."""

    study: Study
    """The study, pinned and with its sweeps written out."""
    jobs: Mapping[str, Job]
    """By id, in an order in which they can be done."""
    runs: Mapping[str, tuple[Run, tuple[str, ...]]]
    """By run id (`arm@scale#seed`): the run and the ids of its train jobs, phase by phase. Those of the learning-rate
    probe alone come last; their scales are not among the study's."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    """Id of the tokens job by source, in the order of the study."""

    def part(self, kinds: Collection[str]) -> Plan:
        """The plan of the jobs of some kinds, which must need no others. It has no runs."""
        jobs = {id_: job for id_, job in self.jobs.items() if job.kind in kinds}
        return Plan(self.study, jobs, {}, self.tokens)

    @property
    def tokens_trained(self) -> int:
        """Tokens that all train jobs train on."""
        return sum(job.tokens for job in self.jobs.values())

    @property
    def tokens_unshared(self) -> int:
        """Tokens that would be trained on if no two runs shared a trunk."""
        return sum(self.jobs[id_].tokens for _, chain in self.runs.values() for id_ in chain)
