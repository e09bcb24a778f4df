"""`titrant synthesize`: items with all that is known of them, from the generator or as a study declares them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_cli_commands import STUDY

from titrant.artifacts import Problems
from titrant.artifacts.synthetic import LevelYield
from titrant.cli import main, synthesizing
from titrant.cli.data import _items_taken
from titrant.execute import work
from titrant.sandbox.languages import LANGUAGES
from titrant.study.synthesis import SyntheticItems
from verified_items import renamed, summary_of, write_items

Run = Callable[..., tuple[int, str, str]]


UNDECIDED = 99
"""A seed whose problems have contracts that nobody decides."""


def make_problems(job: Any, inputs: Any, out: Path, *, scratch: Path, progress: Any) -> Problems:
    """Says what it was asked for."""
    (out / "problems.json").write_text(job.model_dump_json(by_alias=True))
    asked = sum(origin.generated for origin in job.problems)
    return Problems(problems=asked, by_area={}, families=0, left_out={}, versions={})


def verify_solutions(job: Any, inputs: Any, out: Path, *, scratch: Path, progress: Any) -> Any:
    """As many items as problems were asked for; the last one is refused."""
    asked = json.loads((Path(inputs["problems"]) / "problems.json").read_text())
    count = sum(origin["generated"] for origin in asked["problems"])
    refused = {
        "accepted": "",
        "corrupted": "",
        "tests": [],
        "text": "",
        "translations": "{}",
        "refused": "fails a test",
    }
    state = {"contracts": "not decided"} if asked["problems"][0]["seed"] == UNDECIDED else {}
    items = [renamed(number, **state | (refused if number == count - 1 else {})) for number in range(count)]
    write_items(out, items)
    (out / "asked.json").write_text(json.dumps({"forms": job.forms, **asked["problems"][0]}))
    made = summary_of(items)
    looked = LevelYield(tried=count if state else 0, passed=0)
    return made.model_copy(update={"levels": made.levels | {"contracts": looked}})


@pytest.fixture
def titrant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process: (status, stdout, stderr)."""
    monkeypatch.setitem(work.STAGES, "problems", f"{__name__}:make_problems")  # type: ignore[arg-type]
    monkeypatch.setitem(work.STAGES, "verification", f"{__name__}:verify_solutions")  # type: ignore[arg-type]
    monkeypatch.setenv("TITRANT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TITRANT_CORES", "1")

    def run(*arguments: object, command: str = "synthesize") -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in (command, *arguments)])
        out, err = capfd.readouterr()
        return int(str(stopped.value.code)), out, err

    return run


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    def write(**synthesis: Any) -> Path:
        for name in ("text", "code"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "a.txt").write_text(f"{name} " * 50)
        content = {**STUDY, "synthesis": synthesis}
        sources = {f"made-of-{name}": {"kind": "synthetic", "from": [{"synthetic": name}]} for name in synthesis}
        content["sources"] = {**STUDY["sources"], **sources}  # type: ignore[dict-item]
        content["mixtures"] = {**STUDY["mixtures"], "mixed": {"text": 1, "code": 1, **dict.fromkeys(sources, 1)}}  # type: ignore[dict-item]
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def asked(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "store").glob("verification/*/asked.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_items_are_written_with_all_that_is_known_of_them(titrant: Run, tmp_path: Path) -> None:
    status, out, _ = titrant("--generated", 5, "--out", tmp_path / "items.jsonl")
    assert status == 0
    assert out.startswith("5 problems, 4 with an accepted solution\n")
    assert [line.split() for line in out.splitlines()[2:4]] == [["parses", "5", "5"], ["runs", "5", "5"]]
    assert "refused: 1 fails a test" in out
    assert "not yet compared with HumanEval, MBPP or an evaluation" in out
    rows = records(tmp_path / "items.jsonl")
    assert [row["problem"] for row in rows] == [f"generator/0/{number}" for number in range(4)]
    first = rows[0]
    assert first["accepted"] in first["document"]
    assert first["translations"]["javascript"].startswith("function total_0")
    assert first["cost"] is None
    assert {"source", "licence", "teacher", "prompt", "seed", "tests", "level", "tree", "mutation"} <= set(first)
    titrant("--generated", 5, "--out", tmp_path / "all.jsonl", "--refused")
    assert records(tmp_path / "all.jsonl")[:4] == rows
    last = records(tmp_path / "all.jsonl")[4]
    assert (last["refused"], last["document"]) == ("fails a test", None)


def test_what_is_in_the_store_is_not_made_again(titrant: Run, tmp_path: Path) -> None:
    titrant("--generated", 3)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("record.json")}
    assert len(before) == 2
    status, out, _ = titrant("--generated", 3)
    assert status == 0
    assert out.startswith("3 problems")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("record.json")} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_place_that_must_not_be_written_is_told_before_anything_is_made(
    titrant: Run, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "items.jsonl").write_text("before")
    closed = folder if what == "folder" else folder / "items.jsonl"
    closed.chmod(0o500)
    try:
        status, _, err = titrant("--generated", 3, "--out", folder / "items.jsonl")
    finally:
        closed.chmod(0o700)
    assert status == 2
    assert "no file can be made in" in err if what == "folder" else "this file must not be written" in err
    assert not (tmp_path / "store").exists()


def terminate(job: Any, inputs: Any, out: Path, *, scratch: Path, progress: Any) -> Problems:
    """Told to end by the system."""
    os.kill(os.getpid(), signal.SIGTERM)
    progress(1, 2, "problems")
    raise AssertionError("it goes on")


def test_what_the_system_ends_says_so_by_its_status(titrant: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setitem(work.STAGES, "problems", f"{__name__}:terminate")  # type: ignore[arg-type]
    try:
        status, _, err = titrant("--generated", 3)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert status == 143
    assert "stopped: the same command goes on" in err


@pytest.mark.parametrize("name", ["-", "/proc/self/fd/1"])
def test_items_go_to_standard_output_and_the_yield_does_not(titrant: Run, name: str) -> None:
    status, out, err = titrant("--generated", 3, "--out", name)
    assert status == 0
    assert len([json.loads(line) for line in out.splitlines()]) == 2
    assert "3 problems, 2 with an accepted solution" in err


def test_items_go_into_a_pipe_which_stays_one(titrant: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert titrant("--generated", 3, "--out", pipe)[0] == 0
    assert pipe.is_fifo()
    reader.join()
    assert len(read[0].splitlines()) == 2


def test_a_link_stays_one_and_what_it_names_is_written(titrant: Run, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "items.jsonl", tmp_path / "link.jsonl"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to(target)
    assert titrant("--generated", 3, "--out", link)[0] == 0
    assert link.readlink() == target
    assert len(records(target)) == 2
    assert target.stat().st_mode & 0o777 == 0o640
    assert list((tmp_path / "far").iterdir()) == [target]


def test_what_is_neither_a_file_nor_a_pipe_is_refused_before_anything_is_made(
    titrant: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        status, _, err = titrant("--generated", 3, "--out", "s")
        assert (status, Path("s").is_socket()) == (2, True)
    assert "--out 's' is neither a file nor a pipe" in " ".join(err.split())
    Path("gone").symlink_to("nowhere/items.jsonl")
    assert "give a file in a folder that exists" in " ".join(titrant("--out", "gone")[2].split())
    assert not (tmp_path / "store").exists()


def test_a_full_disk_is_told_of_the_file_and_leaves_what_stood_there(
    titrant: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "items.jsonl"
    out.write_text("before")

    def full(folder: Path, file: Any, **asked: Any) -> None:
        file.write("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(synthesizing, "_lines", full)
        status, _, err = titrant("--generated", 3, "--out", out)
    assert status == 2
    assert f"{out} cannot be written: No space left on device; the items are in the store" in " ".join(err.split())
    assert (out.read_text(), list(out.parent.iterdir())) == ("before", [out])
    (out.parent / "items.jsonl.unfinished").mkdir()
    assert titrant("--generated", 3, "--out", out)[0] == 0
    assert len(records(out)) == 2


def test_contracts_that_nobody_decided_are_no_failures(titrant: Run) -> None:
    said = [line.split() for line in titrant("--generated", 4, "--seed", UNDECIDED)[1].splitlines()]
    assert ["level", "tried", "passed", "not", "decided"] in said
    assert ["contracts", "4", "0", "4"] in said
    assert ["reference", "4", "3"] in said
    assert "decided" not in titrant("--generated", 4)[1]


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    found = LANGUAGES["js"]
    monkeypatch.setitem(LANGUAGES, "js", dataclasses.replace(found, executable=lambda name: None))


def test_a_missing_language_is_told_before_the_first_problem(titrant: Run, tmp_path: Path, no_node: None) -> None:
    status, out, err = titrant("--generated", 3, "--form", "javascript")
    assert (status, out) == (1, "")
    assert "need node, which is not installed; install it (on Debian: `apt install nodejs`)" in " ".join(err.split())
    assert not list((tmp_path / "store").rglob("record.json"))
    assert titrant("--generated", 3)[0] == 0, "nothing else needs it"


def test_what_is_made_already_needs_no_language(titrant: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = LANGUAGES["js"]
    with monkeypatch.context() as patched:
        there = dataclasses.replace(found, executable=lambda name: f"/usr/bin/{name}")
        patched.setitem(LANGUAGES, "js", there)
        assert titrant("--generated", 3, "--form", "javascript")[0] == 0
    monkeypatch.setitem(LANGUAGES, "js", dataclasses.replace(found, executable=lambda name: None))
    assert titrant("--generated", 3, "--form", "javascript")[0] == 0


@pytest.mark.parametrize("command", ["run", "synthesize"])
def test_a_study_that_wants_javascript_says_so_before_it_begins(
    titrant: Run, study: Callable[..., Path], tmp_path: Path, no_node: None, command: str
) -> None:
    path = study(few={"from": {"generated": 4}, "decontaminate": []})
    content = yaml.safe_load(path.read_text())
    content["sources"]["made-of-few"]["from"][0]["language"] = "javascript"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    status, _, err = titrant(path, command=command)
    assert status == 1
    assert "synthesis 'few' is wanted in JavaScript: programs in 'js' need node" in " ".join(err.split())
    assert not list((tmp_path / "store").rglob("record.json"))


def test_flags_say_which_problems_are_generated(titrant: Run, tmp_path: Path) -> None:
    flags = ("--seed", 7, "--area", "lists", "--area", "graphs", "--difficulty", "2-4", "--form", "text")
    assert titrant("--generated", 9, *flags)[0] == 0
    wanted = {"generated": 9, "seed": 7, "areas": ["lists", "graphs"], "difficulty": [2, 4]}
    assert asked(tmp_path) == {"forms": ["python", "text"], **wanted}


def test_without_flags_a_thousand_problems_of_all_areas_are_made(titrant: Run, tmp_path: Path) -> None:
    assert titrant("--difficulty", "3")[0] == 0
    found = asked(tmp_path)
    assert (found["generated"], len(found["areas"]), found["difficulty"]) == (1000, 9, [3, 3])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--area", "list"), "--area 'list': there is no such area, did you mean 'lists'?"),
        (("--area", "lists", "--area", "lists"), "--area 'lists' stands here twice; give it once"),
        (("--difficulty", "4-2"), "--difficulty '4-2': give a level from 1 to 5 or two of them, such as 3 or 2-4"),
        (("--difficulty", "easy"), "--difficulty 'easy': give a level"),
        (("--difficulty", "2-"), "--difficulty '2-': give a level"),
        (("--form", "text", "--form", "text"), "--form 'text' stands here twice; give it once"),
        (("--generated", "0"), "0 is not in the range 1<=x<=10000000"),
        (("--synthesis", "x"), "--synthesis names one of a study's: give STUDY before it"),
        (("--refused",), "--refused says what --out writes: add --out FILE"),
        (("--out", "/nowhere/at/all.jsonl"), "give a file in a folder that exists, or - for standard output"),
        (("--out", "/proc/items.jsonl"), "--out '/proc/items.jsonl': no file can be made in /proc ("),
    ],
)
def test_a_wrong_flag_is_named_and_nothing_is_made(titrant: Run, tmp_path: Path, flags: Any, message: str) -> None:
    status, out, err = titrant(*flags)
    assert (status, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "store").exists()


def test_a_studys_synthesis_is_made_as_it_declares_it(titrant: Run, study: Callable[..., Path], tmp_path: Path) -> None:
    path = study(few={"from": {"generated": 4}, "decontaminate": []}, more={"from": {"generated": 6, "seed": 1}})
    out = tmp_path / "items.jsonl"
    status, said, _ = titrant(path, "--synthesis", "more", "--out", out, "--workers", 1)
    assert status == 0
    assert "6 problems, 5 with an accepted solution" in said
    assert len(records(out)) == 5
    assert asked(tmp_path)["seed"] == 1, "and nothing else is made"
    assert not (tmp_path / "store" / "documents").exists()


def test_which_synthesis_of_a_study_is_meant_must_be_clear(titrant: Run, study: Callable[..., Path]) -> None:
    two = study(few={"from": {"generated": 4}}, more={"from": {"generated": 6}})
    for flags, message in (
        ((two,), "the study 'small' has 2 syntheses: add --synthesis with 'few', 'more'"),
        ((two, "--synthesis", "fw"), "there is no synthesis 'fw', did you mean 'few'?"),
        ((two, "--seed", 3, "--form", "text"), "'--form', '--seed' ask the generator"),
        ((two, "--generated", 3), "'--generated' asks the generator"),
    ):
        status, _, err = titrant(*flags)
        assert status == 2
        assert message in " ".join(err.split())
    none = study()
    assert "declares no synthesis" in titrant(none)[2]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "verified of synthesis 'few', statement-and-solution, python"),
        ({"items": "corrupted", "share": 0.25, "format": "with-tests"}, "corrupted of synthesis 'few', 25% of them, with-tests, python"),
        ({"items": "statement"}, "statement of synthesis 'few'"),
        ({"language": "javascript"}, "verified of synthesis 'few', statement-and-solution, javascript"),
    ],
)  # fmt: skip
def test_data_says_in_words_what_a_source_takes(fields: dict[str, Any], words: str) -> None:
    assert _items_taken(SyntheticItems(synthetic="few", **fields)) == words
