"""Engines: the same bytes wherever the parts of a source are made, and what happens when a process dies."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_works import Die, Fail, Number, Wait
from hypothesis import given
from hypothesis import strategies as st

from titrant.corpus import find_all_signals, find_overlaps, sign_documents, transform_documents
from titrant.corpus.engine import daft_on_ray
from titrant.corpus.engine.daft_on_ray import MakePart, installed_versions
from titrant.corpus.engine.make import chosen_engine, make_parts
from titrant.corpus.engine.parts import Parts
from titrant.corpus.stored import RowGroup
from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate import write_items
from titrant.jobs import ItemsJob, OverlapJob, SignalsJob, SignaturesJob, TransformJob
from titrant.study.cleaning import Decontaminate, NearDuplicates
from titrant.study.evaluation import MultipleChoice

GROUPS = [RowGroup(Path("documents-00000.parquet"), index, 3 * index, 3) for index in range(5)]
QUESTION = "which of the two rivers that meet behind the old mill carries more water in the spring after snow melts"


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


@pytest.fixture
def source(tmp_path, documents, split):
    """Documents in two files of several row groups, their split, and items that some hold."""
    folder = tmp_path / "code"
    folder.mkdir()
    for number in range(30):
        held = f"# {QUESTION}: the left one\n" if number % 7 == 3 else ""
        text = f"{held}def f{number}(x):  # number {number}\n    return x + {number}\n" * (1 + number % 3)
        (folder / f"{number:02}.py").write_text(text)
    _, read = documents({"files": str(folder)}, kind="code")
    (path,) = read.iterdir()
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 17), path, row_group_size=4)
    pq.write_table(table.slice(17), read / "documents-00001.parquet", row_group_size=5)
    task, items = tmp_path / "task.jsonl", tmp_path / "items"
    task.write_text(json.dumps({"context": QUESTION, "choices": [": the left one", ": the right one"], "answer": 0}))
    items.mkdir()
    asked = MultipleChoice(name="rivers", file=str(task))
    write_items(ItemsJob(multiple_choice=(asked,)), {}, items, scratch=tmp_path, progress=silent)
    return {"documents": read, "split": split(read, hold_out_fraction=0.3)[1], "items": items}


STAGES = {
    "signals": (find_all_signals, SignalsJob(families=("size", "prose", "code")), ()),
    "signatures": (sign_documents, SignaturesJob(near=NearDuplicates()), ()),
    "overlap": (find_overlaps, OverlapJob(rule=Decontaminate()), ("items",)),
    "transform": (transform_documents, TransformJob(redact=("emails",), steps=("strip-comments",)), ("split",)),
}


def run_stage(name, source, tmp_path, attempt):
    """Run a stage as the environment says; its summary and the bytes of its files."""
    stage, job, roles = STAGES[name]
    out, scratch = tmp_path / attempt / "out", tmp_path / attempt / "scratch"
    for folder in (out, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    inputs = {role: source[role] for role in ("documents", *roles)}
    made = stage(job, inputs, out, scratch=scratch, progress=silent)
    return made, {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.mark.parametrize("name", STAGES)
def test_the_bytes_of_a_stage_do_not_depend_on_where_its_parts_are_made(name, source, tmp_path, monkeypatch):
    monkeypatch.setenv("TITRANT_ENGINE", "serial")
    made, expected = run_stage(name, source, tmp_path, "serial")
    monkeypatch.setenv("TITRANT_ENGINE", "processes:2")
    assert run_stage(name, source, tmp_path, "processes") == (made, expected)
    assert sum(map(len, expected.values())) > 1000
    assert len(list(tmp_path.glob("processes/scratch/parts-*/*.arrow"))) == 8


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make the parts of five row groups in two processes; the numbers that stand in them."""
    monkeypatch.setenv("TITRANT_ENGINE", "processes:2")

    def run(work, progress=silent, groups=GROUPS):
        parts = make_parts(work, groups, scratch=tmp_path / "scratch", progress=progress)
        return [parts.table(group)["number"].to_pylist() for group in groups]

    return run


NUMBERS = [[0], [1], [2], [3], [4]]


def test_a_process_that_is_killed_is_replaced_and_its_part_made(make, tmp_path, capfd):
    (tmp_path / "deaths").mkdir()
    assert make(Die(tmp_path / "deaths", 1)) == NUMBERS
    assert len(list((tmp_path / "deaths").iterdir())) == 1
    said = "a process ended by SIGKILL while it worked on row group 2 of documents-00000.parquet, which is begun again"
    assert said in capfd.readouterr().out


def test_a_part_over_which_two_processes_are_killed_is_one_error(make, tmp_path):
    (tmp_path / "deaths").mkdir()
    with pytest.raises(EngineError, match=r"2 processes ended by SIGKILL while .* row group 2 of .*; .*out of memory"):
        make(Die(tmp_path / "deaths", 9))
    assert not multiprocessing.active_children()
    assert len(list((tmp_path / "deaths").iterdir())) == 2


@pytest.mark.parametrize(
    ("kind", "raised", "says"),
    [
        ("study", StudyError, "one\ntwo"),
        ("store", StoreError, "damaged"),
        ("bug", ValueError, "bug"),
        ("odd", RuntimeError, "OddError: odd at 1"),
    ],
)
def test_what_the_work_raises_in_a_process_is_raised_here(make, kind, raised, says):
    with pytest.raises(raised) as found:
        make(Fail(kind))
    assert str(found.value) == says
    assert not multiprocessing.active_children()
    if kind in ("bug", "odd"):
        assert "engine_works.py" in "".join(found.value.__notes__)


@pytest.mark.parametrize("engine", ["serial", "processes:2"])
def test_an_interrupted_attempt_leaves_no_process_and_its_finished_parts_are_not_made_again(
    make, tmp_path, engine, monkeypatch
):
    monkeypatch.setenv("TITRANT_ENGINE", engine)
    said = []

    def stop(done, total, unit, note=""):
        said.append((done, total, unit))
        if done >= 6:
            raise KeyboardInterrupt

    many = [RowGroup(Path("documents-00000.parquet"), index, 3 * index, 3) for index in range(12)]
    with pytest.raises(KeyboardInterrupt):
        make(Number(), progress=stop, groups=many)
    assert not multiprocessing.active_children()
    assert {(total, unit) for _, total, unit in said} == {(36, "documents")}
    assert [done for done, *_ in said] == sorted(done for done, *_ in said)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("scratch/parts-*/*.arrow")}
    assert 2 <= len(finished) < 12
    again = []
    assert make(Number(), progress=lambda done, *_: again.append(done), groups=many) == [[index] for index in range(12)]
    assert again[0] == 3 * len(finished)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def test_processes_end_when_the_job_is_killed(tmp_path):
    (tmp_path / "pids").mkdir()
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from engine_works import Wait; from titrant.corpus.engine.make import make_parts\n"
        "from titrant.corpus.stored import RowGroup\n"
        "groups = [RowGroup(Path('documents-00000.parquet'), index, index, 1) for index in range(4)]\n"
        "if __name__ == '__main__':\n"
        "    make_parts(Wait(Path(sys.argv[2])), groups, scratch=Path(sys.argv[3]), progress=lambda *_: None)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    folders = [str(Path(__file__).parent), str(tmp_path / "pids"), str(tmp_path / "scratch")]
    environment = {**os.environ, "TITRANT_ENGINE": "processes:2"}
    with subprocess.Popen([sys.executable, str(script), *folders], env=environment) as job:
        while len(pids := [int(path.stem) for path in (tmp_path / "pids").glob("*.pid")]) < 2:
            assert job.poll() is None
            time.sleep(0.05)
        assert all(map(is_alive, pids))
        job.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))


def is_alive(pid):
    """Whether a process runs; one that has ended and is not waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_parts_of_other_work_or_other_documents_are_not_taken(tmp_path):
    one = Parts.under(tmp_path, Number(), GROUPS)
    one.make(GROUPS[0], lambda _: None)
    assert one.has(GROUPS[0])
    assert Parts.under(tmp_path, Number(), list(GROUPS)).has(GROUPS[0])
    assert not Parts.under(tmp_path, Wait(tmp_path), GROUPS).has(GROUPS[0])
    assert not Parts.under(tmp_path, Number(), GROUPS[:4]).has(GROUPS[0])


def test_a_part_that_is_cut_off_anywhere_is_not_there(tmp_path):
    parts = Parts.under(tmp_path, Number(), GROUPS)
    parts.make(GROUPS[3], lambda _: None)
    (path,) = parts.folder.iterdir()
    whole = path.read_bytes()
    assert parts.table(GROUPS[3]) == pa.table({"number": [3]})
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert not parts.has(GROUPS[3])
    with pytest.raises(StoreError, match=r"documents-00000-00003\.arrow was damaged while the job ran .*; run again"):
        parts.table(GROUPS[3])


def test_one_part_is_made_in_this_process(make, tmp_path):
    assert make(Wait(ready(tmp_path)), groups=GROUPS[:1]) == [[0]]
    assert [path.name for path in tmp_path.glob("waits/*.pid")] == [f"{os.getpid()}.pid"]


def ready(tmp_path):
    """A folder in which nothing is waited for."""
    folder = tmp_path / "waits"
    folder.mkdir()
    (folder / "go").touch()
    return folder


@pytest.mark.parametrize(
    ("environment", "parts", "name", "processes"),
    [
        ({}, 1000, "serial", 1),
        ({"TITRANT_CORES": "1"}, 1000, "serial", 1),
        ({"TITRANT_CORES": "4"}, 1000, "processes", 4),
        ({"TITRANT_CORES": "4"}, 15, "serial", 1),
        ({"TITRANT_CORES": "4"}, 16, "processes", 2),
        ({"TITRANT_ENGINE": "serial", "TITRANT_CORES": "4"}, 1000, "serial", 1),
        ({"TITRANT_ENGINE": "processes:12"}, 2, "processes", 12),
        ({"TITRANT_ENGINE": "processes"}, 2, "processes", len(os.sched_getaffinity(0))),
        ({"TITRANT_ENGINE": "ray"}, 2, "ray", 1),
    ],
)
def test_the_environment_chooses_the_engine_and_few_parts_are_made_here(environment, parts, name, processes):
    engine = chosen_engine(parts, environment)
    assert (engine.name, engine.processes) == (name, processes)


def test_the_address_of_a_cluster_is_what_follows_the_colon():
    assert chosen_engine(1, {"TITRANT_ENGINE": "ray:ray://head:10001"}).address == "ray://head:10001"
    assert chosen_engine(1, {"TITRANT_ENGINE": "ray"}).address is None


@pytest.mark.parametrize("value", ["spark", "Serial", "processes:", "processes:0", "processes:two", "serial:2", "ray:"])
def test_an_unknown_engine_is_refused_with_what_is_known(value, make, monkeypatch):
    monkeypatch.setenv("TITRANT_ENGINE", value)
    with pytest.raises(EngineError) as raised:
        make(Number())
    assert str(raised.value) == (
        f"TITRANT_ENGINE is '{value}', which is no engine; give serial, processes:N (such as processes:4), ray, or "
        "ray:HOST:PORT, or unset it"
    )


@given(st.text(max_size=20) | st.from_regex(r"(serial|processes|ray)(:.{0,6})?", fullmatch=True), st.text(max_size=5))
def test_any_value_is_an_engine_or_one_error(value, cores):
    environment = {"TITRANT_ENGINE": value, "TITRANT_CORES": cores}
    if value and not re.fullmatch(r"serial|processes(:[1-9][0-9]{0,3})?|ray(:.+)?", value, re.DOTALL):
        with pytest.raises(EngineError, match="which is no engine"):
            chosen_engine(100, environment)
        return
    engine = chosen_engine(100, environment)
    assert engine.name in ("serial", "processes", "ray")
    assert 1 <= engine.processes <= 9999


def test_ray_without_its_libraries_says_what_to_install(make, monkeypatch):
    monkeypatch.setenv("TITRANT_ENGINE", "ray")
    monkeypatch.setitem(sys.modules, "daft", None)
    with pytest.raises(EngineError, match=r"extra `cluster` .*; install them with pip install 'titrant\[cluster\]'"):
        make(Number())


def test_a_machine_of_a_cluster_makes_a_part_or_hands_the_error_back(tmp_path):
    parts = Parts.under(tmp_path, Number(), GROUPS)
    assert MakePart(parts, installed_versions())(pickle.dumps(GROUPS[3])) == b""
    assert parts.table(GROUPS[3]) == pa.table({"number": [3]})
    failing = MakePart(Parts.under(tmp_path, Fail("store"), GROUPS), installed_versions())
    error = pickle.loads(failing(pickle.dumps(GROUPS[1])))
    assert (type(error), str(error)) == (StoreError, "damaged")


def test_a_machine_with_other_versions_or_without_the_store_makes_nothing_and_says_so(tmp_path):
    parts = Parts.under(tmp_path, Number(), GROUPS)
    other = {**installed_versions(), "rensa": "0.0.1", "nosuch": "1.0"}
    error = pickle.loads(MakePart(parts, other)(pickle.dumps(GROUPS[0])))
    assert isinstance(error, EngineError)
    rensa = installed_versions()["rensa"]
    assert f" has rensa {rensa} where this one has 0.0.1; nosuch not installed where this one has 1.0; " in str(error)
    assert not parts.has(GROUPS[0])
    parts.folder.rmdir()
    error = pickle.loads(MakePart(parts, installed_versions())(pickle.dumps(GROUPS[0])))
    assert isinstance(error, EngineError)
    assert f"has no folder {parts.folder}; keep the store on a file system that all machines see" in str(error)


@pytest.mark.parametrize("name", STAGES)
def test_files_without_documents_are_files_without_rows(name, source, tmp_path, monkeypatch):
    monkeypatch.setenv("TITRANT_ENGINE", "serial")
    made, files = run_stage(name, source, tmp_path, "without")
    empty = pq.read_schema(source["documents"] / "documents-00000.parquet").empty_table()
    pq.write_table(empty, source["documents"] / "documents-00002.parquet")
    with pq.ParquetWriter(source["documents"] / "documents-00003.parquet", empty.schema) as writer:
        writer.write_table(empty)
        writer.write_table(empty)
    again, more = run_stage(name, source, tmp_path, "with")
    assert again == made
    kinds = {path: pq.read_table(pa.BufferReader(content)).num_rows for path, content in more.items()}
    assert {path: rows for path, rows in kinds.items() if rows} == {
        path: pq.read_table(pa.BufferReader(content)).num_rows for path, content in files.items()
    }


def test_where_a_query_stands_still_its_parts_are_made_here(tmp_path, monkeypatch):
    monkeypatch.setattr(daft_on_ray, "_STALLED_SECONDS", 0.5)
    monkeypatch.setattr(daft_on_ray, "_BEAT_SECONDS", 0.05)
    parts, release = Parts.under(tmp_path, Number(), GROUPS), threading.Event()

    class Hanging(daft_on_ray._Query):
        """One that makes a part, works at another for longer than it may stand still, and then waits for ever."""

        def __init__(self, ray, daft, parts, groups):
            self.said, self._errors = "", []
            self._thread = threading.Thread(target=self._hang, daemon=True)
            self._thread.start()

        def _hang(self):
            parts.make(GROUPS[1], lambda _: None)
            with daft_on_ray._beating(parts.folder / "at-work"):
                time.sleep(1.2)
            parts.make(GROUPS[3], lambda _: None)
            release.wait()

    monkeypatch.setattr(daft_on_ray, "_libraries", lambda: (None, None))
    monkeypatch.setattr(daft_on_ray, "_connect", lambda *_: None)
    monkeypatch.setattr(daft_on_ray, "_Query", Hanging)
    there = []
    monkeypatch.setattr(
        daft_on_ray,
        "_make_here",
        spy(daft_on_ray._make_here, lambda: there.append(sorted(parts.folder.glob("*.arrow")))),
    )
    daft_on_ray.run_on_ray(parts, GROUPS, None, lambda _: None)
    release.set()
    assert [[path.stem[-1] for path in paths] for paths in there] == [["1", "3"]]
    assert [parts.table(group)["number"].to_pylist() for group in GROUPS] == NUMBERS


def spy(function, before):
    """The function, and something that is done before."""

    def both(*arguments):
        before()
        return function(*arguments)

    return both
