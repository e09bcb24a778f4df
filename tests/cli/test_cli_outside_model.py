"""An open model cooled down: from its folder through a study to a folder that plain transformers opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from demo_study import DEMO, lay_out_study
from outside_families import write_model
from titrant.artifacts import Checkpoint, Scores

STUDY = (
    DEMO.partition("arms:")[0]
    + """\
arms:
  text: [{init: text}, {cooldown: text}]
  with-code: [{init: text}, {cooldown: balanced}]
control: text
budget_parts: 6
scales:
  tiny:
    architecture: {hugging_face: model}
    tokens: 6144
    sequence_length: 64
    global_batch_tokens: 512
    learning_rate: 0.003
    attention: within-documents
seeds: [1]
tokenizer: {file: model}
evaluation: {bits_per_byte: {bytes_per_source: 4kB}, checks_per_phase: 1, check_bytes_per_source: 1kB}
statistics: {resamples: 200}
hold_out_fraction: 0.1
"""
).replace("init: {schedule", "init: {initialisation: {checkpoint: model}, schedule")


def titrant(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "titrant", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study after its run."""
    folder = tmp_path_factory.mktemp("outside")
    write_model(folder / "model", "qwen3", seed=5)
    titrant("run", lay_out_study(folder, STUDY), "--store", folder / "store")
    return folder


def test_arms_share_the_start_and_differ_in_the_cooldown(ran: Path) -> None:
    folders = {folder.name.partition("@")[0]: folder for folder in (ran / "store/train").iterdir()}
    assert sorted(folders) == ["text.cooldown", "text.init", "with-code.cooldown"]
    for folder in folders.values():
        assert (folder / "config.json").read_bytes() == (ran / "model/config.json").read_bytes()
        checkpoint = Checkpoint.read(folder)
        assert checkpoint.parameters == checkpoint.non_embedding_parameters + 2 * 300 * 32
    assert Checkpoint.read(folders["text.init"]).final_loss < 6


def test_an_export_opens_in_plain_transformers_and_scores_as_its_run_did(ran: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    said = titrant("export", "with-code@tiny#1", ran / "out", "--store", ran / "store")
    assert "transformers computes the same logits to" in said
    model, tokenizer = AutoModelForCausalLM.from_pretrained(ran / "out"), AutoTokenizer.from_pretrained(ran / "out")
    assert type(model).__name__ == "Qwen3ForCausalLM"
    ids = torch.tensor([tokenizer("x1 = f2(a3, b4)\n")["input_ids"]])
    before = AutoModelForCausalLM.from_pretrained(ran / "model")
    with torch.no_grad():
        assert float(model(ids, labels=ids).loss) < float(before(ids, labels=ids).loss)

    titrant("evaluate", ran / "study.yaml", ran / "out", "--store", ran / "store")
    outside = json.loads((ran / "store/studies/demo/outside/out/scores.json").read_bytes())["scores"]
    (folder,) = (ran / "store/evaluate").glob("with-code.cooldown*")
    own = Scores.read(folder).scores
    assert outside == pytest.approx(own, rel=1e-5)
