"""An interrupted intake goes on at the file where it stopped, and nobody can see from the bytes that it ever did."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titrant.corpus import read_documents, writer
from titrant.corpus.origins import pieces as origins
from titrant.errors import StudyError
from titrant.jobs import DocumentsJob
from titrant.study.origins import Files
from titrant.study.source import Source
from titrant.study.world import content_of, content_of_file, files_of


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


class StopAt:
    """A progress that interrupts the job at its call number `calls`."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self, done, total, unit, note=""):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(writer, "GROUP_BYTES", 1_000)
    monkeypatch.setattr(writer, "FILE_BYTES", 5_000)
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 2_000)
    monkeypatch.setattr("titrant.corpus.documents._TOLD_EVERY", 3)


@pytest.fixture
def job(tmp_path):
    """A source of three pinned origins: lines, plain files, and members of an archive; some are left out or bad."""
    lines = tmp_path / "lines"
    lines.mkdir()
    for name in range(6):
        records = [json.dumps({"text": f"record {n} of {name} " * (n + 1)}) for n in range(12)]
        (lines / f"{name}.jsonl").write_text("\n".join([*records, "{", '{"text": " "}']))
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in range(30):
        (plain / f"{name:02}.py").write_bytes(b"\xff" if name == 7 else f"x = {name}\n".encode() * 20)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for name in range(20):
            info = tarfile.TarInfo(f"{name}.txt")
            info.size = 300
            archive.addfile(info, io.BytesIO(b"%03d" % name * 100))
    pinned = [
        {"files": str(lines), "parse": {"format": "jsonl"}},
        {"files": str(plain)},
        {"archive": str(tmp_path / "a.tar.gz"), "content": content_of_file(tmp_path / "a.tar.gz")},
    ]
    for origin in pinned[:2]:
        origin["content"] = content_of(files_of(Files(files=(origin["files"],))))
    plant = {"facts_per_rung": 2, "copies": [1, 2], "seed": 1}
    source = Source.model_validate({"kind": "text", "from": pinned, "plant": plant, "on_error": "skip"})
    return DocumentsJob(kind=source.kind, origins=source.origins, plant=source.plant, on_error=source.on_error)


def attempt(job, folder, scratch, progress=silent):
    """(summary, {name: bytes}) of one attempt, as the runner makes it: into an empty folder."""
    out = Path(folder)
    out.mkdir(parents=True)
    summary = read_documents(job, {}, out, scratch=scratch, progress=progress)
    return summary, {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_what_was_read_before_the_last_checkpoint_is_not_read_again(job, tmp_path, monkeypatch):
    read = []
    real = origins.parse
    monkeypatch.setattr(origins, "parse", lambda file, *given: read.append(file.name) or real(file, *given))
    whole = attempt(job, tmp_path / "whole", tmp_path / "s0")
    assert len(whole[1]) > 8
    assert whole[0].left_out == {"empty": 6, "not UTF-8": 1, "record that cannot be read": 6}
    names, read[:] = list(read), []
    with pytest.raises(KeyboardInterrupt):
        attempt(job, tmp_path / "one", tmp_path / "s1", StopAt(60))
    first, read[:] = list(read), []
    assert attempt(job, tmp_path / "two", tmp_path / "s1") == whole
    assert len(first) + len(read) < len(names) + 17  # what 2,000 bytes are, of these files
    assert read == names[-len(read) :]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(1, 90), min_size=1, max_size=4), number=st.integers())
def test_however_often_it_is_interrupted_the_bytes_are_the_same(job, tmp_path_factory, stops, number):
    folder = tmp_path_factory.mktemp("run")
    whole = attempt(job, folder / "whole", folder / "s0")
    for number, calls in enumerate(stops):
        try:
            attempt(job, folder / f"try-{number}", folder / "s", StopAt(calls))
        except KeyboardInterrupt:
            (folder / "s" / "documents" / "documents-00099.parquet").write_bytes(b"half")  # as a kill leaves it
    assert attempt(job, folder / "last", folder / "s") == whole


@pytest.mark.parametrize("damage", ["part", "state", "other job", "lost part"])
def test_a_checkpoint_that_is_not_whole_or_of_another_job_counts_for_nothing(job, tmp_path, damage):
    whole = attempt(job, tmp_path / "whole", tmp_path / "s0")
    with pytest.raises(KeyboardInterrupt):
        attempt(job, tmp_path / "one", tmp_path / "s", StopAt(60))
    part, state = tmp_path / "s/documents/documents-00000.parquet", tmp_path / "s/documents/checkpoint.json"
    if damage == "part":
        part.write_bytes(part.read_bytes()[:-1] + b"?")
    elif damage == "lost part":
        part.unlink()
    elif damage == "state":
        state.write_text(state.read_text()[:-9])
    else:
        job = job.model_copy(update={"plant": None})
        whole = attempt(job, tmp_path / "other", tmp_path / "s2")
    assert attempt(job, tmp_path / "two", tmp_path / "s") == whole


def test_without_a_pin_every_attempt_reads_all(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": f"record {n} " * 50}) + "\n" for n in range(60)))
    source = Source.model_validate({"kind": "text", "from": [{"files": str(path), "parse": {"format": "jsonl"}}]})
    job = DocumentsJob(kind=source.kind, origins=source.origins, plant=None)
    attempt(job, tmp_path / "one", tmp_path / "s")
    assert not (tmp_path / "s/documents/checkpoint.json").exists()
    path.write_text('{"text": "other"}\n')
    assert attempt(job, tmp_path / "two", tmp_path / "s")[0].documents == 1


def test_a_file_that_changes_while_it_is_read_is_an_error_even_where_errors_are_skipped(tmp_path, documents):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": f"record {n}"}) + "\n" for n in range(10)))
    origin = {"files": str(path), "parse": {"format": "jsonl"}}

    def and_append(done, total, unit, note=""):
        with path.open("a") as stream:
            stream.write('{"text": "late"}\n')

    with pytest.raises(StudyError, match=r"a\.jsonl' changed while it was read \(has [\d,]+ bytes, had [\d,]+\)"):
        documents(origin, progress=and_append, on_error="skip")

    def and_delete(done, total, unit, note=""):
        path.unlink(missing_ok=True)

    with pytest.raises(StudyError, match=r"a\.jsonl' changed while it was read \(is gone\)"):
        documents(origin, progress=and_delete)
