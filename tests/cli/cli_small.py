"""A small real study for the tests of the command line: laid out, run once, and copied to be broken."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo_study import DEMO, lay_out_study
from titrant.cli import main
from titrant.cli.opened import open_plan

Edit = Callable[[dict[str, Any]], object]
Said = tuple[int, str, str]
DATA = ("documents", "split", "tokenizer", "tokens", "ledger")


def small(folder: Path, edit: Edit | None = None) -> Path:
    """The demo cut down to two arms, one seed and four steps a phase, with real sources beside it."""
    content = yaml.safe_load(DEMO)
    content["arms"] = {name: content["arms"][name] for name in ("text->text", "balanced->text")}
    content["contrasts"] = [{"arm": "balanced->text", "control": "text->text"}]
    content["scales"]["tiny"]["tokens"] = 8192
    content["evaluation"]["bits_per_byte"]["bytes_per_source"] = "8kB"
    content["seeds"] = [1]
    if edit is not None:
        edit(content)
    return lay_out_study(folder, yaml.safe_dump(content, sort_keys=False))


def line_of(study: Path, text: str) -> int:
    return next(number for number, line in enumerate(study.read_text().splitlines(), 1) if line.strip() == text)


@pytest.fixture
def titrant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run a command line in this process, in the test's folder: (status, stdout, stderr). Never a traceback."""
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(str(stopped.value.code)), out, err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def process(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "titrant", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def ended(started: subprocess.Popen[str]) -> Said:
    out, err = started.communicate(timeout=600)  # no promise of speed: the machine may be busy with other things
    assert "Traceback" not in err
    return started.returncode, out, err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small study ran: `study.yaml` and `store`. Copied, never changed."""
    folder = tmp_path_factory.mktemp("finished")
    status, _, err = ended(process("run", small(folder), "--store", folder / "store", "--workers", "1"))
    assert status == 0, err
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The finished folder, to be broken."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def artifacts(store: Path) -> dict[str, bytes]:
    """Every byte of every artifact but how it was made."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for record in store.glob("*/*/record.json")
        for path in record.parent.rglob("*")
        if path.is_file() and path.name not in ("made.json", "log.txt") and "damaged" not in path.parts
    }


def prepare(titrant: Any, study: Path) -> Said:
    """Do the jobs up to the ledger in this process; the first that fails, or the last."""
    said = (0, "", "")
    for id_, job in open_plan(str(study)).plan.jobs.items():
        if job.kind in DATA and said[0] == 0:
            said = titrant("run", study, "--store", "store", "--job", id_)
    return said  # type: ignore[return-value]


def complaint(said: Said) -> str:
    """The error lines alone: progress of a single job comes before them."""
    return "\n".join(line for line in said[2].splitlines() if line.startswith("error: "))
