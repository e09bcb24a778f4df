"""Which phases run compiled code, and that such a phase too ends in the same bytes however often it is stopped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import VOCABULARY, content, job, write_world

from titrant.artifacts import Checkpoint
from titrant.train import compiled
from titrant.train.compiled import choose_code

CPU = torch.device("cpu")

RUN = """
import pathlib, sys, tiny_run
from titrant.train import compiled, memory
compiled.LEAST_STEP_FLOPS["cpu"], memory.MICRO_BATCH_TOKENS["cpu"] = 0, 48  # three rows, then one: two shapes in a step
inputs = {role: pathlib.Path(folder) for role, folder in zip(sys.argv[3::2], sys.argv[4::2])}
def progress(done, total, unit, note=""):
    if done == int(sys.argv[2]):
        raise KeyboardInterrupt
tiny_run.train(tiny_run.job(precision="bfloat16"), inputs, pathlib.Path(sys.argv[1]), progress=progress)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiled code needs a C++ compiler")
def test_a_compiled_phase_ends_in_the_same_bytes_in_however_many_processes_or_says_what_fails(tmp_path):
    world = write_world(tmp_path / "world")

    def run(folder, stop_after_tokens=-1, **environment):
        arguments = [str(folder), str(stop_after_tokens), *(str(part) for pair in world.items() for part in pair)]
        return subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]), **environment},
            check=False,
            capture_output=True,
            text=True,
        )

    broken = run(tmp_path / "broken", CXX=shutil.which("false"), TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "cache"))
    assert "EngineError: the model cannot be compiled here" in broken.stderr
    assert "set TITRANT_COMPILE=0" in broken.stderr
    assert run(tmp_path / "whole").returncode == 0
    for tokens in (2 * 64 + 48, 5 * 64):
        assert "KeyboardInterrupt" in run(tmp_path / "stopped", tokens).stderr
    assert run(tmp_path / "stopped").returncode == 0
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")
    assert Checkpoint.read(tmp_path / "whole/out").code == "compiled"
    assert "KeyboardInterrupt" in run(tmp_path / "eager", 3 * 64).stderr
    ended = run(tmp_path / "eager", **{compiled.COMPILE: "0"})
    assert "was thrown away: it was made on" in ended.stderr
    assert "eager code, as TITRANT_COMPILE=0 asks" in ended.stderr
    assert Checkpoint.read(tmp_path / "eager/out").code == "eager"
    assert content(tmp_path / "eager")["model.safetensors"] != content(tmp_path / "whole")["model.safetensors"]


def test_the_work_of_a_step_decides_and_not_the_length_of_the_phase(monkeypatch):
    monkeypatch.delenv(compiled.COMPILE, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/" + name)
    notes: list[str] = []

    def chosen(asked, device=CPU):
        return choose_code(asked, VOCABULARY, device, notes.append)

    assert {chosen(job(steps)) for steps in (6, 60_000)} == {"eager"}
    large = {"sequence_length": 512, "global_batch_tokens": 2**26}
    assert {chosen(job(steps, **large)) for steps in (6, 60_000)} == {"compiled"}
    assert chosen(job(**large), torch.device("cuda")) == "compiled"
    small = {"sequence_length": 512, "global_batch_tokens": 2**20}
    assert [chosen(job(**small), torch.device(kind)) for kind in ("cpu", "cuda")] == ["compiled", "eager"]
    assert notes == []


@pytest.mark.parametrize(
    ("setting", "found", "said"), [("0", True, "TITRANT_COMPILE=0"), ("1", False, "no C++ compiler")]
)
def test_a_phase_that_does_without_compiled_code_says_why(monkeypatch, setting, found, said):
    monkeypatch.setenv(compiled.COMPILE, setting)
    monkeypatch.setattr(shutil, "which", lambda name: name if found else None)
    notes: list[str] = []
    asked = job(sequence_length=512, global_batch_tokens=2**26)
    assert choose_code(asked, VOCABULARY, CPU, notes.append) == "eager"
    assert said in notes[0]
