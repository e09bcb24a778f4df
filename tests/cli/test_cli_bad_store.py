"""What happens to a store: damage, full disks, kills, two runs at once. It is named, and nothing is lost.

The stages are the real ones. A store in which a small study ran once is made for the whole file and copied where a
test breaks it.
"""

# ruff: noqa: F811 (fixtures are imported, and named again as arguments)
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_small import artifacts, copy, ended, finished, process, small, titrant  # noqa: F401

from titrant.artifacts import read_record
from titrant.execute.store import open_store


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_damage_is_found_named_set_aside_and_made_again_in_the_same_bytes(copy: Path, finished: Path) -> None:
    store = copy / "store"
    shard = next(store.glob("tokens/code-*/train.bin"))
    weights = next(store.glob("train/balanced-to-text.init*")) / "model.safetensors"
    table = next(store.glob("documents/text-*/*.parquet"))
    record = next(store.glob("split/text-*/record.json"))
    flip(shard)
    flip(table)
    os.truncate(weights, 100)
    record.write_text('{"format"')
    shutil.rmtree(next(store.glob("evaluate/text-to-text.init*")))
    status, _, err = ended(process("report", copy / "study.yaml", "--store", store))
    assert status == 2
    for path, what in (
        (shard, "is damaged: the bytes of train.bin are not those"),
        (record, "record.json is not JSON"),
    ):
        assert re.search(rf"{re.escape(path.parent.relative_to(store).as_posix())} .*{re.escape(what)}", err)
    status, _, err = ended(process("run", copy / "study.yaml", "--store", store, "--workers", "1"))
    assert status == 0, err
    for path in (shard, weights, table, record):
        id_ = path.parent.relative_to(store).as_posix()
        assert re.search(rf"{re.escape(id_)} was damaged: .*; set aside in damaged/\S+ and made again", err)
    assert err.count("start train/") == 1
    assert artifacts(store) == artifacts(finished / "store")


def test_commands_that_only_look_say_what_is_wrong_with_the_store(titrant: Any, copy: Path) -> None:
    (copy / "file").write_text("x")
    assert titrant("run", "study.yaml", "--store", "file")[::2] == (
        2,
        f"error: the store {copy}/file cannot be: {copy}/file is a file; name a folder with --store\n",
    )
    assert (
        "is not a store: it has no store.json but holds '00.py'" in titrant("run", "study.yaml", "--store", "code")[2]
    )
    (copy / "store/store.json").write_text('{"format": 9}')
    for command in (("run", "study.yaml"), ("status", "study.yaml"), ("export", "text->text@tiny#1", "out")):
        assert titrant(*command, "--store", "store")[::2] == (
            2,
            f"error: the store {copy}/store has format 9; this Titrant reads at most 1: it was written by a newer one. "
            "Upgrade Titrant, or name another --store\n",
        )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere", "the store {0}/nowhere cannot be: {0}/nowhere is a symbolic link to {0}/gone, which does not exist; make that folder, or name another with --store"),
        ("nowhere/below", "the store {0}/nowhere/below cannot be: {0}/nowhere is a symbolic link to {0}/gone, which does not exist; make that folder, or name another with --store"),
        ("itself", "the store {0}/itself cannot be: Too many levels of symbolic links; name another folder with --store"),
        ("x" * 300, "cannot be: File name too long; name another folder with --store"),
    ],
    ids=["dangling", "below a dangling one", "a ring", "too long"],
)  # fmt: skip
def test_a_path_that_can_be_no_store_is_one_sentence_for_every_command(
    titrant: Any, tmp_path: Path, place: str, words: str
) -> None:
    study = small(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "itself").symlink_to("itself")
    for command in ("run", "plan", "status", "report"):
        status, _, err = titrant(command, study, "--store", tmp_path / place)
        assert (status, err.count("\n")) == (2, 1)
        assert err.startswith("error: the store ")
        assert words.format(tmp_path) in err
    status, out, _ = titrant("doctor", "--store", tmp_path / place)
    assert status == 0
    assert words.format(tmp_path) in " ".join(out.split())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
def test_where_no_store_can_be_made_a_plan_says_so_and_a_run_is_refused(titrant: Any, tmp_path: Path) -> None:
    study = small(tmp_path)
    words = (
        "the store /proc/x cannot be made: nothing can be written in /proc (No such file or directory); name another "
        "folder with --store\n"
    )
    assert titrant("run", study, "--store", "/proc/x")[::2] == (2, f"error: {words}")
    status, out, err = titrant("plan", study, "--store", "/proc/x")
    assert (status, err) == (0, f"note: {words}")
    assert "to do:" in out
    before = sorted(tmp_path.iterdir())
    assert titrant("plan", study, "--store", tmp_path / "new")[::2] == (0, "")
    assert sorted(tmp_path.iterdir()) == before


def test_renaming_an_arm_trains_nothing_and_an_edited_source_is_explained(titrant: Any, copy: Path) -> None:
    study = copy / "study.yaml"
    study.write_text(study.read_text().replace("balanced->text", "other"))
    _, out, _ = titrant("plan", "study.yaml", "--store", "store", "--json", "-")
    missing = {job["kind"] for job in json.loads(out)["jobs"] if job["state"] != "finished"}
    assert missing <= {"ledger", "findings", "report"}
    (copy / "prose/00.txt").write_text("another text")
    status, out, _ = titrant("explain", "study.yaml", "documents/text", "--store", "store")
    assert status == 0
    assert re.search(r"state +changed: origins\[0\]\.content", out)


def test_command_lines_that_mean_nothing_are_exit_2(titrant: Any, copy: Path) -> None:
    assert "0 is not in the range x>=1" in titrant("run", "study.yaml", "--workers", "0")[2]
    assert "'x' is not a whole number" in titrant("run", "study.yaml", "--workers", "x")[2]
    said = titrant("run", "study.yaml", "--store", "store", "--job", "train/nobody")
    assert said[::2] == (2, "error: the plan of 'demo' has no job 'train/nobody'; `titrant plan` lists them\n")
    said = titrant("evaluate", "study.yaml", "prose", "--store", "store")
    assert said[::2] == (
        2,
        "error: 'prose' holds no config.json: give a folder as `save_pretrained` writes it, tokenizer included\n",
    )
    assert "store knows no run 'x@tiny#1'; it knows" in titrant("export", "x@tiny#1", "out", "--store", "store")[2]
    (copy / "store/studies/demo/runs.json").write_text('{"a": 3}')
    assert "delete it, `titrant run` writes it again" in titrant("export", "x", "out", "--store", "store")[2]


def test_an_exported_run_computes_the_same_and_scores_the_same(titrant: Any, copy: Path) -> None:
    (copy / "full").mkdir()
    (copy / "full/mine").write_text("precious")
    run = "balanced->text@tiny#1"
    assert titrant("export", run, "full", "--store", "store")[::2] == (
        2,
        "error: full exists already: name a folder that does not, so that nothing is overwritten\n",
    )
    assert (copy / "full/mine").read_text() == "precious"
    assert "cannot be written" in titrant("export", run, "full/mine/x", "--store", "store")[2]
    status, out, err = titrant("export", run, "model", "--store", "store")
    assert (status, err) == (0, "")
    assert re.search(r"transformers computes the same logits to \S+e-0[5-9]", out)
    scores = {}
    for named in (run, "model"):
        status, out, _ = titrant("evaluate", "study.yaml", named, "--store", "store")
        assert status == 0
        scores[named] = sorted(re.findall(r"(bits_per_byte/\w+) +(\d\.\d{4})", out))
    assert len(scores[run]) == 2
    assert scores[run] == scores["model"]
    os.truncate(copy / "model/model.safetensors", 1000)
    status, _, err = titrant("evaluate", "study.yaml", "model", "--store", "store")
    assert status == 2
    assert err.startswith("error: transformers cannot load the model in 'model': ")
    assert err.count("\n") == 1


def test_a_run_is_not_exported_with_a_tokenizer_that_was_remade_since(titrant: Any, copy: Path) -> None:
    (tokenizer,) = (copy / "store/tokenizer").iterdir()
    record = read_record(tokenizer)
    remade = record.model_copy(update={"summary": record.summary | {"content": "0" * 64}})
    (tokenizer / "record.json").write_text(remade.model_dump_json())
    status, out, err = titrant("export", "text->text@tiny#1", "out", "--store", "store")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: \S+ was trained with another tokenizer than \S+ now holds; run the study again\n", err)
    assert not (copy / "out").exists()


def test_readers_that_go_away_and_streams_that_are_full_or_closed_leave_no_traceback(finished: Path) -> None:
    command = f"{sys.executable} -m titrant plan {finished}/study.yaml --store {finished}/store"
    for tail, status in ((" | head -c 1", "x"), (" > /dev/full", "2"), (" >&-", "0"), (" >&- 2>&-", "0")):
        done = subprocess.run(["bash", "-c", f"{command}{tail}; echo $? >&2"], capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        if status != "x" and "2>" not in tail:
            assert done.stderr.splitlines()[-1] == status


def test_any_folder_any_name_and_no_home_will_do(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    odd = tmp_path_factory.mktemp("odd") / "mein Ordner é ☃"
    shutil.copytree(copy, odd)
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-m", "titrant", "run", odd / "study.yaml", "--store", odd / "store"],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nothing to do")


def long(content: dict[str, Any]) -> None:
    for source in content["sources"].values():
        source["max_epochs"] = 500
    content["arms"] = {"text": [{"whole": "text"}], "balanced": [{"whole": "balanced"}]}
    content["contrasts"] = [{"arm": "balanced", "control": "text"}]
    content["scales"]["tiny"]["tokens"] = 100_000


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def test_two_runs_kills_ctrl_c_and_a_damaged_scratch_lose_nothing(tmp_path: Path) -> None:
    study, store = small(tmp_path, long), tmp_path / "store"
    arguments = ("run", study, "--store", store, "--workers", "1")
    snapshots = lambda: list(store.glob("work/train-*/scratch/resume-*"))  # noqa: E731
    first = process(*arguments, TITRANT_CHECKPOINT_SECONDS="0.1")
    wait_for(snapshots)
    status, _, err = ended(process(*arguments))
    assert status == 2
    assert re.fullmatch(
        rf"error: the store {re.escape(str(store))} is in use by process {first.pid} on \S+ since [^;]+; wait until it "
        r"is done, or stop it\n",
        err,
    )
    first.kill()
    first.communicate()
    second = process(*arguments)
    assert second.stderr is not None
    wait_for(lambda: "start train/" in second.stderr.readline())  # type: ignore[union-attr]
    second.send_signal(signal.SIGINT)  # its worker is not even born
    status, out, err = ended(second)
    assert status == 130
    assert "killed" not in out + err, "it was asked, not killed"
    (snapshot,) = snapshots()
    flip(next(snapshot.glob("*.distcp")))
    status, _, err = ended(process(*arguments))
    assert status == 0, err
    assert any("was thrown away: it is damaged" in log.read_text() for log in store.glob("train/*/log.txt")), (
        "the log says what was thrown away"
    )
    ours = artifacts(store)
    shutil.rmtree(store)
    assert ended(process(*arguments))[0] == 0
    assert artifacts(store) == ours


def test_a_loss_that_is_no_number_is_a_clear_failure(tmp_path: Path) -> None:
    study = small(tmp_path, lambda c: c["scales"]["tiny"].update(learning_rate=1e30))
    status, _, err = ended(process("run", study, "--store", tmp_path / "store", "--workers", "1"))
    assert status == 1, "a failed job, and not a wrong study"
    assert re.search(r"error: .*loss is not finite at step \d+ of 4 .*lower the learning rate", err)
    assert not list(tmp_path.glob("store/train/*"))


GARBAGE = {
    "nothing": b"",
    "cut off": b'{"a@tiny#1": {"train": "tra',
    "no text": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "a word": b'"runs"',
    "nested beyond reading": b"[" * 100_000,
    "runs that are no mappings": b'{"a@tiny#1": 3}',
    "a run without its tokenizer": b'{"a@tiny#1": {"train": "train/x"}}',
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_a_list_of_runs_that_is_garbage_is_one_sentence_that_names_it(
    titrant: Any, tmp_path: Path, content: bytes
) -> None:
    small(tmp_path)
    runs = open_store(tmp_path / "store", create=True).study_folder("demo") / "runs.json"
    runs.parent.mkdir(parents=True)
    runs.write_bytes(content)
    for command in (("run", "study.yaml"), ("export", "a@tiny#1", "out")):
        status, out, err = titrant(*command, "--store", "store")
        assert (status, out) == (2, "")
        assert re.fullmatch(
            r"error: \S*studies/demo/runs\.json cannot be read \([^\n]+\); delete it, `titrant run` writes it again\n",
            err,
        ), err
    runs.unlink()
    assert "knows no runs yet" in titrant("export", "a@tiny#1", "out", "--store", "store")[2]


@pytest.mark.parametrize("place", ["/etc", "../..", "train/none", "", "x\0y"])
def test_a_run_that_is_listed_where_no_artifact_lies_is_one_sentence(titrant: Any, tmp_path: Path, place: str) -> None:
    runs = open_store(tmp_path / "store", create=True).study_folder("demo") / "runs.json"
    runs.parent.mkdir(parents=True)
    runs.write_text(json.dumps({"a@tiny#1": {"train": place, "tokenizer": place}}))
    status, out, err = titrant("export", "a@tiny#1", "out", "--store", "store")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+`titrant run` makes it[^\n]*\n", err), err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_and_a_read_only_one_are_named_and_lose_nothing(copy: Path, finished: Path) -> None:
    disk = copy / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=800k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    arguments = (copy / "study.yaml", "--store", disk / "store")
    try:
        status, _, err = ended(process("run", *arguments, "--workers", "1"))
        assert status == 2, err
        assert err.splitlines()[-1] == (
            f"error: the disk that holds the store {disk}/store is full; free some space and run again. What was "
            "finished is safe; nothing half-written counts"
        )
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        status, _, err = ended(process("run", *arguments, "--workers", "1"))
        assert status == 0, err
        assert artifacts(disk / "store") == artifacts(finished / "store")
        # another program that walks over all folders just now (a backup, a search) keeps a mount busy for a moment
        wait_for(lambda: subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True).returncode == 0)
        assert ended(process("status", *arguments))[0] == 0
        assert ended(process("run", *arguments))[0] == 0
        assert ended(process("report", *arguments))[::2] == (
            2,
            f"error: the store {disk}/store cannot be written (Read-only file system); give write permission, or name "
            "another --store\n",
        )
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
