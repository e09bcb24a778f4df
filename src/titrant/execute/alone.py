"""A job without a study: what a command asks of one model, done and kept in the store as a plan's jobs are.

Equal work is found by its fingerprint and not done again; an interrupted job goes on from its scratch folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from titrant.artifacts import ARTIFACTS
from titrant.execute.store import Store
from titrant.execute.work import STAGES
from titrant.execute.worker import Assignment, StopSwitch, Tell, do_job
from titrant.jobs import JobDeclaration
from titrant.plan.fingerprint import fingerprint, identity_of
from titrant.plan.plan import Job


@dataclass(frozen=True)
class Given:
    """What a job reads: an artifact, or a folder from elsewhere that is known by its content."""

    name: str
    """`KIND/NAME`, as a message shows it."""
    folder: Path
    fingerprint: str
    content: str

    @property
    def id(self) -> str:
        """As a plan names a job."""
        return f"{self.name}-{self.fingerprint[:12]}"


def given_artifact(store: Store, kind: str, folder: Path) -> Given:
    """A finished artifact of this store, or of none."""
    from titrant.artifacts import read_record

    record = read_record(folder)
    name = folder.name.removesuffix(f"-{record.fingerprint[:12]}")
    return Given(f"{kind}/{name}", folder, record.fingerprint, record.content)


def job_alone(kind: str, name: str, declaration: JobDeclaration, inputs: Mapping[str, Given]) -> Job:
    """The job that a plan would make of the same declaration and inputs."""
    version, identity = ARTIFACTS[kind].version, identity_of(declaration)
    mark = fingerprint(kind, version, identity, {role: given.fingerprint for role, given in inputs.items()})
    ids = {role: given.id for role, given in inputs.items()}
    return Job(kind, name, mark, declaration, identity, version, inputs=ids)


def do_alone(store: Store, job: Job, inputs: Mapping[str, Given], tell: Tell, stop: StopSwitch) -> Given:
    """What the job makes, made now unless the store has it. Raises as `do_job` does."""
    standing = store.look(job, hashes=True)
    folder = standing.folder
    if standing.state != "finished":
        folder = do_job(
            Assignment(
                root=store.root,
                job=job,
                inputs={role: given.folder for role, given in inputs.items()},
                fingerprints={role: given.fingerprint for role, given in inputs.items()},
                contents={role: given.content for role, given in inputs.items()},
                stages=STAGES,
            ),
            tell,
            stop,
        )
    return given_artifact(store, job.kind, folder)
