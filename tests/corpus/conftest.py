"""Builders that the corpus tests share: jobs, tiny wheels, and finished artifacts."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from titrant.corpus import read_documents, split_documents
from titrant.jobs import DocumentsJob, SplitJob
from titrant.study.source import Source


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


@pytest.fixture
def documents(tmp_path):
    """Reads a source's `from` list; returns the summary and the folder."""
    count = 0

    def read(*origins, kind="text", progress=silent, **fields):
        nonlocal count
        count += 1
        source = Source.model_validate({"kind": kind, "from": list(origins), **fields})
        out = tmp_path / f"documents-{count}"
        out.mkdir()
        job = DocumentsJob(
            kind=source.kind,
            origins=source.origins,
            plant=source.plant,
            on_error=source.on_error,
        )
        return read_documents(job, {}, out, scratch=tmp_path, progress=progress), out

    return read


@pytest.fixture
def split(tmp_path):
    """Splits a documents folder, given the splits of earlier sources; returns the summary and the folder."""
    count = 0

    def run(
        folder,
        hold_out_fraction=0.5,
        reserve_fraction=0.0,
        rules=(),
        language_shares=None,
        signals=None,
        overlap=None,
        **earlier,
    ):
        nonlocal count
        count += 1
        out = tmp_path / f"split-{count}"
        out.mkdir()
        inputs = {"documents": folder} | {f"earlier/{name}": path for name, path in earlier.items()}
        inputs |= {} if signals is None else {"signals": signals}
        inputs |= {} if overlap is None else {"overlap": overlap}
        job = SplitJob(
            hold_out_fraction=hold_out_fraction,
            reserve_fraction=reserve_fraction,
            rules=rules,
            language_shares=language_shares or {},
        )
        return split_documents(job, inputs, out, scratch=tmp_path, progress=silent), out

    return run


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Writes a tiny wheel into a folder that pip may search, and points the cache at an empty one."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))

    def make(members, name="tinycorpus", version="1.0", tags="py3-none-any") -> tuple[Path, dict]:
        path = index / f"{name}-{version}-{tags}.whl"
        info = f"{name}-{version}.dist-info"
        fixed = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.99\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n",
            f"{info}/RECORD": "",
        }
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in {**members, **fixed}.items():
                archive.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), content)
        origin = {
            "package": name,
            "version": version,
            "wheel": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "members": ["**/*.txt"],
        }
        return path, origin

    return make
