"""A Ray cluster of two nodes on this machine: the same bytes, also when a node dies. Needs the extra `cluster`.

The cluster and each driver are processes of their own: a driver of Ray's changes signal handlers and cannot connect
twice.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("ray", "daft"))), reason="needs the extra `cluster` (ray and daft)"
    ),
]

CLUSTER = """
import os, sys
from ray.cluster_utils import Cluster
store = 100_000_000
cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, include_dashboard=False, object_store_memory=store))
second = cluster.add_node(num_cpus=1, object_store_memory=store)
print("address", cluster.address, flush=True)
for line in sys.stdin:
    if line == "kill\\n":
        cluster.remove_node(second, allow_graceful=False)
        print("killed", flush=True)
cluster.shutdown()
"""

DRIVER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from engine_works import Fail, Slow
from titrant.corpus import find_all_signals, sign_documents
from titrant.corpus.engine.make import make_parts
from titrant.corpus.stored import RowGroup, row_groups
from titrant.jobs import SignalsJob, SignaturesJob
from titrant.study.cleaning import NearDuplicates

what, documents, out, scratch = sys.argv[2], *map(Path, sys.argv[3:])
if what in ("signals", "signatures"):
    jobs = {"signals": SignalsJob(families=("size", "prose")), "signatures": SignaturesJob(near=NearDuplicates())}
    stage = {"signals": find_all_signals, "signatures": sign_documents}[what]
    said = lambda done, total, unit, note="": print("progress", done, total, unit, flush=True)
    made = stage(jobs[what], {"documents": documents}, out, scratch=scratch, progress=said)
    (out / "summary.json").write_text(made.model_dump_json())
else:
    groups = [RowGroup(Path("documents-00000.parquet"), index, index, 1) for index in range(16)]
    work = Slow(out) if what == "slow" else Fail("store")
    def said(done, total, unit, note=""):
        print("progress", done, total, unit, flush=True)
        if (out / "stop").exists():
            raise KeyboardInterrupt
    parts = make_parts(work, groups, scratch=scratch, progress=said)
    (out / "numbers.json").write_text(json.dumps([parts.table(group)["number"].to_pylist() for group in groups]))
"""

WORKS = str(Path(__file__).parent)
ENVIRONMENT = {
    **os.environ,
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "PYTHONPATH": os.pathsep.join([WORKS, *(path for path in sys.path if path)]),
}


class Cluster:
    """Two nodes of one core each, in a process that is told what to do with them."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=ENVIRONMENT,
        )
        self.address = self._hear("address ")

    def _hear(self, begin: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(begin):
                return line.removeprefix(begin).strip()
        raise AssertionError(f"no cluster: see {self._log.name}")

    def kill_a_node(self) -> None:
        """The second node, with all that runs on it."""
        assert self.process.stdin is not None
        self.process.stdin.write("kill\n")
        self.process.stdin.flush()
        self._hear("killed")

    def close(self) -> None:
        """End both nodes."""
        self.process.communicate(timeout=60)
        self._log.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster.log")
    yield made
    made.close()


class Driver:
    """A job's process. `environment` is added to that of the test."""

    def __init__(self, what: str, documents: Path, folder: Path, engine: str, **environment: str) -> None:
        self.out, self.scratch, self.log = folder / "out", folder / "scratch", folder / "log"
        for made in (self.out, self.scratch):
            made.mkdir(parents=True, exist_ok=True)
        script = folder / "driver.py"
        script.write_text(f"if __name__ == '__main__':\n{''.join('    ' + line for line in DRIVER.splitlines(True))}")
        environment = {**ENVIRONMENT, "TITRANT_ENGINE": engine} | environment
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(script), WORKS, what, str(documents), str(self.out), str(self.scratch)],
                stdout=log,
                stderr=log,
                env=environment,
            )

    def parts(self) -> list[Path]:
        return sorted(self.scratch.glob("parts-*/*.arrow"))

    def wait_for_parts(self, count: int) -> None:
        while len(self.parts()) < count:
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def result(self) -> dict[str, bytes]:
        """The bytes of its files, once it has ended well."""
        assert self.process.wait() == 0, self.log.read_text()
        return {path.name: path.read_bytes() for path in sorted(self.out.glob("*.*"))}


@pytest.fixture
def source(tmp_path: Path, documents) -> Path:  # type: ignore[no-untyped-def]
    texts = tmp_path / "texts"
    texts.mkdir()
    for number in range(40):
        (texts / f"{number:02}.txt").write_text(f"the document {number} has these words in it and more {number} " * 9)
    folder: Path = documents({"files": str(texts)})[1]
    (path,) = folder.iterdir()
    pq.write_table(pq.read_table(path), path, row_group_size=4)
    return folder


def test_a_cluster_makes_the_same_bytes_as_this_process(tmp_path: Path, source: Path, cluster: Cluster) -> None:
    for what in ("signals", "signatures"):
        here = Driver(what, source, tmp_path / f"{what}-here", "serial")
        there = Driver(what, source, tmp_path / f"{what}-there", f"ray:{cluster.address}")
        assert there.result() == here.result()
        assert len(there.parts()) == 10
        assert "progress 40 40 documents" in there.log.read_text()


def test_parts_of_a_node_that_dies_are_made_by_the_others(tmp_path: Path, cluster: Cluster) -> None:
    driver = Driver("slow", tmp_path, tmp_path / "slow", f"ray:{cluster.address}")
    driver.wait_for_parts(3)
    cluster.kill_a_node()
    assert len(driver.parts()) < 16, "it was over before the node died"
    assert json.loads(driver.result()["numbers.json"]) == [[index] for index in range(16)]
    processes = {int(path.name.split("-")[1]) for path in driver.out.glob("by-*")}
    assert len(processes) >= 2


def test_parts_of_a_process_that_is_killed_are_made_again(tmp_path: Path, cluster: Cluster) -> None:
    driver = Driver("slow", tmp_path, tmp_path / "slow", f"ray:{cluster.address}")
    driver.wait_for_parts(3)
    victim = next(driver.out.glob("by-*"))
    os.kill(int(victim.name.split("-")[1]), 9)
    assert json.loads(driver.result()["numbers.json"]) == [[index] for index in range(16)]


def test_an_interrupted_job_goes_on_with_the_parts_that_are_there(tmp_path: Path, cluster: Cluster) -> None:
    first = Driver("slow", tmp_path, tmp_path / "slow", f"ray:{cluster.address}")
    first.wait_for_parts(3)
    (first.out / "stop").touch()
    assert first.process.wait() != 0
    assert "KeyboardInterrupt" in first.log.read_text()
    (first.out / "stop").unlink()
    kept = {path: path.stat().st_mtime_ns for path in first.parts()}
    assert 3 <= len(kept) < 16
    again = Driver("slow", tmp_path, tmp_path / "slow", f"ray:{cluster.address}")
    assert json.loads(again.result()["numbers.json"]) == [[index] for index in range(16)]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_an_error_of_the_work_and_a_cluster_that_is_not_there_are_told_as_they_are(
    tmp_path: Path, cluster: Cluster
) -> None:
    failing = Driver("fail", tmp_path, tmp_path / "fail", f"ray:{cluster.address}")
    assert failing.process.wait() == 1
    assert "titrant.errors.StoreError: damaged" in failing.log.read_text()
    nowhere = Driver("fail", tmp_path, tmp_path / "nowhere", "ray:127.0.0.1:1")
    assert nowhere.process.wait() == 1
    assert "titrant.errors.EngineError: there is no Ray cluster at 127.0.0.1:1" in nowhere.log.read_text()
